/* SPDX-License-Identifier: Apache-2.0
 *
 * net/dgram.c - datagrams, in batches.
 *
 * On every backend the loop only watches the socket, and recvmmsg(2) takes the datagrams. io_uring
 * could receive them one by one into provided buffers, but then each costs a completion and a
 * buffer of the largest size, while one recvmmsg() takes a batch with senders, credentials and the
 * count of what the kernel dropped.
 */
#include "net/dgram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_impl.h"
#include "net/socket.h"

#define BATCH        64
#define DATAGRAM_MAX ((size_t)64 * 1024)
#define DEFAULT_MODE 0666

/* Room for credentials (the drop count is smaller) and for nothing else: descriptors that somebody
 * passes along find none, and the kernel closes them. */
#define CONTROL_MAX CMSG_SPACE(sizeof(struct ucred))

#define BATCHES_PER_TURN 4
/* Of a closing socket: more than fit into its buffer, so that only those who go on sending notice.
 */
#define BATCHES_AT_CLOSE 1024

struct lc_dgram {
    struct lc_io io;
    struct lc_loop *loop;
    lc_dgram_fn fn;
    void *user;
    enum lc_transport transport;
    uint32_t kernel_dropped; /* as the kernel counts: modulo 2^32 */
    lc_counter dropped;
    struct lc_time opened;
    uint64_t received;
};

/* One batch, shared by all sockets of a loop. */
struct lc_dgram_memory {
    bool busy;     /* a user looks at it */
    uint8_t *data; /* BATCH times DATAGRAM_MAX; only what is used becomes resident */
    struct mmsghdr headers[BATCH];
    struct iovec iov[BATCH];
    struct lc_addr from[BATCH];
    struct lc_datagram datagrams[BATCH];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_MAX];
};

void lc_dgram_memory_free(struct lc_dgram_memory *m)
{
    if (m == NULL)
        return;
    munmap(m->data, BATCH * DATAGRAM_MAX);
    free(m);
}

static struct lc_dgram_memory *memory_new(void)
{
    struct lc_dgram_memory *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->data = mmap(NULL, BATCH * DATAGRAM_MAX, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->data == MAP_FAILED) {
        free(m);
        return NULL;
    }
    for (size_t i = 0; i < BATCH; i++) {
        m->iov[i] = (struct iovec){m->data + i * DATAGRAM_MAX, DATAGRAM_MAX};
        m->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &m->from[i].sa,
            .msg_iov = &m->iov[i],
            .msg_iovlen = 1,
            .msg_control = m->control[i],
        };
    }
    return m;
}

lc_err lc_dgram_fd(const struct lc_addr *addr, const struct lc_dgram_config *config, bool first,
                   int *ret_fd, struct lc_addr *ret_bound, struct lc_diag *diag)
{
    struct lc_bind_plan plan = {
        .addr = addr,
        .mode = config->mode != 0 ? config->mode : DEFAULT_MODE,
        .reuse_port = config->reuse_port,
        .first = first,
        .options = config->options,
    };
    int fd;
    lc_err e = lc_socket_bind(&plan, &fd, diag);
    if (e != LC_OK)
        return e;
    e = lc_socket_addr(fd, addr->transport, ret_bound);
    if (e != LC_OK) {
        close(fd);
        return e;
    }
    *ret_fd = fd;
    return LC_OK;
}

static void note_dropped(struct lc_dgram *d, uint32_t kernel_dropped)
{
    lc_count(&d->dropped, (uint32_t)(kernel_dropped - d->kernel_dropped));
    d->kernel_dropped = kernel_dropped;
}

static void read_control(struct lc_dgram *d, struct msghdr *msg, struct lc_datagram *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t dropped;
            memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
            note_dropped(d, dropped);
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(c), sizeof cred);
            ret->has_uid = true;
            ret->uid = cred.uid;
        }
    }
}

static void take(struct lc_dgram *d, struct lc_dgram_memory *m, size_t i)
{
    struct msghdr *msg = &m->headers[i].msg_hdr;
    m->from[i].transport = d->transport;
    m->from[i].len = msg->msg_namelen;
    m->datagrams[i] = (struct lc_datagram){
        .data = lc_slice(m->iov[i].iov_base, m->headers[i].msg_len),
        .from = &m->from[i],
        .truncated = (msg->msg_flags & MSG_TRUNC) != 0,
    };
    read_control(d, msg, &m->datagrams[i]);
}

/* Returns whether there may be more. */
static bool receive_batch(struct lc_dgram *d)
{
    struct lc_dgram_memory *m = d->loop->dgrams;
    for (size_t i = 0; i < BATCH; i++) {
        m->headers[i].msg_hdr.msg_namelen = sizeof m->from[i].sa;
        m->headers[i].msg_hdr.msg_controllen = CONTROL_MAX;
        m->from[i].sa.ss_family = AF_UNSPEC;
    }
    int n = recvmmsg(d->io.fd, m->headers, BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
    if (n < 0)
        return errno == EINTR;
    lc_count(&d->loop->counters.recv_calls, 1);
    uint64_t octets = 0;
    for (size_t i = 0; i < (size_t)n; i++) {
        take(d, m, i);
        octets += m->headers[i].msg_len;
    }
    lc_count(&d->loop->counters.received_octets, octets);
    d->received += octets;
    m->busy = true;
    d->fn(d->user, m->datagrams, (size_t)n);
    m->busy = false;
    return n == BATCH;
}

static bool on_readable(struct lc_io *io)
{
    struct lc_dgram *d = LC_CONTAINER(io, struct lc_dgram, io);
    for (int i = 0; i < BATCHES_PER_TURN; i++) {
        if (!receive_batch(d))
            return false;
        if (io->in == LC_IN_NONE) /* paused or closed by its user */
            return true;
    }
    return true;
}

static void on_released(struct lc_io *io)
{
    free(LC_CONTAINER(io, struct lc_dgram, io));
}

static void describe(const struct lc_io *io, struct lc_socket_row *ret)
{
    const struct lc_dgram *d = LC_CONTAINER(io, struct lc_dgram, io);
    ret->kind = LC_SOCKET_DATAGRAMS;
    ret->local.transport = d->transport;
    ret->opened = d->opened;
    ret->received = d->received;
}

static const struct lc_io_events io_events = {
    .readable = on_readable,
    .released = on_released,
    .describe = describe,
};

lc_err lc_dgram_open(struct lc_loop *loop, int fd, lc_dgram_fn fn, void *user,
                     struct lc_dgram **ret)
{
    struct lc_addr bound;
    struct lc_dgram *d = calloc(1, sizeof *d);
    if (loop->dgrams == NULL)
        loop->dgrams = memory_new();
    lc_err e = d == NULL || loop->dgrams == NULL ? -ENOMEM : LC_OK;
    if (e == LC_OK)
        e = lc_socket_addr(fd, LC_UDP, &bound);
    if (e != LC_OK)
        close(fd);
    else
        e = lc_loop_attach(loop, &d->io, fd, &io_events);
    if (e != LC_OK) {
        free(d);
        return e;
    }
    d->loop = loop;
    d->fn = fn;
    d->user = user;
    d->opened = lc_loop_now(loop);
    d->transport = bound.sa.ss_family == AF_UNIX ? LC_UNIX_DGRAM : LC_UDP;
    loop->backend->start_in(loop, &d->io, LC_IN_WATCH);
    *ret = d;
    return LC_OK;
}

void lc_dgram_close(struct lc_dgram *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < BATCHES_AT_CLOSE && !d->loop->dgrams->busy; i++)
        if (!receive_batch(d))
            break;
    d->loop->backend->detach(d->loop, &d->io);
}

void lc_dgram_pause(struct lc_dgram *d)
{
    d->loop->backend->stop_in(d->loop, &d->io);
}

void lc_dgram_resume(struct lc_dgram *d)
{
    d->loop->backend->start_in(d->loop, &d->io, LC_IN_WATCH);
}

uint64_t lc_dgram_dropped(const struct lc_dgram *d)
{
    return lc_counted(&d->dropped);
}
