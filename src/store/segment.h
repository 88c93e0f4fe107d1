/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment.h - one immutable file of records: its writer and its reader.
 *
 * WHAT    Blocks sorted by hour, then space and application; columns framed one by one; a checksum
 *         over everything. docs/store-format.md, "Segments".
 * WHO     store/ only.
 * THREAD  A writer belongs to one thread; an open segment is immutable: any thread.
 */
#ifndef LC_STORE_SEGMENT_H
#define LC_STORE_SEGMENT_H

#include <stdatomic.h>

#include "base/record.h"
#include "store/disk.h"
#include "store/path.h"

/* What the manifest keeps of a segment. */
struct lc_segment_shard {
    unsigned shard;
    uint64_t records, min_id, max_id;
};
struct lc_segment_meta {
    uint64_t number; /* names the file: lc_segment_path() */
    unsigned level;  /* 0: sealed; n + 1: merged from level n */
    uint64_t octets, records;
    int64_t min_time_ns, max_time_ns;
    int64_t min_received_ns, max_received_ns;
    unsigned shard_count;
    struct lc_segment_shard *shards; /* malloc'ed; lc_segment_meta_done() */
};
void lc_segment_meta_done(struct lc_segment_meta *m);

/* dir: the directory that holds the segments' files, here and below. "<dir>/<16 hex digits>.seg";
 *
 * LC_ELIMIT: the path is too long. */
LC_MUST_CHECK lc_err lc_segment_path(const char *dir, uint64_t number, char ret[LC_PATH_MAX]);

/* The inverse, of a name without its directory. False: no segment's name. */
bool lc_segment_name(const char *name, uint64_t *ret_number);

/* All strings of a record together: the largest that a segment takes. */
#define LC_SEGMENT_RECORD_MAX (4u << 20)

struct lc_segment_writer;
LC_MUST_CHECK lc_err lc_segment_writer_new(const struct lc_disk *disk, const char *dir,
                                           uint64_t number, unsigned level,
                                           struct lc_segment_writer **ret);
/* Records come in the order of lc_segment_order(). The record is copied. LC_ELIMIT: over
 * LC_SEGMENT_RECORD_MAX, or over LC_FIELDS_MAX; after any other error only abort may follow. */
LC_MUST_CHECK lc_err lc_segment_writer_add(struct lc_segment_writer *w, const struct lc_record *r);
uint64_t lc_segment_writer_octets(const struct lc_segment_writer *w); /* written so far */
/* Octets of the names of all streams so far: a reader holds them in memory. */
uint64_t lc_segment_writer_name_octets(const struct lc_segment_writer *w);
/* Writes the footer and syncs the file (LC_SYNC_SEGMENT_FILE). The name is durable only after the
 * caller's sync_dir (LC_SYNC_SEGMENT_DIR). Frees the writer in every case. */
LC_MUST_CHECK lc_err lc_segment_writer_finish(struct lc_segment_writer *w,
                                              struct lc_segment_meta *ret);
/* Drops it and removes the file. NULL is accepted. */
void lc_segment_writer_abort(struct lc_segment_writer *w);

/* hour, space, app, host, facility, then time and id. */
int lc_segment_order(const struct lc_record *a, const struct lc_record *b);

struct lc_segment;
/* Checks the footer. LC_ECORRUPT with diag. One reference. */
LC_MUST_CHECK lc_err lc_segment_open(const struct lc_disk *disk, const char *dir, uint64_t number,
                                     struct lc_segment **ret, struct lc_diag *diag);
struct lc_segment *lc_segment_ref(struct lc_segment *s);
/* The last one closes the file, and removes it when lc_segment_retire() was called. */
void lc_segment_unref(struct lc_segment *s);
/* The manifest no longer names it: remove the file when nobody reads it any more. */
void lc_segment_retire(struct lc_segment *s);
const struct lc_segment_meta *lc_segment_meta(const struct lc_segment *s);
uint64_t lc_segment_name_octets(const struct lc_segment *s); /* of the names of all streams */
/* A block of it could not be read for what is in it: it is not merged, so that whatever can still
 * be read of it stays as it is. */
bool lc_segment_is_damaged(const struct lc_segment *s);

/* ---- what stands in it: for scans and merges ---- */

struct lc_block {
    uint64_t offset;
    uint32_t octets;        /* header and columns */
    uint32_t header_octets; /* of those */
    uint32_t header_crc;
    uint32_t rows;
    int64_t min_time_ns, max_time_ns;
    uint32_t first_share; /* in the index's shares */
    uint32_t share_count;
};

/* A footer, decoded and checked. Holders may be of any thread; it is immutable. */
struct lc_segment_index {
    atomic_uint refs;
    struct lc_segment *segment; /* counted */
    struct lc_block *blocks;
    size_t block_count;
    struct lc_segment_shard *shares; /* what a block has of each shard that is in it */
    size_t share_count;
    struct lc_stream_key *streams;
    size_t stream_count;
    struct lc_slice *names; /* of fields */
    size_t name_count;
    uint64_t name_octets; /* of all streams */
    uint8_t *text;        /* where streams and names point to */
};

/* Reads the footer again: an index is held only while it is used, so that open segments cost
 * next to nothing. One reference. LC_ECORRUPT with diag, -errno. */
LC_MUST_CHECK lc_err lc_segment_index_load(struct lc_segment *s, struct lc_segment_index **ret,
                                           struct lc_diag *diag);
struct lc_segment_index *lc_segment_index_ref(struct lc_segment_index *x);
void lc_segment_index_unref(struct lc_segment_index *x); /* NULL is accepted */

/* Reads a whole block into `room` (block->octets) and checks its header. LC_ECORRUPT, -errno. */
LC_MUST_CHECK lc_err lc_segment_read_block(struct lc_segment *s, const struct lc_block *block,
                                           uint8_t *room);
/* Something that was read did not agree with its checksum. Any thread. */
void lc_segment_mark_damaged(struct lc_segment *s);

#endif
