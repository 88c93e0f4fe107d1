/* SPDX-License-Identifier: Apache-2.0
 *
 * net/connect_test.c - races of addresses on every backend: who wins, what is told, and cancelling
 * at every turn.
 */
#include "net/test_net.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/connect.h"
#include "net/listener.h"

/* What names mean, and a gate at which the resolver's threads wait while it is shut. */
struct table {
    struct lc_addr addrs[LC_RESOLVE_ADDRESSES];
    size_t count;
    lc_err err;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool shut;
    atomic_uint inside, asked;
    atomic_int_fast64_t now_ns;
};

static void pass_gate(struct table *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->shut)
        pthread_cond_wait(&t->opened, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static lc_err look_up(void *state, const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                      size_t *ret_count, struct lc_diag *diag)
{
    struct table *t = state;
    assert_true(ep->port == 0 && t->count <= max);
    atomic_fetch_add(&t->inside, 1);
    atomic_fetch_add(&t->asked, 1);
    pass_gate(t);
    lc_err e = t->err;
    if (e == LC_OK) {
        memcpy(ret, t->addrs, t->count * sizeof *ret);
        *ret_count = t->count;
    } else {
        lc_diag_set(diag, "%s: the table says no", ep->host);
    }
    atomic_fetch_sub(&t->inside, 1); /* from here on a test may free the table */
    return e;
}

static struct lc_time table_time(void *state)
{
    return (struct lc_time){atomic_load(&((struct table *)state)->now_ns)};
}

struct client {
    struct net net;
    struct table table;
    struct lc_clock clock;
    struct lc_resolver *resolver;
    struct lc_connector *connector;
    struct lc_connect *race;
    /* what was told */
    unsigned calls;
    lc_err err;
    int fd;
    struct lc_addr addr;
    char why[2048];
    struct lc_connect_try tries[LC_RESOLVE_ADDRESSES];
    size_t try_count;
};

static void set_gate(struct table *t, bool shut)
{
    pthread_mutex_lock(&t->lock);
    t->shut = shut;
    pthread_cond_broadcast(&t->opened);
    pthread_mutex_unlock(&t->lock);
}

static struct client *client_open(void **state, unsigned max)
{
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    net_open(&c->net, state, NULL);
    pthread_mutex_init(&c->table.lock, NULL);
    pthread_cond_init(&c->table.opened, NULL);
    c->clock = lc_clock_system;
    c->clock.monotonic = table_time;
    c->clock.state = &c->table;
    struct lc_resolver_config config = {
        .threads = 1, .clock = &c->clock, .resolve = look_up, .state = &c->table};
    assert_lc_ok(lc_resolver_new(&config, &c->resolver));
    assert_lc_ok(lc_connector_new(c->net.loop, c->resolver,
                                  &(struct lc_connector_config){.max = max}, &c->connector));
    c->fd = -1;
    return c;
}

static void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    set_gate(&c->table, false);
    /* a cancelled attempt is freed by the turns that release it */
    for (int i = 0; i < 4; i++)
        net_poll(&c->net);
    lc_connector_free(c->connector);
    net_close(&c->net);
    while (atomic_load(&c->table.inside) > 0)
        continue;
    lc_resolver_free(c->resolver);
    pthread_mutex_destroy(&c->table.lock);
    pthread_cond_destroy(&c->table.opened);
    free(c);
}

static void on_connected(void *user, const struct lc_connected *result)
{
    struct client *c = user;
    c->calls++;
    c->err = result->err;
    c->fd = result->fd;
    c->addr = result->addr;
    c->try_count = result->try_count;
    memcpy(c->tries, result->tries, result->try_count * sizeof *c->tries);
    snprintf(c->why, sizeof c->why, "%s", result->why);
}

static lc_err start(struct client *c, const char *endpoint, int64_t deadline_ms)
{
    struct lc_endpoint ep;
    assert_lc_ok(lc_endpoint_parse(lc_slice_cstr(endpoint), 0, &ep, NULL));
    struct lc_time deadline = deadline_ms < 0
                                  ? LC_TIME_NEVER
                                  : lc_time_add_ms((struct lc_time){c->net.now_ns}, deadline_ms);
    return lc_connect(c->connector, &ep, deadline, on_connected, c, &c->race);
}

/* ---- peers ---- */

static int listen_on(const char *text, int backlog, struct lc_addr *ret)
{
    struct lc_addr addr = net_addr_parse(text);
    struct lc_sockopts options = {.count = 0};
    char option[32];
    snprintf(option, sizeof option, "backlog=%d", backlog);
    assert_lc_ok(lc_sockopts_add(&options, option, NULL));
    struct lc_listen_config config = {.options = &options};
    int fd;
    assert_lc_ok(lc_listen_fd(&addr, &config, true, &fd, ret, NULL));
    return fd;
}

static struct lc_addr refusing(const char *text)
{
    struct lc_addr addr;
    close(listen_on(text, 1, &addr));
    return addr;
}

/* A listener that takes no more: a further SYN is dropped, as by a firewall. */
struct hole {
    struct lc_addr addr;
    int fds[8];
};

static void hole_open(struct hole *h, const char *text)
{
    h->fds[0] = listen_on(text, 1, &h->addr);
    for (size_t i = 1; i < LC_ARRAY_LEN(h->fds); i++) {
        h->fds[i] = socket(h->addr.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(h->fds[i] >= 0);
        int e = connect(h->fds[i], (struct sockaddr *)&h->addr.sa, h->addr.len);
        assert_true(e == 0 || errno == EINPROGRESS);
    }
}

static void hole_close(struct hole *h)
{
    for (size_t i = 0; i < LC_ARRAY_LEN(h->fds); i++)
        close(h->fds[i]);
}

static void means(struct client *c, const struct lc_addr *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c->table.addrs[c->table.count++] = a[i];
}

/* The result's descriptor is connected to where it says. The table has no ports: all listeners of a
 * test have the one that is connected to. */
static void assert_connected(struct client *c, const struct lc_addr *to)
{
    struct lc_addr peer = {.len = sizeof peer.sa};
    assert_int_equal(c->calls, 1);
    assert_lc_ok(c->err);
    assert_int_equal(getpeername(c->fd, (struct sockaddr *)&peer.sa, &peer.len), 0);
    assert_true(lc_addr_port(&peer) == lc_addr_port(to) && peer.sa.ss_family == to->sa.ss_family);
    assert_int_equal(fcntl(c->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(c->why[0], '\0');
}

static char *with_port(const char *host, const struct lc_addr *addr)
{
    static char text[64];
    snprintf(text, sizeof text, "%s:%u", host, lc_addr_port(addr));
    return text;
}

/* ---- tests ---- */

static void connects_to(void **state, const char *listen, const char *host)
{
    struct client *c = client_open(state, 0);
    struct lc_addr bound;
    int listener = listen_on(listen, 8, &bound);
    assert_lc_ok(start(c, with_port(host, &bound), 5000));
    assert_int_equal(c->calls, 0);
    NET_UNTIL(&c->net, c->calls > 0);
    assert_connected(c, &bound);
    assert_int_equal(atomic_load(&c->table.asked), 0);
    close(listener);
    client_close(c);
}

static void test_literal_addresses(void **state)
{
    connects_to(state, "127.0.0.1:0", "127.0.0.1");
    connects_to(state, "[::1]:0", "[::1]");
}

static void test_unix_path(void **state)
{
    struct client *c = client_open(state, 0);
    struct lc_addr addr = net_addr(LC_UNIX_STREAM, false);
    char text[LC_ADDR_TEXT_MAX];
    lc_addr_format(&addr, text);
    assert_lc_ok(start(c, text, -1));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_lc_err(c->err, -ENOENT);
    assert_non_null(strstr(c->why, text));
    assert_non_null(strstr(c->why, "No such file"));
    c->calls = 0;
    int listener = listen_on(text, 8, &addr);
    assert_lc_ok(start(c, text, -1));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_connected(c, &addr);
    close(listener);
    unlink(text + strlen("unix:"));
    client_close(c);
}

/* The first address refuses: the second is tried at once, without the delay. */
static void test_refused_goes_on_at_once(void **state)
{
    struct client *c = client_open(state, 0);
    struct lc_addr bound;
    int listener = listen_on("127.0.0.1:0", 8, &bound);
    struct lc_addr dead = net_addr_parse("[::1]:0");
    means(c, &dead, 1);
    means(c, &bound, 1);
    assert_lc_ok(start(c, with_port("two.example", &bound), 5000));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_connected(c, &bound);
    assert_int_equal(c->try_count, 2);
    assert_lc_err(c->tries[0].err, -ECONNREFUSED);
    assert_lc_ok(c->tries[1].err);
    close(listener);
    client_close(c);
}

/* An address that does not answer costs 250 ms, and no more. */
static void test_black_hole_then_other_family(void **state)
{
    struct client *c = client_open(state, 0);
    struct hole hole;
    hole_open(&hole, "[::1]:0");
    struct lc_addr bound;
    int listener = listen_on(with_port("127.0.0.1", &hole.addr), 8, &bound);
    means(c, &hole.addr, 1);
    means(c, &hole.addr, 1);
    means(c, &bound, 1);
    assert_lc_ok(start(c, with_port("three.example", &bound), 5000));
    while (lc_connector_stats(c->connector).tries == 0)
        assert_lc_ok(lc_loop_turn(c->net.loop));
    net_advance_ms(&c->net, 249);
    net_poll(&c->net);
    assert_int_equal(lc_connector_stats(c->connector).tries, 1);
    net_advance_ms(&c->net, 1);
    NET_UNTIL(&c->net, c->calls > 0);
    assert_connected(c, &bound);
    /* the families take turns, so the second address of the first was never tried */
    assert_int_equal(c->try_count, 2);
    assert_lc_err(c->tries[0].err, -ECANCELED);
    close(listener);
    hole_close(&hole);
    client_close(c);
}

static void test_deadline_tells_each_address(void **state)
{
    struct client *c = client_open(state, 0);
    struct hole hole;
    hole_open(&hole, "127.0.0.1:0");
    struct lc_addr dead = net_addr_parse("[::1]:0");
    means(c, &dead, 1);
    means(c, &hole.addr, 1);
    assert_lc_ok(start(c, with_port("bad.example", &hole.addr), 1000));
    while (lc_connector_stats(c->connector).tries < 2)
        assert_lc_ok(lc_loop_turn(c->net.loop));
    net_advance_ms(&c->net, 1000);
    NET_UNTIL(&c->net, c->calls > 0);
    assert_lc_err(c->err, -ETIMEDOUT);
    assert_int_equal(c->fd, -1);
    char expected[256];
    snprintf(expected, sizeof expected,
             "[::1]:%u: Connection refused; 127.0.0.1:%u: Connection timed out",
             lc_addr_port(&hole.addr), lc_addr_port(&hole.addr));
    assert_string_equal(c->why, expected);
    assert_int_equal(lc_connector_stats(c->connector).failed, 1);
    hole_close(&hole);
    client_close(c);
}

static void test_all_refuse(void **state)
{
    struct client *c = client_open(state, 0);
    struct lc_addr dead = refusing("127.0.0.1:0");
    for (size_t i = 0; i < LC_RESOLVE_ADDRESSES; i++)
        means(c, &dead, 1);
    assert_lc_ok(start(c, with_port("many.example", &dead), 5000));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_lc_err(c->err, -ECONNREFUSED);
    assert_int_equal(c->try_count, LC_RESOLVE_ADDRESSES);
    assert_int_equal(lc_connector_stats(c->connector).tries, LC_RESOLVE_ADDRESSES);
    client_close(c);
}

static void test_unknown_name(void **state)
{
    struct client *c = client_open(state, 0);
    c->table.err = LC_EGONE;
    for (unsigned i = 0; i < 2; i++) {
        c->calls = 0;
        assert_lc_ok(start(c, "nowhere.example:9", 5000));
        NET_UNTIL(&c->net, c->calls > 0);
        assert_lc_err(c->err, LC_EGONE);
        assert_string_equal(c->why, "nowhere.example: the table says no");
    }
    assert_int_equal(atomic_load(&c->table.asked), 1); /* it is kept */
    atomic_fetch_add(&c->table.now_ns, LC_NS_PER_S);
    c->calls = 0;
    assert_lc_ok(start(c, "nowhere.example:9", 5000));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_int_equal(atomic_load(&c->table.asked), 2); /* but not for long */
    client_close(c);
}

static void test_name_too_slow(void **state)
{
    struct client *c = client_open(state, 0);
    set_gate(&c->table, true);
    assert_lc_ok(start(c, "slow.example:9", 1000));
    net_poll(&c->net);
    net_advance_ms(&c->net, 1000);
    NET_UNTIL(&c->net, c->calls > 0);
    assert_lc_err(c->err, -ETIMEDOUT);
    assert_string_equal(c->why, "slow.example: the name was not resolved in time");
    client_close(c);
}

static void test_kept_names(void **state)
{
    struct client *c = client_open(state, 0);
    struct lc_addr bound;
    int listener = listen_on("127.0.0.1:0", 8, &bound);
    means(c, &bound, 1);
    for (unsigned i = 1; i <= 4; i++) {
        c->calls = 0;
        assert_lc_ok(start(c, with_port("kept.example", &bound), 5000));
        NET_UNTIL(&c->net, c->calls > 0);
        assert_connected(c, &bound);
        close(c->fd);
        c->fd = -1;
        assert_int_equal(atomic_load(&c->table.asked), i <= 2 ? 1 : i - 1);
        if (i >= 2)
            atomic_fetch_add(&c->table.now_ns, 10 * LC_NS_PER_S);
    }
    assert_int_equal(lc_resolver_stats(c->resolver).kept, 1);
    close(listener);
    client_close(c);
}

static void test_limit(void **state)
{
    struct client *c = client_open(state, 2);
    struct lc_connect *races[2];
    set_gate(&c->table, true);
    for (size_t i = 0; i < 2; i++) {
        assert_lc_ok(start(c, "any.example:9", -1));
        races[i] = c->race;
    }
    assert_lc_err(start(c, "any.example:9", -1), LC_ELIMIT);
    for (size_t i = 0; i < 2; i++)
        lc_connect_cancel(races[i]);
    assert_int_equal(lc_connector_stats(c->connector).connecting, 0);
    client_close(c);
}

/* More names than fit while none is answered: refused. Once they are answered, they make room. */
static void test_names_limit(void **state)
{
    struct client *c = client_open(state, 0);
    static struct lc_connect *races[LC_RESOLVE_NAMES];
    char name[32];
    c->table.err = LC_EGONE;
    set_gate(&c->table, true);
    for (unsigned i = 0; i < LC_RESOLVE_NAMES; i++) {
        snprintf(name, sizeof name, "n%u.example:9", i);
        assert_lc_ok(start(c, name, -1));
        races[i] = c->race;
    }
    assert_lc_err(start(c, "more.example:9", -1), LC_ELIMIT);
    assert_int_equal(lc_resolver_stats(c->resolver).refused, 1);
    lc_connect_cancel(races[0]);
    set_gate(&c->table, false);
    NET_UNTIL(&c->net, c->calls == LC_RESOLVE_NAMES - 1);
    assert_lc_ok(start(c, "more.example:9", -1));
    NET_UNTIL(&c->net, c->calls == LC_RESOLVE_NAMES);
    assert_int_equal(lc_resolver_stats(c->resolver).names, LC_RESOLVE_NAMES);
    client_close(c);
}

/* Cancelled before the first turn, after it, after two...: the user is never called after it, and
 * nothing is left behind (client_close() and the sanitizers see to that). */
static void test_cancel_at_every_turn(void **state)
{
    for (unsigned turns = 0; turns < 12; turns++) {
        struct client *c = client_open(state, 0);
        struct hole hole;
        struct lc_addr bound;
        hole_open(&hole, "127.0.0.1:0");
        int listener = listen_on(with_port("[::1]", &hole.addr), 8, &bound);
        means(c, &hole.addr, 1);
        means(c, &bound, 1);
        set_gate(&c->table, turns < 2);
        assert_lc_ok(start(c, with_port("any.example", &bound), 100000));
        for (unsigned i = 0; i < turns && c->calls == 0; i++) {
            if (i == 3) /* from here on there are addresses, else it would never get further */
                while (lc_connector_stats(c->connector).tries == 0)
                    assert_lc_ok(lc_loop_turn(c->net.loop));
            net_poll(&c->net);
            net_advance_ms(&c->net, i < 5 ? 0 : 250);
        }
        bool told = c->calls > 0;
        if (!told)
            lc_connect_cancel(c->race);
        for (unsigned i = 0; i < 4; i++)
            net_poll(&c->net);
        assert_int_equal(c->calls, told);
        close(listener);
        hole_close(&hole);
        client_close(c);
    }
}

/* What the connector gives is what a stream takes. */
static void test_stream_on_it(void **state)
{
    struct client *c = client_open(state, 0);
    struct net_peer peer = {0};
    struct lc_addr bound;
    int listener = listen_on("127.0.0.1:0", 8, &bound);
    assert_lc_ok(start(c, with_port("127.0.0.1", &bound), 5000));
    NET_UNTIL(&c->net, c->calls > 0);
    assert_connected(c, &bound);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    net_peer_open(&peer, &c->net, c->fd, NULL);
    c->fd = -1;
    net_raw_send(&c->net, server, "hello");
    NET_UNTIL(&c->net, peer.got.n == 5);
    net_peer_done(&peer);
    close(server);
    close(listener);
    client_close(c);
}

/* The resolver is freed while a thread is inside of a lookup: that thread frees what is left. */
static void test_free_while_asking(void **state)
{
    struct client *c = client_open(state, 0);
    set_gate(&c->table, true);
    assert_lc_ok(start(c, "slow.example:9", -1));
    while (atomic_load(&c->table.inside) == 0)
        net_poll(&c->net);
    lc_connect_cancel(c->race);
    lc_resolver_free(c->resolver);
    c->resolver = NULL;
    client_close(c);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_literal_addresses),
        NET_TEST(test_unix_path),
        NET_TEST(test_refused_goes_on_at_once),
        NET_TEST(test_black_hole_then_other_family),
        NET_TEST(test_deadline_tells_each_address),
        NET_TEST(test_all_refuse),
        NET_TEST(test_unknown_name),
        NET_TEST(test_name_too_slow),
        NET_TEST(test_kept_names),
        NET_TEST(test_limit),
        NET_TEST(test_names_limit),
        NET_TEST(test_cancel_at_every_turn),
        NET_TEST(test_stream_on_it),
        NET_TEST(test_free_while_asking),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), false);
}
