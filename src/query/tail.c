/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail.c - reading on from a position in every shard.
 *
 * A reader that keeps up is served from memory, where the rows of a shard stand in the order of
 * their ids. One that is behind what memory holds is served from segments as well, whose blocks
 * are in another order: so the next rows are first found by their ids, then fetched.
 */
#include "query/filter.h"
#include "query/refs.h"

struct tail {
    struct lc_query *q;
    struct lc_snapshot *snap;
    struct lc_tail_cursor *cursor;
    unsigned shard; /* that is being read */
    size_t quota;   /* rows of it that may be looked at */
    size_t looked;
    size_t given;     /* rows that look_at() had */
    uint64_t damaged; /* rows of it that are stored but cannot be read */
    bool complete;    /* nothing of it is left behind the cursor */
    lc_err (*row)(void *arg, const struct lc_record *r);
    void *arg;
};

static lc_err look_at(void *arg, const struct lc_record *r)
{
    struct tail *t = arg;
    lc_err e = lc_query_match(t->q, r) ? t->row(t->arg, r) : LC_OK;
    if (e != LC_OK)
        return e;
    t->cursor->after[t->shard] = r->id;
    t->given++;
    return LC_OK;
}

/* A scan of what follows the cursor in one shard. */
static lc_err open_scan(const struct tail *t, bool memory_only, struct lc_scan **ret)
{
    uint64_t after[LC_SHARDS_MAX];
    for (unsigned i = 0; i < t->cursor->shards; i++)
        after[i] = i == t->shard ? t->cursor->after[i] : UINT64_MAX;
    struct lc_scan_spec spec = {
        .from_ns = INT64_MIN, .to_ns = INT64_MAX, .after = after, .memory_only = memory_only};
    return lc_scan_open(t->snap, &spec, ret);
}

/* ---- from memory ---- */

static lc_err look_at_batch(struct tail *t, struct lc_batch *b)
{
    struct lc_field fields[LC_FIELDS_MAX];
    size_t count = lc_batch_count(b);
    lc_err e = lc_batch_load(b, LC_COL_ALL);
    for (size_t i = 0; i < count && t->looked < t->quota && e == LC_OK; i++) {
        struct lc_record r;
        lc_batch_record(b, i, fields, &r);
        e = look_at(t, &r);
        t->looked++;
    }
    return e;
}

static lc_err read_memory(struct tail *t)
{
    struct lc_scan *scan;
    lc_err e = open_scan(t, true, &scan);
    if (e != LC_OK)
        return e;
    while (e == LC_OK && t->looked < t->quota) {
        struct lc_batch *b;
        e = lc_scan_next(scan, &b);
        if (e == LC_OK)
            e = look_at_batch(t, b);
    }
    lc_scan_close(scan);
    t->complete = e == LC_EEND;
    return e == LC_EEND ? LC_OK : e;
}

/* ---- from files too ---- */

static lc_err find_in_batch(struct tail *t, struct lc_batch *b, struct lc_refs *refs)
{
    size_t count = lc_batch_count(b);
    lc_err e = lc_batch_load(b, LC_COL_TIME);
    if (lc_err_is_damage(e)) {
        t->damaged += count;
        return LC_OK;
    }
    for (size_t i = 0; i < count && e == LC_OK; i++) {
        struct lc_row_ref ref = lc_batch_ref(b, i);
        e = lc_refs_add(refs, &ref);
    }
    return e;
}

/* The next rows by id, up to the quota. */
static lc_err find_next_rows(struct tail *t, struct lc_scan *scan, struct lc_refs *refs)
{
    for (;;) {
        struct lc_batch *b;
        lc_err e = lc_scan_next(scan, &b);
        if (e == LC_EEND)
            return LC_OK;
        if (e == LC_OK)
            e = find_in_batch(t, b, refs);
        if (e != LC_OK && !lc_err_is_damage(e))
            return e;
    }
}

/* Rows that the cursor has passed and that nobody was given. */
static uint64_t passed_unread(const struct tail *t, const struct lc_refs *refs)
{
    size_t passed = 0;
    while (passed < refs->count && refs->rows[passed].id <= t->cursor->after[t->shard])
        passed++;
    return passed - t->given;
}

static lc_err look_at_refs(struct tail *t, struct lc_scan *scan, struct lc_refs *refs)
{
    struct lc_fetch_report report = {0};
    lc_refs_sort(refs);
    t->looked = refs->count;
    t->complete = refs->seen == refs->count;
    /* a block of which not even the ids can be read is told of once, when its rows are passed */
    if (!t->complete)
        t->damaged = 0;
    lc_err e = lc_refs_fetch(refs, scan, false, NULL, look_at, t, &report);
    if (e == LC_OK && refs->count > 0)
        t->cursor->after[t->shard] = refs->rows[refs->count - 1].id;
    t->damaged += passed_unread(t, refs);
    return e;
}

static lc_err read_files(struct tail *t)
{
    struct lc_scan *scan;
    lc_err e = open_scan(t, false, &scan);
    if (e != LC_OK)
        return e;
    struct lc_refs refs;
    lc_refs_init(&refs, LC_REFS_FIRST, t->quota, lc_ref_by_id);
    e = find_next_rows(t, scan, &refs);
    if (e == LC_OK)
        e = look_at_refs(t, scan, &refs);
    lc_refs_done(&refs);
    lc_scan_close(scan);
    return e;
}

/* ---- any ---- */

static lc_err read_shard(struct tail *t, bool files, uint64_t *missed)
{
    uint64_t *after = &t->cursor->after[t->shard];
    uint64_t start = *after;
    lc_err e = files ? read_files(t) : read_memory(t);
    if (e == LC_OK && t->complete)
        *after = lc_snapshot_end(t->snap, t->shard);
    *missed += t->damaged + lc_snapshot_missing(t->snap, t->shard, start) -
               lc_snapshot_missing(t->snap, t->shard, *after);
    return e;
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

lc_err lc_tail_read(struct lc_query *q, struct lc_snapshot *snap, struct lc_tail_cursor *cursor,
                    size_t max, bool files, lc_err (*row)(void *arg, const struct lc_record *r),
                    void *arg, uint64_t *ret_missed, bool *ret_behind)
{
    LC_ASSERT(max > 0);
    uint64_t missed = 0;
    bool behind = false;
    lc_err e = LC_OK;
    fit_cursor(snap, cursor);
    size_t left = max;
    for (unsigned i = 0; i < cursor->shards && left > 0 && e == LC_OK; i++) {
        if (cursor->after[i] == lc_snapshot_end(snap, i))
            continue;
        if (!files && cursor->after[i] < lc_snapshot_sealed(snap, i)) {
            behind = true;
            continue;
        }
        /* a busy shard leaves the others their part */
        size_t quota = left / (cursor->shards - i);
        struct tail t = {.q = q,
                         .snap = snap,
                         .cursor = cursor,
                         .shard = i,
                         .quota = quota > 0 ? quota : 1,
                         .row = row,
                         .arg = arg};
        e = read_shard(&t, files, &missed);
        left -= t.looked;
    }
    *ret_missed = missed;
    *ret_behind = behind;
    return e;
}
