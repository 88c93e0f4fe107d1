/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dgram.h - datagrams received in batches: UDP and Unix datagram sockets.
 *
 * WHAT    Drains the socket with recvmmsg(2) into memory of the loop. Nothing is ever answered.
 * THREAD  The loop's thread, or before the loop runs.
 */
#ifndef LC_NET_DGRAM_H
#define LC_NET_DGRAM_H

#include "net/addr.h"
#include "net/loop.h"
#include "net/options.h"

struct lc_dgram;

struct lc_datagram {
    struct lc_slice data;       /* at most 64 KiB; borrowed for the call */
    const struct lc_addr *from; /* of a Unix socket: unnamed, mostly */
    bool truncated;             /* the datagram was longer than our memory for one */
    bool has_uid;               /* Unix: SCM_CREDENTIALS */
    unsigned uid;
};

typedef void (*lc_dgram_fn)(void *user, const struct lc_datagram *d, size_t n);

struct lc_dgram_config {
    unsigned mode;                     /* of a Unix path; 0: 0666 */
    bool reuse_port;                   /* UDP */
    const struct lc_sockopts *options; /* beside our own; NULL: none */
};

/* A bound socket, as lc_listen_fd(). */
LC_MUST_CHECK lc_err lc_dgram_fd(const struct lc_addr *addr, const struct lc_dgram_config *config,
                                 bool first, int *ret_fd, struct lc_addr *ret_bound,
                                 struct lc_diag *diag);
/* Takes `fd` in every case. */
LC_MUST_CHECK lc_err lc_dgram_open(struct lc_loop *loop, int fd, lc_dgram_fn fn, void *user,
                                   struct lc_dgram **ret);
/* Drains what the kernel holds before it closes: the function is called for that from inside this
 * call, and never after it. From inside such a function it only closes. NULL is accepted. */
void lc_dgram_close(struct lc_dgram *d);
/* Stops and starts receiving; meanwhile the kernel's buffer fills. */
void lc_dgram_pause(struct lc_dgram *d);
void lc_dgram_resume(struct lc_dgram *d);
/* Datagrams that the kernel dropped because its buffer was full (SO_RXQ_OVFL). Any thread. */
uint64_t lc_dgram_dropped(const struct lc_dgram *d);

#endif
