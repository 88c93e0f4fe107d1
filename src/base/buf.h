/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.h - two kinds of memory that hold octets.
 *
 * lc_buf     Filled once by its maker, then never changed, shared by counting
 *            references: a broadcast is encoded once and queued many times.
 *            Counting is atomic; any thread may hold a reference.
 * lc_dynbuf  Grows while it is filled, never past the maximum that it was born
 *            with. One owner, one thread.
 */
#ifndef LC_BASE_BUF_H
#define LC_BASE_BUF_H

#include <stdatomic.h>

#include "base/slice.h"

struct lc_buf {
    atomic_uint refs;
    uint32_t n; /* octets that hold something; the maker sets it before sharing */
    uint32_t cap;
    uint8_t data[]; /* cap octets */
};

/* A buffer with one reference, n = 0. NULL: no memory. */
struct lc_buf *lc_buf_new(uint32_t cap);
/* A buffer that holds a copy of `s`. NULL: no memory, or over 4 GiB. */
struct lc_buf *lc_buf_copy(struct lc_slice s);
struct lc_buf *lc_buf_ref(struct lc_buf *b);
/* Gives one reference back; the last one frees. NULL is accepted. */
void lc_buf_unref(struct lc_buf *b);

static inline struct lc_slice lc_buf_slice(const struct lc_buf *b)
{
    return lc_slice(b->data, b->n);
}

struct lc_dynbuf {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t max;
};

/* Allocates nothing yet. */
void lc_dynbuf_init(struct lc_dynbuf *b, size_t max);
void lc_dynbuf_done(struct lc_dynbuf *b);
/* Room for `n` more octets behind the end. LC_ELIMIT: over the maximum; -ENOMEM. */
LC_MUST_CHECK lc_err lc_dynbuf_reserve(struct lc_dynbuf *b, size_t n);
LC_MUST_CHECK lc_err lc_dynbuf_append(struct lc_dynbuf *b, struct lc_slice s);
/* Needs room for one octet more than the text has. */
LC_PRINTF(2, 3) LC_MUST_CHECK lc_err lc_dynbuf_printf(struct lc_dynbuf *b, const char *fmt, ...);
/* Drops the first `n` octets; the rest moves to the front. */
void lc_dynbuf_consume(struct lc_dynbuf *b, size_t n);

static inline struct lc_slice lc_dynbuf_slice(const struct lc_dynbuf *b)
{
    return lc_slice(b->p, b->n);
}

#endif
