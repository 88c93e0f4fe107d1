/* SPDX-License-Identifier: Apache-2.0
 *
 * service/log_impl.h - the own log inside: an event in the queue, and the forms in which it is
 * written. log.c has the queue, log_write.c the forms.
 */
#ifndef LC_SERVICE_LOG_IMPL_H
#define LC_SERVICE_LOG_IMPL_H

#include "base/buf.h"
#include "service/log.h"

#define LC_LOG_VALUES_MAX 768 /* octets of all values of one event */

struct lc_log_value {
    const char *name;
    uint16_t at, n; /* in values[] */
    enum lc_field_type type;
};

struct lc_log_event {
    int64_t time_ns;
    const char *name;
    enum lc_level level;
    bool text_only;
    uint16_t used; /* of values[] */
    uint8_t count;
    struct lc_log_value fields[LC_LOG_FIELDS];
    char values[LC_LOG_VALUES_MAX];
};

struct lc_slice lc_log_value(const struct lc_log_event *ev, size_t i);

/* Where events are written; its own thread's. */
struct lc_log_writer {
    int fd; /* -1: nowhere */
    bool colour;
    enum lc_log_format format; /* not AUTO */
    int journal_fd;            /* of the journal's socket; -1: not that format */
    struct lc_dynbuf out;
};

/* Opens the journal's socket where the format is that; where it cannot, text is written. */
void lc_log_writer_init(struct lc_log_writer *w, const struct lc_log_config *config);
void lc_log_writer_done(struct lc_log_writer *w);
void lc_log_write(struct lc_log_writer *w, const struct lc_log_event *ev);

#endif
