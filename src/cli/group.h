/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/group.h - the same question to several servers at once, and their answers as they come.
 *
 * WHAT    All are connected to at the same time, so one that is away costs one wait, not one for
 *         each. A server that cannot be reached, or goes away, is a member that is missing: the
 *         others go on, and who asked is told.
 * WHO     query, tail.
 * THREAD  The caller's; lc_group_open() has threads of its own, which end before it returns.
 * BOUNDS  What a member has sent and nobody has taken yet: LC_GROUP_HELD_MAX octets; then it is not
 *         read any further.
 */
#ifndef LC_CLI_GROUP_H
#define LC_CLI_GROUP_H

#include "cli/ask.h"
#include "conf/options.h"

#define LC_GROUP_HELD_MAX ((size_t)64 << 20)

struct lc_member {
    const char *server;
    struct lc_client client;
    bool is_open; /* its answer is not yet at its end */
    lc_err err;   /* why it is missing; LC_OK: it is not */
    struct lc_diag diag;
    bool told; /* that it is missing */
};

struct lc_group {
    struct lc_member members[LC_LIST_MAX];
    size_t count;
};

/* Asks all of them. Who did not begin to answer has its `err` set. */
void lc_group_open(struct lc_group *g, const struct lc_list *servers, const char *type,
                   struct lc_slice text, const char *suffix);
void lc_group_close(struct lc_group *g);

/* Members that are not missing, whether or not their answer is at its end. */
size_t lc_group_present(const struct lc_group *g);
/* On stderr, a line for each that is missing and of which nothing was said yet. Not of a group of
 * one, whose error is that of the command. */
void lc_group_tell_missing(struct lc_group *g);
/* The error of the first that is missing. */
const struct lc_diag *lc_group_diag(const struct lc_group *g);

/* The next line of a member's answer, borrowed until the next call that reads from it. LC_EMORE:
 * none yet. LC_EEND: its answer is at its end, or it is missing. */
LC_MUST_CHECK lc_err lc_group_line(struct lc_member *m, struct lc_slice *ret_line);
/* Waits until something has come from a member that is open. ms: at most; -1: without end. */
LC_MUST_CHECK lc_err lc_group_wait(struct lc_group *g, int ms);

#endif
