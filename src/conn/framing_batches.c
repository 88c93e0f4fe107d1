/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/framing_batches.c - binary v2: HELLO, then batches of records, which are answered by how far
 * the sender has come (proto/batch.h).
 */
#include "conn/session_impl.h"

static void say_error(struct lc_session *s, uint64_t sequence, enum lc_batch_error code,
                      const char *text)
{
    if (lc_batch_put_error(s->config->out, sequence, code, text) != LC_OK)
        lc_session_abort(s);
}

/* The peer breaks its protocol: told, and closed when what it is owed has been answered. */
static void break_off(struct lc_session *s, uint64_t sequence, enum lc_batch_error code,
                      const char *what)
{
    say_error(s, sequence, code, what);
    lc_session_break(s, what);
}

static void refuse_until_hello(struct lc_session *s, uint64_t sequence)
{
    s->welcomed = false;
    s->was_full = true;
    say_error(s, sequence, LC_BATCH_ERROR_FULL, NULL);
}

static void take_hello(struct lc_session *s, const struct lc_batch_message *m)
{
    struct lc_batch_hello hello;

    if (lc_batch_read_hello(m->payload, &hello) != LC_OK) {
        break_off(s, m->sequence, LC_BATCH_ERROR_MALFORMED, "HELLO is not well-formed");
        return;
    }
    s->message = m->sequence;
    s->welcomed = false;
    s->stall |= LC_STALL_HELLO;
    s->handler->hello(s->user, &hello);
}

/* ---- batches ---- */

/* What the sender says of a record is as it was where it first came in. */
static void fill(struct lc_session *s, const struct lc_record *r, struct lc_arrival *ret)
{
    struct lc_record *to = &ret->record;

    lc_arrival_begin(s->config->arrivals, &s->whence, LC_ARRIVAL_BINARY2, ret);
    to->time_ns = r->time_ns;
    to->level = r->level;
    if (r->stream.space.n > 0)
        to->stream.space = r->stream.space;
    to->stream.host = r->stream.host;
    to->stream.app = r->stream.app;
    to->stream.facility = r->stream.facility;
    to->pid = r->pid;
    if (r->source.n > 0)
        to->source = r->source;
    to->message = r->message;
    to->fields = r->fields;
    to->field_count = r->field_count;
    ret->owed = ret->answered = true;
}

/* The records that were not taken before. LC_EEND: all are; LC_ESYNTAX, or as batched(). */
static lc_err take_records(struct lc_session *s, const struct lc_batch_message *m,
                           struct lc_batch_reader *reader)
{
    bool doubted = (m->flags & LC_BATCH_DOUBTED) != 0;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record record;
    uint64_t sequence;
    lc_err e;

    for (size_t i = 0; (e = lc_batch_next(reader, fields, &record, &sequence)) == LC_OK; i++) {
        struct lc_arrival a;

        if (i < s->taken)
            continue;
        fill(s, &record, &a);
        e = s->handler->batched(s->user, &a, sequence, doubted);
        if (e != LC_OK)
            break;
        lc_arrival_count(s->config->arrivals, &a);
        s->taken++;
        s->owes_stored = true;
    }
    return e;
}

/* LC_EWAIT: it is to come again. */
static lc_err finish_batch(struct lc_session *s, const struct lc_batch_message *m, lc_err e)
{
    switch (e) {
    case LC_EEND:
        lc_count(&s->config->arrivals->counters->batches, 1);
        break;
    case LC_EWAIT:
        s->stall |= LC_STALL_ROOM;
        return e;
    case LC_ESYNTAX:
        lc_count(&s->config->arrivals->counters->malformed, 1);
        break_off(s, m->sequence, LC_BATCH_ERROR_MALFORMED, "a BATCH is not well-formed");
        break;
    case LC_ELIMIT:
        say_error(s, m->sequence, LC_BATCH_ERROR_SENDERS, NULL);
        s->quit = true;
        break;
    default:
        refuse_until_hello(s, m->sequence);
        break;
    }
    s->taken = 0;
    return LC_OK;
}

static lc_err take_batch(struct lc_session *s, const struct lc_batch_message *m)
{
    struct lc_batch_reader reader;
    struct lc_slice records;
    lc_err e;

    if (!s->welcomed && s->was_full) {
        refuse_until_hello(s, m->sequence);
        return LC_OK;
    }
    if (!s->welcomed) {
        break_off(s, m->sequence, LC_BATCH_ERROR_NO_HELLO, "a BATCH came before HELLO");
        return LC_OK;
    }
    s->message = m->sequence;
    e = lc_batch_open(m, s->config->records, &records);
    if (e == LC_OK)
        e = lc_batch_read(records, &reader);
    else if (e == LC_ELIMIT)
        e = LC_ESYNTAX; /* too large once decompressed */
    if (e == LC_OK)
        e = take_records(s, m, &reader);
    return finish_batch(s, m, e);
}

static lc_err step_batches(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_batch_message m;
    size_t used = 0;
    lc_err e = lc_batch_take(in, &m, &used);

    if (e == LC_EMORE)
        return e;
    if (e != LC_OK) {
        break_off(s, 0, LC_BATCH_ERROR_MALFORMED, lc_batch_reason(e));
        return LC_OK;
    }
    s->left = in.n - used;
    if (m.command == LC_BATCH_HELLO)
        take_hello(s, &m);
    else if (m.command == LC_BATCH_RECORDS)
        e = take_batch(s, &m);
    else
        break_off(s, m.sequence, LC_BATCH_ERROR_MALFORMED, "only HELLO and BATCH are taken here");
    if (e == LC_OK)
        *ret_used = used;
    return e;
}

const struct lc_framing lc_framing_batches = {
    .counter = offsetof(struct lc_conn_counters, sessions_binary2),
    .message_max = LC_BATCH_HEADER + LC_BATCH_MAX,
    .answer = LC_ANSWER_SILENT,
    .step = step_batches,
};

/* ---- what the service says ---- */

void lc_session_welcome(struct lc_session *s, const struct lc_sender_position *at)
{
    s->stall &= ~(unsigned)LC_STALL_HELLO;
    if (s->state >= LC_SESSION_ENDING)
        return;
    s->welcomed = true;
    s->was_full = false;
    if (lc_batch_put_welcome(s->config->out, s->message, at) != LC_OK)
        lc_session_abort(s);
    lc_session_emit(s);
    lc_session_go_on(s);
}

void lc_session_turn_away(struct lc_session *s, enum lc_batch_error code, const char *text)
{
    s->stall &= ~(unsigned)LC_STALL_HELLO;
    s->owes_stored = false;
    if (s->state >= LC_SESSION_ENDING)
        return;
    s->welcomed = false;
    s->was_full = code == LC_BATCH_ERROR_FULL;
    s->quit |= !s->was_full;
    say_error(s, s->message, code, text);
    lc_session_emit(s);
    lc_session_go_on(s);
}

void lc_session_stored(struct lc_session *s, uint64_t upto, bool all)
{
    if (s->state >= LC_SESSION_ENDING)
        return;
    s->owes_stored = !all;
    if (lc_batch_put_stored(s->config->out, s->message, upto) != LC_OK)
        lc_session_abort(s);
    lc_session_emit(s);
    lc_session_go_on(s);
}

/* ---- from loop to loop ---- */

lc_err lc_session_release(struct lc_session *s, int *ret_fd, uint64_t *ret_sequence)
{
    lc_err e = lc_stream_duplicate(s->stream, ret_fd);

    if (e != LC_OK)
        return e;
    *ret_sequence = s->message;
    lc_session_abort(s);
    return LC_OK;
}

lc_err lc_session_adopt(const struct lc_session_config *config,
                        const struct lc_session_handler *handler, void *user, int fd,
                        const struct lc_addr *peer, uint64_t sequence, struct lc_session **ret)
{
    lc_err e = lc_session_open(config, handler, user, fd, peer, ret);

    if (e != LC_OK)
        return e;
    (*ret)->trusted = false;
    (*ret)->protocol = LC_PROTO_BINARY_V2;
    (*ret)->framing = &lc_framing_batches;
    (*ret)->state = LC_SESSION_SPEAKING;
    (*ret)->message = sequence;
    (*ret)->stall = LC_STALL_HELLO;
    lc_session_settle(*ret);
    return LC_OK;
}
