/* SPDX-License-Identifier: Apache-2.0
 *
 * store/life_test.c - a store from opening to closing, without threads: what was acknowledged is
 * there, once, whatever happens in between.
 */
#include "store/store_test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store/store.h"
#include "store/testing/simclock.h"
#include "store/testing/simdisk.h"

#define DIR LC_SIM_ROOT "/data"
#define MAX 6000u

struct life {
    struct lc_simdisk *sim;
    struct lc_simclock clock;
    struct lc_store_config config;
    struct lc_store *store;
    struct lc_store_report report;
    struct lc_diag diag;
    uint64_t ids[MAX]; /* of record i; 0: refused */
    unsigned count;    /* records appended so far */
    uint64_t told[4];  /* by shard: the last id whose outcome is known */
    unsigned notified;
};

static lc_err try_open(struct life *l)
{
    l->config.disk = lc_simdisk_table(l->sim);
    return lc_store_open(&l->config, &l->store, &l->report, &l->diag);
}

static void note(void *arg)
{
    ((struct life *)arg)->notified++;
}

static void open_store(struct life *l)
{
    l->diag.text[0] = '\0';
    lc_err e = try_open(l);
    if (e != LC_OK)
        print_message("%s\n", l->diag.text);
    assert_lc_ok(e);
    for (unsigned i = 0; i < l->config.writers; i++)
        lc_shard_on_progress(lc_store_shard(l->store, i), note, l);
}

static void begin(struct life *l, unsigned writers)
{
    memset(l, 0, sizeof *l);
    l->sim = lc_simdisk_new(UINT64_C(1) << 30, 1);
    lc_simclock_init(&l->clock, 1000000 * LC_NS_PER_S, 1);
    l->config = (struct lc_store_config){
        .dir = DIR,
        .clock = &l->clock.table,
        .writers = writers,
        .memory = 1, /* the smallest sets */
        .retain_octets = UINT64_MAX,
    };
    open_store(l);
}

static void end(struct life *l)
{
    lc_store_close(l->store);
    lc_simdisk_free(l->sim);
}

/* The power fails, or only the process, and the store is opened again. */
static void crash(struct life *l, enum lc_sim_cut cut)
{
    struct lc_simdisk *after = lc_simdisk_cut(l->sim, cut, 7);
    lc_simdisk_die(l->sim);
    lc_store_close(l->store);
    lc_simdisk_free(l->sim);
    l->sim = after;
    open_store(l);
}

static lc_err append_one(struct life *l)
{
    struct lc_shard *shard = lc_store_shard(l->store, l->count % l->config.writers);
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r = lc_test_record(l->count, fields);
    lc_err e = lc_shard_append(shard, &r, &l->ids[l->count]);
    if (e == LC_OK)
        l->count++;
    return e;
}

static void append(struct life *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_lc_ok(append_one(l));
}

static void work(struct life *l, enum lc_store_work kind)
{
    lc_err e;
    while ((e = lc_store_step(l->store, kind)) == LC_OK)
        ;
    assert_lc_err(e, LC_EEND);
}

/* Each record with an id is in the snapshot once, as it was; and nothing else is. */
static void check_snapshot(const struct life *l, struct lc_snapshot *snap)
{
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
    bool seen[MAX] = {false};
    unsigned found = 0;
    struct lc_batch *b;
    lc_err e;
    while ((e = lc_scan_next(scan, &b)) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        for (size_t row = 0; row < lc_batch_count(b); row++) {
            struct lc_field fields[LC_FIELDS_MAX], expected_fields[LC_FIELDS_MAX];
            struct lc_record r;
            lc_batch_record(b, row, fields, &r);
            unsigned i = 0;
            while (i < l->count && l->ids[i] != r.id)
                i++;
            assert_true(i < l->count && !seen[i]);
            seen[i] = true;
            found++;
            struct lc_record expected = lc_test_record(i, expected_fields);
            lc_test_records_equal(&r, &expected);
        }
    }
    assert_lc_err(e, LC_EEND);
    lc_scan_close(scan);
    unsigned expected = 0;
    for (unsigned i = 0; i < l->count; i++)
        expected += l->ids[i] != 0;
    assert_int_equal(found, expected);
}

static void check(const struct life *l)
{
    struct lc_snapshot *snap = lc_store_snapshot(l->store);
    check_snapshot(l, snap);
    lc_snapshot_unref(snap);
}

static uint64_t missing(const struct life *l, unsigned shard)
{
    struct lc_snapshot *snap = lc_store_snapshot(l->store);
    uint64_t n = lc_snapshot_missing(snap, shard, 0);
    lc_snapshot_unref(snap);
    return n;
}

/* Takes all outcomes of a shard; records that were refused are forgotten. The last one's error;
 * LC_EEND: there was none. */
static lc_err take_outcomes(struct life *l, unsigned shard)
{
    struct lc_outcome o;
    lc_err e = LC_EEND;
    while (lc_shard_outcome(lc_store_shard(l->store, shard), &o)) {
        e = o.err;
        assert_int_equal(lc_id_shard(o.upto), shard);
        assert_true(o.upto > l->told[shard]);
        for (unsigned i = 0; i < l->count && e != LC_OK; i++)
            if (lc_id_shard(l->ids[i]) == shard && l->ids[i] > l->told[shard])
                l->ids[i] = 0;
        if (e == LC_OK)
            l->told[shard] = o.upto;
    }
    return e;
}

/* ---- in order ---- */

static void visible_when_committed(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 10);
    assert_int_equal(take_outcomes(&l, 0), LC_EEND);
    struct lc_snapshot *before = lc_store_snapshot(l.store);
    assert_int_equal(lc_snapshot_count(before), 0);
    assert_true(lc_snapshot_end(before, 0) == 0);
    work(&l, LC_WORK_COMMIT);
    assert_int_equal(l.notified, 1);
    assert_lc_ok(take_outcomes(&l, 0));
    assert_true(l.told[0] == l.ids[9]);
    check(&l);
    struct lc_snapshot *after = lc_store_snapshot(l.store);
    assert_true(lc_snapshot_end(after, 0) == l.ids[9]);
    append(&l, 1);
    work(&l, LC_WORK_COMMIT);
    assert_int_equal(lc_snapshot_count(before), 0);
    assert_int_equal(lc_snapshot_count(after), 10);
    lc_snapshot_unref(before);
    lc_snapshot_unref(after);
    check(&l);
    end(&l);
}

static void sealed_and_merged_once_each(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 2);
    struct lc_snapshot *old = NULL;
    for (unsigned i = 0; i < 24; i++) {
        append(&l, 50);
        work(&l, LC_WORK_COMMIT);
        if (i == 3)
            old = lc_store_snapshot(l.store);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
        check(&l);
    }
    work(&l, LC_WORK_SEAL);
    work(&l, LC_WORK_MERGE);
    check(&l);
    struct lc_store_stats stats = lc_store_stats(l.store);
    assert_true(stats.merged > 0);
    assert_int_equal(stats.records, l.count);
    assert_true(stats.segments < stats.sealed);
    /* what it names is readable for as long as it is held */
    unsigned count = l.count;
    l.count = 200;
    check_snapshot(&l, old);
    lc_snapshot_unref(old);
    l.count = count;
    crash(&l, LC_CUT_LOST);
    check(&l);
    assert_int_equal(l.report.wal_records, 0);
    end(&l);
}

static void ids_go_on_after_a_stop_in_order(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 5);
    lc_store_close(l.store); /* commits */
    open_store(&l);
    assert_int_equal(l.report.wal_records, 5);
    append(&l, 1);
    work(&l, LC_WORK_COMMIT);
    assert_true(l.ids[5] == l.ids[4] + (1u << LC_ID_SHARD_BITS));
    assert_true(missing(&l, 0) == 0);
    check(&l);
    end(&l);
}

static void ids_jump_after_a_crash_and_nothing_is_missing(void **state)
{
    LC_UNUSED(state);
    for (enum lc_sim_cut cut = 0; cut < LC_CUT_COUNT; cut++) {
        struct life l;
        begin(&l, 1);
        for (unsigned i = 0; i < 5; i++) {
            append(&l, 20);
            work(&l, LC_WORK_COMMIT);
            crash(&l, cut);
            check(&l);
            assert_true(missing(&l, 0) == 0);
        }
        crash(&l, cut);
        append(&l, 1);
        assert_true(l.ids[100] > l.ids[99] + (1u << LC_ID_SHARD_BITS));
        work(&l, LC_WORK_SEAL);
        crash(&l, cut);
        check(&l);
        assert_true(missing(&l, 0) == 0);
        end(&l);
    }
}

/* What was seen after a mere kill must survive the power failing afterwards: by a sync of what the
 * run before has only written. */
static void what_was_seen_stays(void **state)
{
    LC_UNUSED(state);
    for (unsigned with_sync = 0; with_sync < 2; with_sync++) {
        struct life l;
        begin(&l, 1);
        append(&l, 20);
        lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_COMMIT); /* killed between write and sync */
        lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_CREATE_DIR);
        if (!with_sync)
            lc_simdisk_ignore_sync(l.sim, LC_SYNC_WAL_RECOVER);
        work(&l, LC_WORK_COMMIT);
        crash(&l, LC_CUT_KILL);
        check(&l);
        crash(&l, LC_CUT_LOST);
        l.count = with_sync ? l.count : 0;
        check(&l);
        end(&l);
    }
}

static void shards_come_and_stay(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 30);
    lc_store_close(l.store);
    l.config.writers = 3;
    open_store(&l);
    append(&l, 30);
    work(&l, LC_WORK_COMMIT);
    check(&l);
    crash(&l, LC_CUT_LOST);
    l.config.writers = 2;
    lc_store_close(l.store);
    open_store(&l);
    check(&l);
    struct lc_snapshot *snap = lc_store_snapshot(l.store);
    assert_int_equal(lc_snapshot_shards(snap), 3);
    lc_snapshot_unref(snap);
    append(&l, 30);
    work(&l, LC_WORK_COMMIT);
    work(&l, LC_WORK_SEAL);
    check(&l);
    for (unsigned shard = 0; shard < 3; shard++)
        assert_true(missing(&l, shard) == 0);
    l.config.writers = 3;
    lc_store_close(l.store);
    open_store(&l);
    append(&l, 3);
    work(&l, LC_WORK_COMMIT);
    check(&l);
    end(&l);
}

static void retention_removes_and_counts(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    for (unsigned i = 0; i < 3; i++) {
        append(&l, 100);
        assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    }
    lc_store_close(l.store);
    l.config.retain_octets = 1;
    open_store(&l);
    append(&l, 10);
    work(&l, LC_WORK_COMMIT);
    work(&l, LC_WORK_RETAIN);
    assert_true(missing(&l, 0) == 300);
    assert_true(lc_store_stats(l.store).retired == 3);
    crash(&l, LC_CUT_LOST);
    assert_true(missing(&l, 0) == 300);
    assert_int_equal(l.report.orphans_removed, 3); /* the removals were not synced */
    memset(l.ids, 0, 300 * sizeof l.ids[0]);
    check(&l);
    end(&l);
}

/* What is too old goes, though it would not fill a set for long; what is young stays. */
static void age_reaches_into_memory(void **state)
{
    LC_UNUSED(state);
    const int64_t hour = 3600 * LC_NS_PER_S;
    struct life l;
    begin(&l, 1);
    lc_store_close(l.store);
    l.config.retain_ns = 24 * hour;
    l.clock.wall_ns = 0; /* records of a test are received soon after 1970 began */
    open_store(&l);
    append(&l, 10);
    work(&l, LC_WORK_COMMIT);
    l.notified = 0;
    work(&l, LC_WORK_RETAIN);
    assert_int_equal(l.notified, 0);
    lc_simclock_advance(&l.clock, 2 * hour);
    work(&l, LC_WORK_RETAIN);
    assert_int_equal(l.notified, 1);
    (void)take_outcomes(&l, 0);
    work(&l, LC_WORK_ANY);
    assert_true(lc_store_stats(l.store).segments == 1);
    check(&l);
    lc_simclock_advance(&l.clock, 23 * hour);
    work(&l, LC_WORK_RETAIN);
    assert_true(missing(&l, 0) == 10);
    memset(l.ids, 0, 10 * sizeof l.ids[0]);
    check(&l);
    end(&l);
}

/* ---- limits ---- */

/* A shard takes one set more while another is sealed, then it asks to wait, and tells when not. */
static void waits_for_a_seal(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    lc_err e;
    while ((e = append_one(&l)) == LC_OK)
        ;
    assert_lc_err(e, LC_EWAIT);
    assert_true(lc_store_stats(l.store).waits == 1);
    work(&l, LC_WORK_COMMIT);
    assert_lc_err(append_one(&l), LC_EWAIT);
    l.notified = 0;
    assert_lc_ok(lc_store_step(l.store, LC_WORK_ANY));
    assert_int_equal(l.notified, 1);
    assert_lc_ok(append_one(&l));
    work(&l, LC_WORK_ANY);
    check(&l);
    crash(&l, LC_CUT_LOST);
    check(&l);
    end(&l);
}

static void reservation_is_extended(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    struct lc_shard *shard = lc_store_shard(l.store, 0);
    const struct lc_record r = {.message = LC_LIT("x")};
    uint64_t id = 0;
    unsigned n = 0;
    while (n < 600000) {
        lc_err e = lc_shard_append(shard, &r, &id);
        if (e == LC_EWAIT)
            work(&l, LC_WORK_ANY);
        else
            assert_lc_ok(e);
        n += e == LC_OK;
    }
    work(&l, LC_WORK_COMMIT);
    assert_true(lc_id_sequence(id) == n);
    crash(&l, LC_CUT_LOST);
    assert_true(missing(&l, 0) == 0);
    uint64_t next;
    assert_lc_ok(lc_shard_append(lc_store_shard(l.store, 0), &r, &next));
    assert_true(next > id);
    end(&l);
}

/* ---- failures ---- */

static void fail_calls(struct life *l, enum lc_sim_call call, uint64_t times)
{
    const struct lc_sim_fault fault = {.call = call, .first = 1, .times = times, .error = -EIO};
    lc_simdisk_fail(l->sim, &fault);
}

/* One write or sync fails: what was appended goes into another file, and nobody notices. */
static void goes_on_in_another_file(void **state)
{
    LC_UNUSED(state);
    static const enum lc_sim_call calls[] = {LC_SIM_WRITE, LC_SIM_SYNC};
    for (size_t i = 0; i < LC_ARRAY_LEN(calls); i++)
        for (unsigned before = 0; before < 40; before += 39) {
            struct life l;
            begin(&l, 1);
            append(&l, before);
            work(&l, LC_WORK_COMMIT);
            fail_calls(&l, calls[i], 1);
            append(&l, 20);
            work(&l, LC_WORK_COMMIT);
            assert_int_equal(lc_simdisk_failed(l.sim), 1);
            assert_lc_ok(take_outcomes(&l, 0));
            append(&l, 20);
            work(&l, LC_WORK_COMMIT);
            check(&l);
            crash(&l, LC_CUT_LOST);
            assert_true(l.report.damaged_places == 0);
            check(&l);
            assert_true(missing(&l, 0) == 0);
            end(&l);
        }
}

static void overwrite(struct life *l, const char *path, uint64_t at)
{
    const struct lc_disk *disk = lc_simdisk_table(l->sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_WRITE, &f));
    struct lc_slice part = LC_LIT("damage");
    assert_lc_ok(disk->write(disk->state, f, &part, 1, at));
    disk->close(disk->state, f);
}

/* The header that kills the frames of a failed sync is damaged: they are dead all the same. */
static void dead_frames_stay_dead(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 20);
    work(&l, LC_WORK_COMMIT);
    fail_calls(&l, LC_SIM_SYNC, 2);
    append(&l, 20);
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
    (void)take_outcomes(&l, 0);
    work(&l, LC_WORK_COMMIT);
    append(&l, 30);
    work(&l, LC_WORK_COMMIT);
    struct lc_simdisk *after = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
    lc_simdisk_die(l.sim);
    lc_store_close(l.store);
    lc_simdisk_free(l.sim);
    l.sim = after;
    overwrite(&l, DIR "/wal/0000-0000000000000003.wal", 0);
    open_store(&l);
    assert_true(l.report.damaged_places == 1 && l.report.lost_records == 0);
    check(&l);
    end(&l);
}

/* The disk fails for longer: what is not durable is refused, and its ids are given again. */
static void refuses_while_the_disk_fails(void **state)
{
    LC_UNUSED(state);
    for (unsigned sets = 0; sets < 2; sets++) {
        struct life l;
        begin(&l, 1);
        append(&l, 20);
        work(&l, LC_WORK_COMMIT);
        assert_lc_ok(take_outcomes(&l, 0));
        fail_calls(&l, LC_SIM_SYNC, 1000);
        append(&l, sets == 0 ? 15 : 1200); /* in one set, or in two */
        l.notified = 0;
        assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
        assert_int_equal(l.notified, 1);
        assert_lc_err(append_one(&l), LC_EFULL);
        assert_lc_err(take_outcomes(&l, 0), LC_EFULL);
        assert_lc_err(append_one(&l), LC_EFULL);
        check(&l);
        fail_calls(&l, LC_SIM_SYNC, 0);
        l.notified = 0;
        assert_lc_ok(lc_store_step(l.store, LC_WORK_COMMIT));
        assert_int_equal(l.notified, 1);
        unsigned first = l.count;
        append(&l, 15);
        assert_true(l.ids[first] == l.ids[19] + (1u << LC_ID_SHARD_BITS));
        work(&l, LC_WORK_COMMIT);
        assert_lc_ok(take_outcomes(&l, 0));
        check(&l);
        crash(&l, LC_CUT_KEPT);
        assert_true(l.report.damaged_places == 0);
        check(&l);
        assert_true(missing(&l, 0) == 0);
        end(&l);
    }
}

static void full_disk_refuses_and_recovers(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 300);
    work(&l, LC_WORK_COMMIT);
    assert_lc_ok(take_outcomes(&l, 0));
    lc_simdisk_set_capacity(l.sim, lc_simdisk_used(l.sim) + 20);
    append(&l, 20);
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -ENOSPC);
    assert_lc_err(take_outcomes(&l, 0), LC_EFULL);
    assert_lc_err(append_one(&l), LC_EFULL);
    check(&l);
    assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -ENOSPC);
    check(&l);
    lc_simdisk_set_capacity(l.sim, UINT64_C(1) << 30);
    work(&l, LC_WORK_COMMIT);
    append(&l, 20);
    work(&l, LC_WORK_SEAL);
    check(&l);
    crash(&l, LC_CUT_LOST);
    check(&l);
    end(&l);
}

static void count_file(void *arg, const char *name)
{
    LC_UNUSED(name);
    ++*(unsigned *)arg;
}

/* While the disk fails, tries leave no files behind. */
static void failing_for_long_leaves_no_files(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 20);
    work(&l, LC_WORK_COMMIT);
    for (unsigned i = 0; i < 10; i++) {
        fail_calls(&l, LC_SIM_SYNC, 2);
        append(&l, 5);
        assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
        (void)take_outcomes(&l, 0);
        work(&l, LC_WORK_COMMIT); /* a new file works, but for no record */
    }
    unsigned files = 0;
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->list(disk->state, DIR "/wal", count_file, &files));
    assert_int_equal(files, 2);
    check(&l);
    crash(&l, LC_CUT_RANDOM);
    check(&l);
    end(&l);
}

/* The manifest cannot be written: the seal is tried again, and no second segment is made. */
static void a_failed_edit_is_tried_again(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 100);
    work(&l, LC_WORK_COMMIT);
    /* syncs: the segment, then the edit, then the rewritten manifest */
    const struct lc_sim_fault fault = {LC_SIM_SYNC, 2, 1000, -EIO};
    lc_simdisk_fail(l.sim, &fault);
    assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -EIO);
    uint64_t used = lc_simdisk_used(l.sim);
    for (unsigned i = 0; i < 3; i++)
        assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -EIO);
    assert_true(lc_simdisk_used(l.sim) <= used);
    check(&l);
    fail_calls(&l, LC_SIM_SYNC, 0);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    check(&l);
    assert_true(lc_store_stats(l.store).segments == 1);
    crash(&l, LC_CUT_LOST);
    check(&l);
    end(&l);
}

/* ack = written: acknowledged without a sync, and in a new file when a later sync fails. */
static void acknowledged_when_written(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    lc_store_close(l.store);
    l.config.ack_written = true;
    open_store(&l);
    append(&l, 20);
    fail_calls(&l, LC_SIM_SYNC, 1);
    work(&l, LC_WORK_COMMIT);
    assert_lc_ok(take_outcomes(&l, 0));
    append(&l, 20);
    work(&l, LC_WORK_COMMIT);
    check(&l);
    crash(&l, LC_CUT_LOST);
    check(&l);
    fail_calls(&l, LC_SIM_SYNC, 1000);
    append(&l, 20);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_COMMIT));
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), LC_EEND);
    assert_lc_ok(take_outcomes(&l, 0));
    assert_lc_err(append_one(&l), LC_EFULL);
    check(&l);
    fail_calls(&l, LC_SIM_SYNC, 0);
    work(&l, LC_WORK_COMMIT);
    append(&l, 20);
    work(&l, LC_WORK_COMMIT);
    crash(&l, LC_CUT_LOST);
    check(&l);
    end(&l);
}

/* ---- refusing to open ---- */

static void one_server_at_a_time(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    struct lc_store *first = l.store;
    assert_lc_err(try_open(&l), LC_EINUSE);
    assert_ptr_equal(l.store, first);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(l.diag.text, pid));
    end(&l);
}

static void no_manifest_no_store(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 1);
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, DIR "/MANIFEST"));
    assert_lc_err(try_open(&l), LC_ECORRUPT);
    assert_non_null(strstr(l.diag.text, "MANIFEST"));
    lc_simdisk_free(l.sim);
}

/* Bit rot in a segment: the server starts, says so, counts what is missing, removes nothing. */
static void a_damaged_segment_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 100);
    work(&l, LC_WORK_SEAL);
    append(&l, 10);
    lc_store_close(l.store);
    const char *path = DIR "/seg/0000000000000001.seg";
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_READ, &f));
    int64_t size = disk->size(disk->state, f);
    disk->close(disk->state, f);
    overwrite(&l, path, (uint64_t)size - 10);
    open_store(&l);
    assert_true(l.report.lost_records == 100 && l.report.damaged_places == 1);
    assert_non_null(strstr(l.report.damage, "0000000000000001"));
    assert_true(missing(&l, 0) == 100);
    memset(l.ids, 0, 100 * sizeof l.ids[0]);
    check(&l);
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_READ, &f));
    disk->close(disk->state, f);
    end(&l);
}

/* A WAL file that somebody has removed: the gap of a later start shows what was in it. */
static void a_vanished_wal_file_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 10);
    work(&l, LC_WORK_COMMIT);
    crash(&l, LC_CUT_LOST); /* makes the gap */
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, DIR "/wal/0000-0000000000000001.wal"));
    open_store(&l);
    assert_true(l.report.lost_records == 10 && l.report.damage[0] != '\0');
    assert_true(missing(&l, 0) == 0); /* of what a snapshot's end reaches to */
    append(&l, 5);
    work(&l, LC_WORK_COMMIT);
    assert_true(missing(&l, 0) == 10);
    memset(l.ids, 0, 10 * sizeof l.ids[0]);
    check(&l);
    end(&l);
}

/* A segment whose file somebody has removed: its number is not given again. */
static void a_vanished_segment_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    append(&l, 100);
    work(&l, LC_WORK_SEAL);
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, DIR "/seg/0000000000000001.seg"));
    open_store(&l);
    assert_true(l.report.lost_records == 100 && missing(&l, 0) == 100);
    append(&l, 10);
    work(&l, LC_WORK_SEAL);
    memset(l.ids, 0, 100 * sizeof l.ids[0]);
    check(&l);
    crash(&l, LC_CUT_LOST);
    check(&l);
    end(&l);
}

/* Bit rot in a WAL file: the frames around it are kept, the lost ones are counted. */
static void a_damaged_frame_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    begin(&l, 1);
    for (unsigned i = 0; i < 3; i++) {
        append(&l, 10);
        work(&l, LC_WORK_COMMIT);
    }
    uint64_t octets = lc_store_stats(l.store).synced_octets;
    lc_store_close(l.store);
    overwrite(&l, DIR "/wal/0000-0000000000000001.wal", octets / 2);
    open_store(&l);
    assert_true(l.report.lost_records == 10 && l.report.damaged_places == 1);
    assert_true(l.report.damaged_octets > 0 && l.report.wal_records == 20);
    assert_non_null(strstr(l.report.damage, "0000-0000000000000001.wal"));
    assert_true(missing(&l, 0) == 10);
    memset(l.ids + 10, 0, 10 * sizeof l.ids[0]);
    check(&l);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visible_when_committed),
        cmocka_unit_test(sealed_and_merged_once_each),
        cmocka_unit_test(ids_go_on_after_a_stop_in_order),
        cmocka_unit_test(ids_jump_after_a_crash_and_nothing_is_missing),
        cmocka_unit_test(what_was_seen_stays),
        cmocka_unit_test(shards_come_and_stay),
        cmocka_unit_test(retention_removes_and_counts),
        cmocka_unit_test(age_reaches_into_memory),
        cmocka_unit_test(waits_for_a_seal),
        cmocka_unit_test(reservation_is_extended),
        cmocka_unit_test(goes_on_in_another_file),
        cmocka_unit_test(dead_frames_stay_dead),
        cmocka_unit_test(refuses_while_the_disk_fails),
        cmocka_unit_test(full_disk_refuses_and_recovers),
        cmocka_unit_test(failing_for_long_leaves_no_files),
        cmocka_unit_test(a_failed_edit_is_tried_again),
        cmocka_unit_test(acknowledged_when_written),
        cmocka_unit_test(one_server_at_a_time),
        cmocka_unit_test(no_manifest_no_store),
        cmocka_unit_test(a_damaged_segment_is_told),
        cmocka_unit_test(a_vanished_wal_file_is_told),
        cmocka_unit_test(a_vanished_segment_is_told),
        cmocka_unit_test(a_damaged_frame_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
