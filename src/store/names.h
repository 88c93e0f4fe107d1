/* SPDX-License-Identifier: Apache-2.0
 *
 * store/names.h - the strings and streams that have a number in one set, and so in its WAL file.
 *
 * WHAT    A name is written once and then referred to by its number: docs/store-format.md,
 *         section 2. The octets of a string stay where the record that defined it lies.
 * WHO     store/row.c encodes and decodes by it; a set and a reader of a WAL file own one each.
 * THREAD  One filler. Others may read numbers that were published to them: the arrays never move.
 */
#ifndef LC_STORE_NAMES_H
#define LC_STORE_NAMES_H

#include "base/record.h"

#define LC_NAMES_STRINGS_MAX 65535u
#define LC_NAMES_STREAMS_MAX 16383u
#define LC_NAMES_LENGTH_MAX  255u /* a longer string gets no number */

struct lc_names {
    struct lc_slice *strings; /* p is NULL: not known, its definition was lost */
    struct lc_stream_key *streams;
    uint32_t string_count;
    uint32_t stream_count;
    uint32_t *string_slots; /* NULL in a reader, which only goes from numbers to names */
    uint32_t *stream_slots;
    uint64_t seed;
};

/* lookup: names can be found by what they are. -ENOMEM. */
LC_MUST_CHECK lc_err lc_names_init(struct lc_names *names, bool lookup);
void lc_names_done(struct lc_names *names);
/* Keeps the first `strings` and `streams`; with none it is as new. */
void lc_names_truncate(struct lc_names *names, uint32_t strings, uint32_t streams);

#define LC_NAME_NONE UINT32_MAX
/* The number of a string or stream, or LC_NAME_NONE. */
uint32_t lc_names_find_string(const struct lc_names *names, struct lc_slice s);
uint32_t lc_names_find_stream(const struct lc_names *names, const struct lc_stream_key *key);
/* Gives the next number. `s` is kept as a slice. There must be room, and it must be new. */
uint32_t lc_names_add_string(struct lc_names *names, struct lc_slice s);
uint32_t lc_names_add_stream(struct lc_names *names, const struct lc_stream_key *key);

static inline bool lc_stream_key_eq(const struct lc_stream_key *a, const struct lc_stream_key *b)
{
    return lc_slice_eq(a->app, b->app) && lc_slice_eq(a->host, b->host) &&
           lc_slice_eq(a->space, b->space) && lc_slice_eq(a->facility, b->facility);
}

#endif
