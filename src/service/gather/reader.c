/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/reader.c - the thread that reads all inputs, and what it waits for.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/gather/gather.h"
#include "service/gather/pattern.h"

#define HAND_OVER_MS 5 /* of batches that are not full, at most this long after the last ones */

enum { FD_WAKE, FD_FOLLOW, FD_JOURNAL, FD_PROGRAMS };

/* ---- the thread ---- */

static bool is_told(const atomic_bool *flag)
{
    return atomic_load_explicit(flag, memory_order_acquire);
}

static bool lanes_are_empty(const struct lc_gather *g)
{
    for (unsigned i = 0; i < g->lane_count; i++) {
        if (!lc_lane_is_empty(&g->lanes[i]))
            return false;
    }
    return true;
}

/* Tells once that all which is read only once is committed. */
static void tell_done(struct lc_gather *g)
{
    const struct lc_gather_config *c = g->config;

    if (g->told_done || c->done == NULL || lc_follow_unread(g->follow) > 0 ||
        lc_programs_running(g->programs, true) > 0 || !lanes_are_empty(g))
        return;
    g->told_done = true;

    int code = lc_programs_exit_code(g->programs);

    c->done(c->done_arg, code == 0 && lc_follow_has_failed(g->follow) ? LC_GATHER_UNREAD : code);
}

static int poll_ms(const struct lc_gather *g, struct lc_time deadline)
{
    int64_t left;

    if (deadline.ns == LC_TIME_NEVER.ns)
        return -1;
    left = deadline.ns - lc_monotonic(g->site->clock).ns;
    return left <= 0 ? 0 : (int)(left / LC_NS_PER_MS) + 1;
}

static struct lc_time earlier(struct lc_time a, struct lc_time b)
{
    return a.ns < b.ns ? a : b;
}

static void hand_over(struct lc_gather *g, struct lc_time now)
{
    for (unsigned i = 0; i < g->lane_count; i++)
        lc_lane_hand_over(&g->lanes[i]);
    g->hand_over_at = lc_time_add_ms(now, HAND_OVER_MS);
}

/* One look at everything. Returns until when nothing is to be done but by an event. */
static struct lc_time turn(struct lc_gather *g, const struct pollfd *programs)
{
    struct lc_time now = lc_monotonic(g->site->clock), deadline = LC_TIME_NEVER;
    bool stops = is_told(&g->stopping), more = false;

    if (stops)
        lc_programs_end(g->programs);
    more |= lc_programs_turn(g->programs, programs, now, &deadline);
    if (!stops) {
        more |= lc_follow_turn(g->follow, now, &deadline);
        more |= lc_journal_turn(g->journal, now, &deadline);
        deadline = earlier(deadline, lc_feeds_time_out(g, now));
    }
    lc_source_retire(g, NULL);
    /* What one input has left to be read must not hold up the few lines of another. */
    if (!more || lc_time_reached(g->hand_over_at, now))
        hand_over(g, now);
    if (!more)
        tell_done(g);
    return more ? now : deadline;
}

static bool is_at_end(const struct lc_gather *g)
{
    return is_told(&g->dropping) ||
           (is_told(&g->stopping) && lc_programs_running(g->programs, false) == 0);
}

static void *thread_main(void *arg)
{
    struct lc_gather *g = arg;
    struct pollfd fds[FD_PROGRAMS + LC_PROGRAM_FDS];
    const struct pollfd *ready = NULL;

    for (;;) {
        struct lc_time deadline = turn(g, ready);
        short journal_events = 0;
        eventfd_t n;

        if (is_at_end(g))
            break;
        fds[FD_WAKE] = (struct pollfd){.fd = g->wake_fd, .events = POLLIN};
        fds[FD_FOLLOW] = (struct pollfd){.fd = lc_follow_fd(g->follow), .events = POLLIN};
        fds[FD_JOURNAL].fd = lc_journal_fd(g->journal, &journal_events);
        fds[FD_JOURNAL].events = journal_events;
        size_t count = lc_programs_fds(g->programs, fds + FD_PROGRAMS);

        ready = poll(fds, FD_PROGRAMS + count, poll_ms(g, deadline)) > 0 ? fds + FD_PROGRAMS : NULL;
        if (fds[FD_WAKE].revents != 0)
            (void)!eventfd_read(g->wake_fd, &n);
    }
    hand_over(g, lc_monotonic(g->site->clock));
    /* The workers look whether they are at their end. */
    atomic_store_explicit(&g->finished, true, memory_order_release);
    for (unsigned i = 0; i < g->lane_count; i++)
        lc_loop_post(g->lanes[i].worker->loop, &g->lanes[i].come);
    return NULL;
}

/* ---- life ---- */

void lc_gather_wake(struct lc_gather *g)
{
    eventfd_write(g->wake_fd, 1);
}

struct lc_lane *lc_gather_lane(struct lc_gather *g, const struct lc_sender_id *sender)
{
    return &g->lanes[lc_sender_shard(sender, g->lane_count)];
}

bool lc_gather_is_wanted(const struct lc_gather_config *c)
{
    return c->follow.count > 0 || c->read_count > 0 || c->exec.count > 0 || c->journald ||
           c->journald_path != NULL;
}

static void find_host(struct lc_gather *g)
{
    if (g->config->host != NULL)
        snprintf(g->host, sizeof g->host, "%s", g->config->host);
    else if (gethostname(g->host, sizeof g->host - 1) != 0)
        g->host[0] = 0;
}

static lc_err set_rules(struct lc_gather *g)
{
    const struct lc_gather_config *c = g->config;

    g->rules = (struct lc_join_rules){
        .join = (enum lc_join)c->join,
        .octets_max = g->site->config.line_max,
        .lines_max = LC_GATHER_LINES_MAX,
    };
    if (c->join_start == NULL)
        return LC_OK;
    g->rules.join = LC_JOIN_START;
    g->rules.is_start = lc_pattern_matches;
    return lc_pattern_new(c->join_start, (struct lc_pattern **)&g->rules.arg, NULL);
}

static lc_err make(struct lc_gather *g)
{
    lc_err e = set_rules(g);

    if (e != LC_OK)
        return e;
    find_host(g);
    g->rest_max = LC_JOIN_KEEP_MAX(g->rules.octets_max) + LC_READ_CHUNK;
    g->chunk = malloc(g->rest_max);
    g->lanes = calloc(g->site->worker_count, sizeof *g->lanes);
    g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->wake_fd < 0)
        return -errno;
    if (g->chunk == NULL || g->lanes == NULL)
        return -ENOMEM;
    for (; g->lane_count < g->site->worker_count; g->lane_count++)
        lc_lane_init(&g->lanes[g->lane_count], g);
    e = lc_follow_new(g, &g->follow);
    if (e == LC_OK)
        e = lc_programs_new(g, &g->programs);
    return e == LC_OK ? lc_journal_new(g, &g->journal) : e;
}

lc_err lc_gather_new(struct lc_site *site, struct lc_gather **ret)
{
    struct lc_gather *g = calloc(1, sizeof *g);

    if (g == NULL)
        return -ENOMEM;
    g->site = site;
    g->config = &site->config.gather;
    g->wake_fd = -1;
    lc_link_init(&g->timed);
    lc_link_init(&g->retired);
    pthread_mutex_init(&g->ending, NULL);

    lc_err e = make(g);

    if (e != LC_OK) {
        lc_gather_free(g);
        return e;
    }
    *ret = g;
    return LC_OK;
}

lc_err lc_gather_start(struct lc_gather *g)
{
    int e = pthread_create(&g->thread, NULL, thread_main, g);

    g->is_started = e == 0;
    return -e;
}

void lc_gather_drop(struct lc_gather *g)
{
    atomic_store_explicit(&g->dropping, true, memory_order_release);
    lc_gather_wake(g);
    pthread_mutex_lock(&g->ending);
    if (g->is_started)
        pthread_join(g->thread, NULL);
    g->is_started = false;
    pthread_mutex_unlock(&g->ending);
}

void lc_gather_free(struct lc_gather *g)
{
    if (g == NULL)
        return;
    if (g->wake_fd >= 0)
        lc_gather_drop(g);
    lc_follow_free(g->follow);
    lc_programs_free(g->programs);
    lc_journal_free(g->journal);
    for (unsigned i = 0; i < g->lane_count; i++)
        atomic_store_explicit(&g->lanes[i].back, UINT64_MAX, memory_order_relaxed);
    lc_source_retire(g, NULL);
    for (unsigned i = 0; i < g->lane_count; i++)
        lc_lane_done(&g->lanes[i]);
    if (g->rules.arg != NULL)
        lc_pattern_free(g->rules.arg);
    pthread_mutex_destroy(&g->ending);
    if (g->wake_fd >= 0)
        close(g->wake_fd);
    free(g->lanes);
    free(g->chunk);
    free(g);
}
