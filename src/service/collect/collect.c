/* SPDX-License-Identifier: Apache-2.0 */
#include "service/collect/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "service/gates.h"
#include "service/listen.h"

#define OUT_HIGH                                                                                   \
    ((size_t)256 << 10) /* answers that a sender has not read, before its stream pauses */
#define DGRAMS_MAX LC_DOORS_MAX

struct sender {
    struct collect *collect;
    struct lc_session *session;
    struct lc_link all;
    struct lc_link waiting; /* for what becomes of its records */
    struct lc_link stalled; /* for room */
    struct lc_link slowed;  /* it is over its rate */
    struct lc_guest guest;
    struct lc_shipper shipper;
    bool is_handed; /* another worker has its connection now */
    char source[LC_ADDR_TEXT_MAX];
};

/* What one of the services speaks. */
struct kind {
    enum lc_service_id id;
    unsigned speaks; /* on streams */
    /* Of datagrams; NULL: none are taken. */
    size_t (*take)(const struct lc_datagram_rules *rules, struct lc_slice data,
                   struct lc_slice source, bool truncated);
};

/* Of one service, on all workers. */
struct site_of {
    struct collect *of[LC_WORKERS_MAX];
};

struct collect {
    struct lc_worker *worker;
    struct site_of *site; /* NULL: no batches are spoken */
    struct lc_batching batching;
    struct lc_handed_box handed;
    struct lc_session_config session;
    struct lc_intake intake;
    struct lc_appender appender;
    const struct kind *kind;
    struct lc_link all, waiting, stalled, slowed; /* senders */
    struct lc_timer speed_up;                     /* looks again at those slowed */
    struct lc_time looks_again;                   /* valid when it is set */
    bool is_set;
    struct lc_dgram_in *dgrams[DGRAMS_MAX];
    size_t dgram_count;
    bool draining;
};

/* ---- sessions ---- */

static struct lc_porter *porter(const struct collect *c)
{
    return c->worker->porters[c->kind->id];
}

/* It comes back when it may send again; without memory for that, it need not wait. */
static lc_err slow_down(struct sender *s, struct lc_time until)
{
    struct collect *c = s->collect;
    bool sooner = !c->is_set || until.ns < c->looks_again.ns;

    if (sooner && lc_timer_set(c->worker->loop, &c->speed_up, until) != LC_OK)
        return LC_OK;
    if (sooner)
        c->looks_again = until;
    c->is_set = true;
    lc_count(&c->worker->counters.slowed, 1);
    if (!lc_link_is_linked(&s->slowed))
        lc_list_add_last(&c->slowed, &s->slowed);
    return LC_EWAIT;
}

static void speed_up(struct lc_timer *timer)
{
    struct collect *c = LC_CONTAINER(timer, struct collect, speed_up);
    struct lc_link now, *link;

    c->is_set = false;
    lc_list_take_all(&c->slowed, &now);
    while ((link = lc_list_take_first(&now)) != NULL)
        lc_session_retry(LC_CONTAINER(link, struct sender, slowed)->session);
}

static const char *on_refuses(void *user, const struct lc_arrival *a)
{
    struct sender *s = user;
    const char *reason = lc_porter_refuses_message(porter(s->collect), a->record.message);

    if (reason != NULL)
        lc_count(&s->collect->worker->counters.refused_messages, 1);
    return reason;
}

static lc_err on_record(void *user, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct sender *s = user;
    struct collect *c = s->collect;
    uint64_t octets = lc_porter_limits_flow(porter(c)) ? lc_intake_octets(a) : 0;
    struct lc_time until;
    lc_err e =
        lc_porter_may_send(porter(c), &s->guest, octets, lc_loop_now(c->worker->loop), &until);

    if (e == LC_EWAIT && slow_down(s, until) == LC_EWAIT)
        return LC_EWAIT;
    e = lc_intake_append(&c->intake, a, NULL, ret_id);
    if (e == LC_OK)
        lc_guest_sent(&s->guest, octets);
    if (e == LC_EWAIT && !lc_link_is_linked(&s->stalled))
        lc_list_add_last(&c->stalled, &s->stalled);
    else if (e == LC_OK && !lc_link_is_linked(&s->waiting) && a->owed)
        lc_list_add_last(&c->waiting, &s->waiting);
    return e;
}

static bool is_idle(const struct collect *c)
{
    return !lc_link_is_linked(&c->all) && c->dgram_count == 0;
}

static void check_idle(struct collect *c)
{
    if (c->draining && is_idle(c))
        c->worker->idle(c->worker);
}

static void on_closed(void *user, lc_err why)
{
    struct sender *s = user;
    struct collect *c = s->collect;

    if (!s->is_handed) {
        lc_count(&c->worker->counters.logs_closed, 1);
        lc_porter_leave(porter(c), &s->guest);
    }
    if (why != LC_OK)
        lc_log(c->worker->site->log, LC_LEVEL_DEBUG, "collect.closed",
               LC_LOG_TEXT("source", s->source), LC_LOG_ERR("cause", why));
    lc_link_remove(&s->waiting);
    lc_link_remove(&s->stalled);
    lc_link_remove(&s->slowed);
    lc_link_remove(&s->all);
    lc_shipper_left(&s->shipper);
    free(s);
    check_idle(c);
}

static void on_broken(void *user, const char *what)
{
    struct sender *s = user;

    lc_log(s->collect->worker->site->log, LC_LEVEL_WARN, "collect.broken",
           LC_LOG_TEXT("source", s->source), LC_LOG_TEXT("what", what));
}

static bool on_trusted(void *user, const struct lc_addr *peer)
{
    const struct sender *s = user;

    return lc_gates_trust(s->collect->worker, s->collect->kind->id, peer);
}

static bool on_proxied(void *user, const struct lc_addr *client)
{
    struct sender *s = user;

    lc_addr_format(client, s->source);
    lc_session_source(s->session, lc_slice_cstr(s->source));
    return lc_gates_proxied(s->collect->worker, s->collect->kind->id, client, &s->guest);
}

/* ---- batches ---- */

/* Its records belong into the shard of another worker, and so does it. */
static lc_err hand_over(struct sender *s, struct collect *to, const struct lc_batch_hello *hello)
{
    struct lc_handed *h = calloc(1, sizeof *h);
    lc_err e;

    if (h == NULL)
        return -ENOMEM;
    h->peer = *lc_stream_peer(lc_session_stream(s->session));
    e = lc_session_release(s->session, &h->fd, &h->sequence);
    if (e != LC_OK) {
        free(h);
        return e;
    }
    h->guest = s->guest;
    h->hello = *hello;
    h->hello.name = LC_LIT("");
    memcpy(h->source, s->source, sizeof h->source);
    s->is_handed = true;
    lc_count(&s->collect->worker->counters.handed_over, 1);
    lc_handed_post(&to->handed, to->worker->loop, h);
    return LC_OK;
}

static void on_hello(void *user, const struct lc_batch_hello *hello)
{
    struct sender *s = user;
    struct collect *c = s->collect;
    unsigned owner = lc_sender_shard(&hello->sender, c->worker->site->worker_count);
    lc_err e;

    if (c->site->of[owner] == c || s->shipper.state != LC_SHIPPER_NONE) {
        lc_shipper_hello(&c->batching, &s->shipper, s->session, hello);
        return;
    }
    e = hand_over(s, c->site->of[owner], hello);
    if (e != LC_OK) {
        lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.not_accepted",
               LC_LOG_TEXT("source", s->source), LC_LOG_ERR("cause", e));
        lc_session_turn_away(s->session, LC_BATCH_ERROR_FULL, lc_strerror(e));
    }
}

/* LC_OK: it may be appended, or needs no appending any more (*ret_done). */
static lc_err look_at_batched(struct sender *s, const struct lc_arrival *a, uint64_t sequence,
                              uint64_t octets, bool *ret_done)
{
    struct collect *c = s->collect;
    struct lc_time until;

    *ret_done = true;
    if (lc_shipper_has_stored(&c->batching, &s->shipper, sequence))
        return LC_OK;
    if (on_refuses(s, a) != NULL) {
        lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.passed_over",
               LC_LOG_TEXT("sender", s->shipper.text), LC_LOG_U64("sequence", sequence));
        return lc_shipper_pass(&c->batching, &s->shipper, sequence);
    }
    *ret_done = false;
    if (lc_porter_may_send(porter(c), &s->guest, octets, lc_loop_now(c->worker->loop), &until) ==
        LC_EWAIT)
        return slow_down(s, until);
    return LC_OK;
}

static lc_err on_batched(void *user, struct lc_arrival *a, uint64_t sequence, bool doubted)
{
    struct sender *s = user;
    struct collect *c = s->collect;
    uint64_t octets = lc_porter_limits_flow(porter(c)) ? lc_intake_octets(a) : 0;
    bool done;
    lc_err e = look_at_batched(s, a, sequence, octets, &done);

    if (e == LC_OK && !done) {
        e = lc_shipper_append(&c->batching, &s->shipper, a, sequence, doubted);
        if (e == LC_OK)
            lc_guest_sent(&s->guest, octets);
    }
    if (e == LC_EWAIT && !lc_link_is_linked(&s->slowed) && !lc_link_is_linked(&s->stalled))
        lc_list_add_last(&c->stalled, &s->stalled);
    return e;
}

static const struct lc_session_handler handler = {
    .trusted = on_trusted,
    .proxied = on_proxied,
    .refuses = on_refuses,
    .record = on_record,
    .hello = on_hello,
    .batched = on_batched,
    .broken = on_broken,
    .closed = on_closed,
};

static void tell_source(struct sender *s, const struct lc_addr *peer)
{
    unsigned uid;

    if (lc_stream_peer_uid(lc_session_stream(s->session), &uid))
        snprintf(s->source, sizeof s->source, "unix:%u", uid);
    else
        lc_addr_format(peer, s->source);
    lc_session_source(s->session, lc_slice_cstr(s->source));
}

static void begin_sender(struct sender *s)
{
    lc_link_init(&s->all);
    lc_link_init(&s->waiting);
    lc_link_init(&s->stalled);
    lc_link_init(&s->slowed);
    lc_list_add_last(&s->collect->all, &s->all);
}

static void not_accepted(struct collect *c, struct sender *s, struct lc_guest *guest, lc_err e)
{
    lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.not_accepted", LC_LOG_ERR("cause", e));
    lc_porter_leave(porter(c), guest);
    free(s);
}

static void adopt(struct collect *c, struct lc_handed *h)
{
    struct sender *s = calloc(1, sizeof *s);
    lc_err e = c->draining ? LC_EEND : -ENOMEM;

    if (s == NULL || c->draining) {
        close(h->fd);
    } else {
        s->collect = c;
        s->guest = h->guest;
        memcpy(s->source, h->source, sizeof s->source);
        e = lc_session_adopt(&c->session, &handler, s, h->fd, &h->peer, h->sequence, &s->session);
    }
    if (e != LC_OK) {
        lc_count(&c->worker->counters.logs_closed, 1);
        not_accepted(c, s, &h->guest, e);
        return;
    }
    begin_sender(s);
    lc_session_source(s->session, lc_slice_cstr(s->source));
    lc_shipper_hello(&c->batching, &s->shipper, s->session, &h->hello);
}

static void take_handed(struct lc_task *task)
{
    struct lc_handed_box *box = LC_CONTAINER(task, struct lc_handed_box, task);
    struct collect *c = LC_CONTAINER(box, struct collect, handed);
    struct lc_handed *h;

    while ((h = lc_handed_take(box)) != NULL) {
        adopt(c, h);
        free(h);
    }
}

static void collect_accept(void *state, int fd, const struct lc_addr *peer,
                           const struct lc_guest *guest)
{
    struct collect *c = state;
    struct sender *s = calloc(1, sizeof *s);
    struct lc_guest leaves = *guest;
    lc_err e = -ENOMEM;

    if (s == NULL) {
        close(fd);
    } else {
        s->collect = c;
        s->guest = *guest;
        e = lc_session_open(&c->session, &handler, s, fd, peer, &s->session);
    }
    if (e != LC_OK) {
        not_accepted(c, s, &leaves, e);
        return;
    }
    begin_sender(s);
    lc_count(&c->worker->counters.logs_accepted, 1);
    tell_source(s, peer);
}

/* ---- what became of records ---- */

static void on_outcome(struct lc_appender *a, const struct lc_outcome *outcome)
{
    struct collect *c = LC_CONTAINER(a, struct collect, appender);
    struct lc_link now, *link;

    /* While one is answered it may go on to read, and so wait for the next outcome. */
    lc_list_take_all(&c->waiting, &now);
    while ((link = lc_list_take_first(&now)) != NULL) {
        struct sender *s = LC_CONTAINER(link, struct sender, waiting);

        if (lc_session_outcome(s->session, outcome->upto, outcome->err) && !lc_link_is_linked(link))
            lc_list_add_last(&c->waiting, link);
    }
    lc_batching_outcome(&c->batching, outcome);
}

/* At the end: datagrams that still wait for room keep us from being idle. */
static void free_empty_dgrams(struct collect *c)
{
    size_t left = 0;

    for (size_t i = 0; i < c->dgram_count; i++) {
        if (lc_dgram_in_is_empty(c->dgrams[i]))
            lc_dgram_in_free(c->dgrams[i]);
        else
            c->dgrams[left++] = c->dgrams[i];
    }
    c->dgram_count = left;
    check_idle(c);
}

static void on_room(struct lc_appender *a)
{
    struct collect *c = LC_CONTAINER(a, struct collect, appender);
    struct lc_link now, *link;

    lc_list_take_all(&c->stalled, &now);
    while ((link = lc_list_take_first(&now)) != NULL)
        lc_session_retry(LC_CONTAINER(link, struct sender, stalled)->session);
    for (size_t i = 0; i < c->dgram_count; i++)
        lc_dgram_in_retry(c->dgrams[i]);
    lc_batching_progress(&c->batching);
    if (c->draining)
        free_empty_dgrams(c);
}

/* ---- life ---- */

static lc_err collect_open(const struct kind *kind, struct lc_worker *w, void **ret)
{
    const struct lc_site *site = w->site;
    struct collect *c = calloc(1, sizeof *c);

    if (c == NULL)
        return -ENOMEM;
    c->worker = w;
    c->kind = kind;
    c->session = (struct lc_session_config){
        .loop = w->loop,
        .arrivals = &w->arrivals,
        .out = &w->out,
        .records = &w->records,
        .speaks = kind->speaks,
        .line_max = site->config.line_max,
        .acks = (enum lc_acks)site->config.acks,
        .space = lc_slice_cstr(site->config.service[kind->id].space),
        .not_spoken = site->elsewhere[kind->id],
        .no_questions = site->elsewhere[kind->id],
        .out_high = OUT_HIGH,
        .out_max = OUT_HIGH + 2 * LC_ANSWERS_OCTETS_MAX,
    };
    lc_intake_init(&c->intake, w);
    lc_batching_init(&c->batching, &c->intake);
    lc_handed_box_init(&c->handed, take_handed);
    c->appender.outcome = on_outcome;
    c->appender.room = on_room;
    lc_list_add_last(&w->appenders, &c->appender.all);
    lc_link_init(&c->all);
    lc_link_init(&c->waiting);
    lc_link_init(&c->stalled);
    lc_link_init(&c->slowed);
    lc_timer_init(&c->speed_up, speed_up);
    *ret = c;
    return LC_OK;
}

/* The rest of the session's configuration needs a restart. */
static void collect_reload(void *state)
{
    struct collect *c = state;

    c->session.acks = (enum lc_acks)c->worker->config->acks;
}

static lc_err collect_datagrams(void *state, int fd)
{
    struct collect *c = state;

    if (c->dgram_count == DGRAMS_MAX) {
        close(fd);
        return LC_ELIMIT;
    }

    const struct lc_datagram_rules rules = {
        .take = c->kind->take,
        .arrivals = &c->worker->arrivals,
        .line_max = c->session.line_max,
        .space = c->session.space,
    };
    lc_err e = lc_dgram_in_open(&c->intake, porter(c), c->kind->id, &rules, fd,
                                &c->dgrams[c->dgram_count]);

    if (e == LC_OK)
        c->dgram_count++;
    return e;
}

static void collect_drain(void *state)
{
    struct collect *c = state;

    c->draining = true;
    for (size_t i = 0; i < c->dgram_count; i++)
        lc_dgram_in_close(c->dgrams[i]);
    for (struct lc_link *l = c->all.next; l != &c->all; l = l->next)
        lc_session_drain(LC_CONTAINER(l, struct sender, all)->session);
    free_empty_dgrams(c);
}

static void collect_drop(void *state)
{
    struct collect *c = state;

    for (struct lc_link *l = c->all.next; l != &c->all; l = l->next)
        lc_session_abort(LC_CONTAINER(l, struct sender, all)->session);
    while (c->dgram_count > 0)
        lc_dgram_in_free(c->dgrams[--c->dgram_count]);
    check_idle(c);
}

static bool collect_is_idle(const void *state)
{
    return is_idle(state);
}

static void collect_close(void *state)
{
    struct collect *c = state;

    if (c == NULL)
        return;
    lc_timer_cancel(c->worker->loop, &c->speed_up);
    lc_handed_box_done(&c->handed);
    free(c);
}

/* ---- the services ---- */

#define COMMON                                                                                     \
    .accept = collect_accept, .reload = collect_reload, .drain = collect_drain,                    \
    .drop = collect_drop, .is_idle = collect_is_idle, .close = collect_close

static lc_err open_logs(void *shared, struct lc_worker *w, void **ret)
{
    static const struct kind kind = {
        .id = LC_SERVICE_LOGS,
        .speaks = LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED) |
                  LC_SPEAKS(LC_PROTO_FRAMES) | LC_SPEAKS(LC_PROTO_BINARY_V1) |
                  LC_SPEAKS(LC_PROTO_BINARY_V2),
        .take = lc_datagram_take,
    };
    struct site_of *site = shared;
    lc_err e = collect_open(&kind, w, ret);

    if (e == LC_OK) {
        site->of[w->index] = *ret;
        site->of[w->index]->site = site;
    }
    return e;
}

static lc_err start_logs(struct lc_site *site, void **ret)
{
    LC_UNUSED(site);
    *ret = calloc(1, sizeof(struct site_of));
    return *ret == NULL ? -ENOMEM : LC_OK;
}

static void stop_logs(void *shared)
{
    free(shared);
}

static const char *const addresses[] = {":9999", NULL};
static const char *const no_addresses[] = {NULL};

const struct lc_service lc_service_collect = {
    .addresses = addresses,
    .port = 9999,
    .other = ":9997",
    .udp = true,
    .access = {.connections_per_s = 100},
    .refusal = "ERROR: ",
    .stream_socket = "logs.sock",
    .stream_mode = 0666,
    .dgram_socket = "logs.dgram",
    .dgram_mode = 0666,
    .start = start_logs,
    .stop = stop_logs,
    .open = open_logs,
    .datagrams = collect_datagrams,
    COMMON,
};

static lc_err open_forward(void *shared, struct lc_worker *w, void **ret)
{
    static const struct kind kind = {.id = LC_SERVICE_FORWARD,
                                     .speaks = LC_SPEAKS(LC_PROTO_FORWARD)};

    LC_UNUSED(shared);
    return collect_open(&kind, w, ret);
}

const struct lc_service lc_service_forward = {
    .addresses = no_addresses,
    .port = 24224,
    .other = ":24225",
    .access = {.connections_per_s = 100},
    .stream_mode = 0666,
    .open = open_forward,
    COMMON,
};

static lc_err open_gelf(void *shared, struct lc_worker *w, void **ret)
{
    static const struct kind kind = {
        .id = LC_SERVICE_GELF, .speaks = LC_SPEAKS(LC_PROTO_GELF), .take = lc_datagram_take_gelf};

    LC_UNUSED(shared);
    return collect_open(&kind, w, ret);
}

const struct lc_service lc_service_gelf = {
    .addresses = no_addresses,
    .port = 12201,
    .other = ":12202",
    .access = {.connections_per_s = 100},
    .udp = true,
    .stream_mode = 0666,
    .dgram_mode = 0666,
    .open = open_gelf,
    .datagrams = collect_datagrams,
    COMMON,
};
