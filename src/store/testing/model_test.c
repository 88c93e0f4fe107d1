/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/model_test.c - the judge of the fault suites notices each kind of broken promise.
 *
 * The store keeps its promises here; it is the model that is told something else.
 */
#include "base/test.h"

#include "store/testing/run.h"

#define RECORDS 12

static int setup(void **state)
{
    static struct lc_run run;
    lc_run_init(&run, 1 << 30, 1);
    assert_lc_ok(lc_run_open(&run, LC_CHECK_REOPENED));
    for (unsigned i = 0; i < RECORDS; i++)
        assert_lc_ok(lc_run_append(&run, i % LC_RUN_SHARDS));
    assert_lc_ok(lc_run_commit(&run));
    lc_run_check(&run);
    assert_false(run.verdict.bad);
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    lc_run_done(*state);
    return 0;
}

static void assert_noticed(struct lc_run *run, const char *words)
{
    lc_run_check(run);
    assert_true(run->verdict.bad);
    if (strstr(run->verdict.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", run->verdict.text, words);
}

static void test_committed_and_not_there(void **state)
{
    struct lc_run *run = *state;
    lc_model_add(&run->model, lc_model_last_id(&run->model, 0, true) + LC_SHARDS_MAX, 0);
    run->model.records[RECORDS].fate = LC_FATE_COMMITTED;
    assert_noticed(run, "#12 (id");
}

static void test_removed_without_need(void **state)
{
    struct lc_run *run = *state;
    run->retain_ns = 1;
    lc_run_close(run);
    assert_lc_ok(lc_run_open(run, LC_CHECK_REOPENED));
    run->retain_ns = 0; /* the model is not told */
    while (lc_run_work(run, LC_WORK_SEAL) == LC_OK)
        ;
    lc_run_retain(run);
    assert_noticed(run, "was committed and is not there");
}

static void test_never_appended(void **state)
{
    struct lc_run *run = *state;
    run->model.count--;
    assert_noticed(run, "was never appended");
}

static void test_there_twice(void **state)
{
    struct lc_run *run = *state;
    run->model.count--;
    lc_run_append(run, 0);
    lc_run_commit(run);
    assert_noticed(run, "#11 ");
}

static void test_other_contents(void **state)
{
    struct lc_run *run = *state;
    run->model.records[3].received_ns++;
    assert_noticed(run, "#3 is not what was appended");
}

static void test_other_id(void **state)
{
    struct lc_run *run = *state;
    run->model.records[3].id += LC_SHARDS_MAX;
    assert_noticed(run, "#3 has id");
}

static void test_refused_and_there(void **state)
{
    struct lc_run *run = *state;
    run->model.records[3].fate = LC_FATE_REFUSED;
    assert_noticed(run, "#3 shows and must not");
}

static void test_missing_is_counted(void **state)
{
    struct lc_run *run = *state;
    lc_model_add(&run->model, run->model.records[0].id + 1024 * 2, 0);
    run->model.records[RECORDS].gone = true;
    assert_noticed(run, "records are missing");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_committed_and_not_there), TEST(test_removed_without_need),
        TEST(test_never_appended),          TEST(test_there_twice),
        TEST(test_other_contents),          TEST(test_other_id),
        TEST(test_refused_and_there),       TEST(test_missing_is_counted),
    };
    return cmocka_run_group_tests_name("store/model", tests, NULL, NULL);
}
