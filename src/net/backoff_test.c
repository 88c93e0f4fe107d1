/* SPDX-License-Identifier: Apache-2.0
 *
 * net/backoff_test.c - limits that double, jitter over the whole of them, and what makes them
 * small.
 */
#include "base/test.h"
#include "net/backoff.h"

static uint64_t next_random;

static void fixed_random(void *state, void *p, size_t n)
{
    LC_UNUSED(state);
    assert_int_equal(n, sizeof next_random);
    memcpy(p, &next_random, n);
}

static const struct lc_clock test_clock = {.random = fixed_random};
static const struct lc_time now = {LC_NS_PER_S};

static int64_t wait_ms(struct lc_backoff *b, uint64_t random)
{
    next_random = random;
    return (lc_backoff_next(b, now).ns - now.ns) / LC_NS_PER_MS;
}

/* A random number of limit gives the limit, one more gives 0: the jitter covers 0..limit. */
static void test_limits_double(void **state)
{
    LC_UNUSED(state);
    static const int64_t limits[] = {100, 200, 400, 800, 1000, 1000, 1000};
    struct lc_backoff b;
    struct lc_backoff same;
    lc_backoff_init(&b, 100, 1000, 5000, &test_clock);
    lc_backoff_init(&same, 100, 1000, 5000, &test_clock);
    for (size_t i = 0; i < LC_ARRAY_LEN(limits); i++) {
        assert_int_equal(wait_ms(&b, (uint64_t)limits[i]), limits[i]);
        assert_int_equal(wait_ms(&same, (uint64_t)limits[i] + 1), 0);
    }
}

static void test_stable_connection_resets(void **state)
{
    LC_UNUSED(state);
    struct lc_backoff b;
    lc_backoff_init(&b, 100, 1000, 5000, &test_clock);
    for (int i = 0; i < 5; i++)
        wait_ms(&b, 0);
    /* it was lost at once */
    lc_backoff_connected(&b, lc_time_add_ms(now, -4999));
    assert_int_equal(wait_ms(&b, 1000), 1000);
    /* it held for 5 s */
    lc_backoff_connected(&b, lc_time_add_ms(now, -5000));
    assert_int_equal(wait_ms(&b, 100), 100);
    assert_int_equal(wait_ms(&b, 200), 200);
    /* what held once does not count twice */
    assert_int_equal(wait_ms(&b, 400), 400);
}

static void test_defaults_and_extremes(void **state)
{
    LC_UNUSED(state);
    struct lc_backoff b;
    lc_backoff_init(&b, 0, 0, 0, NULL);
    for (int i = 0; i < 200; i++) {
        int64_t wait = lc_backoff_next(&b, now).ns - now.ns;
        assert_true(wait >= 0 && wait <= 30 * LC_NS_PER_S);
    }
    lc_backoff_init(&b, INT64_MAX / 2 + 1, INT64_MAX, 0, &test_clock);
    wait_ms(&b, 0);
    next_random = UINT64_MAX >> 1;
    assert_int_equal(lc_backoff_next(&b, now).ns, LC_TIME_NEVER.ns);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_double),
        cmocka_unit_test(test_stable_connection_resets),
        cmocka_unit_test(test_defaults_and_extremes),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
