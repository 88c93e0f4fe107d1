/* SPDX-License-Identifier: Apache-2.0
 *
 * net/sockets.c - asking the kernel about sockets. <linux/tcp.h> has all of TCP_INFO, and cannot be
 * included together with <netinet/tcp.h>.
 */
#include "net/sockets.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/loop_impl.h"
#include "net/options.h"

uint64_t lc_sockets_each(struct lc_loop *loop, uint64_t after, unsigned max,
                         void (*tell)(void *arg, const struct lc_socket_row *row), void *arg)
{
    uint64_t last = 0;
    for (struct lc_link *l = loop->ios.next; l != &loop->ios && max > 0; l = l->next) {
        const struct lc_io *io = LC_CONTAINER(l, struct lc_io, all);
        if (io->serial <= after || io->detached || io->events->describe == NULL)
            continue;
        struct lc_socket_row row = {.serial = io->serial, .fd = io->fd};
        row.local.len = sizeof row.local.sa;
        if (getsockname(io->fd, (struct sockaddr *)&row.local.sa, &row.local.len) < 0)
            row.local.sa.ss_family = AF_UNSPEC;
        io->events->describe(io, &row);
        tell(arg, &row);
        last = io->serial;
        max--;
    }
    return last;
}

struct putting {
    lc_socket_figure_fn put;
    void *arg;
};

static void put_number(const struct putting *p, const char *name, uint64_t value)
{
    p->put(p->arg, name, NULL, value);
}

static void put_text(const struct putting *p, const char *name, const char *value)
{
    p->put(p->arg, name, value, 0);
}

static void put_ioctl(const struct putting *p, const char *name, int fd, unsigned long request)
{
    int octets;
    if (ioctl(fd, request, &octets) == 0 && octets >= 0)
        put_number(p, name, (uint64_t)octets);
}

static const char *state_name(unsigned state)
{
    static const char *const names[] = {
        [1] = "ESTABLISHED", [2] = "SYN_SENT",  [3] = "SYN_RECV", [4] = "FIN_WAIT1",
        [5] = "FIN_WAIT2",   [6] = "TIME_WAIT", [7] = "CLOSE",    [8] = "CLOSE_WAIT",
        [9] = "LAST_ACK",    [10] = "LISTEN",   [11] = "CLOSING",
    };
    return state < LC_ARRAY_LEN(names) && names[state] != NULL ? names[state] : "UNKNOWN";
}

/* An older kernel fills in less of it: the rest stays zero. */
static bool tcp_info(int fd, struct tcp_info *ret)
{
    socklen_t len = sizeof *ret;
    *ret = (struct tcp_info){0};
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &len) == 0;
}

static void put_tcp(const struct putting *p, int fd)
{
    struct tcp_info t;
    if (!tcp_info(fd, &t))
        return;
    put_text(p, "state", state_name(t.tcpi_state));
    put_number(p, "rtt_us", t.tcpi_rtt);
    put_number(p, "rttvar_us", t.tcpi_rttvar);
    put_number(p, "retrans", t.tcpi_total_retrans);
    put_number(p, "lost", t.tcpi_lost);
    put_number(p, "unacked", t.tcpi_unacked);
    put_number(p, "cwnd", t.tcpi_snd_cwnd);
    put_number(p, "mss", t.tcpi_snd_mss);
    put_number(p, "rcv_space", t.tcpi_rcv_space);
    put_number(p, "bytes_acked", t.tcpi_bytes_acked);
    put_number(p, "bytes_received", t.tcpi_bytes_received);
    if (t.tcpi_pacing_rate != UINT64_MAX) /* no limit */
        put_number(p, "pacing_rate", t.tcpi_pacing_rate);
    put_number(p, "delivery_rate", t.tcpi_delivery_rate);
}

/* Of a listening socket the kernel puts its queue where segments stand otherwise. */
static void put_backlog(const struct putting *p, int fd)
{
    struct tcp_info t;
    if (!tcp_info(fd, &t))
        return;
    put_text(p, "state", state_name(t.tcpi_state));
    put_number(p, "waiting", t.tcpi_unacked);
    put_number(p, "backlog", t.tcpi_sacked);
}

static void put_memory(const struct putting *p, const struct lc_socket_row *row)
{
    uint32_t m[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof m;
    if (getsockopt(row->fd, SOL_SOCKET, SO_MEMINFO, m, &len) < 0)
        return;
    put_number(p, "memory_in", m[SK_MEMINFO_RMEM_ALLOC]);
    put_number(p, "memory_out", m[SK_MEMINFO_WMEM_QUEUED]);
    if (row->kind != LC_SOCKET_CONNECTION)
        put_number(p, "drops", m[SK_MEMINFO_DROPS]);
}

static unsigned places_of(const struct lc_socket_row *row)
{
    unsigned places = 1U << lc_place_of(row->local.transport);
    if (row->kind == LC_SOCKET_CONNECTION && row->local.transport == LC_TCP)
        places = 1U << LC_PLACE_CONNECT | 1U << LC_PLACE_ACCEPTED;
    return places;
}

static void put_options(const struct putting *p, const struct lc_socket_row *row)
{
    char text[LC_SOCKOPT_TEXT_MAX];
    for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++) {
        const struct lc_sockopt *o = &lc_sockopt_table[i];
        if ((o->places & places_of(row)) != 0 && o->kind != LC_SOCKOPT_BACKLOG &&
            lc_sockopt_read(o, row->fd, text) && text[0] != '\0')
            put_text(p, o->name, text);
    }
}

static void put_address(const struct putting *p, const char *name, const struct lc_addr *a)
{
    char text[LC_ADDR_TEXT_MAX];
    if (a->sa.ss_family == AF_UNSPEC)
        return;
    lc_addr_format(a, text);
    put_text(p, name, text);
}

void lc_socket_figures(const struct lc_socket_row *row, struct lc_time now, lc_socket_figure_fn put,
                       void *arg)
{
    static const char *const kinds[] = {"listener", "connection", "datagrams"};
    static const char *const transports[] = {[LC_TCP] = "tcp",
                                             [LC_UDP] = "udp",
                                             [LC_UNIX_STREAM] = "unix",
                                             [LC_UNIX_DGRAM] = "unixgram"};
    const struct putting p = {put, arg};
    enum lc_transport transport = row->local.transport;
    put_text(&p, "kind", kinds[row->kind]);
    put_text(&p, "transport", transports[transport]);
    put_address(&p, "local", &row->local);
    if (row->kind == LC_SOCKET_CONNECTION)
        put_address(&p, "peer", &row->peer);
    if (row->protocol != NULL)
        put_text(&p, "protocol", row->protocol);
    put_number(&p, "age_ms", (uint64_t)((now.ns - row->opened.ns) / LC_NS_PER_MS));
    if (row->kind == LC_SOCKET_LISTENER)
        put_number(&p, "accepted", row->accepted);
    else
        put_number(&p, "received", row->received);
    if (row->kind == LC_SOCKET_CONNECTION) {
        put_number(&p, "sent", row->sent);
        put_number(&p, "queued", row->queued);
        put_ioctl(&p, "unread", row->fd, SIOCINQ);
        put_ioctl(&p, "unsent", row->fd, SIOCOUTQ);
    }
    if (row->kind == LC_SOCKET_CONNECTION && transport == LC_TCP)
        put_tcp(&p, row->fd);
    else if (row->kind == LC_SOCKET_LISTENER && transport == LC_TCP)
        put_backlog(&p, row->fd);
    put_memory(&p, row);
    put_options(&p, row);
}
