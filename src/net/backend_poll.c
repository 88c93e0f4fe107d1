/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend_poll.c - poll(2): for systems that have nothing better, and to compare.
 *
 * The kernel looks at the whole table in each turn. A side is asked about only while an operation
 * waits for it; a descriptor without such a side stands in the table as -1, because the kernel
 * would tell its end again and again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "net/ready.h"

#define FIRST_CAP 64

struct poll_state {
    struct lc_ready ready;
    size_t count, cap;
    int told; /* entries with events */
    struct pollfd *fds;
    struct lc_io **ios; /* in the same order */
};

static struct poll_state *state_of(const struct lc_loop *loop)
{
    return loop->backend_state;
}

static void po_ask(struct lc_loop *loop, struct lc_io *io, bool in, bool out)
{
    struct pollfd *p = &state_of(loop)->fds[io->slot];
    p->events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
    p->fd = in || out ? io->fd : -1;
}

static void po_close(struct lc_loop *loop)
{
    struct poll_state *po = state_of(loop);
    free(po->fds);
    free(po->ios);
    lc_ready_done(&po->ready);
    free(po);
}

static lc_err po_open(struct lc_loop *loop, struct lc_diag *diag)
{
    struct poll_state *po = calloc(1, sizeof *po);
    if (po == NULL)
        return -ENOMEM;
    loop->backend_state = po;
    po->ready.ask = po_ask;
    lc_err e = lc_ready_init(loop, &po->ready);
    if (e != LC_OK) {
        lc_diag_set(diag, "poll: %s", lc_strerror(e));
        po_close(loop);
    }
    return e;
}

static lc_err grow(struct poll_state *po)
{
    size_t cap = po->cap == 0 ? FIRST_CAP : po->cap * 2;
    struct pollfd *fds = realloc(po->fds, cap * sizeof *fds);
    if (fds == NULL)
        return -ENOMEM;
    po->fds = fds;
    struct lc_io **ios = realloc(po->ios, cap * sizeof(struct lc_io *));
    if (ios == NULL)
        return -ENOMEM;
    po->ios = ios;
    po->cap = cap;
    return LC_OK;
}

static lc_err po_attach(struct lc_loop *loop, struct lc_io *io)
{
    struct poll_state *po = state_of(loop);
    if (po->count == po->cap) {
        lc_err e = grow(po);
        if (e != LC_OK)
            return e;
    }
    lc_ready_attached(io);
    io->slot = (unsigned)po->count;
    po->fds[po->count] = (struct pollfd){.fd = -1};
    po->ios[po->count++] = io;
    return LC_OK;
}

static void po_detach(struct lc_loop *loop, struct lc_io *io)
{
    struct poll_state *po = state_of(loop);
    struct lc_io *last = po->ios[--po->count];
    po->fds[io->slot] = po->fds[po->count];
    po->ios[io->slot] = last;
    last->slot = io->slot;
    lc_ready_detached(loop, io);
}

static lc_err po_wait(struct lc_loop *loop, int64_t wait_ns)
{
    struct poll_state *po = state_of(loop);
    wait_ns = lc_ready_wait_ns(loop, wait_ns);
    struct timespec timeout = {wait_ns / LC_NS_PER_S, wait_ns % LC_NS_PER_S};
    int n = ppoll(po->fds, po->count, wait_ns == INT64_MAX ? NULL : &timeout, NULL);
    po->told = n < 0 ? 0 : n;
    return n < 0 && errno != EINTR ? -errno : LC_OK;
}

static unsigned bits_of(short events)
{
    unsigned bits = 0;
    if ((events & POLLIN) != 0)
        bits |= LC_READY_IN;
    if ((events & POLLOUT) != 0)
        bits |= LC_READY_OUT;
    if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        bits |= LC_READY_IN | LC_READY_OUT;
    return bits;
}

static void po_dispatch(struct lc_loop *loop)
{
    struct poll_state *po = state_of(loop);
    for (size_t i = 0; i < po->count && po->told > 0; i++) {
        if (po->fds[i].revents == 0)
            continue;
        po->told--;
        lc_ready_note(loop, po->ios[i], bits_of(po->fds[i].revents));
    }
    lc_ready_run(loop);
}

const struct lc_backend lc_backend_poll = {
    .name = "poll",
    .open = po_open,
    .close = po_close,
    .attach = po_attach,
    .detach = po_detach,
    .start_in = lc_ready_start_in,
    .stop_in = lc_ready_stop_in,
    .start_out = lc_ready_start_out,
    .wait = po_wait,
    .dispatch = po_dispatch,
    .leave = lc_ready_leave,
};
