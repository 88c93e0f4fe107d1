/* SPDX-License-Identifier: Apache-2.0
 *
 * base/time.h - two clocks that cannot be mixed up, and the calendar.
 *
 * WHAT    struct lc_time is monotonic: deadlines. A wall time is an int64_t named
 *         `*_ns` or `time`: nanoseconds since 1970-01-01T00:00:00Z, what a record says.
 *         Clocks and randomness are handed in as a table, so that a test can set them.
 * WHO     Every room.
 * THREAD  All functions are pure, or read a clock: any thread.
 */
#ifndef LC_BASE_TIME_H
#define LC_BASE_TIME_H

#include <limits.h>

#include "base/slice.h"

#define LC_NS_PER_S  INT64_C(1000000000)
#define LC_NS_PER_MS INT64_C(1000000)

struct lc_time {
    int64_t ns;
};

#define LC_TIME_NEVER ((struct lc_time){INT64_MAX})

/* What lies past the end of time is never. */
static inline struct lc_time lc_time_add_ms(struct lc_time t, int64_t ms)
{
    int64_t ns;
    if (__builtin_mul_overflow(ms, LC_NS_PER_MS, &ns) || __builtin_add_overflow(t.ns, ns, &ns))
        return LC_TIME_NEVER;
    return (struct lc_time){ns};
}

static inline bool lc_time_reached(struct lc_time deadline, struct lc_time now)
{
    return deadline.ns <= now.ns;
}

struct lc_clock {
    struct lc_time (*monotonic)(void *state);
    int64_t (*wall_ns)(void *state);
    void (*random)(void *state, void *p, size_t n);
    void *state;
};

/* CLOCK_MONOTONIC, CLOCK_REALTIME, getrandom(2). */
extern const struct lc_clock lc_clock_system;

static inline struct lc_time lc_monotonic(const struct lc_clock *c)
{
    return c->monotonic(c->state);
}

static inline int64_t lc_wall_ns(const struct lc_clock *c)
{
    return c->wall_ns(c->state);
}

/* A date and a time of day, proleptic Gregorian, UTC. */
struct lc_civil {
    int year;
    unsigned month; /* 1..12 */
    unsigned day;   /* 1..31 */
    unsigned hour, minute, second;
    uint32_t ns;
};

struct lc_civil lc_civil_from_ns(int64_t ns);
/* LC_ESYNTAX: a part is out of its range (second 60 counts as 59.999999999: a leap
 * second must not move a record into the next minute); LC_ELIMIT: outside of int64. */
LC_MUST_CHECK lc_err lc_civil_to_ns(const struct lc_civil *c, int64_t *ret_ns);

/* RFC 3339 section 5.6 at the start of `s`: date, 'T' 't' or a space, time, a fraction of any
 * length (after 9 digits cut), and 'Z', 'z' or an offset. LC_ESYNTAX otherwise. *ret_used: its
 * octets. */
LC_MUST_CHECK lc_err lc_rfc3339_parse(struct lc_slice s, int64_t *ret_ns, size_t *ret_used);

/* The same as loggers write it that know of RFC 3339 by hearsay: the zone may be without its colon
 * (+0900), or missing: then it is utc_offset_s, east positive. */
LC_MUST_CHECK lc_err lc_iso_parse(struct lc_slice s, int32_t utc_offset_s, int64_t *ret_ns,
                                  size_t *ret_used);

/* `2026-11-20T18:00:00.123456789Z`; no fraction where it is zero. Writes no NUL; returns the
 * octets written, at most LC_RFC3339_MAX. Years are those of int64 ns: 1677..2262. */
#define LC_RFC3339_MAX 30
size_t lc_rfc3339_format(int64_t ns, char out[LC_RFC3339_MAX]);

/* Unix seconds with an optional fraction: `1640995200`, `-1.5`, `1640995200.123456789` (digits
 * past the ninth are cut). The whole slice. LC_ESYNTAX, LC_ELIMIT. */
LC_MUST_CHECK lc_err lc_unix_parse(struct lc_slice s, int64_t *ret_ns);
/* The inverse; a whole second has no fraction, trailing zeroes are left out. */
#define LC_UNIX_MAX 24
size_t lc_unix_format(int64_t ns, char out[LC_UNIX_MAX]);

/* A length of time: `250ms`, `15m`, `1h30m`, `7d`, `2w`; units ns us ms s m h d w. The whole
 * slice; no sign. LC_ESYNTAX, LC_ELIMIT. */
LC_MUST_CHECK lc_err lc_duration_parse(struct lc_slice s, int64_t *ret_ns);

#endif
