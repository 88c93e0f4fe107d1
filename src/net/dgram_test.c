/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dgram_test.c - datagrams in batches, over UDP and Unix sockets.
 */
#include "net/test_net.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dgram.h"

struct receiver {
    struct net net;
    struct lc_dgram *dgram;
    struct lc_addr bound;
    int from; /* a socket that sends there */
    void (*on_batch)(struct receiver *r);
    size_t count;
    size_t largest_batch;
    size_t octets;
    uint64_t sum; /* of the numbers at the front of each */
    bool truncated;
    bool has_uid;
    unsigned uid;
    struct lc_addr last_from;
};

static void on_datagrams(void *user, const struct lc_datagram *d, size_t n)
{
    struct receiver *r = user;
    assert_true(n > 0);
    r->largest_batch = n > r->largest_batch ? n : r->largest_batch;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = 0;
        memcpy(&number, d[i].data.p, d[i].data.n < 4 ? d[i].data.n : 4);
        r->count++;
        r->octets += d[i].data.n;
        r->sum += number;
        r->truncated = d[i].truncated;
        r->has_uid = d[i].has_uid;
        r->uid = d[i].uid;
        r->last_from = *d[i].from;
    }
    if (r->on_batch != NULL)
        r->on_batch(r);
}

static void receiver_open(struct receiver *r, void **state, enum lc_transport transport, bool ipv6,
                          const struct lc_dgram_config *config)
{
    *r = (struct receiver){0};
    net_open(&r->net, state, NULL);
    struct lc_addr addr = net_addr(transport, ipv6);
    struct lc_diag diag = {0};
    int fd;
    assert_lc_ok(lc_dgram_fd(&addr, config, true, &fd, &r->bound, &diag));
    assert_lc_ok(lc_dgram_open(r->net.loop, fd, on_datagrams, r, &r->dgram));
    r->from = socket(addr.sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(r->from, (struct sockaddr *)&r->bound.sa, r->bound.len), 0);
}

static void receiver_close(struct receiver *r)
{
    if (r->bound.transport == LC_UNIX_DGRAM)
        assert_int_equal(unlink(((struct sockaddr_un *)&r->bound.sa)->sun_path), 0);
    lc_dgram_close(r->dgram);
    net_close(&r->net);
    close(r->from);
}

static uint64_t send_numbers(struct receiver *r, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= n; i++) {
        assert_int_equal(send(r->from, &i, sizeof i, 0), sizeof i);
        sum += i;
    }
    return sum;
}

static const struct lc_dgram_config plain = {0};

static void batches_over(void **state, enum lc_transport transport, bool ipv6, uint32_t n)
{
    struct receiver r;
    receiver_open(&r, state, transport, ipv6, &plain);
    for (int round = 1; round <= 3; round++) {
        r.sum = 0;
        uint64_t sum = send_numbers(&r, n);
        NET_UNTIL(&r.net, r.count == (size_t)round * n);
        assert_int_equal(r.sum, sum);
        assert_false(r.truncated);
    }
    assert_true(r.largest_batch >= (n < 64 ? n : 64));
    assert_true(lc_addr_is_local(&r.last_from));
    assert_int_equal(r.last_from.transport, transport);
    assert_int_equal(r.has_uid, transport == LC_UNIX_DGRAM);
    assert_int_equal(r.uid, transport == LC_UNIX_DGRAM ? getuid() : 0);
    assert_int_equal(lc_dgram_dropped(r.dgram), 0);
    receiver_close(&r);
}

static void test_udp4(void **state)
{
    batches_over(state, LC_UDP, false, 700); /* more than are taken in one turn */
}

static void test_udp6(void **state)
{
    batches_over(state, LC_UDP, true, 100);
}

static void test_unix(void **state)
{
    batches_over(state, LC_UNIX_DGRAM, false, 9); /* net.unix.max_dgram_qlen may be 10 */
}

static void test_empty_datagram(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &plain);
    assert_int_equal(send(r.from, "", 0, 0), 0);
    NET_UNTIL(&r.net, r.count == 1);
    assert_int_equal(r.octets, 0);
    receiver_close(&r);
}

static void test_largest_and_truncated(void **state)
{
    struct receiver r;
    static uint8_t octets[65537];
    receiver_open(&r, state, LC_UNIX_DGRAM, false, &plain);
    assert_int_equal(send(r.from, octets, 65536, 0), 65536);
    NET_UNTIL(&r.net, r.count == 1);
    assert_int_equal(r.octets, 65536);
    assert_false(r.truncated);
    assert_int_equal(send(r.from, octets, 65537, 0), 65537);
    NET_UNTIL(&r.net, r.count == 2);
    assert_int_equal(r.octets, 2 * 65536);
    assert_true(r.truncated);
    receiver_close(&r);
}

/* Descriptors that somebody passes along do not stay open in this process. */
static void test_passed_descriptors(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UNIX_DGRAM, false, &plain);
    int next = dup(0);
    close(next);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char octet = 'x';
    struct iovec iov = {&octet, 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(c), &r.from, sizeof(int));
    assert_int_equal(sendmsg(r.from, &msg, 0), 1);
    NET_UNTIL(&r.net, r.count == 1);
    assert_true(r.has_uid);
    int after = dup(0);
    close(after);
    assert_int_equal(after, next);
    receiver_close(&r);
}

/* What a full buffer makes the kernel drop is counted, to the last one. */
static void test_dropped(void **state)
{
    struct receiver r;
    struct lc_sockopts options = {.count = 0};
    assert_lc_ok(lc_sockopts_add(&options, "SO_RCVBUF=4K", NULL));
    receiver_open(&r, state, LC_UDP, false, &(struct lc_dgram_config){.options = &options});
    send_numbers(&r, 200);
    NET_UNTIL(&r.net, r.count > 0);
    while (r.count < 200 && r.largest_batch != 0) {
        r.largest_batch = 0;
        net_poll(&r.net);
    }
    size_t before = r.count;
    assert_true(before < 200);
    /* the count comes with the next datagram */
    send_numbers(&r, 1);
    NET_UNTIL(&r.net, r.count == before + 1);
    assert_int_equal(lc_dgram_dropped(r.dgram), 200 - before);
    receiver_close(&r);
}

static void test_pause_resume(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &plain);
    send_numbers(&r, 1);
    NET_UNTIL(&r.net, r.count == 1);
    lc_dgram_pause(r.dgram);
    send_numbers(&r, 5);
    for (int i = 0; i < 5; i++)
        net_poll(&r.net);
    assert_int_equal(r.count, 1);
    lc_dgram_resume(r.dgram);
    NET_UNTIL(&r.net, r.count == 6);
    /* within one turn: nothing that comes meanwhile is forgotten */
    lc_dgram_pause(r.dgram);
    send_numbers(&r, 5);
    lc_dgram_resume(r.dgram);
    NET_UNTIL(&r.net, r.count == 11);
    receiver_close(&r);
}

static void pause_in_batch(struct receiver *r)
{
    lc_dgram_pause(r->dgram);
}

static void test_pause_in_batch(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &plain);
    r.on_batch = pause_in_batch;
    send_numbers(&r, 150);
    NET_UNTIL(&r.net, r.count == 64);
    for (int i = 0; i < 5; i++)
        net_poll(&r.net);
    assert_int_equal(r.count, 64);
    lc_dgram_resume(r.dgram);
    NET_UNTIL(&r.net, r.count == 128);
    lc_dgram_resume(r.dgram);
    NET_UNTIL(&r.net, r.count == 150);
    receiver_close(&r);
}

static void test_close_drains(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &plain);
    uint64_t sum = send_numbers(&r, 300);
    receiver_close(&r);
    assert_int_equal(r.count, 300);
    assert_int_equal(r.sum, sum);
    lc_dgram_close(NULL);
}

static void close_in_batch(struct receiver *r)
{
    lc_dgram_close(r->dgram);
}

static void test_close_in_batch(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &plain);
    r.on_batch = close_in_batch;
    send_numbers(&r, 150);
    NET_UNTIL(&r.net, r.count > 0);
    for (int i = 0; i < 5; i++)
        net_poll(&r.net);
    assert_int_equal(r.count, 64);
    net_close(&r.net);
    close(r.from);
}

static void test_taken(void **state)
{
    struct receiver r;
    receiver_open(&r, state, LC_UDP, false, &(struct lc_dgram_config){.reuse_port = true});
    int fd;
    struct lc_addr bound;
    struct lc_diag diag = {0};
    assert_lc_err(lc_dgram_fd(&r.bound, &(struct lc_dgram_config){.reuse_port = true}, true, &fd,
                              &bound, &diag),
                  LC_EINUSE);
    assert_non_null(strstr(diag.text, "(pid "));
    /* a further worker of ours */
    assert_lc_ok(lc_dgram_fd(&r.bound, &(struct lc_dgram_config){.reuse_port = true}, false, &fd,
                             &bound, &diag));
    close(fd);
    receiver_close(&r);
}

static void test_buffer_size(void **state)
{
    LC_UNUSED(state);
    int fd;
    struct lc_addr addr = net_addr(LC_UDP, false);
    struct lc_addr bound;
    struct lc_sockopts options = {.count = 0};
    assert_lc_ok(lc_sockopts_add(&options, "SO_RCVBUF=100000", NULL));
    assert_lc_ok(lc_dgram_fd(&addr, &(struct lc_dgram_config){.options = &options}, true, &fd,
                             &bound, NULL));
    int size;
    socklen_t len = sizeof size;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len), 0);
    assert_int_equal(size, 200000); /* the kernel doubles it, for its own part */
    close(fd);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_udp4),
        NET_TEST(test_udp6),
        NET_TEST(test_unix),
        NET_TEST(test_empty_datagram),
        NET_TEST(test_largest_and_truncated),
        NET_TEST(test_passed_descriptors),
        NET_TEST(test_dropped),
        NET_TEST(test_pause_resume),
        NET_TEST(test_pause_in_batch),
        NET_TEST(test_close_drains),
        NET_TEST(test_close_in_batch),
        NET_TEST(test_taken),
        NET_TEST(test_buffer_size),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), false);
}
