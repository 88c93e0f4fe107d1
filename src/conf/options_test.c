/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options_test.c - command lines, their errors, and amounts.
 */
#include "base/test.h"

#include <stdlib.h>

#include "conf/options.h"
#include "conf/units.h"

static const char *const colours[] = {"red", "blue", NULL};

struct target {
    bool flag;
    const char *text;
    struct lc_list list;
    uint64_t count, size;
    int64_t age;
    int colour;
};

#define AT(member) offsetof(struct target, member)

static const struct lc_option table[] = {
    {"flag", 'f', LC_OPTION_FLAG, NULL, NULL, NULL, 0, 0, "a flag", AT(flag)},
    {"text", 't', LC_OPTION_TEXT, "TEXT", "default", NULL, 0, 0, "a text", AT(text)},
    {"item", 0, LC_OPTION_LIST, "ITEM", "one", NULL, 0, 0, "a list", AT(list)},
    {"count", 'n', LC_OPTION_COUNT, "N", "7", NULL, 1, 64, "a count", AT(count)},
    {"size", 0, LC_OPTION_SIZE, "SIZE", "512M", NULL, 1024, 0, "a size", AT(size)},
    {"age", 0, LC_OPTION_DURATION, "TIME", "none", NULL, 0, 0, "an age", AT(age)},
    {"colour", 0, LC_OPTION_CHOICE, "COLOUR", "blue", colours, 0, 0, "a choice", AT(colour)},
};

#define ARGS_MAX 24

struct line {
    struct target t;
    char *argv[ARGS_MAX];
    int operands;
    struct lc_diag diag;
};

/* Reads a command line of words, with NULL at its end. */
static lc_err read_line(struct line *l, const char *const *words)
{
    static char name[] = "command";
    *l = (struct line){.argv = {name}};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++)
        l->argv[argc] = (char *)words[argc - 1];
    return lc_options_read(table, LC_ARRAY_LEN(table), argc, l->argv, &l->t, &l->operands,
                           &l->diag);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void defaults(void **state)
{
    LC_UNUSED(state);
    struct line l;
    assert_lc_ok(read_line(&l, WORDS()));
    assert_false(l.t.flag);
    assert_string_equal(l.t.text, "default");
    assert_int_equal(l.t.list.count, 1);
    assert_string_equal(l.t.list.items[0], "one");
    assert_int_equal(l.t.count, 7);
    assert_int_equal(l.t.size, 512u << 20);
    assert_int_equal(l.t.age, 0);
    assert_int_equal(l.t.colour, 1);
    assert_int_equal(l.operands, 0);
}

static void every_form(void **state)
{
    LC_UNUSED(state);
    struct line l;
    assert_lc_ok(read_line(&l, WORDS("-f", "first", "--text=a=b", "-n12", "--item", "two", "-",
                                     "--item=three", "--size", "64K", "--age", "1h30m", "--colour",
                                     "red", "--", "--text", "-x")));
    assert_true(l.t.flag);
    assert_string_equal(l.t.text, "a=b");
    assert_int_equal(l.t.count, 12);
    assert_int_equal(l.t.list.count, 2); /* the default is gone */
    assert_string_equal(l.t.list.items[0], "two");
    assert_string_equal(l.t.list.items[1], "three");
    assert_int_equal(l.t.size, 65536);
    assert_int_equal(l.t.age, INT64_C(5400000000000));
    assert_int_equal(l.t.colour, 0);
    assert_int_equal(l.operands, 4);
    assert_string_equal(l.argv[1], "first");
    assert_string_equal(l.argv[2], "-");
    assert_string_equal(l.argv[3], "--text");
    assert_string_equal(l.argv[4], "-x");
}

static void errors_say_what_is_allowed(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *words[4];
        const char *text;
    } cases[] = {
        {{"--nothing"}, "unknown option --nothing; --help lists them"},
        {{"--nothing=3"}, "unknown option --nothing; --help lists them"},
        {{"-x"}, "unknown option -x; --help lists them"},
        {{"--text"}, "--text needs a value: TEXT"},
        {{"--flag=yes"}, "--flag takes no value"},
        {{"--count", "many"}, "--count many: not a number"},
        {{"--count", "0"}, "--count 0: must be from 1 to 64"},
        {{"--count", "65"}, "--count 65: must be from 1 to 64"},
        {{"--count", "99999999999999999999"}, "--count 99999999999999999999: not a number"},
        {{"--size", "12X"}, "--size 12X: not a size; write a number with K, M, G or T, as 512M"},
        {{"--size", "1023"}, "--size 1023: must be at least 1K"},
        {{"--age", "7"},
         "--age 7: not a length of time; write a number with s, m, h, d or w, as 30d"},
        {{"--colour", "green"}, "--colour green: must be one of red, blue"},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct line l;
        assert_lc_err(read_line(&l, cases[i].words), LC_ESYNTAX);
        assert_string_equal(l.diag.text, cases[i].text);
    }
}

static void a_list_is_bounded(void **state)
{
    LC_UNUSED(state);
    struct line l;
    const char *words[LC_LIST_MAX + 2] = {NULL};
    for (size_t i = 0; i < LC_LIST_MAX; i++)
        words[i] = "--item=x";
    assert_lc_ok(read_line(&l, words));
    assert_int_equal(l.t.list.count, LC_LIST_MAX);
    words[LC_LIST_MAX] = "--item=x";
    assert_lc_err(read_line(&l, words), LC_ESYNTAX);
    assert_string_equal(l.diag.text, "--item: given more than 16 times");
}

static void help_shows_every_option(void **state)
{
    LC_UNUSED(state);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    lc_options_help(table, LC_ARRAY_LEN(table), out);
    fclose(out);
    for (size_t i = 0; i < LC_ARRAY_LEN(table); i++) {
        assert_non_null(strstr(text, table[i].name));
        assert_non_null(strstr(text, table[i].help));
    }
    assert_non_null(strstr(text, "  -n, --count N             a count [7]\n"));
    free(text);
}

static void help_fits_a_terminal(void **state)
{
    LC_UNUSED(state);
    static const struct lc_option wordy[] = {
        {"a-name-that-fills-its-column", 0, LC_OPTION_TEXT, "TEXT", "and a default of many words",
         NULL, 0, 0,
         "so many words that they stand on three lines: nobody has to count them by hand, and what "
         "is last, the default, may have to go on a line of its own",
         0},
    };
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    lc_options_help(wordy, LC_ARRAY_LEN(wordy), out);
    assert_int_equal(fclose(out), 0);

    size_t lines = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_in_range(strcspn(line, "\n"), 1, 79);
        assert_int_not_equal(line[strcspn(line, "\n") - 1], ' ');
        lines++;
    }
    assert_int_equal(lines, 5);
    assert_non_null(strstr(text, " words]\n"));
    free(text);
}

static void sizes(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        uint64_t octets;
        const char *shown;
    } cases[] = {
        {"0", 0, "0"},
        {"1000", 1000, "1000"},
        {"64K", 65536, "64K"},
        {"64k", 65536, "64K"},
        {"64KB", 65536, "64K"},
        {"64KiB", 65536, "64K"},
        {"512M", 536870912, "512M"},
        {"50G", UINT64_C(53687091200), "50G"},
        {"2T", UINT64_C(2199023255552), "2T"},
        {"1536", 1536, "1536"},
        {"18446744073709551615", UINT64_MAX, "18446744073709551615"},
    };
    char shown[LC_SIZE_TEXT_MAX];
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        uint64_t octets;
        assert_lc_ok(lc_size_parse(lc_slice_cstr(cases[i].text), &octets));
        assert_true(octets == cases[i].octets);
        lc_size_format(octets, shown);
        assert_string_equal(shown, cases[i].shown);
    }
    uint64_t octets;
    assert_lc_err(lc_size_parse(LC_LIT(""), &octets), LC_ESYNTAX);
    assert_lc_err(lc_size_parse(LC_LIT("M"), &octets), LC_ESYNTAX);
    assert_lc_err(lc_size_parse(LC_LIT("1.5G"), &octets), LC_ESYNTAX);
    assert_lc_err(lc_size_parse(LC_LIT("-1"), &octets), LC_ESYNTAX);
    assert_lc_err(lc_size_parse(LC_LIT("16777216T"), &octets), LC_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_form),
        cmocka_unit_test(errors_say_what_is_allowed),
        cmocka_unit_test(a_list_is_bounded),
        cmocka_unit_test(help_shows_every_option),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
