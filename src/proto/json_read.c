/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json_read.c - the grammar of RFC 8259 as a machine with one bit of memory for each level.
 */
#include "proto/json_read.h"

#include <endian.h>

#include "base/utf8.h"

enum expects {
    A_VALUE,
    A_VALUE_OR_END, /* behind '[' */
    A_NAME,
    A_NAME_OR_END,    /* behind '{' */
    A_COMMA_OR_END,   /* behind a value inside something */
    NOTHING_BUT_SPACE /* behind the one value */
};

struct lc_json_reader lc_json_reader(struct lc_slice text)
{
    return (struct lc_json_reader){
        .p = text.p, .end = text.n == 0 ? text.p : text.p + text.n, .expects = A_VALUE};
}

static void skip_space(struct lc_json_reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool is_in_object(const struct lc_json_reader *r)
{
    return (r->objects[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1) != 0;
}

static lc_err enter(struct lc_json_reader *r, bool object)
{
    if (r->depth == LC_JSON_DEPTH_MAX)
        return LC_ELIMIT;
    uint64_t bit = UINT64_C(1) << (r->depth % 64);
    uint64_t *word = &r->objects[r->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    r->depth++;
    r->expects = object ? A_NAME_OR_END : A_VALUE_OR_END;
    return LC_OK;
}

static void value_done(struct lc_json_reader *r)
{
    r->expects = r->depth == 0 ? NOTHING_BUT_SPACE : A_COMMA_OR_END;
}

/* ---- strings ---- */

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

static bool is_special(uint8_t c)
{
    return c < ' ' || c >= 0x80 || c == '"' || c == '\\';
}

/* Eight octets, the first one lowest: the highest bit of each that is special. A borrow may set
 * further bits above the first one, never below it. */
static uint64_t specials(uint64_t w)
{
    uint64_t quote = w ^ EACH('"'), backslash = w ^ EACH('\\');
    return ((w - EACH(' ')) | (quote - EACH(1)) | (backslash - EACH(1)) | w) & EACH(0x80);
}

/* The first octet that is special, or the end. */
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t w;
    while ((size_t)(end - p) >= sizeof w) {
        memcpy(&w, p, sizeof w);
        uint64_t found = specials(le64toh(w));
        if (found != 0)
            return p + __builtin_ctzll(found) / 8;
        p += sizeof w;
    }
    while (p < end && !is_special(*p))
        p++;
    return p;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Octets of the escape at `p`, which is a backslash; 0: it is none. */
static size_t escape_length(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
    if (end - p < 6)
        return 0;
    for (unsigned i = 2; i < 6; i++)
        if (hex_digit(p[i]) < 0)
            return 0;
    return 6;
}

/* Behind the opening quotation mark; spends the closing one. */
static lc_err take_string(struct lc_json_reader *r, struct lc_json_token *ret)
{
    const uint8_t *p = r->p;
    ret->escaped = false;
    for (;;) {
        size_t used = 1;
        p = skip_plain(p, r->end);
        if (p == r->end || *p < ' ')
            return LC_ESYNTAX;
        if (*p == '"')
            break;
        if (*p == '\\') {
            ret->escaped = true;
            used = escape_length(p, r->end);
            if (used == 0)
                return LC_ESYNTAX;
        } else if (*p >= 0x80 &&
                   lc_utf8_next(lc_slice(p, (size_t)(r->end - p)), &used) == LC_UTF8_BAD) {
            return LC_ESYNTAX;
        }
        p += used;
    }
    ret->text = lc_slice(r->p, (size_t)(p - r->p));
    r->p = p + 1;
    return LC_OK;
}

static uint32_t hex4(const uint8_t *p)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)hex_digit(p[i]);
    return v;
}

static bool is_high_surrogate(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t c)
{
    return c >= 0xDC00 && c <= 0xDFFF;
}

/* What \uXXXX at `p`, or a pair of them, means; returns the octets spent. */
static size_t take_unicode(const uint8_t *p, const uint8_t *end, uint8_t out[LC_UTF8_MAX],
                           size_t *ret_n)
{
    uint32_t c = hex4(p + 2);
    size_t used = 6;
    if (is_high_surrogate(c) && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
        is_low_surrogate(hex4(p + 8))) {
        c = 0x10000 + ((c - 0xD800) << 10) + (hex4(p + 8) - 0xDC00);
        used = 12;
    }
    *ret_n = lc_utf8_put(c, out);
    if (*ret_n == 0)
        *ret_n = lc_utf8_put(0xFFFD, out);
    return used;
}

static uint8_t short_escape(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

lc_err lc_json_unescape(struct lc_dynbuf *to, struct lc_slice text)
{
    lc_err e = lc_dynbuf_reserve(to, text.n);
    if (e != LC_OK)
        return e;
    uint8_t *at = to->p + to->n;
    while (text.n > 0) {
        const uint8_t *backslash = memchr(text.p, '\\', text.n);
        size_t plain = backslash == NULL ? text.n : (size_t)(backslash - text.p);
        memcpy(at, text.p, plain);
        at += plain;
        text = lc_slice_from(text, plain);
        if (text.n == 0)
            break;
        size_t used = 2, n = 1;
        if (text.p[1] == 'u')
            used = take_unicode(text.p, text.p + text.n, at, &n);
        else
            *at = short_escape(text.p[1]);
        at += n;
        text = lc_slice_from(text, used);
    }
    to->n = (size_t)(at - to->p);
    return LC_OK;
}

/* ---- numbers and words ---- */

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* RFC 8259 section 6 */
static lc_err take_number(struct lc_json_reader *r, struct lc_json_token *ret)
{
    const uint8_t *p = r->p + (*r->p == '-'), *digits = p;
    p = skip_digits(p, r->end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return LC_ESYNTAX;
    ret->kind = LC_JSON_INT;
    if (p < r->end && *p == '.') {
        ret->kind = LC_JSON_FLOAT;
        digits = ++p;
        p = skip_digits(p, r->end);
        if (p == digits)
            return LC_ESYNTAX;
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        ret->kind = LC_JSON_FLOAT;
        p++;
        if (p < r->end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = skip_digits(p, r->end);
        if (p == digits)
            return LC_ESYNTAX;
    }
    ret->text = lc_slice(r->p, (size_t)(p - r->p));
    r->p = p;
    return LC_OK;
}

static lc_err take_word(struct lc_json_reader *r, struct lc_slice word, enum lc_json_kind kind,
                        struct lc_json_token *ret)
{
    if (!lc_slice_starts(lc_slice(r->p, (size_t)(r->end - r->p)), word))
        return LC_ESYNTAX;
    ret->kind = kind;
    ret->text = lc_slice(r->p, word.n);
    r->p += word.n;
    return LC_OK;
}

static lc_err take_scalar(struct lc_json_reader *r, struct lc_json_token *ret)
{
    switch (*r->p) {
    case '"':
        r->p++;
        ret->kind = LC_JSON_STRING;
        return take_string(r, ret);
    case 't':
        return take_word(r, LC_LIT("true"), LC_JSON_TRUE, ret);
    case 'f':
        return take_word(r, LC_LIT("false"), LC_JSON_FALSE, ret);
    case 'n':
        return take_word(r, LC_LIT("null"), LC_JSON_NULL, ret);
    default:
        return take_number(r, ret);
    }
}

/* ---- structure ---- */

static lc_err take_value(struct lc_json_reader *r, struct lc_json_token *ret)
{
    if (*r->p == '{' || *r->p == '[') {
        bool object = *r->p == '{';
        ret->kind = object ? LC_JSON_OBJECT : LC_JSON_ARRAY;
        ret->text = lc_slice(r->p++, 1);
        return enter(r, object);
    }
    lc_err e = take_scalar(r, ret);
    if (e == LC_OK)
        value_done(r);
    return e;
}

static lc_err take_name(struct lc_json_reader *r, struct lc_json_token *ret)
{
    if (*r->p != '"')
        return LC_ESYNTAX;
    r->p++;
    ret->kind = LC_JSON_NAME;
    lc_err e = take_string(r, ret);
    if (e != LC_OK)
        return e;
    skip_space(r);
    if (r->p == r->end || *r->p != ':')
        return LC_ESYNTAX;
    r->p++;
    r->expects = A_VALUE;
    return LC_OK;
}

static bool take_end(struct lc_json_reader *r, struct lc_json_token *ret)
{
    bool object = is_in_object(r);
    if (*r->p != (object ? '}' : ']'))
        return false;
    ret->kind = object ? LC_JSON_OBJECT_END : LC_JSON_ARRAY_END;
    ret->text = lc_slice(r->p++, 1);
    r->depth--;
    value_done(r);
    return true;
}

/* Spends a comma; whether there is something behind it is seen next. */
static bool take_comma(struct lc_json_reader *r)
{
    if (*r->p != ',')
        return false;
    r->p++;
    skip_space(r);
    r->expects = is_in_object(r) ? A_NAME : A_VALUE;
    return r->p < r->end;
}

lc_err lc_json_next(struct lc_json_reader *r, struct lc_json_token *ret)
{
    skip_space(r);
    if (r->expects == NOTHING_BUT_SPACE)
        return r->p == r->end ? LC_EEND : LC_ESYNTAX;
    if (r->p == r->end)
        return LC_ESYNTAX;
    if (r->expects == A_COMMA_OR_END || r->expects == A_NAME_OR_END ||
        r->expects == A_VALUE_OR_END) {
        if (take_end(r, ret))
            return LC_OK;
        if (r->expects == A_COMMA_OR_END && !take_comma(r))
            return LC_ESYNTAX;
    }
    return r->expects == A_NAME || r->expects == A_NAME_OR_END ? take_name(r, ret)
                                                               : take_value(r, ret);
}

lc_err lc_json_skip(struct lc_json_reader *r, const struct lc_json_token *begin,
                    struct lc_slice *ret_text)
{
    LC_ASSERT(begin->kind == LC_JSON_OBJECT || begin->kind == LC_JSON_ARRAY);
    unsigned outside = r->depth - 1;
    while (r->depth > outside) {
        struct lc_json_token t;
        lc_err e = lc_json_next(r, &t);
        if (e != LC_OK)
            return e;
    }
    *ret_text = lc_slice(begin->text.p, (size_t)(r->p - begin->text.p));
    return LC_OK;
}
