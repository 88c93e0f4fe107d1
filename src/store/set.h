/* SPDX-License-Identifier: Apache-2.0
 *
 * store/set.h - one shard's records in memory: the octets that are (or will be) in its WAL file,
 * and a small fixed entry beside each record.
 *
 * WHAT    Filled by the shard's writer, written by its committer, read by anybody up to the
 *         committed count, then sealed into a segment and dropped. Chunks never move.
 * WHO     store/ only.
 * THREAD  One writer. Readers use only rows under a count that was published to them (release,
 *         acquire) and the strings that those rows name.
 */
#ifndef LC_STORE_SET_H
#define LC_STORE_SET_H

#include "base/buf.h"
#include "base/record.h"
#include "base/sender.h"

struct lc_set;

struct lc_set *lc_set_ref(struct lc_set *set);
void lc_set_unref(struct lc_set *set); /* NULL is accepted; the last one frees */

/* What is committed: rows [0, count) may be read. Any thread. */
uint32_t lc_set_committed(const struct lc_set *set);
unsigned lc_set_shard(const struct lc_set *set);
/* Octets of memory in use, by estimate. Any thread. */
uint64_t lc_set_octets(const struct lc_set *set);

/* The small entry of a row: what scans and seals look at first. */
struct lc_set_entry {
    int64_t time_ns;
    int64_t received_ns;
    uint64_t id;
    uint32_t stream; /* number within the set */
    uint8_t level;   /* enum lc_level */
};
struct lc_set_entry lc_set_entry(const struct lc_set *set, uint32_t row);
uint32_t lc_set_streams(const struct lc_set *set); /* streams used by committed rows */
/* Slices live as long as the set. */
const struct lc_stream_key *lc_set_stream(const struct lc_set *set, uint32_t stream);
struct lc_slice lc_set_message(const struct lc_set *set, uint32_t row);
/* The whole record; `fields` is room for LC_FIELDS_MAX. */
void lc_set_record(const struct lc_set *set, uint32_t row, struct lc_field *fields,
                   struct lc_record *ret);

/* Has the memory of rows that will be read come nearer: all of `soon`, the entry of `later`. */
void lc_set_prefetch(const struct lc_set *set, uint32_t soon, uint32_t later);

/* ---- filling: the writer's thread ---- */

/* The largest record: all of its strings together. */
#define LC_SET_RECORD_MAX (2u << 20)

/* A place between two records, the names that were numbered before it, and the moves of senders. */
struct lc_set_mark {
    uint32_t rows;
    uint16_t strings;
    uint16_t streams;
    uint32_t moves;
};

static inline bool lc_set_mark_eq(struct lc_set_mark a, struct lc_set_mark b)
{
    return a.rows == b.rows && a.moves == b.moves;
}

/* Who sent a record, and how far that brings the sender. */
struct lc_set_from {
    const struct lc_sender_id *id;
    struct lc_sender_position at;
};

/* max_octets: of memory, about, within LC_SET_OCTETS_MIN and 64 MiB; one record always fits. One
 * reference. -ENOMEM. */
#define LC_SET_OCTETS_MIN (UINT64_C(128) << 10)
LC_MUST_CHECK lc_err lc_set_new(unsigned shard, uint64_t max_octets, struct lc_set **ret);
/* Nobody but the caller holds a reference. */
bool lc_set_is_alone(const struct lc_set *set);
/* Empty again, with its memory kept, by the only one who holds it. */
void lc_set_reset(struct lc_set *set);
/* Copies it. Sequences increase. LC_EWAIT: the set is full; LC_ELIMIT: no set takes such a record;
 * -ENOMEM. After an error nothing has changed.
 * from: NULL: of no sender that counts */
LC_MUST_CHECK lc_err lc_set_append(struct lc_set *set, uint64_t sequence, const struct lc_record *r,
                                   const struct lc_set_from *from);
/* A move without a record. LC_EWAIT: the set is full; -ENOMEM. */
LC_MUST_CHECK lc_err lc_set_move(struct lc_set *set, const struct lc_set_from *from);
/* The sender has moved in this set before. */
bool lc_set_knows(struct lc_set *set, const struct lc_set_from *from);
/* Drops what was appended and not committed. No committer may be at work. */
void lc_set_truncate(struct lc_set *set);

/* ---- committing: the committer's thread ---- */

struct lc_set_mark lc_set_appended(const struct lc_set *set);
struct lc_set_mark lc_set_committed_mark(const struct lc_set *set);
/* Rows before `mark` become readable, and its moves count. */
void lc_set_commit(struct lc_set *set, struct lc_set_mark mark);
/* The octets of rows [from, to), in at most LC_SET_PARTS_MAX parts that live as long as the set;
 * returns how many parts. */
#define LC_SET_PARTS_MAX 160
size_t lc_set_parts(const struct lc_set *set, uint32_t from, uint32_t to,
                    struct lc_slice parts[LC_SET_PARTS_MAX]);
/* Appends the definitions of the names in [from, to), as a frame repeats them. -ENOMEM, LC_ELIMIT.
 */
LC_MUST_CHECK lc_err lc_set_define(const struct lc_set *set, struct lc_set_mark from,
                                   struct lc_set_mark to, struct lc_dynbuf *out);
/* Where senders have come to with the moves [*at, to): each of them once. Goes on at *at; false: no
 * further one. */
bool lc_set_next_sender(const struct lc_set *set, uint32_t *at, uint32_t to,
                        struct lc_sender_id *ret_id, struct lc_sender_position *ret);

#endif
