/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/dgram.h"

static lc_err store(const struct lc_datagram_rules *rules, enum lc_line_kind kind,
                    struct lc_slice line, struct lc_slice source, bool truncated)
{
    struct lc_arrival_context *ctx = rules->arrivals;
    const struct lc_whence whence = {.source = source, .space = rules->space};
    struct lc_arrival a;
    const char *reason;

    if (line.n > rules->line_max) {
        line.n = rules->line_max;
        truncated = true;
    }
    if (lc_arrival_decode(ctx, kind, line, &whence, &a, &reason) != LC_OK) {
        lc_count(&ctx->counters->malformed, 1);
        return LC_OK;
    }
    a.truncated |= truncated;

    lc_err e = rules->record(rules->user, &a);

    if (e != LC_EWAIT)
        lc_arrival_count(ctx, &a);
    return e;
}

static lc_err take_line(const struct lc_datagram_rules *rules, struct lc_slice line,
                        struct lc_slice source, bool truncated)
{
    enum lc_line_kind kind = lc_line_kind(line);

    if (lc_arrival_stores(kind))
        return store(rules, kind, line, source, truncated);
    /* A command or a question: an address can be forged, so no datagram gets an answer. */
    if (kind == LC_LINE_EMPTY)
        lc_count(&rules->arrivals->counters->empty, 1);
    else
        lc_count(&rules->arrivals->counters->not_granted, 1);
    return LC_OK;
}

/* The octets of the first message. A datagram that begins as syslog is one message, which may hold
 * line ends (RFC 5426 section 3.1), or several; one JSON object alone may stand on several lines.
 * 0: it is a line. */
static size_t message_end(const struct lc_datagram_rules *rules, struct lc_slice data, bool first)
{
    switch (lc_line_kind(data)) {
    case LC_LINE_SYSLOG:
        return lc_syslog_message_end(data);
    case LC_LINE_JSON:
        if (first && memchr(data.p, '\n', data.n) != NULL &&
            lc_json_members(data, &rules->arrivals->members) == LC_OK)
            return data.n;
        return 0;
    default:
        return 0;
    }
}

static lc_err take_next(const struct lc_datagram_rules *rules, struct lc_slice left,
                        struct lc_slice source, bool truncated, bool first, size_t *ret_used)
{
    size_t scanned = 0, used = message_end(rules, left, first);
    struct lc_slice line = lc_slice(left.p, used);
    lc_err e;

    if (used > 0) {
        e = store(rules, lc_line_kind(line), line, source, truncated && used == left.n);
    } else {
        /* No limit here: what is too long is cut where it is stored. */
        if (lc_line_next(left, SIZE_MAX, &scanned, &line, &used) != LC_OK) {
            line = left;
            used = left.n;
        }
        e = take_line(rules, line, source, truncated && used == left.n);
    }
    *ret_used = used;
    return e;
}

size_t lc_datagram_take(const struct lc_datagram_rules *rules, struct lc_slice data,
                        struct lc_slice source, bool truncated)
{
    struct lc_slice bom = LC_LIT("\xEF\xBB\xBF");
    size_t done = lc_slice_starts(data, bom) ? bom.n : 0, used;
    bool is_syslog = lc_line_kind(lc_slice_from(data, done)) == LC_LINE_SYSLOG;

    for (; done < data.n; done += used) {
        if (take_next(rules, lc_slice_from(data, done), source, truncated, done == 0, &used) ==
            LC_EWAIT)
            return done;
    }
    if (is_syslog)
        lc_count(&rules->arrivals->counters->datagrams_syslog, 1);
    return done;
}
