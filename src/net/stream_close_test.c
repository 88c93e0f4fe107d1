/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream_close_test.c - how streams end: half-close, resets, deadlines, lingering, and closing
 * from inside every callback.
 */
#include "net/test_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "net/listener.h"

struct pair {
    struct net net;
    struct net_peer peer;
    int raw; /* the other end: a plain blocking socket; -1: closed */
    void *layer_state;
    struct lc_dynbuf got; /* plain octets that came out of `raw` */
};

static void pair_open(struct pair *p, void **state, enum lc_transport transport,
                      const struct lc_stream_config *config)
{
    int fds[2];
    *p = (struct pair){0};
    net_open(&p->net, state, NULL);
    net_pair(transport, fds);
    p->raw = fds[1];
    lc_dynbuf_init(&p->got, 1 << 24);
    net_peer_open(&p->peer, &p->net, fds[0], config);
}

static void pair_close(struct pair *p)
{
    net_peer_done(&p->peer);
    net_close(&p->net);
    net_raw_done(&p->net, p->layer_state);
    lc_dynbuf_done(&p->got);
    if (p->raw >= 0)
        close(p->raw);
}

static bool raw_recv(struct pair *p)
{
    return net_raw_recv(&p->net, p->raw, &p->layer_state, &p->got);
}

/* The loop may have nothing more to do, so it must not sleep. */
static void raw_until_end(struct pair *p)
{
    while (raw_recv(p))
        net_poll(&p->net);
}

static void raw_reset(struct pair *p)
{
    struct linger abort_now = {1, 0};
    assert_int_equal(setsockopt(p->raw, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now), 0);
    close(p->raw);
    p->raw = -1;
}

/* A call that must not lead to an event before it returns. */
#define QUIETLY(peer, call)                                                                        \
    do {                                                                                           \
        (peer)->inside = true;                                                                     \
        call;                                                                                      \
        (peer)->inside = false;                                                                    \
    } while (0)

static void test_peer_ends_first(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    p.peer.on_data = net_spend_lines;
    net_raw_send(&p.net, p.raw, "a line\nhalf");
    shutdown(p.raw, SHUT_WR);
    NET_UNTIL(&p.net, p.peer.eofs == 1);
    assert_slice(lc_dynbuf_slice(&p.peer.got), "a line\n");
    assert_int_equal(p.peer.rest, 4);
    /* the other way still works */
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("an answer\n")));
    while (p.got.n < 10) {
        net_poll(&p.net);
        assert_true(raw_recv(&p));
    }
    assert_int_equal(p.peer.closes, 0);
    QUIETLY(&p.peer, lc_stream_close(p.peer.s, LC_TIME_NEVER));
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    raw_until_end(&p);
    pair_close(&p);
}

static void test_we_end_first(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("the last\n")));
    QUIETLY(&p.peer, lc_stream_shutdown(p.peer.s));
    assert_lc_err(lc_stream_write(p.peer.s, LC_LIT("x")), -EPIPE);
    /* the octets first, then the end */
    raw_until_end(&p);
    assert_slice(lc_dynbuf_slice(&p.got), "the last\n");
    net_raw_send(&p.net, p.raw, "still heard");
    NET_UNTIL(&p.net, p.peer.got.n == 11);
    shutdown(p.raw, SHUT_WR);
    NET_UNTIL(&p.net, p.peer.eofs == 1);
    assert_int_equal(p.peer.closes, 0);
    pair_close(&p);
}

static void test_unix_peer_closes(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_UNIX_STREAM, NULL);
    net_raw_send(&p.net, p.raw, "all of it");
    close(p.raw);
    p.raw = -1;
    NET_UNTIL(&p.net, p.peer.eofs == 1);
    assert_slice(lc_dynbuf_slice(&p.peer.got), "all of it");
    pair_close(&p);
}

static void test_reset(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    net_raw_send(&p.net, p.raw, "x");
    NET_UNTIL(&p.net, p.peer.got.n == 1);
    raw_reset(&p);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_err(p.peer.why, -ECONNRESET);
    assert_int_equal(p.peer.eofs, 0);
    pair_close(&p);
}

static size_t pause_once(struct net_peer *peer, struct lc_slice in)
{
    if (peer->calls == 1)
        lc_stream_pause(peer->s);
    return in.n;
}

/* A sender that closes without reading our answers resets the connection, and our next send fails;
 * what it sent before is received all the same, and SIGPIPE kills nobody. */
static void test_send_fails_before_all_is_read(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    p.peer.on_data = pause_once;
    net_raw_send(&p.net, p.raw, "first,");
    NET_UNTIL(&p.net, p.peer.calls == 1);
    net_raw_send(&p.net, p.raw, "second");
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("never read\n")));
    NET_UNTIL(&p.net, lc_stream_queued(p.peer.s) == 0);
    struct pollfd unread = {.fd = p.raw, .events = POLLIN};
    assert_int_equal(poll(&unread, 1, -1), 1);
    close(p.raw);
    p.raw = -1;
    while (lc_stream_write(p.peer.s, LC_LIT("more\n")) == LC_OK)
        net_poll(&p.net);
    lc_stream_resume(p.peer.s);
    NET_UNTIL(&p.net, p.peer.eofs + p.peer.closes > 0);
    assert_slice(lc_dynbuf_slice(&p.peer.got), "first,second");
    pair_close(&p);
}

static void close_now(struct net_peer *peer)
{
    QUIETLY(peer, lc_stream_close(peer->s, (struct lc_time){0}));
    assert_lc_err(lc_stream_write(peer->s, LC_LIT("x")), -EPIPE);
    QUIETLY(peer, lc_stream_close(peer->s, LC_TIME_NEVER));
    QUIETLY(peer, lc_stream_pause(peer->s));
    QUIETLY(peer, lc_stream_resume(peer->s));
    QUIETLY(peer, lc_stream_shutdown(peer->s));
    QUIETLY(peer, lc_stream_deadline(peer->s, (struct lc_time){0}));
}

static size_t close_in_data(struct net_peer *peer, struct lc_slice in)
{
    close_now(peer);
    return in.n / 2;
}

static void test_close_in_on_data(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    p.peer.on_data = close_in_data;
    net_raw_send(&p.net, p.raw, "some octets");
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    assert_int_equal(p.peer.calls, 1);
    pair_close(&p);
}

static void test_close_in_on_eof(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    p.peer.on_eof = close_now;
    shutdown(p.raw, SHUT_WR);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    pair_close(&p);
}

static void test_close_in_on_drain(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, &(struct lc_stream_config){.out_high = 4, .out_low = 1});
    p.peer.on_drain = close_now;
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("12345")));
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_int_equal(p.peer.drains, 1);
    raw_until_end(&p);
    assert_slice(lc_dynbuf_slice(&p.got), "12345");
    pair_close(&p);
}

static void test_deadline(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    QUIETLY(&p.peer, lc_stream_deadline(p.peer.s, lc_time_add_ms(lc_loop_now(p.net.loop), 100)));
    net_advance_ms(&p.net, 99);
    net_poll(&p.net);
    QUIETLY(&p.peer, lc_stream_deadline(p.peer.s, lc_time_add_ms(lc_loop_now(p.net.loop), 100)));
    net_advance_ms(&p.net, 99);
    net_poll(&p.net);
    assert_int_equal(p.peer.closes, 0);
    net_advance_ms(&p.net, 1);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_err(p.peer.why, -ETIMEDOUT);
    pair_close(&p);
}

static void fill(struct pair *p, size_t n)
{
    static const uint8_t block[65536];
    for (size_t at = 0; at < n; at += sizeof block)
        assert_lc_ok(lc_stream_write(p->peer.s, lc_slice(block, sizeof block)));
}

#define MUCH ((size_t)4 * 1024 * 1024)

static void test_close_sends_what_is_queued(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_UNIX_STREAM, &(struct lc_stream_config){.out_max = MUCH});
    fill(&p, MUCH);
    QUIETLY(&p.peer, lc_stream_close(p.peer.s, LC_TIME_NEVER));
    while (raw_recv(&p)) {
        net_poll(&p.net);
        assert_int_equal(p.peer.closes, 0);
    }
    assert_int_equal(p.got.n, MUCH);
    close(p.raw);
    p.raw = -1;
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    pair_close(&p);
}

static void test_linger_passes(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_UNIX_STREAM, &(struct lc_stream_config){.out_max = MUCH});
    fill(&p, MUCH);
    lc_stream_close(p.peer.s, lc_time_add_ms(lc_loop_now(p.net.loop), 50));
    for (int i = 0; i < 5; i++)
        net_poll(&p.net);
    assert_int_equal(p.peer.closes, 0);
    net_advance_ms(&p.net, 50);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_err(p.peer.why, -ETIMEDOUT);
    pair_close(&p);
}

static void test_close_at_once_drops(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_UNIX_STREAM, &(struct lc_stream_config){.out_max = MUCH});
    fill(&p, MUCH);
    QUIETLY(&p.peer, lc_stream_close(p.peer.s, (struct lc_time){0}));
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    raw_until_end(&p);
    assert_true(p.got.n < MUCH);
    pair_close(&p);
}

/* While the peer goes on sending, we close; it still gets the answer, and no reset before it. */
static void test_close_while_peer_sends(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    net_raw_send(&p.net, p.raw, "not understood\n");
    NET_UNTIL(&p.net, p.peer.got.n > 0);
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("ERROR:what?\n")));
    lc_stream_close(p.peer.s, LC_TIME_NEVER);
    size_t calls = p.peer.calls;
    for (int i = 0; i < 5; i++) {
        net_raw_send(&p.net, p.raw, "and more\n");
        net_poll(&p.net);
    }
    raw_until_end(&p);
    assert_slice(lc_dynbuf_slice(&p.got), "ERROR:what?\n");
    assert_int_equal(p.peer.calls, calls);
    assert_int_equal(p.peer.closes, 0);
    net_advance_ms(&p.net, 2000);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    assert_lc_ok(p.peer.why);
    pair_close(&p);
}

static void open_client(struct net *net, struct net_peer *p, const struct lc_addr *addr,
                        struct lc_time deadline)
{
    struct lc_stream_config config = {.layer = net->how->layer};
    net_peer_init(p, net);
    p->inside = true;
    assert_lc_ok(lc_stream_connect(net->loop, addr, &config, &net_peer_events, p, deadline, &p->s));
    p->inside = false;
}

static void test_connect_refused(void **state)
{
    struct net net;
    struct net_peer p;
    struct lc_addr bound;
    int fd;
    net_open(&net, state, NULL);
    /* bound and not listening: nobody else can have the port, and nobody answers */
    struct lc_addr addr = net_addr(LC_TCP, false);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr.sa, addr.len), 0);
    bound = addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound.sa, &bound.len), 0);
    open_client(&net, &p, &bound, LC_TIME_NEVER);
    NET_UNTIL(&net, p.closes == 1);
    assert_lc_err(p.why, -ECONNREFUSED);
    net_peer_done(&p);
    struct lc_addr nowhere = net_addr(LC_UNIX_STREAM, false);
    open_client(&net, &p, &nowhere, LC_TIME_NEVER);
    NET_UNTIL(&net, p.closes == 1);
    assert_lc_err(p.why, -ENOENT);
    net_peer_done(&p);
    net_close(&net);
    close(fd);
}

#define WAITING 4

/* A full backlog answers nobody. */
static void test_connect_times_out(void **state)
{
    struct net net;
    struct net_peer p[WAITING];
    struct lc_addr bound;
    struct lc_addr addr = net_addr(LC_TCP, false);
    int fd;
    net_open(&net, state, NULL);
    struct lc_sockopts options = {.count = 0};
    assert_lc_ok(lc_sockopts_add(&options, "backlog=1", NULL));
    assert_lc_ok(lc_listen_fd(&addr, &(struct lc_listen_config){.options = &options}, true, &fd,
                              &bound, NULL));
    struct lc_time deadline = lc_time_add_ms(lc_loop_now(net.loop), 5000);
    for (int i = 0; i < WAITING; i++)
        open_client(&net, &p[i], &bound, deadline);
    for (int i = 0; i < 10; i++)
        net_poll(&net);
    net_advance_ms(&net, 5000);
    NET_UNTIL(&net, p[WAITING - 1].closes == 1);
    assert_lc_err(p[WAITING - 1].why, -ETIMEDOUT);
    assert_int_equal(p[0].closes, 0); /* was connected, so its deadline is gone */
    for (int i = 0; i < WAITING; i++)
        net_peer_done(&p[i]);
    net_close(&net);
    close(fd);
}

/* What is closed when the loop has stopped already is told by lc_loop_free(). */
static void test_close_after_run(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    net_raw_send(&p.net, p.raw, "x");
    NET_UNTIL(&p.net, p.peer.calls == 1);
    lc_loop_stop(p.net.loop);
    assert_lc_ok(lc_loop_run(p.net.loop));
    QUIETLY(&p.peer, lc_stream_close(p.peer.s, (struct lc_time){0}));
    lc_loop_free(p.net.loop);
    assert_int_equal(p.peer.closes, 1);
    lc_dynbuf_done(&p.peer.got);
    lc_dynbuf_done(&p.got);
    close(p.raw);
}

/* What the layer says is the end, is; whatever its peer sends then. */
static void test_layer_ends_inside(void **state)
{
    struct pair p;
    pair_open(&p, state, LC_TCP, NULL);
    if (p.net.how->layer == NULL) {
        pair_close(&p);
        return;
    }
    struct lc_dynbuf wire = net_wire(&p.net, LC_LIT("before"), true);
    assert_lc_ok(lc_dynbuf_append(&wire, LC_LIT("after")));
    assert_int_equal(write(p.raw, wire.p, wire.n), wire.n);
    lc_dynbuf_done(&wire);
    NET_UNTIL(&p.net, p.peer.eofs == 1);
    assert_slice(lc_dynbuf_slice(&p.peer.got), "before");
    assert_lc_ok(lc_stream_write(p.peer.s, LC_LIT("answer")));
    lc_stream_close(p.peer.s, LC_TIME_NEVER);
    NET_UNTIL(&p.net, p.peer.closes == 1);
    raw_until_end(&p);
    assert_slice(lc_dynbuf_slice(&p.got), "answer");
    pair_close(&p);
}

/* Its user hears nothing more, and the peer sees it go. */
static void test_abandon(void **state)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    char octet;
    net_open(&net, state, NULL);
    net_pair(LC_UNIX_STREAM, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    assert_lc_ok(lc_stream_write(p.s, LC_LIT("never sent")));
    net_raw_send(&net, fds[1], "never heard");
    lc_stream_abandon(p.s);
    NET_UNTIL(&net, lc_loop_stats(net.loop).open == 0);
    assert_int_equal(p.calls + p.eofs + p.drains + p.closes, 0);
    assert_true(recv(fds[1], &octet, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
    lc_dynbuf_done(&p.got);
    net_close(&net);
    close(fds[1]);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_peer_ends_first),
        NET_TEST(test_we_end_first),
        NET_TEST(test_unix_peer_closes),
        NET_TEST(test_reset),
        NET_TEST(test_send_fails_before_all_is_read),
        NET_TEST(test_close_in_on_data),
        NET_TEST(test_close_in_on_eof),
        NET_TEST(test_close_in_on_drain),
        NET_TEST(test_deadline),
        NET_TEST(test_close_sends_what_is_queued),
        NET_TEST(test_linger_passes),
        NET_TEST(test_close_at_once_drops),
        NET_TEST(test_close_while_peer_sends),
        NET_TEST(test_connect_refused),
        NET_TEST(test_connect_times_out),
        NET_TEST(test_close_after_run),
        NET_TEST(test_layer_ends_inside),
        NET_TEST(test_abandon),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), true);
}
