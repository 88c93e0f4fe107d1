/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json_line.c - from tokens to members, and from those to a record.
 */
#include "proto/json_line.h"

#include "proto/json_read.h"

static const enum lc_field_type types[] = {
    [LC_JSON_STRING] = LC_FIELD_STRING, [LC_JSON_INT] = LC_FIELD_INT,
    [LC_JSON_FLOAT] = LC_FIELD_FLOAT,   [LC_JSON_TRUE] = LC_FIELD_BOOL,
    [LC_JSON_FALSE] = LC_FIELD_BOOL,    [LC_JSON_NULL] = LC_FIELD_NULL,
};

/* The text of a NAME or STRING, unescaped. False: no room for it. */
static bool text_of(struct lc_members *m, const struct lc_json_token *t, struct lc_slice *ret)
{
    *ret = t->text;
    if (!t->escaped)
        return true;
    size_t at = m->text.n;
    if (lc_json_unescape(&m->text, t->text) != LC_OK) {
        m->is_cut = true;
        return false;
    }
    *ret = lc_slice(m->text.p + at, m->text.n - at);
    return true;
}

static void add_scalar(struct lc_members *m, struct lc_slice name, const struct lc_json_token *t)
{
    struct lc_slice value = t->text;
    if (t->kind == LC_JSON_STRING && !text_of(m, t, &value))
        return;
    if (t->kind == LC_JSON_NULL)
        value.n = 0;
    lc_members_add(m, name, value, types[t->kind]);
}

/* Whether `r` stands before the end of an object that has just begun. */
static bool is_empty(struct lc_json_reader r)
{
    struct lc_json_token t;
    return lc_json_next(&r, &t) == LC_OK && t.kind == LC_JSON_OBJECT_END;
}

static lc_err add_value(struct lc_json_reader *r, struct lc_members *m, struct lc_slice name)
{
    struct lc_json_token t;
    lc_err e = lc_json_next(r, &t);
    if (e != LC_OK)
        return e;
    if (t.kind == LC_JSON_OBJECT && !is_empty(*r) && lc_members_enter(m, name))
        return LC_OK;
    if (t.kind != LC_JSON_OBJECT && t.kind != LC_JSON_ARRAY) {
        add_scalar(m, name, &t);
        return LC_OK;
    }
    struct lc_slice text;
    e = lc_json_skip(r, &t, &text);
    if (e == LC_OK)
        lc_members_add(m, name, text, LC_FIELD_STRING);
    return e;
}

/* A name and its value, or the end of the object that was entered last. */
static lc_err take_member(struct lc_json_reader *r, struct lc_members *m,
                          const struct lc_json_token *t)
{
    struct lc_slice name;
    if (t->kind == LC_JSON_OBJECT_END) {
        if (m->depth > 0)
            lc_members_leave(m);
        return LC_OK;
    }
    if (text_of(m, t, &name))
        return add_value(r, m, name);
    /* its name finds no room: nor does it */
    struct lc_json_token value;
    lc_err e = lc_json_next(r, &value);
    if (e == LC_OK && (value.kind == LC_JSON_OBJECT || value.kind == LC_JSON_ARRAY))
        e = lc_json_skip(r, &value, &name);
    return e;
}

lc_err lc_json_members(struct lc_slice text, struct lc_members *ret)
{
    struct lc_json_reader r = lc_json_reader(text);
    struct lc_json_token t;
    lc_members_begin(ret);
    if (lc_json_next(&r, &t) != LC_OK || t.kind != LC_JSON_OBJECT)
        return LC_ESYNTAX;
    for (;;) {
        lc_err e = lc_json_next(&r, &t);
        if (e == LC_EEND)
            return LC_OK;
        if (e == LC_OK)
            e = take_member(&r, ret, &t);
        if (e != LC_OK)
            return LC_ESYNTAX;
    }
}

lc_err lc_json_line_decode(struct lc_slice line, int32_t utc_offset_s, struct lc_members *scratch,
                           struct lc_record *ret, struct lc_unplaced *ret_unplaced)
{
    lc_err e = lc_json_members(line, scratch);
    if (e != LC_OK)
        return e;
    if (!lc_members_record(scratch, utc_offset_s, ret, ret_unplaced))
        ret->message = line;
    return LC_OK;
}
