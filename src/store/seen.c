/* SPDX-License-Identifier: Apache-2.0
 *
 * store/seen.c - pages of bits in a table that doubles.
 */
#include "store/seen.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/store.h"

#define PAGE_BITS   12u /* sequences of a page */
#define SLOTS_LEAST 64u

struct lc_seen_page {
    uint64_t key; /* as an id, of the page's number instead of a sequence */
    uint64_t bits[(1u << PAGE_BITS) / 64];
};

void lc_seen_done(struct lc_seen *s)
{
    for (uint64_t i = 0; i < s->slot_count; i++)
        free(s->slots[i]);
    free((void *)s->slots);
    *s = (struct lc_seen){0};
}

/* Where the page is, or an empty place for it: at most half of all are taken. */
static struct lc_seen_page **find(const struct lc_seen *s, uint64_t key)
{
    uint64_t at = lc_hash64(lc_slice(&key, sizeof key), 0) & (s->slot_count - 1);
    while (s->slots[at] != NULL && s->slots[at]->key != key)
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static lc_err grow(struct lc_seen *s)
{
    if (s->page_count * 2 < s->slot_count)
        return LC_OK;
    if (s->page_count >= LC_SEEN_PAGES_MAX)
        return LC_ELIMIT;
    struct lc_seen more = {.slot_count = s->slot_count == 0 ? SLOTS_LEAST : 2 * s->slot_count,
                           .page_count = s->page_count};
    more.slots = calloc(more.slot_count, sizeof(struct lc_seen_page *));
    if (more.slots == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < s->slot_count; i++)
        if (s->slots[i] != NULL)
            *find(&more, s->slots[i]->key) = s->slots[i];
    free((void *)s->slots);
    *s = more;
    return LC_OK;
}

bool lc_seen_has(const struct lc_seen *s, uint64_t id)
{
    uint64_t sequence = lc_id_sequence(id);
    if (s->slot_count == 0)
        return false;
    const struct lc_seen_page *page = *find(s, lc_id_make(sequence >> PAGE_BITS, lc_id_shard(id)));
    unsigned bit = (unsigned)(sequence & ((1u << PAGE_BITS) - 1));
    return page != NULL && (page->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

lc_err lc_seen_add(struct lc_seen *s, uint64_t id, bool *ret_new)
{
    uint64_t sequence = lc_id_sequence(id);
    uint64_t key = lc_id_make(sequence >> PAGE_BITS, lc_id_shard(id));
    lc_err e = grow(s);
    if (e != LC_OK)
        return e;
    struct lc_seen_page **page = find(s, key);
    if (*page == NULL) {
        *page = calloc(1, sizeof **page);
        if (*page == NULL)
            return -ENOMEM;
        (*page)->key = key;
        s->page_count++;
    }
    unsigned bit = (unsigned)(sequence & ((1u << PAGE_BITS) - 1));
    uint64_t *word = &(*page)->bits[bit / 64];
    *ret_new = (*word >> (bit % 64) & 1) == 0;
    *word |= UINT64_C(1) << (bit % 64);
    return LC_OK;
}
