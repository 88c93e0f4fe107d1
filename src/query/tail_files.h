/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail_files.h - rows of segments in the order of their ids, a window at a time.
 *
 * WHAT    Blocks stand in another order than ids: so the next rows are first found by their ids,
 *         from blocks that can hold them, then fetched, then given out over many calls.
 * WHO     query/tail.c.
 */
#ifndef LC_QUERY_TAIL_FILES_H
#define LC_QUERY_TAIL_FILES_H

#include "query/refs.h"

struct lc_tail_files {
    size_t max_rows, max_octets;
    size_t next_rows; /* to find the next time: large records make smaller windows */
    unsigned shard;   /* whose rows are held; without any: whose turn it is */
    bool holds;
    struct lc_rows rows;
    size_t at;                /* the next of them */
    uint64_t after;           /* the cursor that they follow */
    uint64_t upto;            /* the cursor when all are passed */
    uint64_t damaged;         /* rows before `upto` of which not even the id can be read */
    struct lc_snapshot *snap; /* counted; NULL: nothing before `upto` is missing */
};

/* Finds the next rows of a shard that has segments behind `after`. They are held then. -ENOMEM,
 * -errno. */
LC_MUST_CHECK lc_err lc_tail_files_find(struct lc_tail_files *f, struct lc_snapshot *snap,
                                        unsigned shard, uint64_t after);
void lc_tail_files_drop(struct lc_tail_files *f);

#endif
