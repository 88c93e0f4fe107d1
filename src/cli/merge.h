/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/merge.h - the answers of several servers to one query, made into one.
 *
 * WHAT    Records: by time, oldest first; `limit` keeps the newest of all of them. Tables: rows of
 *         the same values become one, whose counts are added up.
 * WHO     query. One server is a group of one.
 */
#ifndef LC_CLI_MERGE_H
#define LC_CLI_MERGE_H

#include "cli/group.h"
#include "cli/output.h"
#include "query/query.h"

/* Octets of rows that are held back: for `limit`, and of tables. */
#define LC_MERGE_HELD_MAX ((size_t)256 << 20)

/* Writes all that comes, as one answer. A member that goes away in the middle is missing from then
 * on (its `err`), which is no error here. LC_ELIMIT, -ENOMEM, errors of writing: told in diag. */
LC_MUST_CHECK lc_err lc_merge_records(struct lc_group *g, uint64_t limit, struct lc_output *out,
                                      uint64_t *ret_rows, struct lc_diag *diag);
LC_MUST_CHECK lc_err lc_merge_table(struct lc_group *g, const struct lc_query_shape *shape,
                                    struct lc_output *out, uint64_t *ret_rows,
                                    struct lc_diag *diag);
/* The sum of the counts that they answered to COUNT. */
LC_MUST_CHECK lc_err lc_merge_counts(struct lc_group *g, uint64_t *ret, struct lc_diag *diag);

#endif
