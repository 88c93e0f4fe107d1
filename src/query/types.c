/* SPDX-License-Identifier: Apache-2.0
 *
 * query/types.c - the query types of the wire that have no language: each is one filter.
 */
#include <errno.h>

#include "query/ast.h"
#include "query/lexer.h"
#include "query/timespec.h"

/* A query of one filter that matches everything, to be made into what is meant. */
static lc_err query_of(enum lc_filter_kind kind, struct lc_query **ret)
{
    lc_err e = lc_query_new(ret);
    if (e != LC_OK)
        return e;
    e = lc_filter_new(*ret, kind, &(*ret)->filter);
    if (e != LC_OK)
        lc_query_unref(*ret);
    return e;
}

static void finish(struct lc_query *q)
{
    lc_filter_weigh(q->filter);
    lc_query_plan(q);
}

static lc_err fail(struct lc_diag *diag, const char *text)
{
    lc_diag_set(diag, "%s", text);
    return LC_ESYNTAX;
}

static unsigned levels_named_with(const struct lc_keyword *keyword)
{
    unsigned levels = 0;
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++)
        if (lc_keyword_in(keyword, lc_level_name((enum lc_level)i)))
            levels |= 1u << i;
    return levels;
}

lc_err lc_query_keyword(struct lc_slice keyword, struct lc_query **ret, struct lc_diag *diag)
{
    if (keyword.n == 0)
        return fail(diag, "a text to find is missing");
    struct lc_query *q;
    lc_err e = query_of(LC_FILTER_KEYWORD, &q);
    if (e != LC_OK)
        return e;
    e = lc_keyword_make(&q->arena, keyword, &q->filter->keyword.text);
    if (e == LC_ELIMIT)
        lc_diag_set(diag, "the text to find is too long: at most %d octets", LC_FIND_TEXT_MAX);
    if (e != LC_OK) {
        lc_query_unref(q);
        return e;
    }
    q->filter->keyword.levels = levels_named_with(&q->filter->keyword.text);
    finish(q);
    *ret = q;
    return LC_OK;
}

lc_err lc_query_level(struct lc_slice level, struct lc_query **ret, struct lc_diag *diag)
{
    char word[LC_EXCERPT_MAX];
    level = lc_slice_trim(level);
    enum lc_level least = lc_level_parse(level);
    if (least == LC_LEVEL_NONE) {
        lc_diag_set(diag, "unknown level '%s': there are%s", lc_excerpt(level, word),
                    LC_LEVEL_WORDS);
        return LC_ESYNTAX;
    }
    struct lc_query *q;
    lc_err e = query_of(LC_FILTER_LEVEL, &q);
    if (e != LC_OK)
        return e;
    q->filter->field = lc_field_ref(LC_LIT("level"));
    q->filter->levels = LC_LEVELS_ANY & ~((1u << least) - 1);
    finish(q);
    *ret = q;
    return LC_OK;
}

/* One end of a range; empty: open. */
static lc_err parse_end(struct lc_slice text, int64_t now_ns, struct lc_moment *ret,
                        struct lc_diag *diag)
{
    char word[LC_EXCERPT_MAX];
    const char *why;
    if (text.n == 0) {
        *ret = (struct lc_moment){INT64_MIN, INT64_MAX};
        return LC_OK;
    }
    lc_err e = lc_moment_parse(text, now_ns, LC_DIGITS_UNIX, ret, &why);
    if (e != LC_OK)
        lc_diag_set(diag, "'%s' %s", lc_excerpt(text, word), why);
    return e;
}

lc_err lc_query_time(struct lc_slice range, int64_t now_ns, struct lc_query **ret,
                     struct lc_diag *diag)
{
    struct lc_slice from_text, to_text = range;
    if (!lc_slice_cut(&to_text, ',', &from_text))
        return fail(diag, "a range of time is <from>,<to>: unix seconds, RFC 3339 or relative, as "
                          "in -15m,now");
    struct lc_moment from, to;
    lc_err e = parse_end(lc_slice_trim(from_text), now_ns, &from, diag);
    if (e == LC_OK)
        e = parse_end(lc_slice_trim(to_text), now_ns, &to, diag);
    if (e != LC_OK)
        return e;
    if (from.from_ns >= to.to_ns)
        return fail(diag, "this range of time ends before it begins");
    struct lc_query *q;
    e = query_of(LC_FILTER_TIME, &q);
    if (e != LC_OK)
        return e;
    q->filter->field = lc_field_ref(LC_LIT("_time"));
    q->filter->time.from_ns = from.from_ns;
    q->filter->time.to_ns = to.to_ns;
    finish(q);
    *ret = q;
    return LC_OK;
}

lc_err lc_query_source(struct lc_slice source, struct lc_query **ret, struct lc_diag *diag)
{
    source = lc_slice_trim(source);
    if (source.n == 0)
        return fail(diag, "a host, an app or an address is missing");
    struct lc_query *q;
    lc_err e = query_of(LC_FILTER_SOURCE, &q);
    if (e != LC_OK)
        return e;
    q->filter->source = lc_arena_copy(&q->arena, source);
    if (q->filter->source.p == NULL) {
        lc_query_unref(q);
        return -ENOMEM;
    }
    finish(q);
    *ret = q;
    return LC_OK;
}

lc_err lc_query_last(struct lc_slice count, struct lc_query **ret, struct lc_diag *diag)
{
    uint64_t n;
    if (lc_slice_u64(lc_slice_trim(count), &n) != LC_OK)
        return fail(diag, "a number is missing: how many of the newest rows, as in 100");
    struct lc_query *q;
    lc_err e = query_of(LC_FILTER_ALL, &q);
    if (e != LC_OK)
        return e;
    q->row_limit = n;
    q->has_pipes = true;
    finish(q);
    *ret = q;
    return LC_OK;
}
