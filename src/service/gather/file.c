/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/file.c - one followed file: where reading goes on, and whether it is still the
 * same.
 *
 * A file is known again by its inode and by its first octets. After each read these are looked at:
 * a file that was truncated and written anew, however fast, has other ones (or fewer octets), and
 * what was read is then not its continuation.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/gather/follow.h"

#define LINE_SEARCH (64u << 10) /* how far from its end a line's beginning is looked for */

static void tell(const struct lc_followed *f, enum lc_level level, const char *what, lc_err e)
{
    lc_log(f->follow->gather->site->log, level, "gather.file", LC_LOG_TEXT("what", what),
           LC_LOG_TEXT("path", f->path), LC_LOG_ERR("cause", e));
}

/* False: it has none, or cannot be read. */
static bool read_start(int fd, uint8_t buf[LC_PRINT_MAX], struct lc_slice *ret)
{
    ssize_t n = pread(fd, buf, LC_PRINT_MAX, 0);

    *ret = lc_slice(buf, n > 0 ? (size_t)n : 0);
    return n > 0;
}

/* ---- open ---- */

static lc_err open_same(const struct lc_followed *f, int *ret_fd)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    lc_err e = LC_OK;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0)
        e = -errno;
    else if (st.st_dev != f->device || st.st_ino != f->inode)
        e = LC_EGONE; /* it goes by another name now, which a scan will find */
    if (e != LC_OK)
        close(fd);
    else
        *ret_fd = fd;
    return e;
}

static enum lc_followed_state open_file(struct lc_followed *f)
{
    struct lc_follow *follow = f->follow;

    if (!lc_follow_may_open(follow))
        return LC_FOLLOWED_WAIT;

    lc_err e = open_same(f, &f->fd);

    if (e != LC_OK) {
        if (e != LC_EGONE && e != -ENOENT && !f->is_bad)
            tell(f, LC_LEVEL_ERROR, "cannot be read", e);
        f->is_bad = true;
        return LC_FOLLOWED_END;
    }
    f->is_bad = false;
    follow->open_count++;
    lc_list_add_last(&follow->opened, &f->opened);
    lc_follow_watch_file(f);
    return LC_FOLLOWED_MORE;
}

/* ---- the position ---- */

/* Behind the last line's end. */
static uint64_t last_line(int fd, uint64_t size)
{
    static uint8_t buf[LINE_SEARCH]; /* the reader is one thread */
    uint64_t from = size > sizeof buf ? size - sizeof buf : 0;
    ssize_t n = pread(fd, buf, sizeof buf, (off_t)from);
    const uint8_t *end = n > 0 ? memrchr(buf, '\n', (size_t)n) : NULL;

    return end != NULL ? from + (uint64_t)(end - buf) + 1 : size;
}

/* Files that a writer goes on with after a truncation begin with a hole. */
static uint64_t first_data(int fd)
{
    off_t at = lseek(fd, 0, SEEK_DATA);

    return at > 0 ? (uint64_t)at : 0;
}

/* What is there at first sight is skipped, now and after a restart. */
static bool skip_all(struct lc_followed *f, struct lc_slice start)
{
    struct stat st;
    uint64_t epoch = lc_epoch_make(1, start);

    if (fstat(f->fd, &st) != 0)
        return false;

    uint64_t at = last_line(f->fd, (uint64_t)st.st_size);
    const struct lc_gathered what = {
        .source = f->source, .position = {epoch, at}, .only_moves = true};

    if (lc_lane_put(&what) != LC_OK)
        return false;
    lc_feed_reset(&f->feed, at, epoch);
    return true;
}

static void no_longer_from_end(struct lc_followed *f)
{
    f->follow->from_end_count -= f->from_end;
    f->from_end = false;
}

/* Where reading begins. False: it has no octets yet, or there is no room to say so. */
static bool find_position(struct lc_followed *f)
{
    uint8_t buf[LC_PRINT_MAX];
    struct lc_slice start;
    struct lc_sender_position position;
    bool has_start = read_start(f->fd, buf, &start);

    if (!has_start) {
        no_longer_from_end(f);
        return false;
    }
    if (lc_store_sender(f->follow->gather->site->store, &f->sender, &position)) {
        bool same = lc_epoch_fits(position.epoch, start);

        if (same)
            lc_feed_reset(&f->feed, position.upto, position.epoch);
        else
            lc_feed_reset(&f->feed, first_data(f->fd), lc_epoch_next(position.epoch, start));
    } else if (f->from_end) {
        if (!skip_all(f, start))
            return false;
    } else {
        lc_feed_reset(&f->feed, first_data(f->fd), lc_epoch_make(1, start));
    }
    no_longer_from_end(f);
    f->is_known = true;
    lc_log(f->follow->gather->site->log, LC_LEVEL_INFO, "gather.file",
           LC_LOG_TEXT("what", "followed"), LC_LOG_TEXT("path", f->path),
           LC_LOG_U64("from", f->feed.at));
    return true;
}

bool lc_followed_is_unfinished(struct lc_gather *g, const char *path,
                               const struct lc_sender_id *sender, uint64_t size)
{
    struct lc_sender_position position;
    uint8_t buf[LC_PRINT_MAX];
    struct lc_slice start;

    if (!lc_store_sender(g->site->store, sender, &position) || size <= position.upto)
        return false;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return false;

    bool fits = read_start(fd, buf, &start) && lc_epoch_fits(position.epoch, start);

    close(fd);
    return fits;
}

/* ---- reading ---- */

/* The file was cut off under us. What was read of it and not yet put is the end of what it was. */
static enum lc_followed_state begin_anew(struct lc_followed *f)
{
    uint8_t buf[LC_PRINT_MAX];
    struct lc_slice start;

    if (!f->is_truncated)
        tell(f, LC_LEVEL_INFO, "truncated", LC_OK);
    f->is_truncated = true;
    if (!lc_feed_end(&f->feed, f->follow->gather))
        return LC_FOLLOWED_WAIT;
    if (!read_start(f->fd, buf, &start)) {
        f->feed.ends = false;
        return LC_FOLLOWED_END; /* empty: its new beginning is yet to come */
    }
    f->is_truncated = false;
    lc_feed_reset(&f->feed, first_data(f->fd), lc_epoch_next(f->feed.epoch, start));
    return LC_FOLLOWED_MORE;
}

/* Whether what was read before this call is of the file that we know; also learns more of it. */
static bool is_same(struct lc_followed *f)
{
    uint8_t buf[LC_PRINT_MAX];
    struct lc_slice start;
    struct stat st;

    if (fstat(f->fd, &st) != 0 || (uint64_t)st.st_size < lc_feed_next(&f->feed))
        return false;
    read_start(f->fd, buf, &start);
    if (!lc_epoch_fits(f->feed.epoch, start))
        return false;
    f->feed.epoch = lc_epoch_grow(f->feed.epoch, start);
    return true;
}

static enum lc_followed_state read_chunk(struct lc_followed *f)
{
    struct lc_gather *g = f->follow->gather;
    uint8_t *room = lc_feed_room(&f->feed, g);
    uint64_t from = lc_feed_next(&f->feed);
    ssize_t n = pread(f->fd, room, LC_READ_CHUNK, (off_t)from);

    if (n < 0 && errno == EINTR)
        return LC_FOLLOWED_MORE;
    if (n < 0) {
        if (!f->is_bad)
            tell(f, LC_LEVEL_ERROR, "cannot be read", -errno);
        f->is_bad = true;
        return LC_FOLLOWED_END;
    }
    if (!is_same(f))
        return begin_anew(f);
    if (n == 0)
        return LC_FOLLOWED_END;
    f->is_bad = false;
    lc_feed_take(&f->feed, g, (size_t)n);
    /* The lane says nothing of that: it may have got room again since it had none. */
    if (f->feed.is_stuck || lc_feed_next(&f->feed) != from + (uint64_t)n)
        return LC_FOLLOWED_WAIT;
    return n == LC_READ_CHUNK ? LC_FOLLOWED_MORE : LC_FOLLOWED_END;
}

enum lc_followed_state lc_followed_read(struct lc_followed *f)
{
    struct lc_gather *g = f->follow->gather;

    if (!lc_lane_has_room(f->source->lane) || !lc_feed_go_on(&f->feed, g))
        return LC_FOLLOWED_WAIT;
    if (f->fd < 0) {
        enum lc_followed_state state = open_file(f);

        if (state != LC_FOLLOWED_MORE)
            return state;
    }
    if (lc_link_is_linked(&f->opened)) {
        lc_link_remove(&f->opened);
        lc_list_add_last(&f->follow->opened, &f->opened);
    }
    if (f->is_truncated)
        return begin_anew(f);
    if (!f->is_known && !find_position(f))
        return f->from_end ? LC_FOLLOWED_WAIT : LC_FOLLOWED_END;
    return read_chunk(f);
}

bool lc_followed_has_news(const struct lc_followed *f)
{
    struct stat st;
    int e = f->fd >= 0 ? fstat(f->fd, &st) : stat(f->path, &st);

    if (e != 0 || st.st_dev != f->device || st.st_ino != f->inode)
        return false;
    if (f->feed.is_stuck)
        return true;
    if (!f->is_known || f->is_truncated)
        return st.st_size > 0;
    return (uint64_t)st.st_size != lc_feed_next(&f->feed);
}
