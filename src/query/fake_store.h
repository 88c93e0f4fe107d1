/* SPDX-License-Identifier: Apache-2.0
 *
 * query/fake_store.h - a store in front of arrays, for the tests of query/: it puts rows into
 * batches as the test likes, damages what the test names, and fails the test when a column is read
 * that was not loaded. It takes the place of store/ at link time.
 */
#ifndef LC_QUERY_FAKE_STORE_H
#define LC_QUERY_FAKE_STORE_H

#include "store/store.h"

#define FAKE_SHARDS 4u

/* An id as the real store makes them. */
static inline uint64_t fake_id(unsigned shard, uint64_t sequence)
{
    return sequence << 10 | shard;
}

struct fake_batch {
    const struct lc_record *records;
    size_t count;
    bool memory;      /* else of a segment */
    bool unreadable;  /* lc_scan_next() says LC_ECORRUPT */
    unsigned damaged; /* columns that lc_batch_load() cannot read */
    unsigned loaded;  /* all columns that were ever asked for */
    unsigned fetched; /* times that another batch's place was taken by lc_scan_fetch() */
};

struct lc_snapshot {
    struct fake_batch *batches;
    size_t batch_count;
    uint64_t end[FAKE_SHARDS], sealed[FAKE_SHARDS];
    /* sequences [1, gone] of a shard are no longer stored */
    uint64_t gone[FAKE_SHARDS];
};

#endif
