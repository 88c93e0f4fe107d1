/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/members_record.c - which members are the parts of a record, and which its fields.
 */
#include "base/base64.h"
#include "base/time.h"
#include "proto/members.h"

enum part { MESSAGE, TIME, LEVEL, HOST, APP, PID, SPACE, FACILITY, PARTS };

/* In which objects a name means its part: LogCaster's own rows name each part in one way only. */
enum where { IN_ROWS = 1, ELSEWHERE = 2, ANYWHERE = 3 };

/* Of several names of one part that are there, the first one here is it. */
static const struct name {
    const char *text;
    uint8_t n, part, where;
} names[] = {
#define NAME(text, part, where)                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1, part, where                                                        \
    }
    NAME("_msg", MESSAGE, ANYWHERE),      NAME("message", MESSAGE, ELSEWHERE),
    NAME("msg", MESSAGE, ELSEWHERE),      NAME("log", MESSAGE, ELSEWHERE),
    NAME("_time", TIME, ANYWHERE),        NAME("@timestamp", TIME, ELSEWHERE),
    NAME("time", TIME, ELSEWHERE),        NAME("timestamp", TIME, ELSEWHERE),
    NAME("ts", TIME, ELSEWHERE),          NAME("level", LEVEL, ANYWHERE),
    NAME("severity", LEVEL, ELSEWHERE),   NAME("lvl", LEVEL, ELSEWHERE),
    NAME("log.level", LEVEL, ELSEWHERE),  NAME("host", HOST, ANYWHERE),
    NAME("hostname", HOST, ELSEWHERE),    NAME("host.name", HOST, ELSEWHERE),
    NAME("app", APP, ANYWHERE),           NAME("service", APP, ELSEWHERE),
    NAME("service.name", APP, ELSEWHERE), NAME("pid", PID, ANYWHERE),
    NAME("process.pid", PID, ELSEWHERE),  NAME("_space", SPACE, ELSEWHERE),
    NAME("space", SPACE, IN_ROWS),        NAME("facility", FACILITY, ANYWHERE),
#undef NAME
};

/* What stands in lc_members.names for each field. */
#define NO_NAME LC_ARRAY_LEN(names) /* a field */
#define DROPPED (NO_NAME + 1)       /* neither a part nor a field */

static uint8_t find_name(struct lc_slice name, enum where where)
{
    uint8_t i = 0;
    while (i < NO_NAME && (names[i].n != name.n || (names[i].where & where) == 0 ||
                           memcmp(names[i].text, name.p, name.n) != 0))
        i++;
    return i;
}

/* ---- values ---- */

enum lc_level lc_members_level(struct lc_slice number)
{
    static const enum lc_level tens[] = {LC_LEVEL_TRACE, LC_LEVEL_DEBUG, LC_LEVEL_INFO,
                                         LC_LEVEL_WARN,  LC_LEVEL_ERROR, LC_LEVEL_CRIT};
    uint64_t n;
    if (lc_slice_u64(number, &n) != LC_OK)
        return LC_LEVEL_NONE;
    if (n < 8)
        return lc_level_from_severity((unsigned)n);
    return n >= 10 && n < 70 ? tens[n / 10 - 1] : LC_LEVEL_NONE;
}

/* Unix time in the unit that its size tells. */
static lc_err unix_time(struct lc_slice s, int64_t *ret_ns)
{
    static const struct {
        int64_t below; /* whole units; as seconds that is the year 5138 */
        int64_t factor;
    } units[] = {{INT64_C(100000000000), 1},
                 {INT64_C(100000000000000), 1000},
                 {INT64_C(100000000000000000), 1000000},
                 {INT64_MAX, LC_NS_PER_S}};
    const int64_t year_s = 365 * 86400;
    struct lc_slice fraction = s, whole;
    int64_t n, ns, below = 0;
    if (!lc_slice_cut(&fraction, '.', &whole))
        whole = s;
    if (lc_slice_i64(whole, &n) != LC_OK || n < year_s)
        return LC_ESYNTAX;
    size_t unit = 0;
    while (n >= units[unit].below && unit + 1 < LC_ARRAY_LEN(units))
        unit++;
    int64_t factor = units[unit].factor;
    if (factor == 1)
        return lc_unix_parse(s, ret_ns);
    /* the last digit and what is behind the point, as if it were seconds */
    lc_err e = lc_unix_parse(lc_slice_from(s, whole.n - 1), &below);
    if (e != LC_OK)
        return e;
    if (__builtin_mul_overflow(n, LC_NS_PER_S / factor, &ns))
        return LC_ELIMIT;
    *ret_ns = ns + below % LC_NS_PER_S / factor;
    return LC_OK;
}

lc_err lc_members_time(struct lc_slice s, int32_t utc_offset_s, int64_t *ret_ns)
{
    size_t used;
    int64_t ns;
    lc_err e = unix_time(s, ret_ns);
    if (e != LC_ESYNTAX)
        return e;
    e = lc_iso_parse(s, utc_offset_s, &ns, &used);
    if (e == LC_OK && used != s.n)
        return LC_ESYNTAX;
    if (e == LC_OK)
        *ret_ns = ns;
    return e;
}

/* ---- rows that LogCaster wrote ---- */

static bool is_row(struct lc_members *m)
{
    static const char *const strings[] = {"id", "received", "_time"};
    for (size_t i = 0; i < LC_ARRAY_LEN(strings); i++) {
        const struct lc_field *f = lc_members_find(m, lc_slice_cstr(strings[i]));
        if (f == NULL || f->type != LC_FIELD_STRING)
            return false;
    }
    return lc_members_find(m, LC_LIT("_msg")) != NULL ||
           lc_members_find(m, LC_LIT("_msg_base64")) != NULL;
}

/* What a row tells of a record besides its parts. */
static bool take_row_member(const struct lc_field *f, struct lc_record *ret)
{
    size_t used;
    if (lc_slice_eq(f->name, LC_LIT("id")))
        return lc_slice_u64(f->value, &ret->id) == LC_OK;
    if (lc_slice_eq(f->name, LC_LIT("received")))
        return lc_rfc3339_parse(f->value, &ret->received_ns, &used) == LC_OK;
    if (!lc_slice_eq(f->name, LC_LIT("source")) || f->type != LC_FIELD_STRING)
        return false;
    ret->source = f->value;
    return true;
}

/* <name>_base64 is <name>, and octets. */
static void undo_base64(struct lc_members *m, struct lc_field *f)
{
    struct lc_slice suffix = LC_LIT("_base64");
    if (f->type != LC_FIELD_STRING || f->name.n < suffix.n ||
        !lc_slice_eq(lc_slice_from(f->name, f->name.n - suffix.n), suffix))
        return;
    size_t at = m->text.n;
    if (lc_base64_decode(&m->text, f->value, LC_BASE64_STANDARD) != LC_OK)
        return; /* then it is no row of ours, and stays as it is */
    f->name.n -= suffix.n;
    f->value = lc_slice(m->text.p + at, m->text.n - at);
}

static void name_row_members(struct lc_members *m, struct lc_record *ret)
{
    struct lc_slice prefix = LC_LIT("field.");
    for (size_t i = 0; i < m->count; i++) {
        struct lc_field *f = &m->fields[i];
        bool is_field = lc_slice_starts(f->name, prefix);
        if (is_field)
            f->name = lc_slice_from(f->name, prefix.n);
        undo_base64(m, f);
        if (is_field)
            m->names[i] = NO_NAME;
        else
            m->names[i] = take_row_member(f, ret) ? DROPPED : find_name(f->name, IN_ROWS);
    }
}

/* ---- parts ---- */

/* Which members are the parts of a record. */
struct parts {
    struct lc_field *field[PARTS]; /* NULL: none is */
    uint8_t name[PARTS];
    int64_t time_ns;
};

/* Whether the value can be what its name says. */
static bool fits(const struct lc_field *f, enum part part, int32_t utc_offset_s, int64_t *time_ns)
{
    if (f->type == LC_FIELD_NULL)
        return false;
    switch (part) {
    case MESSAGE:
        return true;
    case TIME:
        return f->type != LC_FIELD_BOOL &&
               lc_members_time(f->value, utc_offset_s, time_ns) == LC_OK;
    case LEVEL:
        return f->value.n > 0 && (f->type == LC_FIELD_STRING || f->type == LC_FIELD_INT);
    default:
        return f->value.n > 0;
    }
}

static void find_parts(struct lc_members *m, bool wants_time, int32_t utc_offset_s,
                       struct parts *found)
{
    *found = (struct parts){0};
    for (size_t i = 0; i < m->count; i++) {
        uint8_t name = m->names[i];
        int64_t time_ns = 0;
        if (name >= NO_NAME)
            continue;
        enum part part = (enum part)names[name].part;
        if ((part == TIME && !wants_time) ||
            (found->field[part] != NULL && found->name[part] < name) ||
            !fits(&m->fields[i], part, utc_offset_s, &time_ns))
            continue;
        found->field[part] = &m->fields[i];
        found->name[part] = name;
        if (part == TIME)
            found->time_ns = time_ns;
    }
}

/* bunyan and pino count levels in tens, and call the application `name`. */
static void find_name_of_bunyan(struct lc_members *m, struct parts *found)
{
    const struct lc_field *level = found->field[LEVEL];
    if (found->field[APP] != NULL || level == NULL || level->type != LC_FIELD_INT ||
        level->value.n != 2)
        return;
    struct lc_field *name = lc_members_find(m, LC_LIT("name"));
    if (name != NULL && name->type == LC_FIELD_STRING && name->value.n > 0)
        found->field[APP] = name;
}

static void place_level(struct lc_slice value, struct lc_record *ret,
                        struct lc_unplaced *ret_unplaced)
{
    enum lc_level level = lc_level_parse(value);
    if (level == LC_LEVEL_NONE)
        level = lc_members_level(value);
    if (level == LC_LEVEL_NONE)
        ret_unplaced->level_text = value;
    else
        ret->level = level;
}

/* The parts into the record; they are no fields any more. */
static void place(struct lc_members *m, const struct parts *found, struct lc_record *ret,
                  struct lc_unplaced *ret_unplaced)
{
    struct lc_slice *const slices[PARTS] = {
        [MESSAGE] = &ret->message, [HOST] = &ret->stream.host,   [APP] = &ret->stream.app,
        [PID] = &ret->pid,         [SPACE] = &ret->stream.space, [FACILITY] = &ret->stream.facility,
    };
    for (unsigned part = 0; part < PARTS; part++) {
        const struct lc_field *f = found->field[part];
        if (f == NULL)
            continue;
        if (part == TIME)
            ret->time_ns = found->time_ns;
        else if (part == LEVEL)
            place_level(f->value, ret, ret_unplaced);
        else
            *slices[part] = f->value;
        m->names[f - m->fields] = DROPPED;
    }
}

/* Empty words of parts say nothing, as in v2. */
static bool says_nothing(const struct lc_field *f, uint8_t name)
{
    return name < NO_NAME && f->type == LC_FIELD_STRING && f->value.n == 0 &&
           names[name].part != MESSAGE;
}

static void keep_fields(struct lc_members *m, struct lc_record *ret)
{
    size_t left = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->names[i] != DROPPED && !says_nothing(&m->fields[i], m->names[i]))
            m->fields[left++] = m->fields[i];
    if (left > LC_FIELDS_MAX) {
        left = LC_FIELDS_MAX;
        m->is_cut = true;
    }
    m->count = left;
    ret->fields = m->fields;
    ret->field_count = left;
}

bool lc_members_record(struct lc_members *m, int32_t utc_offset_s, struct lc_record *ret,
                       struct lc_unplaced *ret_unplaced)
{
    struct parts found;
    *ret_unplaced = (struct lc_unplaced){0};
    if (is_row(m)) {
        name_row_members(m, ret);
    } else {
        for (size_t i = 0; i < m->count; i++)
            m->names[i] = find_name(m->fields[i].name, ELSEWHERE);
    }
    find_parts(m, ret->time_ns == LC_TIME_ABSENT, utc_offset_s, &found);
    find_name_of_bunyan(m, &found);
    place(m, &found, ret, ret_unplaced);
    keep_fields(m, ret);
    ret_unplaced->repeated = m->repeated;
    ret_unplaced->is_cut = m->is_cut;
    return found.field[MESSAGE] != NULL;
}
