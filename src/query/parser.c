/* SPDX-License-Identifier: Apache-2.0
 *
 * query/parser.c - filters and how they are joined. docs/query-language.md has the grammar.
 */
#include <errno.h>

#include "base/text.h"
#include "query/parser.h"

lc_err lc_parser_next(struct lc_parser *p)
{
    p->previous = p->lx.token;
    return lc_lexer_next(&p->lx);
}

bool lc_parser_at_word(const struct lc_parser *p, const char *word)
{
    return p->lx.token.kind == LC_TOKEN_WORD &&
           lc_slice_eq_nocase(p->lx.token.text, lc_slice_cstr(word));
}

bool lc_parser_at_keyword(const struct lc_parser *p)
{
    return lc_parser_at_word(p, "and") || lc_parser_at_word(p, "or") || lc_parser_at_word(p, "not");
}

static lc_err missing_filter(struct lc_parser *p)
{
    char after[LC_EXCERPT_MAX], here[LC_EXCERPT_MAX];
    size_t at = p->lx.token.at;
    lc_excerpt(p->previous.text, after);
    lc_excerpt(p->lx.token.text, here);
    if (p->previous.text.n > 0 && p->previous.kind == LC_TOKEN_OPEN &&
        p->lx.token.kind == LC_TOKEN_CLOSE)
        return lc_lexer_fail(&p->lx, at, "nothing stands in these parentheses");
    if (p->previous.text.n > 0)
        return lc_lexer_fail(&p->lx, at, "a filter is missing after '%s'", after);
    if (p->lx.token.kind == LC_TOKEN_END)
        return lc_lexer_fail(&p->lx, at, "the query is empty: * finds everything");
    if (p->lx.token.kind == LC_TOKEN_PIPE)
        return lc_lexer_fail(&p->lx, at, "a filter is missing before '|': * finds everything");
    if (p->lx.token.kind == LC_TOKEN_CLOSE)
        return lc_lexer_fail(&p->lx, at, "a ')' without its '('");
    return lc_lexer_fail(&p->lx, at,
                         "a filter is missing before '%s'; to find the word itself write \"%s\"",
                         here, here);
}

lc_err lc_parse_unexpected(struct lc_parser *p)
{
    struct lc_lexer *lx = &p->lx;
    size_t at = lx->token.at;
    switch (lx->token.kind) {
    case LC_TOKEN_COLON:
        return lc_lexer_fail(lx, at,
                             "a ':' needs a field's name before it, as in host:web-1; text "
                             "that holds a ':' needs quotes");
    case LC_TOKEN_EQUAL:
        return lc_lexer_fail(lx, at,
                             "'=' is not in this version: write field:value, or \"a=b\" in "
                             "quotes to find that text");
    case LC_TOKEN_TILDE:
        return lc_lexer_fail(lx, at, "'~' (regular expressions) is not in this version: %s",
                             LC_FILTERS_ARE);
    case LC_TOKEN_LESS:
    case LC_TOKEN_LESS_EQUAL:
    case LC_TOKEN_MORE:
    case LC_TOKEN_MORE_EQUAL:
        return lc_lexer_fail(lx, at,
                             "comparing is only for _time and level, as in level:>=WARN; "
                             "to find the sign itself put the text in quotes");
    case LC_TOKEN_BRACE:
        return lc_lexer_fail(lx, at,
                             "streams in { } are not in this version: use host:, app:, "
                             "facility:, space:; text that holds a brace needs quotes");
    case LC_TOKEN_FROM:
    case LC_TOKEN_TO:
        return lc_lexer_fail(lx, at,
                             "brackets are only for _time:[from, to]; text that holds a "
                             "bracket needs quotes");
    case LC_TOKEN_COMMA:
        return lc_lexer_fail(lx, at,
                             "a ',' means nothing here: words are joined by AND or OR; "
                             "text that holds a comma needs quotes");
    default:
        return missing_filter(p);
    }
}

static lc_err deeper(struct lc_parser *p)
{
    if (p->depth == LC_QUERY_DEPTH_MAX) {
        lc_lexer_fail(&p->lx, p->lx.token.at, "nested too deeply: at most %d levels",
                      LC_QUERY_DEPTH_MAX);
        return LC_ELIMIT;
    }
    p->depth++;
    return LC_OK;
}

static lc_err parse_primary(struct lc_parser *p, struct lc_filter **ret)
{
    struct lc_token first = p->lx.token;
    if (first.kind == LC_TOKEN_OPEN)
        return lc_parse_parens(p, ret);
    if (first.kind == LC_TOKEN_STAR)
        return lc_parse_star(p, p->field, ret);
    bool text = first.kind == LC_TOKEN_WORD || first.kind == LC_TOKEN_QUOTED;
    if (!text || lc_parser_at_keyword(p))
        return lc_parse_unexpected(p);
    lc_err e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind == LC_TOKEN_COLON)
        return lc_parse_field(p, &first, ret);
    static const struct lc_field_ref message = {LC_QFIELD_MESSAGE, {(const uint8_t *)"_msg", 4}};
    return lc_parse_text(p, p->field != NULL ? p->field : &message, &first, ret);
}

lc_err lc_parse_filter(struct lc_parser *p, enum lc_filter_kind kind, struct lc_filter **ret)
{
    lc_err e = lc_filter_new(p->q, kind, ret);
    if (e == LC_ELIMIT)
        lc_lexer_fail(&p->lx, p->lx.token.at, "too many filters: at most %d", LC_QUERY_FILTERS_MAX);
    return e;
}

lc_err lc_parse_negation(struct lc_parser *p, struct lc_filter *kid, struct lc_filter **ret)
{
    struct lc_filter *f;
    lc_err e = lc_parse_filter(p, LC_FILTER_NOT, &f);
    if (e != LC_OK)
        return e;
    lc_filter_adopt(f, kid);
    *ret = f;
    return LC_OK;
}

/* A filter at the current token, its NOTs included. */
static lc_err parse_not(struct lc_parser *p, struct lc_filter **ret)
{
    bool minus = p->lx.token.kind == LC_TOKEN_MINUS;
    if (!minus && p->lx.token.kind != LC_TOKEN_BANG && !lc_parser_at_word(p, "not"))
        return parse_primary(p, ret);
    size_t at = p->lx.token.at;
    lc_err e = deeper(p);
    if (e == LC_OK)
        e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (minus && (p->lx.token.spaced || p->lx.token.kind == LC_TOKEN_END))
        return lc_lexer_fail(&p->lx, at,
                             "a '-' alone: -word leaves out what has the word, \"-\" "
                             "in quotes finds the sign");
    struct lc_filter *kid;
    e = parse_not(p, &kid);
    p->depth--;
    return e != LC_OK ? e : lc_parse_negation(p, kid, ret);
}

static bool ends_conjunction(const struct lc_parser *p)
{
    enum lc_token_kind kind = p->lx.token.kind;
    return kind == LC_TOKEN_END || kind == LC_TOKEN_CLOSE || kind == LC_TOKEN_PIPE ||
           lc_parser_at_word(p, "or");
}

/* A second filter makes a group of the first one. */
static lc_err join(struct lc_parser *p, enum lc_filter_kind kind, struct lc_filter *kid,
                   struct lc_filter **ret)
{
    if (*ret == NULL) {
        *ret = kid;
        return LC_OK;
    }
    struct lc_filter *first = *ret;
    if (first->kind != kind) {
        lc_err e = lc_parse_filter(p, kind, ret);
        if (e != LC_OK)
            return e;
        lc_filter_adopt(*ret, first);
    }
    lc_filter_adopt(*ret, kid);
    return LC_OK;
}

static lc_err parse_and(struct lc_parser *p, struct lc_filter **ret)
{
    struct lc_filter *all = NULL;
    do {
        struct lc_filter *kid = NULL;
        lc_err e = LC_OK;
        if (all != NULL && lc_parser_at_word(p, "and"))
            e = lc_parser_next(p);
        if (e == LC_OK)
            e = parse_not(p, &kid);
        if (e == LC_OK)
            e = join(p, LC_FILTER_AND, kid, &all);
        if (e != LC_OK)
            return e;
    } while (!ends_conjunction(p));
    *ret = all;
    return LC_OK;
}

static lc_err parse_or(struct lc_parser *p, struct lc_filter **ret)
{
    struct lc_filter *any = NULL;
    for (;;) {
        struct lc_filter *kid = NULL;
        lc_err e = parse_and(p, &kid);
        if (e == LC_OK)
            e = join(p, LC_FILTER_OR, kid, &any);
        if (e == LC_OK && !lc_parser_at_word(p, "or")) {
            *ret = any;
            return LC_OK;
        }
        if (e == LC_OK)
            e = lc_parser_next(p);
        if (e != LC_OK)
            return e;
    }
}

lc_err lc_parse_parens(struct lc_parser *p, struct lc_filter **ret)
{
    size_t at = p->lx.token.at;
    lc_err e = deeper(p);
    if (e == LC_OK)
        e = lc_parser_next(p);
    if (e == LC_OK)
        e = parse_or(p, ret);
    if (e != LC_OK)
        return e;
    p->depth--;
    if (p->lx.token.kind != LC_TOKEN_CLOSE)
        return lc_lexer_fail(&p->lx, at, "this '(' is never closed");
    return lc_parser_next(p);
}

/* `COUNT query` is short for `query | stats count()`. */
static bool take_count(struct lc_parser *p)
{
    struct lc_lexer ahead = p->lx;
    ahead.diag = NULL;
    if (ahead.token.kind != LC_TOKEN_WORD || !lc_slice_eq(ahead.token.text, LC_LIT("COUNT")))
        return false;
    if (lc_lexer_next(&ahead) != LC_OK)
        return false;
    struct lc_parser next = {.lx = ahead};
    if (lc_parser_at_word(&next, "and") || lc_parser_at_word(&next, "or"))
        return false;
    enum lc_token_kind kind = ahead.token.kind;
    if (kind == LC_TOKEN_END || kind == LC_TOKEN_PIPE || kind == LC_TOKEN_COLON)
        return false;
    return kind != LC_TOKEN_STAR || ahead.token.spaced;
}

static lc_err parse_all(struct lc_parser *p)
{
    lc_err e = lc_lexer_next(&p->lx);
    if (e != LC_OK)
        return e;
    bool count = take_count(p);
    if (count)
        e = lc_parser_next(p);
    if (e == LC_OK)
        e = parse_or(p, &p->q->filter);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind == LC_TOKEN_CLOSE)
        return lc_lexer_fail(&p->lx, p->lx.token.at, "a ')' without its '('");
    if (!count)
        return lc_parse_pipes(p);
    if (p->lx.token.kind == LC_TOKEN_PIPE)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "COUNT in front stands for the pipe | stats count(): no other pipe "
                             "may follow; \"COUNT\" in quotes finds the word");
    return lc_stats_plan_count(p->q);
}

lc_err lc_query_parse(struct lc_slice text, int64_t now_ns, struct lc_query **ret,
                      struct lc_diag *diag)
{
    if (text.n > LC_QUERY_TEXT_MAX) {
        lc_diag_set(diag, "the query is too long: at most %d octets", LC_QUERY_TEXT_MAX);
        return LC_ELIMIT;
    }
    struct lc_query *q;
    lc_err e = lc_query_new(&q);
    if (e != LC_OK)
        return e;
    struct lc_parser p = {.q = q, .now_ns = now_ns};
    struct lc_slice copy = lc_arena_copy(&q->arena, text);
    if (copy.p == NULL)
        e = -ENOMEM;
    if (e == LC_OK) {
        lc_lexer_init(&p.lx, copy, &q->arena, diag);
        e = parse_all(&p);
    }
    if (e != LC_OK) {
        lc_query_unref(q);
        return e;
    }
    lc_query_plan(q);
    *ret = q;
    return LC_OK;
}
