/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/line.c - cutting a stream into lines, and telling lines apart.
 */
#include "base/utf8.h"
#include "proto/text.h"

/* Without the CR of a CR LF. */
static struct lc_slice without_cr(struct lc_slice line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

lc_err lc_line_next(struct lc_slice in, size_t limit, size_t *scanned, struct lc_slice *ret_line,
                    size_t *ret_used)
{
    LC_ASSERT(*scanned <= in.n);
    const uint8_t *end = NULL;
    if (*scanned < in.n)
        end = memchr(in.p + *scanned, '\n', in.n - *scanned);

    /* one octet over the limit may still be the CR of the line's end */
    struct lc_slice line = end == NULL ? in : lc_slice(in.p, (size_t)(end - in.p));
    if (without_cr(line).n > limit) {
        *scanned = 0;
        *ret_line = lc_slice(in.p, lc_utf8_cut(in, limit));
        *ret_used = ret_line->n;
        return LC_ELIMIT;
    }
    if (end == NULL) {
        *scanned = in.n;
        return LC_EMORE;
    }
    *scanned = 0;
    *ret_line = without_cr(line);
    *ret_used = line.n + 1;
    return LC_OK;
}

lc_err lc_line_skip(struct lc_slice in, size_t *ret_used)
{
    const uint8_t *end = in.n == 0 ? NULL : memchr(in.p, '\n', in.n);
    *ret_used = end == NULL ? in.n : (size_t)(end - in.p) + 1;
    return end == NULL ? LC_EMORE : LC_OK;
}

/* How a line begins, or what it is altogether. */
static const struct {
    const char *text;
    uint8_t n;
    bool whole;
    uint8_t kind;
} kinds[] = {
#define BEGINS(text, kind)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, false, kind                                                        \
    }
#define IS(text, kind)                                                                             \
    {                                                                                              \
        text, sizeof(text) - 1, true, kind                                                         \
    }
    BEGINS("LOG|", LC_LINE_V2),         BEGINS("LOG:", LC_LINE_V1),
    BEGINS("QUERY|", LC_LINE_QUERY_V2), BEGINS("QUERY:", LC_LINE_QUERY_V1),
    BEGINS("AUTH|", LC_LINE_AUTH),      IS("PING", LC_LINE_PING),
    IS("STATS", LC_LINE_STATS),         IS("QUIT", LC_LINE_QUIT),
    IS("ROWS|text", LC_LINE_ROWS),      IS("ROWS|json", LC_LINE_ROWS),
#undef BEGINS
#undef IS
};

enum lc_line_kind lc_line_kind(struct lc_slice line)
{
    if (line.n == 0)
        return LC_LINE_EMPTY;
    if (line.p[0] == '<')
        return line.n > 1 && line.p[1] >= '0' && line.p[1] <= '9' ? LC_LINE_SYSLOG : LC_LINE_PLAIN;
    if (line.p[0] == '{')
        return LC_LINE_JSON;
    for (size_t i = 0; i < LC_ARRAY_LEN(kinds); i++) {
        if (line.p[0] != (uint8_t)kinds[i].text[0] || line.n < kinds[i].n ||
            (kinds[i].whole && line.n != kinds[i].n))
            continue;
        if (memcmp(line.p, kinds[i].text, kinds[i].n) == 0)
            return (enum lc_line_kind)kinds[i].kind;
    }
    return LC_LINE_PLAIN;
}
