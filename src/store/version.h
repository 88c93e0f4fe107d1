/* SPDX-License-Identifier: Apache-2.0
 *
 * store/version.h - the published list of all that can be read: segments, and sets in memory.
 *
 * WHAT    Built, published, counted, never changed. Sealing publishes a new version in which a
 *         segment stands where a set stood, so a reader sees each record exactly once.
 * WHO     store/ only: store.c publishes, scan.c reads.
 */
#ifndef LC_STORE_VERSION_H
#define LC_STORE_VERSION_H

#include <stdatomic.h>

#include "store/segment.h"
#include "store/set.h"

/* Ids of a shard that were never given to a record: the jump at a restart. */
struct lc_id_gap {
    unsigned shard;
    uint64_t first, last; /* ids, inclusive */
};

struct lc_version {
    atomic_uint refs;
    unsigned shard_count;
    uint64_t *shard_ends;         /* last committed id of what is sealed, by shard; 0: none */
    uint64_t *retired_max_id;     /* largest id that retention has removed, or damage has lost, by
                                   * shard; 0: none */
    struct lc_segment **segments; /* counted */
    size_t segment_count;
    struct lc_set **sets; /* counted; oldest first within a shard */
    size_t set_count;
    struct lc_id_gap *gaps; /* by shard, then id */
    size_t gap_count;
};

/* store/store.h's lc_snapshot: a version and how far each of its sets was committed just then. */
struct lc_snapshot {
    atomic_uint refs;
    struct lc_version *version; /* counted */
    const struct lc_disk *disk;
    uint32_t *set_rows; /* rows of sets[i] that may be read */
};

struct lc_snapshot *lc_snapshot_ref(struct lc_snapshot *snap);
struct lc_version *lc_version_ref(struct lc_version *v);
void lc_version_unref(struct lc_version *v);

/* An id is the sequence within its shard, and the shard in its low bits: small numbers for small
 * stores, and increasing within a shard. */
#define LC_ID_SHARD_BITS 10
static inline uint64_t lc_id_make(uint64_t sequence, unsigned shard)
{
    return sequence << LC_ID_SHARD_BITS | shard;
}
static inline uint64_t lc_id_sequence(uint64_t id)
{
    return id >> LC_ID_SHARD_BITS;
}

#endif
