/* SPDX-License-Identifier: Apache-2.0
 *
 * store/wal.h - the file in which a set is made durable, commit by commit: writer and reader.
 *
 * WHAT    docs/store-format.md, section 2. The reader is given the whole file in memory, and says
 *         which records are in it and what of it is torn or damaged.
 * WHO     store/commit.c writes, store/recover.c reads.
 * THREAD  One owner each.
 */
#ifndef LC_STORE_WAL_H
#define LC_STORE_WAL_H

#include "store/disk.h"
#include "store/names.h"
#include "store/path.h"
#include "store/set.h"

#define LC_WAL_HEADER_SIZE 44u
#define LC_WAL_FRAME_SIZE  48u /* in front of definitions and records */

/* Which file it is: what its header and frames must agree with. */
struct lc_wal_id {
    uint64_t store;
    unsigned shard;
    uint64_t number;
};

/* "<dir>/<shard>-<number>.wal"; LC_ELIMIT: too long. */
LC_MUST_CHECK lc_err lc_wal_path(const char *dir, unsigned shard, uint64_t number,
                                 char ret[LC_PATH_MAX]);
/* The inverse, of a name without its directory. False: no WAL file's name. */
bool lc_wal_name(const char *name, unsigned *ret_shard, uint64_t *ret_number);

/* ---- writing ---- */

struct lc_wal {
    const struct lc_disk *disk;
    const char *dir;     /* of WAL files; borrowed */
    struct lc_wal_id id; /* its number: of the file that is open */
    uint64_t next_number;
    struct lc_file *file; /* NULL: none is open */
    uint64_t offset;
    bool named;                /* its name is durable */
    bool counts;               /* records in it are durable */
    struct lc_set_mark before; /* names from there on are defined again by the next frame */
    struct lc_dynbuf front;    /* of a frame: header and definitions */
};

void lc_wal_init(struct lc_wal *wal, const struct lc_disk *disk, const char *dir, uint64_t store,
                 unsigned shard, uint64_t next_number);
void lc_wal_done(struct lc_wal *wal);
/* Creates the next file. durable: the shard's last durable sequence. On failure none is open. */
LC_MUST_CHECK lc_err lc_wal_begin(struct lc_wal *wal, uint64_t durable);
/* Closes the file for good, as it is: after a failure, or when its set is done. */
void lc_wal_end(struct lc_wal *wal);
/* Likewise, and removes it: nothing that counts is in it. */
void lc_wal_abandon(struct lc_wal *wal);
/* Writes rows [from, to) of the file's set, and where senders have come to with them, as one frame.
 * before: the shard's last sequence in front of `from` */
LC_MUST_CHECK lc_err lc_wal_write(struct lc_wal *wal, const struct lc_set *set,
                                  struct lc_set_mark from, struct lc_set_mark to, uint64_t before);
/* What was written is durable, and the file's name. */
LC_MUST_CHECK lc_err lc_wal_sync(struct lc_wal *wal);

/* ---- reading ---- */

/* ret_durable: see lc_wal_begin(). LC_ECORRUPT: torn or damaged; LC_EVERSION. */
LC_MUST_CHECK lc_err lc_wal_header(struct lc_slice file, const struct lc_wal_id *id,
                                   uint64_t *ret_durable);

struct lc_wal_reader {
    struct lc_slice file;
    struct lc_wal_id id;
    uint64_t limit; /* frames that begin behind this sequence are dead; set it after init */
    /* Is told where senders have come to, frame by frame, before the frame's records; or NULL. */
    void (*on_sender)(void *arg, const struct lc_sender_id *id,
                      const struct lc_sender_position *at);
    void *on_sender_arg;
    size_t at;
    uint64_t expected; /* the next frame's first sequence, at least */
    struct lc_names names;

    struct lc_slice rows; /* what is left of the frame */
    uint64_t sequence;    /* of its next record */
    uint32_t records;     /* left in it */

    uint64_t torn_octets;
    uint64_t damaged_octets, damaged_places;
    size_t damaged_at; /* the first place */
};

/* `file` stays the caller's, and must outlive the reader and what it returns. -ENOMEM. */
LC_MUST_CHECK lc_err lc_wal_reader_init(struct lc_wal_reader *r, struct lc_slice file,
                                        const struct lc_wal_id *id);
void lc_wal_reader_done(struct lc_wal_reader *r);
/* The next record, with its id; ids increase. `fields` is room for LC_FIELDS_MAX. LC_EEND. */
LC_MUST_CHECK lc_err lc_wal_next(struct lc_wal_reader *r, struct lc_field *fields,
                                 struct lc_record *ret);

#endif
