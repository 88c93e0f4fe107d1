/* SPDX-License-Identifier: Apache-2.0
 *
 * net/spares.h - a few blocks of one size kept for the next one who needs one, so that taking and
 * giving memory at each turn of the loop costs no allocator. Last in, first out: it is still in
 * the cache. Inside net/ only.
 *
 * THREAD  One owner.
 */
#ifndef LC_NET_SPARES_H
#define LC_NET_SPARES_H

#include <stdlib.h>

struct lc_spares {
    void *top; /* each spare block begins with the pointer to the next */
    size_t size;
    unsigned count;
    unsigned max;
};

/* size: at least that of a pointer. */
static inline void lc_spares_init(struct lc_spares *s, size_t size, unsigned max)
{
    *s = (struct lc_spares){.size = size, .max = max};
}

/* NULL: no memory. */
static inline void *lc_spares_take(struct lc_spares *s)
{
    void *block = s->top;
    if (block == NULL)
        return malloc(s->size);
    s->top = *(void **)block;
    s->count--;
    return block;
}

static inline void lc_spares_give(struct lc_spares *s, void *block)
{
    if (s->count == s->max) {
        free(block);
        return;
    }
    *(void **)block = s->top;
    s->top = block;
    s->count++;
}

static inline void lc_spares_done(struct lc_spares *s)
{
    while (s->count > 0)
        free(lc_spares_take(s));
}

#endif
