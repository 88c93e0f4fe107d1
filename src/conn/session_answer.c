/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session_answer.c - what a session says: answers about records and commands, in order, and
 * answers to questions, which have the stream for themselves.
 */
#include "conn/session_impl.h"
#include "proto/binary1.h"

/* ---- records and commands ---- */

lc_err lc_session_room(struct lc_session *s)
{
    lc_err e = lc_answers_room(&s->answers);

    if (e == LC_OK)
        return LC_OK;
    if (e == LC_EWAIT)
        s->stall |= LC_STALL_ANSWERS;
    else
        lc_session_abort(s);
    return LC_EWAIT;
}

lc_err lc_session_keep(struct lc_session *s, const struct lc_arrival *a, uint64_t *ret_id,
                       const char **ret_reason)
{
    const char *reason = s->handler->refuses != NULL ? s->handler->refuses(s->user, a) : NULL;
    lc_err e = reason != NULL ? LC_EPROTO : s->handler->record(s->user, a, ret_id);

    *ret_reason = reason != NULL ? reason : LC_ANSWER_FULL;
    if (e == LC_EWAIT)
        s->stall |= LC_STALL_ROOM;
    else
        lc_arrival_count(s->config->arrivals, a);
    return e;
}

lc_err lc_session_store(struct lc_session *s, struct lc_arrival *a, enum lc_answer_kind answer,
                        uint32_t sequence)
{
    const char *reason;
    uint64_t id;
    lc_err e;

    a->owed = answer != LC_ANSWER_SILENT;
    /* A plain line whose sender goes on at once is part of a stream: nobody waits for it. */
    a->answered =
        a->owed && (answer != LC_ANSWER_PLAIN || s->config->acks == LC_ACKS_ON || s->left == 0);
    e = lc_session_keep(s, a, &id, &reason);
    if (e == LC_EWAIT)
        return e;
    if (e != LC_OK)
        lc_session_complain(s, answer, LC_BINARY1_LOG, sequence, reason);
    else if (a->owed)
        lc_answers_wait(&s->answers, answer, sequence, id);
    return LC_OK;
}

void lc_session_say(struct lc_session *s, struct lc_slice text)
{
    if (text.n > 0 && lc_answers_say(&s->answers, text, s->config->out) != LC_OK)
        lc_session_abort(s); /* a peer must not take the next answer for this one */
}

void lc_session_complain(struct lc_session *s, enum lc_answer_kind kind, uint8_t command,
                         uint32_t sequence, const char *reason)
{
    char text[512];

    lc_session_say(
        s, lc_slice(text, lc_answer_error(kind, command, sequence, reason, text, sizeof text)));
}

lc_err lc_session_ask(struct lc_session *s, const struct lc_query_request *request)
{
    if (!lc_answers_is_empty(&s->answers)) {
        s->stall |= LC_STALL_ANSWERS; /* rows don't wait in line: the question does */
        return LC_EWAIT;
    }
    s->stall |= LC_STALL_BUSY;
    lc_stream_deadline(s->stream, LC_TIME_NEVER);
    lc_session_emit(s);
    s->handler->question(s->user, request);
    return LC_OK;
}

void lc_session_break(struct lc_session *s, const char *what)
{
    lc_count(&s->config->arrivals->counters->broken, 1);
    s->quit = true;
    s->handler->broken(s->user, what);
}

/* ---- questions ---- */

/* Binary v1: parts that fit into a packet, each but the last with MORE. */
static lc_err reply_packets(struct lc_session *s, struct lc_slice text, enum lc_binary1_status end,
                            size_t *ret_sent)
{
    uint8_t head[LC_BINARY1_ANSWER_HEAD];
    size_t sent = 0;
    lc_err e = LC_OK;

    do {
        struct lc_slice part = text;
        enum lc_binary1_status status = end;

        if (part.n > LC_BINARY1_TEXT_MAX) {
            part.n = LC_BINARY1_TEXT_MAX;
            status = LC_BINARY1_MORE;
        }
        lc_binary1_answer(LC_BINARY1_QUERY, s->sequence, status, part.n, head);
        e = lc_stream_write(s->stream, lc_slice(head, sizeof head));
        if (e == LC_OK && part.n > 0)
            e = lc_stream_write(s->stream, part);
        sent += sizeof head + part.n;
        text = lc_slice_from(text, part.n);
    } while (e == LC_OK && text.n > 0);
    if (e == LC_OK)
        *ret_sent = sent;
    return e;
}

lc_err lc_session_reply(struct lc_session *s, struct lc_slice text, size_t *ret_sent)
{
    lc_err e;

    if (s->protocol == LC_PROTO_BINARY_V1)
        return reply_packets(s, text, LC_BINARY1_MORE, ret_sent);
    e = lc_stream_write(s->stream, text);
    if (e == LC_OK)
        *ret_sent = text.n;
    return e;
}

lc_err lc_session_reply_buf(struct lc_session *s, struct lc_buf *buf, size_t *ret_sent)
{
    lc_err e;

    if (s->protocol == LC_PROTO_BINARY_V1)
        return reply_packets(s, lc_buf_slice(buf), LC_BINARY1_MORE, ret_sent);
    e = lc_stream_send(s->stream, buf);
    if (e == LC_OK)
        *ret_sent = buf->n;
    return e;
}

static void end_question(struct lc_session *s, bool last)
{
    s->stall &= ~(unsigned)LC_STALL_BUSY;
    if (s->state >= LC_SESSION_ENDING)
        return;
    if (lc_stream_is_full(s->stream))
        s->stall |= LC_STALL_OUTPUT;
    if (last && s->rest.n == 0)
        lc_session_answered_v1(s);
    lc_session_wait_for_request(s);
    lc_session_go_on(s);
}

void lc_session_done(struct lc_session *s, bool last)
{
    size_t sent;

    if (s->protocol == LC_PROTO_BINARY_V1 && s->state < LC_SESSION_ENDING &&
        reply_packets(s, LC_LIT(""), LC_BINARY1_DONE, &sent) != LC_OK)
        lc_session_abort(s);
    end_question(s, last);
}

void lc_session_fail(struct lc_session *s, bool v1, const char *reason)
{
    enum lc_answer_kind kind = v1 ? LC_ANSWER_V1 : LC_ANSWER_V2;
    char text[512];
    size_t n;

    if (s->protocol == LC_PROTO_BINARY_V1)
        kind = LC_ANSWER_BINARY1;
    n = lc_answer_error(kind, LC_BINARY1_QUERY, s->sequence, reason, text, sizeof text);
    if (s->state < LC_SESSION_ENDING && lc_stream_write(s->stream, lc_slice(text, n)) != LC_OK)
        lc_session_abort(s);
    end_question(s, v1);
}
