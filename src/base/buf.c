/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf.c - shared immutable and growing bounded buffers.
 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct lc_buf *lc_buf_new(uint32_t cap)
{
    struct lc_buf *b = malloc(sizeof *b + cap);
    if (b == NULL)
        return NULL;
    atomic_init(&b->refs, 1);
    b->n = 0;
    b->cap = cap;
    return b;
}

struct lc_buf *lc_buf_copy(struct lc_slice s)
{
    if (s.n > UINT32_MAX)
        return NULL;
    struct lc_buf *b = lc_buf_new((uint32_t)s.n);
    if (b == NULL)
        return NULL;
    if (s.n != 0)
        memcpy(b->data, s.p, s.n);
    b->n = (uint32_t)s.n;
    return b;
}

struct lc_buf *lc_buf_ref(struct lc_buf *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void lc_buf_unref(struct lc_buf *b)
{
    if (b == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    LC_ASSERT(before > 0);
    if (before == 1)
        free(b);
}

void lc_dynbuf_init(struct lc_dynbuf *b, size_t max)
{
    *b = (struct lc_dynbuf){.max = max};
}

void lc_dynbuf_done(struct lc_dynbuf *b)
{
    free(b->p);
    *b = (struct lc_dynbuf){.max = b->max};
}

lc_err lc_dynbuf_reserve(struct lc_dynbuf *b, size_t n)
{
    if (n <= b->cap - b->n)
        return LC_OK;
    if (n > b->max - b->n)
        return LC_ELIMIT;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap - b->n < n)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    uint8_t *p = realloc(b->p, cap);
    if (p == NULL)
        return -ENOMEM;
    b->p = p;
    b->cap = cap;
    return LC_OK;
}

lc_err lc_dynbuf_append(struct lc_dynbuf *b, struct lc_slice s)
{
    lc_err e = lc_dynbuf_reserve(b, s.n);
    if (e != LC_OK)
        return e;
    if (s.n != 0)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return LC_OK;
}

lc_err lc_dynbuf_printf(struct lc_dynbuf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    /* vsnprintf ends with a NUL, which is not part of the buffer */
    lc_err e = lc_dynbuf_reserve(b, (size_t)n + 1);
    if (e != LC_OK)
        return e;
    va_start(ap, fmt);
    vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
    return LC_OK;
}

void lc_dynbuf_consume(struct lc_dynbuf *b, size_t n)
{
    LC_ASSERT(n <= b->n);
    b->n -= n;
    if (b->n != 0)
        memmove(b->p, b->p + n, b->n);
}
