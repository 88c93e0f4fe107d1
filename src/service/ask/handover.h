/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/handover.h - octets from a query's thread to the worker that has the connection.
 *
 * WHAT    A bounded queue of shared buffers. The thread waits while it is full (and lets another
 *         query run meanwhile); the worker takes from it as the client reads, and never waits.
 * THREAD  One producer, one consumer; who may call is said at each function.
 */
#ifndef LC_SERVICE_ASK_HANDOVER_H
#define LC_SERVICE_ASK_HANDOVER_H

#include <pthread.h>

#include "base/buf.h"
#include "service/ask/pool.h"

#define LC_HANDOVER_MAX 8 /* buffers */

struct lc_handover {
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct lc_pool *pool;
    void (*notify)(void *arg); /* there is something to take; must not block */
    void *arg;
    struct lc_buf *bufs[LC_HANDOVER_MAX];
    unsigned head, count;
    bool cancelled;
};

void lc_handover_init(struct lc_handover *h, struct lc_pool *pool, void (*notify)(void *arg),
                      void *arg);
void lc_handover_done(struct lc_handover *h);

/* The producer, inside a job of the pool. Takes the reference in every case. -ECANCELED: nobody
 * will take it. */
LC_MUST_CHECK lc_err lc_handover_put(struct lc_handover *h, struct lc_buf *buf);

/* The consumer. The reference becomes the caller's; NULL: nothing now. */
struct lc_buf *lc_handover_take(struct lc_handover *h);
/* The consumer: takes no more; what is queued is dropped. */
void lc_handover_cancel(struct lc_handover *h);

#endif
