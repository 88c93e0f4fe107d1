/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail_files.c - blocks are looked at by the smallest id that they can hold, until what is
 * left can only hold larger ones than those that were found.
 */
#include "query/tail_files.h"

#include <stdlib.h>

#define ROWS_MIN 64u

/* Blocks that are damaged: told of when the place is passed where they begin. More than that many
 * in one window are told of at once. */
#define DAMAGED_MAX 64u

struct damaged {
    uint64_t first;
    uint64_t rows;
};

struct search {
    unsigned shard;
    uint64_t after;
    uint64_t sealed; /* what follows is read from memory */
    struct lc_refs refs;
    struct damaged damaged[DAMAGED_MAX];
    size_t damaged_count;
    uint64_t damaged_rows; /* of those that found no place above */
};

struct lc_tail_files *lc_tail_files_new(size_t rows, size_t octets)
{
    LC_ASSERT(rows > 0);
    struct lc_tail_files *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->max_rows = f->next_rows = rows;
    f->max_octets = octets;
    return f;
}

void lc_tail_files_drop(struct lc_tail_files *f)
{
    lc_rows_done(&f->rows);
    if (f->snap != NULL)
        lc_snapshot_unref(f->snap);
    f->snap = NULL;
    f->damaged = 0;
    f->holds = false;
}

void lc_tail_files_free(struct lc_tail_files *f)
{
    if (f == NULL)
        return;
    lc_tail_files_drop(f);
    free(f);
}

/* ---- finding ---- */

static void note_damage(struct search *s, uint64_t first, uint64_t rows)
{
    if (s->damaged_count < DAMAGED_MAX)
        s->damaged[s->damaged_count++] = (struct damaged){first, rows};
    else
        s->damaged_rows += rows;
}

static lc_err find_in_batch(struct search *s, struct lc_batch *b, uint64_t first)
{
    size_t count = lc_batch_count(b);
    lc_err e = lc_batch_load(b, LC_COL_TIME);
    if (lc_err_is_damage(e)) {
        note_damage(s, first, count);
        return LC_OK;
    }
    for (size_t i = 0; i < count && e == LC_OK; i++) {
        struct lc_row_ref ref = lc_batch_ref(b, i);
        e = lc_refs_add(&s->refs, &ref);
    }
    return e;
}

static lc_err find_rows(struct search *s, struct lc_scan *scan)
{
    for (;;) {
        const struct lc_row_ref *last = lc_refs_weakest(&s->refs);
        uint64_t first = lc_scan_next_id(scan);
        if (first > s->sealed || (last != NULL && last->id < first))
            return LC_OK;
        struct lc_batch *b;
        lc_err e = lc_scan_next(scan, &b);
        if (e == LC_EEND)
            return LC_OK;
        if (e == LC_OK)
            e = find_in_batch(s, b, first);
        /* a block that was passed in part, or a whole segment: the rest is there all the same */
        if (e != LC_OK && !lc_err_is_damage(e))
            return e;
    }
}

static lc_err open_scan(const struct search *s, struct lc_snapshot *snap, struct lc_scan **ret)
{
    uint64_t after[LC_SHARDS_MAX];
    for (unsigned i = 0; i < lc_snapshot_shards(snap); i++)
        after[i] = i == s->shard ? s->after : UINT64_MAX;
    struct lc_scan_spec spec = {
        .from_ns = INT64_MIN, .to_ns = INT64_MAX, .after = after, .by_id = true};
    return lc_scan_open(snap, &spec, ret);
}

/* ---- holding ---- */

static void look_for_gaps(struct lc_tail_files *f, struct lc_snapshot *snap)
{
    if (lc_snapshot_missing(snap, f->shard, f->after) !=
        lc_snapshot_missing(snap, f->shard, f->upto))
        f->snap = lc_snapshot_ref(snap);
}

static lc_err hold(struct lc_tail_files *f, const struct search *s, struct lc_scan *scan)
{
    struct lc_fetch_report report = {0};
    const struct lc_refs *refs = &s->refs;
    if (refs->count > 0) {
        lc_err e = lc_rows_init(&f->rows, refs->count, f->max_octets);
        if (e == LC_OK)
            e = lc_rows_fill(&f->rows, scan, refs->rows, refs->count, &report);
        if (e != LC_OK)
            return e;
    }
    bool all = refs->seen == f->rows.count;
    f->upto = all ? s->sealed : refs->rows[f->rows.count - 1].id;
    f->damaged = s->damaged_rows;
    for (size_t i = 0; i < s->damaged_count; i++)
        if (s->damaged[i].first <= f->upto)
            f->damaged += s->damaged[i].rows;
    size_t next = f->rows.count < refs->count ? f->rows.count : 2 * f->next_rows;
    f->next_rows = next > f->max_rows ? f->max_rows : next < ROWS_MIN ? ROWS_MIN : next;
    return LC_OK;
}

lc_err lc_tail_files_find(struct lc_tail_files *f, struct lc_snapshot *snap, unsigned shard,
                          uint64_t after)
{
    struct search s = {.shard = shard, .after = after, .sealed = lc_snapshot_sealed(snap, shard)};
    struct lc_scan *scan;
    lc_tail_files_drop(f);
    lc_err e = open_scan(&s, snap, &scan);
    if (e != LC_OK)
        return e;
    f->shard = shard;
    f->after = after;
    f->at = 0;
    lc_refs_init(&s.refs, LC_REFS_FIRST, f->next_rows, lc_ref_by_id);
    e = find_rows(&s, scan);
    lc_refs_sort(&s.refs);
    if (e == LC_OK)
        e = hold(f, &s, scan);
    if (e == LC_OK) {
        look_for_gaps(f, snap);
        f->holds = true;
    } else {
        lc_tail_files_drop(f);
    }
    lc_refs_done(&s.refs);
    lc_scan_close(scan);
    return e;
}
