/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/join_test.c - lines and joined lines, in every split; offsets that add up.
 */
#include "base/test.h"

#include <stdio.h>

#include "proto/join.h"

struct world {
    struct lc_join_rules rules;
    struct lc_joiner joiner;
    uint64_t spent; /* of the source, by what the records say */
    uint64_t given; /* to the codec and no longer in its input */
};

static void begin(void *arg)
{
    struct world *w = arg;

    w->joiner = (struct lc_joiner){0};
    w->spent = w->given = 0;
}

/* `[text]` for a record, `!` behind one that was cut, `-` where there is nothing to store. */
static void say(struct lc_dynbuf *said, const struct lc_joined *r)
{
    if (r->text.n == 0) {
        assert_lc_ok(lc_dynbuf_append(said, LC_LIT("-")));
        return;
    }
    assert_lc_ok(lc_dynbuf_append(said, LC_LIT("[")));
    assert_lc_ok(lc_dynbuf_append(said, r->text));
    assert_lc_ok(lc_dynbuf_append(said, r->truncated ? LC_LIT("]!") : LC_LIT("]")));
}

static size_t feed_until(struct world *w, struct lc_slice in, enum lc_join_wait wait,
                         struct lc_dynbuf *said, size_t *ret_keep)
{
    size_t used = 0;
    struct lc_joined r;

    while (lc_join_next(&w->joiner, &w->rules, lc_slice_from(in, used), wait, &r) == LC_OK) {
        say(said, &r);
        used += r.used;
        w->spent += r.spent;
        assert_true(r.used > 0);
    }
    *ret_keep = r.keep;
    return used;
}

/* The harness keeps what was not spent: so this keeps to what the codec says it may forget only
 * where nothing may be forgotten. Cut lines are tested on their own. */
static size_t feed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct world *w = arg;
    size_t keep, used = feed_until(w, in, LC_JOIN_WAIT, said, &keep);

    assert_int_equal(keep, in.n - used);
    return used;
}

static void end(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    struct world *w = arg;
    size_t keep, used = feed_until(w, rest, LC_JOIN_NO_MORE, said, &keep);

    assert_int_equal(used, rest.n);
    assert_int_equal(keep, 0);
}

static const struct lc_test_codec codec = {begin, feed, end};

static bool begins_with_digit(void *arg, struct lc_slice line)
{
    LC_UNUSED(arg);
    return line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9';
}

static void gives(enum lc_join join, const char *input, const char *expected)
{
    struct world w = {
        .rules = {
            .join = join, .octets_max = 4096, .lines_max = 100, .is_start = begins_with_digit}};

    lc_test_splits(lc_slice_cstr(input), &codec, &w, expected);
    assert_int_equal(w.spent, strlen(input));
}

static void lines(void **state)
{
    LC_UNUSED(state);
    gives(LC_JOIN_NONE, "", "");
    gives(LC_JOIN_NONE, "one\ntwo\r\n\nthree", "[one][two]-[three]");
    gives(LC_JOIN_NONE, "\r\n\r\r\n", "-[\r]");
    gives(LC_JOIN_NONE, "a\r", "[a\r]");
    gives(LC_JOIN_NONE, " indented\n\tline\n", "[ indented][\tline]");
}

static void indented_lines(void **state)
{
    LC_UNUSED(state);
    gives(LC_JOIN_INDENTED, "one\n two\n\tthree\nfour\n", "[one\n two\n\tthree][four]");
    gives(LC_JOIN_INDENTED, "one\r\n two\r\nthree\r\n", "[one\r\n two][three]");
    gives(LC_JOIN_INDENTED, " first\nsecond", "[ first][second]");
    gives(LC_JOIN_INDENTED, "one\n\n two\n", "[one]-[ two]");
    gives(LC_JOIN_INDENTED, "one\n two", "[one\n two]");
}

static void lines_that_begin_a_record(void **state)
{
    LC_UNUSED(state);
    gives(LC_JOIN_START, "1 a\nb\n\nc\n\n2 d\ne\n", "[1 a\nb\n\nc][2 d\ne]");
    gives(LC_JOIN_START, "before\n1 a\n", "[before][1 a]");
}

static void stack_traces(void **state)
{
    LC_UNUSED(state);
    gives(LC_JOIN_TRACES,
          "ERROR it failed\n"
          "java.lang.IllegalStateException: no\n"
          "\tat a.B.c(B.java:1)\n"
          "Caused by: java.io.IOException\n"
          "\t... 3 more\n"
          "INFO next\n",
          "[ERROR it failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n"
          "Caused by: java.io.IOException\n\t... 3 more][INFO next]");
    gives(LC_JOIN_TRACES,
          "ERROR root\n"
          "Traceback (most recent call last):\n"
          "  File \"x.py\", line 1, in <module>\n"
          "KeyError: 'a'\n"
          "\n"
          "During handling of the above exception, another exception occurred:\n"
          "\n"
          "Traceback (most recent call last):\n"
          "  File \"x.py\", line 3, in <module>\n"
          "ValueError: b\n"
          "next\n",
          "[ERROR root\nTraceback (most recent call last):\n"
          "  File \"x.py\", line 1, in <module>\nKeyError: 'a'\n\n"
          "During handling of the above exception, another exception occurred:\n\n"
          "Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\n"
          "ValueError: b][next]");
    gives(LC_JOIN_TRACES,
          "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:5 +0x1d\nexit status 2\n",
          "[panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:5 +0x1d][exit status 2]");
    gives(LC_JOIN_TRACES, "Error: one\nError: two\nhttp.Error\n",
          "[Error: one][Error: two\nhttp.Error]");
    gives(LC_JOIN_TRACES, "Traceback (most recent call last):\n  x\nE\n\nnext\n",
          "[Traceback (most recent call last):\n  x\nE][next]");
}

static void a_hole_in_a_file_is_nothing(void **state)
{
    LC_UNUSED(state);
    struct world w = {.rules = {.octets_max = 16, .lines_max = 10}};
    struct lc_dynbuf said;
    uint8_t in[64] = {0};
    size_t keep;

    memcpy(in + 40, "after\n", 6);
    lc_dynbuf_init(&said, 1024);
    assert_int_equal(feed_until(&w, lc_slice(in, 46), LC_JOIN_WAIT, &said, &keep), 46);
    assert_slice(lc_dynbuf_slice(&said), "-[after]");
    lc_dynbuf_done(&said);
}

static void a_record_has_its_bounds(void **state)
{
    LC_UNUSED(state);
    struct world w = {.rules = {.join = LC_JOIN_INDENTED, .octets_max = 8, .lines_max = 3}};

    lc_test_splits(LC_LIT("a\n b\n c\n d\ne\n"), &codec, &w, "[a\n b\n c][ d][e]");
    lc_test_splits(LC_LIT("abc\n def\n ghi\n"), &codec, &w, "[abc\n def][ ghi]");
}

/* As a reader does: what may be forgotten is forgotten. */
static void feed_pieces(struct world *w, struct lc_slice input, size_t piece,
                        struct lc_dynbuf *said)
{
    struct lc_dynbuf rest;
    size_t keep;

    begin(w);
    lc_dynbuf_init(&rest, 1024);
    for (size_t at = 0; at < input.n; at += piece) {
        size_t n = input.n - at < piece ? input.n - at : piece;

        assert_lc_ok(lc_dynbuf_append(&rest, lc_slice(input.p + at, n)));
        lc_dynbuf_consume(&rest, feed_until(w, lc_dynbuf_slice(&rest), LC_JOIN_WAIT, said, &keep));
        rest.n = keep;
        assert_true(rest.n <= LC_JOIN_KEEP_MAX(w->rules.octets_max));
    }
    feed_until(w, lc_dynbuf_slice(&rest), LC_JOIN_NO_MORE, said, &keep);
    lc_dynbuf_done(&rest);
}

static void cut_at(size_t limit, enum lc_join join, const char *input, const char *expected)
{
    struct lc_dynbuf said;

    for (size_t piece = 1; piece <= strlen(input); piece++) {
        struct world w = {.rules = {.join = join, .octets_max = limit, .lines_max = 10}};

        lc_dynbuf_init(&said, 4096);
        feed_pieces(&w, lc_slice_cstr(input), piece, &said);
        assert_slice(lc_dynbuf_slice(&said), expected);
        assert_int_equal(w.spent, strlen(input));
        lc_dynbuf_done(&said);
    }
}

static void long_lines_are_cut_at_a_character(void **state)
{
    LC_UNUSED(state);
    cut_at(4, LC_JOIN_NONE, "12345678901234567890\nnext\r\n", "[1234]![next]");
    cut_at(4, LC_JOIN_NONE, "12345678901234567890", "[1234]!");
    cut_at(7, LC_JOIN_NONE, "가나다라\n마바\n", "[가나]![마바]");
    cut_at(8, LC_JOIN_NONE, "가나다\n", "[가나]!");
    cut_at(9, LC_JOIN_NONE, "가나다\r\n라", "[가나다][라]");
    cut_at(8, LC_JOIN_INDENTED, "a\n 23456789\n b\n", "[a][ 2345678]![ b]");
}

static void waiting_ends(void **state)
{
    LC_UNUSED(state);
    struct world w = {.rules = {.join = LC_JOIN_INDENTED, .octets_max = 64, .lines_max = 10}};
    struct lc_dynbuf said;
    struct lc_slice in = LC_LIT("one\n two\n th");
    size_t keep;

    lc_dynbuf_init(&said, 1024);
    assert_int_equal(feed_until(&w, in, LC_JOIN_WAIT, &said, &keep), 0);
    assert_true(lc_join_is_held(&w.joiner));
    size_t used = feed_until(&w, in, LC_JOIN_NO_LINE, &said, &keep);
    assert_int_equal(used, 9);
    assert_int_equal(keep, 3); /* a line that has begun goes on */
    assert_false(lc_join_is_held(&w.joiner));
    assert_slice(lc_dynbuf_slice(&said), "[one\n two]");
    feed_until(&w, lc_slice_from(in, used), LC_JOIN_NO_MORE, &said, &keep);
    assert_slice(lc_dynbuf_slice(&said), "[one\n two][ th]");
    lc_dynbuf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(indented_lines),
        cmocka_unit_test(lines_that_begin_a_record),
        cmocka_unit_test(stack_traces),
        cmocka_unit_test(a_hole_in_a_file_is_nothing),
        cmocka_unit_test(a_record_has_its_bounds),
        cmocka_unit_test(long_lines_are_cut_at_a_character),
        cmocka_unit_test(waiting_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
