/* SPDX-License-Identifier: Apache-2.0
 *
 * query/find_test.c - the fast search agrees with a slow and obvious one, on texts made of the
 * characters where they could differ.
 */
#include "base/test.h"

#include <utf8proc.h>

#include "query/chars.h"
#include "query/find.h"
#include "store/testing/prng.h"

/* What the tests themselves say of a character: independent of chars.c. */
struct letter {
    const char *octets;
    unsigned fold; /* the same number: equal in any case */
    bool word, glued;
};

static const struct letter letters[] = {
    {"a", 1, true, false},
    {"A", 1, true, false},
    {"s", 2, true, false},
    {"S", 2, true, false},
    {"\xC5\xBF", 2, true, false}, /* LATIN SMALL LETTER LONG S */
    {"k", 3, true, false},
    {"K", 3, true, false},
    {"\xE2\x84\xAA", 3, true, false}, /* KELVIN SIGN */
    {"7", 4, true, false},
    {"_", 5, true, false},
    {" ", 6, false, false},
    {"-", 7, false, false},
    {"\xC3\xA9", 8, true, false}, /* e with acute */
    {"\xC3\x89", 8, true, false},
    {"\xCF\x83", 9, true, false}, /* the three sigmas */
    {"\xCF\x82", 9, true, false},
    {"\xCE\xA3", 9, true, false},
    {"\xC3\x9F", 10, true, false},     /* sharp s, small and capital */
    {"\xE1\xBA\x9E", 10, true, false}, /**/
    {"\xC4\xB0", 11, true, false},     /* dotted capital I: alone in simple folding */
    {"\xC4\xB1", 12, true, false},     /* dotless small i: likewise */
    {"i", 13, true, false},
    {"I", 13, true, false},
    {"\xD0\xAF", 14, true, false}, /* Cyrillic ya */
    {"\xD1\x8F", 14, true, false},
    {"\xD9\xA3", 15, true, false},          /* an Arabic digit */
    {"\xED\x95\x9C", 16, true, true},       /* Hangul */
    {"\xEA\xB0\x80", 17, true, true},       /**/
    {"\xE6\xBC\xA2", 18, true, true},       /* Han */
    {"\xE3\x82\xAB", 19, true, true},       /* Katakana */
    {"\xE0\xB8\x81", 20, true, true},       /* Thai */
    {"\xE3\x80\x82", 21, false, false},     /* an ideographic full stop is of no word */
    {"\xF0\x9F\x98\x80", 22, false, false}, /* an emoji */
    {"\xF0\xA0\x80\x80", 23, true, true},   /* Han, beyond the basic plane */
    {"\xE2\x82\xAC", 24, false, false},     /* a currency sign */
};

/* Octets that are no character, for texts only: each is a separator. None of them makes a
 * character with what may stand before or behind it. */
static const struct letter odd[] = {
    {"\xFF", 30, false, false},
    {"\xC0", 31, false, false},
    {"\x80", 32, false, false},
    {"\xED\xA0", 0, false, false},
};

#define TEXT_LETTERS 24

struct text {
    const struct letter *letters[TEXT_LETTERS];
    size_t count;
    char octets[TEXT_LETTERS * 4];
    size_t n;
};

static struct text make_text(struct lc_prng *r, size_t least, size_t most, bool with_odd,
                             size_t kinds)
{
    struct text t = {0};
    t.count = least + lc_prng_below(r, most - least + 1);
    for (size_t i = 0; i < t.count; i++) {
        t.letters[i] = with_odd && lc_prng_below(r, 12) == 0
                           ? &odd[lc_prng_below(r, LC_ARRAY_LEN(odd))]
                           : &letters[lc_prng_below(r, kinds)];
        size_t n = strlen(t.letters[i]->octets);
        memcpy(t.octets + t.n, t.letters[i]->octets, n);
        t.n += n;
    }
    return t;
}

static struct lc_slice text_slice(const struct text *t)
{
    return lc_slice(t->octets, t->n);
}

static bool joins(const struct letter *l)
{
    return l->word && !l->glued;
}

static bool obvious_phrase_at(const struct text *t, size_t at, const struct text *wanted,
                              bool prefix)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (t->letters[at + i] != wanted->letters[i])
            return false;
    size_t end = at + wanted->count;
    if (at > 0 && joins(t->letters[at - 1]) && joins(wanted->letters[0]))
        return false;
    return prefix || end == t->count || !joins(t->letters[end]) ||
           !joins(wanted->letters[wanted->count - 1]);
}

static bool obvious_phrase(const struct text *t, const struct text *wanted, bool prefix)
{
    for (size_t at = 0; at + wanted->count <= t->count; at++)
        if (obvious_phrase_at(t, at, wanted, prefix))
            return true;
    return false;
}

static bool obvious_keyword(const struct text *t, const struct text *wanted)
{
    for (size_t at = 0; at + wanted->count <= t->count; at++) {
        size_t i = 0;
        while (i < wanted->count && t->letters[at + i]->fold == wanted->letters[i]->fold &&
               t->letters[at + i]->fold != 0)
            i++;
        if (i == wanted->count)
            return true;
    }
    return false;
}

/* Few kinds of letters, so that what is looked for is there about as often as not. */
static size_t some_kinds(struct lc_prng *r)
{
    static const size_t kinds[] = {2, 5, 12, LC_ARRAY_LEN(letters)};
    return kinds[lc_prng_below(r, LC_ARRAY_LEN(kinds))];
}

static void phrases_agree_with_the_obvious(void **state)
{
    LC_UNUSED(state);
    struct lc_prng r = {20261120};
    size_t found = 0;
    const size_t rounds = 60000;
    for (size_t i = 0; i < rounds; i++) {
        size_t kinds = some_kinds(&r);
        struct text t = make_text(&r, 0, TEXT_LETTERS, true, kinds);
        struct text wanted = make_text(&r, 1, 3, false, kinds);
        bool prefix = lc_prng_coin(&r);
        struct lc_arena arena;
        lc_arena_init(&arena, 4096);
        struct lc_phrase p;
        assert_lc_ok(lc_phrase_make(&arena, text_slice(&wanted), prefix, &p));
        bool expected = obvious_phrase(&t, &wanted, prefix);
        if (lc_phrase_in(&p, text_slice(&t)) != expected)
            print_error("'%.*s' in '%.*s'\n", (int)wanted.n, wanted.octets, (int)t.n, t.octets);
        assert_int_equal(lc_phrase_in(&p, text_slice(&t)), expected);
        found += expected;
        lc_arena_done(&arena);
    }
    assert_in_range(found, rounds / 10, rounds * 9 / 10);
}

static void keywords_agree_with_the_obvious(void **state)
{
    LC_UNUSED(state);
    struct lc_prng r = {42};
    size_t found = 0;
    const size_t rounds = 60000;
    for (size_t i = 0; i < rounds; i++) {
        size_t kinds = some_kinds(&r);
        struct text t = make_text(&r, 0, TEXT_LETTERS, true, kinds);
        struct text wanted = make_text(&r, 1, 3, false, kinds);
        struct lc_arena arena;
        lc_arena_init(&arena, 4096);
        struct lc_keyword k;
        assert_lc_ok(lc_keyword_make(&arena, text_slice(&wanted), &k));
        bool expected = obvious_keyword(&t, &wanted);
        if (lc_keyword_in(&k, text_slice(&t)) != expected)
            print_error("'%.*s' in '%.*s'\n", (int)wanted.n, wanted.octets, (int)t.n, t.octets);
        assert_int_equal(lc_keyword_in(&k, text_slice(&t)), expected);
        found += expected;
        lc_arena_done(&arena);
    }
    assert_in_range(found, rounds / 10, rounds * 9 / 10);
}

/* Longer texts cross the sixteen places that are tried at once; the guard page shows any step past
 * the end. */
static void finder_agrees_with_memmem(void **state)
{
    LC_UNUSED(state);
    struct lc_prng r = {7};
    struct lc_test_guard g;
    lc_test_guard_open(&g, 256);
    for (size_t i = 0; i < 40000; i++) {
        uint8_t octets[200], wanted[40];
        size_t n = lc_prng_below(&r, sizeof octets + 1), m = 1 + lc_prng_below(&r, sizeof wanted);
        unsigned kinds = lc_prng_coin(&r) ? 2 : 3;
        for (size_t k = 0; k < n; k++)
            octets[k] = (uint8_t)('a' + lc_prng_below(&r, kinds));
        m = lc_prng_coin(&r) ? m % 5 + 1 : m;
        for (size_t k = 0; k < m; k++)
            wanted[k] = (uint8_t)('a' + lc_prng_below(&r, kinds));
        if (lc_prng_coin(&r) && n >= m)
            memcpy(wanted, octets + lc_prng_below(&r, n - m + 1), m);
        struct lc_slice s = lc_test_guard_put(&g, lc_slice(octets, n));
        struct lc_arena arena;
        lc_arena_init(&arena, 4096);
        struct lc_finder f;
        assert_lc_ok(lc_finder_make(&arena, lc_slice(wanted, m), false, &f));
        size_t from = lc_prng_below(&r, n + 2);
        const uint8_t *at = from > n ? NULL : memmem(s.p + from, n - from, wanted, m);
        assert_true(lc_find(&f, s, from) == (at == NULL ? LC_FIND_NONE : (size_t)(at - s.p)));
        lc_arena_done(&arena);
    }
    lc_test_guard_close(&g);
}

/* All sixteen places of a step, and all octets: only letters have a case. */
static void ascii_case_is_exact(void **state)
{
    LC_UNUSED(state);
    struct lc_arena arena;
    for (unsigned wanted = 1; wanted < 128; wanted++) {
        uint8_t octet = (uint8_t)wanted;
        lc_arena_init(&arena, 4096);
        struct lc_finder f;
        assert_lc_ok(lc_finder_make(&arena, lc_slice(&octet, 1), true, &f));
        for (unsigned c = 0; c < 256; c++) {
            bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            bool equal = c == wanted || (letter && (c ^ 0x20) == wanted);
            for (size_t at = 0; at < 20; at++) {
                uint8_t text[20] = {0};
                text[at] = (uint8_t)c;
                assert_true(lc_find(&f, lc_slice(text, sizeof text), 0) ==
                            (equal ? at : LC_FIND_NONE));
            }
        }
        lc_arena_done(&arena);
    }
}

static void words_of_real_lines(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text, *word;
        bool prefix, found;
    } cases[] = {
        {"connection refused", "refused", false, true},
        {"connection refused", "refuse", false, false},
        {"connection refused", "refuse", true, true},
        {"connection refused", "fused", true, false},
        {"Connection refused", "connection", false, false},
        {"user_id=7", "user", false, false},
        {"user_id=7", "user_id", false, true},
        {"GET /api/v1/users?id=7", "users", false, true},
        {"GET /api/v1/users?id=7", "/api/v1", false, true},
        {"caf\xC3\xA9 open", "caf", false, false},
        {"na\xEFve", "na", false, true}, /* Latin-1: not a letter of UTF-8, so it separates */
        {"서버에서 오류가 발생했습니다", "오류", false, true},
        {"서버에서 오류가 발생했습니다", "서버", false, true},
        {"서버에서 오류가 발생했습니다", "버에", false, true},
        {"nginx가 재시작됨", "nginx", false, true},
        {"nginx가 재시작됨", "ngin", false, false},
        {"ngin가 재시작됨", "ngin", false, true},
        {"로그인 user1님 성공", "user1", false, true},
        {"接続が拒否されました", "拒否", false, true},
        {"エラーerror発生", "error", false, true},
        {"disk full", "disk  full", false, false},
        {"a-b", "-", false, true},
        {"", "a", false, false},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_arena arena;
        lc_arena_init(&arena, 4096);
        struct lc_phrase p;
        assert_lc_ok(lc_phrase_make(&arena, lc_slice_cstr(cases[i].word), cases[i].prefix, &p));
        if (lc_phrase_in(&p, lc_slice_cstr(cases[i].text)) != cases[i].found)
            print_error("%s in %s\n", cases[i].word, cases[i].text);
        assert_int_equal(lc_phrase_in(&p, lc_slice_cstr(cases[i].text)), cases[i].found);
        lc_arena_done(&arena);
    }
}

static void octets_that_are_no_text(void **state)
{
    LC_UNUSED(state);
    struct lc_arena arena;
    lc_arena_init(&arena, 4096);
    struct lc_keyword k;
    assert_lc_ok(lc_keyword_make(&arena, LC_LIT("\x95"), &k));
    /* a keyword is characters: half of one is not in it */
    assert_false(lc_keyword_in(&k, LC_LIT("한")));
    assert_true(lc_keyword_in(&k, LC_LIT("a\x95z")));
    assert_lc_ok(lc_keyword_make(&arena, LC_LIT("A\xFFz"), &k));
    assert_true(lc_keyword_in(&k, LC_LIT("..a\xFFZ")));
    assert_false(lc_keyword_in(&k, LC_LIT("..a\xFEZ")));
    lc_arena_done(&arena);
}

static void folding_is_simple(void **state)
{
    LC_UNUSED(state);
    static const uint32_t cases[][2] = {
        {'A', 'a'},       {'z', 'z'},       {'[', '['},       {0xC0, 0xE0},   {0xD7, 0xD7},
        {0x130, 0x130},   {0x131, 0x131},   {0x17F, 's'},     {0x212A, 'k'},  {0x1E9E, 0xDF},
        {0xDF, 0xDF},     {0x1F88, 0x1F80}, {0x3A3, 0x3C3},   {0x3C2, 0x3C3}, {0x10400, 0x10428},
        {0xAC00, 0xAC00}, {0x4E00, 0x4E00}, {0xFF21, 0xFF41}, {0x1C5, 0x1C6},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++)
        assert_int_equal(lc_char_fold(cases[i][0]), cases[i][1]);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        uint32_t folded = lc_char_fold(c);
        assert_int_equal(lc_char_fold(folded), folded);
        if (folded != c)
            assert_false(lc_char_is_caseless(folded));
        if (lc_char_is_caseless(c)) {
            assert_int_equal(utf8proc_tolower((utf8proc_int32_t)c), c);
            assert_int_equal(utf8proc_toupper((utf8proc_int32_t)c), c);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_agree_with_the_obvious),
        cmocka_unit_test(keywords_agree_with_the_obvious),
        cmocka_unit_test(finder_agrees_with_memmem),
        cmocka_unit_test(ascii_case_is_exact),
        cmocka_unit_test(words_of_real_lines),
        cmocka_unit_test(octets_that_are_no_text),
        cmocka_unit_test(folding_is_simple),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
