/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/arrival.h - one line or message of a sender, made into a record.
 *
 * WHAT    What sessions and datagrams have in common: which decoder, when it arrived, which level
 *         a plain line names.
 * WHO     conn/session.c, conn/dgram.c; service/collect/ takes what comes out.
 * THREAD  One context for each loop.
 */
#ifndef LC_CONN_ARRIVAL_H
#define LC_CONN_ARRIVAL_H

#include "base/time.h"
#include "conn/counters.h"
#include "proto/json_line.h"
#include "proto/syslog.h"
#include "proto/text.h"

#define LC_ARRIVAL_ENUM(id, name, help) LC_ARRIVAL_##id,
enum lc_arrival_kind { LC_ARRIVALS(LC_ARRIVAL_ENUM) LC_ARRIVAL_KINDS };
#undef LC_ARRIVAL_ENUM

struct lc_arrival {
    struct lc_record record;     /* borrowed from the input and from the context's scratch */
    struct lc_unplaced unplaced; /* further fields */
    struct lc_slice sender;      /* likewise, of a record that may be stored elsewhere too */
    struct lc_slice sequence;
    enum lc_arrival_kind kind; /* as what it was decoded */
    bool truncated;            /* only the first part was kept */
    bool owed;                 /* its outcome is to be told to the session */
    bool answered;             /* the sender may wait for an answer: so commit at once */
};

/* What a record has from where it came in, and not from what it says. */
struct lc_whence {
    struct lc_slice source; /* of the record */
    struct lc_slice space;  /* the listener's; empty: the default one */
};

struct lc_arrival_context {
    const struct lc_clock *clock;
    struct lc_conn_counters *counters;
    bool detect_level; /* of plain lines */
    struct lc_syslog_context syslog;
    int64_t zone_until_ns; /* the zone's offset is looked up again after this time of arrival */
    struct lc_syslog_scratch scratch;
    struct lc_members members;
    struct lc_structured *structured; /* conn/structured.h; NULL: not needed yet */
};

/* The context itself is zeroed memory with clock, counters and detect_level set. Reads the clock;
 * to be called once for each delivery of octets, not for each line. */
void lc_arrival_now(struct lc_arrival_context *ctx);

/* The context's, made at the first call. NULL: no memory. */
struct lc_structured *lc_arrival_structured(struct lc_arrival_context *ctx);
/* Gives back what was made. */
void lc_arrival_done(struct lc_arrival_context *ctx);

/* A record that says nothing yet, from there, arriving now. */
void lc_arrival_begin(const struct lc_arrival_context *ctx, const struct lc_whence *whence,
                      enum lc_arrival_kind kind, struct lc_arrival *ret);

/* What a row of ours (proto/members.h) says of its id, its arrival and its source is what another
 * server knew: here these become our own again. */
void lc_arrival_own(const struct lc_arrival_context *ctx, const struct lc_whence *whence,
                    struct lc_record *r);

/* Whether a line of that kind is a record. */
bool lc_arrival_stores(enum lc_line_kind kind);

/* Decodes a line of a kind that stores. A syslog message without a valid PRI is taken as a plain
 * line, and so is a line that begins as JSON and is no object. LC_ESYNTAX: refused, with a static
 * reason for the sender. */
LC_MUST_CHECK lc_err lc_arrival_decode(struct lc_arrival_context *ctx, enum lc_line_kind kind,
                                       struct lc_slice line, const struct lc_whence *whence,
                                       struct lc_arrival *ret, const char **ret_reason);

/* Counts an arrival by its kind: once, when it has been stored or refused. */
void lc_arrival_count(struct lc_arrival_context *ctx, const struct lc_arrival *a);

/* The level that a line names near its start: in capitals (ERROR), in brackets ([error]), or with
 * a colon (error:) or after an equals sign (level=error). Words of one or two letters don't
 * count: they are words of a language too. */
enum lc_level lc_arrival_level(struct lc_slice line);

#endif
