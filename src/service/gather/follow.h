/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/follow.h - the files that are followed.
 *
 * WHAT    file.c reads one; scan.c finds them by their patterns; table.c knows them; follow.c
 *         waits for changes and keeps the bounds.
 * WHO     These four.
 */
#ifndef LC_SERVICE_GATHER_FOLLOW_H
#define LC_SERVICE_GATHER_FOLLOW_H

#include <sys/types.h>

#include "service/gather/gather.h"

#define LC_BUCKETS 4096
#define LC_GONE_MS 5000 /* for who still writes into a file that was renamed or removed */

struct lc_followed {
    struct lc_follow *follow;
    struct lc_link all, by_id, by_watch;
    struct lc_link ready;  /* while it may have something to be read */
    struct lc_link opened; /* while it is open; the one that was read longest ago is the first */
    dev_t device;
    ino_t inode;
    struct lc_sender_id sender;
    char *path; /* where it was found last */
    struct lc_source *source;
    struct lc_feed feed;
    int fd;            /* -1: closed for now */
    int watch;         /* of inotify; -1: none */
    bool is_known;     /* its position is; before that nothing is read */
    bool from_end;     /* what is there at first sight is not wanted */
    bool once;         /* it is read to its end, and no further */
    bool is_truncated; /* the rest of what it was is put, then it begins anew */
    bool is_gone;      /* no pattern finds it: it is read to its end */
    bool is_bad;       /* that it cannot be read was told */
    unsigned seen;     /* the last scan that found it */
    struct lc_time gone_until;
};

struct lc_follow {
    struct lc_gather *gather;
    struct lc_link files, ready, opened;
    struct lc_link by_id[LC_BUCKETS], by_watch[LC_BUCKETS];
    size_t file_count, open_count, unread_count;
    size_t from_end_count; /* whose positions are to be moved first */
    int inotify;           /* -1: the kernel has none for us, and looking now and then must do */
    struct lc_time next_look, next_scan;
    unsigned scans;
    bool fresh[LC_LIST_MAX]; /* the pattern was never used on this store */
    bool is_full_told, is_watch_told;
    bool has_failed; /* a file that was to be read once is not there */
};

/* ---- file.c ---- */

enum lc_followed_state {
    LC_FOLLOWED_MORE, /* there is perhaps more */
    LC_FOLLOWED_END,  /* not now */
    LC_FOLLOWED_WAIT, /* no room */
};

/* Reads one chunk. */
enum lc_followed_state lc_followed_read(struct lc_followed *f);
/* Whether looking at it shows that there is something to be read. */
bool lc_followed_has_news(const struct lc_followed *f);
/* What its first octets and the store say: whether this file, found under another name than that
 * by which it is followed, is one whose lines we have taken, but not all. */
bool lc_followed_is_unfinished(struct lc_gather *g, const char *path,
                               const struct lc_sender_id *sender, uint64_t size);

/* ---- scan.c ---- */

void lc_follow_scan(struct lc_follow *f, struct lc_time now);
/* Of the files that are to be read once. */
void lc_follow_find_once(struct lc_follow *f);
/* At the start: which patterns are fresh. */
void lc_follow_find_fresh(struct lc_follow *f);
/* When no file's position is to be moved any more: the patterns are no longer fresh. */
void lc_follow_remember(struct lc_follow *f);

/* ---- table.c ---- */

struct lc_followed *lc_follow_find(struct lc_follow *f, dev_t device, ino_t inode);
/* NULL: too many, or no memory. */
struct lc_followed *lc_follow_add(struct lc_follow *f, const char *path, dev_t device, ino_t inode,
                                  const struct lc_sender_id *sender);
void lc_followed_free(struct lc_followed *file);
/* Those that inotify may mean by a number. */
struct lc_link *lc_follow_watch_bucket(struct lc_follow *f, int watch);

/* ---- follow.c ---- */

void lc_follow_ready(struct lc_followed *f);
/* False: as many as may be are open, and all of them are being read. */
bool lc_follow_may_open(struct lc_follow *f);
void lc_follow_watch_file(struct lc_followed *f);
void lc_follow_watch_dir(struct lc_follow *f, const char *path);

#endif
