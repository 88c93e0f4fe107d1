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
#include "store/store.h"

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

/* Of what is committed just now. NULL: no memory. */
struct lc_snapshot *lc_snapshot_new(struct lc_version *v, const struct lc_disk *disk);
struct lc_version *lc_version_ref(struct lc_version *v);
void lc_version_unref(struct lc_version *v); /* NULL is accepted */

/* What is different in the next version. Segments and sets are borrowed: the version takes its own
 * references. */
struct lc_manifest_state;
struct lc_version_change {
    struct lc_set *add_set, *drop_set;
    struct lc_segment *const *add;
    size_t add_count;
    struct lc_segment *const *drop;
    size_t drop_count;
    const struct lc_manifest_state
        *tables; /* not NULL: shards and gaps are those of the manifest */
};
/* old is NULL: the first one. One reference. -ENOMEM. */
LC_MUST_CHECK lc_err lc_version_next(const struct lc_version *old,
                                     const struct lc_version_change *change,
                                     struct lc_version **ret);

#endif
