/* SPDX-License-Identifier: Apache-2.0
 *
 * base/time.c - the system's clocks, and the calendar. Days are counted from the civil date
 * with years that begin in March, so that the leap day is the last of its year (the method
 * is Howard Hinnant's, "chrono-Compatible Low-Level Date Algorithms").
 */
#include "base/time.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define DAY_S             86400
#define DAYS_PER_ERA      146097 /* 400 years */
#define DAYS_0000_TO_1970 719468 /* from 0000-03-01 to 1970-01-01 */

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    int failed = clock_gettime(id, &ts);
    LC_ASSERT(failed == 0);
    return (int64_t)ts.tv_sec * LC_NS_PER_S + ts.tv_nsec;
}

static struct lc_time system_monotonic(void *state)
{
    LC_UNUSED(state);
    return (struct lc_time){read_clock(CLOCK_MONOTONIC)};
}

static int64_t system_wall_ns(void *state)
{
    LC_UNUSED(state);
    return read_clock(CLOCK_REALTIME);
}

static void system_random(void *state, void *p, size_t n)
{
    LC_UNUSED(state);
    uint8_t *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        LC_ASSERT(got > 0);
        at += got;
        n -= (size_t)got;
    }
}

const struct lc_clock lc_clock_system = {
    .monotonic = system_monotonic,
    .wall_ns = system_wall_ns,
    .random = system_random,
};

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_0000_TO_1970;
}

struct lc_civil lc_civil_from_ns(int64_t ns)
{
    int64_t second = ns / LC_NS_PER_S - (ns % LC_NS_PER_S < 0);
    int64_t days = second / DAY_S - (second % DAY_S < 0);
    unsigned of_day = (unsigned)(second - days * DAY_S);

    int64_t z = days + DAYS_0000_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    unsigned month =
        (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);

    return (struct lc_civil){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
        .ns = (uint32_t)(ns - second * LC_NS_PER_S),
    };
}

static unsigned days_in_month(int year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

lc_err lc_civil_to_ns(const struct lc_civil *c, int64_t *ret_ns)
{
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_in_month(c->year, c->month))
        return LC_ESYNTAX;
    if (c->hour > 23 || c->minute > 59 || c->second > 60 || c->ns >= LC_NS_PER_S)
        return LC_ESYNTAX;
    unsigned second = c->second == 60 ? 59 : c->second;
    uint32_t fraction = c->second == 60 ? LC_NS_PER_S - 1 : c->ns;
    int64_t s = days_from_civil(c->year, c->month, c->day) * DAY_S;
    s += c->hour * 3600 + c->minute * 60 + second;
    int64_t part = fraction;
    if (s < 0) { /* both parts of one sign: else the first second of int64 overflows on the way */
        s++;
        part -= LC_NS_PER_S;
    }
    int64_t ns;
    if (__builtin_mul_overflow(s, LC_NS_PER_S, &ns) || __builtin_add_overflow(ns, part, &ns))
        return LC_ELIMIT;
    *ret_ns = ns;
    return LC_OK;
}

/* Exactly `n` digits. */
static bool take_digits(struct lc_slice *s, unsigned n, unsigned *ret)
{
    if (s->n < n)
        return false;
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned digit = (unsigned)s->p[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *s = lc_slice_from(*s, n);
    *ret = value;
    return true;
}

static bool take_octet(struct lc_slice *s, const char *any_of)
{
    if (s->n == 0 || s->p[0] == '\0' || strchr(any_of, s->p[0]) == NULL)
        return false;
    *s = lc_slice_from(*s, 1);
    return true;
}

/* One digit or more; those past the ninth are dropped. */
static bool take_fraction(struct lc_slice *s, uint32_t *ret_ns)
{
    uint32_t ns = 0;
    unsigned digits = 0;
    while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
        if (digits < 9)
            ns = ns * 10 + (s->p[0] - (uint32_t)'0');
        digits++;
        *s = lc_slice_from(*s, 1);
    }
    for (unsigned i = digits; i < 9; i++)
        ns *= 10;
    *ret_ns = ns;
    return digits > 0;
}

static bool take_date(struct lc_slice *s, struct lc_civil *c)
{
    unsigned year;
    if (!take_digits(s, 4, &year) || !take_octet(s, "-") || !take_digits(s, 2, &c->month) ||
        !take_octet(s, "-") || !take_digits(s, 2, &c->day))
        return false;
    c->year = (int)year;
    return true;
}

static bool take_time_of_day(struct lc_slice *s, struct lc_civil *c)
{
    if (!take_digits(s, 2, &c->hour) || !take_octet(s, ":") || !take_digits(s, 2, &c->minute) ||
        !take_octet(s, ":") || !take_digits(s, 2, &c->second))
        return false;
    return !take_octet(s, ".,") || take_fraction(s, &c->ns);
}

/* 'Z' or an offset. colon: one must stand in it. */
static bool take_zone(struct lc_slice *s, bool colon, int64_t *ret_s)
{
    *ret_s = 0;
    if (take_octet(s, "Zz"))
        return true;
    bool west = s->n > 0 && s->p[0] == '-';
    unsigned hour, minute;
    if (!take_octet(s, "+-") || !take_digits(s, 2, &hour) || (!take_octet(s, ":") && colon) ||
        !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *ret_s = (int64_t)(hour * 3600 + minute * 60) * (west ? -1 : 1);
    return true;
}

static lc_err parse_iso(struct lc_slice s, const int32_t *local_s, int64_t *ret_ns,
                        size_t *ret_used)
{
    struct lc_slice rest = s;
    struct lc_civil c = {0};
    int64_t offset_s, ns;
    if (!take_date(&rest, &c) || !take_octet(&rest, "Tt ") || !take_time_of_day(&rest, &c))
        return LC_ESYNTAX;
    struct lc_slice zone = rest;
    if (take_zone(&zone, local_s == NULL, &offset_s))
        rest = zone;
    else if (local_s != NULL)
        offset_s = *local_s;
    else
        return LC_ESYNTAX;
    lc_err e = lc_civil_to_ns(&c, &ns);
    if (e != LC_OK)
        return e;
    if (__builtin_sub_overflow(ns, offset_s * LC_NS_PER_S, &ns))
        return LC_ELIMIT;
    *ret_ns = ns;
    *ret_used = s.n - rest.n;
    return LC_OK;
}

lc_err lc_rfc3339_parse(struct lc_slice s, int64_t *ret_ns, size_t *ret_used)
{
    return parse_iso(s, NULL, ret_ns, ret_used);
}

lc_err lc_iso_parse(struct lc_slice s, int32_t utc_offset_s, int64_t *ret_ns, size_t *ret_used)
{
    return parse_iso(s, &utc_offset_s, ret_ns, ret_used);
}

static char *put_digits(char *at, unsigned value, unsigned width)
{
    for (unsigned i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

size_t lc_rfc3339_format(int64_t ns, char out[LC_RFC3339_MAX])
{
    struct lc_civil c = lc_civil_from_ns(ns);
    char *at = put_digits(out, (unsigned)c.year, 4);
    *at++ = '-';
    at = put_digits(at, c.month, 2);
    *at++ = '-';
    at = put_digits(at, c.day, 2);
    *at++ = 'T';
    at = put_digits(at, c.hour, 2);
    *at++ = ':';
    at = put_digits(at, c.minute, 2);
    *at++ = ':';
    at = put_digits(at, c.second, 2);
    if (c.ns != 0) {
        *at++ = '.';
        at = put_digits(at, c.ns, 9);
    }
    *at++ = 'Z';
    return (size_t)(at - out);
}

lc_err lc_unix_parse(struct lc_slice s, int64_t *ret_ns)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    struct lc_slice rest = negative ? lc_slice_from(s, 1) : s;
    struct lc_slice whole;
    uint32_t fraction = 0;
    if (!lc_slice_cut(&rest, '.', &whole)) {
        whole = rest;
    } else if (!take_fraction(&rest, &fraction) || rest.n != 0) {
        return LC_ESYNTAX;
    }
    uint64_t seconds;
    lc_err e = lc_slice_u64(whole, &seconds);
    if (e != LC_OK)
        return e;
    int64_t sign = negative ? -1 : 1;
    int64_t ns;
    if (seconds > INT64_MAX || __builtin_mul_overflow((int64_t)seconds, sign * LC_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, sign * fraction, &ns))
        return LC_ELIMIT;
    *ret_ns = ns;
    return LC_OK;
}

size_t lc_unix_format(int64_t ns, char out[LC_UNIX_MAX])
{
    char *at = out;
    uint64_t magnitude = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        *at++ = '-';
    unsigned fraction = (unsigned)(magnitude % LC_NS_PER_S);
    at += lc_u64_format(magnitude / LC_NS_PER_S, at);
    if (fraction == 0)
        return (size_t)(at - out);
    *at++ = '.';
    at = put_digits(at, fraction, 9);
    while (at[-1] == '0')
        at--;
    return (size_t)(at - out);
}

static int64_t take_unit(struct lc_slice *s)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        /* longer names first: "ms" begins with "m" */
        {"ns", 1},
        {"us", 1000},
        {"ms", LC_NS_PER_MS},
        {"s", LC_NS_PER_S},
        {"m", 60 * LC_NS_PER_S},
        {"h", 3600 * LC_NS_PER_S},
        {"d", DAY_S * LC_NS_PER_S},
        {"w", 7 * (DAY_S * LC_NS_PER_S)},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(units); i++) {
        struct lc_slice name = lc_slice_cstr(units[i].name);
        if (lc_slice_starts(*s, name)) {
            *s = lc_slice_from(*s, name.n);
            return units[i].ns;
        }
    }
    return 0;
}

lc_err lc_duration_parse(struct lc_slice s, int64_t *ret_ns)
{
    int64_t total = 0;
    if (s.n == 0)
        return LC_ESYNTAX;
    while (s.n > 0) {
        size_t digits = 0;
        while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
            digits++;
        int64_t count, part;
        lc_err e = lc_slice_i64(lc_slice(s.p, digits), &count);
        if (e != LC_OK)
            return e;
        s = lc_slice_from(s, digits);
        int64_t unit = take_unit(&s);
        if (unit == 0)
            return LC_ESYNTAX;
        if (__builtin_mul_overflow(count, unit, &part) ||
            __builtin_add_overflow(total, part, &total))
            return LC_ELIMIT;
    }
    *ret_ns = total;
    return LC_OK;
}
