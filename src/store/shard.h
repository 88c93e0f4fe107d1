/* SPDX-License-Identifier: Apache-2.0
 *
 * store/shard.h - one shard that is written: its writer's side and its committer's side.
 *
 * WHAT    The writer appends to the active set and takes note of outcomes; the committer makes
 *         what was appended durable, group by group, and hands full sets on to be sealed. The two
 *         meet in a few atomics; the lock is taken once for each turn of the writer's loop and
 *         once for each commit, never for a record.
 * WHO     store/ only. shard.c is the writer's side, commit.c the committer's.
 */
#ifndef LC_STORE_SHARD_H
#define LC_STORE_SHARD_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "store/store.h"
#include "store/wal.h"

/* Of the disk under this shard's WAL, as writer and committer tell each other. */
enum lc_shard_disk {
    LC_SHARD_WORKS,
    LC_SHARD_REFUSES, /* the committer has given up: the writer drops what is not committed, and
                       * until then the sets are the writer's alone */
    LC_SHARD_BROKEN,  /* nothing is accepted; the committer tries a new file now and then */
};

struct lc_shard {
    struct lc_store *store;
    unsigned number;

    /* the writer's */
    alignas(64) struct lc_set *active; /* counted */
    uint64_t next;                     /* sequence of the next record */
    uint64_t may_give;                 /* sequences below it, as last looked up in `reserved` */
    uint64_t told;                     /* the last sequence whose outcome the writer knows */
    atomic_uint_fast64_t appended, refused, waits; /* for statistics */

    /* between them */
    alignas(64) atomic_int disk;    /* enum lc_shard_disk */
    _Atomic(uint64_t) committed;    /* the last sequence */
    _Atomic(uint64_t) reserved;     /* sequences below it may be given: the manifest says so */
    _Atomic(uint64_t) step;         /* by how much it was extended the last time */
    atomic_bool wants_reserve;      /* it is to be extended */
    atomic_bool wants_rotation;     /* the active set has grown old */
    _Atomic(struct lc_set *) spare; /* empty, with its memory warm; NULL: none */
    pthread_mutex_t lock;           /* for what follows */
    pthread_cond_t wake;            /* the committer */
    struct lc_set *successor;       /* of the committer's set, which is closed then; counted */
    unsigned closed;                /* sets that are closed and not yet sealed */
    bool writer_waits;              /* for room: tell it */
    bool flushed, urgent;           /* something to commit; at once */
    bool stopping;
    pthread_mutex_t notify_lock; /* held while notify runs */
    void (*notify)(void *arg);
    void *notify_arg;

    /* the committer's */
    alignas(64) struct lc_set *current;  /* counted */
    bool is_visible;                     /* current is in the published version */
    struct lc_set_mark written, durable; /* of current; equal, but with `ack = written` */
    struct lc_wal wal;
    uint64_t set_octets;        /* of current, in WAL files */
    uint64_t durable_sequence;  /* the last one; as `durable`, but also of sets before current */
    struct lc_time last_turn;   /* when it last looked for work */
    struct lc_time dirty_since; /* LC_TIME_NEVER: all that was written is synced */
    atomic_uint_fast64_t committed_count, groups, synced_octets, write_errors, sync_errors;
    pthread_t thread;
    bool has_thread;
};

/* ---- the writer's side ---- */

/* first: the sequence that it goes on with; reserved: see above. -ENOMEM. */
LC_MUST_CHECK lc_err lc_shard_init(struct lc_shard *shard, struct lc_store *store, unsigned number,
                                   uint64_t first, uint64_t reserved, uint64_t next_wal);
void lc_shard_done(struct lc_shard *shard);
/* Closes the active set, if it holds anything, and begins another one. LC_EWAIT: an older one is
 * not sealed yet, the writer will be notified; LC_EFULL; LC_EEND: it is empty. */
LC_MUST_CHECK lc_err lc_shard_rotate(struct lc_shard *shard);

/* ---- from other threads ---- */

/* A set of it was sealed, its reservation extended, or sealing has failed: a writer that waits asks
 * again. */
void lc_shard_wake_writer(struct lc_shard *shard, bool sealed);
void lc_shard_notify(struct lc_shard *shard);
/* Has the writer close its active set when it next takes outcomes. */
void lc_shard_close_soon(struct lc_shard *shard);

/* ---- the committer's side ---- */

/* Writes and syncs one group, or tries a new file after a failure. LC_EEND: nothing to do. */
LC_MUST_CHECK lc_err lc_shard_commit(struct lc_shard *shard);
/* ack = written: syncs what is only written. LC_EEND: nothing is. */
LC_MUST_CHECK lc_err lc_shard_sync(struct lc_shard *shard);
/* Commits and syncs all that can be. */
void lc_shard_finish(struct lc_shard *shard);
/* The committer of the shard `arg`: until `stopping`, and then lc_shard_finish(). */
void *lc_shard_committer(void *arg);

#endif
