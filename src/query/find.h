/* SPDX-License-Identifier: Apache-2.0
 *
 * query/find.h - finding text in text: the innermost loop of every question.
 *
 * WHAT    lc_finder  octets in octets, where some letters may be of either ASCII case
 *         lc_phrase  the language's words, phrases and prefixes: with regard to word boundaries
 *         lc_keyword a substring in any case, by Unicode's simple folding
 * WHO     query/ only.
 * THREAD  Immutable once made.
 */
#ifndef LC_QUERY_FIND_H
#define LC_QUERY_FIND_H

#include "base/arena.h"

#define LC_FIND_NONE SIZE_MAX

/* Longest text that is looked for. It bounds the cost of hostile pairs of text and question. */
#define LC_FIND_TEXT_MAX 1024

struct lc_finder {
    const uint8_t *octets; /* in lower case where any case is meant */
    const uint8_t *any;    /* 0x20 for those octets, else 0 */
    size_t n;              /* of both; at least 1 */
    size_t rare[2];        /* places of the two octets that logs hold least often */
};

/* `s` is copied into the arena. LC_ELIMIT: longer than LC_FIND_TEXT_MAX; -ENOMEM. */
LC_MUST_CHECK lc_err lc_finder_make(struct lc_arena *arena, struct lc_slice s, bool any_case,
                                    struct lc_finder *ret);
/* Where in `s` it first begins, not before `from`; LC_FIND_NONE. */
size_t lc_find(const struct lc_finder *f, struct lc_slice s, size_t from);

struct lc_phrase {
    struct lc_finder finder;
    bool bound_start, bound_end; /* no joining character may stand there */
};

/* s.n must be at least 1. prefix: the end is open. Errors as lc_finder_make(). */
LC_MUST_CHECK lc_err lc_phrase_make(struct lc_arena *arena, struct lc_slice s, bool prefix,
                                    struct lc_phrase *ret);
bool lc_phrase_in(const struct lc_phrase *p, struct lc_slice s);

struct lc_keyword {
    struct lc_finder finder; /* of the folded text; only if `octets` */
    uint32_t *folded;        /* its characters */
    size_t count;
    bool octets; /* the finder decides, but for texts that hold odd letters */
    bool odd;    /* holds k or s, which letters outside of ASCII fold to */
};

/* s.n must be at least 1. Errors as lc_finder_make(). */
LC_MUST_CHECK lc_err lc_keyword_make(struct lc_arena *arena, struct lc_slice s,
                                     struct lc_keyword *ret);
bool lc_keyword_in(const struct lc_keyword *k, struct lc_slice s);

#endif
