/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop.c - the turn of the loop, tasks, and waking it.
 *
 * A turn: wait; completions; tasks from the mailbox; timers; deferred tasks; the works of streams
 * (all that was queued for a stream leaves in one send); what was closed is released. Each step
 * takes what is there when it begins; what is added meanwhile waits for the next turn, which then
 * does not sleep. So no step can go on for ever.
 */
#include "net/loop_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_RECV_CHUNK      ((size_t)256 * 1024)
#define DEFAULT_MAX_CONNECTIONS 10000
#define SPARE_RESTS             64

/* The first is the default. */
static const struct lc_backend *const backends[] = {
    &lc_backend_epoll,
    &lc_backend_io_uring,
    &lc_backend_poll,
    &lc_backend_select,
};

const char *const lc_loop_backends[] = {"epoll", "io_uring", "poll", "select", NULL};

static const struct lc_backend *backend_by_name(const char *name)
{
    if (name == NULL)
        return backends[0];
    for (size_t i = 0; i < LC_ARRAY_LEN(backends); i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

static bool wake_readable(struct lc_io *io)
{
    uint64_t wakes;
    /* EAGAIN: an earlier read took this wake too */
    ssize_t n = read(io->fd, &wakes, sizeof wakes);
    LC_UNUSED(n);
    return false;
}

static void wake_released(struct lc_io *io)
{
    LC_UNUSED(io);
}

static const struct lc_io_events wake_events = {
    .readable = wake_readable,
    .released = wake_released,
};

static lc_err open_wake(struct lc_loop *loop)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    lc_err e = lc_loop_attach(loop, &loop->wake, fd, &wake_events);
    if (e == LC_OK)
        loop->backend->start_in(loop, &loop->wake, LC_IN_WATCH);
    return e;
}

static void init(struct lc_loop *loop, const struct lc_loop_config *config)
{
    loop->clock = config->clock != NULL ? config->clock : &lc_clock_system;
    loop->now = lc_monotonic(loop->clock);
    loop->recv_chunk = config->recv_chunk != 0 ? config->recv_chunk : DEFAULT_RECV_CHUNK;
    loop->max_connections =
        config->max_connections != 0 ? config->max_connections : DEFAULT_MAX_CONNECTIONS;
    loop->deferred_end = &loop->deferred;
    lc_link_init(&loop->works);
    lc_link_init(&loop->released);
    lc_link_init(&loop->ios);
    lc_out_pool_init(&loop->out_pool);
    lc_spares_init(&loop->rests, LC_REST_BLOCK, SPARE_RESTS);
}

lc_err lc_loop_new(const struct lc_loop_config *config, struct lc_loop **ret, struct lc_diag *diag)
{
    const struct lc_backend *backend = backend_by_name(config->backend);
    if (backend == NULL) {
        lc_diag_set(diag, "there is no I/O backend \"%s\"", config->backend);
        return -ENOSYS;
    }
    struct lc_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return -ENOMEM;
    init(loop, config);
    lc_err e = backend->open(loop, diag);
    if (e != LC_OK) {
        free(loop);
        return e;
    }
    loop->backend = backend;
    lc_dynbuf_init(&loop->unwrapped, LC_HEADROOM + LC_UNWRAP_FACTOR * loop->recv_in_flight);
    e = open_wake(loop);
    if (e != LC_OK) {
        lc_diag_set(diag, "eventfd: %s", lc_strerror(e));
        lc_loop_free(loop);
        return e;
    }
    *ret = loop;
    return LC_OK;
}

static void run_released(struct lc_loop *loop)
{
    struct lc_link batch;
    lc_list_take_all(&loop->released, &batch);
    for (struct lc_link *l; (l = lc_list_take_first(&batch)) != NULL;) {
        struct lc_io *io = LC_CONTAINER(l, struct lc_io, link);
        if (io->fd >= 0) /* else it was given away */
            close(io->fd);
        lc_link_remove(&io->all);
        loop->attached--;
        io->events->released(io);
    }
}

void lc_loop_free(struct lc_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->attached > 0)
        loop->backend->detach(loop, &loop->wake);
    while (lc_link_is_linked(&loop->released))
        run_released(loop);
    LC_ASSERT(loop->attached == 0); /* else something that was opened on it was not closed */
    loop->backend->close(loop);
    lc_timers_done(&loop->timers);
    lc_out_pool_done(&loop->out_pool);
    lc_spares_done(&loop->rests);
    lc_dynbuf_done(&loop->unwrapped);
    lc_dgram_memory_free(loop->dgrams);
    free(loop);
}

lc_err lc_loop_attach(struct lc_loop *loop, struct lc_io *io, int fd,
                      const struct lc_io_events *events)
{
    *io = (struct lc_io){.fd = fd, .events = events};
    lc_link_init(&io->link);
    lc_link_init(&io->all);
    lc_err e = loop->backend->attach(loop, io);
    if (e != LC_OK) {
        close(fd);
        return e;
    }
    io->serial = ++loop->last_serial;
    lc_list_add_last(&loop->ios, &io->all);
    loop->attached++;
    return LC_OK;
}

void lc_loop_release(struct lc_loop *loop, struct lc_io *io)
{
    LC_ASSERT(io->detached);
    lc_link_remove(&io->link);
    lc_list_add_last(&loop->released, &io->link);
}

bool lc_loop_admits(struct lc_loop *loop)
{
    if (lc_counted(&loop->counters.open) < loop->max_connections)
        return true;
    lc_count(&loop->counters.refused, 1);
    return false;
}

/* Waking and posting are Dekker's handshake: the loop writes `may_sleep`, then reads `mailbox`; a
 * poster writes `mailbox`, then reads `may_sleep`. All four are sequentially consistent, so at
 * least one of the two sees the other, and no post is slept through. */
static void wake(struct lc_loop *loop)
{
    if (!atomic_load(&loop->may_sleep) || !atomic_exchange(&loop->may_sleep, false))
        return;
    uint64_t one = 1;
    ssize_t n = write(loop->wake.fd, &one, sizeof one);
    LC_UNUSED(n); /* EAGAIN: 2^64 wakes are not read yet; it wakes up all the same */
}

void lc_task_init(struct lc_task *task, void (*run)(struct lc_task *task))
{
    *task = (struct lc_task){.run = run};
}

void lc_loop_post(struct lc_loop *loop, struct lc_task *task)
{
    if (atomic_exchange_explicit(&task->posted, true, memory_order_acq_rel))
        return;
    struct lc_task *newest = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    do
        task->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&loop->mailbox, &newest, task,
                                                  memory_order_seq_cst, memory_order_relaxed));
    wake(loop);
}

void lc_loop_defer(struct lc_loop *loop, struct lc_task *task)
{
    if (atomic_exchange_explicit(&task->posted, true, memory_order_acq_rel))
        return;
    task->next = NULL;
    *loop->deferred_end = task;
    loop->deferred_end = &task->next;
}

/* `posted` is taken back by an exchange, not by a store: it reads what the last poster wrote, also
 * one that found the task posted already, and so all that poster wrote before is seen by run(). */
static void run_tasks(struct lc_task *first)
{
    while (first != NULL) {
        struct lc_task *task = first;
        first = task->next;
        atomic_exchange_explicit(&task->posted, false, memory_order_acq_rel);
        task->run(task);
    }
}

static void run_mailbox(struct lc_loop *loop)
{
    if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) == NULL)
        return;
    struct lc_task *newest = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct lc_task *oldest = NULL;
    while (newest != NULL) {
        struct lc_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    run_tasks(oldest);
}

static void run_deferred(struct lc_loop *loop)
{
    struct lc_task *first = loop->deferred;
    loop->deferred = NULL;
    loop->deferred_end = &loop->deferred;
    run_tasks(first);
}

void lc_work_init(struct lc_work *work, void (*run)(struct lc_work *work))
{
    lc_link_init(&work->link);
    work->run = run;
}

void lc_loop_work(struct lc_loop *loop, struct lc_work *work)
{
    if (!lc_link_is_linked(&work->link))
        lc_list_add_last(&loop->works, &work->link);
}

static void run_works(struct lc_loop *loop)
{
    struct lc_link batch;
    lc_list_take_all(&loop->works, &batch);
    for (struct lc_link *l; (l = lc_list_take_first(&batch)) != NULL;) {
        struct lc_work *work = LC_CONTAINER(l, struct lc_work, link);
        work->run(work);
    }
}

/* How long this turn may sleep; from here on, when it is not 0, posts write to the eventfd. */
static int64_t prepare_to_wait(struct lc_loop *loop)
{
    if (loop->deferred != NULL || lc_link_is_linked(&loop->works) ||
        lc_link_is_linked(&loop->released))
        return 0;
    int64_t wait_ns = INT64_MAX;
    struct lc_time next = lc_timers_next(&loop->timers);
    if (next.ns != LC_TIME_NEVER.ns) {
        wait_ns = next.ns - lc_monotonic(loop->clock).ns;
        if (wait_ns <= 0)
            return 0;
    }
    atomic_store(&loop->may_sleep, true);
    if (atomic_load(&loop->mailbox) != NULL || atomic_load(&loop->stop))
        return 0;
    return wait_ns;
}

lc_err lc_loop_turn(struct lc_loop *loop)
{
    lc_err e = loop->backend->wait(loop, prepare_to_wait(loop));
    atomic_store_explicit(&loop->may_sleep, false, memory_order_relaxed);
    loop->now = lc_monotonic(loop->clock);
    lc_count(&loop->counters.turns, 1);
    if (e != LC_OK)
        return e;
    loop->backend->dispatch(loop);
    run_mailbox(loop);
    lc_timers_fire(&loop->timers, loop->now);
    run_deferred(loop);
    run_works(loop);
    run_released(loop);
    return LC_OK;
}

lc_err lc_loop_run(struct lc_loop *loop)
{
    lc_err e = LC_OK;
    while (e == LC_OK && !atomic_load(&loop->stop))
        e = lc_loop_turn(loop);
    lc_err left = loop->backend->leave(loop);
    atomic_store(&loop->stop, false);
    return e != LC_OK ? e : left;
}

void lc_loop_stop(struct lc_loop *loop)
{
    atomic_store(&loop->stop, true);
    wake(loop);
}

struct lc_time lc_loop_now(const struct lc_loop *loop)
{
    return loop->now;
}

const char *lc_loop_backend(const struct lc_loop *loop)
{
    return loop->backend->name;
}

void lc_timer_init(struct lc_timer *timer, void (*fire)(struct lc_timer *timer))
{
    *timer = (struct lc_timer){.fire = fire};
}

lc_err lc_timer_set(struct lc_loop *loop, struct lc_timer *timer, struct lc_time deadline)
{
    return lc_timers_set(&loop->timers, timer, deadline);
}

void lc_timer_cancel(struct lc_loop *loop, struct lc_timer *timer)
{
    lc_timers_cancel(&loop->timers, timer);
}

struct lc_loop_stats lc_loop_stats(const struct lc_loop *loop)
{
    const struct lc_loop_counters *c = &loop->counters;
#define READ(name) .name = lc_counted(&c->name)
    return (struct lc_loop_stats){
        READ(turns),         READ(accepted),   READ(received_octets),
        READ(sent_octets),   READ(recv_calls), READ(send_calls),
        READ(accept_paused), READ(refused),    READ(open),
    };
#undef READ
}
