/* SPDX-License-Identifier: Apache-2.0 */
#include "service/collect/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "service/gates.h"

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

struct collect {
    struct lc_worker *worker;
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
    e = lc_intake_append(&c->intake, a, ret_id);
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

    lc_count(&c->worker->counters.logs_closed, 1);
    if (why != LC_OK)
        lc_log(c->worker->site->log, LC_LEVEL_DEBUG, "collect.closed",
               LC_LOG_TEXT("source", s->source), LC_LOG_ERR("cause", why));
    lc_link_remove(&s->waiting);
    lc_link_remove(&s->stalled);
    lc_link_remove(&s->slowed);
    lc_link_remove(&s->all);
    lc_porter_leave(porter(c), &s->guest);
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

static const struct lc_session_handler handler = {
    .trusted = on_trusted,
    .proxied = on_proxied,
    .refuses = on_refuses,
    .record = on_record,
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
        lc_log(c->worker->site->log, LC_LEVEL_WARN, "collect.not_accepted", LC_LOG_ERR("cause", e));
        lc_porter_leave(porter(c), &leaves);
        free(s);
        return;
    }
    lc_link_init(&s->all);
    lc_link_init(&s->waiting);
    lc_link_init(&s->stalled);
    lc_link_init(&s->slowed);
    lc_list_add_last(&c->all, &s->all);
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
                  LC_SPEAKS(LC_PROTO_FRAMES) | LC_SPEAKS(LC_PROTO_BINARY_V1),
        .take = lc_datagram_take,
    };

    LC_UNUSED(shared);
    return collect_open(&kind, w, ret);
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
