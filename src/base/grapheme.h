/* SPDX-License-Identifier: Apache-2.0
 *
 * base/grapheme.h - what a reader takes for one character: extended grapheme clusters (Unicode
 * Standard Annex 29), and the columns that they take in a terminal.
 *
 * WHAT    A letter with its accents, a syllable of Korean in its parts, an emoji of several people,
 *         a flag. Text that is shown is never cut inside one. An octet that is not UTF-8 stands for
 *         itself.
 * WHO     Where text is shown. Not codecs: whether a cluster ends can depend on what has not come
 *         yet; they cut between code points (base/utf8.h).
 * THREAD  Pure.
 */
#ifndef LC_BASE_GRAPHEME_H
#define LC_BASE_GRAPHEME_H

#include "base/slice.h"

/* Nobody needs more; what has more (accents piled on one letter) is cut between code points. */
#define LC_GRAPHEME_MAX 256

/* The octets of the cluster at the start of `s`, at most LC_GRAPHEME_MAX. s.n must be at least 1.
 */
size_t lc_grapheme_next(struct lc_slice s);

/* The longest prefix of `s` of at most `max` octets that ends neither inside a cluster nor inside a
 * character. Where the first cluster alone is longer, that of lc_utf8_cut(). */
size_t lc_grapheme_cut(struct lc_slice s, size_t max);

/* Columns of a text in a terminal that knows clusters: each takes as many as its widest code point,
 * two at most; emoji take two (Annex 11). Control characters take none. */
size_t lc_text_width(struct lc_slice s);

#endif
