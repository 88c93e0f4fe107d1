/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/structured_test.c - sessions of Fluentd's protocol and of GELF, and GELF datagrams.
 */
#include "conn/test_conn.h"

#include "conn/dgram.h"
#include "proto/gelf.h"

/* ---- forward ---- */

#define ENTRY_A                                                                                    \
    "\x92\x01\x81\xA3msg\xA1"                                                                      \
    "a"
#define ENTRY_B                                                                                    \
    "\x92\x02\x81\xA3msg\xA1"                                                                      \
    "b"
/* [tag, [a, b], {"chunk": ...}] */
#define CHUNK(name)                                                                                \
    "\x93\xA1t\x92" ENTRY_A ENTRY_B "\x81\xA5"                                                     \
    "chunk\xA2" name
#define ACK(name)                                                                                  \
    "\x81\xA3"                                                                                     \
    "ack\xD9\x02" name

static void forward(struct lc_test_conn *w)
{
    w->config.speaks = LC_SPEAKS(LC_PROTO_FORWARD);
}

static void chunks_are_acknowledged(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(CHUNK("01") "\xC0"
                                           "\x92\xA1t\x91" ENTRY_A /* wants no answer */
                                           "\x93\xA1t\x90\x81\xA5"
                                           "chunk\xA2"
                                           "02" /* holds nothing */
                               CHUNK("03")),
                        forward, "a\nb\na\na\nb\n", LC_LIT(ACK("01") ACK("02") ACK("03")));
}

static void no_room_keeps_the_place_in_a_chunk(struct lc_test_conn *w)
{
    forward(w);
    w->no_room = 5;
    w->answer_from = 1; /* outcomes come in the middle of chunks */
}

static void a_chunk_waits_for_room(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(CHUNK("01") CHUNK("02")), no_room_keeps_the_place_in_a_chunk,
                        "a\nb\na\nb\n", LC_LIT(ACK("01") ACK("02")));
}

static void refusing(struct lc_test_conn *w)
{
    forward(w);
    w->refuses = LC_EFULL;
}

static void what_is_refused_is_not_acknowledged(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(CHUNK("01")), refusing, "a\nb\n", LC_LIT(""));
}

static void what_is_no_forward_ends_the_session(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT(CHUNK("01") "\x92\x01\x90" CHUNK("02")), forward,
                        "a\nb\nbroken: the tag is no string\n", LC_LIT(ACK("01")));
    lc_test_conn_splits(LC_LIT("\x92\xA1t\xA2\x92\x01"), forward,
                        "broken: the entries are not well-formed\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("\x92\xC1"), forward, "broken: not MessagePack\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("\x92\xDD\xFF\xFF\xFF\xFF"), forward,
                        "broken: a message is longer than 8 MiB\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("hello\n"), forward, "", LC_LIT("ERROR|not here\n"));
    lc_test_conn_splits(LC_LIT("{\"a\":1}\n"), forward, "", LC_LIT("ERROR|not here\n"));
}

static void figures_of_forward(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    lc_test_conn_begin(&w);
    forward(&w);
    lc_test_conn_part(&w, LC_LIT(CHUNK("01") "\x92\xA1t\x93\x07" ENTRY_A "\xC0"
                                             "\x93\xA1t"));
    lc_test_conn_run(&w);
    assert_int_equal(lc_counted(&w.counters.sessions_forward), 1);
    assert_int_equal(lc_counted(&w.counters.forward), 3);
    assert_int_equal(lc_counted(&w.counters.malformed), 2);
    assert_int_equal(lc_counted(&w.counters.broken_off), 1);
    lc_test_conn_end(&w);
}

/* ---- GELF ---- */

static void gelf(struct lc_test_conn *w)
{
    w->config.speaks = LC_SPEAKS(LC_PROTO_GELF);
}

static void messages_end_with_nul(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("{\"short_message\":\"a\"}\0"
                               "\0"
                               "{\"short_message\":\"b\"}\r\n\0"
                               "no GELF\0"
                               "{\"short_message\":\"c\"}\n"),
                        gelf, "a\nb\nno GELF\nc\n", LC_LIT(""));
    lc_test_conn_splits(LC_LIT("hello\0"), gelf, "", LC_LIT("ERROR|not here\n"));
}

static void a_gelf_message_waits_for_room(struct lc_test_conn *w)
{
    gelf(w);
    w->no_room = 3;
}

static void gelf_waits_for_room(void **state)
{
    LC_UNUSED(state);
    lc_test_conn_splits(LC_LIT("{\"short_message\":\"a\"}\0{\"short_message\":\"b\"}"),
                        a_gelf_message_waits_for_room, "a\nb\n", LC_LIT(""));
}

static void a_long_message_is_cut(void **state)
{
    LC_UNUSED(state);
    struct lc_test_conn w;
    struct lc_dynbuf input;
    lc_dynbuf_init(&input, 4 << 20);
    assert_lc_ok(lc_dynbuf_printf(&input, "{%0*d", (int)LC_GELF_MAX + 10, 0));
    assert_lc_ok(lc_dynbuf_append(&input, LC_LIT("\0{\"short_message\":\"b\"}\0")));
    lc_test_conn_begin(&w);
    gelf(&w);
    lc_test_conn_part(&w, lc_dynbuf_slice(&input));
    lc_test_conn_run(&w);
    assert_int_equal(w.said.n, 4 + LC_GELF_MAX + 1 + 2);
    assert_true(lc_slice_starts(lc_dynbuf_slice(&w.said), LC_LIT("cut {0")));
    assert_slice(lc_slice_from(lc_dynbuf_slice(&w.said), 4 + LC_GELF_MAX), "\nb\n");
    assert_int_equal(lc_counted(&w.counters.truncated), 1);
    assert_int_equal(lc_counted(&w.counters.gelf), 1);
    lc_test_conn_end(&w);
    lc_dynbuf_done(&input);
}

/* ---- GELF datagrams ---- */

struct dgrams {
    struct lc_conn_counters counters;
    struct lc_arrival_context ctx;
    struct lc_datagram_rules rules;
    struct lc_dynbuf said;
    unsigned no_room;
};

static lc_err record(void *user, const struct lc_arrival *a)
{
    struct dgrams *d = user;
    if (d->no_room > 0) {
        d->no_room--;
        return LC_EWAIT;
    }
    assert_slice(a->record.source, "192.0.2.7:9");
    assert_lc_ok(lc_dynbuf_append(&d->said, a->record.message));
    assert_lc_ok(lc_dynbuf_append(&d->said, LC_LIT("\n")));
    return LC_OK;
}

static size_t take(struct dgrams *d, struct lc_slice data)
{
    return lc_datagram_take_gelf(&d->rules, data, LC_LIT("192.0.2.7:9"), false);
}

static void datagrams(void **state)
{
    LC_UNUSED(state);
    static struct dgrams d;
    struct lc_slice plain = LC_LIT("{\"short_message\":\"a\"}");
    struct lc_slice first = LC_LIT("\x1E\x0F"
                                   "12345678\x00\x02{\"short_mess");
    struct lc_slice second = LC_LIT("\x1E\x0F"
                                    "12345678\x01\x02"
                                    "age\":\"b\"}");
    d.ctx.clock = &lc_clock_system;
    d.ctx.counters = &d.counters;
    d.rules = (struct lc_datagram_rules){.arrivals = &d.ctx, .record = record, .user = &d};
    lc_dynbuf_init(&d.said, 4096);
    d.no_room = 1;
    assert_int_equal(take(&d, plain), 0);
    assert_int_equal(take(&d, plain), plain.n);
    assert_int_equal(take(&d, second), second.n);
    d.no_room = 2;
    assert_int_equal(take(&d, first), 0); /* whole, but there is no room: it comes again */
    assert_int_equal(take(&d, first), 0);
    assert_int_equal(take(&d, first), first.n);
    assert_int_equal(take(&d, LC_LIT("no GELF\n")), 8);
    assert_int_equal(take(&d, LC_LIT("\x1F\x8B broken")), 9);
    assert_int_equal(take(&d, LC_LIT("\x1E\x0F short")), 8);
    assert_int_equal(take(&d, LC_LIT("\n")), 1);
    assert_slice(lc_dynbuf_slice(&d.said), "a\nb\nno GELF\n");
    assert_int_equal(lc_counted(&d.counters.gelf), 2);
    assert_int_equal(lc_counted(&d.counters.plain), 1);
    assert_int_equal(lc_counted(&d.counters.malformed), 2);
    assert_int_equal(lc_counted(&d.counters.empty), 1);
    assert_int_equal(lc_counted(&d.counters.gelf_chunks), 3);
    lc_dynbuf_done(&d.said);
    lc_arrival_done(&d.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_acknowledged),
        cmocka_unit_test(a_chunk_waits_for_room),
        cmocka_unit_test(what_is_refused_is_not_acknowledged),
        cmocka_unit_test(what_is_no_forward_ends_the_session),
        cmocka_unit_test(figures_of_forward),
        cmocka_unit_test(messages_end_with_nul),
        cmocka_unit_test(gelf_waits_for_room),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
