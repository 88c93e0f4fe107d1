/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backend_io_uring.c - the kernel does the operations: io_uring, by liburing 2.3.
 *
 * WHAT    accept and recv are multishot, recv into a ring of provided buffers, so that an idle
 *         stream holds none. Starting and stopping only say what is wanted; before the loop waits,
 *         settle() makes submissions of the difference between that and what is under way, and one
 *         system call submits them all and waits.
 * NEEDS   Linux 6.0, where multishot recv came. IORING_SETUP_SINGLE_ISSUER came with it, so a
 *         kernel that takes the flag is new enough.
 * THREAD  The ring is made disabled and enabled by the first wait(): so the thread that runs the
 *         loop is its one issuer, whoever made it. All runs must be of that thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/loop_impl.h"

#define SQ_ENTRIES 256
#define CQ_ENTRIES 4096
#define BUF_COUNT  64 /* a power of 2 */
#define BUF_SIZE   ((size_t)16 * 1024)
#define BUF_GROUP  0
#define SEND_SLOTS 64

/* lc_io.progress */
#define IN_ARMED     1U
#define OUT_ARMED    2U
#define CANCEL_ARMED 4U
#define UNDER_WAY    (IN_ARMED | OUT_ARMED | CANCEL_ARMED)
#define BLOCKING     8U
#define IN_TAG_SHIFT 4    /* 3 bits: the tag of what is, or was last, armed on the side `in` */
#define AGAIN        128U /* watched, and not drained when it was last told readable */

/* In the low bits of user_data, beside the lc_io; 0 with no lc_io: nobody waits for it. */
enum tag { TAG_NONE, TAG_ACCEPT, TAG_RECV, TAG_WATCH, TAG_CONNECT, TAG_SEND, TAG_CANCEL };
#define TAG_MASK ((uintptr_t)7)

/* The kernel copies these when it takes the submission (IORING_FEAT_SUBMIT_STABLE). */
struct send_slot {
    struct msghdr msg;
    struct iovec iov[LC_IOV_MAX];
};

struct uring_state {
    struct io_uring ring;
    bool enabled;
    unsigned under_way;       /* submissions whose last completion has not come */
    struct lc_link unsettled; /* what is wanted and what is under way may differ */
    struct lc_link again;     /* those with AGAIN that are to be told */
    struct io_uring_buf_ring *buf_ring;
    uint8_t *bufs; /* BUF_COUNT times LC_HEADROOM and buf_size octets */
    size_t buf_size;
    int bufs_returned; /* since the kernel was last told */
    unsigned slots_used;
    struct send_slot slots[SEND_SLOTS];
};

static struct uring_state *state_of(const struct lc_loop *loop)
{
    return loop->backend_state;
}

static size_t bufs_octets(const struct uring_state *ur)
{
    return BUF_COUNT * (LC_HEADROOM + ur->buf_size);
}

static void unmap(void *p, size_t n)
{
    if (p != NULL)
        munmap(p, n);
}

static void *map(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static uint8_t *buf_at(const struct uring_state *ur, unsigned id)
{
    return ur->bufs + id * (LC_HEADROOM + ur->buf_size) + LC_HEADROOM;
}

static void return_buf(struct uring_state *ur, unsigned id)
{
    io_uring_buf_ring_add(ur->buf_ring, buf_at(ur, id), (unsigned)ur->buf_size, (unsigned short)id,
                          io_uring_buf_ring_mask(BUF_COUNT), ur->bufs_returned++);
}

static void tell_returned_bufs(struct uring_state *ur)
{
    io_uring_buf_ring_advance(ur->buf_ring, ur->bufs_returned);
    ur->bufs_returned = 0;
}

static lc_err open_ring(struct uring_state *ur)
{
    static const unsigned choices[] = {
        IORING_SETUP_DEFER_TASKRUN, /* Linux 6.1: completions are made when we wait, not between */
        IORING_SETUP_COOP_TASKRUN,
    };
    int e = -EINVAL;
    for (size_t i = 0; i < LC_ARRAY_LEN(choices) && e == -EINVAL; i++) {
        struct io_uring_params params = {
            .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | choices[i],
            .cq_entries = CQ_ENTRIES,
        };
        e = io_uring_queue_init_params(SQ_ENTRIES, &ur->ring, &params);
    }
    return e;
}

static lc_err open_bufs(struct uring_state *ur)
{
    ur->buf_ring = map(BUF_COUNT * sizeof(struct io_uring_buf));
    ur->bufs = map(bufs_octets(ur));
    if (ur->buf_ring == NULL || ur->bufs == NULL)
        return -ENOMEM;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)ur->buf_ring,
        .ring_entries = BUF_COUNT,
        .bgid = BUF_GROUP,
    };
    int e = io_uring_register_buf_ring(&ur->ring, &reg, 0);
    if (e != 0)
        return e;
    io_uring_buf_ring_init(ur->buf_ring);
    for (unsigned id = 0; id < BUF_COUNT; id++)
        return_buf(ur, id);
    tell_returned_bufs(ur);
    return LC_OK;
}

static void free_state(struct uring_state *ur)
{
    unmap(ur->bufs, bufs_octets(ur));
    unmap(ur->buf_ring, BUF_COUNT * sizeof(struct io_uring_buf));
    free(ur);
}

static lc_err ur_open(struct lc_loop *loop, struct lc_diag *diag)
{
    struct uring_state *ur = calloc(1, sizeof *ur);
    if (ur == NULL)
        return -ENOMEM;
    loop->backend_state = ur;
    lc_link_init(&ur->unsettled);
    lc_link_init(&ur->again);
    ur->buf_size = loop->recv_chunk < BUF_SIZE ? loop->recv_chunk : BUF_SIZE;
    loop->recv_in_flight = BUF_COUNT * ur->buf_size;

    lc_err e = open_ring(ur);
    if (e == LC_OK) {
        e = open_bufs(ur);
        if (e != LC_OK)
            io_uring_queue_exit(&ur->ring);
    }
    if (e == LC_OK)
        return LC_OK;
    free_state(ur);
    lc_diag_set(diag, "io_uring: %s (it needs Linux 6.0 or later, and the permission to use it)",
                lc_strerror(e));
    /* too old, switched off by sysctl, or filtered by seccomp */
    return e == -EINVAL || e == -EPERM || e == -EACCES ? -ENOSYS : e;
}

static void ur_close(struct lc_loop *loop)
{
    struct uring_state *ur = state_of(loop);
    LC_ASSERT(ur->under_way == 0); /* the kernel would still write to the buffers */
    io_uring_queue_exit(&ur->ring);
    free_state(ur);
}

static lc_err ur_attach(struct lc_loop *loop, struct lc_io *io)
{
    LC_UNUSED(loop);
    LC_UNUSED(io);
    return LC_OK;
}

static void unsettle(struct lc_loop *loop, struct lc_io *io)
{
    if (io->detached && (io->progress & UNDER_WAY) == 0) {
        lc_loop_release(loop, io);
        return;
    }
    lc_link_remove(&io->link);
    lc_list_add_last(&state_of(loop)->unsettled, &io->link);
}

static void ur_detach(struct lc_loop *loop, struct lc_io *io)
{
    io->detached = true;
    io->in = LC_IN_NONE;
    io->out = LC_OUT_NONE;
    unsettle(loop, io);
}

/* On a non-blocking descriptor io_uring says EAGAIN instead of waiting for readiness. */
static void make_blocking(struct lc_io *io)
{
    if ((io->progress & BLOCKING) != 0)
        return;
    io->progress |= BLOCKING;
    fcntl(io->fd, F_SETFL, 0); /* a socket has no other flags that this could clear */
}

static void ur_start_in(struct lc_loop *loop, struct lc_io *io, enum lc_in kind)
{
    io->in = (uint8_t)kind;
    if (kind != LC_IN_WATCH)
        make_blocking(io);
    unsettle(loop, io);
}

static void ur_stop_in(struct lc_loop *loop, struct lc_io *io)
{
    io->in = LC_IN_NONE;
    unsettle(loop, io);
}

static void ur_start_out(struct lc_loop *loop, struct lc_io *io, enum lc_out kind)
{
    io->out = (uint8_t)kind;
    make_blocking(io);
    unsettle(loop, io);
}

static void submit(struct uring_state *ur)
{
    /* what cannot be taken now stays in the queue, and is taken by the wait that follows */
    io_uring_submit(&ur->ring);
    if (io_uring_sq_ready(&ur->ring) == 0)
        ur->slots_used = 0;
}

static struct io_uring_sqe *take_sqe(struct uring_state *ur)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ur->ring);
    if (sqe == NULL) {
        submit(ur);
        sqe = io_uring_get_sqe(&ur->ring);
    }
    return sqe;
}

static void mark(struct uring_state *ur, struct io_uring_sqe *sqe, struct lc_io *io, enum tag tag)
{
    io_uring_sqe_set_data64(sqe, (uintptr_t)io | tag);
    ur->under_way++;
}

static enum tag prepare_in(const struct lc_io *io, struct io_uring_sqe *sqe)
{
    switch (io->in) {
    case LC_IN_ACCEPT:
        /* one address for all shots would be overwritten by the next: it is asked for later */
        io_uring_prep_multishot_accept(sqe, io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return TAG_ACCEPT;
    case LC_IN_RECV:
        io_uring_prep_recv_multishot(sqe, io->fd, NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = BUF_GROUP;
        return TAG_RECV;
    default:
        io_uring_prep_poll_multishot(sqe, io->fd, POLLIN);
        return TAG_WATCH;
    }
}

static bool arm_in(struct uring_state *ur, struct lc_io *io)
{
    struct io_uring_sqe *sqe = take_sqe(ur);
    if (sqe == NULL)
        return false;
    enum tag tag = prepare_in(io, sqe);
    mark(ur, sqe, io, tag);
    io->progress &= (uint8_t) ~(TAG_MASK << IN_TAG_SHIFT);
    io->progress |= (uint8_t)(IN_ARMED | tag << IN_TAG_SHIFT);
    return true;
}

static bool arm_connect(struct uring_state *ur, struct lc_io *io)
{
    struct io_uring_sqe *sqe = take_sqe(ur);
    if (sqe == NULL)
        return false;
    const struct lc_addr *to = io->events->target(io);
    io_uring_prep_connect(sqe, io->fd, (const struct sockaddr *)&to->sa, to->len);
    mark(ur, sqe, io, TAG_CONNECT);
    io->progress |= OUT_ARMED;
    return true;
}

static bool arm_send(struct uring_state *ur, struct lc_io *io)
{
    if (ur->slots_used == SEND_SLOTS)
        submit(ur);
    struct io_uring_sqe *sqe = ur->slots_used == SEND_SLOTS ? NULL : take_sqe(ur);
    if (sqe == NULL)
        return false;
    struct send_slot *slot = &ur->slots[ur->slots_used];
    size_t count = io->events->gather(io, slot->iov, LC_IOV_MAX);
    if (count == 1) {
        io_uring_prep_send(sqe, io->fd, slot->iov[0].iov_base, slot->iov[0].iov_len, MSG_NOSIGNAL);
    } else {
        ur->slots_used++;
        slot->msg = (struct msghdr){.msg_iov = slot->iov, .msg_iovlen = count};
        io_uring_prep_sendmsg(sqe, io->fd, &slot->msg, MSG_NOSIGNAL);
    }
    mark(ur, sqe, io, TAG_SEND);
    io->progress |= OUT_ARMED;
    return true;
}

static bool arm_out(struct uring_state *ur, struct lc_io *io)
{
    return io->out == LC_OUT_CONNECT ? arm_connect(ur, io) : arm_send(ur, io);
}

/* A detached descriptor loses both sides, else only the side `in` can have been stopped. */
static bool arm_cancel(struct uring_state *ur, struct lc_io *io)
{
    struct io_uring_sqe *sqe = take_sqe(ur);
    if (sqe == NULL)
        return false;
    if (io->detached)
        io_uring_prep_cancel_fd(sqe, io->fd, IORING_ASYNC_CANCEL_ALL);
    else
        io_uring_prep_cancel64(sqe, (uintptr_t)io | (io->progress >> IN_TAG_SHIFT & TAG_MASK), 0);
    mark(ur, sqe, io, TAG_CANCEL);
    io->progress |= CANCEL_ARMED;
    return true;
}

static bool is_to_cancel(const struct lc_io *io)
{
    return ((io->progress & IN_ARMED) != 0 && io->in == LC_IN_NONE) ||
           ((io->progress & OUT_ARMED) != 0 && io->out == LC_OUT_NONE);
}

/* False: the submission queue is full, and something is still to be submitted. */
static bool settle(struct uring_state *ur, struct lc_io *io)
{
    if (is_to_cancel(io) && (io->progress & CANCEL_ARMED) == 0 && !arm_cancel(ur, io))
        return false;
    if (io->in != LC_IN_NONE && (io->progress & IN_ARMED) == 0 && !arm_in(ur, io))
        return false;
    return io->out == LC_OUT_NONE || (io->progress & OUT_ARMED) != 0 || arm_out(ur, io);
}

static void settle_all(struct uring_state *ur)
{
    while (lc_link_is_linked(&ur->unsettled)) {
        struct lc_io *io = LC_CONTAINER(ur->unsettled.next, struct lc_io, link);
        if (!settle(ur, io))
            return;
        lc_link_remove(&io->link);
        if (io->in == LC_IN_WATCH && (io->progress & AGAIN) != 0)
            lc_list_add_last(&ur->again, &io->link);
    }
}

static lc_err wait_for_one(struct uring_state *ur, struct __kernel_timespec *timeout)
{
    struct io_uring_cqe *cqe;
    int e = io_uring_submit_and_wait_timeout(&ur->ring, &cqe, 1, timeout, NULL);
    if (io_uring_sq_ready(&ur->ring) == 0)
        ur->slots_used = 0;
    /* EAGAIN, EBUSY: short of memory, or completions are to be taken first */
    bool failed = e < 0 && e != -ETIME && e != -EINTR && e != -EAGAIN && e != -EBUSY;
    return failed ? e : LC_OK;
}

static lc_err ur_wait(struct lc_loop *loop, int64_t wait_ns)
{
    struct uring_state *ur = state_of(loop);
    if (!ur->enabled) {
        /* what io_uring_enable_rings() does, which the liburing.so of 2.3 forgets to export */
        int e =
            io_uring_register((unsigned)ur->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
        if (e < 0)
            return e;
        ur->enabled = true;
    }
    settle_all(ur);
    if (lc_link_is_linked(&ur->again) || lc_link_is_linked(&ur->unsettled))
        wait_ns = 0;
    struct __kernel_timespec timeout = {wait_ns / LC_NS_PER_S, wait_ns % LC_NS_PER_S};
    return wait_for_one(ur, wait_ns == INT64_MAX ? NULL : &timeout);
}

static void take_accepted(struct lc_io *io, int res)
{
    if (io->detached) {
        if (res >= 0)
            close(res);
        return;
    }
    struct lc_addr peer = {.len = sizeof peer.sa};
    if (res >= 0 && getpeername(res, (struct sockaddr *)&peer.sa, &peer.len) < 0) {
        close(res); /* the peer has gone already */
        res = -ECONNABORTED;
    }
    peer.transport = peer.sa.ss_family == AF_UNIX ? LC_UNIX_STREAM : LC_TCP;
    if (res != -ECANCELED)
        io->events->accepted(io, res, &peer);
}

/* What ended because of us, or for want of a buffer, is started again if it is wanted. */
static bool is_to_restart(int res)
{
    return res == -ECANCELED || res == -ENOBUFS || res == -EINTR;
}

static void take_received(struct lc_loop *loop, struct lc_io *io, const struct io_uring_cqe *cqe)
{
    struct uring_state *ur = state_of(loop);
    bool has_buf = (cqe->flags & IORING_CQE_F_BUFFER) != 0;
    unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    if (!io->detached && !is_to_restart(cqe->res)) {
        lc_count(&loop->counters.recv_calls, 1);
        if (cqe->res <= 0)
            io->in = LC_IN_NONE;
        io->events->received(io, has_buf ? buf_at(ur, id) : NULL, cqe->res);
    }
    if (has_buf)
        return_buf(ur, id);
}

static void take_readable(struct lc_loop *loop, struct lc_io *io)
{
    if (io->detached)
        return;
    io->progress &= (uint8_t)~AGAIN;
    /* what came while it was stopped is told when it is started again: there may be no other edge
     */
    if (io->in == LC_IN_NONE || io->events->readable(io))
        io->progress |= AGAIN;
    if (!io->detached && io->in == LC_IN_WATCH && (io->progress & AGAIN) != 0 &&
        !lc_link_is_linked(&io->link))
        lc_list_add_last(&state_of(loop)->again, &io->link);
}

static void take_out(struct lc_loop *loop, struct lc_io *io, enum tag tag, int res)
{
    io->progress &= (uint8_t)~OUT_ARMED;
    if (io->detached || is_to_restart(res))
        return;
    io->out = LC_OUT_NONE;
    if (tag == TAG_CONNECT) {
        io->events->connected(io, res);
        return;
    }
    lc_count(&loop->counters.send_calls, 1);
    io->events->sent(io, res);
}

static void take(struct lc_loop *loop, const struct io_uring_cqe *cqe)
{
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    enum tag tag = cqe->user_data & TAG_MASK;
    if (!more)
        state_of(loop)->under_way--;
    if (tag == TAG_NONE)
        return;
    struct lc_io *io = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)TAG_MASK);
    if (tag == TAG_CANCEL)
        io->progress &= (uint8_t)~CANCEL_ARMED;
    else if (tag <= TAG_WATCH && !more)
        io->progress &= (uint8_t)~IN_ARMED;
    if (tag == TAG_ACCEPT)
        take_accepted(io, cqe->res);
    else if (tag == TAG_RECV)
        take_received(loop, io, cqe);
    else if (tag == TAG_WATCH)
        take_readable(loop, io);
    else if (tag != TAG_CANCEL)
        take_out(loop, io, tag, cqe->res);
    if (!more)
        unsettle(loop, io);
}

static void run_again(struct lc_loop *loop)
{
    struct lc_link batch;
    lc_list_take_all(&state_of(loop)->again, &batch);
    for (struct lc_link *l; (l = lc_list_take_first(&batch)) != NULL;)
        take_readable(loop, LC_CONTAINER(l, struct lc_io, link));
}

static void ur_dispatch(struct lc_loop *loop)
{
    struct uring_state *ur = state_of(loop);
    run_again(loop);
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ur->ring, head, cqe)
    {
        take(loop, cqe);
        count++;
    }
    io_uring_cq_advance(&ur->ring, count);
    tell_returned_bufs(ur);
}

static lc_err ur_leave(struct lc_loop *loop)
{
    struct uring_state *ur = state_of(loop);
    lc_err e = LC_OK;
    while (e == LC_OK && ur->under_way > 0) {
        struct io_uring_sqe *sqe = take_sqe(ur);
        if (sqe != NULL) {
            io_uring_prep_cancel(sqe, NULL, IORING_ASYNC_CANCEL_ANY);
            mark(ur, sqe, NULL, TAG_NONE);
        }
        e = wait_for_one(ur, NULL);
        ur_dispatch(loop);
    }
    return e;
}

const struct lc_backend lc_backend_io_uring = {
    .name = "io_uring",
    .open = ur_open,
    .close = ur_close,
    .attach = ur_attach,
    .detach = ur_detach,
    .start_in = ur_start_in,
    .stop_in = ur_stop_in,
    .start_out = ur_start_out,
    .wait = ur_wait,
    .dispatch = ur_dispatch,
    .leave = ur_leave,
};
