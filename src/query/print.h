/* SPDX-License-Identifier: Apache-2.0
 *
 * query/print.h - a query back as text of the language, for tests: what was understood can be
 * seen, and must be understood again.
 *
 * WHO     *_test.c of query/, and its fuzz target.
 */
#ifndef LC_QUERY_PRINT_H
#define LC_QUERY_PRINT_H

#include "query/ast.h"

/* Only of what lc_query_parse() gave. */
LC_MUST_CHECK lc_err lc_query_print(const struct lc_query *q, struct lc_dynbuf *out);

#endif
