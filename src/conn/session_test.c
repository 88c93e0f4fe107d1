/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session_test.c - sessions of lines and octet-counted syslog.
 */
#include "conn/test_conn.h"

#include <stdio.h>

static void limit_of_16(struct lc_test_conn *w)
{
    w->config.line_max = 16;
}

static void each_line_is_told_apart_in_every_split(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(
        LC_LIT("LOG:1640995200:INFO:a\r\nPING\n\nLOG|WARN|2|b|c\nplain\n<13>kern: d\n"
               "LOG|bad\nAUTH|me\nlast"),
        NULL, "a\nb|c\nplain\nd\nlast\n",
        LC_LIT("ACK\nPONG\nOK|2\nACK\n"
               "ERROR|expected LOG|<level>|<unix seconds>|<message>\nERROR|no accounts are set up\n"
               "ACK\n"));
}

static void quit_closes_after_all_answers(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("one\nPING\nQUIT\nnever seen\n"), NULL, "one\n",
                        LC_LIT("ACK\nPONG\n"));
}

static void frames_are_counted_in_every_split(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(
        LC_LIT("17 <13>1 - - - - - -18 <13>1 - - - - - -\n5 PING\n<13>x: line\n9 <13>y: b\n"), NULL,
        "\n\nPING\nline\nb\n", LC_LIT(""));
}

static void both_framings_may_be_mixed(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("<13>x: a\n9 <13>y: b\n<13>z: c\n9 <13>y: d\n"), NULL,
                        "a\nb\nc\nd\n", LC_LIT(""));
}

static void what_is_too_long_is_cut_or_refused(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(
        LC_LIT("LOG:1:INFO:0123456789\nLOG|INFO|1|0123456789\n0123456789ABCDEFGHIJ\n"
               "<13>x: 0123456789ABCDEF\nok\n"),
        limit_of_16, "cut 0123456789ABCDEF\ncut 012345678\nok\n",
        LC_LIT("ERROR:line is longer than 16 octets\nERROR|line is longer than 16 "
               "octets\nACK\nACK\n"));
    lc_test_conn_splits(LC_LIT("24 <13>x: 0123456789ABCDEF\n9 <13>y: b\n"), limit_of_16,
                        "cut 012345678\nb\n", LC_LIT(""));
}

/* What came before the lie is kept, and the lie is told. */
static void counts_that_lie_end_the_session(void **state)
{
    LC_UNUSED(state);
    const char *broken = "broken: an octet count is wrong: no message begins where it ends\n";
    static const struct {
        const char *input, *said;
    } cases[] = {
        {"8 <13>y: a6 <13>y: b8 <13>y: c", "a\n\n"},        /* too short: ` b` is left */
        {"8 <13>y: a11 <13>y: b8 <13>y: c", "a\nb8 <\n"},   /* too long */
        {"8 <13>y: a10 <13>y: b8 <13>y: c", "a\nb8 \nc\n"}, /* just so that a line begins */
        {"8 <13>y: a8x<13>y: b", "a\n"},
        {"8 <13>y: a08 <13>y: b", "a\n"},
        {"8 <13>y: a123456789012 <13>y: b", "a\n"},
        {"8 <13>y: ahello", "a\n"},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        char said[200];
        bool a_line = strstr(cases[i].input, "10 ") != NULL;
        snprintf(said, sizeof said, "%s%s", cases[i].said, a_line ? "" : broken);
        lc_test_conn_splits(lc_slice_cstr(cases[i].input), NULL, said, LC_LIT(""));
    }
}

static void a_line_that_is_too_long_is_a_lie_of_the_count_before_it(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("8 <13>y: a<13>0123456789ABCDEF"), limit_of_16,
                        "a\nbroken: an octet count is wrong: no message begins where it ends\n",
                        LC_LIT(""));
}

static void a_nul_ends_a_syslog_message(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("<13>x: a\0<13>x: b\0\n<13>x: c\r\n\0<13>x: d\0"), NULL,
                        "a\nb\nc\nd\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("<13>x: 0123456789\0<13>x: b\0"), limit_of_16, "cut 012345678\nb\n",
                        LC_LIT(""));
    lc_test_conn_splits(LC_LIT("8 <13>x: a\0"
                               "8 <13>x: b\r\n"),
                        NULL, "a\nb\n", LC_LIT(""));
}

static void a_bom_hides_nothing(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("\xEF\xBB\xBFLOG|||a\n"), NULL, "a\n", LC_LIT("OK|1\n"));
    lc_test_conn_splits(LC_LIT("\xEF\xBB\xBF"
                               "8 <13>x: b"),
                        NULL, "b\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("\xEF\xBBonly in part\n"), NULL, "\xEF\xBBonly in part\n",
                        LC_LIT("ACK\n"));
}

static void a_frame_that_breaks_off_keeps_what_came(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("100 <13>x: broken"), NULL, "cut broken\n", LC_LIT(""));
}

static void short_lines(struct lc_test_conn *w)
{
    w->config.line_max = 16;
    w->config.acks = LC_ACKS_OFF;
}

/* JSON has a limit of its own; what only begins like it has that of lines. */
static void an_object_may_be_longer_than_a_line(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(
        LC_LIT("{\"msg\":\"longer than a line\"}\n"
               "{longer than a line}\n"
               "{\"msg\":\"x\"}\n"
               "{\"msg\":\"without an end\"}"),
        short_lines, "longer than a line\ncut {longer than a l\nx\nwithout an end\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("{longer than a line"), short_lines, "cut {longer than a l\n",
                        LC_LIT(""));
}

static void other_protocols_are_refused_while_they_still_send(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    lc_test_conn_part(&w, LC_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    lc_test_conn_part(&w, LC_LIT("more of it\r\n"));
    lc_test_conn_run(&w);
    assert_memory_equal(w.got.p, "HTTP/1.1 403 Forbidden\r\n", 24);
    assert_slice(lc_dynbuf_slice(&w.said), "");
    assert_int_equal(lc_counted(&w.counters.not_spoken), 1);
    lc_test_conn_end(&w);
}

static void after_the_deadline_it_is_lines(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    w.jump_ns = 11 * LC_NS_PER_S;
    lc_test_conn_part(&w, LC_LIT("9 "));
    lc_test_conn_part(&w, LC_LIT("<13>y: b"));
    lc_test_conn_part(&w, LC_LIT("\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "9 <13>y: b\n");
    lc_test_conn_end(&w);
}

static void lines_that_find_no_room_are_kept_in_order(void **state)
{
    LC_UNUSED(state);
    for (unsigned no_room = 1; no_room < 5; no_room++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        w.no_room = no_room;
        lc_test_conn_part(&w, LC_LIT("LOG|||a\nLOG|||b\n"));
        lc_test_conn_part(&w, LC_LIT("LOG|||c\nd"));
        lc_test_conn_run(&w);
        assert_slice(lc_dynbuf_slice(&w.said), "a\nb\nc\nd\n");
        assert_slice(lc_dynbuf_slice(&w.got), "OK|1\nOK|2\nOK|3\nACK\n");
        assert_int_equal(lc_counted(&w.counters.v2), 3);
        lc_test_conn_end(&w);
    }
}

static void a_single_line_is_acknowledged_a_stream_is_not(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    w.config.acks = LC_ACKS_AUTO;
    lc_test_conn_part(&w, LC_LIT("hello\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "ACK\n");
    lc_test_conn_end(&w);

    lc_test_conn_begin(&w);
    w.config.acks = LC_ACKS_AUTO;
    lc_test_conn_part(&w, LC_LIT("hello\nworld\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "");
    assert_slice(lc_dynbuf_slice(&w.said), "hello\nworld\n");
    lc_test_conn_end(&w);
}

static void waiting_answers_slow_the_sender_down(void **state)
{
    LC_UNUSED(state);
    enum { LINES = 50000, MOST = LC_ANSWERS_OCTETS_MAX / LC_ANSWER_MAX };
    struct lc_test_conn w;
    struct lc_dynbuf input, expected;
    lc_test_conn_begin(&w);
    lc_dynbuf_init(&input, 64 << 20);
    lc_dynbuf_init(&expected, 64 << 20);
    for (unsigned i = 1; i <= LINES; i++) {
        assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("LOG|||x\n")));
        assert_lc_ok(lc_dynbuf_printf(&expected, "OK|%u\n", i));
    }
    w.answer_from = MOST; /* nothing is answered before: the session has to stop by itself */
    lc_test_conn_part(&w, lc_dynbuf_slice(&input));
    lc_test_conn_part(&w, LC_LIT(""));
    w.stay = false;
    lc_test_conn_run(&w);
    assert_slice_eq(lc_dynbuf_slice(&w.got), lc_dynbuf_slice(&expected));
    assert_int_equal(w.ids, LINES);
    lc_dynbuf_done(&input);
    lc_dynbuf_done(&expected);
    lc_test_conn_end(&w);
}

static void questions_are_answered_in_turn(void **state)
{
    LC_UNUSED(state);
    for (unsigned turns = 0; turns < 4; turns++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        w.question_turns = turns;
        lc_test_conn_part(
            &w, LC_LIT("LOG|||x\nQUERY|KEYWORD|a\nPING\nQUERY|COUNT|b\nROWS|json\nSTATS\n"));
        lc_test_conn_run(&w);
        assert_slice(lc_dynbuf_slice(&w.got), "OK|1\nanswer\nPONG\nanswer\nOK\nSTATS|a=1\n");
        lc_test_conn_end(&w);
    }
}

static void v1_closes_when_nothing_more_waits(void **state)
{
    LC_UNUSED(state);
    for (unsigned turns = 0; turns < 3; turns++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        w.question_turns = turns;
        w.stay = true; /* so it must be the session that closes */
        lc_test_conn_part(&w, LC_LIT("QUERY:a\nQUERY:b\n"));
        lc_test_conn_run(&w);
        assert_slice(lc_dynbuf_slice(&w.got), "answer\nanswer\n");
        lc_test_conn_end(&w);
    }
}

static void what_is_not_granted_is_refused(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    w.config.no_questions = "ask elsewhere";
    lc_test_conn_part(&w, LC_LIT("QUERY:a\nQUERY|COUNT|b\nSTATS\nROWS|json\nPING\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.got), "ERROR:ask elsewhere\nERROR|ask elsewhere\n"
                                          "ERROR|ask elsewhere\nERROR|ask elsewhere\nPONG\n");
    assert_int_equal(lc_counted(&w.counters.not_granted), 4);
    lc_test_conn_end(&w);

    lc_test_conn_begin(&w);
    w.config.no_records = "send elsewhere";
    w.stay = true;
    lc_test_conn_part(&w, LC_LIT("LOG:1:INFO:a\nLOG|||b\nhello\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.got),
                 "ERROR:send elsewhere\nERROR|send elsewhere\nERROR:Invalid query format\n");
    assert_slice(lc_dynbuf_slice(&w.said), "");
    lc_test_conn_end(&w);
}

static void a_line_interrupts_a_question(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    w.question_turns = 20;
    lc_test_conn_part(&w, LC_LIT("QUERY|TAIL|a\n"));
    lc_test_conn_part(&w, LC_LIT("\nPI"));
    lc_test_conn_part(&w, LC_LIT("NG\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "? a\ninterrupted\npeer ended\n");
    assert_slice(lc_dynbuf_slice(&w.got), "answer\nPONG\n");
    lc_test_conn_end(&w);
}

/* A line of which no end comes while the question is answered. */
static void a_long_line_interrupts_a_question(void **state)
{
    LC_UNUSED(state);
    static const size_t line_max[] = {16, 64 << 10};
    static char line[20000];
    memset(line, 'x', sizeof line);
    for (size_t i = 0; i < LC_ARRAY_LEN(line_max); i++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        w.config.line_max = line_max[i];
        w.question_turns = 20;
        lc_test_conn_part(&w, LC_LIT("QUERY|TAIL|a\n"));
        lc_test_conn_part(&w, lc_slice(line, i == 0 ? 17 : sizeof line));
        lc_test_conn_part(&w, LC_LIT("\nPING\n"));
        lc_test_conn_run(&w);
        assert_memory_equal(w.said.p, "? a\ninterrupted\n", 16);
        assert_memory_equal(w.got.p, "answer\n", 7);
        lc_test_conn_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_told_apart_in_every_split),
        cmocka_unit_test(quit_closes_after_all_answers),
        cmocka_unit_test(frames_are_counted_in_every_split),
        cmocka_unit_test(both_framings_may_be_mixed),
        cmocka_unit_test(what_is_too_long_is_cut_or_refused),
        cmocka_unit_test(counts_that_lie_end_the_session),
        cmocka_unit_test(a_line_that_is_too_long_is_a_lie_of_the_count_before_it),
        cmocka_unit_test(a_nul_ends_a_syslog_message),
        cmocka_unit_test(a_bom_hides_nothing),
        cmocka_unit_test(an_object_may_be_longer_than_a_line),
        cmocka_unit_test(a_frame_that_breaks_off_keeps_what_came),
        cmocka_unit_test(other_protocols_are_refused_while_they_still_send),
        cmocka_unit_test(after_the_deadline_it_is_lines),
        cmocka_unit_test(lines_that_find_no_room_are_kept_in_order),
        cmocka_unit_test(a_single_line_is_acknowledged_a_stream_is_not),
        cmocka_unit_test(waiting_answers_slow_the_sender_down),
        cmocka_unit_test(questions_are_answered_in_turn),
        cmocka_unit_test(v1_closes_when_nothing_more_waits),
        cmocka_unit_test(what_is_not_granted_is_refused),
        cmocka_unit_test(a_line_interrupts_a_question),
        cmocka_unit_test(a_long_line_interrupts_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
