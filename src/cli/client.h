/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/client.h - a command's connection to a server: blocking, line by line.
 *
 * WHO     send, query, tail.
 */
#ifndef LC_CLI_CLIENT_H
#define LC_CLI_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct lc_client {
    int fd;
    struct lc_dynbuf in; /* received, not yet given out */
    size_t given;        /* octets at the front of `in` that were given out */
    size_t scanned;
};

/* `server`: as net/addr.h reads it. Tries each address of a name for at most 5 s. On failure diag
 * says which server, why, and what to do about it. */
LC_MUST_CHECK lc_err lc_client_open(struct lc_client *c, const char *server, uint16_t default_port,
                                    struct lc_diag *diag);
void lc_client_close(struct lc_client *c);

/* All of it, or -errno. */
LC_MUST_CHECK lc_err lc_client_write(struct lc_client *c, struct lc_slice octets);

/* The next line that has already been received; borrowed until the next call. LC_EMORE: none. */
LC_MUST_CHECK lc_err lc_client_line(struct lc_client *c, struct lc_slice *ret_line);
/* Whether lc_client_line() would give one. */
bool lc_client_has_line(struct lc_client *c);
/* One recv(2). LC_EEND: the server has closed; -EAGAIN on a non-blocking socket. */
LC_MUST_CHECK lc_err lc_client_receive(struct lc_client *c);
/* The next line, waiting for it. LC_EEND, -errno. */
LC_MUST_CHECK lc_err lc_client_next(struct lc_client *c, struct lc_slice *ret_line);

#endif
