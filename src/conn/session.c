/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conn/session_impl.h"

#define LINGER_MS  30000 /* for a peer to read its last answers */
#define DRAIN_MS   3000
#define GOODBYE_MS 250   /* at a stop: for a peer that has read everything to close its side */
#define AT_ONCE    65536 /* octets that a socket mostly takes without waiting for the peer */

void lc_session_emit(struct lc_session *s)
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

/* Closing at once while the peer still sends would reset the connection and take our last answers
 * with it: so our side is shut first, and what comes is dropped until the peer ends. */
static void end(struct lc_session *s)
{
    int64_t ms = LINGER_MS;

    if (s->draining)
        ms = lc_stream_queued(s->stream) > AT_ONCE ? DRAIN_MS : GOODBYE_MS;
    if (s->eof) {
        s->state = LC_SESSION_CLOSED;
        lc_stream_close(s->stream, lc_session_after(s, ms));
        return;
    }
    s->state = LC_SESSION_ENDING;
    lc_stream_deadline(s->stream, lc_session_after(s, ms));
    lc_stream_shutdown(s->stream);
    if (s->paused) {
        s->paused = false;
        lc_stream_resume(s->stream);
    }
}

void lc_session_wait_for_request(struct lc_session *s)
{
    if (s->config->idle_ms > 0)
        lc_stream_deadline(s->stream, lc_session_after(s, s->config->idle_ms));
}

/* ---- input ---- */

static bool can_read(const struct lc_session *s)
{
    return s->state <= LC_SESSION_SPEAKING && s->stall == 0 && !s->quit;
}

/* One thing of the input. LC_EMORE, LC_EWAIT: nothing is spent. */
static lc_err step(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->state == LC_SESSION_DETECTING)
        return lc_session_detect(s, in, ret_used);
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
        lc_session_wait_for_request(s);
    lc_session_settle(s);
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
        lc_session_begin(s, LC_PROTO_LINES);
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
    lc_session_settle(s);
}

/* ---- going on ---- */

static bool is_owed_nothing(const struct lc_session *s)
{
    return lc_answers_is_empty(&s->answers) && !(s->stall & LC_STALL_BUSY) && !s->owes_stored;
}

/* After every call from outside: sends, and closes or pauses when it is time. */
void lc_session_settle(struct lc_session *s)
{
    lc_session_emit(s);
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

void lc_session_go_on(struct lc_session *s)
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
    lc_session_settle(s);
}

static void on_drain(void *user)
{
    struct lc_session *s = user;

    s->stall &= ~(unsigned)LC_STALL_OUTPUT;
    if (s->stall & LC_STALL_BUSY)
        s->handler->drained(s->user);
    lc_session_go_on(s);
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
    lc_session_emit(s);
    lc_session_go_on(s);
    return !lc_answers_is_empty(&s->answers);
}

void lc_session_retry(struct lc_session *s)
{
    s->stall &= ~(unsigned)LC_STALL_ROOM;
    lc_session_go_on(s);
}

/* ---- life ---- */

void lc_session_drain(struct lc_session *s)
{
    if (!s->eof) /* else only its rest is left, which is still taken */
        s->quit = true;
    s->draining = true;
    if (s->state < LC_SESSION_ENDING)
        lc_session_settle(s);
}

struct lc_stream *lc_session_stream(struct lc_session *s)
{
    return s->stream;
}

void lc_session_source(struct lc_session *s, struct lc_slice source)
{
    s->whence.source = source;
}

static const char *protocol_of(const void *user)
{
    const struct lc_session *s = user;

    return s->framing != NULL ? lc_protocol_name(s->protocol) : NULL;
}

lc_err lc_session_open(const struct lc_session_config *config,
                       const struct lc_session_handler *handler, void *user, int fd,
                       const struct lc_addr *peer, struct lc_session **ret)
{
    static const struct lc_stream_events events = {
        .on_data = on_data,
        .on_eof = on_eof,
        .on_drain = on_drain,
        .on_close = on_close,
        .protocol = protocol_of,
    };
    const struct lc_stream_config stream = {
        .in_max = lc_session_in_max(config),
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
    lc_timer_init(&s->detect_timer, lc_session_detect_timeout);
    lc_answers_init(&s->answers);
    lc_dynbuf_init(&s->rest, stream.in_max);
    e = lc_stream_open(config->loop, fd, peer, &stream, &events, s, &s->stream);
    if (e != LC_OK) {
        free(s);
        return e;
    }
    lc_session_wait_for_request(s);
    *ret = s;
    return LC_OK;
}
