/* SPDX-License-Identifier: Apache-2.0
 *
 * base/counter.h - a count that one thread keeps and any thread may read.
 *
 * WHAT    No bus lock: only the owner adds, so a plain load and store suffice. Each value is read
 *         whole; several are not read at one moment.
 * WHO     Whoever is asked for figures while it works.
 */
#ifndef LC_BASE_COUNTER_H
#define LC_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t lc_counter;

/* The owner's thread only. */
static inline void lc_count(lc_counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t lc_counted(const lc_counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
