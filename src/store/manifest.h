/* SPDX-License-Identifier: Apache-2.0
 *
 * store/manifest.h - which files count: a state, the edits that change it, and the file of edits.
 *
 * WHAT    docs/store-format.md, section 3. An edit is durable before anybody acts on it.
 * WHO     store/ only.
 * THREAD  One at a time: the store's manifest lock.
 */
#ifndef LC_STORE_MANIFEST_H
#define LC_STORE_MANIFEST_H

#include "base/buf.h"
#include "store/disk.h"
#include "store/segment.h"
#include "store/senders.h"
#include "store/version.h"

/* ---- the state, and edits of it: no files ---- */

struct lc_manifest_shard {
    uint64_t wal_start; /* number of the first WAL file that counts */
    uint64_t reserved;  /* sequences below it may have been given */
    uint64_t sealed;    /* the last sequence that is in a segment; 0: none */
    uint64_t gone;      /* the last sequence that was removed or lost; 0: none */
};

struct lc_manifest_state {
    uint64_t store; /* random and secret */
    unsigned shard_count;
    struct lc_manifest_shard *shards;
    size_t segment_count;
    struct lc_segment_meta *segments;
    size_t gap_count;
    struct lc_id_gap *gaps; /* by shard, then id */
    struct lc_senders senders;
};

void lc_manifest_state_done(struct lc_manifest_state *s);
/* The first sequence behind `last` that a record of the shard can have had. */
uint64_t lc_manifest_after_gaps(const struct lc_manifest_state *s, unsigned shard, uint64_t last);
/* The manifest names this segment. NULL: it does not. */
const struct lc_segment_meta *lc_manifest_segment(const struct lc_manifest_state *s,
                                                  uint64_t number);

/* Operations, collected; the first error is kept and comes out of lc_manifest_edit(). */
struct lc_edit {
    struct lc_dynbuf ops;
    lc_err err;
};
void lc_edit_init(struct lc_edit *edit);
void lc_edit_done(struct lc_edit *edit);
/* Shards get their numbers in turn. */
void lc_edit_shard(struct lc_edit *edit, unsigned shard, const struct lc_manifest_shard *is);
void lc_edit_add_segment(struct lc_edit *edit, const struct lc_segment_meta *m);
void lc_edit_remove_segment(struct lc_edit *edit, uint64_t number);
void lc_edit_add_gap(struct lc_edit *edit, const struct lc_id_gap *gap);
/* Gaps of a shard that end at `last` (an id) or before. */
void lc_edit_forget_gaps(struct lc_edit *edit, unsigned shard, uint64_t last);
/* A sender has come at least so far. */
void lc_edit_move_sender(struct lc_edit *edit, const struct lc_sender_entry *to);
void lc_edit_move_senders(struct lc_edit *edit, const struct lc_senders *to);
/* All of a state. */
void lc_edit_everything(struct lc_edit *edit, const struct lc_manifest_state *s);

/* LC_ECORRUPT: they make no sense; -ENOMEM. After an error some are applied and some are not. */
LC_MUST_CHECK lc_err lc_manifest_apply(struct lc_manifest_state *s, struct lc_slice ops);
/* A copy of `old` with the operations applied. LC_ECORRUPT: they make no sense; -ENOMEM. */
LC_MUST_CHECK lc_err lc_manifest_next(const struct lc_manifest_state *old, struct lc_slice ops,
                                      struct lc_manifest_state *ret);

/* Reads a whole file. torn: octets at its end that were cut short. LC_ECORRUPT, LC_EVERSION. */
LC_MUST_CHECK lc_err lc_manifest_parse(struct lc_slice file, struct lc_manifest_state *ret,
                                       size_t *ret_torn, struct lc_diag *diag);

/* ---- the file ---- */

struct lc_manifest {
    const struct lc_disk *disk;
    const char *dir; /* of the store; borrowed */
    struct lc_manifest_state state;
    struct lc_file *file; /* NULL: none that may be appended to; the next edit rewrites */
    uint64_t offset;
    uint64_t edits;
    uint64_t rewrite_at; /* octets */
    size_t torn_octets; /* at the end of the file that was loaded: an edit cut short, and dropped */
};

/* Reads MANIFEST. -ENOENT: there is none; LC_ECORRUPT, LC_EVERSION, -errno. */
LC_MUST_CHECK lc_err lc_manifest_load(struct lc_manifest *m, const struct lc_disk *disk,
                                      const char *dir, struct lc_diag *diag);
/* One that names nothing yet and is not written before its first edit. */
void lc_manifest_create(struct lc_manifest *m, const struct lc_disk *disk, const char *dir,
                        uint64_t store);
void lc_manifest_done(struct lc_manifest *m);
/* Makes the edit durable, then applies it to the state. On failure the state is as it was, but a
 * crash may leave either: no file that one of the two names may be removed before an edit
 * succeeds. */
LC_MUST_CHECK lc_err lc_manifest_edit(struct lc_manifest *m, const struct lc_edit *edit);
/* Likewise, always by a whole new file. */
LC_MUST_CHECK lc_err lc_manifest_rewrite(struct lc_manifest *m, const struct lc_edit *edit);

#endif
