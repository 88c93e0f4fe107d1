/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json.c - a record as one JSON object (RFC 8259) that loses nothing of it.
 */
#include "base/base64.h"
#include "base/time.h"
#include "base/utf8.h"
#include "proto/text.h"

/* Keeps its first error, so that a whole object is written and checked once. */
struct json {
    struct lc_dynbuf *out;
    lc_err err;
};

static void put(struct json *j, struct lc_slice s)
{
    if (j->err == LC_OK)
        j->err = lc_dynbuf_append(j->out, s);
}

/* RFC 8259 section 7: the quotation mark, the backslash, and what is below a space. */
static bool must_escape(uint8_t octet)
{
    return octet < ' ' || octet == '"' || octet == '\\';
}

static void put_escaped(struct json *j, uint8_t octet)
{
    static const char letters[' '] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    static const char hex[] = "0123456789abcdef";
    char letter = octet < ' ' ? letters[octet] : (char)octet;
    if (letter != '\0') {
        const char text[] = {'\\', letter};
        put(j, lc_slice(text, sizeof text));
    } else {
        const char text[] = {'\\', 'u', '0', '0', hex[octet >> 4], hex[octet & 0xF]};
        put(j, lc_slice(text, sizeof text));
    }
}

/* How many octets at the start of `s` can stand in a string as they are. */
static size_t plain_octets(struct lc_slice s)
{
    size_t n = 0;
    while (n < s.n) {
        size_t used = 1;
        if (s.p[n] >= 0x80 && lc_utf8_next(lc_slice_from(s, n), &used) == LC_UTF8_BAD)
            break;
        if (must_escape(s.p[n]))
            break;
        n += used;
    }
    return n;
}

static void put_text(struct json *j, struct lc_slice s)
{
    while (j->err == LC_OK && s.n > 0) {
        size_t plain = plain_octets(s);
        put(j, lc_slice(s.p, plain));
        s = lc_slice_from(s, plain);
        if (s.n == 0)
            break;
        if (s.p[0] >= 0x80)
            put(j, LC_LIT("\xEF\xBF\xBD")); /* U+FFFD */
        else
            put_escaped(j, s.p[0]);
        s = lc_slice_from(s, 1);
    }
}

static void put_string(struct json *j, struct lc_slice s)
{
    put(j, LC_LIT("\""));
    put_text(j, s);
    put(j, LC_LIT("\""));
}

lc_err lc_json_string(struct lc_dynbuf *out, struct lc_slice s)
{
    size_t before = out->n;
    struct json j = {out, LC_OK};
    put_string(&j, s);
    if (j.err != LC_OK)
        out->n = before;
    return j.err;
}

#define BASE64_SUFFIX LC_LIT("_base64")
#define FIELD_PREFIX  LC_LIT("field.")

/* prefix + name + suffix, the comma before it and the colon behind it */
static void put_name(struct json *j, struct lc_slice prefix, struct lc_slice name,
                     struct lc_slice suffix)
{
    /* the object has just been opened, or holds a member already */
    if (j->err == LC_OK && j->out->p[j->out->n - 1] != '{')
        put(j, LC_LIT(","));
    put(j, LC_LIT("\""));
    put(j, prefix);
    put_text(j, name);
    put(j, suffix);
    put(j, LC_LIT("\":"));
}

static bool ends_with_suffix(struct lc_slice name)
{
    struct lc_slice suffix = BASE64_SUFFIX;
    return name.n >= suffix.n && lc_slice_eq(lc_slice_from(name, name.n - suffix.n), suffix);
}

static void put_octets(struct json *j, struct lc_slice prefix, struct lc_slice name,
                       struct lc_slice value)
{
    /* text under a name that ends so would be taken for base64: so that is what it becomes */
    if (lc_utf8_is_valid(value) && !ends_with_suffix(name)) {
        put_name(j, prefix, name, LC_LIT(""));
        put_string(j, value);
        return;
    }
    put_name(j, prefix, name, BASE64_SUFFIX);
    put(j, LC_LIT("\""));
    if (j->err == LC_OK)
        j->err = lc_base64_encode(j->out, value, LC_BASE64_STANDARD);
    put(j, LC_LIT("\""));
}

static void put_member(struct json *j, const char *name, struct lc_slice value)
{
    put_octets(j, LC_LIT(""), lc_slice_cstr(name), value);
}

static void put_present(struct json *j, const char *name, struct lc_slice value)
{
    if (value.n > 0)
        put_member(j, name, value);
}

static void put_time(struct json *j, const char *name, int64_t ns)
{
    char text[LC_RFC3339_MAX];
    put_member(j, name, lc_slice(text, lc_rfc3339_format(ns, text)));
}

static size_t digits(struct lc_slice s, size_t at)
{
    size_t n = at;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n - at;
}

/* RFC 8259 section 6 */
static bool is_number(struct lc_slice s)
{
    size_t at = s.n > 0 && s.p[0] == '-';
    size_t whole = digits(s, at);
    if (whole == 0 || (whole > 1 && s.p[at] == '0'))
        return false;
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        size_t fraction = digits(s, at + 1);
        if (fraction == 0)
            return false;
        at += 1 + fraction;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
            at++;
        size_t exponent = digits(s, at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == s.n;
}

/* Whether the value is, as it was written, JSON of its type. */
static bool is_literal(const struct lc_field *f)
{
    switch (f->type) {
    case LC_FIELD_INT:
    case LC_FIELD_FLOAT:
        return is_number(f->value);
    case LC_FIELD_BOOL:
        return lc_slice_eq(f->value, LC_LIT("true")) || lc_slice_eq(f->value, LC_LIT("false"));
    default:
        return false;
    }
}

/* Whether a reader could take the field for a member of ours, for octets in base64, or for a name
 * that was prefixed already. */
static bool is_taken(struct lc_slice name)
{
    static const char *const members[] = {"_time", "_msg",     "id",  "level",  "space",   "host",
                                          "app",   "facility", "pid", "source", "received"};
    for (size_t i = 0; i < LC_ARRAY_LEN(members); i++)
        if (lc_slice_eq(name, lc_slice_cstr(members[i])))
            return true;
    return lc_slice_starts(name, FIELD_PREFIX) || ends_with_suffix(name);
}

static void put_field(struct json *j, const struct lc_field *f)
{
    struct lc_slice prefix = is_taken(f->name) ? FIELD_PREFIX : LC_LIT("");
    if (f->type == LC_FIELD_NULL) {
        put_name(j, prefix, f->name, LC_LIT(""));
        put(j, LC_LIT("null"));
    } else if (is_literal(f)) {
        put_name(j, prefix, f->name, LC_LIT(""));
        put(j, f->value);
    } else {
        put_octets(j, prefix, f->name, f->value);
    }
}

lc_err lc_row_json(struct lc_dynbuf *out, const struct lc_record *r)
{
    size_t before = out->n;
    struct json j = {out, LC_OK};
    char id[LC_U64_MAX];
    put(&j, LC_LIT("{"));
    put_time(&j, "_time", r->time_ns);
    put_member(&j, "_msg", r->message);
    put_member(&j, "id", lc_slice(id, lc_u64_format(r->id, id)));
    put_present(&j, "level", lc_level_name(r->level));
    put_present(&j, "space", r->stream.space);
    put_present(&j, "host", r->stream.host);
    put_present(&j, "app", r->stream.app);
    put_present(&j, "facility", r->stream.facility);
    put_present(&j, "pid", r->pid);
    put_present(&j, "source", r->source);
    put_time(&j, "received", r->received_ns);
    for (size_t i = 0; i < r->field_count; i++)
        put_field(&j, &r->fields[i]);
    put(&j, LC_LIT("}\n"));
    if (j.err != LC_OK)
        out->n = before;
    return j.err;
}
