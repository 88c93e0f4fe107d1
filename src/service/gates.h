/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gates.h - the way in to each service, as its policy has it (access/gate.h,
 * docs/access.md).
 *
 * WHAT    Makes the gates from the configuration, and again when that is read again; lets accepted
 *         connections through to their service, or tells them why not.
 * WHO     server.c and worker.c; services, for those whom a proxy names and for datagrams.
 * THREAD  lc_gates_open, _reload, _close: one at a time. The rest: the worker's.
 */
#ifndef LC_SERVICE_GATES_H
#define LC_SERVICE_GATES_H

#include "service/service.h"

/* LC_ESYNTAX, LC_ELIMIT with a diag that names the option; -ENOMEM. */
LC_MUST_CHECK lc_err lc_gates_open(struct lc_site *site, struct lc_diag *diag);
/* The policies of `config`, for who comes from now on. On failure nothing has changed. */
LC_MUST_CHECK lc_err lc_gates_reload(struct lc_site *site, const struct lc_server_config *config,
                                     struct lc_diag *diag);
/* After all workers. */
void lc_gates_close(struct lc_site *site);

/* A worker's porters. */
LC_MUST_CHECK lc_err lc_gates_man(struct lc_worker *w);
void lc_gates_leave(struct lc_worker *w);

/* A connection that was accepted: to the service, or told why not, and closed. */
void lc_gates_accept(struct lc_worker *w, enum lc_service_id id, void *state, int fd,
                     const struct lc_addr *addr);

/* Whether this peer may say for whom it speaks. */
bool lc_gates_trust(struct lc_worker *w, enum lc_service_id id, const struct lc_addr *addr);
/* It speaks for this client: the guest is the client from now on. False: it is not let in. */
bool lc_gates_proxied(struct lc_worker *w, enum lc_service_id id, const struct lc_addr *client,
                      struct lc_guest *guest);

/* Counts and logs one who was refused. */
void lc_gates_refused(struct lc_worker *w, enum lc_service_id id, enum lc_verdict verdict,
                      struct lc_slice source);

#endif
