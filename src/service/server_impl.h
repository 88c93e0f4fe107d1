/* SPDX-License-Identifier: Apache-2.0
 *
 * service/server_impl.h - the server inside: what server.c, reload.c and run.c share.
 */
#ifndef LC_SERVICE_SERVER_IMPL_H
#define LC_SERVICE_SERVER_IMPL_H

#include "service/worker.h"

/* One configuration after a reload. It is never changed; it goes when all workers have the next. */
struct lc_generation {
    struct lc_server_config given; /* as it was read, but for what needs a restart */
    struct lc_server_config config;
    void *owner; /* of texts */
};

struct lc_server {
    struct lc_site site;
    struct lc_doors doors;
    struct lc_worker_run *runs[LC_WORKERS_MAX];
    struct lc_worker *workers[LC_WORKERS_MAX];
    unsigned started; /* workers whose threads run */
    void *shared[LC_SERVICE_COUNT];
    int ended_fd; /* an eventfd: worker threads that have ended */

    struct lc_server_config given;    /* at the start; site.config is the same, resolved */
    struct lc_generation *now, *next; /* NULL: that of the start; no reload is under way */
    unsigned reloading;               /* workers that have not taken `next` yet */
    int reloaded_fd;                  /* an eventfd: workers that have taken it */
};

/* ---- server.c ---- */

/* Fills in every "0: default". */
void lc_server_resolve(struct lc_server_config *c);
/* The first half of lc_server_stop(): workers begin to drain. */
void lc_server_drain(struct lc_server *s);
/* At most until the deadline of a stop, or until other_fd can be read; then the second half. */
void lc_server_finish(struct lc_server *s, int other_fd);

/* ---- reload.c ---- */

/* After the workers have ended. */
void lc_server_drop_generations(struct lc_server *s);

#endif
