/* SPDX-License-Identifier: Apache-2.0
 *
 * query/parse_test.c - what queries are understood as, and what is said of those that are not.
 */
#include "base/test.h"

#include "base/time.h"
#include "query/print.h"

/* 2026-11-20T18:00:00Z */
#define NOW (INT64_C(1795197600) * LC_NS_PER_S)

static const struct {
    const char *query;
    const char *understood;
} understood[] = {
    /* words, phrases, prefixes */
    {"error", "_msg:\"error\""},
    {"  error\t", "_msg:\"error\""},
    {"\"disk full\"", "_msg:\"disk full\""},
    {"'disk full'", "_msg:\"disk full\""},
    {"`disk \\full`", "_msg:\"disk \\x5cfull\""},
    {"conn*", "_msg:\"conn\"*"},
    {"\"connection re\"*", "_msg:\"connection re\"*"},
    {"\"a\\\"b\\\\c\\n\\x41\\u00e9\\U0001F600\"", "_msg:\"a\\x22b\\x5cc\\x0aAé😀\""},
    {"'it\\'s'", "_msg:\"it's\""},
    {"\"\\xff\"", "_msg:\"\\xff\""},
    {"/var/log/nginx.log", "_msg:\"/var/log/nginx.log\""},
    {"foo-bar", "_msg:\"foo-bar\""},
    {"100%", "_msg:\"100%\""},
    {"로그인", "_msg:\"로그인\""},
    {"로그*", "_msg:\"로그\""},
    {"\"\"", "_msg:\"\""},
    {"*", "*"},
    {"_msg:*", "_msg:*"},
    /* joined */
    {"a b", "(_msg:\"a\" AND _msg:\"b\")"},
    {"a AND b and c", "(_msg:\"a\" AND _msg:\"b\" AND _msg:\"c\")"},
    {"a OR b Or c", "(_msg:\"a\" OR _msg:\"b\" OR _msg:\"c\")"},
    {"a b OR c d", "((_msg:\"a\" AND _msg:\"b\") OR (_msg:\"c\" AND _msg:\"d\"))"},
    {"a (b OR c)", "(_msg:\"a\" AND (_msg:\"b\" OR _msg:\"c\"))"},
    {"(a b) (c d)", "(_msg:\"a\" AND _msg:\"b\" AND _msg:\"c\" AND _msg:\"d\")"},
    {"NOT a", "NOT _msg:\"a\""},
    {"not a b", "(NOT _msg:\"a\" AND _msg:\"b\")"},
    {"!a -b", "(NOT _msg:\"a\" AND NOT _msg:\"b\")"},
    {"-\"a b\" -(c OR d)", "(NOT _msg:\"a b\" AND NOT (_msg:\"c\" OR _msg:\"d\"))"},
    {"NOT NOT a", "NOT NOT _msg:\"a\""},
    {"\"and\" \"OR\" 'not'", "(_msg:\"and\" AND _msg:\"OR\" AND _msg:\"not\")"},
    {"a\nAND\r\nb", "(_msg:\"a\" AND _msg:\"b\")"},
    {"foo *", "(* AND _msg:\"foo\")"},
    /* the cheapest first */
    {"word host:web level:ERROR", "(level:ERROR AND host:\"web\" AND _msg:\"word\")"},
    /* fields */
    {"host:web-1", "host:\"web-1\""},
    {"host : \"web 1\"", "host:\"web 1\""},
    {"host:web*", "host:\"web\"*"},
    {"host:*", "host:*"},
    {"host:\"\"", "host:\"\""},
    {"host:!web", "NOT host:\"web\""},
    {"-host:web", "NOT host:\"web\""},
    {"host:(a OR b)", "(host:\"a\" OR host:\"b\")"},
    {"host:(a* -\"b c\" *)", "(host:\"a\"* AND NOT host:\"b c\" AND host:*)"},
    {"host:!(a b)", "NOT (host:\"a\" AND host:\"b\")"},
    {"\"user name\":kim", "\"user name\":\"kim\""},
    {"service.name:api", "\"service.name\":\"api\""},
    {"path:\"a:b\"", "\"path\":\"a:b\""},
    {"id:1025 pid:7 source:x app:y space:z facility:mail",
     "(id:\"1025\" AND app:\"y\" AND space:\"z\" AND facility:\"mail\" AND pid:\"7\" AND "
     "source:\"x\")"},
    /* levels */
    {"level:error", "level:ERROR"},
    {"level:Warning", "level:WARN"},
    {"level:\"CRIT\"", "level:CRIT"},
    {"level:e*", "(level:ERROR OR level:EMERG)"},
    {"level:*", "level:*"},
    {"level:\"\"", "level:\"\""},
    {"level:>=crit", "(level:CRIT OR level:ALERT OR level:EMERG)"},
    {"level:>crit", "(level:ALERT OR level:EMERG)"},
    {"level:<=debug", "(level:TRACE OR level:DEBUG)"},
    {"level:<debug", "level:TRACE"},
    {"level:<TRACE", "level:<TRACE"},
    {"level:(ERROR OR WARN)", "(level:ERROR OR level:WARN)"},
    /* times */
    {"_time:15m", "_time:>=2026-11-20T17:45:00Z"},
    {"_time:-15m", "_time:>=2026-11-20T17:45:00Z"},
    {"(_time:1h30m)", "_time:>=2026-11-20T16:30:00Z"},
    {"_time:2026-11-20", "_time:[2026-11-20T00:00:00Z, 2026-11-21T00:00:00Z)"},
    {"_time:\"2026-11-20 18:00:00Z\"", "_time:[2026-11-20T18:00:00Z, 2026-11-20T18:00:01Z)"},
    {"_time:2026-11-20T18:00:00.5+09:00",
     "_time:[2026-11-20T09:00:00.500000000Z, 2026-11-20T09:00:00.600000000Z)"},
    {"_time:[2026-11-20, 2026-11-21)", "_time:[2026-11-20T00:00:00Z, 2026-11-21T00:00:00Z)"},
    {"_time:[2026-11-20,2026-11-21]", "_time:[2026-11-20T00:00:00Z, 2026-11-22T00:00:00Z)"},
    {"_time:(2026-11-20, 2026-11-22)", "_time:[2026-11-21T00:00:00Z, 2026-11-22T00:00:00Z)"},
    {"_time:[-2h, -1h)", "_time:[2026-11-20T16:00:00Z, 2026-11-20T17:00:00Z)"},
    {"_time:[now-1h, now)", "_time:[2026-11-20T17:00:00Z, 2026-11-20T18:00:00Z)"},
    {"_time:[1795190400, 1795194000)", "_time:[2026-11-20T16:00:00Z, 2026-11-20T17:00:00Z)"},
    {"_time:>=2026-11", "_time:>=2026-11-01T00:00:00Z"},
    {"_time:>2026-11", "_time:>=2026-12-01T00:00:00Z"},
    {"_time:<2026", "_time:<2026-01-01T00:00:00Z"},
    {"_time:<=2026", "_time:<2027-01-01T00:00:00Z"},
    {"_time:15m error", "(_time:>=2026-11-20T17:45:00Z AND _msg:\"error\")"},
    {"_time:15m|limit 5", "_time:>=2026-11-20T17:45:00Z | limit 5"},
    /* pipes */
    {"* | limit 10", "* | limit 10"},
    {"a | LIMIT 10 | limit 5", "_msg:\"a\" | limit 5"},
    {"* | stats count()", "* | stats count() as \"count(*)\""},
    {"* | stats count(*) n", "* | stats count() as \"n\""},
    {"* | stats by (host, level) count() as n",
     "* | stats by (\"host\", \"level\") count() as \"n\""},
    {"* | stats (\"a b\") count()", "* | stats by (\"a b\") count() as \"count(*)\""},
    {"* | stats by (_time:10m) count() \"how many\"",
     "* | stats by (\"_time\":600000000000ns) count() as \"how many\""},
    {"* | limit 100 | stats by (app) count() | limit 3",
     "* | limit 100 | stats by (\"app\") count() as \"count(*)\" | limit 3"},
    {"COUNT level:ERROR", "level:ERROR | stats count() as \"count(*)\""},
    {"COUNT (a OR b)", "(_msg:\"a\" OR _msg:\"b\") | stats count() as \"count(*)\""},
    {"COUNT", "_msg:\"COUNT\""},
    {"COUNT OR a", "(_msg:\"COUNT\" OR _msg:\"a\")"},
    {"COUNT:5", "\"COUNT\":\"5\""},
    {"COUNT*", "_msg:\"COUNT\"*"},
    {"count a", "(_msg:\"count\" AND _msg:\"a\")"},
};

static void queries_are_understood(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(understood); i++) {
        struct lc_query *q;
        struct lc_diag diag = {0};
        lc_err e = lc_query_parse(lc_slice_cstr(understood[i].query), NOW, &q, &diag);
        if (e != LC_OK)
            print_error("%s: %s\n", understood[i].query, diag.text);
        assert_lc_ok(e);
        struct lc_dynbuf text;
        lc_dynbuf_init(&text, 4096);
        assert_lc_ok(lc_query_print(q, &text));
        assert_slice(lc_dynbuf_slice(&text), understood[i].understood);
        lc_dynbuf_done(&text);
        lc_query_unref(q);
    }
}

#define FILTERS                                                                                    \
    "this version has words, \"phrases\", prefix*, field:value, _time:, AND, OR, NOT and ( )"
#define LEVELS "there are TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT EMERG"
#define A_TIME "write 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, now or -15m"
#define COMPARE                                                                                    \
    "comparing is only for _time and level, as in level:>=WARN; to find the sign itself put the "  \
    "text in quotes"

static const struct {
    const char *query;
    unsigned line, column;
    const char *text;
} refused[] = {
    {"", 1, 1, "the query is empty: * finds everything"},
    {" \n ", 2, 2, "the query is empty: * finds everything"},
    {"| limit 5", 1, 1, "a filter is missing before '|': * finds everything"},
    {"a AND", 1, 6, "a filter is missing after 'AND'"},
    {"a OR OR b", 1, 6, "a filter is missing after 'OR'"},
    {"a\nAND | limit 1", 2, 5, "a filter is missing after 'AND'"},
    {"and a", 1, 1, "a filter is missing before 'and'; to find the word itself write \"and\""},
    {"NOT", 1, 4, "a filter is missing after 'NOT'"},
    {"()", 1, 2, "nothing stands in these parentheses"},
    {"a (b", 1, 3, "this '(' is never closed"},
    {"a (b OR (c d)", 1, 3, "this '(' is never closed"},
    {"a)", 1, 2, "a ')' without its '('"},
    {")", 1, 1, "a ')' without its '('"},
    {"a - b", 1, 3,
     "a '-' alone: -word leaves out what has the word, \"-\" in quotes finds the sign"},
    {"a -", 1, 3,
     "a '-' alone: -word leaves out what has the word, \"-\" in quotes finds the sign"},
    /* quotes */
    {"say \"hello", 1, 5, "the quote \" that opens here is never closed"},
    {"don't", 1, 4, "the quote ' that opens here is never closed"},
    {"`a", 1, 1, "the quote ` that opens here is never closed"},
    {"\"a\\\"", 1, 1, "the quote \" that opens here is never closed"},
    {"\"\\d+\"", 1, 2,
     "no such escape: in \"...\" and '...' there are \\\\ \\\" \\' \\n \\r \\t \\xHH \\uHHHH "
     "\\UHHHHHHHH; write \\\\ for a backslash, or use `...`, where nothing is an escape"},
    /* stars */
    {"*foo", 1, 1, "a '*' can only end a word, as in err*; in quotes it is the sign itself"},
    {"fo*o", 1, 3, "a '*' can only end a word; in quotes it is the sign itself"},
    {"foo**", 1, 4, "a '*' can only end a word; in quotes it is the sign itself"},
    {"\"\"*", 1, 1, "an empty prefix: field:* finds any value"},
    /* signs that mean something else here, or later */
    {":foo", 1, 1,
     "a ':' needs a field's name before it, as in host:web-1; text that holds a ':' needs quotes"},
    {"status=500", 1, 7,
     "'=' is not in this version: write field:value, or \"a=b\" in quotes to find that text"},
    {"host:=web", 1, 6,
     "'=' is not in this version: write field:value, or \"a=b\" in quotes to find that text"},
    {"~\"a.*b\"", 1, 1, "'~' (regular expressions) is not in this version: " FILTERS},
    {"host:~\"a.*b\"", 1, 6, "'~' (regular expressions) is not in this version: " FILTERS},
    {"a > 5", 1, 3, COMPARE},
    {"size:>=5", 1, 6, COMPARE},
    {"<foo>", 1, 1, COMPARE},
    {"{app=\"x\"}", 1, 1,
     "streams in { } are not in this version: use host:, app:, facility:, space:; text that holds "
     "a brace needs quotes"},
    {"[error]", 1, 1,
     "brackets are only for _time:[from, to]; text that holds a bracket needs quotes"},
    {"a, b", 1, 2,
     "a ',' means nothing here: words are joined by AND or OR; text that holds a comma needs "
     "quotes"},
    {"i(error)", 1, 1,
     "'i(...)' is not in this version: " FILTERS "; text that holds parentheses needs quotes"},
    {"ip:ipv4_range(10.0.0.0/8)", 1, 4,
     "'ipv4_range(...)' is not in this version: " FILTERS
     "; text that holds parentheses needs quotes"},
    /* fields */
    {"host:", 1, 6, "a value is missing after 'host:'"},
    {"(host: )", 1, 8, "a value is missing after 'host:'"},
    {"host:and", 1, 6, "a value is missing after 'host:'; to find the word itself write \"and\""},
    {"temp:-5", 1, 6,
     "a '-' goes before the field (-temp:...), and a negative number in quotes (temp:\"-5\")"},
    {"at:12:30", 1, 6, "a value that holds a ':' needs quotes"},
    {"a::b", 1, 3, "a value that holds a ':' needs quotes"},
    {"host:!!a", 1, 7, "one '!' is enough"},
    {"host:(a b:c)", 1, 9,
     "'b:' stands inside of the parentheses of another field; text that holds a ':' needs quotes"},
    {"\"\":a", 1, 1, "a field needs a name"},
    {"_stream:{app=\"x\"}", 1, 1,
     "_stream is not in this version: use host:, app:, facility:, space:"},
    {"level:eror", 1, 7, "unknown level 'eror': " LEVELS},
    {"level:x*", 1, 7, "unknown level 'x': " LEVELS},
    {"level:>=5", 1, 9, "unknown level '5': " LEVELS},
    {"level:>=", 1, 9, "unknown level '': " LEVELS},
    /* times */
    {"_time:", 1, 7,
     "a time is missing: 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, now or -15m"},
    {"_time:5", 1, 7, "'5' needs a unit to be a length of time: ns us ms s m h d w, as in 15m"},
    {"_time:today", 1, 7, "'today' is not a time: " A_TIME},
    {"_time:2026-13", 1, 7, "'2026-13' is not a time: " A_TIME},
    {"_time:2026-11-20T18:00:00Zx", 1, 7, "'2026-11-20T18:00:00Zx' is not a time: " A_TIME},
    {"_time:-15", 1, 7, "'-15' is not a moment: after - comes a length such as 15m, 1h30m or 7d"},
    {"_time:>15m", 1, 8, "'15m' is a length of time: for the moment so long ago put - before it"},
    {"_time:1795197600000", 1, 7,
     "'1795197600000' is out of range: years are 1678 to 2261, and unix time is in seconds"},
    {"_time:9999", 1, 7,
     "'9999' is out of range: years are 1678 to 2261, and unix time is in seconds"},
    {"_time:[2026-11-20 2026-11-21]", 1, 19, "a range of time needs a ',' here: _time:[from, to]"},
    {"_time:[2026-11-20, 2026-11-21", 1, 30,
     "a range of time ends with ']' (its end included) or ')'"},
    {"_time:[2026-11-21, 2026-11-20]", 1, 7, "this range of time ends before it begins"},
    {"_time:[2026-11-21, 2026-11-21)", 1, 7, "this range of time ends before it begins"},
    {"_time:[, 2026]", 1, 8,
     "a time is missing: 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, now or -15m"},
    {"_time:5m offset 1h", 1, 10,
     "offset is not in this version: write _time:[-2h, -1h]; \"offset\" in quotes finds the word"},
    /* pipes */
    {"a |", 1, 4, "a pipe is missing after '|': this version has limit, stats"},
    {"a | sort by (_time)", 1, 5, "unknown pipe 'sort': this version has limit, stats"},
    {"a | limt 5", 1, 5, "unknown pipe 'limt': this version has limit, stats"},
    {"a | limit", 1, 10, "limit needs a number, as in | limit 100"},
    {"a | limit ten", 1, 11, "limit needs a number, as in | limit 100"},
    {"a | limit -5", 1, 11, "limit needs a number, as in | limit 100"},
    {"a | limit 5 b", 1, 13, "'b' is too much here: the next pipe begins with '|'"},
    {"a | stats", 1, 10, "stats needs a function, as in stats by (host) count()"},
    {"a | stats sum(x)", 1, 11, "unknown function 'sum': this version has count()"},
    {"a | stats by host count()", 1, 14,
     "by needs its fields in parentheses, as in stats by (host) count()"},
    {"a | stats by () count()", 1, 15,
     "a field's name is missing, as in stats by (host, level) count()"},
    {"a | stats by (host count()", 1, 20, "a ',' or ')' is missing in the list of fields"},
    {"a | stats by (host:5m) count()", 1, 19,
     "only _time has steps, as in stats by (_time:10m) count()"},
    {"a | stats by (_time:day) count()", 1, 21,
     "the step of _time is a length of time, as in _time:10m"},
    {"a | stats by (_time:0s) count()", 1, 21,
     "the step of _time is a length of time, as in _time:10m"},
    {"a | stats count", 1, 16, "'()' is missing after count"},
    {"a | stats count(host)", 1, 17, "count() counts rows: nothing may stand in its parentheses"},
    {"a | stats count() as", 1, 21, "a name is missing after 'as'"},
    {"a | stats count() as n, count()", 1, 23, "this version has only one function in a stats"},
    {"a | stats count() | stats count()", 1, 21, "this version has only one stats in a query"},
    {"COUNT a | limit 5", 1, 9,
     "COUNT in front stands for the pipe | stats count(): no other pipe may follow; \"COUNT\" in "
     "quotes finds the word"},
};

static void mistakes_are_explained(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(refused); i++) {
        struct lc_query *q;
        struct lc_diag diag = {0};
        struct lc_slice text = lc_slice_cstr(refused[i].query);
        assert_lc_err(lc_query_parse(text, NOW, &q, &diag), LC_ESYNTAX);
        assert_string_equal(diag.text, refused[i].text);
        if (diag.line != refused[i].line || diag.column != refused[i].column)
            print_error("%s: %s\n", refused[i].query, refused[i].text);
        assert_int_equal(diag.line, refused[i].line);
        assert_int_equal(diag.column, refused[i].column);
        /* without a place for the words it is refused all the same */
        assert_lc_err(lc_query_parse(text, NOW, &q, NULL), LC_ESYNTAX);
    }
}

/* What a user wrote is shown in messages, but never as control characters, nor whole pages. */
static void excerpts_are_harmless(void **state)
{
    LC_UNUSED(state);
    struct lc_query *q;
    struct lc_diag diag;
    struct lc_slice bell = LC_LIT("level:\x1b\x07\xff\xc2\x9bx");
    assert_lc_err(lc_query_parse(bell, NOW, &q, &diag), LC_ESYNTAX);
    assert_string_equal(diag.text, "unknown level '?????x': " LEVELS);
    struct lc_slice page = LC_LIT("level:가나다라마바사아자차카타파하가나다라마바사아자차카타파하");
    assert_lc_err(lc_query_parse(page, NOW, &q, &diag), LC_ESYNTAX);
    assert_string_equal(diag.text,
                        "unknown level '가나다라마바사아자차카타파하가나다라마바...': " LEVELS);
}

static lc_err parse_repeated(const char *before, const char *piece, size_t count, const char *after,
                             struct lc_diag *diag)
{
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, 1u << 20);
    assert_lc_ok(lc_dynbuf_append(&text, lc_slice_cstr(before)));
    for (size_t i = 0; i < count; i++)
        assert_lc_ok(lc_dynbuf_append(&text, lc_slice_cstr(piece)));
    assert_lc_ok(lc_dynbuf_append(&text, lc_slice_cstr(after)));
    struct lc_query *q = NULL;
    lc_err e = lc_query_parse(lc_dynbuf_slice(&text), NOW, &q, diag);
    if (e == LC_OK)
        lc_query_unref(q);
    lc_dynbuf_done(&text);
    return e;
}

static void queries_are_bounded(void **state)
{
    LC_UNUSED(state);
    struct lc_diag diag;
    assert_lc_ok(parse_repeated("", "!", LC_QUERY_DEPTH_MAX, "a", &diag));
    assert_lc_err(parse_repeated("", "!", LC_QUERY_DEPTH_MAX + 1, "a", &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "nested too deeply: at most 64 levels");
    assert_int_equal(diag.column, LC_QUERY_DEPTH_MAX + 1);
    assert_lc_err(parse_repeated("", "(", 10000, "a", &diag), LC_ELIMIT);
    assert_lc_err(parse_repeated("x:", "(", 10000, "a", &diag), LC_ELIMIT);

    assert_lc_ok(parse_repeated("a", " a", LC_QUERY_FILTERS_MAX - 2, "", &diag));
    assert_lc_err(parse_repeated("a", " a", LC_QUERY_FILTERS_MAX - 1, "", &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "too many filters: at most 1000");

    assert_lc_ok(parse_repeated("", "x", LC_FIND_TEXT_MAX, "", &diag));
    assert_lc_err(parse_repeated("", "x", LC_FIND_TEXT_MAX + 1, "", &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "this text is too long: at most 1024 octets");

    assert_lc_err(parse_repeated("a", " ", LC_QUERY_TEXT_MAX, "", &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "the query is too long: at most 16384 octets");

    assert_lc_ok(parse_repeated("a | stats by (a", ",a", 15, ") count()", &diag));
    assert_lc_err(parse_repeated("a | stats by (a", ",a", 16, ") count()", &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "too many fields: at most 16");
}

static void pipes_are_known(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *query;
        bool pipes;
    } cases[] = {{"a", false}, {"a | limit 5", true}, {"COUNT a", true}};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_query *q;
        assert_lc_ok(lc_query_parse(lc_slice_cstr(cases[i].query), NOW, &q, NULL));
        assert_int_equal(lc_query_has_pipes(q), cases[i].pipes);
        lc_query_unref(q);
    }
}

static void a_query_tells_the_shape_of_its_answer(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        struct lc_query_shape shape;
    } cases[] = {
        {"error", {false, 0, UINT64_MAX, UINT64_MAX}},
        {"error | limit 20 | limit 10", {false, 0, 10, UINT64_MAX}},
        {"* | stats count()", {true, 0, UINT64_MAX, UINT64_MAX}},
        {"* | limit 9 | stats by (host, level) count() | limit 3", {true, 2, 9, 3}},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_query *q;
        assert_lc_ok(lc_query_parse(lc_slice_cstr(cases[i].text), 0, &q, NULL));
        struct lc_query_shape s = lc_query_shape(q), want = cases[i].shape;
        assert_int_equal(s.is_table, want.is_table);
        assert_int_equal(s.keys, want.keys);
        assert_int_equal(s.row_limit, want.row_limit);
        assert_int_equal(s.table_limit, want.table_limit);
        lc_query_unref(q);
    }
}

/* A scan is cut to the range that the filter can match. */
static void time_is_planned(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *query;
        int64_t from_s, to_s; /* 0: open */
    } cases[] = {
        {"a", 0, 0},
        {"_time:[10000, 20000) a", 10000, 20000},
        {"_time:[10000, 20000) _time:[15000, 30000) a", 15000, 20000},
        {"_time:[10000, 20000) OR _time:[40000, 50000)", 10000, 50000},
        {"_time:[10000, 20000) OR a", 0, 0},
        {"NOT _time:[10000, 20000)", 0, 0},
        {"_time:>=10000 (a OR b (_time:<20000))", 10000, 0},
        {"_time:>=10000 (a OR b) (_time:<20000)", 10000, 20000},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_query *q;
        assert_lc_ok(lc_query_parse(lc_slice_cstr(cases[i].query), NOW, &q, NULL));
        assert_true(q->from_ns ==
                    (cases[i].from_s == 0 ? INT64_MIN : cases[i].from_s * LC_NS_PER_S));
        assert_true(q->to_ns == (cases[i].to_s == 0 ? INT64_MAX : cases[i].to_s * LC_NS_PER_S));
        lc_query_unref(q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_understood),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(excerpts_are_harmless),
        cmocka_unit_test(queries_are_bounded),
        cmocka_unit_test(pipes_are_known),
        cmocka_unit_test(a_query_tells_the_shape_of_its_answer),
        cmocka_unit_test(time_is_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
