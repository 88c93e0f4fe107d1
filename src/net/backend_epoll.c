/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend_epoll.c - completions made from readiness: epoll, edge-triggered.
 *
 * Each descriptor is registered once, for both directions; starting and stopping an operation is
 * no system call. Readiness is remembered until an operation finds that there is no more. A
 * descriptor that is ready and has an operation stands in the ring `ready`, and gets one bounded
 * helping in each turn; as long as the ring is not empty the loop does not sleep.
 *
 * A stream that gave less than was asked for is drained, and what comes later makes a new edge:
 * that saves the recv() that would say EAGAIN. Only the end of the stream may be told together
 * with the data before it, so after EPOLLRDHUP it is read to the end. (Receiving also stops short
 * at TCP's urgent mark, and on a Unix socket at octets that came with descriptors. A peer that
 * sends such things waits for its own next octets.)
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/loop_impl.h"

#define EVENTS_MAX       256
#define ACCEPTS_PER_TURN 64

/* lc_io.progress */
#define IN_READY   1U
#define OUT_READY  2U
#define ENDING     4U /* FIN or an error is there: read on until it shows */
#define CONNECTING 8U

struct epoll_state {
    int fd;
    int event_count;
    struct lc_link ready;
    uint8_t *chunk; /* recv_chunk octets behind LC_HEADROOM, shared by all streams */
    struct epoll_event events[EVENTS_MAX];
};

static struct epoll_state *state_of(const struct lc_loop *loop)
{
    return loop->backend_state;
}

static void ep_close(struct lc_loop *loop)
{
    struct epoll_state *ep = state_of(loop);
    if (ep->fd >= 0)
        close(ep->fd);
    free(ep->chunk);
    free(ep);
}

static lc_err ep_open(struct lc_loop *loop, struct lc_diag *diag)
{
    struct epoll_state *ep = calloc(1, sizeof *ep);
    if (ep == NULL)
        return -ENOMEM;
    loop->backend_state = ep;
    loop->recv_in_flight = loop->recv_chunk;
    lc_link_init(&ep->ready);
    ep->fd = epoll_create1(EPOLL_CLOEXEC);
    lc_err e = ep->fd < 0 ? -errno : LC_OK;
    ep->chunk = malloc(LC_HEADROOM + loop->recv_chunk);
    if (e == LC_OK && ep->chunk == NULL)
        e = -ENOMEM;
    if (e != LC_OK) {
        lc_diag_set(diag, "epoll: %s", lc_strerror(e));
        ep_close(loop);
    }
    return e;
}

static lc_err ep_attach(struct lc_loop *loop, struct lc_io *io)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = io};
    io->progress = OUT_READY; /* mostly true; else a send finds out, and the edge is to come */
    return epoll_ctl(state_of(loop)->fd, EPOLL_CTL_ADD, io->fd, &ev) < 0 ? -errno : LC_OK;
}

static void ep_detach(struct lc_loop *loop, struct lc_io *io)
{
    /* close() alone would not do while a child between fork() and exec() has the descriptor too */
    epoll_ctl(state_of(loop)->fd, EPOLL_CTL_DEL, io->fd, NULL);
    io->detached = true;
    io->in = LC_IN_NONE;
    io->out = LC_OUT_NONE;
    lc_loop_release(loop, io);
}

static bool can_go_on(const struct lc_io *io)
{
    return (io->in != LC_IN_NONE && (io->progress & IN_READY) != 0) ||
           (io->out != LC_OUT_NONE && (io->progress & OUT_READY) != 0);
}

static void enqueue(struct lc_loop *loop, struct lc_io *io)
{
    if (!io->detached && can_go_on(io) && !lc_link_is_linked(&io->link))
        lc_list_add_last(&state_of(loop)->ready, &io->link);
}

static void ep_start_in(struct lc_loop *loop, struct lc_io *io, enum lc_in kind)
{
    io->in = (uint8_t)kind;
    enqueue(loop, io);
}

static void ep_stop_in(struct lc_loop *loop, struct lc_io *io)
{
    LC_UNUSED(loop);
    io->in = LC_IN_NONE;
}

static void do_accepts(struct lc_loop *loop, struct lc_io *io)
{
    LC_UNUSED(loop);
    for (int i = 0; i < ACCEPTS_PER_TURN && io->in == LC_IN_ACCEPT; i++) {
        struct lc_addr peer = {.len = sizeof peer.sa};
        int fd =
            accept4(io->fd, (struct sockaddr *)&peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) {
            io->progress &= (uint8_t)~IN_READY;
            return;
        }
        peer.transport = peer.sa.ss_family == AF_UNIX ? LC_UNIX_STREAM : LC_TCP;
        io->events->accepted(io, fd < 0 ? -errno : fd, &peer);
    }
}

static void do_recv(struct lc_loop *loop, struct lc_io *io)
{
    uint8_t *at = state_of(loop)->chunk + LC_HEADROOM;
    ssize_t n = recv(io->fd, at, loop->recv_chunk, MSG_DONTWAIT);
    if (n < 0)
        n = -errno;
    if (n == -EINTR)
        return;
    if (n == -EAGAIN || (n > 0 && (size_t)n < loop->recv_chunk && (io->progress & ENDING) == 0))
        io->progress &= (uint8_t)~IN_READY;
    if (n == -EAGAIN)
        return;
    lc_count(&loop->counters.recv_calls, 1);
    if (n <= 0)
        io->in = LC_IN_NONE;
    io->events->received(io, at, n);
}

static void do_watch(struct lc_loop *loop, struct lc_io *io)
{
    LC_UNUSED(loop);
    if (!io->events->readable(io))
        io->progress &= (uint8_t)~IN_READY;
}

static void do_send(struct lc_loop *loop, struct lc_io *io)
{
    struct iovec iov[LC_IOV_MAX];
    size_t count = io->events->gather(io, iov, LC_ARRAY_LEN(iov));
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = count};
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        asked += iov[i].iov_len;
    ssize_t n;
    do
        n = sendmsg(io->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        n = -errno;
    if (n == -EAGAIN || (n >= 0 && (size_t)n < asked))
        io->progress &= (uint8_t)~OUT_READY;
    if (n == -EAGAIN)
        return;
    io->out = LC_OUT_NONE;
    lc_count(&loop->counters.send_calls, 1);
    io->events->sent(io, n);
}

static void connect_done(struct lc_io *io, lc_err e)
{
    io->out = LC_OUT_NONE;
    io->progress &= (uint8_t)~CONNECTING;
    io->events->connected(io, e);
}

static void do_connect(struct lc_io *io)
{
    const struct lc_addr *to = io->events->target(io);
    if (connect(io->fd, (const struct sockaddr *)&to->sa, to->len) == 0)
        connect_done(io, LC_OK);
    else if (errno == EINPROGRESS)
        io->progress = CONNECTING;
    else
        connect_done(io, -errno);
}

static void finish_connect(struct lc_io *io)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    connect_done(io, -error);
}

static void do_out(struct lc_loop *loop, struct lc_io *io)
{
    if (io->out == LC_OUT_SEND)
        do_send(loop, io);
    else if ((io->progress & CONNECTING) != 0)
        finish_connect(io);
}

static void do_in(struct lc_loop *loop, struct lc_io *io)
{
    if (io->in == LC_IN_RECV)
        do_recv(loop, io);
    else if (io->in == LC_IN_ACCEPT)
        do_accepts(loop, io);
    else
        do_watch(loop, io);
}

static void ep_start_out(struct lc_loop *loop, struct lc_io *io, enum lc_out kind)
{
    io->out = (uint8_t)kind;
    if (kind == LC_OUT_CONNECT)
        do_connect(io);
    else if ((io->progress & OUT_READY) != 0)
        do_send(loop, io);
}

static lc_err ep_wait(struct lc_loop *loop, int64_t wait_ns)
{
    struct epoll_state *ep = state_of(loop);
    int timeout_ms = -1;
    if (lc_link_is_linked(&ep->ready))
        timeout_ms = 0;
    else if (wait_ns / LC_NS_PER_MS < INT_MAX)
        /* rounded up: waking before the deadline would only mean to wait again */
        timeout_ms = (int)((wait_ns + LC_NS_PER_MS - 1) / LC_NS_PER_MS);
    int n = epoll_wait(ep->fd, ep->events, EVENTS_MAX, timeout_ms);
    ep->event_count = n < 0 ? 0 : n;
    return n < 0 && errno != EINTR ? -errno : LC_OK;
}

static void note_event(struct lc_loop *loop, const struct epoll_event *ev)
{
    struct lc_io *io = ev->data.ptr;
    uint8_t bits = 0;
    if ((ev->events & EPOLLIN) != 0)
        bits |= IN_READY;
    if ((ev->events & EPOLLOUT) != 0)
        bits |= OUT_READY;
    if ((ev->events & EPOLLRDHUP) != 0)
        bits |= IN_READY | ENDING;
    if ((ev->events & (EPOLLHUP | EPOLLERR)) != 0)
        bits |= IN_READY | OUT_READY | ENDING;
    io->progress |= bits;
    enqueue(loop, io);
}

static void ep_dispatch(struct lc_loop *loop)
{
    struct epoll_state *ep = state_of(loop);
    for (int i = 0; i < ep->event_count; i++)
        note_event(loop, &ep->events[i]);
    struct lc_link batch;
    lc_list_take_all(&ep->ready, &batch);
    for (struct lc_link *l; (l = lc_list_take_first(&batch)) != NULL;) {
        struct lc_io *io = LC_CONTAINER(l, struct lc_io, link);
        if (io->out != LC_OUT_NONE && (io->progress & OUT_READY) != 0)
            do_out(loop, io);
        if (io->in != LC_IN_NONE && (io->progress & IN_READY) != 0)
            do_in(loop, io);
        enqueue(loop, io);
    }
}

static lc_err ep_leave(struct lc_loop *loop)
{
    LC_UNUSED(loop);
    return LC_OK;
}

const struct lc_backend lc_backend_epoll = {
    .name = "epoll",
    .open = ep_open,
    .close = ep_close,
    .attach = ep_attach,
    .detach = ep_detach,
    .start_in = ep_start_in,
    .stop_in = ep_stop_in,
    .start_out = ep_start_out,
    .wait = ep_wait,
    .dispatch = ep_dispatch,
    .leave = ep_leave,
};
