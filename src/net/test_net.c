/* SPDX-License-Identifier: Apache-2.0
 *
 * net/test_net.c - the shared parts of the tests of net/.
 */
#include "net/test_net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"

#define STREAM_MAX ((size_t)64 * 1024 * 1024)

/* --- the layer --- */

#define MASK     0x5A
#define ESCAPE   0xE5
#define END      0xE6
#define PADDING  0xE7
#define PAD_EACH 11

struct layer_state {
    bool escaped;
    bool ended;
    unsigned until_pad;
};

static lc_err layer_open(void **ret_state)
{
    *ret_state = calloc(1, sizeof(struct layer_state));
    return *ret_state == NULL ? -ENOMEM : LC_OK;
}

static void put(struct lc_dynbuf *out, uint8_t octet)
{
    assert_lc_ok(lc_dynbuf_append(out, lc_slice(&octet, 1)));
}

static lc_err layer_wrap(void *state, struct lc_slice in, struct lc_dynbuf *out)
{
    struct layer_state *l = state;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t octet = in.p[i] ^ MASK;
        if (octet >= 0x40) {
            put(out, ESCAPE);
            octet ^= 0x20;
        }
        put(out, octet);
        if (++l->until_pad % PAD_EACH == 0)
            put(out, PADDING);
    }
    return LC_OK;
}

static lc_err layer_unwrap(void *state, struct lc_slice in, struct lc_dynbuf *out)
{
    struct layer_state *l = state;
    for (size_t i = 0; i < in.n && !l->ended; i++) {
        uint8_t octet = in.p[i];
        if (l->escaped)
            put(out, (octet ^ 0x20) ^ MASK);
        else if (octet == END)
            l->ended = true;
        else if (octet != ESCAPE && octet != PADDING)
            put(out, octet ^ MASK);
        l->escaped = !l->escaped && octet == ESCAPE;
    }
    return l->ended ? LC_EEND : LC_OK;
}

static lc_err layer_end(void *state, struct lc_dynbuf *out)
{
    LC_UNUSED(state);
    put(out, END);
    return LC_OK;
}

const struct lc_layer net_test_layer = {
    .name = "test",
    .open = layer_open,
    .close = free,
    .unwrap = layer_unwrap,
    .wrap = layer_wrap,
    .end = layer_end,
};

/* --- the matrix --- */

int net_run_matrix(const struct net_test *tests, size_t n, bool layers)
{
    static struct net_case cases[8];
    static struct CMUnitTest list[512];
    static char names[512][96];
    size_t case_count = 0;
    size_t count = 0;
    for (const char *const *backend = lc_loop_backends; *backend != NULL; backend++) {
        cases[case_count++] = (struct net_case){*backend, NULL};
        if (layers)
            cases[case_count++] = (struct net_case){*backend, &net_test_layer};
    }
    for (size_t c = 0; c < case_count; c++) {
        for (size_t i = 0; i < n; i++, count++) {
            LC_ASSERT(count < LC_ARRAY_LEN(list));
            snprintf(names[count], sizeof names[count], "%s: %s%s", tests[i].name, cases[c].backend,
                     cases[c].layer != NULL ? ", layer" : "");
            list[count] = (struct CMUnitTest){
                .name = names[count],
                .test_func = tests[i].run,
                .initial_state = &cases[c],
            };
        }
    }
    return _cmocka_run_group_tests("net", list, count, NULL, NULL);
}

static struct lc_time test_monotonic(void *state)
{
    return (struct lc_time){((const struct net *)state)->now_ns};
}

void net_open(struct net *net, void **state, const struct lc_loop_config *config)
{
    *net = (struct net){.how = *state, .now_ns = LC_NS_PER_S};
    net->clock = lc_clock_system;
    net->clock.monotonic = test_monotonic;
    net->clock.state = net;
    struct lc_loop_config c = config != NULL ? *config : (struct lc_loop_config){0};
    c.backend = net->how->backend;
    c.clock = &net->clock;
    struct lc_diag diag = {0};
    lc_err e = lc_loop_new(&c, &net->loop, &diag);
    if (e == -ENOSYS) {
        print_message("# %s\n", diag.text);
        skip();
    }
    assert_lc_ok(e);
}

void net_close(struct net *net)
{
    lc_loop_stop(net->loop);
    assert_lc_ok(lc_loop_run(net->loop));
    lc_loop_free(net->loop);
}

void net_advance_ms(struct net *net, int64_t ms)
{
    net->now_ns += ms * LC_NS_PER_MS;
}

static void do_nothing(struct lc_task *task)
{
    LC_UNUSED(task);
}

void net_poll(struct net *net)
{
    struct lc_task task;
    lc_task_init(&task, do_nothing);
    lc_loop_defer(net->loop, &task);
    assert_lc_ok(lc_loop_turn(net->loop));
}

/* --- streams --- */

static size_t peer_data(void *user, struct lc_slice in)
{
    struct net_peer *p = user;
    assert_false(p->inside);
    assert_true(p->eofs == 0 && p->closes == 0);
    p->calls++;
    size_t spent = p->on_data != NULL ? p->on_data(p, in) : in.n;
    assert_lc_ok(lc_dynbuf_append(&p->got, lc_slice(in.p, spent)));
    return spent;
}

static void peer_eof(void *user, struct lc_slice rest)
{
    struct net_peer *p = user;
    assert_false(p->inside);
    assert_true(p->eofs == 0 && p->closes == 0);
    p->eofs++;
    p->rest = rest.n;
    if (p->on_eof != NULL)
        p->on_eof(p);
}

static void peer_drain(void *user)
{
    struct net_peer *p = user;
    assert_false(p->inside);
    assert_int_equal(p->closes, 0);
    p->drains++;
    if (p->on_drain != NULL)
        p->on_drain(p);
}

static void peer_close(void *user, lc_err why)
{
    struct net_peer *p = user;
    assert_false(p->inside);
    assert_int_equal(p->closes, 0);
    p->closes++;
    p->why = why;
}

const struct lc_stream_events net_peer_events = {
    .on_data = peer_data, .on_eof = peer_eof, .on_drain = peer_drain, .on_close = peer_close};

void net_peer_init(struct net_peer *p, struct net *net)
{
    *p = (struct net_peer){.net = net};
    lc_dynbuf_init(&p->got, STREAM_MAX);
}

void net_peer_open(struct net_peer *p, struct net *net, int fd,
                   const struct lc_stream_config *config)
{
    struct lc_stream_config c = config != NULL ? *config : (struct lc_stream_config){0};
    c.layer = net->how->layer;
    struct lc_addr addr = {.len = sizeof addr.sa};
    assert_int_equal(getpeername(fd, (struct sockaddr *)&addr.sa, &addr.len), 0);
    addr.transport = addr.sa.ss_family == AF_UNIX ? LC_UNIX_STREAM : LC_TCP;
    if (p->net == NULL)
        net_peer_init(p, net);
    assert_lc_ok(lc_stream_open(net->loop, fd, &addr, &c, &net_peer_events, p, &p->s));
}

void net_peer_done(struct net_peer *p)
{
    if (p->closes == 0) {
        p->inside = true;
        lc_stream_close(p->s, (struct lc_time){0});
        p->inside = false;
        NET_UNTIL(p->net, p->closes > 0);
    }
    lc_dynbuf_done(&p->got);
}

size_t net_spend_lines(struct net_peer *p, struct lc_slice in)
{
    LC_UNUSED(p);
    const uint8_t *end = memrchr(in.p, '\n', in.n);
    return end == NULL ? 0 : (size_t)(end - in.p) + 1;
}

/* --- addresses and descriptors --- */

struct lc_addr net_addr_parse(const char *text)
{
    struct lc_endpoint ep;
    struct lc_addr addr;
    size_t n;
    assert_lc_ok(lc_endpoint_parse(lc_slice_cstr(text), 0, &ep, NULL));
    assert_lc_ok(lc_addr_resolve(&ep, &addr, 1, &n, NULL));
    return addr;
}

struct lc_addr net_addr(enum lc_transport transport, bool ipv6)
{
    static unsigned serial;
    char text[128];
    if (transport == LC_TCP || transport == LC_UDP)
        snprintf(text, sizeof text, "%s://%s:0", transport == LC_TCP ? "tcp" : "udp",
                 ipv6 ? "[::1]" : "127.0.0.1");
    else
        snprintf(text, sizeof text, "%s:" P_tmpdir "/lc_net_test.%d.%u",
                 transport == LC_UNIX_STREAM ? "unix" : "unixgram", (int)getpid(), serial++);
    return net_addr_parse(text);
}

static void set_blocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
}

void net_pair(enum lc_transport transport, int fds[2])
{
    if (transport == LC_UNIX_STREAM) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                         0);
        set_blocking(fds[1]);
        return;
    }
    struct lc_addr addr = net_addr(LC_TCP, false);
    struct lc_addr bound;
    struct lc_listen_config config = {0};
    int listener;
    assert_lc_ok(lc_listen_fd(&addr, &config, true, &listener, &bound, NULL));
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&bound.sa, bound.len), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    close(listener);
}

struct lc_dynbuf net_wire(const struct net *net, struct lc_slice plain, bool end)
{
    const struct lc_layer *layer = net->how->layer;
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, STREAM_MAX);
    if (layer == NULL) {
        assert_lc_ok(lc_dynbuf_append(&out, plain));
        return out;
    }
    void *state;
    assert_lc_ok(layer->open(&state));
    assert_lc_ok(layer->wrap(state, plain, &out));
    if (end)
        assert_lc_ok(layer->end(state, &out));
    layer->close(state);
    return out;
}

void net_raw_send(const struct net *net, int fd, const char *text)
{
    struct lc_dynbuf wire = net_wire(net, lc_slice_cstr(text), false);
    assert_int_equal(send(fd, wire.p, wire.n, MSG_NOSIGNAL | MSG_DONTWAIT), wire.n);
    lc_dynbuf_done(&wire);
}

bool net_raw_recv(const struct net *net, int fd, void **layer_state, struct lc_dynbuf *out)
{
    const struct lc_layer *layer = net->how->layer;
    if (layer != NULL && *layer_state == NULL)
        assert_lc_ok(layer->open(layer_state));
    uint8_t wire[65536];
    ssize_t n = recv(fd, wire, sizeof wire, MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    if (layer == NULL) {
        assert_lc_ok(lc_dynbuf_append(out, lc_slice(wire, (size_t)n)));
        return true;
    }
    lc_err e = layer->unwrap(*layer_state, lc_slice(wire, (size_t)n), out);
    assert_true(e == LC_OK || e == LC_EEND);
    return true;
}

void net_raw_done(const struct net *net, void *layer_state)
{
    if (layer_state != NULL)
        net->how->layer->close(layer_state);
}

void net_fill(uint8_t *p, size_t n, uint64_t seed)
{
    uint64_t x = seed * 2 + 1;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)(x >> 32);
    }
}
