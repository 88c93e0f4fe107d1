/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/batch.h - binary v2: batches of records between senders, relays and servers.
 *
 * WHAT    Messages of a header and a payload (docs/protocols.md, "Binary v2"). Octets in, values
 *         out: of a batch first the checksum, then bounded decompression, then record by record, as
 *         slices into the payload. And the other way round.
 * WHO     conn/ at the server, service/relay at the sender.
 * OWNS    Reading allocates nothing but the decompressed payload, in the caller's buffer.
 */
#ifndef LC_PROTO_BATCH_H
#define LC_PROTO_BATCH_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/record.h"
#include "base/sender.h"

#define LC_BATCH_VERSION 2u
#define LC_BATCH_HEADER  20u
#define LC_BATCH_CHECKED 16u        /* octets of the header before its checksum, which it covers */
#define LC_BATCH_MAX     (8u << 20) /* octets of a payload, as sent and decompressed */
#define LC_BATCH_NAME    255u       /* octets of a sender's name */

enum lc_batch_command {
    LC_BATCH_HELLO = 0x05,
    LC_BATCH_RECORDS = 0x06,
    LC_BATCH_WELCOME = 0x85, /* answers HELLO */
    LC_BATCH_STORED = 0x86,  /* answers BATCHes, one or many */
    LC_BATCH_ERROR = 0xFF,
};

#define LC_BATCH_ZSTD    1u /* flags: the payload is one zstd frame that tells its size */
#define LC_BATCH_DOUBTED 2u /* these records may be stored elsewhere already */

/* code, name, what the sender does with it */
#define LC_BATCH_ERRORS(X)                                                                         \
    X(1, MALFORMED, "not well-formed")                                                             \
    X(2, NO_HELLO, "no HELLO yet")                                                                 \
    X(3, FENCED, "a newer connection of this sender has taken over")                               \
    X(4, FULL, "log storage full")                                                                 \
    X(5, REFUSED, "refused by policy")                                                             \
    X(6, SENDERS, "too many senders")

#define LC_BATCH_ERROR_ENUM(code, name, text) LC_BATCH_ERROR_##name = (code),
enum lc_batch_error { LC_BATCH_ERRORS(LC_BATCH_ERROR_ENUM) };
#undef LC_BATCH_ERROR_ENUM

/* ---- messages ---- */

struct lc_batch_message {
    enum lc_batch_command command;
    uint16_t flags;
    uint64_t sequence; /* of the message; an answer has that of what it answers */
    struct lc_slice payload;
};

/* The first message of `in`.
 * LC_OK        *ret points into `in`; *ret_used octets are spent.
 * LC_EMORE     not all of it is there; nothing is spent. The caller's buffer needs room for
 *              LC_BATCH_HEADER + LC_BATCH_MAX octets.
 * LC_EVERSION  it does not begin with 2; LC_ELIMIT: its payload is longer than LC_BATCH_MAX;
 *              LC_ECORRUPT: its checksum is wrong; LC_ESYNTAX: an unknown command or flag. The
 *              stream cannot be followed any further. lc_batch_reason() has the words. */
LC_MUST_CHECK lc_err lc_batch_take(struct lc_slice in, struct lc_batch_message *ret,
                                   size_t *ret_used);
/* A static text for the peer. */
const char *lc_batch_reason(lc_err e);

struct lc_batch_hello {
    struct lc_sender_id sender;
    uint64_t epoch;
    struct lc_slice name; /* for people: UTF-8, may be empty */
};

/* Payloads of HELLO, 85, 86 and FF. LC_ESYNTAX: not one; *ret_... untouched. */
LC_MUST_CHECK lc_err lc_batch_read_hello(struct lc_slice payload, struct lc_batch_hello *ret);
LC_MUST_CHECK lc_err lc_batch_read_welcome(struct lc_slice payload, struct lc_sender_position *ret);
LC_MUST_CHECK lc_err lc_batch_read_stored(struct lc_slice payload, uint64_t *ret_upto);
/* *ret_code may be one that is not in the list. */
LC_MUST_CHECK lc_err lc_batch_read_error(struct lc_slice payload, unsigned *ret_code,
                                         struct lc_slice *ret_text);

/* Append a whole message. LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(), and nothing is appended;
 * LC_ELIMIT also for a name that is too long, LC_ESYNTAX for one that is not UTF-8. */
LC_MUST_CHECK lc_err lc_batch_put_hello(struct lc_dynbuf *out, uint64_t sequence,
                                        const struct lc_batch_hello *hello);
LC_MUST_CHECK lc_err lc_batch_put_welcome(struct lc_dynbuf *out, uint64_t sequence,
                                          const struct lc_sender_position *position);
LC_MUST_CHECK lc_err lc_batch_put_stored(struct lc_dynbuf *out, uint64_t sequence, uint64_t upto);
/* text: NULL: that of the list. */
LC_MUST_CHECK lc_err lc_batch_put_error(struct lc_dynbuf *out, uint64_t sequence,
                                        enum lc_batch_error code, const char *text);

/* ---- records: reading ---- */

/* What a BATCH holds: its payload, decompressed into `scratch` (whose old content is dropped, and
 * whose maximum should be LC_BATCH_MAX) where it is compressed.
 * LC_ESYNTAX: not a zstd frame that tells its size; LC_ELIMIT: it is larger than LC_BATCH_MAX or
 * than the scratch may be; -ENOMEM. */
LC_MUST_CHECK lc_err lc_batch_open(const struct lc_batch_message *batch, struct lc_dynbuf *scratch,
                                   struct lc_slice *ret_records);

struct lc_batch_reader {
    struct lc_reader in;
    uint64_t first; /* sequence of the first record */
    uint32_t count; /* records in all, at least 1 */
    uint32_t left;  /* of these not yet read */
    uint64_t sequence;
    int64_t time_ns;
};

/* `records` is what lc_batch_open() returned. LC_ESYNTAX: not well-formed. */
LC_MUST_CHECK lc_err lc_batch_read(struct lc_slice records, struct lc_batch_reader *ret);

/* The next record. Its slices point into the payload, its fields are put into `fields`; time may be
 * LC_TIME_ABSENT; id and received_ns are 0. Sequences increase.
 * LC_EEND: there was no further one, and nothing is behind them. LC_ESYNTAX: not well-formed. */
LC_MUST_CHECK lc_err lc_batch_next(struct lc_batch_reader *r, struct lc_field fields[LC_FIELDS_MAX],
                                   struct lc_record *ret, uint64_t *ret_sequence);

/* ---- records: writing ---- */

struct lc_batch_writer {
    struct lc_dynbuf records; /* the payload so far */
    void *zstd;               /* made when it is first needed */
    uint64_t first;
    uint64_t last; /* sequence of the record added last */
    uint32_t count;
    int64_t time_ns;
};

/* Allocates nothing yet. A writer is used for one batch after the other. */
void lc_batch_writer_init(struct lc_batch_writer *w);
void lc_batch_writer_done(struct lc_batch_writer *w);

/* Adds a record; its sequence is greater than that of the one before it in this batch. id and
 * received_ns do not travel.
 * LC_ELIMIT: there is no room for it in this batch; with w->count = 0: in none. -ENOMEM. */
LC_MUST_CHECK lc_err lc_batch_add(struct lc_batch_writer *w, uint64_t sequence,
                                  const struct lc_record *r);

/* Appends the batch as a whole message, and begins a new one. There must be a record in it.
 * zstd_level: 0: none; else it is compressed where that makes it smaller.
 * flags: LC_BATCH_DOUBTED or 0. LC_ELIMIT, -ENOMEM: nothing is appended, nothing begun. */
LC_MUST_CHECK lc_err lc_batch_finish(struct lc_batch_writer *w, uint64_t sequence, unsigned flags,
                                     int zstd_level, struct lc_dynbuf *out);

#endif
