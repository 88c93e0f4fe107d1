/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/refuse.h - what a peer is told, in its own language, whose protocol is not spoken here.
 */
#ifndef LC_CONN_REFUSE_H
#define LC_CONN_REFUSE_H

#include "base/buf.h"
#include "proto/detect.h"

/* Appends the whole answer after which the connection is to be closed. `why`: one line for a
 * human, without its end. LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(). */
LC_MUST_CHECK lc_err lc_refuse(enum lc_protocol protocol, const char *why, struct lc_dynbuf *out);

#endif
