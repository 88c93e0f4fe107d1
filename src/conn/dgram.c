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

/* Whether the datagram is one message, which may hold line ends: syslog (RFC 5426 section 3.1), or
 * one JSON object over several lines. */
static bool is_one_message(const struct lc_datagram_rules *rules, struct lc_slice data)
{
    switch (lc_line_kind(data)) {
    case LC_LINE_SYSLOG:
        return true;
    case LC_LINE_JSON:
        return memchr(data.p, '\n', data.n) != NULL &&
               lc_json_members(data, &rules->arrivals->members) == LC_OK;
    default:
        return false;
    }
}

size_t lc_datagram_take(const struct lc_datagram_rules *rules, struct lc_slice data,
                        struct lc_slice source, bool truncated)
{
    size_t done = 0;

    if (is_one_message(rules, data))
        return store(rules, lc_line_kind(data), data, source, truncated) == LC_EWAIT ? 0 : data.n;
    while (done < data.n) {
        struct lc_slice line, left = lc_slice_from(data, done);
        size_t scanned = 0, used;

        /* No limit here: what is too long is cut where it is stored. */
        if (lc_line_next(left, SIZE_MAX, &scanned, &line, &used) != LC_OK) {
            line = left;
            used = left.n;
        }
        if (take_line(rules, line, source, truncated && used == left.n) == LC_EWAIT)
            break;
        done += used;
    }
    return done;
}
