/* SPDX-License-Identifier: Apache-2.0 */
#include "store/world_test.h"

#include <errno.h>
#include <stdlib.h>

#include "base/time.h"

#define HOUR LC_NS_PER_HOUR

/* Rows of a scan that pass its spec, checked one by one against the model. */
struct seen {
    uint8_t *times;          /* how often each of the model's records came */
    struct lc_row_ref *refs; /* of all rows */
    size_t rows;
    unsigned batches;
};

static void seen_open(struct seen *seen)
{
    *seen = (struct seen){.rows = 0};
    seen->times = calloc(WORLD_RECORDS, sizeof seen->times[0]);
    seen->refs = calloc(WORLD_RECORDS, sizeof seen->refs[0]);
    assert_true(seen->times != NULL && seen->refs != NULL);
}

static void seen_close(struct seen *seen)
{
    free(seen->times);
    free(seen->refs);
}

static void row_equals_model(const struct world *w, const struct lc_batch *b, size_t row)
{
    const struct model_record *m = world_find(w, lc_batch_id(b, row));
    assert_non_null(m);
    struct lc_field fields[2][LC_FIELDS_MAX];
    struct lc_record expected = world_record(m, fields[0]);
    struct lc_record got;
    lc_batch_record(b, row, fields[1], &got);
    lc_test_records_equal(&got, &expected);
    assert_true(got.id == m->id && lc_batch_time(b, row) == m->time_ns);
    assert_int_equal(lc_batch_level(b, row), expected.level);
    assert_slice_eq(lc_batch_message(b, row), expected.message);
    assert_slice_eq(lc_batch_stream(b, row)->app, expected.stream.app);
}

static void see_batch(const struct world *w, const struct lc_scan_spec *spec, struct lc_batch *b,
                      struct seen *seen)
{
    int64_t min_ns, max_ns;
    lc_batch_times(b, &min_ns, &max_ns);
    assert_lc_ok(lc_batch_load(b, LC_COL_MESSAGE)); /* columns may come one after the other */
    assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
    assert_true(lc_batch_count(b) > 0);
    seen->batches++;
    for (size_t row = 0; row < lc_batch_count(b); row++) {
        uint64_t id = lc_batch_id(b, row);
        int64_t t = lc_batch_time(b, row);
        assert_true(t >= min_ns && t <= max_ns);
        if (spec->after != NULL)
            assert_true(id > spec->after[lc_id_shard(id)]);
        if (t < spec->from_ns || (t >= spec->to_ns && spec->to_ns != INT64_MAX))
            continue;
        row_equals_model(w, b, row);
        seen->times[world_find(w, id) - w->records]++;
        seen->refs[seen->rows++] = lc_batch_ref(b, row);
    }
}

static void smallest_is_at_least(struct lc_batch *b, uint64_t id)
{
    assert_lc_ok(lc_batch_load(b, LC_COL_TIME));
    for (size_t row = 0; row < lc_batch_count(b); row++)
        assert_true(lc_batch_id(b, row) >= id);
}

static void scan_all(struct world *w, const struct lc_scan_spec *spec, struct seen *seen)
{
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(&w->snap, spec, &scan));
    int64_t newest = INT64_MAX;
    struct lc_batch *b;
    lc_err e;
    uint64_t from = spec->by_id ? lc_scan_next_id(scan) : 0;
    while ((e = lc_scan_next(scan, &b)) == LC_OK) {
        int64_t min_ns, max_ns;
        smallest_is_at_least(b, from);
        if (spec->by_id) {
            assert_true(lc_scan_next_id(scan) >= from);
            from = lc_scan_next_id(scan);
        }
        lc_batch_times(b, &min_ns, &max_ns);
        if (spec->newest_first)
            assert_true(max_ns <= newest);
        newest = max_ns;
        see_batch(w, spec, b, seen);
    }
    assert_lc_err(e, LC_EEND);
    assert_lc_err(lc_scan_next(scan, &b), LC_EEND);
    lc_scan_close(scan);
}

/* first_in_memory: records from there on are in sets. */
static bool wanted(const struct world *w, const struct lc_scan_spec *spec, size_t i,
                   size_t first_in_memory)
{
    const struct model_record *m = &w->records[i];
    if (spec->memory_only && i < first_in_memory)
        return false;
    if (spec->after != NULL && m->id <= spec->after[lc_id_shard(m->id)])
        return false;
    return m->time_ns >= spec->from_ns && (m->time_ns < spec->to_ns || spec->to_ns == INT64_MAX);
}

static size_t make_world(struct world *w, uint64_t seed)
{
    world_open(w, seed);
    for (unsigned i = 0; i < 6; i++) {
        size_t first = w->count;
        world_make(w, i % 2, 150, (int64_t)i * HOUR / 2, 3 * HOUR);
        if (i >= 3)
            world_make(w, 2, 80, 0, 12 * HOUR);
        world_seal(w, first, i % 3);
    }
    size_t in_memory = w->count;
    for (unsigned shard = 0; shard < WORLD_SHARDS; shard++) {
        size_t first = w->count;
        world_make(w, shard, shard == 3 ? LC_PAGE_SET_ROWS + 100 : 60, 4 * HOUR, 4 * HOUR);
        world_fill(w, shard, first);
    }
    return in_memory;
}

static void check_spec(struct world *w, const struct lc_scan_spec *spec, size_t in_memory)
{
    struct seen seen;
    seen_open(&seen);
    scan_all(w, spec, &seen);
    for (size_t i = 0; i < w->count; i++)
        assert_int_equal(seen.times[i], wanted(w, spec, i, in_memory));
    seen_close(&seen);
}

static void equals_model(void **state)
{
    LC_UNUSED(state);
    struct world w;
    size_t in_memory = make_world(&w, 1);
    uint64_t after[WORLD_SHARDS];
    for (unsigned round = 0; round < 40; round++) {
        int64_t a = (int64_t)lc_prng_below(&w.prng, 12 * HOUR);
        int64_t b = (int64_t)lc_prng_below(&w.prng, 12 * HOUR);
        for (unsigned i = 0; i < WORLD_SHARDS; i++)
            after[i] = lc_id_make(lc_prng_below(&w.prng, w.next_sequence[i] + 2), i);
        struct lc_scan_spec spec = {
            .from_ns = round % 3 == 0 ? INT64_MIN
                       : a < b        ? a
                                      : b,
            .to_ns = round % 3 == 0 ? INT64_MAX
                     : a < b        ? b
                                    : a,
            .after = round % 2 == 0 ? after : NULL,
            .memory_only = round % 5 == 0,
            .newest_first = lc_prng_coin(&w.prng),
        };
        spec.by_id = !spec.newest_first && lc_prng_coin(&w.prng);
        check_spec(&w, &spec, in_memory);
    }
    assert_int_equal(lc_snapshot_count(&w.snap), w.count);
    assert_int_equal(lc_snapshot_shards(&w.snap), WORLD_SHARDS);
    for (unsigned i = 0; i < WORLD_SHARDS; i++)
        assert_true(lc_snapshot_end(&w.snap, i) == lc_id_make(w.next_sequence[i] - 1, i));
    world_close(&w);
}

static void memory_is_in_order_of_ids(void **state)
{
    LC_UNUSED(state);
    struct world w;
    make_world(&w, 2);
    const uint64_t after[WORLD_SHARDS] = {0, 0, 0, lc_id_make(4100, 3)};
    const struct lc_scan_spec spec = {INT64_MIN, INT64_MAX, after, true, false, false};
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(&w.snap, &spec, &scan));
    uint64_t last[WORLD_SHARDS] = {0};
    struct lc_batch *b;
    while (lc_scan_next(scan, &b) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_TIME));
        for (size_t row = 0; row < b->count; row++) {
            uint64_t id = lc_batch_id(b, row);
            assert_true(id > last[lc_id_shard(id)] && id > after[lc_id_shard(id)]);
            last[lc_id_shard(id)] = id;
        }
    }
    for (unsigned i = 0; i < WORLD_SHARDS; i++)
        assert_true(last[i] == lc_snapshot_end(&w.snap, i));
    lc_scan_close(scan);
    world_close(&w);
}

/* What cannot hold a wanted row is not even read. */
static void prunes(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 3);
    for (unsigned i = 0; i < 4; i++) {
        size_t first = w.count;
        world_make(&w, 0, 100, (int64_t)i * HOUR, HOUR);
        world_seal(&w, first, 0);
    }
    const struct lc_scan_spec spec = {HOUR, 2 * HOUR, NULL, false, false, false};
    uint64_t before = lc_simdisk_calls(w.sim, LC_SIM_READ);
    struct seen seen;
    seen_open(&seen);
    scan_all(&w, &spec, &seen);
    assert_int_equal(seen.rows, 100);
    assert_int_equal(seen.batches, 2); /* of one hour, two spaces */
    assert_int_equal(lc_simdisk_calls(w.sim, LC_SIM_READ) - before, 1 + seen.batches);
    seen_close(&seen);
    world_close(&w);
}

static void fetches_by_reference(void **state)
{
    LC_UNUSED(state);
    struct world w;
    make_world(&w, 4);
    const uint64_t after[WORLD_SHARDS] = {lc_id_make(77, 0), lc_id_make(99, 1), 0,
                                          lc_id_make(10, 3)};
    const struct lc_scan_spec spec = {HOUR, 11 * HOUR, after, false, true, false};
    struct seen seen;
    seen_open(&seen);
    scan_all(&w, &spec, &seen);
    assert_true(seen.rows > 0);
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(&w.snap, &spec, &scan));
    for (unsigned round = 0; round < 3000 && seen.rows > 0; round++) {
        const struct lc_row_ref *ref = &seen.refs[lc_prng_below(&w.prng, seen.rows)];
        struct lc_batch *b;
        size_t row;
        assert_lc_ok(lc_scan_fetch(scan, ref, &b, &row));
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        assert_true(lc_batch_id(b, row) == ref->id && lc_batch_time(b, row) == ref->time_ns);
        row_equals_model(&w, b, row);
        struct lc_row_ref again = lc_batch_ref(b, row);
        assert_true(again.part == ref->part && again.block == ref->block && again.row == ref->row);
    }
    const struct lc_row_ref wrong[] = {
        {.part = 1000},
        {.part = 0, .block = 9},
        {.part = 0, .row = 9999},
        {.part = 5, .block = 99},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(wrong); i++) {
        struct lc_batch *b;
        size_t row;
        assert_lc_err(lc_scan_fetch(scan, &wrong[i], &b, &row), LC_EGONE);
    }
    lc_scan_close(scan);

    const struct lc_scan_spec memory = {INT64_MIN, INT64_MAX, NULL, true, false, false};
    assert_lc_ok(lc_scan_open(&w.snap, &memory, &scan));
    for (size_t i = 0; i < seen.rows; i++) {
        struct lc_batch *b;
        size_t row;
        lc_err e = lc_scan_fetch(scan, &seen.refs[i], &b, &row);
        assert_lc_err(e, seen.refs[i].part < w.version.set_count ? LC_OK : LC_EGONE);
    }
    lc_scan_close(scan);
    seen_close(&seen);
    world_close(&w);
}

/* A block that cannot be read is told of once, and takes no other row with it. */
static void goes_on_after_errors(void **state)
{
    LC_UNUSED(state);
    for (unsigned newest_first = 0; newest_first < 2; newest_first++) {
        struct world w;
        make_world(&w, 5);
        const struct lc_scan_spec spec = {INT64_MIN, INT64_MAX,         NULL,
                                          false,     newest_first != 0, false};
        struct lc_scan *scan;
        assert_lc_ok(lc_scan_open(&w.snap, &spec, &scan));
        const struct lc_sim_fault fault = {LC_SIM_READ, 1, 3, -EIO};
        lc_simdisk_fail(w.sim, &fault);
        unsigned errors = 0;
        size_t rows = 0;
        struct lc_batch *b;
        lc_err e;
        while ((e = lc_scan_next(scan, &b)) != LC_EEND) {
            if (e == LC_OK)
                e = lc_batch_load(b, LC_COL_ALL);
            if (e == LC_OK) {
                rows += b->count;
                continue;
            }
            assert_lc_err(e, -EIO);
            errors++;
        }
        assert_int_equal(errors, 3);
        assert_true(rows > 0 && rows < w.count);
        lc_scan_close(scan);
        world_close(&w);
    }
}

/* ---- missing ---- */

static uint64_t model_missing(const struct world *w, unsigned shard, uint64_t after,
                              const bool *is_gone, const bool *is_gap)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < w->count; i++)
        missing += lc_id_shard(w->records[i].id) == shard && w->records[i].id > after &&
                   is_gone[i] && !is_gap[i];
    return missing;
}

static void remove_segment(struct world *w, size_t at)
{
    const struct lc_segment_meta *m = lc_segment_meta(w->segments[at]);
    for (unsigned i = 0; i < m->shard_count; i++)
        if (m->shards[i].max_id > w->retired_max_id[m->shards[i].shard])
            w->retired_max_id[m->shards[i].shard] = m->shards[i].max_id;
    lc_segment_unref(w->segments[at]);
    w->segments[at] = w->segments[--w->version.segment_count];
}

static void missing_equals_model(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 6);
    static bool is_gone[WORLD_RECORDS];
    static bool is_gap[WORLD_RECORDS];
    static struct lc_id_gap gaps[2];
    w.version.gaps = gaps;
    /* late data: segments overlap in ids, as after merges of some but not of others */
    world_make(&w, 0, 300, 0, 8 * HOUR);
    world_make(&w, 1, 300, 0, 8 * HOUR);
    for (unsigned part = 0; part < 4; part++) {
        struct model_record some[600];
        size_t n = 0;
        for (size_t i = 0; i < w.count; i++)
            if (i % 300 / 10 % 4 == part && i % 300 != 155)
                some[n++] = w.records[i];
        struct lc_segment_meta meta;
        world_write(&w, some, n, 100 + part, 0, &meta);
        lc_segment_meta_done(&meta);
        assert_lc_ok(lc_segment_open(w.disk, WORLD_DIR, 100 + part,
                                     &w.segments[w.version.segment_count++], NULL));
    }
    /* sequence 156 of both shards was never given */
    for (unsigned i = 0; i < 2; i++) {
        gaps[w.version.gap_count++] = (struct lc_id_gap){i, lc_id_make(156, i), lc_id_make(156, i)};
        is_gap[i * 300 + 155] = is_gone[i * 300 + 155] = true;
    }
    size_t first = w.count;
    world_make(&w, 0, 20, 8 * HOUR, HOUR);
    world_fill(&w, 0, first);
    w.shard_ends[1] = lc_id_make(300, 1);
    for (unsigned part = 0; part < 4; part += 2) {
        for (unsigned shard = 0; shard < 2; shard++)
            for (uint64_t sequence = 0; sequence < 340; sequence += 7)
                assert_int_equal(
                    lc_snapshot_missing(&w.snap, shard, lc_id_make(sequence, shard)),
                    model_missing(&w, shard, lc_id_make(sequence, shard), is_gone, is_gap));
        remove_segment(&w, part);
        for (size_t i = 0; i < 600; i++)
            is_gone[i] |= i % 300 / 10 % 4 == part;
    }
    assert_true(model_missing(&w, 0, 0, is_gone, is_gap) > 100);
    for (unsigned shard = 0; shard < 2; shard++)
        for (uint64_t sequence = 0; sequence < 340; sequence++)
            assert_int_equal(
                lc_snapshot_missing(&w.snap, shard, lc_id_make(sequence, shard)),
                model_missing(&w, shard, lc_id_make(sequence, shard), is_gone, is_gap));
    assert_int_equal(lc_snapshot_missing(&w.snap, 3, 0), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_model),
        cmocka_unit_test(memory_is_in_order_of_ids),
        cmocka_unit_test(prunes),
        cmocka_unit_test(fetches_by_reference),
        cmocka_unit_test(goes_on_after_errors),
        cmocka_unit_test(missing_equals_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
