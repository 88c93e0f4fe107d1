/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_query.c - the query language: what is understood can be written down and is understood
 * as the same; what is not has a place within the text. Searching stays within a record, and a
 * cursor that is taken is given back the same.
 */
#include <string.h>

#include "query/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define NOW INT64_C(1795197600000000000) /* 2026-11-20T18:00:00Z */

static void print(const struct lc_query *q, struct lc_dynbuf *out)
{
    lc_dynbuf_init(out, 1u << 20);
    LC_ASSERT(lc_query_print(q, out) == LC_OK);
}

/* Printed twice it stays the same: the first time brings it into the printer's form. A form with
 * quotes and parentheses can be over the limits though the short one is not. */
static void check_printed(const struct lc_query *q)
{
    struct lc_dynbuf once, twice, thrice;
    struct lc_query *second, *third;
    print(q, &once);
    lc_err e = lc_query_parse(lc_dynbuf_slice(&once), NOW, &second, NULL);
    LC_ASSERT(e == LC_OK || e == LC_ELIMIT);
    if (e == LC_OK) {
        print(second, &twice);
        LC_ASSERT(second->from_ns == q->from_ns && second->to_ns == q->to_ns);
        LC_ASSERT(lc_query_parse(lc_dynbuf_slice(&twice), NOW, &third, NULL) == LC_OK);
        print(third, &thrice);
        LC_ASSERT(lc_slice_eq(lc_dynbuf_slice(&twice), lc_dynbuf_slice(&thrice)));
        lc_query_unref(third);
        lc_query_unref(second);
        lc_dynbuf_done(&twice);
        lc_dynbuf_done(&thrice);
    }
    lc_dynbuf_done(&once);
}

static void check_match(const struct lc_query *q, struct lc_slice text)
{
    struct lc_field field = {.name = text, .value = text};
    struct lc_record r = {.id = 1025,
                          .time_ns = NOW,
                          .level = LC_LEVEL_ERROR,
                          .stream = {.host = text, .app = LC_LIT("app")},
                          .source = text,
                          .message = text,
                          .fields = &field,
                          .field_count = 1};
    LC_ASSERT(lc_query_match(q, &r) == lc_query_match(q, &r));
}

static void check_language(struct lc_slice in)
{
    struct lc_query *q;
    struct lc_diag diag = {0};
    lc_err e = lc_query_parse(in, NOW, &q, &diag);
    if (e == LC_OK) {
        check_printed(q);
        check_match(q, in);
        lc_query_unref(q);
        return;
    }
    LC_ASSERT(e == LC_ESYNTAX || e == LC_ELIMIT);
    LC_ASSERT(diag.text[0] != '\0' && strlen(diag.text) < sizeof diag.text - 1);
    LC_ASSERT(e != LC_ESYNTAX || (diag.line >= 1 && diag.column >= 1 && diag.column <= in.n + 1));
}

typedef lc_err (*make_query)(struct lc_slice text, struct lc_query **ret, struct lc_diag *diag);

static lc_err make_time(struct lc_slice text, struct lc_query **ret, struct lc_diag *diag)
{
    return lc_query_time(text, NOW, ret, diag);
}

static void check_types(struct lc_slice in)
{
    static const make_query types[] = {lc_query_keyword, lc_query_level, make_time, lc_query_source,
                                       lc_query_last};
    for (size_t i = 0; i < LC_ARRAY_LEN(types); i++) {
        struct lc_query *q;
        if (types[i](in, &q, NULL) != LC_OK)
            continue;
        check_match(q, in);
        lc_query_unref(q);
    }
}

static void check_cursor(struct lc_slice in)
{
    struct lc_tail_cursor c;
    struct lc_dynbuf text;
    if (lc_tail_cursor_parse(in, &c) != LC_OK)
        return;
    lc_dynbuf_init(&text, 32768);
    LC_ASSERT(lc_tail_cursor_format(&c, &text) == LC_OK);
    struct lc_tail_cursor again;
    LC_ASSERT(lc_tail_cursor_parse(lc_dynbuf_slice(&text), &again) == LC_OK);
    LC_ASSERT(again.shards == c.shards);
    LC_ASSERT(memcmp(again.after, c.after, c.shards * sizeof c.after[0]) == 0);
    lc_dynbuf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lc_slice in = lc_slice(p, n);
    check_language(in);
    check_types(in);
    check_cursor(in);
    return 0;
}
