/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena_test.c - allocations that are given back together.
 */
#include "base/test.h"

#include <stdalign.h>

#include "base/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    LC_UNUSED(state);
    struct lc_arena a;
    lc_arena_init(&a, 1 << 20);
    uint8_t *before = NULL;
    for (size_t n = 1; n < 200; n++) {
        uint8_t *p = lc_arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n); /* the next one must not overlap: checked as zeroes above */
        if (before != NULL)
            assert_int_equal(before[n - 2], 0xAA);
        before = p;
    }
    lc_arena_reset(&a);
    const uint8_t *again = lc_arena_alloc(&a, 100);
    assert_non_null(again);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(again[i], 0);
    lc_arena_done(&a);
}

static void the_maximum_holds(void **state)
{
    LC_UNUSED(state);
    struct lc_arena a;
    lc_arena_init(&a, 10000);
    assert_non_null(lc_arena_alloc(&a, 9008));
    assert_null(lc_arena_alloc(&a, 993));
    assert_non_null(lc_arena_alloc(&a, 992));
    assert_null(lc_arena_alloc(&a, 1));
    assert_null(lc_arena_alloc(&a, SIZE_MAX));
    lc_arena_reset(&a);
    assert_non_null(lc_arena_alloc(&a, 10000));
    lc_arena_done(&a);
}

static void small_ones_count_what_they_take(void **state)
{
    LC_UNUSED(state);
    struct lc_arena a;
    lc_arena_init(&a, 16384);
    size_t count = 0;
    while (lc_arena_alloc(&a, 1) != NULL)
        count++;
    assert_int_equal(count, 16384 / alignof(max_align_t));
    lc_arena_done(&a);
}

static void copies(void **state)
{
    LC_UNUSED(state);
    struct lc_arena a;
    lc_arena_init(&a, 32);
    char original[] = "text";
    struct lc_slice copy = lc_arena_copy(&a, lc_slice_cstr(original));
    original[0] = 'X';
    assert_slice(copy, "text");
    struct lc_slice none = lc_arena_copy(&a, lc_slice(NULL, 0));
    assert_int_equal(none.n, 0);
    struct lc_slice failed = lc_arena_copy(&a, LC_LIT("more than there is room for it here"));
    assert_null(failed.p);
    assert_int_not_equal(failed.n, 0);
    lc_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(the_maximum_holds),
        cmocka_unit_test(small_ones_count_what_they_take),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
