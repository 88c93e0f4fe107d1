/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/table.c - the files that are known, by inode and by inotify's number.
 */
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/hash.h"
#include "service/gather/follow.h"

static struct lc_link *id_bucket(struct lc_follow *f, dev_t device, ino_t inode)
{
    const uint64_t id[] = {device, inode};

    return &f->by_id[lc_hash64(lc_slice(id, sizeof id), 0) % LC_BUCKETS];
}

struct lc_link *lc_follow_watch_bucket(struct lc_follow *f, int watch)
{
    return &f->by_watch[(unsigned)watch % LC_BUCKETS];
}

struct lc_followed *lc_follow_find(struct lc_follow *f, dev_t device, ino_t inode)
{
    struct lc_link *bucket = id_bucket(f, device, inode);

    for (struct lc_link *l = bucket->next; l != bucket; l = l->next) {
        struct lc_followed *file = LC_CONTAINER(l, struct lc_followed, by_id);

        if (file->device == device && file->inode == inode)
            return file;
    }
    return NULL;
}

/* What stands for the program where nothing says it: the file's name without `.log`. */
static struct lc_slice app_of(const struct lc_gather *g, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct lc_slice name = lc_slice_cstr(slash != NULL ? slash + 1 : path);

    if (g->config->app != NULL)
        return lc_slice_cstr(g->config->app);
    if (name.n > 4 && memcmp(name.p + name.n - 4, ".log", 4) == 0)
        name.n -= 4;
    return name;
}

void lc_followed_free(struct lc_followed *file)
{
    struct lc_follow *f = file->follow;

    if (file->watch >= 0)
        inotify_rm_watch(f->inotify, file->watch);
    if (file->fd >= 0) {
        close(file->fd);
        f->open_count--;
    }
    f->file_count--;
    f->from_end_count -= file->from_end;
    lc_link_remove(&file->all);
    lc_link_remove(&file->by_id);
    lc_link_remove(&file->by_watch);
    lc_link_remove(&file->ready);
    lc_link_remove(&file->opened);
    lc_feed_done(&file->feed);
    lc_source_retire(f->gather, file->source);
    free(file->path);
    free(file);
}

struct lc_followed *lc_follow_add(struct lc_follow *f, const char *path, dev_t device, ino_t inode,
                                  const struct lc_sender_id *sender)
{
    struct lc_followed *file;

    if (f->file_count == LC_FILES_MAX) {
        if (!f->is_full_told)
            lc_log(f->gather->site->log, LC_LEVEL_ERROR, "gather.too_many_files",
                   LC_LOG_U64("limit", LC_FILES_MAX), LC_LOG_TEXT("path", path));
        f->is_full_told = true;
        return NULL;
    }
    file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->follow = f;
    file->device = device;
    file->inode = inode;
    file->sender = *sender;
    file->fd = file->watch = -1;
    lc_link_init(&file->by_watch);
    lc_link_init(&file->ready);
    lc_link_init(&file->opened);
    lc_link_init(&file->all);
    lc_link_init(&file->by_id);
    lc_list_add_last(&f->files, &file->all);
    lc_list_add_last(id_bucket(f, device, inode), &file->by_id);
    f->file_count++;
    (void)!lc_feed_init(&file->feed, f->gather, true);
    file->path = strdup(path);
    file->source = lc_source_new(f->gather, sender, app_of(f->gather, path), "file", path);
    file->feed.source = file->source;
    if (file->path == NULL || file->source == NULL) {
        lc_followed_free(file);
        return NULL;
    }
    return file;
}
