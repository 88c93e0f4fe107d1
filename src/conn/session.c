/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conn/refuse.h"
#include "conn/session_impl.h"
#include "proto/binary1.h"
#include "proto/proxy.h"

#define DETECT_MS  10000 /* docs/protocols.md, "Which protocol?" */
#define LINGER_MS  30000 /* for a peer to read its last answers */
#define DRAIN_MS   3000
#define GOODBYE_MS 250   /* at a stop: for a peer that has read everything to close its side */
#define AT_ONCE    65536 /* octets that a socket mostly takes without waiting for the peer */

/* What stands in `speaks` of some service has its row here. */
static const struct lc_framing *const framings[LC_PROTO_COUNT] = {
    [LC_PROTO_LINES] = &lc_framing_lines,
    [LC_PROTO_SYSLOG_COUNTED] = &lc_framing_counted,
    [LC_PROTO_FRAMES] = &lc_framing_prefixed,
    [LC_PROTO_BINARY_V1] = &lc_framing_binary1,
};

static void settle(struct lc_session *s);

static void emit(struct lc_session *s)
{
    struct lc_dynbuf *out = s->config->out;

    if (out->n > 0 && s->state < LC_SESSION_CLOSED) {
        if (lc_stream_write(s->stream, lc_dynbuf_slice(out)) == LC_ELIMIT)
            lc_session_abort(s);
        else if (lc_stream_is_full(s->stream))
            s->stall |= LC_STALL_OUTPUT;
    }
    lc_dynbuf_consume(out, out->n);
}

/* ---- closing ---- */

void lc_session_abort(struct lc_session *s)
{
    if (s->state == LC_SESSION_CLOSED)
        return;
    s->state = LC_SESSION_CLOSED;
    lc_stream_close(s->stream, (struct lc_time){0});
}

static struct lc_time from_now(const struct lc_session *s, int64_t ms)
{
    return lc_time_add_ms(lc_loop_now(s->config->loop), ms);
}

/* Closing at once while the peer still sends would reset the connection and take our last answers
 * with it: so our side is shut first, and what comes is dropped until the peer ends. */
static void end(struct lc_session *s)
{
    int64_t ms = LINGER_MS;

    if (s->draining)
        ms = lc_stream_queued(s->stream) > AT_ONCE ? DRAIN_MS : GOODBYE_MS;
    if (s->eof) {
        s->state = LC_SESSION_CLOSED;
        lc_stream_close(s->stream, from_now(s, ms));
        return;
    }
    s->state = LC_SESSION_ENDING;
    lc_stream_deadline(s->stream, from_now(s, ms));
    lc_stream_shutdown(s->stream);
    if (s->paused) {
        s->paused = false;
        lc_stream_resume(s->stream);
    }
}

static void wait_for_request(struct lc_session *s)
{
    if (s->config->idle_ms > 0)
        lc_stream_deadline(s->stream, from_now(s, s->config->idle_ms));
}

/* ---- for framings ---- */

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

lc_err lc_session_keep(struct lc_session *s, const struct lc_arrival *a, uint64_t *ret_id)
{
    lc_err e = s->handler->record(s->user, a, ret_id);

    if (e == LC_EWAIT)
        s->stall |= LC_STALL_ROOM;
    else
        lc_arrival_count(s->config->arrivals, a);
    return e;
}

lc_err lc_session_store(struct lc_session *s, struct lc_arrival *a, enum lc_answer_kind answer,
                        uint32_t sequence)
{
    char refusal[LC_ANSWER_MAX];
    uint64_t id;
    lc_err e;

    a->owed = answer != LC_ANSWER_SILENT;
    /* A plain line whose sender goes on at once is part of a stream: nobody waits for it. */
    a->answered =
        a->owed && (answer != LC_ANSWER_PLAIN || s->config->acks == LC_ACKS_ON || s->left == 0);
    e = lc_session_keep(s, a, &id);
    if (e == LC_EWAIT)
        return e;
    if (e != LC_OK)
        lc_session_say(s, lc_slice(refusal, lc_answer_refusal(answer, sequence, refusal)));
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
    emit(s);
    s->handler->question(s->user, request);
    return LC_OK;
}

void lc_session_break(struct lc_session *s, const char *what)
{
    lc_count(&s->config->arrivals->counters->broken, 1);
    s->quit = true;
    s->handler->broken(s->user, what);
}

/* ---- which protocol ---- */

static bool can_read(const struct lc_session *s)
{
    return s->state <= LC_SESSION_SPEAKING && s->stall == 0 && !s->quit;
}

static void refuse(struct lc_session *s, const char *why)
{
    if (lc_refuse(s->protocol, why, s->config->out) != LC_OK)
        lc_session_abort(s);
    s->quit = true;
}

static void refuse_protocol(struct lc_session *s)
{
    lc_count(&s->config->arrivals->counters->not_spoken, 1);
    refuse(s, s->protocol == LC_PROTO_PROXY
                  ? "the PROXY protocol is taken from trusted proxies only; this address is none"
                  : s->config->not_spoken);
}

static void begin(struct lc_session *s, enum lc_protocol protocol)
{
    char *counters = (char *)s->config->arrivals->counters;

    if (s->timer_set)
        lc_timer_cancel(s->config->loop, &s->detect_timer);
    s->timer_set = false;
    s->protocol = protocol;
    s->state = LC_SESSION_SPEAKING;
    if (!(s->config->speaks & LC_SPEAKS(protocol))) {
        refuse_protocol(s);
    } else {
        s->framing = framings[protocol];
        lc_count((lc_counter *)(void *)(counters + s->framing->counter), 1);
    }
}

static lc_err wait_for_more(struct lc_session *s)
{
    /* Without memory for the timer only the deadline is lost. */
    if (!s->timer_set &&
        lc_timer_set(s->config->loop, &s->detect_timer, from_now(s, DETECT_MS)) == LC_OK)
        s->timer_set = true;
    return LC_EMORE;
}

/* A proxy that is believed speaks first of its client; then it is decided again. */
static lc_err take_proxy(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_proxied p;
    struct lc_addr client;
    lc_err e = lc_proxy_decode(in, &p, ret_used);

    if (e == LC_EMORE)
        return wait_for_more(s);
    s->trusted = false;
    if (e == LC_OK) {
        lc_count(&s->config->arrivals->counters->proxied, 1);
        if (p.n == 0)
            return LC_OK; /* the proxy speaks for itself */
        lc_addr_from_ip(p.octets, p.n, p.port, &client);
        if (!s->handler->proxied(s->user, &client))
            lc_session_abort(s);
        return LC_OK;
    }
    if (lc_proxy_begins(in) != LC_OK)
        return LC_OK; /* no header: it is a peer like others */
    s->protocol = LC_PROTO_PROXY;
    refuse(s, "the PROXY header is not well-formed");
    lc_session_break(s, "the PROXY header is not well-formed");
    return LC_OK;
}

static lc_err detect(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    enum lc_protocol protocol = LC_PROTO_LINES;

    if (s->trusted)
        return take_proxy(s, in, ret_used);
    if (lc_detect(in, s->config->speaks, &protocol) == LC_EMORE)
        return wait_for_more(s);
    begin(s, protocol);
    return LC_OK;
}

static void detect_timeout(struct lc_timer *timer)
{
    struct lc_session *s = LC_CONTAINER(timer, struct lc_session, detect_timer);

    /* What has come is the beginning of a line: it is handled when its end comes. */
    s->timer_set = false;
    begin(s, LC_PROTO_LINES);
    settle(s);
}

/* ---- input ---- */

/* One thing of the input. LC_EMORE, LC_EWAIT: nothing is spent. */
static lc_err step(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->state == LC_SESSION_DETECTING)
        return detect(s, in, ret_used);
    if (s->skip > 0) {
        *ret_used = s->skip < in.n ? s->skip : in.n;
        s->skip -= *ret_used;
        return LC_OK;
    }
    return s->framing->step(s, in, ret_used);
}

/* Handles what can be handled; returns the octets spent. */
static size_t feed(struct lc_session *s, struct lc_slice in)
{
    size_t spent = 0;
    lc_err e = LC_OK;

    s->feeding = true;
    while (e == LC_OK && spent < in.n && can_read(s)) {
        size_t used = 0;

        e = step(s, lc_slice_from(in, spent), &used);
        spent += used;
    }
    s->feeding = false;
    if (e == LC_EWAIT)
        s->scanned = 0;
    if (s->state >= LC_SESSION_ENDING || s->quit)
        spent = in.n;
    s->left = in.n - spent;
    return spent;
}

static void interrupt(struct lc_session *s, struct lc_slice in)
{
    if (s->framing->interrupts != NULL && s->framing->interrupts(s, in))
        s->handler->interrupted(s->user);
}

static size_t on_data(void *user, struct lc_slice in)
{
    struct lc_session *s = user;

    if (s->state >= LC_SESSION_ENDING || s->quit)
        return in.n;
    lc_arrival_now(s->config->arrivals);

    size_t spent = feed(s, in);

    if (s->stall & LC_STALL_BUSY)
        interrupt(s, lc_slice_from(in, spent));
    else if (spent > 0)
        wait_for_request(s);
    settle(s);
    return spent;
}

/* ---- the end of input ---- */

static lc_err take_last(struct lc_session *s, struct lc_slice left)
{
    s->left = 0;
    if (s->skip > 0)
        return LC_OK;
    if (s->framing->last != NULL)
        return s->framing->last(s, left);
    lc_count(&s->config->arrivals->counters->broken_off, 1);
    return LC_OK;
}

/* Returns the octets of the rest that are done with. */
static size_t feed_rest(struct lc_session *s, struct lc_slice rest)
{
    size_t spent = feed(s, rest);

    if (spent < rest.n && can_read(s) && s->state == LC_SESSION_DETECTING)
        begin(s, LC_PROTO_LINES);
    if (spent < rest.n && can_read(s)) {
        s->feeding = true;
        if (take_last(s, lc_slice_from(rest, spent)) == LC_OK)
            spent = rest.n;
        s->feeding = false;
    }
    return spent;
}

static void on_eof(void *user, struct lc_slice rest)
{
    struct lc_session *s = user;

    s->eof = true;
    if (s->state == LC_SESSION_ENDING) {
        end(s);
        return;
    }
    if (s->state == LC_SESSION_CLOSED)
        return;
    if (s->stall & LC_STALL_BUSY)
        s->handler->peer_ended(s->user);
    lc_arrival_now(s->config->arrivals);

    size_t spent = feed_rest(s, rest);

    if (lc_dynbuf_append(&s->rest, lc_slice_from(rest, spent)) != LC_OK)
        lc_session_abort(s);
    settle(s);
}

/* ---- going on ---- */

static bool is_owed_nothing(const struct lc_session *s)
{
    return lc_answers_is_empty(&s->answers) && !(s->stall & LC_STALL_BUSY);
}

/* After every call from outside: sends, and closes or pauses when it is time. */
static void settle(struct lc_session *s)
{
    emit(s);
    if (s->state >= LC_SESSION_ENDING)
        return;
    if ((s->quit || (s->eof && s->rest.n == 0)) && is_owed_nothing(s)) {
        end(s);
        return;
    }
    /* During a question we keep receiving a little, to notice that the peer is gone. */
    bool pause = (s->stall & ~(unsigned)LC_STALL_BUSY) != 0 || s->left >= LC_BUSY_IN_MAX;

    if (pause && s->stall != 0 && !s->paused && !s->eof) {
        s->paused = true;
        lc_stream_pause(s->stream);
    }
}

static void go_on(struct lc_session *s)
{
    if (s->feeding || s->state >= LC_SESSION_ENDING)
        return;
    if (s->stall == 0 && s->eof && s->rest.n > 0) {
        lc_arrival_now(s->config->arrivals);
        lc_dynbuf_consume(&s->rest, feed_rest(s, lc_dynbuf_slice(&s->rest)));
    } else if (s->stall == 0 && !s->eof && (s->paused || s->left > 0)) {
        if (!s->paused)
            lc_stream_pause(s->stream); /* so that what was kept comes again */
        s->paused = false;
        lc_stream_resume(s->stream);
    }
    settle(s);
}

static void on_drain(void *user)
{
    struct lc_session *s = user;

    s->stall &= ~(unsigned)LC_STALL_OUTPUT;
    if (s->stall & LC_STALL_BUSY)
        s->handler->drained(s->user);
    go_on(s);
}

static void on_close(void *user, lc_err why)
{
    struct lc_session *s = user;

    s->state = LC_SESSION_CLOSED;
    if (s->timer_set)
        lc_timer_cancel(s->config->loop, &s->detect_timer);
    s->handler->closed(s->user, why);
    lc_answers_done(&s->answers);
    lc_dynbuf_done(&s->rest);
    free(s);
}

bool lc_session_is_waiting(const struct lc_session *s)
{
    return !lc_answers_is_empty(&s->answers);
}

bool lc_session_outcome(struct lc_session *s, uint64_t upto, lc_err outcome)
{
    struct lc_answer_mood mood = {
        .acks = s->config->acks,
        .quiet = s->left == 0 && s->rest.n == 0,
        .piling = lc_stream_queued(s->stream) > 0,
    };

    if (s->state >= LC_SESSION_ENDING)
        return false;
    if (lc_answers_outcome(&s->answers, upto, outcome, &mood, s->config->out) != LC_OK)
        lc_session_abort(s);
    if (lc_answers_room(&s->answers) == LC_OK)
        s->stall &= ~(unsigned)LC_STALL_ANSWERS;
    emit(s);
    go_on(s);
    return lc_session_is_waiting(s);
}

void lc_session_retry(struct lc_session *s)
{
    s->stall &= ~(unsigned)LC_STALL_ROOM;
    go_on(s);
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
    wait_for_request(s);
    go_on(s);
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

/* ---- life ---- */

void lc_session_drain(struct lc_session *s)
{
    if (!s->eof) /* else only its rest is left, which is still taken */
        s->quit = true;
    s->draining = true;
    if (s->state < LC_SESSION_ENDING)
        settle(s);
}

struct lc_stream *lc_session_stream(struct lc_session *s)
{
    return s->stream;
}

void lc_session_source(struct lc_session *s, struct lc_slice source)
{
    s->whence.source = source;
}

/* The longest message of what is spoken. */
static size_t in_max(const struct lc_session_config *config)
{
    size_t max = config->line_max + 4096; /* a line and its end; a frame and its count */

    for (unsigned p = 0; p < LC_PROTO_COUNT; p++) {
        if ((config->speaks & LC_SPEAKS(p)) && framings[p]->message_max > max)
            max = framings[p]->message_max;
    }
    return max;
}

lc_err lc_session_open(const struct lc_session_config *config,
                       const struct lc_session_handler *handler, void *user, int fd,
                       const struct lc_addr *peer, struct lc_session **ret)
{
    static const struct lc_stream_events events = {on_data, on_eof, on_drain, on_close};
    const struct lc_stream_config stream = {
        .in_max = in_max(config),
        .out_high = config->out_high,
        .out_max = config->out_max,
    };
    struct lc_session *s = calloc(1, sizeof *s);
    lc_err e;

    LC_ASSERT(config->line_max <= LC_SESSION_LINE_MAX);
    if (s == NULL) {
        close(fd);
        return -ENOMEM;
    }
    s->config = config;
    s->handler = handler;
    s->user = user;
    s->whence.space = config->space;
    s->trusted = handler->trusted != NULL && handler->trusted(user, peer);
    lc_timer_init(&s->detect_timer, detect_timeout);
    lc_answers_init(&s->answers);
    lc_dynbuf_init(&s->rest, stream.in_max);
    e = lc_stream_open(config->loop, fd, peer, &stream, &events, s, &s->stream);
    if (e != LC_OK) {
        free(s);
        return e;
    }
    wait_for_request(s);
    *ret = s;
    return LC_OK;
}
