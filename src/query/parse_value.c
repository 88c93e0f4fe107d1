/* SPDX-License-Identifier: Apache-2.0
 *
 * query/parse_value.c - what stands for one field: texts, prefixes, levels, times.
 */
#include "base/text.h"
#include "query/parser.h"
#include "query/timespec.h"

static lc_err new_filter(struct lc_parser *p, enum lc_filter_kind kind,
                         const struct lc_field_ref *field, struct lc_filter **ret)
{
    lc_err e = lc_parse_filter(p, kind, ret);
    if (e != LC_OK)
        return e;
    (*ret)->field = *field;
    lc_filter_weigh(*ret);
    return LC_OK;
}

/* ---- levels ---- */

static lc_err unknown_level(struct lc_parser *p, const struct lc_token *t)
{
    char word[LC_EXCERPT_MAX];
    return lc_lexer_fail(&p->lx, t->at, "unknown level '%s': there are%s",
                         lc_excerpt(t->text, word), LC_LEVEL_WORDS);
}

static lc_err levels_filter(struct lc_parser *p, unsigned levels, struct lc_filter **ret)
{
    static const struct lc_field_ref level = {LC_QFIELD_LEVEL, {(const uint8_t *)"level", 5}};
    lc_err e = new_filter(p, LC_FILTER_LEVEL, &level, ret);
    if (e == LC_OK)
        (*ret)->levels = levels;
    return e;
}

static unsigned levels_with_prefix(struct lc_slice prefix)
{
    unsigned levels = 0;
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++) {
        struct lc_slice name = lc_level_name((enum lc_level)i);
        if (name.n >= prefix.n && lc_slice_eq_nocase(lc_slice(name.p, prefix.n), prefix))
            levels |= 1u << i;
    }
    return levels;
}

static lc_err parse_level(struct lc_parser *p, const struct lc_token *t, bool prefix,
                          struct lc_filter **ret)
{
    if (t->text.n == 0)
        return levels_filter(p, LC_LEVELS_ABSENT, ret);
    if (prefix) {
        unsigned levels = levels_with_prefix(t->text);
        return levels == 0 ? unknown_level(p, t) : levels_filter(p, levels, ret);
    }
    enum lc_level level = lc_level_parse(t->text);
    return level == LC_LEVEL_NONE ? unknown_level(p, t) : levels_filter(p, 1u << level, ret);
}

/* The current token is the sign. */
static lc_err parse_level_comparison(struct lc_parser *p, struct lc_filter **ret)
{
    enum lc_token_kind sign = p->lx.token.kind;
    lc_err e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    struct lc_token t = p->lx.token;
    enum lc_level level = LC_LEVEL_NONE;
    if (t.kind == LC_TOKEN_WORD || t.kind == LC_TOKEN_QUOTED)
        level = lc_level_parse(t.text);
    if (level == LC_LEVEL_NONE)
        return unknown_level(p, &t);
    unsigned one = 1u << level;
    unsigned below = one - 1;
    unsigned above = LC_LEVELS_ANY & ~below & ~one;
    unsigned levels = sign == LC_TOKEN_MORE         ? above
                      : sign == LC_TOKEN_MORE_EQUAL ? above | one
                      : sign == LC_TOKEN_LESS       ? below
                                                    : below | one;
    e = levels_filter(p, levels, ret);
    return e != LC_OK ? e : lc_parser_next(p);
}

/* ---- texts ---- */

static bool is_text(const struct lc_token *t)
{
    return t->kind == LC_TOKEN_WORD || t->kind == LC_TOKEN_QUOTED;
}

static lc_err text_filter(struct lc_parser *p, const struct lc_field_ref *field,
                          const struct lc_token *t, bool prefix, struct lc_filter **ret)
{
    if (t->text.n == 0 && prefix)
        return lc_lexer_fail(&p->lx, t->at, "an empty prefix: field:* finds any value");
    if (t->text.n == 0)
        return new_filter(p, LC_FILTER_ABSENT, field, ret);
    struct lc_phrase phrase;
    lc_err e = lc_phrase_make(&p->q->arena, t->text, prefix, &phrase);
    if (e == LC_ELIMIT) {
        lc_lexer_fail(&p->lx, t->at, "this text is too long: at most %d octets", LC_FIND_TEXT_MAX);
        return LC_ELIMIT;
    }
    if (e == LC_OK)
        e = new_filter(p, LC_FILTER_PHRASE, field, ret);
    if (e == LC_OK)
        (*ret)->phrase = phrase;
    return e;
}

/* What stood right before may not be glued to what stands here. */
static lc_err check_end_of_text(struct lc_parser *p, const struct lc_token *t, bool prefix)
{
    char word[LC_EXCERPT_MAX];
    const struct lc_token *here = &p->lx.token;
    if (here->spaced)
        return LC_OK;
    if (prefix && (is_text(here) || here->kind == LC_TOKEN_STAR))
        return lc_lexer_fail(&p->lx, p->previous.at,
                             "a '*' can only end a word; in quotes it is the sign itself");
    if (!prefix && here->kind == LC_TOKEN_OPEN && t->kind == LC_TOKEN_WORD)
        return lc_lexer_fail(
            &p->lx, t->at,
            "'%s(...)' is not in this version: %s; text that holds parentheses needs "
            "quotes",
            lc_excerpt(t->text, word), LC_FILTERS_ARE);
    return LC_OK;
}

lc_err lc_parse_text(struct lc_parser *p, const struct lc_field_ref *field,
                     const struct lc_token *text, struct lc_filter **ret)
{
    bool prefix = p->lx.token.kind == LC_TOKEN_STAR && !p->lx.token.spaced;
    lc_err e = prefix ? lc_parser_next(p) : LC_OK;
    if (e == LC_OK)
        e = check_end_of_text(p, text, prefix);
    if (e != LC_OK)
        return e;
    if (field->kind == LC_QFIELD_LEVEL)
        return parse_level(p, text, prefix, ret);
    return text_filter(p, field, text, prefix, ret);
}

lc_err lc_parse_star(struct lc_parser *p, const struct lc_field_ref *field, struct lc_filter **ret)
{
    size_t at = p->lx.token.at;
    lc_err e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (!p->lx.token.spaced && is_text(&p->lx.token))
        return lc_lexer_fail(&p->lx, at,
                             "a '*' can only end a word, as in err*; in quotes it is "
                             "the sign itself");
    if (field == NULL)
        return lc_parse_filter(p, LC_FILTER_ALL, ret);
    if (field->kind == LC_QFIELD_LEVEL)
        return levels_filter(p, LC_LEVELS_ANY, ret);
    return new_filter(p, LC_FILTER_PRESENT, field, ret);
}

/* ---- times ---- */

static lc_err bad_moment(struct lc_parser *p, const char *why)
{
    char word[LC_EXCERPT_MAX];
    return lc_lexer_fail(&p->lx, p->lx.token.at, "'%s' %s", lc_excerpt(p->lx.token.text, word),
                         why);
}

static lc_err current_moment(struct lc_parser *p, struct lc_moment *ret)
{
    if (!is_text(&p->lx.token))
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "a time is missing: 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, "
                             "now or -15m");
    const char *why;
    lc_err e = lc_moment_parse(p->lx.token.text, p->now_ns, LC_DIGITS_YEAR_OR_UNIX, ret, &why);
    return e == LC_OK ? LC_OK : bad_moment(p, why);
}

/* [from, to] and its kin; the current token is the bracket. The last bracket stays current. */
static lc_err parse_time_range(struct lc_parser *p, struct lc_filter *f)
{
    bool from_open = p->lx.token.kind == LC_TOKEN_OPEN;
    size_t at = p->lx.token.at;
    struct lc_moment from = {0}, to = {0};
    lc_err e = lc_lexer_next_time(&p->lx);
    if (e == LC_OK)
        e = current_moment(p, &from);
    if (e == LC_OK)
        e = lc_lexer_next_time(&p->lx);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind != LC_TOKEN_COMMA)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "a range of time needs a ',' here: _time:[from, to]");
    e = lc_lexer_next_time(&p->lx);
    if (e == LC_OK)
        e = current_moment(p, &to);
    if (e == LC_OK)
        e = lc_lexer_next_time(&p->lx);
    if (e != LC_OK)
        return e;
    bool to_open = p->lx.token.kind == LC_TOKEN_CLOSE;
    if (!to_open && p->lx.token.kind != LC_TOKEN_TO)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "a range of time ends with ']' (its end included) or ')'");
    f->time.from_ns = from_open ? from.to_ns : from.from_ns;
    f->time.to_ns = to_open ? to.from_ns : to.to_ns;
    if (f->time.from_ns >= f->time.to_ns)
        return lc_lexer_fail(&p->lx, at, "this range of time ends before it begins");
    return LC_OK;
}

static lc_err parse_time_comparison(struct lc_parser *p, struct lc_filter *f)
{
    enum lc_token_kind sign = p->lx.token.kind;
    struct lc_moment m = {0};
    lc_err e = lc_lexer_next_time(&p->lx);
    if (e == LC_OK)
        e = current_moment(p, &m);
    if (e != LC_OK)
        return e;
    if (sign == LC_TOKEN_MORE)
        f->time.from_ns = m.to_ns;
    else if (sign == LC_TOKEN_MORE_EQUAL)
        f->time.from_ns = m.from_ns;
    else if (sign == LC_TOKEN_LESS)
        f->time.to_ns = m.from_ns;
    else
        f->time.to_ns = m.to_ns;
    return LC_OK;
}

static lc_err parse_time_value(struct lc_parser *p, struct lc_filter *f)
{
    switch (p->lx.token.kind) {
    case LC_TOKEN_FROM:
    case LC_TOKEN_OPEN:
        return parse_time_range(p, f);
    case LC_TOKEN_MORE:
    case LC_TOKEN_MORE_EQUAL:
    case LC_TOKEN_LESS:
    case LC_TOKEN_LESS_EQUAL:
        return parse_time_comparison(p, f);
    default:
        break;
    }
    /* A length of time is open at its end: senders' clocks may be ahead of ours, and a tail goes
     * on. */
    if (is_text(&p->lx.token) &&
        lc_ago_parse(p->lx.token.text, p->now_ns, &f->time.from_ns) == LC_OK)
        return LC_OK;
    struct lc_moment m = {0};
    lc_err e = current_moment(p, &m);
    if (e != LC_OK)
        return e;
    f->time.from_ns = m.from_ns;
    f->time.to_ns = m.to_ns;
    return LC_OK;
}

/* The current token is the colon. */
static lc_err parse_time(struct lc_parser *p, struct lc_filter **ret)
{
    static const struct lc_field_ref time = {LC_QFIELD_TIME, {(const uint8_t *)"_time", 5}};
    struct lc_filter *f;
    lc_err e = new_filter(p, LC_FILTER_TIME, &time, &f);
    if (e != LC_OK)
        return e;
    f->time.from_ns = INT64_MIN;
    f->time.to_ns = INT64_MAX;
    e = lc_lexer_next_time(&p->lx);
    if (e == LC_OK)
        e = parse_time_value(p, f);
    if (e == LC_OK)
        e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (lc_parser_at_word(p, "offset"))
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "offset is not in this version: write _time:[-2h, -1h]; \"offset\" "
                             "in quotes finds the word");
    *ret = f;
    return LC_OK;
}

/* ---- fields ---- */

static lc_err check_field_name(struct lc_parser *p, const struct lc_token *name)
{
    char word[LC_EXCERPT_MAX];
    if (p->field != NULL)
        return lc_lexer_fail(&p->lx, name->at,
                             "'%s:' stands inside of the parentheses of another field; text that "
                             "holds a ':' needs quotes",
                             lc_excerpt(name->text, word));
    if (name->text.n == 0)
        return lc_lexer_fail(&p->lx, name->at, "a field needs a name");
    if (lc_slice_starts(name->text, LC_LIT("_stream")))
        return lc_lexer_fail(&p->lx, name->at,
                             "%s is not in this version: use host:, app:, facility:, space:",
                             lc_excerpt(name->text, word));
    return LC_OK;
}

static lc_err missing_value(struct lc_parser *p, const struct lc_field_ref *field)
{
    char name[LC_EXCERPT_MAX], here[LC_EXCERPT_MAX];
    lc_excerpt(field->name, name);
    if (p->lx.token.kind == LC_TOKEN_WORD)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "a value is missing after '%s:'; to find the word itself write \"%s\"",
                             name, lc_excerpt(p->lx.token.text, here));
    if (p->lx.token.kind == LC_TOKEN_MINUS)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "a '-' goes before the field (-%s:...), and a negative number in "
                             "quotes (%s:\"-5\")",
                             name, name);
    if (p->lx.token.kind == LC_TOKEN_COLON)
        return lc_lexer_fail(&p->lx, p->lx.token.at, "a value that holds a ':' needs quotes");
    return lc_lexer_fail(&p->lx, p->lx.token.at, "a value is missing after '%s:'", name);
}

static lc_err parse_value(struct lc_parser *p, const struct lc_field_ref *field,
                          struct lc_filter **ret);

static lc_err parse_value_parens(struct lc_parser *p, const struct lc_field_ref *field,
                                 struct lc_filter **ret)
{
    p->field = field;
    lc_err e = lc_parse_parens(p, ret);
    p->field = NULL;
    return e;
}

static lc_err parse_value_not(struct lc_parser *p, const struct lc_field_ref *field,
                              struct lc_filter **ret)
{
    struct lc_filter *kid = NULL;
    lc_err e = lc_parser_next(p);
    if (e == LC_OK && p->lx.token.kind == LC_TOKEN_BANG)
        return lc_lexer_fail(&p->lx, p->lx.token.at, "one '!' is enough");
    if (e == LC_OK)
        e = parse_value(p, field, &kid);
    return e != LC_OK ? e : lc_parse_negation(p, kid, ret);
}

static lc_err parse_value_text(struct lc_parser *p, const struct lc_field_ref *field,
                               struct lc_filter **ret)
{
    struct lc_token text = p->lx.token;
    lc_err e = lc_parser_next(p);
    if (e == LC_OK && p->lx.token.kind == LC_TOKEN_COLON)
        return missing_value(p, field);
    return e != LC_OK ? e : lc_parse_text(p, field, &text, ret);
}

/* The current token is the first of the value. */
static lc_err parse_value(struct lc_parser *p, const struct lc_field_ref *field,
                          struct lc_filter **ret)
{
    switch (p->lx.token.kind) {
    case LC_TOKEN_OPEN:
        return parse_value_parens(p, field, ret);
    case LC_TOKEN_BANG:
        return parse_value_not(p, field, ret);
    case LC_TOKEN_STAR:
        return lc_parse_star(p, field, ret);
    case LC_TOKEN_WORD:
    case LC_TOKEN_QUOTED:
        return lc_parser_at_keyword(p) ? missing_value(p, field) : parse_value_text(p, field, ret);
    case LC_TOKEN_MORE:
    case LC_TOKEN_MORE_EQUAL:
    case LC_TOKEN_LESS:
    case LC_TOKEN_LESS_EQUAL:
        if (field->kind == LC_QFIELD_LEVEL)
            return parse_level_comparison(p, ret);
        return lc_parse_unexpected(p);
    case LC_TOKEN_END:
    case LC_TOKEN_CLOSE:
    case LC_TOKEN_PIPE:
    case LC_TOKEN_MINUS:
    case LC_TOKEN_COLON:
        return missing_value(p, field);
    default:
        return lc_parse_unexpected(p);
    }
}

lc_err lc_parse_field(struct lc_parser *p, const struct lc_token *name, struct lc_filter **ret)
{
    lc_err e = check_field_name(p, name);
    if (e != LC_OK)
        return e;
    struct lc_field_ref field = lc_field_ref(name->text);
    if (field.kind == LC_QFIELD_TIME)
        return parse_time(p, ret);
    e = lc_parser_next(p);
    return e != LC_OK ? e : parse_value(p, &field, ret);
}
