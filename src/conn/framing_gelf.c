/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/framing_gelf.c - GELF: messages that end with a NUL on a stream; datagrams, which may be
 * compressed, or chunks. Nothing is answered: GELF has no answers.
 */
#include "conn/dgram.h"
#include "conn/session_impl.h"
#include "conn/structured.h"

/* A message as a record; what is no JSON object is kept as a plain one. */
static void decode(struct lc_arrival_context *ctx, struct lc_slice text,
                   const struct lc_whence *whence, struct lc_arrival *ret)
{
    const char *reason;

    lc_arrival_begin(ctx, whence, LC_ARRIVAL_GELF, ret);
    if (lc_gelf_decode(text, ctx->syslog.utc_offset_s, &ctx->members, &ret->record,
                       &ret->unplaced) == LC_OK) {
        lc_arrival_own(ctx, whence, &ret->record);
        ret->truncated = ret->unplaced.is_cut;
    } else {
        /* never refused */
        lc_err e = lc_arrival_decode(ctx, LC_LINE_PLAIN, text, whence, ret, &reason);
        LC_ASSERT(e == LC_OK);
    }
}

/* ---- streams ---- */

/* Senders put an LF or CR LF before the NUL, or in its place at the end. */
static struct lc_slice without_line_end(struct lc_slice text)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    return text;
}

static lc_err take(struct lc_session *s, struct lc_slice text, bool cut)
{
    struct lc_arrival a;

    text = without_line_end(text);
    if (text.n == 0) {
        lc_count(&s->config->arrivals->counters->empty, 1);
        return LC_OK;
    }
    decode(s->config->arrivals, text, &s->whence, &a);
    a.truncated |= cut;
    return lc_session_store(s, &a, LC_ANSWER_SILENT, 0);
}

static lc_err skip_to_nul(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    const uint8_t *nul = memchr(in.p, '\0', in.n);

    s->skip_line = nul == NULL;
    *ret_used = nul == NULL ? in.n : (size_t)(nul - in.p) + 1;
    return LC_OK;
}

static lc_err step_gelf(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->skip_line)
        return skip_to_nul(s, in, ret_used);

    struct lc_slice fresh = lc_slice_from(in, s->scanned);
    const uint8_t *nul = fresh.n == 0 ? NULL : memchr(fresh.p, '\0', fresh.n);
    size_t n = nul == NULL ? in.n : (size_t)(nul - in.p);
    bool cut = n > LC_GELF_MAX;

    if (nul == NULL && !cut) {
        s->scanned = in.n;
        return LC_EMORE;
    }
    if (cut)
        n = LC_GELF_MAX;
    s->scanned = 0;
    s->left = in.n - n - !cut;

    lc_err e = take(s, lc_slice(in.p, n), cut);

    if (e != LC_OK)
        return e;
    s->skip_line = cut;
    *ret_used = n + !cut;
    return LC_OK;
}

static lc_err last_gelf(struct lc_session *s, struct lc_slice left)
{
    return s->skip_line ? LC_OK : take(s, left, false);
}

const struct lc_framing lc_framing_gelf = {
    .counter = offsetof(struct lc_conn_counters, sessions_gelf),
    .message_max = LC_GELF_MAX + 1,
    .answer = LC_ANSWER_SILENT,
    .step = step_gelf,
    .last = last_gelf,
};

/* ---- datagrams ---- */

/* A whole message, compressed or not. LC_EWAIT: it is to come again. */
static lc_err take_whole(const struct lc_datagram_rules *rules, struct lc_structured *scratch,
                         struct lc_slice data, struct lc_slice source, bool truncated)
{
    struct lc_arrival_context *ctx = rules->arrivals;
    const struct lc_whence whence = {.source = source, .space = rules->space};
    struct lc_arrival a;
    struct lc_slice text;
    lc_err e = lc_gelf_expand(&scratch->gelf_inflate, data, scratch->gelf_room, &text);

    if (e != LC_OK) {
        lc_count(e == LC_ELIMIT ? &ctx->counters->too_long : &ctx->counters->malformed, 1);
        return LC_OK;
    }
    text = without_line_end(text);
    if (text.n == 0) {
        lc_count(&ctx->counters->empty, 1);
        return LC_OK;
    }
    decode(ctx, text, &whence, &a);
    a.truncated |= truncated;
    e = rules->record(rules->user, &a);
    if (e != LC_EWAIT)
        lc_arrival_count(ctx, &a);
    return e;
}

static lc_err take_chunk(const struct lc_datagram_rules *rules, struct lc_structured *scratch,
                         struct lc_slice data, struct lc_slice source)
{
    struct lc_arrival_context *ctx = rules->arrivals;
    struct lc_conn_counters *counters = ctx->counters;
    struct lc_gelf_lost lost = {0, 0};
    struct lc_slice message;

    if (scratch->gelf_chunks == NULL)
        scratch->gelf_chunks = lc_gelf_chunks_new();
    if (scratch->gelf_chunks == NULL)
        return LC_OK;
    lc_err e = lc_gelf_chunk(scratch->gelf_chunks, data, source, lc_monotonic(ctx->clock), &message,
                             &lost);

    lc_count(&counters->gelf_late, lost.late);
    lc_count(&counters->gelf_pushed, lost.pushed);
    if (e == LC_OK) {
        e = take_whole(rules, scratch, message, source, false);
        if (e == LC_EWAIT)
            return e;
        lc_gelf_chunks_taken(scratch->gelf_chunks);
        e = LC_OK; /* a refusal is counted already */
    }
    lc_count(&counters->gelf_chunks, 1);
    if (e != LC_OK && e != LC_EMORE)
        lc_count(e == LC_ELIMIT ? &counters->too_long : &counters->malformed, 1);
    return LC_OK;
}

size_t lc_datagram_take_gelf(const struct lc_datagram_rules *rules, struct lc_slice data,
                             struct lc_slice source, bool truncated)
{
    struct lc_structured *scratch = lc_arrival_structured(rules->arrivals);
    lc_err e = LC_OK;

    if (scratch == NULL)
        return data.n;
    if (lc_gelf_is_chunk(data))
        e = take_chunk(rules, scratch, data, source);
    else if (data.n > 0)
        e = take_whole(rules, scratch, data, source, truncated);
    return e == LC_EWAIT ? 0 : data.n;
}
