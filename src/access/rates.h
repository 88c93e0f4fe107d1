/* SPDX-License-Identifier: Apache-2.0
 *
 * access/rates.h - token buckets.
 *
 * WHAT    A bucket holds what its rate allows in one period, is full at first, and fills again at
 *         the rate. It is one time: when it will be full (the "theoretical arrival time" of ITU-T
 *         I.371, annex A), so nothing has to run when nobody comes.
 * TIME    Handed in, monotonic. A clock that jumps ahead makes it full; one that jumps back makes
 * it at worst empty: never more than a period, and LC_BUCKET_DEBT_NS, until it is full. WHO
 * access/table.c. THREAD  One owner.
 */
#ifndef LC_ACCESS_RATES_H
#define LC_ACCESS_RATES_H

#include "base/rate.h"
#include "base/time.h"

struct lc_bucket {
    int64_t full_ns; /* the time at which it is full */
};

#define LC_BUCKET_FULL ((struct lc_bucket){INT64_MIN})

/* The longest that one large thing can make all that follow wait. */
#define LC_BUCKET_DEBT_NS (60 * LC_NS_PER_S)

/* Of a rate without a limit all of them say yes. */
bool lc_bucket_is_full(const struct lc_bucket *b, struct lc_time now);
bool lc_bucket_has_one(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now);
/* Only after lc_bucket_has_one(). */
void lc_bucket_take_one(struct lc_bucket *b, struct lc_rate rate, struct lc_time now);

/* Takes some for later: a twentieth of a period's or what is there, but at least `need`, and that
 * also where less is there: what follows waits the longer. 0: not even one is there. */
uint64_t lc_bucket_lease(struct lc_bucket *b, struct lc_rate rate, struct lc_time now,
                         uint64_t need);
/* What was leased and not used. */
void lc_bucket_give_back(struct lc_bucket *b, struct lc_rate rate, uint64_t n);
/* When it has one again. */
struct lc_time lc_bucket_ready(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now);

#endif
