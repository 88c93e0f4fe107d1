/* SPDX-License-Identifier: Apache-2.0
 *
 * net/stream_test.c - octets through streams: whole, in pieces, under pressure.
 */
#include "net/test_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/hash.h"
#include "net/listener.h"
#include "net/stream_impl.h"

struct server {
    struct net *net;
    struct lc_listener *listener;
    struct net_peer peer;
    struct lc_addr bound;
    struct lc_addr from;
};

static size_t echo(struct net_peer *p, struct lc_slice in)
{
    assert_lc_ok(lc_stream_write(p->s, in));
    return in.n;
}

static void on_accept(void *user, int fd, const struct lc_addr *peer)
{
    struct server *server = user;
    server->from = *peer;
    net_peer_open(&server->peer, server->net, fd, NULL);
}

static size_t echo_lines(struct net_peer *p, struct lc_slice in)
{
    return echo(p, lc_slice(in.p, net_spend_lines(p, in)));
}

/* A server that echoes, and a client connected to it. */
static void open_echo(struct net *net, struct server *server, struct net_peer *client,
                      enum lc_transport transport, bool ipv6)
{
    struct lc_addr addr = net_addr(transport, ipv6);
    struct lc_addr bound;
    struct lc_listen_config listen = {0};
    int fd;
    *server = (struct server){.net = net};
    net_peer_init(&server->peer, net);
    server->peer.on_data = echo;
    assert_lc_ok(lc_listen_fd(&addr, &listen, true, &fd, &bound, NULL));
    assert_lc_ok(lc_listener_open(net->loop, fd, on_accept, server, &server->listener));
    struct lc_stream_config config = {.layer = net->how->layer};
    net_peer_init(client, net);
    assert_lc_ok(lc_stream_connect(net->loop, &bound, &config, &net_peer_events, client,
                                   LC_TIME_NEVER, &client->s));
    server->bound = bound;
}

static void echo_over(void **state, enum lc_transport transport, bool ipv6)
{
    struct net net;
    struct server server;
    struct net_peer client;
    net_open(&net, state, NULL);
    open_echo(&net, &server, &client, transport, ipv6);
    /* queued before it is connected */
    assert_lc_ok(lc_stream_write(client.s, LC_LIT("hello, ")));
    NET_UNTIL(&net, client.got.n == 7);
    assert_lc_ok(lc_stream_write(client.s, LC_LIT("world")));
    NET_UNTIL(&net, client.got.n == 12);
    assert_slice(lc_dynbuf_slice(&client.got), "hello, world");
    assert_true(lc_addr_is_local(&server.from));
    assert_int_equal(server.from.transport, transport);
    unsigned uid;
    assert_int_equal(lc_stream_peer_uid(server.peer.s, &uid), transport == LC_UNIX_STREAM);
    if (transport == LC_UNIX_STREAM)
        assert_int_equal(uid, getuid());
    if (transport == LC_UNIX_STREAM)
        assert_int_equal(unlink(((const struct sockaddr_un *)&server.bound.sa)->sun_path), 0);
    lc_listener_close(server.listener);
    net_peer_done(&client);
    net_peer_done(&server.peer);
    assert_int_equal(lc_loop_stats(net.loop).accepted, 1);
    assert_int_equal(lc_loop_stats(net.loop).open, 0);
    net_close(&net);
}

static void test_echo_tcp4(void **state)
{
    echo_over(state, LC_TCP, false);
}

static void test_echo_tcp6(void **state)
{
    echo_over(state, LC_TCP, true);
}

static void test_echo_unix(void **state)
{
    echo_over(state, LC_UNIX_STREAM, false);
}

/* A line that ends within a chunk, at its end, and long after it; sent whole, and one by one. */
static const char lines[] = "one\n\ntwo two two\nthree 33333333333333333333333333333333333333333333"
                            "33333333333333333333333333333333333333333333333333333333333\nfour\n";

static void receive_lines(void **state, size_t recv_chunk, size_t piece)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    net_open(&net, state, &(struct lc_loop_config){.recv_chunk = recv_chunk});
    net_pair(LC_UNIX_STREAM, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    p.on_data = net_spend_lines;
    struct lc_dynbuf wire = net_wire(&net, LC_LIT(lines), false);
    for (size_t at = 0; at < wire.n; at += piece) {
        size_t n = wire.n - at < piece ? wire.n - at : piece;
        uint64_t before = lc_loop_stats(net.loop).received_octets;
        assert_int_equal(write(fds[1], wire.p + at, n), n);
        NET_UNTIL(&net, lc_loop_stats(net.loop).received_octets == before + n);
    }
    NET_UNTIL(&net, p.got.n == sizeof lines - 1);
    assert_slice(lc_dynbuf_slice(&p.got), lines);
    lc_dynbuf_done(&wire);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

static void test_lines_whole(void **state)
{
    receive_lines(state, 0, sizeof lines);
}

static void test_lines_octet_by_octet(void **state)
{
    receive_lines(state, 0, 1);
}

static void test_lines_chunks_of_5(void **state)
{
    receive_lines(state, 5, sizeof lines);
    receive_lines(state, 5, 3);
}

#define BIG ((size_t)3 * 1024 * 1024)

struct bulk {
    struct net net;
    struct net_peer a, b;
    uint8_t *data;
};

static void shrink_buffer(int fd)
{
    int tiny = 1;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny), 0);
}

static void bulk_open(struct bulk *bulk, void **state, enum lc_transport transport, bool tiny)
{
    int fds[2];
    *bulk = (struct bulk){0};
    net_open(&bulk->net, state, NULL);
    net_pair(transport, fds);
    for (int i = 0; i < 2 && tiny; i++)
        shrink_buffer(fds[i]);
    struct lc_stream_config config = {.out_high = BIG, .out_max = 2 * BIG};
    net_peer_open(&bulk->a, &bulk->net, fds[0], &config);
    net_peer_open(&bulk->b, &bulk->net, fds[1], &config);
    bulk->data = malloc(BIG);
    assert_non_null(bulk->data);
    net_fill(bulk->data, BIG, 7);
}

static void bulk_close(struct bulk *bulk)
{
    net_peer_done(&bulk->a);
    net_peer_done(&bulk->b);
    net_close(&bulk->net);
    free(bulk->data);
}

static void assert_same(const struct lc_dynbuf *got, const uint8_t *data, size_t n)
{
    assert_int_equal(got->n, n);
    assert_int_equal(lc_crc32c(0, lc_dynbuf_slice(got)), lc_crc32c(0, lc_slice(data, n)));
}

/* Both ways at once, by copies and by references. */
static void bulk_both_ways(void **state, enum lc_transport transport, bool tiny, size_t n)
{
    struct bulk bulk;
    bulk_open(&bulk, state, transport, tiny);
    for (size_t at = 0; at < n;) {
        size_t piece = 1 + at % 10007;
        if (piece > n - at)
            piece = n - at;
        struct lc_slice s = lc_slice(bulk.data + at, piece);
        assert_lc_ok(lc_stream_write(bulk.a.s, s));
        struct lc_buf *buf = lc_buf_copy(s);
        assert_lc_ok(lc_stream_send(bulk.b.s, buf));
        lc_buf_unref(buf);
        at += piece;
    }
    NET_UNTIL(&bulk.net, bulk.a.got.n >= n && bulk.b.got.n >= n);
    assert_same(&bulk.a.got, bulk.data, n);
    assert_same(&bulk.b.got, bulk.data, n);
    bulk_close(&bulk);
}

static void test_large_both_ways(void **state)
{
    bulk_both_ways(state, LC_TCP, false, BIG);
    bulk_both_ways(state, LC_UNIX_STREAM, false, BIG);
}

static void test_tiny_buffers(void **state)
{
    bulk_both_ways(state, LC_TCP, true, 100000);
    bulk_both_ways(state, LC_UNIX_STREAM, true, 100000);
}

static size_t spend_when_whole(struct net_peer *p, struct lc_slice in)
{
    return in.n < p->goal ? 0 : p->goal;
}

/* A message far longer than what is received at once is put together, and then delivered whole. */
static void test_long_message(void **state)
{
    struct net net;
    struct net_peer from = {0};
    struct net_peer to = {0};
    int fds[2];
    net_open(&net, state, &(struct lc_loop_config){.recv_chunk = 4096});
    net_pair(LC_TCP, fds);
    struct lc_stream_config config = {.in_max = BIG + 1, .out_high = BIG};
    net_peer_open(&from, &net, fds[0], &config);
    net_peer_open(&to, &net, fds[1], &config);
    to.on_data = spend_when_whole;
    to.goal = BIG / 4;
    uint8_t *data = malloc(BIG);
    net_fill(data, BIG, 3);
    assert_lc_ok(lc_stream_write(from.s, lc_slice(data, BIG)));
    NET_UNTIL(&net, to.got.n == BIG);
    assert_same(&to.got, data, BIG);
    free(data);
    net_peer_done(&from);
    net_peer_done(&to);
    net_close(&net);
}

static size_t spend_none(struct net_peer *p, struct lc_slice in)
{
    LC_UNUSED(p);
    LC_UNUSED(in);
    return 0;
}

static void test_nothing_spent_over_in_max(void **state)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    net_open(&net, state, NULL);
    net_pair(LC_TCP, fds);
    net_peer_open(&p, &net, fds[0], &(struct lc_stream_config){.in_max = 8});
    p.on_data = spend_none;
    net_raw_send(&net, fds[1], "1234567");
    NET_UNTIL(&net, p.calls == 1);
    assert_int_equal(p.closes, 0);
    net_raw_send(&net, fds[1], "8");
    NET_UNTIL(&net, p.closes == 1);
    assert_lc_err(p.why, LC_ELIMIT);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

static void test_one_send_per_turn(void **state)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    net_open(&net, state, NULL);
    net_pair(LC_UNIX_STREAM, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    struct lc_buf *shared = lc_buf_new(1000);
    shared->n = 1000;
    memset(shared->data, 'x', 1000);
    for (int i = 0; i < 20; i++) {
        assert_lc_ok(lc_stream_write(p.s, LC_LIT("ACK\n")));
        assert_lc_ok(lc_stream_send(p.s, shared));
    }
    assert_int_equal(lc_stream_queued(p.s), 20 * 1004);
    NET_UNTIL(&net, lc_stream_queued(p.s) == 0);
    assert_int_equal(lc_loop_stats(net.loop).send_calls, 1);
    assert_int_equal(atomic_load(&shared->refs), 1);
    lc_buf_unref(shared);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

/* The peer does not read: over the mark, up to the limit, and down again. */
static void test_marks(void **state)
{
    struct net net;
    struct net_peer p = {0};
    struct lc_dynbuf got;
    void *layer_state = NULL;
    int fds[2];
    static const uint8_t block[4096];
    net_open(&net, state, NULL);
    lc_dynbuf_init(&got, BIG);
    net_pair(LC_UNIX_STREAM, fds);
    shrink_buffer(fds[0]);
    struct lc_stream_config config = {.out_high = 65536, .out_low = 4096, .out_max = 131072};
    net_peer_open(&p, &net, fds[0], &config);
    for (size_t n = 0; n < config.out_max; n += sizeof block) {
        assert_int_equal(lc_stream_is_full(p.s), n >= config.out_high);
        assert_lc_ok(lc_stream_write(p.s, lc_slice(block, sizeof block)));
    }
    assert_lc_err(lc_stream_write(p.s, LC_LIT("x")), LC_ELIMIT);
    assert_int_equal(lc_stream_queued(p.s), config.out_max);
    for (int i = 0; i < 10; i++)
        net_poll(&net);
    assert_int_equal(p.drains, 0);
    assert_true(lc_stream_is_full(p.s));
    while (got.n < config.out_max) {
        assert_true(net_raw_recv(&net, fds[1], &layer_state, &got));
        net_poll(&net);
        assert_int_equal(p.drains, lc_stream_queued(p.s) <= config.out_low);
    }
    net_raw_done(&net, layer_state);
    lc_dynbuf_done(&got);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

static size_t spend_one_and_pause(struct net_peer *p, struct lc_slice in)
{
    lc_stream_pause(p->s);
    return in.n > 0;
}

/* Each resume brings what was kept again, without new octets; the end comes last. */
static void test_pause_resume(void **state)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    net_open(&net, state, NULL);
    net_pair(LC_TCP, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    p.on_data = spend_one_and_pause;
    net_raw_send(&net, fds[1], "abc");
    NET_UNTIL(&net, p.calls == 1);
    shutdown(fds[1], SHUT_WR);
    for (size_t n = 1; n < 3; n++) {
        for (int i = 0; i < 3; i++)
            net_poll(&net);
        assert_int_equal(p.calls, n);
        assert_int_equal(p.eofs, 0);
        p.inside = true;
        lc_stream_resume(p.s);
        p.inside = false;
        NET_UNTIL(&net, p.calls == n + 1);
    }
    assert_slice(lc_dynbuf_slice(&p.got), "abc");
    for (int i = 0; i < 3; i++)
        net_poll(&net);
    assert_int_equal(p.eofs, 0);
    lc_stream_resume(p.s);
    NET_UNTIL(&net, p.eofs == 1);
    assert_int_equal(p.rest, 0);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

/* While paused, the kernel's buffers fill up and the peer is held back; nothing is lost. */
static void test_pause_holds_peer(void **state)
{
    struct bulk bulk;
    bulk_open(&bulk, state, LC_UNIX_STREAM, false);
    lc_stream_pause(bulk.b.s);
    assert_lc_ok(lc_stream_write(bulk.a.s, lc_slice(bulk.data, BIG)));
    size_t before = 0;
    while (lc_stream_queued(bulk.a.s) != before) {
        before = lc_stream_queued(bulk.a.s);
        for (int i = 0; i < 10; i++)
            net_poll(&bulk.net);
    }
    assert_true(before > 0);
    assert_int_equal(bulk.b.calls, 0);
    lc_stream_resume(bulk.b.s);
    NET_UNTIL(&bulk.net, bulk.b.got.n == BIG);
    assert_same(&bulk.b.got, bulk.data, BIG);
    bulk_close(&bulk);
}

/* One stream that always has octets does not keep another waiting until it has none. */
static void test_fairness(void **state)
{
    struct net net;
    struct net_peer busy = {0};
    struct net_peer quiet = {0};
    int busy_fds[2];
    int quiet_fds[2];
    static const uint8_t flood[150000];
    net_open(&net, state, &(struct lc_loop_config){.recv_chunk = 512});
    net_pair(LC_UNIX_STREAM, busy_fds);
    net_pair(LC_UNIX_STREAM, quiet_fds);
    net_peer_open(&busy, &net, busy_fds[0], NULL);
    net_peer_open(&quiet, &net, quiet_fds[0], NULL);
    assert_int_equal(write(busy_fds[1], flood, sizeof flood), sizeof flood);
    NET_UNTIL(&net, busy.calls > 0);
    net_raw_send(&net, quiet_fds[1], "x");
    NET_UNTIL(&net, quiet.calls > 0);
    uint64_t received = lc_loop_stats(net.loop).received_octets;
    assert_true(received < sizeof flood);
    NET_UNTIL(&net, lc_loop_stats(net.loop).received_octets > sizeof flood);
    net_peer_done(&busy);
    net_peer_done(&quiet);
    net_close(&net);
    close(busy_fds[1]);
    close(quiet_fds[1]);
}

/* A stream that has received and sent, and now waits, holds itself and no buffer. */
static void test_idle_memory(void **state)
{
    struct net net;
    struct net_peer p = {0};
    int fds[2];
    net_open(&net, state, NULL);
    net_pair(LC_UNIX_STREAM, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    p.on_data = echo_lines;
    net_raw_send(&net, fds[1], "ping\nhal");
    NET_UNTIL(&net, lc_loop_stats(net.loop).sent_octets > 0);
    assert_true(p.s->kept.p != NULL);
    net_raw_send(&net, fds[1], "f\n");
    NET_UNTIL(&net, p.got.n == 10 && lc_stream_queued(p.s) == 0);
    assert_null(p.s->kept.p);
    assert_null(p.s->out.first);
    size_t held = sizeof *p.s;
    if (p.s->layered != NULL) {
        assert_null(p.s->layered->plain.first);
        held += sizeof *p.s->layered;
    }
    assert_true(held <= 512);
    net_peer_done(&p);
    net_close(&net);
    close(fds[1]);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_echo_tcp4),
        NET_TEST(test_echo_tcp6),
        NET_TEST(test_echo_unix),
        NET_TEST(test_lines_whole),
        NET_TEST(test_lines_octet_by_octet),
        NET_TEST(test_lines_chunks_of_5),
        NET_TEST(test_large_both_ways),
        NET_TEST(test_tiny_buffers),
        NET_TEST(test_long_message),
        NET_TEST(test_nothing_spent_over_in_max),
        NET_TEST(test_one_send_per_turn),
        NET_TEST(test_marks),
        NET_TEST(test_pause_resume),
        NET_TEST(test_pause_holds_peer),
        NET_TEST(test_fairness),
        NET_TEST(test_idle_memory),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), true);
}
