/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/ask.c - asking, and reading an answer line by line.
 */
#include "cli/ask.h"

#include <errno.h>

#include "base/grapheme.h"
#include "base/time.h"
#include "cli/command.h"
#include "query/query.h"

lc_err lc_ask_text(struct lc_dynbuf *out, int parts, char **part, struct lc_diag *diag)
{
    lc_err e = parts == 0 ? lc_dynbuf_append(out, LC_LIT("*")) : LC_OK;
    for (int i = 0; i < parts && e == LC_OK; i++) {
        if (i > 0)
            e = lc_dynbuf_append(out, LC_LIT(" "));
        if (e == LC_OK)
            e = lc_dynbuf_append(out, lc_slice_cstr(part[i]));
    }
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] == '\n' || out->p[i] == '\r')
            out->p[i] = ' ';
    if (e != LC_OK)
        lc_diag_set(diag, "the query is longer than %d octets", LC_ASK_MAX);
    return e;
}

/* What the next line says, if it has come: LC_ESYNTAX: an error of the server. */
static lc_err take_line(struct lc_client *c, struct lc_slice *ret_line, struct lc_diag *diag)
{
    lc_err e = lc_client_line(c, ret_line);
    if (e == LC_EPROTO)
        lc_diag_set(diag, "a line of the answer is too long");
    if (e != LC_OK || !lc_slice_starts(*ret_line, LC_LIT("ERROR|")))
        return e;
    lc_diag_set(diag, "%.*s", (int)ret_line->n - 6, ret_line->p + 6);
    return LC_ESYNTAX;
}

lc_err lc_ask_failed(lc_err e, struct lc_diag *diag)
{
    if (e != LC_EEND) {
        lc_diag_set(diag, "reading the answer: %s", lc_strerror(e));
        return e;
    }
    lc_diag_set(diag, "the server closed the connection before its answer was complete");
    return -ECONNRESET;
}

/* A line that is not an error. */
static lc_err next_line(struct lc_client *c, struct lc_slice *ret_line, struct lc_diag *diag)
{
    for (;;) {
        lc_err e = take_line(c, ret_line, diag);
        if (e != LC_EMORE)
            return e;
        e = lc_client_receive(c);
        if (e != LC_OK)
            return lc_ask_failed(e, diag);
    }
}

static lc_err expect(struct lc_client *c, struct lc_slice prefix, struct lc_diag *diag)
{
    struct lc_slice line;
    lc_err e = next_line(c, &line, diag);
    if (e != LC_OK || lc_slice_starts(line, prefix))
        return e;
    lc_diag_set(diag, "unexpected answer: %.*s", (int)lc_grapheme_cut(line, 80), line.p);
    return LC_EPROTO;
}

/* A server says what is wrong with a query in English. What is wrong for us as well can be said in
 * the user's language; what only the server finds wrong, because it is older, stays as it said it.
 */
static void explain(struct lc_slice text, const char *suffix, struct lc_diag *diag)
{
    struct lc_dynbuf whole;
    struct lc_query *q = NULL;
    struct lc_diag ours = {0};
    lc_dynbuf_init(&whole, 2 * LC_ASK_MAX);
    lc_err e = lc_dynbuf_append(&whole, text);
    if (e == LC_OK)
        e = lc_dynbuf_append(&whole, lc_slice_cstr(suffix));
    if (e == LC_OK)
        e = lc_query_parse(lc_dynbuf_slice(&whole), lc_wall_ns(&lc_clock_system), &q, &ours);
    if (e == LC_OK)
        lc_query_unref(q);
    else if (e == LC_ESYNTAX && ours.column > 0)
        lc_diag_set(diag, "column %u: %s", ours.column, ours.text);
    lc_dynbuf_done(&whole);
}

lc_err lc_ask_open(struct lc_client *c, const char *server, const char *type, struct lc_slice text,
                   const char *suffix, struct lc_diag *diag)
{
    lc_err e = lc_client_open(c, server, LC_DEFAULT_QUERY_PORT, diag);
    if (e != LC_OK)
        return e;
    struct lc_dynbuf request;
    lc_dynbuf_init(&request, 2 * LC_ASK_MAX);
    e = lc_dynbuf_printf(&request, "ROWS|json\nQUERY|%s|%.*s%s\n", type, (int)text.n, text.p,
                         suffix);
    if (e == LC_OK)
        e = lc_client_write(c, lc_dynbuf_slice(&request));
    if (e != LC_OK)
        lc_diag_set(diag, "asking %s: %s", server, lc_strerror(e));
    if (e == LC_OK)
        e = expect(c, LC_LIT("OK"), diag);
    if (e == LC_OK)
        e = expect(c, LC_LIT("RESULT|"), diag);
    lc_dynbuf_done(&request);
    if (e == LC_ESYNTAX && strcmp(type, "TAIL") != 0)
        explain(text, suffix, diag);
    if (e != LC_OK)
        lc_client_close(c);
    return e;
}

lc_err lc_ask_take(struct lc_client *c, struct lc_slice *ret_line, struct lc_diag *diag)
{
    lc_err e = take_line(c, ret_line, diag);
    if (e == LC_OK &&
        (lc_slice_eq(*ret_line, LC_LIT("END")) || lc_slice_starts(*ret_line, LC_LIT("END|"))))
        return LC_EEND;
    return e;
}
