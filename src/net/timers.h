/* SPDX-License-Identifier: Apache-2.0
 *
 * net/timers.h - a loop's deadlines: a binary heap. Inside net/ only; users call lc_timer_set().
 */
#ifndef LC_NET_TIMERS_H
#define LC_NET_TIMERS_H

#include "net/loop.h"

struct lc_timer_slot {
    struct lc_time deadline; /* beside the pointer, so that sifting touches no timer */
    struct lc_timer *timer;
};

struct lc_timers {
    struct lc_timer_slot *heap; /* 1-based: a timer's slot 0 says that it is not set */
    size_t count;
    size_t cap;
};

void lc_timers_done(struct lc_timers *t);
/* A timer that is set already moves without an allocation: that cannot fail. */
LC_MUST_CHECK lc_err lc_timers_set(struct lc_timers *t, struct lc_timer *timer,
                                   struct lc_time deadline);
void lc_timers_cancel(struct lc_timers *t, struct lc_timer *timer);
/* LC_TIME_NEVER: none is set. */
struct lc_time lc_timers_next(const struct lc_timers *t);
/* Fires those that are due, each once, earliest first. One that is set again while this runs,
 * even to a time in the past, may have to wait for the next call: so this ends. */
void lc_timers_fire(struct lc_timers *t, struct lc_time now);

#endif
