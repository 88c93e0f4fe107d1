/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/answers_test.c - answers in order: those that wait, and those that are ready.
 */
#include "base/test.h"

#include <stdio.h>

#include "conn/answers.h"

struct world {
    struct lc_answers answers;
    struct lc_dynbuf out;
    struct lc_answer_mood mood;
};

static void begin(struct world *w, enum lc_acks acks)
{
    lc_answers_init(&w->answers);
    lc_dynbuf_init(&w->out, 4 * LC_ANSWERS_OCTETS_MAX);
    w->mood = (struct lc_answer_mood){.acks = acks, .quiet = true};
}

static void end(struct world *w)
{
    lc_answers_done(&w->answers);
    lc_dynbuf_done(&w->out);
}

static void wait_for(struct world *w, enum lc_answer_kind kind, uint64_t id)
{
    assert_lc_ok(lc_answers_room(&w->answers));
    lc_answers_wait(&w->answers, kind, 0, id);
}

static void say(struct world *w, const char *text)
{
    assert_lc_ok(lc_answers_room(&w->answers));
    assert_lc_ok(lc_answers_say(&w->answers, lc_slice_cstr(text), &w->out));
}

static void promise(struct world *w, uint64_t first, uint64_t last, const char *text)
{
    assert_lc_ok(lc_answers_room(&w->answers));
    assert_lc_ok(lc_answers_promise(&w->answers, first, last, lc_slice_cstr(text)));
}

/* What is said once ids up to `upto` have this outcome. */
static void outcome(struct world *w, uint64_t upto, lc_err err, const char *expected)
{
    lc_dynbuf_consume(&w->out, w->out.n);
    assert_lc_ok(lc_answers_outcome(&w->answers, upto, err, &w->mood, &w->out));
    assert_slice(lc_dynbuf_slice(&w->out), expected);
}

static void each_kind_has_its_own_words(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_ON);
    wait_for(&w, LC_ANSWER_V1, 1);
    wait_for(&w, LC_ANSWER_V2, 2);
    wait_for(&w, LC_ANSWER_PLAIN, 3);
    wait_for(&w, LC_ANSWER_V1, 4);
    wait_for(&w, LC_ANSWER_V2, 5);
    wait_for(&w, LC_ANSWER_PLAIN, 6);
    outcome(&w, 3, LC_OK, "ACK\nOK|2\nACK\n");
    outcome(&w, 6, LC_EFULL,
            "ERROR:Log storage full\nERROR|Log storage full\nERROR: Log storage full\n");
    assert_true(lc_answers_is_empty(&w.answers));
    end(&w);
}

static void ids_are_told_as_they_were_given(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    /* a regular run, an irregular one, and the largest id */
    const uint64_t ids[] = {1024, 2048, 3072, 3073, 9000, UINT64_MAX};
    for (size_t i = 0; i < LC_ARRAY_LEN(ids); i++)
        wait_for(&w, LC_ANSWER_V2, ids[i]);
    outcome(&w, 1023, LC_OK, "");
    outcome(&w, 2048, LC_OK, "OK|1024\nOK|2048\n");
    outcome(&w, 8999, LC_OK, "OK|3072\nOK|3073\n");
    outcome(&w, UINT64_MAX, LC_OK, "OK|9000\nOK|18446744073709551615\n");
    end(&w);
}

static void a_run_goes_on_after_part_of_it_was_answered(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    wait_for(&w, LC_ANSWER_V2, 10);
    wait_for(&w, LC_ANSWER_V2, 20);
    outcome(&w, 10, LC_OK, "OK|10\n");
    wait_for(&w, LC_ANSWER_V2, 23);
    wait_for(&w, LC_ANSWER_V2, 26);
    outcome(&w, 30, LC_OK, "OK|20\nOK|23\nOK|26\n");
    end(&w);
}

static void a_ready_answer_waits_for_those_before_it(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    say(&w, "PONG\n");
    assert_slice(lc_dynbuf_slice(&w.out), "PONG\n"); /* nothing stands before it */
    wait_for(&w, LC_ANSWER_V1, 5);
    say(&w, "PONG\n");
    say(&w, "PONG\n");
    say(&w, "ERROR|no\n");
    wait_for(&w, LC_ANSWER_V1, 7);
    outcome(&w, 4, LC_OK, "");
    outcome(&w, 6, LC_OK, "ACK\nPONG\nPONG\nERROR|no\n");
    outcome(&w, 7, LC_OK, "ACK\n");
    assert_int_equal(w.answers.octets, 0);
    end(&w);
}

static void a_single_plain_line_is_acknowledged(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    wait_for(&w, LC_ANSWER_PLAIN, 1);
    outcome(&w, 1, LC_OK, "ACK\n");

    /* not when more has come in, be it input, a further line or a command */
    wait_for(&w, LC_ANSWER_PLAIN, 2);
    w.mood.quiet = false;
    outcome(&w, 2, LC_OK, "");
    w.mood.quiet = true;
    wait_for(&w, LC_ANSWER_PLAIN, 3);
    wait_for(&w, LC_ANSWER_PLAIN, 4);
    outcome(&w, 3, LC_OK, "");
    outcome(&w, 4, LC_OK, "ACK\n");
    wait_for(&w, LC_ANSWER_PLAIN, 5);
    say(&w, "PONG\n");
    outcome(&w, 5, LC_OK, "PONG\n");

    /* not in a stream, and not to a peer that doesn't read */
    for (uint64_t id = 6; id < 16; id++)
        wait_for(&w, LC_ANSWER_PLAIN, id);
    outcome(&w, 15, LC_OK, "");
    wait_for(&w, LC_ANSWER_PLAIN, 16);
    w.mood.piling = true;
    outcome(&w, 16, LC_OK, "");
    end(&w);
}

static void a_stream_of_plain_lines_is_refused_once(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    for (uint64_t id = 1; id < 10; id++)
        wait_for(&w, LC_ANSWER_PLAIN, id);
    outcome(&w, 9, LC_EFULL, "ERROR: Log storage full\n");
    end(&w);
}

static void packets_have_the_sequence_of_their_request(void **state)
{
    LC_UNUSED(state);
    static const uint32_t sequences[] = {7, 8, 9, 11, UINT32_MAX, 0, 1};
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    assert_lc_ok(lc_answers_room(&w.answers));
    for (size_t i = 0; i < LC_ARRAY_LEN(sequences); i++)
        lc_answers_wait(&w.answers, LC_ANSWER_BINARY1, sequences[i], i + 1);
    assert_lc_ok(lc_answers_outcome(&w.answers, 100, LC_OK, &w.mood, &w.out));
    assert_int_equal(w.out.n, LC_ARRAY_LEN(sequences) * 17);
    for (size_t i = 0; i < LC_ARRAY_LEN(sequences); i++) {
        const uint8_t *p = w.out.p + i * 17;
        assert_int_equal((uint32_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7], sequences[i]);
        assert_int_equal(p[16], i + 1);
    }
    end(&w);
}

static void a_promise_is_kept_when_all_of_it_is_durable(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    wait_for(&w, LC_ANSWER_V2, 1);
    promise(&w, 2, 5, "two to five;");
    say(&w, "ready;");
    promise(&w, 6, 6, "six;");
    promise(&w, 7, 9, "seven to nine;");
    promise(&w, 10, 11, "ten, eleven;");
    outcome(&w, 4, LC_OK, "OK|1\n");
    outcome(&w, 6, LC_OK, "two to five;ready;six;");
    outcome(&w, 8, LC_EFULL, ""); /* so of seven to nine not all are kept */
    outcome(&w, 11, LC_OK, "ten, eleven;");
    assert_true(lc_answers_is_empty(&w.answers));
    assert_int_equal(w.answers.octets, 0);

    promise(&w, 12, 13, "never given");
    end(&w);
}

static void refusals_are_cut_where_there_is_no_room(void **state)
{
    LC_UNUSED(state);
    char text[LC_ANSWER_MAX];
    size_t n = lc_answer_error(LC_ANSWER_V2, 0, 0, "0123456789012345678901234\xED\x95\x9C", text,
                               sizeof text);
    assert_slice(lc_slice(text, n), "ERROR|0123456789012345678901234\n");
    n = lc_answer_error(LC_ANSWER_SILENT, 0, 0, "x", text, sizeof text);
    assert_int_equal(n, 0);
}

static void waiting_answers_are_bounded(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    uint64_t n = 0;
    lc_err e;
    while ((e = lc_answers_room(&w.answers)) == LC_OK)
        lc_answers_wait(&w.answers, LC_ANSWER_V2, 0, ++n * 1024);
    assert_lc_err(e, LC_EWAIT);
    assert_int_equal(n, LC_ANSWERS_OCTETS_MAX / LC_ANSWER_MAX);
    assert_int_equal(w.answers.cap, 8); /* one run: no memory for each answer */

    assert_lc_ok(lc_answers_outcome(&w.answers, 1024, LC_OK, &w.mood, &w.out));
    assert_slice(lc_dynbuf_slice(&w.out), "OK|1024\n");
    assert_lc_ok(lc_answers_room(&w.answers));

    lc_dynbuf_consume(&w.out, w.out.n);
    assert_lc_ok(lc_answers_outcome(&w.answers, UINT64_MAX, LC_OK, &w.mood, &w.out));
    assert_true(lc_answers_is_empty(&w.answers));
    assert_int_equal(w.answers.octets, 0);
    end(&w);
}

static void runs_are_bounded_too(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_ACKS_AUTO);
    uint64_t id = 0;
    while (lc_answers_room(&w.answers) == LC_OK) {
        id++;
        lc_answers_wait(&w.answers, id % 2 ? LC_ANSWER_V1 : LC_ANSWER_V2, 0, id);
    }
    assert_lc_err(lc_answers_room(&w.answers), LC_EWAIT);
    assert_int_equal(id, w.answers.cap);

    /* in order, across the end of the ring */
    for (uint64_t i = 1; i <= id; i++) {
        char expected[40];
        snprintf(expected, sizeof expected, i % 2 ? "ACK\n" : "OK|%u\n", (unsigned)i);
        outcome(&w, i, LC_OK, expected);
        wait_for(&w, (id + i) % 2 ? LC_ANSWER_V1 : LC_ANSWER_V2, id + i);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_own_words),
        cmocka_unit_test(ids_are_told_as_they_were_given),
        cmocka_unit_test(a_run_goes_on_after_part_of_it_was_answered),
        cmocka_unit_test(a_ready_answer_waits_for_those_before_it),
        cmocka_unit_test(a_single_plain_line_is_acknowledged),
        cmocka_unit_test(a_stream_of_plain_lines_is_refused_once),
        cmocka_unit_test(packets_have_the_sequence_of_their_request),
        cmocka_unit_test(a_promise_is_kept_when_all_of_it_is_durable),
        cmocka_unit_test(refusals_are_cut_where_there_is_no_room),
        cmocka_unit_test(waiting_answers_are_bounded),
        cmocka_unit_test(runs_are_bounded_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
