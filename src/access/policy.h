/* SPDX-License-Identifier: Apache-2.0
 *
 * access/policy.h - what a service asks of those who come: docs/access.md.
 *
 * WHAT    A policy is made of what the service is (its row of the table), of `open` or `strict`,
 *         and of what was configured, which takes the place of what the policy would say. It is
 *         never changed: a new configuration makes a new one (access/gate.h).
 * WHO     service/.
 * THREAD  Counted; any.
 */
#ifndef LC_ACCESS_POLICY_H
#define LC_ACCESS_POLICY_H

#include <stdatomic.h>

#include "access/networks.h"
#include "access/table.h"

enum lc_policy_kind { LC_POLICY_OPEN, LC_POLICY_STRICT };

/* What a service is: its row in docs/access.md. */
struct lc_policy_row {
    uint64_t connections_per_s; /* new ones, by address */
    const char *strict_allow;   /* networks; NULL: any */
    bool strict_login;
};

/* The list of texts of a lc_networks_parse(). */
struct lc_policy_list {
    const char *const *texts;
    size_t count;
};

/* As it was configured. */
struct lc_policy_config {
    enum lc_policy_kind kind;
    struct lc_policy_list allow; /* empty: as the policy says */
    struct lc_policy_list deny;  /* wins over allow */
    struct lc_policy_list trust; /* whose word counts about the address that they speak for */
    /* New ones by address. {0, 0}: as the policy says. */
    struct lc_rate connections_rate;
    uint64_t connections_max; /* at a time, by address; 0: no limit */
    struct lc_rate records_rate, octets_rate;
};

struct lc_policy {
    atomic_uint refs;
    enum lc_policy_kind kind;
    bool login;
    struct lc_networks *allow, *deny, *trust;
    struct lc_enter_limits enter;
    struct lc_flow_limits flow;
    /* What follows from these, looked at for each record. */
    bool has_flow_limits;
    bool checks_messages;
    bool admits_all; /* whoever sends datagrams need not be looked at */
};

/* LC_ESYNTAX, LC_ELIMIT with a diag, as lc_networks_parse(); -ENOMEM. */
LC_MUST_CHECK lc_err lc_policy_new(const struct lc_policy_config *config,
                                   const struct lc_policy_row *row, struct lc_policy **ret,
                                   struct lc_diag *diag);
struct lc_policy *lc_policy_ref(struct lc_policy *p);
void lc_policy_unref(struct lc_policy *p); /* NULL is accepted */

/* Why a message is refused where messages are checked (LC_POLICY_STRICT): it has 1 to 1024 octets,
 * and no control character but tab. NULL: it is not refused. */
const char *lc_policy_refuses_message(struct lc_slice message);

#endif
