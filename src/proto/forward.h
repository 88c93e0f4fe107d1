/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/forward.h - the Fluentd forward protocol, version 1 (Fluentd's wiki, "Forward Protocol
 * Specification v1"): Message, Forward, PackedForward and CompressedPackedForward.
 *
 * WHAT    A message of a stream; the records in it, one after the other; the answer that it may
 *         want. The handshake with a shared key is not spoken.
 * WHO     conn/.
 * BOUNDS  A message: LC_FORWARD_MAX; what it holds when it is decompressed:
 *         LC_FORWARD_EXPANDED_MAX; one entry: LC_FORWARD_ENTRY_MAX.
 */
#ifndef LC_PROTO_FORWARD_H
#define LC_PROTO_FORWARD_H

#include "proto/inflate.h"
#include "proto/msgpack.h"

#define LC_FORWARD_MAX          ((size_t)8 << 20)
#define LC_FORWARD_EXPANDED_MAX ((size_t)64 << 20)
#define LC_FORWARD_ENTRY_MAX    ((size_t)1 << 20)
#define LC_FORWARD_CHUNK_MAX    128 /* octets of a chunk's name; Fluentd's have 24 */

/* One message, decoded up to its entries. */
struct lc_forward {
    struct lc_slice tag;
    struct lc_slice chunk; /* answer with lc_forward_ack(); empty: no answer is wanted */
    struct lc_slice entries;
    uint64_t count;     /* of entries; UINT64_MAX: as many as there are */
    bool is_single;     /* Message: time and record themselves, not in an array */
    bool is_compressed; /* gzip */
};

/* The next message of a stream, as lc_msgpack_whole() with LC_FORWARD_MAX: a slice of `in`, of
 * *ret_used octets. */
LC_MUST_CHECK lc_err lc_forward_frame(struct lc_slice in, struct lc_msgpack_extent *so_far,
                                      size_t *ret_used);

/* A whole message. LC_EEND: it is nil, which says only that the peer lives. LC_ESYNTAX: no message
 * of this protocol, with a static reason. */
LC_MUST_CHECK lc_err lc_forward_decode(struct lc_slice message, struct lc_forward *ret,
                                       const char **ret_reason);

/* Where the entries of one message are read; one for each thread is enough, since a message whose
 * reading was broken off is read again from its beginning. Zeroed memory is one that has not begun;
 * its buffer grows up to LC_FORWARD_ENTRY_MAX and a bit, and is kept. */
struct lc_forward_reader {
    const struct lc_forward *message;
    struct lc_slice rest; /* entries that were not read yet */
    uint64_t left;
    struct lc_inflate inflate;
    struct lc_dynbuf expanded;
    size_t spent; /* of `expanded` */
    bool has_begun;
};

LC_MUST_CHECK lc_err lc_forward_begin(struct lc_forward_reader *r, const struct lc_forward *f);
/* The next entry's octets, valid until the next call. LC_EEND: there are no more. LC_ESYNTAX: what
 * follows cannot be read, and the message is not well-formed. LC_ELIMIT: over a bound. -ENOMEM. */
LC_MUST_CHECK lc_err lc_forward_next(struct lc_forward_reader *r, struct lc_slice *ret_entry);
void lc_forward_done(struct lc_forward_reader *r);

/* An entry as a record: *ret as lc_members_record(), with the time of the entry. The tag is the
 * field `tag`, and the app where the record says none. Of Docker's driver the name of the container
 * is the app. A record without a message has its JSON text as one. LC_ESYNTAX: no time, or no map;
 * the next entry may be one. */
LC_MUST_CHECK lc_err lc_forward_record(const struct lc_forward *f, struct lc_slice entry,
                                       struct lc_members *scratch, struct lc_record *ret,
                                       struct lc_unplaced *ret_unplaced);

/* {"ack": chunk}; returns its octets. */
#define LC_FORWARD_ACK_MAX (LC_FORWARD_CHUNK_MAX + 8)
size_t lc_forward_ack(struct lc_slice chunk, uint8_t out[LC_FORWARD_ACK_MAX]);

#endif
