/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/proxy_test.c - PROXY headers: those of the specification, those of HAProxy, and what is
 * wrong with others.
 */
#include "base/test.h"

#include <arpa/inet.h>

#include "proto/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static size_t feed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    bool *found = arg;
    struct lc_proxied p = {0};
    char text[INET6_ADDRSTRLEN] = "the peer";
    size_t used = 0;
    if (*found || in.n == 0)
        return 0;
    lc_err e = lc_proxy_decode(in, &p, &used);
    if (e == LC_EMORE)
        return 0;
    *found = true;
    if (e != LC_OK) {
        assert_lc_ok(lc_dynbuf_printf(said, "%s", lc_strerror(e)));
        return 0;
    }
    assert_true(used <= in.n);
    if (p.n > 0)
        inet_ntop(p.n == 4 ? AF_INET : AF_INET6, p.octets, text, sizeof text);
    assert_lc_ok(lc_dynbuf_printf(said, "%s %u", text, p.port));
    return used;
}

static void begin(void *arg)
{
    *(bool *)arg = false;
}

static void end(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    if (!*(bool *)arg)
        assert_lc_ok(lc_dynbuf_append(said, LC_LIT("undecided")));
    else if (rest.n > 0)
        assert_lc_ok(lc_dynbuf_printf(said, ", %zu octets left", rest.n));
}

static void check(struct lc_slice input, const char *expected)
{
    static const struct lc_test_codec codec = {begin, feed, end};
    bool found;
    lc_test_splits(input, &codec, &found, expected);
}

static void v1(void **state)
{
    LC_UNUSED(state);
    check(LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\r\nhello\n"),
          "192.0.2.7 51514, 6 octets left");
    check(LC_LIT("PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), "2001:db8::7 0");
    check(LC_LIT("PROXY UNKNOWN\r\n"), "the peer 0");
    check(LC_LIT("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "the peer 0");
}

static void v1_that_is_none(void **state)
{
    LC_UNUSED(state);
    const struct lc_slice none[] = {
        LC_LIT("PROXY \r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999 \r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7  198.51.100.1 51514 9999\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.256 198.51.100.1 51514 9999\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 65536\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 051514 99\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 -1 99\r\n"),
        LC_LIT("PROXY TCP6 192.0.2.7 198.51.100.1 51514 99\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7\0 198.51.100.1 51514 99\r\n"),
        LC_LIT("PROXY TCP5 192.0.2.7 198.51.100.1 51514 99\r\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\n"),
        LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\rx"),
        LC_LIT("PROXY UNKNOWN 3456789 123456789 123456789 123456789 123456789 123456789 123456789 "
               "123456789 123456789 123456789\r\n"),
        LC_LIT("PROXIED"),
        LC_LIT("hello"),
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(none); i++) {
        struct lc_proxied p = {0};
        size_t used;
        assert_lc_err(lc_proxy_decode(none[i], &p, &used), LC_ESYNTAX);
    }
    check(LC_LIT("PROXY TCP4 192.0.2.7"), "undecided");
}

/* The longest line that the specification has is taken: 107 octets with its end. */
static void the_longest_v1(void **state)
{
    LC_UNUSED(state);
    char line[LC_PROXY_V1_MAX + 2];
    for (size_t n = LC_PROXY_V1_MAX; n <= LC_PROXY_V1_MAX + 1; n++) {
        memset(line, 'x', sizeof line);
        memcpy(line, "PROXY UNKNOWN ", 14);
        memcpy(line + n - 2, "\r\n", 2);
        check(lc_slice(line, n),
              n == LC_PROXY_V1_MAX ? "the peer 0" : "not well-formed, 108 octets left");
    }
}

static void v2(void **state)
{
    LC_UNUSED(state);
    check(LC_LIT(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xc9\x3a\x27\x0fhello"),
          "192.0.2.7 51514, 5 octets left");
    /* behind the addresses: TLVs, here a CRC and a name that nobody looks at */
    check(LC_LIT(SIGNATURE "\x21\x11\0\x16\xc0\0\2\7\xc6\x33\x64\1\xc9\x3a\x27\x0f"
                           "\3\0\4abcd\2\0\0"),
          "192.0.2.7 51514");
    check(LC_LIT(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xc9\x3a\x27\x0f"),
          "2001:db8::7 51514");
    /* LOCAL, UNSPEC: the proxy speaks for itself */
    check(LC_LIT(SIGNATURE "\x20\0\0\0"), "the peer 0");
    check(LC_LIT(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xc9\x3a\x27\x0f"), "the peer 0");
    check(LC_LIT(SIGNATURE "\x21\0\0\2ab"), "the peer 0");
}

static void v2_that_is_none(void **state)
{
    LC_UNUSED(state);
    check(LC_LIT(SIGNATURE "\x31\x11\0\0"), "written by an unknown version, 16 octets left");
    check(LC_LIT(SIGNATURE "\x22\x11\0\0"), "not well-formed, 16 octets left"); /* command */
    check(LC_LIT(SIGNATURE "\x21\x41\0\0"), "not well-formed, 16 octets left"); /* family */
    check(LC_LIT(SIGNATURE "\x21\x13\0\0"), "not well-formed, 16 octets left"); /* transport */
    check(LC_LIT(SIGNATURE "\x21\x11\0\x0b"
                           "0123456789a"),
          "not well-formed, 27 octets left");
    check(LC_LIT(SIGNATURE "\x21\x11\xff\xff"), "configured limit reached, 16 octets left");
    check(LC_LIT(SIGNATURE "\x21\x11\0\x0c"
                           "01234567"),
          "undecided");
}

static void what_begins_as_a_header(void **state)
{
    LC_UNUSED(state);
    assert_lc_ok(lc_proxy_begins(LC_LIT("PROXY T")));
    assert_lc_ok(lc_proxy_begins(LC_LIT(SIGNATURE)));
    assert_lc_err(lc_proxy_begins(LC_LIT("PRO")), LC_EMORE);
    assert_lc_err(lc_proxy_begins(LC_LIT("\r\n\r")), LC_EMORE);
    assert_lc_err(lc_proxy_begins(LC_LIT("PROXIED")), LC_ESYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v1),
        cmocka_unit_test(v1_that_is_none),
        cmocka_unit_test(the_longest_v1),
        cmocka_unit_test(v2),
        cmocka_unit_test(v2_that_is_none),
        cmocka_unit_test(what_begins_as_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
