/* SPDX-License-Identifier: Apache-2.0
 *
 * store/repair_impl.h - a repair, while it goes on.
 *
 * WHO  store/repair.c (the folder, its manifest) and repair_segment.c.
 */
#ifndef LC_STORE_REPAIR_IMPL_H
#define LC_STORE_REPAIR_IMPL_H

#include "store/check_impl.h"
#include "store/repair.h"

struct lc_repair {
    const struct lc_repair_config *config;
    const struct lc_disk *disk;
    char dir_path[LC_PATH_MAX], seg_path[LC_PATH_MAX], wal_path[LC_PATH_MAX],
        lost_path[LC_PATH_MAX];
    struct lc_repair_report *report;
    struct lc_manifest manifest;
    bool has_state;
    struct lc_edit segments; /* what becomes of them */
    uint64_t *files;         /* numbers of segments' files */
    size_t file_count;
    struct lc_wal_file *wals;
    size_t wal_count;
    uint64_t *dropped; /* numbers, of files that go once the manifest is durable */
    size_t dropped_count;
    char (*damaged)[64]; /* WAL files, below the folder */
    size_t damaged_count;
    uint64_t next_number;
    struct lc_seen seen;
    /* sequences by shard; 0: none */
    uint64_t sealed[LC_SHARDS_MAX], gone[LC_SHARDS_MAX], logged[LC_SHARDS_MAX];
    uint64_t wal_start[LC_SHARDS_MAX];
    unsigned shard_count;
    lc_err err;
};

/* A copy in lost+found/ of a file below the folder, durable. A missing file is none. */
LC_MUST_CHECK lc_err lc_repair_keep(struct lc_repair *r, const char *file);
/* Takes the segment as it is, writes it anew, or drops it. expected: as the manifest has it, or
 * NULL. */
LC_MUST_CHECK lc_err lc_repair_segment(struct lc_repair *r, uint64_t number,
                                       const struct lc_segment_meta *expected);

#endif
