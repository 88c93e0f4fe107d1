/* SPDX-License-Identifier: Apache-2.0
 *
 * query/timespec.c - dates with parts left out, unix seconds, moments counted from now.
 */
#include "query/timespec.h"

static const char out_of_range[] =
    "is out of range: years are 1678 to 2261, and unix time is in seconds";
static const char not_a_moment[] =
    "is not a time: write 2026-11-20, 2026-11-20T18:00:00Z, unix seconds, now or -15m";

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t leading_digits(struct lc_slice s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

lc_err lc_ago_parse(struct lc_slice text, int64_t now_ns, int64_t *ret_ns)
{
    if (text.n > 0 && text.p[0] == '-')
        text = lc_slice_from(text, 1);
    int64_t length;
    lc_err e = lc_duration_parse(text, &length);
    if (e != LC_OK)
        return e;
    return __builtin_sub_overflow(now_ns, length, ret_ns) ? LC_ELIMIT : LC_OK;
}

/* now, now-15m, -15m */
static lc_err parse_relative(struct lc_slice text, int64_t now_ns, struct lc_moment *ret,
                             const char **ret_why)
{
    int64_t at = now_ns;
    if (lc_slice_starts(text, LC_LIT("now")))
        text = lc_slice_from(text, 3);
    if (text.n > 0 && (text.p[0] != '-' || lc_ago_parse(text, now_ns, &at) != LC_OK)) {
        *ret_why = "is not a moment: after - comes a length such as 15m, 1h30m or 7d";
        return LC_ESYNTAX;
    }
    if (at == INT64_MAX) {
        *ret_why = out_of_range;
        return LC_ESYNTAX;
    }
    *ret = (struct lc_moment){at, at + 1};
    return LC_OK;
}

/* How long the last digit of a fraction is. */
static int64_t fraction_step(size_t digits)
{
    int64_t step = LC_NS_PER_S;
    for (size_t i = 0; i < digits && step > 1; i++)
        step /= 10;
    return step;
}

static lc_err set_period(int64_t from_ns, int64_t length, struct lc_moment *ret,
                         const char **ret_why)
{
    int64_t to_ns;
    if (__builtin_add_overflow(from_ns, length, &to_ns)) {
        *ret_why = out_of_range;
        return LC_ESYNTAX;
    }
    *ret = (struct lc_moment){from_ns, to_ns};
    return LC_OK;
}

static lc_err parse_unix(struct lc_slice text, struct lc_moment *ret, const char **ret_why)
{
    int64_t at;
    lc_err e = lc_unix_parse(text, &at);
    if (e != LC_OK) {
        *ret_why = e == LC_ELIMIT ? out_of_range : not_a_moment;
        return LC_ESYNTAX;
    }
    size_t whole = leading_digits(text);
    size_t fraction = whole < text.n ? text.n - whole - 1 : 0;
    return set_period(at, fraction_step(fraction), ret, ret_why);
}

/* ---- dates ---- */

struct written_date {
    char text[64];        /* completed to RFC 3339's form, without a zone */
    size_t n;             /* of it */
    size_t given;         /* octets of date and time that were written: 4, 7, 10, 13, 16 or 19 */
    size_t fraction;      /* digits */
    struct lc_slice zone; /* empty: none */
};

static bool split_date(struct lc_slice text, struct written_date *ret)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    static const char rest[] = "0000-01-01T00:00:00";
    size_t n = 0;
    while (n < sizeof form - 1 && n < text.n) {
        uint8_t c = text.p[n];
        bool fits = form[n] == 'd'   ? is_digit(c)
                    : form[n] == 'T' ? c == 'T' || c == 't' || c == ' '
                                     : c == (uint8_t)form[n];
        if (!fits)
            break;
        n++;
    }
    if (n < 4 || (n - 4) % 3 != 0)
        return false;
    *ret = (struct written_date){.given = n, .n = sizeof rest - 1};
    memcpy(ret->text, rest, ret->n);
    memcpy(ret->text, text.p, n);
    struct lc_slice tail = lc_slice_from(text, n);
    if (n == sizeof form - 1 && tail.n > 1 && tail.p[0] == '.') {
        ret->fraction = leading_digits(lc_slice_from(tail, 1));
        if (ret->fraction == 0 || ret->fraction > 30)
            return false;
        memcpy(ret->text + ret->n, tail.p, 1 + ret->fraction);
        ret->n += 1 + ret->fraction;
        tail = lc_slice_from(tail, 1 + ret->fraction);
    }
    ret->zone = tail;
    return tail.n <= sizeof "+00:00" - 1;
}

static lc_err complete_date(const struct written_date *d, struct lc_slice zone, int64_t *ret_ns)
{
    char text[sizeof d->text + 8];
    memcpy(text, d->text, d->n);
    memcpy(text + d->n, zone.p, zone.n);
    size_t used;
    lc_err e = lc_rfc3339_parse(lc_slice(text, d->n + zone.n), ret_ns, &used);
    return e == LC_OK && used != d->n + zone.n ? LC_ESYNTAX : e;
}

/* Length of the period that begins at `local_ns`, by the parts that were written. */
static lc_err period_length(const struct written_date *d, int64_t local_ns, int64_t *ret)
{
    switch (d->given) {
    case 10:
        *ret = 86400 * LC_NS_PER_S;
        return LC_OK;
    case 13:
        *ret = 3600 * LC_NS_PER_S;
        return LC_OK;
    case 16:
        *ret = 60 * LC_NS_PER_S;
        return LC_OK;
    case 19:
        *ret = fraction_step(d->fraction);
        return LC_OK;
    default:
        break;
    }
    struct lc_civil c = lc_civil_from_ns(local_ns);
    bool december = c.month == 12;
    c.year += d->given == 4 || december;
    c.month = d->given == 4 ? c.month : december ? 1 : c.month + 1;
    int64_t end;
    lc_err e = lc_civil_to_ns(&c, &end);
    if (e == LC_OK)
        *ret = end - local_ns;
    return e;
}

static lc_err parse_date(struct lc_slice text, struct lc_moment *ret, const char **ret_why)
{
    struct written_date d;
    *ret_why = not_a_moment;
    if (!split_date(text, &d))
        return LC_ESYNTAX;
    int64_t at = 0, local = 0, length = 0;
    lc_err e = complete_date(&d, d.zone.n == 0 ? LC_LIT("Z") : d.zone, &at);
    if (e == LC_OK)
        e = complete_date(&d, LC_LIT("Z"), &local);
    if (e == LC_OK)
        e = period_length(&d, local, &length);
    if (e == LC_ELIMIT)
        *ret_why = out_of_range;
    if (e != LC_OK)
        return LC_ESYNTAX;
    return set_period(at, length, ret, ret_why);
}

lc_err lc_moment_parse(struct lc_slice text, int64_t now_ns, enum lc_moment_digits digits,
                       struct lc_moment *ret, const char **ret_why)
{
    if (text.n > 0 && (text.p[0] == '-' || lc_slice_starts(text, LC_LIT("now"))))
        return parse_relative(text, now_ns, ret, ret_why);
    size_t leading = leading_digits(text);
    bool number = leading > 0 && (leading == text.n || text.p[leading] == '.');
    if (number && (digits == LC_DIGITS_UNIX || leading > 4))
        return parse_unix(text, ret, ret_why);
    int64_t length;
    if (lc_duration_parse(text, &length) == LC_OK) {
        *ret_why = "is a length of time: for the moment so long ago put - before it";
        return LC_ESYNTAX;
    }
    if (leading > 0 && leading == text.n && leading < 4) {
        *ret_why = "needs a unit to be a length of time: ns us ms s m h d w, as in 15m";
        return LC_ESYNTAX;
    }
    return parse_date(text, ret, ret_why);
}
