/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_test.c - the corpus is the same everywhere, and what it claims to be.
 */
#include "base/test.h"

#include "base/hash.h"
#include "base/time.h"
#include "base/utf8.h"
#include "bench/corpus_gen.h"
#include "bench/corpus_text.h"

enum { LINES = 20000, SPAN_HOURS = 17 };

#define SPAN_NS (INT64_C(3600000000000) * SPAN_HOURS)

static uint32_t checksum(uint64_t seed, enum corpus_format format)
{
    struct corpus *c = corpus_new(seed, LINES, SPAN_NS);
    assert_non_null(c);
    uint32_t crc = 0;
    for (unsigned i = 0; i < LINES; i++) {
        struct corpus_event e;
        char line[CORPUS_LINE_MAX];
        corpus_next(c, &e);
        crc = lc_crc32c(crc, lc_slice(line, corpus_line(&e, format, line)));
    }
    corpus_free(c);
    return crc;
}

/* Whoever changes the corpus changes these, and every figure measured before is of another one. */
static void a_seed_gives_the_same_octets_for_ever(void **state)
{
    LC_UNUSED(state);
    assert_int_equal(checksum(1, CORPUS_V2), 0xfea96c06);
    assert_int_equal(checksum(1, CORPUS_RFC5424), 0x12556067);
    assert_int_equal(checksum(1, CORPUS_RFC3164), 0x5237b9f1);
    assert_int_equal(checksum(1, CORPUS_RAW), 0x9632ddef);
    assert_int_not_equal(checksum(2, CORPUS_RAW), checksum(1, CORPUS_RAW));
}

static void lines_are_text(void **state)
{
    LC_UNUSED(state);
    struct corpus *c = corpus_new(1, LINES, SPAN_NS);
    unsigned korean = 0;
    for (unsigned i = 0; i < LINES; i++) {
        struct corpus_event e;
        corpus_next(c, &e);
        assert_true(lc_utf8_is_valid(e.message));
        assert_null(memchr(e.message.p, '\n', e.message.n));
        assert_null(memchr(e.message.p, '\r', e.message.n));
        assert_true(e.message.n > 10 && e.message.n <= CORPUS_MESSAGE_MAX);
        korean += strstr(e.app, "-kr") != NULL;
    }
    assert_in_range(korean, LINES * 8 / 100, LINES * 12 / 100);
    corpus_free(c);
}

static void times_go_on_with_some_jitter(void **state)
{
    LC_UNUSED(state);
    struct corpus *c = corpus_new(1, LINES, SPAN_NS);
    int64_t first = 0, last = 0;
    unsigned late = 0;
    for (unsigned i = 0; i < LINES; i++) {
        struct corpus_event e;
        corpus_next(c, &e);
        if (i == 0)
            first = last = e.time_ns;
        late += e.time_ns < last;
        last = e.time_ns > last ? e.time_ns : last;
        assert_int_equal(e.time_ns % 1000, 0);
        assert_true(e.time_ns > first - 700 * LC_NS_PER_S);
    }
    assert_in_range(last - first, SPAN_NS / 100 * 95, SPAN_NS / 100 * 105);
    assert_in_range(late, 1, LINES / 50);
    corpus_free(c);
}

static void every_kind_of_sender_speaks(void **state)
{
    LC_UNUSED(state);
    static const struct corpus_kinds *const all[] = {&corpus_kinds_servers, &corpus_kinds_systems,
                                                     &corpus_kinds_korean};
    for (size_t i = 0; i < LC_ARRAY_LEN(all); i++) {
        for (size_t k = 0; k < all[i]->n; k++) {
            struct corpus *c = corpus_new(1, LINES, SPAN_NS);
            struct corpus_event e = {.app = ""};
            for (unsigned n = 0; n < LINES && strcmp(e.app, all[i]->p[k].app) != 0; n++)
                corpus_next(c, &e);
            assert_string_equal(e.app, all[i]->p[k].app);
            corpus_free(c);
        }
    }
}

static void the_first_ranks_come_most_often(void **state)
{
    LC_UNUSED(state);
    struct corpus_random r = {1};
    unsigned count[100] = {0};
    for (unsigned i = 0; i < LINES; i++) {
        uint64_t rank = corpus_zipf(&r, 100);
        assert_true(rank < 100);
        count[rank]++;
    }
    assert_true(count[0] > count[1] && count[1] > count[3] && count[3] > count[15]);
    assert_true(count[99] > 0);
}

static unsigned three_hosts(struct lc_slice role)
{
    LC_UNUSED(role);
    return 3;
}

static void templates_are_filled_in(void **state)
{
    LC_UNUSED(state);
    struct lc_arena arena;
    lc_arena_init(&arena, 1 << 20);
    struct corpus_random r = {1};
    const struct corpus_moment m = {&r, INT64_C(1795197600) * LC_NS_PER_S + 120000000, 42, 7};
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"no variable, 100%", "no variable, 100%"},
        {"%{seq}-%{seq}", "42-42"},
        {"%{clf}", "20/Nov/2026:18:00:00 +0000"},
        {"[%{iso}]", "[2026-11-20T18:00:00.120Z]"},
        {"%{unix}", "1795197600"},
        {"%{any:only}%{int:5-5}%{skew:8-8}", "only58"},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        char out[CORPUS_MESSAGE_MAX];
        struct corpus_text t = corpus_text_compile(&arena, cases[i].text, three_hosts);
        assert_slice(lc_slice(out, corpus_text_fill(&t, &m, out)), cases[i].expected);
    }
    lc_arena_done(&arena);
}

static void heads_follow_their_standards(void **state)
{
    LC_UNUSED(state);
    const struct corpus_event e = {
        .time_ns = INT64_C(1795168800) * LC_NS_PER_S + 120000000,
        .level = LC_LEVEL_ERROR,
        .facility = 16,
        .host = "web-01",
        .app = "nginx",
        .pid = 99,
        .message = LC_LIT("hello"),
    };
    static const char *const expected[] = {
        [CORPUS_V2] = "LOG|ERROR|1795168800.12|web-01 nginx[99]: hello\n",
        [CORPUS_RFC5424] = "<131>1 2026-11-20T10:00:00.120000Z web-01 nginx 99 - - hello\n",
        [CORPUS_RFC3164] = "<131>Nov 20 10:00:00 web-01 nginx[99]: hello\n",
        [CORPUS_RAW] = "web-01 nginx[99]: hello\n",
    };
    for (unsigned f = 0; f < LC_ARRAY_LEN(expected); f++) {
        char line[CORPUS_LINE_MAX];
        assert_slice(lc_slice(line, corpus_line(&e, (enum corpus_format)f, line)), expected[f]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_octets_for_ever),
        cmocka_unit_test(lines_are_text),
        cmocka_unit_test(times_go_on_with_some_jitter),
        cmocka_unit_test(every_kind_of_sender_speaks),
        cmocka_unit_test(the_first_ranks_come_most_often),
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(heads_follow_their_standards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
