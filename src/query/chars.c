/* SPDX-License-Identifier: Apache-2.0
 *
 * query/chars.c - properties of characters, by way of libutf8proc.
 */
#include "query/chars.h"

#include <utf8proc.h>

/* above all code points: an octet that is no character keeps its identity */
#define ODD_OCTET 0x110000u

/* Letters, digits (Unicode categories L and Nd) and `_`. False for LC_UTF8_BAD. */
static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
    if (c > 0x10FFFF)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return false;
    }
}

/* Whether a word may begin or end beside this character though it is of a word itself: in scripts
 * that are written without spaces, and in Hangul, where endings are glued to words. */
static bool is_glued(uint32_t c)
{
    /* libutf8proc knows no scripts; these are the blocks of Unicode that hold them */
    static const struct {
        uint32_t first, last;
    } blocks[] = {
        {0x0E00, 0x0EFF},   /* Thai, Lao */
        {0x1000, 0x109F},   /* Myanmar */
        {0x1100, 0x11FF},   /* Hangul Jamo */
        {0x1780, 0x17FF},   /* Khmer */
        {0x2E80, 0x2FDF},   /* Han radicals */
        {0x3005, 0x3007},   /* Han iteration mark, closing mark, zero */
        {0x3021, 0x303C},   /* Hangzhou numerals, kana repeat marks */
        {0x3040, 0x31FF},   /* Hiragana, Katakana, Bopomofo, Hangul compatibility Jamo */
        {0x3400, 0x4DBF},   /* Han, extension A */
        {0x4E00, 0x9FFF},   /* Han */
        {0xA960, 0xA97F},   /* Hangul Jamo, extended A */
        {0xA9E0, 0xA9FF},   /* Myanmar, extended B */
        {0xAA60, 0xAA7F},   /* Myanmar, extended A */
        {0xAC00, 0xD7FF},   /* Hangul syllables, Jamo extended B */
        {0xF900, 0xFAFF},   /* Han compatibility */
        {0xFF66, 0xFFDC},   /* halfwidth Katakana and Hangul */
        {0x1AFF0, 0x1B16F}, /* Kana, extended */
        {0x20000, 0x3FFFF}, /* Han, further extensions */
    };
    if (c < blocks[0].first)
        return false;
    size_t low = 0, high = LC_ARRAY_LEN(blocks);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > blocks[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < LC_ARRAY_LEN(blocks) && c >= blocks[low].first;
}

bool lc_char_joins(uint32_t c)
{
    return is_word(c) && !is_glued(c);
}

uint32_t lc_char_before(struct lc_slice s, size_t at)
{
    size_t start = at - 1;
    while (start > 0 && at - start < 4 && (s.p[start] & 0xC0) == 0x80)
        start--;
    size_t used;
    uint32_t c = lc_utf8_next(lc_slice(s.p + start, at - start), &used);
    return used == at - start ? c : LC_UTF8_BAD;
}

uint32_t lc_char_fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    if (c > 0x10FFFF || lc_char_is_caseless(c))
        return c;
    utf8proc_int32_t folded[8];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, folded, LC_ARRAY_LEN(folded),
                                                 UTF8PROC_CASEFOLD, &boundary);
    if (n == 1)
        return (uint32_t)folded[0];
    /* The full folding has several characters. Then the simple one, where there is one, is the
     * lower case letter, but for the dotted capital I, which has none. */
    return c == 0x130 ? c : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

uint32_t lc_char_next_folded(struct lc_slice s, size_t *ret_used)
{
    uint32_t c = lc_utf8_next(s, ret_used);
    return c == LC_UTF8_BAD ? ODD_OCTET + s.p[0] : lc_char_fold(c);
}
