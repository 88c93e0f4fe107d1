/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/replaycut_test.c - a WAL that is too large for the memory is sealed while it is
 * replayed: the power is cut before each change of that opening, and records and positions of
 * senders agree all the same.
 */
#include "base/test.h"

#include "store/testing/run.h"

#define CAPACITY (UINT64_C(1) << 30)
#define MEMORY   (UINT64_C(32) << 20) /* of the run that writes; the one that opens has the least */
#define RECORDS  3000
#define GROUP    100

/* What a killed run leaves: nothing is sealed. */
static void write_much(struct lc_run *run)
{
    lc_run_init(run, CAPACITY, 2);
    run->memory = MEMORY;
    assert_lc_ok(lc_run_open(run, LC_CHECK_REOPENED));
    for (unsigned i = 0; i < RECORDS; i++) {
        assert_lc_ok(lc_run_append(run, i % LC_RUN_SHARDS));
        if (i % GROUP == 0)
            assert_lc_ok(lc_run_move(run, i / GROUP % LC_RUN_SHARDS));
        if (i % GROUP == GROUP - 1)
            assert_lc_ok(lc_run_commit(run));
    }
    lc_run_cut(run, LC_CUT_LOST);
    run->memory = 1;
}

struct cut {
    struct lc_run run;
    uint64_t at;
    struct lc_simdisk *left; /* what the cut left; NULL: it did not come to it */
};

static void before_change(void *arg, uint64_t change)
{
    struct cut *c = arg;
    if (change != c->at)
        return;
    c->left = lc_simdisk_cut(c->run.disk, LC_CUT_LOST, change);
    lc_simdisk_die(c->run.disk);
}

/* False: the opening ended before that change. */
static bool cut_at(const struct lc_run *base, uint64_t change, uint64_t *ret_seals)
{
    struct cut c = {.at = change};
    struct lc_run after;
    lc_run_fork(&c.run, base, lc_simdisk_cut(base->disk, LC_CUT_KEPT, 1), 1);
    lc_run_hook(&c.run, before_change, &c);
    lc_err e = lc_run_open(&c.run, LC_CHECK_RECOVERED);
    if (c.left == NULL) {
        assert_lc_ok(e);
        *ret_seals = lc_store_stats(c.run.store).sealed;
        lc_run_end_good(&c.run, "no cut", 1);
        return false;
    }
    lc_run_fork(&after, base, c.left, 1);
    lc_run_done(&c.run);
    if (lc_run_open(&after, LC_CHECK_RECOVERED) != LC_OK)
        lc_verdict_set(&after.verdict, "it does not open after the cut");
    lc_run_end_good(&after, "a cut before change", change);
    return true;
}

static void test_sealed_while_replayed(void **state)
{
    (void)state;
    struct lc_run base;
    uint64_t change = 1, seals = 0;
    write_much(&base);
    while (cut_at(&base, change, &seals))
        change++;
    print_message("# %llu cuts, %llu seals\n", (unsigned long long)change - 1,
                  (unsigned long long)seals);
    assert_true(seals > 2); /* else this shows nothing */
    lc_run_end_good(&base, "the base", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_while_replayed),
    };
    return cmocka_run_group_tests_name("store/replaycut", tests, NULL, NULL);
}
