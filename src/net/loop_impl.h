/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop_impl.h - the loop as its parts see it: streams, listeners, datagrams, backends.
 *
 * THREAD  The loop's, but for the three atomics at the top.
 */
#ifndef LC_NET_LOOP_IMPL_H
#define LC_NET_LOOP_IMPL_H

#include "base/buf.h"
#include "base/counter.h"
#include "net/backend.h"
#include "net/outq.h"
#include "net/spares.h"
#include "net/timers.h"

/* Something to be done in the next pass over such works, at the end of a turn. */
struct lc_work {
    struct lc_link link;
    void (*run)(struct lc_work *work);
};

/* Written by the loop's thread alone, read by any. */
struct lc_loop_counters {
    lc_counter turns, accepted, received_octets, sent_octets, recv_calls, send_calls, accept_paused,
        refused, open;
};

struct lc_dgram_memory;

struct lc_loop {
    _Atomic(struct lc_task *) mailbox; /* newest first */
    atomic_bool may_sleep;             /* a post must write to the eventfd */
    atomic_bool stop;

    const struct lc_backend *backend;
    void *backend_state;
    const struct lc_clock *clock;
    struct lc_time now;
    size_t recv_chunk;
    size_t recv_in_flight; /* set by the backend: octets that may still come after stop_in() */
    unsigned max_connections;
    size_t attached; /* descriptors that the backend knows, the eventfd included */

    struct lc_task *deferred;
    struct lc_task **deferred_end;
    struct lc_timers timers;
    struct lc_link works;    /* struct lc_work */
    struct lc_link released; /* struct lc_io */
    struct lc_link ios;      /* all that are attached, by serial */
    uint64_t last_serial;
    struct lc_io wake; /* the eventfd */

    struct lc_out_pool out_pool;
    struct lc_spares rests;         /* blocks that hold what is left of a message */
    struct lc_dynbuf unwrapped;     /* one chunk behind the headroom, through a layer */
    struct lc_dgram_memory *dgrams; /* NULL: no datagram socket was opened yet */
    struct lc_loop_counters counters;
};

#define LC_REST_BLOCK 1024

/* What a layer may make of the octets that it is given at once, at most that many times as much. */
#define LC_UNWRAP_FACTOR ((size_t)4)

/* Takes io->fd in every case. */
LC_MUST_CHECK lc_err lc_loop_attach(struct lc_loop *loop, struct lc_io *io, int fd,
                                    const struct lc_io_events *events);
/* For backends: nothing of a detached io is under way any more. */
void lc_loop_release(struct lc_loop *loop, struct lc_io *io);

void lc_work_init(struct lc_work *work, void (*run)(struct lc_work *work));
void lc_loop_work(struct lc_loop *loop, struct lc_work *work);

/* False: max_connections are open; that is counted as a connection refused. */
bool lc_loop_admits(struct lc_loop *loop);

/* One turn: waits (unless there is something to do), and runs what has completed. */
LC_MUST_CHECK lc_err lc_loop_turn(struct lc_loop *loop);

void lc_dgram_memory_free(struct lc_dgram_memory *memory);

#endif
