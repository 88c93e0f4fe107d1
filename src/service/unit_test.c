/* SPDX-License-Identifier: Apache-2.0
 *
 * service/unit_test.c - the watchdog is petted only while the loops of all workers turn.
 */
#include "service/test_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/unit.h"

struct world {
    struct lc_test_server t;
    struct lc_unit unit;
    int manager;
};

static void begin(struct world *w, const char *watchdog_usec)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char name[64];
    lc_test_server_init(&w->t);
    snprintf(name, sizeof name, "@lc-unit-test-%ld", (long)getpid());
    memcpy(un.sun_path + 1, name + 1, strlen(name + 1)); /* an abstract address */
    w->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w->manager, (struct sockaddr *)&un,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    if (watchdog_usec != NULL)
        setenv("WATCHDOG_USEC", watchdog_usec, 1);
    lc_test_server_start(&w->t);
    lc_unit_init(&w->unit, &lc_clock_system);
}

static void end(struct world *w)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    lc_test_server_stop(&w->t);
    close(w->manager);
    lc_test_server_done(&w->t);
}

/* How often the manager has heard that we live. */
static unsigned petted(struct world *w)
{
    unsigned count = 0;
    char text[1024];
    for (;;) {
        ssize_t n = recv(w->manager, text, sizeof text - 1, 0);
        if (n < 0)
            return count;
        text[n] = '\0';
        count += strstr(text, "WATCHDOG=1") != NULL;
    }
}

/* Until so many beats have been due. */
static void beat(struct world *w, unsigned times)
{
    while (times > 0) {
        struct lc_time before = w->unit.next_beat;
        lc_unit_beat(&w->unit, w->t.server);
        times -= w->unit.next_beat.ns != before.ns;
    }
}

struct blocker {
    struct lc_task task;
    int fds[2];
};

static void block(struct lc_task *task)
{
    struct blocker *b = LC_CONTAINER(task, struct blocker, task);
    char octet;
    assert_int_equal(read(b->fds[0], &octet, 1), 1);
}

static void one_stuck_worker_is_enough(void **state)
{
    LC_UNUSED(state);
    struct world w;
    struct blocker b;
    begin(&w, "4000");
    assert_true(w.unit.beat_ns == 1000000);
    for (unsigned seen = 0; seen < 3; seen += petted(&w))
        beat(&w, 1);

    assert_int_equal(pipe(b.fds), 0);
    lc_task_init(&b.task, block);
    lc_loop_post(w.t.server->runs[1]->worker.loop, &b.task);
    beat(&w, 30);
    petted(&w); /* some before it was stuck, and one that it had answered already */
    beat(&w, 30);
    assert_int_equal(petted(&w), 0);

    assert_int_equal(write(b.fds[1], "", 1), 1);
    for (unsigned seen = 0; seen < 3; seen += petted(&w))
        beat(&w, 1);
    close(b.fds[0]);
    close(b.fds[1]);
    end(&w);
}

static void without_a_limit_there_is_no_watchdog(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, NULL);
    assert_int_equal(lc_unit_timeout(&w.unit, &lc_clock_system), -1);
    lc_unit_beat(&w.unit, w.t.server);
    assert_int_equal(petted(&w), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stuck_worker_is_enough),
        cmocka_unit_test(without_a_limit_there_is_no_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
