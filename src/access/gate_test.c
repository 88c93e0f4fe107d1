/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "access/gate.h"

#define S(seconds)    ((struct lc_time){(int64_t)((seconds)*1e9)})
#define SERVER_UID    990
#define SOMEBODYS_UID 1000

/* The rows of docs/access.md. */
static const struct lc_policy_row logs = {.connections_per_s = 100};
static const struct lc_policy_row query = {
    .connections_per_s = 10, .strict_allow = "127.0.0.1 ::1 unix", .strict_login = true};

struct world {
    struct lc_gate *gate;
    struct lc_porter *porter;
};

static struct lc_policy *new_policy(const struct lc_policy_config *config,
                                    const struct lc_policy_row *row)
{
    struct lc_policy *p = NULL;
    struct lc_diag diag = {{0}, 0, 0};

    if (lc_policy_new(config, row, &p, &diag) != LC_OK)
        fail_msg("%s", diag.text);
    return p;
}

static void begin(struct world *w, const struct lc_policy_config *config,
                  const struct lc_policy_row *row, size_t entries)
{
    const struct lc_gate_config gate = {.entries = entries, .seed = 7, .server_uid = SERVER_UID};

    assert_lc_ok(lc_gate_new(&gate, new_policy(config, row), &w->gate));
    assert_lc_ok(lc_porter_new(w->gate, 64, &w->porter));
}

static void end(struct world *w)
{
    lc_porter_free(w->porter);
    lc_gate_free(w->gate);
}

static struct lc_peer ip(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return lc_peer_of((const struct sockaddr *)(const void *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return lc_peer_of((const struct sockaddr *)(const void *)&in6);
}

static struct lc_peer user(unsigned uid)
{
    return (struct lc_peer){.is_unix = true, .has_uid = true, .uid = uid};
}

static enum lc_verdict admit(struct world *w, struct lc_peer peer, struct lc_time now)
{
    struct lc_guest guest;

    return lc_porter_admit(w->porter, &peer, true, now, &guest);
}

/* Comes and goes `tries` times at one moment; how often it is let in. */
static unsigned visits(struct world *w, struct lc_peer peer, struct lc_time now, unsigned tries,
                       enum lc_verdict otherwise)
{
    struct lc_guest guest;
    unsigned in = 0;

    for (unsigned i = 0; i < tries; i++) {
        enum lc_verdict v = lc_porter_admit(w->porter, &peer, true, now, &guest);

        if (v == LC_ADMITTED) {
            lc_porter_leave(w->porter, &guest);
            in++;
        } else {
            assert_int_equal(v, otherwise);
        }
    }
    return in;
}

/* ---- strict, cell by cell ---- */

static const struct lc_policy_config strict = {.kind = LC_POLICY_STRICT};

static void strict_networks_and_login(void **state)
{
    static const struct {
        const char *address; /* NULL: by user */
        unsigned uid;
        enum lc_verdict logs, query;
    } cells[] = {
        {"127.0.0.1", 0, LC_ADMITTED, LC_REFUSED_LOGIN},
        {"::1", 0, LC_ADMITTED, LC_REFUSED_LOGIN},
        {"::ffff:127.0.0.1", 0, LC_ADMITTED, LC_REFUSED_LOGIN},
        {"127.0.0.2", 0, LC_ADMITTED, LC_REFUSED_NETWORK},
        {"192.168.1.1", 0, LC_ADMITTED, LC_REFUSED_NETWORK},
        {"203.0.113.1", 0, LC_ADMITTED, LC_REFUSED_NETWORK},
        {"2001:db8::1", 0, LC_ADMITTED, LC_REFUSED_NETWORK},
        {"fe80::1", 0, LC_ADMITTED, LC_REFUSED_NETWORK},
        {NULL, 0, LC_ADMITTED, LC_ADMITTED},
        {NULL, SERVER_UID, LC_ADMITTED, LC_ADMITTED},
        {NULL, SOMEBODYS_UID, LC_ADMITTED, LC_REFUSED_LOGIN},
    };
    struct world l, q;
    struct lc_peer nobody = {.is_unix = true};

    LC_UNUSED(state);
    begin(&l, &strict, &logs, 0);
    begin(&q, &strict, &query, 0);
    for (size_t i = 0; i < LC_ARRAY_LEN(cells); i++) {
        struct lc_peer p = cells[i].address ? ip(cells[i].address) : user(cells[i].uid);

        assert_int_equal(admit(&l, p, S(100 + i)), cells[i].logs);
        assert_int_equal(admit(&q, p, S(100 + i)), cells[i].query);
    }
    assert_int_equal(admit(&q, nobody, S(200)), LC_REFUSED_LOGIN);
    end(&l);
    end(&q);
}

/* 10 in 60 s is the narrower limit of both; to see the rate, they have to come more slowly than
 * that for a long time and then at once, which 10 in 60 s forbids: so its cell is looked at. */
static void strict_rates(void **state)
{
    struct lc_policy *p = new_policy(&strict, &logs);

    LC_UNUSED(state);
    assert_int_equal(p->enter.rate.count, 100);
    assert_int_equal(p->enter.rate.period_ns, LC_NS_PER_S);
    lc_policy_unref(p);
    p = new_policy(&strict, &query);
    assert_int_equal(p->enter.rate.count, 10);
    assert_int_equal(p->enter.rate.period_ns, LC_NS_PER_S);
    lc_policy_unref(p);
}

static void strict_ten_in_a_minute(void **state)
{
    struct world w;

    LC_UNUSED(state);
    begin(&w, &strict, &logs, 0);
    assert_int_equal(visits(&w, ip("127.0.0.1"), S(100), 12, LC_REFUSED_COUNT), 10);
    assert_int_equal(visits(&w, ip("127.0.0.1"), S(159.9), 12, LC_REFUSED_COUNT), 0);
    assert_int_equal(visits(&w, ip("127.0.0.2"), S(159.9), 12, LC_REFUSED_COUNT), 10);
    assert_int_equal(visits(&w, ip("127.0.0.1"), S(160), 12, LC_REFUSED_COUNT), 10);
    /* a /64 is one */
    assert_int_equal(visits(&w, ip("2001:db8::1"), S(160), 6, LC_REFUSED_COUNT), 6);
    assert_int_equal(visits(&w, ip("2001:db8::2"), S(160), 6, LC_REFUSED_COUNT), 4);
    assert_int_equal(visits(&w, ip("2001:db8:0:1::2"), S(160), 6, LC_REFUSED_COUNT), 6);
    /* users of this host have no address */
    assert_int_equal(visits(&w, user(SOMEBODYS_UID), S(160), 1000, LC_REFUSED_COUNT), 1000);
    end(&w);
}

static void strict_messages(void **state)
{
    const struct {
        struct lc_slice message;
        const char *why;
    } cells[] = {
        {LC_LIT(""), "empty"},
        {LC_LIT("x"), NULL},
        {LC_LIT("a tab\tis one"), NULL},
        {LC_LIT("\033[31mred"), "control"},
        {LC_LIT("a\nb"), "control"},
        {LC_LIT("a\rb"), "control"},
        {LC_LIT("a\0b"), "control"},
        {LC_LIT("\x1f"), "control"},
        {LC_LIT("\x20"), NULL},
        {LC_LIT("\x7e"), NULL},
        {LC_LIT("\x7f"), "control"},
        {LC_LIT("\xc2\x80"), "control"}, /* U+0080 */
        {LC_LIT("\xc2\x9f"), "control"}, /* U+009F */
        {LC_LIT("\xc2\xa0"), NULL},      /* U+00A0 */
        {LC_LIT("디스크가 가득 찼습니다"), NULL},
        {LC_LIT("\x80 not UTF-8 \xff\xc2"), NULL},
    };
    struct world s, o;
    char text[1025];

    LC_UNUSED(state);
    begin(&s, &strict, &logs, 0);
    begin(&o, &(const struct lc_policy_config){.kind = LC_POLICY_OPEN}, &logs, 0);
    for (size_t i = 0; i < LC_ARRAY_LEN(cells); i++) {
        const char *why = lc_porter_refuses_message(s.porter, cells[i].message);

        if (why == NULL || cells[i].why == NULL)
            assert_ptr_equal(why, cells[i].why);
        else
            assert_non_null(strstr(why, cells[i].why));
        assert_null(lc_porter_refuses_message(o.porter, cells[i].message));
    }
    memset(text, 'x', sizeof text);
    assert_null(lc_porter_refuses_message(s.porter, lc_slice(text, 1024)));
    assert_non_null(
        strstr(lc_porter_refuses_message(s.porter, lc_slice(text, 1025)), "1024 octets"));
    end(&s);
    end(&o);
}

/* ---- open ---- */

static void open_rates(void **state)
{
    const struct lc_policy_config open = {.kind = LC_POLICY_OPEN};
    struct world l, q;

    LC_UNUSED(state);
    begin(&l, &open, &logs, 0);
    begin(&q, &open, &query, 0);
    assert_int_equal(visits(&l, ip("203.0.113.1"), S(1), 300, LC_REFUSED_RATE), 100);
    assert_int_equal(visits(&l, ip("203.0.113.1"), S(1.1), 300, LC_REFUSED_RATE), 10);
    assert_int_equal(visits(&l, ip("203.0.113.2"), S(1), 300, LC_REFUSED_RATE), 100);
    assert_int_equal(visits(&l, ip("127.0.0.1"), S(1), 300, LC_REFUSED_RATE), 100);
    assert_int_equal(visits(&q, ip("127.0.0.1"), S(1), 300, LC_REFUSED_RATE), 10);
    assert_int_equal(visits(&q, ip("203.0.113.1"), S(2), 300, LC_REFUSED_RATE), 10);
    assert_int_equal(visits(&q, user(SOMEBODYS_UID), S(2), 300, LC_REFUSED_RATE), 300);
    end(&l);
    end(&q);
}

static void what_is_configured_replaces_what_the_policy_says(void **state)
{
    const char *allow[] = {"10.0.0.0/8", "unix"}, *deny[] = {"10.1.0.0/16"}, *trust[] = {"::1"};
    const struct lc_policy_config config = {
        .kind = LC_POLICY_STRICT,
        .allow = {allow, 2},
        .deny = {deny, 1},
        .trust = {trust, 1},
        .connections_rate = {3, 60 * LC_NS_PER_S},
        .connections_max = 2,
    };
    struct world w;
    struct lc_peer p = ip("::1");
    char why[LC_REASON_MAX];

    LC_UNUSED(state);
    begin(&w, &config, &logs, 0);
    assert_int_equal(admit(&w, ip("127.0.0.1"), S(1)), LC_REFUSED_NETWORK);
    assert_int_equal(admit(&w, ip("10.1.2.3"), S(1)), LC_REFUSED_NETWORK);
    assert_int_equal(visits(&w, ip("10.2.2.3"), S(1), 5, LC_REFUSED_RATE), 3);
    assert_int_equal(admit(&w, ip("10.2.2.4"), S(1)), LC_ADMITTED);
    assert_int_equal(admit(&w, ip("10.2.2.4"), S(1)), LC_ADMITTED);
    assert_int_equal(admit(&w, ip("10.2.2.4"), S(1)), LC_REFUSED_COUNT);
    assert_true(lc_porter_trusts(w.porter, &p));
    p = ip("127.0.0.1");
    assert_false(lc_porter_trusts(w.porter, &p));
    lc_porter_reason(w.porter, LC_REFUSED_RATE, why);
    assert_string_equal(why, "more than 3 new connections in 60 s from your address; try again a "
                             "little later");
    end(&w);
}

/* Who is trusted to speak for others is not counted, and may come from anywhere; it has no login by
 * that. Whom it names is looked at as if he had come himself. */
static void proxies(void **state)
{
    const char *allow[] = {"10.0.0.0/8"}, *trust[] = {"192.0.2.1", "10.0.0.1"};
    struct lc_policy_config config = {.allow = {allow, 1}, .trust = {trust, 2}};
    struct lc_peer proxy = ip("192.0.2.1"), client = ip("10.0.0.1"), stranger = ip("192.0.2.2");
    struct lc_guest guest;
    struct world w;

    LC_UNUSED(state);
    begin(&w, &config, &logs, 0);
    assert_int_equal(visits(&w, proxy, S(1), 300, LC_REFUSED_RATE), 300);
    assert_int_equal(admit(&w, stranger, S(1)), LC_REFUSED_NETWORK);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(lc_porter_admit(w.porter, &client, false, S(1), &guest),
                         i < 100 ? LC_ADMITTED : LC_REFUSED_RATE);
    assert_int_equal(lc_porter_admit(w.porter, &proxy, false, S(1), &guest), LC_REFUSED_NETWORK);
    end(&w);

    config.kind = LC_POLICY_STRICT;
    begin(&w, &config, &query, 0);
    assert_int_equal(admit(&w, proxy, S(1)), LC_REFUSED_LOGIN);
    assert_int_equal(admit(&w, client, S(1)), LC_REFUSED_LOGIN);
    end(&w);
}

static void a_new_policy_holds_for_who_comes(void **state)
{
    const char *nobody[] = {"192.0.2.0/24"};
    const struct lc_policy_config open = {.kind = LC_POLICY_OPEN};
    const struct lc_policy_config closed = {.allow = {nobody, 1}};
    struct lc_peer here = ip("127.0.0.1");
    struct lc_guest guest;
    enum lc_verdict verdict;
    struct world w;

    LC_UNUSED(state);
    begin(&w, &open, &logs, 0);
    assert_int_equal(lc_porter_admit(w.porter, &here, true, S(1), &guest), LC_ADMITTED);
    assert_non_null(lc_porter_source(w.porter, &here, &verdict));
    lc_gate_set_policy(w.gate, new_policy(&closed, &logs));
    assert_int_equal(admit(&w, here, S(1)), LC_REFUSED_NETWORK);
    assert_null(lc_porter_source(w.porter, &here, &verdict));
    assert_int_equal(verdict, LC_REFUSED_NETWORK);
    lc_porter_leave(w.porter, &guest);
    lc_gate_set_policy(w.gate, new_policy(&open, &logs));
    assert_int_equal(admit(&w, here, S(1)), LC_ADMITTED);
    assert_non_null(lc_porter_source(w.porter, &here, &verdict));
    end(&w);
}

/* Open lets in whom the table has no room for, strict does not. */
static void a_full_table(void **state)
{
    enum { ENTRIES = 64, MANY = 5000 };
    struct lc_policy_config config = {.kind = LC_POLICY_OPEN};
    char address[32];

    LC_UNUSED(state);
    for (unsigned k = 0; k < 2; k++) {
        struct world w;
        unsigned in = 0, full = 0;

        config.kind = k == 0 ? LC_POLICY_OPEN : LC_POLICY_STRICT;
        begin(&w, &config, &logs, ENTRIES);
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(address, sizeof address, "127.0.%u.%u", i >> 8, i & 255);

            enum lc_verdict v = admit(&w, ip(address), S(1));

            in += v == LC_ADMITTED;
            full += v == LC_REFUSED_FULL;
        }
        assert_int_equal(in, k == 0 ? MANY : ENTRIES);
        assert_int_equal(in + full, MANY);
        end(&w);
    }
}

/* ---- what is sent ---- */

/* Two connections and a source of datagrams of one address, sending all they can for 10 s, get
 * what the rate gives. */
static void all_of_an_address_share_its_rate(void **state)
{
    const struct lc_policy_config config = {.records_rate = {1000, LC_NS_PER_S},
                                            .octets_rate = {1000000, LC_NS_PER_S}};
    struct lc_peer here = ip("127.0.0.1");
    struct lc_guest g[2], *datagrams;
    struct lc_time ready;
    enum lc_verdict verdict;
    struct world w;
    unsigned got[3] = {0};

    LC_UNUSED(state);
    begin(&w, &config, &logs, 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(lc_porter_admit(w.porter, &here, true, S(1), &g[i]), LC_ADMITTED);
    for (unsigned ms = 0; ms < 10000; ms++) {
        struct lc_time now = S(1 + ms / 1e3);

        datagrams = lc_porter_source(w.porter, &here, &verdict);
        for (unsigned i = 0; i < 3; i++) {
            struct lc_guest *guest = i < 2 ? &g[i] : datagrams;

            while (lc_porter_may_send(w.porter, guest, 10, now, &ready) == LC_OK) {
                lc_guest_sent(guest, 10);
                got[i]++;
            }
            assert_true(ready.ns > now.ns && ready.ns <= now.ns + LC_NS_PER_S);
        }
    }
    assert_in_range(got[0] + got[1] + got[2], 10990, 11000);
    for (unsigned i = 0; i < 2; i++)
        lc_porter_leave(w.porter, &g[i]);
    end(&w);
}

/* Many short connections do not use up what they have not sent. */
static void what_was_not_sent_goes_back(void **state)
{
    const struct lc_policy_config config = {.connections_rate = {0, LC_NS_PER_S},
                                            .records_rate = {100, LC_NS_PER_S}};
    struct lc_peer here = ip("127.0.0.1");
    struct lc_guest guest;
    struct lc_time ready;
    struct world w;
    unsigned sent = 0;

    LC_UNUSED(state);
    begin(&w, &config, &logs, 0);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(lc_porter_admit(w.porter, &here, true, S(1), &guest), LC_ADMITTED);
        if (lc_porter_may_send(w.porter, &guest, 10, S(1), &ready) == LC_OK) {
            lc_guest_sent(&guest, 10);
            sent++;
        }
        lc_porter_leave(w.porter, &guest);
    }
    assert_int_equal(sent, 100);
    end(&w);
}

/* Sources that fall into one place take turns there, and none gets more by that. */
static void sources_that_are_forgotten(void **state)
{
    const struct lc_policy_config config = {.records_rate = {100, LC_NS_PER_S}};
    unsigned sent[200] = {0};
    struct lc_time ready;
    enum lc_verdict verdict;
    struct world w;
    char address[32];

    LC_UNUSED(state);
    begin(&w, &config, &logs, 0);
    for (unsigned round = 0; round < 150; round++) {
        for (unsigned i = 0; i < LC_ARRAY_LEN(sent); i++) {
            snprintf(address, sizeof address, "127.0.0.%u", i);

            struct lc_peer p = ip(address);
            struct lc_guest *guest = lc_porter_source(w.porter, &p, &verdict);

            if (lc_porter_may_send(w.porter, guest, 10, S(1), &ready) != LC_OK)
                continue;
            lc_guest_sent(guest, 10);
            sent[i]++;
        }
    }
    for (unsigned i = 0; i < LC_ARRAY_LEN(sent); i++)
        assert_int_equal(sent[i], 100);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_networks_and_login),
        cmocka_unit_test(strict_rates),
        cmocka_unit_test(strict_ten_in_a_minute),
        cmocka_unit_test(strict_messages),
        cmocka_unit_test(open_rates),
        cmocka_unit_test(what_is_configured_replaces_what_the_policy_says),
        cmocka_unit_test(proxies),
        cmocka_unit_test(a_new_policy_holds_for_who_comes),
        cmocka_unit_test(a_full_table),
        cmocka_unit_test(all_of_an_address_share_its_rate),
        cmocka_unit_test(what_was_not_sent_goes_back),
        cmocka_unit_test(sources_that_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
