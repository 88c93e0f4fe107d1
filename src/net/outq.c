/* SPDX-License-Identifier: Apache-2.0
 *
 * net/outq.c - the queue of octets to send.
 */
#include "net/outq.h"

#include <errno.h>

#define BLOCK_CAP       (4096 - sizeof(struct lc_buf))
#define LARGE_BLOCK_CAP (65536 - sizeof(struct lc_buf))
#define SPARE_BLOCKS    64
#define SPARE_LARGE     8
#define SPARE_NODES     256

/* Below this, copying costs less than a node, a counted reference and an iovec; and it bounds the
 * nodes that a queue of many tiny buffers can have. */
#define REF_MIN 256

struct lc_out_node {
    struct lc_out_node *next;
    struct lc_buf *buf;
    bool own; /* a block of this queue: nobody else has it, so it may still grow */
};

void lc_out_pool_init(struct lc_out_pool *pool)
{
    lc_spares_init(&pool->nodes, sizeof(struct lc_out_node), SPARE_NODES);
    lc_spares_init(&pool->blocks, sizeof(struct lc_buf) + BLOCK_CAP, SPARE_BLOCKS);
    lc_spares_init(&pool->large, sizeof(struct lc_buf) + LARGE_BLOCK_CAP, SPARE_LARGE);
}

void lc_out_pool_done(struct lc_out_pool *pool)
{
    lc_spares_done(&pool->nodes);
    lc_spares_done(&pool->blocks);
    lc_spares_done(&pool->large);
}

static struct lc_buf *block_new(struct lc_out_pool *pool, size_t at_least, bool large)
{
    if (at_least > LARGE_BLOCK_CAP)
        return lc_buf_new((uint32_t)at_least);
    large = large || at_least > BLOCK_CAP;
    struct lc_buf *b = lc_spares_take(large ? &pool->large : &pool->blocks);
    if (b == NULL)
        return NULL;
    atomic_init(&b->refs, 1);
    b->n = 0;
    b->cap = large ? LARGE_BLOCK_CAP : BLOCK_CAP;
    return b;
}

static void buf_give(struct lc_out_pool *pool, struct lc_buf *buf, bool own)
{
    if (own && buf->cap == BLOCK_CAP)
        lc_spares_give(&pool->blocks, buf);
    else if (own && buf->cap == LARGE_BLOCK_CAP)
        lc_spares_give(&pool->large, buf);
    else
        lc_buf_unref(buf);
}

/* Takes over the caller's reference; on -ENOMEM it is given back. */
static lc_err push(struct lc_outq *q, struct lc_out_pool *pool, struct lc_buf *buf, bool own)
{
    struct lc_out_node *node = lc_spares_take(&pool->nodes);
    if (node == NULL) {
        buf_give(pool, buf, own);
        return -ENOMEM;
    }
    *node = (struct lc_out_node){.buf = buf, .own = own};
    if (q->last != NULL)
        q->last->next = node;
    else
        q->first = node;
    q->last = node;
    return LC_OK;
}

static void block_fill(struct lc_buf *block, struct lc_slice s)
{
    memcpy(block->data + block->n, s.p, s.n);
    block->n += (uint32_t)s.n;
}

lc_err lc_outq_write(struct lc_outq *q, struct lc_out_pool *pool, struct lc_slice s)
{
    if (s.n == 0)
        return LC_OK;
    if (s.n > UINT32_MAX)
        return -ENOMEM;
    struct lc_buf *tail = q->last != NULL && q->last->own ? q->last->buf : NULL;
    size_t room = tail != NULL ? tail->cap - tail->n : 0;
    struct lc_slice head = lc_slice(s.p, s.n < room ? s.n : room);
    struct lc_slice rest = lc_slice_from(s, head.n);
    if (rest.n > 0) {
        /* a queue that has filled a block already will fill more */
        struct lc_buf *block = block_new(pool, rest.n, q->octets >= BLOCK_CAP);
        if (block == NULL)
            return -ENOMEM;
        block_fill(block, rest);
        lc_err e = push(q, pool, block, true);
        if (e != LC_OK)
            return e;
    }
    if (head.n > 0)
        block_fill(tail, head);
    q->octets += s.n;
    return LC_OK;
}

lc_err lc_outq_ref(struct lc_outq *q, struct lc_out_pool *pool, struct lc_buf *buf)
{
    if (buf->n < REF_MIN)
        return lc_outq_write(q, pool, lc_buf_slice(buf));
    lc_err e = push(q, pool, lc_buf_ref(buf), false);
    if (e == LC_OK)
        q->octets += buf->n;
    return e;
}

size_t lc_outq_gather(const struct lc_outq *q, struct iovec *iov, size_t max)
{
    size_t n = 0;
    size_t skip = q->sent;
    for (const struct lc_out_node *node = q->first; node != NULL && n < max; node = node->next) {
        iov[n++] = (struct iovec){node->buf->data + skip, node->buf->n - skip};
        skip = 0;
    }
    return n;
}

static void drop_first(struct lc_outq *q, struct lc_out_pool *pool)
{
    struct lc_out_node *node = q->first;
    q->first = node->next;
    if (q->first == NULL)
        q->last = NULL;
    q->sent = 0;
    buf_give(pool, node->buf, node->own);
    lc_spares_give(&pool->nodes, node);
}

void lc_outq_pop(struct lc_outq *q, struct lc_out_pool *pool, size_t n)
{
    LC_ASSERT(n <= q->octets);
    q->octets -= n;
    while (n > 0) {
        size_t left = q->first->buf->n - q->sent;
        if (n < left) {
            q->sent += n;
            return;
        }
        n -= left;
        drop_first(q, pool);
    }
}

void lc_outq_clear(struct lc_outq *q, struct lc_out_pool *pool)
{
    while (q->first != NULL)
        drop_first(q, pool);
    q->octets = 0;
}
