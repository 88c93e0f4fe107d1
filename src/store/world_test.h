/* SPDX-License-Identifier: Apache-2.0
 *
 * store/world_test.h - a store's files and sets made by hand, and beside them the plain list of all
 * records, to compare with.
 *
 * WHO     Tests of segments, scans, merges and retention.
 * THREAD  One.
 */
#ifndef LC_STORE_WORLD_TEST_H
#define LC_STORE_WORLD_TEST_H

#include "store/store_test.h"

#include "store/merge.h"
#include "store/page.h"
#include "store/testing/prng.h"
#include "store/testing/simdisk.h"

#define WORLD_DIR      LC_SIM_ROOT "/seg"
#define WORLD_SHARDS   4
#define WORLD_SEGMENTS 64
#define WORLD_SETS     8
#define WORLD_RECORDS  40000

struct model_record {
    unsigned seed; /* the record is lc_test_record(seed) with these instead of its own */
    uint64_t id;
    int64_t time_ns;
    int64_t received_ns;
};

struct world {
    struct lc_simdisk *sim;
    const struct lc_disk *disk;
    struct lc_prng prng;
    uint64_t next_number;
    uint64_t next_sequence[WORLD_SHARDS];
    struct lc_version version;
    struct lc_snapshot snap;
    uint64_t shard_ends[WORLD_SHARDS];
    uint64_t retired_max_id[WORLD_SHARDS];
    struct lc_segment *segments[WORLD_SEGMENTS];
    struct lc_set *sets[WORLD_SETS];
    uint32_t set_rows[WORLD_SETS];
    struct model_record *records; /* all that are in segments or sets; WORLD_RECORDS */
    size_t count;
    uint32_t *by_sequence[WORLD_SHARDS]; /* where in `records` */
};

void world_open(struct world *w, uint64_t seed);
void world_close(struct world *w);

/* The record of a model's row; an absent space has been filled in, as the store does. */
struct lc_record world_record(const struct model_record *m, struct lc_field *fields);
/* The model's row with that id; NULL: none. */
const struct model_record *world_find(const struct world *w, uint64_t id);

/* `n` new records of the shard, at times within [from, from + span). */
void world_make(struct world *w, unsigned shard, size_t n, int64_t from_ns, int64_t span_ns);
/* The model's records [first, count) to a new segment or set of the version. */
struct lc_segment *world_seal(struct world *w, size_t first, unsigned level);
void world_fill(struct world *w, unsigned shard, size_t first);

/* Writes records to a file of that number, and syncs. */
void world_write(struct world *w, const struct model_record *records, size_t n, uint64_t number,
                 unsigned level, struct lc_segment_meta *ret);

#endif
