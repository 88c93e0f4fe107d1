/* SPDX-License-Identifier: Apache-2.0 */
#include "access/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define QUOTA_MS          1000 /* how long one is good for */
#define UNCOUNTED_RECORDS 1000
#define UNCOUNTED_OCTETS  (1u << 20)

struct lc_gate {
    struct lc_table *table;
    uint64_t seed;
    unsigned server_uid;
    pthread_mutex_t lock; /* of the policy's pointer */
    struct lc_policy *policy;
    atomic_uint generation; /* of the policy: who has seen another takes the new one */
};

/* Where datagrams of one sender are remembered. */
struct source {
    struct lc_peer peer;
    struct lc_guest guest;
    enum lc_verdict verdict;
    bool is_used;
};

struct lc_porter {
    struct lc_gate *gate;
    struct lc_policy *policy;
    unsigned generation;
    struct source *sources;
    size_t source_count;
};

lc_err lc_gate_new(const struct lc_gate_config *config, struct lc_policy *policy,
                   struct lc_gate **ret)
{
    struct lc_gate *g = calloc(1, sizeof *g);
    size_t entries = config->entries ? config->entries : LC_GATE_ENTRIES;
    lc_err e = -ENOMEM;

    if (g != NULL)
        e = lc_table_new(entries, config->seed, &g->table);
    if (e != LC_OK) {
        lc_policy_unref(policy);
        free(g);
        return e;
    }
    g->seed = config->seed;
    g->server_uid = config->server_uid;
    g->policy = policy;
    atomic_init(&g->generation, 1);
    pthread_mutex_init(&g->lock, NULL);
    *ret = g;
    return LC_OK;
}

void lc_gate_free(struct lc_gate *gate)
{
    if (gate == NULL)
        return;
    pthread_mutex_destroy(&gate->lock);
    lc_policy_unref(gate->policy);
    lc_table_free(gate->table);
    free(gate);
}

void lc_gate_set_policy(struct lc_gate *gate, struct lc_policy *policy)
{
    struct lc_policy *old;

    pthread_mutex_lock(&gate->lock);
    old = gate->policy;
    gate->policy = policy;
    atomic_fetch_add_explicit(&gate->generation, 1, memory_order_relaxed);
    pthread_mutex_unlock(&gate->lock);
    lc_policy_unref(old);
}

/* ---- porters ---- */

static void forget_sources(struct lc_porter *p)
{
    for (size_t i = 0; i < p->source_count; i++) {
        if (p->sources[i].is_used)
            lc_porter_leave(p, &p->sources[i].guest);
        p->sources[i].is_used = false;
    }
}

/* The policy that holds now. */
static const struct lc_policy *policy(struct lc_porter *p)
{
    struct lc_gate *g = p->gate;

    if (LC_LIKELY(atomic_load_explicit(&g->generation, memory_order_relaxed) == p->generation))
        return p->policy;
    pthread_mutex_lock(&g->lock);
    lc_policy_unref(p->policy);
    p->policy = lc_policy_ref(g->policy);
    p->generation = atomic_load_explicit(&g->generation, memory_order_relaxed);
    pthread_mutex_unlock(&g->lock);
    forget_sources(p);
    return p->policy;
}

lc_err lc_porter_new(struct lc_gate *gate, size_t sources, struct lc_porter **ret)
{
    struct lc_porter *p = calloc(1, sizeof *p);

    LC_ASSERT((sources & (sources - 1)) == 0);
    if (p != NULL && sources > 0)
        p->sources = calloc(sources, sizeof *p->sources);
    if (p == NULL || (sources > 0 && p->sources == NULL)) {
        free(p);
        return -ENOMEM;
    }
    p->gate = gate;
    p->source_count = sources;
    (void)policy(p);
    *ret = p;
    return LC_OK;
}

void lc_porter_free(struct lc_porter *p)
{
    if (p == NULL)
        return;
    forget_sources(p);
    lc_policy_unref(p->policy);
    free(p->sources);
    free(p);
}

/* ---- who comes ---- */

static bool has_login(const struct lc_gate *g, const struct lc_peer *peer)
{
    return peer->is_unix && peer->has_uid && (peer->uid == 0 || peer->uid == g->server_uid);
}

static enum lc_verdict look_at(const struct lc_gate *g, const struct lc_policy *policy,
                               const struct lc_peer *peer)
{
    if (!lc_networks_has(policy->allow, peer) || lc_networks_has(policy->deny, peer))
        return LC_REFUSED_NETWORK;
    return policy->login && !has_login(g, peer) ? LC_REFUSED_LOGIN : LC_ADMITTED;
}

/* A Unix peer has no address by which it could be counted. */
static enum lc_verdict count(struct lc_gate *g, const struct lc_policy *policy,
                             const struct lc_peer *peer, struct lc_time now, struct lc_guest *guest)
{
    if (peer->is_unix)
        return LC_ADMITTED;
    switch (lc_table_enter(g->table, &guest->key, &policy->enter, now)) {
    case LC_ENTER_OK:
        guest->is_counted = true;
        return LC_ADMITTED;
    case LC_ENTER_RATE:
        return LC_REFUSED_RATE;
    case LC_ENTER_OPEN:
    case LC_ENTER_RECENT:
        return LC_REFUSED_COUNT;
    default:
        return policy->kind == LC_POLICY_STRICT ? LC_REFUSED_FULL : LC_ADMITTED;
    }
}

enum lc_verdict lc_porter_admit(struct lc_porter *p, const struct lc_peer *peer, bool itself,
                                struct lc_time now, struct lc_guest *ret_guest)
{
    const struct lc_policy *now_holds = policy(p);
    struct lc_guest guest = {.key = lc_peer_key(peer)};
    enum lc_verdict verdict = look_at(p->gate, now_holds, peer);
    bool is_proxy = itself && lc_networks_has(now_holds->trust, peer);

    if (is_proxy && verdict == LC_REFUSED_NETWORK)
        verdict = now_holds->login ? LC_REFUSED_LOGIN : LC_ADMITTED;
    if (verdict == LC_ADMITTED && !is_proxy)
        verdict = count(p->gate, now_holds, peer, now, &guest);
    if (verdict == LC_ADMITTED)
        *ret_guest = guest;
    return verdict;
}

void lc_porter_leave(struct lc_porter *p, struct lc_guest *guest)
{
    if (guest->quota.records > 0 || guest->quota.octets > 0)
        lc_table_give_back(p->gate->table, &guest->key, &p->policy->flow, &guest->quota);
    if (guest->is_counted)
        lc_table_leave(p->gate->table, &guest->key);
    *guest = (struct lc_guest){.is_counted = false};
}

bool lc_porter_trusts(struct lc_porter *p, const struct lc_peer *peer)
{
    return lc_networks_has(policy(p)->trust, peer);
}

static void tell_rate(struct lc_rate rate, char out[LC_REASON_MAX])
{
    bool whole = rate.period_ns % LC_NS_PER_S == 0;
    int64_t unit = whole ? LC_NS_PER_S : LC_NS_PER_MS;

    snprintf(out, LC_REASON_MAX,
             "more than %" PRIu64 " new connections in %" PRId64 " %s from your address; try again "
             "a little later",
             rate.count, rate.period_ns / unit, whole ? "s" : "ms");
}

void lc_porter_reason(struct lc_porter *p, enum lc_verdict verdict, char out[LC_REASON_MAX])
{
    const struct lc_policy *now_holds = policy(p);
    const struct lc_enter_limits *l = &now_holds->enter;

    switch (verdict) {
    case LC_REFUSED_NETWORK:
        snprintf(out, LC_REASON_MAX, "your address is not allowed here");
        break;
    case LC_REFUSED_LOGIN:
        snprintf(out, LC_REASON_MAX,
                 "a login is needed, and there are no accounts yet: use query.sock in the server's "
                 "data directory, as root or as the server's user");
        break;
    case LC_REFUSED_RATE:
        tell_rate(l->rate, out);
        break;
    case LC_REFUSED_COUNT:
        if (l->recent_max > 0)
            snprintf(out, LC_REASON_MAX, "more than %u connections in 60 s from your address",
                     l->recent_max);
        else
            snprintf(out, LC_REASON_MAX,
                     "more than %" PRIu64 " connections at a time from your address", l->open_max);
        break;
    default:
        snprintf(out, LC_REASON_MAX, "too many addresses are connecting; try again a little later");
        break;
    }
}

/* ---- datagrams ---- */

static bool is_same(const struct lc_peer *a, const struct lc_peer *b)
{
    return a->is_unix == b->is_unix && a->has_uid == b->has_uid && a->uid == b->uid &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

struct lc_guest *lc_porter_source(struct lc_porter *p, const struct lc_peer *peer,
                                  enum lc_verdict *ret_verdict)
{
    const struct lc_policy *now_holds = policy(p);
    uint64_t hash = lc_hash64(lc_slice(peer->ip, sizeof peer->ip), p->gate->seed ^ peer->uid);
    struct source *s = &p->sources[hash & (p->source_count - 1)];

    if (!s->is_used || !is_same(&s->peer, peer)) {
        if (s->is_used)
            lc_porter_leave(p, &s->guest);
        *s = (struct source){.peer = *peer, .is_used = true};
        s->guest.key = lc_peer_key(peer);
        s->verdict = look_at(p->gate, now_holds, peer);
    }
    *ret_verdict = s->verdict;
    return s->verdict == LC_ADMITTED ? &s->guest : NULL;
}

/* ---- what is sent ---- */

static lc_err renew(struct lc_porter *p, struct lc_guest *guest, uint64_t octets,
                    struct lc_time now, struct lc_time *ret_ready)
{
    lc_err e;

    if (lc_time_reached(guest->until, now))
        guest->quota = (struct lc_quota){0, 0};
    e = lc_table_lease(p->gate->table, &guest->key, &p->policy->flow, octets, now, &guest->quota,
                       ret_ready);
    if (e == LC_ELIMIT && p->policy->kind == LC_POLICY_STRICT) {
        *ret_ready = lc_time_add_ms(now, QUOTA_MS);
        return LC_EWAIT;
    }
    if (e == LC_ELIMIT) /* not remembered, and so not held back; it asks again now and then */
        guest->quota = (struct lc_quota){UNCOUNTED_RECORDS, octets + UNCOUNTED_OCTETS};
    guest->until = lc_time_add_ms(now, QUOTA_MS);
    return e == LC_EWAIT ? e : LC_OK;
}

lc_err lc_porter_may_send(struct lc_porter *p, struct lc_guest *guest, uint64_t octets,
                          struct lc_time now, struct lc_time *ret_ready)
{
    if (!policy(p)->has_flow_limits)
        return LC_OK;
    if (guest->quota.records > 0 && guest->quota.octets >= octets &&
        !lc_time_reached(guest->until, now))
        return LC_OK;
    return renew(p, guest, octets, now, ret_ready);
}

const char *lc_porter_refuses_message(struct lc_porter *p, struct lc_slice message)
{
    return policy(p)->checks_messages ? lc_policy_refuses_message(message) : NULL;
}

bool lc_porter_looks_at_datagrams(struct lc_porter *p)
{
    const struct lc_policy *now_holds = policy(p);

    return !now_holds->admits_all || now_holds->has_flow_limits;
}

bool lc_porter_limits_flow(struct lc_porter *p)
{
    return policy(p)->has_flow_limits;
}

size_t lc_gate_addresses(struct lc_gate *gate)
{
    return lc_table_used(gate->table);
}
