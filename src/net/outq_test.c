/* SPDX-License-Identifier: Apache-2.0
 *
 * net/outq_test.c - the queue of octets to send, against a plain copy of what it should hold.
 */
#include "base/test.h"

#include <stdlib.h>

#include "net/outq.h"

#define ROUNDS 4000

/* What is in the queue, as gathered, must be the octets from `sent` on. */
static void assert_holds(const struct lc_outq *q, const struct lc_dynbuf *all, size_t sent)
{
    struct iovec iov[8];
    size_t n = lc_outq_gather(q, iov, LC_ARRAY_LEN(iov));
    assert_int_equal(q->octets, all->n - sent);
    assert_int_equal(n > 0, q->octets > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(iov[i].iov_len > 0);
        assert_memory_equal(iov[i].iov_base, all->p + sent, iov[i].iov_len);
        sent += iov[i].iov_len;
    }
}

static void test_against_copy(void **state)
{
    LC_UNUSED(state);
    struct lc_out_pool pool;
    struct lc_outq q = {0};
    struct lc_dynbuf all;
    static uint8_t octets[70000];
    size_t sent = 0;
    unsigned x = 1;
    lc_out_pool_init(&pool);
    lc_dynbuf_init(&all, (size_t)1 << 30);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 31 >> 3);
    for (int round = 0; round < ROUNDS; round++) {
        x = x * 1103515245U + 12345U;
        size_t n = x >> 16 & 0x3FFU;
        if (round % 100 == 0)
            n = 66000;
        struct lc_slice s = lc_slice(octets + (x & 0xFFU), n);
        assert_lc_ok(lc_dynbuf_append(&all, s));
        if (round % 3 == 0) {
            struct lc_buf *buf = lc_buf_copy(s);
            assert_lc_ok(lc_outq_ref(&q, &pool, buf));
            lc_buf_unref(buf);
        } else {
            assert_lc_ok(lc_outq_write(&q, &pool, s));
        }
        assert_holds(&q, &all, sent);
        size_t pop = round % 500 == 499 ? q.octets : q.octets * (x >> 8 & 7U) / 8;
        lc_outq_pop(&q, &pool, pop);
        sent += pop;
        assert_holds(&q, &all, sent);
    }
    lc_outq_clear(&q, &pool);
    assert_null(q.first);
    assert_int_equal(q.octets, 0);
    lc_out_pool_done(&pool);
    lc_dynbuf_done(&all);
}

/* A send that is under way reads the pieces it was given: they stay, whatever is queued behind. */
static void test_pieces_do_not_move(void **state)
{
    LC_UNUSED(state);
    struct lc_out_pool pool;
    struct lc_outq q = {0};
    struct iovec before;
    struct iovec after;
    lc_out_pool_init(&pool);
    assert_lc_ok(lc_outq_write(&q, &pool, LC_LIT("first")));
    lc_outq_gather(&q, &before, 1);
    for (int i = 0; i < 10000; i++)
        assert_lc_ok(lc_outq_write(&q, &pool, LC_LIT("more and more")));
    lc_outq_gather(&q, &after, 1);
    assert_ptr_equal(before.iov_base, after.iov_base);
    assert_true(after.iov_len >= before.iov_len);
    lc_outq_clear(&q, &pool);
    lc_out_pool_done(&pool);
}

static void test_references(void **state)
{
    LC_UNUSED(state);
    struct lc_out_pool pool;
    struct lc_outq q = {0};
    struct lc_buf *large = lc_buf_new(5000);
    struct lc_buf *small = lc_buf_copy(LC_LIT("cheaper to copy"));
    lc_out_pool_init(&pool);
    large->n = 5000;
    memset(large->data, 'x', large->n);
    assert_lc_ok(lc_outq_ref(&q, &pool, large));
    assert_lc_ok(lc_outq_ref(&q, &pool, small));
    assert_int_equal(atomic_load(&large->refs), 2);
    assert_int_equal(atomic_load(&small->refs), 1);
    lc_outq_pop(&q, &pool, 4999);
    assert_int_equal(atomic_load(&large->refs), 2);
    lc_outq_pop(&q, &pool, 1);
    assert_int_equal(atomic_load(&large->refs), 1);
    assert_lc_ok(lc_outq_ref(&q, &pool, large));
    lc_outq_clear(&q, &pool);
    assert_int_equal(atomic_load(&large->refs), 1);
    lc_buf_unref(large);
    lc_buf_unref(small);
    lc_out_pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_copy),
        cmocka_unit_test(test_pieces_do_not_move),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests_name("net/outq", tests, NULL, NULL);
}
