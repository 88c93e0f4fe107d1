/* SPDX-License-Identifier: Apache-2.0
 *
 * net/pool.h - connections that are kept for the next one who wants to talk to the same endpoint.
 *
 * WHAT    Who is done with a stream gives it back; who wants one gets the one that was given back
 *         last, or a new one by net/connect.h. A kept stream goes on being watched: as soon as
 *         anything is to be read from it, its end or octets that nobody asked for, it is closed.
 *         Before it is lent again a whole turn of the loop passes, so that what had arrived by then
 *         has been seen on every backend.
 * LIMITS  Connections kept, in all and for one endpoint (over that the one unused for longest is
 *         closed); how long one is kept unused, and how old it may become.
 * NOT     No limit to those that are lent: that is the loop's max_connections, and the user's.
 * WHO     Services that ask others on behalf of their own users.
 * THREAD  The loop's thread, or before the loop runs.
 */
#ifndef LC_NET_POOL_H
#define LC_NET_POOL_H

#include "net/connect.h"
#include "net/stream.h"

struct lc_conn_pool;

struct lc_conn_pool_config {
    unsigned max;                   /* kept in all; 0: 256 */
    unsigned max_each;              /* kept for one endpoint; 0: 32 */
    int64_t idle_ms;                /* kept unused; 0: 30 s */
    int64_t age_ms;                 /* since it was connected; 0: 10 min */
    struct lc_stream_config stream; /* of those that are made here */
};

/* `c` is borrowed; `config` may be NULL. */
LC_MUST_CHECK lc_err lc_conn_pool_new(struct lc_loop *loop, struct lc_connector *c,
                                      const struct lc_conn_pool_config *config,
                                      struct lc_conn_pool **ret);
/* Closes what is kept; what is lent may not be given back any more. No request may be under way.
 * Before lc_loop_free(). NULL is accepted. */
void lc_conn_pool_free(struct lc_conn_pool *p);

struct lc_conn_pool_lent {
    lc_err err;
    struct lc_stream *stream; /* NULL: failed */
    bool reused;
    const char *why; /* failed: as lc_connected.why; borrowed for the call */
};

/* From the loop, once unless cancelled, never inside lc_conn_pool_get(). */
typedef void (*lc_conn_pool_fn)(void *user, const struct lc_conn_pool_lent *lent);

struct lc_conn_pool_request;

/* The stream will have `events` and `user` (net/stream.h); `fn` is given `user` too. The deadline
 * is for connecting. *ret is for lc_conn_pool_cancel(), and is gone once `fn` is called. As
 * lc_connect(). */
LC_MUST_CHECK lc_err lc_conn_pool_get(struct lc_conn_pool *p, const struct lc_endpoint *ep,
                                      struct lc_time deadline,
                                      const struct lc_stream_events *events, lc_conn_pool_fn fn,
                                      void *user, struct lc_conn_pool_request **ret);
/* `fn` is not called any more; what was about to be lent stays kept. */
void lc_conn_pool_cancel(struct lc_conn_pool_request *q);

/* Gives a stream back that is open to `ep`: no event comes to its user any more. One that is in the
 * middle of something (octets queued, received and not spent, paused, ended) is closed. */
void lc_conn_pool_put(struct lc_conn_pool *p, const struct lc_endpoint *ep, struct lc_stream *s);

struct lc_conn_pool_stats {
    uint64_t reused, made, failed; /* requests answered by */
    uint64_t given_back;
    uint64_t unfit;   /* of these closed: in the middle of something, or too old */
    uint64_t evicted; /* closed for another one, over a limit */
    uint64_t expired; /* kept unused too long, or too old */
    uint64_t ended;   /* by the peer while they were kept */
    uint64_t garbage; /* the peer sent what nobody had asked for */
    uint64_t kept;    /* now */
};
/* Any thread: each counter is read whole. */
struct lc_conn_pool_stats lc_conn_pool_stats(const struct lc_conn_pool *p);

#endif
