/* SPDX-License-Identifier: Apache-2.0
 *
 * service/server_test.c - the life of a server: it starts whole or not at all, and stops in order.
 */
#include "service/test_server.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void it_starts_and_stops(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    lc_test_server_init(&t);
    for (unsigned i = 0; i < 3; i++) {
        lc_test_server_start(&t);
        lc_test_server_stop(&t);
    }
    lc_test_server_start(&t);
    lc_server_stop(t.server, true); /* at once */
    lc_server_free(t.server);
    t.server = NULL;
    lc_test_server_done(&t);
}

static void its_addresses_can_be_asked_for(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    lc_test_server_init(&t);
    lc_test_server_start(&t);
    unsigned logs = 0, query = 0;
    while (lc_server_address(t.server, LC_SERVICE_LOGS, logs) != NULL)
        logs++;
    while (lc_server_address(t.server, LC_SERVICE_QUERY, query) != NULL)
        query++;
    assert_int_equal(logs, 4);  /* TCP, UDP, stream, datagrams */
    assert_int_equal(query, 2); /* TCP, stream */

    struct stat st;
    char path[600];
    snprintf(path, sizeof path, "%s/logs.sock", t.data_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    snprintf(path, sizeof path, "%s/query.sock", t.data_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    lc_test_server_stop(&t);
    assert_int_equal(stat(path, &st), -1); /* nothing is left that nobody answers */
    lc_test_server_done(&t);
}

static void refuses(struct lc_server_config *config, lc_err expected, const char *told)
{
    struct lc_server *server;
    struct lc_diag diag = {0};
    assert_lc_err(lc_server_start(config, &server, &diag), expected);
    if (strstr(diag.text, told) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", diag.text, told);
}

static void it_starts_whole_or_not_at_all(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t, other;
    lc_test_server_init(&t);
    lc_test_server_init(&other);
    lc_test_server_start(&t);

    struct lc_server_config same_data = t.config;
    refuses(&same_data, LC_EINUSE, t.data_dir);

    char taken[64];
    snprintf(taken, sizeof taken, "%s", lc_server_address(t.server, LC_SERVICE_LOGS, 0));
    other.config.service[LC_SERVICE_LOGS].listen.items[0] = taken;
    refuses(&other.config, LC_EINUSE, "--logs :9997");
    other.config.service[LC_SERVICE_LOGS].listen.items[0] = "none";
    other.config.service[LC_SERVICE_QUERY].listen.items[0] = taken;
    refuses(&other.config, LC_EINUSE, "--query 127.0.0.1:9997");
    other.config.service[LC_SERVICE_QUERY].listen.items[0] = "udp://127.0.0.1:0";
    refuses(&other.config, LC_ESYNTAX, "--query udp://127.0.0.1:0");
    other.config.service[LC_SERVICE_QUERY].listen.items[0] = "127.0.0.1:port";
    refuses(&other.config, LC_ESYNTAX, "port");
    other.config.io = "smoke signals";
    refuses(&other.config, -ENOSYS, "smoke signals");

    /* none of which has left anything behind */
    other.config.io = NULL;
    other.config.service[LC_SERVICE_QUERY].listen.items[0] = "none";
    lc_test_server_start(&other);
    lc_test_server_done(&other);
    lc_test_server_done(&t);
}

static void a_deep_data_directory_has_sockets_too(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    lc_test_server_init(&t);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(mkdir(t.data_dir, 0700), 0);
        size_t n = strlen(t.data_dir);
        snprintf(t.data_dir + n, sizeof t.data_dir - n,
                 "/0123456789012345678901234567890123456789");
    }
    lc_test_server_start(&t);
    struct stat st;
    char path[600];
    snprintf(path, sizeof path, "%s/logs.sock", t.data_dir);
    assert_true(strlen(path) > 108);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    lc_test_server_done(&t);
}

static void what_was_acknowledged_is_there_after_a_restart(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    struct lc_test_client c;
    lc_test_server_init(&t);
    lc_test_server_start(&t);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "127.");
    lc_test_send(&c, "LOG:1640995200:INFO:Server started\nPING\n");
    lc_test_expect(&c, "ACK\nPONG\n");
    lc_test_send(&c, "hello\n");
    lc_test_expect(&c, "ACK\n");
    lc_test_disconnect(&c);
    lc_test_server_stop(&t);
    lc_test_server_start(&t);
    assert_int_equal(lc_test_count(&t, "QUERY|KEYWORD|hello\n"), 1);
    assert_int_equal(lc_test_count(&t, "QUERY|KEYWORD|server started\n"), 1);
    lc_test_server_done(&t);
}

/* A sender that goes on while the server stops. Ends when the server closes. */
struct sending {
    struct lc_test_client client;
    unsigned long acknowledged;
};

static void *send_until_closed(void *arg)
{
    struct sending *s = arg;
    for (;;) {
        const char batch[] = "LOG|||kept\nLOG|||kept\nLOG|||kept\n";
        if (send(s->client.fd, batch, sizeof batch - 1, MSG_NOSIGNAL) < 0)
            break;
        for (unsigned i = 0; i < 3; i++) {
            char line[64];
            size_t n = 0;
            while (n < sizeof line && recv(s->client.fd, line + n, 1, 0) == 1 && line[n] != '\n')
                n++;
            if (n == 0 || strncmp(line, "OK|", 3) != 0)
                return NULL;
            s->acknowledged++;
        }
    }
    return NULL;
}

static void stopping_loses_nothing_acknowledged(void **state)
{
    LC_UNUSED(state);
    enum { SENDERS = 3 };
    struct lc_test_server t;
    static struct sending senders[SENDERS];
    pthread_t threads[SENDERS];
    unsigned long acknowledged = 0;
    lc_test_server_init(&t);
    lc_test_server_start(&t);
    for (unsigned i = 0; i < SENDERS; i++) {
        lc_test_connect(&senders[i].client, &t, LC_SERVICE_LOGS, i == 0 ? "unix:" : "127.");
        senders[i].acknowledged = 0;
        /* the server knows it before it is stopped */
        lc_test_send(&senders[i].client, "PING\n");
        lc_test_expect(&senders[i].client, "PONG\n");
        assert_int_equal(pthread_create(&threads[i], NULL, send_until_closed, &senders[i]), 0);
    }
    struct lc_test_client c;
    lc_test_connect(&c, &t, LC_SERVICE_QUERY, "127.");
    lc_test_send(&c, "QUERY|TAIL|kept\n");
    lc_test_expect(&c, "RESULT|*\n");
    for (unsigned i = 0; i < 100; i++)
        assert_non_null(lc_test_line(&c)); /* the senders are at work */
    lc_test_disconnect(&c);
    lc_test_server_stop(&t);
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        lc_test_disconnect(&senders[i].client);
        acknowledged += senders[i].acknowledged;
    }
    lc_test_server_start(&t);
    unsigned long stored = lc_test_count(&t, "QUERY|COUNT|kept\n");
    if (stored < acknowledged)
        fail_msg("%lu of %lu acknowledged records are there", stored, acknowledged);
    lc_test_server_done(&t);
}

static void it_keeps_its_own_log(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    lc_test_server_init(&t);
    lc_test_server_start(&t);
    lc_test_server_stop(&t);
    lc_test_server_start(&t);
    assert_true(lc_test_count(&t, "QUERY|COUNT|app:logcaster \"server.started\"\n") >= 1);
    lc_test_server_done(&t);
}

static void greeted(void *arg, const char *text)
{
    snprintf(arg, 4096, "%s", text);
}

static void a_newcomer_is_told_what_to_paste(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    char text[4096] = "", expected[128];
    const char *address;
    lc_test_server_init(&t);
    t.config.ready = greeted;
    t.config.ready_arg = text;
    lc_test_server_start(&t);
    address = lc_server_address(t.server, LC_SERVICE_LOGS, 0);
    snprintf(expected, sizeof expected, "send --server %s\n", address);
    assert_non_null(strstr(text, expected));
    snprintf(expected, sizeof expected, "nc -N 127.0.0.1 %s\n", strrchr(address, ':') + 1);
    assert_non_null(strstr(text, expected));
    address = lc_server_address(t.server, LC_SERVICE_QUERY, 0);
    snprintf(expected, sizeof expected, "tail --server %s\n", address);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "ssh -N -L "));
    lc_test_server_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: one place in the code may tell only so much in a while (service/log.h) */
        cmocka_unit_test(it_keeps_its_own_log),
        cmocka_unit_test(it_starts_and_stops),
        cmocka_unit_test(its_addresses_can_be_asked_for),
        cmocka_unit_test(it_starts_whole_or_not_at_all),
        cmocka_unit_test(a_deep_data_directory_has_sockets_too),
        cmocka_unit_test(what_was_acknowledged_is_there_after_a_restart),
        cmocka_unit_test(stopping_loses_nothing_acknowledged),
        cmocka_unit_test(a_newcomer_is_told_what_to_paste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
