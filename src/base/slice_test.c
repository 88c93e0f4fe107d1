/* SPDX-License-Identifier: Apache-2.0
 *
 * base/slice_test.c - slices, and the test helpers themselves.
 */
#include "base/test.h"

#include "base/slice.h"

static void comparing(void **state)
{
    LC_UNUSED(state);
    assert_true(lc_slice_eq(LC_LIT("abc"), LC_LIT("abc")));
    assert_false(lc_slice_eq(LC_LIT("abc"), LC_LIT("abd")));
    assert_false(lc_slice_eq(LC_LIT("abc"), LC_LIT("ab")));
    assert_true(lc_slice_eq(lc_slice(NULL, 0), LC_LIT("")));

    assert_true(lc_slice_eq_nocase(LC_LIT("aZ[09"), LC_LIT("Az[09")));
    assert_false(lc_slice_eq_nocase(LC_LIT("@"), LC_LIT("`"))); /* 0x20 apart, but no letters */
    assert_false(lc_slice_eq_nocase(LC_LIT("\xC3\x84"), LC_LIT("\xC3\xA4")));
    assert_false(lc_slice_eq_nocase(LC_LIT("ab"), LC_LIT("abc")));

    assert_true(lc_slice_cmp(LC_LIT("a"), LC_LIT("b")) < 0);
    assert_true(lc_slice_cmp(LC_LIT("b"), LC_LIT("a")) > 0);
    assert_true(lc_slice_cmp(LC_LIT("a"), LC_LIT("a\x01")) < 0);
    assert_true(lc_slice_cmp(LC_LIT("\xFF"), LC_LIT("a")) > 0);
    assert_int_equal(lc_slice_cmp(LC_LIT("same"), LC_LIT("same")), 0);
    assert_int_equal(lc_slice_cmp(lc_slice(NULL, 0), LC_LIT("")), 0);
}

static void prefixes(void **state)
{
    LC_UNUSED(state);
    assert_true(lc_slice_starts(LC_LIT("LOG|x"), LC_LIT("LOG|")));
    assert_true(lc_slice_starts(LC_LIT("LOG|"), LC_LIT("LOG|")));
    assert_false(lc_slice_starts(LC_LIT("LOG"), LC_LIT("LOG|")));
    assert_false(lc_slice_starts(LC_LIT("LOG:x"), LC_LIT("LOG|")));
    assert_true(lc_slice_starts(lc_slice(NULL, 0), lc_slice(NULL, 0)));
}

static void cutting(void **state)
{
    LC_UNUSED(state);
    struct lc_slice rest = LC_LIT("a||c");
    struct lc_slice head = LC_LIT("untouched");
    assert_true(lc_slice_cut(&rest, '|', &head));
    assert_slice(head, "a");
    assert_slice(rest, "|c");
    assert_true(lc_slice_cut(&rest, '|', &head));
    assert_slice(head, "");
    assert_slice(rest, "c");
    head = LC_LIT("untouched");
    assert_false(lc_slice_cut(&rest, '|', &head));
    assert_slice(head, "untouched");
    assert_slice(rest, "c");

    rest = LC_LIT("end|");
    assert_true(lc_slice_cut(&rest, '|', &head));
    assert_slice(rest, "");
    assert_false(lc_slice_cut(&rest, '|', &head));
    rest = lc_slice(NULL, 0);
    assert_false(lc_slice_cut(&rest, '|', &head));
}

static void trimming(void **state)
{
    LC_UNUSED(state);
    assert_slice(lc_slice_trim(LC_LIT(" \t a b\t ")), "a b");
    assert_slice(lc_slice_trim(LC_LIT("\r\n")), "\r\n");
    assert_slice(lc_slice_trim(LC_LIT(" \t ")), "");
    assert_slice(lc_slice_trim(lc_slice(NULL, 0)), "");
}

static void unsigned_numbers(void **state)
{
    LC_UNUSED(state);
    uint64_t v = 7;
    assert_lc_ok(lc_slice_u64(LC_LIT("0"), &v));
    assert_int_equal(v, 0);
    assert_lc_ok(lc_slice_u64(LC_LIT("18446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    assert_lc_ok(lc_slice_u64(LC_LIT("00000000000000000000000042"), &v));
    assert_int_equal(v, 42);

    assert_lc_err(lc_slice_u64(LC_LIT("18446744073709551616"), &v), LC_ELIMIT);
    assert_lc_err(lc_slice_u64(LC_LIT("99999999999999999999"), &v), LC_ELIMIT);
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1a", "/", ":", "0x1"};
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++)
        assert_lc_err(lc_slice_u64(lc_slice_cstr(bad[i]), &v), LC_ESYNTAX);
    assert_int_equal(v, 42);
}

static void signed_numbers(void **state)
{
    LC_UNUSED(state);
    int64_t v = 7;
    assert_lc_ok(lc_slice_i64(LC_LIT("-0"), &v));
    assert_int_equal(v, 0);
    assert_lc_ok(lc_slice_i64(LC_LIT("9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    assert_lc_ok(lc_slice_i64(LC_LIT("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_lc_err(lc_slice_i64(LC_LIT("9223372036854775808"), &v), LC_ELIMIT);
    assert_lc_err(lc_slice_i64(LC_LIT("-9223372036854775809"), &v), LC_ELIMIT);
    assert_lc_err(lc_slice_i64(LC_LIT("-"), &v), LC_ESYNTAX);
    assert_lc_err(lc_slice_i64(LC_LIT("--1"), &v), LC_ESYNTAX);
    assert_lc_err(lc_slice_i64(LC_LIT(""), &v), LC_ESYNTAX);
    assert_true(v == INT64_MIN);
}

static void writing_numbers(void **state)
{
    LC_UNUSED(state);
    static const struct {
        uint64_t v;
        const char *text;
    } cases[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {1000000, "1000000"}, {UINT64_MAX, "18446744073709551615"}};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        char out[LC_U64_MAX];
        assert_slice(lc_slice(out, lc_u64_format(cases[i].v, out)), cases[i].text);
    }
}

/* A codec for the harness: words between spaces, in brackets. */
static size_t feed_words(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    LC_UNUSED(arg);
    struct lc_slice rest = in, word;
    while (lc_slice_cut(&rest, ' ', &word))
        assert_lc_ok(lc_dynbuf_printf(said, "[%.*s]", (int)word.n, (const char *)word.p));
    return in.n - rest.n;
}

static void end_words(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    LC_UNUSED(arg);
    assert_lc_ok(lc_dynbuf_printf(said, "(%.*s)", (int)rest.n, (const char *)rest.p));
}

static void splits_feed_everything_once(void **state)
{
    LC_UNUSED(state);
    const struct lc_test_codec words = {.feed = feed_words, .end = end_words};
    lc_test_splits(LC_LIT("one two  three"), &words, NULL, "[one][two][](three)");
    lc_test_splits(LC_LIT("x"), &words, NULL, "(x)");
    lc_test_splits(LC_LIT(""), &words, NULL, "()");
}

static size_t count_feeds(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    LC_UNUSED(said);
    unsigned *feeds = arg;
    ++*feeds;
    return in.n;
}

static void splits_cut_at_every_octet(void **state)
{
    LC_UNUSED(state);
    unsigned feeds = 0;
    const struct lc_test_codec counter = {.feed = count_feeds};
    lc_test_splits(LC_LIT("12345"), &counter, &feeds, "");
    assert_int_equal(feeds, 1 + 2 * 4 + 5);
}

static void guard_ends_at_the_input(void **state)
{
    LC_UNUSED(state);
    struct lc_test_guard g;
    lc_test_guard_open(&g, 4096);
    struct lc_slice first = lc_test_guard_put(&g, LC_LIT("abcdef"));
    assert_slice(first, "abcdef");
    assert_ptr_equal(first.p + first.n, g.pages + 4096);
    struct lc_slice second = lc_test_guard_put(&g, LC_LIT("x"));
    assert_slice(second, "x");
    assert_ptr_equal(second.p + second.n, g.pages + 4096);
    assert_slice(lc_slice(first.p, 5), "\xDB\xDB\xDB\xDB\xDB");
    lc_test_guard_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(cutting),
        cmocka_unit_test(trimming),
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(writing_numbers),
        cmocka_unit_test(splits_feed_everything_once),
        cmocka_unit_test(splits_cut_at_every_octet),
        cmocka_unit_test(guard_ends_at_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
