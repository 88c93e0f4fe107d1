/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check_test.c - every kind of damage is told, and what the check says is gone is just what a
 * store opened on the folder no longer has.
 */
#include "store/repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/life_steps_test.h"
#include "store/testing/prng.h"

#define FILES_MAX 64

struct found {
    uint64_t by_kind[LC_NOTE_ORPHAN + 1];
    uint64_t lost;
    struct lc_check_report report;
};

static void on_damage(void *arg, const struct lc_damage *d)
{
    struct found *f = arg;
    uint64_t records = 0;
    assert_true(d->text[0] != '\0' && d->file[0] != '\0');
    for (size_t i = 0; i < d->part_count; i++) {
        assert_true(d->parts[i].min_id <= d->parts[i].max_id);
        records += d->parts[i].records;
    }
    assert_true(records == d->records);
    f->lost += records;
    f->by_kind[d->kind]++;
}

static lc_err check(struct lc_simdisk *sim, struct found *ret, struct lc_diag *diag)
{
    *ret = (struct found){0};
    const struct lc_check_config config = {
        .dir = LIFE_DIR, .disk = lc_simdisk_table(sim), .on_damage = on_damage, .arg = ret};
    lc_err e = lc_store_check(&config, &ret->report, diag);
    if (e == LC_OK)
        assert_true(ret->report.lost_records == ret->lost);
    return e;
}

static void check_ok(struct lc_simdisk *sim, struct found *ret)
{
    struct lc_diag diag;
    lc_err e = check(sim, ret, &diag);
    if (e != LC_OK)
        print_message("%s\n", diag.text);
    assert_lc_ok(e);
}

/* A store with two shards that has several segments, a merged one among them, and WAL files of
 * several frames; closed by a cut, so that all of that stays. */
static void make(struct life *l)
{
    life_begin(l, 2);
    for (unsigned round = 0; round < 5; round++) {
        life_append(l, 40);
        life_work(l, LC_WORK_COMMIT);
        life_work(l, LC_WORK_SEAL);
    }
    life_work(l, LC_WORK_MERGE);
    for (unsigned round = 0; round < 4; round++) {
        life_append(l, 20);
        life_work(l, LC_WORK_COMMIT);
    }
    life_cut(l, LC_CUT_KEPT);
}

struct files {
    char path[FILES_MAX][64];
    size_t count;
    const char *dir;
};

static void note_file(void *arg, const char *name)
{
    struct files *f = arg;
    assert_true(f->count < FILES_MAX);
    snprintf(f->path[f->count++], sizeof f->path[0], "%s/%s", f->dir, name);
}

static void list_files(struct lc_simdisk *sim, struct files *f)
{
    const struct lc_disk *disk = lc_simdisk_table(sim);
    *f = (struct files){.count = 1, .dir = LIFE_DIR "/seg"};
    snprintf(f->path[0], sizeof f->path[0], LIFE_DIR "/MANIFEST");
    assert_lc_ok(disk->list(disk->state, f->dir, note_file, f));
    f->dir = LIFE_DIR "/wal";
    assert_lc_ok(disk->list(disk->state, f->dir, note_file, f));
}

static uint64_t size_of(struct lc_simdisk *sim, const char *path)
{
    const struct lc_disk *disk = lc_simdisk_table(sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_READ, &f));
    int64_t n = disk->size(disk->state, f);
    disk->close(disk->state, f);
    assert_true(n >= 0);
    return (uint64_t)n;
}

static void flip(struct lc_simdisk *sim, const char *path, uint64_t at, unsigned bit)
{
    const struct lc_disk *disk = lc_simdisk_table(sim);
    struct lc_file *f;
    uint8_t octet;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_WRITE, &f));
    assert_int_equal(disk->read(disk->state, f, &octet, 1, at), 1);
    octet ^= (uint8_t)(1u << bit);
    const struct lc_slice part = lc_slice(&octet, 1);
    assert_lc_ok(disk->write(disk->state, f, &part, 1, at));
    disk->close(disk->state, f);
}

static void cut(struct lc_simdisk *sim, const char *path, uint64_t size)
{
    const struct lc_disk *disk = lc_simdisk_table(sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_WRITE, &f));
    assert_lc_ok(disk->truncate(disk->state, f, size));
    disk->close(disk->state, f);
}

/* Records that a store on the folder can read. LC_ECORRUPT: it does not open. */
static lc_err count_readable(struct life *l, struct lc_simdisk *sim, uint64_t *ret)
{
    struct lc_store_config config = l->config;
    struct lc_store *store;
    config.disk = lc_simdisk_table(sim);
    lc_err e = lc_store_open(&config, &store, &l->report, &l->diag);
    if (e != LC_OK)
        return e;
    struct lc_snapshot *snap = lc_store_snapshot(store);
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    struct lc_batch *b;
    *ret = 0;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
    while ((e = lc_scan_next(scan, &b)) != LC_EEND)
        if (e == LC_OK && lc_batch_load(b, LC_COL_ALL) == LC_OK)
            *ret += lc_batch_count(b);
    lc_scan_close(scan);
    lc_snapshot_unref(snap);
    lc_store_close(store);
    return LC_OK;
}

/* Damages a copy, and compares what the check says with what a store can read. `damage` changes the
 * copy. Where the end of a WAL file is what was hit, nobody can know what stood there. */
static void judge(struct life *l, struct lc_simdisk *damaged, const char *path, uint64_t at)
{
    struct found f;
    uint64_t readable = 0;
    check_ok(damaged, &f);
    bool told = f.report.damages + f.report.notes > 0;
    lc_err e = count_readable(l, damaged, &readable);
    bool agrees = e == LC_OK ? f.by_kind[LC_DAMAGE_MANIFEST] == 0 &&
                                   (readable + f.lost == l->count || f.by_kind[LC_NOTE_TORN] > 0)
                             : f.by_kind[LC_DAMAGE_MANIFEST] > 0;
    if (!told || !agrees || readable + f.lost > l->count)
        print_message("%s at %llu: told %d, %llu readable, %llu gone, of %u\n", path,
                      (unsigned long long)at, told, (unsigned long long)readable,
                      (unsigned long long)f.lost, l->count);
    assert_true(told && agrees && readable + f.lost <= l->count);
    lc_simdisk_free(damaged);
}

static void sound_after_any_cut(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct found f;
    make(&l);
    check_ok(l.sim, &f);
    assert_true(f.report.damages == 0 && f.report.notes == 0);
    assert_true(f.report.segments > 0 && f.report.wal_files > 0);
    assert_int_equal(f.report.segment_records + f.report.wal_records, l.count);
    assert_true(f.report.min_time_ns <= f.report.max_time_ns);
    life_open(&l);
    life_append(&l, 30);
    life_work(&l, LC_WORK_COMMIT);
    life_cut(&l, LC_CUT_LOST);
    check_ok(l.sim, &f);
    assert_true(f.report.damages == 0);
    lc_simdisk_free(l.sim);
}

static void nothing_is_changed(void **state)
{
    LC_UNUSED(state);
    static const enum lc_sim_call changing[] = {LC_SIM_MKDIR,    LC_SIM_WRITE,  LC_SIM_SYNC,
                                                LC_SIM_SYNC_DIR, LC_SIM_RENAME, LC_SIM_UNLINK,
                                                LC_SIM_TRUNCATE};
    struct life l;
    struct found f;
    uint64_t before[LC_ARRAY_LEN(changing)];
    make(&l);
    for (size_t i = 0; i < LC_ARRAY_LEN(changing); i++)
        before[i] = lc_simdisk_calls(l.sim, changing[i]);
    check_ok(l.sim, &f);
    for (size_t i = 0; i < LC_ARRAY_LEN(changing); i++)
        assert_true(lc_simdisk_calls(l.sim, changing[i]) == before[i]);
    life_open(&l);
    life_check(&l);
    life_end(&l);
}

static void flipped_bits(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct files files;
    struct lc_prng prng = {11};
    make(&l);
    list_files(l.sim, &files);
    for (size_t i = 0; i < files.count; i++) {
        uint64_t size = size_of(l.sim, files.path[i]);
        uint64_t step = size / 60 + 1;
        for (uint64_t at = 0; at < size; at += 1 + lc_prng_below(&prng, 2 * step)) {
            struct lc_simdisk *damaged = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
            flip(damaged, files.path[i], at, (unsigned)lc_prng_below(&prng, 8));
            judge(&l, damaged, files.path[i], at);
        }
    }
    lc_simdisk_free(l.sim);
}

static void cut_files(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct files files;
    struct lc_prng prng = {12};
    make(&l);
    list_files(l.sim, &files);
    for (size_t i = 1; i < files.count; i++) { /* a cut manifest: below */
        uint64_t size = size_of(l.sim, files.path[i]);
        for (unsigned round = 0; round < 20; round++) {
            struct lc_simdisk *damaged = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
            uint64_t at = round == 0 ? 0 : 1 + lc_prng_below(&prng, size - 1);
            cut(damaged, files.path[i], at);
            struct found f;
            uint64_t readable = 0;
            check_ok(damaged, &f);
            assert_lc_ok(count_readable(&l, damaged, &readable));
            assert_true(readable + f.lost <= l.count);
            if (strstr(files.path[i], "/seg/") != NULL)
                assert_true(f.report.damages > 0 && readable + f.lost == l.count);
            lc_simdisk_free(damaged);
        }
    }
    lc_simdisk_free(l.sim);
}

static void missing_files(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct files files;
    make(&l);
    list_files(l.sim, &files);
    for (size_t i = 0; i < files.count; i++) {
        if (strstr(files.path[i], "/wal/") != NULL)
            continue; /* the last one of a shard leaves no trace */
        struct lc_simdisk *damaged = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
        const struct lc_disk *disk = lc_simdisk_table(damaged);
        assert_lc_ok(disk->unlink(disk->state, files.path[i]));
        judge(&l, damaged, files.path[i], 0);
    }
    lc_simdisk_free(l.sim);
}

/* Without a manifest all files are looked at. */
static void counts_without_a_manifest(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct found f;
    make(&l);
    flip(l.sim, LIFE_DIR "/MANIFEST", 3, 0);
    check_ok(l.sim, &f);
    assert_int_equal(f.by_kind[LC_DAMAGE_MANIFEST], 1);
    assert_int_equal(f.report.damages, 1);
    assert_int_equal(f.report.segment_records + f.report.wal_records, l.count);
    lc_simdisk_free(l.sim);
}

static void other_files_are_told(void **state)
{
    LC_UNUSED(state);
    static const char *const names[] = {"/seg/00000000000000f0.seg",
                                        "/wal/0000-0000000000000000.wal",
                                        "/seg/00000000000000f1.seg.kept", "/seg/mine.txt"};
    struct life l;
    struct found f;
    make(&l);
    const struct lc_disk *disk = lc_simdisk_table(l.sim);
    for (size_t i = 0; i < LC_ARRAY_LEN(names); i++) {
        char path[64];
        struct lc_file *file;
        snprintf(path, sizeof path, LIFE_DIR "%s", names[i]);
        assert_lc_ok(disk->open(disk->state, path, LC_OPEN_CREATE, &file));
        disk->close(disk->state, file);
    }
    check_ok(l.sim, &f);
    assert_int_equal(f.by_kind[LC_NOTE_ORPHAN], 2);
    assert_int_equal(f.by_kind[LC_DAMAGE_KEPT], 1);
    assert_int_equal(f.report.damages, 1);
    assert_int_equal(f.report.notes, 2);
    lc_simdisk_free(l.sim);
}

static void what_cannot_be_checked(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct found f;
    struct lc_diag diag;
    life_begin(&l, 1);
    assert_lc_err(check(l.sim, &f, &diag), LC_EINUSE);
    assert_non_null(strstr(diag.text, "a server runs on it"));
    lc_store_close(l.store);
    check_ok(l.sim, &f);
    assert_true(f.report.damages == 0 && f.report.min_time_ns > f.report.max_time_ns);
    lc_simdisk_free(l.sim);

    struct lc_simdisk *empty = lc_simdisk_new(1 << 20, 1);
    assert_lc_err(check(empty, &f, &diag), -ENOENT);
    assert_true(diag.text[0] != '\0');
    const struct lc_disk *disk = lc_simdisk_table(empty);
    assert_lc_ok(disk->mkdir(disk->state, LIFE_DIR));
    assert_lc_err(check(empty, &f, &diag), -ENOENT);
    assert_non_null(strstr(diag.text, "not a data folder"));
    lc_simdisk_free(empty);
}

/* Each call in turn fails: a read that does is damage, after another one the check says why. */
static void failing_calls(void **state)
{
    LC_UNUSED(state);
    struct life l;
    make(&l);
    for (int call = 0; call < LC_SIM_CALL_COUNT; call++)
        for (uint64_t first = 1;; first++) {
            struct found f;
            struct lc_diag diag;
            struct lc_simdisk *copy = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
            const struct lc_sim_fault fault = {(enum lc_sim_call)call, first, 1, -EIO};
            lc_simdisk_fail(copy, &fault);
            lc_err e = check(copy, &f, &diag);
            bool failed = lc_simdisk_failed(copy) > 0;
            assert_true(e == LC_OK || (failed && diag.text[0] != '\0'));
            if (call == LC_SIM_READ && failed)
                assert_true(e == LC_OK && f.report.damages > 0);
            lc_simdisk_free(copy);
            if (!failed)
                break;
        }
    lc_simdisk_free(l.sim);
}

/* ---- repair ---- */

static lc_err repair(struct life *l, struct lc_simdisk *sim, struct found *f,
                     struct lc_repair_report *ret)
{
    *f = (struct found){0};
    const struct lc_repair_config config = {
        .check = {.dir = LIFE_DIR, .disk = lc_simdisk_table(sim), .on_damage = on_damage, .arg = f},
        .clock = &l->clock.table,
    };
    struct lc_diag diag;
    lc_err e = lc_store_repair(&config, &f->report, ret, &diag);
    assert_true(e == LC_OK || diag.text[0] != '\0');
    return e;
}

/* After it the folder is sound, holds what was there before less what is gone, each once and as it
 * was, and gives no id again. */
static void judge_repaired(struct life *l, struct lc_simdisk *sim, uint64_t lost, bool exactly)
{
    struct found after;
    struct lc_store *store;
    struct lc_store_config config = l->config;
    check_ok(sim, &after);
    assert_true(after.report.damages == 0);
    config.disk = lc_simdisk_table(sim);
    assert_lc_ok(lc_store_open(&config, &store, &l->report, &l->diag));
    struct lc_snapshot *snap = lc_store_snapshot(store);
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    struct lc_batch *b;
    bool seen[LIFE_RECORDS] = {false};
    uint64_t found = 0;
    lc_err e;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
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
    lc_snapshot_unref(snap);
    if (exactly)
        assert_int_equal(found + lost, l->count);
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r = lc_test_record(0, fields);
    uint64_t id;
    for (unsigned shard = 0; shard < 2; shard++) {
        assert_lc_ok(lc_shard_append(lc_store_shard(store, shard), &r, &id));
        for (unsigned i = 0; i < l->count; i++)
            assert_true(l->ids[i] != id);
    }
    lc_store_close(store);
}

static void repaired_bits(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct files files;
    struct lc_prng prng = {21};
    make(&l);
    list_files(l.sim, &files);
    for (size_t i = 0; i < files.count; i++) {
        uint64_t size = size_of(l.sim, files.path[i]);
        uint64_t step = size / 12 + 1;
        for (uint64_t at = 0; at < size; at += 1 + lc_prng_below(&prng, 2 * step)) {
            struct found f;
            struct lc_repair_report done;
            struct lc_simdisk *damaged = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
            flip(damaged, files.path[i], at, (unsigned)lc_prng_below(&prng, 8));
            assert_lc_ok(repair(&l, damaged, &f, &done));
            assert_true(done.manifest_rebuilt == (f.by_kind[LC_DAMAGE_MANIFEST] > 0));
            judge_repaired(&l, damaged, f.lost, f.by_kind[LC_NOTE_TORN] == 0);
            lc_simdisk_free(damaged);
        }
    }
    lc_simdisk_free(l.sim);
}

struct cutting {
    struct lc_simdisk *disk, *after;
    uint64_t at;
    enum lc_sim_cut how;
};

static void cut_power(void *arg, uint64_t change)
{
    struct cutting *c = arg;
    if (change != c->at)
        return;
    c->after = lc_simdisk_cut(c->disk, c->how, c->at);
    lc_simdisk_die(c->disk);
}

/* The power is cut before each change that a repair makes; then it is begun again, and the folder
 * is as after a repair that was not cut. */
static void cut_at_each_change(struct life *l, const char *path, uint64_t at)
{
    struct found f;
    struct lc_repair_report done;
    struct lc_simdisk *damaged = lc_simdisk_cut(l->sim, LC_CUT_KEPT, 1);
    flip(damaged, path, at, 2);
    check_ok(damaged, &f);
    uint64_t lost = f.lost;
    assert_true(f.report.damages > 0);
    for (int how = 0; how < LC_CUT_COUNT; how++)
        for (uint64_t change = 1;; change++) {
            struct cutting c = {.at = change, .how = (enum lc_sim_cut)how};
            c.disk = lc_simdisk_cut(damaged, LC_CUT_KEPT, 1);
            lc_simdisk_hook(c.disk, cut_power, &c);
            lc_err e = repair(l, c.disk, &f, &done);
            lc_simdisk_free(c.disk);
            if (c.after == NULL) {
                assert_lc_ok(e);
                break;
            }
            assert_lc_ok(repair(l, c.after, &f, &done));
            judge_repaired(l, c.after, lost, true);
            lc_simdisk_free(c.after);
        }
    lc_simdisk_free(damaged);
}

static void repair_survives_power_cuts(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct files files;
    make(&l);
    list_files(l.sim, &files);
    for (size_t i = 0; i < files.count; i++) {
        uint64_t size = size_of(l.sim, files.path[i]);
        if (strstr(files.path[i], "/wal/") != NULL)
            cut_at_each_change(&l, files.path[i], 20);
        else if (strstr(files.path[i], "/seg/") != NULL)
            cut_at_each_change(&l, files.path[i], i % 2 == 0 ? size / 4 : size - 10);
        else
            cut_at_each_change(&l, files.path[i], 30);
    }
    lc_simdisk_free(l.sim);
}

/* The power is cut when a repair is done: the copy of what was damaged is there, unless a sync of
 * it is left out. */
static void copies_are_durable(void **state)
{
    LC_UNUSED(state);
    static const enum lc_sync_point ignored[] = {LC_SYNC_COUNT, LC_SYNC_LOST_FILE,
                                                 LC_SYNC_LOST_DIR};
    struct life l;
    make(&l);
    flip(l.sim, LIFE_DIR "/MANIFEST", 30, 0);
    for (size_t i = 0; i < LC_ARRAY_LEN(ignored); i++) {
        struct found f;
        struct lc_repair_report done;
        struct lc_slice original, copy = {0};
        struct lc_simdisk *sim = lc_simdisk_cut(l.sim, LC_CUT_KEPT, 1);
        assert_lc_ok(lc_file_read(lc_simdisk_table(sim), LIFE_DIR, "MANIFEST", &original));
        if (ignored[i] != LC_SYNC_COUNT)
            lc_simdisk_ignore_sync(sim, ignored[i]);
        assert_lc_ok(repair(&l, sim, &f, &done));
        struct lc_simdisk *after = lc_simdisk_cut(sim, LC_CUT_LOST, 1);
        lc_err e = lc_file_read(lc_simdisk_table(after), LIFE_DIR "/lost+found", "MANIFEST", &copy);
        assert_true((e == LC_OK && lc_slice_eq(copy, original)) == (ignored[i] == LC_SYNC_COUNT));
        free((void *)(uintptr_t)original.p);
        free((void *)(uintptr_t)copy.p);
        lc_simdisk_free(after);
        lc_simdisk_free(sim);
    }
    lc_simdisk_free(l.sim);
}

static void nothing_to_repair(void **state)
{
    LC_UNUSED(state);
    struct life l;
    struct found f;
    struct lc_repair_report done;
    make(&l);
    uint64_t before = lc_simdisk_calls(l.sim, LC_SIM_WRITE);
    assert_lc_ok(repair(&l, l.sim, &f, &done));
    assert_true(lc_simdisk_calls(l.sim, LC_SIM_WRITE) == before);
    life_open(&l);
    life_check(&l);
    life_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_after_any_cut),
        cmocka_unit_test(nothing_is_changed),
        cmocka_unit_test(flipped_bits),
        cmocka_unit_test(cut_files),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(counts_without_a_manifest),
        cmocka_unit_test(other_files_are_told),
        cmocka_unit_test(what_cannot_be_checked),
        cmocka_unit_test(failing_calls),
        cmocka_unit_test(repaired_bits),
        cmocka_unit_test(repair_survives_power_cuts),
        cmocka_unit_test(nothing_to_repair),
        cmocka_unit_test(copies_are_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
