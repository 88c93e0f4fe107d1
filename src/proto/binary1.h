/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/binary1.h - binary v1: packets as the seeds lay them out, packed, in network order.
 *
 *   version u8 = 1, command u8, length u16 (of the payload), sequence u32, payload
 *   01 LOG      level u8, timestamp u32 (unix seconds), msg_length u16, message
 *   02 QUERY    the query's text
 *   03 PING     04 STATS
 *   An answer has command | 0x80, the request's sequence, and in its payload a status u8, then the
 *   id as u64 (LOG), rows (QUERY), figures (STATS), or why not.
 *
 * WHO     conn/.
 */
#ifndef LC_PROTO_BINARY1_H
#define LC_PROTO_BINARY1_H

#include "base/slice.h"

enum lc_binary1_command {
    LC_BINARY1_LOG = 1,
    LC_BINARY1_QUERY = 2,
    LC_BINARY1_PING = 3,
    LC_BINARY1_STATS = 4,
    LC_BINARY1_ANSWER = 0x80
};

enum lc_binary1_status { LC_BINARY1_DONE = 0, LC_BINARY1_MORE = 1, LC_BINARY1_ERROR = 2 };

#define LC_BINARY1_HEAD     8
#define LC_BINARY1_MAX      ((size_t)LC_BINARY1_HEAD + 65535) /* octets of a packet */
#define LC_BINARY1_TEXT_MAX ((size_t)65534)                   /* behind an answer's status */

struct lc_binary1 {
    uint8_t command; /* may be none of those above */
    uint32_t sequence;
    struct lc_slice payload;
};

/* LC_OK: a packet, which points into `in`; *ret_used octets are spent. LC_EMORE: not all of it is
 * there. LC_ESYNTAX: another version; *ret has command and sequence. */
LC_MUST_CHECK lc_err lc_binary1_next(struct lc_slice in, struct lc_binary1 *ret, size_t *ret_used);

struct lc_binary1_log {
    uint8_t level;    /* base/record.h; may be none of these */
    uint32_t seconds; /* 0: not said */
    struct lc_slice message;
};

/* The payload of a LOG. LC_ESYNTAX: its lengths don't agree; *ret_reason is for the sender. */
LC_MUST_CHECK lc_err lc_binary1_log(struct lc_slice payload, struct lc_binary1_log *ret,
                                    const char **ret_reason);

/* Header and status of an answer behind whose status `n` octets come, at most LC_BINARY1_TEXT_MAX.
 */
#define LC_BINARY1_ANSWER_HEAD (LC_BINARY1_HEAD + 1)
void lc_binary1_answer(uint8_t command, uint32_t sequence, enum lc_binary1_status status, size_t n,
                       uint8_t out[LC_BINARY1_ANSWER_HEAD]);

#endif
