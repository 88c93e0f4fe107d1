/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backoff.h - how long to wait before connecting again.
 *
 * WHAT    Full jitter: a random time between 0 and a limit that doubles with each failure, up to a
 *         maximum; so those who lost the same server do not come back at the same moment. A
 *         connection that has held for a while makes the limit small again; one that breaks at once
 *         counts as a failure, so a server that accepts and hangs up is not hammered.
 * WHO     Relays, `logcaster send`.
 * THREAD  One owner. Time and randomness are handed in.
 */
#ifndef LC_NET_BACKOFF_H
#define LC_NET_BACKOFF_H

#include "base/time.h"

struct lc_backoff {
    int64_t first_ms; /* the limit after the first failure */
    int64_t max_ms;
    int64_t stable_ms;    /* a connection that lasts as long was a good one */
    unsigned failures;    /* since the last good one */
    struct lc_time since; /* connected since; LC_TIME_NEVER: is not */
    const struct lc_clock *clock;
};

/* 0: the default: 200 ms, 30 s, 10 s. `clock` (NULL: lc_clock_system) stays. */
void lc_backoff_init(struct lc_backoff *b, int64_t first_ms, int64_t max_ms, int64_t stable_ms,
                     const struct lc_clock *clock);
/* It is connected. */
void lc_backoff_connected(struct lc_backoff *b, struct lc_time now);
/* Connecting has failed, or the connection was lost: when to try again. */
struct lc_time lc_backoff_next(struct lc_backoff *b, struct lc_time now);

#endif
