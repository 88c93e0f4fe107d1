/* SPDX-License-Identifier: Apache-2.0 */
#include "service/log_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/grapheme.h"

struct lc_log {
    struct lc_log_config config;
    atomic_int level;
    pthread_t writer;
    struct lc_log_writer output; /* the writer's */
    pthread_mutex_t lock;
    pthread_cond_t told; /* for the writer */
    bool closing;
    uint64_t next, written, taken; /* events: numbers of the queue's end and of its two readers */
    uint64_t lost, lost_told;      /* for want of room */
    void (*notify)(void *arg);
    void *notify_arg;
    struct lc_log_event events[LC_LOG_QUEUE];
    /* The taker's own. */
    struct lc_log_event taking;
    struct lc_field record_fields[LC_LOG_FIELDS];
};

/* Set while this thread stores an own event. */
static _Thread_local bool storing;

/* ---- telling ---- */

/* False: over the limit of this call site. *ret_suppressed: how many were, since the last. */
static bool may_tell(struct lc_log_site *site, int64_t now_ns, unsigned *ret_suppressed)
{
    int64_t window = atomic_load_explicit(&site->window_ns, memory_order_relaxed);

    if (now_ns - window >= LC_LOG_WINDOW_S * LC_NS_PER_S || now_ns < window) {
        /* Two threads may both begin the window: then a few more are told. */
        atomic_store_explicit(&site->window_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&site->told, 0, memory_order_relaxed);
    }
    if (atomic_fetch_add_explicit(&site->told, 1, memory_order_relaxed) >= LC_LOG_BURST) {
        atomic_fetch_add_explicit(&site->suppressed, 1, memory_order_relaxed);
        return false;
    }
    *ret_suppressed = atomic_exchange_explicit(&site->suppressed, 0, memory_order_relaxed);
    return true;
}

static void put_text(struct lc_log_event *ev, const char *name, struct lc_slice text,
                     enum lc_field_type type)
{
    if (ev->count == LC_LOG_FIELDS)
        return;

    size_t n = lc_grapheme_cut(text, LC_LOG_VALUES_MAX - ev->used);

    memcpy(ev->values + ev->used, text.p, n);
    ev->fields[ev->count++] = (struct lc_log_value){name, ev->used, (uint16_t)n, type};
    ev->used = (uint16_t)(ev->used + n);
}

static void put_number(struct lc_log_event *ev, const char *name, uint64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, number);

    put_text(ev, name, lc_slice(text, (size_t)n), LC_FIELD_INT);
}

static void put_field(struct lc_log_event *ev, const struct lc_log_field *f)
{
    switch (f->kind) {
    case LC_LOG_KIND_TEXT:
        put_text(ev, f->name, f->text, LC_FIELD_STRING);
        break;
    case LC_LOG_KIND_U64:
        put_number(ev, f->name, f->number);
        break;
    case LC_LOG_KIND_ERR:
        put_text(ev, f->name, lc_slice_cstr(lc_strerror(f->err)), LC_FIELD_STRING);
        break;
    }
}

/* Locked. */
static bool has_room(const struct lc_log *log)
{
    /* without a descriptor no event waits for the writer */
    bool is_text_behind = log->config.fd >= 0 && log->written < log->taken;
    uint64_t oldest = is_text_behind ? log->written : log->taken;

    return log->next - oldest < LC_LOG_QUEUE;
}

/* The place of a new event, when there is room. Locked. */
static struct lc_log_event *begin_event(struct lc_log *log, enum lc_level level, const char *name)
{
    struct lc_log_event *ev = &log->events[log->next % LC_LOG_QUEUE];

    ev->time_ns = lc_wall_ns(log->config.clock);
    ev->name = name;
    ev->level = level;
    ev->text_only = storing;
    ev->used = 0;
    ev->count = 0;
    return ev;
}

/* The event that begin_event() gave is whole. Locked. */
static void end_event(struct lc_log *log)
{
    log->next++;
    if (log->notify == NULL)
        log->taken = log->next;
    else if (!storing)
        log->notify(log->notify_arg);
    pthread_cond_signal(&log->told);
}

void lc_log_tell(struct lc_log_site *site, struct lc_log *log, enum lc_level level,
                 const char *event, const struct lc_log_field *fields, size_t count)
{
    unsigned suppressed;

    if ((int)level < atomic_load_explicit(&log->level, memory_order_relaxed) ||
        !may_tell(site, lc_monotonic(log->config.clock).ns, &suppressed))
        return;
    pthread_mutex_lock(&log->lock);
    if (has_room(log)) {
        struct lc_log_event *ev = begin_event(log, level, event);

        for (size_t i = 0; i < count; i++)
            put_field(ev, &fields[i]);
        if (suppressed > 0)
            put_number(ev, "suppressed", suppressed);
        end_event(log);
    } else {
        log->lost++;
    }
    if (log->lost > log->lost_told && has_room(log)) {
        put_number(begin_event(log, LC_LEVEL_WARN, "log.lost"), "events",
                   log->lost - log->lost_told);
        log->lost_told = log->lost;
        end_event(log);
    }
    pthread_mutex_unlock(&log->lock);
}

/* ---- written ---- */

struct lc_slice lc_log_value(const struct lc_log_event *ev, size_t i)
{
    return lc_slice(ev->values + ev->fields[i].at, ev->fields[i].n);
}

static void *writer_main(void *arg)
{
    struct lc_log *log = arg;

    pthread_mutex_lock(&log->lock);
    for (;;) {
        if (log->written < log->next) {
            struct lc_log_event ev = log->events[log->written % LC_LOG_QUEUE];

            pthread_mutex_unlock(&log->lock);
            lc_log_write(&log->output, &ev);
            pthread_mutex_lock(&log->lock);
            log->written++;
        } else if (log->closing) {
            break;
        } else {
            pthread_cond_wait(&log->told, &log->lock);
        }
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- as records ---- */

void lc_log_taker(struct lc_log *log, void (*notify)(void *arg), void *arg)
{
    pthread_mutex_lock(&log->lock);
    log->notify = notify;
    log->notify_arg = arg;
    if (notify == NULL)
        log->taken = log->next;
    pthread_mutex_unlock(&log->lock);
}

static bool next_to_take(struct lc_log *log)
{
    bool found = false;

    pthread_mutex_lock(&log->lock);
    while (!found && log->taken < log->next) {
        const struct lc_log_event *ev = &log->events[log->taken % LC_LOG_QUEUE];

        found = !ev->text_only;
        if (found)
            log->taking = *ev;
        log->taken++;
    }
    pthread_mutex_unlock(&log->lock);
    return found;
}

bool lc_log_take(struct lc_log *log, struct lc_record *ret)
{
    const struct lc_log_event *ev = &log->taking;
    struct lc_field *fields = log->record_fields;

    if (!next_to_take(log))
        return false;
    storing = true;
    for (size_t i = 0; i < ev->count; i++)
        fields[i] = (struct lc_field){lc_slice_cstr(ev->fields[i].name), lc_log_value(ev, i),
                                      ev->fields[i].type};
    *ret = (struct lc_record){.time_ns = ev->time_ns,
                              .received_ns = ev->time_ns,
                              .level = ev->level,
                              .stream.app = LC_LIT("logcaster"),
                              .message = lc_slice_cstr(ev->name),
                              .fields = fields,
                              .field_count = (size_t)ev->count};
    return true;
}

void lc_log_taken(struct lc_log *log)
{
    LC_UNUSED(log);
    storing = false;
}

/* ---- life ---- */

void lc_log_set_level(struct lc_log *log, enum lc_level level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

lc_err lc_log_open(const struct lc_log_config *config, struct lc_log **ret)
{
    struct lc_log *log = calloc(1, sizeof *log);

    if (log == NULL)
        return -ENOMEM;
    log->config = *config;
    lc_log_set_level(log, config->level);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->told, NULL);
    lc_log_writer_init(&log->output, config);

    int e = pthread_create(&log->writer, NULL, writer_main, log);

    if (e != 0) {
        lc_log_writer_done(&log->output);
        free(log);
        return -e;
    }
    *ret = log;
    return LC_OK;
}

void lc_log_close(struct lc_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    log->closing = true;
    pthread_cond_signal(&log->told);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->writer, NULL);
    lc_log_writer_done(&log->output);
    pthread_cond_destroy(&log->told);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
