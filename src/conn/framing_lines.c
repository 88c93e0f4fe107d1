/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/framing_lines.c - lines, and octet-counted syslog (RFC 6587), which may be mixed.
 */
#include "base/utf8.h"
#include "conn/session_impl.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ---- lines ---- */

/* Some senders end a syslog message by a NUL, and write no line's end at all. */
static const uint8_t *find_nul(struct lc_slice in, size_t from, size_t to)
{
    return from < to ? memchr(in.p + from, 0, to - from) : NULL;
}

static lc_err skip_to_line_end(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    bool found = lc_line_skip(in, ret_used) == LC_OK;
    const uint8_t *nul = s->skip_to_nul ? find_nul(in, 0, *ret_used) : NULL;

    if (nul != NULL)
        *ret_used = (size_t)(nul - in.p) + 1;
    s->skip_line = !found && nul == NULL;
    return LC_OK;
}

/* An object may be longer than other lines. */
static size_t limit_of(const struct lc_session *s, struct lc_slice in)
{
    size_t limit = s->config->line_max;

    return in.p[0] == '{' && limit < LC_JSON_LINE_MAX ? LC_JSON_LINE_MAX : limit;
}

/* A line as lc_line_next() finds it, or a syslog message with its NUL. *ret_ended: *ret_used
 * includes its end. */
static lc_err find_line(struct lc_session *s, struct lc_slice in, struct lc_slice *ret_line,
                        size_t *ret_used, bool *ret_ended)
{
    size_t from = s->scanned, limit = limit_of(s, in);
    lc_err e = lc_line_next(in, limit, &s->scanned, ret_line, ret_used);

    *ret_ended = e == LC_OK;
    s->skip_to_nul = in.n > 1 && in.p[0] == '<' && is_digit(in.p[1]);
    if (!s->skip_to_nul)
        return e;

    const uint8_t *nul = find_nul(in, from, e == LC_OK ? *ret_used : in.n);

    if (nul == NULL)
        return e;
    s->scanned = 0;
    *ret_ended = true;
    *ret_line = lc_slice(in.p, (size_t)(nul - in.p));
    *ret_used = ret_line->n + 1;
    if (ret_line->n <= limit)
        return LC_OK;
    ret_line->n = lc_utf8_cut(*ret_line, limit);
    return LC_ELIMIT;
}

/* In a counted stream nothing but a count, a line of syslog that is not too long, or what ends a
 * message may stand where a message begins. Else the count before it was not that of its message,
 * and nobody knows where the next one is. */
static lc_err lies(struct lc_session *s)
{
    lc_session_break(s, "an octet count is wrong: no message begins where it ends");
    return LC_OK;
}

/* What begins like an object and is none is a line like others. */
static bool cut_to_line_max(struct lc_session *s, struct lc_slice *line)
{
    size_t max = s->config->line_max;

    if (line->n <= max || lc_json_members(*line, &s->config->arrivals->members) == LC_OK)
        return false;
    line->n = lc_utf8_cut(*line, max);
    return true;
}

static lc_err next_line(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    struct lc_slice line;
    size_t used;
    bool ended;
    lc_err e = find_line(s, in, &line, &used, &ended);

    if (e == LC_EMORE)
        return e;

    bool cut = cut_to_line_max(s, &line) || e == LC_ELIMIT;

    if (cut && s->framing == &lc_framing_counted)
        return lies(s);
    s->left = in.n - used;
    e = lc_session_line(s, lc_line_kind(line), line, cut);
    if (e != LC_OK)
        return e;
    s->skip_line = !ended;
    *ret_used = used;
    return LC_OK;
}

/* RFC 6587 lets a sender change its framing; a plain line may begin with a number too. */
static lc_err maybe_counted(struct lc_session *s, struct lc_slice in)
{
    enum lc_protocol p;
    lc_err e = lc_detect(in, LC_SPEAKS(LC_PROTO_LINES) | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED), &p);

    if (e == LC_OK && p == LC_PROTO_SYSLOG_COUNTED) {
        s->protocol = p;
        s->framing = &lc_framing_counted;
    }
    return e;
}

static lc_err step_lines(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->skip_line)
        return skip_to_line_end(s, in, ret_used);
    if (in.p[0] == 0 && s->syslog_seen) {
        *ret_used = 1; /* behind the LF of a message whose sender counts the NUL of its string */
        return LC_OK;
    }
    if (is_digit(in.p[0]) && s->scanned == 0 && s->syslog_seen) {
        lc_err e = maybe_counted(s, in);

        if (e != LC_OK || s->framing == &lc_framing_counted)
            return e;
    }
    return next_line(s, in, ret_used);
}

/* A last line without its end. */
static lc_err last_line(struct lc_session *s, struct lc_slice left)
{
    if (s->skip_line)
        return LC_OK;
    if (left.p[left.n - 1] == '\r')
        left.n--;

    bool cut = cut_to_line_max(s, &left);

    return lc_session_line(s, lc_line_kind(left), left, cut);
}

/* A line that has come ends a tail; also one that is too long, or whose end we shall not see since
 * no more input is kept. */
static bool interrupts(const struct lc_session *s, struct lc_slice in)
{
    bool has_all = in.n < LC_BUSY_IN_MAX;
    struct lc_slice line;
    size_t scanned = 0, used;
    lc_err e;

    while ((e = lc_line_next(in, s->config->line_max, &scanned, &line, &used)) == LC_OK &&
           lc_line_kind(line) == LC_LINE_EMPTY)
        in = lc_slice_from(in, used);
    return e != LC_EMORE || !has_all;
}

const struct lc_framing lc_framing_lines = {
    .counter = offsetof(struct lc_conn_counters, sessions_lines),
    .message_max = LC_JSON_LINE_MAX + 2,
    .answer = LC_ANSWER_PLAIN,
    .step = step_lines,
    .last = last_line,
    .interrupts = interrupts,
};

/* ---- counted ---- */

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
        return lies(s);
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

static bool is_end(uint8_t c)
{
    return c == '\n' || c == '\r' || c == 0;
}

static lc_err step_counted(struct lc_session *s, struct lc_slice in, size_t *ret_used)
{
    if (s->skip_line)
        return skip_to_line_end(s, in, ret_used);
    if (is_end(in.p[0])) {
        *ret_used = 1;
        return LC_OK;
    }
    if (is_digit(in.p[0]))
        return next_frame(s, in, ret_used);
    return in.p[0] == '<' ? next_line(s, in, ret_used) : lies(s);
}

/* A frame that was cut off keeps what came of it. */
static lc_err last_counted(struct lc_session *s, struct lc_slice left)
{
    struct lc_slice count;

    if (!s->skip_line && is_digit(left.p[0]) && lc_slice_cut(&left, ' ', &count))
        return take_frame(s, left, true);
    return left.p[0] == '<' ? last_line(s, left) : LC_OK;
}

const struct lc_framing lc_framing_counted = {
    .counter = offsetof(struct lc_conn_counters, sessions_counted),
    .answer = LC_ANSWER_SILENT,
    .step = step_counted,
    .last = last_counted,
};
