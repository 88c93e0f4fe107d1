/* SPDX-License-Identifier: Apache-2.0
 *
 * net/options_test.c - socket options by name: what is allowed, what the kernel then has, and the
 * table in docs/sockets.md, which is that of the code. `options_test PAGE --print` prints it.
 */
#include "base/test.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "net/options.h"

static const char *page_path;

static int open_socket(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

static void assert_reads(int fd, const char *name, const char *expected)
{
    char got[LC_SOCKOPT_TEXT_MAX];
    assert_true(lc_sockopt_read(lc_sockopt_find(lc_slice_cstr(name)), fd, got));
    assert_string_equal(got, expected);
}

static void test_table(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++) {
        const struct lc_sockopt *o = &lc_sockopt_table[i];
        assert_non_null(o->name);
        assert_ptr_equal(lc_sockopt_find(lc_slice_cstr(o->name)), o); /* each name once */
        assert_true(o->places != 0 && o->seeds != NULL && o->what != NULL && o->why != NULL);
        assert_int_equal(o->ours_at & ~o->places, 0);
        assert_true(o->ours_at == 0 || (o->ours >= o->min && o->ours <= o->max));
    }
}

static void test_our_defaults(void **state)
{
    LC_UNUSED(state);
    int tcp = open_socket(AF_INET, SOCK_STREAM);
    assert_lc_ok(lc_sockopts_apply(NULL, LC_PLACE_LISTEN, tcp, NULL));
    assert_reads(tcp, "SO_KEEPALIVE", "on");
    assert_reads(tcp, "TCP_KEEPIDLE", "1m");
    assert_reads(tcp, "TCP_KEEPINTVL", "10s");
    assert_reads(tcp, "TCP_KEEPCNT", "6");
    assert_reads(tcp, "TCP_USER_TIMEOUT", "30s");
    assert_reads(tcp, "TCP_NODELAY", "on");
    assert_reads(tcp, "SO_REUSEADDR", "on");
    assert_reads(tcp, "SO_LINGER", "off");
    assert_int_equal(lc_sockopts_backlog(NULL), 4096);
    close(tcp);
    int udp = open_socket(AF_INET6, SOCK_DGRAM);
    assert_lc_ok(lc_sockopts_apply(NULL, LC_PLACE_UDP, udp, NULL));
    assert_reads(udp, "IPV6_V6ONLY", "off");
    assert_reads(udp, "SO_RXQ_OVFL", "on");
    assert_reads(udp, "SO_REUSEADDR", "off");
    close(udp);
}

static const struct {
    const char *text;
    const char *name; /* NULL: refused */
    const char *said; /* read back, or in the error */
} values[] = {
    {"SO_KEEPALIVE=off", "SO_KEEPALIVE", "off"},
    {"so_keepalive=1", "SO_KEEPALIVE", "on"},
    {"TCP_KEEPIDLE=90", "TCP_KEEPIDLE", "90s"},
    {"TCP_KEEPIDLE=2m", "TCP_KEEPIDLE", "2m"},
    {"TCP_USER_TIMEOUT=1500", "TCP_USER_TIMEOUT", "1500ms"},
    {"TCP_USER_TIMEOUT=5s", "TCP_USER_TIMEOUT", "5s"},
    {"SO_RCVBUF=64K", "SO_RCVBUF", "128K"},
    {"SO_SNDBUF=64K", "SO_SNDBUF", "128K"},
    {"TCP_CONGESTION=reno", "TCP_CONGESTION", "reno"},
    {"IP_TOS=0x10", "IP_TOS", "16"},
    {"SO_PRIORITY=5", "SO_PRIORITY", "5"},
    {"SO_LINGER=0", "SO_LINGER", "0s"},
    {"TCP_CORK=on", "TCP_CORK", "on"},
    {"TCP_NODELAY=no", "TCP_NODELAY", "off"},
    {"SO_NOSUCH=1", NULL, "SO_NOSUCH: no such socket option; docs/sockets.md lists them"},
    {"SO_KEEPALIVE=maybe", NULL, "SO_KEEPALIVE=maybe: must be on or off"},
    {"SO_KEEPALIVE", NULL, "SO_KEEPALIVE=: must be on or off"},
    {"TCP_KEEPCNT=0", NULL, "TCP_KEEPCNT=0: must be from 1 to 127"},
    {"TCP_KEEPIDLE=10h", NULL, "TCP_KEEPIDLE=10h: must be from 1s to 32767s"},
    {"TCP_KEEPIDLE=1500ms", NULL, "TCP_KEEPIDLE=1500ms: must be from 1s to 32767s"},
    {"SO_RCVBUF=4T", NULL, "SO_RCVBUF=4T: must be from 1K to 1G"},
    {"SO_LINGER=5s", NULL,
     "SO_LINGER=5s: must be off, or 0 (a reset); a time would block a worker in close(2)"},
    {"TCP_CONGESTION=", NULL, "TCP_CONGESTION=: must be a name of at most 15 octets"},
    {"IP_ADD_MEMBERSHIP=10.0.0.1", NULL,
     "IP_ADD_MEMBERSHIP=10.0.0.1: must be multicast addresses with commas between, as "
     "239.1.2.3%eth0"},
    {"SO_REUSEPORT=1", NULL,
     "SO_REUSEPORT cannot be set: workers share an address by it, so the number of workers "
     "decides"},
    {"TCP_INFO=1", NULL, "TCP_INFO cannot be set: it is read, never set"},
};

static void test_values(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(values); i++) {
        struct lc_sockopts opts = {.count = 0};
        struct lc_diag diag = {0};
        if (values[i].name == NULL) {
            assert_lc_err(lc_sockopts_add(&opts, values[i].text, &diag), LC_ESYNTAX);
            assert_string_equal(diag.text, values[i].said);
            continue;
        }
        int fd = open_socket(AF_INET, SOCK_STREAM);
        assert_lc_ok(lc_sockopts_add(&opts, values[i].text, &diag));
        assert_lc_ok(lc_sockopts_apply(&opts, LC_PLACE_LISTEN, fd, &diag));
        assert_reads(fd, values[i].name, values[i].said);
        close(fd);
    }
}

static void test_kernel_refuses(void **state)
{
    LC_UNUSED(state);
    struct lc_sockopts opts = {.count = 0};
    struct lc_diag diag = {0};
    int fd = open_socket(AF_INET, SOCK_STREAM);
    assert_lc_ok(lc_sockopts_add(&opts, "TCP_CONGESTION=nosuch", &diag));
    assert_lc_err(lc_sockopts_apply(&opts, LC_PLACE_LISTEN, fd, &diag), -ENOENT);
    assert_non_null(strstr(diag.text, "TCP_CONGESTION=nosuch"));
    assert_non_null(strstr(diag.text, "this kernel has: reno"));
    /* it is not for UDP */
    assert_lc_ok(lc_sockopts_apply(&opts, LC_PLACE_UDP, fd, &diag));
    close(fd);
}

static void test_groups(void **state)
{
    LC_UNUSED(state);
    struct lc_sockopts opts = {.count = 0};
    int v4 = open_socket(AF_INET, SOCK_DGRAM);
    int v6 = open_socket(AF_INET6, SOCK_DGRAM);
    assert_lc_ok(lc_sockopts_add(&opts, "IP_ADD_MEMBERSHIP=239.7.7.7%lo,239.7.7.8%lo", NULL));
    assert_lc_ok(lc_sockopts_add(&opts, "IPV6_ADD_MEMBERSHIP=ff02::7777%lo", NULL));
    assert_lc_ok(lc_sockopts_apply(&opts, LC_PLACE_UDP, v4, NULL));
    assert_lc_ok(lc_sockopts_apply(&opts, LC_PLACE_UDP, v6, NULL));
    /* a second time in the same group is an error of the kernel: the first time was none */
    assert_lc_err(lc_sockopts_apply(&opts, LC_PLACE_UDP, v4, NULL), -EADDRINUSE);
    close(v4);
    close(v6);
}

static void test_last_one_counts(void **state)
{
    LC_UNUSED(state);
    struct lc_sockopts opts = {.count = 0};
    assert_lc_ok(lc_sockopts_add(&opts, "backlog=7", NULL));
    assert_lc_ok(lc_sockopts_add(&opts, "BACKLOG=9", NULL));
    assert_int_equal(opts.count, 1);
    assert_int_equal(lc_sockopts_backlog(&opts), 9);
}

/* ---- what the kernel did otherwise ---- */

struct told {
    unsigned count;
    struct lc_sockopt_difference last;
};

static void tell(void *arg, const struct lc_sockopt_difference *d)
{
    struct told *told = arg;
    told->count++;
    told->last = *d;
}

static void test_differences(void **state)
{
    LC_UNUSED(state);
    struct told told = {0};
    struct lc_sockopts opts = {.count = 0};
    int fd = open_socket(AF_INET, SOCK_STREAM);
    assert_lc_ok(lc_sockopts_apply(NULL, LC_PLACE_CONNECT, fd, NULL));
    lc_sockopts_differences(NULL, LC_PLACE_CONNECT, fd, tell, &told);
    assert_int_equal(told.count, 0);

    assert_lc_ok(lc_sockopts_add(&opts, "SO_RCVBUF=64K", NULL));
    assert_lc_ok(lc_sockopts_add(&opts, "SO_KEEPALIVE=off", NULL));
    assert_lc_ok(lc_sockopts_apply(&opts, LC_PLACE_CONNECT, fd, NULL));
    lc_sockopts_differences(&opts, LC_PLACE_CONNECT, fd, tell, &told);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.last.option->name, "SO_RCVBUF");
    assert_string_equal(told.last.asked, "64K");
    assert_string_equal(told.last.got, "128K");
    assert_non_null(strstr(told.last.why, "doubles"));
    assert_false(told.last.less);

    /* as if it had been capped */
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    lc_sockopts_differences(&opts, LC_PLACE_CONNECT, fd, tell, &told);
    assert_int_equal(told.count, 2);
    assert_true(told.last.less);
    assert_string_equal(told.last.why, ""); /* but that was not it */

    int highest = INT_MAX; /* as who has no CAP_NET_ADMIN gets it */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &highest, sizeof highest), 0);
    assert_lc_ok(lc_sockopts_add(&opts, "SO_RCVBUF=1G", NULL));
    lc_sockopts_differences(&opts, LC_PLACE_CONNECT, fd, tell, &told);
    assert_int_equal(told.count, 3);
    assert_true(told.last.less);
    assert_non_null(strstr(told.last.why, "net.core.rmem_max is "));
    close(fd);
}

/* The kernel's own doing at an address that takes no IPv4 anyway is nothing to tell of. */
static void test_no_difference_at_one_address(void **state)
{
    LC_UNUSED(state);
    struct told told = {0};
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = open_socket(AF_INET6, SOCK_STREAM);
    assert_lc_ok(lc_sockopts_apply(NULL, LC_PLACE_LISTEN, fd, NULL));
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, lc_sockopts_backlog(NULL)), 0);
    assert_reads(fd, "IPV6_V6ONLY", "on");
    lc_sockopts_differences(NULL, LC_PLACE_LISTEN, fd, tell, &told);
    assert_int_equal(told.count, 0);
    close(fd);
}

/* ---- docs/sockets.md ---- */

static void print_default(const struct lc_sockopt *o, char *out, size_t cap)
{
    char text[LC_SOCKOPT_TEXT_MAX] = "";
    if (o->ours_at == 0) {
        snprintf(out, cap, "-");
        return;
    }
    switch (o->kind) {
    case LC_SOCKOPT_SWITCH:
        snprintf(text, sizeof text, "%s", o->ours != 0 ? "on" : "off");
        break;
    case LC_SOCKOPT_OCTETS:
        snprintf(text, sizeof text, "%lld MiB", (long long)(o->ours >> 20));
        break;
    case LC_SOCKOPT_SECONDS:
        snprintf(text, sizeof text, "%lld s", (long long)o->ours);
        break;
    case LC_SOCKOPT_MILLISECONDS:
        snprintf(text, sizeof text, "%lld s", (long long)o->ours / 1000);
        break;
    default:
        snprintf(text, sizeof text, "%lld", (long long)o->ours);
        break;
    }
    snprintf(out, cap, "%s", text);
}

static void print_places(unsigned places, char *out, size_t cap)
{
    static const char *const names[LC_PLACE_COUNT] = {
        [LC_PLACE_LISTEN] = "listening",   [LC_PLACE_ACCEPTED] = "accepted",
        [LC_PLACE_CONNECT] = "connecting", [LC_PLACE_UDP] = "UDP",
        [LC_PLACE_UNIX_STREAM] = "Unix",   [LC_PLACE_UNIX_DGRAM] = "Unix datagram",
    };
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < LC_PLACE_COUNT; i++)
        if ((places & 1U << i) != 0)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n > 0 ? ", " : "", names[i]);
}

static void print_row(const struct lc_sockopt *o, char *out, size_t cap)
{
    static const char *const kinds[] = {
        [LC_SOCKOPT_SWITCH] = "switch",   [LC_SOCKOPT_NUMBER] = "number",
        [LC_SOCKOPT_OCTETS] = "size",     [LC_SOCKOPT_SECONDS] = "seconds",
        [LC_SOCKOPT_MILLISECONDS] = "ms", [LC_SOCKOPT_WORD] = "name",
        [LC_SOCKOPT_LINGER] = "off or 0", [LC_SOCKOPT_GROUPS] = "groups",
        [LC_SOCKOPT_BACKLOG] = "number",  [LC_SOCKOPT_OTHER] = "",
    };
    char ours[64];
    char places[96];
    print_default(o, ours, sizeof ours);
    print_places(o->places, places, sizeof places);
    snprintf(out, cap, "| `%s` | %s | %s | %s | %s | %s | %s |\n", o->name, o->what, places,
             o->refused != NULL ? "not settable" : kinds[o->kind], ours,
             o->seeds[0] != '\0' ? o->seeds : "not named", o->why);
}

static void test_docs(void **state)
{
    LC_UNUSED(state);
    char line[1024];
    char row[1024];
    size_t rows = 0;
    FILE *page = fopen(page_path, "re");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, "| `", 3) != 0)
            continue;
        assert_true(rows < LC_SOCKOPT_COUNT);
        print_row(&lc_sockopt_table[rows++], row, sizeof row);
        assert_string_equal(line, row);
    }
    assert_int_equal(rows, LC_SOCKOPT_COUNT);
    fclose(page);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),       cmocka_unit_test(test_our_defaults),
        cmocka_unit_test(test_values),      cmocka_unit_test(test_kernel_refuses),
        cmocka_unit_test(test_groups),      cmocka_unit_test(test_last_one_counts),
        cmocka_unit_test(test_differences), cmocka_unit_test(test_no_difference_at_one_address),
        cmocka_unit_test(test_docs),
    };
    page_path = argc > 1 ? argv[1] : "docs/sockets.md";
    if (argc > 2) {
        for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++) {
            char row[1024];
            print_row(&lc_sockopt_table[i], row, sizeof row);
            fputs(row, stdout);
        }
        return 0;
    }
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
