/* SPDX-License-Identifier: Apache-2.0
 *
 * query/parser.h - what the parts of the parser share.
 *
 * WHO     parser.c (filters), parse_value.c (what stands for one field), pipes.c.
 */
#ifndef LC_QUERY_PARSER_H
#define LC_QUERY_PARSER_H

#include "query/ast.h"
#include "query/lexer.h"

struct lc_parser {
    struct lc_lexer lx;
    struct lc_token previous; /* for saying after what something is missing */
    struct lc_query *q;
    int64_t now_ns;
    unsigned depth;
    const struct lc_field_ref *field; /* inside of field:( ... ); NULL: outside */
};

/* What may stand as a filter, for messages. */
#define LC_FILTERS_ARE                                                                             \
    lc_text("this version has words, \"phrases\", prefix*, field:value, _time:, AND, OR, NOT and " \
            "( )")

/* On to the next token. */
LC_MUST_CHECK lc_err lc_parser_next(struct lc_parser *p);
/* The unquoted word, in any case. */
bool lc_parser_at_word(const struct lc_parser *p, const char *word);
/* and, or, not: never a text without quotes. */
bool lc_parser_at_keyword(const struct lc_parser *p);

/* As lc_filter_new(), and says so when there are too many. */
LC_MUST_CHECK lc_err lc_parse_filter(struct lc_parser *p, enum lc_filter_kind kind,
                                     struct lc_filter **ret);
/* NOT kid */
LC_MUST_CHECK lc_err lc_parse_negation(struct lc_parser *p, struct lc_filter *kid,
                                       struct lc_filter **ret);

/* ( ... ) with the current token at the parenthesis. */
LC_MUST_CHECK lc_err lc_parse_parens(struct lc_parser *p, struct lc_filter **ret);

/* A text that was passed already, as a filter of `field`; a `*` may follow it. */
LC_MUST_CHECK lc_err lc_parse_text(struct lc_parser *p, const struct lc_field_ref *field,
                                   const struct lc_token *text, struct lc_filter **ret);
/* What follows a field's name; the current token is the colon. */
LC_MUST_CHECK lc_err lc_parse_field(struct lc_parser *p, const struct lc_token *name,
                                    struct lc_filter **ret);
/* `*` at the current token, for `field` or, when that is NULL, for everything. */
LC_MUST_CHECK lc_err lc_parse_star(struct lc_parser *p, const struct lc_field_ref *field,
                                   struct lc_filter **ret);
/* The current token begins no filter: says so. Returns LC_ESYNTAX. */
lc_err lc_parse_unexpected(struct lc_parser *p);

/* All that follows the filter. */
LC_MUST_CHECK lc_err lc_parse_pipes(struct lc_parser *p);

#endif
