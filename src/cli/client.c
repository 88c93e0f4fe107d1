/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/client.c - connecting to a server and reading its lines.
 */
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/text.h"
#include "net/addr.h"
#include "proto/text.h"

#define CONNECT_MS   5000
#define RECEIVE_SIZE 65536u
/* A row holds at most one record, 1 MiB, and JSON may write an octet as six. */
#define LINE_MAX_OCTETS (8u << 20)

static lc_err await_connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n;
    do {
        n = poll(&p, 1, CONNECT_MS);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return -ETIMEDOUT;
    int error = 0;
    socklen_t len = sizeof error;
    if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    return -error;
}

static lc_err connect_one(const struct lc_addr *addr, int *ret_fd)
{
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    lc_err e = LC_OK;
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0)
        e = errno == EINPROGRESS ? await_connected(fd) : -errno;
    if (e == LC_OK && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
        e = -errno;
    if (e != LC_OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return LC_OK;
}

lc_err lc_client_open(struct lc_client *c, const char *server, uint16_t default_port,
                      struct lc_diag *diag)
{
    *c = (struct lc_client){.fd = -1};
    struct lc_endpoint ep;
    lc_err e = lc_endpoint_parse(lc_slice_cstr(server), default_port, &ep, diag);
    if (e != LC_OK)
        return e;
    if (ep.transport != LC_TCP && ep.transport != LC_UNIX_STREAM) {
        lc_diag_set(diag, "%s: datagrams are not answered; give a TCP or Unix stream address",
                    server);
        return LC_ESYNTAX;
    }
    struct lc_addr addrs[8];
    size_t count;
    e = lc_addr_resolve(&ep, addrs, LC_ARRAY_LEN(addrs), &count, diag);
    if (e != LC_OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        e = connect_one(&addrs[i], &c->fd);
        if (e == LC_OK) {
            lc_dynbuf_init(&c->in, LINE_MAX_OCTETS + RECEIVE_SIZE);
            return LC_OK;
        }
    }
    lc_diag_set(diag, "cannot connect to %s: %s%s", server, lc_strerror(e),
                e == -ECONNREFUSED || e == -ENOENT
                    ? lc_text("; is the server running? Start it with: logcaster serve")
                    : "");
    return e;
}

void lc_client_close(struct lc_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    lc_dynbuf_done(&c->in);
}

lc_err lc_client_write(struct lc_client *c, struct lc_slice octets)
{
    while (octets.n > 0) {
        ssize_t n = send(c->fd, octets.p, octets.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        octets = lc_slice_from(octets, (size_t)n);
    }
    return LC_OK;
}

lc_err lc_client_line(struct lc_client *c, struct lc_slice *ret_line)
{
    struct lc_slice in = lc_slice_from(lc_dynbuf_slice(&c->in), c->given);
    size_t used;
    lc_err e = lc_line_next(in, LINE_MAX_OCTETS, &c->scanned, ret_line, &used);
    if (e == LC_OK)
        c->given += used;
    return e == LC_ELIMIT ? LC_EPROTO : e;
}

bool lc_client_has_line(struct lc_client *c)
{
    struct lc_slice in = lc_slice_from(lc_dynbuf_slice(&c->in), c->given);
    return in.n > c->scanned && memchr(in.p + c->scanned, '\n', in.n - c->scanned) != NULL;
}

lc_err lc_client_receive(struct lc_client *c)
{
    lc_dynbuf_consume(&c->in, c->given);
    c->given = 0;
    lc_err e = lc_dynbuf_reserve(&c->in, RECEIVE_SIZE);
    if (e != LC_OK)
        return e;
    ssize_t n;
    do {
        n = recv(c->fd, c->in.p + c->in.n, RECEIVE_SIZE, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    c->in.n += (size_t)n;
    return n == 0 ? LC_EEND : LC_OK;
}

lc_err lc_client_next(struct lc_client *c, struct lc_slice *ret_line)
{
    for (;;) {
        lc_err e = lc_client_line(c, ret_line);
        if (e != LC_EMORE)
            return e;
        e = lc_client_receive(c);
        if (e != LC_OK)
            return e;
    }
}
