/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/collect.h - records in: from sessions and datagrams into the worker's shard, and
 * the answers back when they are durable.
 *
 * WHAT    collect.c: connections and their answers; intake.c: one record, completed and appended;
 *         dgrams.c: datagrams.
 * WHO     Itself; the server sees only lc_service_collect (service/service.h).
 * THREAD  The worker's.
 * WAY     A turn of the loop appends what has come; at its end the committer is told once. What
 *         became of it comes back as one task, which answers all connections that wait. When the
 *         shard has no room, TCP and Unix streams pause, and datagrams stay in the kernel.
 */
#ifndef LC_SERVICE_COLLECT_H
#define LC_SERVICE_COLLECT_H

#include "conn/dgram.h"
#include "conn/session.h"
#include "net/dgram.h"
#include "service/complete.h"
#include "service/service.h"

/* ---- intake.c ---- */

struct lc_intake {
    struct lc_worker *worker;
    struct lc_task flush; /* at the end of the turn */
    bool urgent;          /* somebody waits for an answer */
    struct lc_completion completion;
};

void lc_intake_init(struct lc_intake *in, struct lc_worker *w);
/* Completes the record and appends it. LC_EWAIT: no room now; other errors: refused, and logged. */
LC_MUST_CHECK lc_err lc_intake_append(struct lc_intake *in, const struct lc_arrival *a,
                                      uint64_t *ret_id);

/* Octets of a record, as a policy counts them. */
uint64_t lc_intake_octets(const struct lc_arrival *a);

/* ---- dgrams.c ---- */

struct lc_dgram_in;

/* Takes `fd` in every case. `rules` is copied; where its records go is set here. What the porter
 * does not let in is dropped and counted. */
LC_MUST_CHECK lc_err lc_dgram_in_open(struct lc_intake *intake, struct lc_porter *porter,
                                      enum lc_service_id service,
                                      const struct lc_datagram_rules *rules, int fd,
                                      struct lc_dgram_in **ret);
/* There is room again. */
void lc_dgram_in_retry(struct lc_dgram_in *d);
/* Takes what the kernel still holds, and closes the socket. What finds no room is kept. */
void lc_dgram_in_close(struct lc_dgram_in *d);
bool lc_dgram_in_is_empty(const struct lc_dgram_in *d);
/* After lc_dgram_in_close(). What is still kept is dropped and counted. */
void lc_dgram_in_free(struct lc_dgram_in *d);

#endif
