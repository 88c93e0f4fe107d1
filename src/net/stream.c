/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream.c - the life of a stream, and what it receives.
 *
 * Octets arrive in memory that all streams of the loop share, with room in front. What the user
 * does not spend is kept, and next time the two are made contiguous by moving the shorter one: a
 * part of a line goes into the room in front of the new octets, a small piece is put behind a long
 * message that is still growing. So whole messages are never copied, a message of any size costs
 * one copy of its octets, and a stream that waits holds no memory but a part that it has.
 */
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/options.h"
#include "net/stream_impl.h"

#define DEFAULT_IN_MAX   ((size_t)68 * 1024)
#define DEFAULT_OUT_HIGH ((size_t)1024 * 1024)

/* After our FIN, how long the peer may take to end too. Closing while it still sends would reset
 * the connection, and could destroy the last answers that it has not read yet. */
#define LINGER_PEER_MS 2000

/* Memory of `kept` that a waiting stream may hold beyond what it needs. */
#define REST_SLACK 4

static void kept_free(struct lc_stream *s)
{
    if (s->kept.cap == LC_REST_BLOCK) {
        lc_spares_give(&s->loop->rests, s->kept.p);
        lc_dynbuf_init(&s->kept, s->kept.max);
    } else {
        lc_dynbuf_done(&s->kept);
    }
}

static lc_err keep(struct lc_stream *s, struct lc_slice rest)
{
    if (s->kept.cap == 0 && rest.n <= LC_REST_BLOCK) {
        s->kept.p = lc_spares_take(&s->loop->rests);
        if (s->kept.p == NULL)
            return -ENOMEM;
        s->kept.cap = LC_REST_BLOCK;
    }
    return lc_dynbuf_append(&s->kept, rest);
}

static void start_receiving(struct lc_stream *s)
{
    if (s->io.in == LC_IN_NONE && !s->io.detached && !s->eof && !s->connecting)
        s->loop->backend->start_in(s->loop, &s->io, LC_IN_RECV);
}

static void stop_receiving(struct lc_stream *s)
{
    if (s->io.in != LC_IN_NONE)
        s->loop->backend->stop_in(s->loop, &s->io);
}

void lc_stream_end(struct lc_stream *s, lc_err why)
{
    if (s->io.detached)
        return;
    s->why = why;
    lc_timer_cancel(s->loop, &s->timer);
    s->loop->backend->detach(s->loop, &s->io);
}

/* Is the user to be told anything but on_close()? */
static bool is_heard(const struct lc_stream *s)
{
    return !s->closing && !s->io.detached;
}

static void tell_eof(struct lc_stream *s)
{
    if (!s->eof || s->eof_told || s->paused || !is_heard(s))
        return;
    s->eof_told = true;
    s->events->on_eof(s->user, lc_dynbuf_slice(&s->kept));
    kept_free(s);
}

static void received_eof(struct lc_stream *s)
{
    if (s->eof)
        return;
    s->eof = true;
    stop_receiving(s); /* a layer may end before its socket does */
    if (s->closing)
        lc_loop_work(s->loop, &s->work);
    tell_eof(s);
}

static lc_err keep_rest(struct lc_stream *s, struct lc_slice in, size_t spent)
{
    struct lc_slice rest = lc_slice_from(in, spent);
    if (rest.n == 0) {
        s->kept.n = 0;
        kept_free(s);
        return LC_OK;
    }
    if (s->kept.cap > LC_REST_BLOCK && rest.n <= s->kept.cap / REST_SLACK) {
        struct lc_dynbuf large = s->kept;
        lc_dynbuf_init(&s->kept, large.max);
        lc_err e = keep(s, rest);
        lc_dynbuf_done(&large);
        return e;
    }
    if (in.p != s->kept.p)
        return keep(s, rest);
    lc_dynbuf_consume(&s->kept, spent);
    return LC_OK;
}

/* Gives `in` to the user, and keeps what is not spent. `in` is s->kept itself, or other memory
 * while nothing is kept. */
static void deliver(struct lc_stream *s, struct lc_slice in)
{
    size_t spent = s->events->on_data(s->user, in);
    LC_ASSERT(spent <= in.n);
    if (!is_heard(s))
        return;
    lc_err e = LC_ELIMIT;
    if (spent > 0 || in.n < s->in_max || s->paused)
        e = keep_rest(s, in, spent);
    if (e != LC_OK)
        lc_stream_end(s, e);
}

/* New octets, with LC_HEADROOM writable before them. */
static void received_plain(struct lc_stream *s, uint8_t *p, size_t n)
{
    size_t before = s->kept.n;
    if (!s->paused && before <= n && before <= LC_HEADROOM) {
        if (before > 0)
            memcpy(p - before, s->kept.p, before);
        s->kept.n = 0;
        deliver(s, lc_slice(p - before, before + n));
        return;
    }
    lc_err e = keep(s, lc_slice(p, n));
    if (e != LC_OK)
        lc_stream_end(s, e);
    else if (!s->paused)
        deliver(s, lc_dynbuf_slice(&s->kept));
}

static void received_wrapped(struct lc_stream *s, struct lc_slice in)
{
    struct lc_dynbuf *out = &s->loop->unwrapped;
    lc_err e = lc_dynbuf_reserve(out, LC_HEADROOM);
    if (e == LC_OK) {
        out->n = LC_HEADROOM;
        e = s->layered->layer->unwrap(s->layered->state, in, out);
    }
    if (e != LC_OK && e != LC_EEND) {
        lc_stream_end(s, e);
        return;
    }
    if (out->n > LC_HEADROOM)
        received_plain(s, out->p + LC_HEADROOM, out->n - LC_HEADROOM);
    out->n = 0;
    if (e == LC_EEND && !s->io.detached)
        received_eof(s);
}

static void on_received(struct lc_io *io, uint8_t *p, ssize_t n)
{
    struct lc_stream *s = lc_stream_of(io);
    if (n > 0) {
        lc_count(&s->loop->counters.received_octets, (uint64_t)n);
        s->received += (uint64_t)n;
    }
    if (s->eof)
        return;
    if (n == 0)
        received_eof(s);
    else if (n < 0)
        lc_stream_end(s, s->closing && lc_stream_queued(s) == 0 ? LC_OK : (lc_err)n);
    else if (s->closing)
        return; /* nobody wants it any more */
    else if (s->layered != NULL)
        received_wrapped(s, lc_slice(p, (size_t)n));
    else
        received_plain(s, p, (size_t)n);
}

static void on_connected(struct lc_io *io, lc_err e)
{
    struct lc_stream *s = lc_stream_of(io);
    if (e != LC_OK) {
        lc_stream_end(s, e);
        return;
    }
    s->connecting = false;
    if (!s->closing)
        lc_timer_cancel(s->loop, &s->timer);
    if (!s->paused || s->closing)
        start_receiving(s);
    lc_loop_work(s->loop, &s->work);
}

static const struct lc_addr *target(struct lc_io *io)
{
    return &lc_stream_of(io)->peer;
}

static void free_stream(struct lc_stream *s)
{
    lc_link_remove(&s->work.link);
    kept_free(s);
    lc_outq_clear(&s->out, &s->loop->out_pool);
    if (s->layered != NULL) {
        lc_outq_clear(&s->layered->plain, &s->loop->out_pool);
        if (s->layered->layer->close != NULL)
            s->layered->layer->close(s->layered->state);
        free(s->layered);
    }
    free(s);
}

static void on_released(struct lc_io *io)
{
    struct lc_stream *s = lc_stream_of(io);
    lc_count(&s->loop->counters.open, (uint64_t)-1);
    s->events->on_close(s->user, s->why);
    free_stream(s);
}

static void describe(const struct lc_io *io, struct lc_socket_row *ret)
{
    const struct lc_stream *s = LC_CONTAINER(io, struct lc_stream, io);
    ret->kind = LC_SOCKET_CONNECTION;
    ret->local.transport = s->peer.transport;
    ret->peer = s->peer;
    ret->opened = s->opened;
    ret->received = s->received;
    ret->sent = s->sent;
    ret->queued = lc_stream_queued(s);
    if (s->events->protocol != NULL)
        ret->protocol = s->events->protocol(s->user);
}

static const struct lc_io_events io_events = {
    .received = on_received,
    .connected = on_connected,
    .target = target,
    .gather = lc_stream_gather,
    .sent = lc_stream_sent,
    .released = on_released,
    .describe = describe,
};

static void run_work(struct lc_work *work)
{
    struct lc_stream *s = LC_CONTAINER(work, struct lc_stream, work);
    if (s->resumed && !s->paused && is_heard(s)) {
        s->resumed = false;
        if (s->kept.n > 0)
            deliver(s, lc_dynbuf_slice(&s->kept));
        tell_eof(s);
        if (!s->paused)
            start_receiving(s);
    }
    lc_stream_flush(s);
}

static void on_timer(struct lc_timer *timer)
{
    struct lc_stream *s = LC_CONTAINER(timer, struct lc_stream, timer);
    lc_stream_end(s, s->closing && lc_stream_queued(s) == 0 ? LC_OK : -ETIMEDOUT);
}

static void set_timer(struct lc_stream *s, struct lc_time deadline)
{
    lc_err e = LC_OK;
    if (deadline.ns == LC_TIME_NEVER.ns)
        lc_timer_cancel(s->loop, &s->timer);
    else
        e = lc_timer_set(s->loop, &s->timer, deadline);
    if (e != LC_OK)
        lc_stream_end(s, e);
}

static lc_err open_layer(struct lc_stream *s, const struct lc_layer *layer)
{
    s->layered = calloc(1, sizeof *s->layered);
    if (s->layered == NULL)
        return -ENOMEM;
    s->layered->layer = layer;
    lc_err e = layer->open != NULL ? layer->open(&s->layered->state) : LC_OK;
    if (e != LC_OK) {
        free(s->layered);
        s->layered = NULL;
    }
    return e;
}

static void set_limits(struct lc_stream *s, const struct lc_stream_config *config)
{
    s->in_max = config->in_max != 0 ? config->in_max : DEFAULT_IN_MAX;
    s->out_high = config->out_high != 0 ? config->out_high : DEFAULT_OUT_HIGH;
    s->out_low = config->out_low != 0 ? config->out_low : s->out_high / 4;
    s->out_max = config->out_max != 0 ? config->out_max : s->out_high * 4;
    size_t at_once = s->loop->recv_in_flight * (config->layer != NULL ? LC_UNWRAP_FACTOR : 1);
    lc_dynbuf_init(&s->kept, s->in_max + at_once);
}

/* Takes `fd` in every case. */
static lc_err stream_new(struct lc_loop *loop, int fd, const struct lc_addr *peer,
                         const struct lc_stream_config *config,
                         const struct lc_stream_events *events, void *user, struct lc_stream **ret)
{
    struct lc_stream *s = calloc(1, sizeof *s);
    lc_err e = s != NULL ? LC_OK : -ENOMEM;
    if (e == LC_OK) {
        s->loop = loop;
        s->events = events;
        s->user = user;
        s->peer = *peer;
        s->linger = LC_TIME_NEVER;
        s->opened = lc_loop_now(loop);
        lc_work_init(&s->work, run_work);
        lc_timer_init(&s->timer, on_timer);
        set_limits(s, config);
        if (config->layer != NULL)
            e = open_layer(s, config->layer);
    }
    if (e == LC_OK)
        e = lc_loop_attach(loop, &s->io, fd, &io_events);
    else
        close(fd);
    if (e != LC_OK) {
        if (s != NULL)
            free_stream(s);
        return e;
    }
    lc_count(&loop->counters.open, 1);
    *ret = s;
    return LC_OK;
}

lc_err lc_stream_open(struct lc_loop *loop, int fd, const struct lc_addr *peer,
                      const struct lc_stream_config *config, const struct lc_stream_events *events,
                      void *user, struct lc_stream **ret)
{
    if (!lc_loop_admits(loop)) {
        close(fd);
        return LC_ELIMIT;
    }
    lc_err e = stream_new(loop, fd, peer, config, events, user, ret);
    if (e == LC_OK)
        start_receiving(*ret);
    return e;
}

lc_err lc_stream_connect(struct lc_loop *loop, const struct lc_addr *addr,
                         const struct lc_stream_config *config,
                         const struct lc_stream_events *events, void *user, struct lc_time deadline,
                         struct lc_stream **ret)
{
    if (!lc_loop_admits(loop))
        return LC_ELIMIT;
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (addr->transport == LC_TCP)
        (void)!lc_sockopts_apply(NULL, LC_PLACE_CONNECT, fd, NULL); /* ours alone never fail */
    struct lc_stream *s;
    lc_err e = stream_new(loop, fd, addr, config, events, user, &s);
    if (e != LC_OK)
        return e;
    s->connecting = true;
    set_timer(s, deadline);
    if (!s->io.detached)
        loop->backend->start_out(loop, &s->io, LC_OUT_CONNECT);
    *ret = s;
    return LC_OK;
}

void lc_stream_pause(struct lc_stream *s)
{
    s->paused = true;
    if (is_heard(s))
        stop_receiving(s);
}

void lc_stream_resume(struct lc_stream *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    s->resumed = true;
    lc_loop_work(s->loop, &s->work);
}

void lc_stream_close_step(struct lc_stream *s)
{
    if (s->eof || s->broken) {
        lc_stream_end(s, LC_OK);
        return;
    }
    struct lc_time patience = lc_time_add_ms(lc_loop_now(s->loop), LINGER_PEER_MS);
    if (patience.ns < s->linger.ns) {
        s->linger = patience;
        set_timer(s, patience);
    }
}

void lc_stream_close(struct lc_stream *s, struct lc_time linger)
{
    if (s->io.detached)
        return;
    s->closing = true;
    s->shut = true;
    if (lc_time_reached(linger, lc_loop_now(s->loop))) {
        lc_stream_end(s, LC_OK);
        return;
    }
    s->linger = linger;
    set_timer(s, linger);
    start_receiving(s); /* to see the peer end */
    lc_loop_work(s->loop, &s->work);
}

void lc_stream_deadline(struct lc_stream *s, struct lc_time deadline)
{
    if (is_heard(s))
        set_timer(s, deadline);
}

void lc_stream_hand_over(struct lc_stream *s, const struct lc_stream_events *events, void *user)
{
    s->events = events;
    s->user = user;
}

static size_t nobody_data(void *user, struct lc_slice in)
{
    LC_UNUSED(user);
    return in.n;
}

static void nobody_eof(void *user, struct lc_slice rest)
{
    LC_UNUSED(user);
    LC_UNUSED(rest);
}

static void nobody_drain(void *user)
{
    LC_UNUSED(user);
}

static void nobody_close(void *user, lc_err why)
{
    LC_UNUSED(user);
    LC_UNUSED(why);
}

void lc_stream_abandon(struct lc_stream *s)
{
    static const struct lc_stream_events nobody = {
        .on_data = nobody_data,
        .on_eof = nobody_eof,
        .on_drain = nobody_drain,
        .on_close = nobody_close,
    };
    lc_stream_hand_over(s, &nobody, NULL);
    lc_stream_close(s, (struct lc_time){0});
}

bool lc_stream_is_quiet(const struct lc_stream *s)
{
    uint8_t octet;
    bool idle = !s->connecting && !s->paused && !s->eof && !s->shut && !s->broken && is_heard(s) &&
                s->kept.n == 0 && lc_stream_queued(s) == 0 && s->io.out == LC_OUT_NONE;
    return idle && recv(s->io.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

lc_err lc_stream_duplicate(const struct lc_stream *s, int *ret_fd)
{
    int fd = fcntl(s->io.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return LC_OK;
}

struct lc_time lc_stream_opened(const struct lc_stream *s)
{
    return s->opened;
}

const struct lc_addr *lc_stream_peer(const struct lc_stream *s)
{
    return &s->peer;
}

bool lc_stream_peer_uid(const struct lc_stream *s, unsigned *ret_uid)
{
    return s->peer.transport == LC_UNIX_STREAM && lc_accepted_uid(s->io.fd, ret_uid);
}
