/* SPDX-License-Identifier: Apache-2.0
 *
 * service/log_test.c - the server's own log: as text, as records, from many threads, and bounded.
 */
#include "base/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/log.h"

#define NOW_NS (INT64_C(1795200000) * LC_NS_PER_S + 123 * LC_NS_PER_MS)

static struct lc_time set_monotonic(void *state)
{
    return (struct lc_time){*(const int64_t *)state};
}

static int64_t set_wall(void *state)
{
    LC_UNUSED(state);
    return NOW_NS;
}

struct world {
    int64_t monotonic_ns;
    struct lc_clock clock;
    struct lc_log *log;
    int fds[2];
    unsigned notified;
};

static void begin(struct world *w, enum lc_level level)
{
    *w = (struct world){.monotonic_ns = 1000 * LC_NS_PER_S};
    w->clock = (struct lc_clock){
        .monotonic = set_monotonic, .wall_ns = set_wall, .state = &w->monotonic_ns};
    assert_int_equal(pipe(w->fds), 0);
    const struct lc_log_config config = {.clock = &w->clock, .level = level, .fd = w->fds[1]};
    assert_lc_ok(lc_log_open(&config, &w->log));
}

/* Closes the log and compares all that it has written. */
static void end(struct world *w, const char *expected)
{
    char text[65536];
    lc_log_close(w->log);
    close(w->fds[1]);
    size_t n = 0;
    ssize_t k;
    while ((k = read(w->fds[0], text + n, sizeof text - n)) > 0)
        n += (size_t)k;
    close(w->fds[0]);
    assert_slice(lc_slice(text, n), expected);
}

static void notify(void *arg)
{
    struct world *w = arg;
    w->notified++;
}

static void an_event_is_one_line(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_LEVEL_INFO);
    lc_log(w.log, LC_LEVEL_WARN, "test.happened", LC_LOG_TEXT("peer", "[::1]:9"),
           LC_LOG_U64("count", 7), LC_LOG_ERR("cause", LC_EFULL), LC_LOG_TEXT("empty", ""),
           LC_LOG_TEXT("odd", "a\n\033[31m=\"b\""));
    lc_log(w.log, LC_LEVEL_DEBUG, "test.unseen", LC_LOG_U64("n", 1));
    end(&w, "2026-11-20T18:40:00.123Z WARN   test.happened peer=[::1]:9 count=7 "
            "cause=\"log storage full\" empty=\"\" odd=\"a\\n\\u001b[31m=\\\"b\\\"\"\n");
}

static void json_is_one_line(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_LEVEL_INFO);
    lc_log_close(w.log);
    const struct lc_log_config config = {
        .clock = &w.clock, .fd = w.fds[1], .format = LC_LOG_FORMAT_JSON};
    assert_lc_ok(lc_log_open(&config, &w.log));
    lc_log(w.log, LC_LEVEL_WARN, "test.happened", LC_LOG_TEXT("peer", "[::1]:9"),
           LC_LOG_U64("count", 7), LC_LOG_TEXT("odd", "a\n\"b\""));
    end(&w, "{\"_time\":\"2026-11-20T18:40:00.123Z\",\"level\":\"WARN\",\"app\":\"logcaster\","
            "\"_msg\":\"test.happened\",\"peer\":\"[::1]:9\",\"count\":7,"
            "\"odd\":\"a\\n\\\"b\\\"\"}\n");
}

/* A stand-in for the journal; what it does not take is written as text. */
static void the_journal_gets_fields(void **state)
{
    LC_UNUSED(state);
    struct world w;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/lc-log-XXXXXX", got[4096];
    assert_non_null(mkdtemp(dir));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", dir);
    int journal = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(journal, (struct sockaddr *)&un, sizeof un), 0);

    begin(&w, LC_LEVEL_INFO);
    lc_log_close(w.log);
    const struct lc_log_config config = {.clock = &w.clock,
                                         .fd = w.fds[1],
                                         .format = LC_LOG_FORMAT_JOURNALD,
                                         .journal = un.sun_path};
    assert_lc_ok(lc_log_open(&config, &w.log));
    lc_log(w.log, LC_LEVEL_ERROR, "test.happened", LC_LOG_TEXT("odd-name", "a\nb"),
           LC_LOG_U64("count", 7));
    static const char expected[] = "PRIORITY=3\nSYSLOG_IDENTIFIER=logcaster\n"
                                   "MESSAGE=test.happened odd-name=\"a\\nb\" count=7\n"
                                   "LOGCASTER_EVENT=test.happened\n"
                                   "LOGCASTER_ODD_NAME\n\3\0\0\0\0\0\0\0a\nb\n"
                                   "LOGCASTER_COUNT=7\n";
    ssize_t n = recv(journal, got, sizeof got, 0);
    assert_true(n > 0);
    assert_slice_eq(lc_slice(got, (size_t)n), lc_slice(expected, sizeof expected - 1));
    close(journal);
    lc_log(w.log, LC_LEVEL_INFO, "test.alone", LC_LOG_U64("n", 1));
    end(&w, "2026-11-20T18:40:00.123Z INFO   test.alone n=1\n");
    unlink(un.sun_path);
    rmdir(dir);
}

static void auto_asks_what_stderr_is(void **state)
{
    LC_UNUSED(state);
    struct world w;
    struct stat st;
    char stream[64];
    begin(&w, LC_LEVEL_INFO);
    lc_log_close(w.log);
    assert_int_equal(fstat(w.fds[1], &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    /* it is the journal, but the journal's socket is not there */
    const struct lc_log_config config = {
        .clock = &w.clock, .fd = w.fds[1], .journal = "/nonexistent/socket"};
    assert_lc_ok(lc_log_open(&config, &w.log));
    lc_log(w.log, LC_LEVEL_INFO, "test.alone", LC_LOG_U64("n", 1));
    unsetenv("JOURNAL_STREAM");
    end(&w, "2026-11-20T18:40:00.123Z INFO   test.alone n=1\n");
}

static void the_level_can_change(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_LEVEL_ERROR);
    lc_log(w.log, LC_LEVEL_INFO, "test.unseen", LC_LOG_U64("n", 1));
    lc_log_set_level(w.log, LC_LEVEL_DEBUG);
    lc_log(w.log, LC_LEVEL_DEBUG, "test.seen", LC_LOG_U64("n", 2));
    end(&w, "2026-11-20T18:40:00.123Z DEBUG  test.seen n=2\n");
}

static void tell_often(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        lc_log(w->log, LC_LEVEL_INFO, "test.often", LC_LOG_U64("i", i));
}

static void one_place_cannot_flood(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w, LC_LEVEL_INFO);
    tell_often(&w, LC_LOG_BURST + 5);
    lc_log(w.log, LC_LEVEL_INFO, "test.other", LC_LOG_U64("i", 0)); /* another place may speak */
    w.monotonic_ns += LC_LOG_WINDOW_S * LC_NS_PER_S;
    tell_often(&w, 1);
    tell_often(&w, 1);

    struct lc_dynbuf expected;
    lc_dynbuf_init(&expected, 65536);
    for (unsigned i = 0; i < LC_LOG_BURST; i++)
        assert_lc_ok(
            lc_dynbuf_printf(&expected, "2026-11-20T18:40:00.123Z INFO   test.often i=%u\n", i));
    assert_lc_ok(lc_dynbuf_printf(&expected,
                                  "2026-11-20T18:40:00.123Z INFO   test.other i=0\n"
                                  "2026-11-20T18:40:00.123Z INFO   test.often i=0 suppressed=5\n"
                                  "2026-11-20T18:40:00.123Z INFO   test.often i=0\n%c",
                                  0));
    end(&w, (const char *)expected.p);
    lc_dynbuf_done(&expected);
}

static void an_event_is_a_record(void **state)
{
    LC_UNUSED(state);
    struct world w;
    struct lc_record r;
    begin(&w, LC_LEVEL_INFO);
    lc_log_taker(w.log, notify, &w);
    assert_false(lc_log_take(w.log, &r));
    lc_log_taken(w.log);
    lc_log(w.log, LC_LEVEL_ERROR, "test.stored", LC_LOG_TEXT("who", "me and you"),
           LC_LOG_U64("n", 18446744073709551615u));
    assert_int_equal(w.notified, 1);

    assert_true(lc_log_take(w.log, &r));
    assert_slice(r.stream.app, "logcaster");
    assert_slice(r.message, "test.stored");
    assert_int_equal(r.level, LC_LEVEL_ERROR);
    assert_true(r.time_ns == NOW_NS && r.received_ns == NOW_NS);
    assert_int_equal(r.field_count, 2);
    assert_slice(r.fields[0].name, "who");
    assert_slice(r.fields[0].value, "me and you");
    assert_int_equal(r.fields[0].type, LC_FIELD_STRING);
    assert_slice(r.fields[1].name, "n");
    assert_int_equal(r.fields[1].type, LC_FIELD_INT);

    /* what happens while it is stored is not stored in turn, but what happens later is */
    lc_log(w.log, LC_LEVEL_ERROR, "test.caused", LC_LOG_U64("n", 1));
    assert_int_equal(w.notified, 1);
    assert_false(lc_log_take(w.log, &r));
    lc_log_taken(w.log);
    lc_log(w.log, LC_LEVEL_ERROR, "test.later", LC_LOG_U64("n", 1));
    assert_true(lc_log_take(w.log, &r));
    assert_slice(r.message, "test.later");
    lc_log_taken(w.log);
    end(&w,
        "2026-11-20T18:40:00.123Z ERROR  test.stored who=\"me and you\" n=18446744073709551615\n"
        "2026-11-20T18:40:00.123Z ERROR  test.caused n=1\n"
        "2026-11-20T18:40:00.123Z ERROR  test.later n=1\n");
}

enum { TELLERS = 4, EVENTS = 200 };

static void *tell_all(void *arg)
{
    struct lc_log *log = arg;
    /* a call site of its own each time: its limit is not what is tested here */
    for (unsigned i = 0; i < EVENTS; i++) {
        struct lc_log_site site = {0};
        const struct lc_log_field field = LC_LOG_U64("i", i);
        lc_log_tell(&site, log, LC_LEVEL_INFO, "test.thread", &field, 1);
    }
    return NULL;
}

/* Nobody takes: what doesn't fit is counted, and nobody waits. */
static void what_finds_no_room_is_counted(void **state)
{
    LC_UNUSED(state);
    struct lc_log *log;
    struct lc_record r;
    struct world w = {0};
    const struct lc_log_config config = {
        .clock = &lc_clock_system, .level = LC_LEVEL_INFO, .fd = -1};
    assert_lc_ok(lc_log_open(&config, &log));
    w.log = log;
    lc_log_taker(log, notify, &w);

    pthread_t threads[TELLERS];
    for (unsigned i = 0; i < TELLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tell_all, log), 0);
    for (unsigned i = 0; i < TELLERS; i++)
        pthread_join(threads[i], NULL);
    unsigned taken = 0;
    while (lc_log_take(log, &r))
        taken++;
    lc_log_taken(log);
    assert_int_equal(taken, LC_LOG_QUEUE);

    struct lc_log_site site = {0};
    const struct lc_log_field field = LC_LOG_U64("i", 1);
    lc_log_tell(&site, log, LC_LEVEL_INFO, "test.after", &field, 1);
    assert_true(lc_log_take(log, &r));
    assert_slice(r.message, "test.after");
    assert_true(lc_log_take(log, &r));
    char expected[64];
    snprintf(expected, sizeof expected, "%d", TELLERS * EVENTS - LC_LOG_QUEUE);
    assert_slice(r.message, "log.lost");
    assert_slice(r.fields[0].name, "events");
    assert_slice(r.fields[0].value, expected);
    lc_log_taken(log);
    lc_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line),    cmocka_unit_test(json_is_one_line),
        cmocka_unit_test(the_journal_gets_fields), cmocka_unit_test(auto_asks_what_stderr_is),
        cmocka_unit_test(the_level_can_change),    cmocka_unit_test(one_place_cannot_flood),
        cmocka_unit_test(an_event_is_a_record),    cmocka_unit_test(what_finds_no_room_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
