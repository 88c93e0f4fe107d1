/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ask/ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/gates.h"

#define IDLE_MS  30000 /* docs/protocols.md, "Socket defaults" */
#define STUCK_MS 30000 /* no octet read for so long: the client is given up */

lc_err lc_ask_row(enum lc_row_form form, const struct lc_record *r, struct lc_dynbuf *out)
{
    switch (form) {
    case LC_ROW_V1:
        return lc_row_v1(out, r);
    case LC_ROW_V2:
        return lc_row_v2(out, r);
    default:
        return lc_row_json(out, r);
    }
}

void lc_ask_reason(const struct lc_diag *diag, lc_err e, char out[LC_ASK_REASON_MAX])
{
    if (diag == NULL || diag->text[0] == 0)
        snprintf(out, LC_ASK_REASON_MAX, "%s", lc_strerror(e));
    else if (diag->column > 0)
        snprintf(out, LC_ASK_REASON_MAX, "column %u: %s", diag->column, diag->text);
    else
        snprintf(out, LC_ASK_REASON_MAX, "%s", diag->text);
}

/* ---- sending ---- */

static uint64_t octets_read(const struct lc_asker *a)
{
    return a->sent - lc_stream_queued(lc_session_stream(a->session));
}

static void watch(struct lc_asker *a)
{
    struct lc_loop *loop = a->ask->worker->loop;

    if (a->stuck_set)
        return;
    a->read = octets_read(a);
    a->stuck_set =
        lc_timer_set(loop, &a->stuck, lc_time_add_ms(lc_loop_now(loop), STUCK_MS)) == LC_OK;
}

static void on_stuck(struct lc_timer *timer)
{
    struct lc_asker *a = LC_CONTAINER(timer, struct lc_asker, stuck);

    a->stuck_set = false;
    if (lc_stream_queued(lc_session_stream(a->session)) == 0)
        return;
    if (octets_read(a) > a->read) {
        watch(a);
        return;
    }
    lc_log(a->ask->worker->site->log, LC_LEVEL_INFO, "ask.stuck", LC_LOG_TEXT("source", a->source));
    lc_session_abort(a->session);
}

static void sent(struct lc_asker *a, lc_err e, size_t n)
{
    if (e == LC_ELIMIT || e == -ENOMEM) {
        /* A row would be missing, unseen. */
        lc_session_abort(a->session);
    } else if (e == LC_OK) {
        a->sent += n;
        watch(a);
    }
}

void lc_asker_write(struct lc_asker *a, struct lc_slice octets)
{
    size_t n = 0;
    lc_err e = lc_session_reply(a->session, octets, &n);

    sent(a, e, n);
}

void lc_asker_send(struct lc_asker *a, struct lc_buf *buf)
{
    size_t n = 0;
    lc_err e = lc_session_reply_buf(a->session, buf, &n);

    sent(a, e, n);
}

void lc_asker_fail(struct lc_asker *a, bool v1, const struct lc_diag *diag, lc_err e)
{
    char reason[LC_ASK_REASON_MAX];

    lc_count(&a->ask->worker->counters.query_errors, 1);
    lc_ask_reason(diag, e, reason);
    lc_session_fail(a->session, v1, reason);
}

/* ---- requests ---- */

/* All types but TAIL, STATS and SOCKETS. */
static lc_err plan(const struct lc_query_request *q, int64_t now_ns, struct lc_query **ret,
                   struct lc_diag *diag)
{
    struct lc_slice text = q->parameter;

    switch (q->type) {
    case LC_QUERY_KEYWORD:
        return lc_query_keyword(text, ret, diag);
    case LC_QUERY_LEVEL:
        return lc_query_level(text, ret, diag);
    case LC_QUERY_TIME:
        return lc_query_time(text, now_ns, ret, diag);
    case LC_QUERY_SOURCE:
        return lc_query_source(text, ret, diag);
    case LC_QUERY_LAST:
        return lc_query_last(text, ret, diag);
    default:
        if (lc_slice_trim(text).n == 0)
            text = LC_LIT("*");
        return lc_query_parse(text, now_ns, ret, diag);
    }
}

static enum lc_answer_form form_of(const struct lc_query_request *request)
{
    if (request->rows_only)
        return LC_ANSWER_ROWS;
    if (request->type == LC_QUERY_COUNT)
        return LC_ANSWER_COUNT;
    return request->type == LC_QUERY_QL ? LC_ANSWER_QL : LC_ANSWER_EXACT;
}

static void ask_query(struct lc_asker *a, const struct lc_query_request *request)
{
    enum lc_row_form row_form = a->json ? LC_ROW_JSON : LC_ROW_V2;
    struct lc_query *query;
    struct lc_diag diag = {0};
    lc_err e = plan(request, lc_wall_ns(a->ask->worker->site->clock), &query, &diag);

    if (e == LC_OK)
        e = lc_answer_begin(a, query, form_of(request), request->v1 ? LC_ROW_V1 : row_form, NULL);
    if (e != LC_OK)
        lc_asker_fail(a, request->v1, &diag, e);
}

struct stats_rows {
    struct lc_dynbuf rows;
    unsigned count;
    bool json;
};

static lc_err add_stats_row(void *arg, const char *name, const char *value)
{
    struct stats_rows *s = arg;

    s->count++;
    return lc_dynbuf_printf(&s->rows, s->json ? "{\"name\":\"%s\",\"value\":\"%s\"}\n" : "%s=%s\n",
                            name, value);
}

static void ask_stats(struct lc_asker *a)
{
    struct stats_rows s = {.json = a->json};
    char head[32];
    lc_err e;

    lc_dynbuf_init(&s.rows, 64 << 10);
    e = lc_stats_each(a->ask->worker->site, add_stats_row, &s);
    if (e == LC_OK)
        e = lc_dynbuf_append(&s.rows, LC_LIT("END\n"));
    if (e == LC_OK) {
        int n = snprintf(head, sizeof head, "RESULT|%u\n", s.count);

        lc_asker_write(a, lc_slice(head, (size_t)n));
        lc_asker_write(a, lc_dynbuf_slice(&s.rows));
        lc_session_done(a->session, false);
    } else {
        lc_asker_fail(a, false, NULL, e);
    }
    lc_dynbuf_done(&s.rows);
}

static void on_question(void *user, const struct lc_query_request *request)
{
    struct lc_asker *a = user;

    lc_count(&a->ask->worker->counters.queries, 1);
    if (request->type == LC_QUERY_TAIL)
        lc_tail_begin(a, request->parameter);
    else if (request->type == LC_QUERY_STATS)
        ask_stats(a);
    else if (request->type == LC_QUERY_SOCKETS)
        lc_listing_ask(a);
    else
        ask_query(a, request);
}

void lc_asker_answered(struct lc_asker *a, struct lc_answer *answer)
{
    struct lc_worker *w = a->ask->worker;

    if (answer->err == LC_ECORRUPT)
        lc_log(w->site->log, LC_LEVEL_ERROR, "ask.damaged", LC_LOG_TEXT("source", a->source),
               LC_LOG_U64("rows", answer->rows));
    if (answer->is_cut)
        lc_session_abort(a->session);
    if (answer->form == LC_ANSWER_TAIL) {
        lc_tail_caught_up(a, answer);
        return;
    }
    lc_count(&w->counters.rows, answer->rows);
    if (answer->err != LC_OK && answer->form == LC_ANSWER_ROWS) {
        lc_asker_fail(a, false, &answer->diag, answer->err);
        return;
    }
    if (answer->err != LC_OK)
        lc_count(&w->counters.query_errors, 1);
    lc_session_done(a->session, answer->row_form == LC_ROW_V1);
}

/* ---- the session's other calls ---- */

static void on_interrupted(void *user)
{
    struct lc_asker *a = user;

    if (a->tail != NULL)
        lc_tail_end(a);
}

static void on_peer_ended(void *user)
{
    struct lc_asker *a = user;

    if (a->tail != NULL)
        lc_tail_probe(a);
}

static lc_err on_stats(void *user, struct lc_dynbuf *out)
{
    struct lc_asker *a = user;

    return lc_stats_line(a->ask->worker->site, out);
}

static void on_rows(void *user, bool json)
{
    struct lc_asker *a = user;

    a->json = json;
}

static void on_drained(void *user)
{
    struct lc_asker *a = user;

    if (a->answer != NULL)
        lc_answer_forward(a->answer);
    else if (a->tail != NULL)
        lc_tail_go_on(a);
    else
        lc_listing_go_on(a);
}

void lc_ask_check_idle(struct lc_ask *ask)
{
    if (ask->draining && !lc_link_is_linked(&ask->askers) && ask->answers == 0)
        ask->worker->idle(ask->worker);
}

static void on_closed(void *user, lc_err why)
{
    struct lc_asker *a = user;
    struct lc_ask *ask = a->ask;

    LC_UNUSED(why);
    lc_count(&ask->worker->counters.query_closed, 1);
    lc_porter_leave(ask->worker->porters[LC_SERVICE_QUERY], &a->guest);
    if (a->answer != NULL)
        lc_answer_cancel(a->answer);
    if (a->tail != NULL)
        lc_tail_free(a);
    lc_listing_cancel(a);
    lc_timer_cancel(ask->worker->loop, &a->stuck);
    lc_link_remove(&a->link);
    free(a);
    lc_ask_check_idle(ask);
}

static void on_broken(void *user, const char *what)
{
    struct lc_asker *a = user;

    lc_log(a->ask->worker->site->log, LC_LEVEL_WARN, "ask.broken", LC_LOG_TEXT("source", a->source),
           LC_LOG_TEXT("what", what));
}

static bool on_trusted(void *user, const struct lc_addr *peer)
{
    const struct lc_asker *a = user;

    return lc_gates_trust(a->ask->worker, LC_SERVICE_QUERY, peer);
}

static bool on_proxied(void *user, const struct lc_addr *client)
{
    struct lc_asker *a = user;

    lc_addr_format(client, a->source);
    return lc_gates_proxied(a->ask->worker, LC_SERVICE_QUERY, client, &a->guest);
}

static const struct lc_session_handler handler = {
    .trusted = on_trusted,
    .proxied = on_proxied,
    .question = on_question,
    .interrupted = on_interrupted,
    .peer_ended = on_peer_ended,
    .stats = on_stats,
    .rows = on_rows,
    .broken = on_broken,
    .drained = on_drained,
    .closed = on_closed,
};

static void ask_accept(void *state, int fd, const struct lc_addr *peer,
                       const struct lc_guest *guest)
{
    struct lc_ask *ask = state;
    struct lc_asker *a = calloc(1, sizeof *a);
    struct lc_guest leaves = *guest;
    lc_err e = -ENOMEM;

    if (a == NULL) {
        close(fd);
    } else {
        a->ask = ask;
        a->guest = *guest;
        e = lc_session_open(&ask->session, &handler, a, fd, peer, &a->session);
    }
    if (e != LC_OK) {
        lc_log(ask->worker->site->log, LC_LEVEL_WARN, "ask.not_accepted", LC_LOG_ERR("cause", e));
        lc_porter_leave(ask->worker->porters[LC_SERVICE_QUERY], &leaves);
        free(a);
        return;
    }
    lc_timer_init(&a->stuck, on_stuck);
    lc_addr_format(peer, a->source);
    lc_link_init(&a->link);
    lc_list_add_last(&ask->askers, &a->link);
    lc_count(&ask->worker->counters.query_accepted, 1);
}

/* ---- life ---- */

static lc_err ask_start(struct lc_site *site, void **ret)
{
    struct lc_pool *pool;
    lc_err e = lc_pool_new((unsigned)site->config.query_threads, &pool);

    if (e == LC_OK)
        *ret = pool;
    return e;
}

static void ask_stop(void *shared)
{
    lc_pool_free(shared);
}

static void ask_close(void *state)
{
    struct lc_ask *ask = state;

    if (ask == NULL)
        return;
    lc_listing_free(ask->listing);
    lc_dynbuf_done(&ask->rows);
    free(ask);
}

static lc_err ask_open(void *shared, struct lc_worker *w, void **ret)
{
    const struct lc_site *site = w->site;
    struct lc_ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL)
        return -ENOMEM;
    ask->worker = w;
    ask->pool = shared;
    ask->session = (struct lc_session_config){
        .loop = w->loop,
        .arrivals = &w->arrivals,
        .out = &w->out,
        .speaks = LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_BINARY_V1),
        .line_max = site->config.line_max,
        .idle_ms = IDLE_MS,
        .not_spoken = site->elsewhere[LC_SERVICE_QUERY],
        .no_records = site->elsewhere[LC_SERVICE_QUERY],
        .out_high = LC_ASK_OUT_HIGH,
        .out_max = LC_ASK_OUT_HIGH + 2 * LC_ASK_ROW_MAX,
    };
    lc_dynbuf_init(&ask->rows, LC_ASK_ROW_MAX + LC_ASK_BATCH);
    lc_link_init(&ask->askers);
    lc_link_init(&ask->tails);
    lc_task_init(&ask->follow, lc_tail_follow);
    lc_err e = lc_listing_new(ask, &ask->listing);

    if (e != LC_OK) {
        ask_close(ask);
        return e;
    }
    *ret = ask;
    return LC_OK;
}

static void ask_drain(void *state)
{
    struct lc_ask *ask = state;

    ask->draining = true;
    for (struct lc_link *l = ask->askers.next; l != &ask->askers; l = l->next) {
        struct lc_asker *a = LC_CONTAINER(l, struct lc_asker, link);

        if (a->tail != NULL)
            lc_tail_end(a);
        lc_session_drain(a->session);
    }
    lc_ask_check_idle(ask);
}

static void ask_drop(void *state)
{
    struct lc_ask *ask = state;

    for (struct lc_link *l = ask->askers.next; l != &ask->askers; l = l->next)
        lc_session_abort(LC_CONTAINER(l, struct lc_asker, link)->session);
}

static bool ask_is_idle(const void *state)
{
    const struct lc_ask *ask = state;

    return !lc_link_is_linked(&ask->askers) && ask->answers == 0;
}

static const char *const addresses[] = {"127.0.0.1:9998", "[::1]:9998", NULL};

const struct lc_service lc_service_ask = {
    .addresses = addresses,
    .port = 9998,
    .other = "127.0.0.1:9997",
    .stream_socket = "query.sock",
    .stream_mode = 0660,
    .access = {.connections_per_s = 10, .strict_allow = "127.0.0.1 ::1 unix", .strict_login = true},
    .refusal = "ERROR|",
    .start = ask_start,
    .stop = ask_stop,
    .open = ask_open,
    .accept = ask_accept,
    .drain = ask_drain,
    .drop = ask_drop,
    .is_idle = ask_is_idle,
    .close = ask_close,
};
