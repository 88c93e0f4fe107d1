/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena.c - memory that is given back together.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE 4096u

struct lc_arena_block {
    struct lc_arena_block *older;
    size_t used;
    size_t cap;
    alignas(max_align_t) uint8_t data[];
};

void lc_arena_init(struct lc_arena *a, size_t max)
{
    *a = (struct lc_arena){.max = max};
}

void lc_arena_reset(struct lc_arena *a)
{
    while (a->blocks != NULL) {
        struct lc_arena_block *b = a->blocks;
        a->blocks = b->older;
        free(b);
    }
    a->used = 0;
}

void lc_arena_done(struct lc_arena *a)
{
    lc_arena_reset(a);
}

void *lc_arena_alloc(struct lc_arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    if (n > a->max)
        return NULL;
    size_t rounded = (n + align - 1) / align * align;
    if (rounded > a->max - a->used)
        return NULL;
    struct lc_arena_block *b = a->blocks;
    if (b == NULL || b->cap - b->used < rounded) {
        size_t cap = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        b = malloc(sizeof *b + cap);
        if (b == NULL)
            return NULL;
        b->older = a->blocks;
        b->used = 0;
        b->cap = cap;
        a->blocks = b;
    }
    uint8_t *p = b->data + b->used;
    b->used += rounded;
    a->used += rounded;
    memset(p, 0, n);
    return p;
}

struct lc_slice lc_arena_copy(struct lc_arena *a, struct lc_slice s)
{
    uint8_t *p = lc_arena_alloc(a, s.n);
    if (p != NULL && s.n != 0)
        memcpy(p, s.p, s.n);
    return lc_slice(p, s.n);
}
