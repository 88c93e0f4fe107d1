/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/source.h - the text of a configuration file, and errors that point into it. Inside conf/.
 *
 * WHAT    name:line:column: what is wrong
 *             3 | retain-age: 30 days
 *               |             ^^^^^^^
 * THREAD  Pure.
 */
#ifndef LC_CONF_SOURCE_H
#define LC_CONF_SOURCE_H

#include "base/slice.h"

struct lc_source {
    const char *name;
    struct lc_slice text;
};

/* Octets of the text. */
struct lc_span {
    size_t at, end;
};

/* How much of the line is shown: a secret may stand anywhere in it. */
enum lc_shown { LC_SHOWN_LINE, LC_SHOWN_TO_END_OF_SPAN, LC_SHOWN_SPAN, LC_SHOWN_NOTHING };

unsigned lc_source_line(const struct lc_source *source, size_t at);
/* The octet at which a line (1-based) begins, or the end of the text. */
size_t lc_source_line_start(const struct lc_source *source, unsigned line);

/* Sets diag, its line and column too. */
void lc_source_complain(const struct lc_source *source, struct lc_span span, enum lc_shown shown,
                        struct lc_diag *diag, const char *message);

#endif
