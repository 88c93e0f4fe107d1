/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/follow_test.c - files, and a lane that takes no more, without a worker behind it.
 */
#include "base/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "service/gather/follow.h"

struct world {
    struct lc_site site;
    struct lc_lane lane;
    struct lc_gather gather;
    char path[32];
    const char *read[1];
};

/* A file that is read once. */
static void init(struct world *w, const char *text)
{
    memset(w, 0, sizeof *w);
    snprintf(w->path, sizeof w->path, "lc-test-XXXXXX");
    int fd = mkstemp(w->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
    w->read[0] = w->path;
    w->site.clock = &lc_clock_system;
    w->site.config.gather.read = w->read;
    w->site.config.gather.read_count = 1;

    struct lc_gather *g = &w->gather;

    g->site = &w->site;
    g->config = &w->site.config.gather;
    g->rules = (struct lc_join_rules){.octets_max = 1024, .lines_max = LC_GATHER_LINES_MAX};
    g->rest_max = LC_JOIN_KEEP_MAX(g->rules.octets_max) + LC_READ_CHUNK;
    g->chunk = malloc(g->rest_max);
    assert_non_null(g->chunk);
    g->lanes = &w->lane;
    g->lane_count = 1;
    lc_link_init(&g->timed);
    lc_link_init(&g->retired);
    lc_lane_init(&w->lane, g);
    assert_lc_ok(lc_follow_new(g, &g->follow));

    /* as if the store had been asked, which is not there */
    struct lc_followed *f = LC_CONTAINER(g->follow->files.next, struct lc_followed, all);

    lc_feed_reset(&f->feed, 0, lc_epoch_make(1, lc_slice_cstr(text)));
    f->is_known = true;
}

static void done(struct world *w)
{
    struct lc_gather *g = &w->gather;

    lc_follow_free(g->follow);
    atomic_store_explicit(&w->lane.back, UINT64_MAX, memory_order_relaxed);
    lc_source_retire(g, NULL);
    lc_lane_done(&w->lane);
    free(g->chunk);
    assert_int_equal(unlink(w->path), 0);
}

static struct lc_gather_batch *batch(struct world *w)
{
    return &w->lane.batches[atomic_load(&w->lane.given) % LC_BATCHES];
}

/* What memory is there for a batch from now on. */
static void allow(struct world *w, size_t octets)
{
    batch(w)->data.max = octets;
}

static void turn(struct world *w)
{
    struct lc_time deadline = LC_TIME_NEVER;

    lc_follow_turn(w->gather.follow, lc_monotonic(w->site.clock), &deadline);
}

static void assert_lines(struct world *w, const char *const *lines, size_t count)
{
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_entry entry;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(lc_gather_batch_next(batch(w), &at, fields, &entry));
        assert_slice(entry.what.record.message, lines[i]);
    }
    assert_false(lc_gather_batch_next(batch(w), &at, fields, &entry));
}

/* A lane that refuses a line and has room when it is asked again: so it is when a batch came back
 * in between, and when memory is short. */
static void what_a_lane_refuses_is_read_again(void **state)
{
    LC_UNUSED(state);
    static const char *const lines[] = {"one", "two", "no end"};
    struct world w;

    init(&w, "one\ntwo\nno end");
    allow(&w, 100); /* of these lines one */
    turn(&w);
    assert_true(lc_lane_has_room(&w.lane));
    assert_lines(&w, lines, 1);
    assert_int_equal(lc_follow_unread(w.gather.follow), 1);
    allow(&w, LC_BATCH_FULL);
    turn(&w);
    assert_lines(&w, lines, 3);
    assert_int_equal(lc_follow_unread(w.gather.follow), 0);
    done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_lane_refuses_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
