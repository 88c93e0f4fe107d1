/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/missing_sync_test.c - each sync of the store is needed: with any one of them taken
 * out, the power-cut suite finds a broken promise.
 */
#include "base/test.h"

#include "store/testing/powercut.h"

#define ROUNDS 14
#define SEEDS  4 /* tried until one finds it */

static void expect_broken(enum lc_sync_point point)
{
    bool broken = false;
    for (uint64_t seed = 1; seed <= SEEDS && !broken; seed++) {
        struct lc_powercut p;
        lc_powercut_run(&p, seed, ROUNDS, false, point);
        broken = p.run.verdict.bad;
        if (broken)
            print_message("# without %s, seed %llu, cut %llu: %s\n", lc_sim_sync_name(point),
                          (unsigned long long)seed, (unsigned long long)p.cuts, p.run.verdict.text);
        lc_powercut_done(&p);
    }
    if (!broken)
        fail_msg("nothing is noticed without %s", lc_sim_sync_name(point));
}

#define TEST(name)                                                                                 \
    static void test_without_##name(void **state)                                                  \
    {                                                                                              \
        (void)state;                                                                               \
        expect_broken(LC_SYNC_##name);                                                             \
    }
LC_SYNC_POINTS(TEST)
#undef TEST

int main(void)
{
#define TEST(name) cmocka_unit_test(test_without_##name),
    const struct CMUnitTest tests[] = {LC_SYNC_POINTS(TEST)};
#undef TEST
    return cmocka_run_group_tests_name("store/missing_sync", tests, NULL, NULL);
}
