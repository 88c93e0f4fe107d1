/* SPDX-License-Identifier: Apache-2.0
 *
 * query/find.c - sixteen places at a time are tried for two rare octets of what is looked for;
 * only where both stand is the whole compared.
 */
#include "query/find.h"

#include <errno.h>

#include "query/chars.h"

/* The compiler's own vectors: SSE2, NEON or plain words, without a line for each. */
typedef uint8_t octets16 __attribute__((vector_size(16)));

/* How often logs hold an octet: 0 is rarely. */
static unsigned octet_rank(uint8_t octet)
{
    static const char often[] = "zqjxkvbywgpfmuhdlcrsnioate,\"=[]/_-:.9876543210 ";
    if (octet >= 0xC0)
        return sizeof often; /* in text outside of ASCII few different ones begin a character */
    const char *at = octet == 0 ? NULL : strchr(often, octet);
    return at == NULL ? 0 : (unsigned)(at - often) + 1;
}

static void choose_rare(struct lc_finder *f)
{
    f->rare[0] = 0;
    for (size_t i = 1; i < f->n; i++)
        if (octet_rank(f->octets[i]) < octet_rank(f->octets[f->rare[0]]))
            f->rare[0] = i;
    f->rare[1] = f->rare[0] == 0 ? f->n - 1 : 0;
    for (size_t i = 0; i < f->n; i++)
        if (i != f->rare[0] && octet_rank(f->octets[i]) < octet_rank(f->octets[f->rare[1]]))
            f->rare[1] = i;
}

lc_err lc_finder_make(struct lc_arena *arena, struct lc_slice s, bool any_case,
                      struct lc_finder *ret)
{
    LC_ASSERT(s.n > 0);
    if (s.n > LC_FIND_TEXT_MAX)
        return LC_ELIMIT;
    uint8_t *octets = lc_arena_alloc(arena, s.n);
    uint8_t *any = lc_arena_alloc(arena, s.n);
    if (octets == NULL || any == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < s.n; i++) {
        bool letter = (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z';
        any[i] = any_case && letter ? 0x20 : 0;
        octets[i] = s.p[i] | any[i];
    }
    *ret = (struct lc_finder){.octets = octets, .any = any, .n = s.n};
    choose_rare(ret);
    return LC_OK;
}

static bool equal_at(const struct lc_finder *f, const uint8_t *p)
{
    size_t i = 0;
    for (; i + 8 <= f->n; i += 8) {
        uint64_t text, any, want;
        memcpy(&text, p + i, 8);
        memcpy(&any, f->any + i, 8);
        memcpy(&want, f->octets + i, 8);
        if ((text | any) != want)
            return false;
    }
    for (; i < f->n; i++)
        if ((p[i] | f->any[i]) != f->octets[i])
            return false;
    return true;
}

/* The first of `count` places from `p` on; LC_FIND_NONE. */
static size_t find_one_by_one(const struct lc_finder *f, const uint8_t *p, size_t count)
{
    size_t at = f->rare[0];
    for (size_t i = 0; i < count; i++)
        if ((p[i + at] | f->any[at]) == f->octets[at] && equal_at(f, p + i))
            return i;
    return LC_FIND_NONE;
}

static bool any_of_16(const struct lc_finder *f, const uint8_t *p)
{
    octets16 a, b;
    memcpy(&a, p + f->rare[0], sizeof a);
    memcpy(&b, p + f->rare[1], sizeof b);
    octets16 hit = (octets16)((a | f->any[f->rare[0]]) == f->octets[f->rare[0]]) &
                   (octets16)((b | f->any[f->rare[1]]) == f->octets[f->rare[1]]);
    uint64_t halves[2];
    memcpy(halves, &hit, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

size_t lc_find(const struct lc_finder *f, struct lc_slice s, size_t from)
{
    if (s.n < f->n || from > s.n - f->n)
        return LC_FIND_NONE;
    size_t places = s.n - f->n + 1;
    size_t i = from;
    for (; places - i >= 16; i += 16) {
        if (!any_of_16(f, s.p + i))
            continue;
        size_t at = find_one_by_one(f, s.p + i, 16);
        if (at != LC_FIND_NONE)
            return i + at;
    }
    size_t at = find_one_by_one(f, s.p + i, places - i);
    return at == LC_FIND_NONE ? LC_FIND_NONE : i + at;
}

/* ---- phrases ---- */

lc_err lc_phrase_make(struct lc_arena *arena, struct lc_slice s, bool prefix, struct lc_phrase *ret)
{
    struct lc_phrase p = {0};
    lc_err e = lc_finder_make(arena, s, false, &p.finder);
    if (e != LC_OK)
        return e;
    size_t used;
    p.bound_start = lc_char_joins(lc_utf8_next(s, &used));
    p.bound_end = !prefix && lc_char_joins(lc_char_before(s, s.n));
    *ret = p;
    return LC_OK;
}

static bool is_bounded(const struct lc_phrase *p, struct lc_slice s, size_t at)
{
    if (p->bound_start && at > 0 && lc_char_joins(lc_char_before(s, at)))
        return false;
    struct lc_slice rest = lc_slice_from(s, at + p->finder.n);
    size_t used;
    return !p->bound_end || rest.n == 0 || !lc_char_joins(lc_utf8_next(rest, &used));
}

bool lc_phrase_in(const struct lc_phrase *p, struct lc_slice s)
{
    size_t at = lc_find(&p->finder, s, 0);
    while (at != LC_FIND_NONE && !is_bounded(p, s, at))
        at = lc_find(&p->finder, s, at + 1);
    return at != LC_FIND_NONE;
}

/* ---- keywords ---- */

lc_err lc_keyword_make(struct lc_arena *arena, struct lc_slice s, struct lc_keyword *ret)
{
    if (s.n > LC_FIND_TEXT_MAX)
        return LC_ELIMIT;
    struct lc_keyword k = {.octets = true};
    k.folded = lc_arena_alloc(arena, s.n * sizeof *k.folded);
    if (k.folded == NULL)
        return -ENOMEM;
    uint8_t text[LC_FIND_TEXT_MAX + LC_UTF8_MAX];
    size_t n = 0, used;
    for (struct lc_slice rest = s; rest.n > 0; rest = lc_slice_from(rest, used)) {
        uint32_t c = lc_char_next_folded(rest, &used);
        k.folded[k.count++] = c;
        k.octets = k.octets && (c < 0x80 || lc_char_is_caseless(c));
        k.odd = k.odd || c == 'k' || c == 's';
        if (k.octets)
            n += lc_utf8_put(c, text + n);
    }
    lc_err e = k.octets ? lc_finder_make(arena, lc_slice(text, n), true, &k.finder) : LC_OK;
    if (e != LC_OK)
        return e;
    *ret = k;
    return LC_OK;
}

/* U+017F and U+212A: the only letters outside of ASCII that fold to one inside (s and k). */
static bool has_odd_letters(struct lc_slice s)
{
    static const uint8_t long_s[] = {0xC5, 0xBF}, kelvin[] = {0xE2, 0x84, 0xAA};
    /* most texts have neither lead octet: memchr() is the fastest way to know */
    return (memchr(s.p, long_s[0], s.n) != NULL &&
            memmem(s.p, s.n, long_s, sizeof long_s) != NULL) ||
           (memchr(s.p, kelvin[0], s.n) != NULL && memmem(s.p, s.n, kelvin, sizeof kelvin) != NULL);
}

static bool folded_begins(const struct lc_keyword *k, struct lc_slice s)
{
    for (size_t i = 0; i < k->count; i++) {
        size_t used;
        if (s.n == 0 || lc_char_next_folded(s, &used) != k->folded[i])
            return false;
        s = lc_slice_from(s, used);
    }
    return true;
}

static bool folded_in(const struct lc_keyword *k, struct lc_slice s)
{
    size_t used;
    for (; s.n > 0; s = lc_slice_from(s, used)) {
        if (folded_begins(k, s))
            return true;
        lc_utf8_next(s, &used);
    }
    return false;
}

static bool is_ascii(struct lc_slice s)
{
    uint8_t high = 0;
    for (size_t i = 0; i < s.n; i++)
        high |= s.p[i];
    return high < 0x80;
}

bool lc_keyword_in(const struct lc_keyword *k, struct lc_slice s)
{
    if (k->octets) {
        if (lc_find(&k->finder, s, 0) != LC_FIND_NONE)
            return true;
        return k->odd && s.n > 0 && has_odd_letters(s) && folded_in(k, s);
    }
    /* a letter outside of ASCII, or an octet that is no character, remains: never in ASCII */
    return !is_ascii(s) && folded_in(k, s);
}
