/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/framing_forward.c - Fluentd's forward protocol: a message holds many records, and is
 * acknowledged as a whole.
 *
 * A message is decoded again from its beginning when the store had no room in the middle of it:
 * s->taken says how many of its entries are done with.
 */
#include "conn/session_impl.h"
#include "conn/structured.h"

static void forget(struct lc_session *s)
{
    s->taken = 0;
    s->first = s->last = 0;
}

static lc_err break_off(struct lc_session *s, lc_counter *counter, const char *what)
{
    lc_count(counter, 1);
    forget(s);
    lc_session_break(s, what);
    return LC_OK;
}

/* Whether sending it again can help: not when the policy or a limit is against it. */
static bool is_final(lc_err e)
{
    return e == LC_EPROTO || e == LC_ELIMIT;
}

/* One entry, which is done with after LC_OK. LC_EWAIT; any other error: the store is full. */
static lc_err take_entry(struct lc_session *s, const struct lc_forward *f, struct lc_slice entry)
{
    struct lc_arrival_context *ctx = s->config->arrivals;
    struct lc_arrival a;
    const char *reason;
    uint64_t id;

    lc_arrival_begin(ctx, &s->whence, LC_ARRIVAL_FORWARD, &a);
    if (lc_forward_record(f, entry, &ctx->members, &a.record, &a.unplaced) != LC_OK) {
        lc_count(&ctx->counters->malformed, 1);
        return LC_OK;
    }
    a.truncated = a.unplaced.is_cut;
    a.owed = a.answered = f->chunk.n > 0;

    lc_err e = lc_session_keep(s, &a, &id, &reason);

    if (e != LC_OK)
        return is_final(e) ? LC_OK : e;
    if (s->first == 0)
        s->first = id;
    s->last = id;
    return LC_OK;
}

/* All entries. LC_OK: done with all of them. */
static lc_err take_entries(struct lc_session *s, const struct lc_forward *f,
                           struct lc_forward_reader *r)
{
    struct lc_slice entry;
    size_t n = 0;
    lc_err e = lc_forward_begin(r, f);

    if (e != LC_OK)
        return e;
    while ((e = lc_forward_next(r, &entry)) == LC_OK) {
        if (n++ < s->taken)
            continue;
        lc_err kept = take_entry(s, f, entry);

        /* Who wants to know can send it again; for others the rest is worth trying. */
        if (kept == LC_EWAIT || (kept != LC_OK && f->chunk.n > 0))
            return kept == LC_EWAIT ? kept : LC_EFULL;
        s->taken++;
    }
    return e == LC_EEND ? LC_OK : e;
}

static void acknowledge(struct lc_session *s, struct lc_slice chunk)
{
    uint8_t ack[LC_FORWARD_ACK_MAX];
    struct lc_slice text = lc_slice(ack, lc_forward_ack(chunk, ack));

    if (s->first == 0)
        lc_session_say(s, text);
    else if (lc_answers_promise(&s->answers, s->first, s->last, text) != LC_OK)
        lc_session_abort(s);
}

static lc_err take_message(struct lc_session *s, struct lc_slice message)
{
    struct lc_arrival_context *ctx = s->config->arrivals;
    struct lc_structured *scratch = lc_arrival_structured(ctx);
    struct lc_forward f;
    const char *reason;
    lc_err e = lc_forward_decode(message, &f, &reason);

    if (e == LC_EEND)
        return LC_OK; /* the peer only lives */
    if (e != LC_OK)
        return break_off(s, &ctx->counters->malformed, reason);
    if (scratch == NULL) {
        lc_session_abort(s);
        return LC_OK;
    }
    e = take_entries(s, &f, &scratch->forward);
    if (e == LC_EWAIT)
        return e;
    if (e == LC_EFULL) {
        /* Not acknowledged, and closed: the peer sends the chunk again when it connects again. */
        forget(s);
        s->quit = true;
        return LC_OK;
    }
    if (e == LC_ELIMIT)
        return break_off(s, &ctx->counters->too_long,
                         "an entry is too large, or a message expands to too much");
    if (e != LC_OK)
        return break_off(s, &ctx->counters->malformed, "the entries are not well-formed");
    if (f.chunk.n > 0)
        acknowledge(s, f.chunk);
    forget(s);
    return LC_OK;
}

static lc_err step_forward(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_conn_counters *counters = s->config->arrivals->counters;
    struct lc_msgpack_extent so_far = {s->scanned, s->pending};
    size_t used = 0;
    lc_err e = lc_forward_frame(in, &so_far, &used);

    s->scanned = so_far.at;
    s->pending = so_far.pending;
    if (e == LC_EMORE)
        return e;
    if (e == LC_ELIMIT)
        return break_off(s, &counters->too_long, "a message is longer than 8 MiB");
    if (e != LC_OK)
        return break_off(s, &counters->malformed, "not MessagePack");
    if (lc_session_room(s) != LC_OK)
        return LC_EWAIT;
    s->left = in.n - used;
    e = take_message(s, lc_slice(in.p, used));
    if (e == LC_OK)
        *ret_used = used;
    return e;
}

const struct lc_framing lc_framing_forward = {
    .counter = offsetof(struct lc_conn_counters, sessions_forward),
    .message_max = LC_FORWARD_MAX,
    .answer = LC_ANSWER_SILENT,
    .step = step_forward,
};
