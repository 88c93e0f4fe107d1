/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/pattern.h - the expression at which a record begins (--join-start).
 *
 * THREAD  Made and checked anywhere; matched by one thread at a time.
 */
#ifndef LC_SERVICE_GATHER_PATTERN_H
#define LC_SERVICE_GATHER_PATTERN_H

#include <stdbool.h>

#include "base/slice.h"

struct lc_pattern;

/* PCRE2 syntax, octets that need not be UTF-8. LC_ESYNTAX with diag; -ENOMEM. */
LC_MUST_CHECK lc_err lc_pattern_new(const char *text, struct lc_pattern **ret,
                                    struct lc_diag *diag);
void lc_pattern_free(struct lc_pattern *p); /* NULL is accepted */
/* False also when the match took more steps than are allowed. */
bool lc_pattern_matches(void *pattern, struct lc_slice line);

#endif
