/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cursor.c - reading and writing binary data within bounds.
 */
#include "base/cursor.h"

#include <endian.h>

struct lc_slice lc_read_bytes(struct lc_reader *r, size_t n)
{
    if (r->err != LC_OK || n > lc_reader_left(r)) {
        if (r->err == LC_OK)
            r->err = LC_EMORE;
        return lc_slice(r->p, 0);
    }
    const uint8_t *at = r->p;
    r->p += n;
    return lc_slice(at, n);
}

uint8_t lc_read_u8(struct lc_reader *r)
{
    struct lc_slice s = lc_read_bytes(r, 1);
    return s.n == 0 ? 0 : s.p[0];
}

#define LC_FIXED_WIDTH(bits, order, to_host, from_host)                                            \
    uint##bits##_t lc_read_u##bits##_##order(struct lc_reader *r)                                  \
    {                                                                                              \
        uint##bits##_t raw = 0;                                                                    \
        struct lc_slice s = lc_read_bytes(r, sizeof raw);                                          \
        if (s.n != 0)                                                                              \
            memcpy(&raw, s.p, sizeof raw);                                                         \
        return to_host(raw);                                                                       \
    }                                                                                              \
    void lc_write_u##bits##_##order(struct lc_writer *w, uint##bits##_t v)                         \
    {                                                                                              \
        uint##bits##_t raw = from_host(v);                                                         \
        lc_write_bytes(w, lc_slice(&raw, sizeof raw));                                             \
    }

LC_FIXED_WIDTH(16, le, le16toh, htole16)
LC_FIXED_WIDTH(32, le, le32toh, htole32)
LC_FIXED_WIDTH(64, le, le64toh, htole64)
LC_FIXED_WIDTH(16, be, be16toh, htobe16)
LC_FIXED_WIDTH(32, be, be32toh, htobe32)
LC_FIXED_WIDTH(64, be, be64toh, htobe64)

uint64_t lc_read_varint(struct lc_reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t octet = lc_read_u8(r);
        if (r->err != LC_OK)
            return 0;
        if (shift == 63 && octet > 1) {
            r->err = LC_ESYNTAX;
            return 0;
        }
        value |= (uint64_t)(octet & 0x7F) << shift;
        if ((octet & 0x80) == 0)
            return value;
    }
}

int64_t lc_read_svarint(struct lc_reader *r)
{
    uint64_t v = lc_read_varint(r);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

void lc_write_bytes(struct lc_writer *w, struct lc_slice s)
{
    if (w->err != LC_OK || s.n > (size_t)(w->end - w->p)) {
        w->err = LC_ELIMIT;
        return;
    }
    if (s.n != 0)
        memcpy(w->p, s.p, s.n);
    w->p += s.n;
}

void lc_write_u8(struct lc_writer *w, uint8_t v)
{
    lc_write_bytes(w, lc_slice(&v, 1));
}

void lc_write_varint(struct lc_writer *w, uint64_t v)
{
    /* columns are written number by number: where there is room, nothing is copied */
    bool has_room = w->err == LC_OK && w->end - w->p >= LC_VARINT_MAX;
    uint8_t spare[LC_VARINT_MAX];
    uint8_t *octets = has_room ? w->p : spare;
    size_t n = 0;
    while (v >= 0x80) {
        octets[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    octets[n++] = (uint8_t)v;
    if (has_room)
        w->p += n;
    else
        lc_write_bytes(w, lc_slice(octets, n));
}

void lc_write_svarint(struct lc_writer *w, int64_t v)
{
    lc_write_varint(w, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}
