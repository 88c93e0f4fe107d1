/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/request.c - what one line of a session means: a record, a command, a question.
 */
#include <stdio.h>

#include "conn/session_impl.h"

static void say(struct lc_session *s, struct lc_slice text)
{
    if (lc_answers_say(&s->answers, text, s->config->out) != LC_OK)
        lc_session_abort(s); /* a peer must not take the next answer for this one */
}

static void complain(struct lc_session *s, bool v1, const char *reason)
{
    char text[512];
    int n = snprintf(text, sizeof text - 1, "ERROR%c%s", v1 ? ':' : '|', reason);

    n = n < (int)sizeof text - 1 ? n : (int)sizeof text - 2;
    text[n] = '\n';
    say(s, lc_slice(text, (size_t)n + 1));
}

/* ---- records ---- */

static enum lc_answer_kind answer_kind(const struct lc_session *s, enum lc_line_kind kind)
{
    switch (kind) {
    case LC_LINE_V1:
        return LC_ANSWER_V1;
    case LC_LINE_V2:
        return LC_ANSWER_V2;
    case LC_LINE_PLAIN:
    case LC_LINE_JSON:
        return s->protocol == LC_PROTO_LINES && s->config->acks != LC_ACKS_OFF ? LC_ANSWER_PLAIN
                                                                               : LC_ANSWER_SILENT;
    default:
        return LC_ANSWER_SILENT;
    }
}

static void refuse_too_long(struct lc_session *s, bool v1)
{
    char reason[64];

    lc_count(&s->config->arrivals->counters->too_long, 1);
    snprintf(reason, sizeof reason, "line is longer than %zu octets", s->config->line_max);
    complain(s, v1, reason);
}

static lc_err store(struct lc_session *s, enum lc_line_kind kind, struct lc_slice line, bool cut)
{
    struct lc_arrival_context *ctx = s->config->arrivals;
    enum lc_answer_kind answer = answer_kind(s, kind);
    struct lc_arrival a;
    const char *reason;
    uint64_t id;

    if (cut && (kind == LC_LINE_V1 || kind == LC_LINE_V2)) {
        refuse_too_long(s, kind == LC_LINE_V1);
        return LC_OK;
    }
    if (lc_arrival_decode(ctx, kind, line, s->source, &a, &reason) != LC_OK) {
        lc_count(&ctx->counters->malformed, 1);
        complain(s, kind == LC_LINE_V1, reason);
        return LC_OK;
    }
    a.truncated |= cut;
    /* A plain line whose sender goes on at once is part of a stream: nobody waits for it. */
    a.answered = answer > LC_ANSWER_SILENT ||
                 (answer == LC_ANSWER_PLAIN && (s->config->acks == LC_ACKS_ON || s->left == 0));
    s->syslog_seen |= kind == LC_LINE_SYSLOG;

    lc_err e = s->handler->record(s->user, &a, &id);

    if (e == LC_EWAIT) {
        s->stall |= LC_STALL_ROOM;
        return e;
    }
    lc_arrival_count(ctx, &a);
    if (e != LC_OK)
        say(s, lc_answer_refusal(answer, s->config->acks));
    else if (answer != LC_ANSWER_SILENT)
        lc_answers_wait(&s->answers, answer, id);
    return LC_OK;
}

/* ---- commands and questions ---- */

void lc_session_answered_v1(struct lc_session *s)
{
    if (s->left == 0)
        s->quit = true;
}

static void refuse_record(struct lc_session *s, enum lc_line_kind kind)
{
    lc_count(&s->config->arrivals->counters->not_granted, 1);
    if (kind == LC_LINE_V1 || kind == LC_LINE_V2) {
        complain(s, kind == LC_LINE_V1, s->config->no_records);
        return;
    }
    /* What is not recognised, where only questions are expected: as the seeds' server says it. */
    complain(s, true, "Invalid query format");
    lc_session_answered_v1(s);
}

static void refuse_question(struct lc_session *s, bool v1)
{
    lc_count(&s->config->arrivals->counters->not_granted, 1);
    complain(s, v1, s->config->no_questions);
}

static lc_err ask(struct lc_session *s, struct lc_slice line)
{
    struct lc_query_request request;
    const char *reason;
    bool v1 = lc_line_kind(line) == LC_LINE_QUERY_V1;

    if (s->config->no_questions != NULL) {
        refuse_question(s, v1);
        return LC_OK;
    }
    if (lc_query_request_decode(line, &request, &reason) != LC_OK) {
        lc_count(&s->config->arrivals->counters->malformed, 1);
        complain(s, v1, v1 ? "Invalid query format" : reason);
        if (v1)
            lc_session_answered_v1(s);
        return LC_OK;
    }
    if (!lc_answers_is_empty(&s->answers)) {
        s->stall |= LC_STALL_ANSWERS; /* rows don't wait in line: the question does */
        return LC_EWAIT;
    }
    s->stall |= LC_STALL_BUSY;
    lc_stream_deadline(s->stream, LC_TIME_NEVER);
    lc_session_emit(s);
    s->handler->question(s->user, &request);
    return LC_OK;
}

static void rows(struct lc_session *s, struct lc_slice line)
{
    if (s->config->no_questions != NULL) {
        refuse_question(s, false);
        return;
    }
    s->handler->rows(s->user, lc_slice_eq(line, LC_LIT("ROWS|json")));
    say(s, LC_LIT("OK\n"));
}

static void stats(struct lc_session *s)
{
    struct lc_dynbuf text;

    if (s->config->no_questions != NULL) {
        refuse_question(s, false);
        return;
    }
    lc_dynbuf_init(&text, 64 << 10);
    if (s->handler->stats(s->user, &text) == LC_OK)
        say(s, lc_dynbuf_slice(&text));
    else
        complain(s, false, "no memory");
    lc_dynbuf_done(&text);
}

static lc_err command(struct lc_session *s, enum lc_line_kind kind, struct lc_slice line)
{
    switch (kind) {
    case LC_LINE_QUERY_V1:
    case LC_LINE_QUERY_V2:
        return ask(s, line);
    case LC_LINE_PING:
        say(s, LC_LIT("PONG\n"));
        break;
    case LC_LINE_STATS:
        stats(s);
        break;
    case LC_LINE_ROWS:
        rows(s, line);
        break;
    case LC_LINE_QUIT:
        s->quit = true;
        break;
    default:
        complain(s, false, "no accounts are set up");
        break;
    }
    return LC_OK;
}

lc_err lc_session_line(struct lc_session *s, enum lc_line_kind kind, struct lc_slice line, bool cut)
{
    if (kind == LC_LINE_EMPTY) {
        lc_count(&s->config->arrivals->counters->empty, 1);
        return LC_OK;
    }

    lc_err e = lc_answers_room(&s->answers);

    if (e == LC_EWAIT)
        s->stall |= LC_STALL_ANSWERS;
    else if (e != LC_OK)
        lc_session_abort(s);
    if (e != LC_OK)
        return LC_EWAIT;
    if (lc_arrival_stores(kind) && s->config->no_records != NULL) {
        refuse_record(s, kind);
        return LC_OK;
    }
    if (lc_arrival_stores(kind))
        return store(s, kind, line, cut);
    if (cut) {
        refuse_too_long(s, kind == LC_LINE_QUERY_V1);
        return LC_OK;
    }
    return command(s, kind, line);
}
