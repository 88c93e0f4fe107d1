/* SPDX-License-Identifier: Apache-2.0
 *
 * base/base64.h - octets as text (RFC 4648): the common alphabet with padding, and the URL-safe one
 * without.
 */
#ifndef LC_BASE_BASE64_H
#define LC_BASE_BASE64_H

#include "base/buf.h"

enum lc_base64 { LC_BASE64_STANDARD, LC_BASE64_URL };

/* Appends the text of `s`. LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(). */
LC_MUST_CHECK lc_err lc_base64_encode(struct lc_dynbuf *out, struct lc_slice s,
                                      enum lc_base64 kind);

/* Appends the octets that `text` stands for. LC_ESYNTAX: another character, wrong padding, or bits
 * that no encoder sets (so that one value has one text). Nothing is appended on failure. */
LC_MUST_CHECK lc_err lc_base64_decode(struct lc_dynbuf *out, struct lc_slice text,
                                      enum lc_base64 kind);

#endif
