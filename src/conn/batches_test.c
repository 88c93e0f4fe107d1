/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/batches_test.c - sessions of binary v2: HELLO, batches, and what is told.
 */
#include "conn/test_conn.h"

struct dialogue {
    struct lc_dynbuf sent, got; /* what the peer sends, and is to get */
    struct lc_batch_writer batch;
    uint64_t next;
};

static void begin(struct dialogue *d)
{
    *d = (struct dialogue){.next = 1};
    lc_dynbuf_init(&d->sent, 1 << 20);
    lc_dynbuf_init(&d->got, 1 << 20);
    lc_batch_writer_init(&d->batch);
}

static void end(struct dialogue *d)
{
    lc_dynbuf_done(&d->sent);
    lc_dynbuf_done(&d->got);
    lc_batch_writer_done(&d->batch);
}

static void hello(struct dialogue *d, uint64_t sequence, const char *name)
{
    struct lc_batch_hello h = {.epoch = 3, .name = lc_slice_cstr(name)};
    assert_lc_ok(lc_batch_put_hello(&d->sent, sequence, &h));
}

static void add(struct dialogue *d, const char *message)
{
    struct lc_record r = {
        .time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE, .message = lc_slice_cstr(message)};
    assert_lc_ok(lc_batch_add(&d->batch, d->next++, &r));
}

static void batch(struct dialogue *d, uint64_t sequence, unsigned flags, int level)
{
    assert_lc_ok(lc_batch_finish(&d->batch, sequence, flags, level, &d->sent));
}

static void gets_welcome(struct dialogue *d, uint64_t sequence, uint64_t upto)
{
    assert_lc_ok(lc_batch_put_welcome(&d->got, sequence, &(struct lc_sender_position){3, upto}));
}

static void gets_stored(struct dialogue *d, uint64_t sequence, uint64_t upto)
{
    assert_lc_ok(lc_batch_put_stored(&d->got, sequence, upto));
}

static void gets_error(struct dialogue *d, uint64_t sequence, enum lc_batch_error code,
                       const char *text)
{
    assert_lc_ok(lc_batch_put_error(&d->got, sequence, code, text));
}

static void speak(struct lc_test_conn *w)
{
    w->config.speaks |= LC_SPEAKS(LC_PROTO_BINARY_V2);
}

static void check(struct dialogue *d, void (*set)(struct lc_test_conn *w), const char *said)
{
    lc_test_conn_splits(lc_dynbuf_slice(&d->sent), set, said, lc_dynbuf_slice(&d->got));
    end(d);
}

static void whole_session(struct dialogue *d)
{
    begin(d);
    hello(d, 1, "web-1");
    add(d, "one");
    add(d, "two\nlines");
    batch(d, 2, 0, 0);
    add(d, "three, three, three, three, three, three, three, three, three, three, three");
    batch(d, 3, LC_BATCH_DOUBTED, 1);
    gets_welcome(d, 1, 0);
    gets_stored(d, 3, 3);
}

static const char whole_said[] =
    "hello web-1\n1 one\n2 two\nlines\n"
    "3? three, three, three, three, three, three, three, three, three, three, three\n";

static void batches_are_answered_together(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    whole_session(&d);
    check(&d, speak, whole_said);
}

static void wait_at_the_door(struct lc_test_conn *w)
{
    speak(w);
    w->hello_turns = 3;
}

static void nothing_is_read_before_the_welcome(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    whole_session(&d);
    check(&d, wait_at_the_door, whole_said);
}

static void find_no_room(struct lc_test_conn *w)
{
    speak(w);
    w->no_room = 2;
}

static void what_finds_no_room_comes_again(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    whole_session(&d);
    check(&d, find_no_room, whole_said);
}

static void a_full_store_waits_for_another_hello(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    begin(&d);
    hello(&d, 1, "");
    add(&d, "one");
    add(&d, "full");
    add(&d, "three");
    batch(&d, 2, 0, 0);
    add(&d, "four");
    batch(&d, 3, 0, 0);
    hello(&d, 4, "again");
    d.next = 2;
    add(&d, "two");
    batch(&d, 5, 0, 0);
    gets_welcome(&d, 1, 0);
    gets_error(&d, 2, LC_BATCH_ERROR_FULL, NULL);
    gets_error(&d, 3, LC_BATCH_ERROR_FULL, NULL);
    gets_welcome(&d, 4, 1);
    gets_stored(&d, 5, 2);
    check(&d, speak, "hello \n1 one\nhello again\n2 two\n");
}

static void too_many_senders(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    begin(&d);
    hello(&d, 1, "");
    add(&d, "too many");
    batch(&d, 2, 0, 0);
    gets_welcome(&d, 1, 0);
    gets_error(&d, 2, LC_BATCH_ERROR_SENDERS, NULL);
    check(&d, speak, "hello \n");
}

static void no_hello(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    begin(&d);
    add(&d, "x");
    batch(&d, 7, 0, 0);
    gets_error(&d, 7, LC_BATCH_ERROR_NO_HELLO, "a BATCH came before HELLO");
    check(&d, speak, "broken: a BATCH came before HELLO\n");
}

/* What came before is kept, and told. */
static void a_wrong_checksum_ends_it(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    begin(&d);
    hello(&d, 1, "");
    add(&d, "kept");
    batch(&d, 2, 0, 0);
    add(&d, "lost");
    batch(&d, 3, 0, 0);
    d.sent.p[d.sent.n - 1] ^= 1;
    gets_welcome(&d, 1, 0);
    gets_error(&d, 0, LC_BATCH_ERROR_MALFORMED, "a checksum is wrong");
    gets_stored(&d, 2, 1);
    check(&d, speak, "hello \n1 kept\nbroken: a checksum is wrong\n");
}

static void what_is_not_spoken_is_refused_in_its_language(void **state)
{
    LC_UNUSED(state);
    struct dialogue d;
    struct lc_test_conn w;
    begin(&d);
    hello(&d, 1, "");
    gets_error(&d, 0, LC_BATCH_ERROR_REFUSED, "not here");
    lc_test_conn_begin(&w);
    w.config.speaks = LC_SPEAKS(LC_PROTO_FRAMES);
    lc_test_conn_part(&w, lc_dynbuf_slice(&d.sent));
    lc_test_conn_run(&w);
    assert_slice_eq(lc_dynbuf_slice(&w.got), lc_dynbuf_slice(&d.got));
    lc_test_conn_end(&w);
    end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_answered_together),
        cmocka_unit_test(nothing_is_read_before_the_welcome),
        cmocka_unit_test(what_finds_no_room_comes_again),
        cmocka_unit_test(a_full_store_waits_for_another_hello),
        cmocka_unit_test(too_many_senders),
        cmocka_unit_test(no_hello),
        cmocka_unit_test(a_wrong_checksum_ends_it),
        cmocka_unit_test(what_is_not_spoken_is_refused_in_its_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
