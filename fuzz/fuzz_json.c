/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_json.c - a JSON line: it is an object to us exactly when it is one to jansson, every
 * value is the one that jansson finds, and the record that it becomes comes back from its own row.
 */
#include <jansson.h>

#include "base/utf8.h"
#include "proto/json_line.h"
#include "proto/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct lc_members members;

/* What the two may differ about: jansson has no room for every number, wants no NUL in a name, no
 * half of a surrogate pair, and allows deeper nesting. */
static bool may_differ(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow ||
           json_error_code(error) == json_error_null_byte_in_key ||
           strstr(error->text, "invalid Unicode") != NULL;
}

static bool is_too_deep(struct lc_slice text)
{
    struct lc_json_reader r = lc_json_reader(text);
    struct lc_json_token t;
    lc_err e;
    while ((e = lc_json_next(&r, &t)) == LC_OK)
        ;
    return e == LC_ELIMIT;
}

static void check_value(const char *name, size_t name_n, const json_t *value)
{
    const struct lc_field *f = lc_members_find(&members, lc_slice(name, name_n));
    LC_ASSERT(f != NULL);
    if (json_is_string(value))
        LC_ASSERT(
            f->type == LC_FIELD_STRING &&
            lc_slice_eq(f->value, lc_slice(json_string_value(value), json_string_length(value))));
    else if (json_is_real(value)) /* all numbers are, by the flags */
        LC_ASSERT(f->type == LC_FIELD_INT || f->type == LC_FIELD_FLOAT);
    else if (json_is_boolean(value))
        LC_ASSERT(f->type == LC_FIELD_BOOL && f->value.n == (json_is_true(value) ? 4u : 5u));
    else if (json_is_null(value))
        LC_ASSERT(f->type == LC_FIELD_NULL && f->value.n == 0);
    else
        LC_ASSERT(f->type == LC_FIELD_STRING);
}

/* The members at the top; those inside them are joined, and checked by their number. */
static size_t check_members(json_t *object, bool is_top, unsigned depth)
{
    const char *name;
    size_t leaves = 0;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value) && json_object_size(value) > 0 && depth < LC_MEMBERS_DEPTH) {
            leaves += check_members(value, false, depth + 1);
            continue;
        }
        if (is_top)
            check_value(name, strlen(name), value);
        leaves++;
    }
    return leaves;
}

static bool lies_in(struct lc_slice s, const void *p, size_t n)
{
    return s.n == 0 ||
           (s.p >= (const uint8_t *)p && s.n <= n && (size_t)(s.p - (const uint8_t *)p) <= n - s.n);
}

static void check_slice(struct lc_slice s, struct lc_slice in)
{
    LC_ASSERT(lies_in(s, in.p, in.n) || lies_in(s, members.memory, members.text.n));
}

static void check_again(const struct lc_record *r)
{
    static struct lc_members scratch;
    struct lc_dynbuf row;
    struct lc_record again = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    lc_dynbuf_init(&row, 1 << 24);
    lc_err e = lc_row_json(&row, r);
    LC_ASSERT(e == LC_OK);
    e = lc_json_line_decode(lc_dynbuf_slice(&row), 0, &scratch, &again, &unplaced);
    LC_ASSERT(e == LC_OK && unplaced.level_text.n == 0);
    LC_ASSERT(again.time_ns == r->time_ns && again.level == r->level);
    LC_ASSERT(lc_slice_eq(again.message, r->message) && lc_slice_eq(again.pid, r->pid));
    LC_ASSERT(lc_slice_eq(again.stream.host, r->stream.host) &&
              lc_slice_eq(again.stream.app, r->stream.app) &&
              lc_slice_eq(again.stream.space, r->stream.space) &&
              lc_slice_eq(again.stream.facility, r->stream.facility));
    if (unplaced.is_cut || unplaced.repeated > 0)
        LC_ASSERT(r->field_count > 1);
    else
        LC_ASSERT(again.field_count == r->field_count);
    for (size_t i = 0; i < r->field_count && again.field_count == r->field_count; i++)
        LC_ASSERT(lc_slice_eq(again.fields[i].name, r->fields[i].name) &&
                  lc_slice_eq(again.fields[i].value, r->fields[i].value) &&
                  again.fields[i].type == r->fields[i].type);
    lc_dynbuf_done(&row);
}

static void check_record(struct lc_slice in)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    lc_err e = lc_json_line_decode(in, 0, &members, &r, &unplaced);
    LC_ASSERT(e == LC_OK && r.field_count <= LC_FIELDS_MAX);
    check_slice(r.message, in);
    check_slice(r.stream.host, in);
    check_slice(r.stream.app, in);
    check_slice(unplaced.level_text, in);
    for (size_t i = 0; i < r.field_count; i++) {
        LC_ASSERT(lc_utf8_is_valid(r.fields[i].name));
        check_slice(r.fields[i].name, in);
        check_slice(r.fields[i].value, in);
    }
    if (r.time_ns == LC_TIME_ABSENT)
        r.time_ns = 0;
    check_again(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lc_slice in = lc_slice(p, n);
    json_error_t error;
    size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_t *object = json_loadb((const char *)p, n, flags, &error);
    bool is_object = json_is_object(object);
    lc_err e = lc_json_members(in, &members);
    LC_ASSERT(e == LC_OK || e == LC_ESYNTAX);
    if (e == LC_ESYNTAX) {
        /* jansson overlooks a NUL behind a word */
        LC_ASSERT(!is_object || is_too_deep(in) || memchr(p, '\0', n) != NULL);
    } else {
        LC_ASSERT(is_object || (object == NULL && may_differ(&error)));
        json_t *unique = json_loadb((const char *)p, n, flags | JSON_REJECT_DUPLICATES, &error);
        if (unique != NULL && members.repeated == 0 && !members.is_cut)
            LC_ASSERT(check_members(unique, true, 0) == members.count);
        json_decref(unique);
        check_record(in);
    }
    json_decref(object);
    return 0;
}
