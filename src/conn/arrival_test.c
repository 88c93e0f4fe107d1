/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/arrival_test.c - lines and datagrams made into records, and what other protocols are told.
 */
#include "base/test.h"

#include "conn/dgram.h"
#include "conn/refuse.h"

#define RECEIVED_NS (INT64_C(1800000000) * LC_NS_PER_S)

static struct lc_time no_time(void *state)
{
    LC_UNUSED(state);
    return (struct lc_time){0};
}

static int64_t fixed_wall(void *state)
{
    LC_UNUSED(state);
    return RECEIVED_NS;
}

static const struct lc_clock fixed_clock = {.monotonic = no_time, .wall_ns = fixed_wall};

struct world {
    struct lc_conn_counters counters;
    struct lc_arrival_context ctx;
    struct lc_dynbuf said; /* `<kind>:<level>:<message>` and a line's end, for each record */
    unsigned room;         /* records that still fit */
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->ctx.clock = &fixed_clock;
    w->ctx.counters = &w->counters;
    w->ctx.detect_level = true;
    w->room = 1000;
    lc_dynbuf_init(&w->said, 1 << 20);
    lc_arrival_now(&w->ctx);
}

static void end(struct world *w)
{
    lc_dynbuf_done(&w->said);
}

static void level_of(const char *line, enum lc_level expected)
{
    if (lc_arrival_level(lc_slice_cstr(line)) != expected)
        fail_msg("%s: %d", line, lc_arrival_level(lc_slice_cstr(line)));
}

static void a_plain_line_may_name_its_level(void **state)
{
    LC_UNUSED(state);
    level_of("ERROR disk is full", LC_LEVEL_ERROR);
    level_of("2026-11-20 18:00:00,123 WARN [main] slow", LC_LEVEL_WARN);
    level_of("2026/11/20 18:00:00 [error] 812#0: *1 open() failed", LC_LEVEL_ERROR);
    level_of("level=warning msg=\"no\"", LC_LEVEL_WARN);
    level_of("warning: unused variable", LC_LEVEL_WARN);
    level_of("Fatal: cannot go on", LC_LEVEL_CRIT);
    level_of("[\xEC\x98\xA4\xEB\xA5\x98] ERROR \xEC\x8B\xA4\xED\x8C\xA8", LC_LEVEL_ERROR);

    /* words of a sentence, parts of names, single letters, and what stands too far behind */
    level_of("no error was found", LC_LEVEL_NONE);
    level_of("an information desk", LC_LEVEL_NONE);
    level_of("ERROR_CODE 7", LC_LEVEL_NONE);
    level_of("my-ERROR-thing", LC_LEVEL_NONE);
    level_of("TERROR", LC_LEVEL_NONE);
    level_of("I am E", LC_LEVEL_NONE);
    level_of("0123456789012345678901234567890123456789012345678901234567890123 ERROR",
             LC_LEVEL_NONE);
    level_of("", LC_LEVEL_NONE);
}

static void what_was_decoded_is_said(void **state)
{
    LC_UNUSED(state);
    struct world w;
    struct lc_arrival a;
    const struct lc_whence here = {LC_LIT("here:1"), LC_LIT("shop")};
    const char *reason = NULL;
    begin(&w);

    assert_lc_ok(lc_arrival_decode(&w.ctx, LC_LINE_V1, LC_LIT("LOG:1640995200:INFO:Server started"),
                                   &here, &a, &reason));
    assert_slice(a.record.message, "Server started");
    assert_int_equal(a.record.level, LC_LEVEL_INFO);
    assert_true(a.record.time_ns == INT64_C(1640995200) * LC_NS_PER_S);
    assert_true(a.record.received_ns == RECEIVED_NS);
    assert_slice(a.record.source, "here:1");
    assert_slice(a.record.stream.space, "shop");

    assert_lc_ok(lc_arrival_decode(&w.ctx, LC_LINE_V2, LC_LIT("LOG|LOUD||x"), &here, &a, &reason));
    assert_slice(a.unplaced.level_text, "LOUD");
    assert_true(a.record.time_ns == LC_TIME_ABSENT);

    assert_lc_err(lc_arrival_decode(&w.ctx, LC_LINE_V2, LC_LIT("LOG|nothing"), &here, &a, &reason),
                  LC_ESYNTAX);
    assert_non_null(reason);

    assert_lc_ok(lc_arrival_decode(&w.ctx, LC_LINE_SYSLOG, LC_LIT("<34>1 - web su - - - no"), &here,
                                   &a, &reason));
    assert_int_equal(a.kind, LC_ARRIVAL_SYSLOG);
    assert_slice(a.record.stream.host, "web");

    /* not a valid PRI: a line like any other */
    assert_lc_ok(
        lc_arrival_decode(&w.ctx, LC_LINE_SYSLOG, LC_LIT("<999>ERROR"), &here, &a, &reason));
    assert_int_equal(a.kind, LC_ARRIVAL_PLAIN);
    assert_slice(a.record.message, "<999>ERROR");
    end(&w);
}

static lc_err record(void *user, const struct lc_arrival *a)
{
    struct world *w = user;
    if (w->room == 0)
        return LC_EWAIT;
    w->room--;
    struct lc_slice level = lc_level_name(a->record.level);
    return lc_dynbuf_printf(&w->said, "%d:%.*s:%.*s%s\n", (int)a->kind, (int)level.n, level.p,
                            (int)a->record.message.n, a->record.message.p,
                            a->truncated ? "..." : "");
}

static size_t take(struct world *w, struct lc_slice data, bool truncated)
{
    const struct lc_datagram_rules rules = {
        .arrivals = &w->ctx, .line_max = 24, .record = record, .user = w};
    return lc_datagram_take(&rules, data, LC_LIT("there:2"), truncated);
}

static void a_datagram_is_lines_or_one_syslog_message(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    struct lc_slice data = LC_LIT("LOG:5:WARN:a\r\n\nPING\nQUERY:x\nLOG|bad\nERROR last");
    assert_int_equal(take(&w, data, false), data.n);
    assert_slice(lc_dynbuf_slice(&w.said), "1:WARN:a\n0:ERROR:ERROR last\n");
    assert_int_equal(lc_counted(&w.counters.empty), 1);
    assert_int_equal(lc_counted(&w.counters.not_granted), 2);
    assert_int_equal(lc_counted(&w.counters.malformed), 1);
    assert_int_equal(lc_counted(&w.counters.v1), 1);
    assert_int_equal(lc_counted(&w.counters.plain), 1);

    lc_dynbuf_consume(&w.said, w.said.n);
    data = LC_LIT("<14>1 - - - - - - a\nb\n");
    assert_int_equal(take(&w, data, false), data.n);
    assert_slice(lc_dynbuf_slice(&w.said), "3:INFO:a\nb\n");
    end(&w);
}

static void a_datagram_may_hold_several_syslog_messages(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    struct lc_slice data =
        LC_LIT("\xEF\xBB\xBF<14>1 - - - - - - a\nb\n<14>x: c\r\n<999>\n<11>x: d\0");
    assert_int_equal(take(&w, data, false), data.n);
    assert_slice(lc_dynbuf_slice(&w.said), "3:INFO:a\nb\n3:INFO:c\r\n<999>\n3:ERROR:d\n");
    assert_int_equal(lc_counted(&w.counters.datagrams_syslog), 1);
    assert_int_equal(lc_counted(&w.counters.syslog), 3);

    /* each of them may find no room */
    lc_dynbuf_consume(&w.said, w.said.n);
    data = LC_LIT("<14>x: a\n<14>x: b\n<14>x: c");
    size_t done = 0;
    for (w.room = 0; done < data.n; w.room = 1)
        done += take(&w, lc_slice_from(data, done), false);
    assert_slice(lc_dynbuf_slice(&w.said), "3:INFO:a\n3:INFO:b\n3:INFO:c\n");
    assert_int_equal(lc_counted(&w.counters.datagrams_syslog), 2);
    end(&w);
}

static void what_is_too_long_is_cut_and_says_so(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    take(&w, LC_LIT("012345678901234567890123456789\nshort"), true);
    assert_slice(lc_dynbuf_slice(&w.said), "0::012345678901234567890123...\n0::short...\n");
    assert_int_equal(lc_counted(&w.counters.truncated), 2);
    end(&w);
}

static void what_finds_no_room_comes_again(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    w.room = 1;
    struct lc_slice data = LC_LIT("one\ntwo\nthree");
    size_t done = take(&w, data, false);
    assert_int_equal(done, 4);
    assert_int_equal(take(&w, lc_slice_from(data, done), false), 0);
    assert_int_equal(lc_counted(&w.counters.plain), 1); /* what comes again is counted once */
    w.room = 2;
    assert_int_equal(take(&w, lc_slice_from(data, done), false), data.n - done);
    assert_slice(lc_dynbuf_slice(&w.said), "0::one\n0::two\n0::three\n");
    end(&w);
}

static void refused(enum lc_protocol p, struct lc_slice expected)
{
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1000);
    assert_lc_ok(lc_refuse(p, "not here", &out));
    assert_slice_eq(lc_dynbuf_slice(&out), expected);
    lc_dynbuf_done(&out);
}

static void every_protocol_is_refused_in_its_own_language(void **state)
{
    LC_UNUSED(state);
    refused(LC_PROTO_HTTP1, LC_LIT("HTTP/1.1 403 Forbidden\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Length: 9\r\nConnection: close\r\n\r\nnot here\n"));
    refused(LC_PROTO_HTTP2, LC_LIT("\0\0\0\4\0\0\0\0\0"
                                   "\0\0\20\7\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\15not here"));
    refused(LC_PROTO_IRC, LC_LIT("ERROR :not here\r\n"));
    refused(LC_PROTO_TLS, LC_LIT("\25\3\1\0\2\2\50"));
    refused(LC_PROTO_FRAMES, LC_LIT("\0\0\0\16ERROR:not here"));
    refused(LC_PROTO_BINARY_V1, LC_LIT("\1\200\0\11\0\0\0\0\2not here"));
    refused(LC_PROTO_BINARY_V2,
            LC_LIT("\x02\xFF\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\x11\xF5\xDC#\x05not here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_line_may_name_its_level),
        cmocka_unit_test(what_was_decoded_is_said),
        cmocka_unit_test(a_datagram_is_lines_or_one_syslog_message),
        cmocka_unit_test(a_datagram_may_hold_several_syslog_messages),
        cmocka_unit_test(what_is_too_long_is_cut_and_says_so),
        cmocka_unit_test(what_finds_no_room_comes_again),
        cmocka_unit_test(every_protocol_is_refused_in_its_own_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
