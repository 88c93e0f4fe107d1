/* SPDX-License-Identifier: Apache-2.0
 *
 * base/buf_test.c - shared and growing buffers.
 */
#include "base/test.h"

#include <pthread.h>

static void a_shared_buffer_is_freed_once(void **state)
{
    LC_UNUSED(state);
    struct lc_buf *b = lc_buf_copy(LC_LIT("shared"));
    assert_non_null(b);
    assert_slice(lc_buf_slice(b), "shared");
    assert_ptr_equal(lc_buf_ref(b), b);
    lc_buf_unref(b);
    assert_slice(lc_buf_slice(b), "shared"); /* the sanitizer would object */
    lc_buf_unref(b);
    lc_buf_unref(NULL);

    b = lc_buf_copy(lc_slice(NULL, 0));
    assert_non_null(b);
    assert_int_equal(b->n, 0);
    lc_buf_unref(b);
}

static void a_new_buffer_is_empty(void **state)
{
    LC_UNUSED(state);
    struct lc_buf *b = lc_buf_new(10);
    assert_non_null(b);
    assert_int_equal(b->n, 0);
    assert_int_equal(b->cap, 10);
    memset(b->data, 'x', b->cap);
    b->n = b->cap;
    assert_slice(lc_buf_slice(b), "xxxxxxxxxx");
    lc_buf_unref(b);
}

enum { SHARERS = 4, ROUNDS = 10000 };

static void *share(void *arg)
{
    struct lc_buf *b = arg;
    for (unsigned i = 0; i < ROUNDS; i++)
        lc_buf_unref(lc_buf_ref(b));
    lc_buf_unref(b);
    return NULL;
}

static void threads_count_references_together(void **state)
{
    LC_UNUSED(state);
    struct lc_buf *b = lc_buf_copy(LC_LIT("seen by all"));
    assert_non_null(b);
    pthread_t threads[SHARERS];
    for (unsigned i = 0; i < SHARERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share, lc_buf_ref(b)), 0);
    for (unsigned i = 0; i < SHARERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&b->refs), 1);
    lc_buf_unref(b);
}

static void a_dynbuf_grows_to_its_maximum(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf b;
    lc_dynbuf_init(&b, 1000);
    for (unsigned i = 0; i < 100; i++)
        assert_lc_ok(lc_dynbuf_append(&b, LC_LIT("0123456789")));
    assert_int_equal(b.n, 1000);
    assert_true(b.cap <= 1000);
    assert_lc_err(lc_dynbuf_append(&b, LC_LIT("x")), LC_ELIMIT);
    assert_lc_err(lc_dynbuf_reserve(&b, SIZE_MAX), LC_ELIMIT);
    assert_lc_ok(lc_dynbuf_append(&b, lc_slice(NULL, 0)));
    assert_int_equal(b.n, 1000);
    assert_slice(lc_slice(b.p + 990, 10), "0123456789");
    lc_dynbuf_done(&b);
    assert_null(b.p);
    assert_lc_ok(lc_dynbuf_append(&b, LC_LIT("again"))); /* born with the same maximum */
    assert_slice(lc_dynbuf_slice(&b), "again");
    lc_dynbuf_done(&b);
}

static void a_small_maximum_holds_too(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf b;
    lc_dynbuf_init(&b, 3);
    assert_lc_ok(lc_dynbuf_append(&b, LC_LIT("abc")));
    assert_int_equal(b.cap, 3);
    assert_lc_err(lc_dynbuf_append(&b, LC_LIT("d")), LC_ELIMIT);
    lc_dynbuf_done(&b);
    lc_dynbuf_init(&b, 0);
    assert_lc_err(lc_dynbuf_append(&b, LC_LIT("d")), LC_ELIMIT);
    lc_dynbuf_done(&b);
}

static void reserving_adds_no_octets(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf b;
    lc_dynbuf_init(&b, 1 << 20);
    assert_lc_ok(lc_dynbuf_reserve(&b, 100000));
    assert_int_equal(b.n, 0);
    assert_true(b.cap >= 100000);
    memset(b.p, 0, 100000);
    const uint8_t *before = b.p;
    assert_lc_ok(lc_dynbuf_reserve(&b, b.cap));
    assert_ptr_equal(b.p, before);
    lc_dynbuf_done(&b);
}

static void printing(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf b;
    lc_dynbuf_init(&b, 12);
    assert_lc_ok(lc_dynbuf_printf(&b, "%s=%d", "one", 1));
    assert_lc_ok(lc_dynbuf_printf(&b, "%s", ""));
    assert_lc_ok(lc_dynbuf_printf(&b, "|two=2"));
    assert_slice(lc_dynbuf_slice(&b), "one=1|two=2");
    assert_lc_err(lc_dynbuf_printf(&b, "x"), LC_ELIMIT);
    assert_slice(lc_dynbuf_slice(&b), "one=1|two=2");
    lc_dynbuf_done(&b);
}

static void consuming(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf b;
    lc_dynbuf_init(&b, 100);
    assert_lc_ok(lc_dynbuf_append(&b, LC_LIT("spent|kept")));
    lc_dynbuf_consume(&b, 6);
    assert_slice(lc_dynbuf_slice(&b), "kept");
    lc_dynbuf_consume(&b, 0);
    assert_slice(lc_dynbuf_slice(&b), "kept");
    lc_dynbuf_consume(&b, 4);
    assert_slice(lc_dynbuf_slice(&b), "");
    lc_dynbuf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_buffer_is_freed_once),
        cmocka_unit_test(a_new_buffer_is_empty),
        cmocka_unit_test(threads_count_references_together),
        cmocka_unit_test(a_dynbuf_grows_to_its_maximum),
        cmocka_unit_test(a_small_maximum_holds_too),
        cmocka_unit_test(reserving_adds_no_octets),
        cmocka_unit_test(printing),
        cmocka_unit_test(consuming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
