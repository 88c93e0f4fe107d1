/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/proxy_test.c - sessions that begin with a PROXY header.
 */
#include "conn/test_conn.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2        SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xc9\x3a\x27\x0f"

#define UNTRUSTED "broken: a PROXY header of a proxy that is not trusted\n"

static void trusts(struct lc_test_conn *w)
{
    w->trusts = true;
    w->config.speaks |= LC_SPEAKS(LC_PROTO_FRAMES);
}

static void a_trusted_header_names_the_client(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\r\nhello\n"), trusts,
                        "client 192.0.2.7:51514\nhello\n", LC_LIT("ACK\n"));
    lc_test_conn_splits(LC_LIT("PROXY TCP6 2001:db8::7 ::1 514 9999\r\n8 <13>y: b"), trusts,
                        "client [2001:db8::7]:514\nb\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT(V2 "\0\0\0\5hello"), trusts, "client 192.0.2.7:51514\nhello\n",
                        LC_LIT("\0\0\0\3ACK"));
}

static void a_proxy_may_speak_for_itself(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("PROXY UNKNOWN\r\nhello\n"), trusts, "hello\n", LC_LIT("ACK\n"));
    lc_test_conn_splits(LC_LIT(SIGNATURE "\x20\0\0\0hello\n"), trusts, "hello\n", LC_LIT("ACK\n"));
    lc_test_conn_splits(LC_LIT("PROX: hello\n"), trusts, "PROX: hello\n", LC_LIT("ACK\n"));
}

static void a_header_that_is_wrong_ends_the_session(void **state)
{
    LC_UNUSED(state);
    const char *said = "broken: the PROXY header is not well-formed\n";
    struct lc_slice got = LC_LIT("ERROR|the PROXY header is not well-formed\n");
    lc_test_conn_splits(LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 x 9999\r\nhello\n"), trusts, said,
                        got);
    lc_test_conn_splits(LC_LIT(SIGNATURE "\x31\x11\0\0hello\n"), trusts, said, got);
    lc_test_conn_splits(LC_LIT(SIGNATURE "\x21\x11\xff\xff"), trusts, said, got);
}

static void only_one_header_is_believed(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(V2 V2 "hello\n"), trusts, "client 192.0.2.7:51514\n" UNTRUSTED,
                        LC_LIT("ERROR|the PROXY protocol is taken from trusted proxies only; "
                               "this address is none\n"));
}

static void a_client_may_be_kept_out(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    w.trusts = true;
    lc_test_conn_part(&w, LC_LIT("PROXY TCP4 192.0.2.66 198.51.100.1 1 9999\r\nhello\n"));
    lc_test_conn_run(&w);
    assert_slice(lc_dynbuf_slice(&w.said), "client 192.0.2.66:1\n");
    assert_slice(lc_dynbuf_slice(&w.got), "");
    lc_test_conn_end(&w);
}

/* Who isn't trusted learns it, so that a proxy which is not in the list is found at once. */
static void nobody_else_is_believed(void **state)
{
    LC_UNUSED(state);
    struct lc_slice got = LC_LIT("ERROR|the PROXY protocol is taken from trusted proxies only; "
                                 "this address is none\n");
    lc_test_conn_splits(LC_LIT("PROXY TCP4 192.0.2.7 198.51.100.1 51514 9999\r\nhello\n"), NULL,
                        UNTRUSTED, got);
    lc_test_conn_splits(LC_LIT(V2 "hello\n"), NULL, UNTRUSTED, got);
    lc_test_conn_splits(LC_LIT("PROXY is down\n"), NULL, "PROXY is down\n", LC_LIT("ACK\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_header_names_the_client),
        cmocka_unit_test(a_proxy_may_speak_for_itself),
        cmocka_unit_test(a_header_that_is_wrong_ends_the_session),
        cmocka_unit_test(only_one_header_is_believed),
        cmocka_unit_test(a_client_may_be_kept_out),
        cmocka_unit_test(nobody_else_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
