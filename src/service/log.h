/* SPDX-License-Identifier: Apache-2.0
 *
 * service/log.h - the server's own log: an event's name and typed fields.
 *
 * WHAT    lc_log() puts an event into a bounded queue and returns. A thread writes it
 *         (log_write.c); a worker takes it as a record for the store (app=logcaster).
 * WHO     service/ only; lower rooms return errors.
 * THREAD  lc_log(): any. It takes a lock for the time of a copy, and never waits for a disk, a
 *         terminal or a worker.
 * BOUNDS  LC_LOG_QUEUE events; over it they are counted and the count is told. Each place in the
 *         code may tell LC_LOG_BURST events in LC_LOG_WINDOW_S; over it they are counted, and the
 *         next one says how many (`suppressed`).
 * FEEDING An event that storing an own event has caused is written as text only.
 */
#ifndef LC_SERVICE_LOG_H
#define LC_SERVICE_LOG_H

#include <stdatomic.h>

#include "base/record.h"
#include "base/time.h"

#define LC_LOG_QUEUE    128
#define LC_LOG_BURST    10
#define LC_LOG_WINDOW_S 10
#define LC_LOG_FIELDS   12 /* of one event; further ones are left out */

struct lc_log;

enum lc_log_kind { LC_LOG_KIND_TEXT, LC_LOG_KIND_U64, LC_LOG_KIND_ERR };

struct lc_log_field {
    const char *name; /* static */
    enum lc_log_kind kind;
    struct lc_slice text;
    uint64_t number;
    lc_err err;
};

#define LC_LOG_SLICE(n, s)                                                                         \
    {                                                                                              \
        .name = (n), .kind = LC_LOG_KIND_TEXT, .text = (s)                                         \
    }
#define LC_LOG_TEXT(n, c) LC_LOG_SLICE(n, lc_slice_cstr(c))
#define LC_LOG_U64(n, v)                                                                           \
    {                                                                                              \
        .name = (n), .kind = LC_LOG_KIND_U64, .number = (v)                                        \
    }
#define LC_LOG_ERR(n, e)                                                                           \
    {                                                                                              \
        .name = (n), .kind = LC_LOG_KIND_ERR, .err = (e)                                           \
    }

/* The memory of one call site, for its limit. */
struct lc_log_site {
    _Atomic int64_t window_ns;
    atomic_uint told;
    atomic_uint suppressed;
};

/* lc_log(log, LC_LEVEL_WARN, "collect.full", LC_LOG_U64("records", n)); at least one field */
#define lc_log(log, level, event, ...)                                                             \
    do {                                                                                           \
        static struct lc_log_site lc_log_site_;                                                    \
        const struct lc_log_field lc_log_fields_[] = {__VA_ARGS__};                                \
        lc_log_tell(&lc_log_site_, log, level, event, lc_log_fields_,                              \
                    LC_ARRAY_LEN(lc_log_fields_));                                                 \
    } while (0)

void lc_log_tell(struct lc_log_site *site, struct lc_log *log, enum lc_level level,
                 const char *event, const struct lc_log_field *fields, size_t count);

enum lc_log_format {
    LC_LOG_FORMAT_AUTO, /* JOURNALD where systemd's journal is what reads fd, else TEXT */
    LC_LOG_FORMAT_TEXT,
    LC_LOG_FORMAT_JSON,     /* an object a line, named as `logcaster query -o json` does */
    LC_LOG_FORMAT_JOURNALD, /* fields, to the journal itself; what it does not take goes to fd */
};

struct lc_log_config {
    const struct lc_clock *clock;
    enum lc_level level; /* this and worse */
    int fd;              /* -1: written nowhere */
    bool colour;         /* of text */
    enum lc_log_format format;
    const char *journal; /* its socket; NULL: where it is */
};

LC_MUST_CHECK lc_err lc_log_open(const struct lc_log_config *config, struct lc_log **ret);
/* Writes what is queued, then ends. NULL is accepted. No other thread may use it any more. */
void lc_log_close(struct lc_log *log);

/* From now on this level and worse. Any thread. */
void lc_log_set_level(struct lc_log *log, enum lc_level level);

/* Who stores events: `notify` is called by any thread when there is one, and must not block. From
 * now on until `notify` is NULL again events wait to be taken. */
void lc_log_taker(struct lc_log *log, void (*notify)(void *arg), void *arg);

/* The next event as a record; all slices are borrowed until the next call or lc_log_taken().
 * False: none. The taker's thread. */
bool lc_log_take(struct lc_log *log, struct lc_record *ret);
/* What this thread tells from lc_log_take() until now is not to be stored: see FEEDING. */
void lc_log_taken(struct lc_log *log);

#endif
