/* SPDX-License-Identifier: Apache-2.0
 *
 * store/spool_test.c - a store that is full says so, keeps what was not released, and goes on when
 * something was.
 */
#include "store/life_steps_test.h"

#define SPOOL_OCTETS (UINT64_C(64) << 10)

static void spool_begin(struct life *l, unsigned writers)
{
    life_begin(l, writers);
    lc_store_close(l->store);
    l->config.spool_octets = SPOOL_OCTETS;
    l->config.retain_ns = LC_NS_PER_S; /* does not count in a spool */
    life_open(l);
}

static void work(struct life *l)
{
    for (unsigned i = 0; i < 3; i++) {
        life_work(l, LC_WORK_COMMIT);
        for (unsigned shard = 0; shard < l->config.writers; shard++)
            (void)!life_take_outcomes(l, shard);
        life_work(l, LC_WORK_ANY);
    }
}

/* Until it is full; returns how many records fitted. */
static unsigned fill(struct life *l)
{
    unsigned before = l->count;
    lc_err e;
    while ((e = life_append_one(l)) == LC_OK)
        if (l->count % 20 == 0)
            work(l);
    assert_lc_err(e, LC_EWAIT);
    life_work(l, LC_WORK_COMMIT);
    return l->count - before;
}

/* All of a shard up to this record. */
static void release(struct life *l, unsigned shard, unsigned upto)
{
    uint64_t id = 0;
    for (unsigned i = 0; i <= upto && i < l->count; i++)
        if (lc_id_shard(l->ids[i]) == shard)
            id = l->ids[i];
    lc_store_release(l->store, shard, id);
}

static void full_until_released(void **state)
{
    LC_UNUSED(state);
    struct life l;
    spool_begin(&l, 2);
    unsigned fitted = fill(&l);
    assert_true(fitted > 300);
    assert_lc_err(life_append_one(&l), LC_EWAIT);
    l.clock.wall_ns += INT64_C(48) * 3600 * LC_NS_PER_S;
    work(&l);
    life_check(&l); /* old and too much, and all of it is there */
    assert_in_range(lc_store_stats(l.store).spool_octets, SPOOL_OCTETS, 2 * SPOOL_OCTETS);

    life_crash(&l, LC_CUT_LOST);
    life_check(&l);
    fitted += fill(&l); /* a segment is smaller than the WAL that it is made from */
    life_check(&l);
    unsigned notified = l.notified;
    release(&l, 0, l.count);
    work(&l);
    assert_true(l.notified > notified); /* whoever waited is told */
    assert_int_equal(life_missing(&l, 1), 0);
    release(&l, 1, l.count);
    work(&l);
    assert_int_equal(life_missing(&l, 0) + life_missing(&l, 1), fitted);
    memset(l.ids, 0, l.count * sizeof l.ids[0]);
    life_check(&l);
    assert_true(fill(&l) > 300);
    life_check(&l);
    life_end(&l);
}

static void released_sets_are_not_sealed(void **state)
{
    LC_UNUSED(state);
    struct life l;
    spool_begin(&l, 1);
    life_append(&l, 60);
    work(&l);
    release(&l, 0, 49);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    assert_int_equal(lc_store_stats(l.store).sealed, 1); /* ten were not released */
    life_check(&l);

    life_append(&l, 50);
    work(&l);
    release(&l, 0, l.count);
    work(&l);
    assert_int_equal(lc_store_stats(l.store).retired, 1);
    assert_lc_ok(lc_store_step(l.store, LC_WORK_SEAL));
    struct lc_store_stats stats = lc_store_stats(l.store);
    assert_int_equal(stats.sealed, 1);
    assert_int_equal(stats.spool_octets, 0);
    assert_int_equal(life_missing(&l, 0), l.count);
    uint64_t last = l.ids[l.count - 1];
    memset(l.ids, 0, l.count * sizeof l.ids[0]);
    life_check(&l);
    life_crash(&l, LC_CUT_LOST);
    assert_int_equal(l.report.wal_records + l.report.segment_records + l.report.lost_records, 0);
    life_check(&l);
    life_append(&l, 1);
    assert_true(l.ids[l.count - 1] > last);
    life_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_until_released),
        cmocka_unit_test(released_sets_are_not_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
