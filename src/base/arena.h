/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena.h - many small allocations that are given back together.
 *
 * WHAT    Memory for the parts of one thing (a parsed query, one message), up to a
 *         maximum that the arena is born with. Nothing is freed singly.
 * THREAD  One owner.
 */
#ifndef LC_BASE_ARENA_H
#define LC_BASE_ARENA_H

#include "base/slice.h"

struct lc_arena_block;

struct lc_arena {
    struct lc_arena_block *blocks; /* newest first */
    size_t used;                   /* octets handed out, alignment included */
    size_t max;
};

void lc_arena_init(struct lc_arena *a, size_t max);
void lc_arena_done(struct lc_arena *a);
/* Gives everything back; the arena can be used again. */
void lc_arena_reset(struct lc_arena *a);
/* `n` zeroed octets, aligned for any type. NULL: over the maximum, or no memory. */
void *lc_arena_alloc(struct lc_arena *a, size_t n);
/* A copy that lives as long as the arena; p is NULL (and s.n != 0) on failure. */
struct lc_slice lc_arena_copy(struct lc_arena *a, struct lc_slice s);

#endif
