/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/watch.c - looking at a server from outside.
 */
#include "bench/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS        5
#define LOOK_MS         100 /* at a file, also without a notice: the last one may come before we listen */
#define STATS_MAX       16384
#define SPACES_TO_UTIME 12 /* of /proc/<pid>/stat, behind the command: proc(5) */

double watch_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int connect_once(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return fd;
    int e = -errno;
    close(fd);
    return e;
}

int watch_connect(const char *address, double deadline)
{
    char host[256];
    const char *port = strrchr(address, ':');
    if (port == NULL || (size_t)(port - address) >= sizeof host)
        return -EINVAL;
    memcpy(host, address, (size_t)(port - address));
    host[port - address] = '\0';
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *to = NULL;
    if (getaddrinfo(host, port + 1, &hints, &to) != 0)
        return -EADDRNOTAVAIL;
    int fd = connect_once(to);
    while (fd == -ECONNREFUSED && watch_now() < deadline) {
        poll(NULL, 0, RETRY_MS);
        fd = connect_once(to);
    }
    freeaddrinfo(to);
    return fd;
}

/* The whole of a file of /proc, with a NUL. */
static bool read_proc(pid_t pid, const char *name, char *out, size_t max)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    size_t n = fread(out, 1, max - 1, f);
    out[n] = '\0';
    fclose(f);
    return n > 0;
}

bool watch_process(pid_t pid, struct watch_usage *ret)
{
    char text[4096];
    if (!read_proc(pid, "stat", text, sizeof text))
        return false;
    char *at = strrchr(text, ')'); /* a command may hold spaces and brackets */
    for (unsigned i = 0; at != NULL && i < SPACES_TO_UTIME; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    char *end;
    unsigned long user = strtoul(at, &end, 10);
    unsigned long system = strtoul(end, NULL, 10);
    ret->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);

    if (!read_proc(pid, "status", text, sizeof text))
        return false;
    const char *high = strstr(text, "VmHWM:");
    ret->rss_kb = high != NULL ? strtoul(high + strlen("VmHWM:"), NULL, 10) : 0;
    return true;
}

/* One line, with a NUL in place of its end. */
static bool read_line(int fd, char *out, size_t max)
{
    size_t n = 0;
    while (n < max - 1) {
        ssize_t got = read(fd, out + n, max - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        if (out[n - 1] == '\n') {
            out[n - 1] = '\0';
            return true;
        }
    }
    return false;
}

bool watch_stat(int fd, const char *key, uint64_t *ret)
{
    char line[STATS_MAX], wanted[64];
    snprintf(wanted, sizeof wanted, "|%s=", key);
    if (write(fd, "STATS\n", 6) != 6 || !read_line(fd, line, sizeof line))
        return false;
    const char *at = strstr(line, wanted);
    if (at == NULL)
        return false;
    *ret = strtoull(at + strlen(wanted), NULL, 10);
    return true;
}

static bool has_size(const char *path, uint64_t size)
{
    struct stat st;
    return stat(path, &st) == 0 && (uint64_t)st.st_size >= size;
}

bool watch_file(const char *path, uint64_t size, double deadline)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return false;
    inotify_add_watch(fd, path, IN_MODIFY);
    bool reached = has_size(path, size);
    while (!reached && watch_now() < deadline) {
        char events[4096];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, LOOK_MS);
        while (read(fd, events, sizeof events) > 0)
            continue;
        reached = has_size(path, size);
    }
    close(fd);
    return reached;
}
