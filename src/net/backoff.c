/* SPDX-License-Identifier: Apache-2.0 */
#include "net/backoff.h"

#define FIRST_MS  200
#define MAX_MS    30000
#define STABLE_MS 10000

void lc_backoff_init(struct lc_backoff *b, int64_t first_ms, int64_t max_ms, int64_t stable_ms,
                     const struct lc_clock *clock)
{
    *b = (struct lc_backoff){
        .first_ms = first_ms > 0 ? first_ms : FIRST_MS,
        .max_ms = max_ms > 0 ? max_ms : MAX_MS,
        .stable_ms = stable_ms > 0 ? stable_ms : STABLE_MS,
        .since = LC_TIME_NEVER,
        .clock = clock != NULL ? clock : &lc_clock_system,
    };
}

void lc_backoff_connected(struct lc_backoff *b, struct lc_time now)
{
    b->since = now;
}

static int64_t limit_ms(const struct lc_backoff *b)
{
    int64_t limit = b->first_ms;
    for (unsigned i = 0; i < b->failures && limit < b->max_ms; i++)
        limit = limit > INT64_MAX / 2 ? INT64_MAX : limit * 2;
    return limit < b->max_ms ? limit : b->max_ms;
}

struct lc_time lc_backoff_next(struct lc_backoff *b, struct lc_time now)
{
    if (b->since.ns != LC_TIME_NEVER.ns &&
        lc_time_reached(lc_time_add_ms(b->since, b->stable_ms), now))
        b->failures = 0;
    b->since = LC_TIME_NEVER;
    uint64_t random;
    b->clock->random(b->clock->state, &random, sizeof random);
    int64_t wait_ms = (int64_t)(random % ((uint64_t)limit_ms(b) + 1));
    if (b->failures < UINT_MAX)
        b->failures++;
    return lc_time_add_ms(now, wait_ms);
}
