/* SPDX-License-Identifier: Apache-2.0 */
#include "access/rates.h"

#define SHARES 20

__extension__ typedef unsigned __int128 wide;

/* The time in which `n` flow back, at most `max`. */
static int64_t cost_ns(struct lc_rate rate, uint64_t n, int64_t max)
{
    wide ns = (wide)n * (wide)rate.period_ns / rate.count;

    return ns < (wide)max ? (int64_t)ns : max;
}

/* How far from being full it is: 0 to a period when it is not in debt. */
static int64_t missing_ns(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now)
{
    if (b->full_ns <= now.ns)
        return 0;
    if (b->full_ns - now.ns > rate.period_ns + LC_BUCKET_DEBT_NS)
        return rate.period_ns; /* the clock has jumped back, or the rate was changed */
    return b->full_ns - now.ns;
}

static uint64_t available(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now)
{
    int64_t left = rate.period_ns - missing_ns(b, rate, now);

    return left <= 0 ? 0 : (uint64_t)((wide)left * rate.count / (wide)rate.period_ns);
}

static void charge(struct lc_bucket *b, struct lc_rate rate, struct lc_time now, uint64_t n)
{
    int64_t missing = missing_ns(b, rate, now);
    int64_t most = rate.period_ns + LC_BUCKET_DEBT_NS - missing;

    b->full_ns = now.ns + missing + cost_ns(rate, n, most);
}

bool lc_bucket_is_full(const struct lc_bucket *b, struct lc_time now)
{
    return b->full_ns <= now.ns;
}

bool lc_bucket_has_one(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now)
{
    return rate.count == 0 ||
           missing_ns(b, rate, now) + cost_ns(rate, 1, rate.period_ns) <= rate.period_ns;
}

void lc_bucket_take_one(struct lc_bucket *b, struct lc_rate rate, struct lc_time now)
{
    if (rate.count > 0)
        charge(b, rate, now, 1);
}

uint64_t lc_bucket_lease(struct lc_bucket *b, struct lc_rate rate, struct lc_time now,
                         uint64_t need)
{
    uint64_t n = rate.count / SHARES;

    if (rate.count == 0)
        return UINT64_MAX;
    if (!lc_bucket_has_one(b, rate, now))
        return 0;
    if (n > available(b, rate, now))
        n = available(b, rate, now);
    if (n < need)
        n = need;
    charge(b, rate, now, n);
    return n;
}

void lc_bucket_give_back(struct lc_bucket *b, struct lc_rate rate, uint64_t n)
{
    if (rate.count > 0 && b->full_ns != LC_BUCKET_FULL.full_ns)
        b->full_ns -= cost_ns(rate, n, rate.period_ns);
}

struct lc_time lc_bucket_ready(const struct lc_bucket *b, struct lc_rate rate, struct lc_time now)
{
    int64_t wait;

    if (rate.count == 0)
        return now;
    wait = missing_ns(b, rate, now) + cost_ns(rate, 1, rate.period_ns) - rate.period_ns;
    return wait <= 0 ? now : (struct lc_time){now.ns + wait};
}
