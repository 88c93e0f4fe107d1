/* SPDX-License-Identifier: Apache-2.0
 *
 * query/lexer.c - tokens of the query language.
 */
#include "query/lexer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/grapheme.h"
#include "base/text.h"
#include "base/utf8.h"

void lc_lexer_init(struct lc_lexer *lx, struct lc_slice input, struct lc_arena *arena,
                   struct lc_diag *diag)
{
    *lx = (struct lc_lexer){.input = input, .arena = arena, .diag = diag};
}

lc_err lc_lexer_fail(struct lc_lexer *lx, size_t at, const char *fmt, ...)
{
    if (lx->diag == NULL)
        return LC_ESYNTAX;
    char text[sizeof lx->diag->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, lc_text(fmt), ap);
    va_end(ap);
    lc_diag_set(lx->diag, "%s", text);
    lx->diag->line = 1;
    lx->diag->column = 1;
    for (size_t i = 0; i < at; i++) {
        lx->diag->column++;
        if (lx->input.p[i] == '\n') {
            lx->diag->line++;
            lx->diag->column = 1;
        }
    }
    return LC_ESYNTAX;
}

const char *lc_excerpt(struct lc_slice s, char out[LC_EXCERPT_MAX])
{
    static const char more[] = "...";
    size_t n = lc_grapheme_cut(s, LC_EXCERPT_MAX - sizeof more);
    size_t used;
    for (size_t i = 0; i < n; i += used) {
        uint32_t c = lc_utf8_next(lc_slice(s.p + i, n - i), &used);
        if (c == LC_UTF8_BAD || c < 0x20 || (c >= 0x7F && c <= 0x9F))
            memset(out + i, '?', used);
        else
            memcpy(out + i, s.p + i, used);
    }
    if (n == s.n)
        out[n] = '\0';
    else
        memcpy(out + n, more, sizeof more);
    return out;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_of(uint8_t c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool ends_word(uint8_t c)
{
    return is_blank(c) || is_of(c, "()[]{}\"'`|:,=<>!~*");
}

static bool ends_time(uint8_t c)
{
    return is_blank(c) || is_of(c, "()[],|\"'`");
}

/* ---- quotes ---- */

static bool take_hex(struct lc_slice *s, unsigned digits, uint32_t *ret)
{
    uint32_t value = 0;
    if (s->n < digits)
        return false;
    for (unsigned i = 0; i < digits; i++) {
        uint8_t c = s->p[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *s = lc_slice_from(*s, digits);
    *ret = value;
    return true;
}

static size_t put_octet(uint8_t octet, uint8_t *out)
{
    *out = octet;
    return 1;
}

/* \xHH is an octet, \uHHHH and \UHHHHHHHH are characters. `s` stands behind the backslash.
 * Returns the octets put, none for an escape that there isn't. */
static size_t take_escape(struct lc_slice *s, uint8_t *out)
{
    static const char names[] = "\\\"'nrt";
    static const char values[] = "\\\"'\n\r\t";
    if (s->n == 0)
        return 0;
    uint8_t name = s->p[0];
    *s = lc_slice_from(*s, 1);
    const char *at = name == '\0' ? NULL : strchr(names, name);
    if (at != NULL)
        return put_octet((uint8_t)values[at - names], out);
    uint32_t c;
    if (name == 'x')
        return take_hex(s, 2, &c) ? put_octet((uint8_t)c, out) : 0;
    if (name != 'u' && name != 'U')
        return 0;
    if (!take_hex(s, name == 'u' ? 4 : 8, &c))
        return 0;
    return lc_utf8_put(c, out);
}

static lc_err resolve_escapes(struct lc_lexer *lx, struct lc_slice raw, struct lc_slice *ret)
{
    /* no escape is shorter than what it stands for */
    uint8_t *out = lc_arena_alloc(lx->arena, raw.n);
    if (out == NULL)
        return -ENOMEM;
    size_t n = 0;
    while (raw.n > 0) {
        const uint8_t *start = raw.p;
        raw = lc_slice_from(raw, 1);
        if (*start != '\\') {
            out[n++] = *start;
            continue;
        }
        size_t put = take_escape(&raw, out + n);
        if (put == 0)
            return lc_lexer_fail(
                lx, (size_t)(start - lx->input.p),
                "no such escape: in \"...\" and '...' there are \\\\ \\\" \\' \\n "
                "\\r \\t \\xHH \\uHHHH \\UHHHHHHHH; write \\\\ for a backslash, or "
                "use `...`, where nothing is an escape");
        n += put;
    }
    *ret = lc_slice(out, n);
    return LC_OK;
}

static lc_err next_quoted(struct lc_lexer *lx)
{
    struct lc_token *t = &lx->token;
    uint8_t quote = lx->input.p[t->at];
    size_t end = t->at + 1;
    bool escapes = false;
    while (end < lx->input.n && lx->input.p[end] != quote) {
        bool escape = lx->input.p[end] == '\\' && quote != '`';
        escapes |= escape;
        end += escape ? 2 : 1;
    }
    if (end >= lx->input.n)
        return lc_lexer_fail(lx, t->at, "the quote %c that opens here is never closed", quote);
    t->kind = LC_TOKEN_QUOTED;
    t->text = lc_slice(lx->input.p + t->at + 1, end - t->at - 1);
    lx->at = end + 1;
    return escapes ? resolve_escapes(lx, t->text, &t->text) : LC_OK;
}

/* ---- the rest ---- */

static void next_word(struct lc_lexer *lx, bool (*ends)(uint8_t))
{
    struct lc_token *t = &lx->token;
    while (lx->at < lx->input.n && !ends(lx->input.p[lx->at]))
        lx->at++;
    t->kind = LC_TOKEN_WORD;
    t->text = lc_slice(lx->input.p + t->at, lx->at - t->at);
}

static bool next_sign(struct lc_lexer *lx)
{
    static const struct {
        const char *text;
        enum lc_token_kind kind;
    } signs[] = {
        /* longer ones first */
        {"<=", LC_TOKEN_LESS_EQUAL}, {">=", LC_TOKEN_MORE_EQUAL}, {"<", LC_TOKEN_LESS},
        {">", LC_TOKEN_MORE},        {"*", LC_TOKEN_STAR},        {"(", LC_TOKEN_OPEN},
        {")", LC_TOKEN_CLOSE},       {"[", LC_TOKEN_FROM},        {"]", LC_TOKEN_TO},
        {"{", LC_TOKEN_BRACE},       {"}", LC_TOKEN_BRACE},       {":", LC_TOKEN_COLON},
        {",", LC_TOKEN_COMMA},       {"|", LC_TOKEN_PIPE},        {"-", LC_TOKEN_MINUS},
        {"!", LC_TOKEN_BANG},        {"~", LC_TOKEN_TILDE},       {"=", LC_TOKEN_EQUAL},
    };
    struct lc_slice rest = lc_slice_from(lx->input, lx->at);
    for (size_t i = 0; i < LC_ARRAY_LEN(signs); i++) {
        struct lc_slice sign = lc_slice_cstr(signs[i].text);
        if (!lc_slice_starts(rest, sign))
            continue;
        lx->token.kind = signs[i].kind;
        lx->token.text = lc_slice(rest.p, sign.n);
        lx->at += sign.n;
        return true;
    }
    return false;
}

/* Skips what is blank. False: the end. */
static bool start_token(struct lc_lexer *lx)
{
    size_t before = lx->at;
    while (lx->at < lx->input.n && is_blank(lx->input.p[lx->at]))
        lx->at++;
    lx->token = (struct lc_token){
        .kind = LC_TOKEN_END,
        .text = lc_slice(lx->input.p, 0),
        .at = lx->at,
        .spaced = lx->at == 0 || lx->at > before,
    };
    return lx->at < lx->input.n;
}

lc_err lc_lexer_next(struct lc_lexer *lx)
{
    if (!start_token(lx))
        return LC_OK;
    if (is_of(lx->input.p[lx->at], "\"'`"))
        return next_quoted(lx);
    if (!next_sign(lx))
        next_word(lx, ends_word);
    return LC_OK;
}

lc_err lc_lexer_next_time(struct lc_lexer *lx)
{
    if (!start_token(lx))
        return LC_OK;
    uint8_t first = lx->input.p[lx->at];
    if (is_of(first, "\"'`"))
        return next_quoted(lx);
    if (ends_time(first) || is_of(first, "<>=!~"))
        next_sign(lx);
    else
        next_word(lx, ends_time);
    return LC_OK;
}
