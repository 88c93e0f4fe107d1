/* SPDX-License-Identifier: Apache-2.0
 *
 * net/listener_test.c - taken addresses, stale paths, options, and accepting when there is no
 * room.
 */
#include "net/test_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/listener.h"

static const struct lc_listen_config plain = {0};
static const struct lc_listen_config shared = {.reuse_port = true};

static int listen_ok(const struct lc_addr *addr, const struct lc_listen_config *config, bool first,
                     struct lc_addr *ret_bound)
{
    int fd;
    struct lc_diag diag = {0};
    lc_err e = lc_listen_fd(addr, config, first, &fd, ret_bound, &diag);
    if (e != LC_OK)
        fail_msg("%s: %s", lc_strerror(e), diag.text);
    return fd;
}

static void assert_in_use(const struct lc_addr *addr, const struct lc_listen_config *config)
{
    int fd = -1;
    struct lc_addr bound;
    struct lc_diag diag = {0};
    char address[LC_ADDR_TEXT_MAX];
    char pid[32];
    assert_lc_err(lc_listen_fd(addr, config, true, &fd, &bound, &diag), LC_EINUSE);
    assert_int_equal(fd, -1);
    lc_addr_format(addr, address);
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    assert_non_null(strstr(diag.text, address));
    assert_non_null(strstr(diag.text, pid));
}

static void test_port_taken(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr(LC_TCP, false);
    struct lc_addr bound;
    struct lc_addr again;
    int fd = listen_ok(&addr, &plain, true, &bound);
    assert_int_not_equal(lc_addr_port(&bound), 0);
    assert_in_use(&bound, &plain);
    assert_in_use(&bound, &shared);
    close(fd);
    close(listen_ok(&bound, &plain, true, &again));
}

/* A stranger who shares the port is a stranger; our own other workers are not. */
static void test_port_shared(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr(LC_TCP, false);
    struct lc_addr bound;
    struct lc_addr again;
    int first = listen_ok(&addr, &shared, true, &bound);
    int second = listen_ok(&bound, &shared, false, &again);
    int third = listen_ok(&bound, &shared, false, &again);
    assert_int_equal(lc_addr_port(&again), lc_addr_port(&bound));
    assert_in_use(&bound, &shared);
    close(first);
    close(second);
    close(third);
}

static void test_dual_stack(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr_parse(":0");
    struct lc_addr bound;
    int fd = listen_ok(&addr, &plain, true, &bound);
    char text[LC_ADDR_TEXT_MAX];
    snprintf(text, sizeof text, "127.0.0.1:%u", lc_addr_port(&bound));
    struct lc_addr v4 = net_addr_parse(text);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&v4.sa, v4.len), 0);
    struct lc_addr peer = {.transport = LC_TCP, .len = sizeof peer.sa};
    int accepted = accept(fd, (struct sockaddr *)&peer.sa, &peer.len);
    lc_addr_format(&peer, text);
    assert_memory_equal(text, "127.0.0.1:", 10);
    assert_true(lc_addr_is_local(&peer));
    close(accepted);
    close(client);
    close(fd);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* docs/protocols.md, "Socket defaults": on what is accepted, without a system call for each. */
static void test_accepted_inherit_options(void **state)
{
    LC_UNUSED(state);
    int fds[2];
    net_pair(LC_TCP, fds);
    assert_int_equal(option(fds[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_KEEPCNT), 6);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    assert_int_equal(option(fds[0], IPPROTO_TCP, TCP_NODELAY), 1);
    close(fds[0]);
    close(fds[1]);
}

static const char *path_of(const struct lc_addr *addr)
{
    return ((const struct sockaddr_un *)&addr->sa)->sun_path;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_unix_path(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr(LC_UNIX_STREAM, false);
    struct lc_addr bound;
    mode_t mask = umask(077);
    int fd = listen_ok(&addr, &plain, true, &bound);
    assert_int_equal(mode_of(path_of(&addr)), 0666);
    assert_in_use(&addr, &plain); /* somebody answers */
    close(fd);
    /* nobody answers any more: it is stale, and replaced */
    fd = listen_ok(&addr, &(struct lc_listen_config){.mode = 0660}, true, &bound);
    assert_int_equal(mode_of(path_of(&addr)), 0660);
    umask(mask);
    close(fd);
    assert_int_equal(unlink(path_of(&addr)), 0);
}

static void test_unix_path_is_no_socket(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr(LC_UNIX_STREAM, false);
    struct lc_addr bound;
    struct lc_diag diag = {0};
    int fd;
    FILE *file = fopen(path_of(&addr), "we");
    assert_non_null(file);
    fclose(file);
    assert_lc_err(lc_listen_fd(&addr, &plain, true, &fd, &bound, &diag), -EEXIST);
    assert_non_null(strstr(diag.text, path_of(&addr)));
    assert_int_equal(unlink(path_of(&addr)), 0);
    /* nor is what a link points to */
    assert_int_equal(symlink("/dev/null", path_of(&addr)), 0);
    assert_lc_err(lc_listen_fd(&addr, &plain, true, &fd, &bound, &diag), -EEXIST);
    assert_int_equal(unlink(path_of(&addr)), 0);
}

/* A living socket of the other type is living. */
static void test_unix_path_of_datagrams(void **state)
{
    LC_UNUSED(state);
    struct lc_addr addr = net_addr(LC_UNIX_STREAM, false);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr.sa, addr.len), 0);
    assert_in_use(&addr, &plain);
    close(fd);
    assert_int_equal(unlink(path_of(&addr)), 0);
}

#define CLIENTS 40

struct server {
    struct net net;
    struct lc_listener *listener;
    struct lc_addr bound;
    int clients[CLIENTS];
    int accepted[CLIENTS];
    size_t count;
};

static void on_accept(void *user, int fd, const struct lc_addr *peer)
{
    struct server *s = user;
    assert_true(lc_addr_is_local(peer));
    s->accepted[s->count++] = fd;
}

static void server_open(struct server *s, void **state, lc_accept_fn accepted,
                        const struct lc_loop_config *config)
{
    *s = (struct server){0};
    net_open(&s->net, state, config);
    struct lc_addr addr = net_addr(LC_TCP, false);
    int fd = listen_ok(&addr, &plain, true, &s->bound);
    assert_lc_ok(lc_listener_open(s->net.loop, fd, accepted, s, &s->listener));
}

static void connect_clients(struct server *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        LC_ASSERT(s->clients[i] >= 0);
        int failed = connect(s->clients[i], (struct sockaddr *)&s->bound.sa, s->bound.len);
        LC_ASSERT(failed == 0);
    }
}

static void server_close(struct server *s, size_t clients)
{
    for (size_t i = 0; i < clients; i++)
        close(s->clients[i]);
    for (size_t i = 0; i < s->count; i++)
        close(s->accepted[i]);
    lc_listener_close(s->listener);
    net_close(&s->net);
}

static void test_accepts_all(void **state)
{
    struct server s;
    server_open(&s, state, on_accept, NULL);
    connect_clients(&s, CLIENTS);
    NET_UNTIL(&s.net, s.count == CLIENTS);
    assert_int_equal(lc_loop_stats(s.net.loop).accepted, CLIENTS);
    server_close(&s, CLIENTS);
}

/* In a process of its own: the limit of descriptors leaves room for two of the waiting clients. */
static int run_out_of_descriptors(void **state)
{
    struct server s;
    server_open(&s, state, on_accept, NULL);
    connect_clients(&s, 5);
    int next = dup(0);
    close(next);
    struct rlimit limit = {(rlim_t)next + 2, (rlim_t)next + 2};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 2;
    while (s.count < 2 || lc_loop_stats(s.net.loop).accept_paused == 0)
        if (lc_loop_turn(s.net.loop) != LC_OK)
            return 3;
    /* it does not try again before its time */
    for (int i = 0; i < 20; i++)
        net_poll(&s.net);
    if (s.count != 2 || lc_loop_stats(s.net.loop).accept_paused != 1)
        return 4;
    /* too early: nothing was closed meanwhile */
    net_advance_ms(&s.net, 100);
    while (lc_loop_stats(s.net.loop).accept_paused == 1)
        if (lc_loop_turn(s.net.loop) != LC_OK)
            return 5;
    /* and when there is room again, those who waited are accepted */
    for (int i = 0; i < 2; i++)
        close(s.accepted[i]);
    for (int i = 0; i < 3; i++)
        close(s.clients[i]);
    net_advance_ms(&s.net, 100);
    while (s.count < 5)
        if (lc_loop_turn(s.net.loop) != LC_OK)
            return 6;
    return 0;
}

static void test_descriptors_run_out(void **state)
{
    pid_t child = fork();
    if (child == 0)
        _exit(run_out_of_descriptors(state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a process of its own: room for two descriptors below those that select(2) has no bit for. */
static int run_out_of_low_descriptors(void **state)
{
    struct server s;
    server_open(&s, state, on_accept, NULL);
    connect_clients(&s, 4);
    while (dup(0) < FD_SETSIZE - 3)
        continue;
    while (s.count < 2 || lc_loop_stats(s.net.loop).accept_paused == 0)
        if (lc_loop_turn(s.net.loop) != LC_OK)
            return 3;
    if (s.count != 2 || s.accepted[0] >= FD_SETSIZE || s.accepted[1] >= FD_SETSIZE)
        return 4;
    for (int i = 0; i < 2; i++)
        close(s.accepted[i]);
    net_advance_ms(&s.net, 100);
    while (s.count < 3)
        if (lc_loop_turn(s.net.loop) != LC_OK)
            return 5;
    return 0;
}

static void test_low_descriptors_run_out(void **state)
{
    if (strcmp(((const struct net_case *)*state)->backend, "select") != 0)
        return; /* the others have no such limit */
    pid_t child = fork();
    if (child == 0)
        _exit(run_out_of_low_descriptors(state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static struct net_peer peers[2];

static void open_stream(void *user, int fd, const struct lc_addr *peer)
{
    struct server *s = user;
    LC_UNUSED(peer);
    net_peer_open(&peers[s->count++], &s->net, fd, NULL);
}

static void test_max_connections(void **state)
{
    struct server s;
    memset(peers, 0, sizeof peers);
    server_open(&s, state, open_stream, &(struct lc_loop_config){.max_connections = 2});
    connect_clients(&s, 4);
    NET_UNTIL(&s.net, lc_loop_stats(s.net.loop).refused == 2);
    assert_int_equal(s.count, 2);
    assert_int_equal(lc_loop_stats(s.net.loop).open, 2);
    /* whoever is over the limit is told so at once */
    size_t closed = 0;
    for (size_t i = 0; i < 4; i++) {
        char octet;
        closed += recv(s.clients[i], &octet, 1, MSG_DONTWAIT) == 0;
    }
    assert_int_equal(closed, 2);
    /* one goes, another may come */
    net_peer_done(&peers[0]);
    peers[0] = (struct net_peer){0};
    s.count = 0;
    close(s.clients[0]);
    connect_clients(&s, 1);
    NET_UNTIL(&s.net, s.count == 1);
    for (size_t i = 0; i < 2; i++)
        net_peer_done(&peers[i]);
    s.count = 0;
    server_close(&s, 4);
}

static void close_listener(void *user, int fd, const struct lc_addr *peer)
{
    struct server *s = user;
    LC_UNUSED(peer);
    assert_int_equal(s->count, 0);
    s->count++;
    close(fd);
    lc_listener_close(s->listener);
}

static void test_close_in_accept(void **state)
{
    struct server s;
    server_open(&s, state, close_listener, NULL);
    connect_clients(&s, CLIENTS);
    NET_UNTIL(&s.net, s.count == 1);
    for (int i = 0; i < 5; i++)
        net_poll(&s.net);
    for (size_t i = 0; i < CLIENTS; i++)
        close(s.clients[i]);
    net_close(&s.net);
    lc_listener_close(NULL);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_port_taken),
        NET_TEST(test_port_shared),
        NET_TEST(test_dual_stack),
        NET_TEST(test_accepted_inherit_options),
        NET_TEST(test_unix_path),
        NET_TEST(test_unix_path_is_no_socket),
        NET_TEST(test_unix_path_of_datagrams),
        NET_TEST(test_accepts_all),
        NET_TEST(test_descriptors_run_out),
        NET_TEST(test_low_descriptors_run_out),
        NET_TEST(test_max_connections),
        NET_TEST(test_close_in_accept),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), false);
}
