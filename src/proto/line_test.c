/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/line_test.c - sessions of lines: splitting, telling apart, LOG v1 and v2, questions.
 */
#include "proto/test_session.h"

#include "base/time.h"

struct dialogue {
    const char *input, *expected;
};

static void check(const struct dialogue *cases, size_t n)
{
    static struct lc_test_session s = {.limit = 65536};
    for (size_t i = 0; i < n; i++)
        lc_test_splits(lc_slice_cstr(cases[i].input), &lc_test_lines, &s, cases[i].expected);
}

#define CHECK(cases) check(cases, LC_ARRAY_LEN(cases))

static void ends_of_lines(void **state)
{
    LC_UNUSED(state);
    static const struct dialogue cases[] = {
        {"one\ntwo\r\nthree", "plain line=[one]\nplain line=[two]\nleft octets=[three]"},
        {"\n\r\n \n", "empty\nempty\nplain line=[ ]\n"},
        {"a\rb\r\r\n", "plain line=[a\rb\r]\n"}, /* only the CR of the end is dropped */
        {"\r", "left octets=[\r]"},
        {"안녕하세요 🙂\n", "plain line=[안녕하세요 🙂]\n"},
        {"\x1B[31mred\x1B[0m\tbell\x07\n", "plain line=[\x1B[31mred\x1B[0m\tbell\x07]\n"},
        {"\xFF\xFE broken \xC3\n", "plain line=[\xFF\xFE broken \xC3]\n"},
    };
    CHECK(cases);

    static struct lc_test_session s = {.limit = 65536};
    lc_test_splits(LC_LIT("nul\0inside\n\0\n"), &lc_test_lines, &s,
                   "plain line=[nul\\0inside]\nplain line=[\\0]\n");
}

static void overlong_lines(void **state)
{
    LC_UNUSED(state);
    static const struct dialogue cases[] = {
        {"12345678\n", "plain line=[12345678]\n"},
        {"12345678\r\n", "plain line=[12345678]\n"}, /* the limit is the line's, not its end's */
        {"123456789\nnext\n", "cut plain line=[12345678]\nplain line=[next]\n"},
        {"123456789", "cut plain line=[12345678]\n"},
        {"12345678\rx\ny\n", "cut plain line=[12345678]\nplain line=[y]\n"},
        {"12345678", "left octets=[12345678]"},
        {"12345678\r", "left octets=[12345678\r]"},
        {"123456가\nz\n", "cut plain line=[123456]\nplain line=[z]\n"}, /* no half a character */
        {"12345가\n", "plain line=[12345가]\n"},
        {"1234567\xFFxx\n", "cut plain line=[1234567\xFF]\n"},
    };
    static struct lc_test_session s = {.limit = 8};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++)
        lc_test_splits(lc_slice_cstr(cases[i].input), &lc_test_lines, &s, cases[i].expected);
}

static void a_slow_line_is_searched_once(void **state)
{
    LC_UNUSED(state);
    uint8_t octets[100];
    memset(octets, 'x', sizeof octets);
    struct lc_slice line;
    size_t scanned = 0, used = 7;
    assert_lc_err(lc_line_next(lc_slice(octets, 50), 100, &scanned, &line, &used), LC_EMORE);
    assert_int_equal(scanned, 50);
    octets[10] = '\n'; /* among what was searched: not found again */
    assert_lc_err(lc_line_next(lc_slice(octets, 90), 100, &scanned, &line, &used), LC_EMORE);
    assert_int_equal(scanned, 90);
    assert_int_equal(used, 7);
    octets[95] = '\n';
    assert_lc_ok(lc_line_next(lc_slice(octets, 100), 100, &scanned, &line, &used));
    assert_int_equal(scanned, 0);
    assert_int_equal(used, 96);
    assert_lc_err(lc_line_next(lc_slice(NULL, 0), 100, &scanned, &line, &used), LC_EMORE);
    assert_lc_err(lc_line_skip(lc_slice(NULL, 0), &used), LC_EMORE);
    assert_int_equal(used, 0);
}

static void kinds(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *line;
        enum lc_line_kind kind;
    } cases[] = {
        {"", LC_LINE_EMPTY},           {"LOG:", LC_LINE_V1},
        {"LOG|", LC_LINE_V2},          {"LOG", LC_LINE_PLAIN},
        {"LOG ", LC_LINE_PLAIN},       {"log:", LC_LINE_PLAIN},
        {" LOG:", LC_LINE_PLAIN},      {"QUERY:", LC_LINE_QUERY_V1},
        {"QUERY|", LC_LINE_QUERY_V2},  {"QUERY", LC_LINE_PLAIN},
        {"PING", LC_LINE_PING},        {"PING ", LC_LINE_PLAIN},
        {"PINGS", LC_LINE_PLAIN},      {"PIN", LC_LINE_PLAIN},
        {"ping", LC_LINE_PLAIN},       {"STATS", LC_LINE_STATS},
        {"QUIT", LC_LINE_QUIT},        {"QUIT now", LC_LINE_PLAIN},
        {"AUTH|", LC_LINE_AUTH},       {"AUTH|token|x", LC_LINE_AUTH},
        {"AUTH", LC_LINE_PLAIN},       {"ROWS|text", LC_LINE_ROWS},
        {"ROWS|json", LC_LINE_ROWS},   {"ROWS|xml", LC_LINE_PLAIN},
        {"ROWS|jsonl", LC_LINE_PLAIN}, {"<0", LC_LINE_SYSLOG},
        {"<191>", LC_LINE_SYSLOG},     {"<", LC_LINE_PLAIN},
        {"<a>", LC_LINE_PLAIN},        {"{\"message\":1}", LC_LINE_JSON},
    };
    struct lc_test_guard g;
    lc_test_guard_open(&g, 64);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_slice line = lc_test_guard_put(&g, lc_slice_cstr(cases[i].line));
        if (lc_line_kind(line) != cases[i].kind)
            fail_msg("%s", cases[i].line);
    }
    lc_test_guard_close(&g);
}

/* What the clients of the seeds send, octet for octet. */
static void seeds(void **state)
{
    LC_UNUSED(state);
    static const struct dialogue cases[] = {
        {"LOG:1640995200:INFO:Server started\n",
         "v1 time=1640995200.000000000 level=[INFO] message=[Server started]\n"},
        {"QUERY:ERROR\n", "question v1 KEYWORD parameter=[ERROR]\n"},
        {"QUERY:\n", "question v1 KEYWORD parameter=[]\n"},
        {"LOG|ERROR|1640995200|Database connection failed\n",
         "v2 time=1640995200.000000000 level=[ERROR] message=[Database connection failed]\n"},
        {"QUERY|KEYWORD|error\n", "question KEYWORD parameter=[error]\n"},
        {"ERROR: Database connection failed\n", "plain line=[ERROR: Database connection failed]\n"},
    };
    CHECK(cases);
}

static void v1(void **state)
{
    LC_UNUSED(state);
    static const char refused[] = "v1 refused=[expected LOG:<unix seconds>:<level>:<message>]\n";
    static const struct dialogue cases[] = {
        {"LOG:1:WARNING:a:b:c\n", "v1 time=1.000000000 level=[WARN] message=[a:b:c]\n"},
        {"LOG:1.25:fatal:\n", "v1 time=1.250000000 level=[CRIT] message=[]\n"},
        {"LOG::error:x\n", "v1 level=[ERROR] message=[x]\n"},
        {"LOG:::x\n", "v1 message=[x]\n"},
        {"LOG:1:loud:x\n", "v1 time=1.000000000 message=[x] level_text=[loud]\n"},
        {"LOG:-5:I:x\n", "v1 time=-5.000000000 level=[INFO] message=[x]\n"},
        {"LOG:\n", refused},
        {"LOG:1\n", refused},
        {"LOG:1:INFO\n", refused},
        {"LOG:now:INFO:x\n", "v1 refused=[the time is not unix seconds]\n"},
        {"LOG: 1:INFO:x\n", "v1 refused=[the time is not unix seconds]\n"},
    };
    CHECK(cases);
}

static void v2(void **state)
{
    LC_UNUSED(state);
    static const char refused[] = "v2 refused=[expected LOG|<level>|<unix seconds>|<message>]\n";
    static const char no_time[] = "v2 refused=[the time is not unix seconds]\n";
    static const struct dialogue cases[] = {
        {"LOG|INFO|1640995200.123456789|x\n",
         "v2 time=1640995200.123456789 level=[INFO] message=[x]\n"},
        {"LOG|i|1640995200.5|a|b\\|c\\\\\n",
         "v2 time=1640995200.500000000 level=[INFO] message=[a|b\\|c\\\\]\n"},
        {"LOG|||message\n", "v2 message=[message]\n"},
        {"LOG|||\n", "v2 message=[]\n"},
        {"LOG|ERROR||x\r\n", "v2 level=[ERROR] message=[x]\n"},
        {"LOG||0|x\n", "v2 time=0.000000000 message=[x]\n"},
        {"LOG|큰일| |x\n", no_time},
        {"LOG|큰일|1|로그 🙂\n",
         "v2 time=1.000000000 message=[로그 🙂] level_text=[큰일]\n"},
        {"LOG|INFO|1e9|x\n", no_time},
        {"LOG|INFO|1.|x\n", no_time},
        {"LOG|INFO|2026-11-20T18:00:00Z|x\n", no_time},
        {"LOG|INFO|9223372036.854775807|x\n",
         "v2 time=9223372036.854775807 level=[INFO] message=[x]\n"},
        /* milliseconds: impossible as seconds, and kept */
        {"LOG|INFO|1640995200000|x\n",
         "v2 level=[INFO] message=[x] claimed_time=[1640995200000]\n"},
        {"LOG|INFO|-99999999999999999999999999|x\n",
         "v2 level=[INFO] message=[x] claimed_time=[-99999999999999999999999999]\n"},
        {"LOG|\n", refused},
        {"LOG|INFO\n", refused},
        {"LOG|INFO|1\n", refused},
        {"LOG|INFO|1\nLOG|INFO|1|x\n",
         "v2 refused=[expected LOG|<level>|<unix seconds>|<message>]\n"
         "v2 time=1.000000000 level=[INFO] message=[x]\n"},
    };
    CHECK(cases);
}

static void what_a_line_leaves_unsaid_stays(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = {.time_ns = 5, .level = LC_LEVEL_WARN, .pid = LC_LIT("7")};
    struct lc_unplaced unplaced;
    const char *reason = NULL;
    assert_lc_ok(lc_v2_decode(LC_LIT("LOG|odd||x"), &r, &unplaced, &reason));
    assert_int_equal(r.time_ns, 5);
    assert_int_equal(r.level, LC_LEVEL_WARN);
    assert_slice(r.pid, "7");
    assert_slice(unplaced.level_text, "odd");

    assert_lc_err(lc_v2_decode(LC_LIT("LOG|INFO|?|y"), &r, &unplaced, &reason), LC_ESYNTAX);
    assert_int_equal(r.level, LC_LEVEL_WARN);
    assert_slice(r.message, "x");
    assert_slice(unplaced.level_text, "odd");
}

static void questions(void **state)
{
    LC_UNUSED(state);
    static const char unknown[] = "question refused=[unknown query type, expected one of KEYWORD "
                                  "LEVEL TIME SOURCE LAST COUNT QL TAIL STATS SOCKETS]\n";
    static const char expected[] = "question refused=[expected QUERY|<type>|<parameter>]\n";
    static const struct dialogue cases[] = {
        {"QUERY:a|b:c\n", "question v1 KEYWORD parameter=[a|b:c]\n"},
        {"QUERY|LEVEL|ERROR\n", "question LEVEL parameter=[ERROR]\n"},
        {"QUERY|TIME|-15m,\n", "question TIME parameter=[-15m,]\n"},
        {"QUERY|SOURCE|web-1\n", "question SOURCE parameter=[web-1]\n"},
        {"QUERY|LAST|10\r\n", "question LAST parameter=[10]\n"},
        {"QUERY|COUNT|level:ERROR\n", "question COUNT parameter=[level:ERROR]\n"},
        {"QUERY|QL|error | limit 5\n", "question QL parameter=[error | limit 5]\n"},
        {"QUERY|TAIL|\n", "question TAIL parameter=[]\n"},
        {"QUERY|KEYWORD|연결 실패\n", "question KEYWORD parameter=[연결 실패]\n"},
        {"QUERY|STATS\nQUERY|STATS|\n",
         "question STATS parameter=[]\nquestion STATS parameter=[]\n"},
        {"QUERY|SOCKETS\nQUERY|SOCKETS|\n",
         "question SOCKETS parameter=[]\nquestion SOCKETS parameter=[]\n"},
        {"QUERY|SOCKETS|x\n", "question refused=[STATS and SOCKETS take no parameter]\n"},
        {"QUERY|STATS|x\n", "question refused=[STATS and SOCKETS take no parameter]\n"},
        {"QUERY|KEYWORD\n", expected},
        {"QUERY|TAIL\n", expected},
        {"QUERY|\n", unknown},
        {"QUERY||x\n", unknown},
        {"QUERY|keyword|x\n", unknown},
        {"QUERY|KEY|x\n", unknown},
    };
    CHECK(cases);
}

static void pipelined(void **state)
{
    LC_UNUSED(state);
    static const struct dialogue cases[] = {
        {"PING\r\nLOG:1:INFO:x\nAUTH|secret\nROWS|json\nROWS|text\nSTATS\nplain\n\nQUIT\n",
         "ping line=[PING]\nv1 time=1.000000000 level=[INFO] message=[x]\n"
         "auth line=[AUTH|secret]\nrows line=[ROWS|json]\nrows line=[ROWS|text]\n"
         "stats line=[STATS]\nplain line=[plain]\nempty\nquit line=[QUIT]\n"},
    };
    CHECK(cases);
}

static void encoding(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 64);
    struct lc_record r = {
        .time_ns = 1640995200123000000, .level = LC_LEVEL_ERROR, .message = LC_LIT("a|b\\ \r c")};
    assert_lc_ok(lc_v2_encode(&out, &r));
    r = (struct lc_record){.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    assert_lc_ok(lc_v2_encode(&out, &r));
    const char written[] = "LOG|ERROR|1640995200.123|a|b\\ \r c\nLOG|||\n";
    assert_slice(lc_dynbuf_slice(&out), written);

    r.message = LC_LIT("two\nlines");
    assert_lc_err(lc_v2_encode(&out, &r), LC_ESYNTAX);
    r.message = LC_LIT("would lose its CR\r");
    assert_lc_err(lc_v2_encode(&out, &r), LC_ESYNTAX);
    r.message = LC_LIT("more than what is left of the sixty-four octets");
    assert_lc_err(lc_v2_encode(&out, &r), LC_ELIMIT);
    assert_slice(lc_dynbuf_slice(&out), written);
    lc_dynbuf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_of_lines),
        cmocka_unit_test(overlong_lines),
        cmocka_unit_test(a_slow_line_is_searched_once),
        cmocka_unit_test(kinds),
        cmocka_unit_test(seeds),
        cmocka_unit_test(v1),
        cmocka_unit_test(v2),
        cmocka_unit_test(what_a_line_leaves_unsaid_stays),
        cmocka_unit_test(questions),
        cmocka_unit_test(pipelined),
        cmocka_unit_test(encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
