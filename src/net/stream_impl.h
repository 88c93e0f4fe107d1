/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream_impl.h - a stream as its two halves see it: stream.c (its life, and what comes in)
 * and stream_out.c (what goes out). Inside net/ only.
 */
#ifndef LC_NET_STREAM_IMPL_H
#define LC_NET_STREAM_IMPL_H

#include "net/loop_impl.h"
#include "net/stream.h"

/* Only of streams with a layer, so that the others do not pay for it. */
struct lc_layered {
    const struct lc_layer *layer;
    void *state;
    struct lc_outq plain; /* queued by the user, not yet wrapped */
    bool ended;           /* layer->end() was called */
};

struct lc_stream {
    struct lc_io io;
    struct lc_loop *loop;
    const struct lc_stream_events *events;
    void *user;
    struct lc_work work;
    struct lc_timer timer; /* the user's deadline; once it closes, that of lingering */
    struct lc_time linger;
    struct lc_time opened;
    struct lc_dynbuf kept; /* received and not spent */
    struct lc_outq out;    /* as the socket takes it */
    struct lc_layered *layered;
    size_t in_max, out_high, out_low, out_max;
    uint64_t received, sent; /* octets by the socket */
    lc_err why;

    bool connecting;
    bool paused;
    bool resumed; /* what was kept is to be delivered again */
    bool eof;     /* no more will come */
    bool eof_told;
    bool shut;      /* FIN is wanted behind what is queued */
    bool shut_done; /* and was sent */
    bool broken;    /* the peer takes no more; what it had sent before can still be read */
    bool full;      /* was over the high mark, and not yet under the low one */
    bool closing;   /* by the user: only on_close() is called any more */
    struct lc_addr peer;
};

/* Ends it: on_close(why) will be called from the loop. What is queued is dropped. */
void lc_stream_end(struct lc_stream *s, lc_err why);
/* A step further, when the user has closed it: all is sent, or the peer has ended too. */
void lc_stream_close_step(struct lc_stream *s);

/* The lc_io_events of the side `out`. */
size_t lc_stream_gather(struct lc_io *io, struct iovec *iov, size_t max);
void lc_stream_sent(struct lc_io *io, ssize_t n);
/* Starts sending what is queued, and what follows when nothing is: FIN, closing. */
void lc_stream_flush(struct lc_stream *s);

static inline struct lc_stream *lc_stream_of(struct lc_io *io)
{
    return LC_CONTAINER(io, struct lc_stream, io);
}

#endif
