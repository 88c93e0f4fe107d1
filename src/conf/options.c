/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options.c - reading a command line by a table of options.
 */
#include "conf/options.h"

#include <inttypes.h>

#include "base/time.h"
#include "conf/units.h"

struct reading {
    const struct lc_option *table;
    size_t count;
    char *target;
    bool *given; /* by row: for lists, whose first value replaces the defaults */
    struct lc_diag *diag;
};

static void *place(const struct reading *r, const struct lc_option *o)
{
    return r->target + o->offset;
}

static lc_err complain_limits(const struct reading *r, const struct lc_option *o, const char *text)
{
    char min[LC_SIZE_TEXT_MAX], max[LC_SIZE_TEXT_MAX];
    lc_size_format(o->min, min);
    lc_size_format(o->max, max);
    if (o->max == 0)
        lc_diag_set(r->diag, "--%s %s: must be at least %s", o->name, text, min);
    else
        lc_diag_set(r->diag, "--%s %s: must be from %s to %s", o->name, text, min, max);
    return LC_ESYNTAX;
}

static lc_err read_amount(const struct reading *r, const struct lc_option *o, const char *text)
{
    uint64_t *value = place(r, o);
    bool is_size = o->kind == LC_OPTION_SIZE;
    if (is_size && strcmp(text, "auto") == 0) {
        *value = 0;
        return LC_OK;
    }
    struct lc_slice s = lc_slice_cstr(text);
    lc_err e = is_size ? lc_size_parse(s, value) : lc_slice_u64(s, value);
    if (e != LC_OK) {
        lc_diag_set(r->diag, "--%s %s: %s", o->name, text,
                    is_size ? "not a size; write a number with K, M, G or T, as 512M"
                            : "not a number");
        return LC_ESYNTAX;
    }
    if (*value < o->min || (o->max != 0 && *value > o->max))
        return complain_limits(r, o, text);
    return LC_OK;
}

static lc_err read_duration(const struct reading *r, const struct lc_option *o, const char *text)
{
    int64_t *value = place(r, o);
    if (strcmp(text, "none") == 0) {
        *value = 0;
        return LC_OK;
    }
    if (lc_duration_parse(lc_slice_cstr(text), value) == LC_OK)
        return LC_OK;
    lc_diag_set(r->diag,
                "--%s %s: not a length of time; write a number with s, m, h, d or w, as 30d",
                o->name, text);
    return LC_ESYNTAX;
}

static lc_err read_choice(const struct reading *r, const struct lc_option *o, const char *text)
{
    int *value = place(r, o);
    char allowed[160] = "";
    for (int i = 0; o->choices[i] != NULL; i++) {
        if (strcmp(text, o->choices[i]) == 0) {
            *value = i;
            return LC_OK;
        }
        size_t n = strlen(allowed);
        snprintf(allowed + n, sizeof allowed - n, "%s%s", i == 0 ? "" : ", ", o->choices[i]);
    }
    lc_diag_set(r->diag, "--%s %s: must be one of %s", o->name, text, allowed);
    return LC_ESYNTAX;
}

static lc_err read_item(const struct reading *r, const struct lc_option *o, const char *text)
{
    struct lc_list *list = place(r, o);
    bool *given = &r->given[o - r->table];
    if (!*given)
        list->count = 0;
    *given = true;
    if (list->count == LC_LIST_MAX) {
        lc_diag_set(r->diag, "--%s: given more than %d times", o->name, LC_LIST_MAX);
        return LC_ESYNTAX;
    }
    list->items[list->count++] = text;
    return LC_OK;
}

static lc_err read_value(const struct reading *r, const struct lc_option *o, const char *text)
{
    switch (o->kind) {
    case LC_OPTION_FLAG:
        *(bool *)place(r, o) = true;
        return LC_OK;
    case LC_OPTION_TEXT:
        *(const char **)place(r, o) = text;
        return LC_OK;
    case LC_OPTION_LIST:
        return read_item(r, o, text);
    case LC_OPTION_COUNT:
    case LC_OPTION_SIZE:
        return read_amount(r, o, text);
    case LC_OPTION_DURATION:
        return read_duration(r, o, text);
    case LC_OPTION_CHOICE:
        return read_choice(r, o, text);
    }
    return LC_OK;
}

static lc_err set_defaults(const struct reading *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct lc_option *o = &r->table[i];
        lc_err e = o->fallback == NULL ? LC_OK : read_value(r, o, o->fallback);
        if (e != LC_OK)
            return e;
        r->given[i] = false;
    }
    return LC_OK;
}

static const struct lc_option *find(const struct reading *r, const char *name, size_t n)
{
    for (size_t i = 0; i < r->count; i++)
        if (strlen(r->table[i].name) == n && memcmp(r->table[i].name, name, n) == 0)
            return &r->table[i];
    return NULL;
}

static const struct lc_option *find_letter(const struct reading *r, char letter)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->table[i].letter == letter)
            return &r->table[i];
    return NULL;
}

/* One argument that begins with a dash, and the next one where its value stands there. */
static lc_err read_option(const struct reading *r, char **argv, int argc, int *at)
{
    const char *arg = argv[*at];
    bool is_long = arg[1] == '-';
    const char *name = is_long ? arg + 2 : arg + 1;
    size_t n = is_long ? strcspn(name, "=") : 1;
    const struct lc_option *o = is_long ? find(r, name, n) : find_letter(r, name[0]);
    if (o == NULL) {
        lc_diag_set(r->diag, "unknown option %.*s%.*s; --help lists them", is_long ? 2 : 1, arg,
                    (int)n, name);
        return LC_ESYNTAX;
    }
    /* --name=value, -nvalue */
    const char *value = name + n;
    if (is_long && *value == '=')
        value++;
    else if (is_long || *value == '\0')
        value = NULL;
    if (o->kind == LC_OPTION_FLAG) {
        if (value == NULL)
            return read_value(r, o, NULL);
        lc_diag_set(r->diag, "--%s takes no value", o->name);
        return LC_ESYNTAX;
    }
    if (value == NULL) {
        if (*at + 1 == argc) {
            lc_diag_set(r->diag, "--%s needs a value: %s", o->name, o->value);
            return LC_ESYNTAX;
        }
        value = argv[++*at];
    }
    return read_value(r, o, value);
}

lc_err lc_options_read(const struct lc_option *table, size_t count, int argc, char **argv,
                       void *target, int *ret_operands, struct lc_diag *diag)
{
    bool given[64] = {false};
    LC_ASSERT(count <= LC_ARRAY_LEN(given));
    struct reading r = {table, count, target, given, diag};
    lc_err e = set_defaults(&r);
    int operands = 0;
    bool only_operands = false;
    for (int i = 1; i < argc && e == LC_OK; i++) {
        bool is_option = argv[i][0] == '-' && argv[i][1] != '\0' && !only_operands;
        if (is_option && strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (is_option)
            e = read_option(&r, argv, argc, &i);
        else
            argv[1 + operands++] = argv[i];
    }
    if (e == LC_OK)
        *ret_operands = operands;
    return e;
}

#define HELP_COLUMN 28
#define HELP_WIDTH  79

/* Writes the words of `text` into the help's column, a line as often as one is full. `column` is
 * where the last line ended, and where the next words go on. */
static void print_words(const char *text, int *column, FILE *out)
{
    while (*text != '\0') {
        int n = (int)strcspn(text, " ");
        if (*column > HELP_COLUMN && *column + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            *column = HELP_COLUMN;
        } else if (*column > HELP_COLUMN) {
            fputc(' ', out);
            *column += 1;
        }
        fprintf(out, "%.*s", n, text);
        *column += n;
        text += n + (text[n] == ' ');
    }
}

void lc_options_help(const struct lc_option *table, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct lc_option *o = &table[i];
        char left[80];
        int n = o->letter != 0 ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                               : snprintf(left, sizeof left, "      --%s", o->name);
        if (o->kind != LC_OPTION_FLAG)
            n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->value);
        fprintf(out, "%s", left);
        if (n >= HELP_COLUMN - 1) {
            fputc('\n', out);
            n = 0;
        }
        fprintf(out, "%*s", HELP_COLUMN - n, "");
        int column = HELP_COLUMN;
        print_words(o->help, &column, out);
        if (o->fallback != NULL && o->fallback[0] != '\0') {
            char fallback[80];
            snprintf(fallback, sizeof fallback, "[%s]", o->fallback);
            print_words(fallback, &column, out);
        }
        fputc('\n', out);
    }
}
