/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/powercut_test.c - the power is cut at every point: nothing acknowledged or seen is
 * lost or doubled, nothing half-written shows. LC_FAULT_ROUNDS=n tries n times as many seeds.
 */
#include "base/test.h"

#include <stdio.h>

#include "store/testing/powercut.h"

#define ROUNDS   14  /* of the workload: several merges */
#define CUTS_MIN 200 /* fewer would mean that the workload has stopped working */

static void cut_with_seed(uint64_t seed, bool faults)
{
    struct lc_powercut p;
    lc_powercut_run(&p, seed, ROUNDS, faults, LC_SYNC_COUNT);
    struct lc_verdict v = p.run.verdict;
    bool all_done = faults || lc_run_did_all(&p.run);
    if (v.bad)
        lc_simdisk_print_calls(p.witness != NULL ? p.witness : p.run.disk);
    lc_powercut_done(&p);
    print_message("# seed %llu: %llu cuts, %llu recoveries\n", (unsigned long long)seed,
                  (unsigned long long)p.cuts, (unsigned long long)p.recoveries);
    if (v.bad)
        fail_msg("seed %llu, cut %llu: %s", (unsigned long long)seed, (unsigned long long)p.cuts,
                 v.text);
    assert_true(p.cuts >= CUTS_MIN);
    assert_true(all_done);
}

static void cut_with_seeds(uint64_t first, bool faults)
{
    for (unsigned i = 0; i < lc_run_rounds(); i++)
        cut_with_seed(first + 3 * i, faults);
}

static void test_all_is_kept(void **state)
{
    (void)state;
    cut_with_seeds(3, false);
}

static void test_retention_by_size(void **state)
{
    (void)state;
    cut_with_seeds(1, false);
}

static void test_retention_by_age(void **state)
{
    (void)state;
    cut_with_seeds(2, false);
}

static void test_spool(void **state)
{
    (void)state;
    cut_with_seeds(LC_POWERCUT_SPOOL, false);
}

static void test_spool_while_calls_fail(void **state)
{
    (void)state;
    cut_with_seeds(LC_POWERCUT_SPOOL + 1, true);
}

static void test_while_calls_fail(void **state)
{
    (void)state;
    cut_with_seeds(5, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_kept),
        cmocka_unit_test(test_retention_by_size),
        cmocka_unit_test(test_retention_by_age),
        cmocka_unit_test(test_while_calls_fail),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_spool_while_calls_fail),
    };
    return cmocka_run_group_tests_name("store/powercut", tests, NULL, NULL);
}
