/* SPDX-License-Identifier: Apache-2.0
 *
 * base/slice.c - comparing, cutting and reading slices.
 */
#include "base/slice.h"

static uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool lc_slice_eq_nocase(struct lc_slice a, struct lc_slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

int lc_slice_cmp(struct lc_slice a, struct lc_slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool lc_slice_cut(struct lc_slice *s, uint8_t sep, struct lc_slice *ret_head)
{
    const uint8_t *at = s->n == 0 ? NULL : memchr(s->p, sep, s->n);
    if (at == NULL)
        return false;
    size_t n = (size_t)(at - s->p);
    *ret_head = lc_slice(s->p, n);
    *s = lc_slice_from(*s, n + 1);
    return true;
}

struct lc_slice lc_slice_trim(struct lc_slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = lc_slice_from(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

lc_err lc_slice_u64(struct lc_slice s, uint64_t *ret)
{
    if (s.n == 0)
        return LC_ESYNTAX;
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)s.p[i] - '0';
        if (digit > 9)
            return LC_ESYNTAX;
        if (value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit)
            return LC_ELIMIT;
        value = value * 10 + digit;
    }
    *ret = value;
    return LC_OK;
}

lc_err lc_slice_i64(struct lc_slice s, int64_t *ret)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t magnitude;
    lc_err e = lc_slice_u64(negative ? lc_slice_from(s, 1) : s, &magnitude);
    if (e != LC_OK)
        return e;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return LC_ELIMIT;
    *ret = (int64_t)(negative ? -magnitude : magnitude);
    return LC_OK;
}

size_t lc_u64_format(uint64_t v, char out[LC_U64_MAX])
{
    size_t width = 1;
    for (uint64_t left = v; left >= 10; left /= 10)
        width++;
    for (size_t i = width; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
    return width;
}
