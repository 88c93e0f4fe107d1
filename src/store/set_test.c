/* SPDX-License-Identifier: Apache-2.0
 *
 * store/set_test.c - what goes into a set comes out of it, octet for octet, and nothing else.
 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>

#include "store/row.h"
#include "store/store_test.h"

static struct lc_set *new_set(uint64_t octets)
{
    struct lc_set *set;
    assert_lc_ok(lc_set_new(3, octets, &set));
    return set;
}

static void commit_all(struct lc_set *set)
{
    lc_set_commit(set, lc_set_appended(set));
}

static void keeps_records(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(0);
    for (unsigned i = 0; i < LC_TEST_RECORDS; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = lc_test_record(i, fields);
        assert_lc_ok(lc_set_append(set, 100 + i, &r, NULL));
    }
    assert_int_equal(lc_set_committed(set), 0);
    commit_all(set);
    assert_int_equal(lc_set_committed(set), LC_TEST_RECORDS);
    assert_int_equal(lc_set_shard(set), 3);
    for (unsigned i = 0; i < LC_TEST_RECORDS; i++) {
        struct lc_field fields[LC_FIELDS_MAX], got_fields[LC_FIELDS_MAX];
        struct lc_record expected = lc_test_record(i, fields), got;
        lc_set_record(set, i, got_fields, &got);
        assert_true(got.id == lc_id_make(100 + i, 3));
        lc_test_records_equal(&got, &expected);
        struct lc_set_entry entry = lc_set_entry(set, i);
        assert_true(entry.id == got.id);
        assert_true(entry.time_ns == got.time_ns && entry.received_ns == got.received_ns);
        assert_int_equal(entry.level, got.level);
        assert_slice_eq(lc_set_message(set, i), got.message);
        assert_slice_eq(lc_set_stream(set, entry.stream)->app, got.stream.app);
    }
    lc_set_unref(set);
}

static void absent_time_and_space_are_filled_in(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(0);
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .received_ns = 42, .level = LC_LEVEL_NONE};
    assert_lc_ok(lc_set_append(set, 1, &r, NULL));
    struct lc_field fields[LC_FIELDS_MAX];
    lc_set_record(set, 0, fields, &r);
    assert_true(r.time_ns == 42);
    assert_slice(r.stream.space, "main");
    assert_int_equal(r.level, LC_LEVEL_NONE);
    lc_set_unref(set);
}

static void extreme_times_come_back(void **state)
{
    LC_UNUSED(state);
    static const int64_t times[] = {INT64_MIN + 1, -1, 0, INT64_MAX};
    struct lc_set *set = new_set(0);
    uint32_t row = 0;
    for (size_t i = 0; i < LC_ARRAY_LEN(times); i++)
        for (size_t k = 0; k < LC_ARRAY_LEN(times); k++, row++) {
            struct lc_record r = {.time_ns = times[i], .received_ns = times[k]}, got;
            assert_lc_ok(lc_set_append(set, row + 1, &r, NULL));
            struct lc_field fields[LC_FIELDS_MAX];
            lc_set_record(set, row, fields, &got);
            assert_true(got.time_ns == times[i] && got.received_ns == times[k]);
        }
    lc_set_unref(set);
}

static void largest_record_fits_and_larger_is_refused(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(0);
    uint8_t *octets = calloc(1, LC_SET_RECORD_MAX);
    struct lc_record r = {.message = lc_slice(octets, LC_SET_RECORD_MAX)}, got;
    assert_lc_err(lc_set_append(set, 1, &r, NULL), LC_ELIMIT);
    r.message.n -= 200;
    assert_lc_ok(lc_set_append(set, 1, &r, NULL));
    assert_lc_err(lc_set_append(set, 2, &r, NULL), LC_EWAIT);
    struct lc_field fields[LC_FIELDS_MAX + 1];
    lc_set_record(set, 0, fields, &got);
    assert_slice_eq(got.message, r.message);
    r = (struct lc_record){.fields = fields, .field_count = LC_FIELDS_MAX + 1};
    assert_lc_err(lc_set_append(set, 2, &r, NULL), LC_ELIMIT);
    free(octets);
    lc_set_unref(set);
}

/* Fills the set until it says so; the number of rows. */
static uint32_t fill(struct lc_set *set, uint64_t sequence)
{
    for (uint32_t i = 0;; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = lc_test_record(i, fields);
        lc_err e = lc_set_append(set, sequence + i, &r, NULL);
        if (e == LC_EWAIT)
            return i;
        assert_lc_ok(e);
    }
}

static void stays_within_its_memory(void **state)
{
    LC_UNUSED(state);
    const uint64_t octets = 1u << 20;
    struct lc_set *set = new_set(octets);
    uint32_t rows = fill(set, 1);
    assert_true(rows > 1000);
    /* what a chunk and a page leave unused comes on top */
    assert_true(lc_set_octets(set) <= octets + octets / 4);
    struct lc_slice parts[LC_SET_PARTS_MAX];
    size_t count = lc_set_parts(set, 0, rows, parts);
    assert_true(count > 1 && count <= LC_SET_PARTS_MAX);
    lc_set_unref(set);
}

static void too_many_streams_fill_it(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(UINT64_MAX);
    for (uint32_t i = 0;; i++) {
        struct lc_record r = {.stream.host = lc_slice(&i, sizeof i)};
        lc_err e = lc_set_append(set, i + 1, &r, NULL);
        if (e == LC_EWAIT) {
            assert_int_equal(i, LC_NAMES_STREAMS_MAX);
            break;
        }
        assert_lc_ok(e);
    }
    lc_set_unref(set);
}

static void more_strings_than_numbers_are_kept(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(UINT64_MAX);
    const uint32_t count = LC_NAMES_STRINGS_MAX + 1000;
    struct lc_field fields[LC_FIELDS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        struct lc_record r = {.source = lc_slice(&i, sizeof i)};
        assert_lc_ok(lc_set_append(set, i + 1, &r, NULL));
    }
    for (uint32_t i = 0; i < count; i++) {
        struct lc_record r;
        lc_set_record(set, i, fields, &r);
        assert_slice_eq(r.source, lc_slice(&i, sizeof i));
    }
    lc_set_unref(set);
}

/* After dropping what was not committed the set is as if it had never been there. */
static void truncates_to_what_is_committed(void **state)
{
    LC_UNUSED(state);
    for (unsigned kept = 0; kept <= LC_TEST_RECORDS; kept += 7) {
        struct lc_set *set = new_set(0);
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r;
        for (unsigned i = 0; i < LC_TEST_RECORDS; i++) {
            r = lc_test_record(i, fields);
            assert_lc_ok(lc_set_append(set, 1 + i, &r, NULL));
            if (i + 1 == kept)
                commit_all(set);
        }
        lc_set_truncate(set);
        assert_int_equal(lc_set_appended(set).rows, kept);
        for (unsigned i = kept; i < LC_TEST_RECORDS; i++) {
            r = lc_test_record(i, fields);
            assert_lc_ok(lc_set_append(set, 1 + i, &r, NULL));
        }
        for (unsigned i = 0; i < LC_TEST_RECORDS; i++) {
            struct lc_field got_fields[LC_FIELDS_MAX];
            struct lc_record expected = lc_test_record(i, fields);
            lc_set_record(set, i, got_fields, &r);
            lc_test_records_equal(&r, &expected);
        }
        lc_set_unref(set);
    }
}

static void is_new_after_a_reset(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set = new_set(0);
    uint32_t rows = fill(set, 1);
    commit_all(set);
    struct lc_set *second = lc_set_ref(set);
    assert_false(lc_set_is_alone(set));
    lc_set_unref(second);
    assert_true(lc_set_is_alone(set));
    lc_set_reset(set);
    assert_int_equal(lc_set_committed(set), 0);
    assert_int_equal(lc_set_streams(set), 0);
    uint64_t octets = lc_set_octets(set);
    assert_int_equal(fill(set, 1000), rows);
    assert_true(lc_set_octets(set) <= octets);
    assert_true(lc_set_entry(set, 0).id == lc_id_make(1000, 3));
    lc_set_unref(set);
}

/* A row whose octets are damaged is refused or read as another one; never is memory touched that
 * is not its own. */
static void decoding_survives_any_octets(void **state)
{
    LC_UNUSED(state);
    struct lc_names names;
    assert_lc_ok(lc_names_init(&names, true));
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r = lc_test_record(5, fields);
    r.stream.space = LC_LIT("main");
    uint8_t *octets = malloc(lc_row_bound(&r));
    struct lc_row_hints hints = {0};
    uint32_t stream;
    size_t n = lc_row_encode(octets, &r, &names, &hints, &stream);
    struct lc_test_guard guard;
    lc_test_guard_open(&guard, n);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct lc_slice in = lc_test_guard_put(&guard, lc_slice(octets, n));
        lc_err e = lc_row_decode(&in, &names, NULL, fields, &r);
        assert_true(e == LC_OK || e == LC_ECORRUPT || e == LC_EMORE);
        octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < n; cut++) {
        struct lc_slice in = lc_test_guard_put(&guard, lc_slice(octets, cut));
        assert_lc_err(lc_row_decode(&in, &names, NULL, fields, &r), LC_EMORE);
    }
    lc_test_guard_close(&guard);
    free(octets);
    lc_names_done(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_records),
        cmocka_unit_test(absent_time_and_space_are_filled_in),
        cmocka_unit_test(extreme_times_come_back),
        cmocka_unit_test(largest_record_fits_and_larger_is_refused),
        cmocka_unit_test(stays_within_its_memory),
        cmocka_unit_test(too_many_streams_fill_it),
        cmocka_unit_test(more_strings_than_numbers_are_kept),
        cmocka_unit_test(truncates_to_what_is_committed),
        cmocka_unit_test(is_new_after_a_reset),
        cmocka_unit_test(decoding_survives_any_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
