/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gates_test.c - policies at the doors of a running server, from several addresses of the
 * loopback network.
 */
#include "service/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "access/policy.h"
#include "net/addr.h"

#define LOGS(t) (&(t)->config.service[LC_SERVICE_LOGS])

static const struct lc_rate no_limit = {.count = 0, .period_ns = 1};

/* A TCP or UDP connection to the logs' address from `source`, which is of 127.0.0.0/8. */
static void connect_from(struct lc_test_client *c, const struct lc_test_server *t, int type,
                         const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    const struct timeval hangs = {.tv_sec = 60};
    const char *text = lc_server_address(t->server, LC_SERVICE_LOGS, 0);

    assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    to.sin_port = htons((uint16_t)strtoul(strchr(text, ':') + 1, NULL, 10));
    *c = (struct lc_test_client){.fd = socket(AF_INET, type | SOCK_CLOEXEC, 0)};
    assert_true(c->fd >= 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &hangs, sizeof hangs), 0);
    assert_int_equal(bind(c->fd, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(c->fd, (const struct sockaddr *)&to, sizeof to), 0);
}

static void expect_pong(struct lc_test_client *c)
{
    lc_test_send(c, "PING\n");
    lc_test_expect(c, "PONG\n");
}

/* Connects, and what is said before anything is asked, if anything; then hangs up. */
static void expect_refusal(const struct lc_test_server *t, const char *source, const char *line)
{
    struct lc_test_client c;

    connect_from(&c, t, SOCK_STREAM, source);
    lc_test_expect(&c, line);
    lc_test_expect_end(&c);
    lc_test_disconnect(&c);
}

static unsigned long wait_for(const struct lc_test_server *t, const char *figure,
                              unsigned long at_least)
{
    unsigned long n;

    while ((n = lc_test_stat(t, figure)) < at_least)
        ;
    return n;
}

/* The server's own log would be among the records. */
static void init(struct lc_test_server *t)
{
    lc_test_server_init(t);
    t->config.log_level = LC_LEVEL_EMERG;
}

static void networks(void **state)
{
    struct lc_test_server t;
    struct lc_test_client c;

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->allow = (struct lc_list){{"127.0.0.0/24, unix"}, 1};
    LOGS(&t)->deny = (struct lc_list){{"127.0.0.9"}, 1};
    lc_test_server_start(&t);
    expect_refusal(&t, "127.0.1.1", "ERROR: your address is not allowed here\n");
    expect_refusal(&t, "127.0.0.9", "ERROR: your address is not allowed here\n");
    connect_from(&c, &t, SOCK_STREAM, "127.0.0.2");
    expect_pong(&c);
    lc_test_disconnect(&c);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "unix:");
    expect_pong(&c);
    lc_test_disconnect(&c);

    connect_from(&c, &t, SOCK_DGRAM, "127.0.0.9");
    lc_test_send(&c, "never this");
    lc_test_disconnect(&c);
    connect_from(&c, &t, SOCK_DGRAM, "127.0.0.8");
    lc_test_send(&c, "but this");
    lc_test_disconnect(&c);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "unixgram:");
    lc_test_send(&c, "and this");
    lc_test_disconnect(&c);
    wait_for(&t, "refused_network", 3);
    wait_for(&t, "store_committed", 2);
    assert_int_equal(lc_test_count(&t, "QUERY|COUNT|this\n"), 2);
    assert_int_equal(lc_test_count(&t, "QUERY|COUNT|never\n"), 0);
    lc_test_server_done(&t);
}

/* Exactly five, whichever worker they come to, and a sixth when one of them is gone. */
static void connections_at_a_time(void **state)
{
    enum { MAX = 5 };
    static const char refusal[] = "ERROR: more than 5 connections at a time from your address\n";
    struct lc_test_server t;
    struct lc_test_client c[MAX], one;
    const char *line;

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->connections_max = MAX;
    lc_test_server_start(&t);
    for (unsigned i = 0; i < MAX; i++) {
        connect_from(&c[i], &t, SOCK_STREAM, "127.0.0.1");
        expect_pong(&c[i]);
    }
    for (unsigned i = 0; i < 20; i++)
        expect_refusal(&t, "127.0.0.1", refusal);
    connect_from(&one, &t, SOCK_STREAM, "127.0.0.2");
    expect_pong(&one);
    lc_test_disconnect(&one);
    assert_int_equal(lc_test_stat(&t, "refused_count"), 20);

    lc_test_disconnect(&c[0]);
    do {
        connect_from(&one, &t, SOCK_STREAM, "127.0.0.1");
        lc_test_send(&one, "PING\n");
        line = lc_test_line(&one);
        if (line == NULL || strcmp(line, "PONG") != 0)
            lc_test_disconnect(&one);
    } while (one.fd < 0);
    expect_refusal(&t, "127.0.0.1", refusal);
    lc_test_disconnect(&one);
    for (unsigned i = 1; i < MAX; i++)
        lc_test_disconnect(&c[i]);
    lc_test_server_done(&t);
}

static void a_proxy_speaks_for_its_clients(void **state)
{
    struct lc_test_server t;
    struct lc_test_client c[4];

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->allow = (struct lc_list){{"192.0.2.0/24"}, 1};
    LOGS(&t)->trust_proxy = (struct lc_list){{"127.0.0.1"}, 1};
    LOGS(&t)->connections_max = 2;
    lc_test_server_start(&t);
    for (unsigned i = 0; i < 4; i++) {
        connect_from(&c[i], &t, SOCK_STREAM, "127.0.0.1");
        lc_test_send(&c[i], i == 3 ? "PROXY TCP4 198.51.100.1 192.0.2.99 1234 9999\r\nPING\n"
                                   : "PROXY TCP4 192.0.2.7 192.0.2.99 1234 9999\r\nPING\n");
        if (i < 2)
            lc_test_expect(&c[i], "PONG\n");
        else
            lc_test_expect_end(&c[i]);
    }
    lc_test_send(&c[0], "LOG|INFO||from afar\n");
    assert_non_null(lc_test_line(&c[0]));
    assert_int_equal(lc_test_count(&t, "QUERY|SOURCE|192.0.2.7\n"), 1);
    assert_int_equal(lc_test_stat(&t, "refused_network"), 1);
    assert_int_equal(lc_test_stat(&t, "refused_count"), 1);
    for (unsigned i = 0; i < 4; i++)
        lc_test_disconnect(&c[i]);
    expect_refusal(&t, "127.0.0.2", "ERROR: your address is not allowed here\n");
    lc_test_server_done(&t);
}

/* So few that none becomes free while the test runs: exactly these are stored. */
static void datagrams_over_the_rate(void **state)
{
    enum { DATAGRAMS = 100, ALLOWED = 50 };
    struct lc_test_server t;
    struct lc_test_client c;

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->records_rate = (struct lc_rate){ALLOWED, 24 * 3600 * LC_NS_PER_S};
    lc_test_server_start(&t);
    connect_from(&c, &t, SOCK_DGRAM, "127.0.0.1");
    for (unsigned i = 0; i < DATAGRAMS; i++)
        lc_test_send(&c, "datagram\ndatagram"); /* two records */
    lc_test_disconnect(&c);
    wait_for(&t, "datagrams", DATAGRAMS);
    assert_int_equal(lc_test_stat(&t, "plain"), 2 * DATAGRAMS);
    assert_int_equal(lc_test_stat(&t, "stored"), ALLOWED);
    assert_int_equal(lc_test_stat(&t, "datagrams_over_rate"), 2 * DATAGRAMS - ALLOWED);
    lc_test_server_done(&t);
}

/* A stream loses nothing. All of it comes at once, so it is slowed. */
static void streams_over_the_rate(void **state)
{
    enum { LINES = 600 };
    struct lc_test_server t;
    struct lc_test_client c;
    char text[5 * LINES + 1];
    const char *line;

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->records_rate = (struct lc_rate){LINES / 3, LC_NS_PER_S};
    lc_test_server_start(&t);
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + 5 * i, "line\n", 6);
    connect_from(&c, &t, SOCK_STREAM, "127.0.0.1");
    lc_test_send(&c, text);
    lc_test_shutdown(&c);
    while ((line = lc_test_line(&c)) != NULL)
        assert_string_equal(line, "ACK");
    lc_test_disconnect(&c);
    assert_true(lc_test_stat(&t, "slowed") > 0);
    assert_int_equal(lc_test_count(&t, "QUERY|COUNT|line\n"), LINES);
    lc_test_server_done(&t);
}

static void rates_of_octets(void **state)
{
    struct lc_test_server t;
    struct lc_test_client c;
    char text[3000];

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->octets_rate = (struct lc_rate){10000, 3 * LC_NS_PER_S};
    lc_test_server_start(&t);
    connect_from(&c, &t, SOCK_STREAM, "127.0.0.1");
    snprintf(text, sizeof text, "LOG|INFO||%02980d\n", 7);
    for (unsigned i = 0; i < 6; i++)
        lc_test_send(&c, text);
    for (unsigned i = 0; i < 6; i++)
        assert_memory_equal(lc_test_line(&c), "OK|", 3);
    lc_test_disconnect(&c);
    assert_true(lc_test_stat(&t, "slowed") > 0);
    lc_test_server_done(&t);
}

static void strict_messages_in_each_protocol(void **state)
{
    static const char frame[] = "\0\0\0\x0e"
                                "LOG|INFO||\033[1m";
    static const char refused_frame[] = "\0\0\0\x29"
                                        "ERROR:the message has a control character";
    struct lc_test_server t;
    struct lc_test_client c;
    char answer[sizeof refused_frame];

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->policy = LC_POLICY_STRICT;
    lc_test_server_start(&t);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "127.");
    lc_test_send(&c, "LOG:1640995200:INFO:\033[1mbold\n");
    lc_test_expect(&c, "ERROR:the message has a control character\n");
    lc_test_send(&c, "LOG|INFO||\n");
    lc_test_expect(&c, "ERROR|the message is empty\n");
    lc_test_send(&c, "bell \a\n");
    lc_test_expect(&c, "ERROR: the message has a control character\n");
    lc_test_send(&c, "<13>root: bell \a\nPING\n"); /* syslog has no answers */
    lc_test_expect(&c, "PONG\n");
    lc_test_send(&c, "a\ttab\n");
    lc_test_expect(&c, "ACK\n");
    lc_test_disconnect(&c);

    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "127.");
    lc_test_send_octets(&c, lc_slice(frame, sizeof frame - 1));
    assert_int_equal(recv(c.fd, answer, sizeof answer - 1, MSG_WAITALL), sizeof answer - 1);
    assert_memory_equal(answer, refused_frame, sizeof answer - 1);
    lc_test_disconnect(&c);

    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "unixgram:");
    lc_test_send(&c, "<13>bell \a");
    lc_test_disconnect(&c);
    wait_for(&t, "refused_messages", 6);
    assert_int_equal(lc_test_count(&t, "QUERY|COUNT|*\n"), 1);
    lc_test_server_done(&t);
}

/* The process of the tests is the server's own user: by the socket it may ask. */
static void strict_questions(void **state)
{
    struct lc_test_server t;
    struct lc_test_client c;

    LC_UNUSED(state);
    init(&t);
    t.config.service[LC_SERVICE_QUERY].policy = LC_POLICY_STRICT;
    t.config.service[LC_SERVICE_QUERY].connections_rate = no_limit;
    lc_test_server_start(&t);
    lc_test_connect(&c, &t, LC_SERVICE_QUERY, "127.");
    assert_memory_equal(lc_test_line(&c), "ERROR|a login is needed", 23);
    lc_test_expect_end(&c);
    lc_test_disconnect(&c);
    lc_test_connect(&c, &t, LC_SERVICE_QUERY, "unix:");
    lc_test_send(&c, "QUERY|COUNT|*\n");
    lc_test_expect(&c, "RESULT|1\n0\nEND\n");
    lc_test_disconnect(&c);
    lc_test_server_done(&t);
}

/* Who is in stays in; who comes is looked at anew. */
static void reloading(void **state)
{
    struct lc_test_server t;
    struct lc_server_config changed;
    struct lc_test_client c;

    LC_UNUSED(state);
    init(&t);
    lc_test_server_start(&t);
    connect_from(&c, &t, SOCK_STREAM, "127.0.0.1");
    expect_pong(&c);
    changed = t.config;
    changed.service[LC_SERVICE_LOGS].deny = (struct lc_list){{"127.0.0.1"}, 1};
    lc_server_reload(t.server, &changed, NULL);
    while (!lc_server_reloaded(t.server))
        ;
    expect_pong(&c);
    expect_refusal(&t, "127.0.0.1", "ERROR: your address is not allowed here\n");
    lc_test_disconnect(&c);
    lc_server_reload(t.server, &t.config, NULL);
    connect_from(&c, &t, SOCK_STREAM, "127.0.0.1");
    expect_pong(&c);
    lc_test_disconnect(&c);
    while (!lc_server_reloaded(t.server))
        ;
    lc_test_server_done(&t);
}

static void a_bad_list_keeps_the_server_from_starting(void **state)
{
    struct lc_test_server t;
    struct lc_diag diag = {.column = 0};

    LC_UNUSED(state);
    init(&t);
    LOGS(&t)->deny = (struct lc_list){{"10.0.0.1/8"}, 1};
    assert_lc_err(lc_server_start(&t.config, &t.server, &diag), LC_ESYNTAX);
    assert_string_equal(diag.text,
                        "who may come to logs: '10.0.0.1/8': the address has bits behind "
                        "its prefix; the network is 10.0.0.0/8");
    lc_test_server_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(connections_at_a_time),
        cmocka_unit_test(a_proxy_speaks_for_its_clients),
        cmocka_unit_test(datagrams_over_the_rate),
        cmocka_unit_test(streams_over_the_rate),
        cmocka_unit_test(rates_of_octets),
        cmocka_unit_test(strict_messages_in_each_protocol),
        cmocka_unit_test(strict_questions),
        cmocka_unit_test(reloading),
        cmocka_unit_test(a_bad_list_keeps_the_server_from_starting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
