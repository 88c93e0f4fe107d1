/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/run.h - a store on a simulated disk, with the model that judges it, and the moves
 * that a test can make.
 *
 * WHAT    Each move tells the model what it did. A move that shows a broken promise sets the
 *         verdict; moves after that do nothing, so a test makes its moves and looks once.
 * WHO     The store's fault suites.
 * THREAD  One: the store runs without threads.
 */
#ifndef LC_STORE_TESTING_RUN_H
#define LC_STORE_TESTING_RUN_H

#include "store/testing/model.h"
#include "store/testing/prng.h"
#include "store/testing/simclock.h"
#include "store/testing/simdisk.h"

#define LC_RUN_SHARDS 2

struct lc_run {
    struct lc_simdisk *disk; /* owned */
    struct lc_simclock clock;
    struct lc_prng prng;
    struct lc_model model;
    struct lc_store *store; /* NULL: closed */
    uint64_t memory;        /* for the next open, as are those below */
    uint64_t retain_octets; /* 0: the store's own */
    int64_t retain_ns;
    uint64_t spool_octets;          /* not 0: a spool, and retention is a release of some records */
    bool crashes;                   /* the workload also crashes */
    bool faults;                    /* and calls of the disk fail now and then */
    uint64_t done[LC_WORK_ANY + 1]; /* pieces of each work */
    struct lc_verdict verdict;
    bool crashed;                     /* while it ran, since the last start */
    bool closing;                     /* or closed; what is not committed by then is refused */
    unsigned starts;                  /* at each one senders come by other shards */
    uint64_t last_ids[LC_RUN_SHARDS]; /* no id up to them may be given by this start */
    uint64_t failed_at_open;          /* calls of the disk that had been made to fail by then */
    void (*hook)(void *arg, uint64_t change);
    void *hook_arg;
    void (*inside)(bool inside); /* told around each call of the store but queries; or NULL */
    const struct lc_disk *table; /* stands between the store and the disk; NULL: nothing does */
};

/* An empty disk; nothing is opened yet. */
void lc_run_init(struct lc_run *run, uint64_t capacity, uint64_t seed);
/* The same clock and model on another disk, which it takes over. */
void lc_run_fork(struct lc_run *run, const struct lc_run *from, struct lc_simdisk *disk,
                 uint64_t seed);
/* Also ends a store that is still open, without another change on the disk. */
void lc_run_done(struct lc_run *run);

/* LC_OK, or what lc_store_open() says: the caller knows whether it may. Checks the records. */
LC_MUST_CHECK lc_err lc_run_open(struct lc_run *run, enum lc_check_when when);
/* A stop in order. */
void lc_run_close(struct lc_run *run);
/* The power goes off, or the process dies: the store ends, what is left becomes the new disk. */
void lc_run_cut(struct lc_run *run, enum lc_sim_cut cut);

/* lc_simdisk_hook() of each disk that the run will have. */
void lc_run_hook(struct lc_run *run, void (*before)(void *arg, uint64_t change), void *arg);

/* Appends the next record, of a sender or of none. LC_OK, LC_EWAIT, LC_EFULL. */
lc_err lc_run_append(struct lc_run *run, unsigned shard);
/* A sender of the shard moves without a record. */
lc_err lc_run_move(struct lc_run *run, unsigned shard);
/* Asks for a commit, makes one step of it, and hears the outcomes. */
lc_err lc_run_commit(struct lc_run *run);
/* A seal or a merge. LC_OK, LC_EEND, or why it failed. */
lc_err lc_run_work(struct lc_run *run, enum lc_store_work work);
/* A spool: everything committed of a shard, or up to some record of it, may go. */
void lc_run_release(struct lc_run *run, bool all);
/* Releases and works until a record fits; nothing in a store that is no spool. */
void lc_run_make_room(struct lc_run *run);
/* Retention, or in a spool a release; what it may remove is told to the model before, what it did
 * remove is judged after. */
lc_err lc_run_retain(struct lc_run *run);
void lc_run_check(struct lc_run *run);
/* Time passes. */
void lc_run_wait(struct lc_run *run, int64_t ns);
/* The disk works again: every shard must soon commit a new record by itself. */
void lc_run_resume(struct lc_run *run);

/* The default workload: rounds of appends, commits, seals, merges, retention and restarts. It goes
 * on through errors, as a service would. */
void lc_run_workload(struct lc_run *run, unsigned rounds);

/* Whether it has committed, sealed, merged and, if that was asked for, removed something: a
 * workload that does not is no test of it. */
bool lc_run_did_all(const struct lc_run *run);

/* How many more rounds than by default were asked for: LC_FAULT_ROUNDS in the environment. */
unsigned lc_run_rounds(void);
/* lc_run_done(); and fails the test if a promise was broken, with the verdict, how to run it again,
 * and the last calls of the disk. */
void lc_run_end_good(struct lc_run *run, const char *what, uint64_t seed);

#endif
