/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simclock.h - a clock that moves only when it is told to, and randomness from a
 * seed.
 *
 * THREAD  One.
 */
#ifndef LC_STORE_TESTING_SIMCLOCK_H
#define LC_STORE_TESTING_SIMCLOCK_H

#include "base/time.h"
#include "store/testing/prng.h"

struct lc_simclock {
    struct lc_clock table;
    int64_t monotonic_ns;
    int64_t wall_ns;
    struct lc_prng prng;
};

/* The clock must not move afterwards: its table points to it. */
void lc_simclock_init(struct lc_simclock *c, int64_t wall_ns, uint64_t seed);
/* Both clocks go forward. */
void lc_simclock_advance(struct lc_simclock *c, int64_t ns);

#endif
