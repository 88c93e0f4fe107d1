/* SPDX-License-Identifier: Apache-2.0
 *
 * base/list_test.c - lists in which members come and go.
 */
#include "base/test.h"

#include "base/list.h"

#define MEMBERS 4

static void assert_order(struct lc_link *list, const struct lc_link *members, const char *order)
{
    const struct lc_link *l = list->next;
    for (const char *p = order; *p != '\0'; p++, l = l->next) {
        assert_ptr_equal(l, &members[*p - '0']);
        assert_ptr_equal(l->next->prev, l);
    }
    assert_ptr_equal(l, list);
    assert_ptr_equal(list->next->prev, list);
    assert_int_equal(lc_link_is_linked(list), *order != '\0');
}

static void fill(struct lc_link *list, struct lc_link members[MEMBERS])
{
    lc_link_init(list);
    for (size_t i = 0; i < MEMBERS; i++) {
        lc_link_init(&members[i]);
        assert_false(lc_link_is_linked(&members[i]));
        lc_list_add_last(list, &members[i]);
        assert_true(lc_link_is_linked(&members[i]));
    }
}

static void test_add_and_remove(void **state)
{
    LC_UNUSED(state);
    struct lc_link list;
    struct lc_link members[MEMBERS];
    fill(&list, members);
    assert_order(&list, members, "0123");
    lc_link_remove(&members[1]);
    lc_link_remove(&members[1]);
    assert_false(lc_link_is_linked(&members[1]));
    assert_order(&list, members, "023");
    lc_list_add_last(&list, &members[1]);
    assert_order(&list, members, "0231");
    assert_ptr_equal(lc_list_take_first(&list), &members[0]);
    assert_order(&list, members, "231");
    while (lc_list_take_first(&list) != NULL)
        ;
    assert_order(&list, members, "");
    assert_null(lc_list_take_first(&list));
}

static void test_take_all(void **state)
{
    LC_UNUSED(state);
    struct lc_link list;
    struct lc_link taken;
    struct lc_link members[MEMBERS];
    fill(&list, members);
    lc_list_take_all(&list, &taken);
    assert_order(&list, members, "");
    assert_order(&taken, members, "0123");
    /* a member leaves whichever list it is in */
    lc_link_remove(&members[3]);
    lc_list_add_last(&list, &members[3]);
    assert_order(&taken, members, "012");
    assert_order(&list, members, "3");
    struct lc_link empty;
    struct lc_link none;
    lc_link_init(&empty);
    lc_list_take_all(&empty, &none);
    assert_false(lc_link_is_linked(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_remove),
        cmocka_unit_test(test_take_all),
    };
    return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
