/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/detect_test.c - the table of first octets, as listeners of each kind see it.
 */
#include "base/test.h"

#include "proto/detect.h"

#define LINES LC_SPEAKS(LC_PROTO_LINES)
#define LOGS  (LINES | LC_SPEAKS(LC_PROTO_SYSLOG_COUNTED))
#define WEB   (LC_SPEAKS(LC_PROTO_HTTP1) | LC_SPEAKS(LC_PROTO_HTTP2))
#define ALL   ((1u << LC_PROTO_COUNT) - 1)

struct detection {
    unsigned speaks;
    bool decided;
};

static void begin(void *arg)
{
    struct detection *d = arg;
    d->decided = false;
}

static size_t feed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct detection *d = arg;
    enum lc_protocol protocol;
    if (d->decided || in.n == 0)
        return 0;
    lc_err e = lc_detect(in, d->speaks, &protocol);
    if (e == LC_EMORE)
        return 0;
    assert_lc_ok(e);
    d->decided = true;
    assert_lc_ok(lc_dynbuf_printf(said, "%s", lc_protocol_name(protocol)));
    return 0;
}

static void end(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    LC_UNUSED(rest);
    struct detection *d = arg;
    if (!d->decided)
        assert_lc_ok(lc_dynbuf_append(said, LC_LIT("undecided")));
}

static const struct lc_test_codec codec = {.begin = begin, .feed = feed, .end = end};

struct first_octets {
    unsigned speaks;
    struct lc_slice input;
    const char *expected;
};

static void check(const struct first_octets *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct detection d = {.speaks = cases[i].speaks};
        lc_test_splits(cases[i].input, &codec, &d, cases[i].expected);
    }
}

#define CHECK(cases) check(cases, LC_ARRAY_LEN(cases))

static void lines(void **state)
{
    LC_UNUSED(state);
    const struct first_octets cases[] = {
        {LOGS, LC_LIT("plain\n"), "lines"},
        {LOGS, LC_LIT("x"), "lines"},
        {LOGS, LC_LIT("\n"), "lines"},
        {LOGS, LC_LIT("LOG|ERROR|1|x\n"), "lines"},
        {LOGS, LC_LIT("LOG:1:ERROR:x\n"), "lines"},
        {LOGS, LC_LIT("<13>x\n"), "lines"},
        {LOGS, LC_LIT("{\"message\":1}\n"), "lines"},
        {LOGS, LC_LIT("PING\n"), "lines"},
        {LOGS, LC_LIT("PING\r\n"), "lines"},
        {LOGS, LC_LIT("STATS\n"), "lines"},
        {LOGS, LC_LIT("로그\n"), "lines"},
        {LOGS, LC_LIT("\xFF"), "lines"},
        {LOGS, LC_LIT("\x16\x04"), "lines"},
        {LOGS, LC_LIT("P"), "undecided"},
        {LOGS, LC_LIT("\r\n\r\n"), "undecided"},
        {LOGS, LC_LIT("\r\n\r\nx"), "lines"},
        /* what begins like another protocol that is not spoken here */
        {LOGS, LC_LIT("USER bob has logged in\n"), "lines"},
        {LOGS, LC_LIT("PROXY is down\n"), "lines"},
        {LOGS, LC_LIT("\0\0\0\x05hello"), "lines"},
        {LOGS, LC_LIT("\1"), "lines"},
        {LOGS, LC_LIT("\2"), "lines"},
        {LINES, LC_LIT("5 <13>x"), "lines"},
    };
    CHECK(cases);
}

static void counted_syslog(void **state)
{
    LC_UNUSED(state);
    const struct first_octets cases[] = {
        {LOGS, LC_LIT("5 <13>x"), "octet-counted syslog"},
        {LOGS, LC_LIT("1234567890 <"), "octet-counted syslog"},
        {LOGS, LC_LIT("12345678901"), "lines"},
        {LOGS, LC_LIT("1234567890"), "undecided"},
        {LOGS, LC_LIT("12"), "undecided"},
        {LOGS, LC_LIT("12 "), "undecided"},
        {LOGS, LC_LIT("12 x"), "lines"},
        {LOGS, LC_LIT("12\n"), "lines"},
        {LOGS, LC_LIT("0 <13>"), "lines"},
        {LOGS, LC_LIT("2026-11-20 x\n"), "lines"},
    };
    CHECK(cases);
}

static void http(void **state)
{
    LC_UNUSED(state);
    const struct first_octets cases[] = {
        {WEB, LC_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1"},
        {LOGS, LC_LIT("GET / HTTP/1.1\r\n"), "HTTP/1"}, /* to be told so, not stored */
        {LOGS, LC_LIT("POST /insert HTTP/1.0\n"), "HTTP/1"},
        {LOGS, LC_LIT("M-SEARCH * HTTP/1.1\r\n"), "HTTP/1"},
        {LOGS, LC_LIT("GET / HTTP/1.1"), "undecided"},
        {LOGS, LC_LIT("GET / HTTP/1.1\r"), "undecided"},
        {LOGS, LC_LIT("GET"), "undecided"},
        {LOGS, LC_LIT("GET / HTTP/2.0\r\n"), "lines"},
        {LOGS, LC_LIT("GET / HTTP/1.1 \r\n"), "lines"},
        {LOGS, LC_LIT("GET /\r\n"), "lines"},
        {LOGS, LC_LIT("GET  HTTP/1.1\r\n"), "lines"},
        {LOGS, LC_LIT("GET /a b HTTP/1.1\r\n"), "lines"},
        {LOGS, LC_LIT("get / HTTP/1.1\r\n"), "lines"},
        {LOGS, LC_LIT(" / HTTP/1.1\r\n"), "lines"},
        {LOGS, LC_LIT("GET\n"), "lines"},
        {LOGS, LC_LIT("INFO GET /index.html HTTP/1.1\n"), "lines"},
        {LOGS, LC_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2"},
        {WEB, LC_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/2"},
        {LOGS, LC_LIT("PRI * HTTP/1.1\r\n"), "HTTP/1"},
    };
    CHECK(cases);
}

static void the_rest(void **state)
{
    LC_UNUSED(state);
    const struct first_octets cases[] = {
        {LOGS, LC_LIT("\x16\x03\x01\x02"), "TLS"},
        {LOGS, LC_LIT("\x16"), "undecided"},
        {LOGS, LC_LIT("\r\n\r\n\0\r\nQUIT\n"), "PROXY protocol"},
        {LOGS, LC_LIT("PROXY TCP4 192.0.2.1 192.0.2.2 514 9999\r\n"), "PROXY protocol"},
        {LOGS, LC_LIT("PROXY TCP4 192.0.2.1 192.0.2.2 514 99999\r\n"), "lines"},
        {ALL, LC_LIT("PROXY x HTTP/1.1\r\n"), "HTTP/1"},
        {ALL, LC_LIT("CAP LS 302\r\n"), "IRC"},
        {ALL, LC_LIT("NICK a\r\n"), "IRC"},
        {ALL, LC_LIT("USER a 0 * :a\r\n"), "IRC"},
        {ALL, LC_LIT("PASS x\r\n"), "IRC"},
        {ALL, LC_LIT("AUTHENTICATE PLAIN\r\n"), "IRC"},
        {ALL, LC_LIT("USER /x HTTP/1.1\r\n"), "IRC"},
        {ALL, LC_LIT("AUTH|token\n"), "lines"},
        {ALL, LC_LIT("\0\0\0\x05hello"), "length-prefixed frames"},
        {ALL, LC_LIT("\1\3"), "binary v1"},
        {ALL, LC_LIT("\2\5"), "binary v2"},
        {ALL, LC_LIT("5 <13>x"), "octet-counted syslog"},
        /* where no lines are spoken, all that is known is named */
        {WEB, LC_LIT("NICK a\r\n"), "IRC"},
        {WEB, LC_LIT("5 <13>x"), "octet-counted syslog"},
        {WEB, LC_LIT("\2\5"), "binary v2"},
        {WEB, LC_LIT("LOG|||x\n"), "lines"},
        {WEB, LC_LIT("LOG /x HTTP/1.1\n"), "HTTP/1"},
    };
    CHECK(cases);
}

static void undecided_for_too_long(void **state)
{
    LC_UNUSED(state);
    static uint8_t octets[LC_DETECT_MAX + 64];
    memset(octets, 'a', sizeof octets);
    memcpy(octets, "GET /", 5);
    memcpy(octets + sizeof octets - 11, " HTTP/1.1\r\n", 11);
    enum lc_protocol p = LC_PROTO_IRC;
    assert_lc_err(lc_detect(lc_slice(octets, LC_DETECT_MAX - 1), WEB, &p), LC_EMORE);
    assert_lc_ok(lc_detect(lc_slice(octets, LC_DETECT_MAX), WEB, &p));
    assert_int_equal(p, LC_PROTO_LINES);
    /* and in one piece just the same */
    assert_lc_ok(lc_detect(lc_slice(octets, sizeof octets), WEB, &p));
    assert_int_equal(p, LC_PROTO_LINES);

    memcpy(octets + LC_DETECT_MAX - 11, " HTTP/1.1\r\n", 11);
    assert_lc_ok(lc_detect(lc_slice(octets, LC_DETECT_MAX), WEB, &p));
    assert_int_equal(p, LC_PROTO_HTTP1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(counted_syslog),
        cmocka_unit_test(http),
        cmocka_unit_test(the_rest),
        cmocka_unit_test(undecided_for_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
