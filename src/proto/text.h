/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/text.h - the line protocols: plain lines, LOG v1 and v2, commands, query requests.
 *
 * WHAT    Octets in, values out. Every line of a session is told apart for itself
 *         (docs/protocols.md, "Where to connect"). Nothing is allocated or kept; slices point into
 * the input. Any split of the input gives the same lines. WHO     conn/ and the clients in cli/.
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
 * LC_ELIMIT  the line is longer than `limit` (at least 4): *ret_line is its first part, at most
 *            `limit` octets that do not end inside a UTF-8 character, *ret_used as many. What
 *            follows up to the next line's end is to be skipped with lc_line_skip(). */
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
    LC_LINE_JSON,     /* '{': perhaps; decoding it tells */
    LC_LINE_QUERY_V1, /* QUERY: */
    LC_LINE_QUERY_V2, /* QUERY| */
    LC_LINE_PING,
    LC_LINE_STATS,
    LC_LINE_QUIT,
    LC_LINE_AUTH, /* AUTH|<token> */
    LC_LINE_ROWS, /* ROWS|text or ROWS|json: how this connection wants its rows */
};

enum lc_line_kind lc_line_kind(struct lc_slice line);

/* What a log line says that has no place in a record; each slice becomes the field of its
 * name. Empty slices: nothing. */
struct lc_unplaced {
    struct lc_slice level_text;   /* a word that is no level */
    struct lc_slice claimed_time; /* seconds that 64 bits of nanoseconds cannot hold */
    unsigned repeated;            /* names that came again: the last value counts */
    bool is_cut;                  /* more fields than a record can hold: the first ones are kept */
};

/* Decode a whole line of that kind into `ret`, which the caller has set to a record with what the
 * connection knows; only what the line says is changed, and an empty level or time says nothing.
 * Whether a time is plausible is the caller's to judge.
 * LC_ESYNTAX: *ret_reason is a static text for the sender, and nothing else is changed. */
LC_MUST_CHECK lc_err lc_v1_decode(struct lc_slice line, struct lc_record *ret,
                                  struct lc_unplaced *ret_unplaced, const char **ret_reason);
LC_MUST_CHECK lc_err lc_v2_decode(struct lc_slice line, struct lc_record *ret,
                                  struct lc_unplaced *ret_unplaced, const char **ret_reason);

/* One v2 line for `r` as a sender writes it, with its LF; LC_TIME_ABSENT and LC_LEVEL_NONE are left
 * empty. LC_ESYNTAX: the message holds an LF or ends with a CR, which no line can carry.
 * LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(). Nothing is appended on failure. */
LC_MUST_CHECK lc_err lc_v2_encode(struct lc_dynbuf *out, const struct lc_record *r);

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
    X(STATS)                                                                                       \
    X(SOCKETS)

#define LC_QUERY_TYPE_ENUM(name) LC_QUERY_##name,
enum lc_query_type { LC_QUERY_TYPES(LC_QUERY_TYPE_ENUM) LC_QUERY_TYPE_COUNT };
#undef LC_QUERY_TYPE_ENUM

struct lc_query_request {
    bool v1;
    enum lc_query_type type; /* of v1: KEYWORD */
    struct lc_slice parameter;
    bool rows_only; /* neither RESULT nor END: the protocol frames the answer (binary v1) */
};

/* A line of kind LC_LINE_QUERY_V1 or _V2. What the parameter means is for the query to judge.
 * LC_ESYNTAX: *ret_reason is a static text for the asker, *ret is untouched. */
LC_MUST_CHECK lc_err lc_query_request_decode(struct lc_slice line, struct lc_query_request *ret,
                                             const char **ret_reason);

/* Rows, each with its LF, appended to `out`. Nothing is appended on failure: LC_ELIMIT (out is
 * full), -ENOMEM.
 *
 * v1, v2  LOG:<seconds>:<level>:<message> and <id>|<level>|<seconds[.fraction]>|<message>; CR and
 *         LF inside the message become the two characters \r and \n.
 * json    One object with all that is known, nothing lost: _time (RFC 3339), _msg, id, level,
 *         space, host, app, facility, pid, source, received, then the fields in their types.
 *         Absent is left out. A value that is not UTF-8 has the member <name>_base64 instead.
 *         A field's name that could be taken for one of these gets `field.` before it. */
LC_MUST_CHECK lc_err lc_row_v1(struct lc_dynbuf *out, const struct lc_record *r);
LC_MUST_CHECK lc_err lc_row_v2(struct lc_dynbuf *out, const struct lc_record *r);
LC_MUST_CHECK lc_err lc_row_json(struct lc_dynbuf *out, const struct lc_record *r);
/* "..." with what JSON must escape (RFC 8259 section 7); each octet that is not UTF-8 becomes
 * U+FFFD. Nothing is appended on failure, as above. */
LC_MUST_CHECK lc_err lc_json_string(struct lc_dynbuf *out, struct lc_slice s);

#endif
