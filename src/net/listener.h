/* SPDX-License-Identifier: Apache-2.0
 *
 * net/listener.h - waiting for connections on a TCP or Unix stream address.
 *
 * WHAT    Every worker opens its own listener for the same TCP address (SO_REUSEPORT). A Unix
 *         path has one listener. When descriptors run out, accepting pauses and starts again
 *         by itself: it never spins.
 * THREAD  The loop's thread, or before the loop runs.
 */
#ifndef LC_NET_LISTENER_H
#define LC_NET_LISTENER_H

#include "net/addr.h"
#include "net/loop.h"
#include "net/options.h"

struct lc_listener;

struct lc_listen_config {
    unsigned mode;   /* of a Unix path; 0: 0666 */
    bool reuse_port; /* TCP: share the address with this process's other workers */
    const struct lc_sockopts *options; /* beside our own; NULL: none */
};

/* `fd` is the callee's: non-blocking, close-on-exec, options set (NODELAY, keepalive). */
typedef void (*lc_accept_fn)(void *user, int fd, const struct lc_addr *peer);

/* A socket bound and listening. LC_EINUSE with diag naming who holds the address: for TCP also
 * when another process uses it with SO_REUSEPORT; for a Unix path when somebody answers there. A
 * stale path, on which nobody answers, is removed. The caller closes *ret_fd.
 * `first`: check the address for strangers; false for the further workers of this process.
 * *ret_bound: with the port that the kernel chose. */
LC_MUST_CHECK lc_err lc_listen_fd(const struct lc_addr *addr, const struct lc_listen_config *config,
                                  bool first, int *ret_fd, struct lc_addr *ret_bound,
                                  struct lc_diag *diag);

/* Of an accepted Unix connection: the user who made it (SO_PEERCRED). False: not known. */
bool lc_accepted_uid(int fd, unsigned *ret_uid);

/* Takes `fd` in every case. */
LC_MUST_CHECK lc_err lc_listener_open(struct lc_loop *loop, int fd, lc_accept_fn accept, void *user,
                                      struct lc_listener **ret);
/* Sets on each connection what it does not inherit; they must stay. NULL: nothing. */
void lc_listener_options(struct lc_listener *l, const struct lc_sockopts *options);
/* Removes nothing from the file system. NULL is accepted. */
void lc_listener_close(struct lc_listener *l);

#endif
