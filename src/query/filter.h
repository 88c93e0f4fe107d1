/* SPDX-License-Identifier: Apache-2.0
 *
 * query/filter.h - which rows pass a filter.
 *
 * WHAT    A row is looked at either in a record or in place in a batch, whichever the caller has.
 *         Batches go filter by filter, the cheapest first, and load a column only when rows are
 *         left that need it.
 * WHO     query/ only.
 */
#ifndef LC_QUERY_FILTER_H
#define LC_QUERY_FILTER_H

#include "query/ast.h"

struct lc_row {
    const struct lc_record *record; /* NULL: row `at` of the batch, whose columns are loaded */
    const struct lc_batch *batch;
    size_t at;
};

int64_t lc_row_time(const struct lc_row *row);
enum lc_level lc_row_level(const struct lc_row *row);
/* The text of a field; empty where it is absent. An id is written into `scratch`. Not for _time.
 * A batch's row can only be asked for what does not need LC_COL_REST. */
#define LC_ROW_SCRATCH_MAX 20
struct lc_slice lc_row_value(const struct lc_row *row, const struct lc_field_ref *field,
                             char scratch[LC_ROW_SCRATCH_MAX]);

/* Allocates nothing. */
bool lc_filter_row(const struct lc_filter *f, const struct lc_row *row);

/* The rows of a batch that passed: `count` numbers, or all of the batch. Reused from batch to
 * batch. */
struct lc_selection {
    uint32_t *rows;
    size_t cap;
    size_t count;
    bool all; /* 0 .. count - 1: `rows` is not used */
};
void lc_selection_done(struct lc_selection *s);

static inline size_t lc_selection_row(const struct lc_selection *s, size_t i)
{
    return s->all ? i : s->rows[i];
}

/* LC_ECORRUPT, -EIO: a column cannot be read; -ENOMEM. */
LC_MUST_CHECK lc_err lc_filter_batch(const struct lc_filter *f, struct lc_batch *b,
                                     struct lc_selection *s);

#endif
