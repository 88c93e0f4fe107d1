/* SPDX-License-Identifier: Apache-2.0
 *
 * store/recover.h - what recovery finds, while it goes on.
 *
 * WHO     store/recover.c (manifest, segments, the new run) and store/replay.c (WAL files).
 * THREAD  The one that opens the store.
 */
#ifndef LC_STORE_RECOVER_H
#define LC_STORE_RECOVER_H

#include "store/internal.h"

struct lc_wal_file {
    unsigned shard;
    uint64_t number;
    uint64_t limit; /* the last sequence that counts, as files behind it say */
};

/* What was found of a shard. */
struct lc_found {
    uint64_t last;    /* the last sequence that is sealed, replayed, or in a gap behind those */
    uint64_t gone;    /* the last sequence that is lost or was removed */
    uint64_t wal_end; /* a number behind all of its files */
};

struct lc_recovery {
    struct lc_store *store;
    struct lc_store_report *report;
    struct lc_diag *diag;
    struct lc_wal_file *wals; /* by shard, then number */
    size_t wal_count;
    uint64_t *segments; /* numbers of files */
    size_t segment_count;
    lc_err err;             /* of a callback */
    struct lc_found *found; /* by shard */
    unsigned shard_count;
    struct lc_set *set; /* being replayed; NULL: none is begun */
};

/* One more damaged place; the first is told to the operator. */
LC_PRINTF(2, 3) void lc_recover_note(struct lc_recovery *r, const char *fmt, ...);

/* Reads the files that count into sets, which wait to be sealed and are visible. */
LC_MUST_CHECK lc_err lc_replay(struct lc_recovery *r);
/* Afterwards: notes what is lost between the last record of a shard and gaps that are known, and
 * moves its `last` behind them. */
void lc_replay_account(struct lc_recovery *r, unsigned shard);

#endif
