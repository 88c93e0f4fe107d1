/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json_read.h - a cursor over one JSON text (RFC 8259), strict.
 *
 * WHAT    Gives one token after the other; slices point into the text, strings still escaped.
 *         Nothing is allocated; nothing recurses. The text must be UTF-8. Duplicate names are the
 *         caller's to judge.
 * WHO     Codecs of proto/.
 * BOUNDS  Objects and arrays inside each other: LC_JSON_DEPTH_MAX.
 */
#ifndef LC_PROTO_JSON_READ_H
#define LC_PROTO_JSON_READ_H

#include "base/buf.h"

#define LC_JSON_DEPTH_MAX 128

enum lc_json_kind {
    LC_JSON_OBJECT, /* it begins; then each member is a NAME and its value */
    LC_JSON_OBJECT_END,
    LC_JSON_ARRAY, /* it begins */
    LC_JSON_ARRAY_END,
    LC_JSON_NAME,
    LC_JSON_STRING,
    LC_JSON_INT,   /* a number without fraction and exponent, of any length */
    LC_JSON_FLOAT, /* any other number */
    LC_JSON_TRUE,
    LC_JSON_FALSE,
    LC_JSON_NULL,
};

struct lc_json_token {
    enum lc_json_kind kind;
    bool escaped;         /* NAME, STRING: text is to be unescaped */
    struct lc_slice text; /* NAME, STRING: without the quotation marks; else as it stands */
};

struct lc_json_reader {
    const uint8_t *p, *end;
    unsigned depth;
    uint8_t expects;                          /* json_read.c's own */
    uint64_t objects[LC_JSON_DEPTH_MAX / 64]; /* a bit for each level: it is an object */
};

struct lc_json_reader lc_json_reader(struct lc_slice text);

/* The next token. LC_EEND: the one value has ended, and nothing but white space follows.
 * LC_ESYNTAX: not JSON, or not all of it. LC_ELIMIT: too deep. After an error there is no more. */
LC_MUST_CHECK lc_err lc_json_next(struct lc_json_reader *r, struct lc_json_token *ret);

/* After OBJECT or ARRAY: goes behind its end. `begin` is that token; *ret_text becomes all of it as
 * it stands. Errors as lc_json_next(). */
LC_MUST_CHECK lc_err lc_json_skip(struct lc_json_reader *r, const struct lc_json_token *begin,
                                  struct lc_slice *ret_text);

/* Appends the octets that an escaped text means; never more than the text has. Half of a surrogate
 * pair becomes U+FFFD. LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(); nothing is appended then. */
LC_MUST_CHECK lc_err lc_json_unescape(struct lc_dynbuf *to, struct lc_slice text);

#endif
