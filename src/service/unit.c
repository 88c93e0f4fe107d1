/* SPDX-License-Identifier: Apache-2.0 */
#include "service/unit.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

/* A worker that is stuck is seen by the manager between one half of its limit and the whole. */
#define BEATS_IN_LIMIT 4

void lc_unit_init(struct lc_unit *unit, const struct lc_clock *clock)
{
    uint64_t usec = 0;

    *unit = (struct lc_unit){0};
    if (sd_watchdog_enabled(0, &usec) <= 0)
        return;
    unit->beat_ns = (int64_t)usec * 1000 / BEATS_IN_LIMIT;
    unit->next_beat = lc_monotonic(clock);
}

static const char *address_of(const struct lc_server *s, enum lc_service_id id)
{
    const char *text = lc_server_address(s, id, 0);

    return text != NULL ? text : "no address";
}

void lc_unit_ready(const struct lc_server *s)
{
    sd_notifyf(0, "READY=1\nSTATUS=Taking records on %s, answering on %s",
               address_of(s, LC_SERVICE_LOGS), address_of(s, LC_SERVICE_QUERY));
}

void lc_unit_reloading(const struct lc_server *s)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Reading the configuration again",
               lc_monotonic(s->site.clock).ns / 1000);
}

void lc_unit_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Storing and answering what has come");
}

int lc_unit_timeout(const struct lc_unit *unit, const struct lc_clock *clock)
{
    int64_t left = unit->next_beat.ns - lc_monotonic(clock).ns;

    if (unit->beat_ns == 0)
        return -1;
    return left <= 0 ? 0 : (int)(left / LC_NS_PER_MS) + 1;
}

void lc_unit_beat(struct lc_unit *unit, const struct lc_server *s)
{
    struct lc_time now = lc_monotonic(s->site.clock);
    bool all = true;

    if (unit->beat_ns == 0 || !lc_time_reached(unit->next_beat, now))
        return;
    unit->next_beat = lc_time_add_ms(now, unit->beat_ns / LC_NS_PER_MS);
    for (unsigned i = 0; i < s->site.worker_count; i++)
        all &= atomic_load_explicit(&s->runs[i]->beats, memory_order_relaxed) == unit->expected;
    if (!all)
        return;
    sd_notify(0, "WATCHDOG=1");
    unit->expected++;
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_beat(s->runs[i]);
}
