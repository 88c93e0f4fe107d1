/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "service/ask/ask.h"

#define TAIL_STEP 4096 /* records looked at between two looks at `cancel` */
/* What is found at once for a tail that catches up. */
#define TAIL_WINDOW_ROWS   65536u
#define TAIL_WINDOW_OCTETS (32u << 20)

/* ---- on the query's thread: rows ---- */

static lc_err hand_over(struct lc_answer *a)
{
    if (a->text.n == 0)
        return LC_OK;

    struct lc_buf *buf = lc_buf_copy(lc_dynbuf_slice(&a->text));

    lc_dynbuf_consume(&a->text, a->text.n);
    return buf == NULL ? -ENOMEM : lc_handover_put(&a->out, buf);
}

static lc_err row_done(struct lc_answer *a)
{
    a->rows++;
    return a->text.n < LC_ASK_BATCH ? LC_OK : hand_over(a);
}

static lc_err on_count(void *arg, uint64_t rows)
{
    struct lc_answer *a = arg;

    return lc_dynbuf_printf(&a->text, "RESULT%c%" PRIu64 "\n", a->row_form == LC_ROW_V1 ? ':' : '|',
                            rows);
}

static lc_err on_row(void *arg, const struct lc_record *r)
{
    struct lc_answer *a = arg;
    lc_err e = lc_ask_row(a->row_form, r, &a->text);

    return e == LC_OK ? row_done(a) : e;
}

/* ---- rows of a table: `name=value|name=value`, or an object of strings ---- */

static lc_err on_columns(void *arg, const struct lc_slice *names, size_t count)
{
    struct lc_answer *a = arg;
    lc_err e = LC_OK;

    for (size_t i = 0; e == LC_OK && i < count; i++) {
        e = lc_dynbuf_append(&a->columns, names[i]);
        if (e == LC_OK)
            e = lc_dynbuf_append(&a->columns, lc_slice("", 1));
    }
    return e;
}

lc_err lc_ask_cell(struct lc_dynbuf *out, struct lc_slice value)
{
    static const char special[] = "|\n\r\\", letter[] = "pnr\\";
    lc_err e = LC_OK;

    for (size_t i = 0; e == LC_OK && i < value.n; i++) {
        const char *found = memchr(special, value.p[i], sizeof special - 1);

        if (found == NULL)
            e = lc_dynbuf_append(out, lc_slice(value.p + i, 1));
        else
            e = lc_dynbuf_printf(out, "\\%c", letter[found - special]);
    }
    return e;
}

static lc_err write_column(struct lc_dynbuf *out, bool json, struct lc_slice name,
                           struct lc_slice value)
{
    lc_err e = json ? lc_json_string(out, name) : lc_ask_cell(out, name);

    if (e == LC_OK)
        e = lc_dynbuf_append(out, json ? LC_LIT(":") : LC_LIT("="));
    if (e == LC_OK)
        e = json ? lc_json_string(out, value) : lc_ask_cell(out, value);
    return e;
}

static lc_err on_table_row(void *arg, const struct lc_slice *values, size_t count)
{
    struct lc_answer *a = arg;
    struct lc_slice names = lc_dynbuf_slice(&a->columns), name;
    bool json = a->row_form == LC_ROW_JSON;
    lc_err e = json ? lc_dynbuf_append(&a->text, LC_LIT("{")) : LC_OK;

    for (size_t i = 0; e == LC_OK && i < count && lc_slice_cut(&names, 0, &name); i++) {
        if (i > 0)
            e = lc_dynbuf_append(&a->text, json ? LC_LIT(",") : LC_LIT("|"));
        if (e == LC_OK)
            e = write_column(&a->text, json, name, values[i]);
    }
    if (e == LC_OK)
        e = lc_dynbuf_append(&a->text, json ? LC_LIT("}\n") : LC_LIT("\n"));
    return e == LC_OK ? row_done(a) : e;
}

/* ---- on the query's thread: the whole answer ---- */

static lc_err run_rows(struct lc_answer *a, struct lc_snapshot *snap, struct lc_diag *diag)
{
    const struct lc_query_limits limits = {.cancel = &a->cancel};
    const struct lc_query_sink sink = {.columns = on_columns,
                                       .count = on_count,
                                       .row = on_row,
                                       .table_row = on_table_row,
                                       .arg = a};
    struct lc_query_report report = {0};
    bool exact = a->form == LC_ANSWER_EXACT;
    lc_err e = a->form == LC_ANSWER_QL ? lc_dynbuf_append(&a->text, LC_LIT("RESULT|*\n")) : LC_OK;

    if (e == LC_OK)
        e = lc_query_run(a->query, snap, exact, &limits, &sink, &report, diag);
    if (e == LC_OK && report.damaged_blocks > 0) {
        lc_diag_set(diag, "%" PRIu64 " blocks could not be read: rows may be missing",
                    report.damaged_blocks);
        e = LC_ECORRUPT;
    }
    if (e == LC_OK && exact)
        e = lc_dynbuf_append(&a->text, LC_LIT("END\n"));
    else if (e == LC_OK && a->form == LC_ANSWER_QL)
        e = lc_dynbuf_printf(&a->text, "END|%" PRIu64 "\n", a->rows);
    return e;
}

static lc_err run_count(struct lc_answer *a, struct lc_snapshot *snap, struct lc_diag *diag)
{
    const struct lc_query_limits limits = {.cancel = &a->cancel};
    uint64_t n = 0;
    lc_err e = lc_query_count(a->query, snap, &limits, &n, diag);

    return e == LC_OK ? lc_dynbuf_printf(&a->text, "RESULT|1\n%" PRIu64 "\nEND\n", n) : e;
}

static lc_err run_tail(struct lc_answer *a, struct lc_snapshot *snap)
{
    struct lc_tail_files *files = lc_tail_files_new(TAIL_WINDOW_ROWS, TAIL_WINDOW_OCTETS);
    lc_err e = files == NULL ? -ENOMEM : LC_OK;

    while (e == LC_OK && !lc_tail_is_at_end(a->cursor, snap) &&
           !atomic_load_explicit(&a->cancel, memory_order_relaxed)) {
        uint64_t missed = 0;
        bool behind;

        e = lc_tail_read(a->query, snap, a->cursor, TAIL_STEP, files, on_row, a, &missed, &behind);
        if (missed > 0 && e == LC_OK)
            e = lc_dynbuf_printf(&a->text, "MISSED|%" PRIu64 "\n", missed);
        a->missed += missed;
    }
    lc_tail_files_free(files);
    return e;
}

static lc_err run_form(struct lc_answer *a, struct lc_snapshot *snap, struct lc_diag *diag)
{
    switch (a->form) {
    case LC_ANSWER_COUNT:
        return run_count(a, snap, diag);
    case LC_ANSWER_TAIL:
        return run_tail(a, snap);
    default:
        return run_rows(a, snap, diag);
    }
}

/* In place of what is missing. */
static lc_err say_error(struct lc_answer *a)
{
    char reason[LC_ASK_REASON_MAX];

    if (a->rows == 0)
        lc_dynbuf_consume(&a->text, a->text.n); /* an error stands alone, without RESULT */
    lc_ask_reason(&a->diag, a->err, reason);
    return lc_dynbuf_printf(&a->text, "ERROR%c%s\n", a->row_form == LC_ROW_V1 ? ':' : '|', reason);
}

static void run(struct lc_job *job)
{
    struct lc_answer *a = LC_CONTAINER(job, struct lc_answer, job);
    struct lc_loop *loop = a->ask->worker->loop;
    struct lc_snapshot *snap = lc_store_snapshot(a->ask->worker->site->store);

    a->err = snap == NULL ? -ENOMEM : run_form(a, snap, &a->diag);
    if (snap != NULL)
        lc_snapshot_unref(snap);
    if (a->err != LC_OK && a->form != LC_ANSWER_TAIL && a->form != LC_ANSWER_ROWS)
        a->is_cut = say_error(a) != LC_OK;
    if (hand_over(a) != LC_OK)
        a->is_cut = true;
    lc_dynbuf_done(&a->text);
    lc_dynbuf_done(&a->columns);
    /* The last look at the answer: the worker may free it at once. */
    lc_loop_post(loop, &a->ended);
}

/* ---- on the worker ---- */

static void answer_free(struct lc_answer *a)
{
    struct lc_ask *ask = a->ask;

    lc_handover_done(&a->out);
    lc_query_unref(a->query);
    free(a->cursor);
    free(a);
    ask->answers--;
    lc_ask_check_idle(ask);
}

void lc_answer_forward(struct lc_answer *a)
{
    struct lc_asker *asker = a->asker;
    struct lc_buf *buf = NULL;

    while (!lc_stream_is_full(lc_session_stream(asker->session))) {
        buf = lc_handover_take(&a->out);
        if (buf == NULL)
            break;
        lc_asker_send(asker, buf);
        lc_buf_unref(buf);
    }
    if (buf != NULL || !a->has_ended || lc_stream_is_full(lc_session_stream(asker->session)))
        return;
    asker->answer = NULL;
    lc_asker_answered(asker, a);
    answer_free(a);
}

static void on_data(struct lc_task *task)
{
    struct lc_answer *a = LC_CONTAINER(task, struct lc_answer, data);

    if (a->asker != NULL)
        lc_answer_forward(a);
}

static void on_ended(struct lc_task *task)
{
    struct lc_answer *a = LC_CONTAINER(task, struct lc_answer, ended);

    a->has_ended = true;
    if (a->asker != NULL)
        lc_answer_forward(a);
    else
        answer_free(a);
}

static void notify(void *arg)
{
    struct lc_answer *a = arg;

    lc_loop_post(a->ask->worker->loop, &a->data);
}

void lc_answer_cancel(struct lc_answer *a)
{
    atomic_store_explicit(&a->cancel, true, memory_order_relaxed);
    lc_handover_cancel(&a->out);
    a->asker = NULL;
    if (a->has_ended)
        answer_free(a);
}

lc_err lc_answer_begin(struct lc_asker *asker, struct lc_query *query, enum lc_answer_form form,
                       enum lc_row_form row_form, struct lc_tail_cursor *cursor)
{
    struct lc_ask *ask = asker->ask;
    struct lc_answer *a = calloc(1, sizeof *a);

    if (a == NULL) {
        lc_query_unref(query);
        free(cursor);
        return -ENOMEM;
    }
    a->job.run = run;
    lc_task_init(&a->data, on_data);
    lc_task_init(&a->ended, on_ended);
    lc_handover_init(&a->out, ask->pool, notify, a);
    a->ask = ask;
    a->asker = asker;
    a->query = query;
    a->form = form;
    a->row_form = row_form;
    a->cursor = cursor;
    lc_dynbuf_init(&a->text, LC_ASK_ROW_MAX);
    lc_dynbuf_init(&a->columns, LC_ASK_BATCH);
    ask->answers++;

    lc_err e = lc_pool_submit(ask->pool, &a->job);

    if (e != LC_OK) {
        answer_free(a);
        return e;
    }
    asker->answer = a;
    return LC_OK;
}
