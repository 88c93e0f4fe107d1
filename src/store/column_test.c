/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/column.h"
#include "store/testing/prng.h"

#define OUT_MAX (4u << 20)

static struct lc_column_scratch *scratch;
static struct lc_test_guard guard;

static int setup(void **state)
{
    LC_UNUSED(state);
    scratch = malloc(sizeof *scratch);
    assert_non_null(scratch);
    lc_test_guard_open(&guard, OUT_MAX);
    return 0;
}

static int teardown(void **state)
{
    LC_UNUSED(state);
    lc_test_guard_close(&guard);
    free(scratch);
    return 0;
}

/* ---- numbers ---- */

static size_t numbers_round_trip(enum lc_numbers_kind kind, const uint64_t *values, size_t n)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, OUT_MAX);
    assert_lc_ok(lc_numbers_encode(&out, kind, values, n));
    uint64_t *got = malloc((n + 1) * sizeof *got);
    assert_non_null(got);
    struct lc_slice in = lc_test_guard_put(&guard, lc_dynbuf_slice(&out));
    assert_lc_ok(lc_numbers_decode(in, got, n));
    assert_memory_equal(got, values, n * sizeof *got);
    free(got);
    size_t octets = out.n;
    lc_dynbuf_done(&out);
    return octets;
}

static void both_kinds(const uint64_t *values, size_t n)
{
    numbers_round_trip(LC_NUMBERS_SERIES, values, n);
    numbers_round_trip(LC_NUMBERS_SMALL, values, n);
}

static void edge_numbers(void **state)
{
    LC_UNUSED(state);
    const uint64_t edges[] = {
        0,
        1,
        UINT64_MAX,
        UINT64_MAX - 1,
        INT64_MAX,
        0,
        (uint64_t)INT64_MIN,
        127,
        128,
        (uint64_t)INT64_MIN,
        UINT64_MAX,
        0,
        UINT64_C(1) << 63,
        (UINT64_C(1) << 63) - 1,
        5,
    };
    for (size_t n = 0; n <= LC_ARRAY_LEN(edges); n++)
        both_kinds(edges, n);
    /* differences of 2^63 have a common unit that no signed division takes */
    const uint64_t far[] = {0, UINT64_C(1) << 63, 0, UINT64_C(1) << 63};
    both_kinds(far, LC_ARRAY_LEN(far));
}

static void random_numbers(void **state)
{
    LC_UNUSED(state);
    struct lc_prng prng = {1};
    static uint64_t values[LC_COLUMN_VALUES_MAX];
    for (unsigned round = 0; round < 200; round++) {
        size_t n = lc_prng_below(&prng, round < 190 ? 300 : LC_COLUMN_VALUES_MAX) + 1;
        unsigned shift = (unsigned)lc_prng_below(&prng, 64);
        uint64_t repeat = lc_prng_below(&prng, 30) + 1;
        for (size_t i = 0; i < n; i++)
            values[i] = i % repeat != 0 ? values[i - 1] : lc_prng_next(&prng) >> shift;
        both_kinds(values, n);
    }
}

static void forms_gain(void **state)
{
    LC_UNUSED(state);
    uint64_t values[1000];
    for (size_t i = 0; i < LC_ARRAY_LEN(values); i++)
        values[i] = UINT64_C(1700000000000000000) + i * (1 + i % 2) * UINT64_C(1000000000);
    /* whole seconds: few octets for each, whatever their distance in nanoseconds */
    assert_true(numbers_round_trip(LC_NUMBERS_SERIES, values, LC_ARRAY_LEN(values)) < 2100);
    for (size_t i = 0; i < LC_ARRAY_LEN(values); i++)
        values[i] = i / 500;
    assert_true(numbers_round_trip(LC_NUMBERS_SMALL, values, LC_ARRAY_LEN(values)) < 10);
}

static void damaged_numbers(void **state)
{
    LC_UNUSED(state);
    uint64_t values[64];
    uint64_t got[65];
    const enum lc_numbers_kind kinds[] = {LC_NUMBERS_SERIES, LC_NUMBERS_SMALL};
    for (unsigned form = 0; form < 3; form++) {
        for (size_t i = 0; i < LC_ARRAY_LEN(values); i++)
            values[i] = form == 2 ? i / 32 : i * i * 3;
        struct lc_dynbuf out;
        lc_dynbuf_init(&out, OUT_MAX);
        assert_lc_ok(lc_numbers_encode(&out, kinds[form % 2], values, LC_ARRAY_LEN(values)));
        for (size_t n = 0; n < out.n; n++)
            assert_lc_err(lc_numbers_decode(lc_test_guard_put(&guard, lc_slice(out.p, n)), got,
                                            LC_ARRAY_LEN(values)),
                          LC_ECORRUPT);
        /* one value more or less than was written */
        assert_lc_err(lc_numbers_decode(lc_dynbuf_slice(&out), got, LC_ARRAY_LEN(values) - 1),
                      LC_ECORRUPT);
        assert_lc_err(lc_numbers_decode(lc_dynbuf_slice(&out), got, LC_ARRAY_LEN(values) + 1),
                      LC_ECORRUPT);
        lc_dynbuf_done(&out);
    }
    assert_lc_err(lc_numbers_decode(LC_LIT("\x09\x01"), got, 1), LC_ECORRUPT);
}

/* ---- strings ---- */

static size_t strings_round_trip(const struct lc_slice *values, size_t n)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, OUT_MAX);
    assert_lc_ok(lc_strings_encode(&out, scratch, values, n));
    struct lc_slice *got = calloc(n + 1, sizeof *got);
    assert_non_null(got);
    struct lc_slice in = lc_test_guard_put(&guard, lc_dynbuf_slice(&out));
    assert_lc_ok(lc_strings_decode(in, scratch, got, n));
    for (size_t i = 0; i < n; i++)
        assert_slice_eq(got[i], values[i]);
    for (size_t cut = 0; cut < out.n && out.n < 400; cut++)
        assert_lc_err(
            lc_strings_decode(lc_test_guard_put(&guard, lc_slice(out.p, cut)), scratch, got, n),
            LC_ECORRUPT);
    free(got);
    size_t octets = out.n;
    lc_dynbuf_done(&out);
    return octets;
}

static void edge_strings(void **state)
{
    LC_UNUSED(state);
    const struct lc_slice values[] = {
        LC_LIT(""),   LC_LIT("a"), LC_LIT("결제"), LC_LIT("a"),  LC_LIT("\0\xFF\n"),
        LC_LIT("aa"), LC_LIT(""),  LC_LIT("a"),    LC_LIT("aa"),
    };
    for (size_t n = 0; n <= LC_ARRAY_LEN(values); n++)
        strings_round_trip(values, n);
}

static void random_strings(void **state)
{
    LC_UNUSED(state);
    struct lc_prng prng = {2};
    static uint8_t text[1 << 16];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)lc_prng_next(&prng);
    static struct lc_slice values[LC_COLUMN_VALUES_MAX];
    for (unsigned round = 0; round < 60; round++) {
        size_t n = lc_prng_below(&prng, round < 55 ? 300 : LC_COLUMN_VALUES_MAX) + 1;
        uint64_t distinct = lc_prng_below(&prng, 2 * n) + 1;
        for (size_t i = 0; i < n; i++) {
            uint64_t which = lc_prng_below(&prng, distinct);
            values[i] = lc_slice(text + which % 60000, which % 37);
        }
        strings_round_trip(values, n);
    }
}

static void dictionary_gains(void **state)
{
    LC_UNUSED(state);
    struct lc_slice values[1000];
    for (size_t i = 0; i < LC_ARRAY_LEN(values); i++)
        values[i] = i < 600 ? LC_LIT("192.0.2.1:514") : LC_LIT("192.0.2.2:514");
    assert_true(strings_round_trip(values, LC_ARRAY_LEN(values)) < 50);
}

static void place_outside_dictionary(void **state)
{
    LC_UNUSED(state);
    struct lc_slice got[2];
    /* dictionary of one: "x"; codes as runs: 1 twice */
    assert_lc_err(lc_strings_decode(LC_LIT("\x02\x01\x01x\x01\x02\x02"), scratch, got, 2),
                  LC_ECORRUPT);
    assert_lc_ok(lc_strings_decode(LC_LIT("\x02\x01\x01x\x01\x00\x02"), scratch, got, 2));
    assert_slice(got[1], "x");
}

/* ---- frames ---- */

static void pack_round_trip(struct lc_slice plain, uint8_t packing)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, OUT_MAX);
    struct lc_packer *packer = lc_packer_new(1);
    struct lc_unpacker *unpacker = lc_unpacker_new();
    assert_true(packer != NULL && unpacker != NULL);
    struct lc_frame f = {.type = 7};
    assert_lc_ok(lc_pack(packer, plain, &out, &f));
    assert_int_equal(f.packing, packing);
    assert_true(f.stored == out.n && f.decoded == plain.n);
    assert_int_equal(f.crc, lc_crc32c(0, lc_dynbuf_slice(&out)));
    uint8_t *room = malloc(plain.n + 1);
    assert_non_null(room);
    struct lc_slice got;
    assert_lc_ok(lc_unpack(unpacker, &f, lc_dynbuf_slice(&out), room, &got));
    assert_slice_eq(got, plain);
    /* a length that is not the true one */
    f.decoded--;
    assert_lc_err(lc_unpack(unpacker, &f, lc_dynbuf_slice(&out), room, &got), LC_ECORRUPT);
    f.decoded++;
    f.packing = 2;
    assert_lc_err(lc_unpack(unpacker, &f, lc_dynbuf_slice(&out), room, &got), LC_ECORRUPT);
    free(room);
    lc_unpacker_free(unpacker);
    lc_packer_free(packer);
    lc_dynbuf_done(&out);
}

static void packs(void **state)
{
    LC_UNUSED(state);
    static uint8_t text[100000];
    pack_round_trip(lc_slice(text, sizeof text), LC_PACKED_ZSTD);
    pack_round_trip(lc_slice(text, 10), LC_PACKED_PLAIN);
    struct lc_prng prng = {3};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)lc_prng_next(&prng);
    pack_round_trip(lc_slice(text, sizeof text), LC_PACKED_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_numbers),
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(forms_gain),
        cmocka_unit_test(damaged_numbers),
        cmocka_unit_test(edge_strings),
        cmocka_unit_test(random_strings),
        cmocka_unit_test(dictionary_gains),
        cmocka_unit_test(place_outside_dictionary),
        cmocka_unit_test(packs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
