/* SPDX-License-Identifier: Apache-2.0
 *
 * access/peer.h - who wants to come in, as far as access looks at it.
 *
 * WHAT    An address of the network, IPv4 as IPv6 (RFC 4291 section 2.5.5.2), so that the same
 *         host is the same peer on a dual-stack socket; or a process of this host on a Unix
 *         socket, with its user.
 * WHO     access/, and service/, which makes one for each connection and each new source of
 *         datagrams.
 * THREAD  Pure.
 */
#ifndef LC_ACCESS_PEER_H
#define LC_ACCESS_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct lc_peer {
    bool is_unix;
    bool has_uid; /* of a Unix peer: the kernel said who it is */
    unsigned uid;
    uint8_t ip[16]; /* big-endian; zeroes for a Unix peer */
};

/* Ports and zones do not count. What is neither AF_INET nor AF_INET6 is a Unix peer without uid. */
struct lc_peer lc_peer_of(const struct sockaddr *sa);

/* What is counted together: an IPv4 address, the /64 of an IPv6 address (the least that a network
 * gives to one customer, RFC 6177), a user of this host. */
struct lc_peer_key {
    uint8_t octets[16];
};

struct lc_peer_key lc_peer_key(const struct lc_peer *peer);

static inline bool lc_peer_is_v4(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return __builtin_memcmp(ip, mapped, sizeof mapped) == 0;
}

#endif
