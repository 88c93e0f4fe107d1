/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check_impl.h - a check of a data folder, while it goes on.
 *
 * WHO  store/check.c (the folder), check_segment.c, check_wal.c.
 */
#ifndef LC_STORE_CHECK_IMPL_H
#define LC_STORE_CHECK_IMPL_H

#include "store/check.h"
#include "store/manifest.h"
#include "store/recover.h"
#include "store/seen.h"

struct lc_check {
    const struct lc_check_config *config;
    const struct lc_disk *disk;
    char dir_path[LC_PATH_MAX], seg_path[LC_PATH_MAX], wal_path[LC_PATH_MAX];
    struct lc_check_report *report;
    struct lc_diag *diag;
    struct lc_manifest_state state;
    bool has_state;     /* the manifest could be read; else all files are looked at */
    uint64_t *segments; /* numbers of files */
    size_t segment_count;
    struct lc_wal_file *wals; /* by shard, then number */
    size_t wal_count;
    uint64_t octets, total; /* read, of all files */
    struct lc_seen seen;
    lc_err err; /* of a callback */
};

/* fmt: what it means. It is counted, and told. */
LC_PRINTF(3, 4)
void lc_check_tell(struct lc_check *c, const struct lc_damage *d, const char *fmt, ...);
void lc_check_progress(struct lc_check *c, uint64_t octets);
void lc_check_times(struct lc_check *c, int64_t min_ns, int64_t max_ns);
/* What a damaged or failing drive says, so that the check goes on with the next octets. */
bool lc_check_is_damage(lc_err e);

/* expected: what the manifest says of it; NULL: it is not known. */
LC_MUST_CHECK lc_err lc_check_segment(struct lc_check *c, uint64_t number,
                                      const struct lc_segment_meta *expected);
/* All WAL files that count, of all shards. */
LC_MUST_CHECK lc_err lc_check_wals(struct lc_check *c);

#endif
