/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/held.h - rows of an answer that are held back, as their JSON text.
 *
 * WHO     merge, tail.
 */
#ifndef LC_CLI_HELD_H
#define LC_CLI_HELD_H

#include "base/slice.h"

/* `_time` of a record's row, ns; INT64_MIN: it has none. */
int64_t lc_held_time(struct lc_slice row);

struct lc_held_row {
    int64_t time_ns;
    struct lc_slice text; /* owned */
};

/* The newest `limit` rows that were added, a ring once there are so many. */
struct lc_held {
    struct lc_held_row *rows;
    size_t first, count, cap;
    uint64_t limit;
    size_t octets, max_octets;
};

void lc_held_init(struct lc_held *r, uint64_t limit, size_t max_octets);
void lc_held_done(struct lc_held *r);
/* Copies it. LC_ELIMIT: over max_octets; -ENOMEM. */
LC_MUST_CHECK lc_err lc_held_add(struct lc_held *r, struct lc_slice text);
/* n < count */
struct lc_slice lc_held_at(const struct lc_held *r, size_t n);
void lc_held_clear(struct lc_held *r);

/* By time; rows of one time stay in their order. Only of rows that were never more than the limit.
 */
void lc_held_sort(struct lc_held *r);

/* Rows of a table that agree in their first `keys` columns become one, in the order of these values
 * as the server has it: the next column, a count, is added up. LC_EPROTO: these are no such rows;
 * -ENOMEM. */
LC_MUST_CHECK lc_err lc_held_fold(struct lc_held *r, size_t keys);

#endif
