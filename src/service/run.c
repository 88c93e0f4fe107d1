/* SPDX-License-Identifier: Apache-2.0
 *
 * service/run.c - a server from its start until a signal: what `logcaster serve` does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "service/unit.h"

struct running {
    struct lc_server *server;
    struct lc_unit unit;
    int signal_fd;
    bool again; /* SIGHUP came while a reload was under way */
};

/* A connection is a descriptor; the limit that a login shell gives is for interactive use. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A descriptor from which signals are read; threads started later have them blocked. */
static lc_err take_signals(int *ret_fd)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a limit of a file is an error of the disk, as any other */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    *ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? -errno : LC_OK;
}

/* A second SIGTERM or SIGINT drops what a stop waits for; SIGHUP shall not. */
static void ignore_reload(const struct running *r)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)!signalfd(r->signal_fd, &set, 0);
}

/* ---- reloading ---- */

/* The first line of what diag says: the excerpt of the file below it is for terminals. */
static struct lc_slice first_line(const struct lc_diag *diag)
{
    return lc_slice(diag->text, strcspn(diag->text, "\n"));
}

static void begin_reload(struct running *r)
{
    struct lc_server *s = r->server;
    const struct lc_server_config *start = &s->site.config;
    struct lc_server_config *config;
    struct lc_diag diag = {{0}, 0, 0};
    void *owner;
    lc_err e = -ENOSYS;

    if (s->reloading > 0) {
        r->again = true;
        return;
    }
    r->again = false;
    lc_unit_reloading(s);
    config = malloc(sizeof *config);
    if (config != NULL && start->reread != NULL)
        e = start->reread(start->reread_arg, config, &owner, &diag);
    if (e == LC_OK) {
        lc_server_reload(s, config, owner);
    } else {
        /* as it was: it runs on */
        lc_log(s->site.log, LC_LEVEL_ERROR, "config.refused",
               LC_LOG_SLICE("why", first_line(&diag)));
        lc_unit_ready(s);
    }
    free(config);
}

static void end_reload(struct running *r)
{
    if (!lc_server_reloaded(r->server))
        return;
    lc_unit_ready(r->server);
    if (r->again)
        begin_reload(r);
}

/* ---- until a signal ---- */

/* False: it was one that ends us. */
static bool take_signal(struct running *r)
{
    struct signalfd_siginfo info;

    if (read(r->signal_fd, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo == SIGHUP) {
        begin_reload(r);
        return true;
    }
    lc_log(r->server->site.log, LC_LEVEL_INFO, "server.stopping",
           LC_LOG_TEXT("signal", strsignal((int)info.ssi_signo)));
    return false;
}

/* Until a signal, which is told, or until a worker has failed. */
static lc_err serve(struct running *r)
{
    struct pollfd fds[] = {{.fd = r->signal_fd, .events = POLLIN},
                           {.fd = r->server->ended_fd, .events = POLLIN},
                           {.fd = r->server->reloaded_fd, .events = POLLIN}};
    const struct lc_clock *clock = r->server->site.clock;

    for (;;) {
        int n = poll(fds, LC_ARRAY_LEN(fds), lc_unit_timeout(&r->unit, clock));

        if (n < 0 && errno != EINTR)
            return -errno;
        lc_unit_beat(&r->unit, r->server);
        if (n <= 0)
            continue;
        if (fds[1].revents != 0)
            return -EIO;
        if (fds[2].revents != 0)
            end_reload(r);
        if (fds[0].revents != 0 && !take_signal(r))
            return LC_OK;
    }
}

/* Why a worker ended by itself; LC_OK: none did. */
static lc_err worker_error(const struct lc_server *s)
{
    for (unsigned i = 0; i < s->site.worker_count; i++) {
        if (s->runs[i]->err != LC_OK)
            return s->runs[i]->err;
    }
    return LC_OK;
}

static lc_err run_started(struct running *r, struct lc_diag *diag)
{
    struct lc_server *s = r->server;
    lc_err e;

    lc_unit_init(&r->unit, s->site.clock);
    lc_unit_ready(s);
    e = serve(r);
    lc_unit_stopping();
    ignore_reload(r);
    lc_server_drain(s);
    lc_server_finish(s, r->signal_fd);
    if (e != LC_OK) {
        e = worker_error(s);
        lc_diag_set(diag, "a worker failed: %s", lc_strerror(e));
    }
    lc_log(s->site.log, LC_LEVEL_INFO, "server.stopped",
           LC_LOG_U64("uptime_s", (uint64_t)((lc_monotonic(s->site.clock).ns - s->site.started.ns) /
                                             LC_NS_PER_S)));
    lc_server_free(s);
    return e;
}

lc_err lc_server_run(const struct lc_server_config *config, struct lc_diag *diag)
{
    struct running r = {.signal_fd = -1};
    lc_err e = take_signals(&r.signal_fd);

    if (e != LC_OK) {
        lc_diag_set(diag, "signals: %s", lc_strerror(e));
        return e;
    }
    raise_descriptor_limit();
    e = lc_server_start(config, &r.server, diag);
    if (e == LC_OK)
        e = run_started(&r, diag);
    close(r.signal_fd);
    return e;
}
