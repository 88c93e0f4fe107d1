/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/msgpack_test.c - MessagePack: every type of its specification, whole and in pieces.
 */
#include "base/test.h"

#include <stdlib.h>

#include "proto/msgpack.h"
#include "proto/test_session.h"

/* What stands in an array of one, and its JSON text. */
#define ONE(octets) "\x91" octets, sizeof("\x91" octets) - 1
static const struct {
    const char *octets;
    size_t n;
    const char *json;
} values[] = {
    {ONE("\xC0"), "[null]"},
    {ONE("\xC2"), "[false]"},
    {ONE("\xC3"), "[true]"},
    {ONE("\x00"), "[0]"},
    {ONE("\x7F"), "[127]"},
    {ONE("\xFF"), "[-1]"},
    {ONE("\xE0"), "[-32]"},
    {ONE("\xCC\xFF"), "[255]"},
    {ONE("\xCD\xFF\xFE"), "[65534]"},
    {ONE("\xCE\xFF\xFF\xFF\xFE"), "[4294967294]"},
    {ONE("\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "[18446744073709551615]"},
    {ONE("\xD0\x80"), "[-128]"},
    {ONE("\xD0\x05"), "[5]"},
    {ONE("\xD1\x80\x00"), "[-32768]"},
    {ONE("\xD2\x80\x00\x00\x00"), "[-2147483648]"},
    {ONE("\xD3\x80\x00\x00\x00\x00\x00\x00\x00"), "[-9223372036854775808]"},
    {ONE("\xCA\x3F\x80\x00\x00"), "[1.0]"},
    {ONE("\xCA\x3D\xCC\xCC\xCD"), "[0.1]"},
    {ONE("\xCB\x3F\xB9\x99\x99\x99\x99\x99\x9A"), "[0.1]"},
    {ONE("\xCB\x7E\x37\xE4\x3C\x88\x00\x75\x9C"), "[1e+300]"},
    {ONE("\xCB\x7F\xF0\x00\x00\x00\x00\x00\x00"), "[\"Infinity\"]"},
    {ONE("\xCB\xFF\xF8\x00\x00\x00\x00\x00\x00"), "[\"NaN\"]"},
    {ONE("\xA0"), "[\"\"]"},
    {ONE("\xA3\"b\n"), "[\"\\\"b\\n\"]"},
    {ONE("\xD9\x01x"), "[\"x\"]"},
    {ONE("\xDA\x00\x01x"), "[\"x\"]"},
    {ONE("\xDB\x00\x00\x00\x01x"), "[\"x\"]"},
    {ONE("\xC4\x01\xFF"), "[\"\xEF\xBF\xBD\"]"},
    {ONE("\xC5\x00\x01x"), "[\"x\"]"},
    {ONE("\xC6\x00\x00\x00\x01x"), "[\"x\"]"},
    {ONE("\x90"), "[[]]"},
    {ONE("\xDC\x00\x01\x05"), "[[5]]"},
    {ONE("\xDD\x00\x00\x00\x01\x05"), "[[5]]"},
    {ONE("\x80"), "[{}]"},
    {ONE("\x82\xA1"
         "a\x01\xA1"
         "b\x92\x90\x80"),
     "[{\"a\":1,\"b\":[[],{}]}]"},
    {ONE("\xDE\x00\x01\x05\x06"), "[{\"5\":6}]"},
    {ONE("\xDF\x00\x00\x00\x01\xC0\xC0"), "[{\"\":null}]"},
    {ONE("\xD4\x05x"), "[\"x\"]"},
    {ONE("\xD5\x05xy"), "[\"xy\"]"},
    {ONE("\xD6\xFF\x00\x00\x00\x01"), "[\"1970-01-01T00:00:01Z\"]"},
    {ONE("\xD7\xFF\x00\x00\x00\x04\x00\x00\x00\x01"), "[\"1970-01-01T00:00:01.000000001Z\"]"},
    {ONE("\xD7\x00\x00\x00\x00\x01\x00\x00\x00\x02"), "[\"1970-01-01T00:00:01.000000002Z\"]"},
    {ONE("\xC7\x0C\xFF\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"),
     "[\"1970-01-01T00:00:01.000000001Z\"]"},
    {ONE("\xD8\x05"
         "0123456789abcdef"),
     "[\"0123456789abcdef\"]"},
    {ONE("\xC7\x01\x05x"), "[\"x\"]"},
    {ONE("\xC8\x00\x01\x05x"), "[\"x\"]"},
    {ONE("\xC9\x00\x00\x00\x01\x05x"), "[\"x\"]"},
};

static void every_type(void **state)
{
    LC_UNUSED(state);
    struct lc_test_guard guard;
    struct lc_dynbuf json;
    lc_test_guard_open(&guard, 64);
    lc_dynbuf_init(&json, 256);
    for (size_t i = 0; i < LC_ARRAY_LEN(values); i++) {
        struct lc_msgpack_extent kept = {0, 0};
        size_t used = 0;
        for (size_t n = 0; n < values[i].n; n++) {
            struct lc_slice part = lc_test_guard_put(&guard, lc_slice(values[i].octets, n));
            struct lc_msgpack_extent fresh = {0, 0};
            assert_lc_err(lc_msgpack_whole(part, 64, &kept, &used), LC_EMORE);
            assert_lc_err(lc_msgpack_whole(part, 64, &fresh, &used), LC_EMORE);
            assert_lc_err(lc_msgpack_json(part, &json), LC_ESYNTAX);
        }
        struct lc_slice whole = lc_test_guard_put(&guard, lc_slice(values[i].octets, values[i].n));
        assert_lc_ok(lc_msgpack_whole(whole, 64, &kept, &used));
        assert_int_equal(used, values[i].n);
        assert_true(kept.at == 0 && kept.pending == 0);
        json.n = 0;
        assert_lc_ok(lc_msgpack_json(whole, &json));
        assert_slice(lc_dynbuf_slice(&json), values[i].json);
    }
    lc_dynbuf_done(&json);
    lc_test_guard_close(&guard);
}

static void bounds(void **state)
{
    LC_UNUSED(state);
    struct lc_msgpack_extent e = {0, 0};
    size_t used = 0;
    /* a count or a length is over the limit as soon as it is seen */
    assert_lc_err(lc_msgpack_whole(LC_LIT("\xDD\xFF\xFF\xFF\xFF"), 1000, &e, &used), LC_ELIMIT);
    assert_lc_err(lc_msgpack_whole(LC_LIT("\xDF\xFF\xFF\xFF\xFF"), 1000, &e, &used), LC_ELIMIT);
    assert_lc_err(lc_msgpack_whole(LC_LIT("\xC6\xFF\xFF\xFF\xFF"), 1000, &e, &used), LC_ELIMIT);
    assert_lc_err(lc_msgpack_whole(LC_LIT("\xC9\xFF\xFF\xFF\xFF"), 1000, &e, &used), LC_ELIMIT);
    assert_lc_err(lc_msgpack_whole(LC_LIT("\xA5hello"), 5, &e, &used), LC_ELIMIT);
    assert_lc_ok(lc_msgpack_whole(LC_LIT("\xA5hello"), 6, &e, &used));
    assert_lc_err(lc_msgpack_whole(LC_LIT("\x91\xC1"), 1000, &e, &used), LC_ESYNTAX);
    /* a hundred arrays inside each other are whole, and too deep for JSON */
    uint8_t deep[101];
    struct lc_dynbuf json;
    memset(deep, 0x91, 100);
    deep[100] = 0;
    e = (struct lc_msgpack_extent){0, 0};
    assert_lc_ok(lc_msgpack_whole(lc_slice(deep, sizeof deep), 1000, &e, &used));
    assert_int_equal(used, sizeof deep);
    lc_dynbuf_init(&json, 256);
    assert_lc_err(lc_msgpack_json(lc_slice(deep, sizeof deep), &json), LC_ELIMIT);
    lc_dynbuf_done(&json);
}

static void to_members(void **state)
{
    LC_UNUSED(state);
    struct lc_members *m = malloc(sizeof *m);
    struct lc_dynbuf said;
    assert_non_null(m);
    lc_members_begin(m);
    struct lc_slice in = LC_LIT("\x85\xA3log\xC4\x02\xFF\n" /* binary */
                                "\xA1"
                                "a\x82\xA1"
                                "b\xCB\x3F\xF8\x00\x00\x00\x00\x00\x00"
                                "\xA1"
                                "c\x92\x01\xC0" /* an array of the map a */
                                "\x07\xA3ten"   /* a number as name */
                                "\xA1"
                                "e\x80"
                                "\xA1n\xC0");
    assert_lc_ok(lc_msgpack_members(in, m));
    struct lc_record r = {.level = LC_LEVEL_NONE, .time_ns = 1};
    struct lc_unplaced unplaced;
    assert_true(lc_members_record(m, 0, &r, &unplaced));
    r.time_ns = LC_TIME_ABSENT;
    lc_dynbuf_init(&said, 1024);
    lc_test_say_record(&said, &r);
    assert_slice(lc_dynbuf_slice(&said),
                 " name=[a.b] float=[1.5] name=[a.c] value=[[1,null]] name=[7] value=[ten]"
                 " name=[e] value=[{}] name=[n] null=[] message=[\xFF\n]");
    lc_dynbuf_done(&said);

    static const char *const bad[] = {"\x81",         "\x81\xA1x", "\x90",
                                      "\x81\x90\x01", "\x80\x01",  "\x81\xA1x\x81\x90\x01"};
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        lc_members_begin(m);
        assert_lc_err(lc_msgpack_members(lc_slice_cstr(bad[i]), m), LC_ESYNTAX);
    }
    free(m);
}

/* What is too deep for JSON text is left out, and what follows it is not. */
static void too_deep_is_left_out(void **state)
{
    LC_UNUSED(state);
    struct lc_members *m = malloc(sizeof *m);
    uint8_t in[200] = {0x82, 0xA1, 'x'};
    assert_non_null(m);
    memset(in + 3, 0x91, 100);
    memcpy(in + 103, "\x00\xA1y\x01", 4);
    lc_members_begin(m);
    assert_lc_ok(lc_msgpack_members(lc_slice(in, 107), m));
    assert_true(m->is_cut);
    assert_int_equal(m->count, 1);
    assert_slice(m->fields[0].name, "y");
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(bounds),
        cmocka_unit_test(to_members),
        cmocka_unit_test(too_deep_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
