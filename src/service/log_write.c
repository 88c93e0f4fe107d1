/* SPDX-License-Identifier: Apache-2.0
 *
 * service/log_write.c - an event of the own log as text, as JSON, and for systemd's journal.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/text.h"
#include "service/log_impl.h"

#define OUT_MAX 8192 /* octets of an event as written: escapes included */

/* ---- text ---- */

static bool is_bare(struct lc_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7F || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
            return false;
    }
    return s.n > 0;
}

/* `event key=value ...`: a value that isn't a plain word is a JSON string, so that nothing in it
 * can disguise itself as another field or reach a terminal's controls. */
static lc_err put_event(const struct lc_log_event *ev, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "%s", ev->name);

    for (size_t i = 0; e == LC_OK && i < ev->count; i++) {
        struct lc_slice value = lc_log_value(ev, i);

        e = lc_dynbuf_printf(out, " %s=", ev->fields[i].name);
        if (e == LC_OK)
            e = is_bare(value) ? lc_dynbuf_append(out, value) : lc_json_string(out, value);
    }
    return e;
}

static const char *level_colour(enum lc_level level)
{
    if (level >= LC_LEVEL_ERROR)
        return "\033[31m";
    return level == LC_LEVEL_WARN ? "\033[33m" : "\033[36m";
}

/* With three digits of its second. */
static lc_err put_time(int64_t time_ns, struct lc_dynbuf *out)
{
    char time[LC_RFC3339_MAX];
    int64_t second_ns = time_ns - time_ns % LC_NS_PER_S;
    int ms = (int)((time_ns - second_ns) / LC_NS_PER_MS);
    size_t n = lc_rfc3339_format(second_ns, time) - 1; /* its Z comes after the fraction */

    return lc_dynbuf_printf(out, "%.*s.%03dZ", (int)n, time, ms);
}

static lc_err put_text(const struct lc_log_writer *w, const struct lc_log_event *ev,
                       struct lc_dynbuf *out)
{
    struct lc_slice level = lc_level_name(ev->level);
    const char *on = w->colour ? level_colour(ev->level) : "";
    const char *off = w->colour ? "\033[0m" : "";
    lc_err e = put_time(ev->time_ns, out);

    if (e == LC_OK)
        e = lc_dynbuf_printf(out, " %s%-6.*s%s ", on, (int)level.n, level.p, off);
    if (e == LC_OK)
        e = put_event(ev, out);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\n")) : e;
}

/* ---- JSON ---- */

/* The names are those of `logcaster query -o json`, so that a line can be stored again as it is. */
static lc_err put_json(const struct lc_log_event *ev, struct lc_dynbuf *out)
{
    struct lc_slice level = lc_level_name(ev->level);
    lc_err e = lc_dynbuf_append(out, LC_LIT("{\"_time\":\""));

    if (e == LC_OK)
        e = put_time(ev->time_ns, out);
    if (e == LC_OK)
        e = lc_dynbuf_printf(out, "\",\"level\":\"%.*s\",\"app\":\"logcaster\",\"_msg\":\"%s\"",
                             (int)level.n, level.p, ev->name);
    for (size_t i = 0; e == LC_OK && i < ev->count; i++) {
        struct lc_slice value = lc_log_value(ev, i);

        e = lc_dynbuf_printf(out, ",\"%s\":", ev->fields[i].name);
        if (e == LC_OK)
            e = ev->fields[i].type == LC_FIELD_INT ? lc_dynbuf_append(out, value)
                                                   : lc_json_string(out, value);
    }
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("}\n")) : e;
}

/* ---- the journal ---- */

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static int severity(enum lc_level level)
{
    static const int severities[] = {
#define SEVERITY(name, code, severity) [code] = (severity),
        LC_LEVELS(SEVERITY)
#undef SEVERITY
    };

    return severities[level];
}

/* https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: `NAME=value`, or, where the value has a newline,
 * NAME, its length in 8 octets little-endian, and the value. */
static lc_err put_journal_field(const char *prefix, const char *name, struct lc_slice value,
                                struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "%s", prefix);

    for (const char *p = name; e == LC_OK && *p != '\0'; p++)
        e = lc_dynbuf_printf(out, "%c",
                             isalnum((unsigned char)*p) ? toupper((unsigned char)*p) : '_');
    if (e == LC_OK && memchr(value.p, '\n', value.n) == NULL) {
        e = lc_dynbuf_append(out, LC_LIT("="));
    } else if (e == LC_OK) {
        uint8_t length[9] = {'\n'};

        for (size_t i = 0; i < 8; i++)
            length[1 + i] = (uint8_t)((uint64_t)value.n >> (8 * i));
        e = lc_dynbuf_append(out, lc_slice(length, sizeof length));
    }
    if (e == LC_OK)
        e = lc_dynbuf_append(out, value);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("\n")) : e;
}

static lc_err put_journal(const struct lc_log_event *ev, struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(
        out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=logcaster\nMESSAGE=", severity(ev->level));

    if (e == LC_OK)
        e = put_event(ev, out); /* without newlines: they are escaped */
    if (e == LC_OK)
        e = lc_dynbuf_printf(out, "\nLOGCASTER_EVENT=%s\n", ev->name);
    for (size_t i = 0; e == LC_OK && i < ev->count; i++)
        e = put_journal_field("LOGCASTER_", ev->fields[i].name, lc_log_value(ev, i), out);
    return e;
}

static int connect_journal(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof un.sun_path) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    memcpy(un.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&un, sizeof un) == 0)
        return fd;
    close(fd);
    return -1;
}

/* systemd says in $JOURNAL_STREAM which device and inode its journal's stream has. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uint64_t device, inode;
    struct stat st;

    return stream != NULL && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
           fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* ---- all ---- */

void lc_log_writer_init(struct lc_log_writer *w, const struct lc_log_config *config)
{
    const char *path = config->journal != NULL ? config->journal : JOURNAL_SOCKET;

    *w = (struct lc_log_writer){
        .fd = config->fd, .colour = config->colour, .format = config->format, .journal_fd = -1};
    lc_dynbuf_init(&w->out, OUT_MAX);
    if (w->fd >= 0 && w->format == LC_LOG_FORMAT_AUTO)
        w->format = is_journal(w->fd) ? LC_LOG_FORMAT_JOURNALD : LC_LOG_FORMAT_TEXT;
    if (w->fd >= 0 && w->format == LC_LOG_FORMAT_JOURNALD)
        w->journal_fd = connect_journal(path);
    if (w->format == LC_LOG_FORMAT_JOURNALD && w->journal_fd < 0)
        w->format = LC_LOG_FORMAT_TEXT;
}

void lc_log_writer_done(struct lc_log_writer *w)
{
    if (w->journal_fd >= 0)
        close(w->journal_fd);
    lc_dynbuf_done(&w->out);
}

static void write_out(int fd, struct lc_slice octets)
{
    while (octets.n > 0) {
        ssize_t n = write(fd, octets.p, octets.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* whom could we tell? */
        octets = lc_slice_from(octets, (size_t)n);
    }
}

/* False: the journal does not take it (it is restarting, or gone). */
static bool write_journal(struct lc_log_writer *w, const struct lc_log_event *ev)
{
    return put_journal(ev, &w->out) == LC_OK &&
           send(w->journal_fd, w->out.p, w->out.n, MSG_NOSIGNAL) >= 0;
}

void lc_log_write(struct lc_log_writer *w, const struct lc_log_event *ev)
{
    lc_err e;

    if (w->fd < 0)
        return;
    w->out.n = 0;
    if (w->format == LC_LOG_FORMAT_JOURNALD && write_journal(w, ev))
        return;
    w->out.n = 0;
    e = w->format == LC_LOG_FORMAT_JSON ? put_json(ev, &w->out) : put_text(w, ev, &w->out);
    if (e == LC_OK)
        write_out(w->fd, lc_dynbuf_slice(&w->out));
}
