/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check.h - is a data folder sound? Every file is read whole, and nothing is changed.
 *
 * WHAT    The manifest, WAL files, segments: each checksum, that what it covers decodes, and that
 *         what is said twice agrees. docs/store-format.md, section 9.
 * WHO     cli/fsck.c.
 * THREAD  One. The folder is locked while it runs: no server can have it.
 */
#ifndef LC_STORE_CHECK_H
#define LC_STORE_CHECK_H

#include "store/segment.h"

enum lc_damage_kind {
    LC_DAMAGE_MANIFEST, /* which files count is not known, or not for sure */
    LC_DAMAGE_WAL,      /* octets of a WAL file */
    LC_DAMAGE_LOST,     /* records that are in no file */
    LC_DAMAGE_SEGMENT,  /* a whole segment: not there, or its footer or header cannot be read */
    LC_DAMAGE_BLOCK,    /* a block of a segment */
    LC_DAMAGE_SUMS,     /* what is said in two places does not agree */
    LC_DAMAGE_DOUBLE,   /* ids that were given before */
    LC_DAMAGE_KEPT,     /* a segment that was set aside */
    LC_NOTE_TORN,       /* notes are what a crash leaves: no damage */
    LC_NOTE_ORPHAN
};
/* "manifest", "wal" ... as programs are told. */
const char *lc_damage_name(enum lc_damage_kind kind);
bool lc_damage_is_note(enum lc_damage_kind kind);

struct lc_damage {
    enum lc_damage_kind kind;
    const char *file;                     /* below the folder */
    uint64_t offset, octets;              /* in the file; octets 0: the whole, or no place in it */
    uint64_t records;                     /* that are gone, as far as is known */
    const struct lc_segment_shard *parts; /* of those, by shard: their ids lie within */
    size_t part_count;
    int64_t min_time_ns, max_time_ns; /* their times; min > max: not known */
    const char *text;                 /* for people */
};

struct lc_check_report {
    uint64_t segments, segment_octets, segment_records; /* that can be read */
    uint64_t wal_files, wal_octets, wal_records;
    int64_t min_time_ns, max_time_ns; /* of records; min > max: there are none */
    uint64_t damages, notes;
    uint64_t lost_records; /* of all damages */
};

struct lc_check_config {
    const char *dir;
    const struct lc_disk *disk;                              /* NULL: lc_disk_system */
    void (*on_damage)(void *arg, const struct lc_damage *d); /* valid during the call only */
    void (*on_progress)(void *arg, uint64_t octets, uint64_t total); /* or NULL */
    void *arg;
};

/* LC_OK: it was checked, and ret->damages says with what result. Else it could not be, told in
 * diag: -ENOENT, LC_EINUSE, LC_EVERSION, LC_ELIMIT, -errno. */
LC_MUST_CHECK lc_err lc_store_check(const struct lc_check_config *config,
                                    struct lc_check_report *ret, struct lc_diag *diag);

#endif
