/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options_test.c - command lines, their errors, and amounts.
 */
#include "base/test.h"

#include <stdlib.h>

#include "base/units.h"
#include "conf/options.h"

static const char *const colours[] = {"red", "blue", NULL};

struct door {
    struct lc_list listen;
    struct lc_rate rate, flow;
};

struct target {
    bool flag, toggle;
    const char *text, *word;
    struct lc_list list, map;
    uint64_t count, size;
    int64_t age;
    int colour;
    struct door doors[2];
};

#define AT(member) LC_MEMBER(struct target, member)
#define OF(member) LC_MEMBER(struct door, member)

static lc_err check_even(const char *text, struct lc_diag *diag)
{
    if (strlen(text) % 2 == 0)
        return LC_OK;
    lc_diag_set(diag, "must be even");
    return LC_ESYNTAX;
}

/* clang-format off */
static const struct lc_option rows[] = {
    {.name = "flag", .letter = 'f', .kind = LC_OPTION_FLAG, AT(flag), .help = "a flag"},
    {.name = "toggle", .kind = LC_OPTION_SWITCH, .value = "SWITCH", .fallback = "on", AT(toggle), .help = "a switch"},
    {.name = "text", .letter = 't', .kind = LC_OPTION_TEXT, .value = "TEXT", .fallback = "default", AT(text), .help = "a text"},
    {.name = "word", .kind = LC_OPTION_TEXT, .value = "WORD", .choices = colours, AT(word), .help = "a word"},
    {.name = "item", .kind = LC_OPTION_LIST, .value = "ITEM", .fallback = "one", AT(list), .help = "a list"},
    {.name = "set", .kind = LC_OPTION_MAP, .value = "NAME=VALUE", .check = check_even, AT(map), .help = "a map"},
    {.name = "count", .letter = 'n', .kind = LC_OPTION_COUNT, .value = "N", .fallback = "7", .min = 1, .max = 64, AT(count), .help = "a count"},
    {.name = "size", .kind = LC_OPTION_SIZE, .value = "SIZE", .fallback = "512M", .min = 1024, AT(size), .help = "a size"},
    {.name = "age", .kind = LC_OPTION_DURATION, .value = "TIME", .fallback = "none", .max = UINT64_C(7200000000000), AT(age), .help = "an age"},
    {.name = "colour", .kind = LC_OPTION_CHOICE, .value = "COLOUR", .fallback = "blue", .choices = colours, AT(colour), .help = "a choice"},
};
static const struct lc_option door_rows[] = {
    {.name = "listen", .kind = LC_OPTION_LIST, .flags = LC_OPTION_BARE, .value = "ADDRESS", OF(listen), .help = "an address"},
    {.name = "rate", .kind = LC_OPTION_RATE, .value = "RATE", .fallback = "100/s", OF(rate), .help = "a rate"},
    {.name = "flow", .kind = LC_OPTION_FLOW, .value = "RATE", OF(flow), .flags = LC_OPTION_SECRET, .help = "a rate of octets"},
};
#define DOOR(title_text, name_text, i) {.section = (name_text), .title = (title_text), .about = "About " name_text ".", .rows = door_rows, .count = LC_ARRAY_LEN(door_rows), .offset = offsetof(struct target, doors) + (i) * sizeof(struct door)}
static const struct lc_option_group groups[] = {
    {.title = "Options", .rows = rows, .count = LC_ARRAY_LEN(rows)},
    {.title = "Nothing"},
};
static const struct lc_option_group doors[] = {DOOR("Front", "front", 0), DOOR("Back", "back", 1)};
static const struct lc_option_part parts[] = {{NULL, 0, 0}, {groups, 2, 0}, {doors, 2, 0}};
static const struct lc_option_set set = {parts, LC_ARRAY_LEN(parts)};
/* clang-format on */

#define ARGS_MAX 32

struct line {
    struct target t;
    struct lc_settings settings;
    char *argv[ARGS_MAX];
    char *operand[ARGS_MAX];
    int operands;
    struct lc_diag diag;
};

/* Reads a command line of words, with NULL at its end. */
static lc_err read_line(struct line *l, const char *const *words)
{
    static char name[] = "command";
    memset(l, 0, sizeof *l);
    l->argv[0] = name;
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++)
        l->argv[argc] = (char *)words[argc - 1];
    lc_settings_init(&l->settings, &set, &l->t);
    return lc_settings_args(&l->settings, argc, l->argv, l->operand, &l->operands, &l->diag);
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
    assert_true(l.t.toggle);
    assert_null(l.t.word);
    assert_int_equal(l.t.doors[1].rate.count, 100);
    assert_int_equal(l.t.doors[1].rate.period_ns, 1000000000);
    assert_int_equal(l.operands, 0);
    lc_option_set_check(&set);
}

static void every_form(void **state)
{
    LC_UNUSED(state);
    struct line l;
    assert_lc_ok(
        read_line(&l, WORDS("-f", "first", "--text=a=b", "-n12", "--item", "two", "-",
                            "--item=three", "--size", "64K", "--age", "1h30m", "--colour", "red",
                            "--toggle", "no", "--word=red", "--set", "a=bc", "--set=d=ef",
                            "--set=a=de", "--front", ":1", "--front=:2", "--back-rate", "6000/10m",
                            "--front-flow=1M/s", "--", "--text", "-x")));
    assert_true(l.t.flag);
    assert_string_equal(l.t.text, "a=b");
    assert_int_equal(l.t.count, 12);
    assert_int_equal(l.t.list.count, 2); /* the default is gone */
    assert_string_equal(l.t.list.items[0], "two");
    assert_string_equal(l.t.list.items[1], "three");
    assert_int_equal(l.t.size, 65536);
    assert_int_equal(l.t.age, INT64_C(5400000000000));
    assert_int_equal(l.t.colour, 0);
    assert_false(l.t.toggle);
    assert_string_equal(l.t.word, "red");
    assert_int_equal(l.t.map.count, 2); /* the later a= took the place of the earlier */
    assert_string_equal(l.t.map.items[0], "a=de");
    assert_string_equal(l.t.map.items[1], "d=ef");
    assert_int_equal(l.t.doors[0].listen.count, 2);
    assert_int_equal(l.t.doors[1].listen.count, 0);
    assert_int_equal(l.t.doors[0].rate.count, 100);
    assert_int_equal(l.t.doors[1].rate.count, 6000);
    assert_true(l.t.doors[1].rate.period_ns == INT64_C(600000000000));
    assert_int_equal(l.t.doors[0].flow.count, 1048576);
    assert_int_equal(l.operands, 4);
    assert_string_equal(l.operand[0], "first");
    assert_string_equal(l.operand[1], "-");
    assert_string_equal(l.operand[2], "--text");
    assert_string_equal(l.operand[3], "-x");
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
        {{"--age", "3h"}, "--age 3h: must be from 0s to 2h"},
        {{"--colour", "green"}, "--colour green: must be one of red, blue"},
        {{"--word", "bluee"}, "--word bluee: must be one of red, blue; did you mean blue?"},
        {{"--toggle", "maybe"}, "--toggle maybe: must be on or off"},
        {{"--set", "=abc"}, "--set =abc: must be NAME=VALUE"},
        {{"--set", "abcd"}, "--set abcd: must be NAME=VALUE"},
        {{"--set", "abc"}, "--set abc: must be even"},
        {{"--front-rate", "100"},
         "--front-rate 100: not a rate; write how many in how long, as 100/s, or none"},
        {{"--front-rate", "0/s"},
         "--front-rate 0/s: not a rate; write how many in how long, as 100/s, or none"},
        {{"--front-rate", "1/0s"},
         "--front-rate 1/0s: not a rate; write how many in how long, as 100/s, or none"},
        {{"--back-flow", "hunter2"}, /* a secret is not repeated */
         "--back-flow: not a rate; write how many in how long, as 10M/s, or none"},
        {{"--listen", "x"}, "unknown option --listen; --help lists them"},
        {{"--bcak-rate", "x"}, "unknown option --bcak-rate; did you mean --back-rate?"},
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
    struct lc_settings s;
    struct target t = {0};
    struct lc_option_ref item;
    const struct lc_option_origin from = {LC_FROM_ARGS, 0};
    struct lc_diag diag;
    lc_settings_init(&s, &set, &t);
    assert_true(lc_option_find(&set, LC_LIT("item"), &item));
    for (size_t i = 0; i < LC_LIST_MAX; i++)
        assert_lc_ok(lc_settings_put(&s, &item, from, "x", &diag));
    assert_int_equal(t.list.count, LC_LIST_MAX);
    assert_lc_err(lc_settings_put(&s, &item, from, "x", &diag), LC_ESYNTAX);
    assert_string_equal(diag.text, "given more than 128 times");
}

static void help_shows_every_option(void **state)
{
    LC_UNUSED(state);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    lc_options_help(&set, out);
    fclose(out);
    for (size_t i = 0; i < LC_ARRAY_LEN(rows); i++) {
        assert_non_null(strstr(text, rows[i].name));
        assert_non_null(strstr(text, rows[i].help));
    }
    assert_non_null(strstr(text, "\nFront:\n  About front.\n      --front ADDRESS"));
    assert_non_null(
        strstr(text, "\nBack:\n  About back.\n  --back and --back-...: as --front and"));
    assert_null(strstr(text, "--back-rate"));
    assert_non_null(strstr(text, "  -n, --count N             a count [7]\n"));
    free(text);
}

static void help_fits_a_terminal(void **state)
{
    LC_UNUSED(state);
    static const struct lc_option wordy = {
        .name = "a-name-that-fills-its-column",
        .kind = LC_OPTION_TEXT,
        .value = "TEXT",
        .fallback = "and a default of many words",
        .help = "so many words that they stand on three lines: nobody has to count them by hand, "
                "and what "
                "is last, the default, may have to go on a line of its own",
    };
    static const struct lc_option_group group = {.title = "Options", .rows = &wordy, .count = 1};
    static const struct lc_option_part part = {&group, 1, 0};
    static const struct lc_option_set one = {&part, 1};
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    lc_options_help(&one, out);
    assert_int_equal(fclose(out), 0);

    size_t lines = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t n_line = strcspn(line, "\n");
        assert_in_range(n_line, 0, 79);
        assert_true(n_line == 0 || line[n_line - 1] != ' ');
        lines++;
    }
    assert_int_equal(lines, 7);
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

/* What is read is printed so that it can be read again. */
static void values_as_text(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *name, *text, *shown;
    } cases[] = {
        {"flag", "true", "on"},
        {"toggle", "off", "off"},
        {"text", "a b", "a b"},
        {"word", "red", "red"},
        {"count", "12", "12"},
        {"size", "65536", "64K"},
        {"size", "auto", "0"},
        {"age", "90m", "90m"},
        {"age", "none", "none"},
        {"age", "1500ms", "1500ms"},
        {"colour", "red", "red"},
        {"front-rate", "100/1s", "100/s"},
        {"front-rate", "10/60s", "10/m"},
        {"back-rate", "5/90s", "5/90s"},
        {"back-rate", "auto", "auto"},
        {"back-flow", "1024K/s", "1M/s"},
        {"back-rate", "7/10s", "7/10s"},
        {"item", "x", "x"},
    };
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 4096);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_settings s;
        struct target t = {0}, copy = {0};
        struct lc_option_ref o;
        struct lc_diag diag;
        lc_settings_init(&s, &set, &t);
        assert_true(lc_option_find(&set, lc_slice_cstr(cases[i].name), &o));
        assert_lc_ok(lc_settings_put(&s, &o, (struct lc_option_origin){LC_FROM_FILE, 3},
                                     cases[i].text, &diag));
        assert_int_equal(s.origins[o.index].line, 3);
        out.n = 0;
        assert_lc_ok(lc_option_print(&o, &t, 0, &out));
        assert_slice(lc_dynbuf_slice(&out), cases[i].shown);
        assert_true(lc_option_same(&o, &t, &t));
        assert_true(lc_option_same(&o, &t, &copy) ==
                    (strcmp(cases[i].shown, "none") == 0 || strcmp(cases[i].shown, "auto") == 0 ||
                     cases[i].shown[0] == '0' || strcmp(cases[i].shown, "off") == 0 ||
                     (o.row->kind == LC_OPTION_CHOICE)));
        lc_option_copy(&o, &copy, &t);
        assert_true(lc_option_same(&o, &t, &copy));
        assert_lc_err(lc_option_print(&o, &t, 1, &out), LC_EEND);
    }
    lc_dynbuf_done(&out);
}

static void names_everywhere(void **state)
{
    LC_UNUSED(state);
    struct lc_option_ref o;
    char name[LC_OPTION_NAME_MAX], env[LC_OPTION_ENV_MAX];
    assert_true(lc_option_find(&set, LC_LIT("front"), &o));
    lc_option_key(&o, name);
    assert_string_equal(name, "front.listen");
    assert_true(lc_option_find(&set, LC_LIT("back-rate"), &o));
    lc_option_name(&o, name);
    assert_string_equal(name, "back-rate");
    lc_option_key(&o, name);
    assert_string_equal(name, "back.rate");
    lc_option_env(&o, env);
    assert_string_equal(env, "LOGCASTER_BACK_RATE");
    lc_option_near(&set, LC_LIT("back-rat"), name);
    assert_string_equal(name, "back-rate");
    lc_option_near(&set, LC_LIT("nothing-like-it"), name);
    assert_string_equal(name, "");
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
        cmocka_unit_test(values_as_text),
        cmocka_unit_test(names_everywhere),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
