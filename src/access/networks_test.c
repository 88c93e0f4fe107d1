/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "access/networks.h"

static struct lc_peer peer_of(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    const void *sa = &in;

    if (strcmp(text, "unix") == 0)
        return lc_peer_of(&(const struct sockaddr){.sa_family = AF_UNIX});
    if (inet_pton(AF_INET, text, &in.sin_addr) != 1) {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        sa = &in6;
    }
    return lc_peer_of(sa);
}

static struct lc_networks *parse(const char *text)
{
    struct lc_networks *n = NULL;
    struct lc_diag diag = {{0}, 0, 0};
    lc_err e = lc_networks_parse(&text, 1, &n, &diag);

    if (e != LC_OK)
        fail_msg("%s: %s: %s", text, lc_strerror(e), diag.text);
    return n;
}

/* Of each network what lies just inside and just outside. */
static void a_set_holds_what_was_written(void **state)
{
    static const struct {
        const char *networks, *inside[8], *outside[8];
    } cases[] = {
        {"", {NULL}, {"127.0.0.1", "::1", "unix"}},
        {"any", {"127.0.0.1", "255.255.255.255", "::", "2001:db8::1", "unix"}, {NULL}},
        {"192.0.2.7", {"192.0.2.7", "::ffff:192.0.2.7"}, {"192.0.2.6", "192.0.2.8", "unix"}},
        {"10.0.0.0/8",
         {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"},
         {"9.255.255.255", "11.0.0.0", "::10.0.0.1"}},
        {"::ffff:10.0.0.0/104", {"10.0.0.0", "10.255.255.255"}, {"9.255.255.255", "11.0.0.0"}},
        {"10.1.2.0/23", {"10.1.2.0", "10.1.3.255"}, {"10.1.1.255", "10.1.4.0"}},
        {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1", "2001:db8::1", "unix"}},
        {"::/0",
         {"::", "::1", "::fffe:ffff:ffff", "::1:0:0:0", "ffff::"},
         {"0.0.0.0", "127.0.0.1", "255.255.255.255", "unix"}},
        {"2001:db8::/32",
         {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
         {"2001:db7:ffff::", "2001:db9::"}},
        {"2001:db8:0:80::/57",
         {"2001:db8:0:80::", "2001:db8:0:ff:ffff::"},
         {"2001:db8:0:7f::", "2001:db8:0:100::"}},
        {"loopback",
         {"127.0.0.0", "127.255.255.255", "::1", "::ffff:127.0.0.1"},
         {"126.255.255.255", "128.0.0.0", "::", "::2", "unix"}},
        {"private",
         {"10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.1.1", "169.254.0.1", "fc00::1",
          "fdff::1", "febf::1"},
         {"127.0.0.1", "172.15.255.255", "172.32.0.0", "192.169.0.0", "fec0::1", "2001:db8::1"}},
        {"unix", {"unix"}, {"127.0.0.1", "::1"}},
        /* overlapping, touching, repeated, in no order */
        {"10.0.2.0/24, 10.0.0.0/23\t10.0.2.128/25,,10.0.2.0/24 10.0.4.0/24,10.0.4.7",
         {"10.0.0.0", "10.0.2.0", "10.0.2.255", "10.0.4.7", "10.0.4.255"},
         {"9.255.255.255", "10.0.3.0", "10.0.3.255", "10.0.5.0"}},
        {"ANY", {"1.2.3.4"}, {NULL}},
        {" LoopBack , unix ", {"127.0.0.1", "unix"}, {"10.0.0.1"}},
    };

    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_networks *n = parse(cases[i].networks);

        for (size_t k = 0; k < 8 && cases[i].inside[k] != NULL; k++) {
            struct lc_peer p = peer_of(cases[i].inside[k]);

            if (!lc_networks_has(n, &p))
                fail_msg("'%s' has not %s", cases[i].networks, cases[i].inside[k]);
        }
        for (size_t k = 0; k < 8 && cases[i].outside[k] != NULL; k++) {
            struct lc_peer p = peer_of(cases[i].outside[k]);

            if (lc_networks_has(n, &p))
                fail_msg("'%s' has %s", cases[i].networks, cases[i].outside[k]);
        }
        lc_networks_free(n);
    }
}

static void texts_add_up(void **state)
{
    const char *const texts[] = {"10.0.0.0/8", "", "::1 unix"};
    struct lc_peer p = peer_of("unix");
    struct lc_networks *n;

    LC_UNUSED(state);
    assert_lc_ok(lc_networks_parse(texts, 3, &n, NULL));
    assert_true(lc_networks_has(n, &p));
    p = peer_of("::1");
    assert_true(lc_networks_has(n, &p));
    assert_false(lc_networks_is_any(n));
    lc_networks_free(n);
    assert_lc_ok(lc_networks_parse(NULL, 0, &n, NULL));
    assert_false(lc_networks_has(n, &p));
    assert_false(lc_networks_has(NULL, &p));
    lc_networks_free(n);
}

static void a_mistake_is_named(void **state)
{
    static const struct {
        const char *text, *says;
        unsigned column;
    } cases[] = {
        {"10.0.0.1/8",
         "'10.0.0.1/8': the address has bits behind its prefix; the network is "
         "10.0.0.0/8",
         1},
        {"2001:db8::1/32", "the network is 2001:db8::/32", 1},
        {"::ffff:10.0.0.1/104", "the network is ::ffff:10.0.0.0/104", 1},
        {"any, 10.0.0.0/33", "'10.0.0.0/33': the prefix of IPv4 is a number from 0 to 32", 6},
        {"::/129", "the prefix of IPv6 is a number from 0 to 128", 1},
        {"10.0.0.0/", "the prefix of IPv4", 1},
        {"10.0.0.0/-1", "the prefix of IPv4", 1},
        {"10.0.0.0/255.0.0.0", "the prefix of IPv4", 1},
        {"  lopback", "'lopback': expected an address, a network as", 3},
        {"10.0.0", "expected an address", 1},
        {"010.0.0.1", "expected an address", 1},
        {"/8", "expected an address", 1},
        {"10.0.0.1:514", "a network has no port", 1},
        {"[::1]:514", "neither brackets nor a port", 1},
        {"fe80::1%eth0", "no zone", 1},
        {"10.0.0.0-10.0.0.9", "expected an address", 1},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a",
         "aaaa': expected an address", 1},
    };

    LC_UNUSED(state);
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_networks *n = NULL;
        struct lc_diag diag = {{0}, 0, 0};

        assert_lc_err(lc_networks_parse(&cases[i].text, 1, &n, &diag), LC_ESYNTAX);
        if (strstr(diag.text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].text, diag.text);
        assert_int_equal(diag.column, cases[i].column);
        assert_null(n);
    }
}

/* Thousands of networks with holes between them: each answer is that of a slow search. */
static void many_networks(void **state)
{
    enum { COUNT = 20000 };
    struct lc_dynbuf text;
    struct lc_networks *n;
    char address[32];

    LC_UNUSED(state);
    lc_dynbuf_init(&text, 1 << 20);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned k = i * 7919 % COUNT; /* in no order */

        assert_lc_ok(lc_dynbuf_printf(&text, "10.%u.%u.0/25 ", k >> 8, k & 255));
    }
    assert_lc_ok(lc_dynbuf_append(&text, lc_slice("", 1)));
    n = parse((const char *)text.p);
    for (unsigned i = 0; i < 1 << 15; i++) {
        snprintf(address, sizeof address, "10.%u.%u.%u", i >> 8, i & 255, i * 37 & 255);

        struct lc_peer p = peer_of(address);

        assert_int_equal(lc_networks_has(n, &p), i < COUNT && (i * 37 & 255) < 128);
    }
    lc_networks_free(n);
    lc_dynbuf_done(&text);
}

static void too_many_are_refused(void **state)
{
    struct lc_dynbuf text;
    struct lc_networks *n;
    struct lc_diag diag;
    const char *p;

    LC_UNUSED(state);
    lc_dynbuf_init(&text, 2 << 20);
    for (unsigned i = 0; i <= LC_NETWORKS_MAX; i++)
        assert_lc_ok(lc_dynbuf_printf(&text, "10.%u.%u.%u,", i >> 16, i >> 8 & 255, i & 255));
    assert_lc_ok(lc_dynbuf_append(&text, lc_slice("", 1)));
    p = (const char *)text.p;
    assert_lc_err(lc_networks_parse(&p, 1, &n, &diag), LC_ELIMIT);
    assert_string_equal(diag.text, "more than 65536 networks");
    lc_dynbuf_done(&text);
}

static void keys_count_together_what_belongs_together(void **state)
{
    struct lc_peer p[] = {peer_of("192.0.2.1"),
                          peer_of("::ffff:192.0.2.1"),
                          peer_of("192.0.2.2"),
                          peer_of("2001:db8::1"),
                          peer_of("2001:db8::2:0:1"),
                          peer_of("2001:db8:0:1::1"),
                          peer_of("unix"),
                          peer_of("unix")};
    struct lc_peer_key k[LC_ARRAY_LEN(p)];

    LC_UNUSED(state);
    p[7].has_uid = true;
    for (size_t i = 0; i < LC_ARRAY_LEN(p); i++)
        k[i] = lc_peer_key(&p[i]);
    for (size_t i = 0; i < LC_ARRAY_LEN(p); i++) {
        for (size_t j = 0; j < LC_ARRAY_LEN(p); j++) {
            bool same = i == j || (i < 2 && j < 2) || (i >= 3 && i <= 4 && j >= 3 && j <= 4);

            assert_int_equal(memcmp(&k[i], &k[j], sizeof k[i]) == 0, same);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_holds_what_was_written),
        cmocka_unit_test(texts_add_up),
        cmocka_unit_test(a_mistake_is_named),
        cmocka_unit_test(many_networks),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(keys_count_together_what_belongs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
