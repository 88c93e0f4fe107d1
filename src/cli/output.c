/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/output.c - writing rows as a table, raw messages, JSON or CSV.
 */
#include "cli/output.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64.h"
#include "base/grapheme.h"
#include "base/record.h"
#include "base/time.h"

#define COLUMNS_MAX 64
#define CELL_MAX    (4u << 20) /* octets of one cell as it is shown */
#define WIDTH_MAX   40u        /* a wider cell pushes its own row only */

const char *const lc_output_words[] = {[LC_OUTPUT_TABLE] = "table",
                                       [LC_OUTPUT_RAW] = "raw",
                                       [LC_OUTPUT_JSON] = "json",
                                       [LC_OUTPUT_CSV] = "csv",
                                       NULL};

struct lc_output {
    FILE *out;
    enum lc_output_format format;
    bool colours;
    bool begun;   /* the columns are known and their header is written */
    bool records; /* rows are records, not rows of a table */
    size_t gather;
    json_t **held;
    size_t held_count;
    const char *names[COLUMNS_MAX]; /* of the columns; of tables: strdup'ed */
    size_t name_count;
    size_t widths[COLUMNS_MAX];
    struct lc_dynbuf cell, text;
};

static const char *const record_columns[] = {"_time", "level", "host", "app", "_msg"};
/* What a record's table does not repeat behind the message. */
static const char *const quiet_members[] = {"id",     "space",    "facility",   "pid",
                                            "source", "received", "_msg_base64"};

static bool is_listed(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

lc_err lc_output_new(FILE *out, enum lc_output_format format, bool colours, size_t gather,
                     struct lc_output **ret)
{
    struct lc_output *o = calloc(1, sizeof *o);
    if (o == NULL)
        return -ENOMEM;
    o->held = gather == 0 ? NULL : calloc(gather, sizeof(json_t *));
    if (gather != 0 && o->held == NULL) {
        free(o);
        return -ENOMEM;
    }
    o->out = out;
    o->format = format;
    o->colours = colours;
    o->gather = gather;
    lc_dynbuf_init(&o->cell, CELL_MAX);
    lc_dynbuf_init(&o->text, CELL_MAX);
    *ret = o;
    return LC_OK;
}

void lc_output_free(struct lc_output *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->held_count; i++)
        json_decref(o->held[i]);
    for (size_t i = 0; i < o->name_count && !o->records; i++)
        free((char *)o->names[i]);
    lc_dynbuf_done(&o->cell);
    lc_dynbuf_done(&o->text);
    free(o->held);
    free(o);
}

/* The octets of a member, into o->cell: a message that is not UTF-8 comes back as it was sent. */
static lc_err member_octets(struct lc_output *o, const json_t *row, const char *name)
{
    o->cell.n = 0;
    const json_t *v = json_object_get(row, name);
    if (v == NULL && strcmp(name, "_msg") == 0) {
        const json_t *coded = json_object_get(row, "_msg_base64");
        struct lc_slice text = lc_slice(json_string_value(coded), json_string_length(coded));
        return lc_base64_decode(&o->cell, text, LC_BASE64_STANDARD);
    }
    if (v == NULL || json_is_null(v))
        return LC_OK;
    if (json_is_string(v))
        return lc_dynbuf_append(&o->cell, lc_slice(json_string_value(v), json_string_length(v)));
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text == NULL)
        return -ENOMEM;
    lc_err e = lc_dynbuf_append(&o->cell, lc_slice_cstr(text));
    free(text);
    return e;
}

/* `2026-11-20 18:00:00.123` in local time; other text stays as it is. */
static void localise_time(struct lc_dynbuf *cell)
{
    int64_t ns;
    size_t used;
    if (lc_rfc3339_parse(lc_dynbuf_slice(cell), &ns, &used) != LC_OK || used != cell->n)
        return;
    time_t second = (time_t)(ns / LC_NS_PER_S - (ns % LC_NS_PER_S < 0));
    struct tm tm;
    char text[64];
    if (localtime_r(&second, &tm) == NULL)
        return;
    size_t n = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    int64_t ms = (ns - (int64_t)second * LC_NS_PER_S) / LC_NS_PER_MS;
    n += (size_t)snprintf(text + n, sizeof text - n, ".%03d", (int)ms);
    cell->n = 0;
    lc_err e = lc_dynbuf_append(cell, lc_slice(text, n));
    LC_ASSERT(e == LC_OK || e == -ENOMEM);
}

/* A member as a terminal may see it, into o->text. */
static lc_err shown_member(struct lc_output *o, const json_t *row, const char *name)
{
    lc_err e = member_octets(o, row, name);
    if (e != LC_OK)
        return e;
    if (strcmp(name, "_time") == 0)
        localise_time(&o->cell);
    o->text.n = 0;
    return lc_term_append(&o->text, lc_dynbuf_slice(&o->cell));
}

static enum lc_style level_style(struct lc_slice name)
{
    switch (lc_level_parse(name)) {
    case LC_LEVEL_EMERG:
    case LC_LEVEL_ALERT:
    case LC_LEVEL_CRIT:
        return LC_STYLE_BOLD_RED;
    case LC_LEVEL_ERROR:
        return LC_STYLE_RED;
    case LC_LEVEL_WARN:
        return LC_STYLE_YELLOW;
    case LC_LEVEL_NOTICE:
        return LC_STYLE_CYAN;
    case LC_LEVEL_INFO:
        return LC_STYLE_GREEN;
    default:
        return LC_STYLE_DIM;
    }
}

static enum lc_style cell_style(const struct lc_output *o, const char *name)
{
    if (!o->records || strcmp(name, "_msg") == 0)
        return LC_STYLE_NONE;
    if (strcmp(name, "level") == 0)
        return level_style(lc_dynbuf_slice(&o->text));
    return strcmp(name, "_time") == 0 ? LC_STYLE_DIM : LC_STYLE_BLUE;
}

static void write_slice(struct lc_output *o, struct lc_slice s)
{
    fwrite(s.p, 1, s.n, o->out);
}

/* o->text, padded to its column unless it is the last. */
static void write_cell(struct lc_output *o, size_t column, enum lc_style style)
{
    struct lc_slice text = lc_dynbuf_slice(&o->text);
    bool styled = style != LC_STYLE_NONE && text.n != 0;
    fputs(lc_term_style(o->colours && styled, style), o->out);
    write_slice(o, text);
    fputs(lc_term_style(o->colours && styled, LC_STYLE_NONE), o->out);
    /* a column that nobody fills, as the host of plain lines, takes no room */
    if (column + 1 == o->name_count || (text.n == 0 && o->widths[column] == 0))
        return;
    size_t width = lc_text_width(text);
    size_t pad = (o->widths[column] > width ? o->widths[column] - width : 0) + 2;
    fprintf(o->out, "%*s", (int)pad, "");
}

/* The fields of a record behind its message: name=value. */
static lc_err write_fields(struct lc_output *o, json_t *row)
{
    const char *name;
    json_t *value;
    json_object_foreach(row, name, value)
    {
        if (is_listed(name, record_columns, LC_ARRAY_LEN(record_columns)) ||
            is_listed(name, quiet_members, LC_ARRAY_LEN(quiet_members)))
            continue;
        lc_err e = shown_member(o, row, name);
        if (e != LC_OK)
            return e;
        fprintf(o->out, " %s%s=", lc_term_style(o->colours, LC_STYLE_DIM), name);
        write_slice(o, lc_dynbuf_slice(&o->text));
        fputs(lc_term_style(o->colours, LC_STYLE_NONE), o->out);
    }
    return LC_OK;
}

static lc_err write_table_row(struct lc_output *o, json_t *row)
{
    for (size_t i = 0; i < o->name_count; i++) {
        lc_err e = shown_member(o, row, o->names[i]);
        if (e != LC_OK)
            return e;
        write_cell(o, i, cell_style(o, o->names[i]));
    }
    lc_err e = o->records ? write_fields(o, row) : LC_OK;
    fputc('\n', o->out);
    return e;
}

/* RFC 4180, with LF as the end of a line. */
static void write_csv_cell(struct lc_output *o, struct lc_slice s)
{
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++)
        quoted |= s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quoted) {
        write_slice(o, s);
        return;
    }
    fputc('"', o->out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', o->out);
        fputc(s.p[i], o->out);
    }
    fputc('"', o->out);
}

static lc_err write_csv_row(struct lc_output *o, const json_t *row)
{
    for (size_t i = 0; i < o->name_count; i++) {
        lc_err e = member_octets(o, row, o->names[i]);
        if (e != LC_OK)
            return e;
        if (i != 0)
            fputc(',', o->out);
        write_csv_cell(o, lc_dynbuf_slice(&o->cell));
    }
    fputc('\n', o->out);
    return LC_OK;
}

/* A record's message alone; of a table's row, its values with tabs between. */
static lc_err write_raw_row(struct lc_output *o, const json_t *row)
{
    for (size_t i = 0; i < o->name_count; i++) {
        if (o->records && strcmp(o->names[i], "_msg") != 0)
            continue;
        lc_err e = member_octets(o, row, o->names[i]);
        if (e != LC_OK)
            return e;
        if (i != 0 && !o->records)
            fputc('\t', o->out);
        write_slice(o, lc_dynbuf_slice(&o->cell));
    }
    fputc('\n', o->out);
    return LC_OK;
}

static lc_err write_row(struct lc_output *o, json_t *row)
{
    switch (o->format) {
    case LC_OUTPUT_TABLE:
        return write_table_row(o, row);
    case LC_OUTPUT_CSV:
        return write_csv_row(o, row);
    default:
        return write_raw_row(o, row);
    }
}

static lc_err choose_columns(struct lc_output *o, json_t *first)
{
    o->records =
        json_object_get(first, "_msg") != NULL || json_object_get(first, "_msg_base64") != NULL;
    if (o->records) {
        memcpy(o->names, record_columns, sizeof record_columns);
        o->name_count = LC_ARRAY_LEN(record_columns);
        return LC_OK;
    }
    const char *name;
    json_t *value;
    json_object_foreach(first, name, value)
    {
        if (o->name_count == COLUMNS_MAX)
            break;
        char *copy = strdup(name);
        if (copy == NULL)
            return -ENOMEM;
        o->names[o->name_count++] = copy;
    }
    return LC_OK;
}

static lc_err measure(struct lc_output *o)
{
    for (size_t r = 0; r < o->held_count; r++) {
        for (size_t i = 0; i < o->name_count; i++) {
            lc_err e = shown_member(o, o->held[r], o->names[i]);
            if (e != LC_OK)
                return e;
            size_t width = lc_text_width(lc_dynbuf_slice(&o->text));
            if (width > o->widths[i] && width <= WIDTH_MAX)
                o->widths[i] = width;
        }
    }
    return LC_OK;
}

/* A table of records needs no heading: its columns speak for themselves. */
static lc_err write_heading(struct lc_output *o)
{
    for (size_t i = 0; i < o->name_count; i++) {
        if (o->format == LC_OUTPUT_CSV) {
            if (i != 0)
                fputc(',', o->out);
            write_csv_cell(o, lc_slice_cstr(o->names[i]));
            continue;
        }
        o->text.n = 0;
        lc_err e = lc_term_append(&o->text, lc_slice_cstr(o->names[i]));
        if (e != LC_OK)
            return e;
        write_cell(o, i, LC_STYLE_BOLD);
    }
    fputc('\n', o->out);
    return LC_OK;
}

static lc_err begin(struct lc_output *o, json_t *first)
{
    o->begun = true;
    lc_err e = choose_columns(o, first);
    if (e != LC_OK || o->format == LC_OUTPUT_RAW)
        return e;
    for (size_t i = 0; i < o->name_count && !o->records; i++)
        o->widths[i] = lc_text_width(lc_slice_cstr(o->names[i]));
    if (o->format == LC_OUTPUT_TABLE)
        e = measure(o);
    if (e == LC_OK && (o->format == LC_OUTPUT_CSV || !o->records))
        e = write_heading(o);
    return e;
}

static lc_err write_held(struct lc_output *o)
{
    lc_err e = o->held_count == 0 || o->begun ? LC_OK : begin(o, o->held[0]);
    for (size_t i = 0; i < o->held_count; i++) {
        if (e == LC_OK)
            e = write_row(o, o->held[i]);
        json_decref(o->held[i]);
    }
    o->held_count = 0;
    return e;
}

lc_err lc_output_row(struct lc_output *o, struct lc_slice json)
{
    if (o->format == LC_OUTPUT_JSON) {
        write_slice(o, json);
        fputc('\n', o->out);
        return LC_OK;
    }
    json_t *row = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(row)) {
        json_decref(row);
        return LC_EPROTO;
    }
    if (!o->begun && o->held_count < o->gather) {
        o->held[o->held_count++] = row;
        return o->held_count == o->gather ? write_held(o) : LC_OK;
    }
    lc_err e = o->begun ? LC_OK : begin(o, row);
    if (e == LC_OK)
        e = write_row(o, row);
    json_decref(row);
    return e;
}

lc_err lc_output_flush(struct lc_output *o)
{
    lc_err e = write_held(o);
    if (e == LC_OK && (fflush(o->out) != 0 || ferror(o->out)))
        e = errno != 0 ? -errno : -EIO;
    return e;
}

bool lc_output_member(struct lc_slice json, const char *name, char *out, size_t cap)
{
    json_t *row = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL, NULL);
    const char *value = json_string_value(json_object_get(row, name));
    bool found = value != NULL && strlen(value) < cap;
    if (found)
        memcpy(out, value, strlen(value) + 1);
    json_decref(row);
    return found;
}
