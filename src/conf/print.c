/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/print.c - the table and the values as YAML and Markdown.
 */
#include "conf/print.h"

#include <errno.h>
#include <stdlib.h>

#define HIDDEN "\"(secret)\""
#define WRAP   96

/* ---- YAML ---- */

/* What a YAML reader of any version takes as a text, and not as something else. */
static bool is_plain(struct lc_slice s)
{
    static const char *const words[] = {"true", "false", "yes", "no",   "on",   "off",
                                        "null", "y",     "n",   ".inf", ".nan", "~"};

    for (size_t i = 0; i < LC_ARRAY_LEN(words); i++) {
        if (lc_slice_eq_nocase(s, lc_slice_cstr(words[i])))
            return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '/';

        if (!is_letter && (i == 0 || c == '\0' || strchr("0123456789._-", c) == NULL))
            return false;
    }
    return s.n > 0;
}

/* with_variables: a dollar is doubled, or it could begin one. */
static lc_err print_quoted(struct lc_slice s, bool with_variables, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_append(out, LC_LIT("\""));

    for (size_t i = 0; e == LC_OK && i < s.n; i++) {
        uint8_t c = s.p[i];

        if (c == '$' && with_variables)
            e = lc_dynbuf_append(out, LC_LIT("$$"));
        else if (c == '"' || c == '\\')
            e = lc_dynbuf_printf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7F)
            e = lc_dynbuf_printf(out, "\\x%02X", c);
        else
            e = lc_dynbuf_append(out, lc_slice(&s.p[i], 1));
    }
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\"")) : e;
}

static bool is_number_kind(enum lc_option_kind kind)
{
    return kind != LC_OPTION_TEXT && !lc_option_is_list(kind);
}

static lc_err print_text(const struct lc_option *row, struct lc_slice s, struct lc_dynbuf *out)
{
    if (is_number_kind(row->kind) || is_plain(s))
        return lc_dynbuf_append(out, s);
    return print_quoted(s, true, out);
}

/* `NAME: VALUE` of an item of a map, else the item. */
static lc_err print_item(const struct lc_option *row, struct lc_slice s, struct lc_dynbuf *out)
{
    struct lc_slice name;

    if (row->kind != LC_OPTION_MAP || !lc_slice_cut(&s, '=', &name))
        return print_text(row, s, out);

    lc_err e = is_plain(name) ? lc_dynbuf_append(out, name) : print_quoted(name, false, out);

    if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT(": "));
    return e == LC_OK ? print_text(row, s, out) : e;
}

/* The value in a target, as it stands in a file. LC_EEND: there is none. */
static lc_err print_value(const struct lc_option_ref *o, const void *target, struct lc_dynbuf *out)
{
    bool is_map = o->row->kind == LC_OPTION_MAP, is_list = lc_option_is_list(o->row->kind);
    struct lc_dynbuf item;
    lc_err e = LC_OK;
    size_t n = 0;

    lc_dynbuf_init(&item, 1 << 20);
    if (is_list)
        e = lc_dynbuf_append(out, is_map ? LC_LIT("{") : LC_LIT("["));
    for (; e == LC_OK && (is_list || n == 0); n++) {
        item.n = 0;
        e = lc_option_print(o, target, n, &item);
        if (e == LC_OK && n > 0)
            e = lc_dynbuf_append(out, LC_LIT(", "));
        if (e == LC_OK)
            e = print_item(o->row, lc_dynbuf_slice(&item), out);
    }
    lc_dynbuf_done(&item);
    if (is_list && e == LC_EEND)
        e = lc_dynbuf_append(out, is_map ? LC_LIT("}") : LC_LIT("]"));
    return e;
}

/* ---- a file of defaults ---- */

static lc_err print_wrapped(const char *indent, const char *text, struct lc_dynbuf *out)
{
    lc_err e = LC_OK;

    while (e == LC_OK && *text != '\0') {
        size_t n = strlen(text), room = WRAP - strlen(indent);

        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(text, " ");
        }
        e = lc_dynbuf_printf(out, "%s# %.*s\n", indent, (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
    return e;
}

/* `size, 32M or more; SIGHUP applies it` */
static lc_err print_kind(const struct lc_option_ref *o, struct lc_dynbuf *out)
{
    const struct lc_option *row = o->row;
    const char *unit = "";
    lc_err e;

    if (row->kind == LC_OPTION_SIZE)
        unit = " (octets; K, M, G, T)";
    else if (row->kind == LC_OPTION_DURATION)
        unit = " (ns, us, ms, s, m, h, d, w; none)";
    e = lc_dynbuf_printf(out, "%s%s", lc_option_kind_name(row->kind), unit);
    for (size_t i = 0; e == LC_OK && row->choices != NULL && row->choices[i] != NULL; i++)
        e = lc_dynbuf_printf(out, "%s%s", i == 0 ? ": " : ", ", row->choices[i]);
    if (e == LC_OK && (row->min != 0 || row->max != 0)) {
        char min[LC_SIZE_TEXT_MAX], max[LC_SIZE_TEXT_MAX];

        lc_option_limits(row, min, max);
        e = row->max == 0 ? lc_dynbuf_printf(out, ", %s or more", min)
                          : lc_dynbuf_printf(out, ", %s to %s", min, max);
    }
    if (e == LC_OK && (row->flags & LC_OPTION_SECRET) != 0)
        e = lc_dynbuf_append(out, LC_LIT("; a secret"));
    return e;
}

struct printing {
    struct lc_dynbuf *out;
    const struct lc_option_group *group; /* of the last option */
    const struct lc_settings *settings;
};

static lc_err begin_default_group(struct printing *p, const struct lc_option_group *group)
{
    const char *section = p->group != NULL ? p->group->section : NULL;
    bool is_new = !lc_option_same_section(group->section, section);
    lc_err e;

    if (p->group == group)
        return LC_OK;
    p->group = group;
    e = lc_dynbuf_printf(p->out, "# ---- %s ----\n", group->title);
    if (e == LC_OK && group->about != NULL)
        e = print_wrapped("", group->about, p->out);
    if (e == LC_OK)
        e = lc_dynbuf_append(p->out, LC_LIT("\n"));
    return e == LC_OK && is_new ? lc_dynbuf_printf(p->out, "%s:\n", group->section) : e;
}

static lc_err print_default_row(const struct lc_option_ref *o, void *arg)
{
    struct printing *p = arg;
    struct lc_dynbuf *out = p->out;
    const char *indent = o->group->section != NULL ? "  " : "";
    lc_err e = begin_default_group(p, o->group);

    if (e == LC_OK)
        e = print_wrapped(indent, o->row->help, out);
    if (e == LC_OK)
        e = lc_dynbuf_printf(out, "%s#   ", indent);
    if (e == LC_OK)
        e = print_kind(o, out);
    if (e == LC_OK)
        e = lc_dynbuf_printf(out, "; %s\n%s#%s: ",
                             (o->row->flags & LC_OPTION_RELOAD) != 0 ? "a reload applies it"
                                                                     : "needs a restart",
                             indent, o->row->name);
    if (e == LC_OK)
        e = print_value(o, p->settings->target, out);
    if (e == LC_EEND)
        e = lc_dynbuf_printf(out, "  # not set: %s", o->row->value);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\n\n")) : e;
}

lc_err lc_options_default_file(const struct lc_option_set *set, struct lc_dynbuf *out)
{
    void *defaults = calloc(1, lc_option_set_size(set));
    struct lc_settings s;
    struct printing p = {.out = out, .settings = &s};
    lc_err e;

    if (defaults == NULL)
        return -ENOMEM;
    lc_settings_init(&s, set, defaults);
    e = lc_dynbuf_append(
        out,
        LC_LIT("# LogCaster: every option with its default (logcaster config-default).\n"
               "# To set one, take away the # that stands directly before its name.\n"
               "# ${NAME} and ${NAME:-default} in a value are taken from the environment;\n"
               "# a dollar itself is $$. Check the file with: logcaster check-config FILE\n\n"));
    if (e == LC_OK)
        e = lc_option_each(set, print_default_row, &p);
    lc_settings_done(&s);
    free(defaults);
    return e;
}

/* ---- values in use ---- */

static lc_err print_origin(const struct lc_settings *s, const struct lc_option_ref *o,
                           struct lc_dynbuf *out)
{
    const struct lc_option_origin *origin = &s->origins[o->index];

    switch (origin->from) {
    case LC_FROM_FILE:
        return lc_dynbuf_printf(out, "  # line %u\n", origin->line);
    case LC_FROM_ENV:
        return lc_dynbuf_printf(out, "  # environment\n");
    case LC_FROM_ARGS:
        return lc_dynbuf_printf(out, "  # command line\n");
    case LC_FROM_DEFAULT:
        break;
    }
    return lc_dynbuf_printf(out, "  # default\n");
}

static lc_err print_set_row(const struct lc_option_ref *o, void *arg)
{
    struct printing *p = arg;
    const struct lc_settings *s = p->settings;
    const char *section = p->group != NULL ? p->group->section : NULL;
    const char *indent = o->group->section != NULL ? "  " : "";
    struct lc_dynbuf value;
    lc_err e = LC_OK;

    if (!lc_option_same_section(o->group->section, section))
        e = lc_dynbuf_printf(p->out, "%s:\n", o->group->section);
    p->group = o->group;
    if (e != LC_OK)
        return e;
    lc_dynbuf_init(&value, 1 << 20);
    e = print_value(o, s->target, &value);
    if (e == LC_OK && (o->row->flags & LC_OPTION_SECRET) != 0)
        e = lc_dynbuf_printf(p->out, "%s%s: " HIDDEN, indent, o->row->name);
    else if (e == LC_OK)
        e = lc_dynbuf_printf(p->out, "%s%s: %.*s", indent, o->row->name, (int)value.n, value.p);
    else if (e == LC_EEND)
        e = lc_dynbuf_printf(p->out, "%s#%s:", indent, o->row->name);
    lc_dynbuf_done(&value);
    return e == LC_OK ? print_origin(s, o, p->out) : e;
}

lc_err lc_settings_print(const struct lc_settings *s, struct lc_dynbuf *out)
{
    struct printing p = {.out = out, .settings = s};

    return lc_option_each(s->set, print_set_row, &p);
}

/* ---- Markdown ---- */

static lc_err print_cell(const char *text, struct lc_dynbuf *out)
{
    lc_err e = LC_OK;

    for (; e == LC_OK && *text != '\0'; text++) {
        if (*text == '|')
            e = lc_dynbuf_append(out, LC_LIT("\\|"));
        else
            e = lc_dynbuf_append(out, lc_slice(text, 1));
    }
    return e;
}

static lc_err print_table_row(const struct lc_option_ref *o, struct lc_dynbuf *out)
{
    char name[LC_OPTION_NAME_MAX], key[LC_OPTION_NAME_MAX], letter[] = "`-x`, ";
    lc_err e;

    lc_option_name(o, name);
    lc_option_key(o, key);
    letter[2] = o->row->letter;
    e = lc_dynbuf_printf(out, "| %s`--%s%s%s` | %s%s%s | ", o->row->letter != 0 ? letter : "", name,
                         o->row->value != NULL ? " " : "",
                         o->row->value != NULL ? o->row->value : "",
                         lc_option_is_in_files(o) ? "`" : "", lc_option_is_in_files(o) ? key : "",
                         lc_option_is_in_files(o) ? "`" : "");
    if (e == LC_OK)
        e = print_kind(o, out);
    if (e == LC_OK && o->row->fallback != NULL)
        e = lc_dynbuf_printf(out, " | `%s` | ", o->row->fallback);
    else if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT(" | | "));
    if (e == LC_OK)
        e = lc_dynbuf_append(out, (o->row->flags & LC_OPTION_RELOAD) != 0 ? LC_LIT("yes | ")
                                                                          : LC_LIT("| "));
    if (e == LC_OK)
        e = print_cell(o->row->help, out);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT(" |\n")) : e;
}

static lc_err begin_table(const struct lc_option_group *group, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "\n### %s\n\n", group->title);

    if (e == LC_OK && group->about != NULL)
        e = lc_dynbuf_printf(out, "%s\n\n", group->about);
    if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT("| command line | file | kind | default | reload | |\n"
                                         "|---|---|---|---|---|---|\n"));
    return e;
}

lc_err lc_options_markdown(const struct lc_option_set *set, struct lc_dynbuf *out)
{
    const struct lc_option_group *group = NULL;
    struct lc_option_ref o = {0};
    lc_err e = LC_OK;

    while (e == LC_OK && lc_option_next(set, &o)) {
        const struct lc_option_group *same = lc_option_group_like(set, o.group);

        if (o.group != group) {
            group = o.group;
            if (same == NULL)
                e = begin_table(group, out);
            else
                e = lc_dynbuf_printf(out,
                                     "\n### %s\n\n%s\n\n`--%s`, `--%s-...` and the keys of `%s:` "
                                     "are those of `%s`.\n",
                                     group->title, group->about != NULL ? group->about : "",
                                     group->section, group->section, group->section, same->section);
        }
        if (e == LC_OK && same == NULL)
            e = print_table_row(&o, out);
    }
    return e;
}
