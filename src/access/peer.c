/* SPDX-License-Identifier: Apache-2.0 */
#include "access/peer.h"

#include <netinet/in.h>
#include <string.h>

struct lc_peer lc_peer_of(const struct sockaddr *sa)
{
    struct lc_peer p = {0};

    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof in6);
        memcpy(p.ip, &in6.sin6_addr, sizeof p.ip);
    } else if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        p.ip[10] = p.ip[11] = 0xff;
        memcpy(p.ip + 12, &in.sin_addr, 4);
    } else {
        p.is_unix = true;
    }
    return p;
}

struct lc_peer_key lc_peer_key(const struct lc_peer *peer)
{
    struct lc_peer_key k = {{0}};

    if (peer->is_unix) {
        /* No peer has a multicast address (RFC 4291 section 2.7). */
        k.octets[0] = 0xff;
        k.octets[1] = peer->has_uid;
        memcpy(k.octets + 2, &peer->uid, sizeof peer->uid);
    } else {
        memcpy(k.octets, peer->ip, lc_peer_is_v4(peer->ip) ? 16 : 8);
    }
    return k;
}
