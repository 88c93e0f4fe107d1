/* SPDX-License-Identifier: Apache-2.0
 *
 * store/life_steps_test.h - the steps of a store's life, without threads, on a simulated disk; and
 * beside it what the store must hold.
 *
 * WHO     store/life_test.c, store/failure_test.c.
 */
#ifndef LC_STORE_LIFE_STEPS_TEST_H
#define LC_STORE_LIFE_STEPS_TEST_H

#include "store/store_test.h"

#include "store/store.h"
#include "store/testing/simclock.h"
#include "store/testing/simdisk.h"

#define LIFE_DIR     LC_SIM_ROOT "/data"
#define LIFE_RECORDS 6000u

struct life {
    struct lc_simdisk *sim;
    struct lc_simclock clock;
    struct lc_store_config config;
    struct lc_store *store;
    struct lc_store_report report;
    struct lc_diag diag;
    uint64_t ids[LIFE_RECORDS]; /* of record i; 0: refused */
    unsigned count;             /* records appended so far */
    uint64_t told[4];           /* by shard: the last id whose outcome is known */
    unsigned notified;
};

/* A new store with the smallest sets. Record i goes to shard i % writers. */
void life_begin(struct life *l, unsigned writers);
void life_end(struct life *l);
lc_err life_try_open(struct life *l);
void life_open(struct life *l);
/* The power fails, or only the process, and the store is opened again. */
void life_crash(struct life *l, enum lc_sim_cut cut);
/* The same, but the store is not opened again. */
void life_cut(struct life *l, enum lc_sim_cut cut);

lc_err life_append_one(struct life *l);
void life_append(struct life *l, unsigned n);
/* One kind of work until there is no more. */
void life_work(struct life *l, enum lc_store_work kind);
/* Takes all outcomes of a shard; records that were refused are forgotten. The last one's error;
 * LC_EEND: there was none. */
lc_err life_take_outcomes(struct life *l, unsigned shard);

/* Each record with an id is in the snapshot once, as it was; and nothing else is. */
void life_check_snapshot(const struct life *l, struct lc_snapshot *snap);
void life_check(const struct life *l);
uint64_t life_missing(const struct life *l, unsigned shard);

/* The next calls of a kind fail. */
void life_fail_calls(struct life *l, enum lc_sim_call call, uint64_t times);
/* Damage in a file. */
void life_overwrite(struct life *l, const char *path, uint64_t at);

#endif
