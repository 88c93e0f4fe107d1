/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <pthread.h>

#include "access/table.h"

#define S(seconds) ((struct lc_time){(int64_t)((seconds)*1e9)})

static const struct lc_enter_limits no_limits = {.rate = {0, 0}};
static const struct lc_enter_limits ten_at_a_time = {.open_max = 10};
static const struct lc_enter_limits ten_a_second = {.rate = {10, LC_NS_PER_S}};
static const struct lc_enter_limits ten_a_minute = {.recent_max = 10};

static struct lc_peer_key key(unsigned i)
{
    struct lc_peer_key k = {{0}};

    memcpy(k.octets + 12, &i, sizeof i);
    return k;
}

/* How many of `tries` are let in; all others are refused for `why`. */
static unsigned enter(struct lc_table *t, unsigned who, const struct lc_enter_limits *limits,
                      struct lc_time now, unsigned tries, enum lc_enter why)
{
    struct lc_peer_key k = key(who);
    unsigned got = 0;

    for (unsigned i = 0; i < tries; i++) {
        enum lc_enter e = lc_table_enter(t, &k, limits, now);

        if (e == LC_ENTER_OK)
            got++;
        else
            assert_int_equal(e, why);
    }
    return got;
}

static void leave(struct lc_table *t, unsigned who, unsigned times)
{
    struct lc_peer_key k = key(who);

    while (times-- > 0)
        lc_table_leave(t, &k);
}

static struct lc_table *new_table(size_t entries)
{
    struct lc_table *t;

    assert_lc_ok(lc_table_new(entries, 7, &t));
    return t;
}

static void each_address_has_its_own_limits(void **state)
{
    struct lc_table *t = new_table(4096);

    LC_UNUSED(state);
    for (unsigned who = 0; who < 1000; who++) {
        assert_int_equal(enter(t, who, &ten_at_a_time, S(1), 12, LC_ENTER_OPEN), 10);
        leave(t, who, 3);
        assert_int_equal(enter(t, who, &ten_at_a_time, S(1), 12, LC_ENTER_OPEN), 3);
        assert_int_equal(enter(t, who, &ten_a_second, S(1), 12, LC_ENTER_RATE), 10);
        assert_int_equal(enter(t, who, &ten_a_second, S(1.2), 12, LC_ENTER_RATE), 2);
    }
    assert_int_equal(lc_table_used(t), 1000);
    lc_table_free(t);
}

/* Ten in any 60 s, wherever they begin; who was refused is not counted. */
static void ten_in_a_minute(void **state)
{
    struct lc_table *t = new_table(64);

    LC_UNUSED(state);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(100), 4, LC_ENTER_RECENT), 4);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(130), 9, LC_ENTER_RECENT), 6);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(159.999), 9, LC_ENTER_RECENT), 0);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(160), 9, LC_ENTER_RECENT), 4);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(189.999), 9, LC_ENTER_RECENT), 0);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(190), 9, LC_ENTER_RECENT), 6);
    assert_int_equal(enter(t, 2, &ten_a_minute, S(190), 11, LC_ENTER_RECENT), 10);
    lc_table_free(t);
}

/* Another worker's clock is a little ahead; the machine's jumps by an hour. */
static void jumps_of_the_clock(void **state)
{
    struct lc_table *t = new_table(64);

    LC_UNUSED(state);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(10000.005), 10, LC_ENTER_RECENT), 10);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(10000), 9, LC_ENTER_RECENT), 0);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(13600), 12, LC_ENTER_RECENT), 10);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(10000), 12, LC_ENTER_RECENT), 10);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(10001), 12, LC_ENTER_RECENT), 0);
    assert_int_equal(enter(t, 1, &ten_a_minute, S(10060), 12, LC_ENTER_RECENT), 10);
    lc_table_free(t);
}

/* At the bound only those go that nothing is remembered of. */
static void what_is_remembered_stays(void **state)
{
    enum { ENTRIES = 64 * 16, MANY = 64 * 64 };
    struct lc_table *t = new_table(ENTRIES);
    unsigned in = 0, full = 0;

    LC_UNUSED(state);
    /* open connections: the table fills, and then nobody new is remembered */
    for (unsigned who = 0; who < MANY; who++) {
        struct lc_peer_key k = key(who);
        enum lc_enter e = lc_table_enter(t, &k, &ten_a_second, S(1));

        in += e == LC_ENTER_OK;
        full += e == LC_ENTER_FULL;
    }
    assert_int_equal(in, ENTRIES);
    assert_int_equal(full, MANY - ENTRIES);
    assert_int_equal(lc_table_used(t), ENTRIES);
    /* time alone makes no room: they are open */
    assert_int_equal(enter(t, MANY, &ten_a_second, S(1000), 3, LC_ENTER_FULL), 0);

    /* nor does closing alone: their rate is remembered, until it is full again */
    for (unsigned who = 0; who < MANY; who++) {
        struct lc_peer_key k = key(who);

        if (lc_table_enter(t, &k, &ten_a_second, S(1000)) == LC_ENTER_OK)
            leave(t, who, 2);
    }
    assert_int_equal(enter(t, MANY, &ten_a_second, S(1000.05), 3, LC_ENTER_FULL), 0);
    for (unsigned who = MANY; who < MANY + 100; who++)
        assert_int_equal(enter(t, who, &ten_a_second, S(1002), 1, LC_ENTER_FULL), 1);
    assert_int_equal(lc_table_used(t), ENTRIES);
    lc_table_free(t);
}

/* Those that stay for ever do not stand in the way of those that come and go. */
static void half_of_it_may_be_open(void **state)
{
    enum { ENTRIES = 64 * 64 };
    struct lc_table *t = new_table(ENTRIES);

    LC_UNUSED(state);
    for (unsigned who = 0; who < ENTRIES / 2; who++)
        assert_int_equal(enter(t, who, &no_limits, S(1), 1, LC_ENTER_FULL), 1);
    for (unsigned who = ENTRIES; who < 8 * ENTRIES; who++) {
        assert_int_equal(enter(t, who, &no_limits, S(2), 1, LC_ENTER_FULL), 1);
        leave(t, who, 1);
    }
    for (unsigned who = 0; who < ENTRIES / 2; who++)
        leave(t, who, 1);
    lc_table_free(t);
}

/* 10 connections by address among 8 threads: never one more, and never one less. */
struct racer {
    struct lc_table *t;
    unsigned got[100];
};

static void *race(void *arg)
{
    struct racer *r = arg;

    for (unsigned round = 0; round < 5; round++) {
        for (unsigned who = 0; who < LC_ARRAY_LEN(r->got); who++) {
            struct lc_peer_key k = key(who);

            r->got[who] += lc_table_enter(r->t, &k, &ten_at_a_time, S(1)) == LC_ENTER_OK;
        }
    }
    return NULL;
}

static void counts_are_exact_over_all_threads(void **state)
{
    enum { THREADS = 8 };
    struct lc_table *t = new_table(4096);
    static struct racer racers[THREADS];
    pthread_t threads[THREADS];

    LC_UNUSED(state);
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.t = t};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned who = 0; who < LC_ARRAY_LEN(racers[0].got); who++) {
        unsigned all = 0;

        for (unsigned i = 0; i < THREADS; i++)
            all += racers[i].got[who];
        assert_int_equal(all, 10);
    }
    lc_table_free(t);
}

static void a_quota_covers_records_and_octets(void **state)
{
    const struct lc_flow_limits limits = {{100, LC_NS_PER_S}, {10000, LC_NS_PER_S}};
    struct lc_table *t = new_table(64);
    struct lc_peer_key k = key(1);
    struct lc_quota q = {0, 0};
    struct lc_time ready;

    LC_UNUSED(state);
    assert_lc_ok(lc_table_lease(t, &k, &limits, 50, S(1), &q, &ready));
    assert_int_equal(q.records, 5);
    assert_int_equal(q.octets, 500);
    /* covered: nothing more is taken */
    assert_lc_ok(lc_table_lease(t, &k, &limits, 500, S(1), &q, &ready));
    assert_int_equal(q.octets, 500);
    /* a record of many octets uses them up for all of this address */
    assert_lc_ok(lc_table_lease(t, &k, &limits, 20000, S(1), &q, &ready));
    assert_int_equal(q.octets, 20000);
    q = (struct lc_quota){1, 0};
    assert_lc_err(lc_table_lease(t, &k, &limits, 1, S(1), &q, &ready), LC_EWAIT);
    assert_true(ready.ns > S(2).ns && ready.ns < S(2.1).ns);
    assert_int_equal(q.records, 1);
    assert_lc_ok(lc_table_lease(t, &k, &limits, 1, ready, &q, &ready));
    /* what is given back is there for the next */
    q = (struct lc_quota){40, 0};
    for (unsigned left = 95; left > 0; left -= 5) {
        struct lc_quota one = {0, UINT64_MAX};

        assert_lc_ok(lc_table_lease(t, &k, &limits, 1, S(1.0001), &one, &ready));
        assert_int_equal(one.records, 5);
    }
    lc_table_give_back(t, &k, &limits, &q);
    q = (struct lc_quota){0, UINT64_MAX};
    assert_lc_ok(lc_table_lease(t, &k, &limits, 1, S(1.0001), &q, &ready));
    lc_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own_limits),
        cmocka_unit_test(ten_in_a_minute),
        cmocka_unit_test(jumps_of_the_clock),
        cmocka_unit_test(what_is_remembered_stays),
        cmocka_unit_test(half_of_it_may_be_open),
        cmocka_unit_test(counts_are_exact_over_all_threads),
        cmocka_unit_test(a_quota_covers_records_and_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
