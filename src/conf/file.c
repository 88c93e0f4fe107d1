/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/file.c - YAML events (libfyaml) to values. A file is read in one pass, without a tree: what
 * is not an option is an error where it stands.
 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "conf/near.h"
#include "conf/source.h"
#include "conf/substitute.h"

#define SECTIONS_MAX 64
#define MESSAGE_MAX  400

struct reader {
    struct lc_settings *s;
    struct lc_source source;
    struct lc_diag *diag;
    struct fy_diag *errors; /* the parser's own */
    struct fy_parser *parser;
    struct fy_event *event;
    struct lc_dynbuf value; /* scratch */
    bool has_secret;        /* somewhere in the file */
    struct lc_span key;     /* of the option that is being read */
    bool seen[LC_OPTIONS_MAX];
    const char *sections[SECTIONS_MAX];
    size_t section_count;
};

/* ---- errors ---- */

static lc_err complain(struct reader *r, struct lc_span span, enum lc_shown shown,
                       const char *message)
{
    lc_source_complain(&r->source, span, shown, r->diag, message);
    return LC_ESYNTAX;
}

/* Of what is itself no secret. What follows is not shown: it may be the value of a misspelt name.
 */
static enum lc_shown shown_beside(const struct reader *r)
{
    return r->has_secret ? LC_SHOWN_SPAN : LC_SHOWN_TO_END_OF_SPAN;
}

static struct lc_span span_of(struct fy_event *event)
{
    struct fy_token *token = fy_event_get_token(event);
    const struct fy_mark *start = token != NULL ? fy_token_start_mark(token) : NULL;
    const struct fy_mark *end = token != NULL ? fy_token_end_mark(token) : NULL;

    if (start == NULL)
        return (struct lc_span){0, 0};
    return (struct lc_span){start->input_pos, end != NULL ? end->input_pos : start->input_pos};
}

static bool tab_indents(const struct reader *r, unsigned line)
{
    struct lc_slice text = r->source.text;

    for (size_t i = lc_source_line_start(&r->source, line); i < text.n; i++) {
        if (text.p[i] == '\t')
            return true;
        if (text.p[i] != ' ')
            return false;
    }
    return false;
}

/* What the parser itself says. */
static lc_err complain_syntax(struct reader *r)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(r->errors, &at);
    enum lc_shown shown = r->has_secret ? LC_SHOWN_NOTHING : LC_SHOWN_LINE;
    char message[MESSAGE_MAX];

    if (error == NULL) {
        lc_diag_set(r->diag, "%s: not YAML, or no memory", r->source.name);
        return LC_ESYNTAX;
    }

    unsigned line = error->line > 0 ? (unsigned)error->line : 1;
    size_t column = error->column > 0 ? (size_t)error->column - 1 : 0;
    size_t start = lc_source_line_start(&r->source, line);
    struct lc_span span = {start + column, start + column + 1};

    if (tab_indents(r, line))
        snprintf(message, sizeof message, "a tab cannot indent in YAML; write spaces");
    else
        snprintf(message, sizeof message, "not YAML: %s", error->msg);
    return complain(r, span, shown, message);
}

/* ---- events ---- */

static bool has_anchor_or_tag(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_ALIAS:
        return true;
    case FYET_SCALAR:
        return event->scalar.anchor != NULL || event->scalar.tag != NULL;
    case FYET_SEQUENCE_START:
        return event->sequence_start.anchor != NULL || event->sequence_start.tag != NULL;
    case FYET_MAPPING_START:
        return event->mapping_start.anchor != NULL || event->mapping_start.tag != NULL;
    default:
        return false;
    }
}

static lc_err next(struct reader *r)
{
    if (r->event != NULL)
        fy_parser_event_free(r->parser, r->event);
    r->event = fy_parser_parse(r->parser);
    if (r->event == NULL)
        return complain_syntax(r);
    if (has_anchor_or_tag(r->event))
        return complain(r, span_of(r->event), LC_SHOWN_NOTHING,
                        "anchors (&), aliases (*) and tags (!) are not taken; write the value in "
                        "full, in quotes where it begins with such a character");
    return LC_OK;
}

/* Text of the scalar that is the current event, as it stands there. */
static struct lc_slice scalar_text(const struct reader *r)
{
    size_t n = 0;
    const char *text = fy_token_get_text(r->event->scalar.value, &n);

    return text != NULL ? lc_slice(text, n) : lc_slice("", 0);
}

static bool is_null(const struct reader *r)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (r->event->type != FYET_SCALAR ||
        fy_token_scalar_style(r->event->scalar.value) != FYSS_PLAIN)
        return false;
    for (size_t i = 0; i < LC_ARRAY_LEN(words); i++) {
        if (lc_slice_eq(scalar_text(r), lc_slice_cstr(words[i])))
            return true;
    }
    return false;
}

/* ---- values ---- */

static enum lc_shown shown_of(const struct reader *r, const struct lc_option_ref *o)
{
    return (o->row->flags & LC_OPTION_SECRET) != 0 ? LC_SHOWN_NOTHING : shown_beside(r);
}

static lc_err complain_value(struct reader *r, const struct lc_option_ref *o, struct lc_span span,
                             const char *why)
{
    char key[LC_OPTION_NAME_MAX], message[MESSAGE_MAX];

    if (span.end == 0) /* a value that is not there has no place */
        span = r->key;
    lc_option_key(o, key);
    snprintf(message, sizeof message, "%s: %s", key, why);
    return complain(r, span, shown_of(r, o), message);
}

static lc_err complain_kind(struct reader *r, const struct lc_option_ref *o)
{
    char why[160];
    const char *value = o->row->value != NULL ? o->row->value : "on or off";

    if (is_null(r))
        snprintf(why, sizeof why, "has no value (%s); leave the line out for the default", value);
    else if (o->row->kind == LC_OPTION_LIST)
        snprintf(why, sizeof why, "must be a list, as [%s, %s]", value, value);
    else if (o->row->kind == LC_OPTION_MAP)
        snprintf(why, sizeof why, "must be a mapping, as {NAME: VALUE}");
    else
        snprintf(why, sizeof why, "must be a single value: %s", value);
    return complain_value(r, o, span_of(r->event), why);
}

/* Appends the current scalar, variables put in, to r->value. */
static lc_err append_scalar(struct reader *r, const struct lc_option_ref *o, bool with_variables)
{
    struct lc_slice text = scalar_text(r);
    struct lc_diag why = {{0}, 0, 0};
    size_t before = r->value.n;
    lc_err e =
        with_variables ? lc_substitute(text, &r->value, &why) : lc_dynbuf_append(&r->value, text);

    if (e == LC_OK && r->value.n > before &&
        memchr(r->value.p + before, '\0', r->value.n - before) != NULL) {
        lc_diag_set(&why, "holds an octet 0");
        e = LC_ESYNTAX;
    }
    if (e != LC_OK && e != LC_ESYNTAX)
        lc_diag_set(&why, "%s", lc_strerror(e));
    return e == LC_OK ? LC_OK : complain_value(r, o, span_of(r->event), why.text);
}

static struct lc_option_origin origin(const struct reader *r)
{
    return (struct lc_option_origin){LC_FROM_FILE, lc_source_line(&r->source, r->key.at)};
}

/* r->value as a value of the option. */
static lc_err put(struct reader *r, const struct lc_option_ref *o, struct lc_span span)
{
    struct lc_diag why = {{0}, 0, 0};
    lc_err e = lc_dynbuf_append(&r->value, lc_slice("", 1));
    struct lc_slice text = {NULL, 0};

    if (e == LC_OK)
        text = lc_arena_copy(&r->s->texts, lc_dynbuf_slice(&r->value));
    if (text.p == NULL)
        return complain_value(r, o, span, "no memory");
    e = lc_settings_put(r->s, o, origin(r), (const char *)text.p, &why);
    return e == LC_OK ? LC_OK : complain_value(r, o, span, why.text);
}

static lc_err read_scalar(struct reader *r, const struct lc_option_ref *o)
{
    if (r->event->type != FYET_SCALAR || is_null(r))
        return complain_kind(r, o);
    r->value.n = 0;

    lc_err e = append_scalar(r, o, true);

    return e == LC_OK ? put(r, o, span_of(r->event)) : e;
}

static lc_err read_list(struct reader *r, const struct lc_option_ref *o)
{
    lc_err e;

    if (r->event->type != FYET_SEQUENCE_START)
        return read_scalar(r, o);
    while ((e = next(r)) == LC_OK && r->event->type != FYET_SEQUENCE_END) {
        e = read_scalar(r, o);
        if (e != LC_OK)
            return e;
    }
    return e;
}

/* Whether the map has an item with the name in r->value. */
static bool map_has(const struct reader *r, const struct lc_option_ref *o)
{
    const struct lc_list *list = lc_option_place(o, r->s->target);

    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], (const char *)r->value.p, r->value.n) == 0)
            return true;
    }
    return false;
}

/* `NAME: VALUE` becomes `NAME=VALUE`; the current event is the name. */
static lc_err read_pair(struct reader *r, const struct lc_option_ref *o)
{
    struct lc_span span = span_of(r->event);
    lc_err e;

    if (r->event->type != FYET_SCALAR)
        return complain_kind(r, o);
    r->value.n = 0;
    e = append_scalar(r, o, false);
    if (e == LC_OK && (r->value.n == 0 || memchr(r->value.p, '=', r->value.n) != NULL))
        return complain_value(r, o, span, "a name cannot be empty or have a =");
    if (e == LC_OK && lc_dynbuf_append(&r->value, LC_LIT("=")) != LC_OK)
        e = complain_value(r, o, span, "no memory");
    if (e == LC_OK && map_has(r, o))
        return complain_value(r, o, span, "this name stands here twice");
    if (e == LC_OK)
        e = next(r);
    if (e == LC_OK && (r->event->type != FYET_SCALAR || is_null(r)))
        return complain_value(r, o, span_of(r->event), "must be a single value");
    if (e == LC_OK)
        e = append_scalar(r, o, true);
    return e == LC_OK ? put(r, o, span_of(r->event)) : e;
}

static lc_err read_map(struct reader *r, const struct lc_option_ref *o)
{
    lc_err e;

    if (r->event->type != FYET_MAPPING_START)
        return complain_kind(r, o);
    while ((e = next(r)) == LC_OK && r->event->type != FYET_MAPPING_END) {
        e = read_pair(r, o);
        if (e != LC_OK)
            return e;
    }
    return e;
}

/* ---- keys ---- */

static bool find_key(const struct reader *r, const char *section, struct lc_slice key,
                     struct lc_option_ref *ret)
{
    struct lc_option_ref o = {0};

    while (lc_option_next(r->s->set, &o)) {
        if (lc_option_same_section(o.group->section, section) && lc_option_is_in_files(&o) &&
            lc_slice_eq(key, lc_slice_cstr(o.row->name))) {
            *ret = o;
            return true;
        }
    }
    return false;
}

static const char *find_section(const struct reader *r, struct lc_slice key)
{
    struct lc_option_ref o = {0};

    while (lc_option_next(r->s->set, &o)) {
        if (o.group->section != NULL && lc_slice_eq(key, lc_slice_cstr(o.group->section)))
            return o.group->section;
    }
    return NULL;
}

/* The key was probably meant to stand elsewhere (`logs-policy` for `logs: {policy:}`), or another
 * one was meant. */
static lc_err complain_key(struct reader *r, const char *section, struct lc_slice key)
{
    char message[MESSAGE_MAX], full[LC_OPTION_NAME_MAX];
    struct lc_option_ref o = {0};
    struct lc_near near;
    const char *hint = "";

    lc_near_init(&near, key);
    while (lc_option_next(r->s->set, &o)) {
        if (!lc_option_is_in_files(&o))
            continue;
        if (lc_option_same_section(o.group->section, section))
            lc_near_offer(&near, o.row->name);
        else if (section == NULL)
            lc_near_offer(&near, o.group->section);
    }
    if (near.best[0] == '\0' && lc_option_find(r->s->set, key, &o) && lc_option_is_in_files(&o)) {
        lc_option_key(&o, full);
        snprintf(near.best, sizeof near.best, "%s", full);
        hint = o.group->section != NULL ? " (`section.key` is key in the mapping of section)"
                                        : " (at the top, in no section)";
    }
    snprintf(message, sizeof message, "unknown key %.*s%s%s%s%s%s%s",
             (int)(key.n < 60 ? key.n : 60), key.p, section != NULL ? " in section " : "",
             section != NULL ? section : "", LC_NEAR_TEXT(near.best), hint);
    return complain(r, span_of(r->event), shown_beside(r), message);
}

static lc_err read_option(struct reader *r, const struct lc_option_ref *o)
{
    lc_err e;

    if (r->seen[o->index])
        return complain_value(r, o, span_of(r->event), "stands in this file twice");
    r->seen[o->index] = true;
    r->key = span_of(r->event);
    e = next(r);
    if (e != LC_OK)
        return e;
    lc_settings_clear(r->s, o, origin(r));
    switch (o->row->kind) {
    case LC_OPTION_LIST:
        return read_list(r, o);
    case LC_OPTION_MAP:
        return read_map(r, o);
    default:
        return read_scalar(r, o);
    }
}

static lc_err read_section(struct reader *r, const char *section);

/* Below a section's name. */
static lc_err enter_section(struct reader *r, const char *section)
{
    char message[MESSAGE_MAX];

    for (size_t i = 0; i < r->section_count; i++) {
        if (strcmp(r->sections[i], section) == 0)
            return complain(r, span_of(r->event), shown_beside(r),
                            "this section stands in this file twice; join them");
    }
    LC_ASSERT(r->section_count < SECTIONS_MAX);
    r->sections[r->section_count++] = section;

    lc_err e = next(r);

    if (e != LC_OK || is_null(r))
        return e;
    if (r->event->type == FYET_MAPPING_START)
        return read_section(r, section);
    snprintf(message, sizeof message, "%s is a section: its options are a mapping below it",
             section);
    return complain(r, span_of(r->event), LC_SHOWN_NOTHING, message);
}

static lc_err read_key(struct reader *r, const char *section)
{
    struct lc_option_ref o;
    const char *inner;

    if (r->event->type != FYET_SCALAR)
        return complain(r, span_of(r->event), LC_SHOWN_NOTHING, "a key must be a plain name");
    if (find_key(r, section, scalar_text(r), &o))
        return read_option(r, &o);
    inner = section == NULL ? find_section(r, scalar_text(r)) : NULL;
    return inner != NULL ? enter_section(r, inner) : complain_key(r, section, scalar_text(r));
}

/* Keys and values up to the end of the mapping. Sections do not nest: at most two deep. */
static lc_err read_section(struct reader *r, const char *section)
{
    lc_err e;

    while ((e = next(r)) == LC_OK && r->event->type != FYET_MAPPING_END) {
        e = read_key(r, section);
        if (e != LC_OK)
            return e;
    }
    return e;
}

static lc_err read_stream(struct reader *r)
{
    lc_err e = next(r); /* STREAM_START */

    if (e == LC_OK)
        e = next(r);
    if (e != LC_OK || r->event->type == FYET_STREAM_END)
        return e; /* nothing but comments */
    e = next(r);  /* behind DOCUMENT_START */
    if (e == LC_OK && r->event->type == FYET_MAPPING_START)
        e = read_section(r, NULL);
    else if (e == LC_OK && !is_null(r))
        return complain(r, span_of(r->event), LC_SHOWN_NOTHING,
                        "must be a mapping: lines of `option: value`");
    if (e == LC_OK)
        e = next(r); /* DOCUMENT_END */
    if (e == LC_OK)
        e = next(r);
    if (e == LC_OK && r->event->type != FYET_STREAM_END)
        return complain(r, span_of(r->event), LC_SHOWN_NOTHING,
                        "a second document (---) is not taken");
    return e;
}

/* ---- a text ---- */

static bool names_secret(const struct lc_settings *s, struct lc_slice text)
{
    struct lc_option_ref o = {0};

    while (lc_option_next(s->set, &o)) {
        if ((o.row->flags & LC_OPTION_SECRET) != 0 && text.n > 0 &&
            memmem(text.p, text.n, o.row->name, strlen(o.row->name)) != NULL)
            return true;
    }
    return false;
}

/* What no parser needs to see. */
static lc_err check_octets(struct reader *r)
{
    struct lc_slice rest = r->source.text;
    size_t at = 0;

    if (rest.n > LC_FILE_MAX) {
        lc_diag_set(r->diag, "%s: is larger than 1 MiB", r->source.name);
        return LC_ELIMIT;
    }
    while (rest.n > 0) {
        size_t used;
        uint32_t c = lc_utf8_next(rest, &used);

        if (c == LC_UTF8_BAD || c == 0)
            return complain(r, (struct lc_span){at, at + 1}, LC_SHOWN_NOTHING,
                            "an octet that is not UTF-8 text");
        at += used;
        rest = lc_slice_from(rest, used);
    }
    return LC_OK;
}

static lc_err parse(struct reader *r)
{
    /* The level keeps the library from writing to standard error. */
    const struct fy_diag_cfg diag_config = {.level = FYET_ERROR, .module_mask = ~0u};
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                           FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
    lc_err e = -ENOMEM;

    r->errors = fy_diag_create(&diag_config);
    if (r->errors == NULL)
        return e;
    fy_diag_set_collect_errors(r->errors, true);
    config.diag = r->errors;
    r->parser = fy_parser_create(&config);
    if (r->parser != NULL &&
        fy_parser_set_string(r->parser, (const char *)r->source.text.p, r->source.text.n) == 0)
        e = read_stream(r);
    if (r->event != NULL)
        fy_parser_event_free(r->parser, r->event);
    if (r->parser != NULL)
        fy_parser_destroy(r->parser);
    fy_diag_destroy(r->errors);
    return e;
}

lc_err lc_settings_yaml(struct lc_settings *s, const char *name, struct lc_slice text,
                        struct lc_diag *diag)
{
    struct reader *r = calloc(1, sizeof *r);
    lc_err e = -ENOMEM;

    lc_diag_set(diag, "%s: no memory", name);
    if (r == NULL)
        return e;
    r->s = s;
    r->source = (struct lc_source){name, text};
    r->diag = diag;
    r->has_secret = names_secret(s, text);
    lc_dynbuf_init(&r->value, LC_FILE_MAX);
    e = check_octets(r);
    if (e == LC_OK && text.n > 0)
        e = parse(r);
    lc_dynbuf_done(&r->value);
    free(r);
    return e;
}

/* ---- a file ---- */

static lc_err read_all(int fd, struct lc_dynbuf *text)
{
    for (;;) {
        lc_err e = lc_dynbuf_reserve(text, 4096);

        if (e != LC_OK)
            return e;

        ssize_t n = read(fd, text->p + text->n, 4096);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? LC_OK : -errno;
        text->n += (size_t)n;
    }
}

lc_err lc_settings_file(struct lc_settings *s, const char *path, struct lc_diag *diag)
{
    struct lc_dynbuf text;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    lc_err e = fd < 0 ? -errno : LC_OK;

    lc_dynbuf_init(&text, LC_FILE_MAX + 8192); /* so that a larger file is seen to be larger */
    if (e == LC_OK)
        e = read_all(fd, &text);
    if (fd >= 0)
        close(fd);
    if (e == LC_OK)
        e = lc_settings_yaml(s, path, lc_dynbuf_slice(&text), diag);
    else if (e == LC_ELIMIT)
        lc_diag_set(diag, "%s: is larger than 1 MiB", path);
    else
        lc_diag_set(diag, "%s: %s", path, lc_strerror(e));
    lc_dynbuf_done(&text);
    return e;
}
