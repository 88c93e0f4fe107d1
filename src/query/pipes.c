/* SPDX-License-Identifier: Apache-2.0
 *
 * query/pipes.c - the parts of a query behind its filter: limit, stats.
 */
#include <errno.h>

#include "base/text.h"
#include "query/parser.h"

static lc_err fail_here(struct lc_parser *p, const char *what)
{
    return lc_lexer_fail(&p->lx, p->lx.token.at, "%s", lc_text(what));
}

static lc_err parse_limit(struct lc_parser *p)
{
    uint64_t n = 0;
    lc_err e = LC_ESYNTAX;
    if (p->lx.token.kind == LC_TOKEN_WORD)
        e = lc_slice_u64(p->lx.token.text, &n);
    if (e != LC_OK)
        return fail_here(p, "limit needs a number, as in | limit 100");
    uint64_t *limit = p->q->stats != NULL ? &p->q->table_limit : &p->q->row_limit;
    if (n < *limit)
        *limit = n;
    return lc_parser_next(p);
}

/* ---- stats ---- */

static lc_err new_stats(struct lc_query *q)
{
    q->stats = lc_arena_alloc(&q->arena, sizeof *q->stats);
    if (q->stats == NULL)
        return -ENOMEM;
    q->stats->name = LC_LIT("count(*)");
    q->has_pipes = true;
    return LC_OK;
}

lc_err lc_stats_plan_count(struct lc_query *q)
{
    return new_stats(q);
}

/* Behind `_time:`; the current token is the colon. */
static lc_err parse_step(struct lc_parser *p, struct lc_stats_key *key)
{
    if (key->field.kind != LC_QFIELD_TIME)
        return fail_here(p, "only _time has steps, as in stats by (_time:10m) count()");
    lc_err e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind != LC_TOKEN_WORD ||
        lc_duration_parse(p->lx.token.text, &key->step_ns) != LC_OK || key->step_ns == 0)
        return fail_here(p, "the step of _time is a length of time, as in _time:10m");
    return lc_parser_next(p);
}

static lc_err parse_key(struct lc_parser *p)
{
    struct lc_stats_plan *plan = p->q->stats;
    if (p->lx.token.kind != LC_TOKEN_WORD && p->lx.token.kind != LC_TOKEN_QUOTED)
        return fail_here(p, "a field's name is missing, as in stats by (host, level) count()");
    if (plan->key_count == LC_QUERY_KEYS_MAX) {
        lc_lexer_fail(&p->lx, p->lx.token.at, "too many fields: at most %d", LC_QUERY_KEYS_MAX);
        return LC_ELIMIT;
    }
    struct lc_stats_key *key = &plan->keys[plan->key_count++];
    key->field = lc_field_ref(p->lx.token.text);
    lc_err e = lc_parser_next(p);
    if (e == LC_OK && p->lx.token.kind == LC_TOKEN_COLON)
        e = parse_step(p, key);
    return e;
}

static lc_err parse_keys(struct lc_parser *p)
{
    if (p->lx.token.kind != LC_TOKEN_OPEN)
        return fail_here(p, "by needs its fields in parentheses, as in stats by (host) count()");
    do {
        lc_err e = lc_parser_next(p);
        if (e == LC_OK)
            e = parse_key(p);
        if (e != LC_OK)
            return e;
    } while (p->lx.token.kind == LC_TOKEN_COMMA);
    if (p->lx.token.kind != LC_TOKEN_CLOSE)
        return fail_here(p, "a ',' or ')' is missing in the list of fields");
    return lc_parser_next(p);
}

/* count() or count(*) */
static lc_err parse_count(struct lc_parser *p)
{
    char word[LC_EXCERPT_MAX];
    if (p->lx.token.kind != LC_TOKEN_WORD)
        return fail_here(p, "stats needs a function, as in stats by (host) count()");
    if (!lc_parser_at_word(p, "count"))
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "unknown function '%s': this version has count()",
                             lc_excerpt(p->lx.token.text, word));
    lc_err e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind != LC_TOKEN_OPEN)
        return fail_here(p, "'()' is missing after count");
    e = lc_parser_next(p);
    if (e == LC_OK && p->lx.token.kind == LC_TOKEN_STAR)
        e = lc_parser_next(p);
    if (e != LC_OK)
        return e;
    if (p->lx.token.kind != LC_TOKEN_CLOSE)
        return fail_here(p, "count() counts rows: nothing may stand in its parentheses");
    return lc_parser_next(p);
}

static lc_err parse_name(struct lc_parser *p)
{
    bool as = lc_parser_at_word(p, "as");
    lc_err e = as ? lc_parser_next(p) : LC_OK;
    if (e != LC_OK)
        return e;
    bool text = p->lx.token.kind == LC_TOKEN_WORD || p->lx.token.kind == LC_TOKEN_QUOTED;
    if (as && (!text || p->lx.token.text.n == 0))
        return fail_here(p, "a name is missing after 'as'");
    if (!text)
        return LC_OK;
    p->q->stats->name = p->lx.token.text;
    return lc_parser_next(p);
}

static lc_err parse_stats(struct lc_parser *p)
{
    if (p->q->stats != NULL)
        return lc_lexer_fail(&p->lx, p->previous.at, "this version has only one stats in a query");
    lc_err e = new_stats(p->q);
    bool by = lc_parser_at_word(p, "by");
    if (e == LC_OK && by)
        e = lc_parser_next(p);
    if (e == LC_OK && (by || p->lx.token.kind == LC_TOKEN_OPEN))
        e = parse_keys(p);
    if (e == LC_OK)
        e = parse_count(p);
    if (e == LC_OK)
        e = parse_name(p);
    if (e == LC_OK && p->lx.token.kind == LC_TOKEN_COMMA)
        return fail_here(p, "this version has only one function in a stats");
    return e;
}

/* ---- any ---- */

static const struct {
    const char *name;
    lc_err (*parse)(struct lc_parser *p);
} pipes[] = {
    {"limit", parse_limit},
    {"stats", parse_stats},
};

static lc_err parse_pipe(struct lc_parser *p)
{
    char word[LC_EXCERPT_MAX];
    if (p->lx.token.kind != LC_TOKEN_WORD)
        return fail_here(p, "a pipe is missing after '|': this version has limit, stats");
    for (size_t i = 0; i < LC_ARRAY_LEN(pipes); i++) {
        if (!lc_parser_at_word(p, pipes[i].name))
            continue;
        p->q->has_pipes = true;
        lc_err e = lc_parser_next(p);
        return e != LC_OK ? e : pipes[i].parse(p);
    }
    return lc_lexer_fail(&p->lx, p->lx.token.at, "unknown pipe '%s': this version has limit, stats",
                         lc_excerpt(p->lx.token.text, word));
}

lc_err lc_parse_pipes(struct lc_parser *p)
{
    char word[LC_EXCERPT_MAX];
    while (p->lx.token.kind == LC_TOKEN_PIPE) {
        lc_err e = lc_parser_next(p);
        if (e == LC_OK)
            e = parse_pipe(p);
        if (e != LC_OK)
            return e;
    }
    if (p->lx.token.kind != LC_TOKEN_END)
        return lc_lexer_fail(&p->lx, p->lx.token.at,
                             "'%s' is too much here: the next pipe begins "
                             "with '|'",
                             lc_excerpt(p->lx.token.text, word));
    return LC_OK;
}
