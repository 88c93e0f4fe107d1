/* SPDX-License-Identifier: Apache-2.0 */
#include "service/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "proto/batch.h"

/* ---- the server's own log, as records ---- */

static void store_own_log(struct lc_task *task)
{
    struct lc_worker_run *w = LC_CONTAINER(task, struct lc_worker_run, own_log);
    struct lc_log *log = w->worker.site->log;
    struct lc_record r;
    uint64_t id;
    bool any = false;

    /* Without room or disk they remain what they are on standard error: telling that would only
     * make more of them. */
    while (lc_log_take(log, &r))
        any |= lc_shard_append(w->worker.shard, &r, &id) == LC_OK;
    lc_log_taken(log);
    if (any)
        lc_shard_flush(w->worker.shard, false);
}

static void notify_own_log(void *arg)
{
    struct lc_worker_run *w = arg;

    lc_loop_post(w->worker.loop, &w->own_log);
}

/* ---- what became of records ---- */

static void on_progress(struct lc_task *task)
{
    struct lc_worker *w = &LC_CONTAINER(task, struct lc_worker_run, progress)->worker;
    struct lc_outcome outcome;

    while (lc_shard_outcome(w->shard, &outcome)) {
        if (outcome.err != LC_OK)
            lc_log(w->site->log, LC_LEVEL_ERROR, "store.not_durable",
                   LC_LOG_ERR("cause", outcome.err));
        for (struct lc_link *l = w->appenders.next; l != &w->appenders; l = l->next) {
            struct lc_appender *a = LC_CONTAINER(l, struct lc_appender, all);

            a->outcome(a, &outcome);
        }
    }
    for (struct lc_link *l = w->appenders.next; l != &w->appenders; l = l->next) {
        struct lc_appender *a = LC_CONTAINER(l, struct lc_appender, all);

        a->room(a);
    }
}

static void notify_progress(void *arg)
{
    struct lc_worker_run *w = arg;

    lc_loop_post(w->worker.loop, &w->progress);
}

/* ---- another configuration, and signs of life ---- */

static void use_config(struct lc_worker_run *w, const struct lc_server_config *config)
{
    w->worker.config = config;
    w->worker.arrivals.detect_level = config->detect_level;
}

static void reload(struct lc_task *task)
{
    struct lc_worker_run *w = LC_CONTAINER(task, struct lc_worker_run, reload);

    use_config(w, w->next_config);
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (w->state[s] != NULL && lc_services[s]->reload != NULL)
            lc_services[s]->reload(w->state[s]);
    }
    eventfd_write(w->reloaded_fd, 1);
}

static void beat(struct lc_task *task)
{
    struct lc_worker_run *w = LC_CONTAINER(task, struct lc_worker_run, beat);

    atomic_fetch_add_explicit(&w->beats, 1, memory_order_relaxed);
}

void lc_worker_run_reload(struct lc_worker_run *w, const struct lc_server_config *config,
                          int reloaded_fd)
{
    w->next_config = config;
    w->reloaded_fd = reloaded_fd;
    lc_loop_post(w->worker.loop, &w->reload);
}

void lc_worker_run_beat(struct lc_worker_run *w)
{
    lc_loop_post(w->worker.loop, &w->beat);
}

/* ---- the end ---- */

static void close_listeners(struct lc_worker_run *w)
{
    for (size_t i = 0; i < w->listener_count; i++)
        lc_listener_close(w->listeners[i]);
    w->listener_count = 0;
}

static void on_idle(struct lc_worker *worker)
{
    struct lc_worker_run *w = LC_CONTAINER(worker, struct lc_worker_run, worker);

    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (w->draining || (w->state[s] != NULL && !lc_services[s]->is_idle(w->state[s])))
            return;
    }
    lc_loop_stop(worker->loop);
}

static void drain(struct lc_task *task)
{
    struct lc_worker_run *w = LC_CONTAINER(task, struct lc_worker_run, drain);

    close_listeners(w);
    w->draining = true; /* until all services have been told */
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (w->state[s] != NULL)
            lc_services[s]->drain(w->state[s]);
    }
    w->draining = false;
    on_idle(&w->worker);
}

static void drop(struct lc_task *task)
{
    struct lc_worker_run *w = LC_CONTAINER(task, struct lc_worker_run, drop);

    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (w->state[s] != NULL)
            lc_services[s]->drop(w->state[s]);
    }
}

void lc_worker_run_drain(struct lc_worker_run *w)
{
    lc_loop_post(w->worker.loop, &w->drain);
}

void lc_worker_run_drop(struct lc_worker_run *w)
{
    lc_loop_post(w->worker.loop, &w->drop);
}

/* ---- life ---- */

static void *thread_main(void *arg)
{
    struct lc_worker_run *w = arg;

    w->err = lc_loop_run(w->worker.loop);
    eventfd_write(w->ended_fd, 1);
    return NULL;
}

lc_err lc_worker_run_start(struct lc_worker_run *w)
{
    int e = pthread_create(&w->thread, NULL, thread_main, w);

    if (e != 0)
        return -e;
    w->started = true;
    return LC_OK;
}

void lc_worker_run_join(struct lc_worker_run *w)
{
    if (w->started) {
        pthread_join(w->thread, NULL);
    } else {
        /* Its loop has never run: there are only sockets to close. */
        drain(&w->drain);
        drop(&w->drop);
    }
    if (w->worker.index == 0)
        lc_log_taker(w->worker.site->log, NULL, NULL);
}

static void on_accepted(void *user, int fd, const struct lc_addr *peer)
{
    const struct lc_entrance *at = user;

    lc_gates_accept(&at->run->worker, at->service, at->run->state[at->service], fd, peer);
}

static lc_err open_door(struct lc_worker_run *w, size_t s, const struct lc_doors *doors,
                        struct lc_door *d)
{
    int fd = d->fds[w->worker.index];

    if (fd < 0)
        return LC_OK;
    d->fds[w->worker.index] = -1;
    if (d->addr.transport == LC_UDP || d->addr.transport == LC_UNIX_DGRAM)
        return lc_services[s]->datagrams(w->state[s], fd);

    lc_err e = lc_listener_open(w->worker.loop, fd, on_accepted, &w->entrances[s],
                                &w->listeners[w->listener_count]);

    if (e == LC_OK)
        lc_listener_options(w->listeners[w->listener_count++], &doors->options[s]);
    return e;
}

lc_err lc_worker_run_open(struct lc_worker_run *w, void *const *shared, struct lc_doors *doors)
{
    lc_err e = lc_gates_man(&w->worker);

    lc_shard_on_progress(w->worker.shard, notify_progress, w);
    for (size_t s = 0; e == LC_OK && s < LC_SERVICE_COUNT; s++) {
        w->entrances[s] = (struct lc_entrance){w, (enum lc_service_id)s};
        e = lc_services[s]->open(shared[s], &w->worker, &w->state[s]);
        for (size_t i = 0; e == LC_OK && i < doors->count[s]; i++)
            e = open_door(w, s, doors, doors->door[s][i]);
    }
    if (e == LC_OK && w->worker.index == 0 && !w->worker.site->config.keeps_own_log_out)
        lc_log_taker(w->worker.site->log, notify_own_log, w);
    return e;
}

lc_err lc_worker_run_new(struct lc_site *site, unsigned index, int ended_fd,
                         struct lc_worker_run **ret, struct lc_diag *diag)
{
    const struct lc_loop_config config = {.backend = site->config.io, .clock = site->clock};
    struct lc_worker_run *w = calloc(1, sizeof *w);

    if (w == NULL)
        return -ENOMEM;
    w->worker.site = site;
    w->worker.index = index;
    w->worker.shard = lc_store_shard(site->store, index);
    w->worker.idle = on_idle;
    w->worker.arrivals.clock = site->clock;
    w->worker.arrivals.counters = &w->worker.counters.conn;
    use_config(w, &site->config);
    lc_dynbuf_init(&w->worker.out, 2 * LC_ANSWERS_OCTETS_MAX);
    lc_dynbuf_init(&w->worker.records, LC_BATCH_MAX);
    lc_task_init(&w->drain, drain);
    lc_task_init(&w->drop, drop);
    lc_task_init(&w->reload, reload);
    lc_task_init(&w->beat, beat);
    lc_task_init(&w->own_log, store_own_log);
    lc_task_init(&w->progress, on_progress);
    lc_link_init(&w->worker.appenders);
    w->ended_fd = ended_fd;

    lc_err e = lc_loop_new(&config, &w->worker.loop, diag);

    if (e != LC_OK) {
        free(w);
        return e;
    }
    *ret = w;
    return LC_OK;
}

void lc_worker_run_free(struct lc_worker_run *w)
{
    /* A loop that failed in the middle of its run leaves connections that nobody can close. */
    if (w == NULL || w->err != LC_OK)
        return;
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++)
        lc_services[s]->close(w->state[s]);
    lc_loop_free(w->worker.loop);
    lc_gates_leave(&w->worker);
    lc_dynbuf_done(&w->worker.out);
    lc_dynbuf_done(&w->worker.records);
    lc_arrival_done(&w->worker.arrivals);
    free(w);
}
