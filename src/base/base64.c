/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.c - RFC 4648 sections 4 and 5.
 */
#include "base/base64.h"

static const char *alphabet(enum lc_base64 kind)
{
    return kind == LC_BASE64_URL
               ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
               : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

lc_err lc_base64_encode(struct lc_dynbuf *out, struct lc_slice s, enum lc_base64 kind)
{
    const char *letters = alphabet(kind);
    size_t whole = s.n / 3 * 4, last = s.n % 3;
    size_t tail = last == 0 ? 0 : kind == LC_BASE64_STANDARD ? 4 : last + 1;
    lc_err e = lc_dynbuf_reserve(out, whole + tail);
    if (e != LC_OK)
        return e;
    uint8_t *at = out->p + out->n;
    for (; s.n > 0; s = lc_slice_from(s, s.n < 3 ? s.n : 3)) {
        uint32_t bits = (uint32_t)s.p[0] << 16;
        bits |= s.n > 1 ? (uint32_t)s.p[1] << 8 : 0;
        bits |= s.n > 2 ? s.p[2] : 0;
        size_t used = s.n < 3 ? s.n + 1 : 4;
        for (size_t i = 0; i < used; i++)
            *at++ = (uint8_t)letters[bits >> (18 - 6 * i) & 0x3F];
        for (size_t i = used; i < 4 && kind == LC_BASE64_STANDARD; i++)
            *at++ = '=';
    }
    out->n = (size_t)(at - out->p);
    return LC_OK;
}

/* The six bits of a letter, or -1. */
static int letter_bits(uint8_t c, enum lc_base64 kind)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (kind == LC_BASE64_URL ? '-' : '+'))
        return 62;
    if (c == (kind == LC_BASE64_URL ? '_' : '/'))
        return 63;
    return -1;
}

/* One group of 2 to 4 letters. Returns how many octets it stands for, 0: not base64. */
static size_t decode_group(struct lc_slice letters, enum lc_base64 kind, uint8_t *octets)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int six = i < letters.n ? letter_bits(letters.p[i], kind) : 0;
        if (six < 0)
            return 0;
        bits = bits << 6 | (uint32_t)six;
    }
    size_t n = letters.n - 1;
    if (n < 3 && (bits & (n == 1 ? 0xFFFFu : 0xFFu)) != 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        octets[i] = (uint8_t)(bits >> (16 - 8 * i));
    return n;
}

lc_err lc_base64_decode(struct lc_dynbuf *out, struct lc_slice text, enum lc_base64 kind)
{
    if (kind == LC_BASE64_STANDARD) {
        if (text.n % 4 != 0)
            return LC_ESYNTAX;
        for (unsigned pad = 0; pad < 2 && text.n > 0 && text.p[text.n - 1] == '='; pad++)
            text.n--;
    }
    if (text.n % 4 == 1)
        return LC_ESYNTAX;
    lc_err e = lc_dynbuf_reserve(out, text.n / 4 * 3 + text.n % 4 * 3 / 4);
    if (e != LC_OK)
        return e;
    size_t before = out->n;
    while (text.n > 0) {
        size_t take = text.n < 4 ? text.n : 4;
        size_t n = decode_group(lc_slice(text.p, take), kind, out->p + out->n);
        if (n == 0) {
            out->n = before;
            return LC_ESYNTAX;
        }
        out->n += n;
        text = lc_slice_from(text, take);
    }
    return LC_OK;
}
