/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend_select.c - select(2), as in the oldest books.
 *
 * An fd_set has a bit for each descriptor below FD_SETSIZE (1024), and no room for others: writing
 * past it is what has broken many programs. So a descriptor over that is never attached: what would
 * have been accepted is closed, and accepting pauses as when descriptors have run out.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>

#include "net/ready.h"

struct select_state {
    struct lc_ready ready;
    int told;   /* bits set in the answer */
    int fd_end; /* one more than the largest that was ever attached */
    fd_set ask_in, ask_out;
    fd_set told_in, told_out;
    struct lc_io *ios[FD_SETSIZE];
};

static struct select_state *state_of(const struct lc_loop *loop)
{
    return loop->backend_state;
}

static void set_bit(fd_set *set, int fd, bool on)
{
    if (on)
        FD_SET(fd, set);
    else
        FD_CLR(fd, set);
}

static void se_ask(struct lc_loop *loop, struct lc_io *io, bool in, bool out)
{
    struct select_state *se = state_of(loop);
    set_bit(&se->ask_in, io->fd, in);
    set_bit(&se->ask_out, io->fd, out);
}

static void se_close(struct lc_loop *loop)
{
    struct select_state *se = state_of(loop);
    lc_ready_done(&se->ready);
    free(se);
}

static lc_err se_open(struct lc_loop *loop, struct lc_diag *diag)
{
    struct select_state *se = calloc(1, sizeof *se);
    if (se == NULL)
        return -ENOMEM;
    loop->backend_state = se;
    se->ready.ask = se_ask;
    se->ready.fd_end = FD_SETSIZE;
    lc_err e = lc_ready_init(loop, &se->ready);
    if (e != LC_OK) {
        lc_diag_set(diag, "select: %s", lc_strerror(e));
        se_close(loop);
    }
    return e;
}

static lc_err se_attach(struct lc_loop *loop, struct lc_io *io)
{
    struct select_state *se = state_of(loop);
    if (io->fd >= FD_SETSIZE)
        return LC_ESELECT;
    lc_ready_attached(io);
    se->ios[io->fd] = io;
    if (io->fd >= se->fd_end)
        se->fd_end = io->fd + 1;
    return LC_OK;
}

static void se_detach(struct lc_loop *loop, struct lc_io *io)
{
    se_ask(loop, io, false, false);
    state_of(loop)->ios[io->fd] = NULL;
    lc_ready_detached(loop, io);
}

static lc_err se_wait(struct lc_loop *loop, int64_t wait_ns)
{
    struct select_state *se = state_of(loop);
    wait_ns = lc_ready_wait_ns(loop, wait_ns);
    struct timespec timeout = {wait_ns / LC_NS_PER_S, wait_ns % LC_NS_PER_S};
    se->told_in = se->ask_in;
    se->told_out = se->ask_out;
    int n = pselect(se->fd_end, &se->told_in, &se->told_out, NULL,
                    wait_ns == INT64_MAX ? NULL : &timeout, NULL);
    se->told = n < 0 ? 0 : n;
    return n < 0 && errno != EINTR ? -errno : LC_OK;
}

static void se_dispatch(struct lc_loop *loop)
{
    struct select_state *se = state_of(loop);
    for (int fd = 0; fd < se->fd_end && se->told > 0; fd++) {
        unsigned bits = (FD_ISSET(fd, &se->told_in) ? LC_READY_IN : 0) |
                        (FD_ISSET(fd, &se->told_out) ? LC_READY_OUT : 0);
        if (bits == 0)
            continue;
        se->told -= ((bits & LC_READY_IN) != 0) + ((bits & LC_READY_OUT) != 0);
        lc_ready_note(loop, se->ios[fd], bits);
    }
    lc_ready_run(loop);
}

const struct lc_backend lc_backend_select = {
    .name = "select",
    .open = se_open,
    .close = se_close,
    .attach = se_attach,
    .detach = se_detach,
    .start_in = lc_ready_start_in,
    .stop_in = lc_ready_stop_in,
    .start_out = lc_ready_start_out,
    .wait = se_wait,
    .dispatch = se_dispatch,
    .leave = lc_ready_leave,
};
