/* SPDX-License-Identifier: Apache-2.0
 *
 * net/listener.c - listening sockets, and accepting without spinning.
 */
#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_impl.h"
#include "net/socket.h"

#define DEFAULT_MODE 0666

/* When descriptors run out, how long to wait for some to be closed. */
#define ACCEPT_PAUSE_MS 100

struct lc_listener {
    struct lc_io io;
    struct lc_loop *loop;
    lc_accept_fn accept;
    void *user;
    const struct lc_sockopts *options;
    struct lc_time opened;
    uint64_t accepted;
    struct lc_timer again; /* always set, so that moving it cannot fail */
};

lc_err lc_listen_fd(const struct lc_addr *addr, const struct lc_listen_config *config, bool first,
                    int *ret_fd, struct lc_addr *ret_bound, struct lc_diag *diag)
{
    struct lc_bind_plan plan = {
        .addr = addr,
        .mode = config->mode != 0 ? config->mode : DEFAULT_MODE,
        .reuse_port = config->reuse_port,
        .first = first,
        .options = config->options,
    };
    int fd;
    lc_err e = lc_socket_bind(&plan, &fd, diag);
    if (e != LC_OK)
        return e;
    if (listen(fd, lc_sockopts_backlog(config->options)) < 0)
        e = errno == EADDRINUSE ? lc_socket_in_use(addr, diag) : -errno;
    else
        e = lc_socket_addr(fd, addr->transport, ret_bound);
    if (e != LC_OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return LC_OK;
}

bool lc_accepted_uid(int fd, unsigned *ret_uid)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return false;
    *ret_uid = cred.uid;
    return true;
}

/* Errors of one connection, which was lost between arriving and being accepted; accept(2) says to
 * treat them as EAGAIN. */
static bool is_of_connection(lc_err e)
{
    switch (-e) {
    case ECONNABORTED:
    case EINTR:
    case EPERM: /* a firewall's rule */
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static void move_timer(struct lc_listener *l, struct lc_time deadline)
{
    lc_err e = lc_timer_set(l->loop, &l->again, deadline);
    LC_ASSERT(e == LC_OK); /* net/timers.h: a timer that is set, or was just taken out, has room */
}

static void on_again(struct lc_timer *timer)
{
    struct lc_listener *l = LC_CONTAINER(timer, struct lc_listener, again);
    move_timer(l, LC_TIME_NEVER);
    l->loop->backend->start_in(l->loop, &l->io, LC_IN_ACCEPT);
}

static void pause_accepting(struct lc_listener *l)
{
    lc_count(&l->loop->counters.accept_paused, 1);
    l->loop->backend->stop_in(l->loop, &l->io);
    move_timer(l, lc_time_add_ms(lc_loop_now(l->loop), ACCEPT_PAUSE_MS));
}

static void on_accepted(struct lc_io *io, int fd_or_err, const struct lc_addr *peer)
{
    struct lc_listener *l = LC_CONTAINER(io, struct lc_listener, io);
    if (fd_or_err < 0) {
        if (!is_of_connection(fd_or_err))
            pause_accepting(l);
        return;
    }
    if (!lc_loop_admits(l->loop)) {
        close(fd_or_err);
        return;
    }
    lc_count(&l->loop->counters.accepted, 1);
    l->accepted++;
    if (l->options != NULL)
        lc_sockopts_accepted(l->options, fd_or_err);
    l->accept(l->user, fd_or_err, peer);
}

static void on_released(struct lc_io *io)
{
    free(LC_CONTAINER(io, struct lc_listener, io));
}

static void describe(const struct lc_io *io, struct lc_socket_row *ret)
{
    const struct lc_listener *l = LC_CONTAINER(io, struct lc_listener, io);
    ret->kind = LC_SOCKET_LISTENER;
    ret->local.transport = ret->local.sa.ss_family == AF_UNIX ? LC_UNIX_STREAM : LC_TCP;
    ret->opened = l->opened;
    ret->accepted = l->accepted;
}

static const struct lc_io_events io_events = {
    .accepted = on_accepted,
    .released = on_released,
    .describe = describe,
};

lc_err lc_listener_open(struct lc_loop *loop, int fd, lc_accept_fn accept, void *user,
                        struct lc_listener **ret)
{
    struct lc_listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        close(fd);
        return -ENOMEM;
    }
    l->loop = loop;
    l->accept = accept;
    l->user = user;
    l->opened = lc_loop_now(loop);
    lc_timer_init(&l->again, on_again);
    lc_err e = lc_timer_set(loop, &l->again, LC_TIME_NEVER);
    if (e != LC_OK)
        close(fd);
    else
        e = lc_loop_attach(loop, &l->io, fd, &io_events);
    if (e != LC_OK) {
        lc_timer_cancel(loop, &l->again);
        free(l);
        return e;
    }
    loop->backend->start_in(loop, &l->io, LC_IN_ACCEPT);
    *ret = l;
    return LC_OK;
}

void lc_listener_options(struct lc_listener *l, const struct lc_sockopts *options)
{
    l->options = options;
}

void lc_listener_close(struct lc_listener *l)
{
    if (l == NULL)
        return;
    lc_timer_cancel(l->loop, &l->again);
    l->loop->backend->detach(l->loop, &l->io);
}
