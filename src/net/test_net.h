/* SPDX-License-Identifier: Apache-2.0
 *
 * net/test_net.h - what the tests of net/ share: every test over every backend, with and without
 * a layer; streams that remember what happened to them; peers that are plain descriptors.
 *
 * WHAT    A test turns the loop itself, until what it waits for has happened. Nothing sleeps; what
 *         never happens ends by the test runner's time limit. Time is the test's: it stands still
 *         until net_advance_ms().
 */
#ifndef LC_NET_TEST_NET_H
#define LC_NET_TEST_NET_H

#include "base/test.h"
#include "net/loop_impl.h"
#include "net/stream.h"

struct net_case {
    const char *backend;
    const struct lc_layer *layer;
};

struct net_test {
    const char *name;
    void (*run)(void **state); /* *state: const struct net_case * */
};

/* Runs each test on each backend; `layers`: also each with the test layer. Returns as main(). */
int net_run_matrix(const struct net_test *tests, size_t n, bool layers);
#define NET_TEST(fn)                                                                               \
    {                                                                                              \
        .name = #fn, .run = (fn)                                                                   \
    }

/* Lets every octet differ and most become two, adds padding that means nothing, and ends with a
 * mark of its own: no boundary inside is one outside. */
extern const struct lc_layer net_test_layer;

struct net {
    const struct net_case *how;
    struct lc_loop *loop;
    struct lc_clock clock;
    int64_t now_ns;
};

/* Skips the test where the kernel does not have the backend. `config` may be NULL; its backend and
 * clock are set here. */
void net_open(struct net *net, void **state, const struct lc_loop_config *config);
/* After all that was opened is closed. */
void net_close(struct net *net);
void net_advance_ms(struct net *net, int64_t ms);

/* One turn that does not sleep. */
void net_poll(struct net *net);

#define NET_UNTIL(net, condition)                                                                  \
    while (!(condition))                                                                           \
    assert_lc_ok(lc_loop_turn((net)->loop))

/* A stream under test, and what it has seen. */
struct net_peer {
    struct lc_stream *s;
    struct net *net;
    /* The octets to spend of `in`. NULL: all. */
    size_t (*on_data)(struct net_peer *p, struct lc_slice in);
    void (*on_drain)(struct net_peer *p);
    void (*on_eof)(struct net_peer *p);
    struct lc_dynbuf got; /* all that was spent */
    size_t calls;         /* of on_data */
    size_t rest;          /* octets at on_eof */
    unsigned eofs, drains, closes;
    lc_err why;
    bool inside; /* a call of ours to the stream is under way: no event may come */
    size_t goal; /* the test's */
};

extern const struct lc_stream_events net_peer_events;

void net_peer_init(struct net_peer *p, struct net *net);
/* Opens the stream; `config` may be NULL; the layer is set here. */
void net_peer_open(struct net_peer *p, struct net *net, int fd,
                   const struct lc_stream_config *config);
/* Closes what is open at once, and waits for it. */
void net_peer_done(struct net_peer *p);
/* Spends whole lines. */
size_t net_spend_lines(struct net_peer *p, struct lc_slice in);

/* Two connected sockets; the second is blocking. */
void net_pair(enum lc_transport transport, int fds[2]);
/* 127.0.0.1 or [::1] with port 0, or a path of this test's own. */
struct lc_addr net_addr(enum lc_transport transport, bool ipv6);
struct lc_addr net_addr_parse(const char *text);

/* The octets as they are on the wire of this case; `end`: and the layer's end. The caller calls
 * lc_dynbuf_done(). */
struct lc_dynbuf net_wire(const struct net *net, struct lc_slice plain, bool end);
/* Sends all of it as it is on the wire, without waiting. */
void net_raw_send(const struct net *net, int fd, const char *text);
/* The plain octets that fd holds now, appended to `out`, through the case's layer with its state in
 * `*layer_state` (NULL at first; net_raw_done() frees it). Returns false at the end of the stream.
 */
bool net_raw_recv(const struct net *net, int fd, void **layer_state, struct lc_dynbuf *out);
void net_raw_done(const struct net *net, void *layer_state);

/* Octets that differ everywhere: a fixed sequence. */
void net_fill(uint8_t *p, size_t n, uint64_t seed);

#endif
