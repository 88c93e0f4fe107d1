/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/merge.c - several answers made into one.
 */
#include "cli/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grapheme.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/held.h"

static lc_err fail(lc_err e, const char *doing, struct lc_diag *diag)
{
    if (e == LC_ELIMIT)
        lc_diag_set(diag, "%s: more than 256 MiB; ask for less", lc_text(doing));
    else
        lc_diag_set(diag, "%s: %s", lc_text(doing), lc_strerror(e));
    return e;
}

/* ---- records ---- */

/* The next record of each member: whose is the oldest goes first. */
struct heads {
    struct lc_group *group;
    struct lc_dynbuf row[LC_LIST_MAX];
    int64_t time_ns[LC_LIST_MAX];
    bool full[LC_LIST_MAX];
};

/* Takes a record of each member that has none yet. *ret_waits: of some it has not come. */
static lc_err fill(struct heads *h, bool *ret_waits)
{
    *ret_waits = false;
    for (size_t i = 0; i < h->group->count; i++) {
        struct lc_slice line;
        lc_err e = h->full[i] ? LC_EEND : lc_group_line(&h->group->members[i], &line);
        if (e == LC_EMORE)
            *ret_waits = true;
        if (e != LC_OK)
            continue;
        h->row[i].n = 0;
        e = lc_dynbuf_append(&h->row[i], line);
        if (e != LC_OK)
            return e;
        h->time_ns[i] = lc_held_time(line);
        h->full[i] = true;
    }
    return LC_OK;
}

/* The member whose record is the oldest; LC_EEND: nobody has any more. */
static lc_err oldest(struct heads *h, size_t *ret)
{
    bool waits = true;
    lc_err e = LC_OK;
    while (waits) {
        e = fill(h, &waits);
        if (e == LC_OK && waits)
            e = lc_group_wait(h->group, -1);
        if (e != LC_OK)
            return e;
    }
    e = LC_EEND;
    for (size_t i = 0; i < h->group->count; i++) {
        if (!h->full[i] || (e == LC_OK && h->time_ns[i] >= h->time_ns[*ret]))
            continue;
        *ret = i;
        e = LC_OK;
    }
    return e;
}

static lc_err write_merged(struct heads *h, uint64_t limit, struct lc_output *out, uint64_t *ret,
                           struct lc_diag *diag)
{
    struct lc_held newest;
    size_t i = 0;
    lc_err e;
    lc_held_init(&newest, limit, LC_MERGE_HELD_MAX);
    for (uint64_t rows = 0; (e = oldest(h, &i)) == LC_OK; *ret = ++rows) {
        struct lc_slice row = lc_dynbuf_slice(&h->row[i]);
        bool direct = limit == UINT64_MAX || h->group->count == 1;
        e = direct ? lc_output_row(out, row) : lc_held_add(&newest, row);
        if (e != LC_OK) {
            direct ? fail(e, "writing", diag) : fail(e, "keeping the newest", diag);
            break;
        }
        h->full[i] = false;
    }
    if (e == LC_EEND && newest.count > 0)
        *ret = newest.count;
    for (size_t n = 0; n < newest.count && e == LC_EEND; n++)
        if (lc_output_row(out, lc_held_at(&newest, n)) != LC_OK)
            e = fail(-errno, "writing", diag);
    lc_held_done(&newest);
    return e == LC_EEND ? LC_OK : e;
}

lc_err lc_merge_records(struct lc_group *g, uint64_t limit, struct lc_output *out,
                        uint64_t *ret_rows, struct lc_diag *diag)
{
    struct heads *h = calloc(1, sizeof *h);
    if (h == NULL)
        return fail(-ENOMEM, "merging", diag);
    h->group = g;
    for (size_t i = 0; i < g->count; i++)
        lc_dynbuf_init(&h->row[i], LC_GROUP_HELD_MAX);
    lc_err e = write_merged(h, limit, out, ret_rows, diag);
    for (size_t i = 0; i < g->count; i++)
        lc_dynbuf_done(&h->row[i]);
    free(h);
    return e;
}

/* ---- tables, counts ---- */

/* Every line of every member, as they come. */
static lc_err each_line(struct lc_group *g, lc_err (*take)(void *arg, struct lc_slice line),
                        void *arg)
{
    lc_err e = LC_OK;
    bool waits = true;
    while (e == LC_OK && waits) {
        waits = false;
        for (size_t i = 0; i < g->count && e == LC_OK; i++) {
            struct lc_slice line;
            lc_err taken;
            while ((taken = lc_group_line(&g->members[i], &line)) == LC_OK && e == LC_OK)
                e = take(arg, line);
            waits |= taken == LC_EMORE;
        }
        if (e == LC_OK && waits)
            e = lc_group_wait(g, -1);
    }
    return e;
}

static lc_err take_row(void *arg, struct lc_slice line)
{
    return lc_held_add(arg, line);
}

lc_err lc_merge_table(struct lc_group *g, const struct lc_query_shape *shape, struct lc_output *out,
                      uint64_t *ret_rows, struct lc_diag *diag)
{
    struct lc_held rows;
    lc_held_init(&rows, UINT64_MAX, LC_MERGE_HELD_MAX);
    lc_err e = each_line(g, take_row, &rows);
    if (e == LC_OK)
        e = lc_held_fold(&rows, shape->keys);
    for (size_t i = 0; i < rows.count && i < shape->table_limit && e == LC_OK; i++) {
        e = lc_output_row(out, lc_held_at(&rows, i));
        *ret_rows = i + 1;
    }
    if (e != LC_OK)
        fail(e, "merging tables", diag);
    lc_held_done(&rows);
    return e;
}

struct counting {
    uint64_t sum;
    struct lc_diag *diag;
};

static lc_err take_count(void *arg, struct lc_slice line)
{
    struct counting *c = arg;
    uint64_t n;
    if (lc_slice_u64(line, &n) != LC_OK) {
        lc_diag_set(c->diag, "unexpected answer: %.*s", (int)lc_grapheme_cut(line, 80), line.p);
        return LC_EPROTO;
    }
    c->sum += n;
    return LC_OK;
}

lc_err lc_merge_counts(struct lc_group *g, uint64_t *ret, struct lc_diag *diag)
{
    struct counting c = {0, diag};
    lc_err e = each_line(g, take_count, &c);
    if (e != LC_OK && e != LC_EPROTO)
        return fail(e, "counting", diag);
    *ret = c.sum;
    return e;
}
