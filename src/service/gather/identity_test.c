/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/identity_test.c - files are known again, and others are not taken for them.
 */
#include "base/test.h"

#include "service/gather/gather.h"

static void a_file_that_grows_is_the_same(void **state)
{
    LC_UNUSED(state);
    uint8_t octets[2000];

    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7);
    uint64_t epoch = lc_epoch_make(1, lc_slice(octets, 1));

    for (size_t n = 1; n <= sizeof octets; n++) {
        struct lc_slice start = lc_slice(octets, n < LC_PRINT_MAX ? n : LC_PRINT_MAX);
        uint64_t grown = lc_epoch_grow(epoch, start);

        assert_true(lc_epoch_fits(epoch, start));
        assert_true(grown >= epoch);
        assert_true(lc_epoch_fits(grown, start));
        assert_int_equal(lc_epoch_covers(grown), start.n);
        epoch = grown;
    }
}

static void another_start_is_another_file(void **state)
{
    LC_UNUSED(state);
    uint64_t epoch = lc_epoch_make(1, LC_LIT("Server started\n"));

    assert_false(lc_epoch_fits(epoch, LC_LIT("Server started")));
    assert_false(lc_epoch_fits(epoch, LC_LIT("")));
    assert_false(lc_epoch_fits(epoch, LC_LIT("server started\nx")));
    assert_true(lc_epoch_fits(epoch, LC_LIT("Server started\nx")));
}

/* The store keeps the greatest position of a sender. */
static void what_comes_later_is_greater(void **state)
{
    LC_UNUSED(state);
    uint64_t first = lc_epoch_make(1, LC_LIT("a line that is long\n"));
    uint64_t next = lc_epoch_next(first, LC_LIT("b\n"));

    assert_true(next > first);
    assert_true(lc_epoch_next(next, LC_LIT("a\n")) > lc_epoch_grow(next, LC_LIT("b\nmore")));
    assert_int_equal(lc_epoch_covers(next), 2);
}

static void senders_are_inodes(void **state)
{
    LC_UNUSED(state);
    struct lc_sender_id a, b;
    const struct lc_file_id one = {1, 2}, other = {2, 1};

    lc_file_sender(&one, &a);
    lc_file_sender(&other, &b);
    assert_memory_not_equal(&a, &b, sizeof a);
    lc_file_sender(&one, &b);
    assert_memory_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_grows_is_the_same),
        cmocka_unit_test(another_start_is_another_file),
        cmocka_unit_test(what_comes_later_is_greater),
        cmocka_unit_test(senders_are_inodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
