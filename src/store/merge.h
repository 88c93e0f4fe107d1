/* SPDX-License-Identifier: Apache-2.0
 *
 * store/merge.h - many small segments into few larger ones, so that files stay few.
 *
 * WHAT    Size-tiered: enough segments of one level become segments of the next. What is large
 *         enough is left alone. docs/store-format.md, "Merging".
 * WHO     store.c's background thread picks, runs, and then applies one edit of the manifest that
 *         names the outputs and no longer the inputs. Until then the outputs are orphans.
 * THREAD  One merge belongs to one thread; inputs are immutable.
 */
#ifndef LC_STORE_MERGE_H
#define LC_STORE_MERGE_H

#include <stdatomic.h>

#include "store/version.h"

#define LC_MERGE_FAN_IN     8  /* so many of a level are worth a merge */
#define LC_MERGE_INPUTS_MAX 16 /* of one merge: each holds a block and a footer in memory */
#define LC_MERGE_TARGET     (UINT64_C(256) << 20)

struct lc_merge_inputs {
    struct lc_segment *segments[LC_MERGE_INPUTS_MAX]; /* borrowed from the version */
    size_t count;
};

/* The inputs of the next merge. False: nothing is worth one. target_octets: segments of that size
 * and over stay as they are. Segments found damaged are left out. */
bool lc_merge_pick(const struct lc_version *v, uint64_t target_octets, struct lc_merge_inputs *ret);

struct lc_merge_config {
    const struct lc_disk *disk;
    const char *dir;                    /* of the segments, for the outputs */
    uint64_t target_octets;             /* LC_MERGE_TARGET: an output over it ends with its hour */
    uint64_t (*next_number)(void *arg); /* a number that no segment has had */
    void *arg;
    const atomic_bool *stop; /* set: ends soon with -ECANCELED; looked at between blocks */
};

struct lc_merge_outputs {
    struct lc_segment_meta *metas; /* lc_merge_outputs_done() */
    size_t count;
};
void lc_merge_outputs_done(struct lc_merge_outputs *o);

/* Writes the records of all inputs, each once, into new segments one level up. On success their
 * contents are synced, their names are not yet (LC_SYNC_MERGED_DIR is the caller's). On failure no
 * file is left: LC_ECORRUPT (an input is damaged; it will not be picked again), -ECANCELED, -errno.
 */
LC_MUST_CHECK lc_err lc_merge_run(const struct lc_merge_config *config,
                                  const struct lc_merge_inputs *inputs,
                                  struct lc_merge_outputs *ret);

#endif
