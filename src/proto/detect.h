/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/detect.h - which protocol a connection speaks, from its first octets.
 *
 * WHAT    One table; a new protocol is one row. What the listener speaks competes. What it does
 *         not speak is still named, so that it can be refused in its own language: always when its
 *         signature is no accident (TLS, HTTP, PROXY v2); the rest only where no lines are spoken,
 *         since a line may begin with any octets.
 * WHO     conn/.
 */
#ifndef LC_PROTO_DETECT_H
#define LC_PROTO_DETECT_H

#include "base/slice.h"

#define LC_DETECT_MAX 4096 /* octets after which it is lines, whatever comes */

/* LINES: also when nothing else fits. */
#define LC_PROTOCOLS(X)                                                                            \
    X(LINES, "lines")                                                                              \
    X(SYSLOG_COUNTED, "octet-counted syslog")                                                      \
    X(TLS, "TLS")                                                                                  \
    X(PROXY, "PROXY protocol")                                                                     \
    X(HTTP1, "HTTP/1")                                                                             \
    X(HTTP2, "HTTP/2")                                                                             \
    X(IRC, "IRC")                                                                                  \
    X(FRAMES, "length-prefixed frames")                                                            \
    X(BINARY_V1, "binary v1")                                                                      \
    X(BINARY_V2, "binary v2")                                                                      \
    X(FORWARD, "Fluentd forward")                                                                  \
    X(GELF, "GELF")

#define LC_PROTOCOL_ENUM(id, name) LC_PROTO_##id,
enum lc_protocol { LC_PROTOCOLS(LC_PROTOCOL_ENUM) LC_PROTO_COUNT };
#undef LC_PROTOCOL_ENUM

#define LC_SPEAKS(p) (1u << (p))

/* LC_OK: *ret. LC_EMORE: the octets so far are the beginning of more than one thing; call again
 * with all of them and more, or at the deadline take LC_PROTO_LINES. `in` is at least one octet;
 * those past LC_DETECT_MAX are not looked at. */
LC_MUST_CHECK lc_err lc_detect(struct lc_slice in, unsigned speaks, enum lc_protocol *ret);

/* For messages. */
const char *lc_protocol_name(enum lc_protocol p);

#endif
