/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/sockets.c - QUERY|SOCKETS: the sockets of all workers, each asked on its own thread.
 *
 * A worker's listing goes from worker to worker as a task, which writes some rows at a time and
 * comes back with them, and goes on only when the asker has room: so no loop is held up for long,
 * and what is under way is one batch, however many sockets and askers there are. Askers of one
 * worker take turns.
 * The listing belongs to the worker's part of the service, which outlives all loops: where a
 * loop that has ended does not give it back, nothing is lost but an answer that nobody waits for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/sockets.h"
#include "service/ask/ask.h"
#include "service/listen.h"

#define ROWS_AT_ONCE 64
#define TEXT_AT_ONCE ((size_t)256 << 10)

struct lc_listing {
    struct lc_task collect; /* on the worker that is asked */
    struct lc_task back;    /* on the asker's */
    struct lc_ask *ask;
    struct lc_asker *asker; /* NULL: gone, or none */
    bool away;              /* between collect and back */
    bool json;
    unsigned worker; /* that is asked */
    uint64_t after;  /* serial; 0 when back: the worker has no more */
    uint64_t rows;
    lc_err err;
    struct lc_dynbuf text;
};

/* ---- on the worker that is asked ---- */

struct row_writer {
    struct lc_listing *listing;
    struct lc_worker *worker;
    bool first;
};

static void add(struct lc_listing *l, const char *text)
{
    if (l->err == LC_OK)
        l->err = lc_dynbuf_append(&l->text, lc_slice_cstr(text));
}

static void put(void *arg, const char *name, const char *text, uint64_t number)
{
    struct row_writer *w = arg;
    struct lc_listing *l = w->listing;
    char digits[LC_U64_MAX + 1];

    if (!w->first)
        add(l, l->json ? "," : "|");
    w->first = false;
    if (l->json)
        add(l, "\"");
    add(l, name);
    add(l, l->json ? "\":" : "=");
    if (text == NULL) {
        digits[lc_u64_format(number, digits)] = 0;
        add(l, digits);
    } else if (l->err == LC_OK && l->json) {
        l->err = lc_json_string(&l->text, lc_slice_cstr(text));
    } else if (l->err == LC_OK) {
        l->err = lc_ask_cell(&l->text, lc_slice_cstr(text));
    }
}

static void write_row(void *arg, const struct lc_socket_row *row)
{
    struct row_writer *w = arg;
    const struct lc_site *site = w->worker->site;
    const char *service = lc_doors_service(site->doors, &row->local);

    w->first = true;
    if (w->listing->json)
        add(w->listing, "{");
    put(w, "worker", NULL, w->worker->index);
    if (service != NULL)
        put(w, "service", service, 0);
    lc_socket_figures(row, lc_loop_now(w->worker->loop), put, w);
    add(w->listing, w->listing->json ? "}\n" : "\n");
    w->listing->rows++;
}

static void collect(struct lc_task *task)
{
    struct lc_listing *l = LC_CONTAINER(task, struct lc_listing, collect);
    struct row_writer w = {l, l->ask->worker->site->workers[l->worker], true};

    l->after = lc_sockets_each(w.worker->loop, l->after, ROWS_AT_ONCE, write_row, &w);
    lc_loop_post(l->ask->worker->loop, &l->back);
}

/* ---- on the asker's worker ---- */

static void go_on(struct lc_listing *l)
{
    if (l->away || lc_stream_is_full(lc_session_stream(l->asker->session)))
        return;
    l->away = true;
    lc_loop_post(l->ask->worker->site->workers[l->worker]->loop, &l->collect);
}

static void begin(struct lc_listing *l, struct lc_asker *a)
{
    a->waits_for_listing = false;
    l->asker = a;
    l->json = a->json;
    l->worker = 0;
    l->after = 0;
    l->rows = 0;
    l->err = LC_OK;
    lc_asker_write(a, LC_LIT("RESULT|*\n"));
    go_on(l);
}

static void next_asker(struct lc_listing *l)
{
    struct lc_ask *ask = l->ask;

    l->asker = NULL;
    for (struct lc_link *i = ask->askers.next; i != &ask->askers; i = i->next) {
        struct lc_asker *a = LC_CONTAINER(i, struct lc_asker, link);

        if (a->waits_for_listing) {
            begin(l, a);
            return;
        }
    }
}

static void end(struct lc_listing *l)
{
    struct lc_asker *a = l->asker;
    char text[32];
    int n = snprintf(text, sizeof text, "END|%" PRIu64 "\n", l->rows);

    lc_count(&l->ask->worker->counters.rows, l->rows);
    next_asker(l);
    lc_asker_write(a, lc_slice(text, (size_t)n));
    lc_session_done(a->session, false);
}

static void back(struct lc_task *task)
{
    struct lc_listing *l = LC_CONTAINER(task, struct lc_listing, back);
    struct lc_asker *a = l->asker;

    l->away = false;
    if (a != NULL && l->err == LC_OK)
        lc_asker_write(a, lc_dynbuf_slice(&l->text));
    lc_dynbuf_consume(&l->text, l->text.n);
    if (a == NULL) {
        next_asker(l);
        return;
    }
    if (l->err != LC_OK) {
        lc_err e = l->err;

        next_asker(l);
        lc_asker_fail(a, false, NULL, e);
        return;
    }
    if (l->after == 0 && ++l->worker == l->ask->worker->site->worker_count)
        end(l);
    else
        go_on(l);
}

void lc_listing_ask(struct lc_asker *a)
{
    struct lc_listing *l = a->ask->listing;

    if (l->asker == NULL && !l->away)
        begin(l, a);
    else
        a->waits_for_listing = true;
}

void lc_listing_go_on(struct lc_asker *a)
{
    if (a->ask->listing->asker == a)
        go_on(a->ask->listing);
}

void lc_listing_cancel(struct lc_asker *a)
{
    struct lc_listing *l = a->ask->listing;

    a->waits_for_listing = false;
    if (l->asker != a)
        return;
    if (l->away)
        l->asker = NULL;
    else
        next_asker(l);
}

lc_err lc_listing_new(struct lc_ask *ask, struct lc_listing **ret)
{
    struct lc_listing *l = calloc(1, sizeof *l);

    if (l == NULL)
        return -ENOMEM;
    l->ask = ask;
    lc_task_init(&l->collect, collect);
    lc_task_init(&l->back, back);
    lc_dynbuf_init(&l->text, TEXT_AT_ONCE);
    *ret = l;
    return LC_OK;
}

void lc_listing_free(struct lc_listing *l)
{
    if (l == NULL)
        return;
    lc_dynbuf_done(&l->text);
    free(l);
}
