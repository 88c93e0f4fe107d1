/* SPDX-License-Identifier: Apache-2.0
 *
 * access/gate.h - the way in to one service: who is let in, who has to wait, and why.
 *
 * WHAT    A service has one gate: its policy and its table of addresses. Each worker has a porter
 *         at it, which knows the policy and, of each peer that it has let in (a guest), how much
 *         it may still send: so a record costs two comparisons, no lock and no shared write.
 * WHO     service/.
 * THREAD  A gate: any. A porter and its guests: their worker's.
 * TIME    Handed in, monotonic.
 */
#ifndef LC_ACCESS_GATE_H
#define LC_ACCESS_GATE_H

#include "access/policy.h"

struct lc_gate;

/* The addresses that a gate remembers: at LC_TABLE_ENTRY_OCTETS each, 10 MB when all are there. */
#define LC_GATE_ENTRIES 65536

struct lc_gate_config {
    size_t entries;      /* 0: LC_GATE_ENTRIES */
    uint64_t seed;       /* random */
    unsigned server_uid; /* whose processes count as logged in, beside root's */
};

/* Takes over `policy` in every case. -ENOMEM. */
LC_MUST_CHECK lc_err lc_gate_new(const struct lc_gate_config *config, struct lc_policy *policy,
                                 struct lc_gate **ret);
/* After its porters. NULL is accepted. */
void lc_gate_free(struct lc_gate *gate);
/* Takes over `policy`. It holds from now on for who comes, and for what guests send; who is in is
 * not put out. */
void lc_gate_set_policy(struct lc_gate *gate, struct lc_policy *policy);

/* What is answered: the verdict, the figure that counts it, what that figure means. */
#define LC_VERDICTS(X)                                                                             \
    X(NETWORK, refused_network, "refused because of their address")                                \
    X(LOGIN, refused_login, "refused because a login is needed")                                   \
    X(RATE, refused_rate, "refused because too many came in a short time from their address")      \
    X(COUNT, refused_count, "refused because too many were there from their address")              \
    X(FULL, refused_full, "refused because the table of addresses was full")

#define LC_VERDICT_ENUM(name, figure, help) LC_REFUSED_##name,
enum lc_verdict { LC_ADMITTED, LC_VERDICTS(LC_VERDICT_ENUM) LC_VERDICT_COUNT };
#undef LC_VERDICT_ENUM

/* One who was let in. */
struct lc_guest {
    struct lc_peer_key key;
    struct lc_quota quota;
    struct lc_time until; /* the quota lapses: who was silent begins anew */
    bool is_counted;
};

struct lc_porter;

/* sources: senders of datagrams that are remembered, a power of two; 0: there are none. */
LC_MUST_CHECK lc_err lc_porter_new(struct lc_gate *gate, size_t sources, struct lc_porter **ret);
/* NULL is accepted. */
void lc_porter_free(struct lc_porter *p);

/* A connection. LC_ADMITTED: *ret_guest is to be given back by lc_porter_leave(). A policy that is
 * open lets in whom its table has no room for, uncounted; a strict one does not.
 * itself: it is the peer who came, not one whom a proxy named. If it is trusted as a proxy it is
 * not counted, and its network doesn't matter: those for whom it speaks do. */
enum lc_verdict lc_porter_admit(struct lc_porter *p, const struct lc_peer *peer, bool itself,
                                struct lc_time now, struct lc_guest *ret_guest);
void lc_porter_leave(struct lc_porter *p, struct lc_guest *guest);

/* Whether this peer may say for whom it speaks (PROXY protocol). */
bool lc_porter_trusts(struct lc_porter *p, const struct lc_peer *peer);

/* Why, for the peer: one line without its end, NUL-terminated. */
#define LC_REASON_MAX 160
void lc_porter_reason(struct lc_porter *p, enum lc_verdict verdict, char out[LC_REASON_MAX]);

/* The guest that the sender of a datagram is, valid until the next call; its records are counted as
 * those of a connection. NULL: refused. */
struct lc_guest *lc_porter_source(struct lc_porter *p, const struct lc_peer *peer,
                                  enum lc_verdict *ret_verdict);

/* Whether the guest may send a record of so many octets now. LC_OK: then lc_guest_sent(), once it
 * is taken. LC_EWAIT: it is over its rate until *ret_ready. */
LC_MUST_CHECK lc_err lc_porter_may_send(struct lc_porter *p, struct lc_guest *guest,
                                        uint64_t octets, struct lc_time now,
                                        struct lc_time *ret_ready);

static inline void lc_guest_sent(struct lc_guest *guest, uint64_t octets)
{
    /* Without limits there is no quota. */
    if (guest->quota.records > 0)
        guest->quota.records--;
    guest->quota.octets -= octets < guest->quota.octets ? octets : guest->quota.octets;
}

/* lc_policy_refuses_message() where this policy checks messages; else NULL. */
const char *lc_porter_refuses_message(struct lc_porter *p, struct lc_slice message);

/* Whether any of this is asked of who sends datagrams; else nobody needs to be looked for. */
bool lc_porter_looks_at_datagrams(struct lc_porter *p);
/* Whether records are counted. */
bool lc_porter_limits_flow(struct lc_porter *p);

/* Addresses that the gate remembers now. Any thread. */
size_t lc_gate_addresses(struct lc_gate *gate);

#endif
