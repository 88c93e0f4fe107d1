/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/collect.c - what takes records on one worker, from its start to its end; the
 * services that are made of it.
 */
#include "service/collect/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"

#define OUT_HIGH                                                                                   \
    ((size_t)256 << 10) /* answers that a sender has not read, before its stream pauses */

struct lc_porter *lc_collect_porter(const struct lc_collect *c)
{
    return c->worker->porters[c->kind->id];
}

static bool is_idle(const struct lc_collect *c)
{
    return !lc_link_is_linked(&c->all) && c->dgram_count == 0;
}

void lc_collect_check_idle(struct lc_collect *c)
{
    if (c->draining && is_idle(c))
        c->worker->idle(c->worker);
}

/* ---- what became of records ---- */

static void on_outcome(struct lc_appender *a, const struct lc_outcome *outcome)
{
    struct lc_collect *c = LC_CONTAINER(a, struct lc_collect, appender);

    lc_collect_answer(c, outcome);
    lc_batching_outcome(&c->batching, outcome);
}

/* At the end: datagrams that still wait for room keep us from being idle. */
static void free_empty_dgrams(struct lc_collect *c)
{
    size_t left = 0;

    for (size_t i = 0; i < c->dgram_count; i++) {
        if (lc_dgram_in_is_empty(c->dgrams[i]))
            lc_dgram_in_free(c->dgrams[i]);
        else
            c->dgrams[left++] = c->dgrams[i];
    }
    c->dgram_count = left;
    lc_collect_check_idle(c);
}

static void on_room(struct lc_appender *a)
{
    struct lc_collect *c = LC_CONTAINER(a, struct lc_collect, appender);

    lc_collect_go_on(c);
    for (size_t i = 0; i < c->dgram_count; i++)
        lc_dgram_in_retry(c->dgrams[i]);
    lc_batching_progress(&c->batching);
    if (c->draining)
        free_empty_dgrams(c);
}

/* ---- life ---- */

static lc_err collect_open(const struct lc_collect_kind *kind, struct lc_worker *w, void **ret)
{
    const struct lc_site *site = w->site;
    struct lc_collect *c = calloc(1, sizeof *c);

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
    lc_handed_box_init(&c->handed, lc_collect_take_handed);
    c->appender.outcome = on_outcome;
    c->appender.room = on_room;
    lc_list_add_last(&w->appenders, &c->appender.all);
    lc_link_init(&c->all);
    lc_link_init(&c->waiting);
    lc_link_init(&c->stalled);
    lc_link_init(&c->slowed);
    lc_timer_init(&c->speed_up, lc_collect_speed_up);
    *ret = c;
    return LC_OK;
}

/* The rest of the session's configuration needs a restart. */
static void collect_reload(void *state)
{
    struct lc_collect *c = state;

    c->session.acks = (enum lc_acks)c->worker->config->acks;
}

static lc_err collect_datagrams(void *state, int fd)
{
    struct lc_collect *c = state;

    if (c->dgram_count == LC_COLLECT_DGRAMS_MAX) {
        close(fd);
        return LC_ELIMIT;
    }

    const struct lc_datagram_rules rules = {
        .take = c->kind->take,
        .arrivals = &c->worker->arrivals,
        .line_max = c->session.line_max,
        .space = c->session.space,
    };
    lc_err e = lc_dgram_in_open(&c->intake, lc_collect_porter(c), c->kind->id, &rules, fd,
                                &c->dgrams[c->dgram_count]);

    if (e == LC_OK)
        c->dgram_count++;
    return e;
}

static void collect_drain(void *state)
{
    struct lc_collect *c = state;

    c->draining = true;
    for (size_t i = 0; i < c->dgram_count; i++)
        lc_dgram_in_close(c->dgrams[i]);
    lc_collect_drain_senders(c);
    free_empty_dgrams(c);
}

static void collect_drop(void *state)
{
    struct lc_collect *c = state;

    lc_collect_drop_senders(c);
    while (c->dgram_count > 0)
        lc_dgram_in_free(c->dgrams[--c->dgram_count]);
    lc_collect_check_idle(c);
}

static bool collect_is_idle(const void *state)
{
    return is_idle(state);
}

static void collect_close(void *state)
{
    struct lc_collect *c = state;

    if (c == NULL)
        return;
    lc_timer_cancel(c->worker->loop, &c->speed_up);
    lc_handed_box_done(&c->handed);
    free(c);
}

/* ---- the services ---- */

#define COMMON                                                                                     \
    .accept = lc_collect_accept, .reload = collect_reload, .drain = collect_drain,                 \
    .drop = collect_drop, .is_idle = collect_is_idle, .close = collect_close

static lc_err open_logs(void *shared, struct lc_worker *w, void **ret)
{
    static const struct lc_collect_kind kind = {
        .id = LC_SERVICE_LOGS,
        .speaks = LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED) |
                  LC_SPEAKS(LC_PROTO_FRAMES) | LC_SPEAKS(LC_PROTO_BINARY_V1) |
                  LC_SPEAKS(LC_PROTO_BINARY_V2),
        .take = lc_datagram_take,
    };
    struct lc_collect_site *site = shared;
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
    *ret = calloc(1, sizeof(struct lc_collect_site));
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
    static const struct lc_collect_kind kind = {.id = LC_SERVICE_FORWARD,
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
    static const struct lc_collect_kind kind = {
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
