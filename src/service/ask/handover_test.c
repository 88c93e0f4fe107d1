/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/handover_test.c - jobs that take turns, and octets handed over by them.
 */
#include "base/test.h"

#include <errno.h>
#include <semaphore.h>

#include "service/ask/handover.h"

struct working {
    struct lc_job job;
    struct lc_pool *pool;
    atomic_uint *running, *most;
    sem_t *go, *done;
};

static void work(struct lc_job *job)
{
    struct working *w = LC_CONTAINER(job, struct working, job);
    unsigned now = atomic_fetch_add(w->running, 1) + 1;
    unsigned most = atomic_load(w->most);
    while (now > most && !atomic_compare_exchange_weak(w->most, &most, now))
        ;
    atomic_fetch_sub(w->running, 1);
    if (w->go != NULL) {
        /* all others can only end if this one gives its turn away */
        lc_pool_leave(w->pool);
        sem_wait(w->go);
        lc_pool_enter(w->pool);
    }
    sem_post(w->done);
}

static void jobs_take_turns(void **state)
{
    LC_UNUSED(state);
    enum { JOBS = 100, BLOCKED = 5 };
    struct lc_pool *pool;
    struct working jobs[JOBS];
    atomic_uint running = 0, most = 0;
    sem_t go, done;
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    assert_lc_ok(lc_pool_new(2, &pool));
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] =
            (struct working){{NULL, work}, pool, &running, &most, i < BLOCKED ? &go : NULL, &done};
        assert_lc_ok(lc_pool_submit(pool, &jobs[i].job));
    }
    for (unsigned i = 0; i < JOBS - BLOCKED; i++)
        sem_wait(&done);
    for (unsigned i = 0; i < BLOCKED; i++)
        sem_post(&go);
    for (unsigned i = 0; i < BLOCKED; i++)
        sem_wait(&done);
    assert_in_range(atomic_load(&most), 1, 2);
    lc_pool_free(pool);
    lc_pool_free(NULL);
    sem_destroy(&go);
    sem_destroy(&done);
}

struct handing {
    struct lc_job job;
    struct lc_handover out;
    unsigned count; /* buffers to hand over */
    sem_t there, ended;
    lc_err err;
};

static void notify(void *arg)
{
    struct handing *h = arg;
    sem_post(&h->there);
}

static void hand(struct lc_job *job)
{
    struct handing *h = LC_CONTAINER(job, struct handing, job);
    for (unsigned i = 0; i < h->count && h->err == LC_OK; i++) {
        struct lc_buf *buf = lc_buf_copy(lc_slice(&i, sizeof i));
        h->err = buf == NULL ? -ENOMEM : lc_handover_put(&h->out, buf);
    }
    sem_post(&h->ended);
}

static void begin(struct handing *h, struct lc_pool *pool, unsigned count)
{
    *h = (struct handing){.job.run = hand, .count = count};
    sem_init(&h->there, 0, 0);
    sem_init(&h->ended, 0, 0);
    lc_handover_init(&h->out, pool, notify, h);
    assert_lc_ok(lc_pool_submit(pool, &h->job));
}

static void end(struct handing *h, lc_err expected)
{
    sem_wait(&h->ended);
    assert_lc_err(h->err, expected);
    lc_handover_done(&h->out);
    sem_destroy(&h->there);
    sem_destroy(&h->ended);
}

static void all_arrives_in_order(void **state)
{
    LC_UNUSED(state);
    enum { COUNT = 1000 };
    struct lc_pool *pool;
    struct handing h;
    assert_lc_ok(lc_pool_new(1, &pool));
    begin(&h, pool, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        sem_wait(&h.there);
        struct lc_buf *buf = lc_handover_take(&h.out);
        assert_non_null(buf);
        assert_memory_equal(buf->data, &i, sizeof i);
        lc_buf_unref(buf);
    }
    assert_null(lc_handover_take(&h.out));
    end(&h, LC_OK);
    lc_pool_free(pool);
}

static void a_cancelled_producer_ends(void **state)
{
    LC_UNUSED(state);
    struct lc_pool *pool;
    struct handing full, other;
    assert_lc_ok(lc_pool_new(1, &pool));
    begin(&full, pool, LC_HANDOVER_MAX + 1);
    for (unsigned i = 0; i < LC_HANDOVER_MAX; i++)
        sem_wait(&full.there);
    /* it waits for room, and holds up nobody else */
    begin(&other, pool, 1);
    end(&other, LC_OK);
    lc_handover_cancel(&full.out);
    end(&full, -ECANCELED);

    /* what is left is given back */
    begin(&other, pool, LC_HANDOVER_MAX);
    end(&other, LC_OK);
    lc_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_take_turns),
        cmocka_unit_test(all_arrives_in_order),
        cmocka_unit_test(a_cancelled_producer_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
