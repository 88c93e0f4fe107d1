/* SPDX-License-Identifier: Apache-2.0
 *
 * service/unit.h - the server as a unit of systemd: what it tells the manager (sd_notify(3)), and
 * the watchdog. Without a manager every call does nothing.
 *
 * WHO     service/run.c.
 * THREAD  The one of lc_server_run().
 */
#ifndef LC_SERVICE_UNIT_H
#define LC_SERVICE_UNIT_H

#include "service/server_impl.h"

struct lc_unit {
    int64_t beat_ns; /* between two signs of life; 0: no watchdog */
    struct lc_time next_beat;
    unsigned expected; /* beats that each worker has been asked for */
};

void lc_unit_init(struct lc_unit *unit, const struct lc_clock *clock);
/* READY=1, and a status that says where it listens. */
void lc_unit_ready(const struct lc_server *s);
void lc_unit_reloading(const struct lc_server *s);
void lc_unit_stopping(void);
/* Milliseconds until lc_unit_beat() is to be called again; -1: never. */
int lc_unit_timeout(const struct lc_unit *unit, const struct lc_clock *clock);
/* Asks all loops for a sign of life; tells the manager that we live when all have given the one
 * that they were asked for last. */
void lc_unit_beat(struct lc_unit *unit, const struct lc_server *s);

#endif
