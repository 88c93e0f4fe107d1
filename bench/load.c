/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/load.c - sends a file of lines over TCP as fast as the receiver takes it, waits until the
 * receiver has done all of it, and prints what that took.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/options.h"
#include "bench/watch.h"

#define CONNECTIONS_MAX 64
#define WRITE_SIZE      (256u << 10)
#define READ_SIZE       (64u << 10)
#define START_S         20 /* for the server to listen */
#define STATS_EVERY_MS  10

enum until { UNTIL_ANSWERED, UNTIL_CLOSED, UNTIL_FILE, UNTIL_STATS };

struct load_options {
    const char *server;
    const char *file;
    uint64_t connections;
    int until;
    const char *watched;
    uint64_t pid;
    int64_t patience_ns;
    bool help;
};

#define AT(member) LC_MEMBER(struct load_options, member)

static const char *const until_words[] = {
    [UNTIL_ANSWERED] = "answered",
    [UNTIL_CLOSED] = "closed",
    [UNTIL_FILE] = "file",
    [UNTIL_STATS] = "stats",
    NULL,
};

static const struct lc_option options[] = {
    {.name = "server",
     .letter = 's',
     .kind = LC_OPTION_TEXT,
     .value = "ADDRESS",
     .fallback = "127.0.0.1:9999",
     AT(server),
     .help = "host:port"},
    {.name = "file",
     .letter = 'f',
     .kind = LC_OPTION_TEXT,
     .value = "FILE",
     AT(file),
     .help = "the lines"},
    {.name = "connections",
     .letter = 'c',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "1",
     .min = 1,
     .max = CONNECTIONS_MAX,
     AT(connections),
     .help = "the file is cut into as many parts"},
    {.name = "until",
     .letter = 'u',
     .kind = LC_OPTION_CHOICE,
     .value = "WHEN",
     .fallback = "closed",
     .choices = until_words,
     AT(until),
     .help = "answered: each line has its answer; closed: the server has closed; "
             "file: --watched is as large as what was sent; stats: STATS at "
             "--watched says that as many more records are committed"},
    {.name = "watched",
     .letter = 'w',
     .kind = LC_OPTION_TEXT,
     .value = "WHAT",
     AT(watched),
     .help = "a file, or an address for queries"},
    {.name = "pid",
     .letter = 'p',
     .kind = LC_OPTION_COUNT,
     .value = "PID",
     AT(pid),
     .help = "of the server, for its CPU time"},
    {.name = "patience",
     .kind = LC_OPTION_DURATION,
     .value = "TIME",
     .fallback = "10m",
     AT(patience_ns),
     .help = "give up after this long"},
    {.name = "help", .letter = 'h', .kind = LC_OPTION_FLAG, AT(help), .help = "show this and exit"},
};

struct link {
    int fd;
    struct lc_slice left; /* to send */
    bool at_line_start;   /* of the answers */
    bool open;            /* the server has not closed */
};

struct load {
    const struct load_options *o;
    struct lc_slice all;
    uint64_t lines;
    struct link links[CONNECTIONS_MAX];
    uint64_t answers, refused;
    double deadline;
};

static int fail(const char *what, int error)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(error));
    return 1;
}

static bool map_file(const char *path, struct lc_slice *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return false;
    *ret = lc_slice(p, (size_t)st.st_size);
    return true;
}

static uint64_t count_lines(struct lc_slice s)
{
    uint64_t lines = 0;
    struct lc_slice line;
    while (lc_slice_cut(&s, '\n', &line))
        lines++;
    return lines + (s.n > 0);
}

/* Equal parts, each of whole lines. */
static void divide(struct load *l)
{
    struct lc_slice rest = l->all;
    size_t count = l->o->connections;
    for (size_t i = 0; i < count; i++) {
        size_t n = rest.n / (count - i);
        const uint8_t *end = n == rest.n ? NULL : memchr(rest.p + n, '\n', rest.n - n);
        n = end == NULL ? rest.n : (size_t)(end - rest.p) + 1;
        l->links[i].left = lc_slice(rest.p, n);
        rest = lc_slice_from(rest, n);
    }
}

static bool connect_all(struct load *l)
{
    for (size_t i = 0; i < l->o->connections; i++) {
        int fd = watch_connect(l->o->server, watch_now() + START_S);
        if (fd < 0) {
            fail(l->o->server, -fd);
            return false;
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        l->links[i].fd = fd;
        l->links[i].open = l->links[i].at_line_start = true;
    }
    return true;
}

static bool send_some(struct load *l, struct link *k)
{
    size_t n = k->left.n < WRITE_SIZE ? k->left.n : WRITE_SIZE;
    ssize_t sent = send(k->fd, k->left.p, n, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    k->left = lc_slice_from(k->left, (size_t)sent);
    if (k->left.n == 0 && l->o->until != UNTIL_ANSWERED)
        shutdown(k->fd, SHUT_WR);
    return true;
}

static void count_answers(struct load *l, struct link *k, struct lc_slice in)
{
    struct lc_slice line;
    while (in.n > 0) {
        l->refused += k->at_line_start && in.p[0] == 'E'; /* ERROR|... */
        k->at_line_start = lc_slice_cut(&in, '\n', &line);
        if (!k->at_line_start)
            return;
        l->answers++;
    }
}

static bool receive_some(struct load *l, struct link *k)
{
    static uint8_t in[READ_SIZE];
    ssize_t n = recv(k->fd, in, sizeof in, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        k->open = false;
    count_answers(l, k, lc_slice(in, (size_t)n));
    return n > 0 || k->left.n == 0;
}

/* All is sent, and what the sockets themselves can tell has come. */
static bool is_through(const struct load *l)
{
    for (size_t i = 0; i < l->o->connections; i++) {
        if (l->links[i].left.n > 0)
            return false;
        if (l->o->until == UNTIL_CLOSED && l->links[i].open)
            return false;
    }
    return l->o->until != UNTIL_ANSWERED || l->answers >= l->lines;
}

static bool turn(struct load *l)
{
    struct pollfd p[CONNECTIONS_MAX];
    size_t count = l->o->connections;
    for (size_t i = 0; i < count; i++) {
        const struct link *k = &l->links[i];
        short out = k->left.n > 0 ? POLLOUT : 0;
        p[i] = (struct pollfd){.fd = k->open ? k->fd : -1, .events = (short)(POLLIN | out)};
    }
    if (poll(p, count, 1000) < 0 && errno != EINTR)
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((p[i].revents & POLLOUT) != 0 && !send_some(l, &l->links[i]))
            return false;
        if ((p[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive_some(l, &l->links[i]))
            return false;
    }
    return true;
}

static bool transfer(struct load *l)
{
    while (!is_through(l)) {
        if (watch_now() > l->deadline) {
            errno = ETIMEDOUT;
            return false;
        }
        errno = ECONNRESET; /* unless a call says otherwise */
        if (!turn(l))
            return false;
    }
    return true;
}

/* Until `goal` records are committed. */
static bool await_stats(const struct load *l, int stats, uint64_t goal)
{
    uint64_t committed = 0;
    while (watch_stat(stats, "store_committed", &committed) && watch_now() < l->deadline) {
        if (committed >= goal)
            return true;
        poll(NULL, 0, STATS_EVERY_MS);
    }
    return false;
}

static void print_result(const struct load *l, double seconds, const struct watch_usage *before,
                         const struct watch_usage *after)
{
    printf("lines=%" PRIu64 " octets=%zu seconds=%.3f cpu_s=%.2f rss_kb=%lu refused=%" PRIu64 "\n",
           l->lines, l->all.n, seconds, after->cpu_s - before->cpu_s, after->rss_kb, l->refused);
}

static int measure(struct load *l)
{
    const struct load_options *o = l->o;
    struct watch_usage before = {0}, after = {0};
    int stats = -1;
    uint64_t committed = 0;
    if (o->until == UNTIL_STATS) {
        stats = watch_connect(o->watched, watch_now() + START_S);
        if (stats < 0)
            return fail(o->watched, -stats);
        if (!watch_stat(stats, "store_committed", &committed))
            return fail("STATS", EPROTO);
    }
    if (o->pid != 0 && !watch_process((pid_t)o->pid, &before))
        return fail("--pid", ESRCH);

    double start = watch_now();
    l->deadline = start + (double)o->patience_ns / (double)LC_NS_PER_S;
    if (!transfer(l))
        return fail("sending", errno);
    if (o->until == UNTIL_FILE && !watch_file(o->watched, l->all.n, l->deadline))
        return fail(o->watched, ETIMEDOUT);
    if (o->until == UNTIL_STATS && !await_stats(l, stats, committed + l->lines))
        return fail("STATS", ETIMEDOUT);
    double seconds = watch_now() - start;

    if (o->pid != 0 && !watch_process((pid_t)o->pid, &after))
        return fail("the server is gone", ESRCH);
    print_result(l, seconds, &before, &after);
    return l->refused == 0 ? 0 : 1;
}

static int run(const struct load_options *o)
{
    struct load *l = calloc(1, sizeof *l);
    if (l == NULL)
        return fail("memory", ENOMEM);
    l->o = o;
    int code = 1;
    if (!map_file(o->file, &l->all)) {
        fail(o->file, errno);
    } else {
        l->lines = count_lines(l->all);
        divide(l);
        if (connect_all(l))
            code = measure(l);
    }
    free(l); /* the kernel closes the rest */
    return code;
}

int main(int argc, char **argv)
{
    static const struct bench_program program = {
        .name = "load",
        .about = "Sends lines over TCP and measures how long the server takes for them.\n\n"
                 "Usage: load --file FILE [OPTION...]",
        .rows = options,
        .count = LC_ARRAY_LEN(options),
    };
    struct load_options o = {0};
    bench_options(&program, argc, argv, &o, &o.help);
    bool watches = o.until == UNTIL_FILE || o.until == UNTIL_STATS;
    if (o.file == NULL || (watches && o.watched == NULL)) {
        fprintf(stderr, "load: %s is missing; load --help lists the options\n",
                o.file == NULL ? "--file" : "--watched");
        return 2;
    }
    return run(&o);
}
