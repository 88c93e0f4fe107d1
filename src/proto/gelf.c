/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/gelf.c - the JSON of GELF as a record.
 */
#include "proto/gelf.h"

#include "proto/json_line.h"

static const struct lc_field *find(struct lc_members *m, const char *name)
{
    struct lc_field *f = lc_members_find(m, lc_slice_cstr(name));
    return f != NULL && f->type != LC_FIELD_NULL ? f : NULL;
}

static const struct lc_field *find_word(struct lc_members *m, const char *name)
{
    const struct lc_field *f = find(m, name);
    return f != NULL && f->value.n > 0 ? f : NULL;
}

/* The members that are parts of the record, and so no fields; at most so many. */
#define PARTS_MAX 8

struct parts {
    const struct lc_field *of[PARTS_MAX];
    size_t count;
};

static void is_part(struct parts *parts, const struct lc_field *f)
{
    parts->of[parts->count++] = f;
}

static bool has_part(const struct parts *parts, const struct lc_field *f)
{
    size_t i = 0;
    while (i < parts->count && parts->of[i] != f)
        i++;
    return i < parts->count;
}

static void take_message(const struct lc_field *brief, const struct lc_field *full,
                         struct lc_record *ret, struct parts *parts)
{
    if (full != NULL) {
        ret->message = full->value;
        is_part(parts, full);
        if (brief == NULL || !lc_slice_starts(full->value, brief->value))
            return;
    } else {
        ret->message = brief->value;
    }
    is_part(parts, brief);
}

static void take_time(struct lc_members *m, int32_t utc_offset_s, struct lc_record *ret,
                      struct parts *parts)
{
    const struct lc_field *f = find(m, "timestamp");
    int64_t ns;
    if (f == NULL || lc_members_time(f->value, utc_offset_s, &ns) != LC_OK)
        return;
    ret->time_ns = ns;
    is_part(parts, f);
}

/* A syslog severity; words are taken too. */
static void take_level(struct lc_members *m, struct lc_record *ret,
                       struct lc_unplaced *ret_unplaced, struct parts *parts)
{
    const struct lc_field *f = find_word(m, "level");
    if (f == NULL)
        return;
    enum lc_level level = lc_level_parse(f->value);
    if (level == LC_LEVEL_NONE)
        level = lc_members_level(f->value);
    if (level == LC_LEVEL_NONE)
        ret_unplaced->level_text = f->value;
    else
        ret->level = level;
    is_part(parts, f);
}

static void take_stream(struct lc_members *m, struct lc_record *ret, struct parts *parts)
{
    /* what says only this is no field; what identifies a container is */
    static const struct {
        const char *name;
        bool is_field;
    } apps[] = {{"_app", false}, {"_service", false}, {"_container_name", true}, {"_tag", true}};
    const struct lc_field *f = find_word(m, "host");
    if (f != NULL) {
        ret->stream.host = f->value;
        is_part(parts, f);
    }
    f = find_word(m, "facility");
    if (f != NULL) {
        ret->stream.facility = f->value;
        is_part(parts, f);
    }
    f = find_word(m, "_pid");
    if (f != NULL) {
        ret->pid = f->value;
        is_part(parts, f);
    }
    for (size_t i = 0; i < LC_ARRAY_LEN(apps); i++) {
        f = find_word(m, apps[i].name);
        if (f == NULL)
            continue;
        bool has_slash = f->value.p[0] == '/' && f->value.n > 1;
        ret->stream.app = has_slash ? lc_slice_from(f->value, 1) : f->value;
        if (!apps[i].is_field)
            is_part(parts, f);
        break;
    }
}

static void keep_fields(struct lc_members *m, const struct parts *parts, struct lc_record *ret)
{
    size_t left = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct lc_field f = m->fields[i];
        if (has_part(parts, &m->fields[i]) || lc_slice_eq(f.name, LC_LIT("version")))
            continue;
        if (f.name.n > 1 && f.name.p[0] == '_')
            f.name = lc_slice_from(f.name, 1);
        m->fields[left++] = f;
    }
    if (left > LC_FIELDS_MAX) {
        left = LC_FIELDS_MAX;
        m->is_cut = true;
    }
    ret->fields = m->fields;
    ret->field_count = left;
}

lc_err lc_gelf_decode(struct lc_slice text, int32_t utc_offset_s, struct lc_members *scratch,
                      struct lc_record *ret, struct lc_unplaced *ret_unplaced)
{
    struct parts parts = {.count = 0};
    lc_err e = lc_json_members(text, scratch);
    if (e != LC_OK)
        return e;
    const struct lc_field *brief = find(scratch, "short_message");
    const struct lc_field *full = find_word(scratch, "full_message");
    if (brief == NULL && full == NULL) {
        if (!lc_members_record(scratch, utc_offset_s, ret, ret_unplaced))
            ret->message = text;
        return LC_OK;
    }
    *ret_unplaced = (struct lc_unplaced){.repeated = scratch->repeated};
    take_message(brief, full, ret, &parts);
    take_time(scratch, utc_offset_s, ret, &parts);
    take_level(scratch, ret, ret_unplaced, &parts);
    take_stream(scratch, ret, &parts);
    keep_fields(scratch, &parts, ret);
    ret_unplaced->is_cut = scratch->is_cut;
    return LC_OK;
}

lc_err lc_gelf_expand(struct lc_inflate *inflate, struct lc_slice data, uint8_t *room,
                      struct lc_slice *ret)
{
    if (!lc_inflate_is_gzip(data) && !lc_inflate_is_zlib(data)) {
        *ret = data;
        return LC_OK;
    }
    lc_err e = lc_inflate_begin(inflate, data, LC_GELF_MAX);
    size_t n = 0;
    while (e == LC_OK) {
        size_t got = 0;
        uint8_t over; /* there is no room for one octet more: is there one? */
        bool is_full = n == LC_GELF_MAX;
        e = lc_inflate_read(inflate, is_full ? &over : room + n, is_full ? 1 : LC_GELF_MAX - n,
                            &got);
        n += e == LC_OK ? got : 0;
    }
    if (e != LC_EEND)
        return e;
    *ret = lc_slice(room, n);
    return LC_OK;
}
