/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/substitute.h - `${NAME}` in a value of a file: from the environment. Inside conf/.
 *
 * WHAT    ${NAME}            its value; an error where it is not set
 *         ${NAME:-default}   or the default, where it is not set or empty
 *         $$                 a dollar
 *         Any other dollar is itself. What was put in is not looked through again: a value can
 *         never become a key, a list, or another variable.
 */
#ifndef LC_CONF_SUBSTITUTE_H
#define LC_CONF_SUBSTITUTE_H

#include "base/buf.h"

/* Appends to `out`. LC_ESYNTAX with diag; LC_ELIMIT, -ENOMEM as lc_dynbuf_append(). */
LC_MUST_CHECK lc_err lc_substitute(struct lc_slice text, struct lc_dynbuf *out,
                                   struct lc_diag *diag);

#endif
