/* SPDX-License-Identifier: Apache-2.0
 *
 * base/grapheme_test.c - clusters, by Unicode's own test (Debian package unicode-data), and widths.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/grapheme.h"
#include "base/utf8.h"

#define UNICODE_TEST "/usr/share/unicode/auxiliary/GraphemeBreakTest.txt"
#define POINTS_MAX   64

/* A line of it: code points, and the octets at which clusters end. */
struct sample {
    uint8_t text[POINTS_MAX * LC_UTF8_MAX];
    size_t n;
    size_t ends[POINTS_MAX];
    size_t end_count;
};

/* `÷ 0020 × 0308 ÷`: a break is allowed at ÷, and nowhere else. */
static void read_sample(char *line, struct sample *ret)
{
    char *save, *word = strtok_r(line, " \t\r\n", &save);

    *ret = (struct sample){.n = 0};
    for (; word != NULL; word = strtok_r(NULL, " \t\r\n", &save)) {
        if (strcmp(word, "÷") == 0) {
            if (ret->n > 0)
                ret->ends[ret->end_count++] = ret->n;
        } else if (strcmp(word, "×") != 0) {
            size_t n = lc_utf8_put((uint32_t)strtoul(word, NULL, 16), ret->text + ret->n);

            assert_true(n > 0);
            ret->n += n;
        }
    }
}

static void check_sample(const struct sample *p)
{
    struct lc_slice text = lc_slice(p->text, p->n);
    size_t at = 0, last = 0, k = 0;

    for (size_t i = 0; i < p->end_count; i++) {
        at += lc_grapheme_next(lc_slice_from(text, at));
        assert_int_equal(at, p->ends[i]);
    }
    assert_int_equal(at, p->n);
    /* cut anywhere: at the last end before; inside the first cluster there is none */
    for (size_t max = 0; max <= p->n; max++) {
        if (k < p->end_count && p->ends[k] == max)
            last = p->ends[k++];
        assert_int_equal(lc_grapheme_cut(text, max), last > 0 ? last : lc_utf8_cut(text, max));
    }
}

/* The file says of which version it is; where the library's tables are of another, both are right,
 * and they cannot be compared. */
static void unicodes_own_test(void **state)
{
    FILE *in = fopen(UNICODE_TEST, "r");
    char line[4096], version[32];
    unsigned samples = 0;

    LC_UNUSED(state);
    if (in == NULL)
        fail_msg("%s is not there: install the package unicode-data", UNICODE_TEST);
    assert_non_null(fgets(line, sizeof line, in));
    assert_int_equal(sscanf(line, "# GraphemeBreakTest-%31[0-9.]", version), 1);
    version[strlen(version) - 1] = '\0'; /* the point of .txt */
    if (strcmp(version, utf8proc_unicode_version()) != 0) {
        print_message("the test is of Unicode %s, libutf8proc of %s\n", version,
                      utf8proc_unicode_version());
        fclose(in);
        skip();
    }
    while (fgets(line, sizeof line, in) != NULL) {
        struct sample sample;

        line[strcspn(line, "#")] = '\0';
        read_sample(line, &sample);
        check_sample(&sample);
        samples += sample.end_count > 0;
    }
    fclose(in);
    assert_true(samples > 600);
}

static void what_is_not_utf8_stands_for_itself(void **state)
{
    LC_UNUSED(state);
    assert_int_equal(lc_grapheme_next(LC_LIT("\xff\xcc\x81")), 1);
    assert_int_equal(lc_grapheme_next(LC_LIT("a\xcc")), 1);
    assert_int_equal(lc_grapheme_next(LC_LIT("e\xcc\x81\xff")), 3);
    assert_int_equal(lc_grapheme_cut(LC_LIT("\xff\xff\xff"), 2), 2);
    assert_int_equal(lc_grapheme_cut(LC_LIT(""), 2), 0);
}

/* Accents without end do not make a text that cannot be cut, nor one that takes long. */
static void piled_accents(void **state)
{
    enum { ACCENTS = 100000 };
    char *text = calloc(1, 1 + 2 * ACCENTS);
    struct lc_slice s = lc_slice(text, 1 + 2 * ACCENTS);

    LC_UNUSED(state);
    assert_non_null(text);
    text[0] = 'e';
    for (size_t i = 0; i < ACCENTS; i++)
        memcpy(text + 1 + 2 * i, "\xcc\x81", 2);
    assert_int_equal(lc_grapheme_next(s), LC_GRAPHEME_MAX - 1);
    for (size_t max = 1000; max < 3000; max++) {
        size_t n = lc_grapheme_cut(s, max);

        assert_true(n <= max && n + LC_GRAPHEME_MAX > max && n % 2 == 1);
    }
    free(text);
}

/* Long texts: the cut is found from near it, as if from the start. */
static void cuts_in_long_texts(void **state)
{
    static const char *const units[] = {
        "가", "\u1112\u1161\u11ab", "👨‍👩‍👧‍👦", "🇰🇷", "e\u0301", "a"};

    LC_UNUSED(state);
    for (size_t u = 0; u < LC_ARRAY_LEN(units); u++) {
        size_t n = strlen(units[u]), max;
        char text[4096];

        for (size_t at = 0; at + n <= sizeof text; at += n)
            memcpy(text + at, units[u], n);
        for (max = n; max < sizeof text - 2 * n; max++)
            assert_int_equal(lc_grapheme_cut(lc_slice(text, sizeof text / n * n), max),
                             max / n * n);
    }
}

static void widths(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"안녕하세요", 10},
        {"\u1112\u1161\u11ab", 2}, /* 한 in its parts */
        {"e\u0301", 1},
        {"日本", 4},
        {"ｱ", 1},  /* half width */
        {"！", 2}, /* full width */
        {"🎉", 2},
        {"👍🏽", 2}, /* with a skin tone */
        {"👨‍👩‍👧‍👦", 2},
        {"❤️", 2}, /* a heart as an emoji */
        {"❤", 1},
        {"1️⃣", 2},
        {"🇰🇷", 2},
        {"🇰🇷🇰🇷", 4},
        {"\u200b", 0},
        {"\xff\xfe", 2},
        {"디스크 91%", 10},
    };

    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        size_t columns = lc_text_width(lc_slice_cstr(cases[i].text));

        if (columns != cases[i].columns)
            fail_msg("'%s' is %zu columns wide, not %zu", cases[i].text, cases[i].columns, columns);
    }
}

/* What an error says is cut, too. */
static void a_diag_is_cut_between_clusters(void **state)
{
    char text[600];
    struct lc_diag diag;

    LC_UNUSED(state);
    for (size_t lead = 460; lead < 480; lead++) {
        memset(text, 'x', lead);
        snprintf(text + lead, sizeof text - lead, "👨‍👩‍👧‍👦 and more behind it");
        lc_diag_set(&diag, "%s", text);
        assert_int_equal(strlen(diag.text), lead);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unicodes_own_test),
        cmocka_unit_test(what_is_not_utf8_stands_for_itself),
        cmocka_unit_test(piled_accents),
        cmocka_unit_test(cuts_in_long_texts),
        cmocka_unit_test(widths),
        cmocka_unit_test(a_diag_is_cut_between_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
