/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/rows.c - records as the lines that answer a query, v1 and v2.
 */
#include "base/time.h"
#include "proto/text.h"

/* A row is one line: what would end it is shown as two characters. */
static lc_err append_on_one_line(struct lc_dynbuf *out, struct lc_slice s)
{
    lc_err e = LC_OK;
    while (e == LC_OK && s.n > 0) {
        size_t plain = 0;
        while (plain < s.n && s.p[plain] != '\r' && s.p[plain] != '\n')
            plain++;
        e = lc_dynbuf_append(out, lc_slice(s.p, plain));
        if (e == LC_OK && plain < s.n) {
            e = lc_dynbuf_append(out, s.p[plain] == '\r' ? LC_LIT("\\r") : LC_LIT("\\n"));
            plain++;
        }
        s = lc_slice_from(s, plain);
    }
    return e;
}

/* <first><separator><second><separator><third><separator><message> LF */
static lc_err append_row(struct lc_dynbuf *out, const struct lc_slice head[3],
                         struct lc_slice separator, struct lc_slice message)
{
    size_t before = out->n;
    lc_err e = LC_OK;
    for (unsigned i = 0; i < 3 && e == LC_OK; i++) {
        e = lc_dynbuf_append(out, head[i]);
        if (e == LC_OK)
            e = lc_dynbuf_append(out, separator);
    }
    if (e == LC_OK)
        e = append_on_one_line(out, message);
    if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT("\n"));
    if (e != LC_OK)
        out->n = before;
    return e;
}

lc_err lc_row_v1(struct lc_dynbuf *out, const struct lc_record *r)
{
    char time[LC_UNIX_MAX];
    const struct lc_slice head[] = {
        LC_LIT("LOG"),
        lc_slice(time, lc_unix_format(r->time_ns - r->time_ns % LC_NS_PER_S, time)),
        lc_level_name(r->level),
    };
    return append_row(out, head, LC_LIT(":"), r->message);
}

lc_err lc_row_v2(struct lc_dynbuf *out, const struct lc_record *r)
{
    char id[LC_U64_MAX], time[LC_UNIX_MAX];
    const struct lc_slice head[] = {
        lc_slice(id, lc_u64_format(r->id, id)),
        lc_level_name(r->level),
        lc_slice(time, lc_unix_format(r->time_ns, time)),
    };
    return append_row(out, head, LC_LIT("|"), r->message);
}
