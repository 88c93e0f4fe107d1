/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/pool.h - threads for what may take long, and how many of them run at once.
 *
 * WHAT    A job has a thread of its own for as long as it lasts, but only `running` jobs run at a
 *         time: one that waits for a slow client gives its turn to another meanwhile, so slow
 *         clients hold up nobody but themselves. Threads are started when they are needed, and
 *         stay.
 * THREAD  Any, where nothing else is said. Jobs run below the workers' priority.
 */
#ifndef LC_SERVICE_ASK_POOL_H
#define LC_SERVICE_ASK_POOL_H

#include "base/err.h"

struct lc_pool;

/* Embedded in what it works for. */
struct lc_job {
    struct lc_job *next;
    void (*run)(struct lc_job *job); /* the pool does not touch the job afterwards */
};

/* Jobs begun and not ended, at most; others wait in line. */
#define LC_POOL_THREADS_MAX 64

LC_MUST_CHECK lc_err lc_pool_new(unsigned running, struct lc_pool **ret);
/* All jobs have ended. NULL is accepted. */
void lc_pool_free(struct lc_pool *pool);

/* Jobs begin in the order in which they were given. -errno: not even one thread can be started. */
LC_MUST_CHECK lc_err lc_pool_submit(struct lc_pool *pool, struct lc_job *job);

/* The calling job is about to wait; it is to go on. */
void lc_pool_leave(struct lc_pool *pool);
void lc_pool_enter(struct lc_pool *pool);

#endif
