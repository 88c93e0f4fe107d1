/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/members.h - named, typed values, as JSON and MessagePack carry them, made into a record.
 *
 * WHAT    Collects members; those inside each other are flattened, their names joined by dots. Then
 *         finds which of them are the record's message, time, level, host and so on, by the names
 *         that loggers give them (docs/protocols.md, "JSON"); the others are its fields.
 * WHO     json_line.c, forward.c, gelf.c.
 * BOUNDS  LC_FIELDS_MAX fields and LC_MEMBERS_TEXT_MAX octets of names and values that cannot be
 *         borrowed; what is over it is left out, which `is_cut` tells.
 */
#ifndef LC_PROTO_MEMBERS_H
#define LC_PROTO_MEMBERS_H

#include "base/buf.h"
#include "proto/text.h"

#define LC_MEMBERS_DEPTH    8 /* names that are joined; what is deeper is kept as JSON text */
#define LC_MEMBERS_TEXT_MAX ((size_t)1280 << 10)
#define LC_MEMBERS_MAX      (LC_FIELDS_MAX + 16) /* with those that are no fields */
#define LC_MEMBERS_SLOTS    1024                 /* a power of two, well over LC_MEMBERS_MAX */

/* The caller's scratch; what a record is made of lives in it. */
struct lc_members {
    struct lc_field fields[LC_MEMBERS_MAX];
    size_t count;
    unsigned repeated; /* names that came again: the last value counts */
    bool is_cut;       /* something was left out */
    unsigned depth;
    struct lc_slice path[LC_MEMBERS_DEPTH];
    struct lc_dynbuf text; /* over `memory`, and never grows */
    uint16_t slots[LC_MEMBERS_SLOTS];
    uint8_t names[LC_MEMBERS_MAX]; /* members_record.c: what each member's name means */
    uint8_t memory[LC_MEMBERS_TEXT_MAX];
};

void lc_members_begin(struct lc_members *m);

/* An object's members follow, named `name`.<theirs>. False: it is too deep. */
bool lc_members_enter(struct lc_members *m, struct lc_slice name);
void lc_members_leave(struct lc_members *m);

/* Name and value must live as long as the record. */
void lc_members_add(struct lc_members *m, struct lc_slice name, struct lc_slice value,
                    enum lc_field_type type);

/* The member of this name; NULL: there is none. */
struct lc_field *lc_members_find(struct lc_members *m, struct lc_slice name);

/* Fills in what the members say; what they don't, stays as the caller set it, and so does a time
 * that is not LC_TIME_ABSENT. Times without a zone
 * are local: utc_offset_s, east positive. In a row that LogCaster wrote (docs/protocols.md, "Rows")
 * names and values mean what they meant there, and *ret gets its id, received_ns and source too;
 * else these are untouched. False: no member is a message. */
bool lc_members_record(struct lc_members *m, int32_t utc_offset_s, struct lc_record *ret,
                       struct lc_unplaced *ret_unplaced);

/* The level that a number means: 10 to 69 as bunyan and pino count (10 TRACE, 20 DEBUG, ... 60
 * FATAL; what is between, the one below), 0 to 7 as syslog. LC_LEVEL_NONE: any other. */
enum lc_level lc_members_level(struct lc_slice number);

/* RFC 3339, also with a comma before the fraction, without a colon in the zone, or without a zone;
 * or unix time, told by its size: seconds (with a fraction or not) below 10^11, then milliseconds,
 * microseconds, nanoseconds. A number of less than a year is a duration, not a time. LC_ESYNTAX:
 * none of these; LC_ELIMIT: too large. */
LC_MUST_CHECK lc_err lc_members_time(struct lc_slice s, int32_t utc_offset_s, int64_t *ret_ns);

#endif
