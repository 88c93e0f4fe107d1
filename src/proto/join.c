/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/join.h"

#include "base/utf8.h"

/* ---- rules ---- */

enum trace { TRACE_NONE, TRACE_PYTHON, TRACE_PYTHON_ERROR, TRACE_PYTHON_NEXT, TRACE_GO };

static bool is_indented(struct lc_slice line)
{
    return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

static bool ends_with(struct lc_slice s, struct lc_slice end)
{
    return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

static bool is_name_octet(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c & 0xDF) >= 'A' && (c & 0xDF) <= 'Z') || c == '_' ||
           c == '$' || c == '.';
}

/* `java.lang.IllegalStateException: text`: a name with a dot, which ends as those of errors do. */
static bool is_error_name(struct lc_slice line)
{
    size_t n = 0;

    while (n < line.n && is_name_octet(line.p[n]))
        n++;
    if (n == 0 || (n < line.n && line.p[n] != ':') || memchr(line.p, '.', n) == NULL)
        return false;

    struct lc_slice name = lc_slice(line.p, n);

    return ends_with(name, LC_LIT("Exception")) || ends_with(name, LC_LIT("Error")) ||
           ends_with(name, LC_LIT("Throwable"));
}

static bool is_python(struct lc_slice line)
{
    return lc_slice_starts(line, LC_LIT("Traceback (most recent call last):"));
}

static bool is_go(struct lc_slice line)
{
    return lc_slice_starts(line, LC_LIT("panic: ")) ||
           lc_slice_starts(line, LC_LIT("fatal error: "));
}

static int trace_begins(struct lc_slice line)
{
    if (is_python(line))
        return TRACE_PYTHON;
    return is_go(line) ? TRACE_GO : TRACE_NONE;
}

static bool continues_python(int *trace, struct lc_slice line)
{
    switch (*trace) {
    case TRACE_PYTHON: /* the line that names the error ends the trace */
        *trace = TRACE_PYTHON_ERROR;
        return line.n > 0;
    case TRACE_PYTHON_ERROR:
        if (line.n == 0)
            return true;
        *trace = TRACE_PYTHON_NEXT;
        return lc_slice_starts(line, LC_LIT("During handling of the above exception")) ||
               lc_slice_starts(line, LC_LIT("The above exception was the direct cause"));
    default:
        return line.n == 0; /* until the next `Traceback` */
    }
}

static bool continues_go(struct lc_slice line)
{
    return line.n == 0 || ends_with(line, LC_LIT(")")) ||
           lc_slice_starts(line, LC_LIT("goroutine ")) ||
           lc_slice_starts(line, LC_LIT("created by ")) ||
           lc_slice_starts(line, LC_LIT("[signal "));
}

static bool continues_trace(int *trace, struct lc_slice line)
{
    if (is_indented(line) || is_error_name(line) || lc_slice_starts(line, LC_LIT("Caused by: ")))
        return true;
    if (is_python(line)) {
        *trace = TRACE_PYTHON;
        return true;
    }
    if (*trace == TRACE_NONE)
        return false;
    return *trace == TRACE_GO ? continues_go(line) : continues_python(trace, line);
}

static bool continues(struct lc_joiner *j, const struct lc_join_rules *r, struct lc_slice line)
{
    switch (r->join) {
    case LC_JOIN_INDENTED:
        return is_indented(line);
    case LC_JOIN_TRACES:
        return continues_trace(&j->trace, line);
    case LC_JOIN_START:
        return !r->is_start(r->arg, line);
    default:
        return false;
    }
}

/* ---- records ---- */

static lc_err end_record(struct lc_joiner *j, struct lc_slice text, size_t used, bool truncated,
                         struct lc_joined *ret)
{
    *ret = (struct lc_joined){
        .text = text, .used = used, .spent = used + j->dropped, .truncated = truncated};
    *j = (struct lc_joiner){0};
    return LC_OK;
}

static lc_err end_held(struct lc_joiner *j, struct lc_slice in, struct lc_joined *ret)
{
    return end_record(j, lc_slice(in.p, j->held_text), j->held, false, ret);
}

static lc_err more(size_t keep, struct lc_joined *ret)
{
    *ret = (struct lc_joined){.keep = keep};
    return LC_EMORE;
}

static struct lc_slice without_cr(struct lc_slice line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* A line that is too long, of which the first part is kept. `end` is where it ends, or NULL. */
static lc_err cut_line(struct lc_joiner *j, const struct lc_join_rules *r, struct lc_slice in,
                       const uint8_t *end, bool is_last, struct lc_joined *ret)
{
    if (j->cut_at == 0)
        j->cut_at = lc_utf8_cut(in, r->octets_max);

    struct lc_slice text = lc_slice(in.p, j->cut_at);

    if (end != NULL || is_last)
        return end_record(j, text, end != NULL ? (size_t)(end - in.p) + 1 : in.n, true, ret);
    j->dropped += in.n - text.n;
    j->scanned = text.n;
    return more(text.n, ret);
}

/* A whole line behind what is held. True: it is part of the record, which goes on. */
static bool take_line(struct lc_joiner *j, const struct lc_join_rules *r, struct lc_slice in,
                      struct lc_slice line, size_t used)
{
    size_t text = (size_t)(line.p - in.p) + line.n;

    if (j->held > 0 && (j->lines >= r->lines_max || text > r->octets_max || !continues(j, r, line)))
        return false;
    if (j->held == 0)
        j->trace = trace_begins(line);
    if (line.n > 0)
        j->held_text = text;
    j->held = j->scanned = used;
    j->lines++;
    return true;
}

/* What was written into a file that had been truncated under its writer stands behind a hole. */
static size_t hole(const struct lc_joiner *j, struct lc_slice in)
{
    size_t n = 0;

    if (j->held > 0 || j->cut_at > 0)
        return 0;
    while (n < in.n && in.p[n] == 0)
        n++;
    return n;
}

/* No line's end is left in `in`. */
static lc_err unended(struct lc_joiner *j, struct lc_slice in, enum lc_join_wait wait,
                      struct lc_joined *ret)
{
    j->scanned = in.n;
    if (j->held > 0 && (wait == LC_JOIN_NO_LINE || (wait == LC_JOIN_NO_MORE && j->held == in.n)))
        return end_held(j, in, ret);
    return more(in.n, ret);
}

/* The line behind what is held, and where its LF is; NULL: it has none yet. */
static struct lc_slice find_line(const struct lc_joiner *j, struct lc_slice in, bool is_last,
                                 const uint8_t **ret_end)
{
    struct lc_slice rest = lc_slice_from(in, j->scanned);
    const uint8_t *end = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
    struct lc_slice line = lc_slice_from(in, j->held);

    if (end != NULL)
        line.n = (size_t)(end - line.p);
    *ret_end = end;
    /* a CR is no line's end without its LF */
    return end != NULL || !is_last ? without_cr(line) : line;
}

lc_err lc_join_next(struct lc_joiner *j, const struct lc_join_rules *rules, struct lc_slice in,
                    enum lc_join_wait wait, struct lc_joined *ret)
{
    LC_ASSERT(j->scanned <= in.n && j->held <= in.n);
    bool is_last = wait == LC_JOIN_NO_MORE;
    size_t holes = hole(j, in);

    if (holes > 0)
        return end_record(j, lc_slice(in.p, 0), holes, false, ret);
    for (;;) {
        const uint8_t *end;
        struct lc_slice line = find_line(j, in, is_last, &end);

        if (j->cut_at > 0 || line.n > rules->octets_max)
            return j->held > 0 ? end_held(j, in, ret) : cut_line(j, rules, in, end, is_last, ret);
        if (end == NULL && (!is_last || j->held == in.n))
            return unended(j, in, wait, ret);

        size_t used = end != NULL ? (size_t)(end - in.p) + 1 : in.n;

        if (j->held == 0 && (line.n == 0 || rules->join == LC_JOIN_NONE))
            return end_record(j, line, used, false, ret);
        if (!take_line(j, rules, in, line, used))
            return end_held(j, in, ret);
    }
}
