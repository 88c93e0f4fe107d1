/* SPDX-License-Identifier: Apache-2.0
 *
 * net/addr.h - addresses as people write them and as the kernel takes them.
 *
 * WHAT    One syntax for listening, sending and configuration:
 *           host:port  [v6]:port  :port  *:port      TCP
 *           tcp://...  udp://...                     the transport said
 *           unix:/path  unixgram:/path               stream, datagram
 *         Port 0 lets the kernel choose. `:port` and `*:port` are all addresses, dual-stack.
 * WHO     net/, service/, cli/.
 * THREAD  Pure, but lc_addr_resolve(): it may block for as long as DNS takes; start-up and
 *         clients only, never on a loop.
 */
#ifndef LC_NET_ADDR_H
#define LC_NET_ADDR_H

#include <sys/socket.h>

#include "base/slice.h"

enum lc_transport { LC_TCP, LC_UDP, LC_UNIX_STREAM, LC_UNIX_DGRAM };

/* What was written: a name is not yet resolved. */
struct lc_endpoint {
    enum lc_transport transport;
    char host[256]; /* without brackets; empty: all addresses */
    uint16_t port;
    char path[108]; /* of the two Unix transports */
};

/* LC_ESYNTAX or LC_ELIMIT (a path longer than sun_path), with what is wrong in diag.
 * default_port: for text without a port; 0: a port must be there. */
LC_MUST_CHECK lc_err lc_endpoint_parse(struct lc_slice text, uint16_t default_port,
                                       struct lc_endpoint *ret, struct lc_diag *diag);

struct lc_addr {
    enum lc_transport transport;
    socklen_t len;
    struct sockaddr_storage sa;
};

/* At most `max` addresses in the order to try them. *ret_count is at least 1 on LC_OK.
 * An empty host is the dual-stack wildcard `::` (and `0.0.0.0` where there is no IPv6).
 * LC_EGONE: no such name, told in diag. */
LC_MUST_CHECK lc_err lc_addr_resolve(const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                                     size_t *ret_count, struct lc_diag *diag);

/* The address of an endpoint that is no name: never asks anybody, never blocks. False: a name. */
bool lc_addr_literal(const struct lc_endpoint *ep, struct lc_addr *ret);
/* The TCP address of 4 or 16 octets in network order. */
void lc_addr_from_ip(const uint8_t *octets, size_t n, uint16_t port, struct lc_addr *ret);

/* `192.0.2.1:514`, `[2001:db8::1]:514`, `unix:/path`, `unix:` for an unnamed peer; IPv4 mapped
 * into IPv6 prints as IPv4. Ends with NUL; returns the length. */
#define LC_ADDR_TEXT_MAX 128
size_t lc_addr_format(const struct lc_addr *a, char out[LC_ADDR_TEXT_MAX]);

/* 127.0.0.0/8, ::1 (also mapped), and every Unix socket: the peer is on this host. */
bool lc_addr_is_local(const struct lc_addr *a);
uint16_t lc_addr_port(const struct lc_addr *a); /* 0 for Unix sockets */

/* Who has this address open, as far as this user may see: `nginx (pid 812)`. False: unknown.
 * Reads /proc; for error messages only. */
bool lc_addr_holder(const struct lc_addr *a, char *out, size_t cap);

#endif
