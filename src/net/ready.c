/* SPDX-License-Identifier: Apache-2.0
 *
 * net/ready.c - operations on descriptors that are ready.
 *
 * A stream that gave less than was asked for is drained. With epoll, what comes later makes a new
 * edge; poll and select are asked again. That saves the recv() that would say EAGAIN. Only the end
 * of the stream may be told together with the data before it, so after an edge with
 * LC_READY_ENDING it is read to the end. (Receiving also stops short at TCP's urgent mark, and on a
 * Unix socket at octets that came with descriptors. Under epoll, a peer that sends such things
 * waits for its own next octets.)
 */
#include "net/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64

static struct lc_ready *ready_of(const struct lc_loop *loop)
{
    return loop->backend_state;
}

lc_err lc_ready_init(struct lc_loop *loop, struct lc_ready *r)
{
    lc_link_init(&r->ring);
    loop->recv_in_flight = loop->recv_chunk;
    r->chunk = malloc(LC_HEADROOM + loop->recv_chunk);
    return r->chunk == NULL ? -ENOMEM : LC_OK;
}

void lc_ready_done(struct lc_ready *r)
{
    free(r->chunk);
}

static bool can_go_on(const struct lc_io *io)
{
    return (io->in != LC_IN_NONE && (io->progress & LC_READY_IN) != 0) ||
           (io->out != LC_OUT_NONE && (io->progress & LC_READY_OUT) != 0);
}

/* What is wanted or what is ready has changed. */
static void settle(struct lc_loop *loop, struct lc_io *io)
{
    struct lc_ready *r = ready_of(loop);
    if (io->detached)
        return;
    if (can_go_on(io) && !lc_link_is_linked(&io->link))
        lc_list_add_last(&r->ring, &io->link);
    if (r->ask != NULL)
        r->ask(loop, io, io->in != LC_IN_NONE && (io->progress & LC_READY_IN) == 0,
               io->out != LC_OUT_NONE && (io->progress & LC_READY_OUT) == 0);
}

void lc_ready_attached(struct lc_io *io)
{
    io->progress = LC_READY_OUT; /* mostly true; else a send finds out */
}

void lc_ready_detached(struct lc_loop *loop, struct lc_io *io)
{
    io->detached = true;
    io->in = LC_IN_NONE;
    io->out = LC_OUT_NONE;
    lc_loop_release(loop, io);
}

void lc_ready_start_in(struct lc_loop *loop, struct lc_io *io, enum lc_in kind)
{
    io->in = (uint8_t)kind;
    settle(loop, io);
}

void lc_ready_stop_in(struct lc_loop *loop, struct lc_io *io)
{
    io->in = LC_IN_NONE;
    settle(loop, io);
}

static void do_accepts(struct lc_loop *loop, struct lc_io *io)
{
    int end = ready_of(loop)->fd_end;
    for (int i = 0; i < ACCEPTS_PER_TURN && io->in == LC_IN_ACCEPT; i++) {
        struct lc_addr peer = {.len = sizeof peer.sa};
        int fd =
            accept4(io->fd, (struct sockaddr *)&peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) {
            io->progress &= (uint8_t)~LC_READY_IN;
            return;
        }
        if (end != 0 && fd >= end) { /* as if descriptors had run out */
            close(fd);
            fd = -1;
            errno = EMFILE;
        }
        peer.transport = peer.sa.ss_family == AF_UNIX ? LC_UNIX_STREAM : LC_TCP;
        io->events->accepted(io, fd < 0 ? -errno : fd, &peer);
    }
}

static void do_recv(struct lc_loop *loop, struct lc_io *io)
{
    uint8_t *at = ready_of(loop)->chunk + LC_HEADROOM;
    ssize_t n = recv(io->fd, at, loop->recv_chunk, MSG_DONTWAIT);
    if (n < 0)
        n = -errno;
    if (n == -EINTR)
        return;
    if (n == -EAGAIN ||
        (n > 0 && (size_t)n < loop->recv_chunk && (io->progress & LC_READY_ENDING) == 0))
        io->progress &= (uint8_t)~LC_READY_IN;
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
        io->progress &= (uint8_t)~LC_READY_IN;
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
        io->progress &= (uint8_t)~LC_READY_OUT;
    if (n == -EAGAIN)
        return;
    io->out = LC_OUT_NONE;
    lc_count(&loop->counters.send_calls, 1);
    io->events->sent(io, n);
}

static void connect_done(struct lc_io *io, lc_err e)
{
    io->out = LC_OUT_NONE;
    io->progress &= (uint8_t)~LC_CONNECTING;
    io->events->connected(io, e);
}

static void do_connect(struct lc_io *io)
{
    const struct lc_addr *to = io->events->target(io);
    if (connect(io->fd, (const struct sockaddr *)&to->sa, to->len) == 0)
        connect_done(io, LC_OK);
    else if (errno == EINPROGRESS)
        io->progress = LC_CONNECTING;
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
    else if ((io->progress & LC_CONNECTING) != 0)
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

void lc_ready_start_out(struct lc_loop *loop, struct lc_io *io, enum lc_out kind)
{
    io->out = (uint8_t)kind;
    if (kind == LC_OUT_CONNECT)
        do_connect(io);
    else if ((io->progress & LC_READY_OUT) != 0)
        do_send(loop, io);
    settle(loop, io);
}

lc_err lc_ready_leave(struct lc_loop *loop)
{
    LC_UNUSED(loop);
    return LC_OK;
}

void lc_ready_note(struct lc_loop *loop, struct lc_io *io, unsigned bits)
{
    io->progress |= (uint8_t)bits;
    settle(loop, io);
}

void lc_ready_run(struct lc_loop *loop)
{
    struct lc_link batch;
    lc_list_take_all(&ready_of(loop)->ring, &batch);
    for (struct lc_link *l; (l = lc_list_take_first(&batch)) != NULL;) {
        struct lc_io *io = LC_CONTAINER(l, struct lc_io, link);
        if (io->out != LC_OUT_NONE && (io->progress & LC_READY_OUT) != 0)
            do_out(loop, io);
        if (io->in != LC_IN_NONE && (io->progress & LC_READY_IN) != 0)
            do_in(loop, io);
        settle(loop, io);
    }
}

int64_t lc_ready_wait_ns(const struct lc_loop *loop, int64_t wait_ns)
{
    return lc_link_is_linked(&ready_of(loop)->ring) ? 0 : wait_ns;
}
