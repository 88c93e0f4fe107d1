/* SPDX-License-Identifier: Apache-2.0
 *
 * query/refs.c - collecting references. Where only some are kept they are a heap whose top is the
 * one to go next.
 */
#include "query/refs.h"

#include <stdlib.h>

int lc_ref_by_id(const struct lc_row_ref *a, const struct lc_row_ref *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

int lc_ref_by_time(const struct lc_row_ref *a, const struct lc_row_ref *b)
{
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? 1 : -1;
    return lc_ref_by_id(a, b);
}

void lc_refs_init(struct lc_refs *r, enum lc_refs_keep keep, size_t max, lc_ref_order order)
{
    LC_ASSERT(max > 0);
    *r = (struct lc_refs){.keep = keep, .max = max, .order = order};
}

void lc_refs_done(struct lc_refs *r)
{
    free(r->rows);
    r->rows = NULL;
}

/* Whether `a` has to go before `b` does. */
static bool is_weaker(const struct lc_refs *r, const struct lc_row_ref *a,
                      const struct lc_row_ref *b)
{
    int order = r->order(a, b);
    return r->keep == LC_REFS_LAST ? order < 0 : order > 0;
}

static lc_err grow(struct lc_refs *r)
{
    size_t cap = r->cap == 0 ? 256 : r->cap * 2;
    if (cap > r->max)
        cap = r->max;
    struct lc_row_ref *rows = realloc(r->rows, cap * sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    r->rows = rows;
    r->cap = cap;
    return LC_OK;
}

static void sift_up(struct lc_refs *r, size_t at)
{
    struct lc_row_ref moving = r->rows[at];
    while (at > 0 && is_weaker(r, &moving, &r->rows[(at - 1) / 2])) {
        r->rows[at] = r->rows[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    r->rows[at] = moving;
}

static void sift_down(struct lc_refs *r, struct lc_row_ref moving)
{
    size_t at = 0;
    for (;;) {
        size_t kid = 2 * at + 1;
        if (kid >= r->count)
            break;
        if (kid + 1 < r->count && is_weaker(r, &r->rows[kid + 1], &r->rows[kid]))
            kid++;
        if (!is_weaker(r, &r->rows[kid], &moving))
            break;
        r->rows[at] = r->rows[kid];
        at = kid;
    }
    r->rows[at] = moving;
}

lc_err lc_refs_add(struct lc_refs *r, const struct lc_row_ref *ref)
{
    r->seen++;
    if (r->count == r->max) {
        if (r->keep != LC_REFS_ALL && is_weaker(r, &r->rows[0], ref))
            sift_down(r, *ref);
        return LC_OK;
    }
    lc_err e = r->count == r->cap ? grow(r) : LC_OK;
    if (e != LC_OK)
        return e;
    r->rows[r->count++] = *ref;
    if (r->keep != LC_REFS_ALL)
        sift_up(r, r->count - 1);
    return LC_OK;
}

const struct lc_row_ref *lc_refs_weakest(const struct lc_refs *r)
{
    return r->count == r->max ? &r->rows[0] : NULL;
}

static int compare(const void *a, const void *b, void *order)
{
    lc_ref_order by = *(const lc_ref_order *)order;
    return by(a, b);
}

void lc_refs_sort(struct lc_refs *r)
{
    if (r->count > 1)
        qsort_r(r->rows, r->count, sizeof *r->rows, compare, &r->order);
}
