/* SPDX-License-Identifier: Apache-2.0
 *
 * base/grapheme.c - clusters by way of libutf8proc, which has Unicode's tables.
 */
#include "base/grapheme.h"

#include <utf8proc.h>

#include "base/utf8.h"

/* How far before a cut is looked for where clusters begin. */
#define LOOK_BACK (2 * LC_GRAPHEME_MAX)

#define EMOJI_PRESENTATION 0xFE0Fu /* VARIATION SELECTOR-16 */

static bool is_flag_letter(uint32_t c)
{
    return c >= 0x1F1E6 && c <= 0x1F1FF;
}

size_t lc_grapheme_next(struct lc_slice s)
{
    utf8proc_int32_t state = 0;
    size_t n, used;
    uint32_t last = lc_utf8_next(s, &n);

    while (last != LC_UTF8_BAD && n < s.n) {
        uint32_t c = lc_utf8_next(lc_slice_from(s, n), &used);

        if (c == LC_UTF8_BAD || n + used > LC_GRAPHEME_MAX ||
            utf8proc_grapheme_break_stateful((utf8proc_int32_t)last, (utf8proc_int32_t)c, &state))
            break;
        n += used;
        last = c;
    }
    return n;
}

/* Between two ASCII characters there is a break, but between CR and LF. */
static bool is_surely_break(struct lc_slice s, size_t at)
{
    return at == 0 || (s.p[at] < 0x80 && s.p[at - 1] < 0x80 && s.p[at - 1] != '\r');
}

/* The start of the character that ends at `at`. */
static size_t before(struct lc_slice s, size_t at)
{
    return lc_utf8_cut(s, at - 1);
}

/* Somewhere before `max` where a cluster begins. Where none is sure nearby, any code point is as
 * good: the first clusters may then be found wrong, but not those near the cut; but flags, which
 * are pairs of letters, have to be counted from their first. */
static size_t find_start(struct lc_slice s, size_t max)
{
    size_t at = max, used;

    while (max - at < LOOK_BACK && !is_surely_break(s, at))
        at--;
    if (is_surely_break(s, at))
        return at;
    at = lc_utf8_cut(s, at);
    while (at > 0 && is_flag_letter(lc_utf8_next(lc_slice_from(s, before(s, at)), &used)))
        at = before(s, at);
    return at;
}

size_t lc_grapheme_cut(struct lc_slice s, size_t max)
{
    size_t at, next;

    if (s.n <= max)
        return s.n;
    at = find_start(s, max);
    for (next = at; next <= max; next += lc_grapheme_next(lc_slice_from(s, next)))
        at = next;
    return at > 0 ? at : lc_utf8_cut(s, max);
}

static size_t cluster_width(struct lc_slice cluster)
{
    size_t used;
    uint32_t first = lc_utf8_next(cluster, &used);
    int width = first == LC_UTF8_BAD ? 1 : utf8proc_charwidth((utf8proc_int32_t)first);

    for (size_t at = used; at < cluster.n; at += used) {
        uint32_t c = lc_utf8_next(lc_slice_from(cluster, at), &used);
        int more = utf8proc_charwidth((utf8proc_int32_t)c);

        if (c == EMOJI_PRESENTATION || (is_flag_letter(first) && is_flag_letter(c)))
            more = 2;
        if (more > width)
            width = more;
    }
    return width > 0 ? (size_t)width : 0;
}

size_t lc_text_width(struct lc_slice s)
{
    size_t width = 0;

    while (s.n > 0) {
        size_t n = lc_grapheme_next(s);

        width += cluster_width(lc_slice(s.p, n));
        s = lc_slice_from(s, n);
    }
    return width;
}
