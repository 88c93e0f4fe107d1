/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/packets_test.c - sessions of length-prefixed frames and of binary v1.
 */
#include "conn/test_conn.h"

/* ---- frames ---- */

static void frames(struct lc_test_conn *w)
{
    w->config.speaks |= LC_SPEAKS(LC_PROTO_FRAMES);
    w->config.acks = LC_ACKS_OFF; /* frames are answered all the same */
    w->config.no_questions = "ask elsewhere";
}

static void each_frame_has_one_answer(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("\0\0\0\13two\nlines\r\n"
                               "\0\0\0\13LOG|||a\nb\n\n"
                               "\0\0\0\7LOG|bad"
                               "\0\0\0\14<13>app: c\nd"
                               "\0\0\0\0"
                               "\0\0\0\5PING\n"
                               "\0\0\0\7QUERY:x"
                               "\0\0\0\6AUTH|t"
                               "\0\0\0\4QUIT"
                               "\0\0\0\1x"),
                        frames, "two\nlines\na\nb\n\nc\nd\n",
                        LC_LIT("\0\0\0\3ACK"
                               "\0\0\0\3ACK"
                               "\0\0\0\x33"
                               "ERROR:expected LOG|<level>|<unix seconds>|<message>"
                               "\0\0\0\3ACK"
                               "\0\0\0\30"
                               "ERROR:the frame is empty"
                               "\0\0\0\4PONG"
                               "\0\0\0\23"
                               "ERROR:ask elsewhere"
                               "\0\0\0\34"
                               "ERROR:no accounts are set up"));
}

static void a_frame_that_breaks_off_is_dropped(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    frames(&w);
    lc_test_conn_part(&w, LC_LIT("\0\0\0\1a\0\0\0\2b"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "a\n");
    assert_int_equal(lc_counted(&w.counters.broken_off), 1);
    assert_int_equal(lc_counted(&w.counters.sessions_frames), 1);
    lc_test_conn_end(&w);
}

static void what_is_no_frame_ends_the_session(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("\0\0\0\1ahello\n\0\0\0\1b"), frames,
                        "a\nbroken: a frame's length does not begin with 00\n",
                        LC_LIT("\0\0\0\3ACK"
                               "\0\0\0\45"
                               "ERROR:no frame begins with this octet"
                               ""));
}

/* 1 MiB is taken, one octet more is refused, and what follows is a frame again. */
static void a_frame_holds_a_mebibyte(void **state)
{
    LC_UNUSED(state);
    enum { MAX = 1 << 20 };
    struct lc_test_conn w;
    struct lc_dynbuf input;
    static uint8_t octets[MAX + 1];
    memset(octets, 'x', sizeof octets);
    lc_test_conn_begin(&w);
    frames(&w);
    lc_dynbuf_init(&input, 4 << 20);
    assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("\0\x10\0\0")));
    assert_lc_ok(lc_dynbuf_append(&input, lc_slice(octets, MAX)));
    assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("\0\x10\0\1")));
    assert_lc_ok(lc_dynbuf_append(&input, lc_slice(octets, MAX + 1)));
    assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("\0\0\0\3end")));
    lc_test_conn_part(&w, lc_dynbuf_slice(&input));
    lc_test_conn_run(&w);
    assert_int_equal(w.said.n, MAX + 1 + 4);
    assert_slice(lc_slice_from(lc_dynbuf_slice(&w.said), MAX), "\nend\n");
    assert_slice_eq(lc_dynbuf_slice(&w.got),
                    LC_LIT("\0\0\0\3ACK\0\0\0\51"
                           "ERROR:frame is longer than 1048576 octets\0\0\0\3ACK"));
    assert_int_equal(lc_counted(&w.counters.too_long), 1);
    lc_dynbuf_done(&input);
    lc_test_conn_end(&w);
}

static void a_full_store_is_told_in_frames(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    frames(&w);
    w.refuses = LC_EFULL;
    w.no_room = 3;
    lc_test_conn_part(&w, LC_LIT("\0\0\0\1a"));
    lc_test_conn_run(&w);
    assert_slice_eq(lc_dynbuf_slice(&w.got), LC_LIT("\0\0\0\26ERROR:Log storage full"));
    lc_test_conn_end(&w);
}

/* ---- binary v1 ---- */

#define HI "\1\1\0\x09\0\0\0\7\5\x61\xcf\x99\x80\0\2hi"

static void binary1(struct lc_test_conn *w)
{
    w->config.speaks |= LC_SPEAKS(LC_PROTO_BINARY_V1);
}

static void packets_are_answered_in_order(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(HI "\1\3\0\0\0\0\0\x08"
                                  "\1\1\0\x07\0\0\0\x09\xff\0\0\0\0\0\0"
                                  "\1\4\0\0\0\0\0\x0a"
                                  "\1\5\0\1\0\0\0\x0b*"
                                  "\1\1\0\2\0\0\0\x0c"
                                  "ab"),
                        binary1, "hi\n\n",
                        LC_LIT("\1\x81\0\x09\0\0\0\7\0\0\0\0\0\0\0\0\1"
                               "\1\x83\0\1\0\0\0\x08\0"
                               "\1\x81\0\x09\0\0\0\x09\0\0\0\0\0\0\0\0\2"
                               "\1\x84\0\5\0\0\0\x0a\0a=1\n"
                               "\1\x85\0\x3b\0\0\0\x0b\2"
                               "unknown command: there are 1 LOG, 2 QUERY, 3 PING, 4 STATS"
                               "\1\x81\0\x3a\0\0\0\x0c\2"
                               "expected level u8, timestamp u32, msg_length u16, message"));
}

static void questions_are_answered_in_packets(void **state)
{
    LC_UNUSED(state);
    for (unsigned turns = 0; turns < 4; turns++) {
        struct lc_test_conn w;
        lc_test_conn_begin(&w);
        binary1(&w);
        w.question_turns = turns;
        lc_test_conn_part(&w, LC_LIT(HI "\1\2\0\3\0\0\0\x08one\1\3\0\0\0\0\0\x09"));
        lc_test_conn_run(&w);
        assert_slice_eq(lc_dynbuf_slice(&w.got), LC_LIT("\1\x81\0\x09\0\0\0\7\0\0\0\0\0\0\0\0\1"
                                                        "\1\x82\0\x08\0\0\0\x08\1answer\n"
                                                        "\1\x82\0\1\0\0\0\x08\0"
                                                        "\1\x83\0\1\0\0\0\x09\0"));
        lc_test_conn_end(&w);
    }
}

static void what_is_not_granted_is_refused_in_packets(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    binary1(&w);
    w.config.no_questions = "no";
    w.config.no_records = "elsewhere";
    lc_test_conn_part(&w, LC_LIT(HI "\1\2\0\0\0\0\0\x08\1\4\0\0\0\0\0\x09"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "");
    assert_slice_eq(lc_dynbuf_slice(&w.got), LC_LIT("\1\x81\0\x0a\0\0\0\7\2elsewhere"
                                                    "\1\x82\0\3\0\0\0\x08\2no"
                                                    "\1\x84\0\3\0\0\0\x09\2no"));
    assert_int_equal(lc_counted(&w.counters.not_granted), 3);
    lc_test_conn_end(&w);
}

static void another_version_ends_the_session(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(HI "\2\3\0\0\0\0\0\x08" HI), binary1,
                        "hi\nbroken: a packet of binary v1 does not begin with 01\n",
                        LC_LIT("\1\x81\0\x09\0\0\0\7\0\0\0\0\0\0\0\0\1"
                               "\1\x83\0\x15\0\0\0\x08\2the version is not 1"));
}

static void a_full_store_is_told_in_packets(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    binary1(&w);
    w.refuses = LC_EFULL;
    lc_test_conn_part(&w, LC_LIT(HI HI));
    lc_test_conn_run(&w);
    assert_slice_eq(lc_dynbuf_slice(&w.got), LC_LIT("\1\x81\0\x11\0\0\0\7\2Log storage full"
                                                    "\1\x81\0\x11\0\0\0\7\2Log storage full"));
    lc_test_conn_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_has_one_answer),
        cmocka_unit_test(a_frame_that_breaks_off_is_dropped),
        cmocka_unit_test(what_is_no_frame_ends_the_session),
        cmocka_unit_test(a_frame_holds_a_mebibyte),
        cmocka_unit_test(a_full_store_is_told_in_frames),
        cmocka_unit_test(packets_are_answered_in_order),
        cmocka_unit_test(questions_are_answered_in_packets),
        cmocka_unit_test(what_is_not_granted_is_refused_in_packets),
        cmocka_unit_test(another_version_ends_the_session),
        cmocka_unit_test(a_full_store_is_told_in_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
