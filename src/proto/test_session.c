/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/test_session.c - decoding streams into text.
 */
#include "proto/test_session.h"

#include <stdlib.h>

#include "base/time.h"

void lc_test_say(struct lc_dynbuf *said, const char *name, struct lc_slice value)
{
    assert_lc_ok(lc_dynbuf_printf(said, " %s=[", name));
    for (size_t i = 0; i < value.n; i++)
        assert_lc_ok(
            lc_dynbuf_append(said, value.p[i] == '\0' ? LC_LIT("\\0") : lc_slice(value.p + i, 1)));
    assert_lc_ok(lc_dynbuf_append(said, LC_LIT("]")));
}

static void say_present(struct lc_dynbuf *said, const char *name, struct lc_slice value)
{
    if (value.n > 0)
        lc_test_say(said, name, value);
}

void lc_test_say_record(struct lc_dynbuf *said, const struct lc_record *r)
{
    if (r->time_ns != LC_TIME_ABSENT)
        assert_lc_ok(lc_dynbuf_printf(said, " time=%lld.%09lld",
                                      (long long)(r->time_ns / LC_NS_PER_S),
                                      llabs((long long)(r->time_ns % LC_NS_PER_S))));
    say_present(said, "level", lc_level_name(r->level));
    say_present(said, "facility", r->stream.facility);
    say_present(said, "host", r->stream.host);
    say_present(said, "app", r->stream.app);
    say_present(said, "pid", r->pid);
    for (size_t i = 0; i < r->field_count; i++) {
        static const char *const types[] = {"value", "int", "float", "bool", "null"};
        lc_test_say(said, "name", r->fields[i].name);
        lc_test_say(said, types[r->fields[i].type], r->fields[i].value);
    }
    lc_test_say(said, "message", r->message);
}

static void say(struct lc_dynbuf *said, const char *text)
{
    assert_lc_ok(lc_dynbuf_append(said, lc_slice_cstr(text)));
}

static void say_log(struct lc_slice line, enum lc_line_kind kind, struct lc_dynbuf *said)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    const char *reason;
    bool v1 = kind == LC_LINE_V1;
    say(said, v1 ? "v1" : "v2");
    lc_err e = v1 ? lc_v1_decode(line, &r, &unplaced, &reason)
                  : lc_v2_decode(line, &r, &unplaced, &reason);
    if (e != LC_OK) {
        assert_lc_err(e, LC_ESYNTAX);
        lc_test_say(said, "refused", lc_slice_cstr(reason));
        return;
    }
    lc_test_say_record(said, &r);
    say_present(said, "level_text", unplaced.level_text);
    say_present(said, "claimed_time", unplaced.claimed_time);
}

static void say_syslog(struct lc_test_session *s, struct lc_slice message, struct lc_dynbuf *said)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    say(said, "syslog");
    lc_err e = lc_syslog_decode(message, &s->syslog, &s->scratch, &r);
    if (e == LC_OK) {
        lc_test_say_record(said, &r);
    } else {
        assert_lc_err(e, LC_ESYNTAX);
        say(said, " without a PRI");
    }
}

static void say_json(struct lc_test_session *s, struct lc_slice line, struct lc_dynbuf *said)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    lc_err e = lc_json_line_decode(line, s->syslog.utc_offset_s, &s->members, &r, &unplaced);
    if (e != LC_OK) {
        assert_lc_err(e, LC_ESYNTAX);
        say(said, "plain");
        say_present(said, "line", line);
        return;
    }
    say(said, "json");
    lc_test_say_record(said, &r);
    say_present(said, "level_text", unplaced.level_text);
    if (unplaced.repeated > 0)
        assert_lc_ok(lc_dynbuf_printf(said, " repeated=%u", unplaced.repeated));
    if (unplaced.is_cut)
        say(said, " cut");
}

static void say_question(struct lc_slice line, struct lc_dynbuf *said)
{
    static const char *const names[] = {
#define LC_QUERY_TYPE_NAME(name) #name,
        LC_QUERY_TYPES(LC_QUERY_TYPE_NAME)
#undef LC_QUERY_TYPE_NAME
    };
    struct lc_query_request q;
    const char *reason;
    lc_err e = lc_query_request_decode(line, &q, &reason);
    if (e != LC_OK) {
        assert_lc_err(e, LC_ESYNTAX);
        say(said, "question");
        lc_test_say(said, "refused", lc_slice_cstr(reason));
        return;
    }
    say(said, q.v1 ? "question v1 " : "question ");
    say(said, names[q.type]);
    lc_test_say(said, "parameter", q.parameter);
}

static void say_line(struct lc_test_session *s, struct lc_slice line, struct lc_dynbuf *said)
{
    static const char *const names[] = {
        [LC_LINE_EMPTY] = "empty", [LC_LINE_PLAIN] = "plain", [LC_LINE_PING] = "ping",
        [LC_LINE_STATS] = "stats", [LC_LINE_QUIT] = "quit",   [LC_LINE_AUTH] = "auth",
        [LC_LINE_ROWS] = "rows",
    };
    enum lc_line_kind kind = lc_line_kind(line);
    switch (kind) {
    case LC_LINE_V1:
    case LC_LINE_V2:
        say_log(line, kind, said);
        break;
    case LC_LINE_SYSLOG:
        say_syslog(s, line, said);
        break;
    case LC_LINE_JSON:
        say_json(s, line, said);
        break;
    case LC_LINE_QUERY_V1:
    case LC_LINE_QUERY_V2:
        say_question(line, said);
        break;
    default:
        say(said, names[kind]);
        say_present(said, "line", line);
    }
    say(said, "\n");
}

static void begin(void *arg)
{
    struct lc_test_session *s = arg;
    s->scanned = s->skip = 0;
    s->skipping = s->broken = false;
}

static size_t feed_lines(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct lc_test_session *s = arg;
    struct lc_slice rest = in, line;
    while (rest.n > 0) {
        size_t used = 0;
        if (s->skipping) {
            s->skipping = lc_line_skip(rest, &used) == LC_EMORE;
            rest = lc_slice_from(rest, used);
            continue;
        }
        lc_err e = lc_line_next(rest, s->limit, &s->scanned, &line, &used);
        if (e == LC_EMORE)
            break;
        if (e == LC_ELIMIT) {
            say(said, "cut ");
            s->skipping = true;
        } else {
            assert_lc_ok(e);
        }
        say_line(s, line, said);
        rest = lc_slice_from(rest, used);
    }
    return in.n - rest.n;
}

static size_t feed_frames(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct lc_test_session *s = arg;
    struct lc_slice rest = in, message;
    while (rest.n > 0 && !s->broken) {
        size_t used = 0;
        if (s->skip > 0) {
            used = s->skip < rest.n ? s->skip : rest.n;
            s->skip -= used;
            rest = lc_slice_from(rest, used);
            continue;
        }
        lc_err e = lc_syslog_frame(rest, s->limit, &message, &used, &s->skip);
        if (e == LC_EMORE)
            break;
        if (e == LC_ELIMIT) {
            assert_lc_ok(lc_dynbuf_printf(said, "%zu octets are too long", s->skip));
        } else if (e == LC_OK) {
            say_syslog(s, message, said);
        } else {
            assert_lc_err(e, LC_ESYNTAX);
            say(said, "broken");
            s->broken = true;
        }
        say(said, "\n");
        rest = lc_slice_from(rest, used);
    }
    return in.n - rest.n;
}

static void end(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    struct lc_test_session *s = arg;
    if (rest.n == 0 || s->broken)
        return;
    say(said, "left");
    lc_test_say(said, "octets", rest);
}

const struct lc_test_codec lc_test_lines = {.begin = begin, .feed = feed_lines, .end = end};
const struct lc_test_codec lc_test_frames = {.begin = begin, .feed = feed_frames, .end = end};
