/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/callfail_test.c - the first, second, third ... call of each kind fails, until a run
 * ends in which none did. The store goes on or refuses; nothing acknowledged is lost or doubled,
 * and when the disk works again, so does the store.
 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>

#include "store/testing/run.h"

#define CAPACITY (UINT64_C(1) << 30)
#define ROUNDS   12
#define SEEDS    3

#define SEED_SPOOL   2
#define SPOOL_OCTETS (UINT64_C(32) << 10)

static void begin(struct lc_run *run, uint64_t seed)
{
    lc_run_init(run, CAPACITY, seed);
    if (seed == SEED_SPOOL)
        run->spool_octets = SPOOL_OCTETS;
    else
        run->retain_ns = INT64_C(3600) * LC_NS_PER_S;
}

/* False: the run ended without one call failing. */
static bool run_with_fault(const struct lc_sim_fault *fault, uint64_t seed)
{
    struct lc_run run;
    begin(&run, seed);
    lc_simdisk_fail(run.disk, fault);
    lc_run_workload(&run, ROUNDS);
    bool failed = lc_simdisk_failed(run.disk) != 0;
    lc_simdisk_fail(run.disk, &(struct lc_sim_fault){0});
    lc_run_resume(&run);
    lc_run_cut(&run, LC_CUT_LOST);
    if (!run.verdict.bad && lc_run_open(&run, LC_CHECK_RECOVERED) != LC_OK)
        lc_verdict_set(&run.verdict, "it does not open on a disk that works");
    char what[96];
    snprintf(what, sizeof what, "%s, calls %llu to %llu: %s", lc_sim_call_name(fault->call),
             (unsigned long long)fault->first,
             (unsigned long long)(fault->first + fault->times - 1), lc_strerror(fault->error));
    lc_run_end_good(&run, what, seed);
    return failed;
}

static void fail_each(enum lc_sim_call call, lc_err error, uint64_t times)
{
    struct lc_sim_fault fault = {.call = call, .first = 1, .times = times, .error = error};
    while (run_with_fault(&fault, fault.first % SEEDS))
        fault.first++;
    print_message("# %s, %s, %llu in a row: %llu runs\n", lc_sim_call_name(call),
                  lc_strerror(error), (unsigned long long)times, (unsigned long long)fault.first);
    assert_true(fault.first > 1); /* else the store never makes such a call */
}

static void test_runs_make_all_calls(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct lc_run run;
        begin(&run, seed);
        lc_run_workload(&run, ROUNDS);
        assert_true(lc_run_did_all(&run));
        lc_run_end_good(&run, "no fault", seed);
    }
}

#define TEST(name)                                                                                 \
    static void test_##name##_fails(void **state)                                                  \
    {                                                                                              \
        (void)state;                                                                               \
        fail_each(LC_SIM_##name, -EIO, 1);                                                         \
    }
LC_SIM_CALLS(TEST)
#undef TEST

static void test_writes_fail_for_a_while(void **state)
{
    (void)state;
    fail_each(LC_SIM_WRITE, -EIO, 4);
}

static void test_syncs_fail_for_a_while(void **state)
{
    (void)state;
    fail_each(LC_SIM_SYNC, -EIO, 4);
}

static void test_no_space_for_names(void **state)
{
    (void)state;
    fail_each(LC_SIM_OPEN, -ENOSPC, 3);
}

static void test_no_space_for_writes(void **state)
{
    (void)state;
    fail_each(LC_SIM_WRITE, -ENOSPC, 10);
}

/* File systems that give out blocks late find out only now. */
static void test_no_space_at_syncs(void **state)
{
    (void)state;
    fail_each(LC_SIM_SYNC, -ENOSPC, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(test_##name##_fails),
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_make_all_calls),
        LC_SIM_CALLS(TEST) cmocka_unit_test(test_writes_fail_for_a_while),
        cmocka_unit_test(test_syncs_fail_for_a_while),
        cmocka_unit_test(test_no_space_for_names),
        cmocka_unit_test(test_no_space_for_writes),
        cmocka_unit_test(test_no_space_at_syncs),
    };
#undef TEST
    return cmocka_run_group_tests_name("store/callfail", tests, NULL, NULL);
}
