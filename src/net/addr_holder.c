/* SPDX-License-Identifier: Apache-2.0
 *
 * net/addr_holder.c - who has an address open: /proc/net names the socket's inode, and the links
 * in /proc/<pid>/fd tell who has that. For the one error message that everybody meets first.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/addr.h"

#define TCP_LISTENING 0x0A /* the kernel's include/net/tcp_states.h */
#define ROW_MAX       512

/* An address as these tables have it: 1 or 4 words, in hexadecimal, each in the order of the
 * host's octets. */
struct row_addr {
    uint32_t words[4];
    size_t count;
};

static bool read_words(const char *hex, struct row_addr *ret)
{
    ret->count = strlen(hex) / 8;
    if (ret->count != 1 && ret->count != 4)
        return false;
    for (size_t i = 0; i < ret->count; i++)
        if (sscanf(hex + 8 * i, "%8" SCNx32, &ret->words[i]) != 1)
            return false;
    return true;
}

static bool is_any(const struct row_addr *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->words[i] != 0)
            return false;
    return true;
}

static struct row_addr wanted_addr(const struct lc_addr *a)
{
    struct row_addr ret = {.count = 1};
    if (a->sa.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &a->sa, sizeof in);
        ret.words[0] = in.sin_addr.s_addr;
    } else {
        struct sockaddr_in6 in6;
        memcpy(&in6, &a->sa, sizeof in6);
        ret.count = 4;
        memcpy(ret.words, &in6.sin6_addr, sizeof ret.words);
    }
    return ret;
}

static bool is_in_the_way(const struct row_addr *wanted, const struct row_addr *row)
{
    if (is_any(wanted) || is_any(row))
        return true;
    /* an IPv4 address in the IPv6 table stands in the last word */
    return wanted->words[wanted->count - 1] == row->words[row->count - 1] &&
           (wanted->count != row->count ||
            memcmp(wanted->words, row->words, wanted->count * sizeof row->words[0]) == 0);
}

/* A row of /proc/net/{tcp,tcp6,udp,udp6}: 0: not the one. */
static uint64_t inode_of_ip_row(const char *line, const struct lc_addr *a)
{
    char hex[33];
    unsigned port;
    unsigned state;
    uint64_t inode;
    if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
               hex, &port, &state, &inode) != 4)
        return 0;
    struct row_addr row;
    struct row_addr wanted = wanted_addr(a);
    if (port != lc_addr_port(a) || !read_words(hex, &row) || !is_in_the_way(&wanted, &row))
        return 0;
    return a->transport == LC_TCP && state != TCP_LISTENING ? 0 : inode;
}

/* A row of /proc/net/unix. */
static uint64_t inode_of_unix_row(const char *line, const struct lc_addr *a)
{
    uint64_t inode;
    int path_at = 0;
    if (sscanf(line, "%*s %*x %*x %*x %*x %*x %" SCNu64 " %n", &inode, &path_at) != 1 ||
        path_at == 0)
        return 0;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
    size_t n = strcspn(line + path_at, "\n");
    return n == strlen(un->sun_path) && memcmp(line + path_at, un->sun_path, n) == 0 ? inode : 0;
}

static uint64_t inode_in(const char *table, const struct lc_addr *a)
{
    FILE *f = fopen(table, "re");
    if (f == NULL)
        return 0;
    uint64_t inode = 0;
    char line[ROW_MAX];
    while (inode == 0 && fgets(line, sizeof line, f) != NULL)
        inode = a->sa.ss_family == AF_UNIX ? inode_of_unix_row(line, a) : inode_of_ip_row(line, a);
    fclose(f);
    return inode;
}

static uint64_t inode_of(const struct lc_addr *a)
{
    if (a->sa.ss_family == AF_UNIX)
        return inode_in("/proc/net/unix", a);
    bool tcp = a->transport == LC_TCP;
    uint64_t inode = inode_in(tcp ? "/proc/net/tcp" : "/proc/net/udp", a);
    return inode != 0 ? inode : inode_in(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", a);
}

static bool has_open(int proc, const char *pid, const char *link)
{
    char path[300];
    snprintf(path, sizeof path, "%s/fd", pid);
    int at = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = at < 0 ? NULL : fdopendir(at);
    if (dir == NULL) {
        if (at >= 0)
            close(at);
        return false;
    }
    bool found = false;
    for (const struct dirent *d; !found && (d = readdir(dir)) != NULL;) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1);
        if (n < 0)
            continue;
        target[n] = '\0';
        found = strcmp(target, link) == 0;
    }
    closedir(dir);
    return found;
}

static void describe(int proc, const char *pid, char *out, size_t cap)
{
    char path[300];
    char name[32] = "?";
    snprintf(path, sizeof path, "%s/comm", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    if (n > 0)
        name[n] = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
    snprintf(out, cap, "%s (pid %s)", name, pid);
}

bool lc_addr_holder(const struct lc_addr *a, char *out, size_t cap)
{
    uint64_t inode = inode_of(a);
    DIR *proc = inode == 0 ? NULL : opendir("/proc");
    if (proc == NULL)
        return false;
    char link[64];
    snprintf(link, sizeof link, "socket:[%" PRIu64 "]", inode);
    bool found = false;
    for (const struct dirent *d; !found && (d = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)d->d_name[0]) || !has_open(dirfd(proc), d->d_name, link))
            continue;
        describe(dirfd(proc), d->d_name, out, cap);
        found = true;
    }
    closedir(proc);
    return found;
}
