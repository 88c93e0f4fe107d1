/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ask/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 5 /* a query must not slow down what comes in */

struct lc_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job is there, or the end */
    pthread_cond_t turn; /* fewer are running */
    struct lc_job *first, **last;
    unsigned running, running_max;
    unsigned threads, idle, queued;
    bool closing;
    pthread_t thread[LC_POOL_THREADS_MAX];
};

/* Locked. */
static void take_turn(struct lc_pool *p)
{
    while (p->running == p->running_max)
        pthread_cond_wait(&p->turn, &p->lock);
    p->running++;
}

/* Locked. */
static void give_turn(struct lc_pool *p)
{
    p->running--;
    pthread_cond_signal(&p->turn);
}

static void *thread_main(void *arg)
{
    struct lc_pool *p = arg;

    /* Linux: the value of the calling thread alone. Where it is forbidden, queries are only less
     * polite. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct lc_job *job = p->first;

        if (job == NULL && p->closing)
            break;
        if (job == NULL) {
            p->idle++;
            pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
            continue;
        }
        p->first = job->next;
        p->queued--;
        if (p->first == NULL)
            p->last = &p->first;
        take_turn(p);
        pthread_mutex_unlock(&p->lock);
        job->run(job);
        pthread_mutex_lock(&p->lock);
        give_turn(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

lc_err lc_pool_submit(struct lc_pool *pool, struct lc_job *job)
{
    lc_err e = LC_OK;

    pthread_mutex_lock(&pool->lock);
    if (pool->queued >= pool->idle && pool->threads < LC_POOL_THREADS_MAX) {
        int failed = pthread_create(&pool->thread[pool->threads], NULL, thread_main, pool);

        if (failed == 0)
            pool->threads++;
        else if (pool->threads == 0)
            e = -failed;
    }
    if (e == LC_OK) {
        job->next = NULL;
        *pool->last = job;
        pool->last = &job->next;
        pool->queued++;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return e;
}

void lc_pool_leave(struct lc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    give_turn(pool);
    pthread_mutex_unlock(&pool->lock);
}

void lc_pool_enter(struct lc_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    take_turn(pool);
    pthread_mutex_unlock(&pool->lock);
}

lc_err lc_pool_new(unsigned running, struct lc_pool **ret)
{
    struct lc_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->turn, NULL);
    p->last = &p->first;
    p->running_max = running;
    *ret = p;
    return LC_OK;
}

void lc_pool_free(struct lc_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->turn);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
