/* SPDX-License-Identifier: Apache-2.0
 *
 * base/hash_test.c - CRC-32C by both ways, and the hash of tables.
 */
#include "base/test.h"

#include "base/hash.h"

/* RFC 3720 appendix B.4; the octets of its CRCs, read as little-endian numbers. */
static void crc_of_the_rfc(void **state)
{
    LC_UNUSED(state);
    uint8_t zeroes[32], ones[32], up[32], down[32];
    memset(zeroes, 0, sizeof zeroes);
    memset(ones, 0xFF, sizeof ones);
    for (uint8_t i = 0; i < 32; i++) {
        up[i] = i;
        down[i] = (uint8_t)(31 - i);
    }
    static const uint8_t read_command[48] = {
        0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    const struct {
        struct lc_slice in;
        uint32_t crc;
    } cases[] = {
        {lc_slice(zeroes, 32), 0x8A9136AA},
        {lc_slice(ones, 32), 0x62A8AB43},
        {lc_slice(up, 32), 0x46DD794E},
        {lc_slice(down, 32), 0x113FDB5C},
        {lc_slice(read_command, 48), 0xD9963A56},
        {LC_LIT("123456789"), 0xE3069283},
        {lc_slice(NULL, 0), 0},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        assert_int_equal(lc_crc32c(0, cases[i].in), cases[i].crc);
        assert_int_equal(lc_crc32c_by_table(0, cases[i].in), cases[i].crc);
    }
}

/* All lengths and alignments around the eight-octet step, cut anywhere, both ways. */
static void crc_of_parts_is_that_of_the_whole(void **state)
{
    LC_UNUSED(state);
    uint8_t octets[64];
    for (unsigned i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 37 + 11);
    for (size_t from = 0; from < 8; from++) {
        for (size_t n = 0; n <= 40; n++) {
            struct lc_slice s = lc_slice(octets + from, n);
            uint32_t whole = lc_crc32c(0, s);
            assert_int_equal(lc_crc32c_by_table(0, s), whole);
            size_t cut = n / 3;
            uint32_t head = lc_crc32c(0, lc_slice(s.p, cut));
            assert_int_equal(lc_crc32c(head, lc_slice_from(s, cut)), whole);
            assert_int_equal(lc_crc32c_by_table(head, lc_slice_from(s, cut)), whole);
        }
    }
}

static void hashes_differ_by_text_and_seed(void **state)
{
    LC_UNUSED(state);
    assert_true(lc_hash64(LC_LIT("web-1"), 1) == lc_hash64(LC_LIT("web-1"), 1));
    assert_true(lc_hash64(LC_LIT("web-1"), 1) != lc_hash64(LC_LIT("web-2"), 1));
    assert_true(lc_hash64(LC_LIT("web-1"), 1) != lc_hash64(LC_LIT("web-1"), 2));
    assert_true(lc_hash64(lc_slice(NULL, 0), 1) == lc_hash64(LC_LIT(""), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_of_the_rfc),
        cmocka_unit_test(crc_of_parts_is_that_of_the_whole),
        cmocka_unit_test(hashes_differ_by_text_and_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
