/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/follow.h - one server that is followed: its tail, and finding it again when it was away.
 *
 * WHAT    A tail is opened first and the newest records are asked for second, on a connection of
 *         their own: nothing can fall between the two, and what both bring is given once. When the
 *         connection is lost the server is asked again, after a second and then ever more seldom,
 *         and goes on behind the last cursor that it gave; what was shown behind that is known by
 *         its id (the newest LC_FOLLOW_LINES_MAX of it) and not shown again.
 * WHO     tail.
 * THREAD  The caller's. Connecting may take long, so each try is a thread, which ends by itself.
 */
#ifndef LC_CLI_FOLLOW_H
#define LC_CLI_FOLLOW_H

#include <pthread.h>

#include "base/time.h"
#include "cli/ask.h"
#include "cli/held.h"

#define LC_FOLLOW_LINES_MAX 10000u

/* Ids of rows, the newest so many. */
struct lc_follow_ids {
    uint64_t ids[LC_FOLLOW_LINES_MAX];
    size_t count; /* ever added; the array is a ring */
};

struct lc_followed {
    const char *server;
    struct lc_slice query; /* borrowed */
    uint64_t lines;        /* the newest to begin with; 0: none any more */
    struct lc_client client;
    bool is_open;
    lc_err err; /* of the last try to connect, or why the connection was lost */
    struct lc_diag diag;
    bool was_missed; /* it was told that it is away */
    struct lc_time retry_at;
    int64_t retry_ms; /* the wait after the next failure */
    struct lc_dynbuf cursor;
    struct lc_held newest; /* filled by the first try */
    /* shown already, and may come again; shown behind the cursor */
    struct lc_follow_ids *seen, *since_cursor;

    pthread_t thread;
    bool is_trying;
    int tried_fd; /* an eventfd: the try has ended */
};

/* Begins the first try. `lines`: at most LC_FOLLOW_LINES_MAX. */
void lc_followed_begin(struct lc_followed *f, const char *server, struct lc_slice query,
                       uint64_t lines);
/* Takes up what a try has come to, and waits for that. */
void lc_followed_settle(struct lc_followed *f);
/* On stderr: that it is away, once; that it is back, once. */
void lc_followed_tell(struct lc_followed *f);
/* What can be read when lc_followed_go_on() has something to do; -1: nothing before retry_at. */
int lc_followed_fd(const struct lc_followed *f);
/* Reads, gives each new row, tries again when it is time. Errors of row() end it and are returned.
 */
LC_MUST_CHECK lc_err lc_followed_go_on(struct lc_followed *f, bool is_readable, struct lc_time now,
                                       lc_err (*row)(void *arg, struct lc_slice row), void *arg);
void lc_followed_end(struct lc_followed *f);

#endif
