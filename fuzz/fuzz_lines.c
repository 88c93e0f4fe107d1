/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_lines.c - a session of lines: however the stream is cut the lines are the same, every
 * slice lies in its line, and a v2 line that is written again says the same.
 *
 * The first octet is the limit of a line, the second where the stream is cut.
 */
#include "base/hash.h"
#include "proto/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool lies_in(struct lc_slice s, struct lc_slice whole)
{
    return s.n == 0 ||
           (s.p >= whole.p && s.n <= whole.n && (size_t)(s.p - whole.p) <= whole.n - s.n);
}

static void check_v2_again(const struct lc_record *r)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1 << 16);
    lc_err e = lc_v2_encode(&out, r);
    LC_ASSERT(e == LC_OK || e == LC_ESYNTAX);
    LC_ASSERT(e != LC_ESYNTAX || r->message.p[r->message.n - 1] == '\r');
    if (e == LC_OK) {
        struct lc_record again = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
        struct lc_unplaced unplaced;
        struct lc_slice line;
        const char *reason;
        size_t scanned = 0, used;
        LC_ASSERT(lc_line_next(lc_dynbuf_slice(&out), out.n, &scanned, &line, &used) == LC_OK);
        LC_ASSERT(used == out.n);
        LC_ASSERT(lc_v2_decode(line, &again, &unplaced, &reason) == LC_OK);
        LC_ASSERT(again.time_ns == r->time_ns && again.level == r->level);
        LC_ASSERT(lc_slice_eq(again.message, r->message));
    }
    lc_dynbuf_done(&out);
}

static void check_log(struct lc_slice line, enum lc_line_kind kind)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced = {0};
    const char *reason = NULL;
    lc_err e = kind == LC_LINE_V1 ? lc_v1_decode(line, &r, &unplaced, &reason)
                                  : lc_v2_decode(line, &r, &unplaced, &reason);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_ESYNTAX && reason != NULL && r.message.n == 0);
        return;
    }
    LC_ASSERT(lies_in(r.message, line) && lies_in(unplaced.level_text, line) &&
              lies_in(unplaced.claimed_time, line));
    LC_ASSERT(unplaced.level_text.n == 0 || r.level == LC_LEVEL_NONE);
    LC_ASSERT(unplaced.claimed_time.n == 0 || r.time_ns == LC_TIME_ABSENT);
    check_v2_again(&r);
}

static void check_line(struct lc_slice line)
{
    enum lc_line_kind kind = lc_line_kind(line);
    struct lc_query_request q;
    const char *reason = NULL;
    switch (kind) {
    case LC_LINE_V1:
    case LC_LINE_V2:
        check_log(line, kind);
        break;
    case LC_LINE_QUERY_V1:
    case LC_LINE_QUERY_V2:
        if (lc_query_request_decode(line, &q, &reason) == LC_OK)
            LC_ASSERT(q.type < LC_QUERY_TYPE_COUNT && lies_in(q.parameter, line));
        else
            LC_ASSERT(reason != NULL && kind == LC_LINE_QUERY_V2);
        break;
    default:
        break;
    }
}

struct session {
    size_t limit, scanned, spent;
    bool skipping;
    uint64_t digest; /* of the lines so far */
};

static void feed(struct session *s, struct lc_slice stream)
{
    for (;;) {
        struct lc_slice line, in = lc_slice_from(stream, s->spent);
        size_t used = 0;
        lc_err e;
        if (s->skipping) {
            e = lc_line_skip(in, &used);
            s->skipping = e == LC_EMORE;
        } else {
            e = lc_line_next(in, s->limit, &s->scanned, &line, &used);
            LC_ASSERT(e == LC_OK || e == LC_EMORE || e == LC_ELIMIT);
            LC_ASSERT(s->scanned <= in.n);
            s->skipping = e == LC_ELIMIT;
            if (e != LC_EMORE) {
                LC_ASSERT(line.n <= s->limit && lies_in(line, in) && s->scanned == 0);
                LC_ASSERT(line.n == 0 || memchr(line.p, '\n', line.n) == NULL);
                check_line(line);
                s->digest = lc_hash64(line, s->digest + (e == LC_ELIMIT));
            }
        }
        LC_ASSERT(used <= in.n && (e != LC_OK || used > 0));
        s->spent += used;
        if (e == LC_EMORE)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 2)
        return 0;
    size_t limit = p[0] < 4 ? 4 : p[0], cut = p[1];
    struct lc_slice stream = lc_slice(p + 2, n - 2);

    struct session whole = {.limit = limit}, parts = whole, octets = whole;
    feed(&whole, stream);
    feed(&parts, lc_slice(stream.p, cut < stream.n ? cut : stream.n));
    feed(&parts, stream);
    for (size_t i = 1; i <= stream.n; i++)
        feed(&octets, lc_slice(stream.p, i));
    LC_ASSERT(parts.digest == whole.digest && parts.spent == whole.spent);
    LC_ASSERT(octets.digest == whole.digest && octets.spent == whole.spent);
    return 0;
}
