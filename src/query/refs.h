/* SPDX-License-Identifier: Apache-2.0
 *
 * query/refs.h - many rows by reference: collected, put in order, fetched.
 *
 * WHAT    An answer that is counted or ordered before it goes out holds 32 octets for a row, not
 *         the row. Fetching goes window by window: in the order of the blocks into memory, from
 *         there in the order that is wanted, so that a block is decoded once for a window and not
 *         once for a row.
 * WHO     query/ only.
 */
#ifndef LC_QUERY_REFS_H
#define LC_QUERY_REFS_H

#include <errno.h>

#include "base/arena.h"
#include "query/query.h"

typedef int (*lc_ref_order)(const struct lc_row_ref *a, const struct lc_row_ref *b);
int lc_ref_by_time(const struct lc_row_ref *a, const struct lc_row_ref *b); /* then id */
int lc_ref_by_id(const struct lc_row_ref *a, const struct lc_row_ref *b);

/* Of what is added, all up to a maximum, or the `max` last or first ones in an order. */
enum lc_refs_keep { LC_REFS_ALL, LC_REFS_LAST, LC_REFS_FIRST };

struct lc_refs {
    struct lc_row_ref *rows;
    size_t count, cap, max;
    uint64_t seen; /* added, kept or not */
    enum lc_refs_keep keep;
    lc_ref_order order;
};

/* max: at least 1 */
void lc_refs_init(struct lc_refs *r, enum lc_refs_keep keep, size_t max, lc_ref_order order);
void lc_refs_done(struct lc_refs *r);
/* -ENOMEM. */
LC_MUST_CHECK lc_err lc_refs_add(struct lc_refs *r, const struct lc_row_ref *ref);
/* Nothing is added any more. */
void lc_refs_sort(struct lc_refs *r);

/* With LC_REFS_LAST: the one that the next later one will push out; NULL: there is room yet. */
const struct lc_row_ref *lc_refs_weakest(const struct lc_refs *r);

/* Takes rows in the order of lc_refs_sort(). An error ends the fetching. */
typedef lc_err (*lc_fetch_row)(void *arg, const struct lc_record *record);

/* A window of rows in memory: copies, in the order of their references. */
struct lc_rows {
    struct lc_record *records;
    bool *found; /* false: it cannot be read, only its id is known */
    size_t count, max;
    struct lc_arena arena; /* what the records point to */
};
/* max: at least 1; octets: of all strings. -ENOMEM. */
LC_MUST_CHECK lc_err lc_rows_init(struct lc_rows *w, size_t max, size_t octets);
void lc_rows_done(struct lc_rows *w);

struct lc_fetch_report {
    uint64_t damaged_blocks, damaged_rows; /* could not be read: their rows are left out */
};

/* Takes the first of `count` (at least 1) references, as many as there is room for. -ENOMEM: not
 * even one. */
LC_MUST_CHECK lc_err lc_rows_fill(struct lc_rows *w, struct lc_scan *scan,
                                  const struct lc_row_ref *refs, size_t count,
                                  struct lc_fetch_report *report);

/* Gives all rows to `row`. -ECANCELED: `cancel` (may be NULL) was set; -ENOMEM; LC_ECORRUPT: only
 * when `whole` forbids to leave rows out; any error of the row function. */
LC_MUST_CHECK lc_err lc_refs_fetch(const struct lc_refs *r, struct lc_scan *scan, bool whole,
                                   const atomic_bool *cancel, lc_fetch_row row, void *arg,
                                   struct lc_fetch_report *report);

/* Whether a batch or block cannot be read but others may. */
static inline bool lc_err_is_damage(lc_err e)
{
    return e == LC_ECORRUPT || e == -EIO;
}

#endif
