/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/ask.h - one question to a server and its rows, as query and tail both need it.
 */
#ifndef LC_CLI_ASK_H
#define LC_CLI_ASK_H

#include "cli/client.h"
#include "cli/output.h"

#define LC_ASK_MAX 65536 /* octets of a question */

/* The parts of a question, joined by spaces, made one line (newlines become spaces); `*` when there
 * are none. */
LC_MUST_CHECK lc_err lc_ask_text(struct lc_dynbuf *out, int parts, char **part,
                                 struct lc_diag *diag);

/* Connects, says `ROWS|json`, asks `QUERY|<type>|<text><suffix>` and reads up to its RESULT line.
 * On failure diag is set and nothing is left open. */
LC_MUST_CHECK lc_err lc_ask_open(struct lc_client *c, const char *server, const char *type,
                                 struct lc_slice text, const char *suffix, struct lc_diag *diag);

/* The next line of the answer that has come; borrowed until the next call that reads. LC_EMORE:
 * none yet; LC_EEND: it was the END line; LC_ESYNTAX: the server says ERROR. */
LC_MUST_CHECK lc_err lc_ask_take(struct lc_client *c, struct lc_slice *ret_line,
                                 struct lc_diag *diag);
/* What lc_client_receive() said in the middle of an answer, told in diag; an end is -ECONNRESET. */
lc_err lc_ask_failed(lc_err e, struct lc_diag *diag);

#endif
