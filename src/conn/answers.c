/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/answers.h"

#include <errno.h>
#include <stdlib.h>

struct lc_answer_run {
    uint64_t first, step; /* ids: first, first + step, ... */
    uint32_t count;
    enum lc_answer_kind kind;
    struct lc_buf *text; /* of LC_ANSWER_TEXT; given `count` times */
};

#define RUNS_MIN 8
#define RUNS_MAX 512

void lc_answers_init(struct lc_answers *a)
{
    *a = (struct lc_answers){0};
}

/* i: from the oldest */
static struct lc_answer_run *run_at(const struct lc_answers *a, uint32_t i)
{
    return &a->runs[(a->head + i) & (a->cap - 1)];
}

static void drop_head(struct lc_answers *a)
{
    lc_buf_unref(run_at(a, 0)->text);
    a->head = (a->head + 1) & (a->cap - 1);
    a->count--;
}

void lc_answers_done(struct lc_answers *a)
{
    while (a->count > 0)
        drop_head(a);
    free(a->runs);
    lc_answers_init(a);
}

static lc_err grow(struct lc_answers *a)
{
    uint32_t cap = a->cap ? a->cap * 2 : RUNS_MIN;
    struct lc_answer_run *runs = malloc(cap * sizeof *runs);

    if (runs == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < a->count; i++)
        runs[i] = *run_at(a, i);
    free(a->runs);
    a->runs = runs;
    a->cap = cap;
    a->head = 0;
    return LC_OK;
}

lc_err lc_answers_room(struct lc_answers *a)
{
    if (a->octets >= LC_ANSWERS_OCTETS_MAX)
        return LC_EWAIT;
    if (a->count < a->cap)
        return LC_OK;
    if (a->cap < RUNS_MAX && grow(a) == LC_OK)
        return LC_OK;
    return a->count > 0 ? LC_EWAIT : -ENOMEM;
}

static void push(struct lc_answers *a, struct lc_answer_run run)
{
    LC_ASSERT(a->count < a->cap);
    *run_at(a, a->count) = run;
    a->count++;
}

void lc_answers_wait(struct lc_answers *a, enum lc_answer_kind kind, uint64_t id)
{
    a->octets += LC_ANSWER_MAX;
    if (a->count > 0) {
        struct lc_answer_run *last = run_at(a, a->count - 1);

        if (last->kind == kind &&
            (last->count == 1 || id == last->first + last->count * last->step)) {
            last->step = last->count == 1 ? id - last->first : last->step;
            last->count++;
            return;
        }
    }
    push(a, (struct lc_answer_run){.first = id, .count = 1, .kind = kind});
}

lc_err lc_answers_say(struct lc_answers *a, struct lc_slice text, struct lc_dynbuf *out)
{
    if (a->count == 0)
        return lc_dynbuf_append(out, text);

    struct lc_answer_run *last = run_at(a, a->count - 1);

    if (last->kind == LC_ANSWER_TEXT && lc_slice_eq(lc_buf_slice(last->text), text)) {
        last->count++;
    } else {
        struct lc_buf *copy = lc_buf_copy(text);

        if (copy == NULL)
            return -ENOMEM;
        push(a, (struct lc_answer_run){.count = 1, .kind = LC_ANSWER_TEXT, .text = copy});
    }
    a->octets += (uint32_t)text.n;
    return LC_OK;
}

struct lc_slice lc_answer_refusal(enum lc_answer_kind kind, enum lc_acks acks)
{
    switch (kind) {
    case LC_ANSWER_V1:
        return LC_LIT("ERROR:Log storage full\n");
    case LC_ANSWER_V2:
        return LC_LIT("ERROR|Log storage full\n");
    case LC_ANSWER_PLAIN:
        /* As the seeds' server says it, with a space. */
        return acks == LC_ACKS_OFF ? LC_LIT("") : LC_LIT("ERROR: Log storage full\n");
    default:
        return LC_LIT("");
    }
}

static lc_err ok_v2(uint64_t id, struct lc_dynbuf *out)
{
    char text[LC_ANSWER_MAX];
    char *p = text + sizeof text;

    /* By hand: this is the one line of output for each line of input. */
    *--p = '\n';
    do {
        *--p = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    p -= 3;
    memcpy(p, "OK|", 3);
    return lc_dynbuf_append(out, lc_slice(p, (size_t)(text + sizeof text - p)));
}

static lc_err accepted(const struct lc_answer_run *run, const struct lc_answer_mood *mood,
                       uint64_t id, struct lc_dynbuf *out)
{
    switch (run->kind) {
    case LC_ANSWER_V2:
        return ok_v2(id, out);
    case LC_ANSWER_PLAIN:
        return mood->acks == LC_ACKS_ON ? lc_dynbuf_append(out, LC_LIT("ACK\n")) : LC_OK;
    case LC_ANSWER_V1:
        return lc_dynbuf_append(out, LC_LIT("ACK\n"));
    default:
        return LC_OK;
    }
}

/* What one call of lc_answers_outcome() has done to plain lines whose answers are automatic. */
struct auto_lines {
    uint64_t done;
    bool last; /* the newest thing answered was one of them */
};

static lc_err answer_run(struct lc_answers *a, struct lc_answer_run *run, uint64_t upto,
                         lc_err outcome, const struct lc_answer_mood *mood,
                         struct auto_lines *lines, struct lc_dynbuf *out)
{
    bool automatic = run->kind == LC_ANSWER_PLAIN && mood->acks == LC_ACKS_AUTO;
    lc_err e = LC_OK;

    while (e == LC_OK && run->count > 0 && run->first <= upto) {
        if (automatic)
            lines->done++;
        else if (outcome == LC_OK)
            e = accepted(run, mood, run->first, out);
        else
            e = lc_dynbuf_append(out, lc_answer_refusal(run->kind, mood->acks));
        lines->last = automatic;
        run->first += run->step;
        run->count--;
        a->octets -= LC_ANSWER_MAX;
    }
    return e;
}

static lc_err answer_text(struct lc_answers *a, struct lc_answer_run *run, struct lc_dynbuf *out)
{
    lc_err e = LC_OK;

    for (; e == LC_OK && run->count > 0; run->count--) {
        e = lc_dynbuf_append(out, lc_buf_slice(run->text));
        a->octets -= run->text->n;
    }
    return e;
}

lc_err lc_answers_outcome(struct lc_answers *a, uint64_t upto, lc_err outcome,
                          const struct lc_answer_mood *mood, struct lc_dynbuf *out)
{
    struct auto_lines lines = {0};
    lc_err e = LC_OK;

    while (e == LC_OK && a->count > 0) {
        struct lc_answer_run *run = run_at(a, 0);

        if (run->kind == LC_ANSWER_TEXT) {
            e = answer_text(a, run, out);
            lines.last = false;
        } else {
            e = answer_run(a, run, upto, outcome, mood, &lines, out);
        }
        if (run->count > 0)
            break;
        drop_head(a);
    }
    if (e != LC_OK || lines.done == 0 || mood->piling)
        return e;
    if (outcome != LC_OK)
        return lc_dynbuf_append(out, lc_answer_refusal(LC_ANSWER_PLAIN, mood->acks));
    /* A stream of lines is not answered: only one that stands alone, whose sender may wait. */
    if (lines.done == 1 && lines.last && a->count == 0 && mood->quiet)
        return lc_dynbuf_append(out, LC_LIT("ACK\n"));
    return LC_OK;
}
