/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simclock.c - the table of the simulated clock.
 */
#include "store/testing/simclock.h"

static struct lc_time sim_monotonic(void *state)
{
    const struct lc_simclock *c = state;
    return (struct lc_time){c->monotonic_ns};
}

static int64_t sim_wall_ns(void *state)
{
    const struct lc_simclock *c = state;
    return c->wall_ns;
}

static void sim_random(void *state, void *p, size_t n)
{
    struct lc_simclock *c = state;
    uint8_t *to = p;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)lc_prng_next(&c->prng);
}

void lc_simclock_init(struct lc_simclock *c, int64_t wall_ns, uint64_t seed)
{
    *c = (struct lc_simclock){
        .table = {.monotonic = sim_monotonic, .wall_ns = sim_wall_ns, .random = sim_random},
        .monotonic_ns = 1,
        .wall_ns = wall_ns,
        .prng = {seed},
    };
    c->table.state = c;
}

void lc_simclock_advance(struct lc_simclock *c, int64_t ns)
{
    c->monotonic_ns += ns;
    c->wall_ns += ns;
}
