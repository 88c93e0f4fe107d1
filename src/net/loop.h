/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop.h - one thread's event loop.
 *
 * WHAT    Runs operations to completion, then calls back. What waits for readiness is hidden in
 *         the backends (run-time tables: epoll, drained edge-triggered; io_uring, multishot
 *         accept and recv with provided buffers; poll; select, for descriptors below 1024). Users
 * see streams (net/stream.h), listeners, datagrams, timers and tasks. WHO     conn/ and service/;
 * it knows no protocol. THREAD  A loop belongs to the thread inside lc_loop_run(). Of the functions
 * here only lc_loop_post() and lc_loop_stop() may be called by others. TIME    struct lc_time,
 * monotonic; deadlines, never timeouts. NOT     No regular-file I/O: that is the committers', in
 * store/.
 */
#ifndef LC_NET_LOOP_H
#define LC_NET_LOOP_H

#include <stdatomic.h>

#include "base/time.h"

struct lc_loop;

struct lc_loop_config {
    const char *backend;          /* of lc_loop_backends; NULL: the default (epoll) */
    const struct lc_clock *clock; /* NULL: lc_clock_system */
    size_t recv_chunk;            /* octets read at once, shared by all streams; 0: 256 KiB */
    unsigned max_connections;     /* streams open at once on this loop; 0: 10,000 */
};

/* -ENOSYS with diag: no such backend, or this kernel forbids it. */
LC_MUST_CHECK lc_err lc_loop_new(const struct lc_loop_config *config, struct lc_loop **ret,
                                 struct lc_diag *diag);
/* After lc_loop_run() has returned, and after everything that was opened on it is closed;
 * on_close() of streams that were closed since then is called from here. NULL is accepted. */
void lc_loop_free(struct lc_loop *loop);

/* Runs until lc_loop_stop(), also one that came before. LC_OK, or -errno when the backend itself
 * failed. May be called again, by the same thread. */
LC_MUST_CHECK lc_err lc_loop_run(struct lc_loop *loop);
void lc_loop_stop(struct lc_loop *loop);

/* The time at the start of this turn of the loop. */
struct lc_time lc_loop_now(const struct lc_loop *loop);
const char *lc_loop_backend(const struct lc_loop *loop);
/* NULL-terminated names, the default first. */
extern const char *const lc_loop_backends[];

/* A call to be made on the loop's thread. It is embedded in what it works for, is posted at most
 * once at a time (posting it again before it has run does nothing), and so a loop's mailbox is
 * bounded by what exists; posting never allocates and never fails. All that was written before
 * the post is seen by the run. A task may be posted again from its own run(). */
struct lc_task {
    struct lc_task *next;
    void (*run)(struct lc_task *task);
    atomic_bool posted;
};

void lc_task_init(struct lc_task *task, void (*run)(struct lc_task *task));
/* Any thread; wakes the loop. */
void lc_loop_post(struct lc_loop *loop, struct lc_task *task);
/* Loop thread: runs at the end of this turn, after all completions of the turn: the place to send
 * what has gathered. Does not wake anybody. */
void lc_loop_defer(struct lc_loop *loop, struct lc_task *task);

struct lc_timer {
    void (*fire)(struct lc_timer *timer);
    struct lc_time deadline;
    size_t slot; /* the heap's; 0: not set */
};

void lc_timer_init(struct lc_timer *timer, void (*fire)(struct lc_timer *timer));
/* Sets or moves it; fires once, never inside this call. -ENOMEM. */
LC_MUST_CHECK lc_err lc_timer_set(struct lc_loop *loop, struct lc_timer *timer,
                                  struct lc_time deadline);
void lc_timer_cancel(struct lc_loop *loop, struct lc_timer *timer);

struct lc_loop_stats {
    uint64_t turns, accepted, received_octets, sent_octets, recv_calls, send_calls;
    uint64_t accept_paused; /* times that descriptors ran out (EMFILE, ENFILE) */
    uint64_t refused;       /* connections over max_connections */
    uint64_t open;          /* streams open now */
};
/* Any thread: counters are read one by one, each whole. */
struct lc_loop_stats lc_loop_stats(const struct lc_loop *loop);

#endif
