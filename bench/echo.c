/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/echo.c - what a message costs in net/ alone: 64 octets over TCP on loopback, echoed, on
 * every backend in turns. The clients are another process, so the figure is the server's own.
 *
 * Usage: echo [MESSAGES [CONNECTIONS [DEPTH [ROUNDS]]]]. DEPTH messages of each connection are on
 * their way at once. Prints the fastest, the median and the slowest round.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/stream.h"

#define MESSAGE         64
#define ROUNDS_MAX      100
#define CONNECTIONS_MAX 4096

struct plan {
    uint64_t messages, connections, depth, rounds;
};

struct side {
    struct lc_loop *loop;
    struct connection *connections;
    size_t opened;
    size_t open; /* of those that will be */
};

struct connection {
    struct lc_stream *stream;
    struct side *side;
    uint64_t to_send; /* octets, by the client */
    uint64_t to_receive;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "echo: %s failed\n", what);
    exit(1);
}

static size_t on_request(void *user, struct lc_slice in)
{
    struct connection *c = user;
    must(lc_stream_write(c->stream, in) == LC_OK, "answering");
    return in.n;
}

static size_t on_answer(void *user, struct lc_slice in)
{
    static const uint8_t zeros[65536];
    struct connection *c = user;
    size_t n = in.n < c->to_send ? in.n : (size_t)c->to_send;
    c->to_send -= n;
    c->to_receive -= in.n;
    for (size_t at = 0; at < n; at += sizeof zeros) {
        size_t piece = n - at < sizeof zeros ? n - at : sizeof zeros;
        must(lc_stream_write(c->stream, lc_slice(zeros, piece)) == LC_OK, "asking");
    }
    if (c->to_receive == 0)
        lc_stream_close(c->stream, LC_TIME_NEVER);
    return in.n;
}

static void on_eof(void *user, struct lc_slice rest)
{
    struct connection *c = user;
    LC_UNUSED(rest);
    lc_stream_close(c->stream, LC_TIME_NEVER);
}

static void on_drain(void *user)
{
    LC_UNUSED(user);
}

static void on_close(void *user, lc_err why)
{
    struct connection *c = user;
    LC_UNUSED(why);
    if (--c->side->open == 0)
        lc_loop_stop(c->side->loop);
}

static const struct lc_stream_events server_events = {
    .on_data = on_request, .on_eof = on_eof, .on_drain = on_drain, .on_close = on_close};
static const struct lc_stream_events client_events = {
    .on_data = on_answer, .on_eof = on_eof, .on_drain = on_drain, .on_close = on_close};
static const struct lc_stream_config stream_config = {0};

static void on_accept(void *user, int fd, const struct lc_addr *peer)
{
    struct side *side = user;
    struct connection *c = &side->connections[side->opened++];
    c->side = side;
    must(lc_stream_open(side->loop, fd, peer, &stream_config, &server_events, c, &c->stream) ==
             LC_OK,
         "opening a stream");
}

static struct side *side_new(const char *backend, const struct plan *plan)
{
    struct side *side = calloc(1, sizeof *side);
    must(side != NULL, "memory");
    side->connections = calloc(plan->connections, sizeof *side->connections);
    must(side->connections != NULL, "memory");
    side->open = plan->connections;
    struct lc_diag diag = {0};
    if (lc_loop_new(&(struct lc_loop_config){.backend = backend}, &side->loop, &diag) != LC_OK) {
        fprintf(stderr, "echo: %s\n", diag.text);
        exit(1);
    }
    return side;
}

static void run_clients(const struct lc_addr *server, const struct plan *plan)
{
    static const uint8_t zeros[MESSAGE];
    struct side *side = side_new(NULL, plan);
    uint64_t each = plan->messages / plan->connections;
    uint64_t depth = plan->depth < each ? plan->depth : each;
    for (size_t i = 0; i < plan->connections; i++) {
        struct connection *c = &side->connections[i];
        *c = (struct connection){
            .side = side, .to_send = (each - depth) * MESSAGE, .to_receive = each * MESSAGE};
        must(lc_stream_connect(side->loop, server, &stream_config, &client_events, c, LC_TIME_NEVER,
                               &c->stream) == LC_OK,
             "connecting");
        for (uint64_t n = 0; n < depth; n++)
            must(lc_stream_write(c->stream, lc_slice(zeros, MESSAGE)) == LC_OK, "asking");
    }
    must(lc_loop_run(side->loop) == LC_OK, "the clients' loop");
}

static double own_cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* CPU seconds of the server for a million messages. */
static double run_round(const char *backend, const struct plan *plan)
{
    struct side *side = side_new(backend, plan);
    struct lc_endpoint ep = {.host = "127.0.0.1"};
    struct lc_addr addr;
    struct lc_addr bound;
    struct lc_listener *listener;
    size_t n;
    int fd;
    must(lc_addr_resolve(&ep, &addr, 1, &n, NULL) == LC_OK, "resolving");
    must(lc_listen_fd(&addr, &(struct lc_listen_config){0}, true, &fd, &bound, NULL) == LC_OK,
         "listening");
    pid_t clients = fork();
    must(clients >= 0, "fork");
    if (clients == 0) {
        run_clients(&bound, plan);
        _exit(0);
    }
    must(lc_listener_open(side->loop, fd, on_accept, side, &listener) == LC_OK, "accepting");
    double before = own_cpu_s();
    must(lc_loop_run(side->loop) == LC_OK, "the server's loop");
    double cpu = own_cpu_s() - before;
    lc_listener_close(listener);
    lc_loop_free(side->loop);
    int status;
    must(waitpid(clients, &status, 0) == clients && status == 0, "the clients");
    free(side->connections);
    free(side);
    return cpu * 1e6 / (double)plan->messages;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t number(int argc, char **argv, int at, uint64_t otherwise, uint64_t max)
{
    uint64_t value = otherwise;
    bool ok = argc <= at || lc_slice_u64(lc_slice_cstr(argv[at]), &value) == LC_OK;
    must(ok && value > 0 && value <= max, "reading the arguments");
    return value;
}

/* select(2) has no descriptor over 1023. */
static bool fits(const char *backend, const struct plan *plan)
{
    return strcmp(backend, "select") != 0 || plan->connections <= 1000;
}

int main(int argc, char **argv)
{
    struct plan plan = {
        .messages = number(argc, argv, 1, 300000, UINT32_MAX),
        .connections = number(argc, argv, 2, 64, CONNECTIONS_MAX),
        .depth = number(argc, argv, 3, 1, 1024),
        .rounds = number(argc, argv, 4, 3, ROUNDS_MAX),
    };
    double cpu[4][ROUNDS_MAX];
    const char *const *backends = lc_loop_backends;
    plan.messages -= plan.messages % plan.connections;
    for (uint64_t round = 0; round < plan.rounds; round++)
        for (size_t b = 0; backends[b] != NULL; b++)
            cpu[b][round] = fits(backends[b], &plan) ? run_round(backends[b], &plan) : NAN;
    printf("TCP echo of %d octets, %llu connections, %llu at once on each; server CPU-s for a "
           "million: fastest, median, slowest of %llu\n",
           MESSAGE, (unsigned long long)plan.connections, (unsigned long long)plan.depth,
           (unsigned long long)plan.rounds);
    for (size_t b = 0; backends[b] != NULL; b++) {
        qsort(cpu[b], plan.rounds, sizeof cpu[b][0], by_value);
        printf("%-10s %6.2f %6.2f %6.2f\n", backends[b], cpu[b][0], cpu[b][plan.rounds / 2],
               cpu[b][plan.rounds - 1]);
    }
    return 0;
}
