/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/args.c - the command line and its help.
 */
#include "base/grapheme.h"
#include "base/text.h"
#include "conf/near.h"
#include "conf/options.h"

struct reading {
    struct lc_settings *settings;
    int argc;
    char **argv;
    int at;
    struct lc_diag *diag;
};

static bool find_letter(const struct lc_option_set *set, char letter, struct lc_option_ref *ret)
{
    struct lc_option_ref ref = {0};

    while (lc_option_next(set, &ref)) {
        if (ref.row->letter == letter) {
            *ret = ref;
            return true;
        }
    }
    return false;
}

static lc_err complain_unknown(const struct reading *r, struct lc_slice name, bool is_long)
{
    char near[LC_OPTION_NAME_MAX] = "";

    if (is_long)
        lc_option_near(r->settings->set, name, near);
    lc_diag_set(r->diag, "unknown option %s%.*s; %s%s%s", is_long ? "--" : "-", (int)name.n, name.p,
                near[0] != '\0' ? lc_text("did you mean --") : lc_text("--help lists them"), near,
                near[0] != '\0' ? "?" : "");
    return LC_ESYNTAX;
}

static lc_err put(const struct reading *r, const struct lc_option_ref *o, const char *name,
                  const char *value)
{
    struct lc_diag why = {0};
    lc_err e =
        lc_settings_put(r->settings, o, (struct lc_option_origin){LC_FROM_ARGS, 0}, value, &why);

    if (e != LC_OK && (o->row->flags & LC_OPTION_SECRET) != 0)
        lc_diag_set(r->diag, "--%s: %s", name, why.text);
    else if (e != LC_OK)
        lc_diag_set(r->diag, "--%s %s: %s", name, value, why.text);
    return e;
}

/* One argument that begins with a dash, and the next one where its value stands there. */
static lc_err read_option(struct reading *r)
{
    const char *arg = r->argv[r->at];
    bool is_long = arg[1] == '-';
    const char *text = is_long ? arg + 2 : arg + 1;
    struct lc_slice name = lc_slice(text, is_long ? strcspn(text, "=") : 1);
    const struct lc_option_set *set = r->settings->set;
    char full[LC_OPTION_NAME_MAX];
    struct lc_option_ref o;

    if (is_long ? !lc_option_find(set, name, &o) : !find_letter(set, text[0], &o))
        return complain_unknown(r, name, is_long);
    lc_option_name(&o, full);
    /* --name=value, -nvalue */
    const char *value = text + name.n;
    if (is_long && *value == '=')
        value++;
    else if (is_long || *value == '\0')
        value = NULL;
    if (o.row->kind == LC_OPTION_FLAG) {
        if (value == NULL)
            return put(r, &o, full, "on");
        lc_diag_set(r->diag, "--%s takes no value", full);
        return LC_ESYNTAX;
    }
    if (value == NULL) {
        if (r->at + 1 == r->argc) {
            lc_diag_set(r->diag, "--%s needs a value: %s", full, o.row->value);
            return LC_ESYNTAX;
        }
        value = r->argv[++r->at];
    }
    return put(r, &o, full, value);
}

lc_err lc_settings_args(struct lc_settings *s, int argc, char **argv, char **ret_operands,
                        int *ret_count, struct lc_diag *diag)
{
    struct reading r = {.settings = s, .argc = argc, .argv = argv, .at = 1, .diag = diag};
    bool only_operands = false;
    int operands = 0;
    lc_err e = LC_OK;

    for (; r.at < argc && e == LC_OK; r.at++) {
        char *arg = argv[r.at];
        bool is_option = arg[0] == '-' && arg[1] != '\0' && !only_operands;

        if (is_option && strcmp(arg, "--") == 0)
            only_operands = true;
        else if (is_option)
            e = read_option(&r);
        else
            ret_operands[operands++] = arg;
    }
    if (e == LC_OK)
        *ret_count = operands;
    return e;
}

/* ---- help ---- */

#define HELP_COLUMN 28
#define HELP_WIDTH  79

/* Writes the words of `text` from `indent` on, a line as often as one is full. `column` is where
 * the last line ended, and where the next words go on. */
static void print_words(const char *text, int indent, int *column, FILE *out)
{
    while (*text != '\0') {
        int n = (int)strcspn(text, " ");
        int width = (int)lc_text_width(lc_slice(text, (size_t)n));

        if (*column > indent && *column + 1 + width > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            *column = indent;
        } else if (*column > indent) {
            fputc(' ', out);
            *column += 1;
        }
        fprintf(out, "%.*s", n, text);
        *column += width;
        text += n + (text[n] == ' ');
    }
}

static void print_option(const struct lc_option_ref *ref, FILE *out)
{
    const struct lc_option *o = ref->row;
    char name[LC_OPTION_NAME_MAX], left[160];

    lc_option_name(ref, name);

    int n = o->letter != 0 ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, name)
                           : snprintf(left, sizeof left, "      --%s", name);

    if (o->kind != LC_OPTION_FLAG)
        n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->value);
    fprintf(out, "%s", left);
    if (n >= HELP_COLUMN - 1) {
        fputc('\n', out);
        n = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - n, "");

    int column = HELP_COLUMN;

    print_words(lc_text(o->help), HELP_COLUMN, &column, out);
    if (o->fallback != NULL && o->fallback[0] != '\0') {
        char fallback[80];

        snprintf(fallback, sizeof fallback, "[%s]", o->fallback);
        print_words(fallback, HELP_COLUMN, &column, out);
    }
    fputc('\n', out);
}

static void print_about(const char *text, FILE *out)
{
    int column = 2;

    fputs("  ", out);
    print_words(text, 2, &column, out);
    fputc('\n', out);
}

static void print_heading(const struct lc_option_set *set, const struct lc_option_group *group,
                          FILE *out)
{
    const struct lc_option_group *same = lc_option_group_like(set, group);

    fprintf(out, "\n%s:\n", lc_text(group->title));
    if (group->about != NULL)
        print_about(lc_text(group->about), out);
    if (same != NULL)
        fprintf(out, lc_text("  --%s and --%s-...: as --%s and --%s-...\n"), group->section,
                group->section, same->section, same->section);
}

void lc_options_help(const struct lc_option_set *set, FILE *out)
{
    const struct lc_option_group *last = NULL;
    struct lc_option_ref ref = {0};

    while (lc_option_next(set, &ref)) {
        if (ref.group != last)
            print_heading(set, ref.group, out);
        last = ref.group;
        if (lc_option_group_like(set, ref.group) == NULL)
            print_option(&ref, out);
    }
}
