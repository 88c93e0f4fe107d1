/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend.h - what stands between the loop and the kernel. Inside net/ only.
 *
 * WHAT    A backend is a constant table. Above it everything is completions: an operation is
 *         started on a descriptor (struct lc_io), and its completions are told by the functions of
 *         struct lc_io_events. Whether the kernel was asked for readiness (epoll, poll, select)
 *         or did the operation itself (io_uring) cannot be seen.
 *         A descriptor has two sides. The side `in` runs one kind of operation that completes
 *         again and again until it is stopped (accept, recv, watch). The side `out` runs one
 *         operation that completes once (connect, send).
 * THREAD  The loop's; open() and what is started before the loop runs: the thread that made it.
 */
#ifndef LC_NET_BACKEND_H
#define LC_NET_BACKEND_H

#include <sys/uio.h>

#include "base/list.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/sockets.h"

/* Octets that may be written before those that received() is given: what is left of a message is
 * put there, in front of what follows. */
#define LC_HEADROOM ((size_t)64 * 1024)

/* Pieces of one send. */
#define LC_IOV_MAX 64

enum lc_in {
    LC_IN_NONE,
    LC_IN_ACCEPT,
    LC_IN_RECV,
    LC_IN_WATCH /* only readiness: the owner receives by itself */
};

enum lc_out { LC_OUT_NONE, LC_OUT_CONNECT, LC_OUT_SEND };

struct lc_io;

/* Called from the loop's turn; connected() and sent() also from inside start_out(). */
struct lc_io_events {
    /* A connection, which is the callee's; or -errno, after which accepting goes on. */
    void (*accepted)(struct lc_io *io, int fd_or_err, const struct lc_addr *peer);
    /* n > 0: octets in memory of the backend, borrowed and writable, with LC_HEADROOM before
     * them. They may still come after stop_in(). 0 or -errno: the operation has ended. */
    void (*received)(struct lc_io *io, uint8_t *p, ssize_t n);
    /* Returns whether there may be more: then it is called again in the next turn. */
    bool (*readable)(struct lc_io *io);
    void (*connected)(struct lc_io *io, lc_err e);
    const struct lc_addr *(*target)(struct lc_io *io); /* where to connect */
    /* The pieces to send, at least one octet; they stay where they are until sent(). */
    size_t (*gather)(struct lc_io *io, struct iovec *iov, size_t max);
    void (*sent)(struct lc_io *io, ssize_t n); /* octets, at least one; or -errno */
    /* After detach(): the descriptor is closed, the kernel knows nothing of it any more, and its
     * memory may be freed. */
    void (*released)(struct lc_io *io);
    /* What it is, for who lists sockets; local address, serial and fd are there. NULL: it is not to
     * be listed. */
    void (*describe)(const struct lc_io *io, struct lc_socket_row *ret);
};

struct lc_io {
    int fd;
    uint8_t in;       /* enum lc_in: what is wanted */
    uint8_t out;      /* enum lc_out: what is not yet completed */
    bool detached;    /* no completions any more but released() */
    uint8_t progress; /* the backend's */
    unsigned slot;    /* the backend's */
    const struct lc_io_events *events;
    struct lc_link link; /* the backend's lists; once detached: those to be released */
    struct lc_link all;  /* of loop->ios, from attach to release */
    uint64_t serial;
};

struct lc_backend {
    const char *name;
    /* -ENOSYS with diag: the kernel has no such thing, or forbids it. */
    lc_err (*open)(struct lc_loop *loop, struct lc_diag *diag);
    void (*close)(struct lc_loop *loop);
    /* Makes io->fd known; nothing is started yet. LC_ESELECT: select(2) cannot have this one. */
    lc_err (*attach)(struct lc_loop *loop, struct lc_io *io);
    /* Ends both sides. As soon as nothing is under way, gives the io to lc_loop_release(). */
    void (*detach)(struct lc_loop *loop, struct lc_io *io);
    void (*start_in)(struct lc_loop *loop, struct lc_io *io, enum lc_in kind);
    void (*stop_in)(struct lc_loop *loop, struct lc_io *io);
    void (*start_out)(struct lc_loop *loop, struct lc_io *io, enum lc_out kind);
    /* Starts what waits to be started, and waits at most `wait_ns` (INT64_MAX: without end; not
     * at all when the backend itself has something to go on with) until something completes. */
    lc_err (*wait)(struct lc_loop *loop, int64_t wait_ns);
    /* Tells what has completed: some of it from each descriptor, so that none starves others. */
    void (*dispatch)(struct lc_loop *loop);
    /* The loop ends: takes back from the kernel what is under way. */
    lc_err (*leave)(struct lc_loop *loop);
};

extern const struct lc_backend lc_backend_epoll;
extern const struct lc_backend lc_backend_io_uring;
extern const struct lc_backend lc_backend_poll;
extern const struct lc_backend lc_backend_select;

#endif
