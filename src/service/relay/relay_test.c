/* SPDX-License-Identifier: Apache-2.0
 *
 * service/relay/relay_test.c - everything stored is sent on once, whatever the targets do.
 */
#include "service/relay/test_target.h"
#include "service/test_server.h"

#include <stdlib.h>

static struct lc_test_target *target_new(void)
{
    struct lc_test_target *t = calloc(1, sizeof *t);
    assert_non_null(t);
    lc_test_target_start(t);
    return t;
}

static uint64_t stored(struct lc_test_target *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t n = t->stored;
    pthread_mutex_unlock(&t->lock);
    return n;
}

static void target_free(struct lc_test_target *t)
{
    lc_test_target_done(t);
    free(t);
}

static void server_init(struct lc_test_server *s)
{
    lc_test_server_init(s);
    s->config.keeps_own_log_out = true; /* so that counts are exact */
}

static void relay_to(struct lc_test_server *s, const struct lc_test_target *t)
{
    struct lc_list *to = &s->config.relay.to;
    to->items[to->count++] = t->address;
}

static void store_lines(const struct lc_test_server *s, unsigned from, unsigned count)
{
    struct lc_test_client c;
    char line[64];
    lc_test_connect(&c, s, LC_SERVICE_LOGS, "127.");
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "LOG|INFO||line number %u\n", from + i);
        lc_test_send(&c, line);
    }
    for (unsigned i = 0; i < count; i++)
        assert_memory_equal(lc_test_line(&c), "OK|", 3);
    lc_test_disconnect(&c);
}

static void wait_until_acknowledged(const struct lc_test_server *s)
{
    while (lc_test_stat(s, "relay_behind") != 0)
        ;
}

/* ---- one target ---- */

static void all_is_sent_on(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *t = target_new();
    server_init(&s);
    relay_to(&s, t);
    lc_test_server_start(&s);
    store_lines(&s, 0, 3000);
    lc_test_target_wait(t, 3000);
    assert_true(t->compressed > 0);
    store_lines(&s, 3000, 1); /* a single one goes at once, too */
    lc_test_target_wait(t, 3001);
    assert_string_equal(t->last_message, "line number 3000");
    assert_int_equal(strlen(t->last_field), 8);
    assert_int_equal(lc_test_target_twice(t) + lc_test_target_doubted(t), 0);

    /* a restart sends nothing again, also what was stored meanwhile is sent */
    lc_test_server_stop(&s);
    s.config.relay.to.count = 0;
    lc_test_server_start(&s);
    store_lines(&s, 3001, 500);
    lc_test_server_stop(&s);
    relay_to(&s, t);
    lc_test_server_start(&s);
    lc_test_target_wait(t, 3501);
    wait_until_acknowledged(&s);
    assert_int_equal(lc_test_stat(&s, "relay_sent"), 500);
    assert_int_equal(lc_test_target_twice(t) + lc_test_target_doubted(t), 0);
    lc_test_server_done(&s);
    target_free(t);
}

static void a_target_that_breaks_off(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *t = target_new();
    t->cut_every = 3;
    t->cut_before_ack = true;
    server_init(&s);
    relay_to(&s, t);
    lc_test_server_start(&s);
    for (unsigned i = 0; i < 20; i++) {
        store_lines(&s, 100 * i, 100);
        if (i == 7)
            lc_test_target_stop(t);
        if (i == 12)
            lc_test_target_start(t);
    }
    lc_test_target_wait(t, 2000);
    wait_until_acknowledged(&s);
    assert_true(lc_test_stat(&s, "relay_connected") > 1);
    assert_int_equal(lc_test_target_twice(t) + lc_test_target_doubted(t), 0);
    lc_test_server_done(&s);
    target_free(t);
}

static void a_query_chooses(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *t = target_new();
    server_init(&s);
    relay_to(&s, t);
    s.config.relay.query = "7 OR 8";
    lc_test_server_start(&s);
    store_lines(&s, 0, 1000);
    lc_test_target_wait(t, 2);
    wait_until_acknowledged(&s);
    assert_int_equal(lc_test_stat(&s, "relay_sent"), 2);
    assert_int_equal(t->stored, 2);
    lc_test_server_done(&s);
    target_free(t);
}

static void a_full_target_is_tried_again(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *t = target_new();
    t->is_full = true;
    server_init(&s);
    relay_to(&s, t);
    lc_test_server_start(&s);
    store_lines(&s, 0, 500);
    while (lc_test_stat(&s, "relay_lost") < 2)
        ;
    pthread_mutex_lock(&t->lock);
    t->is_full = false;
    pthread_mutex_unlock(&t->lock);
    lc_test_target_wait(t, 500);
    assert_int_equal(lc_test_target_twice(t), 0);
    lc_test_server_done(&s);
    target_free(t);
}

static void store_json(const struct lc_test_server *s, const char *marks)
{
    struct lc_test_client c;
    char line[256];
    lc_test_connect(&c, s, LC_SERVICE_LOGS, "127.");
    snprintf(line, sizeof line, "{\"message\":\"marked\",\"relayed_by\":\"%s\"}\n", marks);
    lc_test_send(&c, line);
    lc_test_shutdown(&c);
    while (lc_test_line(&c) != NULL)
        ;
    lc_test_disconnect(&c);
}

/* A to B to A, by mistake: what comes back to where it was stays there. */
static void nothing_goes_in_circles(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *t = target_new();
    char mark[128];
    server_init(&s);
    relay_to(&s, t);
    lc_test_server_start(&s);
    store_lines(&s, 0, 1);
    lc_test_target_wait(t, 1);
    memcpy(mark, t->last_field, sizeof mark);
    store_json(&s, "00112233");
    lc_test_target_wait(t, 2);
    assert_memory_equal(t->last_field, "00112233,", 9);
    assert_string_equal(t->last_field + 9, mark);
    store_json(&s, t->last_field);
    store_json(&s, "1,2,3,4,5,6,7,8"); /* so far no chain is meant to be */
    store_json(&s, "1,2,3,4,5,6,7");
    lc_test_target_wait(t, 3);
    wait_until_acknowledged(&s);
    assert_int_equal(t->stored, 3);
    assert_int_equal(lc_test_stat(&s, "relay_loops"), 2);
    lc_test_server_done(&s);
    target_free(t);
}

/* ---- two targets ---- */

static void the_second_takes_over(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server s;
    struct lc_test_target *first = target_new(), *second = target_new();
    server_init(&s);
    relay_to(&s, first);
    relay_to(&s, second);
    lc_test_server_start(&s);
    store_lines(&s, 0, 200);
    lc_test_target_wait(first, 200);
    wait_until_acknowledged(&s);
    assert_int_equal(second->hellos, 0);
    pthread_mutex_lock(&first->lock);
    first->is_mute = true; /* from here on it stores, and nobody knows */
    pthread_mutex_unlock(&first->lock);
    uint64_t known = stored(first);
    store_lines(&s, 200, 200);
    while (stored(first) == known)
        lc_test_stat(&s, "relay_sent");
    lc_test_target_stop(first);
    store_lines(&s, 400, 200);
    lc_test_target_wait(second, 400);
    wait_until_acknowledged(&s);
    /* all that the first had, and did not acknowledge, is marked */
    uint64_t doubled = first->stored - known;
    assert_in_range(lc_test_target_doubted(second), doubled, 200);
    assert_int_equal(lc_test_stat(&s, "relay_doubted"), lc_test_target_doubted(second));
    assert_int_equal(lc_test_target_twice(second), 0);
    lc_test_server_done(&s);
    target_free(first);
    target_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_sent_on),          cmocka_unit_test(a_target_that_breaks_off),
        cmocka_unit_test(a_query_chooses),         cmocka_unit_test(a_full_target_is_tried_again),
        cmocka_unit_test(nothing_goes_in_circles), cmocka_unit_test(the_second_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
