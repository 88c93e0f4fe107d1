/* SPDX-License-Identifier: Apache-2.0
 *
 * store/failure_test.c - disks that fail, fill up, or have lost some of what they held; and
 * directories that cannot be opened.
 */
#include "store/life_steps_test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* One write or sync fails: what was appended goes into another file, and nobody notices. */
static void goes_on_in_another_file(void **state)
{
    LC_UNUSED(state);
    static const enum lc_sim_call calls[] = {LC_SIM_WRITE, LC_SIM_SYNC};
    for (size_t i = 0; i < LC_ARRAY_LEN(calls); i++)
        for (unsigned before = 0; before < 40; before += 39) {
            struct life l;
            life_begin(&l, 1);
            life_append(&l, before);
            life_work(&l, LC_WORK_COMMIT);
            life_fail_calls(&l, calls[i], 1);
            life_append(&l, 20);
            life_work(&l, LC_WORK_COMMIT);
            assert_int_equal(lc_simdisk_failed(l.sim), 1);
            assert_lc_ok(life_take_outcomes(&l, 0));
            life_append(&l, 20);
            life_work(&l, LC_WORK_COMMIT);
            life_check(&l);
            life_crash(&l, LC_CUT_LOST);
            assert_true(l.report.damaged_places == 0);
            life_check(&l);
            assert_true(life_missing(&l, 0) == 0);
            life_end(&l);
        }
}

/* The header that kills the frames of a failed sync is damaged: they are dead all the same. */
static void dead_frames_stay_dead(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 20);
    life_work(&l, LC_WORK_COMMIT);
    life_fail_calls(&l, LC_SIM_SYNC, 2);
    life_append(&l, 20);
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
    (void)life_take_outcomes(&l, 0);
    life_work(&l, LC_WORK_COMMIT);
    life_append(&l, 30);
    life_work(&l, LC_WORK_COMMIT);
    struct lc_simdisk *after = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
    lc_simdisk_die(l.sim);
    lc_store_close(l.store);
    lc_simdisk_free(l.sim);
    l.sim = after;
    life_overwrite(&l, LIFE_DIR "/wal/0000-0000000000000003.wal", 0);
    life_open(&l);
    assert_true(l.report.damaged_places == 1 && l.report.lost_records == 0);
    life_check(&l);
    life_end(&l);
}

/* The disk fails for longer: what is not durable is refused, and its ids are given again. */
static void refuses_while_the_disk_fails(void **state)
{
    LC_UNUSED(state);
    for (unsigned sets = 0; sets < 2; sets++) {
        struct life l;
        life_begin(&l, 1);
        life_append(&l, 20);
        life_work(&l, LC_WORK_COMMIT);
        assert_lc_ok(life_take_outcomes(&l, 0));
        life_fail_calls(&l, LC_SIM_SYNC, 1000);
        life_append(&l, sets == 0 ? 15 : 1200); /* in one set, or in two */
        l.notified = 0;
        assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
        assert_int_equal(l.notified, 1);
        assert_lc_err(life_append_one(&l), LC_EFULL);
        assert_lc_err(life_take_outcomes(&l, 0), LC_EFULL);
        assert_lc_err(life_append_one(&l), LC_EFULL);
        life_check(&l);
        life_fail_calls(&l, LC_SIM_SYNC, 0);
        l.notified = 0;
        assert_lc_ok(lc_store_step(l.store, LC_WORK_COMMIT));
        assert_int_equal(l.notified, 1);
        unsigned first = l.count;
        life_append(&l, 15);
        assert_true(l.ids[first] == l.ids[19] + (1u << LC_ID_SHARD_BITS));
        life_work(&l, LC_WORK_COMMIT);
        assert_lc_ok(life_take_outcomes(&l, 0));
        life_check(&l);
        life_crash(&l, LC_CUT_KEPT);
        assert_true(l.report.damaged_places == 0);
        life_check(&l);
        assert_true(life_missing(&l, 0) == 0);
        life_end(&l);
    }
}

static void full_disk_refuses_and_recovers(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 300);
    life_work(&l, LC_WORK_COMMIT);
    assert_lc_ok(life_take_outcomes(&l, 0));
    lc_simdisk_set_capacity(l.sim, lc_simdisk_used(l.sim) + 20);
    life_append(&l, 20);
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -ENOSPC);
    assert_lc_err(life_take_outcomes(&l, 0), LC_EFULL);
    assert_lc_err(life_append_one(&l), LC_EFULL);
    life_check(&l);
    assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -ENOSPC);
    life_check(&l);
    lc_simdisk_set_capacity(l.sim, UINT64_C(1) << 30);
    life_work(&l, LC_WORK_COMMIT);
    life_append(&l, 20);
    life_work(&l, LC_WORK_SEAL);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_end(&l);
}

/* Both sets are full when the seal fails: who waits for its room hears of it, and is refused. */
static void a_failed_seal_keeps_nobody_waiting(void **state)
{
    LC_UNUSED(state);
    struct life l;
    lc_err e;
    life_begin(&l, 1);
    do
        e = life_append_one(&l);
    while (e == LC_OK);
    assert_lc_err(e, LC_EWAIT);
    life_work(&l, LC_WORK_COMMIT);
    lc_simdisk_set_capacity(l.sim, lc_simdisk_used(l.sim));
    l.notified = 0;
    assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -ENOSPC);
    assert_int_equal(l.notified, 1);
    assert_lc_err(life_append_one(&l), LC_EFULL);
    lc_simdisk_set_capacity(l.sim, UINT64_C(1) << 30);
    l.notified = 0;
    life_work(&l, LC_WORK_SEAL);
    assert_true(l.notified > 0);
    life_append(&l, 20);
    life_work(&l, LC_WORK_COMMIT);
    life_check(&l);
    life_end(&l);
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
    life_begin(&l, 1);
    life_append(&l, 20);
    life_work(&l, LC_WORK_COMMIT);
    for (unsigned i = 0; i < 10; i++) {
        life_fail_calls(&l, LC_SIM_SYNC, 2);
        life_append(&l, 5);
        assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), -EIO);
        (void)life_take_outcomes(&l, 0);
        life_work(&l, LC_WORK_COMMIT); /* a new file works, but for no record */
    }
    unsigned files = 0;
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->list(disk->state, LIFE_DIR "/wal", count_file, &files));
    assert_int_equal(files, 2);
    life_check(&l);
    life_crash(&l, LC_CUT_RANDOM);
    life_check(&l);
    life_end(&l);
}

/* The manifest cannot be written: the seal is tried again, and no second segment is made. */
static void a_failed_edit_is_tried_again(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 100);
    life_work(&l, LC_WORK_COMMIT);
    /* syncs: the segment, then the edit, then the rewritten manifest */
    const struct lc_sim_fault fault = {LC_SIM_SYNC, 2, 1000, -EIO};
    lc_simdisk_fail(l.sim, &fault);
    assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -EIO);
    uint64_t used = lc_simdisk_used(l.sim);
    for (unsigned i = 0; i < 3; i++)
        assert_lc_err(lc_store_step(l.store, LC_WORK_SEAL), -EIO);
    assert_true(lc_simdisk_used(l.sim) <= used);
    life_check(&l);
    life_fail_calls(&l, LC_SIM_SYNC, 0);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    life_check(&l);
    assert_true(lc_store_stats(l.store).segments == 1);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_end(&l);
}

/* ack = written: acknowledged without a sync, and in a new file when a later sync fails. */
static void acknowledged_when_written(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    lc_store_close(l.store);
    l.config.ack_written = true;
    life_open(&l);
    life_append(&l, 20);
    life_fail_calls(&l, LC_SIM_SYNC, 1);
    life_work(&l, LC_WORK_COMMIT);
    assert_lc_ok(life_take_outcomes(&l, 0));
    life_append(&l, 20);
    life_work(&l, LC_WORK_COMMIT);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_fail_calls(&l, LC_SIM_SYNC, 1000);
    life_append(&l, 20);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_COMMIT));
    assert_lc_err(lc_store_step(l.store, LC_WORK_COMMIT), LC_EEND);
    assert_lc_ok(life_take_outcomes(&l, 0));
    assert_lc_err(life_append_one(&l), LC_EFULL);
    life_check(&l);
    life_fail_calls(&l, LC_SIM_SYNC, 0);
    life_work(&l, LC_WORK_COMMIT);
    life_append(&l, 20);
    life_work(&l, LC_WORK_COMMIT);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_end(&l);
}

/* ---- refusing to open ---- */

static void one_server_at_a_time(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    struct lc_store *first = l.store;
    assert_lc_err(life_try_open(&l), LC_EINUSE);
    assert_ptr_equal(l.store, first);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(l.diag.text, pid));
    life_end(&l);
}

static void no_manifest_no_store(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 1);
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, LIFE_DIR "/MANIFEST"));
    assert_lc_err(life_try_open(&l), LC_ECORRUPT);
    assert_non_null(strstr(l.diag.text, "MANIFEST"));
    lc_simdisk_free(l.sim);
}

/* Bit rot in a segment: the server starts, says so, counts what is missing, removes nothing. */
static void a_damaged_segment_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 100);
    life_work(&l, LC_WORK_SEAL);
    life_append(&l, 10);
    lc_store_close(l.store);
    const char *path = LIFE_DIR "/seg/0000000000000001.seg";
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_READ, &f));
    int64_t size = disk->size(disk->state, f);
    disk->close(disk->state, f);
    life_overwrite(&l, path, (uint64_t)size - 10);
    life_open(&l);
    assert_true(l.report.lost_records == 100 && l.report.damaged_places == 1);
    assert_non_null(strstr(l.report.damage, "0000000000000001"));
    assert_true(life_missing(&l, 0) == 100);
    memset(l.ids, 0, 100 * sizeof l.ids[0]);
    life_check(&l);
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_READ, &f));
    disk->close(disk->state, f);
    life_end(&l);
}

/* A WAL file that somebody has removed: the gap of a later start shows what was in it. */
static void a_vanished_wal_file_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 10);
    life_work(&l, LC_WORK_COMMIT);
    life_crash(&l, LC_CUT_LOST); /* makes the gap */
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, LIFE_DIR "/wal/0000-0000000000000001.wal"));
    life_open(&l);
    assert_true(l.report.lost_records == 10 && l.report.damage[0] != '\0');
    assert_true(life_missing(&l, 0) == 0); /* of what a snapshot's end reaches to */
    life_append(&l, 5);
    life_work(&l, LC_WORK_COMMIT);
    assert_true(life_missing(&l, 0) == 10);
    memset(l.ids, 0, 10 * sizeof l.ids[0]);
    life_check(&l);
    life_end(&l);
}

/* A segment whose file somebody has removed: its number is not given again. */
static void a_vanished_segment_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 100);
    life_work(&l, LC_WORK_SEAL);
    lc_store_close(l.store);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->unlink(disk->state, LIFE_DIR "/seg/0000000000000001.seg"));
    life_open(&l);
    assert_true(l.report.lost_records == 100 && life_missing(&l, 0) == 100);
    life_append(&l, 10);
    life_work(&l, LC_WORK_SEAL);
    memset(l.ids, 0, 100 * sizeof l.ids[0]);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    life_end(&l);
}

/* Bit rot in the last edit looks like one that was cut short, and the WAL file that it took out of
 * use is gone: the segment that it named is not removed as an orphan. */
static void rot_in_the_last_edit_removes_nothing(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    life_append(&l, 100);
    life_work(&l, LC_WORK_SEAL);
    life_append(&l, 10);
    life_work(&l, LC_WORK_COMMIT);
    life_cut(&l, LC_CUT_LOST);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, LIFE_DIR "/MANIFEST", LC_OPEN_READ, &f));
    int64_t size = disk->size(disk->state, f);
    disk->close(disk->state, f);
    life_overwrite(&l, LIFE_DIR "/MANIFEST", (uint64_t)size - 6);
    life_open(&l);
    assert_int_equal(l.report.lost_records, 100);
    const char *kept = LIFE_DIR "/seg/0000000000000001.seg.kept";
    assert_lc_ok(disk->open(disk->state, kept, LC_OPEN_READ, &f));
    disk->close(disk->state, f);
    life_work(&l, LC_WORK_SEAL); /* its name becomes durable with the next segment's */
    life_crash(&l, LC_CUT_LOST);
    disk = lc_simdisk_table(l.sim);
    assert_lc_ok(disk->open(disk->state, kept, LC_OPEN_READ, &f));
    disk->close(disk->state, f);
    memset(l.ids, 0, 100 * sizeof l.ids[0]);
    life_check(&l);
    life_end(&l);
}

/* Bit rot in a WAL file: the frames around it are kept, the lost ones are counted. */
static void a_damaged_frame_is_told(void **state)
{
    LC_UNUSED(state);
    struct life l;
    life_begin(&l, 1);
    for (unsigned i = 0; i < 3; i++) {
        life_append(&l, 10);
        life_work(&l, LC_WORK_COMMIT);
    }
    uint64_t octets = lc_store_stats(l.store).synced_octets;
    lc_store_close(l.store);
    life_overwrite(&l, LIFE_DIR "/wal/0000-0000000000000001.wal", octets / 2);
    life_open(&l);
    assert_true(l.report.lost_records == 10 && l.report.damaged_places == 1);
    assert_true(l.report.damaged_octets > 0 && l.report.wal_records == 20);
    assert_non_null(strstr(l.report.damage, "0000-0000000000000001.wal"));
    assert_true(life_missing(&l, 0) == 10);
    memset(l.ids + 10, 0, 10 * sizeof l.ids[0]);
    life_check(&l);
    life_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_in_another_file),
        cmocka_unit_test(dead_frames_stay_dead),
        cmocka_unit_test(refuses_while_the_disk_fails),
        cmocka_unit_test(full_disk_refuses_and_recovers),
        cmocka_unit_test(a_failed_seal_keeps_nobody_waiting),
        cmocka_unit_test(failing_for_long_leaves_no_files),
        cmocka_unit_test(a_failed_edit_is_tried_again),
        cmocka_unit_test(acknowledged_when_written),
        cmocka_unit_test(one_server_at_a_time),
        cmocka_unit_test(no_manifest_no_store),
        cmocka_unit_test(a_damaged_segment_is_told),
        cmocka_unit_test(a_vanished_wal_file_is_told),
        cmocka_unit_test(a_vanished_segment_is_told),
        cmocka_unit_test(rot_in_the_last_edit_removes_nothing),
        cmocka_unit_test(a_damaged_frame_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
