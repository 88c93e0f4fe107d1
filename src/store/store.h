/* SPDX-License-Identifier: Apache-2.0
 *
 * store/store.h - log records on disk: the way in, and snapshots to read from.
 *
 * WHAT    Numbered shards, each with one writer; what is appended becomes durable in groups and
 *         visible when it is. docs/store-format.md has the files, docs/architecture.md the ways.
 * WHO     service/ writes, query/ reads. It knows no socket.
 * THREAD  Said at each function. The store has threads of its own: a committer for each shard that
 *         is written, one for sealing, one for merging and retention.
 */
#ifndef LC_STORE_STORE_H
#define LC_STORE_STORE_H

#include "base/record.h"
#include "base/sender.h"
#include "base/time.h"
#include "store/disk.h"

struct lc_store;
struct lc_shard;

struct lc_store_config {
    const char *dir;              /* made when it is not there */
    const struct lc_disk *disk;   /* NULL: lc_disk_system */
    const struct lc_clock *clock; /* NULL: lc_clock_system */
    unsigned writers;             /* shards that will be written, 1..64; a store never has fewer
                                   * shards than it ever had */
    uint64_t memory;              /* octets for active sets and caches; 0: 512 MiB. A set gets
                                   * memory / (8 x writers), within 128 KiB..64 MiB */
    uint64_t retain_octets; /* on disk, at most; 0: 80% of the file system or 50 GB, the smaller */
    uint64_t spool_octets;  /* not 0: nothing is removed but what was released, whatever its age and
                             * size; with about so much on disk, appending says LC_EWAIT */
    int64_t retain_ns;      /* age by `received`, an hour or so more or less; 0: none */
    bool ack_written;       /* committed = written, not synced */
    bool threads;           /* false: no threads; a test calls lc_store_step() */
};

/* What recovery found, to be told to the operator. */
struct lc_store_report {
    uint64_t segments, segment_octets, segment_records;
    uint64_t wal_files, wal_records; /* replayed */
    uint64_t torn_octets;            /* at the ends of WAL files: never acknowledged, dropped */
    uint64_t damaged_octets, damaged_places; /* elsewhere: bit rot, told in `damage` */
    uint64_t lost_records;                   /* known by their missing sequences */
    uint64_t orphans_removed;                /* files that nothing names: left by a crash */
    char damage[480];                        /* the first damaged place, for humans */
};

/* LC_EINUSE, LC_EVERSION, LC_ECORRUPT (the manifest), -errno; told in diag. */
LC_MUST_CHECK lc_err lc_store_open(const struct lc_store_config *config, struct lc_store **ret,
                                   struct lc_store_report *report, struct lc_diag *diag);
/* Commits what was appended, then stops the threads. No writer or snapshot may remain. */
void lc_store_close(struct lc_store *store);

/* From now on, as the configuration's members of these names. Any thread. -errno: the file system
 * does not say how large it is; nothing has changed. */
LC_MUST_CHECK lc_err lc_store_retain(struct lc_store *store, uint64_t retain_octets,
                                     int64_t retain_ns);

/* ---- the way in: one writer thread for each shard ---- */

/* n < writers */
struct lc_shard *lc_store_shard(struct lc_store *store, unsigned n);

/* Copies the record into the shard's active set and gives it its id: it increases with each call.
 * LC_OK; LC_EWAIT: no room until a seal is done (`notify` tells); LC_EFULL: the disk is full or
 * failing: refuse; LC_ELIMIT: the record is too large for any block (1 MiB + fields). */
LC_MUST_CHECK lc_err lc_shard_append(struct lc_shard *shard, const struct lc_record *r,
                                     uint64_t *ret_id);

/* Likewise, and with it the sender has come to `at`: record and position become durable in one
 * write, or neither does. Positions of a sender increase, and within one run of the store it always
 * comes by the same shard. LC_ELIMIT also: too many senders (10,000; one goes when it was not used
 * for a week). */
LC_MUST_CHECK lc_err lc_shard_append_from(struct lc_shard *shard, const struct lc_record *r,
                                          const struct lc_sender_id *sender,
                                          const struct lc_sender_position *at, uint64_t *ret_id);
/* A position without a record: what lies before it needs no storing. When it is committed, notify
 * (below) is called and lc_store_sender() shows it; an outcome of LC_EFULL says that it is not
 * going to be. LC_OK, LC_EWAIT, LC_EFULL; LC_ELIMIT: too many senders. */
LC_MUST_CHECK lc_err lc_shard_move_sender(struct lc_shard *shard, const struct lc_sender_id *sender,
                                          const struct lc_sender_position *at);
/* What is committed of a sender. After LC_EFULL it goes on behind it. False: not known. Any thread.
 */
bool lc_store_sender(struct lc_store *store, const struct lc_sender_id *sender,
                     struct lc_sender_position *ret);
/* The shard that a sender comes by: 0 .. writers - 1. */
unsigned lc_sender_shard(const struct lc_sender_id *sender, unsigned writers);

/* Tells the committer that there is something new: once for each turn of the writer's loop.
 * urgent: somebody waits for an answer, so commit at once; else within 5 ms. */
void lc_shard_flush(struct lc_shard *shard, bool urgent);

/* `notify` is called by the committer's thread whenever lc_shard_outcome() has something new, and
 * when room came back after LC_EWAIT or LC_EFULL. It must not block: post a task. */
void lc_shard_on_progress(struct lc_shard *shard, void (*notify)(void *arg), void *arg);

/* What became of appended records, in the order of ids. All ids of this shard up to `upto` and
 * after the previous outcome are committed (err = LC_OK) or were refused and will never be seen
 * (err = LC_EFULL; docs/store-format.md section 2 has the one exception). Ids that were refused are
 * given again. False: nothing new. Writer's thread; call it until it returns false. */
struct lc_outcome {
    uint64_t upto;
    lc_err err;
};
bool lc_shard_outcome(struct lc_shard *shard, struct lc_outcome *ret);

/* A spool only: everything of this shard up to this id may be removed, and soon is. That is not
 * remembered over a restart. Any thread. */
void lc_store_release(struct lc_store *store, unsigned shard, uint64_t upto_id);

/* Whom a sender may call itself that sends this store's records on: for the same name and shard
 * always the same, for another store never. Any thread. */
struct lc_sender_id lc_store_as_sender(const struct lc_store *store, struct lc_slice name,
                                       unsigned shard);

/* Watchers of what is committed (tails): `notify` is called by a committer's thread after each
 * commit of any shard; it must not block. At most 64. */
LC_MUST_CHECK lc_err lc_store_watch(struct lc_store *store, void (*notify)(void *arg), void *arg);
void lc_store_unwatch(struct lc_store *store, void (*notify)(void *arg), void *arg);

/* ---- reading: any thread ---- */

/* All that is committed at this moment: a list of segments and of committed ends of active sets,
 * counted, never locked. Each committed record is in it exactly once. */
struct lc_snapshot;
struct lc_snapshot *lc_store_snapshot(struct lc_store *store); /* NULL: no memory */
struct lc_snapshot *lc_snapshot_ref(struct lc_snapshot *snap);
void lc_snapshot_unref(struct lc_snapshot *snap);

#define LC_SHARDS_MAX 1024
/* Shards that the snapshot knows; which one an id is of. */
unsigned lc_snapshot_shards(const struct lc_snapshot *snap);
unsigned lc_id_shard(uint64_t id);
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
/* The last id committed in a shard; 0: none yet. */
uint64_t lc_snapshot_end(const struct lc_snapshot *snap, unsigned shard);
/* The last id of a shard that only a segment holds; 0: none. What follows it is in memory. */
uint64_t lc_snapshot_sealed(const struct lc_snapshot *snap, unsigned shard);
/* How many records of a shard with ids in (after, end] are no longer stored. Exact. */
uint64_t lc_snapshot_missing(const struct lc_snapshot *snap, unsigned shard, uint64_t after);
/* Records in the snapshot. */
uint64_t lc_snapshot_count(const struct lc_snapshot *snap);

/* A scan yields batches in no particular order, leaving out those that cannot hold a wanted row:
 * within a batch every row must still be looked at. */
struct lc_scan_spec {
    int64_t from_ns, to_ns; /* time in [from, to); INT64_MIN, INT64_MAX: all */
    const uint64_t *after;  /* NULL, or for each shard: only ids over it. A batch then holds only
                             * such rows, and those of memory come in the order of ids */
    bool memory_only;       /* leave out segments: no file is touched */
    bool newest_first;      /* batches by their newest time, descending */
    bool by_id; /* batches by the smallest id over `after` that they can hold, ascending;
                 * not together with newest_first */
};

struct lc_scan;
/* The scan takes a reference of the snapshot and a copy of the spec. One thread at a time. */
LC_MUST_CHECK lc_err lc_scan_open(struct lc_snapshot *snap, const struct lc_scan_spec *spec,
                                  struct lc_scan **ret);
void lc_scan_close(struct lc_scan *scan); /* NULL is accepted */

enum lc_column {
    LC_COL_TIME = 1 << 0, /* and id, received */
    LC_COL_LEVEL = 1 << 1,
    LC_COL_STREAM = 1 << 2,
    LC_COL_MESSAGE = 1 << 3,
    LC_COL_REST = 1 << 4, /* pid, source, fields */
    LC_COL_ALL = (1 << 5) - 1,
};

/* Some rows, whole in memory or one block of a segment. It stays valid until the next
 * lc_scan_next() or lc_scan_fetch() of its scan. Its members are for the functions below only,
 * which are here so that a loop over rows calls nothing. */
struct lc_batch {
    size_t count;
    int64_t min_time_ns, max_time_ns;
    unsigned loaded; /* enum lc_column */
    /* of each row, where loaded */
    const int64_t *times;
    const uint64_t *ids;
    const uint8_t *levels;
    const struct lc_stream_key *const *streams;
    const struct lc_slice *messages;
};
/* LC_EEND; LC_ECORRUPT, -errno: these rows cannot be read, the scan can go on with the next call.
 */
LC_MUST_CHECK lc_err lc_scan_next(struct lc_scan *scan, struct lc_batch **ret);

static inline size_t lc_batch_count(const struct lc_batch *b)
{
    return b->count;
}

/* Of all rows of the block, also of those that `after` leaves out. */
static inline void lc_batch_times(const struct lc_batch *b, int64_t *ret_min_ns,
                                  int64_t *ret_max_ns)
{
    *ret_min_ns = b->min_time_ns;
    *ret_max_ns = b->max_time_ns;
}

/* by_id: no batch that is still to come holds a smaller one; UINT64_MAX: none will come. */
uint64_t lc_scan_next_id(const struct lc_scan *scan);

/* Makes columns readable; without it only the count and times are. LC_ECORRUPT, -errno: none of
 * the asked for that were not loaded before may be read. */
LC_MUST_CHECK lc_err lc_batch_load(struct lc_batch *b, unsigned columns);

static inline int64_t lc_batch_time(const struct lc_batch *b, size_t row)
{
    LC_ASSERT_SLOW((b->loaded & LC_COL_TIME) != 0 && row < b->count);
    return b->times[row];
}

static inline uint64_t lc_batch_id(const struct lc_batch *b, size_t row)
{
    LC_ASSERT_SLOW((b->loaded & LC_COL_TIME) != 0 && row < b->count);
    return b->ids[row];
}

static inline enum lc_level lc_batch_level(const struct lc_batch *b, size_t row)
{
    LC_ASSERT_SLOW((b->loaded & LC_COL_LEVEL) != 0 && row < b->count);
    return (enum lc_level)b->levels[row];
}

/* Rows of one stream have one pointer within a batch (memory) or within a segment. */
static inline const struct lc_stream_key *lc_batch_stream(const struct lc_batch *b, size_t row)
{
    LC_ASSERT_SLOW((b->loaded & LC_COL_STREAM) != 0 && row < b->count);
    return b->streams[row];
}

static inline struct lc_slice lc_batch_message(const struct lc_batch *b, size_t row)
{
    LC_ASSERT_SLOW((b->loaded & LC_COL_MESSAGE) != 0 && row < b->count);
    return b->messages[row];
}

/* The whole record (needs LC_COL_ALL). `fields` is room for LC_FIELDS_MAX, used by *ret. */
void lc_batch_record(const struct lc_batch *b, size_t row, struct lc_field *fields,
                     struct lc_record *ret);

/* A row to be found again in the same snapshot. */
struct lc_row_ref {
    int64_t time_ns;
    uint64_t id;
    uint32_t part, block, row;
};
/* Needs LC_COL_TIME. */
struct lc_row_ref lc_batch_ref(const struct lc_batch *b, size_t row);
/* The batch of a reference, with all of its rows, whatever the scan's `after` is; some columns may
 * be loaded already. The reference may be of any scan of the snapshot. The scan keeps the last of
 * these batches (some dozens, within 64 MiB), so rows in about the order of time come from memory.
 *
 * ret_row  within the batch: ref->row, so other references to the same block need no fetch
 * Returns  LC_OK; LC_EGONE: no such row, or in a file while the scan is of memory only;
 *          LC_ECORRUPT, -errno */
LC_MUST_CHECK lc_err lc_scan_fetch(struct lc_scan *scan, const struct lc_row_ref *ref,
                                   struct lc_batch **ret, size_t *ret_row);

struct lc_store_stats {
    uint64_t appended, committed, refused, waits; /* records; times LC_EWAIT */
    uint64_t groups, synced_octets;               /* commits; octets of WAL */
    uint64_t sealed, merged, retired;           /* segments made by sealing, by merging; removed */
    uint64_t segments, segment_octets, records; /* now */
    uint64_t active_octets;                     /* in memory now */
    uint64_t spool_octets;                      /* on disk now, as the spool's limit counts it */
    uint64_t write_errors, sync_errors;
};
struct lc_store_stats lc_store_stats(struct lc_store *store); /* any thread */

/* ---- for tests without threads ---- */

/* Does one piece of background work in the caller's thread, which is also every shard's writer: a
 * commit of what was appended, a seal, a merge, retention. LC_WORK_SEAL also seals committed
 * records of a set that is not full; LC_WORK_ANY does not. LC_EEND: nothing to do. Other errors: it
 * failed and will be tried again by a later step. */
enum lc_store_work { LC_WORK_COMMIT, LC_WORK_SEAL, LC_WORK_MERGE, LC_WORK_RETAIN, LC_WORK_ANY };
LC_MUST_CHECK lc_err lc_store_step(struct lc_store *store, enum lc_store_work work);

#endif
