/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/text.h - the line protocols: plain lines, LOG v1 and v2, commands, query requests.
 *
 * WHAT    Octets in, values out. Every line of a session is told apart for itself
 *         (docs/protocols.md, "Listeners"). Nothing is allocated or kept; slices point into the
 *         input. Any split of the input gives the same lines.
 * WHO     conn/ and the clients in cli/.
 */
#ifndef LC_PROTO_TEXT_H
#define LC_PROTO_TEXT_H

#include "base/buf.h"
#include "base/record.h"

/* The next line of `in`, without its end (LF, or CR LF).
 *
 * *scanned   how far earlier calls have searched this same input for a line's end; 0 for a new
 *            input. Kept by the caller, so that a slow sender costs one look at each octet.
 * LC_OK      *ret_line points into `in`; *ret_used octets are spent; *scanned is 0 again.
 * LC_EMORE   no line's end yet: nothing is spent.
 * LC_ELIMIT  the line is longer than `limit`: *ret_line is its first `limit` octets, *ret_used as
 *            many; what follows up to the next line's end is still to be skipped by the caller
 *            with lc_line_skip(). */
LC_MUST_CHECK lc_err lc_line_next(struct lc_slice in, size_t limit, size_t *scanned,
                                  struct lc_slice *ret_line, size_t *ret_used);
/* The octets up to and including the next LF. LC_EMORE: none in `in`; all of it is to be spent. */
LC_MUST_CHECK lc_err lc_line_skip(struct lc_slice in, size_t *ret_used);

enum lc_line_kind {
    LC_LINE_EMPTY,
    LC_LINE_PLAIN,
    LC_LINE_V1,       /* LOG: */
    LC_LINE_V2,       /* LOG| */
    LC_LINE_SYSLOG,   /* '<' digit */
    LC_LINE_QUERY_V1, /* QUERY: */
    LC_LINE_QUERY_V2, /* QUERY| */
    LC_LINE_PING,
    LC_LINE_STATS,
    LC_LINE_QUIT,
    LC_LINE_AUTH, /* AUTH|<token> */
    LC_LINE_ROWS, /* ROWS|text or ROWS|json: how this connection wants its rows */
};

enum lc_line_kind lc_line_kind(struct lc_slice line);

/* Decode a whole line of that kind into `ret`, which the caller has set to a record with what the
 * connection knows; only what the line says is changed. On LC_ESYNTAX *ret_reason is a static
 * text for the sender, and `ret` is untouched. An unknown level word in v2 (and v1) is not an
 * error: it goes to *ret_level_text (empty otherwise), for the field `level_text`. An empty level
 * or time is "not said". */
LC_MUST_CHECK lc_err lc_v1_decode(struct lc_slice line, struct lc_record *ret,
                                  struct lc_slice *ret_level_text, const char **ret_reason);
LC_MUST_CHECK lc_err lc_v2_decode(struct lc_slice line, struct lc_record *ret,
                                  struct lc_slice *ret_level_text, const char **ret_reason);

/* One list: wire name, enum. docs/protocols.md, "Query protocols". */
#define LC_QUERY_TYPES(X)                                                                          \
    X(KEYWORD)                                                                                     \
    X(LEVEL)                                                                                       \
    X(TIME)                                                                                        \
    X(SOURCE)                                                                                      \
    X(LAST)                                                                                        \
    X(COUNT)                                                                                       \
    X(QL)                                                                                          \
    X(TAIL)                                                                                        \
    X(STATS)

#define LC_QUERY_TYPE_ENUM(name) LC_QUERY_##name,
enum lc_query_type { LC_QUERY_TYPES(LC_QUERY_TYPE_ENUM) LC_QUERY_TYPE_COUNT };
#undef LC_QUERY_TYPE_ENUM

struct lc_query_request {
    bool v1;
    enum lc_query_type type; /* of v1: KEYWORD */
    struct lc_slice parameter;
};

/* A line of kind LC_LINE_QUERY_V1 or _V2. LC_ESYNTAX with a reason for the asker. */
LC_MUST_CHECK lc_err lc_query_request_decode(struct lc_slice line, struct lc_query_request *ret,
                                             const char **ret_reason);

/* Rows, each with its LF, appended to `out`: LOG:<s>:<level>:<message> (v1),
 * <id>|<level>|<s[.fraction]>|<message> (v2; CR and LF inside a message as \r and \n), or one JSON
 * object with all that is known of the record: _time (RFC 3339), _msg, id, level, space, host, app,
 * facility, pid, source, and the fields by their names and types. A message that is not UTF-8
 * comes as _msg_base64 instead of _msg, so that nothing is lost. LC_ELIMIT: out is full. */
LC_MUST_CHECK lc_err lc_row_v1(struct lc_dynbuf *out, const struct lc_record *r);
LC_MUST_CHECK lc_err lc_row_v2(struct lc_dynbuf *out, const struct lc_record *r);
LC_MUST_CHECK lc_err lc_row_json(struct lc_dynbuf *out, const struct lc_record *r);
/* "..." with what JSON must escape (RFC 8259 section 7); invalid UTF-8 becomes U+FFFD. */
LC_MUST_CHECK lc_err lc_json_string(struct lc_dynbuf *out, struct lc_slice s);

/* One v2 line for `r` as a sender writes it. LC_ESYNTAX: the message holds an LF. */
LC_MUST_CHECK lc_err lc_v2_encode(struct lc_dynbuf *out, const struct lc_record *r);

#endif
