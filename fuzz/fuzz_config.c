/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_config.c - a configuration file: it gives values or an error with a place, and what is
 * printed of the values is a file that says the same.
 */
#include <stdlib.h>

#include "conf/file.h"
#include "conf/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
const char *__lsan_default_suppressions(void); /* NOLINT(bugprone-reserved-identifier) */

/* libfyaml 0.7.12 loses the buffer of a quoted scalar in which it finds an error. */
const char *__lsan_default_suppressions(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return "leak:libfyaml\n";
}

static const char *const colours[] = {"red", "blue", NULL};

struct door {
    struct lc_list listen, socket;
    struct lc_rate rate, flow;
    const char *token;
};

struct target {
    bool flag, toggle;
    const char *text;
    struct lc_list item;
    uint64_t count, size;
    int64_t age;
    int colour;
    struct door doors[2];
};

#define AT(member) LC_MEMBER(struct target, member)
#define OF(member) LC_MEMBER(struct door, member)

/* clang-format off */
static const struct lc_option rows[] = {
    {.name = "flag", .kind = LC_OPTION_FLAG, AT(flag), .help = "f"},
    {.name = "toggle", .kind = LC_OPTION_SWITCH, .value = "S", .fallback = "on", AT(toggle), .help = "s"},
    {.name = "text", .kind = LC_OPTION_TEXT, .value = "T", .fallback = "default", AT(text), .help = "t"},
    {.name = "item", .kind = LC_OPTION_LIST, .value = "I", .fallback = "one", AT(item), .help = "i"},
    {.name = "count", .kind = LC_OPTION_COUNT, .value = "N", .max = 64, AT(count), .help = "n"},
    {.name = "size", .kind = LC_OPTION_SIZE, .value = "N", .fallback = "auto", AT(size), .help = "n"},
    {.name = "age", .kind = LC_OPTION_DURATION, .value = "A", .fallback = "none", AT(age), .help = "a"},
    {.name = "colour", .kind = LC_OPTION_CHOICE, .value = "C", .fallback = "blue", .choices = colours, AT(colour), .help = "c"},
};
static const struct lc_option door_rows[] = {
    {.name = "listen", .kind = LC_OPTION_LIST, .flags = LC_OPTION_BARE, .value = "A", OF(listen), .help = "a"},
    {.name = "socket", .kind = LC_OPTION_MAP, .value = "N=V", OF(socket), .help = "m"},
    {.name = "rate", .kind = LC_OPTION_RATE, .value = "R", .fallback = "100/s", OF(rate), .help = "r"},
    {.name = "flow", .kind = LC_OPTION_FLOW, .value = "R", .fallback = "none", OF(flow), .help = "r"},
    {.name = "token", .kind = LC_OPTION_TEXT, .flags = LC_OPTION_SECRET, .value = "T", OF(token), .help = "t"},
};
#define DOOR(name, i) {.section = (name), .title = (name), .rows = door_rows, .count = LC_ARRAY_LEN(door_rows), .offset = offsetof(struct target, doors) + (i) * sizeof(struct door)}
static const struct lc_option_group groups[] = {
    {.title = "options", .rows = rows, .count = LC_ARRAY_LEN(rows)}, DOOR("logs", 0), DOOR("query", 1)};
static const struct lc_option_part parts[] = {{groups, LC_ARRAY_LEN(groups), 0}};
static const struct lc_option_set set = {parts, 1};
/* clang-format on */

static void print_and_read_again(const struct lc_settings *s)
{
    struct lc_dynbuf out;
    struct target again = {0};
    struct lc_settings read;
    struct lc_diag diag = {{0}, 0, 0};
    struct lc_option_ref o = {0};
    lc_dynbuf_init(&out, 8 << 20);
    lc_err e = lc_settings_print(s, &out);
    LC_ASSERT(e == LC_OK);
    lc_settings_init(&read, &set, &again);
    if (out.n <= LC_FILE_MAX) {
        e = lc_settings_yaml(&read, "again", lc_dynbuf_slice(&out), &diag);
        LC_ASSERT(e == LC_OK);
        while (lc_option_next(&set, &o))
            LC_ASSERT((o.row->flags & LC_OPTION_SECRET) != 0 ||
                      lc_option_same(&o, s->target, &again));
    }
    lc_settings_done(&read);
    lc_dynbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct target t = {0};
    struct lc_settings s;
    struct lc_diag diag = {{0}, 0, 0};
    setenv("A", "x: [y]", 1);
    unsetenv("B");
    lc_settings_init(&s, &set, &t);
    lc_err e = lc_settings_yaml(&s, "file", lc_slice(p, n), &diag);
    if (e == LC_OK) {
        print_and_read_again(&s);
    } else {
        LC_ASSERT(memcmp(diag.text, "file:", 5) == 0);
    }
    lc_settings_done(&s);
    return 0;
}
