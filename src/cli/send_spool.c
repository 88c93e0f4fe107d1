/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/send_spool.c - logcaster send over a spool: a server in this process without doors, whose
 * inputs are service/gather and whose only way out is service/relay; its store is the spool.
 *
 * ENDS    Inputs that end (files, standard input, --exec --exec-once): when a server has
 *         acknowledged all, or the wait for one is over. Others: on SIGINT or SIGTERM.
 * THREAD  The main thread waits; gather and relay tell it by an eventfd.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/send.h"
#include "cli/term.h"

#define WORKERS     1
#define MEMORY      (UINT64_C(64) << 20)
#define DIR_MAX     4000
#define PATH_CAP    (DIR_MAX + 64) /* and what is in it */
#define NAME        "send"
#define EXIT_LEFT   3 /* safe in the spool, not yet sent */
#define PROGRESS_MS 200

struct spooling {
    const struct lc_send_options *options;
    char dir[PATH_CAP];
    bool ends; /* all inputs do */
    bool shows_progress;
    int signal_fd, news_fd;
    struct lc_time answered; /* when a server was there last */

    pthread_mutex_t lock; /* of what follows */
    char target[256], trouble[256];
    struct lc_relay_progress progress; /* its texts are those above */
    unsigned told;                     /* times that it was, since the inputs have ended */
    bool is_read;                      /* all of the inputs is in the spool */
    int exit_code;                     /* of a program that was an input */
};

/* ---- where ---- */

bool lc_send_needs_spool(const struct lc_send_options *o)
{
    const struct lc_gather_config *g = &o->gather;
    return o->spool != NULL || g->follow.count > 0 || g->exec.count > 0 || g->journald ||
           g->journald_path != NULL;
}

static lc_err make_parents(const char *dir, struct lc_diag *diag)
{
    char path[PATH_CAP];
    snprintf(path, sizeof path, "%s", dir);
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            lc_diag_set(diag, "%s: %s; say with --spool where to keep what is not yet sent", path,
                        lc_strerror(-errno));
            return -errno;
        }
        *p = '/';
    }
    return LC_OK;
}

/* systemd says where; root and others have their usual places. */
static lc_err choose_dir(struct spooling *s, struct lc_diag *diag)
{
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n;
    if (s->options->spool != NULL)
        n = snprintf(s->dir, DIR_MAX, "%s", s->options->spool);
    else if (state != NULL && state[0] != 0)
        n = snprintf(s->dir, DIR_MAX, "%.*s", (int)strcspn(state, ":"), state);
    else if (geteuid() == 0)
        n = snprintf(s->dir, DIR_MAX, "/var/lib/logcaster-send");
    else if (xdg != NULL && xdg[0] == '/')
        n = snprintf(s->dir, DIR_MAX, "%s/logcaster/send", xdg);
    else if (home != NULL && home[0] == '/')
        n = snprintf(s->dir, DIR_MAX, "%s/.local/state/logcaster/send", home);
    else
        n = DIR_MAX;
    if (n > 0 && n < DIR_MAX)
        return make_parents(s->dir, diag);
    lc_diag_set(diag, "say with --spool where to keep what is not yet sent");
    return LC_ELIMIT;
}

/* ---- what the threads tell ---- */

static void on_progress(void *arg, const struct lc_relay_progress *p)
{
    struct spooling *s = arg;
    pthread_mutex_lock(&s->lock);
    s->progress = *p;
    snprintf(s->target, sizeof s->target, "%s", p->target == NULL ? "" : p->target);
    snprintf(s->trouble, sizeof s->trouble, "%s", p->trouble);
    s->told += s->is_read;
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->news_fd, 1);
}

static void on_read(void *arg, int exit_code)
{
    struct spooling *s = arg;
    pthread_mutex_lock(&s->lock);
    s->is_read = true;
    s->exit_code = exit_code;
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->news_fd, 1);
}

/* ---- on the terminal ---- */

static void show_progress(const struct spooling *s, bool last)
{
    const struct lc_relay_progress *p = &s->progress;
    if (!s->shows_progress)
        return;
    fprintf(stderr, "\r\033[K%" PRIu64 " read, %" PRIu64 " acknowledged, %" PRIu64 " to go, %s%s",
            p->stored, p->acknowledged, p->behind,
            s->target[0] != 0 ? s->target : "no server answers", last ? "\n" : "");
    fflush(stderr);
}

/* ---- the end ---- */

static int end_with(const struct spooling *s, int code, const char *why)
{
    if (s->progress.behind == 0 && s->progress.is_saved && s->is_read)
        return code;
    fprintf(stderr,
            "logcaster: %s; %" PRIu64 " records wait in %s, and go out when send runs with this "
            "spool again%s%s\n",
            why, s->progress.behind, s->dir, s->trouble[0] != 0 ? ": " : "", s->trouble);
    return code;
}

/* Two reports, so that the second one saw the store after the inputs had ended. */
static bool is_done(const struct spooling *s)
{
    return s->is_read && s->told >= 2 && s->progress.behind == 0 && s->progress.is_saved;
}

static bool has_waited(struct spooling *s)
{
    struct lc_time now = lc_monotonic(&lc_clock_system);
    if (s->target[0] != 0)
        s->answered = now;
    return s->options->wait_ns != 0 && s->ends && now.ns - s->answered.ns >= s->options->wait_ns;
}

/* -1: it goes on. */
static int look(struct spooling *s)
{
    int code = -1;
    pthread_mutex_lock(&s->lock);
    show_progress(s, false);
    if (s->ends && is_done(s)) {
        code = s->exit_code;
    } else if (has_waited(s)) {
        show_progress(s, true);
        s->shows_progress = false;
        code = s->is_read ? EXIT_LEFT : LC_EXIT_ERROR;
        end_with(s, code,
                 s->is_read ? "no server answers" : "no server answers, and not all is read");
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

static int on_signal(struct spooling *s)
{
    struct signalfd_siginfo info;
    if (read(s->signal_fd, &info, sizeof info) != sizeof info)
        return -1;
    pthread_mutex_lock(&s->lock);
    show_progress(s, true);
    s->shows_progress = false;
    int code = s->ends ? EXIT_LEFT : LC_EXIT_FOUND;
    if (s->ends || s->progress.behind > 0)
        end_with(s, code, s->ends && !s->is_read ? "stopped, and not all is read" : "stopped");
    if (s->ends && !s->is_read)
        code = LC_EXIT_ERROR;
    pthread_mutex_unlock(&s->lock);
    return code;
}

static int wait_for_end(struct spooling *s)
{
    int code = -1;
    s->answered = lc_monotonic(&lc_clock_system);
    while (code < 0) {
        struct pollfd p[] = {{.fd = s->signal_fd, .events = POLLIN},
                             {.fd = s->news_fd, .events = POLLIN}};
        eventfd_t news;
        if (poll(p, LC_ARRAY_LEN(p), PROGRESS_MS) < 0 && errno != EINTR)
            return LC_EXIT_ERROR;
        if (p[1].revents != 0)
            (void)!eventfd_read(s->news_fd, &news);
        code = p[0].revents != 0 ? on_signal(s) : look(s);
    }
    if (s->shows_progress)
        show_progress(s, true);
    return code;
}

/* ---- the server ---- */

static lc_err check_files(int count, char **names, struct lc_diag *diag)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], "-") == 0 || access(names[i], R_OK) == 0)
            continue;
        lc_err e = -errno;
        lc_diag_set(diag, "%s: %s", names[i], lc_strerror(e));
        return e;
    }
    return LC_OK;
}

static void configure(struct spooling *s, int count, char **operands, struct lc_server_config *c)
{
    static const char *const only_stdin[] = {"-"};
    const struct lc_send_options *o = s->options;
    const struct lc_gather_config *g = &o->gather;
    bool endless = g->follow.count > 0 || g->journald || g->journald_path != NULL ||
                   (g->exec.count > 0 && !g->exec_once);
    lc_server_defaults(c);
    c->data_dir = s->dir;
    c->workers = WORKERS;
    c->memory = MEMORY;
    c->query_threads = 1;
    c->spool_octets = o->spool_octets;
    c->keeps_own_log_out = c->has_no_doors = true;
    c->log_level = s->shows_progress ? LC_LEVEL_ERROR : LC_LEVEL_WARN;
    c->log_colour = lc_term_colours(stderr, LC_COLOUR_AUTO);
    c->gather = *g;
    c->gather.read = (const char *const *)operands;
    c->gather.read_count = (size_t)count;
    if (count == 0 && !endless && g->exec.count == 0) {
        c->gather.read = only_stdin;
        c->gather.read_count = 1;
    }
    c->gather.has_level = o->level != NULL;
    if (o->level != NULL)
        c->gather.level = (int)lc_level_parse(lc_slice_cstr(o->level));
    c->gather.done = on_read;
    c->gather.done_arg = s;
    c->relay = (struct lc_relay_config){.to = o->servers,
                                        .name = NAME,
                                        .compress = o->compress,
                                        .progress = on_progress,
                                        .progress_arg = s};
    s->ends = !endless;
}

static lc_err take_signals(struct spooling *s)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    s->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return s->signal_fd < 0 || s->news_fd < 0 ? -errno : LC_OK;
}

static int send_all(struct spooling *s, int count, char **operands, struct lc_diag *diag)
{
    struct lc_server_config *c = malloc(sizeof *c);
    struct lc_server *server = NULL;
    lc_err e = c == NULL ? -ENOMEM : check_files(count, operands, diag);
    if (e == LC_OK) {
        configure(s, count, operands, c);
        e = lc_server_start(c, &server, diag);
    }
    int code = e == LC_OK ? wait_for_end(s) : lc_command_fail(diag);
    if (server != NULL)
        lc_server_stop(server, false);
    lc_server_free(server);
    free(c);
    return code;
}

int lc_send_by_spool(const struct lc_send_options *o, int count, char **operands)
{
    struct lc_diag diag = {0};
    struct spooling *s = calloc(1, sizeof *s);
    if (s == NULL)
        return LC_EXIT_ERROR;
    s->options = o;
    s->shows_progress = !o->quiet && isatty(STDERR_FILENO);
    pthread_mutex_init(&s->lock, NULL);
    int code = LC_EXIT_ERROR;
    if (choose_dir(s, &diag) != LC_OK || take_signals(s) != LC_OK)
        code = lc_command_fail(&diag);
    else
        code = send_all(s, count, operands, &diag);
    if (s->signal_fd > 0)
        close(s->signal_fd);
    if (s->news_fd > 0)
        close(s->news_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return code;
}
