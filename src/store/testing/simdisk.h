/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk.h - a disk in memory whose power can be cut, and whose calls can fail.
 *
 * WHAT    Implements store/disk.h. It promises what POSIX promises and nothing more: contents are
 *         durable after a sync of the file, a name after a sync of its directory; a rename is
 *         atomic. What was not synced is kept, lost, torn into sectors or reordered when the power
 *         is cut, as a seed says. A sync that fails loses what it should have written, and the
 *         next one reports success all the same, as Linux does.
 * WHO     The store's fault suites.
 * THREAD  One: stores on it run without threads.
 * OWNS    All contents. No memory left ends the test: nothing here is handed to users.
 */
#ifndef LC_STORE_TESTING_SIMDISK_H
#define LC_STORE_TESTING_SIMDISK_H

#include "store/disk.h"

/* The directory that a new disk has, durably: stores go below it. */
#define LC_SIM_ROOT "/disk"

#define LC_SIM_CALLS(X)                                                                            \
    X(MKDIR)                                                                                       \
    X(OPEN)                                                                                        \
    X(READ)                                                                                        \
    X(WRITE)                                                                                       \
    X(SYNC)                                                                                        \
    X(SYNC_DIR)                                                                                    \
    X(SIZE)                                                                                        \
    X(TRUNCATE)                                                                                    \
    X(RENAME)                                                                                      \
    X(UNLINK)                                                                                      \
    X(LIST)                                                                                        \
    X(LOCK)                                                                                        \
    X(SPACE)

#define LC_SIM_CALL_ENUM(name) LC_SIM_##name,
enum lc_sim_call { LC_SIM_CALLS(LC_SIM_CALL_ENUM) LC_SIM_CALL_COUNT };
#undef LC_SIM_CALL_ENUM

const char *lc_sim_call_name(enum lc_sim_call call);
const char *lc_sim_sync_name(enum lc_sync_point point);

struct lc_simdisk;

/* capacity: octets of contents that fit; a write beyond it gives -ENOSPC.
 * seed: decides what failing calls leave behind. */
struct lc_simdisk *lc_simdisk_new(uint64_t capacity, uint64_t seed);
/* Files may still be open: what a killed process leaves. NULL is accepted. */
void lc_simdisk_free(struct lc_simdisk *d);
/* Lives as long as the disk. */
const struct lc_disk *lc_simdisk_table(struct lc_simdisk *d);

void lc_simdisk_set_capacity(struct lc_simdisk *d, uint64_t capacity);
uint64_t lc_simdisk_used(const struct lc_simdisk *d);

enum lc_sim_cut {
    LC_CUT_LOST,   /* power: nothing survives that was not synced */
    LC_CUT_KEPT,   /* power: all survives, as if everything had just been synced */
    LC_CUT_RANDOM, /* power: each unsynced thing for itself, as the seed says */
    LC_CUT_KILL,   /* only the process dies: all is there, and still not synced */
    LC_CUT_COUNT
};
const char *lc_sim_cut_name(enum lc_sim_cut cut);

/* A new disk as it would be found after a cut at this moment; `d` is not changed. Ignored syncs are
 * taken over, for they stand for the code, and the list of calls; faults, locks and hooks are not.
 */
struct lc_simdisk *lc_simdisk_cut(const struct lc_simdisk *d, enum lc_sim_cut cut, uint64_t seed);

/* From now on every call fails with -EIO and changes nothing: so a store can be closed after its
 * disk was cut away. */
void lc_simdisk_die(struct lc_simdisk *d);

/* Called before each call that would change the disk, with the number of such calls so far, this
 * one included. It may cut, and may let the disk die. */
void lc_simdisk_hook(struct lc_simdisk *d, void (*before)(void *arg, uint64_t change), void *arg);

/* Syncs of this point report success and do nothing. */
void lc_simdisk_ignore_sync(struct lc_simdisk *d, enum lc_sync_point point);

struct lc_sim_fault {
    enum lc_sim_call call;
    uint64_t first; /* the first call of this kind that fails, counted from now; 1: the next */
    uint64_t times; /* how many in a row fail */
    lc_err error;   /* -EIO, -ENOSPC, ... */
};
/* Takes the place of an earlier fault. */
void lc_simdisk_fail(struct lc_simdisk *d, const struct lc_sim_fault *fault);
/* How many calls have failed by the present fault. */
uint64_t lc_simdisk_failed(const struct lc_simdisk *d);

uint64_t lc_simdisk_calls(const struct lc_simdisk *d, enum lc_sim_call call);
/* Prints the last calls to stderr, the oldest first. */
void lc_simdisk_print_calls(const struct lc_simdisk *d);

#endif
