/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cursor_test.c - reading and writing binary data within bounds.
 */
#include "base/test.h"

#include "base/cursor.h"

static void fixed_widths_have_their_order(void **state)
{
    LC_UNUSED(state);
    uint8_t memory[29];
    struct lc_writer w = lc_writer(memory, sizeof memory);
    lc_write_u8(&w, 0x01);
    lc_write_u16_le(&w, 0x0203);
    lc_write_u16_be(&w, 0x0203);
    lc_write_u32_le(&w, 0x04050607);
    lc_write_u32_be(&w, 0x04050607);
    lc_write_u64_le(&w, UINT64_C(0x08090A0B0C0D0E0F));
    lc_write_u64_be(&w, UINT64_C(0x08090A0B0C0D0E0F));
    assert_lc_ok(w.err);
    struct lc_slice written = lc_writer_done(&w);
    assert_slice(written, "\x01\x03\x02\x02\x03\x07\x06\x05\x04\x04\x05\x06\x07"
                          "\x0F\x0E\x0D\x0C\x0B\x0A\x09\x08\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F");

    struct lc_reader r = lc_reader(written);
    assert_int_equal(lc_read_u8(&r), 0x01);
    assert_int_equal(lc_read_u16_le(&r), 0x0203);
    assert_int_equal(lc_read_u16_be(&r), 0x0203);
    assert_int_equal(lc_read_u32_le(&r), 0x04050607);
    assert_int_equal(lc_read_u32_be(&r), 0x04050607);
    assert_true(lc_read_u64_le(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_true(lc_read_u64_be(&r) == UINT64_C(0x08090A0B0C0D0E0F));
    assert_lc_ok(r.err);
    assert_int_equal(lc_reader_left(&r), 0);
}

static void a_reader_keeps_its_first_error(void **state)
{
    LC_UNUSED(state);
    struct lc_test_guard g;
    lc_test_guard_open(&g, 16);
    struct lc_reader r = lc_reader(lc_test_guard_put(&g, LC_LIT("\xFF\xFF\xFF")));
    assert_int_equal(lc_read_u32_be(&r), 0);
    assert_lc_err(r.err, LC_EMORE);
    assert_int_equal(lc_read_u8(&r), 0); /* one octet would be there */
    assert_int_equal(lc_read_bytes(&r, 1).n, 0);
    assert_int_equal(lc_read_varint(&r), 0);
    assert_lc_err(r.err, LC_EMORE);

    r = lc_reader(lc_slice(NULL, 0));
    assert_int_equal(lc_read_bytes(&r, 0).n, 0);
    assert_lc_ok(r.err);
    assert_int_equal(lc_read_u8(&r), 0);
    assert_lc_err(r.err, LC_EMORE);

    r = lc_reader(LC_LIT("abc"));
    assert_int_equal(lc_read_bytes(&r, SIZE_MAX).n, 0);
    assert_lc_err(r.err, LC_EMORE);
    lc_test_guard_close(&g);
}

static void bytes_are_borrowed(void **state)
{
    LC_UNUSED(state);
    struct lc_slice in = LC_LIT("abcdef");
    struct lc_reader r = lc_reader(in);
    assert_slice(lc_read_bytes(&r, 2), "ab");
    struct lc_slice rest = lc_read_bytes(&r, 4);
    assert_slice(rest, "cdef");
    assert_ptr_equal(rest.p, in.p + 2);
}

static void a_full_writer_writes_nothing_more(void **state)
{
    LC_UNUSED(state);
    uint8_t memory[4] = {9, 9, 9, 9};
    struct lc_writer w = lc_writer(memory, 3);
    lc_write_u16_be(&w, 0x0102);
    lc_write_u16_be(&w, 0x0304);
    assert_lc_err(w.err, LC_ELIMIT);
    lc_write_u8(&w, 5); /* would fit */
    assert_lc_err(w.err, LC_ELIMIT);
    assert_slice(lc_writer_done(&w), "\x01\x02");
    assert_int_equal(memory[2], 9);
    assert_int_equal(memory[3], 9);
}

/* Writes `v`, compares the octets, reads it back from a guard page. */
static void check_varint(uint64_t v, struct lc_slice octets)
{
    uint8_t memory[LC_VARINT_MAX];
    struct lc_writer w = lc_writer(memory, sizeof memory);
    lc_write_varint(&w, v);
    assert_lc_ok(w.err);
    assert_slice_eq(lc_writer_done(&w), octets);

    struct lc_test_guard g;
    lc_test_guard_open(&g, LC_VARINT_MAX);
    struct lc_reader r = lc_reader(lc_test_guard_put(&g, octets));
    assert_true(lc_read_varint(&r) == v);
    assert_lc_ok(r.err);
    assert_int_equal(lc_reader_left(&r), 0);
    for (size_t n = 0; n < octets.n; n++) {
        r = lc_reader(lc_test_guard_put(&g, lc_slice(octets.p, n)));
        assert_int_equal(lc_read_varint(&r), 0);
        assert_lc_err(r.err, LC_EMORE);
    }
    lc_test_guard_close(&g);
}

static void varints(void **state)
{
    LC_UNUSED(state);
    check_varint(0, LC_LIT("\x00"));
    check_varint(127, LC_LIT("\x7F"));
    check_varint(128, LC_LIT("\x80\x01"));
    check_varint(624485, LC_LIT("\xE5\x8E\x26"));
    check_varint(UINT32_MAX, LC_LIT("\xFF\xFF\xFF\xFF\x0F"));
    check_varint(UINT64_C(1) << 63, LC_LIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
    check_varint(UINT64_MAX, LC_LIT("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
}

static void varints_past_64_bits_are_refused(void **state)
{
    LC_UNUSED(state);
    static const struct lc_slice bad[] = {
        {(const uint8_t *)"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10}, /* ends here */
        {(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
        {(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x82\x00", 11},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        struct lc_reader r = lc_reader(bad[i]);
        assert_int_equal(lc_read_varint(&r), 0);
        assert_lc_err(r.err, LC_ESYNTAX);
    }
}

static void signed_varints(void **state)
{
    LC_UNUSED(state);
    static const struct {
        int64_t v;
        uint64_t zigzag;
    } cases[] = {
        {0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        uint8_t memory[LC_VARINT_MAX];
        struct lc_writer w = lc_writer(memory, sizeof memory);
        lc_write_svarint(&w, cases[i].v);
        assert_lc_ok(w.err);
        struct lc_reader as_unsigned = lc_reader(lc_writer_done(&w));
        assert_true(lc_read_varint(&as_unsigned) == cases[i].zigzag);
        struct lc_reader as_signed = lc_reader(lc_writer_done(&w));
        assert_true(lc_read_svarint(&as_signed) == cases[i].v);
        assert_lc_ok(as_signed.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_widths_have_their_order),
        cmocka_unit_test(a_reader_keeps_its_first_error),
        cmocka_unit_test(bytes_are_borrowed),
        cmocka_unit_test(a_full_writer_writes_nothing_more),
        cmocka_unit_test(varints),
        cmocka_unit_test(varints_past_64_bits_are_refused),
        cmocka_unit_test(signed_varints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
