/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "access/rates.h"

#define S(seconds) ((struct lc_time){(int64_t)((seconds)*1e9)})

static const struct lc_rate ten = {10, LC_NS_PER_S};

/* How many of `tries` at this moment get one. */
static unsigned try_at(struct lc_bucket *b, struct lc_rate rate, struct lc_time now, unsigned tries)
{
    unsigned got = 0;

    for (unsigned i = 0; i < tries; i++) {
        if (!lc_bucket_has_one(b, rate, now))
            continue;
        lc_bucket_take_one(b, rate, now);
        got++;
    }
    return got;
}

static void a_period_of_it_at_once_then_the_rate(void **state)
{
    struct lc_bucket b = LC_BUCKET_FULL;
    unsigned got = 0;

    LC_UNUSED(state);
    assert_int_equal(try_at(&b, ten, S(5), 30), 10);
    assert_false(lc_bucket_is_full(&b, S(5)));
    assert_int_equal(try_at(&b, ten, S(5.0999), 30), 0);
    assert_int_equal(try_at(&b, ten, S(5.1), 30), 1);
    for (unsigned ms = 100; ms < 10100; ms++)
        got += try_at(&b, ten, S(5 + ms / 1e3), 3);
    assert_int_equal(got, 99); /* one every 100 ms: the first was taken above */
    assert_int_equal(try_at(&b, ten, S(60), 30), 10);
}

/* Each rate gives exactly its count at once. */
static void every_rate_is_exact(void **state)
{
    static const uint64_t counts[] = {1, 3, 7, 9, 10, 50, 99, 100, 997, 100000};

    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(counts); i++) {
        for (int64_t period = LC_NS_PER_S; period <= 3600 * LC_NS_PER_S; period *= 60) {
            struct lc_rate rate = {counts[i], period};
            struct lc_bucket b = LC_BUCKET_FULL;

            assert_int_equal(try_at(&b, rate, S(1), (unsigned)counts[i] + 2), counts[i]);
        }
    }
}

static void without_a_limit_all_pass(void **state)
{
    struct lc_bucket b = LC_BUCKET_FULL;
    const struct lc_rate none = {0, 0};

    LC_UNUSED(state);
    assert_int_equal(try_at(&b, none, S(1), 1000), 1000);
    assert_true(lc_bucket_lease(&b, none, S(1), 1) == UINT64_MAX);
    assert_true(lc_bucket_is_full(&b, S(1)));
    assert_int_equal(lc_bucket_ready(&b, none, S(1)).ns, S(1).ns);
}

/* An hour ahead: full, no more. An hour back: shut for a period at most. */
static void jumps_of_the_clock(void **state)
{
    struct lc_bucket b = LC_BUCKET_FULL;

    LC_UNUSED(state);
    assert_int_equal(try_at(&b, ten, S(10000), 30), 10);
    assert_int_equal(try_at(&b, ten, S(13600), 30), 10);
    assert_int_equal(try_at(&b, ten, S(10000), 30), 0); /* back */
    assert_true(lc_bucket_ready(&b, ten, S(10000)).ns <= S(10000.1).ns);
    assert_int_equal(try_at(&b, ten, S(10000), 30), 0);
    assert_int_equal(try_at(&b, ten, S(0), 30), 0); /* and back to the beginning */
    b.full_ns = S(1e9).ns;
    lc_bucket_take_one(&b, ten, S(1)); /* it holds from the moment when it is used */
    assert_int_equal(try_at(&b, ten, S(1 + 1 + 60.2), 30), 10);
}

static void leases_add_up_to_the_rate(void **state)
{
    const struct lc_rate rate = {1000, LC_NS_PER_S};
    struct lc_bucket b = LC_BUCKET_FULL;
    uint64_t all = 0, one;

    LC_UNUSED(state);
    assert_int_equal(lc_bucket_lease(&b, rate, S(1), 1), 50);
    for (all = 50; (one = lc_bucket_lease(&b, rate, S(1), 1)) > 0; all += one)
        ;
    assert_int_equal(all, 1000);
    for (unsigned ms = 0; ms <= 10000; ms++)
        all += lc_bucket_lease(&b, rate, S(1 + ms / 1e3), 1);
    assert_int_equal(all, 11000);
    lc_bucket_give_back(&b, rate, 30);
    assert_int_equal(lc_bucket_lease(&b, rate, S(11), 1), 30);
}

/* What is larger than all that a period gives passes too; the next waits for it. */
static void a_large_one_goes_into_debt(void **state)
{
    const struct lc_rate rate = {1000, LC_NS_PER_S};
    struct lc_bucket b = LC_BUCKET_FULL;

    LC_UNUSED(state);
    assert_int_equal(lc_bucket_lease(&b, rate, S(1), 5000), 5000);
    assert_int_equal(lc_bucket_lease(&b, rate, S(1), 1), 0);
    assert_int_equal(lc_bucket_ready(&b, rate, S(1)).ns, S(5.001).ns);
    assert_int_equal(lc_bucket_lease(&b, rate, S(5), 1), 0);
    assert_int_equal(lc_bucket_lease(&b, rate, S(5.001), 1), 1);
    /* but not for longer than a minute */
    b = LC_BUCKET_FULL;
    assert_int_equal(lc_bucket_lease(&b, rate, S(1), UINT64_MAX), UINT64_MAX);
    assert_int_equal(lc_bucket_ready(&b, rate, S(1)).ns, S(61.001).ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_of_it_at_once_then_the_rate),
        cmocka_unit_test(every_rate_is_exact),
        cmocka_unit_test(without_a_limit_all_pass),
        cmocka_unit_test(jumps_of_the_clock),
        cmocka_unit_test(leases_add_up_to_the_rate),
        cmocka_unit_test(a_large_one_goes_into_debt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
