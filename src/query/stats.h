/* SPDX-License-Identifier: Apache-2.0
 *
 * query/stats.h - counting rows by their values: the pipe `stats by (...) count()`.
 *
 * WHO     query/run.c only.
 */
#ifndef LC_QUERY_STATS_H
#define LC_QUERY_STATS_H

#include "query/filter.h"

struct lc_stats;

LC_MUST_CHECK lc_err lc_stats_new(const struct lc_stats_plan *plan, size_t max_groups,
                                  struct lc_stats **ret);
void lc_stats_free(struct lc_stats *s); /* NULL is accepted */

/* enum lc_column that a row must have loaded; with LC_COL_REST among them it must be a record. */
unsigned lc_stats_columns(const struct lc_stats *s);

/* LC_ELIMIT: too many groups, or their values are too long; -ENOMEM. */
LC_MUST_CHECK lc_err lc_stats_add(struct lc_stats *s, const struct lc_row *row);

/* Gives the names of the columns, then at most `limit` groups in the order of their values.
 * *ret_rows: groups given. Errors of the sink. */
LC_MUST_CHECK lc_err lc_stats_emit(struct lc_stats *s, uint64_t limit,
                                   const struct lc_query_sink *sink, uint64_t *ret_rows);

#endif
