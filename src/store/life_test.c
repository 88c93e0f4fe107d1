/* SPDX-License-Identifier: Apache-2.0
 *
 * store/life_test.c - a store from opening to closing: what was acknowledged is there, once,
 * whatever was done in between.
 */
#include "store/life_steps_test.h"

#include "store/segment_format.h"

/* ---- in order ---- */

static void visible_when_committed(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 10);
    assert_int_equal(life_take_outcomes(&l, 0), LC_EEND);
    struct lc_snapshot *before = lc_store_snapshot(l.store);
    assert_int_equal(lc_snapshot_count(before), 0);
    assert_true(lc_snapshot_end(before, 0) == 0);
    life_work(&l, LC_WORK_COMMIT);
    assert_int_equal(l.notified, 1);
    assert_lc_ok(life_take_outcomes(&l, 0));
    assert_true(l.told[0] == l.ids[9]);
    life_check(&l);
    struct lc_snapshot *after = lc_store_snapshot(l.store);
    assert_true(lc_snapshot_end(after, 0) == l.ids[9]);
    life_append(&l, 1);
    life_work(&l, LC_WORK_COMMIT);
    assert_int_equal(lc_snapshot_count(before), 0);
    assert_int_equal(lc_snapshot_count(after), 10);
    lc_snapshot_unref(before);
    lc_snapshot_unref(after);
    life_check(&l);
    life_end(&l);
}

static void sealed_and_merged_once_each(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 2);
    struct lc_snapshot *old = NULL;
    for (unsigned i = 0; i < 24; i++) {
        life_append(&l, 50);
        life_work(&l, LC_WORK_COMMIT);
        if (i == 3)
            old = lc_store_snapshot(l.store);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
        life_check(&l);
    }
    life_work(&l, LC_WORK_SEAL);
    life_work(&l, LC_WORK_MERGE);
    life_check(&l);
    struct lc_store_stats stats = lc_store_stats(l.store);
    assert_true(stats.merged > 0);
    assert_int_equal(stats.records, l.count);
    assert_true(stats.segments < stats.sealed);
    /* what it names is readable for as long as it is held */
    unsigned count = l.count;
    l.count = 200;
    life_check_snapshot(&l, old);
    lc_snapshot_unref(old);
    l.count = count;
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    assert_int_equal(l.report.wal_records, 0);
    life_end(&l);
}

/* Blocks of one hour and space, rows in lc_segment_order(); returns how many rows there are. */
static unsigned check_order(struct lc_store *store)
{
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_snapshot *snap = lc_store_snapshot(store);
    struct lc_scan *scan;
    struct lc_batch *b;
    unsigned rows = 0;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
    while (lc_scan_next(scan, &b) == LC_OK) {
        struct lc_record before, r;
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        for (size_t i = 0; i < lc_batch_count(b); i++, rows++) {
            lc_batch_record(b, i, NULL, &r);
            if (i > 0) {
                assert_true(lc_segment_order(&before, &r) < 0);
                assert_true(lc_hour(before.time_ns) == lc_hour(r.time_ns));
            }
            before = r;
        }
    }
    lc_scan_close(scan);
    lc_snapshot_unref(snap);
    return rows;
}

/* Times that go up, down, to and fro, within an hour, over some, and over more than are counted
 * out. */
static void sealed_in_order(void **state)
{
    LC_UNUSED(state);
    static const int64_t spans_ns[] = {LC_NS_PER_S, 3 * LC_NS_PER_HOUR, 9000 * LC_NS_PER_HOUR};
    for (size_t s = 0; s < LC_ARRAY_LEN(spans_ns); s++) {
        struct life l;
        life_begin(&l, 1);
        for (unsigned i = 0; i < 600; i++) {
            static const char *const apps[] = {"b", "a", "", "c"};
            int64_t step = spans_ns[s] / 200;
            int64_t at = i < 200 ? i * step : i < 400 ? (400 - i) * step : (i * 7919 % 200) * step;
            struct lc_record r = {.time_ns = 1000000 * LC_NS_PER_S + at,
                                  .received_ns = 1000000 * LC_NS_PER_S,
                                  .level = LC_LEVEL_NONE,
                                  .stream.app = lc_slice_cstr(apps[i % 4]),
                                  .stream.host = lc_slice_cstr(apps[i / 4 % 2]),
                                  .message = LC_LIT("message")};
            uint64_t id;
            assert_lc_ok(lc_shard_append(lc_store_shard(l.store, 0), &r, &id));
        }
        life_work(&l, LC_WORK_COMMIT);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
        assert_int_equal(lc_store_stats(l.store).sealed, 1);
        assert_int_equal(check_order(l.store), 600);
        life_end(&l);
    }
}

static void ids_go_on_after_a_stop_in_order(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 5);
    lc_store_close(l.store); /* commits */
    life_open(&l);
    assert_int_equal(l.report.wal_records, 5);
    life_append(&l, 1);
    life_work(&l, LC_WORK_COMMIT);
    assert_true(l.ids[5] == l.ids[4] + (1u << LC_ID_SHARD_BITS));
    assert_true(life_missing(&l, 0) == 0);
    life_check(&l);
    life_end(&l);
}

static void ids_jump_after_a_crash_and_nothing_is_missing(void **state)
{
    LC_UNUSED(state);
    for (enum lc_sim_cut cut = 0; cut < LC_CUT_COUNT; cut++) {
        struct life l;
        life_begin(&l, 1);
        for (unsigned i = 0; i < 5; i++) {
            life_append(&l, 20);
            life_work(&l, LC_WORK_COMMIT);
            life_crash(&l, cut);
            life_check(&l);
            assert_true(life_missing(&l, 0) == 0);
        }
        life_crash(&l, cut);
        life_append(&l, 1);
        assert_true(l.ids[100] > l.ids[99] + (1u << LC_ID_SHARD_BITS));
        life_work(&l, LC_WORK_SEAL);
        life_crash(&l, cut);
        life_check(&l);
        assert_true(life_missing(&l, 0) == 0);
        life_end(&l);
    }
}

/* What was seen after a mere kill must survive the power failing afterwards: by a sync of what the
 * run before has only written. */
static void what_was_seen_stays(void **state)
{
    LC_UNUSED(state);
    for (unsigned with_sync = 0; with_sync < 2; with_sync++) {
        struct life l;
        life_begin(&l, 1);
        life_append(&l, 20);
        lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_COMMIT); /* killed between write and sync */
        lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_CREATE_DIR);
        if (!with_sync)
            lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_RECOVER);
        life_work(&l, LC_WORK_COMMIT);
        life_crash(&l, LC_CUT_KILL);
        life_check(&l);
        life_crash(&l, LC_CUT_LOST);
        l.count = with_sync ? l.count : 0;
        life_check(&l);
        life_end(&l);
    }
}

static void shards_come_and_stay(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 30);
    lc_store_close(l.store);
    l.config.writers = 3;
    life_open(&l);
    life_append(&l, 30);
    life_work(&l, LC_WORK_COMMIT);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    l.config.writers = 2;
    lc_store_close(l.store);
    life_open(&l);
    life_check(&l);
    struct lc_snapshot *snap = lc_store_snapshot(l.store);
    assert_int_equal(lc_snapshot_shards(snap), 3);
    lc_snapshot_unref(snap);
    life_append(&l, 30);
    life_work(&l, LC_WORK_COMMIT);
    life_work(&l, LC_WORK_SEAL);
    life_check(&l);
    for (unsigned shard = 0; shard < 3; shard++)
        assert_true(life_missing(&l, shard) == 0);
    l.config.writers = 3;
    lc_store_close(l.store);
    life_open(&l);
    life_append(&l, 3);
    life_work(&l, LC_WORK_COMMIT);
    life_check(&l);
    life_end(&l);
}

static void retention_removes_and_counts(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    for (unsigned i = 0; i < 3; i++) {
        life_append(&l, 100);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    }
    lc_store_close(l.store);
    l.config.retain_octets = 1;
    life_open(&l);
    life_append(&l, 10);
    life_work(&l, LC_WORK_COMMIT);
    life_work(&l, LC_WORK_RETAIN);
    assert_true(life_missing(&l, 0) == 300);
    assert_true(lc_store_stats(l.store).retired == 3);
    life_crash(&l, LC_CUT_LOST);
    assert_true(life_missing(&l, 0) == 300);
    assert_int_equal(l.report.orphans_removed, 3); /* the removals were not synced */
    memset(l.ids, 0, 300 * sizeof l.ids[0]);
    life_check(&l);
    life_end(&l);
}

/* It can change while the store is open. */
static void retention_changes(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    for (unsigned i = 0; i < 2; i++) {
        life_append(&l, 100);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    }
    life_append(&l, 10);
    life_work(&l, LC_WORK_COMMIT);
    life_work(&l, LC_WORK_RETAIN);
    assert_true(lc_store_stats(l.store).retired == 0);
    assert_lc_ok(lc_store_retain(l.store, 1, 0));
    life_work(&l, LC_WORK_RETAIN);
    assert_true(lc_store_stats(l.store).retired == 2);
    life_end(&l);
}

/* What is too old goes, though it would not fill a set for long; what is young stays. */
static void age_reaches_into_memory(void **state)
{
    LC_UNUSED(state);
    const int64_t hour = 3600 * LC_NS_PER_S;
    struct life l;
    life_begin(&l, 1);
    lc_store_close(l.store);
    l.config.retain_ns = 24 * hour;
    l.clock.wall_ns = 0; /* records of a test are received soon after 1970 began */
    life_open(&l);
    life_append(&l, 10);
    life_work(&l, LC_WORK_COMMIT);
    l.notified = 0;
    life_work(&l, LC_WORK_RETAIN);
    assert_int_equal(l.notified, 0);
    lc_simclock_advance(&l.clock, 2 * hour);
    life_work(&l, LC_WORK_RETAIN);
    assert_int_equal(l.notified, 1);
    (void)life_take_outcomes(&l, 0);
    life_work(&l, LC_WORK_ANY);
    assert_true(lc_store_stats(l.store).segments == 1);
    life_check(&l);
    lc_simclock_advance(&l.clock, 23 * hour);
    life_work(&l, LC_WORK_RETAIN);
    assert_true(life_missing(&l, 0) == 10);
    memset(l.ids, 0, 10 * sizeof l.ids[0]);
    life_check(&l);
    life_end(&l);
}

/* ---- limits ---- */

/* A shard takes one set more while another is sealed, then it asks to wait, and tells when not. */
static void waits_for_a_seal(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    lc_err e;
    while ((e = life_append_one(&l)) == LC_OK)
        ;
    assert_lc_err(e, LC_EWAIT);
    assert_true(lc_store_stats(l.store).waits == 1);
    life_work(&l, LC_WORK_COMMIT);
    assert_lc_err(life_append_one(&l), LC_EWAIT);
    l.notified = 0;
    assert_lc_ok(lc_store_step(l.store, LC_WORK_ANY));
    assert_int_equal(l.notified, 1);
    assert_lc_ok(life_append_one(&l));
    life_work(&l, LC_WORK_ANY);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_end(&l);
}

static void reservation_is_extended(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    struct lc_shard *shard = lc_store_shard(l.store, 0);
    const struct lc_record r = {.message = LC_LIT("x")};
    uint64_t id = 0;
    unsigned n = 0;
    while (n < 600000) {
        lc_err e = lc_shard_append(shard, &r, &id);
        if (e == LC_EWAIT)
            life_work(&l, LC_WORK_ANY);
        else
            assert_lc_ok(e);
        n += e == LC_OK;
    }
    life_work(&l, LC_WORK_COMMIT);
    assert_true(lc_id_sequence(id) == n);
    life_crash(&l, LC_CUT_LOST);
    assert_true(life_missing(&l, 0) == 0);
    uint64_t next;
    assert_lc_ok(lc_shard_append(lc_store_shard(l.store, 0), &r, &next));
    assert_true(next > id);
    life_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visible_when_committed),
        cmocka_unit_test(sealed_and_merged_once_each),
        cmocka_unit_test(sealed_in_order),
        cmocka_unit_test(ids_go_on_after_a_stop_in_order),
        cmocka_unit_test(ids_jump_after_a_crash_and_nothing_is_missing),
        cmocka_unit_test(what_was_seen_stays),
        cmocka_unit_test(shards_come_and_stay),
        cmocka_unit_test(retention_removes_and_counts),
        cmocka_unit_test(retention_changes),
        cmocka_unit_test(age_reaches_into_memory),
        cmocka_unit_test(waits_for_a_seal),
        cmocka_unit_test(reservation_is_extended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
