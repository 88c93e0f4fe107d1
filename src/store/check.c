/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check.c - a data folder: its lock, its manifest, and the files that are in it.
 */
#include "store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "store/array.h"
#include "store/check_impl.h"

static const struct {
    const char *name;
    bool is_note;
} kinds[] = {
    [LC_DAMAGE_MANIFEST] = {"manifest", false},
    [LC_DAMAGE_WAL] = {"wal", false},
    [LC_DAMAGE_LOST] = {"lost", false},
    [LC_DAMAGE_SEGMENT] = {"segment", false},
    [LC_DAMAGE_BLOCK] = {"block", false},
    [LC_DAMAGE_SUMS] = {"sums", false},
    [LC_DAMAGE_DOUBLE] = {"double", false},
    [LC_DAMAGE_KEPT] = {"kept", false},
    [LC_NOTE_TORN] = {"torn", true},
    [LC_NOTE_ORPHAN] = {"orphan", true},
};

const char *lc_damage_name(enum lc_damage_kind kind)
{
    return kinds[kind].name;
}

bool lc_damage_is_note(enum lc_damage_kind kind)
{
    return kinds[kind].is_note;
}

void lc_check_tell(struct lc_check *c, const struct lc_damage *d, const char *fmt, ...)
{
    char text[480];
    struct lc_damage told = *d;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, lc_text(fmt), ap);
    va_end(ap);
    told.text = text;
    if (lc_damage_is_note(d->kind))
        c->report->notes++;
    else
        c->report->damages++;
    c->report->lost_records += d->records;
    c->config->on_damage(c->config->arg, &told);
}

void lc_check_progress(struct lc_check *c, uint64_t octets)
{
    c->octets += octets;
    if (c->config->on_progress != NULL)
        c->config->on_progress(c->config->arg, c->octets, c->total);
}

void lc_check_times(struct lc_check *c, int64_t min_ns, int64_t max_ns)
{
    struct lc_check_report *r = c->report;
    r->min_time_ns = min_ns < r->min_time_ns ? min_ns : r->min_time_ns;
    r->max_time_ns = max_ns > r->max_time_ns ? max_ns : r->max_time_ns;
}

bool lc_check_is_damage(lc_err e)
{
    return e == LC_ECORRUPT || e == -EIO;
}

/* ---- what is there ---- */

static void add_size(struct lc_check *c, const char *dir, const char *name)
{
    char path[LC_PATH_MAX];
    struct lc_file *f;
    if (lc_path(path, "%s/%s", dir, name) != LC_OK ||
        c->disk->open(c->disk->state, path, LC_OPEN_READ, &f) != LC_OK)
        return; /* whoever reads it says so */
    int64_t size = c->disk->size(c->disk->state, f);
    c->total += size > 0 ? (uint64_t)size : 0;
    c->disk->close(c->disk->state, f);
}

static void note_wal(void *arg, const char *name)
{
    struct lc_check *c = arg;
    struct lc_wal_file f = {.limit = UINT64_MAX};
    if (!lc_wal_name(name, &f.shard, &f.number))
        return;
    bool counts = !c->has_state || (f.shard < c->state.shard_count &&
                                    f.number >= c->state.shards[f.shard].wal_start);
    if (!counts) {
        char file[40];
        snprintf(file, sizeof file, "wal/%s", name);
        const struct lc_damage d = {.kind = LC_NOTE_ORPHAN, .file = file, .min_time_ns = 1};
        lc_check_tell(c, &d,
                      "nothing names it: a crash has left it, and the next start removes it");
        return;
    }
    struct lc_wal_file *more = lc_array_more(c->wals, c->wal_count, sizeof *more);
    if (more == NULL) {
        c->err = -ENOMEM;
        return;
    }
    c->wals = more;
    c->wals[c->wal_count++] = f;
    add_size(c, c->wal_path, name);
}

#define KEPT ".kept"

static bool is_kept(const char *name)
{
    char front[32];
    uint64_t number;
    size_t n = strlen(name);
    if (n <= strlen(KEPT) || n >= sizeof front || strcmp(name + n - strlen(KEPT), KEPT) != 0)
        return false;
    snprintf(front, sizeof front, "%.*s", (int)(n - strlen(KEPT)), name);
    return lc_segment_name(front, &number);
}

static void note_segment(void *arg, const char *name)
{
    struct lc_check *c = arg;
    char file[64];
    snprintf(file, sizeof file, "seg/%.50s", name);
    if (is_kept(name)) {
        const struct lc_damage d = {.kind = LC_DAMAGE_KEPT, .file = file, .min_time_ns = 1};
        lc_check_tell(
            c, &d,
            "a segment that was set aside: MANIFEST had lost its end, and records were in "
            "no other file");
        return;
    }
    uint64_t number;
    if (!lc_segment_name(name, &number))
        return;
    if (c->has_state && lc_manifest_segment(&c->state, number) == NULL) {
        const struct lc_damage d = {.kind = LC_NOTE_ORPHAN, .file = file, .min_time_ns = 1};
        lc_check_tell(c, &d,
                      "nothing names it: a crash has left it, and the next start removes it");
        return;
    }
    uint64_t *more = lc_array_more(c->segments, c->segment_count, sizeof *more);
    if (more == NULL) {
        c->err = -ENOMEM;
        return;
    }
    c->segments = more;
    c->segments[c->segment_count++] = number;
    add_size(c, c->seg_path, name);
}

static int wal_cmp(const void *a, const void *b)
{
    const struct lc_wal_file *x = a, *y = b;
    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static lc_err list_dir(struct lc_check *c, const char *path,
                       void (*name)(void *arg, const char *name))
{
    lc_err e = c->disk->list(c->disk->state, path, name, c);
    if (e == LC_OK)
        e = c->err;
    /* one that was never made, or is gone: what it should hold is told as missing */
    if (e != LC_OK && e != -ENOENT)
        lc_diag_set(c->diag, "%s: %s", path, lc_strerror(e));
    return e == -ENOENT ? LC_OK : e;
}

static lc_err list_files(struct lc_check *c)
{
    lc_err e = list_dir(c, c->seg_path, note_segment);
    if (e == LC_OK)
        e = list_dir(c, c->wal_path, note_wal);
    if (e == LC_OK && c->wal_count > 1)
        qsort(c->wals, c->wal_count, sizeof *c->wals, wal_cmp);
    return e;
}

/* ---- the manifest ---- */

static lc_err check_manifest(struct lc_check *c)
{
    struct lc_damage d = {.kind = LC_DAMAGE_MANIFEST, .file = "MANIFEST", .min_time_ns = 1};
    struct lc_slice file;
    struct lc_diag why = {{0}, 0, 0};
    lc_err e = lc_file_read(c->disk, c->dir_path, "MANIFEST", &file);
    if (lc_check_is_damage(e) || e == -ENOENT) {
        lc_check_tell(c, &d, "%s", lc_strerror(e));
        return LC_OK;
    }
    if (e == LC_OK) {
        size_t torn = 0;
        e = lc_manifest_parse(file, &c->state, &torn, &why);
        c->has_state = e == LC_OK;
        d.octets = torn;
        d.offset = file.n - torn;
        free((void *)(uintptr_t)file.p);
    }
    if (lc_check_is_damage(e)) {
        lc_check_tell(c, &d, "%s; which files count is not known, so all of them are looked at",
                      why.text);
        return LC_OK;
    }
    if (e != LC_OK) {
        lc_diag_set(c->diag, "%s/%s", c->dir_path, why.text[0] != '\0' ? why.text : "MANIFEST");
        return e;
    }
    d.kind = LC_NOTE_TORN;
    if (d.octets > 0)
        lc_check_tell(c, &d, "its last edit was cut short by a crash, or was damaged later");
    return LC_OK;
}

static lc_err check_segments(struct lc_check *c)
{
    lc_err e = LC_OK;
    for (size_t i = 0; c->has_state && i < c->state.segment_count && e == LC_OK; i++)
        e = lc_check_segment(c, c->state.segments[i].number, &c->state.segments[i]);
    for (size_t i = 0; !c->has_state && i < c->segment_count && e == LC_OK; i++)
        e = lc_check_segment(c, c->segments[i], NULL);
    return e;
}

/* ---- the folder ---- */

static void note_entry(void *arg, const char *name)
{
    bool *is_store = arg;
    *is_store |=
        strcmp(name, "MANIFEST") == 0 || strcmp(name, "seg") == 0 || strcmp(name, "wal") == 0;
}

/* Before a file of ours is made in somebody else's folder. */
static lc_err look(struct lc_check *c)
{
    bool is_store = false;
    lc_err e = c->disk->list(c->disk->state, c->dir_path, note_entry, &is_store);
    if (e != LC_OK)
        lc_diag_set(c->diag, "%s: %s", c->dir_path, lc_strerror(e));
    if (e != LC_OK || is_store)
        return e;
    lc_diag_set(c->diag, "%s: not a data folder: no MANIFEST, seg or wal is in it", c->dir_path);
    return -ENOENT;
}

static lc_err lock(struct lc_check *c, struct lc_file **ret)
{
    char path[LC_PATH_MAX];
    lc_err e = lc_path(path, "%s/LOCK", c->dir_path);
    if (e == LC_OK)
        e = c->disk->lock(c->disk->state, path, ret);
    if (e == LC_EINUSE)
        lc_diag_set(c->diag, "%s: a server runs on it; stop it first", c->dir_path);
    else if (e != LC_OK)
        lc_diag_set(c->diag, "%s: %s", path, lc_strerror(e));
    return e;
}

static lc_err check_all(struct lc_check *c)
{
    lc_err e = check_manifest(c);
    if (e == LC_OK)
        e = list_files(c);
    if (e == LC_OK)
        e = check_segments(c);
    if (e == LC_OK)
        e = lc_check_wals(c);
    if (e != LC_OK && c->diag->text[0] == '\0')
        lc_diag_set(c->diag, "%s: %s", c->dir_path, lc_strerror(e));
    return e;
}

static lc_err name_paths(struct lc_check *c)
{
    lc_err e = lc_path(c->dir_path, "%s", c->config->dir);
    if (e == LC_OK)
        e = lc_path(c->seg_path, "%s/seg", c->dir_path);
    if (e == LC_OK)
        e = lc_path(c->wal_path, "%s/wal", c->dir_path);
    if (e != LC_OK)
        lc_diag_set(c->diag, "%s: %s", c->config->dir, lc_strerror(e));
    return e;
}

lc_err lc_store_check(const struct lc_check_config *config, struct lc_check_report *ret,
                      struct lc_diag *diag)
{
    struct lc_check_report report = {.min_time_ns = INT64_MAX, .max_time_ns = INT64_MIN};
    struct lc_check c = {
        .config = config,
        .disk = config->disk != NULL ? config->disk : &lc_disk_system,
        .report = &report,
        .diag = diag,
    };
    struct lc_file *held = NULL;
    diag->text[0] = '\0';
    lc_err e = name_paths(&c);
    if (e == LC_OK)
        e = look(&c);
    if (e == LC_OK)
        e = lock(&c, &held);
    if (e == LC_OK) {
        e = check_all(&c);
        c.disk->close(c.disk->state, held);
    }
    lc_seen_done(&c.seen);
    lc_manifest_state_done(&c.state);
    free(c.segments);
    free(c.wals);
    if (e == LC_OK)
        *ret = report;
    return e;
}
