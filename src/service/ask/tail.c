/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/ask/ask.h"

#define STEP           1024  /* records that one tail looks at before it is another's turn */
#define CURSOR_ROWS    10000 /* rows after which the cursor is told, if not before */
#define CURSOR_SOON_MS 1000  /* after rows: so long */
#define CURSOR_IDLE_MS                                                                             \
    30000 /* without rows: this shows, too, whether the client is still there                      \
           */

struct lc_tail {
    struct lc_link link; /* of lc_ask.tails */
    struct lc_asker *asker;
    struct lc_query *query;
    struct lc_tail_cursor *cursor; /* NULL: an answer has it, reading files */
    struct lc_timer timer;         /* when the cursor is told next */
    uint64_t rows, told_at;        /* rows sent; how many when the cursor was told last */
    bool soon;                     /* the timer is set because of rows */
};

bool lc_tail_is_at_end(const struct lc_tail_cursor *cursor, const struct lc_snapshot *snap)
{
    for (unsigned s = 0; s < lc_snapshot_shards(snap); s++) {
        if (lc_snapshot_end(snap, s) > (s < cursor->shards ? cursor->after[s] : 0))
            return false;
    }
    return true;
}

static void notify(void *arg)
{
    struct lc_ask *ask = arg;

    lc_loop_post(ask->worker->loop, &ask->follow);
}

static struct lc_store *store_of(const struct lc_ask *ask)
{
    return ask->worker->site->store;
}

/* ---- cursors ---- */

static void set_timer(struct lc_tail *t, int64_t ms)
{
    struct lc_loop *loop = t->asker->ask->worker->loop;

    /* Without memory for the timer only a cursor is missing. */
    (void)!lc_timer_set(loop, &t->timer, lc_time_add_ms(lc_loop_now(loop), ms));
}

static void tell_cursor(struct lc_tail *t)
{
    struct lc_dynbuf *out = &t->asker->ask->rows;

    if (t->cursor != NULL && lc_dynbuf_append(out, LC_LIT("CURSOR|")) == LC_OK &&
        lc_tail_cursor_format(t->cursor, out) == LC_OK &&
        lc_dynbuf_append(out, LC_LIT("\n")) == LC_OK)
        lc_asker_write(t->asker, lc_dynbuf_slice(out));
    lc_dynbuf_consume(out, out->n);
    t->told_at = t->rows;
    t->soon = false;
    set_timer(t, CURSOR_IDLE_MS);
}

static void on_timer(struct lc_timer *timer)
{
    tell_cursor(LC_CONTAINER(timer, struct lc_tail, timer));
}

/* ---- rows ---- */

static void send_rows(struct lc_tail *t)
{
    struct lc_dynbuf *out = &t->asker->ask->rows;

    if (out->n > 0)
        lc_asker_write(t->asker, lc_dynbuf_slice(out));
    lc_dynbuf_consume(out, out->n);
}

static enum lc_row_form row_form(const struct lc_asker *a)
{
    return a->json ? LC_ROW_JSON : LC_ROW_V2;
}

static lc_err on_row(void *arg, const struct lc_record *r)
{
    struct lc_tail *t = arg;
    struct lc_dynbuf *out = &t->asker->ask->rows;

    if (out->n >= LC_ASK_BATCH)
        send_rows(t);
    if (lc_stream_is_full(lc_session_stream(t->asker->session)))
        return LC_EWAIT; /* this row comes again */

    lc_err e = lc_ask_row(row_form(t->asker), r, out);

    if (e == LC_OK)
        t->rows++;
    return e;
}

static void tell_missed(struct lc_tail *t, uint64_t missed)
{
    struct lc_worker *w = t->asker->ask->worker;
    char line[40];
    int n = snprintf(line, sizeof line, "MISSED|%" PRIu64 "\n", missed);

    lc_asker_write(t->asker, lc_slice(line, (size_t)n));
    lc_count(&w->counters.missed, missed);
}

/* What is only in files is read by a thread. */
static lc_err catch_up(struct lc_tail *t)
{
    struct lc_tail_cursor *cursor = t->cursor;

    t->cursor = NULL;
    return lc_answer_begin(t->asker, lc_query_ref(t->query), LC_ANSWER_TAIL, row_form(t->asker),
                           cursor);
}

static void fail(struct lc_tail *t, lc_err e)
{
    struct lc_asker *a = t->asker;

    lc_tail_free(a);
    lc_asker_fail(a, false, NULL, e);
}

/* One step. Whether there is more to read now. */
static bool read_on(struct lc_tail *t, struct lc_snapshot *snap)
{
    uint64_t missed = 0, before = t->rows;
    bool behind = false;

    if (t->cursor == NULL || lc_stream_is_full(lc_session_stream(t->asker->session)))
        return false;

    lc_err e = lc_tail_read(t->query, snap, t->cursor, STEP, NULL, on_row, t, &missed, &behind);

    send_rows(t);
    if (missed > 0)
        tell_missed(t, missed);
    lc_count(&t->asker->ask->worker->counters.rows, t->rows - before);
    if (t->rows - t->told_at >= CURSOR_ROWS) {
        tell_cursor(t);
    } else if (t->rows > before && !t->soon) {
        t->soon = true;
        set_timer(t, CURSOR_SOON_MS);
    }
    if (e == LC_OK && behind)
        e = catch_up(t);
    if (e != LC_OK && e != LC_EWAIT) {
        fail(t, e);
        return false;
    }
    return e == LC_OK && !behind && !lc_tail_is_at_end(t->cursor, snap);
}

void lc_tail_follow(struct lc_task *task)
{
    struct lc_ask *ask = LC_CONTAINER(task, struct lc_ask, follow);
    struct lc_snapshot *snap;
    struct lc_link now, *link;
    bool more = false;

    if (ask->tail_count == 0)
        return;
    snap = lc_store_snapshot(store_of(ask));
    if (snap == NULL)
        return; /* the next commit tries again */
    lc_list_take_all(&ask->tails, &now);
    while ((link = lc_list_take_first(&now)) != NULL) {
        lc_list_add_last(&ask->tails, link); /* before it may end and be freed */
        more |= read_on(LC_CONTAINER(link, struct lc_tail, link), snap);
    }
    lc_snapshot_unref(snap);
    if (more)
        lc_loop_post(ask->worker->loop, &ask->follow);
}

void lc_tail_caught_up(struct lc_asker *a, struct lc_answer *answer)
{
    struct lc_tail *t = a->tail;

    t->cursor = answer->cursor;
    answer->cursor = NULL;
    t->rows += answer->rows;
    lc_count(&a->ask->worker->counters.missed, answer->missed);
    lc_count(&a->ask->worker->counters.rows, answer->rows);
    if (answer->err != LC_OK) {
        fail(t, answer->err);
        return;
    }
    tell_cursor(t);
    lc_tail_go_on(a);
}

void lc_tail_go_on(struct lc_asker *a)
{
    lc_loop_post(a->ask->worker->loop, &a->ask->follow);
}

void lc_tail_probe(struct lc_asker *a)
{
    tell_cursor(a->tail);
}

/* ---- begin and end ---- */

static lc_err join(struct lc_ask *ask, struct lc_tail *t)
{
    /* Before the first look at the store, so that no commit falls between. */
    if (ask->tail_count == 0) {
        lc_err e = lc_store_watch(store_of(ask), notify, ask);

        if (e != LC_OK)
            return e;
    }
    lc_list_add_last(&ask->tails, &t->link);
    ask->tail_count++;
    return LC_OK;
}

static void leave(struct lc_ask *ask, struct lc_tail *t)
{
    lc_link_remove(&t->link);
    if (--ask->tail_count == 0)
        lc_store_unwatch(store_of(ask), notify, ask);
}

static lc_err start_at_end(struct lc_tail *t)
{
    struct lc_snapshot *snap = lc_store_snapshot(store_of(t->asker->ask));

    if (snap == NULL)
        return -ENOMEM;
    lc_tail_cursor_end(snap, t->cursor);
    lc_snapshot_unref(snap);
    return LC_OK;
}

/* `<query>` or `<cursor>|<query>` */
static lc_err parse(struct lc_tail *t, struct lc_slice parameter, bool *ret_cursor,
                    struct lc_diag *diag)
{
    struct lc_slice text = parameter, head;
    const struct lc_site *site = t->asker->ask->worker->site;

    *ret_cursor = lc_slice_cut(&text, '|', &head) && lc_tail_cursor_parse(head, t->cursor) == LC_OK;
    if (!*ret_cursor)
        text = parameter;
    if (lc_slice_trim(text).n == 0)
        text = LC_LIT("*");

    lc_err e = lc_query_parse(text, lc_wall_ns(site->clock), &t->query, diag);

    if (e == LC_OK && lc_query_has_pipes(t->query)) {
        lc_diag_set(diag, "a tail takes a filter only, no pipes");
        e = LC_ESYNTAX;
    }
    return e;
}

void lc_tail_begin(struct lc_asker *a, struct lc_slice parameter)
{
    struct lc_tail *t = calloc(1, sizeof *t);
    struct lc_diag diag = {0};
    bool has_cursor = false;
    lc_err e = -ENOMEM;

    if (t == NULL) {
        lc_asker_fail(a, false, NULL, e);
        return;
    }
    t->asker = a;
    lc_link_init(&t->link);
    lc_timer_init(&t->timer, on_timer);
    a->tail = t;
    lc_count(&a->ask->worker->counters.tails, 1);
    t->cursor = calloc(1, sizeof *t->cursor);
    if (t->cursor != NULL)
        e = parse(t, parameter, &has_cursor, &diag);
    if (e == LC_OK)
        e = join(a->ask, t);
    if (e == LC_OK && !has_cursor)
        e = start_at_end(t);
    if (e != LC_OK) {
        lc_tail_free(a);
        lc_asker_fail(a, false, &diag, e);
        return;
    }
    lc_asker_write(a, LC_LIT("RESULT|*\n"));
    tell_cursor(t);
    lc_tail_go_on(a);
}

void lc_tail_end(struct lc_asker *a)
{
    char line[40];
    int n = snprintf(line, sizeof line, "END|%" PRIu64 "\n", a->tail->rows);

    if (a->answer != NULL) {
        lc_answer_cancel(a->answer);
        a->answer = NULL;
    }
    lc_tail_free(a);
    lc_asker_write(a, lc_slice(line, (size_t)n));
    lc_session_done(a->session, false);
}

void lc_tail_free(struct lc_asker *a)
{
    struct lc_tail *t = a->tail;

    a->tail = NULL;
    if (lc_link_is_linked(&t->link))
        leave(a->ask, t);
    lc_timer_cancel(a->ask->worker->loop, &t->timer);
    lc_count(&a->ask->worker->counters.tails_ended, 1);
    lc_query_unref(t->query);
    free(t->cursor);
    free(t);
}
