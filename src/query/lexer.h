/* SPDX-License-Identifier: Apache-2.0
 *
 * query/lexer.h - a question's text as tokens, with their places.
 *
 * WHO     query/ only.
 * NOT     It knows no keyword: `and` is a word here.
 */
#ifndef LC_QUERY_LEXER_H
#define LC_QUERY_LEXER_H

#include "base/arena.h"

enum lc_token_kind {
    LC_TOKEN_END,
    LC_TOKEN_WORD,   /* without quotes */
    LC_TOKEN_QUOTED, /* text: what the quotes hold */
    LC_TOKEN_STAR,
    LC_TOKEN_OPEN,  /* ( */
    LC_TOKEN_CLOSE, /* ) */
    LC_TOKEN_FROM,  /* [ */
    LC_TOKEN_TO,    /* ] */
    LC_TOKEN_BRACE, /* { or } */
    LC_TOKEN_COLON,
    LC_TOKEN_COMMA,
    LC_TOKEN_PIPE,
    LC_TOKEN_MINUS, /* before something, never inside of a word */
    LC_TOKEN_BANG,
    LC_TOKEN_TILDE,
    LC_TOKEN_EQUAL,
    LC_TOKEN_LESS,
    LC_TOKEN_LESS_EQUAL,
    LC_TOKEN_MORE,
    LC_TOKEN_MORE_EQUAL,
};

struct lc_token {
    enum lc_token_kind kind;
    struct lc_slice text; /* into the input, or into the arena where escapes were resolved */
    size_t at;            /* octets from the start of the input */
    bool spaced;          /* something blank, or the start, stands before it */
};

struct lc_lexer {
    struct lc_slice input;
    size_t at;
    struct lc_arena *arena;
    struct lc_diag *diag;
    struct lc_token token; /* the current one */
};

/* The current token is the first one only after lc_lexer_next(). */
void lc_lexer_init(struct lc_lexer *lx, struct lc_slice input, struct lc_arena *arena,
                   struct lc_diag *diag);
/* Goes on to the next token. LC_ESYNTAX with diag: a quote is not closed, or a wrong escape;
 * -ENOMEM. */
LC_MUST_CHECK lc_err lc_lexer_next(struct lc_lexer *lx);
/* The same where a time is expected: colons, signs and stars are parts of a word. */
LC_MUST_CHECK lc_err lc_lexer_next_time(struct lc_lexer *lx);

/* Sets line and column of the octet `at`, and the text. Returns LC_ESYNTAX. */
LC_PRINTF(3, 4)
lc_err lc_lexer_fail(struct lc_lexer *lx, size_t at, const char *fmt, ...);

/* A piece of the user's text for use in a message: cut to a sane length, control characters
 * replaced; harmless on a terminal. */
#define LC_EXCERPT_MAX 64
const char *lc_excerpt(struct lc_slice s, char out[LC_EXCERPT_MAX]);

#endif
