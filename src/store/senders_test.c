/* SPDX-License-Identifier: Apache-2.0
 *
 * store/senders_test.c - the table of senders, and the moves of a set. That positions and records
 * agree after any crash is for store/testing.
 */
#include "base/test.h"

#include "store/moves.h"
#include "store/senders.h"
#include "store/set.h"

static struct lc_sender_id id_of(unsigned n)
{
    /* not in the order of their numbers */
    return (struct lc_sender_id){{(uint8_t)(n * 151), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void check_at(const struct lc_senders *t, unsigned n, uint64_t epoch, uint64_t upto)
{
    struct lc_sender_id id = id_of(n);
    const struct lc_sender_entry *entry = lc_senders_find(t, &id);
    assert_non_null(entry);
    assert_int_equal(entry->at.epoch, epoch);
    assert_int_equal(entry->at.upto, upto);
}

static lc_err move(struct lc_senders *t, unsigned n, uint64_t epoch, uint64_t upto, int64_t used_s)
{
    struct lc_sender_entry to = {id_of(n), {epoch, upto}, used_s};
    return lc_senders_move(t, &to);
}

static void positions_never_go_back(void **state)
{
    LC_UNUSED(state);
    struct lc_senders t = {0};
    struct lc_sender_id id = id_of(1);
    assert_null(lc_senders_find(&t, &id));
    assert_lc_ok(lc_senders_admit(&t, &id, 5, 0));
    check_at(&t, 1, 0, 0);
    assert_lc_ok(move(&t, 1, 1, 10, 5));
    assert_lc_ok(move(&t, 1, 1, 9, 6));
    check_at(&t, 1, 1, 10);
    assert_lc_ok(move(&t, 1, 2, 3, 6));
    check_at(&t, 1, 2, 3);
    assert_lc_ok(move(&t, 1, 1, 11, 4));
    check_at(&t, 1, 2, 3);
    assert_int_equal(lc_senders_find(&t, &id)->used_s, 6);
    for (unsigned n = 200; n > 1; n--)
        assert_lc_ok(move(&t, n, 1, n, 0));
    for (unsigned n = 2; n <= 200; n++)
        check_at(&t, n, 1, n);
    assert_int_equal(t.count, 200);
    lc_senders_done(&t);
}

static void a_full_table(void **state)
{
    LC_UNUSED(state);
    struct lc_senders t = {0};
    for (unsigned n = 0; n < LC_SENDERS_MAX; n++)
        assert_lc_ok(move(&t, n, 1, 1, 1000 + n));
    struct lc_sender_id known = id_of(7), other = id_of(LC_SENDERS_MAX), oldest = id_of(0);
    assert_lc_ok(lc_senders_admit(&t, &known, 1007, 1000));
    assert_lc_err(lc_senders_admit(&t, &other, 2000, 1000), LC_ELIMIT); /* all were used since */
    assert_int_equal(t.count, LC_SENDERS_MAX);
    assert_lc_ok(lc_senders_admit(&t, &other, 20000, 1001));
    assert_int_equal(t.count, LC_SENDERS_MAX);
    assert_null(lc_senders_find(&t, &oldest));
    assert_non_null(lc_senders_find(&t, &other));
    /* what was durable once is never refused */
    assert_lc_ok(move(&t, LC_SENDERS_MAX + 1, 1, 1, 20001));
    assert_int_equal(t.count, LC_SENDERS_MAX);
    check_at(&t, LC_SENDERS_MAX + 1, 1, 1);
    lc_senders_done(&t);
}

/* "<sender>:<epoch>.<upto> ..." of the moves [from, to) */
static void check_moves(const struct lc_moves *m, uint32_t from, uint32_t to, const char *expected)
{
    struct lc_dynbuf said;
    struct lc_sender_id id;
    struct lc_sender_position at;
    lc_dynbuf_init(&said, 4096);
    while (lc_moves_next(m, &from, to, &id, &at))
        assert_lc_ok(lc_dynbuf_printf(&said, "%u:%u.%u ", id.octets[2], (unsigned)at.epoch,
                                      (unsigned)at.upto));
    assert_slice(lc_dynbuf_slice(&said), expected);
    lc_dynbuf_done(&said);
}

static void add(struct lc_moves *m, unsigned n, uint64_t epoch, uint32_t rows, uint64_t upto)
{
    struct lc_sender_id id = id_of(n);
    assert_lc_ok(lc_moves_reserve(m, &id, epoch));
    lc_moves_add(m, rows, upto);
}

/* Of each sender the last move within the range counts, whatever comes behind it. */
static void moves_of_a_range(void **state)
{
    LC_UNUSED(state);
    struct lc_moves m;
    lc_moves_init(&m, 1u << 20);
    check_moves(&m, 0, 0, "");
    assert_int_equal(lc_moves_before(&m, 100), 0);
    add(&m, 1, 7, 1, 10);
    add(&m, 2, 1, 2, 5);
    add(&m, 1, 7, 3, 11);
    add(&m, 1, 8, 4, 1); /* another epoch is another sender, and the store takes the later one */
    add(&m, 2, 1, 4, 6);
    assert_int_equal(lc_moves_before(&m, 0), 0);
    assert_int_equal(lc_moves_before(&m, 2), 2);
    assert_int_equal(lc_moves_before(&m, 3), 3);
    assert_int_equal(lc_moves_before(&m, 4), 5);
    check_moves(&m, 0, 1, "1:7.10 ");
    check_moves(&m, 0, 2, "1:7.10 2:1.5 ");
    check_moves(&m, 0, 3, "2:1.5 1:7.11 ");
    check_moves(&m, 0, 5, "1:7.11 1:8.1 2:1.6 ");
    check_moves(&m, 3, 5, "1:8.1 2:1.6 ");
    /* what was dropped is not there any more, nor is it followed */
    lc_moves_truncate(&m, 2);
    check_moves(&m, 0, 2, "1:7.10 2:1.5 ");
    add(&m, 3, 1, 3, 1);
    add(&m, 2, 1, 4, 7);
    check_moves(&m, 0, 4, "1:7.10 3:1.1 2:1.7 ");
    struct lc_sender_id first = id_of(1);
    assert_true(lc_moves_know(&m, &first, 7));
    assert_false(lc_moves_know(&m, &first, 9));
    lc_moves_truncate(&m, 0);
    assert_false(lc_moves_know(&m, &first, 7));
    add(&m, 1, 7, 1, 12);
    check_moves(&m, 0, 1, "1:7.12 ");
    lc_moves_done(&m);
}

static void many_moves(void **state)
{
    LC_UNUSED(state);
    struct lc_moves m;
    lc_moves_init(&m, 1u << 16); /* 65,536 octets are 2,730 moves: three pages */
    unsigned n = 0;
    struct lc_sender_id id = id_of(0);
    for (; n < 3 * 1024; n++)
        add(&m, n % 300, 1, n, n);
    assert_lc_err(lc_moves_reserve(&m, &id, 1), LC_EWAIT);
    uint32_t at = 0;
    struct lc_sender_position position;
    for (unsigned i = n - 300; i < n; i++) {
        assert_true(lc_moves_next(&m, &at, n, &id, &position));
        assert_int_equal(position.upto, i);
    }
    assert_false(lc_moves_next(&m, &at, n, &id, &position));
    lc_moves_done(&m);

    lc_moves_init(&m, 1u << 24);
    for (n = 0; n < LC_MOVES_SENDERS_MAX; n++)
        add(&m, 1, n, n, n);
    id = id_of(1);
    assert_true(lc_moves_know(&m, &id, 77));
    assert_lc_err(lc_moves_reserve(&m, &id, n), LC_EWAIT);
    assert_lc_ok(lc_moves_reserve(&m, &id, 77));
    lc_moves_done(&m);
}

/* A set that is dropped back to what is committed drops the moves of the rows that went. */
static void a_truncated_set(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set;
    struct lc_sender_id id = id_of(1), other = id_of(2), got;
    struct lc_record r = {.message = LC_LIT("x"), .level = LC_LEVEL_NONE};
    struct lc_set_from from = {&id, {1, 1}};
    struct lc_sender_position at;
    assert_lc_ok(lc_set_new(0, 0, &set));
    assert_lc_ok(lc_set_append(set, 1, &r, &from));
    lc_set_commit(set, lc_set_appended(set));
    from.at.upto = 2;
    assert_lc_ok(lc_set_append(set, 2, &r, &from));
    from.at.upto = 3;
    assert_lc_ok(lc_set_move(set, &from));
    assert_int_equal(lc_set_appended(set).moves, 3);
    lc_set_truncate(set);
    struct lc_set_mark kept = lc_set_appended(set);
    assert_true(kept.rows == 1 && kept.moves == 1);
    from = (struct lc_set_from){&other, {1, 9}};
    assert_lc_ok(lc_set_append(set, 2, &r, &from));
    struct lc_set_mark end = lc_set_appended(set);
    assert_true(end.rows == 2 && end.moves == 2);
    uint32_t i = kept.moves;
    assert_true(lc_set_next_sender(set, &i, end.moves, &got, &at));
    assert_memory_equal(got.octets, other.octets, sizeof got.octets);
    assert_int_equal(at.upto, 9);
    assert_false(lc_set_next_sender(set, &i, end.moves, &got, &at));
    lc_set_unref(set);
}

/* Moves alone fill a set too. */
static void a_set_full_of_moves(void **state)
{
    LC_UNUSED(state);
    struct lc_set *set;
    struct lc_sender_id id = id_of(1);
    struct lc_set_from from = {&id, {1, 0}};
    struct lc_record r = {.message = LC_LIT("x"), .level = LC_LEVEL_NONE};
    assert_lc_ok(lc_set_new(0, 0, &set));
    lc_err e;
    while ((e = lc_set_move(set, &from)) == LC_OK)
        from.at.upto++;
    assert_lc_err(e, LC_EWAIT);
    assert_int_equal(from.at.upto, LC_SET_OCTETS_MIN / LC_MOVE_OCTETS);
    assert_lc_err(lc_set_append(set, 1, &r, NULL), LC_EWAIT);
    lc_set_truncate(set);
    assert_lc_ok(lc_set_append(set, 1, &r, &from));
    lc_set_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_never_go_back), cmocka_unit_test(a_full_table),
        cmocka_unit_test(moves_of_a_range),        cmocka_unit_test(many_moves),
        cmocka_unit_test(a_truncated_set),         cmocka_unit_test(a_set_full_of_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
