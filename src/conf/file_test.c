/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/file_test.c - configuration files and the environment: values, and errors as a person reads
 * them.
 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>

#include "conf/file.h"

static const char *const colours[] = {"red", "blue", NULL};

struct door {
    struct lc_list listen;
    struct lc_list socket;
    const char *token;
};

struct target {
    bool flag, toggle;
    const char *text;
    struct lc_list list;
    uint64_t count, size;
    int64_t age;
    int colour;
    struct door door;
};

#define AT(member) LC_MEMBER(struct target, member)
#define OF(member) LC_MEMBER(struct door, member)

static lc_err check_item(const char *text, struct lc_diag *diag)
{
    if (strcmp(text, "bad") != 0)
        return LC_OK;
    lc_diag_set(diag, "is bad; write something good");
    return LC_ESYNTAX;
}

/* clang-format off */
static const struct lc_option rows[] = {
    {.name = "flag", .kind = LC_OPTION_FLAG, AT(flag), .help = "a flag"},
    {.name = "toggle", .kind = LC_OPTION_SWITCH, .value = "SWITCH", .fallback = "on", AT(toggle), .help = "a switch"},
    {.name = "text", .kind = LC_OPTION_TEXT, .value = "TEXT", .fallback = "default", AT(text), .help = "a text"},
    {.name = "item", .kind = LC_OPTION_LIST, .value = "ITEM", .fallback = "one", .check = check_item, AT(list), .help = "a list"},
    {.name = "count", .kind = LC_OPTION_COUNT, .value = "N", .fallback = "7", .max = 64, AT(count), .help = "a count"},
    {.name = "size", .kind = LC_OPTION_SIZE, .value = "SIZE", .fallback = "512M", AT(size), .help = "a size"},
    {.name = "retain-age", .kind = LC_OPTION_DURATION, .value = "TIME", .fallback = "none", AT(age), .help = "an age"},
    {.name = "colour", .kind = LC_OPTION_CHOICE, .flags = LC_OPTION_NO_FILE, .value = "COLOUR", .fallback = "blue", .choices = colours, AT(colour), .help = "a choice"},
};
static const struct lc_option door_rows[] = {
    {.name = "listen", .kind = LC_OPTION_LIST, .flags = LC_OPTION_BARE, .value = "ADDRESS", OF(listen), .help = "an address"},
    {.name = "socket", .kind = LC_OPTION_MAP, .value = "NAME=VALUE", OF(socket), .help = "socket options"},
    {.name = "token", .kind = LC_OPTION_TEXT, .flags = LC_OPTION_SECRET, .value = "TOKEN", .choices = colours, OF(token), .help = "a secret"},
};
static const struct lc_option_group groups[] = {
    {.title = "Options", .rows = rows, .count = LC_ARRAY_LEN(rows)},
    {.section = "logs", .title = "Logs", .rows = door_rows, .count = LC_ARRAY_LEN(door_rows), .offset = offsetof(struct target, door)},
};
static const struct lc_option_part parts[] = {{groups, 2, 0}};
static const struct lc_option_set set = {parts, 1};
/* clang-format on */

struct file {
    struct target t;
    struct lc_settings s;
    struct lc_diag diag;
};

static lc_err read_file(struct file *f, struct lc_slice text)
{
    struct lc_test_guard guard;
    memset(f, 0, sizeof *f);
    lc_settings_init(&f->s, &set, &f->t);
    lc_test_guard_open(&guard, text.n + 1);
    lc_err e = lc_settings_yaml(&f->s, "a.yaml", lc_test_guard_put(&guard, text), &f->diag);
    lc_test_guard_close(&guard);
    return e;
}

static void takes(struct file *f, const char *text)
{
    lc_err e = read_file(f, lc_slice_cstr(text));
    if (e != LC_OK)
        fail_msg("%s", f->diag.text);
}

static void every_kind(void **state)
{
    LC_UNUSED(state);
    struct file f;
    takes(&f, "# comment\n"
              "flag: true\ntoggle: no\ntext: 'a: b'\nitem: [two, \"three\"]\ncount: 12\nsize: 64K\n"
              "retain-age: 1h30m\n"
              "logs:\n  listen:\n    - :514\n    - unix:/run/l.sock\n"
              "  socket: {TCP_CONGESTION: bbr, SO_RCVBUF: 65536}\n"
              "  token: red\n");
    assert_true(f.t.flag);
    assert_false(f.t.toggle);
    assert_string_equal(f.t.text, "a: b");
    assert_int_equal(f.t.list.count, 2);
    assert_string_equal(f.t.list.items[1], "three");
    assert_int_equal(f.t.count, 12);
    assert_int_equal(f.t.size, 65536);
    assert_int_equal(f.t.age, INT64_C(5400000000000));
    assert_int_equal(f.t.door.listen.count, 2);
    assert_string_equal(f.t.door.listen.items[0], ":514");
    assert_int_equal(f.t.door.socket.count, 2);
    assert_string_equal(f.t.door.socket.items[1], "SO_RCVBUF=65536");
    assert_string_equal(f.t.door.token, "red");
    struct lc_option_ref o;
    assert_true(lc_option_find(&set, LC_LIT("logs"), &o));
    assert_int_equal(f.s.origins[o.index].from, LC_FROM_FILE);
    assert_int_equal(f.s.origins[o.index].line, 10);
    lc_settings_done(&f.s);
}

static void little_is_enough(void **state)
{
    LC_UNUSED(state);
    static const char *const texts[] = {"",
                                        "# nothing\n",
                                        "---\n",
                                        "---\n...\n",
                                        "logs:\n",
                                        "logs: {}\n",
                                        "\xEF\xBB\xBF# with a mark\n"};
    struct file f;
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++) {
        takes(&f, texts[i]);
        assert_string_equal(f.t.text, "default");
        lc_settings_done(&f.s);
    }
    takes(&f, "item: only\nlogs: {listen: []}"); /* one value for a list; no newline */
    assert_int_equal(f.t.list.count, 1);
    assert_string_equal(f.t.list.items[0], "only");
    lc_settings_done(&f.s);
    takes(&f, "item: []");
    assert_int_equal(f.t.list.count, 0); /* the default is gone */
    lc_settings_done(&f.s);
    takes(&f, "text: |\n  two\n  lines\n");
    assert_string_equal(f.t.text, "two\nlines\n");
    lc_settings_done(&f.s);
}

static const struct {
    const char *file, *text;
} mistakes[] = {
    {"# x\nretain-age: 30 days\n", "a.yaml:2:13: retain-age: not a length of time; write a "
                                   "number with s, m, h, d or w, as 30d\n"
                                   "    2 | retain-age: 30 days\n"
                                   "      |             ^^^^^^^"},
    {"retain-agee: 30d\n", "a.yaml:1:1: unknown key retain-agee; did you mean retain-age?\n"
                           "    1 | retain-agee\n"
                           "      | ^^^^^^^^^^^"},
    {"logs: {listn: x}\n", "a.yaml:1:8: unknown key listn in section logs; did you mean listen?\n"
                           "    1 | logs: {listn\n"
                           "      |        ^^^^^"},
    {"logs-socket: x\n", "a.yaml:1:1: unknown key logs-socket; did you mean logs.socket? "
                         "(`section.key` is key in the mapping of section)\n"
                         "    1 | logs-socket\n"
                         "      | ^^^^^^^^^^^"},
    {"logs: {count: 1}\n", "a.yaml:1:8: unknown key count in section logs; did you mean count? "
                           "(at the top, in no section)\n"
                           "    1 | logs: {count\n"
                           "      |        ^^^^^"},
    {"colour: red\n", "a.yaml:1:1: unknown key colour\n    1 | colour\n      | ^^^^^^"},
    {"log:\n  x: y\n", "a.yaml:1:1: unknown key log; did you mean logs?\n"
                       "    1 | log\n      | ^^^"},
    {"count: 65\n", "a.yaml:1:8: count: must be from 0 to 64\n    1 | count: 65\n"
                    "      |        ^^"},
    {"count: 5\ncount: 6\n", "a.yaml:2:1: count: stands in this file twice\n"
                             "    2 | count\n      | ^^^^^"},
    {"logs: {}\ncount: 5\nlogs: {}\n",
     "a.yaml:3:1: this section stands in this file twice; join them\n"
     "    3 | logs\n      | ^^^^"},
    {"text:\n", "a.yaml:1:1: text: has no value (TEXT); leave the line out for the default\n"
                "    1 | text\n      | ^^^^"},
    {"text: [a]\n", "a.yaml:1:7: text: must be a single value: TEXT\n    1 | text: [\n"
                    "      |       ^"},
    {"item: {a: b}\n", "a.yaml:1:7: item: must be a list, as [ITEM, ITEM]\n"
                       "    1 | item: {\n      |       ^"},
    {"item: [a, bad]\n", "a.yaml:1:11: item: is bad; write something good\n"
                         "    1 | item: [a, bad\n      |           ^^^"},
    {"item: [a, [b]]\n", "a.yaml:1:11: item: must be a list, as [ITEM, ITEM]\n"
                         "    1 | item: [a, [\n      |           ^"},
    {"logs: :514\n", "a.yaml:1:7: logs is a section: its options are a mapping below it"},
    {"logs: {socket: [a]}\n", "a.yaml:1:16: logs.socket: must be a mapping, as {NAME: VALUE}\n"
                              "    1 | logs: {socket: [\n      |                ^"},
    {"logs: {socket: {a: 1, a: 2}}\n",
     "a.yaml:1:23: logs.socket: this name stands here twice\n"
     "    1 | logs: {socket: {a: 1, a\n      |                       ^"},
    {"toggle: 5\n", "a.yaml:1:9: toggle: must be on or off\n    1 | toggle: 5\n"
                    "      |         ^"},
    {"- a\n", "a.yaml:1:1: must be a mapping: lines of `option: value`"},
    {"just text\n", "a.yaml:1:1: must be a mapping: lines of `option: value`"},
    {"count: &a 5\n", "a.yaml:1:11: anchors (&), aliases (*) and tags (!) are not taken; write "
                      "the value in full, in quotes where it begins with such a character"},
    {"count: 5\n---\ncount: 6\n", "a.yaml:2:1: a second document (---) is not taken"},
    {"text: 한글\ntext: 둘\n", "a.yaml:2:1: text: stands in this file twice\n"
                               "    2 | text\n      | ^^^^"},
    {"{text: 한글, count: 99}\n", "a.yaml:1:23: count: must be from 0 to 64\n"
                                  "    1 | {text: 한글, count: 99\n"
                                  "      |                     ^^"},
    {"text: \xFF\n", "a.yaml:1:7: an octet that is not UTF-8 text"},
    {"text: \"a\\0b\"\n", "a.yaml:1:8: text: holds an octet 0\n    1 | text: \"a\\0b\n"
                          "      |        ^^^^"},
    {"? [a]\n: b\n", "a.yaml:1:3: a key must be a plain name"},
    /* a secret is shown nowhere, though it stands in the same line */
    {"logs: {token: hunter2, lstn: x}\n", "a.yaml:1:15: logs.token: must be one of red, blue"},
    {"logs: {token: red, listn: x}\n",
     "a.yaml:1:20: unknown key listn in section logs; did you mean listen?\n"
     "    1 | listn\n      | ^^^^^"},
    {"{count: 99, logs: {token: red}}\n", "a.yaml:1:9: count: must be from 0 to 64\n"
                                          "    1 | 99\n      | ^^"},
    {"logs: {token: hunter2}\n", "a.yaml:1:15: logs.token: must be one of red, blue"},
    {"logs: {tokn: hunter2}\n",
     "a.yaml:1:8: unknown key tokn in section logs; did you mean token?\n"
     "    1 | logs: {tokn\n      |        ^^^^"},
};

static void mistakes_are_explained(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(mistakes); i++) {
        struct file f;
        assert_lc_err(read_file(&f, lc_slice_cstr(mistakes[i].file)), LC_ESYNTAX);
        assert_string_equal(f.diag.text, mistakes[i].text);
        lc_settings_done(&f.s);
    }
}

/* What the library says may change with its version: only what we add is compared. */
static void what_is_not_yaml(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"count: 5\ntext: \"open\n", "not YAML: "},
        {"count: 5\n  text: x\n", "not YAML: "},
        {"logs:\n\tlisten: x\n", "a tab cannot indent in YAML; write spaces\n    2 |  listen: x\n"},
        {"item: [a, b\n", "not YAML: "},
        {"a: b: c\n", "a"},
        {"logs: {token: \"hunter2\n", "not YAML: "},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct file f;
        assert_lc_err(read_file(&f, lc_slice_cstr(cases[i].file)), LC_ESYNTAX);
        assert_memory_equal(f.diag.text, "a.yaml:", 7);
        if (strstr(f.diag.text, cases[i].text) == NULL)
            fail_msg("%s", f.diag.text);
        assert_null(strstr(f.diag.text, "hunter2"));
        lc_settings_done(&f.s);
    }
}

static void variables(void **state)
{
    LC_UNUSED(state);
    struct file f;
    setenv("LC_TEST_A", "one: [two]", 1);
    setenv("LC_TEST_N", "9", 1);
    setenv("LC_TEST_EMPTY", "", 1);
    unsetenv("LC_TEST_NONE");
    takes(&f,
          "text: ${LC_TEST_A}-$$x-$5-${LC_TEST_NONE:-d:-e}-${LC_TEST_EMPTY:-f}-${LC_TEST_EMPTY}\n"
          "count: ${LC_TEST_N}\nitem: ['$${LC_TEST_N}', \"${LC_TEST_A}\"]\n");
    assert_string_equal(f.t.text, "one: [two]-$x-$5-d:-e-f-");
    assert_int_equal(f.t.count, 9);
    assert_int_equal(f.t.list.count, 2);
    assert_string_equal(f.t.list.items[0], "${LC_TEST_N}");
    assert_string_equal(f.t.list.items[1], "one: [two]");
    lc_settings_done(&f.s);

    static const struct {
        const char *file, *text;
    } cases[] = {
        {"text: ${LC_TEST_NONE}", "text: LC_TEST_NONE is not set in the environment; a default is "
                                  "${LC_TEST_NONE:-default}\n"},
        {"text: ${A B}", "not the name of a variable; write ${NAME} or ${NAME:-default}"},
        {"text: ${}", "not the name of a variable"},
        {"text: a${B", "${ without its }; a dollar itself is written $$"},
        {"count: ${LC_TEST_A}", "count: not a number"},
        {"${LC_TEST_N}: 5", "unknown key ${LC_TEST_N}"},
        {"logs: {token: \"${LC_TEST_A}\"}", "logs.token: must be one of red, blue"},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        assert_lc_err(read_file(&f, lc_slice_cstr(cases[i].file)), LC_ESYNTAX);
        if (strstr(f.diag.text, cases[i].text) == NULL)
            fail_msg("%s", f.diag.text);
        assert_null(strstr(f.diag.text, "[two]"));
        lc_settings_done(&f.s);
    }
}

static void files_are_bounded(void **state)
{
    LC_UNUSED(state);
    struct file f;
    char *big = malloc(LC_FILE_MAX + 2);
    assert_non_null(big);
    memset(big, '#', LC_FILE_MAX + 1);
    assert_lc_ok(read_file(&f, lc_slice(big, LC_FILE_MAX)));
    lc_settings_done(&f.s);
    assert_lc_err(read_file(&f, lc_slice(big, LC_FILE_MAX + 1)), LC_ELIMIT);
    assert_string_equal(f.diag.text, "a.yaml: is larger than 1 MiB");
    lc_settings_done(&f.s);
    /* deep nesting ends, too */
    memset(big, '[', 100000);
    memcpy(big, "text: ", 6);
    assert_lc_err(read_file(&f, lc_slice(big, 100000)), LC_ESYNTAX);
    lc_settings_done(&f.s);
    free(big);

    memset(&f, 0, sizeof f);
    lc_settings_init(&f.s, &set, &f.t);
    assert_lc_err(lc_settings_file(&f.s, "/dev/zero", &f.diag), LC_ELIMIT);
    assert_string_equal(f.diag.text, "/dev/zero: is larger than 1 MiB");
    assert_lc_err(lc_settings_file(&f.s, "/nonexistent", &f.diag), -ENOENT);
    assert_string_equal(f.diag.text, "/nonexistent: No such file or directory");
    lc_settings_done(&f.s);
}

/* defaults < file < environment < command line */
static void later_places_win(void **state)
{
    LC_UNUSED(state);
    struct file f;
    char name[] = "command", item[] = "--item=arg", count[] = "--count=3";
    char *argv[] = {name, item, count, NULL}, *operands[4];
    int n;
    takes(&f, "item: [file1, file2]\ntext: file\ncount: 1\nsize: 1K\nlogs: {socket: {A: 1}}\n");
    setenv("LOGCASTER_ITEM", "env1,env2", 1);
    setenv("LOGCASTER_TEXT", "env", 1);
    setenv("LOGCASTER_LOGS_SOCKET", "B=2,C=3", 1);
    setenv("LOGCASTER_SIZE", "", 1);
    assert_lc_ok(lc_settings_env(&f.s, &f.diag));
    assert_string_equal(f.t.text, "env");
    assert_int_equal(f.t.list.count, 2);
    assert_string_equal(f.t.list.items[0], "env1");
    assert_int_equal(f.t.door.socket.count, 2);
    assert_string_equal(f.t.door.socket.items[0], "B=2");
    assert_int_equal(f.t.size, 1024);
    assert_lc_ok(lc_settings_args(&f.s, 3, argv, operands, &n, &f.diag));
    assert_int_equal(f.t.list.count, 1);
    assert_string_equal(f.t.list.items[0], "arg");
    assert_int_equal(f.t.count, 3);

    setenv("LOGCASTER_TEXT", "", 1);
    setenv("LOGCASTER_COUNT", "x", 1);
    assert_lc_err(lc_settings_env(&f.s, &f.diag), LC_ESYNTAX);
    assert_string_equal(f.diag.text, "LOGCASTER_COUNT=x: not a number");
    setenv("LOGCASTER_COUNT", "", 1);
    setenv("LOGCASTER_LOGS_TOKEN", "hunter2", 1);
    assert_lc_err(lc_settings_env(&f.s, &f.diag), LC_ESYNTAX);
    assert_string_equal(f.diag.text, "LOGCASTER_LOGS_TOKEN: must be one of red, blue");
    lc_settings_done(&f.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(what_is_not_yaml),
        cmocka_unit_test(variables),
        cmocka_unit_test(files_are_bounded),
        cmocka_unit_test(later_places_win),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
