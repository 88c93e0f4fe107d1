/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop_threads_test.c - what other threads do to a loop: post, and stop it.
 */
#include "net/test_net.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define POSTERS 4
#define POSTS   5000
#define STOPS   200

struct poster {
    struct lc_task task;
    struct lc_loop *loop;
    pthread_t thread;
    unsigned payload;     /* plain: written before a post, read by its run */
    atomic_uint posts;    /* made so far */
    atomic_uint answered; /* posts that a run has seen */
    bool waits;           /* for each answer: then the loop sleeps in between */
    atomic_uint *left;    /* posters that are not all answered */
};

static void on_post(struct lc_task *task)
{
    struct poster *p = LC_CONTAINER(task, struct poster, task);
    unsigned posts = atomic_load_explicit(&p->posts, memory_order_relaxed);
    if (p->waits)
        assert_int_equal(p->payload, posts);
    unsigned before = atomic_exchange_explicit(&p->answered, posts, memory_order_release);
    assert_true(before <= posts);
    if (before < POSTS && posts == POSTS && atomic_fetch_sub(p->left, 1) == 1)
        lc_loop_stop(p->loop);
}

static void *post_all(void *arg)
{
    struct poster *p = arg;
    for (unsigned i = 1; i <= POSTS; i++) {
        if (p->waits)
            p->payload = i;
        atomic_store_explicit(&p->posts, i, memory_order_relaxed);
        lc_loop_post(p->loop, &p->task);
        while (p->waits && atomic_load_explicit(&p->answered, memory_order_acquire) < i)
            sched_yield();
    }
    return NULL;
}

/* Nothing that is posted is lost, whether the loop sleeps or not; many posts may make one run, but
 * the last run sees the last post. A wake that got lost would let this hang. */
static void test_posts_from_many_threads(void **state)
{
    struct net net;
    struct poster posters[POSTERS];
    atomic_uint left = POSTERS;
    net_open(&net, state, NULL);
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = net.loop, .waits = i % 2 == 0, .left = &left};
        lc_task_init(&posters[i].task, on_post);
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    assert_lc_ok(lc_loop_run(net.loop));
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(atomic_load(&posters[i].answered), POSTS);
    }
    net_close(&net);
}

struct stopper {
    struct lc_loop *loop;
    atomic_uint runs; /* begun */
};

static void *stop_each_run(void *arg)
{
    struct stopper *s = arg;
    for (unsigned i = 1; i <= STOPS; i++) {
        while (atomic_load(&s->runs) < i)
            sched_yield();
        lc_loop_stop(s->loop);
    }
    return NULL;
}

static void test_stop_from_another_thread(void **state)
{
    struct net net;
    struct stopper s = {0};
    pthread_t thread;
    net_open(&net, state, NULL);
    s.loop = net.loop;
    assert_int_equal(pthread_create(&thread, NULL, stop_each_run, &s), 0);
    for (unsigned i = 0; i < STOPS; i++) {
        atomic_fetch_add(&s.runs, 1);
        assert_lc_ok(lc_loop_run(net.loop));
    }
    pthread_join(thread, NULL);
    net_close(&net);
}

static void *run_loop(void *arg)
{
    return lc_loop_run(arg) == LC_OK ? arg : NULL;
}

/* As the server does it: made here with what is open on it, run by its worker, freed here. */
static void test_made_here_run_there(void **state)
{
    struct net net;
    struct net_peer p = {0};
    pthread_t thread;
    int fds[2];
    net_open(&net, state, NULL);
    net_pair(LC_TCP, fds);
    net_peer_open(&p, &net, fds[0], NULL);
    assert_lc_ok(lc_stream_write(p.s, LC_LIT("from the worker")));
    assert_int_equal(pthread_create(&thread, NULL, run_loop, net.loop), 0);
    char got[15];
    assert_int_equal(recv(fds[1], got, sizeof got, MSG_WAITALL), sizeof got);
    assert_memory_equal(got, "from the worker", sizeof got);
    lc_loop_stop(net.loop);
    void *ran;
    pthread_join(thread, &ran);
    assert_ptr_equal(ran, net.loop);
    lc_stream_close(p.s, (struct lc_time){0});
    lc_loop_free(net.loop);
    assert_int_equal(p.closes, 1);
    lc_dynbuf_done(&p.got);
    close(fds[1]);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_posts_from_many_threads),
        NET_TEST(test_stop_from_another_thread),
        NET_TEST(test_made_here_run_there),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), false);
}
