/* SPDX-License-Identifier: Apache-2.0
 *
 * net/ready.h - completions made from readiness: what epoll, poll and select share. Inside net/
 * only.
 *
 * WHAT    Readiness is remembered until an operation finds that there is no more. A descriptor that
 *         is ready and has an operation stands in a ring and gets one bounded helping in each turn;
 *         as long as the ring is not empty the loop does not sleep. Starting and stopping an
 *         operation is no system call.
 *         A backend adds how the kernel is asked, and tells what it answered by lc_ready_note().
 * THREAD  The loop's.
 */
#ifndef LC_NET_READY_H
#define LC_NET_READY_H

#include "net/loop_impl.h"

/* lc_io.progress */
#define LC_READY_IN     1U
#define LC_READY_OUT    2U
#define LC_READY_ENDING 4U /* FIN or an error is there: read on until it shows */
#define LC_CONNECTING   8U

/* The first member of such a backend's state. */
struct lc_ready {
    struct lc_link ring;
    uint8_t *chunk; /* recv_chunk octets behind LC_HEADROOM, shared by all streams */
    int fd_end;     /* an accepted descriptor must be below; 0: any will do */
    /* Whether the kernel is to be asked about a side, which an operation waits for; NULL: it is
     * asked about all, and tells each change once. */
    void (*ask)(struct lc_loop *loop, struct lc_io *io, bool in, bool out);
};

/* On failure lc_ready_done() is to be called all the same. */
LC_MUST_CHECK lc_err lc_ready_init(struct lc_loop *loop, struct lc_ready *r);
void lc_ready_done(struct lc_ready *r);

void lc_ready_attached(struct lc_io *io);
/* What remains to be done once the kernel was made to forget io->fd. */
void lc_ready_detached(struct lc_loop *loop, struct lc_io *io);
void lc_ready_start_in(struct lc_loop *loop, struct lc_io *io, enum lc_in kind);
void lc_ready_stop_in(struct lc_loop *loop, struct lc_io *io);
void lc_ready_start_out(struct lc_loop *loop, struct lc_io *io, enum lc_out kind);
lc_err lc_ready_leave(struct lc_loop *loop);

/* bits: LC_READY_... */
void lc_ready_note(struct lc_loop *loop, struct lc_io *io, unsigned bits);
/* Gives each descriptor in the ring its helping. */
void lc_ready_run(struct lc_loop *loop);
/* 0 when there is something to go on with. */
int64_t lc_ready_wait_ns(const struct lc_loop *loop, int64_t wait_ns);

#endif
