/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/proxy.h - the PROXY protocol, v1 and v2: what a proxy says of the client in front of it.
 *
 * Follows https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt. WHO: conn/.
 */
#ifndef LC_PROTO_PROXY_H
#define LC_PROTO_PROXY_H

#include "base/slice.h"

#define LC_PROXY_V1_MAX 107  /* octets, as the specification has it, with CR LF */
#define LC_PROXY_V2_MAX 4096 /* octets, of which addresses take at most 232; the rest are TLVs */

struct lc_proxied {
    uint8_t
        n; /* octets of the client's address: 4, 16, or 0: none is told, the peer's own counts */
    uint8_t octets[16];
    uint16_t port;
};

/* Whether `in` (at least one octet) begins as a header does. LC_OK, LC_EMORE: it may; LC_ESYNTAX:
 * it does not. */
LC_MUST_CHECK lc_err lc_proxy_begins(struct lc_slice in);

/* The header at the start of `in`.
 * LC_OK: *ret_used octets are spent. LC_EMORE: not all of it is there. LC_ESYNTAX: there is none,
 * or it is not well-formed. LC_ELIMIT: it is longer than LC_PROXY_V2_MAX. LC_EVERSION: of a version
 * that is not 1 or 2. */
LC_MUST_CHECK lc_err lc_proxy_decode(struct lc_slice in, struct lc_proxied *ret, size_t *ret_used);

#endif
