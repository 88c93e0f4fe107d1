/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog.h - syslog messages, RFC 5424 and RFC 3164, and octet counting (RFC 6587).
 *
 * WHAT    Octets in, a record out. Takes what rsyslog, syslog-ng, util-linux logger, systemd and
 *         network gear really send. Nothing is allocated or kept but in the caller's scratch.
 * WHO     conn/.
 */
#ifndef LC_PROTO_SYSLOG_H
#define LC_PROTO_SYSLOG_H

#include "base/record.h"

/* What RFC 3164 leaves out: the year comes from the time of arrival (the last one that doesn't put
 * the message more than a week ahead of it), the zone from the server. */
struct lc_syslog_context {
    int64_t received_ns;
    int32_t utc_offset_s; /* of local time, east positive */
};

/* Where the structured data of one message is put; unescaped values live in `text`. */
struct lc_syslog_scratch {
    struct lc_field fields[LC_FIELDS_MAX];
    uint8_t text[16384];
};

/* A whole message that begins with '<' digit. Fills the record's time, level, host, app, pid,
 * facility ("auth"), message and fields (structured data as `<sd-id>.<name>`, MSGID as `msgid`);
 * what the message does not say stays as the caller set it. One line's end or NUL behind the
 * message is the sender's framing and dropped. What is not understood behind a valid PRI is kept as
 * the message: syslog cannot refuse. Slices point into the message, the scratch and static memory.
 * LC_ESYNTAX: no valid PRI (0..191); nothing is changed. */
LC_MUST_CHECK lc_err lc_syslog_decode(struct lc_slice message, const struct lc_syslog_context *ctx,
                                      struct lc_syslog_scratch *scratch, struct lc_record *ret);

/* Where the first message of a datagram ends that may hold several, as some senders put them
 * together: behind the LF before a further line that begins with a valid PRI; else at its end. */
size_t lc_syslog_message_end(struct lc_slice in);

/* One frame of a TCP stream, `<length> SP <message>` (RFC 6587 section 3.4.1).
 *
 * LC_OK       *ret_message points into `in`; *ret_used octets are spent.
 * LC_EMORE    not all of it is there: nothing is spent. The caller's buffer needs room for `limit`
 *             octets and LC_SYSLOG_COUNT_MAX.
 * LC_ELIMIT   the length is over `limit`: *ret_used is what the length and the space take,
 *             *ret_length the octets that follow and are to be skipped.
 * LC_ESYNTAX  no length: the stream cannot be followed any further. */
#define LC_SYSLOG_COUNT_MAX 11 /* ten digits and the space */
LC_MUST_CHECK lc_err lc_syslog_frame(struct lc_slice in, size_t limit, struct lc_slice *ret_message,
                                     size_t *ret_used, size_t *ret_length);

/* 0..23: "kern", "user", ... "local7"; empty over it. */
struct lc_slice lc_syslog_facility(unsigned facility);

#endif
