/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/schema.c - the table as a JSON Schema, for editors and for other programs that check a file.
 */
#include <inttypes.h>

#include "conf/print.h"

#define DURATION "([0-9]+(ns|us|ms|s|m|h|d|w))+"
#define PERIOD   "([0-9]+)?(ns|us|ms|s|m|h|d|w)([0-9]+(ns|us|ms|s|m|h|d|w))*"
#define SIZE     "[0-9]+([KMGTkmgt]([iI]?[bB])?)?"

/* What a value with ${NAME} in it will be is not known here. */
static const char definitions[] =
    "  \"$defs\": {\n"
    "    \"variable\": {\"type\": \"string\", \"pattern\": \"\\\\$\\\\{[A-Za-z_]\"},\n"
    "    \"text\": {\"type\": [\"string\", \"number\", \"boolean\"]},\n"
    "    \"switch\": {\"enum\": [true, false, \"on\", \"off\", \"yes\", \"no\", \"true\", "
    "\"false\"]},\n"
    "    \"duration\": {\"type\": \"string\", \"pattern\": \"^(none|" DURATION ")$\"},\n"
    "    \"rate\": {\"type\": \"string\", \"pattern\": \"^(none|auto|0*[1-9][0-9]*/" PERIOD
    ")$\"},\n"
    "    \"flow\": {\"type\": \"string\", \"pattern\": \"^(none|auto|" SIZE "/" PERIOD ")$\"}\n"
    "  }\n";

/* A string of JSON; the texts of the table are plain. */
static lc_err print_string(const char *text, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_append(out, LC_LIT("\""));

    for (; e == LC_OK && *text != '\0'; text++)
        e = lc_dynbuf_printf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\"")) : e;
}

static lc_err print_choices(const struct lc_option *row, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_append(out, LC_LIT("{\"enum\": ["));

    for (size_t i = 0; e == LC_OK && row->choices[i] != NULL; i++) {
        if (i > 0)
            e = lc_dynbuf_append(out, LC_LIT(", "));
        if (e == LC_OK)
            e = print_string(row->choices[i], out);
    }
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("]}")) : e;
}

static lc_err print_integer(const struct lc_option *row, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "{\"type\": \"integer\", \"minimum\": %" PRIu64, row->min);

    if (e == LC_OK && row->max != 0)
        e = lc_dynbuf_printf(out, ", \"maximum\": %" PRIu64, row->max);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("}")) : e;
}

static lc_err print_pattern(const char *pattern, struct lc_dynbuf *out)
{
    return lc_dynbuf_printf(out, ", {\"type\": \"string\", \"pattern\": \"^(%s)$\"}", pattern);
}

/* What a single value may be, besides a variable. */
static lc_err print_type(const struct lc_option *row, struct lc_dynbuf *out)
{
    lc_err e;

    if (row->choices != NULL)
        return print_choices(row, out);
    switch (row->kind) {
    case LC_OPTION_COUNT:
        e = print_integer(row, out);
        return e == LC_OK ? print_pattern("[0-9]+", out) : e;
    case LC_OPTION_SIZE:
        e = print_integer(row, out);
        return e == LC_OK ? print_pattern("auto|" SIZE, out) : e;
    case LC_OPTION_FLAG:
    case LC_OPTION_SWITCH:
        return lc_dynbuf_append(out, LC_LIT("{\"$ref\": \"#/$defs/switch\"}"));
    case LC_OPTION_DURATION:
    case LC_OPTION_RATE:
    case LC_OPTION_FLOW:
        return lc_dynbuf_printf(out, "{\"$ref\": \"#/$defs/%s\"}", lc_option_kind_name(row->kind));
    default:
        return lc_dynbuf_append(out, LC_LIT("{\"$ref\": \"#/$defs/text\"}"));
    }
}

static lc_err print_types(const struct lc_option *row, struct lc_dynbuf *out)
{
    lc_err e;

    if (row->kind == LC_OPTION_MAP)
        return lc_dynbuf_append(out, LC_LIT("\"type\": \"object\", \"additionalProperties\": "
                                            "{\"$ref\": \"#/$defs/text\"}"));
    e = lc_dynbuf_append(out, LC_LIT("\"anyOf\": ["));
    if (e == LC_OK)
        e = print_type(row, out);
    if (e == LC_OK && row->kind == LC_OPTION_LIST)
        e = lc_dynbuf_printf(out,
                             ", {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/text\"}, "
                             "\"maxItems\": %d}",
                             LC_LIST_MAX);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT(", {\"$ref\": \"#/$defs/variable\"}]")) : e;
}

static lc_err print_property(const struct lc_option *row, const char *indent, bool is_first,
                             struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "%s\n%s\"%s\": {\"description\": ", is_first ? "" : ",",
                                indent, row->name);

    if (e == LC_OK)
        e = print_string(row->help, out);
    if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT(", "));
    if (e == LC_OK)
        e = print_types(row, out);
    if (e == LC_OK && row->fallback != NULL && !lc_option_is_list(row->kind)) {
        e = lc_dynbuf_append(out, LC_LIT(", \"default\": "));
        if (e == LC_OK)
            e = row->kind == LC_OPTION_COUNT ? lc_dynbuf_printf(out, "%s", row->fallback)
                                             : print_string(row->fallback, out);
    }
    if (e == LC_OK && (row->flags & LC_OPTION_SECRET) != 0)
        e = lc_dynbuf_append(out, LC_LIT(", \"writeOnly\": true"));
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("}")) : e;
}

struct schema {
    struct lc_dynbuf *out;
    const char *section; /* that is open */
    bool is_first, is_first_at_top;
};

static lc_err close_section(struct schema *s)
{
    lc_err e = s->section == NULL ? LC_OK : lc_dynbuf_append(s->out, LC_LIT("\n      }\n    }"));

    s->section = NULL;
    return e;
}

static lc_err open_section(struct schema *s, const struct lc_option_group *group)
{
    lc_err e = lc_dynbuf_printf(s->out, "%s\n    \"%s\": {\n      \"description\": ",
                                s->is_first_at_top ? "" : ",", group->section);

    if (e == LC_OK)
        e = print_string(group->about != NULL ? group->about : group->title, s->out);
    s->is_first_at_top = false;
    s->section = group->section;
    s->is_first = true;
    return e == LC_OK
               ? lc_dynbuf_append(s->out, LC_LIT(",\n      \"type\": [\"object\", \"null\"],\n"
                                                 "      \"additionalProperties\": false,\n"
                                                 "      \"properties\": {"))
               : e;
}

static lc_err schema_row(const struct lc_option_ref *o, void *arg)
{
    struct schema *s = arg;
    const char *section = o->group->section;
    lc_err e = LC_OK;

    if (section == NULL) {
        e = print_property(o->row, "    ", s->is_first_at_top, s->out);
        s->is_first_at_top = false;
        return e;
    }
    if (s->section == NULL || strcmp(section, s->section) != 0) {
        e = close_section(s);
        if (e == LC_OK)
            e = open_section(s, o->group);
    }
    if (e == LC_OK)
        e = print_property(o->row, "        ", s->is_first, s->out);
    s->is_first = false;
    return e;
}

lc_err lc_options_schema(const struct lc_option_set *set, const char *title, struct lc_dynbuf *out)
{
    struct schema s = {.out = out, .is_first_at_top = true};
    lc_err e = lc_dynbuf_printf(out,
                                "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\""
                                ",\n  \"title\": \"%s\",\n"
                                "  \"type\": [\"object\", \"null\"],\n"
                                "  \"additionalProperties\": false,\n  \"properties\": {",
                                title);

    if (e == LC_OK)
        e = lc_option_each(set, schema_row, &s);
    if (e == LC_OK)
        e = close_section(&s);
    if (e == LC_OK)
        e = lc_dynbuf_append(out, LC_LIT("\n  },\n"));
    if (e == LC_OK)
        e = lc_dynbuf_append(out, lc_slice(definitions, sizeof definitions - 1));
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("}\n")) : e;
}
