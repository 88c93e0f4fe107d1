/* SPDX-License-Identifier: Apache-2.0
 *
 * net/sockets.h - the sockets of a loop as they are: whose, how much, and what the kernel says.
 *
 * WHAT    Streams, listeners and datagram sockets, in the order in which they were opened, some at
 *         a time: who lists many comes back in another turn, and goes on behind the last serial.
 * WHO     service/ask (`QUERY|SOCKETS`, docs/protocols.md).
 * THREAD  The loop's thread only.
 */
#ifndef LC_NET_SOCKETS_H
#define LC_NET_SOCKETS_H

#include "net/addr.h"
#include "net/loop.h"

enum lc_socket_kind { LC_SOCKET_LISTENER, LC_SOCKET_CONNECTION, LC_SOCKET_DATAGRAMS };

struct lc_socket_row {
    uint64_t serial; /* from 1 on; never given twice in a loop */
    enum lc_socket_kind kind;
    int fd; /* borrowed */
    struct lc_addr local;
    struct lc_addr peer;   /* of a connection */
    struct lc_time opened; /* by the loop's clock */
    uint64_t received, sent, queued;
    uint64_t accepted;    /* by a listener */
    const char *protocol; /* NULL: not known, or not yet */
};

/* Tells at most `max` rows whose serial is greater than `after`; returns the last one's serial, or
 * 0 when there was none. */
uint64_t lc_sockets_each(struct lc_loop *loop, uint64_t after, unsigned max,
                         void (*tell)(void *arg, const struct lc_socket_row *row), void *arg);

/* Tells name and value of each figure of a row: what the loop has counted, TCP_INFO, SO_MEMINFO,
 * the queues, and the options of net/options.h as they are set. `text` NULL: the value is `number`.
 * docs/protocols.md has the names. */
typedef void (*lc_socket_figure_fn)(void *arg, const char *name, const char *text, uint64_t number);
void lc_socket_figures(const struct lc_socket_row *row, struct lc_time now, lc_socket_figure_fn put,
                       void *arg);

#endif
