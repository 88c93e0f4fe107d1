/* SPDX-License-Identifier: Apache-2.0
 *
 * store/internal.h - the store, as its own files see it.
 *
 * WHO     store.c (life), shard.c and commit.c (the way in), recover.c (opening), seal.c and
 *         upkeep.c (the background), threads.c.
 * THREAD  Locks are taken in this order: manifest_lock, then version_lock or queue_lock or
 *         spool_lock or a shard's lock; the last four never within each other. Files are touched
 * only under manifest_lock, or under none.
 */
#ifndef LC_STORE_INTERNAL_H
#define LC_STORE_INTERNAL_H

#include "store/manifest.h"
#include "store/merge.h"
#include "store/retain.h"
#include "store/shard.h"

/* A set that is closed and committed, on its way into a segment. */
struct lc_sealing {
    struct lc_sealing *next;
    unsigned shard;
    struct lc_set *set;         /* counted */
    uint64_t wal_end;           /* once it is sealed, the shard's WAL begins with this file */
    uint64_t wal_octets;        /* in the files before it */
    struct lc_segment *segment; /* counted; not NULL: written, its name durable */
    bool is_named;              /* the manifest names it, only it is not published yet */
};

/* Segments that take the place of others, or that just go. */
struct lc_replacement {
    struct lc_segment **drop, **add; /* counted */
    size_t drop_count, add_count;    /* drop_count is 0: nothing is going on */
    bool is_merge;                   /* what is dropped lives on in what is added */
    bool is_named;                   /* the manifest knows, only it is not published yet */
};

#define LC_WATCHERS_MAX 64

struct lc_watcher {
    void (*notify)(void *arg);
    void *arg;
};

struct lc_store {
    struct lc_store_config config; /* all defaults filled in; dir is dir_path */
    const struct lc_disk *disk;
    const struct lc_clock *clock;
    char dir_path[LC_PATH_MAX], seg_path[LC_PATH_MAX], wal_path[LC_PATH_MAX];
    struct lc_file *lock_file;
    struct lc_shard *shards; /* config.writers of them */
    unsigned shard_count;    /* of them, initialised */
    uint64_t set_octets;

    pthread_mutex_t version_lock;
    struct lc_version *version;

    pthread_mutex_t manifest_lock;
    struct lc_manifest manifest;
    uint64_t secret; /* the manifest's; for any thread, without its lock */
    atomic_uint_fast64_t next_segment;

    atomic_uint_fast64_t retain_octets; /* never 0 */
    atomic_int_fast64_t retain_ns;      /* 0: no limit */

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_wake, upkeep_wake; /* the two threads of maintenance */
    struct lc_sealing *queue;               /* oldest first */
    uint64_t queue_changes;  /* since the start: a seal is wanted, or a reservation */
    uint64_t upkeep_changes; /* since the start: segments have come */
    atomic_bool seals_fail;  /* the last one did */
    atomic_bool stopping;

    struct lc_replacement replacement; /* upkeep's */
    pthread_t sealer, upkeeper;
    bool has_sealer, has_upkeeper;

    pthread_mutex_t watch_lock;
    struct lc_watcher watchers[LC_WATCHERS_MAX];
    size_t watcher_count;

    pthread_mutex_t senders_lock; /* taken last of all */
    struct lc_senders senders;    /* what is committed */
    bool is_recovering;           /* until a manifest with all positions is durable */

    atomic_uint_fast64_t sealed, merged, retired;

    pthread_mutex_t spool_lock;
    _Atomic(uint64_t) wal_octets, segment_octets;
    atomic_bool spool_full;
    _Atomic(uint64_t) released[LC_SHARDS_MAX]; /* ids; of a spool */
};

/* ---- store.c ---- */

/* Publishes what follows from the present version by `change`. */
LC_MUST_CHECK lc_err lc_store_publish(struct lc_store *s, const struct lc_version_change *change);
struct lc_version *lc_store_version(struct lc_store *s); /* counted */
void lc_store_tell_watchers(struct lc_store *s);
uint64_t lc_store_next_segment(void *store);
/* There is room for the sender's position. LC_ELIMIT, -ENOMEM. */
LC_MUST_CHECK lc_err lc_store_admit_sender(struct lc_store *s, const struct lc_sender_id *id);
/* The moves [from, to) of a set are committed. */
void lc_store_move_senders(struct lc_store *s, const struct lc_set *set, uint32_t from,
                           uint32_t to);
/* A position that is durable. -ENOMEM. */
LC_MUST_CHECK lc_err lc_store_move_sender(struct lc_store *s, const struct lc_sender_id *id,
                                          const struct lc_sender_position *at);

/* ---- recover.c ---- */

/* Reads what is on disk, and leaves a store that can be written: segments and replayed sets are
 * published, the manifest is durable, orphans are removed. */
LC_MUST_CHECK lc_err lc_recover(struct lc_store *s, struct lc_store_report *report,
                                struct lc_diag *diag);

/* ---- seal.c ---- */

/* Takes over the caller's reference to the set, of which so much is in WAL files before `wal_end`.
 * -ENOMEM: nothing happened. */
LC_MUST_CHECK lc_err lc_seal_later(struct lc_store *s, unsigned shard, struct lc_set *set,
                                   uint64_t wal_end, uint64_t wal_octets);
/* Seals the oldest set that waits. LC_EEND: none does. After another error it is still waiting. */
LC_MUST_CHECK lc_err lc_seal_step(struct lc_store *s);
/* Extends reservations that are wanted. LC_EEND: none is. */
LC_MUST_CHECK lc_err lc_reserve_step(struct lc_store *s);
void lc_seal_wake(struct lc_store *s);
void lc_seal_drop_all(struct lc_store *s);

/* ---- upkeep.c ---- */

/* What fails is kept as far as it had come, and goes on with the next step of either kind. */
LC_MUST_CHECK lc_err lc_merge_step(struct lc_store *s);  /* LC_EEND: nothing to merge */
LC_MUST_CHECK lc_err lc_retain_step(struct lc_store *s); /* LC_EEND: nothing must go */
void lc_replacement_done(struct lc_replacement *r);
void lc_upkeep_wake(struct lc_store *s);

/* ---- spool.c ---- */

bool lc_spool_is_released(const struct lc_store *s, uint64_t id);
bool lc_spool_has_released(const struct lc_store *s, const struct lc_segment *segment); /* all */
/* After what is on disk has changed: appending stops, or goes on. */
void lc_spool_weigh(struct lc_store *s);

/* ---- threads.c ---- */

/* Committers, sealer, upkeep. -errno: some may run; lc_threads_stop() ends them. */
LC_MUST_CHECK lc_err lc_threads_start(struct lc_store *s);
/* Ends all that run, after what was appended is committed. */
void lc_threads_stop(struct lc_store *s);

#endif
