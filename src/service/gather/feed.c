/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/feed.c - octets of one input into records of its lane.
 */
#include "service/gather/gather.h"

#define UNENDED_MS 60000 /* a line without its end; some programs write in blocks, and slowly */
#define REST_SMALL 4096  /* more is given back when little of it is used */

lc_err lc_feed_init(struct lc_feed *f, struct lc_gather *g, bool can_reread)
{
    *f = (struct lc_feed){.can_reread = can_reread, .due = LC_TIME_NEVER};
    lc_dynbuf_init(&f->rest, g->rest_max);
    lc_link_init(&f->timed);
    return can_reread ? LC_OK : lc_dynbuf_reserve(&f->rest, g->rest_max);
}

void lc_feed_done(struct lc_feed *f)
{
    lc_link_remove(&f->timed);
    lc_dynbuf_done(&f->rest);
}

void lc_feed_reset(struct lc_feed *f, uint64_t at, uint64_t epoch)
{
    lc_link_remove(&f->timed);
    f->joiner = (struct lc_joiner){0};
    f->rest.n = 0;
    f->at = at;
    f->epoch = epoch;
    f->is_stuck = f->ends = false;
}

uint64_t lc_feed_next(const struct lc_feed *f)
{
    return f->at + f->joiner.dropped + f->rest.n;
}

uint8_t *lc_feed_room(struct lc_feed *f, struct lc_gather *g)
{
    LC_ASSERT(!f->is_stuck);
    if (f->rest.n > 0)
        memcpy(g->chunk, f->rest.p, f->rest.n);
    return g->chunk + f->rest.n;
}

static lc_err put(struct lc_feed *f, const struct lc_joined *got)
{
    const struct lc_gathered what = {
        .source = f->source,
        .position = {.epoch = f->epoch, .upto = f->at + got->spent},
        .truncated = got->truncated,
        .record = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE, .message = got->text},
    };

    return lc_lane_put(&what);
}

static bool lies_in_rest(const struct lc_feed *f, struct lc_slice in)
{
    return f->rest.p != NULL && in.p >= f->rest.p && in.p < f->rest.p + f->rest.cap;
}

static void give_back_memory(struct lc_feed *f)
{
    size_t max = f->rest.max;

    lc_dynbuf_done(&f->rest);
    lc_dynbuf_init(&f->rest, max);
}

/* The rest becomes a copy of `in`, which may lie in it. */
static void keep(struct lc_feed *f, struct lc_slice in)
{
    if (lies_in_rest(f, in)) {
        memmove(f->rest.p, in.p, in.n);
        f->rest.n = in.n;
        return;
    }
    f->rest.n = 0;
    if (f->can_reread && f->rest.cap > REST_SMALL && in.n < REST_SMALL / 2)
        give_back_memory(f);
    if (lc_dynbuf_append(&f->rest, in) == LC_OK)
        return;
    LC_ASSERT(f->can_reread); /* of others the memory is there */
    lc_feed_reset(f, f->at, f->epoch);
}

static void set_timer(struct lc_feed *f, struct lc_gather *g)
{
    int64_t wait_ms =
        lc_join_is_held(&f->joiner) ? g->config->join_wait_ns / LC_NS_PER_MS : UNENDED_MS;

    lc_link_remove(&f->timed);
    if (f->rest.n == 0)
        return;
    f->due = lc_time_add_ms(lc_monotonic(g->site->clock), wait_ms);
    lc_list_add_last(&g->timed, &f->timed);
}

/* No room for the record that begins at `in`. */
static void stick(struct lc_feed *f, struct lc_slice in)
{
    if (f->can_reread && !f->ends && !lies_in_rest(f, in)) {
        lc_feed_reset(f, f->at, f->epoch);
        return;
    }
    keep(f, in);
    f->is_stuck = true;
}

static void run(struct lc_feed *f, struct lc_gather *g, struct lc_slice in, enum lc_join_wait wait)
{
    struct lc_joined got;

    f->is_stuck = false;
    for (;;) {
        const struct lc_joiner before = f->joiner;

        if (!lc_lane_has_room(f->source->lane)) {
            stick(f, in);
            return;
        }
        if (lc_join_next(&f->joiner, &g->rules, in, wait, &got) != LC_OK)
            break;
        if (got.text.n > 0 && put(f, &got) != LC_OK) {
            f->joiner = before;
            stick(f, in);
            return;
        }
        f->at += got.spent;
        in = lc_slice_from(in, got.used);
    }
    in.n = got.keep;
    keep(f, in);
    set_timer(f, g);
}

static enum lc_join_wait awaits(const struct lc_feed *f)
{
    return f->ends ? LC_JOIN_NO_MORE : LC_JOIN_WAIT;
}

void lc_feed_take(struct lc_feed *f, struct lc_gather *g, size_t n)
{
    run(f, g, lc_slice(g->chunk, f->rest.n + n), awaits(f));
}

bool lc_feed_go_on(struct lc_feed *f, struct lc_gather *g)
{
    if (f->is_stuck)
        run(f, g, lc_dynbuf_slice(&f->rest), awaits(f));
    return !f->is_stuck;
}

bool lc_feed_end(struct lc_feed *f, struct lc_gather *g)
{
    f->ends = true;
    run(f, g, lc_dynbuf_slice(&f->rest), LC_JOIN_NO_MORE);
    return !f->is_stuck;
}

struct lc_time lc_feeds_time_out(struct lc_gather *g, struct lc_time now)
{
    struct lc_time next = LC_TIME_NEVER;

    for (struct lc_link *l = g->timed.next, *following; l != &g->timed; l = following) {
        struct lc_feed *f = LC_CONTAINER(l, struct lc_feed, timed);

        following = l->next;
        if (lc_time_reached(f->due, now) && lc_lane_has_room(f->source->lane))
            run(f, g, lc_dynbuf_slice(&f->rest),
                lc_join_is_held(&f->joiner) ? LC_JOIN_NO_LINE : LC_JOIN_NO_MORE);
        else if (!lc_time_reached(f->due, now) && f->due.ns < next.ns)
            next = f->due;
    }
    return next;
}
