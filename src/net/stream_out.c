/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream_out.c - what a stream sends: the queue, its marks, the layer, half-close.
 */
#include <errno.h>
#include <sys/socket.h>

#include "net/stream_impl.h"

/* Wrapped at once: as long as that is not sent, the rest stays plain, so that what a layer adds
 * is bounded too. */
#define WRAP_AT_ONCE   ((size_t)256 * 1024)
#define WRAPPED_FACTOR 4
#define END_MAX        4096 /* octets that a layer may put at its end */

static struct lc_outq *user_queue(struct lc_stream *s)
{
    return s->layered != NULL ? &s->layered->plain : &s->out;
}

size_t lc_stream_queued(const struct lc_stream *s)
{
    return s->out.octets + (s->layered != NULL ? s->layered->plain.octets : 0);
}

bool lc_stream_is_full(const struct lc_stream *s)
{
    return lc_stream_queued(s) >= s->out_high;
}

static lc_err may_queue(const struct lc_stream *s, size_t n)
{
    if (s->io.detached || s->closing || s->shut || s->broken)
        return -EPIPE;
    size_t queued = lc_stream_queued(s);
    return queued > s->out_max || n > s->out_max - queued ? LC_ELIMIT : LC_OK;
}

static void queued_more(struct lc_stream *s)
{
    if (lc_stream_is_full(s))
        s->full = true;
    lc_loop_work(s->loop, &s->work);
}

lc_err lc_stream_write(struct lc_stream *s, struct lc_slice octets)
{
    lc_err e = may_queue(s, octets.n);
    if (e == LC_OK)
        e = lc_outq_write(user_queue(s), &s->loop->out_pool, octets);
    if (e == LC_OK)
        queued_more(s);
    return e;
}

lc_err lc_stream_send(struct lc_stream *s, struct lc_buf *buf)
{
    lc_err e = may_queue(s, buf->n);
    if (e == LC_OK)
        e = lc_outq_ref(user_queue(s), &s->loop->out_pool, buf);
    if (e == LC_OK)
        queued_more(s);
    return e;
}

/* Takes plain octets off their queue until enough is wrapped. */
static lc_err wrap_some(struct lc_stream *s, struct lc_dynbuf *out)
{
    struct lc_layered *l = s->layered;
    while (l->plain.octets > 0 && out->n < WRAP_AT_ONCE) {
        struct iovec piece;
        lc_outq_gather(&l->plain, &piece, 1);
        size_t n = piece.iov_len < WRAP_AT_ONCE ? piece.iov_len : WRAP_AT_ONCE;
        lc_err e = l->layer->wrap(l->state, lc_slice(piece.iov_base, n), out);
        if (e != LC_OK)
            return e;
        lc_outq_pop(&l->plain, &s->loop->out_pool, n);
    }
    if (l->plain.octets > 0 || !s->shut || l->ended)
        return LC_OK;
    l->ended = true;
    return l->layer->end != NULL ? l->layer->end(l->state, out) : LC_OK;
}

static lc_err wrap(struct lc_stream *s)
{
    if (s->layered == NULL || s->out.octets > 0)
        return LC_OK;
    struct lc_dynbuf wrapped;
    lc_dynbuf_init(&wrapped, 2 * WRAP_AT_ONCE * WRAPPED_FACTOR + END_MAX);
    lc_err e = wrap_some(s, &wrapped);
    if (e == LC_OK)
        e = lc_outq_write(&s->out, &s->loop->out_pool, lc_dynbuf_slice(&wrapped));
    lc_dynbuf_done(&wrapped);
    return e;
}

void lc_stream_flush(struct lc_stream *s)
{
    if (s->io.detached || s->connecting || s->io.out != LC_OUT_NONE)
        return;
    lc_err e = s->broken ? LC_OK : wrap(s);
    if (e != LC_OK) {
        lc_stream_end(s, e);
        return;
    }
    if (s->out.octets > 0) {
        s->loop->backend->start_out(s->loop, &s->io, LC_OUT_SEND);
        return;
    }
    if (s->shut && !s->shut_done) {
        s->shut_done = true;
        shutdown(s->io.fd, SHUT_WR); /* ENOTCONN: it was reset, which receiving finds out */
    }
    if (s->closing)
        lc_stream_close_step(s);
}

size_t lc_stream_gather(struct lc_io *io, struct iovec *iov, size_t max)
{
    return lc_outq_gather(&lc_stream_of(io)->out, iov, max);
}

static void tell_drained(struct lc_stream *s)
{
    if (!s->full || lc_stream_queued(s) > s->out_low)
        return;
    s->full = false;
    if (!s->closing)
        s->events->on_drain(s->user);
}

/* A peer that has closed without reading all our answers resets the connection; what it sent
 * before is still in the kernel, and is received first. */
static void send_failed(struct lc_stream *s, lc_err e)
{
    if ((e != -EPIPE && e != -ECONNRESET) || s->eof || s->closing) {
        lc_stream_end(s, e);
        return;
    }
    s->broken = true;
    lc_outq_clear(&s->out, &s->loop->out_pool);
    if (s->layered != NULL)
        lc_outq_clear(&s->layered->plain, &s->loop->out_pool);
    tell_drained(s); /* who stopped reading until there is room must go on, to find the end */
}

void lc_stream_sent(struct lc_io *io, ssize_t n)
{
    struct lc_stream *s = lc_stream_of(io);
    if (n < 0) {
        send_failed(s, (lc_err)n);
        return;
    }
    lc_count(&s->loop->counters.sent_octets, (uint64_t)n);
    s->sent += (uint64_t)n;
    lc_outq_pop(&s->out, &s->loop->out_pool, (size_t)n);
    /* more to send, FIN, or closing: in the next turn, so that no stream keeps others waiting */
    if (lc_stream_queued(s) > 0 || s->shut)
        lc_loop_work(s->loop, &s->work);
    tell_drained(s);
}

void lc_stream_shutdown(struct lc_stream *s)
{
    s->shut = true;
    lc_loop_work(s->loop, &s->work);
}
