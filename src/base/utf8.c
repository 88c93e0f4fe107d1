/* SPDX-License-Identifier: Apache-2.0
 *
 * base/utf8.c - decoding UTF-8 strictly.
 */
#include "base/utf8.h"

static bool is_tail(uint8_t octet)
{
    return (octet & 0xC0) == 0x80;
}

uint32_t lc_utf8_next(struct lc_slice s, size_t *ret_used)
{
    uint8_t lead = s.p[0];
    *ret_used = 1;
    if (lead < 0x80)
        return lead;
    unsigned tails = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || s.n < 1 + tails)
        return LC_UTF8_BAD;
    uint32_t c = lead & (0x3Fu >> tails);
    for (unsigned i = 1; i <= tails; i++) {
        if (!is_tail(s.p[i]))
            return LC_UTF8_BAD;
        c = c << 6 | (s.p[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (c < least[tails] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return LC_UTF8_BAD;
    *ret_used = 1 + tails;
    return c;
}

size_t lc_utf8_put(uint32_t c, uint8_t out[LC_UTF8_MAX])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    static const uint8_t leads[] = {0x00, 0xC0, 0xE0, 0xF0};
    unsigned tails = (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
    out[0] = (uint8_t)(leads[tails] | c >> (6 * tails));
    for (unsigned i = 1; i <= tails; i++)
        out[i] = (uint8_t)(0x80 | (c >> (6 * (tails - i)) & 0x3F));
    return 1 + tails;
}

bool lc_utf8_is_valid(struct lc_slice s)
{
    while (s.n > 0) {
        /* most logs are ASCII: eight octets at a time while no high bit is set */
        uint64_t octets;
        if (s.n >= sizeof octets) {
            memcpy(&octets, s.p, sizeof octets);
            if ((octets & UINT64_C(0x8080808080808080)) == 0) {
                s = lc_slice_from(s, sizeof octets);
                continue;
            }
        }
        size_t used;
        if (lc_utf8_next(s, &used) == LC_UTF8_BAD)
            return false;
        s = lc_slice_from(s, used);
    }
    return true;
}

size_t lc_utf8_cut(struct lc_slice s, size_t max)
{
    if (s.n <= max)
        return s.n;
    size_t n = max;
    /* at most three tail octets follow a lead: further back it is not UTF-8 anyway */
    while (n > 0 && max - n < 4 && is_tail(s.p[n]))
        n--;
    return max - n < 4 && !is_tail(s.p[n]) ? n : max;
}
