/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/json_line.h - one JSON object (RFC 8259) as a record.
 *
 * WHAT    Knows the member names of the usual loggers, and the rows that LogCaster itself writes
 *         after ROWS|json. Allocates nothing; slices point into the text and the scratch.
 * WHO     conn/; gelf.c takes the members alone.
 */
#ifndef LC_PROTO_JSON_LINE_H
#define LC_PROTO_JSON_LINE_H

#include "proto/members.h"

#define LC_JSON_LINE_MAX ((size_t)1 << 20) /* octets; docs/protocols.md, "Limits" */

/* The members of the object that `text` is; white space around it is taken. Arrays, empty objects
 * and objects deeper than LC_MEMBERS_DEPTH become strings: their JSON text. LC_ESYNTAX: not one
 * JSON object, or one deeper than LC_JSON_DEPTH_MAX. */
LC_MUST_CHECK lc_err lc_json_members(struct lc_slice text, struct lc_members *ret);

/* A whole line. Without a message among its members the whole line is the message. As
 * lc_members_record() otherwise. LC_ESYNTAX: no JSON object; nothing is changed. */
LC_MUST_CHECK lc_err lc_json_line_decode(struct lc_slice line, int32_t utc_offset_s,
                                         struct lc_members *scratch, struct lc_record *ret,
                                         struct lc_unplaced *ret_unplaced);

#endif
