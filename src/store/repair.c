/* SPDX-License-Identifier: Apache-2.0
 *
 * store/repair.c - a data folder made whole: copies of what is damaged, new segments, and then one
 * manifest that names them. Nothing is removed before that is durable. WAL files are left to a
 * start of the store, which ends the repair: it takes of them what can be read.
 */
#include "store/repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "store/array.h"
#include "store/repair_impl.h"
#include "store/wal_format.h"

/* Reservations of a manifest that is lost are not known: no shard gives so many between two. */
#define RESERVE_AHEAD (UINT64_C(1) << 32)

/* ---- copies ---- */

static lc_err write_copy(struct lc_repair *r, const char *path, struct lc_slice contents)
{
    struct lc_file *f;
    lc_err e = r->disk->unlink(r->disk->state, path); /* of a repair that was cut off */
    if (e == LC_OK || e == -ENOENT)
        e = r->disk->open(r->disk->state, path, LC_OPEN_CREATE, &f);
    if (e != LC_OK)
        return e;
    e = r->disk->write(r->disk->state, f, &contents, 1, 0);
    if (e == LC_OK)
        e = r->disk->sync(r->disk->state, f, LC_SYNC_LOST_FILE);
    r->disk->close(r->disk->state, f);
    return e;
}

lc_err lc_repair_keep(struct lc_repair *r, const char *file)
{
    char path[LC_PATH_MAX];
    struct lc_slice contents;
    if (r->config->discard)
        return LC_OK;
    lc_err e = lc_file_read(r->disk, r->dir_path, file, &contents);
    if (e != LC_OK)
        return e == -ENOENT || lc_check_is_damage(e) ? LC_OK : e; /* no copy of it can be made */
    const char *name = strrchr(file, '/');
    e = lc_path(path, "%s/%s", r->lost_path, name != NULL ? name + 1 : file);
    if (e == LC_OK)
        e = r->disk->mkdir(r->disk->state, r->lost_path);
    if (e == LC_OK)
        e = write_copy(r, path, contents);
    free((void *)(uintptr_t)contents.p);
    if (e == LC_OK)
        e = r->disk->sync_dir(r->disk->state, r->lost_path, LC_SYNC_LOST_DIR);
    if (e == LC_OK)
        e = r->disk->sync_dir(r->disk->state, r->dir_path, LC_SYNC_LOST_DIR);
    r->report->kept_copies += e == LC_OK;
    return e;
}

/* ---- what is there ---- */

static void note_file(void *arg, const char *name)
{
    struct lc_repair *r = arg;
    uint64_t number;
    if (!lc_segment_name(name, &number))
        return;
    uint64_t *more = lc_array_more(r->files, r->file_count, sizeof *more);
    if (more == NULL) {
        r->err = -ENOMEM;
        return;
    }
    r->files = more;
    r->files[r->file_count++] = number;
    r->next_number = number >= r->next_number ? number + 1 : r->next_number;
}

static void note_wal(void *arg, const char *name)
{
    struct lc_repair *r = arg;
    struct lc_wal_file f = {.limit = UINT64_MAX};
    if (!lc_wal_name(name, &f.shard, &f.number) || f.shard >= LC_SHARDS_MAX)
        return;
    struct lc_wal_file *more = lc_array_more(r->wals, r->wal_count, sizeof *more);
    if (more == NULL) {
        r->err = -ENOMEM;
        return;
    }
    r->wals = more;
    r->wals[r->wal_count++] = f;
    r->shard_count = f.shard >= r->shard_count ? f.shard + 1 : r->shard_count;
    uint64_t *start = &r->wal_start[f.shard];
    *start = *start == 0 || f.number < *start ? f.number : *start;
}

static lc_err list(struct lc_repair *r, const char *path, void (*name)(void *, const char *))
{
    lc_err e = r->disk->mkdir(r->disk->state, path);
    if (e == LC_OK)
        e = r->disk->list(r->disk->state, path, name, r);
    return e == LC_OK ? r->err : e;
}

static lc_err load(struct lc_repair *r)
{
    lc_err e = lc_manifest_load(&r->manifest, r->disk, r->dir_path, NULL);
    r->has_state = e == LC_OK;
    if (!r->has_state && e != -ENOENT && !lc_check_is_damage(e))
        return e;
    if (!r->has_state)
        lc_manifest_create(&r->manifest, r->disk, r->dir_path, 0);
    e = list(r, r->seg_path, note_file);
    if (e == LC_OK)
        e = list(r, r->wal_path, note_wal);
    for (size_t i = 0; i < r->manifest.state.segment_count; i++) {
        uint64_t number = r->manifest.state.segments[i].number;
        r->next_number = number >= r->next_number ? number + 1 : r->next_number;
    }
    return e;
}

/* ---- without a manifest ---- */

/* Which store the files are of, and the last sequence that stands in one. */
static lc_err look_at_wal(struct lc_repair *r, const struct lc_wal_file *f)
{
    char path[LC_PATH_MAX];
    struct lc_slice file;
    lc_err e = lc_wal_path("wal", f->shard, f->number, path);
    if (e == LC_OK)
        e = lc_file_read(r->disk, r->dir_path, path, &file);
    if (e != LC_OK)
        return lc_check_is_damage(e) ? LC_OK : e;
    struct lc_wal_id id = {r->manifest.state.store, f->shard, f->number};
    uint64_t durable;
    struct lc_reader in = lc_reader(lc_slice_from(file, LC_WAL_STORE_AT));
    if (id.store == 0 && file.n >= LC_WAL_HEADER_SIZE) {
        id.store = lc_read_u64_le(&in);
        if (lc_wal_header(file, &id, &durable) == LC_OK)
            r->manifest.state.store = id.store;
    }
    struct lc_wal_reader reader;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record rec;
    e = lc_wal_reader_init(&reader, file, &id);
    uint64_t *last = &r->logged[f->shard];
    while (e == LC_OK && lc_wal_next(&reader, fields, &rec) == LC_OK)
        *last = lc_id_sequence(rec.id) > *last ? lc_id_sequence(rec.id) : *last;
    if (e == LC_OK)
        lc_wal_reader_done(&reader);
    free((void *)(uintptr_t)file.p);
    return e;
}

static int by_newest(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* What was merged is newer than what it was made of: of both, the newer one is taken. */
static lc_err rebuild_segments(struct lc_repair *r)
{
    lc_err e = LC_OK;
    if (r->file_count > 1)
        qsort(r->files, r->file_count, sizeof *r->files, by_newest);
    for (size_t i = 0; i < r->file_count && e == LC_OK; i++)
        e = lc_repair_segment(r, r->files[i], NULL);
    for (size_t i = 0; i < r->wal_count && e == LC_OK; i++)
        e = look_at_wal(r, &r->wals[i]);
    const struct lc_clock *clock = r->config->clock != NULL ? r->config->clock : &lc_clock_system;
    while (r->manifest.state.store == 0)
        clock->random(clock->state, &r->manifest.state.store, sizeof r->manifest.state.store);
    return e;
}

static void rebuild_shards(const struct lc_repair *r, struct lc_edit *edit)
{
    for (unsigned i = 0; i < r->shard_count; i++) {
        uint64_t last = r->logged[i] > r->sealed[i] ? r->logged[i] : r->sealed[i];
        const struct lc_manifest_shard is = {
            .wal_start = r->wal_start[i] == 0 ? 1 : r->wal_start[i],
            .reserved = last + RESERVE_AHEAD,
            .sealed = r->sealed[i],
            .gone = r->sealed[i],
        };
        lc_edit_shard(edit, i, &is);
    }
}

/* ---- with one ---- */

static lc_err repair_segments(struct lc_repair *r)
{
    lc_err e = LC_OK;
    for (size_t i = 0; i < r->manifest.state.segment_count && e == LC_OK; i++) {
        const struct lc_segment_meta *m = &r->manifest.state.segments[i];
        e = lc_repair_segment(r, m->number, m);
    }
    return e;
}

static void note_gone(const struct lc_repair *r, struct lc_edit *edit)
{
    for (unsigned i = 0; i < r->manifest.state.shard_count; i++) {
        struct lc_manifest_shard is = r->manifest.state.shards[i];
        is.gone = r->gone[i] > is.gone ? r->gone[i] : is.gone;
        lc_edit_shard(edit, i, &is);
    }
}

/* ---- the manifest, and what follows ---- */

static lc_err write_manifest(struct lc_repair *r)
{
    struct lc_edit edit;
    lc_edit_init(&edit);
    if (r->has_state)
        note_gone(r, &edit);
    else
        rebuild_shards(r, &edit);
    if (edit.err == LC_OK)
        edit.err = r->segments.err;
    if (edit.err == LC_OK)
        edit.err = lc_dynbuf_append(&edit.ops, lc_dynbuf_slice(&r->segments.ops));
    lc_err e = r->disk->sync_dir(r->disk->state, r->seg_path, LC_SYNC_SEGMENT_DIR);
    if (e == LC_OK)
        e = lc_manifest_rewrite(&r->manifest, &edit);
    lc_edit_done(&edit);
    return e;
}

static void remove_dropped(struct lc_repair *r)
{
    for (size_t i = 0; i < r->dropped_count; i++) {
        char path[LC_PATH_MAX];
        /* One that stays is an orphan, which the start removes. */
        if (lc_segment_path(r->seg_path, r->dropped[i], path) == LC_OK)
            (void)r->disk->unlink(r->disk->state, path);
    }
}

static lc_err repair_files(struct lc_repair *r)
{
    lc_err e = load(r);
    for (size_t i = 0; i < r->damaged_count && e == LC_OK; i++)
        e = lc_repair_keep(r, r->damaged[i]);
    if (e == LC_OK && !r->has_state)
        e = lc_repair_keep(r, "MANIFEST");
    if (e == LC_OK)
        e = r->has_state ? repair_segments(r) : rebuild_segments(r);
    if (e == LC_OK)
        e = write_manifest(r);
    if (e != LC_OK)
        return e;
    r->report->manifest_rebuilt = !r->has_state;
    remove_dropped(r);
    return LC_OK;
}

/* A start takes what WAL files have; sealed, nothing of them is left to be read again. */
static lc_err start(const struct lc_repair *r, struct lc_diag *diag)
{
    const struct lc_store_config config = {.dir = r->dir_path,
                                           .disk = r->disk,
                                           .clock = r->config->clock,
                                           .writers = 1,
                                           .retain_octets = UINT64_MAX};
    struct lc_store *store;
    lc_err e = lc_store_open(&config, &store, &r->report->opened, diag);
    if (e != LC_OK)
        return e;
    while ((e = lc_store_step(store, LC_WORK_SEAL)) == LC_OK)
        ;
    lc_store_close(store);
    return e == LC_EEND ? LC_OK : e;
}

static void on_damage(void *arg, const struct lc_damage *d)
{
    struct lc_repair *r = arg;
    r->config->check.on_damage(r->config->check.arg, d);
    if (d->kind != LC_DAMAGE_WAL)
        return;
    void *more = lc_array_more(r->damaged, r->damaged_count, sizeof r->damaged[0]);
    if (more == NULL) {
        r->err = -ENOMEM;
        return;
    }
    r->damaged = more;
    snprintf(r->damaged[r->damaged_count++], sizeof r->damaged[0], "%s", d->file);
}

static void on_progress(void *arg, uint64_t octets, uint64_t total)
{
    const struct lc_repair *r = arg;
    if (r->config->check.on_progress != NULL)
        r->config->check.on_progress(r->config->check.arg, octets, total);
}

static lc_err lock_and_repair(struct lc_repair *r, struct lc_diag *diag)
{
    char path[LC_PATH_MAX];
    struct lc_file *held;
    lc_err e = lc_path(path, "%s/LOCK", r->dir_path);
    if (e == LC_OK)
        e = r->disk->lock(r->disk->state, path, &held);
    if (e == LC_OK) {
        e = repair_files(r);
        r->disk->close(r->disk->state, held);
    }
    if (e == LC_OK)
        e = start(r, diag);
    if (e != LC_OK && diag->text[0] == '\0')
        lc_diag_set(diag, "%s: %s", r->dir_path, lc_strerror(e));
    return e;
}

static lc_err name_paths(struct lc_repair *r)
{
    lc_err e = lc_path(r->dir_path, "%s", r->config->check.dir);
    if (e == LC_OK)
        e = lc_path(r->seg_path, "%s/seg", r->dir_path);
    if (e == LC_OK)
        e = lc_path(r->wal_path, "%s/wal", r->dir_path);
    return e == LC_OK ? lc_path(r->lost_path, "%s/lost+found", r->dir_path) : e;
}

lc_err lc_store_repair(const struct lc_repair_config *config, struct lc_check_report *ret_check,
                       struct lc_repair_report *ret, struct lc_diag *diag)
{
    struct lc_repair *r = calloc(1, sizeof *r);
    struct lc_check_config check = config->check;
    *ret = (struct lc_repair_report){0};
    diag->text[0] = '\0';
    if (r == NULL)
        return -ENOMEM;
    r->config = config;
    r->disk = check.disk != NULL ? check.disk : &lc_disk_system;
    r->report = ret;
    r->next_number = 1;
    check.on_damage = on_damage;
    check.on_progress = on_progress;
    check.arg = r;
    lc_edit_init(&r->segments);
    lc_err e = name_paths(r);
    if (e == LC_OK)
        e = lc_store_check(&check, ret_check, diag);
    if (e == LC_OK)
        e = r->err;
    if (e == LC_OK && ret_check->damages > 0)
        e = lock_and_repair(r, diag);
    lc_edit_done(&r->segments);
    lc_manifest_done(&r->manifest);
    lc_seen_done(&r->seen);
    free(r->files);
    free(r->wals);
    free(r->dropped);
    free(r->damaged);
    free(r);
    return e;
}
