/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/held_test.c - rows held back: the newest, their order, and tables of several servers as one.
 */
#include "cli/held.h"

#include "base/test.h"

static void add(struct lc_held *r, const char *text)
{
    assert_lc_ok(lc_held_add(r, lc_slice_cstr(text)));
}

static void expect(const struct lc_held *r, const char *const *texts, size_t count)
{
    assert_int_equal(r->count, count);
    for (size_t i = 0; i < count; i++)
        assert_slice(lc_held_at(r, i), texts[i]);
}

static void the_newest_remain(void **state)
{
    LC_UNUSED(state);
    struct lc_held r;
    lc_held_init(&r, 3, 1024);
    for (const char *c = "abcdefgh"; *c != '\0'; c++)
        assert_lc_ok(lc_held_add(&r, lc_slice(c, 1)));
    expect(&r, (const char *[]){"f", "g", "h"}, 3);
    lc_held_clear(&r);
    add(&r, "i");
    expect(&r, (const char *[]){"i"}, 1);
    lc_held_done(&r);

    lc_held_init(&r, 0, 1024);
    add(&r, "nothing is kept");
    assert_int_equal(r.count, 0);
    lc_held_done(&r);
}

static void octets_are_bounded(void **state)
{
    LC_UNUSED(state);
    struct lc_held r;
    lc_held_init(&r, UINT64_MAX, 10);
    add(&r, "123456");
    assert_lc_err(lc_held_add(&r, LC_LIT("12345")), LC_ELIMIT);
    lc_held_done(&r);

    /* a row that leaves gives its octets back */
    lc_held_init(&r, 1, 10);
    add(&r, "123456");
    add(&r, "1234567890");
    expect(&r, (const char *[]){"1234567890"}, 1);
    lc_held_done(&r);
}

static void order_is_that_of_time(void **state)
{
    LC_UNUSED(state);
    static const char *const texts[] = {
        "{\"_time\":\"2026-11-20T18:00:01Z\",\"_msg\":\"c\"}",
        "{\"_time\":\"2026-11-20T18:00:00.5Z\",\"_msg\":\"b\"}",
        "{\"_time\":\"2026-11-20T18:00:01Z\",\"_msg\":\"d\"}",
        "{\"_time\":\"2026-11-20T18:00:00Z\",\"_msg\":\"a\"}",
    };
    struct lc_held r;
    lc_held_init(&r, UINT64_MAX, 4096);
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++)
        add(&r, texts[i]);
    lc_held_sort(&r);
    expect(&r, (const char *[]){texts[3], texts[1], texts[0], texts[2]}, 4);
    assert_true(lc_held_time(LC_LIT("{\"n\":\"1\"}")) == INT64_MIN);
    lc_held_done(&r);
}

static void tables_become_one(void **state)
{
    LC_UNUSED(state);
    static const char *const texts[] = {
        "{\"level\":\"ERROR\",\"app\":\"db\",\"n\":\"7\"}",
        "{\"level\":\"INFO\",\"app\":\"web\",\"n\":\"18446744073709551610\"}",
        "{\"level\":\"INFO\",\"app\":\"로그\",\"n\":\"1\"}",
        "{\"level\":\"INFO\",\"app\":\"web\",\"n\":\"5\"}",
        "{\"level\":\"\",\"app\":\"web\",\"n\":\"2\"}",
        "{\"level\":\"DEBUG\",\"app\":\"z\",\"n\":\"3\"}",
    };
    struct lc_held r;
    lc_held_init(&r, UINT64_MAX, 4096);
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++)
        add(&r, texts[i]);
    assert_lc_ok(lc_held_fold(&r, 2));
    expect(&r,
           (const char *[]){
               texts[5],
               "{\"level\":\"INFO\",\"app\":\"web\",\"n\":\"18446744073709551615\"}",
               texts[2],
               texts[0],
               texts[4],
           },
           5);
    lc_held_done(&r);

    lc_held_init(&r, UINT64_MAX, 4096);
    add(&r, "{\"count(*)\":\"2\"}");
    add(&r, "{\"count(*)\":\"40\"}");
    assert_lc_ok(lc_held_fold(&r, 0));
    expect(&r, (const char *[]){"{\"count(*)\":\"42\"}"}, 1);
    lc_held_done(&r);
}

static void moments_are_ordered_as_such(void **state)
{
    LC_UNUSED(state);
    static const char *const texts[] = {
        "{\"_time\":\"2026-11-20T18:00:01Z\",\"n\":\"1\"}",
        "{\"_time\":\"2026-11-20T18:00:01.5Z\",\"n\":\"2\"}", /* as text it would come first */
        "{\"_time\":\"2026-11-20T18:00:01Z\",\"n\":\"3\"}",
    };
    struct lc_held r;
    lc_held_init(&r, UINT64_MAX, 4096);
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++)
        add(&r, texts[i]);
    assert_lc_ok(lc_held_fold(&r, 1));
    expect(&r, (const char *[]){"{\"_time\":\"2026-11-20T18:00:01Z\",\"n\":\"4\"}", texts[1]}, 2);
    lc_held_done(&r);
}

static void what_is_no_table_is_refused(void **state)
{
    LC_UNUSED(state);
    static const char *const texts[] = {
        "[]", "{}", "{\"app\":\"x\"}", "{\"n\":1}", "{\"app\":\"x\",\"n\":\"-1\"}", "nothing"};
    for (size_t i = 0; i < LC_ARRAY_LEN(texts); i++) {
        struct lc_held r;
        lc_held_init(&r, UINT64_MAX, 4096);
        add(&r, texts[i]);
        assert_lc_err(lc_held_fold(&r, 1), LC_EPROTO);
        lc_held_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_remain),
        cmocka_unit_test(octets_are_bounded),
        cmocka_unit_test(order_is_that_of_time),
        cmocka_unit_test(tables_become_one),
        cmocka_unit_test(moments_are_ordered_as_such),
        cmocka_unit_test(what_is_no_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
