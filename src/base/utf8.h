/* SPDX-License-Identifier: Apache-2.0
 *
 * base/utf8.h - octets as UTF-8 (RFC 3629), where text is shown or compared. What is stored is
 * never touched.
 */
#ifndef LC_BASE_UTF8_H
#define LC_BASE_UTF8_H

#include "base/slice.h"

/* The code point at the start of `s`, and its octets; LC_UTF8_BAD and 1 octet where there is no
 * valid sequence (overlong forms and surrogates are not). s.n must be at least 1. */
#define LC_UTF8_BAD 0xFFFFFFFFu
uint32_t lc_utf8_next(struct lc_slice s, size_t *ret_used);

/* Writes a code point; returns its octets, 0 for what is none (surrogates, over 0x10FFFF). */
#define LC_UTF8_MAX 4
size_t lc_utf8_put(uint32_t c, uint8_t out[LC_UTF8_MAX]);

bool lc_utf8_is_valid(struct lc_slice s);

/* The longest prefix of `s` of at most `max` octets that does not end inside a character. */
size_t lc_utf8_cut(struct lc_slice s, size_t max);

#endif
