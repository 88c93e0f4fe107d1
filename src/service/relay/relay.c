/* SPDX-License-Identifier: Apache-2.0 */
#include "service/relay/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE         5 /* what comes in is more urgent */
#define TICK_MS      200
#define SAVE_TICKS   5   /* the state file is written so often, when something has changed */
#define PROBE_TICKS  150 /* a preferred target is tried so often */
#define PROBE_MS     5000
#define RETRY_MAX_MS 5000
#define OUT_MAX      (LC_BATCH_HEADER + LC_BATCH_MAX)

struct lc_counters *lc_relay_counters(struct lc_relay *r)
{
    return &r->worker->counters; /* these members are counted by nobody else */
}

static const char *target_name(const struct lc_relay *r)
{
    return r->config->to.items[r->target];
}

/* ---- all links ---- */

static void on_committed(struct lc_task *task)
{
    struct lc_relay *r = LC_CONTAINER(task, struct lc_relay, committed);
    struct lc_snapshot *snap = r->is_stopping ? NULL : lc_store_snapshot(r->site->store);
    bool more = false;

    if (snap == NULL)
        return; /* the next tick tries again */
    for (unsigned i = 0; i < r->link_count; i++)
        more |= lc_link_go_on(&r->links[i], snap);
    lc_snapshot_unref(snap);
    if (more)
        lc_loop_post(r->loop, &r->committed);
}

static void go_on(struct lc_relay *r)
{
    lc_loop_post(r->loop, &r->committed);
}

static void notify(void *arg)
{
    go_on(arg);
}

static void drop_links(struct lc_relay *r)
{
    for (unsigned i = 0; i < r->link_count; i++)
        lc_link_drop(&r->links[i]);
}

/* ---- targets ---- */

static void on_retry(struct lc_timer *timer)
{
    struct lc_relay *r = LC_CONTAINER(timer, struct lc_relay, retry);

    r->is_paused = false;
    go_on(r);
}

static void tell_lost(struct lc_relay *r, const char *why)
{
    snprintf(r->trouble, sizeof r->trouble, "%s: %s", target_name(r), why);
    if (!r->is_up && r->is_known_lost)
        return;
    lc_log(r->site->log, LC_LEVEL_WARN, "relay.target_lost", LC_LOG_TEXT("target", target_name(r)),
           LC_LOG_TEXT("why", why));
    r->is_known_lost = true;
}

void lc_relay_failed(struct lc_relay_link *l, const char *why)
{
    struct lc_relay *r = l->relay;
    struct lc_time now = lc_loop_now(r->loop), next = now;

    tell_lost(r, why);
    drop_links(r);
    lc_count(&lc_relay_counters(r)->relay_lost, r->is_up);
    r->is_up = r->is_moving = false;
    r->failures++;
    r->target = (r->target + 1) % r->target_count;
    if (r->failures % r->target_count == 0)
        next = lc_backoff_next(&r->backoff, now);
    r->is_paused = true;
    if (lc_timer_set(r->loop, &r->retry, next) != LC_OK)
        r->is_paused = false; /* the next tick goes on */
}

void lc_relay_works(struct lc_relay_link *l)
{
    struct lc_relay *r = l->relay;

    if (r->saved_target != (int)r->target) {
        r->saved_target = (int)r->target;
        (void)!lc_relay_save(r); /* before anything is sent there; told in the log */
    }
    if (r->is_up)
        return;
    lc_backoff_connected(&r->backoff, lc_loop_now(r->loop));
    lc_log(r->site->log, LC_LEVEL_INFO, "relay.connected", LC_LOG_TEXT("target", target_name(r)));
    lc_count(&lc_relay_counters(r)->relay_connected, 1);
    r->is_up = true;
    r->is_known_lost = false;
    r->failures = 0;
    r->trouble[0] = 0;
}

/* ---- back to a preferred target ---- */

static bool is_anything_on_its_way(const struct lc_relay *r)
{
    for (unsigned i = 0; i < r->link_count; i++)
        if (r->links[i].flight_count > 0)
            return true;
    return false;
}

static void move_when_quiet(struct lc_relay *r)
{
    if (!r->is_moving || is_anything_on_its_way(r))
        return;
    lc_log(r->site->log, LC_LEVEL_INFO, "relay.returns", LC_LOG_TEXT("from", target_name(r)),
           LC_LOG_TEXT("to", r->config->to.items[r->probed]));
    r->is_moving = r->is_up = false;
    drop_links(r);
    r->target = r->probed;
    go_on(r);
}

static void on_probed(void *user, const struct lc_connected *c)
{
    struct lc_relay *r = user;

    r->probe = NULL;
    if (c->err != LC_OK)
        return;
    close(c->fd);
    if (r->is_up && r->probed < r->target)
        r->is_moving = true;
}

static void probe(struct lc_relay *r)
{
    struct lc_time deadline = lc_time_add_ms(lc_loop_now(r->loop), PROBE_MS);

    if (r->target == 0 || !r->is_up || r->probe != NULL || r->is_moving)
        return;
    r->probed = r->probed + 1 < r->target ? r->probed + 1 : 0;
    if (lc_connect(r->connector, &r->targets[r->probed], deadline, on_probed, r, &r->probe) !=
        LC_OK)
        r->probe = NULL;
}

/* ---- figures ---- */

static void tell_progress(struct lc_relay *r)
{
    struct lc_snapshot *snap = lc_store_snapshot(r->site->store);
    struct lc_relay_progress p = {
        .target = r->is_up ? target_name(r) : NULL,
        .trouble = r->trouble,
        .sent = lc_counted(&lc_relay_counters(r)->relay_sent),
        .acknowledged = lc_counted(&lc_relay_counters(r)->relay_acknowledged),
        .missed = lc_counted(&lc_relay_counters(r)->relay_missed),
    };

    if (snap == NULL)
        return;
    for (unsigned i = 0; i < r->link_count; i++) {
        const struct lc_relay_link *l = &r->links[i];
        uint64_t end = lc_snapshot_end(snap, i);

        if (end > l->acked)
            p.behind += lc_id_sequence(end) - lc_id_sequence(l->acked);
    }
    lc_snapshot_unref(snap);
    p.is_saved = !r->is_dirty;
    if (r->config->progress != NULL)
        p.stored = lc_store_stats(r->site->store).committed;
    atomic_store_explicit(&r->site->relay_behind, p.behind, memory_order_relaxed);
    atomic_store_explicit(&r->site->relay_target, r->is_up ? (int)r->target + 1 : 0,
                          memory_order_relaxed);
    if (r->config->progress != NULL)
        r->config->progress(r->config->progress_arg, &p);
}

static void on_tick(struct lc_timer *timer)
{
    struct lc_relay *r = LC_CONTAINER(timer, struct lc_relay, tick);

    r->ticks++;
    if (r->is_dirty && (r->ticks % SAVE_TICKS == 0 || !is_anything_on_its_way(r)))
        (void)!lc_relay_save(r); /* told in the log, and tried again */
    if (r->ticks % PROBE_TICKS == 0)
        probe(r);
    move_when_quiet(r);
    tell_progress(r);
    go_on(r);
    /* it was set before, so moving it cannot fail */
    (void)!lc_timer_set(r->loop, timer, lc_time_add_ms(lc_loop_now(r->loop), TICK_MS));
}

/* ---- the thread ---- */

static void on_stop(struct lc_task *task)
{
    struct lc_relay *r = LC_CONTAINER(task, struct lc_relay, stop);

    r->is_stopping = true;
    if (r->probe != NULL)
        lc_connect_cancel(r->probe);
    r->probe = NULL;
    drop_links(r);
    lc_timer_cancel(r->loop, &r->retry);
    lc_timer_cancel(r->loop, &r->tick);
    if (r->is_dirty)
        (void)!lc_relay_save(r);
    lc_loop_stop(r->loop);
}

static void *thread_main(void *arg)
{
    struct lc_relay *r = arg;

    /* Linux: the value of the calling thread alone. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);

    lc_err e = lc_loop_run(r->loop);

    if (e != LC_OK)
        lc_log(r->site->log, LC_LEVEL_ERROR, "relay.failed", LC_LOG_ERR("cause", e));
    lc_store_unwatch(r->site->store, notify, r);
    for (unsigned i = 0; i < r->link_count; i++)
        lc_link_close(&r->links[i]); /* no snapshot may stay behind */
    atomic_store_explicit(&r->is_over, true, memory_order_release);
    lc_loop_post(r->worker->loop, &r->ended);
    return NULL;
}

/* ---- begin ---- */

static lc_err read_config(struct lc_relay *r)
{
    const struct lc_relay_config *c = r->config;
    struct lc_slice query = c->query == NULL ? LC_LIT("*") : lc_slice_cstr(c->query);
    lc_err e = lc_query_parse(query, lc_wall_ns(r->site->clock), &r->query, NULL);

    if (c->to.count > LC_RELAY_TARGETS)
        return LC_ELIMIT;
    for (size_t i = 0; e == LC_OK && i < c->to.count; i++)
        e = lc_endpoint_parse(lc_slice_cstr(c->to.items[i]), LC_RELAY_PORT, &r->targets[i], NULL);
    r->target_count = (unsigned)c->to.count;
    int n =
        snprintf(r->path, sizeof r->path, "%s/relay-%s.state", r->site->config.data_dir, c->name);
    return e == LC_OK && (size_t)n >= sizeof r->path ? LC_ELIMIT : e;
}

static lc_err open_links(struct lc_relay *r)
{
    struct lc_snapshot *snap = lc_store_snapshot(r->site->store);
    lc_err e = LC_OK;

    if (snap == NULL)
        return -ENOMEM;
    r->link_count = lc_snapshot_shards(snap);
    r->links = calloc(r->link_count, sizeof *r->links);
    if (r->links == NULL)
        e = -ENOMEM;
    for (unsigned i = 0; e == LC_OK && i < r->link_count; i++)
        e = lc_link_open(&r->links[i], r, i);
    if (e == LC_OK) {
        const uint8_t *id = r->links[0].sender.octets;

        snprintf(r->mark, sizeof r->mark, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
        lc_relay_load(r);
    }
    for (unsigned i = 0; e == LC_OK && i < r->link_count; i++) {
        struct lc_relay_link *l = &r->links[i];

        if (r->site->config.spool_octets != 0)
            lc_store_release(r->site->store, i, l->acked);
        l->sent_to = r->saved_target;
        if (r->saved_target >= 0)
            l->sent = lc_snapshot_end(snap, i);
    }
    lc_snapshot_unref(snap);
    return e;
}

static lc_err open_loop(struct lc_relay *r)
{
    const struct lc_loop_config config = {.clock = r->site->clock};
    lc_err e = lc_loop_new(&config, &r->loop, NULL);

    if (e == LC_OK)
        e = lc_resolver_new(NULL, &r->resolver);
    if (e == LC_OK)
        e = lc_connector_new(r->loop, r->resolver, NULL, &r->connector);
    if (e == LC_OK)
        e = lc_timer_set(r->loop, &r->tick, lc_loop_now(r->loop));
    return e;
}

static void on_ended(struct lc_task *task)
{
    struct lc_relay *r = LC_CONTAINER(task, struct lc_relay, ended);

    r->worker->idle(r->worker);
}

static void join(struct lc_relay *r)
{
    if (!r->has_thread)
        return;
    lc_loop_post(r->loop, &r->stop);
    pthread_join(r->thread, NULL);
    r->has_thread = false;
}

static void relay_close(void *state)
{
    struct lc_relay *r = state;

    if (r == NULL)
        return;
    join(r);
    for (unsigned i = 0; r->links != NULL && i < r->link_count; i++)
        lc_link_close(&r->links[i]);
    free(r->links);
    lc_connector_free(r->connector);
    if (r->loop != NULL)
        lc_loop_free(r->loop);
    lc_resolver_free(r->resolver);
    lc_query_unref(r->query);
    lc_dynbuf_done(&r->out);
    free(r->view);
    free(r);
}

static void init(struct lc_relay *r, struct lc_worker *w)
{
    r->worker = w;
    r->site = w->site;
    r->config = &w->site->config.relay;
    r->saved_target = -1;
    r->epoch = 1;
    lc_dynbuf_init(&r->out, OUT_MAX);
    lc_task_init(&r->committed, on_committed);
    lc_task_init(&r->stop, on_stop);
    lc_task_init(&r->ended, on_ended);
    lc_timer_init(&r->retry, on_retry);
    lc_timer_init(&r->tick, on_tick);
    lc_backoff_init(&r->backoff, 0, RETRY_MAX_MS, 0, w->site->clock);
}

static lc_err run_thread(struct lc_relay *r)
{
    lc_err e = lc_store_watch(r->site->store, notify, r);

    if (e != LC_OK)
        return e;

    int failed = pthread_create(&r->thread, NULL, thread_main, r);

    if (failed != 0)
        lc_store_unwatch(r->site->store, notify, r);
    r->has_thread = failed == 0;
    return -failed;
}

static lc_err relay_open(void *shared, struct lc_worker *w, void **ret)
{
    LC_UNUSED(shared);
    if (w->index != 0 || w->site->config.relay.to.count == 0)
        return LC_OK;

    struct lc_relay *r = calloc(1, sizeof *r);
    lc_err e = -ENOMEM;

    if (r == NULL)
        return e;
    init(r, w);
    r->view = calloc(1, sizeof *r->view);
    if (r->view != NULL)
        e = read_config(r);
    if (e == LC_OK)
        e = open_links(r);
    if (e == LC_OK)
        e = open_loop(r);
    if (e == LC_OK)
        e = run_thread(r);
    if (e != LC_OK) {
        relay_close(r);
        return e;
    }
    *ret = r;
    return LC_OK;
}

/* ---- the end ---- */

static void relay_drain(void *state)
{
    struct lc_relay *r = state;

    if (r->has_thread)
        lc_loop_post(r->loop, &r->stop);
}

static void relay_drop(void *state)
{
    join(state);
}

static bool relay_is_idle(const void *state)
{
    const struct lc_relay *r = state;

    return atomic_load_explicit(&r->is_over, memory_order_acquire);
}

const struct lc_service lc_service_relay = {
    .open = relay_open,
    .drain = relay_drain,
    .drop = relay_drop,
    .is_idle = relay_is_idle,
    .close = relay_close,
};
