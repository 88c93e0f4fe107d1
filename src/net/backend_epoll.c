/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend_epoll.c - epoll, edge-triggered: each descriptor is registered once, for both
 * directions.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/ready.h"

#define EVENTS_MAX 256

struct epoll_state {
    struct lc_ready ready;
    int fd;
    int event_count;
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
    lc_ready_done(&ep->ready);
    free(ep);
}

static lc_err ep_open(struct lc_loop *loop, struct lc_diag *diag)
{
    struct epoll_state *ep = calloc(1, sizeof *ep);
    if (ep == NULL)
        return -ENOMEM;
    loop->backend_state = ep;
    lc_err e = lc_ready_init(loop, &ep->ready);
    ep->fd = epoll_create1(EPOLL_CLOEXEC);
    if (e == LC_OK && ep->fd < 0)
        e = -errno;
    if (e != LC_OK) {
        lc_diag_set(diag, "epoll: %s", lc_strerror(e));
        ep_close(loop);
    }
    return e;
}

static lc_err ep_attach(struct lc_loop *loop, struct lc_io *io)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = io};
    lc_ready_attached(io);
    return epoll_ctl(state_of(loop)->fd, EPOLL_CTL_ADD, io->fd, &ev) < 0 ? -errno : LC_OK;
}

static void ep_detach(struct lc_loop *loop, struct lc_io *io)
{
    /* close() alone would not do while a child between fork() and exec() has the descriptor too */
    epoll_ctl(state_of(loop)->fd, EPOLL_CTL_DEL, io->fd, NULL);
    lc_ready_detached(loop, io);
}

static lc_err ep_wait(struct lc_loop *loop, int64_t wait_ns)
{
    struct epoll_state *ep = state_of(loop);
    int timeout_ms = -1;
    wait_ns = lc_ready_wait_ns(loop, wait_ns);
    if (wait_ns / LC_NS_PER_MS < INT_MAX)
        /* rounded up: waking before the deadline would only mean to wait again */
        timeout_ms = (int)((wait_ns + LC_NS_PER_MS - 1) / LC_NS_PER_MS);
    int n = epoll_wait(ep->fd, ep->events, EVENTS_MAX, timeout_ms);
    ep->event_count = n < 0 ? 0 : n;
    return n < 0 && errno != EINTR ? -errno : LC_OK;
}

static unsigned bits_of(uint32_t events)
{
    unsigned bits = 0;
    if ((events & EPOLLIN) != 0)
        bits |= LC_READY_IN;
    if ((events & EPOLLOUT) != 0)
        bits |= LC_READY_OUT;
    if ((events & EPOLLRDHUP) != 0)
        bits |= LC_READY_IN | LC_READY_ENDING;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        bits |= LC_READY_IN | LC_READY_OUT | LC_READY_ENDING;
    return bits;
}

static void ep_dispatch(struct lc_loop *loop)
{
    struct epoll_state *ep = state_of(loop);
    for (int i = 0; i < ep->event_count; i++)
        lc_ready_note(loop, ep->events[i].data.ptr, bits_of(ep->events[i].events));
    lc_ready_run(loop);
}

const struct lc_backend lc_backend_epoll = {
    .name = "epoll",
    .open = ep_open,
    .close = ep_close,
    .attach = ep_attach,
    .detach = ep_detach,
    .start_in = lc_ready_start_in,
    .stop_in = lc_ready_stop_in,
    .start_out = lc_ready_start_out,
    .wait = ep_wait,
    .dispatch = ep_dispatch,
    .leave = lc_ready_leave,
};
