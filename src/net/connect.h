/* SPDX-License-Identifier: Apache-2.0
 *
 * net/connect.h - from an endpoint to a connected socket, as soon as any of its addresses answers.
 *
 * WHAT    The name is resolved (net/resolve.h), its addresses are raced as in RFC 8305 (happy
 *         eyeballs): families alternate, a further address is tried every 250 ms, or at once when
 *         the one before has failed; the first that answers wins and the others are closed.
 * NOT     A connector does not try again: that is net/backoff.h, and who has something to send.
 *         getaddrinfo(3) tells IPv6 and IPv4 together, so RFC 8305's resolution delay (section 3)
 *         has nothing to wait for.
 * WHO     Whoever sends: relays, pools (net/pool.h).
 * THREAD  The loop's thread, or before the loop runs.
 */
#ifndef LC_NET_CONNECT_H
#define LC_NET_CONNECT_H

#include "net/addr.h"
#include "net/loop.h"
#include "net/resolve.h"

struct lc_connector;

struct lc_connector_config {
    int64_t attempt_delay_ms; /* 0: 250 */
    unsigned max;             /* connecting at once; 0: 1,024 */
};

/* One for each loop; `r` is borrowed, `config` may be NULL. */
LC_MUST_CHECK lc_err lc_connector_new(struct lc_loop *loop, struct lc_resolver *r,
                                      const struct lc_connector_config *config,
                                      struct lc_connector **ret);
/* After the loop's last turn, before lc_loop_free(), and when nothing is connecting any more (all
 * called back or cancelled). NULL is accepted. */
void lc_connector_free(struct lc_connector *c);

/* An address that was tried. */
struct lc_connect_try {
    struct lc_addr addr;
    lc_err err; /* LC_OK: this one won; -ECANCELED: another did; -ETIMEDOUT: the deadline came */
};

struct lc_connected {
    lc_err err; /* -ETIMEDOUT: the deadline came; what the name's resolving said (LC_EGONE:
                 * no such name); else why the first address failed */
    int fd;     /* the callee's: connected, non-blocking, close-on-exec, with the options of
                 * our own connections; for lc_stream_open(). -1: failed */
    struct lc_addr addr; /* of the peer */
    const char *why;     /* failed: `name: cause`, or each address that was tried and why it failed,
                          * as `[::1]:9999: Connection refused; 127.0.0.1:9999: timed out`. Borrowed
                          * for the call */
    const struct lc_connect_try *tries; /* in the order they were tried; borrowed for the call */
    size_t try_count;
};

/* From the loop, exactly once unless cancelled, never inside lc_connect(). */
typedef void (*lc_connect_fn)(void *user, const struct lc_connected *result);

struct lc_connect;

/* Connects to a stream endpoint (TCP or Unix). The deadline counts for all of it, DNS included.
 * *ret is for lc_connect_cancel(), and is gone once `fn` is called. LC_ELIMIT: too many are
 * connecting, or too many names are being resolved; -ENOMEM. */
LC_MUST_CHECK lc_err lc_connect(struct lc_connector *c, const struct lc_endpoint *ep,
                                struct lc_time deadline, lc_connect_fn fn, void *user,
                                struct lc_connect **ret);
/* `fn` is not called any more. */
void lc_connect_cancel(struct lc_connect *race);

struct lc_connector_stats {
    uint64_t connected, failed, cancelled;
    uint64_t tries;      /* addresses tried */
    uint64_t connecting; /* now */
};
/* Any thread: each counter is read whole. */
struct lc_connector_stats lc_connector_stats(const struct lc_connector *c);

#endif
