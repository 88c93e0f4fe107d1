/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/deliver.c - the worker's side: batches into its shard, and back to the reader
 * when all of them is committed; the service as the server sees it.
 */
#include <errno.h>
#include <stdlib.h>

#include "service/complete.h"
#include "service/gather/gather.h"

#define RETRY_MS 500

struct deliver {
    struct lc_gather *gather;
    struct lc_worker *worker;
    struct lc_lane *lane;
    struct lc_appender appender;
    struct lc_timer retry;
    uint64_t appending; /* the batch that is being appended */
    size_t at;          /* in it: the next entry */
    uint64_t committed; /* the last id of which that is known */
    struct lc_completion completion;
    struct lc_field fields[LC_FIELDS_MAX];
    bool waits; /* there was no room: one event for a time of that */
    bool draining, dropped;
};

/* ---- records ---- */

static enum lc_line_kind kind_of(const struct deliver *d, struct lc_slice line)
{
    static const enum lc_line_kind only[] = {[LC_GATHER_PLAIN] = LC_LINE_PLAIN,
                                             [LC_GATHER_JSON] = LC_LINE_JSON,
                                             [LC_GATHER_SYSLOG] = LC_LINE_SYSLOG};
    enum lc_line_kind kind = lc_line_kind(line);
    int format = d->gather->config->format;

    if (!lc_arrival_stores(kind) || (format != LC_GATHER_AUTO && kind != only[format]))
        return LC_LINE_PLAIN;
    return kind;
}

/* A line that is not what it looks like is a line all the same. */
static void decode(struct deliver *d, struct lc_slice line, struct lc_arrival *ret)
{
    struct lc_arrival_context *ctx = &d->worker->arrivals;
    static const struct lc_whence whence;
    const char *reason;

    if (lc_arrival_decode(ctx, kind_of(d, line), line, &whence, ret, &reason) != LC_OK)
        (void)!lc_arrival_decode(ctx, LC_LINE_PLAIN, line, &whence, ret, &reason);
}

/* What the line itself doesn't say. */
static void fill_in(struct deliver *d, const struct lc_source *s, struct lc_arrival *a)
{
    struct lc_record *r = &a->record;

    if (r->stream.app.n == 0)
        r->stream.app = s->app;
    if (r->stream.host.n == 0)
        r->stream.host = s->host;
    if (r->level == LC_LEVEL_NONE && d->gather->config->has_level)
        r->level = (enum lc_level)d->gather->config->level;
    if (s->field.name.n == 0)
        return;
    if (r->field_count == LC_FIELDS_MAX)
        r->field_count--;
    if (r->field_count > 0 && r->fields != d->fields)
        memcpy(d->fields, r->fields, r->field_count * sizeof *r->fields);
    d->fields[r->field_count++] = s->field;
    r->fields = d->fields;
}

static lc_err store(struct deliver *d, const struct lc_record *r, const struct lc_gathered *what,
                    uint64_t *ret_id)
{
    const struct lc_source *s = what->source;
    lc_err e = LC_ELIMIT;

    if (s->has_sender)
        e = lc_shard_append_from(d->worker->shard, r, &s->sender, &what->position, ret_id);
    if (e != LC_ELIMIT)
        return e;
    if (s->has_sender) /* too many senders: the record counts for more than not to be doubled */
        lc_log(d->worker->site->log, LC_LEVEL_ERROR, "gather.position_not_kept",
               LC_LOG_SLICE("source", s->field.value), LC_LOG_ERR("cause", e));
    return lc_shard_append(d->worker->shard, r, ret_id);
}

static lc_err append(struct deliver *d, const struct lc_entry *e)
{
    const struct lc_gathered *what = &e->what;
    const struct lc_source *s = what->source;
    struct lc_arrival a = {.record = what->record};
    struct lc_record r;

    if (what->only_moves)
        return lc_shard_move_sender(d->worker->shard, &s->sender, &what->position);
    if (!what->is_whole)
        decode(d, what->record.message, &a);
    a.record.received_ns = d->worker->arrivals.syslog.received_ns;
    if (a.record.stream.space.n == 0 && d->gather->config->space != NULL)
        a.record.stream.space = lc_slice_cstr(d->gather->config->space);
    a.truncated |= what->truncated;
    fill_in(d, s, &a);

    bool claimed = lc_complete(&d->completion, &a, &r);
    lc_err err = store(d, &r, what, e->id);

    if (err != LC_OK)
        return err;
    lc_count(&d->worker->counters.gathered, 1);
    if (claimed)
        lc_count(&d->worker->counters.claimed_time, 1);
    if (!what->is_whole)
        lc_arrival_count(&d->worker->arrivals, &a);
    return LC_OK;
}

/* ---- batches ---- */

static uint64_t given(const struct deliver *d)
{
    return atomic_load_explicit(&d->lane->given, memory_order_acquire);
}

static uint64_t back(const struct deliver *d)
{
    return atomic_load_explicit(&d->lane->back, memory_order_relaxed);
}

static struct lc_gather_batch *batch(const struct deliver *d, uint64_t n)
{
    return &d->lane->batches[n % LC_BATCHES];
}

static bool is_idle(const struct deliver *d)
{
    return d->dropped || (atomic_load_explicit(&d->gather->finished, memory_order_acquire) &&
                          given(d) == back(d));
}

static void check_idle(struct deliver *d)
{
    if (d->draining && is_idle(d))
        d->worker->idle(d->worker);
}

/* Gives back, in order, what is committed as a whole. */
static void give_back(struct deliver *d)
{
    uint64_t n = back(d);

    if (n == d->appending || batch(d, n)->last_id > d->committed)
        return;
    for (; n < d->appending && batch(d, n)->last_id <= d->committed; n++) {
        batch(d, n)->data.n = 0;
        batch(d, n)->last_id = 0;
        atomic_store_explicit(&d->lane->back, n + 1, memory_order_release);
    }
    lc_gather_wake(d->gather);
    check_idle(d);
}

static void wait_for_room(struct deliver *d, lc_err e)
{
    struct lc_time now = lc_loop_now(d->worker->loop);

    lc_count(&d->worker->counters.waited, 1);
    if (!d->waits && e != LC_EWAIT)
        lc_log(d->worker->site->log, LC_LEVEL_WARN, "gather.waits", LC_LOG_ERR("cause", e));
    d->waits = true;
    /* A full memory or disk is told to us when it is over; a lack of something else may not be. */
    (void)!lc_timer_set(d->worker->loop, &d->retry, lc_time_add_ms(now, RETRY_MS));
}

/* True: go on with the next entry. */
static bool deliver_entry(struct deliver *d, struct lc_gather_batch *b,
                          const struct lc_entry *entry)
{
    if (*entry->id != 0 && *entry->id <= d->committed)
        return true; /* it was spared when others of its batch were refused */
    *entry->id = 0;

    lc_err e = append(d, entry);

    if (e == LC_EWAIT || e == LC_EFULL) {
        wait_for_room(d, e);
        return false;
    }
    if (e != LC_OK) {
        lc_count(&d->worker->counters.refused, 1);
        lc_log(d->worker->site->log, LC_LEVEL_ERROR, "gather.refused",
               LC_LOG_SLICE("source", entry->what.source->field.value), LC_LOG_ERR("cause", e));
    }
    if (*entry->id != 0)
        b->last_id = *entry->id;
    return true;
}

/* False: no room for all of it. */
static bool append_batch(struct deliver *d, struct lc_gather_batch *b)
{
    struct lc_entry entry;
    size_t next = d->at;

    while (lc_gather_batch_next(b, &next, d->fields, &entry)) {
        if (!deliver_entry(d, b, &entry))
            return false;
        d->at = next;
    }
    d->appending++;
    d->at = 0;
    return true;
}

static void pump(struct deliver *d)
{
    if (d->dropped || d->appending == given(d))
        return;
    lc_arrival_now(&d->worker->arrivals);
    while (d->appending < given(d) && append_batch(d, batch(d, d->appending)))
        d->waits = false;
    /* with all batches under way the reader waits */
    lc_shard_flush(d->worker->shard, given(d) - back(d) == LC_BATCHES);
    give_back(d);
}

static void on_come(struct lc_task *task)
{
    struct lc_lane *lane = LC_CONTAINER(task, struct lc_lane, come);
    struct deliver *d = lane->deliver;

    pump(d);
    check_idle(d);
}

static void on_retry(struct lc_timer *timer)
{
    pump(LC_CONTAINER(timer, struct deliver, retry));
}

static void on_room(struct lc_appender *a)
{
    struct deliver *d = LC_CONTAINER(a, struct deliver, appender);

    pump(d);
}

/* What is not committed is gone from the shard: it is appended again, from its batch. Its id may
 * now be another record's. */
static void forget_ids(struct deliver *d, struct lc_gather_batch *b)
{
    struct lc_entry entry;
    size_t at = 0;

    b->last_id = 0;
    while (lc_gather_batch_next(b, &at, d->fields, &entry)) {
        if (*entry.id > d->committed)
            *entry.id = 0;
    }
}

static void on_outcome(struct lc_appender *a, const struct lc_outcome *outcome)
{
    struct deliver *d = LC_CONTAINER(a, struct deliver, appender);

    if (outcome->err == LC_OK) {
        d->committed = outcome->upto;
        if (!d->dropped)
            give_back(d);
        return;
    }
    for (uint64_t n = back(d); n <= d->appending && n < given(d); n++)
        forget_ids(d, batch(d, n));
    d->appending = back(d);
    d->at = 0;
}

/* ---- the service ---- */

static lc_err deliver_start(struct lc_site *site, void **ret)
{
    struct lc_gather *g;

    *ret = NULL;
    if (!lc_gather_is_wanted(&site->config.gather))
        return LC_OK;

    lc_err e = lc_gather_new(site, &g);

    if (e == LC_OK)
        *ret = g;
    return e;
}

static void deliver_stop(void *shared)
{
    lc_gather_free(shared);
}

static lc_err deliver_open(void *shared, struct lc_worker *w, void **ret)
{
    struct lc_gather *g = shared;
    struct deliver *d;

    *ret = NULL;
    if (g == NULL)
        return LC_OK;
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return -ENOMEM;
    d->gather = g;
    d->worker = w;
    d->lane = &g->lanes[w->index];
    d->lane->worker = w;
    d->lane->deliver = d;
    d->appending = back(d);
    d->appender.outcome = on_outcome;
    d->appender.room = on_room;
    lc_list_add_last(&w->appenders, &d->appender.all);
    lc_timer_init(&d->retry, on_retry);
    lc_task_init(&d->lane->come, on_come);
    *ret = d;
    return ++g->opened == g->lane_count ? lc_gather_start(g) : LC_OK;
}

static void deliver_drain(void *state)
{
    struct deliver *d = state;

    d->draining = true;
    atomic_store_explicit(&d->gather->stopping, true, memory_order_release);
    lc_gather_wake(d->gather);
    if (is_idle(d))
        d->worker->idle(d->worker);
}

static void deliver_drop(void *state)
{
    struct deliver *d = state;

    lc_gather_drop(d->gather);
    lc_timer_cancel(d->worker->loop, &d->retry);
    d->dropped = true;
    check_idle(d);
}

static bool deliver_is_idle(const void *state)
{
    return is_idle(state);
}

static void deliver_close(void *state)
{
    free(state);
}

const struct lc_service lc_service_gather = {
    .start = deliver_start,
    .stop = deliver_stop,
    .open = deliver_open,
    .drain = deliver_drain,
    .drop = deliver_drop,
    .is_idle = deliver_is_idle,
    .close = deliver_close,
};
