/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/prng.h - numbers that look random and are the same for the same seed, so that a
 * failure can be run again. SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", OOPSLA 2014).
 */
#ifndef LC_STORE_TESTING_PRNG_H
#define LC_STORE_TESTING_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct lc_prng {
    uint64_t state;
};

static inline uint64_t lc_prng_next(struct lc_prng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 <= result < n; n > 0. Its slight bias does not matter here. */
static inline uint64_t lc_prng_below(struct lc_prng *r, uint64_t n)
{
    return lc_prng_next(r) % n;
}

static inline bool lc_prng_coin(struct lc_prng *r)
{
    return (lc_prng_next(r) >> 63) != 0;
}

#endif
