/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/detect.h - which protocol a connection speaks, from its first octets.
 *
 * WHAT    One table; a new protocol is one row. Only what the listener speaks competes. What is
 *         known but not spoken is still named, so that it can be refused in its own language.
 * WHO     conn/.
 */
#ifndef LC_PROTO_DETECT_H
#define LC_PROTO_DETECT_H

#include "base/slice.h"

#define LC_DETECT_MAX 4096 /* octets after which it is lines, whatever comes */

enum lc_protocol {
    LC_PROTO_LINES, /* also when nothing else fits */
    LC_PROTO_SYSLOG_COUNTED,
    LC_PROTO_TLS,
    LC_PROTO_PROXY,
    LC_PROTO_HTTP1,
    LC_PROTO_HTTP2,
    LC_PROTO_IRC,
    LC_PROTO_FRAMES,
    LC_PROTO_BINARY_V1,
    LC_PROTO_BINARY_V2,
    LC_PROTO_COUNT
};

#define LC_SPEAKS(p) (1u << (p))

/* LC_OK: *ret. LC_EMORE: the octets so far are the beginning of more than one thing; call again
 * with more, or at the deadline take LC_PROTO_LINES. `in` is at least one octet. */
LC_MUST_CHECK lc_err lc_detect(struct lc_slice in, unsigned speaks, enum lc_protocol *ret);

/* "HTTP/1", for messages. */
const char *lc_protocol_name(enum lc_protocol p);

#endif
