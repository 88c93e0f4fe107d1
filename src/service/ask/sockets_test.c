/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/sockets_test.c - the list of a server's sockets: all of them once, with what was said
 * and what was set; for several askers, and for those who leave.
 */
#include "service/test_server.h"

#include <stdlib.h>

#define CROWD 200

struct world {
    struct lc_test_server server;
    struct lc_test_client query;
};

/* Zeroed by calloc(): clients have large buffers. */
static struct world *begin(void)
{
    static const char *const options[] = {"TCP_CONGESTION=reno", "SO_RCVBUF=64K", "backlog=9",
                                          "TCP_QUICKACK=on"};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    lc_test_server_init(&w->server);
    for (size_t i = 0; i < LC_ARRAY_LEN(options); i++)
        w->server.config.service[LC_SERVICE_LOGS].socket.items[i] = options[i];
    w->server.config.service[LC_SERVICE_LOGS].socket.count = LC_ARRAY_LEN(options);
    lc_test_server_start(&w->server);
    lc_test_connect(&w->query, &w->server, LC_SERVICE_QUERY, "127.");
    return w;
}

static void end(struct world *w)
{
    lc_test_disconnect(&w->query);
    lc_test_server_done(&w->server);
    free(w);
}

struct seen {
    unsigned rows, listeners, logs_tcp, logs_unix, query;
};

static void assert_has(const char *row, const char *part)
{
    if (strstr(row, part) == NULL)
        fail_msg("no %s in %s", part, row);
}

static void look_at_logs(const char *row)
{
    assert_has(row, "|transport=tcp|local=127.0.0.1:");
    assert_has(row, "|peer=127.0.0.1:");
    assert_has(row, "|protocol=lines|");
    assert_has(row, "|received=5|sent=5|queued=0|");
    assert_has(row, "|state=ESTABLISHED|rtt_us=");
    assert_has(row, "|TCP_CONGESTION=reno|");
    assert_has(row, "|SO_RCVBUF=128K|");
    assert_has(row, "|TCP_NODELAY=on|");
    assert_has(row, "|SO_KEEPALIVE=on|");
}

static void look_at(const char *row, struct seen *seen)
{
    seen->rows++;
    assert_int_equal(strncmp(row, "worker=", 7), 0);
    if (strstr(row, "|kind=listener|transport=tcp|") != NULL) {
        seen->listeners++;
        assert_has(row, "|state=LISTEN|waiting=");
        if (strstr(row, "|service=logs|") != NULL)
            assert_has(row, "|backlog=9|");
    }
    if (strstr(row, "|service=logs|kind=connection|transport=unix|") != NULL)
        seen->logs_unix++;
    if (strstr(row, "|service=logs|kind=connection|transport=tcp|") != NULL) {
        seen->logs_tcp++;
        look_at_logs(row);
    }
    if (strstr(row, "|service=query|kind=connection|") != NULL)
        seen->query++;
    if (strstr(row, "|kind=datagrams|transport=udp|") != NULL)
        assert_has(row, "|drops=0|");
}

static struct seen read_rows(struct lc_test_client *c)
{
    struct seen seen = {0};
    const char *line;
    char expected[32];
    lc_test_expect(c, "RESULT|*\n");
    while ((line = lc_test_line(c)) != NULL && strncmp(line, "END|", 4) != 0)
        look_at(line, &seen);
    assert_non_null(line);
    snprintf(expected, sizeof expected, "END|%u", seen.rows);
    assert_string_equal(line, expected);
    return seen;
}

static void ping(struct lc_test_client *c)
{
    lc_test_send(c, "PING\n");
    lc_test_expect(c, "PONG\n");
}

/* More than one batch on each worker. */
static void all_are_listed(void **state)
{
    LC_UNUSED(state);
    struct world *w = begin();
    struct lc_test_client *crowd = calloc(CROWD, sizeof *crowd);
    assert_non_null(crowd);
    for (size_t i = 0; i < CROWD; i++) {
        lc_test_connect(&crowd[i], &w->server, LC_SERVICE_LOGS, i % 4 == 0 ? "unix:" : "127.");
        ping(&crowd[i]);
    }
    for (unsigned round = 0; round < 2; round++) {
        lc_test_send(&w->query, "QUERY|SOCKETS|\n");
        struct seen seen = read_rows(&w->query);
        assert_int_equal(seen.logs_tcp, CROWD - CROWD / 4);
        assert_int_equal(seen.logs_unix, CROWD / 4);
        assert_int_equal(seen.query, 1);
        assert_int_equal(seen.listeners, 4); /* two workers, two services */
    }
    for (size_t i = 0; i < CROWD; i++)
        lc_test_disconnect(&crowd[i]);
    free(crowd);
    end(w);
}

static void as_json(void **state)
{
    LC_UNUSED(state);
    struct world *w = begin();
    lc_test_send(&w->query, "ROWS|json\nQUERY|SOCKETS\nPING\n");
    lc_test_expect(&w->query, "OK\nRESULT|*\n");
    const char *line = lc_test_line(&w->query);
    assert_non_null(line);
    assert_has(line, "{\"worker\":0,\"service\":\"logs\",\"kind\":\"listener\",");
    assert_has(line, ",\"backlog\":9,");
    assert_has(line, ",\"TCP_CONGESTION\":\"reno\",");
    while ((line = lc_test_line(&w->query)) != NULL && strncmp(line, "END|", 4) != 0)
        assert_has(line, "{\"worker\":");
    lc_test_expect(&w->query, "PONG\n");
    end(w);
}

/* Several ask the same moment, some of them go away without reading: the others are answered. */
static void several_askers(void **state)
{
    LC_UNUSED(state);
    struct world *w = begin();
    struct lc_test_client *askers = calloc(12, sizeof *askers);
    assert_non_null(askers);
    for (unsigned round = 0; round < 5; round++) {
        for (size_t i = 0; i < 12; i++) {
            lc_test_connect(&askers[i], &w->server, LC_SERVICE_QUERY, "127.");
            lc_test_send(&askers[i], "QUERY|SOCKETS|\n");
        }
        for (size_t i = 0; i < 12; i += 3)
            lc_test_disconnect(&askers[i]);
        for (size_t i = 0; i < 12; i++) {
            if (i % 3 == 0)
                continue;
            assert_true(read_rows(&askers[i]).query >= 1);
            lc_test_disconnect(&askers[i]);
        }
    }
    free(askers);
    end(w);
}

/* The server is stopped while somebody waits for the list. */
static void stopped_meanwhile(void **state)
{
    LC_UNUSED(state);
    struct world *w = begin();
    lc_test_send(&w->query, "QUERY|SOCKETS|\nQUERY|SOCKETS|\nQUERY|SOCKETS|\n");
    end(w);
}

static void not_where_logs_are_taken(void **state)
{
    LC_UNUSED(state);
    struct world *w = begin();
    struct lc_test_client logs;
    lc_test_connect(&logs, &w->server, LC_SERVICE_LOGS, "127.");
    lc_test_send(&logs, "QUERY|SOCKETS|\n");
    const char *line = lc_test_line(&logs);
    assert_non_null(line);
    assert_has(line, "ERROR|");
    lc_test_disconnect(&logs);
    end(w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_listed),           cmocka_unit_test(as_json),
        cmocka_unit_test(several_askers),           cmocka_unit_test(stopped_meanwhile),
        cmocka_unit_test(not_where_logs_are_taken),
    };
    return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
