/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/proxy.h"

#include <arpa/inet.h>

#include "base/cursor.h"

#define V1 LC_LIT("PROXY ")
#define V2 LC_LIT("\r\n\r\n\0\r\nQUIT\n")

static lc_err begins(struct lc_slice in, struct lc_slice with)
{
    size_t n = in.n < with.n ? in.n : with.n;

    if (memcmp(in.p, with.p, n) != 0)
        return LC_ESYNTAX;
    return n == with.n ? LC_OK : LC_EMORE;
}

lc_err lc_proxy_begins(struct lc_slice in)
{
    lc_err e = begins(in, V1);

    return e == LC_ESYNTAX ? begins(in, V2) : e;
}

/* ---- v1 ---- */

static bool take_ip(struct lc_slice *line, int family, uint8_t out[16])
{
    char text[INET6_ADDRSTRLEN];
    struct lc_slice word;

    if (!lc_slice_cut(line, ' ', &word) || word.n >= sizeof text ||
        memchr(word.p, 0, word.n) != NULL)
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = 0;
    return inet_pton(family, text, out) == 1;
}

/* Decimal, without leading zeroes. */
static bool is_port(struct lc_slice word, uint16_t *ret)
{
    uint64_t port;

    if (word.n == 0 || word.n > 5 || (word.n > 1 && word.p[0] == '0') ||
        lc_slice_u64(word, &port) != LC_OK || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

/* Section 2.1, behind `PROXY ` and without CR LF. */
static lc_err decode_line(struct lc_slice line, struct lc_proxied *ret)
{
    struct lc_slice family = line, source_port;
    struct lc_proxied p = {0};
    uint8_t destination[16];
    uint16_t destination_port;

    lc_slice_cut(&line, ' ', &family);
    if (lc_slice_eq(family, LC_LIT("UNKNOWN"))) {
        *ret = p;
        return LC_OK;
    }
    if (lc_slice_eq(family, LC_LIT("TCP4")))
        p.n = 4;
    else if (lc_slice_eq(family, LC_LIT("TCP6")))
        p.n = 16;
    else
        return LC_ESYNTAX;

    int af = p.n == 4 ? AF_INET : AF_INET6;

    if (!take_ip(&line, af, p.octets) || !take_ip(&line, af, destination) ||
        !lc_slice_cut(&line, ' ', &source_port) || !is_port(source_port, &p.port) ||
        !is_port(line, &destination_port))
        return LC_ESYNTAX;
    *ret = p;
    return LC_OK;
}

static lc_err decode_v1(struct lc_slice in, struct lc_proxied *ret, size_t *ret_used)
{
    size_t n = in.n < LC_PROXY_V1_MAX - 1 ? in.n : LC_PROXY_V1_MAX - 1;
    const uint8_t *end = memchr(in.p, '\r', n);

    if (memchr(in.p, '\n', end == NULL ? n : (size_t)(end - in.p)) != NULL)
        return LC_ESYNTAX;
    if (end == NULL)
        return n < LC_PROXY_V1_MAX - 1 ? LC_EMORE : LC_ESYNTAX;
    if (end + 1 == in.p + in.n)
        return LC_EMORE;
    if (end[1] != '\n')
        return LC_ESYNTAX;

    size_t used = (size_t)(end - in.p) + 2;
    lc_err e = decode_line(lc_slice(in.p + V1.n, used - 2 - V1.n), ret);

    if (e == LC_OK)
        *ret_used = used;
    return e;
}

/* ---- v2 ---- */

/* Section 2.2, behind the signature. */
static lc_err decode_v2(struct lc_slice in, struct lc_proxied *ret, size_t *ret_used)
{
    static const struct {
        uint8_t ip;      /* octets of an address that we take */
        uint8_t minimum; /* octets of addresses and ports */
    } families[] = {{0, 0}, {4, 12}, {16, 36}, {0, 216}};
    struct lc_reader r = lc_reader(lc_slice_from(in, V2.n));
    uint8_t version = lc_read_u8(&r), family = lc_read_u8(&r);
    size_t length = lc_read_u16_be(&r);
    struct lc_proxied p = {0};

    if (r.err != LC_OK)
        return LC_EMORE;
    if (version >> 4 != 2)
        return LC_EVERSION;
    if ((version & 15) > 1 || family >> 4 >= LC_ARRAY_LEN(families) || (family & 15) > 2)
        return LC_ESYNTAX;
    if (V2.n + 4 + length > LC_PROXY_V2_MAX)
        return LC_ELIMIT;
    if (lc_reader_left(&r) < length)
        return LC_EMORE;
    if ((version & 15) == 1) { /* else LOCAL: the proxy itself, as for a check of health */
        if (length < families[family >> 4].minimum)
            return LC_ESYNTAX;
        p.n = families[family >> 4].ip;
        if (p.n > 0) {
            memcpy(p.octets, lc_read_bytes(&r, p.n).p, p.n);
            (void)lc_read_bytes(&r, p.n); /* the destination */
            p.port = lc_read_u16_be(&r);
        }
    }
    *ret = p;
    *ret_used = V2.n + 4 + length;
    return LC_OK;
}

lc_err lc_proxy_decode(struct lc_slice in, struct lc_proxied *ret, size_t *ret_used)
{
    if (begins(in, V2) == LC_OK)
        return decode_v2(in, ret, ret_used);
    if (begins(in, V1) == LC_OK)
        return decode_v1(in, ret, ret_used);
    return lc_proxy_begins(in);
}
