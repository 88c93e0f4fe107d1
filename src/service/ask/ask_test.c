/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/ask_test.c - questions and tails against a real server and a real store.
 */
#include "service/test_server.h"

#include <sys/socket.h>

struct world {
    struct lc_test_server server;
    struct lc_test_client logs, query;
};

static void begin(struct world *w)
{
    lc_test_server_init(&w->server);
    w->server.config.log_level = LC_LEVEL_EMERG; /* its own records would be found as well */
    lc_test_server_start(&w->server);
    lc_test_connect(&w->logs, &w->server, LC_SERVICE_LOGS, "127.");
    lc_test_connect(&w->query, &w->server, LC_SERVICE_QUERY, "127.");
}

static void end(struct world *w)
{
    lc_test_disconnect(&w->logs);
    lc_test_disconnect(&w->query);
    lc_test_server_done(&w->server);
}

/* Stores v2 lines and waits until all of them are acknowledged. Returns the last id. */
static unsigned long long store(struct world *w, const char *lines)
{
    unsigned long long id = 0;
    lc_test_send(&w->logs, lines);
    for (const char *p = lines; (p = strchr(p, '\n')) != NULL; p++) {
        const char *answer = lc_test_line(&w->logs);
        if (answer == NULL || sscanf(answer, "OK|%llu", &id) != 1)
            fail_msg("%s", answer ? answer : "closed");
    }
    return id;
}

static void the_seeds_dialogue(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    lc_test_send(&w.logs, "LOG:1640995300:ERROR:Database connection failed\n"
                          "LOG:1640995301:ERROR:File not found\nLOG:1640995200:INFO:fine\n");
    lc_test_expect(&w.logs, "ACK\nACK\nACK\n");
    lc_test_send(&w.query, "QUERY:ERROR\n");
    lc_test_expect(&w.query, "RESULT:2\nLOG:1640995300:ERROR:Database connection failed\n"
                             "LOG:1640995301:ERROR:File not found\nEND\n");
    lc_test_expect_end(&w.query);
    lc_test_disconnect(&w.query);
    lc_test_connect(&w.query, &w.server, LC_SERVICE_QUERY, "127.");
    lc_test_send(&w.query, "nothing that is known\n");
    lc_test_expect(&w.query, "ERROR:Invalid query format\n");
    lc_test_expect_end(&w.query);
    end(&w);
}

static void each_type_answers(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char expected[512];
    begin(&w);
    unsigned long long a = store(&w, "LOG|INFO|1640995200|one\n");
    unsigned long long b = store(&w, "LOG|ERROR|1640995201.5|two | three\n");
    unsigned long long c = store(&w, "LOG|CRIT|1640995202|four\n");

    snprintf(expected, sizeof expected, "RESULT|1\n%llu|ERROR|1640995201.5|two | three\nEND\n", b);
    lc_test_send(&w.query, "QUERY|KEYWORD|TWO\n");
    lc_test_expect(&w.query, expected);
    snprintf(expected, sizeof expected,
             "RESULT|2\n%llu|ERROR|1640995201.5|two | three\n%llu|CRIT|1640995202|four\nEND\n", b,
             c);
    lc_test_send(&w.query, "QUERY|LEVEL|error\nQUERY|LAST|2\nQUERY|TIME|1640995201,1640995300\n");
    lc_test_expect(&w.query, expected);
    lc_test_expect(&w.query, expected);
    lc_test_expect(&w.query, expected);
    lc_test_send(&w.query, "QUERY|SOURCE|nowhere\nQUERY|COUNT|*\nQUERY|COUNT|\n");
    lc_test_expect(&w.query, "RESULT|0\nEND\nRESULT|1\n3\nEND\nRESULT|1\n3\nEND\n");
    snprintf(expected, sizeof expected, "RESULT|*\n%llu|INFO|1640995200|one\nEND|1\n", a);
    lc_test_send(&w.query, "QUERY|QL|one | limit 5\n");
    lc_test_expect(&w.query, expected);
    lc_test_send(&w.query, "QUERY|QL|one | stats by (level) count() as n\n");
    lc_test_expect(&w.query, "RESULT|*\nlevel=INFO|n=1\nEND|1\n");
    lc_test_send(&w.query, "ROWS|json\nQUERY|QL|one | stats by (level) count() as n\n");
    lc_test_expect(&w.query, "OK\nRESULT|*\n{\"level\":\"INFO\",\"n\":\"1\"}\nEND|1\n");
    end(&w);
}

static void what_cannot_be_asked_is_said(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    lc_test_send(&w.query, "QUERY|QL|(a\nPING\n");
    const char *line = lc_test_line(&w.query);
    assert_non_null(line);
    if (strncmp(line, "ERROR|column ", 13) != 0)
        fail_msg("%s", line);
    lc_test_expect(&w.query, "PONG\n");
    lc_test_send(&w.query, "QUERY|TAIL|a | limit 5\nLOG|INFO||x\n");
    lc_test_expect(&w.query, "ERROR|a tail takes a filter only, no pipes\n");
    line = lc_test_line(&w.query);
    assert_non_null(line);
    assert_memory_equal(line, "ERROR|here queries are answered", 31);

    lc_test_send(&w.logs, "QUERY:x\nQUERY|COUNT|x\nSTATS\n");
    for (unsigned i = 0; i < 3; i++) {
        line = lc_test_line(&w.logs);
        assert_non_null(line);
        assert_memory_equal(line, i == 0 ? "ERROR:here logs" : "ERROR|here logs", 15);
    }
    end(&w);
}

static void figures_are_told(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    store(&w, "LOG|||a\nLOG|||b\n");
    lc_test_send(&w.query, "STATS\nQUERY|STATS|\nPING\n");
    const char *line = lc_test_line(&w.query);
    assert_non_null(line);
    assert_memory_equal(line, "STATS|version=", 14);
    assert_non_null(strstr(line, "|v2=2|"));
    assert_non_null(strstr(line, "|store_committed=2|"));
    assert_non_null(strstr(line, "|workers=2|"));
    unsigned rows;
    line = lc_test_line(&w.query);
    assert_non_null(line);
    assert_int_equal(sscanf(line, "RESULT|%u", &rows), 1);
    for (unsigned i = 0; i < rows; i++)
        assert_non_null(strchr(lc_test_line(&w.query), '='));
    lc_test_expect(&w.query, "END\nPONG\n");
    end(&w);
}

/* A cursor as the server has just sent it. */
static void read_cursor(struct lc_test_client *c, char *cursor, size_t cap)
{
    const char *line = lc_test_line(c);
    if (line == NULL || strncmp(line, "CURSOR|", 7) != 0)
        fail_msg("%s", line ? line : "closed");
    snprintf(cursor, cap, "%s", line + 7);
}

static void begin_tail(struct lc_test_client *c, const char *query, char *cursor, size_t cap)
{
    char request[8192];
    snprintf(request, sizeof request, "QUERY|TAIL|%s\n", query);
    lc_test_send(c, request);
    lc_test_expect(c, "RESULT|*\n");
    read_cursor(c, cursor, cap);
}

static void a_tail_gives_what_is_committed(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char cursor[4096], expected[128];
    begin(&w);
    store(&w, "LOG|||before\n");
    begin_tail(&w.query, "wanted", cursor, sizeof cursor);
    unsigned long long id = store(&w, "LOG|||not this\nLOG|INFO|1640995200|wanted\n");
    snprintf(expected, sizeof expected, "%llu|INFO|1640995200|wanted\n", id);
    lc_test_expect(&w.query, expected);

    /* a line ends it, and is answered; an empty one is nothing */
    lc_test_send(&w.query, "\nPING\n");
    const char *line = lc_test_line(&w.query);
    while (line != NULL && strncmp(line, "CURSOR|", 7) == 0)
        line = lc_test_line(&w.query);
    assert_string_equal(line, "END|1");
    lc_test_expect(&w.query, "PONG\n");
    end(&w);
}

static void a_tail_goes_on_from_its_cursor(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char cursor[4096], again[8192];
    begin(&w);
    begin_tail(&w.query, "*", cursor, sizeof cursor);
    lc_test_disconnect(&w.query);
    store(&w, "LOG|||one\nLOG|||two\n");

    /* also after a restart: what it needs is then read from files */
    lc_test_disconnect(&w.logs);
    lc_test_server_stop(&w.server);
    lc_test_server_start(&w.server);
    lc_test_connect(&w.logs, &w.server, LC_SERVICE_LOGS, "127.");
    lc_test_connect(&w.query, &w.server, LC_SERVICE_QUERY, "127.");
    store(&w, "LOG|||three\n");
    snprintf(again, sizeof again, "%s|*", cursor);
    begin_tail(&w.query, again, cursor, sizeof cursor);
    store(&w, "LOG|||four\n");
    const char *const messages[] = {"one", "two", "three", "four"};
    bool seen[4] = {false};
    for (unsigned n = 0; n < 4;) {
        const char *line = lc_test_line(&w.query);
        assert_non_null(line);
        if (strncmp(line, "CURSOR|", 7) == 0)
            continue;
        for (unsigned i = 0; i < 4; i++)
            if (strcmp(strrchr(line, '|') + 1, messages[i]) == 0) {
                assert_false(seen[i]); /* each exactly once */
                seen[i] = true;
                n++;
            }
    }
    end(&w);
}

enum { MANY = 30000 };

static void store_many(struct world *w)
{
    struct lc_dynbuf lines;
    lc_dynbuf_init(&lines, 64 << 20);
    for (unsigned i = 0; i < MANY; i++)
        assert_lc_ok(lc_dynbuf_printf(&lines, "LOG|INFO|1640995200|record %u %0200u\n", i, i));
    for (size_t at = 0; at < lines.n;) {
        /* in parts, so that the answers are read too */
        size_t n = lines.n - at < 100000 ? lines.n - at : 100000;
        while (lines.p[at + n - 1] != '\n')
            n--;
        lc_test_send_octets(&w->logs, lc_slice(lines.p + at, n));
        for (size_t i = at; i < at + n; i++)
            if (lines.p[i] == '\n')
                assert_memory_equal(lc_test_line(&w->logs), "OK|", 3);
        at += n;
    }
    lc_dynbuf_done(&lines);
}

static void a_slow_client_holds_up_only_itself(void **state)
{
    LC_UNUSED(state);
    enum { SLOW = 4 };
    struct world w;
    struct lc_test_client *slow = test_malloc(SLOW * sizeof *slow);
    lc_test_server_init(&w.server);
    w.server.config.query_threads = 1;
    w.server.config.log_level = LC_LEVEL_EMERG;
    lc_test_server_start(&w.server);
    lc_test_connect(&w.logs, &w.server, LC_SERVICE_LOGS, "127.");
    lc_test_connect(&w.query, &w.server, LC_SERVICE_QUERY, "127.");
    store_many(&w);
    for (unsigned i = 0; i < SLOW; i++) {
        lc_test_connect(&slow[i], &w.server, LC_SERVICE_QUERY, i % 2 ? "unix:" : "127.");
        lc_test_send(&slow[i], "QUERY|KEYWORD|record\nPING\n");
    }
    lc_test_send(&w.query, "QUERY|COUNT|*\n");
    lc_test_expect(&w.query, "RESULT|1\n30000\nEND\n");

    /* one of them goes away in the middle, the others read all of it */
    lc_test_disconnect(&slow[0]);
    for (unsigned i = 1; i < SLOW; i++) {
        lc_test_expect(&slow[i], "RESULT|30000\n");
        for (unsigned n = 0; n < MANY; n++) {
            const char *line = lc_test_line(&slow[i]);
            assert_non_null(line);
            char expected[40];
            snprintf(expected, sizeof expected, "|record %u ", n);
            assert_non_null(strstr(line, expected));
        }
        lc_test_expect(&slow[i], "END\nPONG\n");
    }
    /* and one goes away just before the server stops */
    lc_test_send(&slow[1], "QUERY|KEYWORD|record\n");
    for (unsigned i = 1; i < SLOW; i++)
        lc_test_disconnect(&slow[i]);
    test_free(slow);
    end(&w);
}

/* The client reads nothing until all is stored, far more than what fits on the way. */
static void a_slow_tail_skips_nothing(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char cursor[4096];
    begin(&w);
    begin_tail(&w.query, "record", cursor, sizeof cursor);
    store_many(&w);
    for (unsigned n = 0; n < MANY;) {
        const char *line = lc_test_line(&w.query);
        assert_non_null(line);
        if (strncmp(line, "CURSOR|", 7) == 0)
            continue;
        char expected[40];
        snprintf(expected, sizeof expected, "|record %u ", n);
        assert_non_null(strstr(line, expected));
        n++;
    }
    end(&w);
}

/* `echo QUERY... | nc -N`: the peer's end comes before the answer. */
static void a_peer_that_has_ended_gets_its_answers(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    store(&w, "LOG|||a\n");
    lc_test_send(&w.query, "QUERY|COUNT|*\nQUERY|COUNT|b\nPING");
    lc_test_shutdown(&w.query);
    lc_test_expect(&w.query, "RESULT|1\n1\nEND\nRESULT|1\n0\nEND\nPONG\n");
    lc_test_expect_end(&w.query);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_dialogue),
        cmocka_unit_test(each_type_answers),
        cmocka_unit_test(what_cannot_be_asked_is_said),
        cmocka_unit_test(figures_are_told),
        cmocka_unit_test(a_tail_gives_what_is_committed),
        cmocka_unit_test(a_tail_goes_on_from_its_cursor),
        cmocka_unit_test(a_slow_client_holds_up_only_itself),
        cmocka_unit_test(a_slow_tail_skips_nothing),
        cmocka_unit_test(a_peer_that_has_ended_gets_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
