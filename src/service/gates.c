/* SPDX-License-Identifier: Apache-2.0 */
#include "service/gates.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"

#define SOURCES    1024 /* of datagrams, remembered by each worker for each service */
#define UNREAD_MAX 8192 /* on the stack */

static const char *const names[] = {
#define SERVICE_NAME(id, name, help) #name,
    LC_SERVICES(SERVICE_NAME)
#undef SERVICE_NAME
};

/* ---- policies ---- */

static struct lc_policy_list list(const struct lc_list *l)
{
    return (struct lc_policy_list){l->items, l->count};
}

/* LC_OK with NULL: the service has no doors. */
static lc_err new_policy(const struct lc_server_config *config, size_t id, struct lc_policy **ret,
                         struct lc_diag *diag)
{
    const struct lc_service_config *c = &config->service[id];
    const struct lc_policy_config policy = {
        .kind = (enum lc_policy_kind)c->policy,
        .allow = list(&c->allow),
        .deny = list(&c->deny),
        .trust = list(&c->trust_proxy),
        .connections_rate = c->connections_rate,
        .connections_max = c->connections_max,
        .records_rate = c->records_rate,
        .octets_rate = c->octets_rate,
    };
    struct lc_diag why = {.column = 0};
    lc_err e = LC_OK;

    *ret = NULL;
    if (lc_services[id]->addresses != NULL)
        e = lc_policy_new(&policy, &lc_services[id]->access, ret, &why);
    if (e != LC_OK)
        lc_diag_set(diag, "who may come to %s: %s", names[id],
                    why.text[0] != 0 ? why.text : lc_strerror(e));
    return e;
}

lc_err lc_gates_open(struct lc_site *site, struct lc_diag *diag)
{
    lc_err e = LC_OK;

    for (size_t id = 0; e == LC_OK && id < LC_SERVICE_COUNT; id++) {
        struct lc_gate_config config = {.server_uid = geteuid()};
        struct lc_policy *policy;

        site->clock->random(site->clock->state, &config.seed, sizeof config.seed);
        e = new_policy(&site->config, id, &policy, diag);
        if (e == LC_OK && policy != NULL)
            e = lc_gate_new(&config, policy, &site->gates[id]);
    }
    return e;
}

lc_err lc_gates_reload(struct lc_site *site, const struct lc_server_config *config,
                       struct lc_diag *diag)
{
    struct lc_policy *policies[LC_SERVICE_COUNT] = {NULL};
    lc_err e = LC_OK;

    for (size_t id = 0; e == LC_OK && id < LC_SERVICE_COUNT; id++)
        e = new_policy(config, id, &policies[id], diag);
    for (size_t id = 0; id < LC_SERVICE_COUNT; id++) {
        if (e == LC_OK && policies[id] != NULL)
            lc_gate_set_policy(site->gates[id], policies[id]);
        else
            lc_policy_unref(policies[id]);
    }
    return e;
}

void lc_gates_close(struct lc_site *site)
{
    for (size_t id = 0; id < LC_SERVICE_COUNT; id++)
        lc_gate_free(site->gates[id]);
}

lc_err lc_gates_man(struct lc_worker *w)
{
    lc_err e = LC_OK;

    for (size_t id = 0; e == LC_OK && id < LC_SERVICE_COUNT; id++) {
        if (w->site->gates[id] != NULL)
            e = lc_porter_new(w->site->gates[id], lc_services[id]->datagrams != NULL ? SOURCES : 0,
                              &w->porters[id]);
    }
    return e;
}

void lc_gates_leave(struct lc_worker *w)
{
    for (size_t id = 0; id < LC_SERVICE_COUNT; id++)
        lc_porter_free(w->porters[id]);
}

/* ---- who comes ---- */

static struct lc_peer peer_of(int fd, const struct lc_addr *addr)
{
    struct lc_peer p = lc_peer_of((const struct sockaddr *)&addr->sa);

    if (addr->transport == LC_UNIX_STREAM && fd >= 0)
        p.has_uid = lc_accepted_uid(fd, &p.uid);
    return p;
}

void lc_gates_refused(struct lc_worker *w, enum lc_service_id id, enum lc_verdict verdict,
                      struct lc_slice source)
{
    static const char *const why[] = {
#define WHY(name, figure, help) [LC_REFUSED_##name] = #figure,
        LC_VERDICTS(WHY)
#undef WHY
    };

    lc_count(&w->counters.verdicts[verdict], 1);
    lc_log(w->site->log, LC_LEVEL_WARN, "access.refused", LC_LOG_TEXT("service", names[id]),
           LC_LOG_SLICE("source", source), LC_LOG_TEXT("why", why[verdict]));
}

/* One line, where lines are spoken, without waiting. Then it is closed at once: what the peer has
 * sent already is read, since closing with octets unread would reset the connection, and take the
 * line with it. */
static void turn_away(struct lc_worker *w, enum lc_service_id id, int fd, enum lc_verdict verdict)
{
    char why[LC_REASON_MAX], line[LC_REASON_MAX + 16], unread[UNREAD_MAX];

    if (lc_services[id]->refusal != NULL) {
        lc_porter_reason(w->porters[id], verdict, why);

        int n = snprintf(line, sizeof line, "%s%s\n", lc_services[id]->refusal, why);

        if (send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n &&
            shutdown(fd, SHUT_WR) == 0)
            (void)!recv(fd, unread, sizeof unread, MSG_DONTWAIT);
    }
    close(fd);
}

static void tell_source(const struct lc_peer *peer, const struct lc_addr *addr,
                        char out[LC_ADDR_TEXT_MAX])
{
    if (peer->is_unix && peer->has_uid)
        snprintf(out, LC_ADDR_TEXT_MAX, "unix:%u", peer->uid);
    else
        lc_addr_format(addr, out);
}

void lc_gates_accept(struct lc_worker *w, enum lc_service_id id, void *state, int fd,
                     const struct lc_addr *addr)
{
    struct lc_peer peer = peer_of(fd, addr);
    struct lc_guest guest;
    char source[LC_ADDR_TEXT_MAX];
    enum lc_verdict verdict =
        lc_porter_admit(w->porters[id], &peer, true, lc_loop_now(w->loop), &guest);

    if (verdict == LC_ADMITTED) {
        lc_services[id]->accept(state, fd, addr, &guest);
        return;
    }
    tell_source(&peer, addr, source);
    lc_gates_refused(w, id, verdict, lc_slice_cstr(source));
    turn_away(w, id, fd, verdict);
}

bool lc_gates_trust(struct lc_worker *w, enum lc_service_id id, const struct lc_addr *addr)
{
    struct lc_peer peer = peer_of(-1, addr);

    return lc_porter_trusts(w->porters[id], &peer);
}

bool lc_gates_proxied(struct lc_worker *w, enum lc_service_id id, const struct lc_addr *client,
                      struct lc_guest *guest)
{
    struct lc_peer peer = peer_of(-1, client);
    struct lc_guest next;
    char source[LC_ADDR_TEXT_MAX];
    enum lc_verdict verdict =
        lc_porter_admit(w->porters[id], &peer, false, lc_loop_now(w->loop), &next);

    if (verdict != LC_ADMITTED) {
        tell_source(&peer, client, source);
        lc_gates_refused(w, id, verdict, lc_slice_cstr(source));
        return false;
    }
    lc_porter_leave(w->porters[id], guest);
    *guest = next;
    return true;
}
