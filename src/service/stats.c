/* SPDX-License-Identifier: Apache-2.0 */
#include "service/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "service/service.h"

struct row {
    const char *name;
    size_t at; /* of a lc_counter, in struct lc_counters */
};

static const struct row rows[] = {
#define SERVICE_ROW(name, help) {#name, offsetof(struct lc_counters, name)},
    LC_SERVICE_COUNTERS(SERVICE_ROW)
#undef SERVICE_ROW
#define VERDICT_ROW(name, figure, help)                                                            \
    {#figure, offsetof(struct lc_counters, verdicts[LC_REFUSED_##name])},
        LC_VERDICTS(VERDICT_ROW)
#undef VERDICT_ROW
#define CONN_ROW(name, help) {#name, offsetof(struct lc_counters, conn.name)},
            LC_CONN_COUNTERS(CONN_ROW)
#define ARRIVAL_ROW(id, name, help) CONN_ROW(name, help)
                LC_ARRIVALS(ARRIVAL_ROW)
#undef ARRIVAL_ROW
#undef CONN_ROW
};

/* Of struct lc_store_stats, by the same names. */
#define STORE_ROWS(X)                                                                              \
    X(appended)                                                                                    \
    X(committed)                                                                                   \
    X(refused)                                                                                     \
    X(groups)                                                                                      \
    X(synced_octets)                                                                               \
    X(sealed)                                                                                      \
    X(merged)                                                                                      \
    X(retired)                                                                                     \
    X(segments)                                                                                    \
    X(segment_octets)                                                                              \
    X(records)                                                                                     \
    X(active_octets)                                                                               \
    X(write_errors)                                                                                \
    X(sync_errors)

struct listing {
    lc_err (*each)(void *arg, const char *name, const char *value);
    void *arg;
    lc_err err;
};

static void tell(struct listing *l, const char *name, const char *value)
{
    if (l->err == LC_OK)
        l->err = l->each(l->arg, name, value);
}

static void tell_u64(struct listing *l, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    tell(l, name, text);
}

static uint64_t sum(const struct lc_site *site, size_t at)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < site->worker_count; i++) {
        const char *counters = (const char *)&site->workers[i]->counters;

        total += lc_counted((const lc_counter *)(const void *)(counters + at));
    }
    return total;
}

static void tell_loops(struct listing *l, const struct lc_site *site)
{
    struct lc_loop_stats all = {0};

    for (unsigned i = 0; i < site->worker_count; i++) {
        struct lc_loop_stats one = lc_loop_stats(site->workers[i]->loop);

        all.open += one.open;
        all.received_octets += one.received_octets;
        all.sent_octets += one.sent_octets;
        all.refused += one.refused;
        all.accept_paused += one.accept_paused;
    }
    tell_u64(l, "connections", all.open);
    tell_u64(l, "connections_refused", all.refused);
    tell_u64(l, "accept_paused", all.accept_paused);
    tell_u64(l, "received_octets", all.received_octets);
    tell_u64(l, "sent_octets", all.sent_octets);
}

static uint64_t addresses(const struct lc_site *site)
{
    uint64_t total = 0;

    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (site->gates[s] != NULL)
            total += lc_gate_addresses(site->gates[s]);
    }
    return total;
}

static void tell_relay(struct listing *l, const struct lc_site *site)
{
    int target = atomic_load_explicit(&site->relay_target, memory_order_relaxed);

    tell_u64(l, "relay_behind", atomic_load_explicit(&site->relay_behind, memory_order_relaxed));
    tell(l, "relay_target", target == 0 ? "none" : site->config.relay.to.items[target - 1]);
}

lc_err lc_stats_each(const struct lc_site *site,
                     lc_err (*each)(void *arg, const char *name, const char *value), void *arg)
{
    struct listing l = {each, arg, LC_OK};
    struct lc_store_stats store = lc_store_stats(site->store);
    int64_t up_ns = lc_monotonic(site->clock).ns - site->started.ns;

    tell(&l, "version", LC_VERSION);
    tell_u64(&l, "uptime_s", (uint64_t)(up_ns / LC_NS_PER_S));
    tell_u64(&l, "workers", site->worker_count);
    tell(&l, "io", lc_loop_backend(site->workers[0]->loop));
    tell_loops(&l, site);
    for (size_t i = 0; i < LC_ARRAY_LEN(rows); i++)
        tell_u64(&l, rows[i].name, sum(site, rows[i].at));
    tell_u64(&l, "addresses", addresses(site));
    tell_relay(&l, site);
#define TELL_STORE(name) tell_u64(&l, "store_" #name, store.name);
    STORE_ROWS(TELL_STORE)
#undef TELL_STORE
    return l.err;
}

static lc_err append_pair(void *arg, const char *name, const char *value)
{
    return lc_dynbuf_printf(arg, "|%s=%s", name, value);
}

lc_err lc_stats_line(const struct lc_site *site, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_append(out, LC_LIT("STATS"));

    if (e == LC_OK)
        e = lc_stats_each(site, append_pair, out);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\n")) : e;
}
