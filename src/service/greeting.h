/* SPDX-License-Identifier: Apache-2.0
 *
 * service/greeting.h - what a newcomer is told: where to send and where to ask, ready to paste.
 */
#ifndef LC_SERVICE_GREETING_H
#define LC_SERVICE_GREETING_H

#include "service/listen.h"

/* Appends the text, several lines. LC_ELIMIT, -ENOMEM. */
LC_MUST_CHECK lc_err lc_greeting(const struct lc_server_config *config,
                                 const struct lc_doors *doors, struct lc_dynbuf *out);

/* For each service one line that tells a peer who came to it, but wanted something else, where to
 * go. */
void lc_greeting_elsewhere(const struct lc_doors *doors,
                           char text[LC_SERVICE_COUNT][LC_ELSEWHERE_MAX]);

#endif
