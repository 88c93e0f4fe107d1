/* SPDX-License-Identifier: Apache-2.0
 *
 * net/outq.h - what waits to be sent on one stream. Inside net/ only.
 *
 * WHAT    A list of shared buffers, and of blocks of its own into which octets are copied. A
 *         block never moves: a send that is under way may go on reading what it was given while
 *         more is put behind it.
 * OWNS    One reference to each buffer in it. Nodes and blocks come from the loop's spares,
 *         so an empty queue holds no memory.
 * THREAD  The loop's.
 */
#ifndef LC_NET_OUTQ_H
#define LC_NET_OUTQ_H

#include <sys/uio.h>

#include "base/buf.h"
#include "net/spares.h"

struct lc_out_node;

/* Shared by all queues of a loop. */
struct lc_out_pool {
    struct lc_spares nodes;
    struct lc_spares blocks;
    struct lc_spares large;
};

void lc_out_pool_init(struct lc_out_pool *pool);
void lc_out_pool_done(struct lc_out_pool *pool);

struct lc_outq {
    struct lc_out_node *first;
    struct lc_out_node *last;
    size_t sent;   /* octets of the first node that are already sent */
    size_t octets; /* still to send */
};

/* A zeroed lc_outq is an empty queue. */
void lc_outq_clear(struct lc_outq *q, struct lc_out_pool *pool);
/* Copies. -ENOMEM: nothing was queued. */
LC_MUST_CHECK lc_err lc_outq_write(struct lc_outq *q, struct lc_out_pool *pool, struct lc_slice s);
/* Takes a reference of its own, or copies where that is cheaper. -ENOMEM: nothing was queued. */
LC_MUST_CHECK lc_err lc_outq_ref(struct lc_outq *q, struct lc_out_pool *pool, struct lc_buf *buf);
/* The first octets of the queue, in at most `max` pieces; returns how many pieces. */
size_t lc_outq_gather(const struct lc_outq *q, struct iovec *iov, size_t max);
/* Drops the first `n` octets. */
void lc_outq_pop(struct lc_outq *q, struct lc_out_pool *pool, size_t n);

#endif
