/* SPDX-License-Identifier: Apache-2.0
 *
 * net/timers.c - the heap of deadlines.
 */
#include "net/timers.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAP 64

static void put(struct lc_timers *t, size_t at, struct lc_timer_slot slot)
{
    t->heap[at] = slot;
    slot.timer->slot = at;
}

static size_t sift_up(struct lc_timers *t, size_t at, struct lc_timer_slot slot)
{
    while (at > 1 && slot.deadline.ns < t->heap[at / 2].deadline.ns) {
        put(t, at, t->heap[at / 2]);
        at /= 2;
    }
    return at;
}

static size_t sift_down(struct lc_timers *t, size_t at, struct lc_timer_slot slot)
{
    for (;;) {
        size_t child = at * 2;
        if (child > t->count)
            return at;
        if (child < t->count && t->heap[child + 1].deadline.ns < t->heap[child].deadline.ns)
            child++;
        if (slot.deadline.ns <= t->heap[child].deadline.ns)
            return at;
        put(t, at, t->heap[child]);
        at = child;
    }
}

/* `at` is free, or holds what `slot` replaces. */
static void settle(struct lc_timers *t, size_t at, struct lc_timer_slot slot)
{
    put(t, sift_down(t, sift_up(t, at, slot), slot), slot);
}

static lc_err grow(struct lc_timers *t)
{
    size_t cap = t->cap == 0 ? FIRST_CAP : t->cap * 2;
    struct lc_timer_slot *heap = realloc(t->heap, cap * sizeof *heap);
    if (heap == NULL)
        return -ENOMEM;
    t->heap = heap;
    t->cap = cap;
    return LC_OK;
}

void lc_timers_done(struct lc_timers *t)
{
    free(t->heap);
    *t = (struct lc_timers){0};
}

lc_err lc_timers_set(struct lc_timers *t, struct lc_timer *timer, struct lc_time deadline)
{
    if (timer->slot == 0) {
        if (t->count + 1 >= t->cap) {
            lc_err e = grow(t);
            if (e != LC_OK)
                return e;
        }
        timer->slot = ++t->count;
    }
    timer->deadline = deadline;
    settle(t, timer->slot, (struct lc_timer_slot){deadline, timer});
    return LC_OK;
}

void lc_timers_cancel(struct lc_timers *t, struct lc_timer *timer)
{
    size_t at = timer->slot;
    if (at == 0)
        return;
    LC_ASSERT(at <= t->count && t->heap[at].timer == timer);
    timer->slot = 0;
    struct lc_timer_slot last = t->heap[t->count--];
    if (last.timer != timer)
        settle(t, at, last);
}

struct lc_time lc_timers_next(const struct lc_timers *t)
{
    return t->count == 0 ? LC_TIME_NEVER : t->heap[1].deadline;
}

void lc_timers_fire(struct lc_timers *t, struct lc_time now)
{
    for (size_t left = t->count; left > 0 && t->count > 0; left--) {
        if (!lc_time_reached(t->heap[1].deadline, now))
            return;
        struct lc_timer *timer = t->heap[1].timer;
        lc_timers_cancel(t, timer);
        timer->fire(timer);
    }
}
