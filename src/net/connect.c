/* SPDX-License-Identifier: Apache-2.0
 *
 * net/connect.c - races of addresses (RFC 8305).
 *
 * Whatever happens to a race (an answer of the resolver, an attempt that ends, a timer) is only
 * noted; one step at the end of the loop's turn looks at all of it and decides. So the user is
 * called from one place, and an attempt that fails inside its own start needs no care.
 */
#include "net/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_impl.h"
#include "net/options.h"

#define DEFAULT_DELAY_MS 250
#define DEFAULT_MAX      1024
#define WHY_MAX          2048

struct lc_connector {
    struct lc_loop *loop;
    struct lc_resolve_port port;
    int64_t delay_ms;
    unsigned max;
    lc_counter connected, failed, cancelled, tries, connecting;
};

/* One address: its socket is in the loop from start to release. */
struct attempt {
    struct lc_io io;
    struct lc_connect *race;
    const struct lc_addr *to;
    bool attached; /* until released */
    bool open;     /* under way: neither connected nor failed */
};

struct lc_connect {
    struct lc_connector *connector;
    lc_connect_fn fn;
    void *user;
    struct lc_work step;
    struct lc_timer deadline, delay;
    struct lc_resolve name;
    struct lc_endpoint ep;
    bool resolved; /* `addrs` or `err` is set */
    bool expired;  /* the deadline has passed */
    bool due;      /* the next address is to be tried */
    bool over;     /* told or cancelled: as soon as its sockets are released, it is freed */
    lc_err err;    /* of resolving */
    int fd;        /* of the winner; -1: none yet */
    size_t winner;
    size_t count, started;
    unsigned attached; /* attempts not yet released */
    struct lc_connect_try tries[LC_RESOLVE_ADDRESSES];
    struct attempt attempts[LC_RESOLVE_ADDRESSES];
};

lc_err lc_connector_new(struct lc_loop *loop, struct lc_resolver *r,
                        const struct lc_connector_config *config, struct lc_connector **ret)
{
    struct lc_connector *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    struct lc_connector_config asked = config != NULL ? *config : (struct lc_connector_config){0};
    c->loop = loop;
    c->delay_ms = asked.attempt_delay_ms != 0 ? asked.attempt_delay_ms : DEFAULT_DELAY_MS;
    c->max = asked.max != 0 ? asked.max : DEFAULT_MAX;
    lc_resolve_port_open(&c->port, r, loop);
    *ret = c;
    return LC_OK;
}

void lc_connector_free(struct lc_connector *c)
{
    if (c == NULL)
        return;
    LC_ASSERT(lc_counted(&c->connecting) == 0);
    lc_resolve_port_close(&c->port);
    free(c);
}

struct lc_connector_stats lc_connector_stats(const struct lc_connector *c)
{
#define READ(name) .name = lc_counted(&c->name)
    return (struct lc_connector_stats){
        READ(connected), READ(failed), READ(cancelled), READ(tries), READ(connecting),
    };
#undef READ
}

/* ---- attempts ---- */

static void step_soon(struct lc_connect *r)
{
    if (!r->over)
        lc_loop_work(r->connector->loop, &r->step);
}

static void free_if_over(struct lc_connect *r)
{
    if (r->over && r->attached == 0)
        free(r);
}

static void end_attempt(struct attempt *a)
{
    a->open = false;
    a->race->connector->loop->backend->detach(a->race->connector->loop, &a->io);
}

static const struct lc_addr *target(struct lc_io *io)
{
    return LC_CONTAINER(io, struct attempt, io)->to;
}

static void on_connected(struct lc_io *io, lc_err e)
{
    struct attempt *a = LC_CONTAINER(io, struct attempt, io);
    struct lc_connect *r = a->race;
    size_t i = (size_t)(a - r->attempts);
    r->tries[i].err = e;
    end_attempt(a);
    if (e == LC_OK && r->fd < 0 && !r->over) {
        r->fd = io->fd; /* nothing of it is under way, so the kernel knows it no more: ours */
        r->winner = i;
        io->fd = -1;
    }
    r->due = true;
    step_soon(r);
}

static void on_released(struct lc_io *io)
{
    struct attempt *a = LC_CONTAINER(io, struct attempt, io);
    a->attached = false;
    a->race->attached--;
    free_if_over(a->race);
}

static const struct lc_io_events io_events = {
    .connected = on_connected,
    .target = target,
    .released = on_released,
};

static lc_err open_attempt(struct lc_connect *r, struct attempt *a)
{
    struct lc_loop *loop = r->connector->loop;
    int fd = socket(a->to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (a->to->transport == LC_TCP)
        (void)!lc_sockopts_apply(NULL, LC_PLACE_CONNECT, fd, NULL); /* ours alone never fail */
    lc_err e = lc_loop_attach(loop, &a->io, fd, &io_events);
    if (e != LC_OK)
        return e;
    a->attached = true;
    a->open = true;
    r->attached++;
    loop->backend->start_out(loop, &a->io, LC_OUT_CONNECT);
    return LC_OK;
}

static void try_next(struct lc_connect *r)
{
    size_t i = r->started++;
    struct attempt *a = &r->attempts[i];
    a->race = r;
    a->to = &r->tries[i].addr;
    r->tries[i].err = -EINPROGRESS;
    r->due = false;
    lc_count(&r->connector->tries, 1);
    lc_err e = open_attempt(r, a);
    if (e == LC_OK && r->started < r->count)
        e = lc_timer_set(r->connector->loop, &r->delay,
                         lc_time_add_ms(lc_loop_now(r->connector->loop), r->connector->delay_ms));
    if (e == LC_OK)
        return;
    if (a->open)
        end_attempt(a);
    r->tries[i].err = e;
    r->due = true;
    step_soon(r);
}

/* ---- the end of a race ---- */

static void end_race(struct lc_connect *r, lc_err untried)
{
    struct lc_loop *loop = r->connector->loop;
    lc_timer_cancel(loop, &r->deadline);
    lc_timer_cancel(loop, &r->delay);
    lc_link_remove(&r->step.link);
    lc_resolve_cancel(&r->name);
    for (size_t i = 0; i < r->started; i++) {
        if (!r->attempts[i].open)
            continue;
        r->tries[i].err = untried;
        end_attempt(&r->attempts[i]);
    }
    r->over = true;
    lc_count(&r->connector->connecting, (uint64_t)-1);
}

static void write_tries(const struct lc_connect *r, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < r->started && n < cap; i++) {
        char addr[LC_ADDR_TEXT_MAX];
        lc_addr_format(&r->tries[i].addr, addr);
        int wrote = snprintf(out + n, cap - n, "%s%s: %s", i > 0 ? "; " : "", addr,
                             lc_strerror(r->tries[i].err));
        n += wrote > 0 ? (size_t)wrote : 0;
    }
}

static void write_why(const struct lc_connect *r, char *out, size_t cap)
{
    const char *name = r->ep.path[0] != '\0' ? r->ep.path : r->ep.host;
    if (r->resolved && r->err == LC_OK)
        write_tries(r, out, cap);
    else if (!r->resolved)
        snprintf(out, cap, "%s: the name was not resolved in time", name);
    else
        snprintf(out, cap, "%s",
                 r->name.diag.text[0] != '\0' ? r->name.diag.text : lc_strerror(r->err));
}

static lc_err why_failed(const struct lc_connect *r)
{
    if (r->expired)
        return -ETIMEDOUT;
    return r->err != LC_OK ? r->err : r->tries[0].err;
}

static void tell(struct lc_connect *r)
{
    char why[WHY_MAX] = "";
    bool won = r->fd >= 0;
    end_race(r, won ? -ECANCELED : -ETIMEDOUT);
    struct lc_connected result = {
        .fd = r->fd,
        .why = why,
        .tries = r->tries,
        .try_count = r->started,
    };
    if (won) {
        fcntl(r->fd, F_SETFL, O_NONBLOCK); /* io_uring has it blocking */
        result.addr = r->tries[r->winner].addr;
        lc_count(&r->connector->connected, 1);
    } else {
        result.err = why_failed(r);
        write_why(r, why, sizeof why);
        lc_count(&r->connector->failed, 1);
    }
    r->fn(r->user, &result);
    free_if_over(r);
}

/* ---- a race ---- */

static bool all_failed(const struct lc_connect *r)
{
    for (size_t i = 0; i < r->started; i++)
        if (r->attempts[i].open)
            return false;
    return r->started == r->count;
}

static void run_step(struct lc_work *work)
{
    struct lc_connect *r = LC_CONTAINER(work, struct lc_connect, step);
    bool ended = r->fd >= 0 || r->expired || (r->resolved && (r->err != LC_OK || all_failed(r)));
    if (ended)
        tell(r);
    else if (r->resolved && r->due && r->started < r->count)
        try_next(r);
}

static void on_deadline(struct lc_timer *timer)
{
    struct lc_connect *r = LC_CONTAINER(timer, struct lc_connect, deadline);
    r->expired = true;
    step_soon(r);
}

static void on_delay(struct lc_timer *timer)
{
    struct lc_connect *r = LC_CONTAINER(timer, struct lc_connect, delay);
    r->due = true;
    step_soon(r);
}

/* RFC 8305 section 4: the families take turns, beginning with that of the first address. */
static void interleave(struct lc_connect *r, const struct lc_addr *addrs, size_t n)
{
    bool used[LC_RESOLVE_ADDRESSES] = {false};
    sa_family_t family = addrs[0].sa.ss_family;
    for (r->count = 0; r->count < n; r->count++) {
        size_t pick = n;
        for (size_t i = 0; i < n; i++) {
            if (used[i] || (pick < n && addrs[i].sa.ss_family != family))
                continue;
            if (pick == n || addrs[pick].sa.ss_family != family)
                pick = i;
        }
        used[pick] = true;
        r->tries[r->count].addr = addrs[pick];
        family = addrs[pick].sa.ss_family == AF_INET6 ? AF_INET : AF_INET6;
    }
}

static void take_addrs(struct lc_connect *r, const struct lc_addr *addrs, size_t n)
{
    interleave(r, addrs, n);
    r->resolved = true;
    r->due = true;
    step_soon(r);
}

static void on_resolved(struct lc_resolve *q)
{
    struct lc_connect *r = LC_CONTAINER(q, struct lc_connect, name);
    if (q->err == LC_OK && q->count > 0) {
        take_addrs(r, q->addrs, q->count);
        return;
    }
    r->err = q->err != LC_OK ? q->err : LC_EGONE;
    r->resolved = true;
    step_soon(r);
}

static lc_err start(struct lc_connect *r, struct lc_time deadline)
{
    struct lc_addr literal;
    lc_err e = LC_OK;
    if (deadline.ns != LC_TIME_NEVER.ns)
        e = lc_timer_set(r->connector->loop, &r->deadline, deadline);
    if (e != LC_OK)
        return e;
    if (!lc_addr_literal(&r->ep, &literal)) {
        e = lc_resolve_start(&r->connector->port, &r->name, &r->ep, on_resolved);
        if (e != LC_OK)
            lc_timer_cancel(r->connector->loop, &r->deadline);
        return e;
    }
    take_addrs(r, &literal, 1);
    return LC_OK;
}

lc_err lc_connect(struct lc_connector *c, const struct lc_endpoint *ep, struct lc_time deadline,
                  lc_connect_fn fn, void *user, struct lc_connect **ret)
{
    if (lc_counted(&c->connecting) >= c->max)
        return LC_ELIMIT;
    struct lc_connect *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->connector = c;
    r->fn = fn;
    r->user = user;
    r->ep = *ep;
    r->fd = -1;
    lc_work_init(&r->step, run_step);
    lc_timer_init(&r->deadline, on_deadline);
    lc_timer_init(&r->delay, on_delay);
    lc_err e = start(r, deadline);
    if (e != LC_OK) {
        free(r);
        return e;
    }
    lc_count(&c->connecting, 1);
    *ret = r;
    return LC_OK;
}

void lc_connect_cancel(struct lc_connect *r)
{
    end_race(r, -ECANCELED);
    lc_count(&r->connector->cancelled, 1);
    if (r->fd >= 0)
        close(r->fd);
    free_if_over(r);
}
