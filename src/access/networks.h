/* SPDX-License-Identifier: Apache-2.0
 *
 * access/networks.h - a set of addresses, written as networks.
 *
 * WHAT    Words, separated by commas or spaces:
 *           192.0.2.7  10.0.0.0/8  2001:db8::/32   an address, a network (RFC 4632, RFC 4291)
 *           ::ffff:10.0.0.0/104                    the same as 10.0.0.0/8
 *           loopback    127.0.0.0/8, ::1
 *           private     RFC 1918, RFC 4193 (fc00::/7), link-local (169.254.0.0/16, fe80::/10)
 *           unix        peers on Unix sockets
 *           any         everybody
 *         An IPv6 network that would span the mapped addresses, as ::/0, holds no IPv4 address.
 *         Kept as sorted ranges without overlaps: a lookup is a binary search.
 * WHO     Policies; whoever has a list of trusted addresses.
 * THREAD  Immutable once made.
 */
#ifndef LC_ACCESS_NETWORKS_H
#define LC_ACCESS_NETWORKS_H

#include "access/peer.h"
#include "base/slice.h"

struct lc_networks;

#define LC_NETWORKS_MAX 65536 /* words in all */

/* The union of all texts; none, or only empty ones: the empty set. LC_ESYNTAX, LC_ELIMIT with a
 * diag that names the word, what is wrong and what is meant perhaps; its column is the word's
 * place in its text. -ENOMEM. */
LC_MUST_CHECK lc_err lc_networks_parse(const char *const *texts, size_t count,
                                       struct lc_networks **ret, struct lc_diag *diag);
/* NULL is accepted. */
void lc_networks_free(struct lc_networks *n);

/* NULL is the empty set. */
bool lc_networks_has(const struct lc_networks *n, const struct lc_peer *peer);
bool lc_networks_is_any(const struct lc_networks *n);
bool lc_networks_is_empty(const struct lc_networks *n);

#endif
