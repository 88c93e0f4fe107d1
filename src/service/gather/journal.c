/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/journal.c - entries of the journal of systemd.
 *
 * POSITION  An entry has a number in the sequence of whoever wrote the file, and that sequence has
 *           an id of 128 bits: these are a sender and its position as they are. At the start we go
 *           back from the newest entry to the first that is known to be stored, and on from there.
 *           That is exact when what is stored is so in the journal's order. Senders may be of
 *           several shards, which commit each for itself: so before another sequence's entry is
 *           put, all that went before must be committed. A machine's own journal has one sequence.
 * FIELDS    docs/gathering.md lists the names.
 */
#include "base/utf8.h"
#include "service/gather/gather.h"

#ifdef LC_JOURNALD

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <systemd/sd-journal.h>

#define ENTRIES      256 /* in one turn */
#define EPOCH        1   /* a sequence never begins anew under the same id */
#define NAME_MAX_LEN 64  /* what the journal itself allows */

struct lc_journal {
    struct lc_gather *gather;
    sd_journal *journal;
    struct lc_source *source; /* of the sequence that was read last */
    bool has_entry;           /* the journal stands at one which is not put yet */
    bool is_bad;
    struct lc_field fields[LC_FIELDS_MAX];
    char names[LC_FIELDS_MAX][NAME_MAX_LEN + 1];
};

/* ---- one entry ---- */

/* What becomes a member of the record. A name comes in the order of preference: an earlier one
 * wins over a later one. */
enum member { OTHER, DROP, MESSAGE, PRIORITY, APP, APP_ELSE, HOST, PID, PID_ELSE, FACILITY, TIME };

static const struct {
    const char *name;
    enum member member;
    const char *field; /* of OTHER: what it is called here */
} known[] = {
    {"MESSAGE", MESSAGE, NULL},
    {"PRIORITY", PRIORITY, NULL},
    {"SYSLOG_IDENTIFIER", APP, NULL},
    {"_COMM", APP_ELSE, "comm"},
    {"_HOSTNAME", HOST, NULL},
    {"_PID", PID, NULL},
    {"SYSLOG_PID", PID_ELSE, "syslog_pid"},
    {"SYSLOG_FACILITY", FACILITY, NULL},
    {"_SOURCE_REALTIME_TIMESTAMP", TIME, NULL},
    {"_SYSTEMD_UNIT", OTHER, "unit"},
    {"_SYSTEMD_USER_UNIT", OTHER, "user_unit"},
    {"_UID", OTHER, "uid"},
    {"_GID", OTHER, "gid"},
    {"_EXE", OTHER, "exe"},
    {"_CMDLINE", OTHER, "cmdline"},
    {"_BOOT_ID", OTHER, "boot_id"},
    {"_TRANSPORT", OTHER, "transport"},
    {"_MACHINE_ID", DROP, NULL},
    {"_CAP_EFFECTIVE", DROP, NULL},
    {"_SELINUX_CONTEXT", DROP, NULL},
    {"_AUDIT_SESSION", DROP, NULL},
    {"_AUDIT_LOGINUID", DROP, NULL},
    {"_SYSTEMD_CGROUP", DROP, NULL},
    {"_SYSTEMD_SLICE", DROP, NULL},
    {"_SYSTEMD_USER_SLICE", DROP, NULL},
    {"_SYSTEMD_SESSION", DROP, NULL},
    {"_SYSTEMD_OWNER_UID", DROP, NULL},
    {"_SYSTEMD_INVOCATION_ID", DROP, NULL},
    {"_STREAM_ID", DROP, NULL},
    {"_RUNTIME_SCOPE", DROP, NULL},
    {"_SOURCE_MONOTONIC_TIMESTAMP", DROP, NULL},
    {"SYSLOG_TIMESTAMP", DROP, NULL},
    {"SYSLOG_RAW", DROP, NULL},
};

struct entry {
    struct lc_journal *journal;
    struct lc_record *record;
    size_t count;
};

static void add(struct entry *e, struct lc_slice name, struct lc_slice value)
{
    struct lc_journal *j = e->journal;

    if (e->count == LC_FIELDS_MAX || name.n > NAME_MAX_LEN)
        return;

    char *own = j->names[e->count];

    for (size_t i = 0; i < name.n; i++)
        own[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 'a' - 'A' : name.p[i]);
    j->fields[e->count++] = (struct lc_field){lc_slice(own, name.n), value, LC_FIELD_STRING};
}

static void set_time(struct lc_record *r, struct lc_slice value)
{
    uint64_t us;

    if (lc_slice_u64(value, &us) == LC_OK && us < (uint64_t)INT64_MAX / 1000)
        r->time_ns = (int64_t)us * 1000;
}

static void set_level(struct lc_record *r, struct lc_slice value)
{
    if (value.n == 1 && value.p[0] >= '0' && value.p[0] <= '7')
        r->level = lc_level_from_severity(value.p[0] - '0');
}

static void set_facility(struct lc_record *r, struct lc_slice value)
{
    uint64_t n;

    if (lc_slice_u64(value, &n) == LC_OK)
        r->stream.facility = lc_syslog_facility((unsigned)(n < 1000 ? n : 1000));
}

/* `else_name`: what the value is called when another one has been preferred. */
static void set_text(struct entry *e, struct lc_slice *place, struct lc_slice value, bool wins,
                     const char *else_name)
{
    struct lc_slice before = *place;

    if (lc_slice_eq(before, value))
        return;
    if (before.n == 0 || wins) {
        *place = value;
        value = before;
    }
    if (value.n > 0)
        add(e, lc_slice_cstr(else_name), value);
}

static void set_member(struct entry *e, enum member member, const char *field,
                       struct lc_slice value)
{
    struct lc_record *r = e->record;

    switch (member) {
    case MESSAGE:
        r->message = value;
        break;
    case PRIORITY:
        set_level(r, value);
        break;
    case APP:
    case APP_ELSE:
        set_text(e, &r->stream.app, value, member == APP, "comm");
        break;
    case PID:
    case PID_ELSE:
        set_text(e, &r->pid, value, member == PID, "syslog_pid");
        break;
    case HOST:
        r->stream.host = value;
        break;
    case FACILITY:
        set_facility(r, value);
        break;
    case TIME:
        set_time(r, value);
        break;
    case OTHER:
        add(e, lc_slice_cstr(field), value);
        break;
    case DROP:
        break;
    }
}

static void take_field(struct entry *e, struct lc_slice data)
{
    struct lc_slice name;

    if (!lc_slice_cut(&data, '=', &name))
        return;
    for (size_t i = 0; i < LC_ARRAY_LEN(known); i++) {
        if (lc_slice_eq(name, lc_slice_cstr(known[i].name))) {
            set_member(e, known[i].member, known[i].field, data);
            return;
        }
    }
    add(e, name, data);
}

/* ---- where it stands ---- */

static bool read_hex(const char *text, const char *key, struct lc_slice *ret)
{
    const char *at = strstr(text, key);

    if (at == NULL)
        return false;
    at += strlen(key);
    *ret = lc_slice(at, strcspn(at, ";"));
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The cursor of an entry begins with `s=<id of the sequence>;i=<number in it, hexadecimal>`: this
 * version of the library has no other way to tell them. */
static lc_err read_position(struct lc_journal *j, struct lc_sender_id *ret_id, uint64_t *ret_number)
{
    struct lc_slice id = {0}, number = {0};
    char *cursor;
    int e = sd_journal_get_cursor(j->journal, &cursor);
    uint64_t n = 0;
    bool good = false;

    if (e < 0)
        return e;
    good = read_hex(cursor, "s=", &id) && read_hex(cursor, ";i=", &number) && id.n == 32;
    for (size_t i = 0; good && i < 32; i++) {
        int digit = hex_digit(id.p[i]);

        good = digit >= 0;
        ret_id->octets[i / 2] = (uint8_t)((i % 2 == 0 ? 0 : ret_id->octets[i / 2] << 4) | digit);
    }
    for (size_t i = 0; good && i < number.n; i++) {
        good = hex_digit(number.p[i]) >= 0;
        n = n << 4 | (uint64_t)hex_digit(number.p[i]);
    }
    free(cursor);
    *ret_number = n;
    return good ? LC_OK : LC_ECORRUPT;
}

static bool is_stored(struct lc_journal *j, const struct lc_sender_id *id, uint64_t number)
{
    struct lc_sender_position position;

    return lc_store_sender(j->gather->site->store, id, &position) && number <= position.upto;
}

static void tell_error(struct lc_journal *j, const char *what, lc_err e)
{
    if (!j->is_bad)
        lc_log(j->gather->site->log, LC_LEVEL_ERROR, "gather.journal", LC_LOG_TEXT("what", what),
               LC_LOG_ERR("cause", e));
    j->is_bad = true;
}

/* Back to the newest entry that is stored; without one, before the first. */
static lc_err go_to_start(struct lc_journal *j)
{
    int e = sd_journal_seek_tail(j->journal);

    while (e >= 0 && (e = sd_journal_previous(j->journal)) > 0) {
        struct lc_sender_id id;
        uint64_t number;

        if (read_position(j, &id, &number) == LC_OK && is_stored(j, &id, number))
            return LC_OK;
    }
    return e < 0 ? e : sd_journal_seek_head(j->journal);
}

/* ---- reading ---- */

/* The source of an entry's sequence. False: what went before is not committed yet. */
static bool use_sequence(struct lc_journal *j, const struct lc_sender_id *id)
{
    struct lc_gather *g = j->gather;

    if (j->source != NULL && memcmp(&j->source->sender, id, sizeof *id) == 0)
        return true;
    if (j->source != NULL && !lc_lane_is_empty(j->source->lane)) {
        lc_lane_hand_over(j->source->lane);
        return false;
    }

    struct lc_source *s = lc_source_new(
        g, id, lc_slice_cstr(g->config->app != NULL ? g->config->app : ""), NULL, NULL);

    if (s == NULL)
        return false;
    lc_source_retire(g, j->source);
    j->source = s;
    return true;
}

static lc_err put_entry(struct lc_journal *j, uint64_t number)
{
    size_t max = j->gather->rules.octets_max;
    struct lc_gathered what = {.source = j->source,
                               .position = {EPOCH, number},
                               .is_whole = true,
                               .record = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE}};
    struct entry e = {j, &what.record, 0};
    const void *data;
    uint64_t us;
    size_t n;

    if (sd_journal_get_realtime_usec(j->journal, &us) >= 0 && us < (uint64_t)INT64_MAX / 1000)
        what.record.time_ns = (int64_t)us * 1000;
    sd_journal_restart_data(j->journal);
    while (sd_journal_enumerate_available_data(j->journal, &data, &n) > 0)
        take_field(&e, lc_slice(data, n));
    if (what.record.message.n > max) {
        what.record.message.n = lc_utf8_cut(what.record.message, max);
        what.truncated = true;
    }
    what.record.fields = j->fields;
    what.record.field_count = e.count;
    return lc_lane_put(&what);
}

/* The entry at which the journal stands. False: it has to wait. */
static bool take_entry(struct lc_journal *j)
{
    struct lc_sender_id id;
    uint64_t number;
    lc_err e = read_position(j, &id, &number);

    if (e != LC_OK)
        tell_error(j, "an entry cannot be read", e);
    if (e != LC_OK || is_stored(j, &id, number))
        return true;
    return use_sequence(j, &id) && put_entry(j, number) == LC_OK;
}

bool lc_journal_turn(struct lc_journal *j, struct lc_time now, struct lc_time *deadline)
{
    uint64_t until_us;

    if (j == NULL)
        return false;
    if (sd_journal_process(j->journal) < 0)
        tell_error(j, "changes are not told", -EIO);
    for (size_t i = 0; i < ENTRIES; i++) {
        if (!j->has_entry) {
            int e = sd_journal_next(j->journal);

            if (e < 0)
                tell_error(j, "cannot be read", e);
            j->has_entry = e > 0;
        }
        if (!j->has_entry) {
            if (sd_journal_get_timeout(j->journal, &until_us) >= 0 && until_us < INT64_MAX / 1000 &&
                (int64_t)until_us * 1000 < deadline->ns)
                deadline->ns = (int64_t)until_us * 1000 > now.ns ? (int64_t)until_us * 1000
                                                                 : now.ns + LC_NS_PER_MS;
            return false;
        }
        if (!take_entry(j))
            return false; /* a batch that comes back wakes us */
        j->has_entry = false;
    }
    return true;
}

int lc_journal_fd(const struct lc_journal *j, short *ret_events)
{
    int events;

    if (j == NULL)
        return -1;
    events = sd_journal_get_events(j->journal);
    *ret_events = (short)(events > 0 ? events : POLLIN);
    return sd_journal_get_fd(j->journal);
}

/* ---- life ---- */

static lc_err open_journal(struct lc_journal *j)
{
    const char *path = j->gather->config->journald_path;
    struct stat st;

    if (path == NULL)
        return sd_journal_open(&j->journal, SD_JOURNAL_LOCAL_ONLY);
    if (stat(path, &st) != 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return sd_journal_open_directory(&j->journal, path, 0);

    const char *files[] = {path, NULL};

    return sd_journal_open_files(&j->journal, files, 0);
}

static lc_err prepare(struct lc_journal *j)
{
    const struct lc_list *matches = &j->gather->config->journald_match;
    int e = open_journal(j);

    for (size_t i = 0; e >= 0 && i < matches->count; i++)
        e = sd_journal_add_match(j->journal, matches->items[i], 0);
    if (e >= 0)
        e = sd_journal_set_data_threshold(j->journal, j->gather->rules.octets_max + NAME_MAX_LEN);
    if (e >= 0)
        e = sd_journal_get_fd(j->journal); /* from now on changes are told */
    if (e >= 0 && j->gather->config->journald_path == NULL &&
        sd_journal_has_runtime_files(j->journal) == 0 &&
        sd_journal_has_persistent_files(j->journal) == 0)
        lc_log(j->gather->site->log, LC_LEVEL_WARN, "gather.journal",
               LC_LOG_TEXT("what", "this machine has no journal that we may read"));
    return e < 0 ? e : go_to_start(j);
}

lc_err lc_journal_new(struct lc_gather *g, struct lc_journal **ret)
{
    struct lc_journal *j;

    if (!g->config->journald && g->config->journald_path == NULL)
        return LC_OK;
    j = calloc(1, sizeof *j);
    if (j == NULL)
        return -ENOMEM;
    j->gather = g;

    lc_err e = prepare(j);

    if (e < 0) {
        tell_error(j, "cannot be opened", e);
        lc_journal_free(j);
        return e;
    }
    *ret = j;
    return LC_OK;
}

void lc_journal_free(struct lc_journal *j)
{
    if (j == NULL)
        return;
    if (j->journal != NULL)
        sd_journal_close(j->journal);
    lc_source_retire(j->gather, j->source);
    free(j);
}

#else

#include <errno.h>

lc_err lc_journal_new(struct lc_gather *g, struct lc_journal **ret)
{
    LC_UNUSED(ret);
    if (!g->config->journald && g->config->journald_path == NULL)
        return LC_OK;
    lc_log(g->site->log, LC_LEVEL_ERROR, "gather.journal",
           LC_LOG_TEXT("what", "this logcaster was built without the journal of systemd"));
    return -ENOSYS;
}

void lc_journal_free(struct lc_journal *j)
{
    LC_UNUSED(j);
}

int lc_journal_fd(const struct lc_journal *j, short *ret_events)
{
    LC_UNUSED(j);
    LC_UNUSED(ret_events);
    return -1;
}

bool lc_journal_turn(struct lc_journal *j, struct lc_time now, struct lc_time *deadline)
{
    LC_UNUSED(j);
    LC_UNUSED(now);
    LC_UNUSED(deadline);
    return false;
}

#endif
