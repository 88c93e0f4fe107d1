/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_line.c - one event in each of the forms in which senders would write it.
 */
#include <stdio.h>

#include "base/time.h"
#include "bench/corpus_gen.h"

/* RFC 5424 section 6.2.1. TRACE has no severity of its own. */
static unsigned severity(enum lc_level level)
{
    static const unsigned severities[] = {
#define SEVERITY(name, code, severity) [code] = (severity),
        LC_LEVELS(SEVERITY)
#undef SEVERITY
    };
    return severities[level];
}

static int head_v2(const struct corpus_event *e, char *out, size_t max)
{
    char time[LC_UNIX_MAX];
    int n = (int)lc_unix_format(e->time_ns, time);
    return snprintf(out, max, "LOG|%s|%.*s|%s %s[%u]: ", (const char *)lc_level_name(e->level).p, n,
                    time, e->host, e->app, e->pid);
}

/* RFC 5424 section 6: no MSGID, no structured data; microseconds. */
static int head_rfc5424(const struct corpus_event *e, char *out, size_t max)
{
    struct lc_civil c = lc_civil_from_ns(e->time_ns);
    return snprintf(out, max, "<%u>1 %04d-%02u-%02uT%02u:%02u:%02u.%06uZ %s %s %u - - ",
                    e->facility * 8 + severity(e->level), c.year, c.month, c.day, c.hour, c.minute,
                    c.second, c.ns / 1000, e->host, e->app, e->pid);
}

/* RFC 3164 section 4.1. */
static int head_rfc3164(const struct corpus_event *e, char *out, size_t max)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct lc_civil c = lc_civil_from_ns(e->time_ns);
    return snprintf(
        out, max, "<%u>%s %2u %02u:%02u:%02u %s %s[%u]: ", e->facility * 8 + severity(e->level),
        months[c.month - 1], c.day, c.hour, c.minute, c.second, e->host, e->app, e->pid);
}

static int head_raw(const struct corpus_event *e, char *out, size_t max)
{
    return snprintf(out, max, "%s %s[%u]: ", e->host, e->app, e->pid);
}

size_t corpus_line(const struct corpus_event *e, enum corpus_format format,
                   char out[CORPUS_LINE_MAX])
{
    static int (*const heads[])(const struct corpus_event *e, char *out, size_t max) = {
        [CORPUS_V2] = head_v2,
        [CORPUS_RFC5424] = head_rfc5424,
        [CORPUS_RFC3164] = head_rfc3164,
        [CORPUS_RAW] = head_raw,
    };
    int head = heads[format](e, out, CORPUS_LINE_MAX);
    LC_ASSERT(head > 0 && (size_t)head + e->message.n < CORPUS_LINE_MAX);
    char *at = out + head;
    memcpy(at, e->message.p, e->message.n);
    at[e->message.n] = '\n';
    return (size_t)head + e->message.n + 1;
}
