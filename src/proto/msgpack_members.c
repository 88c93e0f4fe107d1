/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/msgpack_members.c - a MessagePack map as members, and values as JSON text.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "proto/msgpack.h"

#define TEXT_DEPTH_MAX 64 /* arrays and maps inside each other in one JSON text */

/* ---- scalars ---- */

#define NUMBER_MAX 32

/* The shortest text that is read as the same number, with a point or an exponent in it. */
static size_t format_float(const struct lc_msgpack_value *v, char out[NUMBER_MAX])
{
    if (!isfinite(v->f)) {
        const char *name = isnan(v->f) ? "NaN" : v->f > 0 ? "Infinity" : "-Infinity";
        return (size_t)snprintf(out, NUMBER_MAX, "%s", name);
    }
    int least = v->is_single ? 6 : 15, most = v->is_single ? 9 : 17, n = 0;
    for (int digits = least; digits <= most; digits++) {
        n = snprintf(out, NUMBER_MAX, "%.*g", digits, v->f);
        if (v->is_single ? strtof(out, NULL) == (float)v->f : strtod(out, NULL) == v->f)
            break;
    }
    char *comma = strchr(out, ','); /* as some locales have it */
    if (comma != NULL)
        *comma = '.';
    if (strpbrk(out, ".e") == NULL)
        n += snprintf(out + n, NUMBER_MAX - (size_t)n, ".0");
    return (size_t)n;
}

/* What is no container, as text, borrowed or in `out`; its type. */
static enum lc_field_type scalar(const struct lc_msgpack_value *v, char out[NUMBER_MAX],
                                 struct lc_slice *ret)
{
    int64_t ns;
    switch (v->kind) {
    case LC_MSGPACK_NIL:
        *ret = LC_LIT("");
        return LC_FIELD_NULL;
    case LC_MSGPACK_BOOL:
        *ret = v->u != 0 ? LC_LIT("true") : LC_LIT("false");
        return LC_FIELD_BOOL;
    case LC_MSGPACK_UINT:
        *ret = lc_slice(out, lc_u64_format(v->u, out));
        return LC_FIELD_INT;
    case LC_MSGPACK_INT:
        *ret = lc_slice(out, (size_t)snprintf(out, NUMBER_MAX, "%" PRId64, v->i));
        return LC_FIELD_INT;
    case LC_MSGPACK_FLOAT:
        *ret = lc_slice(out, format_float(v, out));
        return LC_FIELD_FLOAT;
    case LC_MSGPACK_EXT:
        if (lc_msgpack_time(v, &ns)) {
            *ret = lc_slice(out, lc_rfc3339_format(ns, out));
            return LC_FIELD_STRING;
        }
        break;
    default:
        break;
    }
    *ret = v->octets;
    return LC_FIELD_STRING;
}

static bool is_container(const struct lc_msgpack_value *v)
{
    return v->kind == LC_MSGPACK_ARRAY || v->kind == LC_MSGPACK_MAP;
}

/* ---- JSON text ---- */

struct level {
    uint32_t left;         /* values, names among them */
    bool is_map, is_value; /* of a map: the next is a value, not a name */
    bool has_begun;        /* so a comma is due */
};

struct writer {
    struct lc_dynbuf *out;
    struct level levels[TEXT_DEPTH_MAX];
    unsigned depth;
    lc_err err;
};

static void put(struct writer *w, struct lc_slice s)
{
    if (w->err == LC_OK)
        w->err = lc_dynbuf_append(w->out, s);
}

static void put_scalar(struct writer *w, const struct lc_msgpack_value *v, bool is_name)
{
    char text[NUMBER_MAX];
    struct lc_slice s;
    enum lc_field_type type = scalar(v, text, &s);
    if (type == LC_FIELD_NULL && !is_name)
        s = LC_LIT("null");
    if (w->err == LC_OK &&
        (is_name || type == LC_FIELD_STRING || (type == LC_FIELD_FLOAT && !isfinite(v->f))))
        w->err = lc_json_string(w->out, s);
    else
        put(w, s);
}

static void open_level(struct writer *w, const struct lc_msgpack_value *v)
{
    bool is_map = v->kind == LC_MSGPACK_MAP;
    if (w->depth == TEXT_DEPTH_MAX || v->count > UINT32_MAX / 2) {
        w->err = LC_ELIMIT;
        return;
    }
    w->levels[w->depth++] = (struct level){is_map ? 2 * v->count : v->count, is_map, false, false};
    put(w, is_map ? LC_LIT("{") : LC_LIT("["));
}

/* Closes what has ended, and says whether something is open still. */
static bool close_levels(struct writer *w)
{
    while (w->depth > 0 && w->levels[w->depth - 1].left == 0) {
        put(w, w->levels[w->depth - 1].is_map ? LC_LIT("}") : LC_LIT("]"));
        w->depth--;
    }
    return w->depth > 0;
}

/* The comma or colon before the next value of the innermost level; whether it is a name. */
static bool put_separator(struct writer *w)
{
    struct level *l = &w->levels[w->depth - 1];
    bool is_name = l->is_map && !l->is_value;
    if (l->is_map && l->is_value)
        put(w, LC_LIT(":"));
    else if (l->has_begun)
        put(w, LC_LIT(","));
    l->has_begun = true;
    l->is_value = is_name;
    l->left--;
    return is_name;
}

/* The container whose head is `head`, and whose values stand in *in, which are spent. */
static lc_err write_json(struct lc_dynbuf *out, const struct lc_msgpack_value *head,
                         struct lc_slice *in)
{
    struct writer w = {.out = out};
    open_level(&w, head);
    while (w.err == LC_OK && close_levels(&w)) {
        struct lc_msgpack_value v;
        size_t used = 0;
        lc_err e = lc_msgpack_next(*in, &v, &used);
        if (e != LC_OK)
            return LC_ESYNTAX;
        *in = lc_slice_from(*in, used);
        bool is_name = put_separator(&w);
        if (!is_container(&v))
            put_scalar(&w, &v, is_name);
        else if (is_name)
            return LC_ESYNTAX; /* no sender has such names */
        else
            open_level(&w, &v);
    }
    return w.err;
}

lc_err lc_msgpack_json(struct lc_slice in, struct lc_dynbuf *out)
{
    struct lc_msgpack_value head;
    size_t used = 0;
    if (lc_msgpack_next(in, &head, &used) != LC_OK || !is_container(&head))
        return LC_ESYNTAX;
    in = lc_slice_from(in, used);
    lc_err e = write_json(out, &head, &in);
    return e == LC_OK && in.n > 0 ? LC_ESYNTAX : e;
}

/* ---- members ---- */

struct cursor {
    struct lc_slice in;
    uint32_t left[LC_MEMBERS_DEPTH + 1]; /* pairs of each map that is open */
    struct lc_members *m;
};

/* A copy in the scratch of what is in a buffer on the stack. False: no room, and *s is empty. */
static bool keep(struct lc_members *m, const char *buffer, struct lc_slice *s)
{
    if ((const char *)s->p != buffer)
        return true;
    size_t at = m->text.n;
    if (lc_dynbuf_append(&m->text, *s) != LC_OK) {
        m->is_cut = true;
        *s = LC_LIT("");
        return false;
    }
    *s = lc_slice(m->text.p + at, s->n);
    return true;
}

static lc_err take_name(struct cursor *c, struct lc_slice *ret, bool *ret_kept)
{
    struct lc_msgpack_value v;
    char text[NUMBER_MAX];
    size_t used = 0;
    if (lc_msgpack_next(c->in, &v, &used) != LC_OK || is_container(&v))
        return LC_ESYNTAX;
    c->in = lc_slice_from(c->in, used);
    scalar(&v, text, ret);
    *ret_kept = keep(c->m, text, ret);
    return LC_OK;
}

/* An array, or a map that is not flattened. What finds no room is left out. */
static lc_err take_text(struct cursor *c, struct lc_slice name, struct lc_slice whole,
                        const struct lc_msgpack_value *head)
{
    struct lc_members *m = c->m;
    size_t at = m->text.n, used = 0;
    lc_err e = write_json(&m->text, head, &c->in);
    if (e == LC_OK) {
        lc_members_add(m, name, lc_slice(m->text.p + at, m->text.n - at), LC_FIELD_STRING);
        return LC_OK;
    }
    m->text.n = at;
    m->is_cut = true;
    struct lc_msgpack_extent extent = {0, 0};
    if (e == LC_ESYNTAX || lc_msgpack_whole(whole, whole.n, &extent, &used) != LC_OK)
        return LC_ESYNTAX;
    c->in = lc_slice_from(whole, used);
    return LC_OK;
}

static lc_err take_pair(struct cursor *c)
{
    struct lc_msgpack_value v;
    struct lc_slice name, value;
    char text[NUMBER_MAX];
    size_t used = 0;
    bool is_kept = true;
    lc_err e = take_name(c, &name, &is_kept);
    if (e != LC_OK)
        return e;
    struct lc_slice whole = c->in;
    if (lc_msgpack_next(whole, &v, &used) != LC_OK)
        return LC_ESYNTAX;
    c->in = lc_slice_from(whole, used);
    if (v.kind == LC_MSGPACK_MAP && v.count > 0 && lc_members_enter(c->m, name)) {
        c->left[c->m->depth] = v.count;
        return LC_OK;
    }
    if (is_container(&v))
        return take_text(c, name, whole, &v);
    enum lc_field_type type = scalar(&v, text, &value);
    if (keep(c->m, text, &value) && is_kept)
        lc_members_add(c->m, name, value, type);
    return LC_OK;
}

lc_err lc_msgpack_members(struct lc_slice in, struct lc_members *m)
{
    struct cursor c = {.m = m};
    struct lc_msgpack_value map;
    size_t used = 0;
    if (lc_msgpack_next(in, &map, &used) != LC_OK || map.kind != LC_MSGPACK_MAP)
        return LC_ESYNTAX;
    c.in = lc_slice_from(in, used);
    c.left[0] = map.count;
    for (;;) {
        while (m->depth > 0 && c.left[m->depth] == 0)
            lc_members_leave(m);
        if (c.left[m->depth] == 0)
            break;
        c.left[m->depth]--;
        lc_err e = take_pair(&c);
        if (e != LC_OK)
            return e;
    }
    return c.in.n == 0 ? LC_OK : LC_ESYNTAX;
}
