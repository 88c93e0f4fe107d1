/* SPDX-License-Identifier: Apache-2.0
 *
 * base/time_test.c - clocks, the calendar, and times as text.
 */
#include "base/test.h"

#include "base/time.h"

#define S LC_NS_PER_S

static void the_clocks_run(void **state)
{
    LC_UNUSED(state);
    struct lc_time before = lc_monotonic(&lc_clock_system);
    struct lc_time after = lc_monotonic(&lc_clock_system);
    assert_true(lc_time_reached(before, after));
    assert_true(lc_wall_ns(&lc_clock_system) > INT64_C(1700000000) * S);
    uint8_t one[32] = {0}, two[32] = {0};
    lc_clock_system.random(lc_clock_system.state, one, sizeof one);
    lc_clock_system.random(lc_clock_system.state, two, sizeof two);
    assert_memory_not_equal(one, two, sizeof one);
}

static void deadlines(void **state)
{
    LC_UNUSED(state);
    struct lc_time t = {1000};
    assert_int_equal(lc_time_add_ms(t, 5).ns, 5001000);
    assert_true(lc_time_reached(t, t));
    assert_false(lc_time_reached(lc_time_add_ms(t, 1), t));
    assert_false(lc_time_reached(LC_TIME_NEVER, t));
    assert_true(lc_time_add_ms(LC_TIME_NEVER, 1).ns == INT64_MAX);
    assert_true(lc_time_add_ms(t, INT64_MAX).ns == INT64_MAX);
}

static const struct {
    const char *text; /* as lc_rfc3339_format() writes it */
    int64_t ns;
} dates[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.999999999Z", -1},
    {"1969-12-31T00:00:00Z", -86400 * S},
    {"2000-02-29T12:00:00Z", INT64_C(951825600) * S}, /* divisible by 400 */
    {"2000-03-01T00:00:00Z", INT64_C(951868800) * S},
    {"1900-02-28T23:59:59Z", INT64_C(-2203891201) * S}, /* by 100 alone: no leap year */
    {"1900-03-01T00:00:00Z", INT64_C(-2203891200) * S},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800) * S},
    {"2023-12-31T23:59:59.000000001Z", INT64_C(1704067199) * S + 1},
    {"2001-09-09T01:46:40Z", INT64_C(1000000000) * S},
    {"2026-11-20T18:00:00.120000000Z", INT64_C(1795197600) * S + 120000000},
    {"2038-01-19T03:14:08Z", INT64_C(2147483648) * S},
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
};

static void known_dates_both_ways(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(dates); i++) {
        char text[LC_RFC3339_MAX];
        size_t n = lc_rfc3339_format(dates[i].ns, text);
        assert_slice(lc_slice(text, n), dates[i].text);
        int64_t ns = 0;
        size_t used = 0;
        assert_lc_ok(lc_rfc3339_parse(lc_slice(text, n), &ns, &used));
        assert_true(ns == dates[i].ns);
        assert_int_equal(used, n);
        struct lc_civil c = lc_civil_from_ns(dates[i].ns);
        assert_lc_ok(lc_civil_to_ns(&c, &ns));
        assert_true(ns == dates[i].ns);
    }
}

/* Each day of 800 years follows the one before it, as a calendar on paper has it. */
static void every_day_follows_the_last(void **state)
{
    LC_UNUSED(state);
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct lc_civil c = lc_civil_from_ns(INT64_C(-9214560000) * S); /* 1678-01-01 */
    assert_int_equal(c.year, 1678);
    assert_int_equal(c.month, 1);
    assert_int_equal(c.day, 1);
    for (int64_t day = 1; c.year < 2262; day++) {
        bool leap = c.year % 4 == 0 && (c.year % 100 != 0 || c.year % 400 == 0);
        unsigned last = lengths[c.month - 1] + (c.month == 2 && leap);
        bool new_month = c.day == last, new_year = new_month && c.month == 12;
        struct lc_civil next = lc_civil_from_ns((INT64_C(-9214560000) + day * 86400) * S);
        assert_int_equal(next.day, new_month ? 1 : c.day + 1);
        assert_int_equal(next.month, new_year ? 1 : c.month + new_month);
        assert_int_equal(next.year, c.year + new_year);
        c = next;
    }
}

static void impossible_dates(void **state)
{
    LC_UNUSED(state);
    const struct lc_civil good = {2024, 2, 29, 23, 59, 59, 999999999};
    struct lc_civil bad[] = {good, good, good, good, good, good, good, good, good};
    bad[0].month = 0;
    bad[1].month = 13;
    bad[2].day = 0;
    bad[3].day = 30;
    bad[4].year = 2023;
    bad[5].hour = 24;
    bad[6].minute = 60;
    bad[7].second = 61;
    bad[8].ns = 1000000000;
    int64_t ns = 7;
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++)
        assert_lc_err(lc_civil_to_ns(&bad[i], &ns), LC_ESYNTAX);
    assert_int_equal(ns, 7);
    assert_lc_ok(lc_civil_to_ns(&good, &ns));

    struct lc_civil late = lc_civil_from_ns(INT64_MAX), early = lc_civil_from_ns(INT64_MIN);
    late.ns++;
    early.ns--;
    assert_lc_err(lc_civil_to_ns(&late, &ns), LC_ELIMIT);
    assert_lc_err(lc_civil_to_ns(&early, &ns), LC_ELIMIT);
    late.year = 9999;
    early.year = -9999;
    assert_lc_err(lc_civil_to_ns(&late, &ns), LC_ELIMIT);
    assert_lc_err(lc_civil_to_ns(&early, &ns), LC_ELIMIT);
}

static void a_leap_second_stays_in_its_minute(void **state)
{
    LC_UNUSED(state);
    int64_t ns = 0, next_minute = 0;
    size_t used;
    assert_lc_ok(lc_rfc3339_parse(LC_LIT("2016-12-31T23:59:60.5Z"), &ns, &used));
    assert_lc_ok(lc_rfc3339_parse(LC_LIT("2017-01-01T00:00:00Z"), &next_minute, &used));
    assert_true(ns == next_minute - 1);
    /* RFC 3339 section 5.8 has this one: 1990-12-31T23:59:60Z in Pacific time */
    assert_lc_ok(lc_rfc3339_parse(LC_LIT("1990-12-31T15:59:60-08:00"), &ns, &used));
    assert_lc_ok(lc_rfc3339_parse(LC_LIT("1991-01-01T00:00:00Z"), &next_minute, &used));
    assert_true(ns == next_minute - 1);
}

static void rfc3339_forms(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        int64_t ns;
        size_t rest; /* octets that do not belong to it */
    } cases[] = {
        {"1985-04-12T23:20:50.52Z", INT64_C(482196050520000000), 0}, /* RFC 3339 section 5.8 */
        {"1996-12-19T16:39:57-08:00", INT64_C(851042397) * S, 0},
        {"1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130000000), 0},
        {"1985-04-12t23:20:50.520z", INT64_C(482196050520000000), 0},
        {"1985-04-12 23:20:50,52Z next", INT64_C(482196050520000000), 5},
        {"2024-01-01T00:00:00.1234567899Z", INT64_C(1704067200123456789), 0},
        {"2024-01-01T00:00:00-00:00", INT64_C(1704067200) * S, 0},
        {"2024-01-01T09:00:00+09:00", INT64_C(1704067200) * S, 0},
        {"2023-12-31T00:01:00-23:59", INT64_C(1704067200) * S, 0},
    };
    struct lc_test_guard g;
    lc_test_guard_open(&g, 64);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_slice s = lc_test_guard_put(&g, lc_slice_cstr(cases[i].text));
        int64_t ns = 0;
        size_t used = 0;
        assert_lc_ok(lc_rfc3339_parse(s, &ns, &used));
        assert_true(ns == cases[i].ns);
        assert_int_equal(used, s.n - cases[i].rest);
        for (size_t n = 0; n < used; n++) /* no beginning of it is one */
            assert_lc_err(
                lc_rfc3339_parse(lc_test_guard_put(&g, lc_slice(cases[i].text, n)), &ns, &used),
                LC_ESYNTAX);
    }
    lc_test_guard_close(&g);
}

static void a_zone_by_hearsay(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        int64_t s;
        size_t used;
    } cases[] = {
        {"2026-11-20T20:00:00 x", 1795172400, 19},    {"2026-11-20 20:00:00", 1795172400, 19},
        {"2026-11-20T11:00:00Zx", 1795172400, 20},    {"2026-11-20T11:00:00+0000", 1795172400, 24},
        {"2026-11-20T06:00:00-0500", 1795172400, 24}, {"2026-11-20T11:00:00+00:00", 1795172400, 25},
        {"2026-11-20T20:00:00+09", 1795172400, 19},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        int64_t ns;
        size_t used;
        assert_lc_ok(lc_iso_parse(lc_slice_cstr(cases[i].text), 9 * 3600, &ns, &used));
        assert_true(ns == cases[i].s * LC_NS_PER_S);
        assert_int_equal(used, cases[i].used);
    }
}

static void wrong_rfc3339(void **state)
{
    LC_UNUSED(state);
    static const char *const bad[] = {
        "",
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+09:60",
        "2024-01-01T00:00:00+0900",
        "2024-1-01T00:00:00Z",
        "24-01-01T00:00:00Z",
        "-024-01-01T00:00:00Z",
        "2024/01/01T00:00:00Z",
        "2024-01-01_00:00:00Z",
        " 2024-01-01T00:00:00Z",
    };
    int64_t ns = 7;
    size_t used = 7;
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++)
        assert_lc_err(lc_rfc3339_parse(lc_slice_cstr(bad[i]), &ns, &used), LC_ESYNTAX);
    assert_lc_err(lc_rfc3339_parse(LC_LIT("9999-12-31T23:59:59Z"), &ns, &used), LC_ELIMIT);
    assert_lc_err(lc_rfc3339_parse(LC_LIT("0001-01-01T00:00:00Z"), &ns, &used), LC_ELIMIT);
    assert_lc_err(lc_rfc3339_parse(LC_LIT("2262-04-11T23:47:16-01:00"), &ns, &used), LC_ELIMIT);
    assert_int_equal(ns, 7);
    assert_int_equal(used, 7);
}

static void unix_times_both_ways(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0},
        {"1640995200", INT64_C(1640995200) * S},
        {"1640995200.5", INT64_C(1640995200) * S + S / 2},
        {"1640995200.123456789", INT64_C(1640995200123456789)},
        {"0.000000001", 1},
        {"-0.000000001", -1},
        {"-1.5", -S - S / 2},
        {"9223372036.854775807", INT64_MAX},
        {"-9223372036.854775808", INT64_MIN},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        int64_t ns = 7;
        assert_lc_ok(lc_unix_parse(lc_slice_cstr(cases[i].text), &ns));
        assert_true(ns == cases[i].ns);
        char text[LC_UNIX_MAX];
        assert_slice(lc_slice(text, lc_unix_format(ns, text)), cases[i].text);
    }
}

static void other_unix_times(void **state)
{
    LC_UNUSED(state);
    int64_t ns = 7;
    assert_lc_ok(lc_unix_parse(LC_LIT("12.3400000009999"), &ns));
    assert_true(ns == 12 * S + 340000000);
    assert_lc_ok(lc_unix_parse(LC_LIT("-0"), &ns));
    assert_int_equal(ns, 0);
    static const char *const bad[] = {"", "-", ".5", "1.", "1.5.2", "+1", "1e9", " 1", "1 ", "--1"};
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++)
        assert_lc_err(lc_unix_parse(lc_slice_cstr(bad[i]), &ns), LC_ESYNTAX);
    static const char *const far[] = {"9223372036.854775808", "-9223372036.854775809", "9223372037",
                                      "18446744073709551615", "18446744073709551616"};
    for (size_t i = 0; i < LC_ARRAY_LEN(far); i++)
        assert_lc_err(lc_unix_parse(lc_slice_cstr(far[i]), &ns), LC_ELIMIT);
    assert_int_equal(ns, 0);
}

static void durations(void **state)
{
    LC_UNUSED(state);
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0s", 0},
        {"1ns", 1},
        {"250us", 250000},
        {"250ms", 250000000},
        {"15m", 900 * S},
        {"1h30m", 5400 * S},
        {"7d", INT64_C(604800) * S},
        {"2w", INT64_C(1209600) * S},
        {"1w1d1h1m1s1ms1us1ns", INT64_C(694861001001001)},
        {"9223372036854775807ns", INT64_MAX},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        int64_t ns = 7;
        assert_lc_ok(lc_duration_parse(lc_slice_cstr(cases[i].text), &ns));
        assert_true(ns == cases[i].ns);
    }
    int64_t ns = 7;
    static const char *const bad[] = {"",     "5",  "m",    "-5m", "5 m",
                                      "1h30", "5x", "1.5h", "5M",  "1h 2m"};
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++)
        assert_lc_err(lc_duration_parse(lc_slice_cstr(bad[i]), &ns), LC_ESYNTAX);
    static const char *const far[] = {"9223372036854775808ns", "9223372036854775807ns1ns", "15251w",
                                      "99999999999999999999s"};
    for (size_t i = 0; i < LC_ARRAY_LEN(far); i++)
        assert_lc_err(lc_duration_parse(lc_slice_cstr(far[i]), &ns), LC_ELIMIT);
    assert_int_equal(ns, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_run),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(known_dates_both_ways),
        cmocka_unit_test(every_day_follows_the_last),
        cmocka_unit_test(impossible_dates),
        cmocka_unit_test(a_leap_second_stays_in_its_minute),
        cmocka_unit_test(rfc3339_forms),
        cmocka_unit_test(a_zone_by_hearsay),
        cmocka_unit_test(wrong_rfc3339),
        cmocka_unit_test(unix_times_both_ways),
        cmocka_unit_test(other_unix_times),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
