/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "net/loop_impl.h"

#define DEFAULT_MAX      256
#define DEFAULT_MAX_EACH 32
#define DEFAULT_IDLE_MS  30000
#define DEFAULT_AGE_MS   600000

struct lc_conn_pool {
    struct lc_loop *loop;
    struct lc_connector *connector;
    struct lc_conn_pool_config config;
    struct lc_link kept; /* struct kept, the one unused for longest first */
    struct lc_timer expiry;
    unsigned requests;
    lc_counter reused, made, failed, given_back, unfit, evicted, expired, ended, garbage, count;
};

/* A stream that nobody uses. */
struct kept {
    struct lc_conn_pool *pool; /* NULL: it only waits to be closed */
    struct lc_link link;
    struct lc_stream *stream;
    struct lc_conn_pool_request *wanted_by; /* it is looked at for one more turn, then lent */
    struct lc_endpoint ep;
    struct lc_time since;
};

struct lc_conn_pool_request {
    struct lc_conn_pool *pool;
    struct lc_endpoint ep;
    struct lc_time deadline;
    const struct lc_stream_events *events;
    lc_conn_pool_fn fn;
    void *user;
    struct lc_work step;
    struct kept *candidate;
    uint64_t asked_in; /* turn of the loop */
    struct lc_connect *connecting;
};

static uint64_t turn(const struct lc_conn_pool *p)
{
    return lc_counted(&p->loop->counters.turns);
}

static bool is_same(const struct lc_endpoint *a, const struct lc_endpoint *b)
{
    return a->port == b->port && a->transport == b->transport && strcmp(a->host, b->host) == 0 &&
           strcmp(a->path, b->path) == 0;
}

/* ---- kept streams ---- */

/* No longer in the pool. */
static void leave_pool(struct kept *k)
{
    lc_link_remove(&k->link);
    lc_count(&k->pool->count, (uint64_t)-1);
    if (k->wanted_by != NULL)
        k->wanted_by->candidate = NULL;
    k->wanted_by = NULL;
    k->pool = NULL;
}

static void drop(struct kept *k, lc_counter *why)
{
    lc_count(why, 1);
    leave_pool(k);
    lc_stream_close(k->stream, (struct lc_time){0});
}

static size_t on_kept_data(void *user, struct lc_slice in)
{
    struct kept *k = user;
    drop(k, &k->pool->garbage);
    return in.n;
}

static void on_kept_eof(void *user, struct lc_slice rest)
{
    LC_UNUSED(rest);
    struct kept *k = user;
    drop(k, &k->pool->ended);
}

static void on_kept_drain(void *user)
{
    LC_UNUSED(user);
}

static void on_kept_close(void *user, lc_err why)
{
    LC_UNUSED(why);
    struct kept *k = user;
    if (k->pool != NULL) { /* it was reset */
        lc_count(&k->pool->ended, 1);
        leave_pool(k);
    }
    free(k);
}

static const struct lc_stream_events kept_events = {
    .on_data = on_kept_data,
    .on_eof = on_kept_eof,
    .on_drain = on_kept_drain,
    .on_close = on_kept_close,
};

static struct lc_time expires(const struct lc_conn_pool *p, const struct kept *k)
{
    struct lc_time idle = lc_time_add_ms(k->since, p->config.idle_ms);
    struct lc_time age = lc_time_add_ms(lc_stream_opened(k->stream), p->config.age_ms);
    return idle.ns < age.ns ? idle : age;
}

static void move_timer(struct lc_conn_pool *p, struct lc_time deadline)
{
    lc_err e = lc_timer_set(p->loop, &p->expiry, deadline);
    LC_ASSERT(e == LC_OK); /* net/timers.h: one that is set, or was just taken out, has room */
}

static void on_expiry(struct lc_timer *timer)
{
    struct lc_conn_pool *p = LC_CONTAINER(timer, struct lc_conn_pool, expiry);
    struct lc_time next = LC_TIME_NEVER;
    struct lc_link *following;
    for (struct lc_link *l = p->kept.next; l != &p->kept; l = following) {
        struct kept *k = LC_CONTAINER(l, struct kept, link);
        struct lc_time when = expires(p, k);
        following = l->next;
        if (lc_time_reached(when, lc_loop_now(p->loop)))
            drop(k, &p->expired);
        else if (when.ns < next.ns)
            next = when;
    }
    move_timer(p, next);
}

/* The one for `ep` that was unused for longest, and how many there are. */
static struct kept *oldest_for(const struct lc_conn_pool *p, const struct lc_endpoint *ep,
                               unsigned *ret_count)
{
    struct kept *oldest = NULL;
    *ret_count = 0;
    for (struct lc_link *l = p->kept.next; l != &p->kept; l = l->next) {
        struct kept *k = LC_CONTAINER(l, struct kept, link);
        if (!is_same(&k->ep, ep))
            continue;
        if (oldest == NULL)
            oldest = k;
        ++*ret_count;
    }
    return oldest;
}

static void make_room(struct lc_conn_pool *p, const struct lc_endpoint *ep)
{
    unsigned count;
    struct kept *oldest = oldest_for(p, ep, &count);
    if (count < p->config.max_each)
        oldest = lc_counted(&p->count) < p->config.max
                     ? NULL
                     : LC_CONTAINER(p->kept.next, struct kept, link);
    if (oldest != NULL)
        drop(oldest, &p->evicted);
}

void lc_conn_pool_put(struct lc_conn_pool *p, const struct lc_endpoint *ep, struct lc_stream *s)
{
    struct kept *k = calloc(1, sizeof *k);
    lc_count(&p->given_back, 1);
    if (k == NULL) {
        lc_count(&p->unfit, 1);
        lc_stream_abandon(s);
        return;
    }
    k->pool = p;
    k->stream = s;
    k->ep = *ep;
    k->since = lc_loop_now(p->loop);
    lc_link_init(&k->link);
    lc_stream_hand_over(s, &kept_events, k);
    make_room(p, ep);
    lc_list_add_last(&p->kept, &k->link);
    lc_count(&p->count, 1);
    struct lc_time when = expires(p, k);
    if (!lc_stream_is_quiet(s) || lc_time_reached(when, lc_loop_now(p->loop)))
        drop(k, &p->unfit);
    else if (when.ns < p->expiry.deadline.ns)
        move_timer(p, when);
}

/* ---- requests ---- */

static void answer(struct lc_conn_pool_request *q, const struct lc_conn_pool_lent *lent)
{
    struct lc_conn_pool *p = q->pool;
    lc_count(lent->err != LC_OK ? &p->failed : lent->reused ? &p->reused : &p->made, 1);
    q->fn(q->user, lent);
    p->requests--;
    free(q);
}

static void on_connected(void *user, const struct lc_connected *result)
{
    struct lc_conn_pool_request *q = user;
    struct lc_conn_pool_lent lent = {.err = result->err, .why = result->why};
    if (result->err == LC_OK) {
        lent.err = lc_stream_open(q->pool->loop, result->fd, &result->addr, &q->pool->config.stream,
                                  q->events, q->user, &lent.stream);
        lent.why = lent.err != LC_OK ? lc_strerror(lent.err) : "";
    }
    answer(q, &lent);
}

static lc_err connect_anew(struct lc_conn_pool_request *q)
{
    return lc_connect(q->pool->connector, &q->ep, q->deadline, on_connected, q, &q->connecting);
}

/* The newest that nobody else waits for. */
static struct kept *newest_for(const struct lc_conn_pool *p, const struct lc_endpoint *ep)
{
    for (struct lc_link *l = p->kept.prev; l != &p->kept; l = l->prev) {
        struct kept *k = LC_CONTAINER(l, struct kept, link);
        if (k->wanted_by == NULL && is_same(&k->ep, ep))
            return k;
    }
    return NULL;
}

static lc_err choose(struct lc_conn_pool_request *q)
{
    struct kept *k = newest_for(q->pool, &q->ep);
    if (k == NULL)
        return connect_anew(q);
    q->candidate = k;
    k->wanted_by = q;
    q->asked_in = turn(q->pool);
    lc_loop_work(q->pool->loop, &q->step);
    return LC_OK;
}

static void lend(struct lc_conn_pool_request *q)
{
    struct kept *k = q->candidate;
    struct lc_conn_pool_lent lent = {.stream = k->stream, .reused = true, .why = ""};
    leave_pool(k);
    free(k);
    lc_stream_hand_over(lent.stream, q->events, q->user);
    answer(q, &lent);
}

static void run_step(struct lc_work *work)
{
    struct lc_conn_pool_request *q = LC_CONTAINER(work, struct lc_conn_pool_request, step);
    struct lc_conn_pool *p = q->pool;
    if (q->candidate != NULL && turn(p) == q->asked_in) {
        lc_loop_work(p->loop, work);
        return;
    }
    if (q->candidate != NULL && lc_time_reached(expires(p, q->candidate), lc_loop_now(p->loop)))
        drop(q->candidate, &p->expired);
    if (q->candidate != NULL && !lc_stream_is_quiet(q->candidate->stream))
        drop(q->candidate, &p->ended);
    if (q->candidate != NULL) {
        lend(q);
        return;
    }
    lc_err e = choose(q);
    if (e != LC_OK)
        answer(q, &(struct lc_conn_pool_lent){.err = e, .why = lc_strerror(e)});
}

lc_err lc_conn_pool_get(struct lc_conn_pool *p, const struct lc_endpoint *ep,
                        struct lc_time deadline, const struct lc_stream_events *events,
                        lc_conn_pool_fn fn, void *user, struct lc_conn_pool_request **ret)
{
    struct lc_conn_pool_request *q = calloc(1, sizeof *q);
    if (q == NULL)
        return -ENOMEM;
    q->pool = p;
    q->ep = *ep;
    q->deadline = deadline;
    q->events = events;
    q->fn = fn;
    q->user = user;
    lc_work_init(&q->step, run_step);
    lc_err e = choose(q);
    if (e != LC_OK) {
        free(q);
        return e;
    }
    p->requests++;
    *ret = q;
    return LC_OK;
}

void lc_conn_pool_cancel(struct lc_conn_pool_request *q)
{
    if (q->connecting != NULL)
        lc_connect_cancel(q->connecting);
    if (q->candidate != NULL)
        q->candidate->wanted_by = NULL;
    lc_link_remove(&q->step.link);
    q->pool->requests--;
    free(q);
}

/* ---- the pool ---- */

lc_err lc_conn_pool_new(struct lc_loop *loop, struct lc_connector *c,
                        const struct lc_conn_pool_config *config, struct lc_conn_pool **ret)
{
    struct lc_conn_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->loop = loop;
    p->connector = c;
    if (config != NULL)
        p->config = *config;
    if (p->config.max == 0)
        p->config.max = DEFAULT_MAX;
    if (p->config.max_each == 0)
        p->config.max_each = DEFAULT_MAX_EACH;
    if (p->config.idle_ms == 0)
        p->config.idle_ms = DEFAULT_IDLE_MS;
    if (p->config.age_ms == 0)
        p->config.age_ms = DEFAULT_AGE_MS;
    lc_link_init(&p->kept);
    lc_timer_init(&p->expiry, on_expiry);
    lc_err e = lc_timer_set(loop, &p->expiry, LC_TIME_NEVER); /* from here on moving cannot fail */
    if (e != LC_OK) {
        free(p);
        return e;
    }
    *ret = p;
    return LC_OK;
}

void lc_conn_pool_free(struct lc_conn_pool *p)
{
    if (p == NULL)
        return;
    LC_ASSERT(p->requests == 0);
    while (lc_link_is_linked(&p->kept))
        drop(LC_CONTAINER(p->kept.next, struct kept, link), &p->evicted);
    lc_timer_cancel(p->loop, &p->expiry);
    free(p);
}

struct lc_conn_pool_stats lc_conn_pool_stats(const struct lc_conn_pool *p)
{
#define READ(name) .name = lc_counted(&p->name)
    return (struct lc_conn_pool_stats){
        READ(reused),  READ(made),    READ(failed), READ(given_back), READ(unfit),
        READ(evicted), READ(expired), READ(ended),  READ(garbage),    .kept = lc_counted(&p->count),
    };
#undef READ
}
