/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/session_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conn/refuse.h"

#define DETECT_MS   10000 /* docs/protocols.md, "Which protocol?" */
#define LINGER_MS   30000 /* for a peer to read its last answers */
#define DRAIN_MS    3000
#define GOODBYE_MS  250   /* at a stop: for a peer that has read everything to close its side */
#define AT_ONCE     65536 /* octets that a socket mostly takes without waiting for the peer */
#define BUSY_IN_MAX 16384 /* input kept while a question is answered */

static void settle(struct lc_session *s);

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

static void refuse_protocol(struct lc_session *s)
{
    lc_count(&s->config->arrivals->counters->not_spoken, 1);
    if (lc_refuse(s->protocol, s->config->not_spoken, s->config->out) != LC_OK)
        lc_session_abort(s);
    s->quit = true;
}

/* ---- input ---- */

static bool can_read(const struct lc_session *s)
{
    return s->state <= LC_SESSION_SPEAKING && s->stall == 0 && !s->quit;
}

static lc_err detect(struct lc_session *s, struct lc_slice in)
{
    lc_err e = lc_detect(in, s->config->speaks, &s->protocol);

    if (e == LC_EMORE && in.n < LC_DETECT_MAX) {
        /* Without memory for the timer only the deadline is lost. */
        if (!s->timer_set &&
            lc_timer_set(s->config->loop, &s->detect_timer, from_now(s, DETECT_MS)) == LC_OK)
            s->timer_set = true;
        return LC_EMORE;
    }
    if (e != LC_OK)
        s->protocol = LC_PROTO_LINES;
    if (s->timer_set)
        lc_timer_cancel(s->config->loop, &s->detect_timer);
    s->timer_set = false;
    s->state = LC_SESSION_SPEAKING;
    if (!(s->config->speaks & LC_SPEAKS(s->protocol)))
        refuse_protocol(s);
    return LC_OK;
}

static void detect_timeout(struct lc_timer *timer)
{
    struct lc_session *s = LC_CONTAINER(timer, struct lc_session, detect_timer);

    /* What has come is the beginning of a line: it is handled when its end comes. */
    s->timer_set = false;
    s->protocol = LC_PROTO_LINES;
    s->state = LC_SESSION_SPEAKING;
}

static lc_err next_line(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_slice line;
    size_t used;
    lc_err e = lc_line_next(in, s->config->line_max, &s->scanned, &line, &used);

    if (e == LC_EMORE)
        return e;

    bool cut = e == LC_ELIMIT;

    s->left = in.n - used;
    e = lc_session_line(s, lc_line_kind(line), line, cut);
    if (e != LC_OK)
        return e;
    s->skip_line = cut;
    *ret_used = used;
    return LC_OK;
}

/* Some senders count the line's end or a NUL with the message. */
static struct lc_slice without_end(struct lc_slice m)
{
    while (m.n > 0 && (m.p[m.n - 1] == '\n' || m.p[m.n - 1] == '\r' || m.p[m.n - 1] == 0))
        m.n--;
    return m;
}

static lc_err take_frame(struct lc_session *s, struct lc_slice message, bool cut)
{
    message = without_end(message);

    enum lc_line_kind kind = lc_line_kind(message);

    /* A frame is a message, whatever it looks like. */
    if (kind != LC_LINE_EMPTY && kind != LC_LINE_SYSLOG)
        kind = LC_LINE_PLAIN;
    return lc_session_line(s, kind, message, cut);
}

static lc_err next_frame(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    size_t limit = s->config->line_max;
    struct lc_slice message;
    size_t used, length;
    lc_err e = lc_syslog_frame(in, limit, &message, &used, &length);
    bool cut = e == LC_ELIMIT;

    if (e == LC_ESYNTAX)
        return next_line(s, in, ret_used); /* the next line's end is where we may find back */
    if (e == LC_EMORE || (cut && in.n - used < limit))
        return LC_EMORE;
    if (cut) {
        message = lc_slice(in.p + used, limit);
        used += limit;
    }
    s->left = in.n - used;
    e = take_frame(s, message, cut);
    if (e != LC_OK)
        return e;
    s->skip = cut ? length - limit : 0;
    *ret_used = used;
    return LC_OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 6587 lets a sender change its framing; a plain line may begin with a number too. */
static lc_err maybe_counted(struct lc_session *s, struct lc_slice in)
{
    enum lc_protocol p;
    lc_err e = lc_detect(in, LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED), &p);

    if (e == LC_OK && p == LC_PROTO_SYSLOG_COUNTED)
        s->protocol = p;
    return e;
}

static lc_err skip_octets(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    *ret_used = s->skip < in.n ? s->skip : in.n;
    s->skip -= *ret_used;
    return LC_OK;
}

static lc_err skip_to_line_end(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (lc_line_skip(in, ret_used) == LC_OK)
        s->skip_line = false;
    else
        *ret_used = in.n;
    return LC_OK;
}

/* One thing of the input. LC_EMORE, LC_EWAIT: nothing is spent. */
static lc_err step(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->state == LC_SESSION_DETECTING)
        return detect(s, in);
    if (s->skip > 0)
        return skip_octets(s, in, ret_used);
    if (s->skip_line)
        return skip_to_line_end(s, in, ret_used);
    if (is_digit(in.p[0]) && s->scanned == 0) {
        if (s->protocol == LC_PROTO_LINES && s->syslog_seen) {
            lc_err e = maybe_counted(s, in);

            if (e != LC_OK)
                return e;
        }
        if (s->protocol == LC_PROTO_SYSLOG_COUNTED)
            return next_frame(s, in, ret_used);
    }
    return next_line(s, in, ret_used);
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

/* While a question is answered, a line that has come ends a tail; also one that is too long, or
 * whose end we shall not see since no more input is kept. */
static void look_for_interruption(struct lc_session *s, struct lc_slice in)
{
    bool has_all = in.n < BUSY_IN_MAX;
    struct lc_slice line;
    size_t scanned = 0, used;
    lc_err e;

    while ((e = lc_line_next(in, s->config->line_max, &scanned, &line, &used)) == LC_OK &&
           lc_line_kind(line) == LC_LINE_EMPTY)
        in = lc_slice_from(in, used);
    if (e != LC_EMORE || !has_all)
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
        look_for_interruption(s, lc_slice_from(in, spent));
    else if (spent > 0)
        wait_for_request(s);
    settle(s);
    return spent;
}

/* ---- the end of input ---- */

/* A last line without its end; a frame that was cut off keeps what came of it. */
static lc_err take_last(struct lc_session *s, struct lc_slice left)
{
    struct lc_slice count;

    s->left = 0;
    if (s->skip > 0 || s->skip_line)
        return LC_OK;
    if (s->protocol == LC_PROTO_SYSLOG_COUNTED && is_digit(left.p[0]) &&
        lc_slice_cut(&left, ' ', &count))
        return take_frame(s, left, true);
    if (left.p[left.n - 1] == '\r')
        left.n--;
    return lc_session_line(s, lc_line_kind(left), left, false);
}

/* Returns the octets of the rest that are done with. */
static size_t feed_rest(struct lc_session *s, struct lc_slice rest)
{
    size_t spent = feed(s, rest);

    if (spent < rest.n && can_read(s)) {
        if (s->state == LC_SESSION_DETECTING)
            s->protocol = LC_PROTO_LINES;
        s->state = LC_SESSION_SPEAKING;
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
    lc_session_emit(s);
    if (s->state >= LC_SESSION_ENDING)
        return;
    if ((s->quit || (s->eof && s->rest.n == 0)) && is_owed_nothing(s)) {
        end(s);
        return;
    }
    /* During a question we keep receiving a little, to notice that the peer is gone. */
    bool pause = (s->stall & ~(unsigned)LC_STALL_BUSY) != 0 || s->left >= BUSY_IN_MAX;

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
    lc_session_emit(s);
    go_on(s);
    return lc_session_is_waiting(s);
}

void lc_session_retry(struct lc_session *s)
{
    s->stall &= ~(unsigned)LC_STALL_ROOM;
    go_on(s);
}

void lc_session_done(struct lc_session *s, bool last)
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
    s->source = source;
}

lc_err lc_session_open(const struct lc_session_config *config,
                       const struct lc_session_handler *handler, void *user, int fd,
                       const struct lc_addr *peer, struct lc_session **ret)
{
    static const struct lc_stream_events events = {on_data, on_eof, on_drain, on_close};
    const struct lc_stream_config stream = {
        .in_max = config->line_max + 4096, /* a line and its end; a frame and its count */
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
