/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/collect_test.c - records in, by every way, against a real server and a real
 * store.
 */
#include "service/test_server.h"

#include <unistd.h>

struct world {
    struct lc_test_server server;
    struct lc_test_client tail; /* sees every record as JSON as soon as it is committed */
};

static void begin(struct world *w)
{
    lc_test_server_init(&w->server);
    w->server.config.log_level = LC_LEVEL_EMERG;
    w->server.config.line_max = 1024;
    lc_test_server_start(&w->server);
    lc_test_connect(&w->tail, &w->server, LC_SERVICE_QUERY, "127.");
    lc_test_send(&w->tail, "ROWS|json\nQUERY|TAIL|*\n");
    lc_test_expect(&w->tail, "OK\nRESULT|*\n");
    assert_non_null(lc_test_line(&w->tail)); /* its cursor: it has begun */
}

static void end(struct world *w)
{
    lc_test_disconnect(&w->tail);
    lc_test_server_done(&w->server);
}

static void row_has(const char *row, const char *member)
{
    if (strstr(row, member) == NULL)
        fail_msg("%s is not in %s", member, row);
}

/* What arrives at an address is stored with these members. */
static void arrives(struct world *w, const char *address, const char *sent,
                    const char *const *members)
{
    struct lc_test_client c;
    lc_test_connect(&c, &w->server, LC_SERVICE_LOGS, address);
    lc_test_send(&c, sent);
    const char *row = lc_test_row(&w->tail);
    for (; *members != NULL; members++)
        row_has(row, *members);
    lc_test_disconnect(&c);
}

static void every_way_in_arrives(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char uid[32];
    begin(&w);
    snprintf(uid, sizeof uid, "\"source\":\"unix:%u\"", (unsigned)getuid());
    const char *plain[] = {"\"_msg\":\"ERROR in the disk\"", "\"level\":\"ERROR\"",
                           "\"space\":\"main\"", "\"source\":\"127.0.0.1:", NULL};
    const char *plain_unix[] = {"\"_msg\":\"ERROR in the disk\"", uid, NULL};
    arrives(&w, "127.", "ERROR in the disk\n", plain);
    arrives(&w, "udp://", "ERROR in the disk", plain);
    arrives(&w, "unix:", "ERROR in the disk\n", plain_unix);
    arrives(&w, "unixgram:", "ERROR in the disk\n", plain_unix);

    const char *syslog[] = {"\"_msg\":\"no\"",
                            "\"level\":\"CRIT\"",
                            "\"host\":\"web\"",
                            "\"app\":\"su\"",
                            "\"pid\":\"7\"",
                            "\"facility\":\"auth\"",
                            NULL};
    arrives(&w, "127.", "<34>1 - web su 7 - - no\n", syslog);
    arrives(&w, "127.", "24 <34>1 - web su 7 - - no\n", syslog);
    arrives(&w, "udp://", "<34>1 - web su 7 - - no", syslog);
    arrives(&w, "unixgram:", "<34>1 - web su 7 - - no", syslog);
    end(&w);
}

static void what_has_no_place_becomes_a_field(void **state)
{
    LC_UNUSED(state);
    struct world w;
    char line[2048];
    begin(&w);
    const char *level[] = {"\"level_text\":\"LOUD\"", NULL};
    arrives(&w, "127.", "LOG|LOUD||x\n", level);
    const char *early[] = {"\"claimed_time\":\"1970-01-01T00:00:05Z\"", "\"_time\":\"2", NULL};
    arrives(&w, "127.", "LOG|INFO|5|x\n", early);
    const char *late[] = {"\"claimed_time\":\"2255-03-14T16:00:00Z\"", NULL};
    arrives(&w, "127.", "LOG|INFO|9000000000|x\n", late);
    const char *possible[] = {"\"_time\":\"1971-01-01T00:00:00Z\"", NULL};
    arrives(&w, "127.", "LOG|INFO|31536000|x\n", possible);
    const char *cut[] = {"\"truncated\":true", NULL};
    memset(line, 'x', sizeof line);
    snprintf(line + 1500, 2, "\n");
    arrives(&w, "127.", line, cut);
    arrives(&w, "udp://", line, cut);

    assert_int_equal(lc_test_count(&w.server, "QUERY|COUNT|truncated:true\n"), 2);
    end(&w);
}

/* More than memory holds at once: senders wait, and nothing is lost. */
static void a_full_memory_slows_senders_down(void **state)
{
    LC_UNUSED(state);
    enum { LINES = 60000, SENDERS = 2 };
    struct world w;
    struct lc_test_client c[SENDERS];
    lc_test_server_init(&w.server);
    w.server.config.log_level = LC_LEVEL_EMERG;
    w.server.config.memory = 2 << 20; /* the store takes the least that it can work with */
    w.server.config.workers = 1;
    lc_test_server_start(&w.server);
    struct lc_dynbuf lines;
    lc_dynbuf_init(&lines, 64 << 20);
    for (unsigned i = 0; i < LINES; i++)
        assert_lc_ok(lc_dynbuf_printf(&lines, "line %u %0100u\n", i, i));
    for (unsigned i = 0; i < SENDERS; i++) {
        lc_test_connect(&c[i], &w.server, LC_SERVICE_LOGS, i == 0 ? "127." : "unix:");
        lc_test_send_octets(&c[i], lc_dynbuf_slice(&lines));
        lc_test_shutdown(&c[i]);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        const char *line = lc_test_line(&c[i]); /* perhaps one ACK, at the very end */
        if (line != NULL)
            lc_test_expect_end(&c[i]);
        lc_test_disconnect(&c[i]);
    }
    lc_dynbuf_done(&lines);
    assert_true(lc_test_stat(&w.server, "waited") > 0);
    assert_int_equal(lc_test_count(&w.server, "QUERY|COUNT|*\n"), SENDERS * LINES);
    lc_test_server_done(&w.server);
}

/* Datagrams on a Unix socket are as reliable as a stream. */
static void unix_datagrams_wait_for_room(void **state)
{
    LC_UNUSED(state);
    enum { DATAGRAMS = 20000 };
    struct world w;
    struct lc_test_client c;
    char message[600];
    lc_test_server_init(&w.server);
    w.server.config.log_level = LC_LEVEL_EMERG;
    w.server.config.memory = 2 << 20;
    w.server.config.workers = 1;
    lc_test_server_start(&w.server);
    lc_test_connect(&c, &w.server, LC_SERVICE_LOGS, "unixgram:");
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        snprintf(message, sizeof message, "<13>1 - h a - - - message %u %0400u", i, i);
        lc_test_send(&c, message);
    }
    lc_test_disconnect(&c);
    assert_true(lc_test_stat(&w.server, "waited") > 0);
    /* what the socket still holds is taken when the server stops */
    lc_test_server_stop(&w.server);
    lc_test_server_start(&w.server);
    assert_int_equal(lc_test_count(&w.server, "QUERY|COUNT|*\n"), DATAGRAMS);
    lc_test_server_done(&w.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_in_arrives),
        cmocka_unit_test(what_has_no_place_becomes_a_field),
        cmocka_unit_test(a_full_memory_slows_senders_down),
        cmocka_unit_test(unix_datagrams_wait_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
