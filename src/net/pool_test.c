/* SPDX-License-Identifier: Apache-2.0
 *
 * net/pool_test.c - connections given back and lent again: which, how long, and never one that has
 * something to be read.
 */
#include "net/test_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/pool.h"

#define SERVERS 2
#define USERS   8

struct world {
    struct net net;
    struct lc_resolver *resolver;
    struct lc_connector *connector;
    struct lc_conn_pool *pool;
    struct lc_endpoint ep[SERVERS];
    int listeners[SERVERS];
    struct user {
        struct net_peer peer; /* first: the pool's user is a net_peer's too */
        unsigned calls;
        bool reused;
        lc_err err;
        char why[256];
        int server; /* the other side */
    } users[USERS];
};

static struct world *world_open(void **state, const struct lc_conn_pool_config *limits)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    net_open(&w->net, state, NULL);
    struct lc_conn_pool_config config = limits != NULL ? *limits : (struct lc_conn_pool_config){0};
    config.stream.layer = w->net.how->layer;
    assert_lc_ok(lc_resolver_new(NULL, &w->resolver));
    assert_lc_ok(lc_connector_new(w->net.loop, w->resolver, NULL, &w->connector));
    assert_lc_ok(lc_conn_pool_new(w->net.loop, w->connector, &config, &w->pool));
    for (size_t i = 0; i < SERVERS; i++) {
        struct lc_addr addr = net_addr(LC_TCP, false);
        struct lc_addr bound;
        char text[LC_ADDR_TEXT_MAX];
        assert_lc_ok(lc_listen_fd(&addr, &(struct lc_listen_config){0}, true, &w->listeners[i],
                                  &bound, NULL));
        lc_addr_format(&bound, text);
        assert_lc_ok(lc_endpoint_parse(lc_slice_cstr(text), 0, &w->ep[i], NULL));
    }
    for (size_t i = 0; i < USERS; i++) {
        net_peer_init(&w->users[i].peer, &w->net);
        w->users[i].server = -1;
    }
    return w;
}

static void world_close(struct world *w)
{
    lc_conn_pool_free(w->pool);
    for (size_t i = 0; i < USERS; i++) {
        if (w->users[i].peer.s != NULL)
            net_peer_done(&w->users[i].peer);
        lc_dynbuf_done(&w->users[i].peer.got);
        if (w->users[i].server >= 0)
            close(w->users[i].server);
    }
    for (int i = 0; i < 4; i++)
        net_poll(&w->net);
    lc_connector_free(w->connector);
    net_close(&w->net);
    lc_resolver_free(w->resolver);
    for (size_t i = 0; i < SERVERS; i++)
        close(w->listeners[i]);
    free(w);
}

static void on_lent(void *user, const struct lc_conn_pool_lent *lent)
{
    struct user *u = user;
    u->calls++;
    u->err = lent->err;
    u->reused = lent->reused;
    u->peer.s = lent->stream;
    snprintf(u->why, sizeof u->why, "%s", lent->why);
}

static struct lc_conn_pool_request *ask(struct world *w, size_t user, size_t server)
{
    struct lc_conn_pool_request *q;
    struct user *u = &w->users[user];
    u->calls = 0;
    assert_lc_ok(
        lc_conn_pool_get(w->pool, &w->ep[server], LC_TIME_NEVER, &net_peer_events, on_lent, u, &q));
    assert_int_equal(u->calls, 0);
    return q;
}

static struct user *get(struct world *w, size_t user, size_t server)
{
    struct user *u = &w->users[user];
    ask(w, user, server);
    NET_UNTIL(&w->net, u->calls > 0);
    assert_lc_ok(u->err);
    if (!u->reused) {
        if (u->server >= 0)
            close(u->server);
        u->server = accept4(w->listeners[server], NULL, NULL, SOCK_CLOEXEC);
        assert_true(u->server >= 0);
    }
    return u;
}

static void put(struct world *w, size_t user, size_t server)
{
    struct user *u = &w->users[user];
    u->peer.inside = true;
    lc_conn_pool_put(w->pool, &w->ep[server], u->peer.s);
    u->peer.inside = false;
    u->peer.s = NULL;
}

static struct lc_conn_pool_stats stats(const struct world *w)
{
    return lc_conn_pool_stats(w->pool);
}

/* ---- tests ---- */

static void test_lent_again(void **state)
{
    struct world *w = world_open(state, NULL);
    get(w, 0, 0);
    assert_false(w->users[0].reused);
    struct lc_stream *first = w->users[0].peer.s;
    put(w, 0, 0);
    assert_int_equal(stats(w).kept, 1);
    /* another endpoint has none */
    get(w, 1, 1);
    assert_false(w->users[1].reused);
    /* another user gets it, and what is said on it */
    get(w, 2, 0);
    assert_true(w->users[2].reused);
    assert_ptr_equal(w->users[2].peer.s, first);
    net_raw_send(&w->net, w->users[0].server, "hello");
    NET_UNTIL(&w->net, w->users[2].peer.got.n == 5);
    assert_int_equal(w->users[0].peer.got.n, 0);
    assert_int_equal(stats(w).kept, 0);
    assert_int_equal(stats(w).made, 2);
    assert_int_equal(stats(w).reused, 1);
    world_close(w);
}

/* The one that was used last is lent first, so those that are not needed become old. */
static void test_newest_first(void **state)
{
    struct world *w = world_open(state, NULL);
    for (size_t i = 0; i < 3; i++)
        get(w, i, 0);
    struct lc_stream *order[3];
    for (size_t i = 0; i < 3; i++)
        order[i] = w->users[i].peer.s;
    for (size_t i = 0; i < 3; i++)
        put(w, i, 0);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(get(w, i, 0)->peer.s, order[2 - i]);
    world_close(w);
}

/* Two ask in one turn for the one that is kept: the second gets a new one. */
static void test_not_lent_twice(void **state)
{
    struct world *w = world_open(state, NULL);
    get(w, 0, 0);
    put(w, 0, 0);
    ask(w, 1, 0);
    ask(w, 2, 0);
    NET_UNTIL(&w->net, w->users[1].calls > 0 && w->users[2].calls > 0);
    assert_true(w->users[1].reused);
    assert_false(w->users[2].reused);
    assert_ptr_not_equal(w->users[1].peer.s, w->users[2].peer.s);
    world_close(w);
}

static void test_limits(void **state)
{
    struct world *w = world_open(state, &(struct lc_conn_pool_config){.max = 3, .max_each = 2});
    for (size_t i = 0; i < 5; i++)
        get(w, i, i < 3 ? 0 : 1);
    struct lc_stream *second = w->users[1].peer.s;
    for (size_t i = 0; i < 3; i++)
        put(w, i, 0);
    assert_int_equal(stats(w).kept, 2);
    assert_int_equal(stats(w).evicted, 1);
    put(w, 3, 1);
    assert_int_equal(stats(w).kept, 3);
    put(w, 4, 1); /* over the total: the oldest of all goes, which was the second */
    assert_int_equal(stats(w).kept, 3);
    assert_int_equal(stats(w).evicted, 2);
    assert_ptr_not_equal(get(w, 0, 0)->peer.s, second);
    assert_true(w->users[0].reused);
    get(w, 1, 0);
    assert_false(w->users[1].reused);
    world_close(w);
}

static void test_expire(void **state)
{
    struct world *w =
        world_open(state, &(struct lc_conn_pool_config){.idle_ms = 1000, .age_ms = 2500});
    get(w, 0, 0);
    put(w, 0, 0);
    net_advance_ms(&w->net, 999);
    get(w, 0, 0);
    assert_true(w->users[0].reused);
    put(w, 0, 0);
    net_advance_ms(&w->net, 1000);
    net_poll(&w->net);
    assert_int_equal(stats(w).kept, 0);
    assert_int_equal(stats(w).expired, 1);

    get(w, 0, 0);
    for (unsigned i = 0; i < 3; i++) { /* never idle for long, but then too old */
        put(w, 0, 0);
        net_advance_ms(&w->net, 800);
        get(w, 0, 0);
        assert_true(w->users[0].reused);
    }
    net_advance_ms(&w->net, 800);
    net_poll(&w->net);
    put(w, 0, 0);
    assert_int_equal(stats(w).kept, 0);
    assert_int_equal(stats(w).unfit, 1);
    world_close(w);
}

/* The peer ends, or says something that nobody asked for, while the connection is kept: seen at
 * once, and seen also when somebody asks for it in the same moment. */
static void peer_acts(void **state, bool garbage, bool asked_before)
{
    struct world *w = world_open(state, NULL);
    get(w, 0, 0);
    put(w, 0, 0);
    if (asked_before)
        ask(w, 1, 0);
    if (garbage)
        net_raw_send(&w->net, w->users[0].server, "HTTP/1.1 408 too late");
    else
        shutdown(w->users[0].server, SHUT_WR);
    if (!asked_before)
        ask(w, 1, 0);
    NET_UNTIL(&w->net, w->users[1].calls > 0);
    assert_lc_ok(w->users[1].err);
    assert_false(w->users[1].reused);
    assert_int_equal(w->users[1].peer.got.n, 0);
    assert_int_equal(stats(w).ended + stats(w).garbage, 1);
    assert_int_equal(stats(w).kept, 0);
    world_close(w);
}

static void test_peer_ends(void **state)
{
    peer_acts(state, false, false);
    peer_acts(state, false, true);
}

static void test_peer_sends_garbage(void **state)
{
    peer_acts(state, true, false);
    peer_acts(state, true, true);
}

static void test_peer_resets_kept(void **state)
{
    struct world *w = world_open(state, NULL);
    get(w, 0, 0);
    put(w, 0, 0);
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(w->users[0].server, SOL_SOCKET, SO_LINGER, &reset, sizeof reset),
                     0);
    close(w->users[0].server);
    w->users[0].server = -1;
    NET_UNTIL(&w->net, stats(w).kept == 0);
    assert_int_equal(stats(w).ended, 1);
    world_close(w);
}

/* In the middle of something: not kept, and its user hears nothing any more. */
static void test_unfit(void **state)
{
    struct world *w = world_open(state, NULL);
    get(w, 0, 0);
    assert_lc_ok(lc_stream_write(w->users[0].peer.s, LC_LIT("half a requ")));
    put(w, 0, 0);
    get(w, 1, 0);
    lc_stream_pause(w->users[1].peer.s);
    put(w, 1, 0);
    get(w, 2, 0);
    net_raw_send(&w->net, w->users[2].server, "unread");
    put(w, 2, 0);
    assert_int_equal(stats(w).kept, 0);
    assert_int_equal(stats(w).unfit, 3);
    for (int i = 0; i < 4; i++)
        net_poll(&w->net);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w->users[i].peer.closes, 0);
    world_close(w);
}

static void test_refused(void **state)
{
    struct world *w = world_open(state, NULL);
    close(w->listeners[0]);
    w->listeners[0] = dup(w->listeners[1]);
    ask(w, 0, 0);
    NET_UNTIL(&w->net, w->users[0].calls > 0);
    assert_lc_err(w->users[0].err, -ECONNREFUSED);
    assert_non_null(strstr(w->users[0].why, "Connection refused"));
    assert_int_equal(stats(w).failed, 1);
    world_close(w);
}

static void test_cancel(void **state)
{
    struct world *w = world_open(state, NULL);
    lc_conn_pool_cancel(ask(w, 0, 0)); /* connecting */
    get(w, 0, 0);
    put(w, 0, 0);
    lc_conn_pool_cancel(ask(w, 1, 0)); /* about to be lent */
    struct lc_conn_pool_request *q = ask(w, 1, 0);
    net_poll(&w->net);
    if (w->users[1].calls == 0)
        lc_conn_pool_cancel(q);
    else
        put(w, 1, 0);
    assert_int_equal(stats(w).kept, 1);
    get(w, 1, 0);
    assert_true(w->users[1].reused);
    world_close(w);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_lent_again),
        NET_TEST(test_newest_first),
        NET_TEST(test_not_lent_twice),
        NET_TEST(test_limits),
        NET_TEST(test_expire),
        NET_TEST(test_peer_ends),
        NET_TEST(test_peer_sends_garbage),
        NET_TEST(test_peer_resets_kept),
        NET_TEST(test_unfit),
        NET_TEST(test_refused),
        NET_TEST(test_cancel),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), true);
}
