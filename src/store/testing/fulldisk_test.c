/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/fulldisk_test.c - on a full disk senders are refused, queries are answered, and
 * when there is room again, records are taken again.
 */
#include "base/test.h"

#include <errno.h>

#include "store/testing/run.h"

#define SMALL         (UINT64_C(192) << 10)
#define LARGE         (UINT64_C(64) << 20)
#define RECORDS_MAX   20000 /* more never fit into SMALL */
#define MANIFEST_ROOM 2048

static bool refused_one(const struct lc_run *run)
{
    for (size_t i = 0; i < run->model.count; i++)
        if (run->model.records[i].fate == LC_FATE_REFUSED)
            return true;
    return false;
}

/* Appends, commits and seals until a sender is refused. Then there is room for manifests only: the
 * store cannot drop anything, nor start, without writing down that it did. */
static void fill(struct lc_run *run)
{
    lc_err e = LC_OK;
    for (unsigned i = 0; i < RECORDS_MAX && e != LC_EFULL && !refused_one(run); i++) {
        e = lc_run_append(run, i % LC_RUN_SHARDS);
        if (i % 4 == 3)
            lc_run_commit(run);
        if (i % 64 == 63)
            lc_run_work(run, LC_WORK_SEAL);
        assert_false(run->verdict.bad);
    }
    assert_true(e == LC_EFULL || refused_one(run));
    lc_simdisk_set_capacity(run->disk, lc_simdisk_used(run->disk) + MANIFEST_ROOM);
}

static void open_full(struct lc_run *run, uint64_t seed)
{
    lc_run_init(run, SMALL, seed);
    assert_lc_ok(lc_run_open(run, LC_CHECK_REOPENED));
    fill(run);
    lc_run_check(run);
    assert_false(run->verdict.bad);
}

static void test_refuses_answers_and_resumes(void **state)
{
    (void)state;
    struct lc_run run;
    open_full(&run, 1);
    for (unsigned i = 0; i < 20; i++) {
        lc_run_append(&run, i % LC_RUN_SHARDS);
        lc_run_commit(&run);
        lc_run_work(&run, LC_WORK_ANY);
        lc_run_check(&run);
        lc_run_wait(&run, LC_NS_PER_S);
    }
    struct lc_store_stats stats = lc_store_stats(run.store);
    assert_true(stats.refused > 0);
    assert_true(stats.write_errors > 0);
    lc_simdisk_set_capacity(run.disk, LARGE);
    lc_run_resume(&run);
    lc_run_cut(&run, LC_CUT_LOST);
    assert_lc_ok(lc_run_open(&run, LC_CHECK_RECOVERED));
    lc_run_end_good(&run, "full disk", 1);
}

static void test_cut_while_full(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20 * lc_run_rounds(); seed++) {
        struct lc_run run;
        open_full(&run, seed);
        lc_run_cut(&run, LC_CUT_RANDOM);
        lc_simdisk_set_capacity(run.disk, LARGE);
        assert_lc_ok(lc_run_open(&run, LC_CHECK_RECOVERED));
        lc_run_resume(&run);
        lc_run_end_good(&run, "cut while full", seed);
    }
}

static void test_starts_while_full(void **state)
{
    (void)state;
    struct lc_run run;
    open_full(&run, 1);
    lc_run_cut(&run, LC_CUT_KEPT);
    assert_lc_ok(lc_run_open(&run, LC_CHECK_RECOVERED));
    lc_run_close(&run);
    assert_lc_ok(lc_run_open(&run, LC_CHECK_RECOVERED));
    lc_simdisk_set_capacity(run.disk, LARGE);
    lc_run_resume(&run);
    lc_run_end_good(&run, "start on a full disk", 1);
}

static void test_retention_makes_room(void **state)
{
    (void)state;
    struct lc_run run;
    lc_run_init(&run, SMALL, 1);
    run.retain_ns = LC_NS_PER_S;
    assert_lc_ok(lc_run_open(&run, LC_CHECK_REOPENED));
    fill(&run);
    lc_run_wait(&run, 60 * LC_NS_PER_S);
    lc_run_retain(&run);
    lc_run_resume(&run);
    lc_run_end_good(&run, "retention on a full disk", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_answers_and_resumes),
        cmocka_unit_test(test_cut_while_full),
        cmocka_unit_test(test_starts_while_full),
        cmocka_unit_test(test_retention_makes_room),
    };
    return cmocka_run_group_tests_name("store/fulldisk", tests, NULL, NULL);
}
