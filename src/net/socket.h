/* SPDX-License-Identifier: Apache-2.0
 *
 * net/socket.h - opening and binding sockets. Inside net/ only.
 *
 * THREAD  Any; nothing here waits but binding a Unix path, which asks whether somebody answers.
 */
#ifndef LC_NET_SOCKET_H
#define LC_NET_SOCKET_H

#include "net/addr.h"
#include "net/options.h"

struct lc_bind_plan {
    const struct lc_addr *addr;
    unsigned mode;                     /* of a Unix path */
    bool reuse_port;                   /* share the address with this process's other workers */
    bool first;                        /* nobody may have it yet */
    const struct lc_sockopts *options; /* beside our own; NULL: none */
};

/* A non-blocking, close-on-exec socket, bound. LC_EINUSE, -EEXIST (the path is no socket) and
 * other errors are told in diag, with the address. */
LC_MUST_CHECK lc_err lc_socket_bind(const struct lc_bind_plan *plan, int *ret_fd,
                                    struct lc_diag *diag);
/* LC_EINUSE, with who has it. */
LC_MUST_CHECK lc_err lc_socket_in_use(const struct lc_addr *addr, struct lc_diag *diag);
/* The address with the port that the kernel chose. */
LC_MUST_CHECK lc_err lc_socket_addr(int fd, enum lc_transport transport, struct lc_addr *ret);

#endif
