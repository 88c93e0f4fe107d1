/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/follow.c - waiting for changes of files, and their bounds.
 *
 * inotify tells of most changes at once. What it cannot tell of (another host's writes to a network
 * file system, a target of a symbolic link that was replaced, an overflow of its queue) is found by
 * looking at each file every LOOK_MS, and at the directories every SCAN_MS.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "service/gather/follow.h"

#define LOOK_MS      1000
#define LOOK_MANY_MS 5000 /* at more than LOOK_MANY files */
#define LOOK_MANY    1000
#define SCAN_MS      5000
#define SCAN_GAP_MS  50 /* between two scans, while directories change all the time */
#define READS        16 /* of chunks in one turn */

#define DIR_EVENTS                                                                                 \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
#define FILE_EVENTS (IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF)

void lc_follow_ready(struct lc_followed *f)
{
    if (!lc_link_is_linked(&f->ready))
        lc_list_add_last(&f->follow->ready, &f->ready);
}

static void close_file(struct lc_followed *f)
{
    close(f->fd);
    f->fd = -1;
    f->follow->open_count--;
    lc_link_remove(&f->opened);
}

bool lc_follow_may_open(struct lc_follow *f)
{
    if (f->open_count < LC_FILES_OPEN)
        return true;
    for (struct lc_link *l = f->opened.next; l != &f->opened; l = l->next) {
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, opened);

        /* one that is gone could not be opened again */
        if (lc_link_is_linked(&file->ready) || file->is_gone)
            continue;
        close_file(file);
        return true;
    }
    return false;
}

/* ---- watching ---- */

static void no_watch(struct lc_follow *f, const char *path)
{
    lc_err e = -errno;

    if (!f->is_watch_told && f->inotify >= 0 && errno != ENOENT && errno != ENOTDIR)
        lc_log(f->gather->site->log, LC_LEVEL_WARN, "gather.not_watched", LC_LOG_TEXT("path", path),
               LC_LOG_ERR("cause", e));
    f->is_watch_told = true;
}

void lc_follow_watch_file(struct lc_followed *f)
{
    char path[40];

    if (f->watch >= 0 || f->follow->inotify < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd); /* this file, whatever its name is */
    f->watch = inotify_add_watch(f->follow->inotify, path, FILE_EVENTS);
    if (f->watch >= 0)
        lc_list_add_last(lc_follow_watch_bucket(f->follow, f->watch), &f->by_watch);
    else
        no_watch(f->follow, f->path);
}

void lc_follow_watch_dir(struct lc_follow *f, const char *path)
{
    if (f->inotify >= 0 && inotify_add_watch(f->inotify, path, DIR_EVENTS) < 0)
        no_watch(f, path);
}

static void look_at_all(struct lc_follow *f)
{
    for (struct lc_link *l = f->files.next; l != &f->files; l = l->next) {
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, all);

        if (!lc_link_is_linked(&file->ready) && (file->is_gone || lc_followed_has_news(file)))
            lc_follow_ready(file);
    }
}

/* True: a directory has changed. */
static bool take_event(struct lc_follow *f, const struct inotify_event *ev)
{
    struct lc_link *bucket = lc_follow_watch_bucket(f, ev->wd);

    if ((ev->mask & IN_Q_OVERFLOW) != 0) {
        look_at_all(f);
        return true;
    }
    for (struct lc_link *l = bucket->next; l != bucket; l = l->next) {
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, by_watch);

        if (file->watch != ev->wd)
            continue;
        if ((ev->mask & IN_IGNORED) != 0) {
            file->watch = -1;
            lc_link_remove(&file->by_watch);
            return false;
        }
        lc_follow_ready(file);
        return (ev->mask & IN_MODIFY) == 0;
    }
    return true;
}

static void take_events(struct lc_follow *f, struct lc_time now)
{
    _Alignas(struct inotify_event) char buf[16 << 10];
    bool changed = false;
    ssize_t n;

    while (f->inotify >= 0 && (n = read(f->inotify, buf, sizeof buf)) > 0) {
        const struct inotify_event *ev;

        for (char *p = buf; p < buf + n; p += sizeof *ev + ev->len) {
            ev = (const struct inotify_event *)(void *)p;
            changed |= take_event(f, ev);
        }
    }
    if (changed && f->next_scan.ns > lc_time_add_ms(now, SCAN_GAP_MS).ns)
        f->next_scan = f->scans == 0 ? now : lc_time_add_ms(now, SCAN_GAP_MS);
}

/* ---- a turn ---- */

/* A file that is read to its end: whether it is done with. */
static void at_end(struct lc_followed *f, struct lc_time now)
{
    struct lc_follow *follow = f->follow;

    if (f->once) {
        follow->has_failed |= f->is_bad;
        if (!lc_feed_end(&f->feed, follow->gather)) {
            lc_follow_ready(f);
            return;
        }
        follow->unread_count--;
        lc_followed_free(f);
        return;
    }
    if (f->is_gone && lc_time_reached(f->gone_until, now)) {
        if (lc_feed_end(&f->feed, follow->gather))
            lc_followed_free(f);
        else
            lc_follow_ready(f);
    }
}

static bool read_ready(struct lc_follow *f, struct lc_time now)
{
    bool more = false;
    size_t reads = 0;

    for (size_t left = f->file_count; left > 0 && reads < READS; left--) {
        struct lc_link *l = lc_list_take_first(&f->ready);

        if (l == NULL)
            break;
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, ready);
        uint64_t before = file->feed.at;
        enum lc_followed_state state = lc_followed_read(file);

        if (file->is_gone && file->feed.at != before)
            file->gone_until = lc_time_add_ms(now, LC_GONE_MS);
        if (state == LC_FOLLOWED_END) {
            at_end(file, now);
            continue;
        }
        lc_follow_ready(file);
        more |= state == LC_FOLLOWED_MORE;
        reads += state == LC_FOLLOWED_MORE;
    }
    return more;
}

static struct lc_time earlier(struct lc_time a, struct lc_time b)
{
    return a.ns < b.ns ? a : b;
}

bool lc_follow_turn(struct lc_follow *f, struct lc_time now, struct lc_time *deadline)
{
    const struct lc_gather_config *c = f->gather->config;

    if (c->follow.count == 0 && f->file_count == 0)
        return false;
    take_events(f, now);
    if (c->follow.count > 0 && lc_time_reached(f->next_scan, now)) {
        lc_follow_scan(f, now);
        f->next_scan = lc_time_add_ms(now, SCAN_MS);
    }
    if (lc_time_reached(f->next_look, now)) {
        look_at_all(f);
        f->next_look = lc_time_add_ms(now, f->file_count > LOOK_MANY ? LOOK_MANY_MS : LOOK_MS);
    }
    bool more = read_ready(f, now);

    lc_follow_remember(f);
    *deadline = earlier(*deadline, f->next_look);
    if (c->follow.count > 0)
        *deadline = earlier(*deadline, f->next_scan);
    return more;
}

int lc_follow_fd(const struct lc_follow *f)
{
    return f->inotify;
}

bool lc_follow_has_failed(const struct lc_follow *f)
{
    return f->has_failed;
}

size_t lc_follow_unread(const struct lc_follow *f)
{
    return f->unread_count;
}

/* ---- life ---- */

lc_err lc_follow_new(struct lc_gather *g, struct lc_follow **ret)
{
    struct lc_follow *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -ENOMEM;
    f->gather = g;
    lc_link_init(&f->files);
    lc_link_init(&f->ready);
    lc_link_init(&f->opened);
    for (size_t i = 0; i < LC_BUCKETS; i++) {
        lc_link_init(&f->by_id[i]);
        lc_link_init(&f->by_watch[i]);
    }
    f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    lc_follow_find_fresh(f);
    lc_follow_find_once(f);
    *ret = f;
    return LC_OK;
}

void lc_follow_free(struct lc_follow *f)
{
    if (f == NULL)
        return;
    while (lc_link_is_linked(&f->files))
        lc_followed_free(LC_CONTAINER(f->files.next, struct lc_followed, all));
    if (f->inotify >= 0)
        close(f->inotify);
    free(f);
}
