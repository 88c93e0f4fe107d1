/* SPDX-License-Identifier: Apache-2.0
 *
 * net/resolve.h - names to addresses without keeping a loop waiting.
 *
 * WHAT    getaddrinfo(3) blocks for as long as DNS takes, so a few threads call it. What they find
 *         is kept for some seconds, failures for one: many who connect to one name at once ask
 *         once. Addresses and paths that are no names never come here (lc_addr_literal()).
 * LIMITS  LC_RESOLVE_NAMES names waiting, being asked or kept; over it the one kept for longest
 *         goes, and when none is only kept: LC_ELIMIT.
 * WHO     net/connect.h, and whoever makes the resolver that its connectors share.
 * THREAD  A resolver: any. A port belongs to its loop's thread.
 */
#ifndef LC_NET_RESOLVE_H
#define LC_NET_RESOLVE_H

#include "base/list.h"
#include "net/addr.h"
#include "net/loop.h"

#define LC_RESOLVE_NAMES     256
#define LC_RESOLVE_ADDRESSES 16 /* of one name; further ones are left out */
#define LC_RESOLVE_THREADS   8

struct lc_resolver;

struct lc_resolver_config {
    unsigned threads;             /* at most, made when they are needed; 0: 4 */
    int64_t keep_ms;              /* 0: 10 s */
    int64_t keep_failure_ms;      /* 0: 1 s */
    const struct lc_clock *clock; /* NULL: lc_clock_system */
    /* As lc_addr_resolve(), which NULL means; called on the resolver's threads. */
    lc_err (*resolve)(void *state, const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                      size_t *ret_count, struct lc_diag *diag);
    void *state;
};

/* `config` may be NULL. */
LC_MUST_CHECK lc_err lc_resolver_new(const struct lc_resolver_config *config,
                                     struct lc_resolver **ret);
/* After all its ports are closed. Does not wait for DNS: a thread that is inside getaddrinfo(3)
 * ends by itself. NULL is accepted. */
void lc_resolver_free(struct lc_resolver *r);

struct lc_resolver_stats {
    uint64_t asked;   /* lookups made */
    uint64_t kept;    /* requests answered by what was kept, or joined to a lookup under way */
    uint64_t failed;  /* lookups that found nothing */
    uint64_t refused; /* requests over the limit */
    unsigned names;   /* waiting, being asked and kept now */
    unsigned threads; /* now */
};
struct lc_resolver_stats lc_resolver_stats(struct lc_resolver *r);

/* Where answers arrive: one for each loop. */
struct lc_resolve_port {
    struct lc_resolver *resolver;
    struct lc_loop *loop;
    struct lc_task task;
    struct lc_link answered; /* struct lc_resolve; the resolver's lock */
};

void lc_resolve_port_open(struct lc_resolve_port *port, struct lc_resolver *r,
                          struct lc_loop *loop);
/* After the loop's last turn, and when no request is under way. */
void lc_resolve_port_close(struct lc_resolve_port *port);

/* One request; it belongs to the caller, and stays where it is until done() or cancel. */
struct lc_resolve {
    void (*done)(struct lc_resolve *q); /* on the loop, never inside lc_resolve_start() */
    lc_err err;                         /* as lc_addr_resolve() */
    struct lc_diag diag;                /* when err is not LC_OK */
    struct lc_addr addrs[LC_RESOLVE_ADDRESSES];
    size_t count;

    struct lc_endpoint ep;
    struct lc_resolve_port *port;
    struct lc_link link; /* of who waits for a name, or of port->answered */
};

/* LC_ELIMIT, -ENOMEM, -EAGAIN (no thread can be made): done() will not be called. */
LC_MUST_CHECK lc_err lc_resolve_start(struct lc_resolve_port *port, struct lc_resolve *q,
                                      const struct lc_endpoint *ep,
                                      void (*done)(struct lc_resolve *q));
/* done() is not called any more. Also after done(), and never started but zeroed. */
void lc_resolve_cancel(struct lc_resolve *q);

#endif
