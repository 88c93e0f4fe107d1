/* SPDX-License-Identifier: Apache-2.0
 *
 * query/timespec.h - moments as people write them. docs/query-language.md, "Time".
 *
 * WHO     query/ only.
 */
#ifndef LC_QUERY_TIMESPEC_H
#define LC_QUERY_TIMESPEC_H

#include "base/time.h"

/* What a written moment stands for: `2026-11` is a month, `-15m` just one nanosecond. */
struct lc_moment {
    int64_t from_ns, to_ns; /* [from, to) */
};

enum lc_moment_digits {
    LC_DIGITS_YEAR_OR_UNIX, /* four: a year; five or more: unix seconds */
    LC_DIGITS_UNIX,
};

/* The whole of `text`. LC_ESYNTAX: *ret_why is a static sentence for humans. */
LC_MUST_CHECK lc_err lc_moment_parse(struct lc_slice text, int64_t now_ns,
                                     enum lc_moment_digits digits, struct lc_moment *ret,
                                     const char **ret_why);

/* `15m` or `-15m`: the moment that long ago. LC_ESYNTAX, LC_ELIMIT: not a length of time. */
LC_MUST_CHECK lc_err lc_ago_parse(struct lc_slice text, int64_t now_ns, int64_t *ret_ns);

#endif
