/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/scan.c - which files there are: patterns, and what they found before by names
 * that no pattern fits.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "service/gather/follow.h"

#define PATH_OCTETS 4096

static const char *const compressed[] = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".Z"};

static bool is_compressed(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < LC_ARRAY_LEN(compressed); i++) {
        size_t k = strlen(compressed[i]);

        if (n > k && strcmp(path + n - k, compressed[i]) == 0)
            return true;
    }
    return false;
}

/* ---- one path ---- */

/* A number of the file system that stays when the machine is started anew, where it has one. */
static void identify(const char *path, const struct stat *st, struct lc_sender_id *ret)
{
    struct statfs fs;
    uint64_t number = 0;

    if (statfs(path, &fs) == 0)
        memcpy(&number, &fs.f_fsid,
               sizeof fs.f_fsid < sizeof number ? sizeof fs.f_fsid : sizeof number);
    const struct lc_file_id id = {number != 0 ? number : st->st_dev, st->st_ino};

    lc_file_sender(&id, ret);
}

static void rename_file(struct lc_followed *file, const char *path)
{
    char *copy;

    if (strcmp(file->path, path) == 0 || (copy = strdup(path)) == NULL)
        return;
    free(file->path);
    file->path = copy;
}

/* What a pattern finds. */
static struct lc_followed *consider(struct lc_follow *f, const char *path, bool from_end)
{
    struct lc_sender_id sender;
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;

    struct lc_followed *file = lc_follow_find(f, st.st_dev, st.st_ino);

    if (file != NULL) {
        if (file->seen != f->scans) /* of several names the first */
            rename_file(file, path);
        file->is_gone = false;
    } else {
        identify(path, &st, &sender);
        file = lc_follow_add(f, path, st.st_dev, st.st_ino, &sender);
        if (file == NULL)
            return NULL;
        file->from_end = from_end;
        f->from_end_count += from_end;
        lc_follow_ready(file);
    }
    file->seen = f->scans;
    return file;
}

/* A name that rotation gives: of a file that we read by its name before, perhaps before we were
 * started, and not to its end. */
static void consider_rotated(struct lc_follow *f, const char *path, struct lc_time now)
{
    struct lc_sender_id sender;
    struct stat st;

    if (is_compressed(path) || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;

    struct lc_followed *file = lc_follow_find(f, st.st_dev, st.st_ino);

    if (file != NULL) {
        if (file->seen != f->scans)
            rename_file(file, path);
        return;
    }
    identify(path, &st, &sender);
    if (!lc_followed_is_unfinished(f->gather, path, &sender, (uint64_t)st.st_size))
        return;
    file = lc_follow_add(f, path, st.st_dev, st.st_ino, &sender);
    if (file == NULL)
        return;
    file->is_gone = true;
    file->gone_until = lc_time_add_ms(now, LC_GONE_MS);
    lc_follow_ready(file);
}

/* ---- patterns ---- */

static bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

/* The directories in which a pattern may find something new: that of its last part, and from the
 * first part with a wildcard on those between. */
static void watch_dirs(struct lc_follow *f, const char *pattern)
{
    char part[PATH_OCTETS];
    const char *last = strrchr(pattern, '/');

    if (last == NULL) {
        lc_follow_watch_dir(f, ".");
        return;
    }
    for (const char *end = strchr(pattern + 1, '/'); end != NULL || last == pattern;
         end = strchr(end + 1, '/')) {
        const char *rest = end != NULL ? end + 1 : "";
        size_t n = end != NULL ? (size_t)(end - pattern) : 1;
        size_t next = strcspn(rest, "/");
        glob_t found;

        if (n >= sizeof part)
            return;
        memcpy(part, pattern, n);
        part[n] = 0;
        if (end == NULL || end == last || memchr(rest, '*', next) != NULL || is_pattern(part)) {
            if (glob(part, GLOB_ONLYDIR | GLOB_NOSORT, NULL, &found) == 0) {
                for (size_t i = 0; i < found.gl_pathc; i++)
                    lc_follow_watch_dir(f, found.gl_pathv[i]);
                globfree(&found);
            }
        }
        if (end == NULL)
            return;
    }
}

static void scan_pattern(struct lc_follow *f, const char *pattern, bool fresh)
{
    glob_t found;
    int e = glob(pattern, 0, NULL, &found);

    if (e != 0 && f->scans == 1)
        lc_log(f->gather->site->log, LC_LEVEL_WARN, "gather.no_file_yet",
               LC_LOG_TEXT("pattern", pattern));
    if (e == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (!is_compressed(found.gl_pathv[i]))
                consider(f, found.gl_pathv[i], fresh && f->gather->config->from_end);
        }
        globfree(&found);
    }
}

static void scan_rotated(struct lc_follow *f, const char *pattern, struct lc_time now)
{
    char rotated[PATH_OCTETS];
    glob_t found;

    if (snprintf(rotated, sizeof rotated, "%s[.-]*", pattern) >= (int)sizeof rotated ||
        glob(rotated, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        consider_rotated(f, found.gl_pathv[i], now);
    globfree(&found);
}

static void lose_unseen(struct lc_follow *f, struct lc_time now)
{
    for (struct lc_link *l = f->files.next; l != &f->files; l = l->next) {
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, all);

        if (file->seen == f->scans || file->is_gone || file->once)
            continue;
        file->is_gone = true;
        file->gone_until = lc_time_add_ms(now, LC_GONE_MS);
        lc_follow_ready(file);
    }
}

void lc_follow_scan(struct lc_follow *f, struct lc_time now)
{
    const struct lc_list *patterns = &f->gather->config->follow;

    f->scans++;
    for (size_t i = 0; i < patterns->count; i++)
        watch_dirs(f, patterns->items[i]);
    for (size_t i = 0; i < patterns->count; i++)
        scan_pattern(f, patterns->items[i], f->fresh[i] && f->scans == 1);
    for (size_t i = 0; i < patterns->count; i++)
        scan_rotated(f, patterns->items[i], now);
    lose_unseen(f, now);
}

void lc_follow_find_once(struct lc_follow *f)
{
    const struct lc_gather_config *c = f->gather->config;

    for (size_t i = 0; i < c->read_count; i++) {
        if (lc_is_stream(c->read[i]))
            continue; /* program.c reads it */

        struct lc_followed *file = consider(f, c->read[i], false);

        if (file == NULL) {
            lc_log(f->gather->site->log, LC_LEVEL_ERROR, "gather.file",
                   LC_LOG_TEXT("what", "cannot be read"), LC_LOG_TEXT("path", c->read[i]));
            f->has_failed = true;
            continue;
        }
        f->unread_count += !file->once;
        file->once = true;
    }
}

/* ---- what is there at first sight ---- */

/* That a pattern was used is kept as the position of a sender of that name. */
static void mark_of(const char *pattern, struct lc_sender_id *ret)
{
    struct lc_slice text = lc_slice_cstr(pattern);
    const struct lc_file_id id = {lc_crc32c(0, LC_LIT("pattern")),
                                  (uint64_t)lc_crc32c(0, text) << 32 | (uint32_t)text.n};

    lc_file_sender(&id, ret);
}

static bool remember(struct lc_gather *g, const char *pattern)
{
    struct lc_sender_id mark;

    mark_of(pattern, &mark);

    struct lc_source *s = lc_source_new(g, &mark, lc_slice(NULL, 0), NULL, NULL);

    if (s == NULL)
        return false;

    const struct lc_gathered what = {.source = s, .position = {1, 1}, .only_moves = true};
    bool done = lc_lane_put(&what) == LC_OK;

    lc_source_retire(g, s);
    return done;
}

void lc_follow_remember(struct lc_follow *f)
{
    const struct lc_list *patterns = &f->gather->config->follow;

    for (size_t i = 0; f->from_end_count == 0 && i < patterns->count; i++) {
        if (f->fresh[i] && remember(f->gather, patterns->items[i]))
            f->fresh[i] = false;
    }
}

void lc_follow_find_fresh(struct lc_follow *f)
{
    const struct lc_list *patterns = &f->gather->config->follow;

    for (size_t i = 0; i < patterns->count; i++) {
        struct lc_sender_position position;
        struct lc_sender_id mark;

        mark_of(patterns->items[i], &mark);
        f->fresh[i] = !lc_store_sender(f->gather->site->store, &mark, &position);
    }
}
