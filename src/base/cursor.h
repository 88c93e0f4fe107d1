/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cursor.h - the one bounds-checked way to read and write binary data.
 *
 * WHAT    A reader and a writer over memory that the caller owns. Both keep their
 *         first error, so a caller reads a whole structure and checks once; after
 *         an error a reader returns zeroes and a writer writes nothing.
 * WHO     Codecs of proto/ (big-endian: _be) and formats of store/ (little-endian: _le).
 */
#ifndef LC_BASE_CURSOR_H
#define LC_BASE_CURSOR_H

#include "base/slice.h"

struct lc_reader {
    const uint8_t *p;
    const uint8_t *end;
    lc_err err; /* LC_OK, or LC_EMORE: read past the end, or LC_ESYNTAX: bad varint */
};

static inline struct lc_reader lc_reader(struct lc_slice s)
{
    return (struct lc_reader){s.p, s.n == 0 ? s.p : s.p + s.n, LC_OK};
}

static inline size_t lc_reader_left(const struct lc_reader *r)
{
    return (size_t)(r->end - r->p);
}

/* The next `n` octets, borrowed; an empty slice after an error. */
struct lc_slice lc_read_bytes(struct lc_reader *r, size_t n);
uint8_t lc_read_u8(struct lc_reader *r);
uint16_t lc_read_u16_le(struct lc_reader *r);
uint32_t lc_read_u32_le(struct lc_reader *r);
uint64_t lc_read_u64_le(struct lc_reader *r);
uint16_t lc_read_u16_be(struct lc_reader *r);
uint32_t lc_read_u32_be(struct lc_reader *r);
uint64_t lc_read_u64_be(struct lc_reader *r);
/* LEB128, at most 10 octets. */
uint64_t lc_read_varint(struct lc_reader *r);
/* ZigZag over LEB128, for signed differences. */
int64_t lc_read_svarint(struct lc_reader *r);

struct lc_writer {
    uint8_t *start;
    uint8_t *p;
    uint8_t *end;
    lc_err err; /* LC_OK, or LC_ELIMIT: the memory was too small */
};

static inline struct lc_writer lc_writer(void *p, size_t n)
{
    return (struct lc_writer){p, p, (uint8_t *)p + n, LC_OK};
}

static inline struct lc_slice lc_writer_done(const struct lc_writer *w)
{
    return lc_slice(w->start, (size_t)(w->p - w->start));
}

void lc_write_bytes(struct lc_writer *w, struct lc_slice s);
void lc_write_u8(struct lc_writer *w, uint8_t v);
void lc_write_u16_le(struct lc_writer *w, uint16_t v);
void lc_write_u32_le(struct lc_writer *w, uint32_t v);
void lc_write_u64_le(struct lc_writer *w, uint64_t v);
void lc_write_u16_be(struct lc_writer *w, uint16_t v);
void lc_write_u32_be(struct lc_writer *w, uint32_t v);
void lc_write_u64_be(struct lc_writer *w, uint64_t v);
void lc_write_varint(struct lc_writer *w, uint64_t v);
void lc_write_svarint(struct lc_writer *w, int64_t v);

#define LC_VARINT_MAX 10 /* octets of the longest varint */

#endif
