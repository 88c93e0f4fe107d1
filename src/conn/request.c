/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/request.c - what one line means: a record, a command, a question.
 */
#include <stdio.h>

#include "conn/session_impl.h"
#include "proto/prefixed.h"

/* ---- answers ---- */

/* A protocol that has a language of its own answers everything in it. */
static enum lc_answer_kind in_language(const struct lc_session *s, enum lc_answer_kind of_line)
{
    return s->framing->answer == LC_ANSWER_PLAIN ? of_line : s->framing->answer;
}

static void complain(struct lc_session *s, bool v1, const char *reason)
{
    lc_session_complain(s, in_language(s, v1 ? LC_ANSWER_V1 : LC_ANSWER_V2), 0, 0, reason);
}

/* One line, without its end. */
static void say(struct lc_session *s, const char *line)
{
    char text[64];
    int n;

    if (s->framing->answer == LC_ANSWER_FRAME) {
        n = snprintf(text + LC_PREFIXED_HEAD, sizeof text - LC_PREFIXED_HEAD, "%s", line);
        lc_prefixed_head((size_t)n, (uint8_t *)text);
        lc_session_say(s, lc_slice(text, LC_PREFIXED_HEAD + (size_t)n));
    } else {
        n = snprintf(text, sizeof text, "%s\n", line);
        lc_session_say(s, lc_slice(text, (size_t)n));
    }
}

void lc_session_too_long(struct lc_session *s, enum lc_answer_kind kind, const char *what,
                         size_t limit)
{
    char reason[64];

    lc_count(&s->config->arrivals->counters->too_long, 1);
    snprintf(reason, sizeof reason, "%s is longer than %zu octets", what, limit);
    lc_session_complain(s, kind, 0, 0, reason);
}

static void refuse_too_long(struct lc_session *s, bool v1)
{
    lc_session_too_long(s, in_language(s, v1 ? LC_ANSWER_V1 : LC_ANSWER_V2), "line",
                        s->config->line_max);
}

/* ---- records ---- */

static enum lc_answer_kind answer_kind(const struct lc_session *s, enum lc_line_kind kind)
{
    switch (kind) {
    case LC_LINE_V1:
        return in_language(s, LC_ANSWER_V1);
    case LC_LINE_V2:
        return in_language(s, LC_ANSWER_V2);
    case LC_LINE_PLAIN:
    case LC_LINE_JSON:
        return in_language(s, s->config->acks != LC_ACKS_OFF ? LC_ANSWER_PLAIN : LC_ANSWER_SILENT);
    default:
        return in_language(s, LC_ANSWER_SILENT);
    }
}

static lc_err store(struct lc_session *s, enum lc_line_kind kind, struct lc_slice line, bool cut)
{
    struct lc_arrival_context *ctx = s->config->arrivals;
    struct lc_arrival a;
    const char *reason;

    if (cut && (kind == LC_LINE_V1 || kind == LC_LINE_V2)) {
        refuse_too_long(s, kind == LC_LINE_V1);
        return LC_OK;
    }
    if (lc_arrival_decode(ctx, kind, line, &s->whence, &a, &reason) != LC_OK) {
        lc_count(&ctx->counters->malformed, 1);
        complain(s, kind == LC_LINE_V1, reason);
        return LC_OK;
    }
    a.truncated |= cut;
    s->syslog_seen |= kind == LC_LINE_SYSLOG;
    return lc_session_store(s, &a, answer_kind(s, kind), 0);
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
    return lc_session_ask(s, &request);
}

static void rows(struct lc_session *s, struct lc_slice line)
{
    if (s->config->no_questions != NULL) {
        refuse_question(s, false);
        return;
    }
    s->handler->rows(s->user, lc_slice_eq(line, LC_LIT("ROWS|json")));
    say(s, "OK");
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
        lc_session_say(s, lc_dynbuf_slice(&text));
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
        say(s, "PONG");
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

    if (lc_session_room(s) != LC_OK)
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
