/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail.c - reading on from a position in every shard.
 *
 * A reader that keeps up is served from memory, where the rows of a shard stand in the order of
 * their ids. One that is behind what memory holds is served from segments first (tail_files.c).
 */
#include "query/filter.h"
#include "query/tail_files.h"

struct tail {
    struct lc_query *q;
    struct lc_snapshot *snap;
    struct lc_tail_cursor *cursor;
    unsigned shard; /* that is being read */
    size_t quota;   /* rows of it that may be looked at */
    size_t looked;
    uint64_t missed;
    lc_err (*row)(void *arg, const struct lc_record *r);
    void *arg;
};

static lc_err look_at(struct tail *t, const struct lc_record *r)
{
    lc_err e = lc_query_match(t->q, r) ? t->row(t->arg, r) : LC_OK;
    if (e != LC_OK)
        return e;
    t->cursor->after[t->shard] = r->id;
    t->looked++;
    return LC_OK;
}

static uint64_t missing_between(const struct tail *t, const struct lc_snapshot *snap,
                                uint64_t after)
{
    return lc_snapshot_missing(snap, t->shard, after) -
           lc_snapshot_missing(snap, t->shard, t->cursor->after[t->shard]);
}

/* ---- from memory ---- */

/* A scan of what follows the cursor in one shard. */
static lc_err open_scan(const struct tail *t, struct lc_scan **ret)
{
    uint64_t after[LC_SHARDS_MAX];
    for (unsigned i = 0; i < t->cursor->shards; i++)
        after[i] = i == t->shard ? t->cursor->after[i] : UINT64_MAX;
    struct lc_scan_spec spec = {
        .from_ns = INT64_MIN, .to_ns = INT64_MAX, .after = after, .memory_only = true};
    return lc_scan_open(t->snap, &spec, ret);
}

static lc_err look_at_batch(struct tail *t, struct lc_batch *b)
{
    struct lc_field fields[LC_FIELDS_MAX];
    size_t count = lc_batch_count(b);
    lc_err e = lc_batch_load(b, LC_COL_ALL);
    for (size_t i = 0; i < count && t->looked < t->quota && e == LC_OK; i++) {
        struct lc_record r;
        lc_batch_record(b, i, fields, &r);
        e = look_at(t, &r);
    }
    return e;
}

static lc_err read_memory(struct tail *t)
{
    struct lc_scan *scan;
    uint64_t start = t->cursor->after[t->shard];
    lc_err e = open_scan(t, &scan);
    if (e != LC_OK)
        return e;
    while (e == LC_OK && t->looked < t->quota) {
        struct lc_batch *b;
        e = lc_scan_next(scan, &b);
        if (e == LC_OK)
            e = look_at_batch(t, b);
    }
    lc_scan_close(scan);
    if (e == LC_EEND) {
        t->cursor->after[t->shard] = lc_snapshot_end(t->snap, t->shard);
        e = LC_OK;
    }
    t->missed += missing_between(t, t->snap, start);
    return e;
}

/* ---- from files ---- */

static lc_err look_at_held(struct tail *t, struct lc_tail_files *f)
{
    lc_err e = LC_OK;
    while (f->at < f->rows.count && t->looked < t->quota && e == LC_OK) {
        const struct lc_record *r = &f->rows.records[f->at];
        if (f->rows.found[f->at]) {
            e = look_at(t, r);
        } else {
            t->cursor->after[t->shard] = r->id;
            t->looked++;
            t->missed++;
        }
        f->at += e == LC_OK;
    }
    return e;
}

static lc_err read_files(struct tail *t, struct lc_tail_files *f)
{
    uint64_t *after = &t->cursor->after[t->shard];
    uint64_t start = *after;
    lc_err e = LC_OK;
    if (!f->holds || f->shard != t->shard || f->after != start)
        e = lc_tail_files_find(f, t->snap, t->shard, start);
    if (e != LC_OK)
        return e;
    e = look_at_held(t, f);
    bool passed = e == LC_OK && f->at == f->rows.count;
    if (passed) {
        *after = f->upto;
        t->missed += f->damaged;
    }
    f->after = *after;
    if (f->snap != NULL)
        t->missed += missing_between(t, f->snap, start);
    if (passed) {
        lc_tail_files_drop(f);
        f->shard = t->shard + 1;
    }
    return e;
}

/* ---- any ---- */

static bool is_in_files(const struct tail *t)
{
    return t->cursor->after[t->shard] < lc_snapshot_sealed(t->snap, t->shard);
}

static lc_err read_shard(struct tail *t, struct lc_tail_files *files)
{
    lc_err e = is_in_files(t) ? read_files(t, files) : LC_OK;
    return e == LC_OK && !is_in_files(t) && t->looked < t->quota ? read_memory(t) : e;
}

/* Rows that are held of another shard are read first: finding them again is what costs. */
static bool must_wait(const struct tail *t, const struct lc_tail_files *files, bool *ret_behind)
{
    if (t->cursor->after[t->shard] == lc_snapshot_end(t->snap, t->shard))
        return true;
    if (!is_in_files(t))
        return false;
    if (files == NULL)
        *ret_behind = true;
    return files == NULL || (files->holds && files->shard != t->shard);
}

/* A shard that is new since the cursor was made is read from its start. One whose end lies before
 * the cursor is not the shard that the cursor was made for: only what comes next is read. */
static void fit_cursor(const struct lc_snapshot *snap, struct lc_tail_cursor *c)
{
    unsigned shards = lc_snapshot_shards(snap);
    for (unsigned i = c->shards; i < shards; i++)
        c->after[i] = 0;
    c->shards = shards;
    for (unsigned i = 0; i < shards; i++)
        if (c->after[i] > lc_snapshot_end(snap, i))
            c->after[i] = lc_snapshot_end(snap, i);
}

/* Where reading begins. What is held for a cursor that is not this one is dropped. */
static unsigned first_shard(struct lc_tail_files *files, const struct lc_tail_cursor *c)
{
    if (files == NULL)
        return 0;
    if (files->holds && (files->shard >= c->shards || files->after != c->after[files->shard]))
        lc_tail_files_drop(files);
    return files->shard % (c->shards > 0 ? c->shards : 1);
}

lc_err lc_tail_read(struct lc_query *q, struct lc_snapshot *snap, struct lc_tail_cursor *cursor,
                    size_t max, struct lc_tail_files *files,
                    lc_err (*row)(void *arg, const struct lc_record *r), void *arg,
                    uint64_t *ret_missed, bool *ret_behind)
{
    LC_ASSERT(max > 0);
    bool behind = false;
    lc_err e = LC_OK;
    struct tail t = {.q = q, .snap = snap, .cursor = cursor, .row = row, .arg = arg};
    fit_cursor(snap, cursor);
    unsigned first = first_shard(files, cursor);
    size_t left = max;
    for (unsigned i = 0; i < cursor->shards && left > 0 && e == LC_OK; i++) {
        t.shard = (first + i) % cursor->shards;
        t.looked = 0;
        if (must_wait(&t, files, &behind))
            continue;
        /* a busy shard leaves the others their part */
        t.quota = left / (cursor->shards - i);
        if (t.quota == 0)
            t.quota = 1;
        e = read_shard(&t, files);
        left -= t.looked;
    }
    *ret_missed = t.missed;
    *ret_behind = behind;
    return e;
}
