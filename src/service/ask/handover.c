/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ask/handover.h"

#include <errno.h>

void lc_handover_init(struct lc_handover *h, struct lc_pool *pool, void (*notify)(void *arg),
                      void *arg)
{
    *h = (struct lc_handover){.pool = pool, .notify = notify, .arg = arg};
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->room, NULL);
}

/* Locked. */
static struct lc_buf *pop(struct lc_handover *h)
{
    struct lc_buf *buf = h->bufs[h->head];

    h->head = (h->head + 1) % LC_HANDOVER_MAX;
    h->count--;
    return buf;
}

void lc_handover_done(struct lc_handover *h)
{
    while (h->count > 0)
        lc_buf_unref(pop(h));
    pthread_cond_destroy(&h->room);
    pthread_mutex_destroy(&h->lock);
}

/* Locked. */
static void wait_for_room(struct lc_handover *h)
{
    pthread_mutex_unlock(&h->lock);
    lc_pool_leave(h->pool);
    pthread_mutex_lock(&h->lock);
    while (h->count == LC_HANDOVER_MAX && !h->cancelled)
        pthread_cond_wait(&h->room, &h->lock);
    pthread_mutex_unlock(&h->lock);
    lc_pool_enter(h->pool);
    pthread_mutex_lock(&h->lock);
}

lc_err lc_handover_put(struct lc_handover *h, struct lc_buf *buf)
{
    lc_err e = LC_OK;

    pthread_mutex_lock(&h->lock);
    if (h->count == LC_HANDOVER_MAX && !h->cancelled)
        wait_for_room(h);
    if (h->cancelled) {
        e = -ECANCELED;
    } else {
        h->bufs[(h->head + h->count++) % LC_HANDOVER_MAX] = buf;
        h->notify(h->arg);
    }
    pthread_mutex_unlock(&h->lock);
    if (e != LC_OK)
        lc_buf_unref(buf);
    return e;
}

struct lc_buf *lc_handover_take(struct lc_handover *h)
{
    struct lc_buf *buf = NULL;

    pthread_mutex_lock(&h->lock);
    if (h->count > 0) {
        buf = pop(h);
        pthread_cond_signal(&h->room);
    }
    pthread_mutex_unlock(&h->lock);
    return buf;
}

void lc_handover_cancel(struct lc_handover *h)
{
    pthread_mutex_lock(&h->lock);
    h->cancelled = true;
    while (h->count > 0)
        lc_buf_unref(pop(h));
    pthread_cond_signal(&h->room);
    pthread_mutex_unlock(&h->lock);
}
