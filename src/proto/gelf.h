/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/gelf.h - GELF 1.1 (go2docs.graylog.org, "GELF"): its JSON, its compression, its chunks.
 *
 * WHAT    A message becomes a record; datagrams of one message are put together again.
 * WHO     conn/.
 */
#ifndef LC_PROTO_GELF_H
#define LC_PROTO_GELF_H

#include "base/time.h"
#include "proto/inflate.h"
#include "proto/members.h"

#define LC_GELF_MAX ((size_t)1 << 20) /* octets of a message, decompressed */

/* A whole message: the JSON. short_message is the message; where there is a full_message that is,
 * and short_message a field, unless the other begins with it. host, timestamp, level and facility
 * are the record's; additional fields lose their underscore and keep their type; _app, _service,
 * _container_name (Docker's driver) or _tag name the app, and _pid the pid. An object that has
 * neither message is taken as proto/json_line.h does. LC_ESYNTAX: no JSON object; nothing is
 * changed. */
LC_MUST_CHECK lc_err lc_gelf_decode(struct lc_slice text, int32_t utc_offset_s,
                                    struct lc_members *scratch, struct lc_record *ret,
                                    struct lc_unplaced *ret_unplaced);

/* What a datagram holds, decompressed if it is gzip or zlib: *ret is `data`, or stands in `room` of
 * LC_GELF_MAX octets. LC_ESYNTAX: damaged. LC_ELIMIT: larger than that. -ENOMEM. */
LC_MUST_CHECK lc_err lc_gelf_expand(struct lc_inflate *inflate, struct lc_slice data, uint8_t *room,
                                    struct lc_slice *ret);

/* ---- chunks ---- */

#define LC_GELF_CHUNKS_MAX      128 /* of one message */
#define LC_GELF_CHUNK_HEAD      12
#define LC_GELF_INCOMPLETE_MAX  64 /* messages that wait for chunks */
#define LC_GELF_INCOMPLETE_SIZE ((size_t)8 << 20)
#define LC_GELF_WAIT_MS         5000 /* for the last chunk, from the first on */

/* Messages that have not come whole. One thread's. */
struct lc_gelf_chunks;

/* Messages that will never be whole, by the reason. */
struct lc_gelf_lost {
    unsigned late;   /* their time was over */
    unsigned pushed; /* they made room for others */
};

/* NULL: no memory. */
struct lc_gelf_chunks *lc_gelf_chunks_new(void);
void lc_gelf_chunks_free(struct lc_gelf_chunks *c);

/* Whether a datagram is one chunk of several. */
bool lc_gelf_is_chunk(struct lc_slice datagram);

/* A chunk from `source`. LC_OK: its message is whole, and *ret_message is valid until the next
 * call. It is kept, and told again when any of its chunks comes again, until lc_gelf_chunks_taken()
 * says that it is done with. LC_EMORE: others are missing. LC_ESYNTAX: no such chunk can be, or it
 * was there already. LC_ELIMIT: its message is larger than LC_GELF_MAX, and is dropped. -ENOMEM.
 * What was lost is added to *lost in any case. */
LC_MUST_CHECK lc_err lc_gelf_chunk(struct lc_gelf_chunks *c, struct lc_slice datagram,
                                   struct lc_slice source, struct lc_time now,
                                   struct lc_slice *ret_message, struct lc_gelf_lost *lost);

/* The message that was whole at the last call. */
void lc_gelf_chunks_taken(struct lc_gelf_chunks *c);

/* Drops what has waited too long. Returns the messages that still wait. */
size_t lc_gelf_chunks_expire(struct lc_gelf_chunks *c, struct lc_time now,
                             struct lc_gelf_lost *lost);

#endif
