/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/framing_packets.c - length-prefixed frames, and the packets of binary v1.
 */
#include <stdio.h>

#include "conn/session_impl.h"
#include "proto/binary1.h"
#include "proto/prefixed.h"

/* ---- length-prefixed frames: each holds a record or a line, each has one answer ---- */

/* Who writes lines into frames may write their ends too. */
static struct lc_slice without_line_end(struct lc_slice m)
{
    if (m.n > 0 && m.p[m.n - 1] == '\n')
        m.n--;
    if (m.n > 0 && m.p[m.n - 1] == '\r')
        m.n--;
    return m;
}

static lc_err take_prefixed(struct lc_session *s, struct lc_slice frame)
{
    struct lc_slice line = without_line_end(frame);
    enum lc_line_kind kind = lc_line_kind(line);
    lc_err e = kind == LC_LINE_EMPTY ? lc_session_room(s) : lc_session_line(s, kind, line, false);

    if (e != LC_OK)
        return e;
    if (kind == LC_LINE_EMPTY) {
        lc_count(&s->config->arrivals->counters->empty, 1);
        lc_session_complain(s, LC_ANSWER_FRAME, 0, 0, "the frame is empty");
    }
    lc_count(&s->config->arrivals->counters->frames, 1);
    return LC_OK;
}

static lc_err step_prefixed(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_slice frame;
    size_t used = 0, length = 0;
    lc_err e = lc_prefixed_next(in, &frame, &used, &length);

    if (e == LC_EMORE)
        return e;
    s->left = in.n - used;
    if (e == LC_OK) {
        e = take_prefixed(s, frame);
        if (e == LC_OK)
            *ret_used = used;
        return e;
    }
    if (lc_session_room(s) != LC_OK)
        return LC_EWAIT;
    if (e == LC_ELIMIT) {
        lc_session_too_long(s, LC_ANSWER_FRAME, "frame", LC_PREFIXED_MAX);
        s->skip = length;
        *ret_used = used;
        return LC_OK;
    }
    lc_session_complain(s, LC_ANSWER_FRAME, 0, 0, "no frame begins with this octet");
    lc_session_break(s, "a frame's length does not begin with 00");
    return LC_OK;
}

const struct lc_framing lc_framing_prefixed = {
    .counter = offsetof(struct lc_conn_counters, sessions_frames),
    .message_max = LC_PREFIXED_HEAD + LC_PREFIXED_MAX,
    .answer = LC_ANSWER_FRAME,
    .step = step_prefixed,
};

/* ---- binary v1 ---- */

static void refuse(struct lc_session *s, const struct lc_binary1 *packet, lc_counter *counter,
                   const char *reason)
{
    lc_count(counter, 1);
    lc_session_complain(s, LC_ANSWER_BINARY1, packet->command, packet->sequence, reason);
}

static lc_err take_log(struct lc_session *s, const struct lc_binary1 *packet)
{
    struct lc_arrival_context *ctx = s->config->arrivals;
    struct lc_binary1_log log;
    struct lc_arrival a;
    const char *reason;
    char code[8];

    if (s->config->no_records != NULL) {
        refuse(s, packet, &ctx->counters->not_granted, s->config->no_records);
        return LC_OK;
    }
    if (lc_binary1_log(packet->payload, &log, &reason) != LC_OK) {
        refuse(s, packet, &ctx->counters->malformed, reason);
        return LC_OK;
    }
    lc_arrival_begin(ctx, &s->whence, LC_ARRIVAL_BINARY1, &a);
    if (log.level < LC_LEVEL_COUNT) {
        a.record.level = (enum lc_level)log.level;
    } else if (log.level != LC_LEVEL_NONE) {
        int n = snprintf(code, sizeof code, "%u", (unsigned)log.level);

        a.unplaced.level_text = lc_slice(code, (size_t)n);
    }
    if (log.seconds != 0)
        a.record.time_ns = log.seconds * LC_NS_PER_S;
    a.record.message = log.message;
    return lc_session_store(s, &a, LC_ANSWER_BINARY1, packet->sequence);
}

static lc_err take_query(struct lc_session *s, const struct lc_binary1 *packet)
{
    const struct lc_query_request request = {
        .type = LC_QUERY_QL, .rows_only = true, .parameter = packet->payload};

    if (s->config->no_questions != NULL) {
        refuse(s, packet, &s->config->arrivals->counters->not_granted, s->config->no_questions);
        return LC_OK;
    }
    s->sequence = packet->sequence;
    return lc_session_ask(s, &request);
}

/* `STATS|name=value|...`, as the service tells it, becomes lines. */
static void say_stats(struct lc_session *s, const struct lc_binary1 *packet, struct lc_dynbuf *text)
{
    static const char prefix[] = "STATS|";
    uint8_t head[LC_BINARY1_ANSWER_HEAD];
    struct lc_dynbuf out;
    lc_err e;

    lc_dynbuf_consume(text, text->n < sizeof prefix - 1 ? text->n : sizeof prefix - 1);
    for (size_t i = 0; i < text->n; i++) {
        if (text->p[i] == '|')
            text->p[i] = '\n';
    }
    if (text->n > LC_BINARY1_TEXT_MAX)
        text->n = LC_BINARY1_TEXT_MAX;
    lc_binary1_answer(packet->command, packet->sequence, LC_BINARY1_DONE, text->n, head);
    lc_dynbuf_init(&out, LC_BINARY1_MAX);
    e = lc_dynbuf_append(&out, lc_slice(head, sizeof head));
    if (e == LC_OK)
        e = lc_dynbuf_append(&out, lc_dynbuf_slice(text));
    if (e == LC_OK)
        lc_session_say(s, lc_dynbuf_slice(&out));
    else
        lc_session_complain(s, LC_ANSWER_BINARY1, packet->command, packet->sequence, "no memory");
    lc_dynbuf_done(&out);
}

static void take_stats(struct lc_session *s, const struct lc_binary1 *packet)
{
    struct lc_dynbuf text;

    if (s->config->no_questions != NULL) {
        refuse(s, packet, &s->config->arrivals->counters->not_granted, s->config->no_questions);
        return;
    }
    lc_dynbuf_init(&text, LC_BINARY1_MAX);
    if (s->handler->stats(s->user, &text) == LC_OK)
        say_stats(s, packet, &text);
    else
        lc_session_complain(s, LC_ANSWER_BINARY1, packet->command, packet->sequence, "no memory");
    lc_dynbuf_done(&text);
}

static lc_err take_packet(struct lc_session *s, const struct lc_binary1 *packet)
{
    uint8_t head[LC_BINARY1_ANSWER_HEAD];

    switch (packet->command) {
    case LC_BINARY1_LOG:
        return take_log(s, packet);
    case LC_BINARY1_QUERY:
        return take_query(s, packet);
    case LC_BINARY1_PING:
        lc_binary1_answer(packet->command, packet->sequence, LC_BINARY1_DONE, 0, head);
        lc_session_say(s, lc_slice(head, sizeof head));
        break;
    case LC_BINARY1_STATS:
        take_stats(s, packet);
        break;
    default:
        refuse(s, packet, &s->config->arrivals->counters->malformed,
               "unknown command: there are 1 LOG, 2 QUERY, 3 PING, 4 STATS");
        break;
    }
    return LC_OK;
}

static lc_err step_binary1(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_binary1 packet;
    size_t used = 0;
    lc_err e = lc_binary1_next(in, &packet, &used);

    if (e == LC_EMORE)
        return e;
    if (lc_session_room(s) != LC_OK)
        return LC_EWAIT;
    s->left = in.n - used;
    if (e != LC_OK) {
        lc_session_complain(s, LC_ANSWER_BINARY1, packet.command, packet.sequence,
                            "the version is not 1");
        lc_session_break(s, "a packet of binary v1 does not begin with 01");
        return LC_OK;
    }
    e = take_packet(s, &packet);
    if (e == LC_OK)
        *ret_used = used;
    return e;
}

const struct lc_framing lc_framing_binary1 = {
    .counter = offsetof(struct lc_conn_counters, sessions_binary1),
    .message_max = LC_BINARY1_MAX,
    .answer = LC_ANSWER_BINARY1,
    .step = step_binary1,
};
