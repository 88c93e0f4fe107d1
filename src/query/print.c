/* SPDX-License-Identifier: Apache-2.0
 *
 * query/print.c - the tree as text. Joined filters stand in parentheses, every text in quotes.
 */
#include "query/print.h"

#include <inttypes.h>

#include "base/time.h"
#include "query/chars.h"

/* Keeps the first error, so that a printer need not look. */
struct printer {
    struct lc_dynbuf *out;
    lc_err err;
};

static void put(struct printer *p, struct lc_slice s)
{
    if (p->err == LC_OK)
        p->err = lc_dynbuf_append(p->out, s);
}

static void put_quoted(struct printer *p, struct lc_slice s)
{
    static const char hex[] = "0123456789abcdef";
    put(p, LC_LIT("\""));
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        char escape[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        bool plain =
            (c >= ' ' && c < 0x7F && c != '"' && c != '\\') || (c >= 0x80 && lc_utf8_is_valid(s));
        put(p, plain ? lc_slice(&c, 1) : lc_slice(escape, sizeof escape));
    }
    put(p, LC_LIT("\""));
}

static void put_field(struct printer *p, const struct lc_field_ref *field)
{
    if (field->kind == LC_QFIELD_NAMED)
        put_quoted(p, field->name);
    else
        put(p, field->name);
    put(p, LC_LIT(":"));
}

static void put_moment(struct printer *p, int64_t ns)
{
    char text[LC_RFC3339_MAX];
    put(p, lc_slice(text, lc_rfc3339_format(ns, text)));
}

static void put_time(struct printer *p, const struct lc_filter *f)
{
    bool from = f->time.from_ns != INT64_MIN, to = f->time.to_ns != INT64_MAX;
    put(p, from && to ? LC_LIT("_time:[") : from ? LC_LIT("_time:>=") : LC_LIT("_time:<"));
    if (from)
        put_moment(p, f->time.from_ns);
    if (from && to)
        put(p, LC_LIT(", "));
    if (to)
        put_moment(p, f->time.to_ns);
    if (from && to)
        put(p, LC_LIT(")"));
}

static void put_level(struct printer *p, struct lc_slice name)
{
    put(p, LC_LIT("level:"));
    put(p, name);
}

static void put_levels(struct printer *p, unsigned levels)
{
    if (levels == 0)
        put(p, LC_LIT("level:<TRACE"));
    else if (levels == LC_LEVELS_ABSENT)
        put(p, LC_LIT("level:\"\""));
    else if (levels == LC_LEVELS_ANY)
        put(p, LC_LIT("level:*"));
    if (levels == 0 || levels >= LC_LEVELS_ANY)
        return;
    bool many = (levels & (levels - 1)) != 0;
    put(p, many ? LC_LIT("(") : LC_LIT(""));
    bool first = true;
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++) {
        if ((levels & 1u << i) == 0)
            continue;
        put(p, first ? LC_LIT("") : LC_LIT(" OR "));
        put_level(p, lc_level_name((enum lc_level)i));
        first = false;
    }
    put(p, many ? LC_LIT(")") : LC_LIT(""));
}

static void put_phrase(struct printer *p, const struct lc_filter *f)
{
    struct lc_slice text = lc_slice(f->phrase.finder.octets, f->phrase.finder.n);
    put_field(p, &f->field);
    put_quoted(p, text);
    if (!f->phrase.bound_end && lc_char_joins(lc_char_before(text, text.n)))
        put(p, LC_LIT("*"));
}

static void put_filter(struct printer *p, const struct lc_filter *f);

static void put_group(struct printer *p, const struct lc_filter *f)
{
    put(p, LC_LIT("("));
    for (const struct lc_filter *k = f->kids; k != NULL; k = k->next) {
        put_filter(p, k);
        if (k->next != NULL)
            put(p, f->kind == LC_FILTER_AND ? LC_LIT(" AND ") : LC_LIT(" OR "));
    }
    put(p, LC_LIT(")"));
}

static void put_filter(struct printer *p, const struct lc_filter *f)
{
    switch (f->kind) {
    case LC_FILTER_ALL:
        put(p, LC_LIT("*"));
        break;
    case LC_FILTER_AND:
    case LC_FILTER_OR:
        put_group(p, f);
        break;
    case LC_FILTER_NOT:
        put(p, LC_LIT("NOT "));
        put_filter(p, f->kids);
        break;
    case LC_FILTER_TIME:
        put_time(p, f);
        break;
    case LC_FILTER_LEVEL:
        put_levels(p, f->levels);
        break;
    case LC_FILTER_PHRASE:
        put_phrase(p, f);
        break;
    case LC_FILTER_PRESENT:
        put_field(p, &f->field);
        put(p, LC_LIT("*"));
        break;
    case LC_FILTER_ABSENT:
        put_field(p, &f->field);
        put(p, LC_LIT("\"\""));
        break;
    case LC_FILTER_KEYWORD:
    case LC_FILTER_SOURCE:
        p->err = LC_ESYNTAX; /* the language has no form for these */
        break;
    }
}

static void put_number(struct printer *p, const char *before, uint64_t n, const char *after)
{
    if (p->err == LC_OK)
        p->err = lc_dynbuf_printf(p->out, "%s%" PRIu64 "%s", before, n, after);
}

static void put_stats(struct printer *p, const struct lc_stats_plan *stats)
{
    put(p, LC_LIT(" | stats "));
    for (size_t i = 0; i < stats->key_count; i++) {
        const struct lc_stats_key *k = &stats->keys[i];
        put(p, i == 0 ? LC_LIT("by (") : LC_LIT(", "));
        put_quoted(p, k->field.name);
        if (k->step_ns != 0)
            put_number(p, ":", (uint64_t)k->step_ns, "ns");
    }
    put(p, stats->key_count > 0 ? LC_LIT(") count() as ") : LC_LIT("count() as "));
    put_quoted(p, stats->name);
}

lc_err lc_query_print(const struct lc_query *q, struct lc_dynbuf *out)
{
    struct printer p = {.out = out};
    put_filter(&p, q->filter);
    if (q->row_limit != UINT64_MAX)
        put_number(&p, " | limit ", q->row_limit, "");
    if (q->stats != NULL)
        put_stats(&p, q->stats);
    if (q->table_limit != UINT64_MAX)
        put_number(&p, " | limit ", q->table_limit, "");
    return p.err;
}
