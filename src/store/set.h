/* SPDX-License-Identifier: Apache-2.0
 *
 * store/set.h - one shard's records in memory: the octets that are (or will be) in its WAL file,
 * and a small fixed entry beside each record.
 *
 * WHAT    Filled by the shard's writer, written by its committer, read by anybody up to the
 *         committed count, then sealed into a segment and dropped. Chunks never move.
 * WHO     store/ only.
 * THREAD  One writer. Readers use only rows under a count that was published to them (release,
 *         acquire) and the strings that those rows name.
 */
#ifndef LC_STORE_SET_H
#define LC_STORE_SET_H

#include <stdatomic.h>

#include "base/record.h"

struct lc_set;

struct lc_set *lc_set_ref(struct lc_set *set);
void lc_set_unref(struct lc_set *set); /* NULL is accepted; the last one frees */

/* What is committed: rows [0, count) may be read. Any thread. */
uint32_t lc_set_committed(const struct lc_set *set);
unsigned lc_set_shard(const struct lc_set *set);

/* The small entry of a row: what scans and seals look at first. */
struct lc_set_entry {
    int64_t time_ns;
    int64_t received_ns;
    uint64_t id;
    uint32_t stream; /* number within the set */
    uint8_t level;   /* enum lc_level */
};
struct lc_set_entry lc_set_entry(const struct lc_set *set, uint32_t row);
uint32_t lc_set_streams(const struct lc_set *set); /* streams used by committed rows */
/* Slices live as long as the set. */
const struct lc_stream_key *lc_set_stream(const struct lc_set *set, uint32_t stream);
struct lc_slice lc_set_message(const struct lc_set *set, uint32_t row);
/* The whole record; `fields` is room for LC_FIELDS_MAX. */
void lc_set_record(const struct lc_set *set, uint32_t row, struct lc_field *fields,
                   struct lc_record *ret);

#endif
