/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/packets_test.c - length-prefixed frames, and the packets of binary v1.
 */
#include "base/test.h"

#include "proto/binary1.h"
#include "proto/prefixed.h"

static size_t feed_prefixed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    size_t spent = 0, length, used;
    struct lc_slice frame;
    LC_UNUSED(arg);
    while (spent < in.n &&
           lc_prefixed_next(lc_slice_from(in, spent), &frame, &used, &length) == LC_OK) {
        assert_lc_ok(lc_dynbuf_printf(said, "[%.*s]", (int)frame.n, (const char *)frame.p));
        spent += used;
    }
    return spent;
}

static void frames_in_every_split(void **state)
{
    LC_UNUSED(state);
    static const struct lc_test_codec codec = {.feed = feed_prefixed};
    lc_test_splits(LC_LIT("\0\0\0\5hello\0\0\0\0\0\0\0\3a\nb\0\0\0\2x"), &codec, NULL,
                   "[hello][][a\nb]");
}

static void a_frame_has_a_limit(void **state)
{
    LC_UNUSED(state);
    struct lc_slice frame = LC_LIT("untouched");
    size_t used = 0, length = 0;
    assert_lc_err(lc_prefixed_next(LC_LIT("\0\x10\0\0x"), &frame, &used, &length), LC_EMORE);
    assert_lc_err(lc_prefixed_next(LC_LIT("\0\x10\0\1x"), &frame, &used, &length), LC_ELIMIT);
    assert_int_equal(used, 4);
    assert_int_equal(length, LC_PREFIXED_MAX + 1);
    assert_lc_err(lc_prefixed_next(LC_LIT("\1"), &frame, &used, &length), LC_ESYNTAX);
    assert_slice(frame, "untouched");

    uint8_t head[LC_PREFIXED_HEAD];
    lc_prefixed_head(0x12345, head);
    assert_slice_eq(lc_slice(head, sizeof head), LC_LIT("\0\1\x23\x45"));
}

static size_t feed_binary1(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct lc_binary1 p;
    size_t spent = 0, used = 0;
    LC_UNUSED(arg);
    while (spent < in.n && lc_binary1_next(lc_slice_from(in, spent), &p, &used) == LC_OK) {
        struct lc_binary1_log log;
        const char *reason;
        spent += used;
        if (p.command != LC_BINARY1_LOG)
            assert_lc_ok(lc_dynbuf_printf(said, "%u %u %.*s;", p.command, p.sequence,
                                          (int)p.payload.n, (const char *)p.payload.p));
        else if (lc_binary1_log(p.payload, &log, &reason) != LC_OK)
            assert_lc_ok(lc_dynbuf_printf(said, "%s;", reason));
        else
            assert_lc_ok(lc_dynbuf_printf(said, "LOG %u %u %u %.*s;", p.sequence, log.level,
                                          log.seconds, (int)log.message.n,
                                          (const char *)log.message.p));
    }
    return spent;
}

static void packets_in_every_split(void **state)
{
    LC_UNUSED(state);
    static const struct lc_test_codec codec = {.feed = feed_binary1};
    lc_test_splits(LC_LIT("\1\1\0\x09\0\0\0\7\5\x61\xcf\x99\x80\0\2hi"
                          "\1\2\0\1\xff\xff\xff\xff*"
                          "\1\3\0\0\0\0\1\0"
                          "\1\1\0\3\0\0\0\0abc"
                          "\1\1\0\x09\0\0\0\7\5\x61\xcf\x99\x80\0\3hi"
                          "\1\1\0\x09\0\0\0\7\5\x61\xcf\x99\x80\0\1hi"
                          "\1\xff\0\1\0\0\0\1"),
                   &codec, NULL,
                   "LOG 7 5 1640995200 hi;2 4294967295 *;3 256 ;"
                   "expected level u8, timestamp u32, msg_length u16, message;"
                   "msg_length does not agree with the packet's length;"
                   "msg_length does not agree with the packet's length;");
}

static void another_version_is_none(void **state)
{
    LC_UNUSED(state);
    struct lc_binary1 p = {0};
    size_t used = 0;
    assert_lc_err(lc_binary1_next(LC_LIT("\2\3\0\0\0\0\0\11"), &p, &used), LC_ESYNTAX);
    assert_int_equal(p.command, 3);
    assert_int_equal(p.sequence, 9);
}

static void answers_are_packets(void **state)
{
    LC_UNUSED(state);
    uint8_t head[LC_BINARY1_ANSWER_HEAD];
    lc_binary1_answer(LC_BINARY1_QUERY, 0x01020304, LC_BINARY1_MORE, LC_BINARY1_TEXT_MAX, head);
    assert_slice_eq(lc_slice(head, sizeof head), LC_LIT("\1\x82\xff\xff\1\2\3\4\1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_every_split),  cmocka_unit_test(a_frame_has_a_limit),
        cmocka_unit_test(packets_in_every_split), cmocka_unit_test(another_version_is_none),
        cmocka_unit_test(answers_are_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
