/* SPDX-License-Identifier: Apache-2.0
 *
 * query/chars.h - what the language needs to know of a character: is it of a word, is it glued to
 * its neighbours, what is it without its case. docs/query-language.md, "Words".
 *
 * WHO     query/ only.
 * NOT     No normalisation: what is stored is compared as it is.
 */
#ifndef LC_QUERY_CHARS_H
#define LC_QUERY_CHARS_H

#include "base/utf8.h"

/* Of a word (letters, digits, `_`), and not of a script in which words stand side by side: beside
 * such a character a word cannot begin or end. False for LC_UTF8_BAD. */
bool lc_char_joins(uint32_t c);

/* The character that ends before octet `at` of `s`, which must not be a tail octet of UTF-8;
 * LC_UTF8_BAD where there is none. at must be at least 1. */
uint32_t lc_char_before(struct lc_slice s, size_t at);

/* Unicode simple case folding (CaseFolding.txt, statuses C and S). */
uint32_t lc_char_fold(uint32_t c);

/* Characters that are known at a glance to have no case: most of Korean, Chinese, Japanese. */
static inline bool lc_char_is_caseless(uint32_t c)
{
    return (c >= 0x2E80 && c <= 0xA63F) || (c >= 0xAC00 && c <= 0xD7FF);
}

/* One character of a text that may hold invalid UTF-8, for comparing without case: folded, or
 * where there is no character a number that stands for just that octet. s.n must be at least 1. */
uint32_t lc_char_next_folded(struct lc_slice s, size_t *ret_used);

#endif
