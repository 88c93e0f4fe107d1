/* SPDX-License-Identifier: Apache-2.0
 *
 * net/addr_test.c - addresses as people write them, and as we write them.
 */
#include "base/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/addr.h"

static const struct {
    const char *text;
    uint16_t default_port;
    enum lc_transport transport;
    const char *host; /* or the path */
    uint16_t port;
} good[] = {
    {"127.0.0.1:9999", 0, LC_TCP, "127.0.0.1", 9999},
    {"localhost:0", 0, LC_TCP, "localhost", 0},
    {":9999", 0, LC_TCP, "", 9999},
    {"*:9999", 0, LC_TCP, "", 9999},
    {"*", 514, LC_TCP, "", 514},
    {"[::1]:65535", 0, LC_TCP, "::1", 65535},
    {"[fe80::1%eth0]:1", 0, LC_TCP, "fe80::1%eth0", 1},
    {"[::]", 9998, LC_TCP, "::", 9998},
    {"logs.example", 9999, LC_TCP, "logs.example", 9999},
    {"logs.example:1", 9999, LC_TCP, "logs.example", 1},
    {"tcp://host:1", 0, LC_TCP, "host", 1},
    {"udp://host:1", 0, LC_UDP, "host", 1},
    {"udp://:514", 0, LC_UDP, "", 514},
    {"udp://[::1]", 514, LC_UDP, "::1", 514},
    {"unix:/run/logs.sock", 0, LC_UNIX_STREAM, "/run/logs.sock", 0},
    {"unix:logs.sock", 9999, LC_UNIX_STREAM, "logs.sock", 0},
    {"unix:a:b", 0, LC_UNIX_STREAM, "a:b", 0},
    {"unixgram:/dev/log", 0, LC_UNIX_DGRAM, "/dev/log", 0},
};

static void test_good(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(good); i++) {
        struct lc_endpoint ep;
        struct lc_diag diag = {0};
        lc_err e = lc_endpoint_parse(lc_slice_cstr(good[i].text), good[i].default_port, &ep, &diag);
        if (e != LC_OK)
            fail_msg("%s: %s", good[i].text, diag.text);
        bool is_path = good[i].transport == LC_UNIX_STREAM || good[i].transport == LC_UNIX_DGRAM;
        assert_int_equal(ep.transport, good[i].transport);
        assert_string_equal(is_path ? ep.path : ep.host, good[i].host);
        assert_string_equal(is_path ? ep.host : ep.path, "");
        assert_int_equal(ep.port, good[i].port);
    }
}

static const struct {
    const char *text;
    const char *said; /* in the diagnosis */
} bad[] = {
    {"", "port is missing"},
    {"host", "port is missing"},
    {"tcp://", "port is missing"},
    {"[::1]", "port is missing"},
    {"host:", "number from 0"},
    {"host:http", "number from 0"},
    {"host:65536", "number from 0"},
    {"host:-1", "number from 0"},
    {"host:+1", "number from 0"},
    {"host:1 ", "number from 0"},
    {"host:99999999999999999999", "number from 0"},
    {"::1:9999", "in brackets"},
    {"fe80::1", "in brackets"},
    {"[::1", "closing bracket"},
    {"[::1]9999", "comes :port"},
    {"[127.0.0.1]:1", "brackets are for IPv6"},
    {"[]:1", "brackets are for IPv6"},
    {"a b:1", "no host has"},
    {"http://host:80", "no host has"},
    {"a/b:80", "no host has"},
    {"tab\t:1", "no host has"},
    {"unix:", "path is missing"},
    {"unixgram:", "path is missing"},
};

static void test_bad(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        struct lc_endpoint ep = {.port = 7};
        struct lc_diag diag = {0};
        assert_lc_err(lc_endpoint_parse(lc_slice_cstr(bad[i].text), 0, &ep, &diag), LC_ESYNTAX);
        if (strstr(diag.text, bad[i].said) == NULL)
            fail_msg("%s: said \"%s\", not \"%s\"", bad[i].text, diag.text, bad[i].said);
        assert_int_equal(ep.port, 7); /* untouched */
        assert_lc_err(lc_endpoint_parse(lc_slice_cstr(bad[i].text), 0, &ep, NULL), LC_ESYNTAX);
    }
}

static void test_lengths(void **state)
{
    LC_UNUSED(state);
    char text[400] = "unix:";
    struct lc_endpoint ep;
    memset(text + 5, 'p', 108);
    assert_lc_err(lc_endpoint_parse(lc_slice(text, 5 + 108), 0, &ep, NULL), LC_ELIMIT);
    assert_lc_ok(lc_endpoint_parse(lc_slice(text, 5 + 107), 0, &ep, NULL));
    assert_int_equal(strlen(ep.path), 107);
    assert_lc_err(lc_endpoint_parse(lc_slice("unix:a\0b", 8), 0, &ep, NULL), LC_ESYNTAX);
    memset(text, 'h', 256);
    memcpy(text + 256, ":1", 2);
    assert_lc_err(lc_endpoint_parse(lc_slice(text, 258), 0, &ep, NULL), LC_ESYNTAX);
    assert_lc_ok(lc_endpoint_parse(lc_slice(text + 1, 257), 0, &ep, NULL));
    assert_int_equal(strlen(ep.host), 255);
}

static const struct {
    const char *text;
    const char *formatted;
    bool local;
} formats[] = {
    {"192.0.2.1:514", "192.0.2.1:514", false},
    {"127.0.0.1:1", "127.0.0.1:1", true},
    {"127.255.0.1:1", "127.255.0.1:1", true},
    {"[2001:db8::1]:514", "[2001:db8::1]:514", false},
    {"[2001:0DB8:0:0::1]:514", "[2001:db8::1]:514", false},
    {"[::1]:1", "[::1]:1", true},
    {"[::ffff:127.0.0.1]:1", "127.0.0.1:1", true},
    {"[::ffff:192.0.2.7]:80", "192.0.2.7:80", false},
    {"0.0.0.0:5", "0.0.0.0:5", false},
    {"udp://192.0.2.1:514", "192.0.2.1:514", false},
    {"unix:/run/x.sock", "unix:/run/x.sock", true},
};

static struct lc_addr resolve(const char *text)
{
    struct lc_endpoint ep;
    struct lc_addr a;
    size_t n = 0;
    struct lc_diag diag = {0};
    assert_lc_ok(lc_endpoint_parse(lc_slice_cstr(text), 0, &ep, &diag));
    assert_lc_ok(lc_addr_resolve(&ep, &a, 1, &n, &diag));
    assert_int_equal(n, 1);
    assert_int_equal(a.transport, ep.transport);
    assert_int_equal(lc_addr_port(&a), ep.port);
    return a;
}

static void test_format(void **state)
{
    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(formats); i++) {
        char out[LC_ADDR_TEXT_MAX];
        struct lc_addr a = resolve(formats[i].text);
        size_t n = lc_addr_format(&a, out);
        assert_string_equal(out, formats[i].formatted);
        assert_int_equal(n, strlen(out));
        assert_int_equal(lc_addr_is_local(&a), formats[i].local);
    }
}

static void test_format_odd(void **state)
{
    LC_UNUSED(state);
    char out[LC_ADDR_TEXT_MAX];
    struct lc_addr a = {.transport = LC_UNIX_STREAM, .len = sizeof(sa_family_t)};
    a.sa.ss_family = AF_UNIX;
    lc_addr_format(&a, out);
    assert_string_equal(out, "unix:");
    /* a path that fills sun_path, without a NUL */
    memset((char *)&a.sa + sizeof(sa_family_t), 'p', sizeof(((struct sockaddr_un *)0)->sun_path));
    a.len = sizeof(struct sockaddr_un);
    assert_int_equal(lc_addr_format(&a, out), 5 + 108);
    /* Linux' abstract names */
    memcpy((char *)&a.sa + sizeof(sa_family_t), "\0abc", 4);
    a.len = sizeof(sa_family_t) + 4;
    lc_addr_format(&a, out);
    assert_string_equal(out, "unix:@abc");
    a = resolve("[fe80::1]:9");
    ((struct sockaddr_in6 *)&a.sa)->sin6_scope_id = 3;
    lc_addr_format(&a, out);
    assert_string_equal(out, "[fe80::1%3]:9");
}

static void test_resolve(void **state)
{
    LC_UNUSED(state);
    char out[LC_ADDR_TEXT_MAX];
    struct lc_addr a = resolve(":7");
    lc_addr_format(&a, out);
    assert_true(strcmp(out, "[::]:7") == 0 || strcmp(out, "0.0.0.0:7") == 0);

    struct lc_addr two[2];
    size_t n;
    struct lc_endpoint ep = {.host = "localhost", .port = 5};
    assert_lc_ok(lc_addr_resolve(&ep, two, 2, &n, NULL));
    assert_true(n >= 1 && n <= 2);
    for (size_t i = 0; i < n; i++)
        assert_true(lc_addr_is_local(&two[i]));

    struct lc_diag diag = {0};
    /* refused without asking anybody: RFC 6761 section 6.4, or no resolver at all */
    ep = (struct lc_endpoint){.host = "no-such-host.invalid", .port = 5};
    lc_err e = lc_addr_resolve(&ep, two, 2, &n, &diag);
    assert_true(e == LC_EGONE || e == -EAGAIN);
    assert_non_null(strstr(diag.text, "no-such-host.invalid"));
}

static void assert_held_by_us(int type, const char *bind_to, const char *asked)
{
    struct lc_addr a = resolve(bind_to);
    int fd = socket(a.sa.ss_family, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a.sa, a.len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    struct lc_addr bound = {.len = sizeof bound.sa};
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound.sa, &bound.len), 0);
    struct lc_addr wanted = resolve(asked);
    if (wanted.sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&wanted.sa)->sin_port = htons(lc_addr_port(&bound));
    else if (wanted.sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&wanted.sa)->sin6_port = htons(lc_addr_port(&bound));
    char holder[128];
    char expected[64];
    snprintf(expected, sizeof expected, "(pid %d)", (int)getpid());
    assert_true(lc_addr_holder(&wanted, holder, sizeof holder));
    assert_non_null(strstr(holder, expected));
    close(fd);
    assert_false(lc_addr_holder(&wanted, holder, sizeof holder));
}

static void test_holder(void **state)
{
    LC_UNUSED(state);
    assert_held_by_us(SOCK_STREAM, "127.0.0.1:0", "127.0.0.1:0");
    assert_held_by_us(SOCK_STREAM, "127.0.0.1:0", "0.0.0.0:0");
    assert_held_by_us(SOCK_STREAM, "127.0.0.1:0", ":0");
    assert_held_by_us(SOCK_STREAM, "[::1]:0", "[::1]:0");
    assert_held_by_us(SOCK_STREAM, "[::]:0", "127.0.0.1:0");
    assert_held_by_us(SOCK_DGRAM, "udp://127.0.0.1:0", "udp://127.0.0.1:0");
    assert_held_by_us(SOCK_DGRAM, "udp://[::1]:0", "udp://[::1]:0");
    char path[64];
    snprintf(path, sizeof path, "unix:%s/lc_addr_test.%d", P_tmpdir, (int)getpid());
    assert_held_by_us(SOCK_STREAM, path, path);
    unlink(path + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_lengths),    cmocka_unit_test(test_format),
        cmocka_unit_test(test_format_odd), cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_holder),
    };
    return cmocka_run_group_tests_name("net/addr", tests, NULL, NULL);
}
