/* SPDX-License-Identifier: Apache-2.0
 *
 * store/names.c - numbered strings and streams, found by open addressing.
 */
#include "store/names.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

/* A slot: the upper half of it from the hash, the lower half number + 1; 0: empty. Tables of twice
 * as many slots as names never fill up. */
#define STRING_SLOTS 131072u
#define STREAM_SLOTS 32768u
#define TAG_MASK     0xFFFF0000u

lc_err lc_names_init(struct lc_names *names, bool lookup)
{
    *names = (struct lc_names){0};
    /* Large and mostly never touched: the kernel gives the pages only when they are. */
    names->strings = calloc(LC_NAMES_STRINGS_MAX, sizeof *names->strings);
    names->streams = calloc(LC_NAMES_STREAMS_MAX, sizeof *names->streams);
    if (lookup) {
        names->string_slots = calloc(STRING_SLOTS, sizeof *names->string_slots);
        names->stream_slots = calloc(STREAM_SLOTS, sizeof *names->stream_slots);
    }
    if (names->strings == NULL || names->streams == NULL ||
        (lookup && (names->string_slots == NULL || names->stream_slots == NULL))) {
        lc_names_done(names);
        return -ENOMEM;
    }
    /* Senders choose the names: where the table lies is not known to them. */
    names->seed = (uint64_t)(uintptr_t)names->strings;
    return LC_OK;
}

void lc_names_done(struct lc_names *names)
{
    free(names->strings);
    free(names->streams);
    free(names->string_slots);
    free(names->stream_slots);
    *names = (struct lc_names){0};
}

static uint64_t stream_hash(const struct lc_names *names, const struct lc_stream_key *key)
{
    uint64_t hash = lc_hash64(key->app, names->seed);
    hash = lc_hash64(key->host, hash);
    hash = lc_hash64(key->space, hash);
    return lc_hash64(key->facility, hash);
}

static void slot_add(uint32_t *slots, uint32_t slot_count, uint64_t hash, uint32_t number)
{
    uint32_t at = (uint32_t)hash & (slot_count - 1);
    while (slots[at] != 0)
        at = (at + 1) & (slot_count - 1);
    slots[at] = ((uint32_t)(hash >> 32) & TAG_MASK) | (number + 1);
}

uint32_t lc_names_find_string(const struct lc_names *names, struct lc_slice s)
{
    uint64_t hash = lc_hash64(s, names->seed);
    uint32_t tag = (uint32_t)(hash >> 32) & TAG_MASK;
    for (uint32_t at = (uint32_t)hash & (STRING_SLOTS - 1); names->string_slots[at] != 0;
         at = (at + 1) & (STRING_SLOTS - 1)) {
        uint32_t number = (names->string_slots[at] & ~TAG_MASK) - 1;
        if ((names->string_slots[at] & TAG_MASK) == tag && lc_slice_eq(names->strings[number], s))
            return number;
    }
    return LC_NAME_NONE;
}

uint32_t lc_names_find_stream(const struct lc_names *names, const struct lc_stream_key *key)
{
    uint64_t hash = stream_hash(names, key);
    uint32_t tag = (uint32_t)(hash >> 32) & TAG_MASK;
    for (uint32_t at = (uint32_t)hash & (STREAM_SLOTS - 1); names->stream_slots[at] != 0;
         at = (at + 1) & (STREAM_SLOTS - 1)) {
        uint32_t number = (names->stream_slots[at] & ~TAG_MASK) - 1;
        if ((names->stream_slots[at] & TAG_MASK) == tag &&
            lc_stream_key_eq(&names->streams[number], key))
            return number;
    }
    return LC_NAME_NONE;
}

uint32_t lc_names_add_string(struct lc_names *names, struct lc_slice s)
{
    LC_ASSERT(names->string_count < LC_NAMES_STRINGS_MAX);
    uint32_t number = names->string_count++;
    names->strings[number] = s;
    if (names->string_slots != NULL)
        slot_add(names->string_slots, STRING_SLOTS, lc_hash64(s, names->seed), number);
    return number;
}

uint32_t lc_names_add_stream(struct lc_names *names, const struct lc_stream_key *key)
{
    LC_ASSERT(names->stream_count < LC_NAMES_STREAMS_MAX);
    uint32_t number = names->stream_count++;
    names->streams[number] = *key;
    if (names->stream_slots != NULL)
        slot_add(names->stream_slots, STREAM_SLOTS, stream_hash(names, key), number);
    return number;
}

void lc_names_truncate(struct lc_names *names, uint32_t strings, uint32_t streams)
{
    LC_ASSERT(strings <= names->string_count && streams <= names->stream_count);
    memset(names->string_slots, 0, STRING_SLOTS * sizeof *names->string_slots);
    memset(names->stream_slots, 0, STREAM_SLOTS * sizeof *names->stream_slots);
    names->string_count = strings;
    names->stream_count = streams;
    for (uint32_t i = 0; i < strings; i++)
        slot_add(names->string_slots, STRING_SLOTS, lc_hash64(names->strings[i], names->seed), i);
    for (uint32_t i = 0; i < streams; i++)
        slot_add(names->stream_slots, STREAM_SLOTS, stream_hash(names, &names->streams[i]), i);
}
