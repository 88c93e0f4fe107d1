/* SPDX-License-Identifier: Apache-2.0
 *
 * query/types_test.c - the query types of the wire.
 */
#include "base/test.h"

#include "base/time.h"
#include "query/ast.h"

#define NOW (INT64_C(1795197600) * LC_NS_PER_S) /* 2026-11-20T18:00:00Z */

typedef lc_err (*make_query)(struct lc_slice text, struct lc_query **ret, struct lc_diag *diag);

static lc_err make_time(struct lc_slice text, struct lc_query **ret, struct lc_diag *diag)
{
    return lc_query_time(text, NOW, ret, diag);
}

static bool passes(make_query make, const char *text, const struct lc_record *r)
{
    struct lc_query *q;
    struct lc_diag diag;
    assert_lc_ok(make(lc_slice_cstr(text), &q, &diag));
    bool match = lc_query_match(q, r);
    lc_query_unref(q);
    return match;
}

static void refuses(make_query make, const char *text, const char *why)
{
    struct lc_query *q;
    struct lc_diag diag = {0};
    assert_lc_err(make(lc_slice_cstr(text), &q, &diag), LC_ESYNTAX);
    assert_string_equal(diag.text, why);
    assert_int_equal(diag.line, 0); /* there is no text with places */
    assert_lc_err(make(lc_slice_cstr(text), &q, NULL), LC_ESYNTAX);
}

static void keyword_is_in_message_or_level(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = {.level = LC_LEVEL_WARN, .message = LC_LIT("Disk SDA1 voll, Größe 0")};
    assert_true(passes(lc_query_keyword, "sda", &r));
    assert_true(passes(lc_query_keyword, "GRÖSSE", &r) == false); /* simple folding: not ss */
    assert_true(passes(lc_query_keyword, "GRÖẞE", &r));
    assert_true(passes(lc_query_keyword, "arn", &r));
    assert_true(passes(lc_query_keyword, " ", &r));
    assert_false(passes(lc_query_keyword, "error", &r));
    r.level = LC_LEVEL_NONE;
    assert_false(passes(lc_query_keyword, "warn", &r));
    refuses(lc_query_keyword, "", "a text to find is missing");

    char page[LC_FIND_TEXT_MAX + 1];
    memset(page, 'x', sizeof page);
    struct lc_query *q;
    struct lc_diag diag;
    assert_lc_err(lc_query_keyword(lc_slice(page, sizeof page), &q, &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "the text to find is too long: at most 1024 octets");
    assert_lc_ok(lc_query_keyword(lc_slice(page, sizeof page - 1), &q, &diag));
    lc_query_unref(q);
}

static void level_is_that_or_worse(void **state)
{
    LC_UNUSED(state);
    for (unsigned i = 0; i < LC_LEVEL_COUNT; i++) {
        struct lc_record r = {.level = (enum lc_level)i};
        assert_int_equal(passes(lc_query_level, "warning", &r), i >= LC_LEVEL_WARN);
        assert_int_equal(passes(lc_query_level, " TRACE ", &r), true);
    }
    struct lc_record none = {.level = LC_LEVEL_NONE};
    assert_false(passes(lc_query_level, "trace", &none));
    refuses(lc_query_level, "loud",
            "unknown level 'loud': there are TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT EMERG");
}

static void time_is_from_to(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *range;
        int64_t from_s, to_s; /* to: not included; 0: open */
    } cases[] = {
        {"100,200", 100, 201},
        {"0,1", 0, 2},
        {"1999,2026", 1999, 2027}, /* numbers are seconds here, never years */
        {"2026-11-20T17:00:00Z,2026-11-20T17:30:00Z", 1795194000, 1795195801},
        {"-1h, now", 1795194000, 1795197600},
        {"-1h,", 1795194000, 0},
        {"2026-11-20,2026-11-20", 1795132800, 1795219200},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_query *q;
        assert_lc_ok(make_time(lc_slice_cstr(cases[i].range), &q, NULL));
        assert_true(q->from_ns == cases[i].from_s * LC_NS_PER_S);
        int64_t to_ns = cases[i].to_s == 0 ? INT64_MAX : cases[i].to_s * LC_NS_PER_S;
        bool now = strstr(cases[i].range, "now") != NULL;
        assert_true(q->to_ns == to_ns + now); /* a moment includes its own nanosecond */
        struct lc_record r = {.time_ns = q->from_ns};
        assert_true(lc_query_match(q, &r));
        r.time_ns = q->from_ns - 1;
        assert_false(lc_query_match(q, &r));
        r.time_ns = q->to_ns - 1;
        assert_true(lc_query_match(q, &r));
        lc_query_unref(q);
    }
    struct lc_query *q;
    assert_lc_ok(make_time(LC_LIT(",200"), &q, NULL));
    assert_true(q->from_ns == INT64_MIN && q->to_ns == 201 * LC_NS_PER_S);
    lc_query_unref(q);
    refuses(make_time, "100",
            "a range of time is <from>,<to>: unix seconds, RFC 3339 or relative, as in -15m,now");
    refuses(make_time, "200,100", "this range of time ends before it begins");
    refuses(make_time, "x,100",
            "'x' is not a time: write 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, now or "
            "-15m");
    refuses(make_time, "15m,now",
            "'15m' is a length of time: for the moment so long ago put - before it");
}

static void source_is_host_app_or_address(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *source, *wanted;
        bool passes;
    } cases[] = {
        {"192.0.2.1:514", "192.0.2.1:514", true},
        {"192.0.2.1:514", "192.0.2.1", true},
        {"192.0.2.1:514", "192.0.2", false},
        {"192.0.2.1:514", "514", false},
        {"[2001:db8::1]:514", "2001:db8::1", true},
        {"[2001:db8::1]:514", "[2001:db8::1]:514", true},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8:", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"unix:1000", "unix:1000", true},
        {"unix:1000", "unix", true},
        {"", "unix", false},
        {"x:1", " web-1 ", true},
        {"x:1", "nginx", true},
        {"x:1", "web", false},
        {":514", "web", false},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_record r = {.stream = {.host = LC_LIT("web-1"), .app = LC_LIT("nginx")},
                              .source = lc_slice_cstr(cases[i].source)};
        assert_int_equal(passes(lc_query_source, cases[i].wanted, &r), cases[i].passes);
    }
    refuses(lc_query_source, " ", "a host, an app or an address is missing");
}

static void last_is_a_limit(void **state)
{
    LC_UNUSED(state);
    struct lc_query *q;
    assert_lc_ok(lc_query_last(LC_LIT("100"), &q, NULL));
    assert_int_equal(q->row_limit, 100);
    assert_true(lc_query_has_pipes(q));
    struct lc_query *same = lc_query_ref(q);
    lc_query_unref(q);
    assert_int_equal(same->row_limit, 100);
    lc_query_unref(same);
    refuses(lc_query_last, "", "a number is missing: how many of the newest rows, as in 100");
    refuses(lc_query_last, "-5", "a number is missing: how many of the newest rows, as in 100");
    lc_query_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyword_is_in_message_or_level),
        cmocka_unit_test(level_is_that_or_worse),
        cmocka_unit_test(time_is_from_to),
        cmocka_unit_test(source_is_host_app_or_address),
        cmocka_unit_test(last_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
