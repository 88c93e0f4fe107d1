/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/handed.c - connections on their way from the worker that accepted them to the one
 * that their sender belongs to.
 */
#include <stdlib.h>
#include <unistd.h>

#include "service/collect/collect.h"

void lc_handed_box_init(struct lc_handed_box *box, void (*run)(struct lc_task *task))
{
    pthread_mutex_init(&box->lock, NULL);
    box->first = NULL;
    box->last = &box->first;
    lc_task_init(&box->task, run);
}

void lc_handed_box_done(struct lc_handed_box *box)
{
    struct lc_handed *h;

    while ((h = lc_handed_take(box)) != NULL) {
        close(h->fd);
        free(h);
    }
    pthread_mutex_destroy(&box->lock);
}

void lc_handed_post(struct lc_handed_box *box, struct lc_loop *loop, struct lc_handed *h)
{
    h->next = NULL;
    pthread_mutex_lock(&box->lock);
    *box->last = h;
    box->last = &h->next;
    pthread_mutex_unlock(&box->lock);
    lc_loop_post(loop, &box->task);
}

struct lc_handed *lc_handed_take(struct lc_handed_box *box)
{
    pthread_mutex_lock(&box->lock);
    struct lc_handed *h = box->first;
    if (h != NULL)
        box->first = h->next;
    if (box->first == NULL)
        box->last = &box->first;
    pthread_mutex_unlock(&box->lock);
    return h;
}
