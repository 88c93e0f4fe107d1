/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/answers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/grapheme.h"
#include "proto/binary1.h"
#include "proto/prefixed.h"

struct lc_answer_run {
    uint64_t first, step;             /* ids: first, first + step, ... */
    uint32_t sequence, sequence_step; /* of their requests, likewise */
    uint32_t count;
    enum lc_answer_kind kind;
    struct lc_buf *text; /* of TEXT: given `count` times; of PROMISE; NULL: broken */
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

/* Whether a record goes on where this run of them ends. */
static bool continues(const struct lc_answer_run *last, enum lc_answer_kind kind, uint32_t sequence,
                      uint64_t id)
{
    if (last->kind != kind)
        return false;
    return last->count == 1 || (id == last->first + last->count * last->step &&
                                sequence == last->sequence + last->count * last->sequence_step);
}

void lc_answers_wait(struct lc_answers *a, enum lc_answer_kind kind, uint32_t sequence, uint64_t id)
{
    a->octets += LC_ANSWER_MAX;
    if (a->count > 0) {
        struct lc_answer_run *last = run_at(a, a->count - 1);

        if (continues(last, kind, sequence, id)) {
            if (last->count == 1) {
                last->step = id - last->first;
                last->sequence_step = sequence - last->sequence;
            }
            last->count++;
            return;
        }
    }
    push(a, (struct lc_answer_run){.first = id, .sequence = sequence, .count = 1, .kind = kind});
}

lc_err lc_answers_promise(struct lc_answers *a, uint64_t first, uint64_t last, struct lc_slice text)
{
    struct lc_buf *copy = lc_buf_copy(text);

    if (copy == NULL)
        return -ENOMEM;
    push(a, (struct lc_answer_run){.first = first,
                                   .step = last - first,
                                   .count = 1,
                                   .kind = LC_ANSWER_PROMISE,
                                   .text = copy});
    a->octets += (uint32_t)text.n;
    return LC_OK;
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

/* Complete what has `n` octets behind the room for its head; return the length of both. */
static size_t frame(char *out, size_t n)
{
    lc_prefixed_head(n, (uint8_t *)out);
    return LC_PREFIXED_HEAD + n;
}

static size_t binary1(uint8_t command, uint32_t sequence, enum lc_binary1_status status, char *out,
                      size_t n)
{
    lc_binary1_answer(command, sequence, status, n, (uint8_t *)out);
    return LC_BINARY1_ANSWER_HEAD + n;
}

/* head, text, end; the text is cut where there is no room. */
static size_t join(const char *head, const char *text, const char *end, char *out, size_t cap)
{
    size_t head_n = strlen(head), end_n = strlen(end), n = strlen(text);

    if (n > cap - head_n - end_n)
        n = lc_grapheme_cut(lc_slice(text, n), cap - head_n - end_n);
    memcpy(out, head, head_n);
    memcpy(out + head_n, text, n);
    memcpy(out + head_n + n, end, end_n);
    return head_n + n + end_n;
}

size_t lc_answer_error(enum lc_answer_kind kind, uint8_t command, uint32_t sequence,
                       const char *reason, char *out, size_t cap)
{
    switch (kind) {
    case LC_ANSWER_V1:
        return join("ERROR:", reason, "\n", out, cap);
    case LC_ANSWER_V2:
        return join("ERROR|", reason, "\n", out, cap);
    case LC_ANSWER_PLAIN: /* as the seeds' server says it, with a space */
        return join("ERROR: ", reason, "\n", out, cap);
    case LC_ANSWER_FRAME:
        return frame(out,
                     join("ERROR:", reason, "", out + LC_PREFIXED_HEAD, cap - LC_PREFIXED_HEAD));
    case LC_ANSWER_BINARY1:
        return binary1(
            command, sequence, LC_BINARY1_ERROR, out,
            join("", reason, "", out + LC_BINARY1_ANSWER_HEAD, cap - LC_BINARY1_ANSWER_HEAD));
    default:
        return 0;
    }
}

/* Of one record, when the store takes none. */
static size_t refusal(enum lc_answer_kind kind, uint32_t sequence, char out[LC_ANSWER_MAX])
{
    return lc_answer_error(kind, LC_BINARY1_LOG, sequence, LC_ANSWER_FULL, out, LC_ANSWER_MAX);
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

static lc_err done_binary1(uint32_t sequence, uint64_t id, struct lc_dynbuf *out)
{
    uint8_t packet[LC_BINARY1_ANSWER_HEAD + 8];
    struct lc_writer w = lc_writer(packet + LC_BINARY1_ANSWER_HEAD, 8);

    lc_write_u64_be(&w, id);
    lc_binary1_answer(LC_BINARY1_LOG, sequence, LC_BINARY1_DONE, 8, packet);
    return lc_dynbuf_append(out, lc_slice(packet, sizeof packet));
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
    case LC_ANSWER_FRAME:
        return lc_dynbuf_append(out, LC_LIT("\0\0\0\3ACK"));
    case LC_ANSWER_BINARY1:
        return done_binary1(run->sequence, id, out);
    default:
        return LC_OK;
    }
}

static lc_err refused(const struct lc_answer_run *run, struct lc_dynbuf *out)
{
    char text[LC_ANSWER_MAX];

    return lc_dynbuf_append(out, lc_slice(text, refusal(run->kind, run->sequence, text)));
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
            e = refused(run, out);
        lines->last = automatic;
        run->first += run->step;
        run->sequence += run->sequence_step;
        run->count--;
        a->octets -= LC_ANSWER_MAX;
    }
    return e;
}

/* Outcomes come in the order of ids, and none is missed: what is first in line now was not first
 * in line only as long as smaller ids were waited for. */
static lc_err answer_promise(struct lc_answers *a, struct lc_answer_run *run, uint64_t upto,
                             lc_err outcome, struct lc_dynbuf *out)
{
    lc_err e = LC_OK;

    if (outcome != LC_OK && upto >= run->first && run->text != NULL) {
        a->octets -= run->text->n;
        lc_buf_unref(run->text);
        run->text = NULL;
    }
    if (upto < run->first + run->step)
        return LC_OK;
    if (run->text != NULL) {
        e = lc_dynbuf_append(out, lc_buf_slice(run->text));
        a->octets -= run->text->n;
    }
    run->count = 0;
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
        } else if (run->kind == LC_ANSWER_PROMISE) {
            e = answer_promise(a, run, upto, outcome, out);
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
        return refused(&(struct lc_answer_run){.kind = LC_ANSWER_PLAIN}, out);
    /* A stream of lines is not answered: only one that stands alone, whose sender may wait. */
    if (lines.done == 1 && lines.last && a->count == 0 && mood->quiet)
        return lc_dynbuf_append(out, LC_LIT("ACK\n"));
    return LC_OK;
}
