/* SPDX-License-Identifier: Apache-2.0
 *
 * store/intern.c - an open-addressed table over one growing text.
 */
#include "store/intern.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define SLOTS_FIRST 64u

struct lc_intern_entry {
    uint64_t hash;
    uint32_t offset;
    uint32_t n;
};

/* Senders choose the strings: where the table lies is not known to them. */
static uint64_t seed_of(const struct lc_intern *in)
{
    return (uint64_t)(uintptr_t)in;
}

void lc_intern_init(struct lc_intern *in, size_t max_octets)
{
    LC_ASSERT(max_octets < UINT32_MAX);
    *in = (struct lc_intern){.count = 0};
    lc_dynbuf_init(&in->text, max_octets);
}

void lc_intern_done(struct lc_intern *in)
{
    lc_dynbuf_done(&in->text);
    free(in->entries);
    free(in->table);
    in->entries = NULL;
    in->table = NULL;
    in->count = in->slots = 0;
}

static struct lc_slice text_of(const struct lc_intern *in, uint32_t number)
{
    LC_ASSERT(number < in->count);
    return lc_slice(in->text.p + in->entries[number].offset, in->entries[number].n);
}

/* The slot that holds `s`, or the free one where it would go. */
static size_t slot_of(const struct lc_intern *in, struct lc_slice s, uint64_t hash)
{
    size_t at = hash & (in->slots - 1);
    while (in->table[at] != 0) {
        uint32_t number = in->table[at] - 1;
        if (in->entries[number].hash == hash && lc_slice_eq(text_of(in, number), s))
            break;
        at = (at + 1) & (in->slots - 1);
    }
    return at;
}

static lc_err grow(struct lc_intern *in)
{
    size_t slots = in->slots == 0 ? SLOTS_FIRST : in->slots * 2;
    uint32_t *table = calloc(slots, sizeof *table);
    if (table == NULL)
        return -ENOMEM;
    struct lc_intern_entry *entries = realloc(in->entries, slots / 2 * sizeof *entries);
    if (entries == NULL) {
        free(table);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < in->count; i++) {
        size_t at = entries[i].hash & (slots - 1);
        while (table[at] != 0)
            at = (at + 1) & (slots - 1);
        table[at] = i + 1;
    }
    free(in->table);
    in->entries = entries;
    in->table = table;
    in->slots = slots;
    return LC_OK;
}

bool lc_intern_find(const struct lc_intern *in, struct lc_slice s, uint32_t *ret_number)
{
    if (in->slots == 0)
        return false;
    uint32_t found = in->table[slot_of(in, s, lc_hash64(s, seed_of(in)))];
    if (found == 0)
        return false;
    *ret_number = found - 1;
    return true;
}

lc_err lc_intern(struct lc_intern *in, struct lc_slice s, uint32_t *ret_number)
{
    if (lc_intern_find(in, s, ret_number))
        return LC_OK;
    lc_err e = LC_OK;
    if (in->count == in->slots / 2)
        e = grow(in);
    size_t offset = in->text.n;
    if (e == LC_OK)
        e = lc_dynbuf_append(&in->text, s);
    if (e != LC_OK)
        return e;
    uint64_t hash = lc_hash64(s, seed_of(in));
    uint32_t number = (uint32_t)in->count++;
    in->entries[number] = (struct lc_intern_entry){hash, (uint32_t)offset, (uint32_t)s.n};
    in->table[slot_of(in, s, hash)] = number + 1;
    *ret_number = number;
    return LC_OK;
}
