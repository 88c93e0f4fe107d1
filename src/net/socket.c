/* SPDX-License-Identifier: Apache-2.0
 *
 * net/socket.c - sockets, bound.
 */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Somebody else may bind between our finding a stale path and our binding; then ask again. */
#define UNIX_BIND_TRIES 3

static int socket_type(enum lc_transport transport)
{
    return transport == LC_TCP || transport == LC_UNIX_STREAM ? SOCK_STREAM : SOCK_DGRAM;
}

static lc_err failed(const struct lc_addr *addr, lc_err e, struct lc_diag *diag)
{
    char text[LC_ADDR_TEXT_MAX];
    lc_addr_format(addr, text);
    lc_diag_set(diag, "%s: %s", text, lc_strerror(e));
    return e;
}

lc_err lc_socket_in_use(const struct lc_addr *addr, struct lc_diag *diag)
{
    char text[LC_ADDR_TEXT_MAX];
    char holder[128];
    lc_addr_format(addr, text);
    if (!lc_addr_holder(addr, holder, sizeof holder))
        snprintf(holder, sizeof holder, "another process");
    lc_diag_set(diag, "%s is in use by %s", text, holder);
    return LC_EINUSE;
}

lc_err lc_socket_addr(int fd, enum lc_transport transport, struct lc_addr *ret)
{
    struct lc_addr a = {.transport = transport, .len = sizeof a.sa};
    if (getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0)
        return -errno;
    *ret = a;
    return LC_OK;
}

static lc_err share_port(int fd)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ? -errno : LC_OK;
}

/* The first binds without SO_REUSEPORT, so that it fails where a stranger has the port, even one
 * who shares it; only then it is opened to our other workers. */
static lc_err bind_ip(int fd, const struct lc_bind_plan *plan)
{
    const struct lc_addr *a = plan->addr;
    lc_err e = plan->reuse_port && !plan->first ? share_port(fd) : LC_OK;
    if (e == LC_OK && bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0)
        e = -errno;
    if (e == LC_OK && plan->reuse_port && plan->first)
        e = share_port(fd);
    return e;
}

/* Asks a path whether somebody answers there. LC_OK: nobody, it is stale. */
static lc_err ask_unix(const struct lc_addr *a)
{
    int fd = socket(AF_UNIX, socket_type(a->transport) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    lc_err e = -EADDRINUSE;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) < 0) {
        if (errno == ECONNREFUSED)
            e = LC_OK;
        else if (errno != EAGAIN && errno != EPROTOTYPE) /* those: busy; of the other type */
            e = -errno;
    }
    close(fd);
    return e;
}

/* Removes the path if it is a socket on which nobody answers. */
static lc_err remove_stale(const struct lc_addr *a)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? LC_OK : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    lc_err e = ask_unix(a);
    if (e == LC_OK && unlink(path) < 0)
        e = -errno;
    return e == -ENOENT ? LC_OK : e;
}

/* The mode of a path is what the socket has when it is bound, less the umask, which belongs to the
 * whole process and is left alone. What it took away is given afterwards, to this socket and to
 * nothing that a link could have put in its place. */
static lc_err set_path_mode(const char *path, unsigned mode)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    lc_err e = fstat(fd, &st) < 0 ? -errno : LC_OK;
    if (e == LC_OK && !S_ISSOCK(st.st_mode))
        e = -EEXIST;
    if (e == LC_OK && (st.st_mode & 07777) != mode) {
        char self[64];
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd); /* fchmod() refuses O_PATH */
        if (chmod(self, mode) < 0)
            e = -errno;
    }
    close(fd);
    return e;
}

static lc_err bind_unix(int fd, const struct lc_bind_plan *plan)
{
    const struct lc_addr *a = plan->addr;
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    if (fchmod(fd, plan->mode) < 0)
        return -errno;
    for (int tries = 0; tries < UNIX_BIND_TRIES; tries++) {
        if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
            return set_path_mode(path, plan->mode);
        if (errno != EADDRINUSE)
            return -errno;
        lc_err e = remove_stale(a);
        if (e != LC_OK)
            return e;
    }
    return -EADDRINUSE;
}

lc_err lc_socket_bind(const struct lc_bind_plan *plan, int *ret_fd, struct lc_diag *diag)
{
    const struct lc_addr *a = plan->addr;
    int fd = socket(a->sa.ss_family, socket_type(a->transport) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(a, -errno, diag);
    lc_err e = lc_sockopts_apply(plan->options, lc_place_of(a->transport), fd, diag);
    if (e != LC_OK) {
        close(fd);
        return e;
    }
    e = a->sa.ss_family == AF_UNIX ? bind_unix(fd, plan) : bind_ip(fd, plan);
    if (e == LC_OK) {
        *ret_fd = fd;
        return LC_OK;
    }
    close(fd);
    return e == -EADDRINUSE ? lc_socket_in_use(a, diag) : failed(a, e, diag);
}
