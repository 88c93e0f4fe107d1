/* SPDX-License-Identifier: Apache-2.0
 *
 * service/worker.h - one worker as the server has it: thread, loop, listeners, services' states.
 *
 * WHO     service/server.c.
 * THREAD  lc_worker_run_*: the server's; what they post runs on the worker's own.
 */
#ifndef LC_SERVICE_WORKER_H
#define LC_SERVICE_WORKER_H

#include <pthread.h>

#include "net/listener.h"
#include "service/gates.h"
#include "service/listen.h"

struct lc_worker_run;

/* What a listener is opened with. */
struct lc_entrance {
    struct lc_worker_run *run;
    enum lc_service_id service;
};

struct lc_worker_run {
    struct lc_worker worker; /* what services see */
    pthread_t thread;
    bool started;
    void *state[LC_SERVICE_COUNT];
    struct lc_entrance entrances[LC_SERVICE_COUNT];
    struct lc_listener *listeners[LC_SERVICE_COUNT * LC_DOORS_MAX];
    size_t listener_count;
    struct lc_task drain, drop, own_log;
    struct lc_task progress; /* posted by the shard's committer */
    struct lc_task reload, beat;
    const struct lc_server_config *next_config; /* for `reload`, posted with it */
    int reloaded_fd;                            /* an eventfd, counted up when it is taken */
    atomic_uint beats;
    bool draining;
    lc_err err;   /* why the loop failed; valid after the thread has ended */
    int ended_fd; /* an eventfd, counted up when the thread ends; borrowed */
};

/* A worker with its loop, not yet running. -ENOMEM, or as lc_loop_new() with diag. */
LC_MUST_CHECK lc_err lc_worker_run_new(struct lc_site *site, unsigned index, int ended_fd,
                                       struct lc_worker_run **ret, struct lc_diag *diag);
/* Opens the services' states (`shared`: by service) and takes this worker's sockets of the doors.
 */
LC_MUST_CHECK lc_err lc_worker_run_open(struct lc_worker_run *w, void *const *shared,
                                        struct lc_doors *doors);
LC_MUST_CHECK lc_err lc_worker_run_start(struct lc_worker_run *w);
/* Gives it another configuration, which lives until the next one is taken; the last one must be. */
void lc_worker_run_reload(struct lc_worker_run *w, const struct lc_server_config *config,
                          int reloaded_fd);
/* Counts up lc_worker_run.beats when its loop turns. */
void lc_worker_run_beat(struct lc_worker_run *w);
/* Listens no more, and ends when its services have nothing left to wait for. */
void lc_worker_run_drain(struct lc_worker_run *w);
/* After drain: drops all connections. */
void lc_worker_run_drop(struct lc_worker_run *w);
/* Waits for the thread; closes the sockets of one that was never started. */
void lc_worker_run_join(struct lc_worker_run *w);
/* After join, and after the store is closed, whose threads post to the loop. NULL is accepted. */
void lc_worker_run_free(struct lc_worker_run *w);

#endif
