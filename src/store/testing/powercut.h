/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/powercut.h - a workload whose power is cut before every single change of the disk.
 *
 * WHAT    At each change the disk is copied as different cuts would leave it, and another store
 *         recovers on each copy, is judged, used, cut again (in the middle of that, and after it)
 *         and judged again, while the workload waits inside of its call. So one run of the
 *         workload tries all of its points, without beginning anew for each.
 * WHO     The power-cut suite and the one that takes syncs out.
 */
#ifndef LC_STORE_TESTING_POWERCUT_H
#define LC_STORE_TESTING_POWERCUT_H

#include "store/testing/run.h"

struct lc_powercut {
    struct lc_run run; /* the workload, and the verdict over all */
    uint64_t seed;
    uint64_t cuts, recoveries;  /* how many were tried */
    struct lc_simdisk *witness; /* the disk on which the first promise was broken; NULL: none */
};

#define LC_POWERCUT_SPOOL 1000u /* seeds from there on: a spool that is often full */
/* The seed also decides whether old records are removed: by size, by age, when released, or not.
 *
 * faults   calls of the disk fail now and then
 * ignored  a sync that the code is tried without; LC_SYNC_COUNT: none */
void lc_powercut_run(struct lc_powercut *p, uint64_t seed, unsigned rounds, bool faults,
                     enum lc_sync_point ignored);
void lc_powercut_done(struct lc_powercut *p);

#endif
