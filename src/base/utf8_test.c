/* SPDX-License-Identifier: Apache-2.0
 *
 * base/utf8_test.c - strict decoding, and cutting between characters.
 */
#include "base/test.h"

#include "base/utf8.h"

static void well_formed_characters(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        uint32_t code;
    } cases[] = {
        {"a", 'a'},
        {"\x7F", 0x7F},
        {"\xC2\x80", 0x80},
        {"\xDF\xBF", 0x7FF},
        {"\xE0\xA0\x80", 0x800},
        {"\xED\x95\x9C", 0xD55C}, /* HANGUL SYLLABLE HAN */
        {"\xED\x9F\xBF", 0xD7FF},
        {"\xEE\x80\x80", 0xE000},
        {"\xEF\xBF\xBF", 0xFFFF},
        {"\xF0\x90\x80\x80", 0x10000},
        {"\xF0\x9F\x98\x80", 0x1F600},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF},
    };
    struct lc_test_guard g;
    lc_test_guard_open(&g, 8);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_slice s = lc_test_guard_put(&g, lc_slice_cstr(cases[i].text));
        size_t used = 0;
        assert_int_equal(lc_utf8_next(s, &used), cases[i].code);
        assert_int_equal(used, s.n);
        assert_true(lc_utf8_is_valid(s));
    }
    lc_test_guard_close(&g);

    size_t used = 0;
    assert_int_equal(lc_utf8_next(lc_slice("\0", 1), &used), 0);
    assert_int_equal(used, 1);
}

/* RFC 3629 section 4, and section 10: what a lenient decoder would let pass. */
static void malformed_sequences(void **state)
{
    LC_UNUSED(state);
    static const char *const bad[] = {
        "\x80",             /* a tail alone */
        "\xBF",             /**/
        "\xC0\x80",         /* overlong NUL */
        "\xC0\xAF",         /* overlong '/' */
        "\xC1\xBF",         /**/
        "\xE0\x80\xAF",     /**/
        "\xE0\x9F\xBF",     /**/
        "\xF0\x80\x80\xAF", /**/
        "\xF0\x8F\xBF\xBF", /**/
        "\xED\xA0\x80",     /* surrogates */
        "\xED\xBF\xBF",     /**/
        "\xF4\x90\x80\x80", /* past U+10FFFF */
        "\xF5\x80\x80\x80", /**/
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3",         /* ends early */
        "\xE2\x82",     /**/
        "\xF0\x9F\x98", /**/
        "\xC3(",        /* a tail is missing */
        "\xE2\x82(",    /**/
        "\xE2(\xA1",    /**/
        "\xF0\x9F\x98(",
    };
    struct lc_test_guard g;
    lc_test_guard_open(&g, 8);
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        struct lc_slice s = lc_test_guard_put(&g, lc_slice_cstr(bad[i]));
        size_t used = 0;
        assert_int_equal(lc_utf8_next(s, &used), LC_UTF8_BAD);
        assert_int_equal(used, 1);
        assert_false(lc_utf8_is_valid(s));
    }
    lc_test_guard_close(&g);
}

/* A bad octet at every place of a text that is long enough for the eight-octet steps. */
static void validity_looks_everywhere(void **state)
{
    LC_UNUSED(state);
    char text[] = "abcdefghijklmnopqrstuvwxyz0123";
    const size_t n = sizeof text - 1;
    assert_true(lc_utf8_is_valid(lc_slice(text, n)));
    for (size_t i = 0; i < n; i++) {
        char kept = text[i];
        text[i] = '\xFF';
        assert_false(lc_utf8_is_valid(lc_slice(text, n)));
        text[i] = kept;
    }
    assert_true(lc_utf8_is_valid(LC_LIT("abcdefg\xED\x95\x9C\xEA\xB8\x80 12345678 \xC3\xA9")));
    assert_true(lc_utf8_is_valid(lc_slice(NULL, 0)));
}

static void cuts_fall_between_characters(void **state)
{
    LC_UNUSED(state);
    struct lc_slice s = LC_LIT("a\xC3\xA9\xED\x95\x9C\xF0\x9F\x98\x80z");
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t max = 0; max < LC_ARRAY_LEN(expected); max++)
        assert_int_equal(lc_utf8_cut(s, max), expected[max]);
    assert_int_equal(lc_utf8_cut(lc_slice(NULL, 0), 5), 0);
    /* more tails than any character has: not UTF-8, so any place is as good */
    assert_int_equal(lc_utf8_cut(LC_LIT("\x80\x80\x80\x80\x80\x80\x80\x80"), 6), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_characters),
        cmocka_unit_test(malformed_sequences),
        cmocka_unit_test(validity_looks_everywhere),
        cmocka_unit_test(cuts_fall_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
