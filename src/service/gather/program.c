/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/program.c - pipes, standard input, and programs that are run for what they print.
 *
 * A program has a process group of its own, so that a signal from the terminal reaches it once:
 * from us. It ends when its process has ended and both of its pipes have; a grandchild that keeps
 * a pipe open holds that up for LINGER_MS only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/gather/gather.h"

#define LINGER_MS      2000
#define RESTART_MIN_MS 1000
#define RESTART_MAX_MS 60000 /* and a run as long as this begins anew with the shortest wait */
#define LOOK_MS        200   /* at a child, where the kernel has no descriptor for it */
#define NOT_STARTED    127   /* as a shell says it */

struct stream {
    int fd; /* -1: ended */
    struct lc_feed feed;
};

struct program {
    const char *command;
    struct stream out[2]; /* stdout, stderr */
    pid_t pid;            /* 0: it does not run */
    int pidfd;
    bool is_over; /* and is not started again */
    int code;
    struct lc_time started, exited, restart;
    int64_t wait_ms;
};

struct lc_programs {
    struct lc_gather *gather;
    struct stream inputs[LC_LIST_MAX]; /* standard input, and what else is a pipe */
    size_t input_count;
    struct program *programs;
    size_t count;
    bool ending, has_failed;
};

/* ---- streams ---- */

static void close_stream(struct stream *s)
{
    if (s->fd >= 0 && s->fd != STDIN_FILENO)
        close(s->fd);
    s->fd = -1;
}

static bool is_ended(const struct stream *s)
{
    return s->fd < 0 && !s->feed.is_stuck;
}

static bool can_read(const struct stream *s)
{
    return s->fd >= 0 && !s->feed.is_stuck && lc_lane_has_room(s->feed.source->lane);
}

static void end_stream(struct lc_gather *g, struct stream *s)
{
    close_stream(s);
    lc_feed_end(&s->feed, g);
}

static void read_stream(struct lc_gather *g, struct stream *s)
{
    uint8_t *room = lc_feed_room(&s->feed, g);
    ssize_t n = read(s->fd, room, LC_READ_CHUNK);

    if (n > 0)
        lc_feed_take(&s->feed, g, (size_t)n);
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        end_stream(g, s);
}

static lc_err init_stream(struct lc_gather *g, struct stream *s, struct lc_slice app,
                          const char *name)
{
    s->fd = -1;
    s->feed.source = NULL;

    lc_err e = lc_feed_init(&s->feed, g, false);

    if (e != LC_OK)
        return e;
    s->feed.source = lc_source_new(g, NULL, app, name != NULL ? "stream" : NULL, name);
    return s->feed.source == NULL ? -ENOMEM : LC_OK;
}

static void done_stream(struct lc_gather *g, struct stream *s)
{
    close_stream(s);
    lc_feed_done(&s->feed);
    lc_source_retire(g, s->feed.source);
}

/* ---- a program ---- */

static bool runs(const struct program *p)
{
    return p->pid != 0 || !is_ended(&p->out[0]) || !is_ended(&p->out[1]);
}

static int spawn(const char *command, int out, int err, pid_t *ret)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(command), NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;

    if (argv[2] == NULL)
        return ENOMEM;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);

    int e = posix_spawn(ret, "/bin/sh", &actions, &attr, argv, environ);

    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(argv[2]);
    return e;
}

/* Returns an errno. */
static int start(struct program *p)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, e = 0;

    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        e = errno;
    if (e == 0)
        e = spawn(p->command, out[1], err[1], &p->pid);
    if (e == 0) {
        p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        p->out[0].fd = out[0];
        p->out[1].fd = err[0];
        lc_feed_reset(&p->out[0].feed, 0, 0);
        lc_feed_reset(&p->out[1].feed, 0, 0);
    } else {
        p->pid = 0;
        if (out[0] >= 0)
            close(out[0]);
        if (err[0] >= 0)
            close(err[0]);
    }
    if (out[1] >= 0)
        close(out[1]);
    if (err[1] >= 0)
        close(err[1]);
    return e;
}

static int64_t jittered(const struct lc_gather *g, int64_t ms)
{
    uint16_t r;

    g->site->clock->random(g->site->clock->state, &r, sizeof r);
    return ms - ms * r / (4 * (UINT16_MAX + 1));
}

/* It has ended, or could not be started. */
static void after_run(struct lc_programs *ps, struct program *p, struct lc_time now)
{
    struct lc_gather *g = ps->gather;
    bool long_run = lc_time_reached(lc_time_add_ms(p->started, RESTART_MAX_MS), now);

    p->is_over = ps->ending || g->config->exec_once;
    lc_log(g->site->log, p->code == 0 ? LC_LEVEL_INFO : LC_LEVEL_WARN, "gather.program_ended",
           LC_LOG_TEXT("command", p->command), LC_LOG_U64("code", (uint64_t)p->code));
    if (p->is_over)
        return;
    p->wait_ms = long_run || p->wait_ms == 0 ? RESTART_MIN_MS : 2 * p->wait_ms;
    if (p->wait_ms > RESTART_MAX_MS)
        p->wait_ms = RESTART_MAX_MS;
    p->restart = lc_time_add_ms(now, jittered(g, p->wait_ms));
}

static void try_start(struct lc_programs *ps, struct program *p, struct lc_time now)
{
    p->started = now;
    p->restart = LC_TIME_NEVER;

    int e = start(p);

    if (e == 0)
        return;
    lc_log(ps->gather->site->log, LC_LEVEL_ERROR, "gather.program_not_started",
           LC_LOG_TEXT("command", p->command), LC_LOG_ERR("cause", -e));
    p->code = NOT_STARTED;
    after_run(ps, p, now);
}

static void reap(struct program *p, struct lc_time now)
{
    int status;

    if (waitpid(p->pid, &status, WNOHANG) != p->pid)
        return;
    p->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    p->pid = 0;
    p->exited = now;
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
}

static struct lc_time earliest(struct lc_time a, struct lc_time b)
{
    return a.ns < b.ns ? a : b;
}

static void program_turn(struct lc_programs *ps, struct program *p, struct lc_time now,
                         struct lc_time *deadline)
{
    if (p->is_over)
        return;
    if (!runs(p) && lc_time_reached(p->restart, now) && !ps->ending)
        try_start(ps, p, now);
    if (p->restart.ns != LC_TIME_NEVER.ns) {
        p->is_over = ps->ending;
        *deadline = earliest(*deadline, p->restart);
        return;
    }
    if (p->pid != 0)
        reap(p, now);
    if (p->pid != 0) {
        if (p->pidfd < 0) /* nobody tells us */
            *deadline = earliest(*deadline, lc_time_add_ms(now, LOOK_MS));
        return;
    }

    struct lc_time lingers = lc_time_add_ms(p->exited, LINGER_MS);

    for (size_t i = 0; i < 2; i++) {
        if (p->out[i].fd >= 0 && lc_time_reached(lingers, now))
            end_stream(ps->gather, &p->out[i]);
    }
    if (!runs(p))
        after_run(ps, p, now);
    else if (lingers.ns > now.ns)
        *deadline = earliest(*deadline, lingers);
}

static void signal_program(const struct program *p, int signal)
{
    if (p->pid != 0)
        (void)kill(-p->pid, signal);
}

/* ---- all ---- */

static struct pollfd stream_fd(const struct stream *s)
{
    return (struct pollfd){.fd = can_read(s) ? s->fd : -1, .events = POLLIN};
}

size_t lc_programs_fds(const struct lc_programs *p, struct pollfd *fds)
{
    size_t n = 0;

    for (size_t i = 0; i < p->input_count; i++)
        fds[n++] = stream_fd(&p->inputs[i]);
    for (size_t i = 0; i < p->count; i++) {
        const struct program *one = &p->programs[i];

        fds[n++] = stream_fd(&one->out[0]);
        fds[n++] = stream_fd(&one->out[1]);
        fds[n++] = (struct pollfd){.fd = one->pid != 0 ? one->pidfd : -1, .events = POLLIN};
    }
    return n;
}

static bool stream_turn(struct lc_gather *g, struct stream *s, const struct pollfd *fd)
{
    lc_feed_go_on(&s->feed, g);
    if (fd == NULL || fd->fd < 0 || fd->fd != s->fd || fd->revents == 0 || !can_read(s))
        return false;
    read_stream(g, s);
    return s->fd >= 0; /* poll() says whether there is more */
}

bool lc_programs_turn(struct lc_programs *p, const struct pollfd *fds, struct lc_time now,
                      struct lc_time *deadline)
{
    bool more = false;

    for (size_t i = 0; i < p->input_count; i++)
        more |= stream_turn(p->gather, &p->inputs[i], fds != NULL ? &fds[i] : NULL);
    if (fds != NULL)
        fds += p->input_count;
    for (size_t i = 0; i < p->count; i++) {
        struct program *one = &p->programs[i];

        for (size_t k = 0; k < 2; k++)
            more |= stream_turn(p->gather, &one->out[k], fds != NULL ? &fds[3 * i + k] : NULL);
        program_turn(p, one, now, deadline);
    }
    return more;
}

void lc_programs_end(struct lc_programs *p)
{
    if (p->ending)
        return;
    p->ending = true;
    for (size_t i = 0; i < p->input_count; i++) {
        if (p->inputs[i].fd >= 0)
            end_stream(p->gather, &p->inputs[i]);
    }
    for (size_t i = 0; i < p->count; i++)
        signal_program(&p->programs[i], SIGTERM);
}

size_t lc_programs_running(const struct lc_programs *p, bool once)
{
    size_t n = 0;

    for (size_t i = 0; i < p->input_count; i++)
        n += !is_ended(&p->inputs[i]);
    for (size_t i = 0; i < p->count; i++)
        n += !p->programs[i].is_over && (!once || p->gather->config->exec_once);
    return n;
}

int lc_programs_exit_code(const struct lc_programs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->programs[i].code != 0)
            return p->programs[i].code;
    }
    return p->has_failed ? LC_GATHER_UNREAD : 0;
}

/* What is run, without its directory and what stands behind it. */
static struct lc_slice name_of(const char *command)
{
    size_t n = strcspn(command, " \t\n;|&");
    struct lc_slice word = lc_slice(command, n), head;

    while (lc_slice_cut(&word, '/', &head))
        ;
    return word;
}

static lc_err init_program(struct lc_gather *g, struct program *p, const char *command)
{
    struct lc_slice app = g->config->app != NULL ? lc_slice_cstr(g->config->app) : name_of(command);

    p->command = command;
    p->pidfd = -1;

    lc_err out = init_stream(g, &p->out[0], app, "stdout");
    lc_err err = init_stream(g, &p->out[1], app, "stderr"); /* also then: both can be undone */

    return out != LC_OK ? out : err;
}

bool lc_is_stream(const char *path)
{
    struct stat st;

    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* A pipe that has no writer yet is waited for, but not in open(). */
static lc_err open_input(struct lc_programs *p, const char *path)
{
    struct lc_gather *g = p->gather;
    struct stream *s = &p->inputs[p->input_count];

    if (p->input_count == LC_LIST_MAX)
        return LC_ELIMIT;

    lc_err e = init_stream(g, s, lc_slice_cstr(g->config->app != NULL ? g->config->app : ""), NULL);

    p->input_count++;
    if (e != LC_OK)
        return e;
    s->fd = strcmp(path, "-") == 0 ? STDIN_FILENO
                                   : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    return s->fd >= 0 ? LC_OK : -errno;
}

static void open_inputs(struct lc_programs *p)
{
    const struct lc_gather_config *c = p->gather->config;

    for (size_t i = 0; i < c->read_count; i++) {
        lc_err e = lc_is_stream(c->read[i]) ? open_input(p, c->read[i]) : LC_OK;

        if (e == LC_OK)
            continue;
        p->has_failed = true;
        lc_log(p->gather->site->log, LC_LEVEL_ERROR, "gather.file",
               LC_LOG_TEXT("what", "cannot be read"), LC_LOG_TEXT("path", c->read[i]),
               LC_LOG_ERR("cause", e));
    }
}

lc_err lc_programs_new(struct lc_gather *g, struct lc_programs **ret)
{
    const struct lc_gather_config *c = g->config;
    struct lc_programs *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;
    *ret = p;
    p->gather = g;

    lc_err e = LC_OK;

    p->programs = calloc(c->exec.count + 1, sizeof *p->programs);
    if (p->programs == NULL)
        return -ENOMEM;
    open_inputs(p);
    for (; e == LC_OK && p->count < c->exec.count; p->count++)
        e = init_program(g, &p->programs[p->count], c->exec.items[p->count]);
    return e;
}

void lc_programs_free(struct lc_programs *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++) {
        struct program *one = &p->programs[i];

        signal_program(one, SIGKILL);
        if (one->pid != 0)
            (void)waitpid(one->pid, NULL, 0);
        if (one->pidfd >= 0)
            close(one->pidfd);
        done_stream(p->gather, &one->out[0]);
        done_stream(p->gather, &one->out[1]);
    }
    for (size_t i = 0; i < p->input_count; i++)
        done_stream(p->gather, &p->inputs[i]);
    free(p->programs);
    free(p);
}
