/* SPDX-License-Identifier: Apache-2.0
 *
 * net/loop_test.c - timers, tasks, waking and stopping; backends that are not there.
 */
#include "net/test_net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMERS 500

struct test_timer {
    struct lc_timer timer;
    struct test_timers *all;
    bool fired;
};

struct test_timers {
    struct net net;
    struct test_timer timers[TIMERS];
    size_t fired;
    struct lc_time last;
};

static void on_fire(struct lc_timer *timer)
{
    struct test_timer *t = LC_CONTAINER(timer, struct test_timer, timer);
    assert_false(t->fired);
    assert_int_equal(timer->slot, 0);
    assert_true(timer->deadline.ns >= t->all->last.ns);
    assert_true(lc_time_reached(timer->deadline, lc_loop_now(t->all->net.loop)));
    t->fired = true;
    t->all->last = timer->deadline;
    t->all->fired++;
}

static struct test_timers *timers_open(void **state)
{
    struct test_timers *all = calloc(1, sizeof *all);
    assert_non_null(all);
    net_open(&all->net, state, NULL);
    for (size_t i = 0; i < TIMERS; i++) {
        all->timers[i].all = all;
        lc_timer_init(&all->timers[i].timer, on_fire);
    }
    return all;
}

static void timers_close(struct test_timers *all)
{
    net_close(&all->net);
    free(all);
}

static struct lc_time at_ms(const struct test_timers *all, int64_t ms)
{
    return lc_time_add_ms((struct lc_time){all->net.now_ns}, ms);
}

/* Set in any order, some moved and some cancelled, they fire by deadline, each once. */
static void test_timers_in_order(void **state)
{
    struct test_timers *all = timers_open(state);
    uint8_t random[TIMERS];
    net_fill(random, sizeof random, 1);
    for (size_t i = 0; i < TIMERS; i++)
        assert_lc_ok(lc_timer_set(all->net.loop, &all->timers[i].timer, at_ms(all, random[i])));
    for (size_t i = 0; i < TIMERS; i += 3)
        assert_lc_ok(
            lc_timer_set(all->net.loop, &all->timers[i].timer, at_ms(all, 255 - random[i])));
    size_t cancelled = 0;
    for (size_t i = 0; i < TIMERS; i += 7, cancelled++)
        lc_timer_cancel(all->net.loop, &all->timers[i].timer);
    lc_timer_cancel(all->net.loop, &all->timers[0].timer);
    for (int ms = 0; ms < 256; ms++) {
        net_poll(&all->net);
        for (size_t i = 0; i < TIMERS; i++)
            if (all->timers[i].timer.slot != 0)
                assert_true(all->timers[i].timer.deadline.ns > all->net.now_ns);
        net_advance_ms(&all->net, 1);
    }
    assert_int_equal(all->fired, TIMERS - cancelled);
    timers_close(all);
}

static void on_fire_again(struct lc_timer *timer)
{
    struct test_timer *t = LC_CONTAINER(timer, struct test_timer, timer);
    t->all->fired++;
    assert_lc_ok(lc_timer_set(t->all->net.loop, timer, (struct lc_time){0}));
}

/* One that sets itself to the past again and again does not hold the turn. */
static void test_timer_sets_itself(void **state)
{
    struct test_timers *all = timers_open(state);
    lc_timer_init(&all->timers[0].timer, on_fire_again);
    assert_lc_ok(lc_timer_set(all->net.loop, &all->timers[0].timer, (struct lc_time){0}));
    assert_int_equal(all->fired, 0);
    for (size_t i = 1; i < 10; i++) {
        assert_lc_ok(lc_loop_turn(all->net.loop));
        assert_int_equal(all->fired, i);
    }
    timers_close(all);
}

/* Against the system's clock the loop sleeps until the deadline, and not past it for ever. */
static void test_timer_wakes_sleeping_loop(void **state)
{
    struct test_timers *all = timers_open(state);
    all->net.clock = lc_clock_system;
    struct lc_time start = lc_monotonic(&lc_clock_system);
    assert_lc_ok(lc_timer_set(all->net.loop, &all->timers[0].timer, lc_time_add_ms(start, 3)));
    NET_UNTIL(&all->net, all->fired == 1);
    assert_true(lc_monotonic(&lc_clock_system).ns >= start.ns + 3 * LC_NS_PER_MS);
    timers_close(all);
}

struct test_task {
    struct lc_task task;
    struct lc_loop *loop;
    unsigned runs;
    unsigned again;
    char *said;
    char name;
};

static void on_task(struct lc_task *task)
{
    struct test_task *t = LC_CONTAINER(task, struct test_task, task);
    t->runs++;
    if (t->said != NULL)
        t->said[strlen(t->said)] = t->name;
    if (t->again > 0) {
        t->again--;
        lc_loop_post(t->loop, task);
    }
}

static void test_tasks_in_order(void **state)
{
    struct net net;
    char said[16] = "";
    struct test_task t[4];
    net_open(&net, state, NULL);
    for (size_t i = 0; i < LC_ARRAY_LEN(t); i++) {
        t[i] = (struct test_task){.loop = net.loop, .said = said, .name = (char)('a' + i)};
        lc_task_init(&t[i].task, on_task);
    }
    lc_loop_defer(net.loop, &t[3].task);
    for (size_t i = 0; i < 3; i++)
        lc_loop_post(net.loop, &t[i].task);
    lc_loop_post(net.loop, &t[1].task); /* posted already */
    lc_loop_post(net.loop, &t[3].task);
    assert_string_equal(said, "");
    assert_lc_ok(lc_loop_turn(net.loop));
    assert_string_equal(said, "abcd");
    net_close(&net);
}

static void test_task_posts_itself(void **state)
{
    struct net net;
    struct test_task t = {.again = 3};
    net_open(&net, state, NULL);
    lc_task_init(&t.task, on_task);
    t.loop = net.loop;
    lc_loop_post(net.loop, &t.task);
    for (unsigned i = 1; i <= 4; i++) {
        assert_lc_ok(lc_loop_turn(net.loop));
        assert_int_equal(t.runs, i);
    }
    net_close(&net);
}

static void test_stop_before_run(void **state)
{
    struct net net;
    net_open(&net, state, NULL);
    lc_loop_stop(net.loop);
    assert_lc_ok(lc_loop_run(net.loop));
    assert_int_equal(lc_loop_stats(net.loop).turns, 0);
    net_close(&net);
}

static void test_unknown_backend(void **state)
{
    LC_UNUSED(state);
    struct lc_loop *loop;
    struct lc_diag diag = {0};
    assert_lc_err(lc_loop_new(&(struct lc_loop_config){.backend = "kqueue"}, &loop, &diag),
                  -ENOSYS);
    assert_non_null(strstr(diag.text, "kqueue"));
}

static void test_default_backend(void **state)
{
    LC_UNUSED(state);
    struct lc_loop *loop;
    assert_lc_ok(lc_loop_new(&(struct lc_loop_config){0}, &loop, NULL));
    assert_string_equal(lc_loop_backend(loop), lc_loop_backends[0]);
    lc_loop_free(loop);
    lc_loop_free(NULL);
}

/* As a sandbox does it: the system call fails with EPERM. */
static bool forbid_io_uring(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LC_ARRAY_LEN(rules), rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void test_forbidden_io_uring(void **state)
{
    LC_UNUSED(state);
    pid_t child = fork();
    if (child == 0) {
        struct lc_loop *loop;
        struct lc_diag diag = {0};
        if (!forbid_io_uring())
            _exit(2);
        lc_err e = lc_loop_new(&(struct lc_loop_config){.backend = "io_uring"}, &loop, &diag);
        _exit(e == -ENOSYS && strstr(diag.text, "permi") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* select(2) has no bit for a descriptor over 1023, and says so; the others take it. */
static void test_high_descriptor(void **state)
{
    struct net net;
    struct net_peer p = {0};
    struct lc_addr peer = {.transport = LC_UNIX_STREAM, .len = sizeof(sa_family_t)};
    int fds[2];
    net_open(&net, state, NULL);
    net_peer_init(&p, &net);
    net_pair(LC_UNIX_STREAM, fds);
    int high = fcntl(fds[0], F_DUPFD_CLOEXEC, 1024);
    assert_true(high >= 1024);
    lc_err e = lc_stream_open(net.loop, high, &peer, &(struct lc_stream_config){0},
                              &net_peer_events, &p, &p.s);
    if (strcmp(net.how->backend, "select") == 0) {
        assert_lc_err(e, LC_ESELECT);
        assert_non_null(strstr(lc_strerror(e), "1024"));
        assert_int_equal(fcntl(high, F_GETFD), -1); /* it was taken */
        lc_dynbuf_done(&p.got);
    } else {
        assert_lc_ok(e);
        net_raw_send(&net, fds[1], "x");
        NET_UNTIL(&net, p.got.n == 1);
        net_peer_done(&p);
    }
    net_close(&net);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    static const struct net_test tests[] = {
        NET_TEST(test_timers_in_order),           NET_TEST(test_timer_sets_itself),
        NET_TEST(test_timer_wakes_sleeping_loop), NET_TEST(test_tasks_in_order),
        NET_TEST(test_task_posts_itself),         NET_TEST(test_stop_before_run),
        NET_TEST(test_unknown_backend),           NET_TEST(test_default_backend),
        NET_TEST(test_forbidden_io_uring),        NET_TEST(test_high_descriptor),
    };
    return net_run_matrix(tests, LC_ARRAY_LEN(tests), false);
}
