/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/inflate.h - gzip (RFC 1952) and zlib (RFC 1950) data, with a bound on what comes out.
 *
 * WHAT    zlib behind an interface that gives output piece by piece. Several gzip members one after
 *         the other are one text, as RFC 1952 says. The memory for a window is allocated once.
 * WHO     forward.c, gelf.c.
 */
#ifndef LC_PROTO_INFLATE_H
#define LC_PROTO_INFLATE_H

#include <zlib.h>

#include "base/slice.h"

/* Zeroed memory is one that has not begun. */
struct lc_inflate {
    z_stream z;
    bool is_ready, has_ended;
    size_t left; /* octets that may still come out */
};

/* Whether `in` begins as gzip or zlib data does. */
bool lc_inflate_is_gzip(struct lc_slice in);
bool lc_inflate_is_zlib(struct lc_slice in);

/* Begins with `in`, which must live until its end; at most `max` octets may come out. -ENOMEM. */
LC_MUST_CHECK lc_err lc_inflate_begin(struct lc_inflate *i, struct lc_slice in, size_t max);
/* Up to `room` octets more. LC_OK with *ret_n > 0; LC_EEND: there is no more. LC_ESYNTAX: damaged
 * or not whole; LC_ELIMIT: over the maximum. */
LC_MUST_CHECK lc_err lc_inflate_read(struct lc_inflate *i, uint8_t *out, size_t room,
                                     size_t *ret_n);
void lc_inflate_done(struct lc_inflate *i);

#endif
