/* SPDX-License-Identifier: Apache-2.0
 *
 * access/table.h - what is remembered of each address.
 *
 * WHAT    For each peer key: connections that are open, when the last ones came, and how much of
 *         its rates is left. The same for all workers, so counts are exact whoever accepts.
 * BOUNDS  `entries`, given once, each of LC_TABLE_ENTRY_OCTETS; memory is touched as it is used.
 *         An entry that remembers nothing (nothing open, all rates full, no recent connection)
 *         makes room for a new one. Where none can, the address is not remembered: LC_ENTER_FULL.
 * TIME    Handed in, monotonic; callers' clocks may differ by a turn of a loop. A jump of the clock
 *         is forgotten after LC_TABLE_RECENT_NS at most.
 * WHO     access/gate.c: at each accept and close, and each time a sender's quota is used up;
 *         never for a record.
 * THREAD  Any: entries lie in stripes, each with a lock that is held for some dozens of
 *         instructions.
 */
#ifndef LC_ACCESS_TABLE_H
#define LC_ACCESS_TABLE_H

#include "access/peer.h"
#include "access/rates.h"

struct lc_table;

#define LC_TABLE_ENTRY_OCTETS 152 /* with its place in the hash */
#define LC_TABLE_RECENT_MAX   10
#define LC_TABLE_RECENT_NS    (60 * LC_NS_PER_S)

/* entries: rounded up to a multiple of the stripes' number. `seed` keeps strangers from choosing
 * addresses that fall into one stripe. -ENOMEM. */
LC_MUST_CHECK lc_err lc_table_new(size_t entries, uint64_t seed, struct lc_table **ret);
/* NULL is accepted. */
void lc_table_free(struct lc_table *t);
/* Addresses that are remembered now. */
size_t lc_table_used(struct lc_table *t);

/* ---- connections ---- */

struct lc_enter_limits {
    struct lc_rate rate; /* of new connections */
    uint64_t open_max;   /* at a time; 0: no limit */
    unsigned recent_max; /* in any LC_TABLE_RECENT_NS, at most LC_TABLE_RECENT_MAX; 0: no limit */
};

enum lc_enter { LC_ENTER_OK, LC_ENTER_RATE, LC_ENTER_RECENT, LC_ENTER_OPEN, LC_ENTER_FULL };

/* A connection wants to come in. Only LC_ENTER_OK counts it; lc_table_leave() when it closes. */
enum lc_enter lc_table_enter(struct lc_table *t, const struct lc_peer_key *key,
                             const struct lc_enter_limits *limits, struct lc_time now);
void lc_table_leave(struct lc_table *t, const struct lc_peer_key *key);

/* ---- what is sent ---- */

struct lc_flow_limits {
    struct lc_rate records, octets;
};

/* What a sender may still send without asking again. */
struct lc_quota {
    uint64_t records, octets;
};

/* Adds to *quota, so that one record of `octets` is covered. LC_EWAIT: not yet; *ret_ready says
 * when to ask again. LC_ELIMIT: the table is full. */
LC_MUST_CHECK lc_err lc_table_lease(struct lc_table *t, const struct lc_peer_key *key,
                                    const struct lc_flow_limits *limits, uint64_t octets,
                                    struct lc_time now, struct lc_quota *quota,
                                    struct lc_time *ret_ready);
/* Takes back what is left of it. */
void lc_table_give_back(struct lc_table *t, const struct lc_peer_key *key,
                        const struct lc_flow_limits *limits, const struct lc_quota *quota);

#endif
