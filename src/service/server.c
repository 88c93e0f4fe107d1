/* SPDX-License-Identifier: Apache-2.0 */
#include "service/server.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conn/session.h"
#include "service/greeting.h"
#include "service/server_impl.h"

#define STOP_MS 5000 /* for clients to take their last answers */

const struct lc_service *const lc_services[LC_SERVICE_COUNT] = {
    [LC_SERVICE_LOGS] = &lc_service_collect,    [LC_SERVICE_QUERY] = &lc_service_ask,
    [LC_SERVICE_GATHER] = &lc_service_gather,   [LC_SERVICE_RELAY] = &lc_service_relay,
    [LC_SERVICE_FORWARD] = &lc_service_forward, [LC_SERVICE_GELF] = &lc_service_gelf,
};

/* ---- start ---- */

static unsigned cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return n > LC_WORKERS_MAX ? LC_WORKERS_MAX : (unsigned)n;
}

void lc_server_resolve(struct lc_server_config *c)
{
    if (c->workers == 0)
        c->workers = cpus();
    if (c->workers > LC_WORKERS_MAX)
        c->workers = LC_WORKERS_MAX;
    if (c->query_threads == 0)
        c->query_threads = 2;
    if (c->line_max == 0)
        c->line_max = 64 << 10;
    if (c->line_max > LC_SESSION_LINE_MAX)
        c->line_max = LC_SESSION_LINE_MAX;
}

static void tell_report(struct lc_log *log, const struct lc_store_report *r)
{
    lc_log(log, LC_LEVEL_INFO, "store.opened", LC_LOG_U64("segments", r->segments),
           LC_LOG_U64("segment_records", r->segment_records),
           LC_LOG_U64("segment_octets", r->segment_octets), LC_LOG_U64("wal_files", r->wal_files),
           LC_LOG_U64("wal_records", r->wal_records), LC_LOG_U64("torn_octets", r->torn_octets),
           LC_LOG_U64("orphans_removed", r->orphans_removed));
    if (r->damaged_places > 0 || r->lost_records > 0)
        lc_log(log, LC_LEVEL_ERROR, "store.damaged", LC_LOG_U64("places", r->damaged_places),
               LC_LOG_U64("octets", r->damaged_octets), LC_LOG_U64("records", r->lost_records),
               LC_LOG_TEXT("first", r->damage));
}

static lc_err open_store(struct lc_server *s, struct lc_diag *diag)
{
    const struct lc_server_config *c = &s->site.config;
    const struct lc_store_config config = {
        .dir = c->data_dir,
        .clock = s->site.clock,
        .writers = (unsigned)c->workers,
        .memory = c->memory,
        .retain_octets = c->retain_octets,
        .retain_ns = c->retain_ns,
        .spool_octets = c->spool_octets,
        .ack_written = c->ack == LC_ACK_WRITTEN,
        .threads = true,
    };
    struct lc_store_report report = {0};
    lc_err e = lc_store_open(&config, &s->site.store, &report, diag);

    if (e == LC_OK)
        tell_report(s->site.log, &report);
    return e;
}

static lc_err make_workers(struct lc_server *s, struct lc_diag *diag)
{
    lc_err e = LC_OK;

    for (unsigned i = 0; e == LC_OK && i < s->site.config.workers; i++) {
        e = lc_worker_run_new(&s->site, i, s->ended_fd, &s->runs[i], diag);
        if (e == LC_OK)
            s->workers[s->site.worker_count++] = &s->runs[i]->worker;
    }
    return e;
}

static lc_err start_services(struct lc_server *s)
{
    lc_err e = LC_OK;

    for (size_t i = 0; e == LC_OK && i < LC_SERVICE_COUNT; i++) {
        if (lc_services[i]->start != NULL)
            e = lc_services[i]->start(&s->site, &s->shared[i]);
    }
    for (unsigned i = 0; e == LC_OK && i < s->site.worker_count; i++)
        e = lc_worker_run_open(s->runs[i], s->shared, &s->doors);
    for (unsigned i = 0; e == LC_OK && i < s->site.worker_count; i++) {
        e = lc_worker_run_start(s->runs[i]);
        if (e == LC_OK)
            s->started++;
    }
    return e;
}

static lc_err open_log(struct lc_server *s)
{
    const struct lc_log_config config = {
        .clock = s->site.clock,
        .level = (enum lc_level)s->site.config.log_level,
        .fd = s->site.config.log_fd,
        .colour = s->site.config.log_colour,
        .format = (enum lc_log_format)s->site.config.log_format,
    };

    return lc_log_open(&config, &s->site.log);
}

static void tell_doors(struct lc_server *s)
{
    for (size_t i = 0; i < LC_SERVICE_COUNT; i++) {
        for (size_t n = 0; n < s->doors.count[i]; n++) {
            const struct lc_door *d = s->doors.door[i][n];
            struct lc_log_site each = {0}; /* every one is told */
            const struct lc_log_field fields[] = {
                LC_LOG_TEXT("service", lc_service_name((enum lc_service_id)i)),
                LC_LOG_TEXT("address", d->text)};

            if (d->is_passed)
                lc_log_tell(&each, s->site.log, LC_LEVEL_INFO, "server.socket_from_manager", fields,
                            LC_ARRAY_LEN(fields));
        }
    }
}

static void say_ready(struct lc_server *s)
{
    const struct lc_server_config *c = &s->site.config;
    struct lc_dynbuf text;

    lc_log(s->site.log, LC_LEVEL_INFO, "server.started", LC_LOG_TEXT("version", LC_VERSION),
           LC_LOG_U64("workers", s->site.worker_count),
           LC_LOG_TEXT("io", lc_loop_backend(s->workers[0]->loop)),
           LC_LOG_TEXT("data", c->data_dir));
    tell_doors(s);
    for (size_t i = 0; i < s->doors.count[LC_SERVICE_QUERY]; i++) {
        const struct lc_door *d = s->doors.door[LC_SERVICE_QUERY][i];

        if (!lc_addr_is_local(&d->addr))
            lc_log(s->site.log, LC_LEVEL_WARN, "server.open_to_all", LC_LOG_TEXT("query", d->text));
    }
    if (c->ready == NULL)
        return;
    lc_dynbuf_init(&text, 16 << 10);
    if (lc_greeting(c, &s->doors, &text) == LC_OK &&
        lc_dynbuf_append(&text, lc_slice("", 1)) == LC_OK)
        c->ready(c->ready_arg, (const char *)text.p);
    lc_dynbuf_done(&text);
}

/* Less than was asked is a warning; otherwise it is only good to know. */
static void tell_difference(void *arg, const struct lc_door *door,
                            const struct lc_sockopt_difference *d)
{
    struct lc_server *s = arg;

    lc_log(s->site.log, d->less ? LC_LEVEL_WARN : LC_LEVEL_INFO, "socket.option",
           LC_LOG_TEXT("address", door->text), LC_LOG_TEXT("option", d->option->name),
           LC_LOG_TEXT("asked", d->asked), LC_LOG_TEXT("got", d->got), LC_LOG_TEXT("why", d->why));
}

static lc_err start(struct lc_server *s, struct lc_diag *diag)
{
    lc_err e = open_log(s);

    if (e == LC_OK)
        e = lc_gates_open(&s->site, diag);
    if (e == LC_OK)
        e = open_store(s, diag);
    if (e == LC_OK)
        e = make_workers(s, diag);
    if (e == LC_OK)
        e = lc_doors_open(&s->site.config, &s->doors, diag);
    if (e != LC_OK)
        return e;
    lc_doors_differences(&s->doors, tell_difference, s);
    lc_greeting_elsewhere(&s->doors, s->site.elsewhere);
    s->site.started = lc_monotonic(s->site.clock);
    return start_services(s);
}

lc_err lc_server_start(const struct lc_server_config *config, struct lc_server **ret,
                       struct lc_diag *diag)
{
    struct lc_server *s = calloc(1, sizeof *s);
    lc_err e = -ENOMEM;

    if (diag != NULL)
        diag->text[0] = 0;
    if (s != NULL) {
        s->doors.dir_fd = -1;
        s->given = *config;
        s->site.config = *config;
        lc_server_resolve(&s->site.config);
        s->site.clock = &lc_clock_system;
        s->site.workers = s->workers;
        s->site.doors = &s->doors;
        s->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        s->reloaded_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        e = s->ended_fd < 0 || s->reloaded_fd < 0 ? -errno : start(s, diag);
    }
    if (e != LC_OK) {
        if (diag != NULL && diag->text[0] == 0)
            lc_diag_set(diag, "cannot start: %s", lc_strerror(e));
        if (s != NULL)
            lc_server_stop(s, true);
        lc_server_free(s);
        return e;
    }
    say_ready(s);
    *ret = s;
    return LC_OK;
}

const char *lc_server_address(const struct lc_server *server, enum lc_service_id service, size_t n)
{
    return n < server->doors.count[service] ? server->doors.door[service][n]->text : NULL;
}

/* ---- stop ---- */

void lc_server_drain(struct lc_server *s)
{
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_drain(s->runs[i]);
}

/* Waits until all workers have ended, `deadline`, or until other_fd (-1: none) can be read. True:
 * all have ended. */
static bool wait_ended(struct lc_server *s, struct lc_time deadline, int other_fd)
{
    while (s->started > 0) {
        struct pollfd fds[] = {{.fd = s->ended_fd, .events = POLLIN},
                               {.fd = other_fd, .events = POLLIN}};
        int64_t left = deadline.ns - lc_monotonic(s->site.clock).ns;
        int ms = left <= 0 ? 0 : (int)(left / LC_NS_PER_MS) + 1;
        int n = poll(fds, 2, deadline.ns == LC_TIME_NEVER.ns ? -1 : ms);
        eventfd_t ended;

        if (n < 0 && errno != EINTR)
            return false;
        if (n >= 0 && fds[1].revents != 0)
            return false;
        if (n > 0 && eventfd_read(s->ended_fd, &ended) == 0)
            s->started -= (unsigned)ended;
        if (n == 0 && ms == 0)
            return false;
    }
    return true;
}

static void end_stop(struct lc_server *s)
{
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_drop(s->runs[i]);
    wait_ended(s, LC_TIME_NEVER, -1);
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_join(s->runs[i]);
}

static struct lc_time stop_deadline(const struct lc_server *s)
{
    return lc_time_add_ms(lc_monotonic(s->site.clock), STOP_MS);
}

void lc_server_finish(struct lc_server *s, int other_fd)
{
    (void)!wait_ended(s, stop_deadline(s), other_fd);
    end_stop(s);
}

void lc_server_stop(struct lc_server *server, bool now)
{
    lc_server_drain(server);
    if (!now)
        wait_ended(server, stop_deadline(server), -1);
    end_stop(server);
}

void lc_server_free(struct lc_server *server)
{
    struct lc_server *s = server;

    if (s == NULL)
        return;
    /* The threads of the store and of the services post to the loops as long as they run, and the
     * log is told things until the end. */
    lc_doors_close(&s->doors);
    if (s->site.store != NULL)
        lc_store_close(s->site.store);
    for (size_t i = 0; i < LC_SERVICE_COUNT; i++) {
        if (lc_services[i]->stop != NULL)
            lc_services[i]->stop(s->shared[i]);
    }
    for (unsigned i = 0; i < s->site.worker_count; i++)
        lc_worker_run_free(s->runs[i]);
    lc_gates_close(&s->site);
    lc_log_close(s->site.log);
    lc_server_drop_generations(s);
    if (s->ended_fd >= 0)
        close(s->ended_fd);
    if (s->reloaded_fd >= 0)
        close(s->reloaded_fd);
    free(s);
}
