/* SPDX-License-Identifier: Apache-2.0 */
#include "access/policy.h"

#include <errno.h>
#include <stdlib.h>

#define STRICT_RECENT      10 /* connections by address in LC_TABLE_RECENT_NS */
#define STRICT_MESSAGE_MAX 1024

static lc_err read_networks(struct lc_policy *p, const struct lc_policy_config *c,
                            const struct lc_policy_row *row, struct lc_diag *diag)
{
    const char *fallback =
        c->kind == LC_POLICY_STRICT && row->strict_allow != NULL ? row->strict_allow : "any";
    lc_err e = c->allow.count > 0
                   ? lc_networks_parse(c->allow.texts, c->allow.count, &p->allow, diag)
                   : lc_networks_parse(&fallback, 1, &p->allow, diag);

    if (e == LC_OK)
        e = lc_networks_parse(c->deny.texts, c->deny.count, &p->deny, diag);
    if (e == LC_OK)
        e = lc_networks_parse(c->trust.texts, c->trust.count, &p->trust, diag);
    return e;
}

lc_err lc_policy_new(const struct lc_policy_config *config, const struct lc_policy_row *row,
                     struct lc_policy **ret, struct lc_diag *diag)
{
    struct lc_policy *p = calloc(1, sizeof *p);
    bool strict = config->kind == LC_POLICY_STRICT;
    lc_err e;

    if (p == NULL)
        return -ENOMEM;
    atomic_init(&p->refs, 1);
    p->kind = config->kind;
    p->login = strict && row->strict_login;
    p->enter = (struct lc_enter_limits){
        .rate = config->connections_rate,
        .open_max = config->connections_max,
        .recent_max = strict ? STRICT_RECENT : 0,
    };
    if (p->enter.rate.period_ns == 0)
        p->enter.rate = (struct lc_rate){row->connections_per_s, LC_NS_PER_S};
    p->flow = (struct lc_flow_limits){config->records_rate, config->octets_rate};
    p->has_flow_limits = p->flow.records.count > 0 || p->flow.octets.count > 0;
    p->checks_messages = strict;
    e = read_networks(p, config, row, diag);
    if (e != LC_OK) {
        lc_policy_unref(p);
        return e;
    }
    p->admits_all = lc_networks_is_any(p->allow) && lc_networks_is_empty(p->deny) && !p->login;
    *ret = p;
    return LC_OK;
}

struct lc_policy *lc_policy_ref(struct lc_policy *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void lc_policy_unref(struct lc_policy *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
        return;
    lc_networks_free(p->allow);
    lc_networks_free(p->deny);
    lc_networks_free(p->trust);
    free(p);
}

/* C0, DEL, and C1 as UTF-8 writes it (C2 80 to C2 9F), which terminals obey as well. */
static bool is_control(struct lc_slice m, size_t i)
{
    uint8_t c = m.p[i];

    if (c < 0x20 || c == 0x7f)
        return c != '\t';
    return c == 0xc2 && i + 1 < m.n && m.p[i + 1] >= 0x80 && m.p[i + 1] <= 0x9f;
}

const char *lc_policy_refuses_message(struct lc_slice message)
{
    if (message.n == 0)
        return "the message is empty";
    if (message.n > STRICT_MESSAGE_MAX)
        return "the message is longer than 1024 octets";
    for (size_t i = 0; i < message.n; i++) {
        if (is_control(message, i))
            return "the message has a control character";
    }
    return NULL;
}
