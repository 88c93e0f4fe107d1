/* SPDX-License-Identifier: Apache-2.0
 *
 * service/reload_test.c - a server takes another configuration while it runs, and the sockets that
 * a service manager hands over.
 */
#include "service/test_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "service/options.h"

static unsigned released;

static void release(void *owner)
{
    ++*(unsigned *)owner;
    released++;
}

static void reload(struct lc_test_server *t, const struct lc_server_config *config, void *owner)
{
    lc_server_reload(t->server, config, owner);
    while (!lc_server_reloaded(t->server)) {
        struct pollfd p = {.fd = lc_server_reload_fd(t->server), .events = POLLIN};
        assert_true(poll(&p, 1, 10000) > 0);
    }
}

/* What counts from now on counts on open connections too. */
static void options_change_while_it_runs(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    struct lc_test_client c;
    unsigned gone[2] = {0};
    lc_test_server_init(&t);
    t.config.release = release;
    t.config.acks = LC_ACKS_ON;
    lc_test_server_start(&t);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "127.");
    lc_test_send(&c, "ERROR one\n");
    lc_test_expect(&c, "ACK\n");

    struct lc_server_config other = t.config;
    other.acks = LC_ACKS_OFF;
    other.detect_level = false;
    other.retain_ns = 3600 * LC_NS_PER_S;
    other.memory = 64 << 20; /* needs a restart: stays as it is */
    reload(&t, &other, &gone[0]);
    lc_test_send(&c, "ERROR two\nLOG|||three\n");
    assert_memory_equal(lc_test_line(&c), "OK|", 3); /* no ACK before it */
    assert_int_equal(lc_test_count(&t, "QUERY|COUNT|level:ERROR\n"), 1);
    while (lc_test_count(&t, "QUERY|COUNT|\"config.changed\"\n") < 3 ||
           lc_test_count(&t, "QUERY|COUNT|\"config.needs_restart\" option:memory\n") < 1)
        ;                          /* the own log is on its way */
    assert_int_equal(released, 0); /* somebody may read it */

    other.acks = LC_ACKS_ON;
    reload(&t, &other, &gone[1]);
    lc_test_send(&c, "four\n");
    lc_test_expect(&c, "ACK\n");
    assert_int_equal(gone[0], 1);
    assert_int_equal(gone[1], 0);
    lc_test_disconnect(&c);
    lc_test_server_stop(&t);
    assert_int_equal(gone[1], 1);
    assert_int_equal(released, 2);
    lc_test_server_done(&t);
}

static void the_table_is_sound(void **state)
{
    LC_UNUSED(state);
    lc_option_set_check(&lc_server_options);
    assert_true(lc_option_set_size(&lc_server_options) <= sizeof(struct lc_server_config));
}

/* A socket as systemd gives it: descriptor 3. */
static void put_at_3(int type)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 16), 0);
    if (fd != 3) {
        assert_int_equal(dup2(fd, 3), 3);
        close(fd);
    }
}

static void sockets_of_a_manager_are_taken(void **state)
{
    LC_UNUSED(state);
    struct lc_test_server t;
    struct lc_test_client c;
    struct lc_diag diag = {{0}, 0, 0};
    char name[] = "logs", wrong[] = "unknown", query[] = "query";
    char *names[] = {name, NULL};
    int was = dup(3);
    lc_test_server_init(&t);
    t.config.fd_names = names;
    put_at_3(SOCK_STREAM);
    lc_test_server_start(&t);
    lc_test_connect(&c, &t, LC_SERVICE_LOGS, "127.");
    assert_memory_equal(lc_server_address(t.server, LC_SERVICE_LOGS, 1), "unix:", 5);
    lc_test_send(&c, "PING\n");
    lc_test_expect(&c, "PONG\n");
    lc_test_disconnect(&c);
    lc_test_server_stop(&t);

    put_at_3(SOCK_STREAM);
    names[0] = wrong;
    assert_lc_err(lc_server_start(&t.config, &t.server, &diag), LC_ESYNTAX);
    assert_non_null(strstr(diag.text, "not the name of a service; FileDescriptorName= is one of"));
    put_at_3(SOCK_DGRAM);
    names[0] = query;
    assert_lc_err(lc_server_start(&t.config, &t.server, &diag), LC_ESYNTAX);
    assert_non_null(strstr(diag.text, "this service takes no datagrams"));
    t.server = NULL;
    if (was >= 0) {
        dup2(was, 3);
        close(was);
    }
    lc_test_server_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_change_while_it_runs),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(sockets_of_a_manager_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
