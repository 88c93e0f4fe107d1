/* SPDX-License-Identifier: Apache-2.0
 *
 * base/record.h - what one log record is, as every room sees it, and the table of levels.
 *
 * WHAT    A view: all slices are borrowed, from a receive buffer on the way in (proto/ fills
 *         it, store/ copies it) or from a decoded block on the way out.
 * WHO     Every room.
 */
#ifndef LC_BASE_RECORD_H
#define LC_BASE_RECORD_H

#include "base/slice.h"

/* name, code in binary v1, syslog severity (RFC 5424 table 2) */
#define LC_LEVELS(X)                                                                               \
    X(TRACE, 0, 7)                                                                                 \
    X(DEBUG, 1, 7)                                                                                 \
    X(INFO, 2, 6)                                                                                  \
    X(NOTICE, 3, 5)                                                                                \
    X(WARN, 4, 4)                                                                                  \
    X(ERROR, 5, 3)                                                                                 \
    X(CRIT, 6, 2)                                                                                  \
    X(ALERT, 7, 1)                                                                                 \
    X(EMERG, 8, 0)

#define LC_LEVEL_ENUM(name, code, severity) LC_LEVEL_##name = (code),
enum lc_level { LC_LEVELS(LC_LEVEL_ENUM) LC_LEVEL_COUNT, LC_LEVEL_NONE = 255 };
#undef LC_LEVEL_ENUM

/* Any case, and the other words that senders write (WARNING, FATAL, E, ...).
 * LC_LEVEL_NONE: not a level. */
enum lc_level lc_level_parse(struct lc_slice word);
/* "ERROR"; an empty slice for LC_LEVEL_NONE. */
struct lc_slice lc_level_name(enum lc_level level);
/* severity: 0..7 */
enum lc_level lc_level_from_severity(unsigned severity);

enum lc_field_type {
    LC_FIELD_STRING = 0,
    LC_FIELD_INT = 1,   /* value: decimal text */
    LC_FIELD_FLOAT = 2, /* value: as it was written */
    LC_FIELD_BOOL = 3,  /* value: true or false */
    LC_FIELD_NULL = 4,  /* value: empty */
    LC_FIELD_TYPES
};

struct lc_field {
    struct lc_slice name;
    struct lc_slice value;
    enum lc_field_type type;
};

#define LC_FIELDS_MAX 256 /* of one record; docs/protocols.md, "Records" */

/* What names a stream: never half of it, so that spaces cannot mix. An empty slice: absent. */
struct lc_stream_key {
    struct lc_slice space; /* empty on the way in: "main" */
    struct lc_slice host;
    struct lc_slice app;
    struct lc_slice facility;
};

#define LC_TIME_ABSENT INT64_MIN

struct lc_record {
    uint64_t id;         /* 0 on the way in */
    int64_t time_ns;     /* LC_TIME_ABSENT on the way in: time of arrival */
    int64_t received_ns; /* as the server saw it */
    enum lc_level level; /* LC_LEVEL_NONE: nobody said one */
    struct lc_stream_key stream;
    struct lc_slice pid;    /* as sent: RFC 5424's PROCID need not be a number */
    struct lc_slice source; /* address and port, or unix:uid */
    struct lc_slice message;
    const struct lc_field *fields;
    size_t field_count; /* at most LC_FIELDS_MAX */
};

#endif
