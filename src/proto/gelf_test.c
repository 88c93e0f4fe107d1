/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/gelf_test.c - GELF: what its senders write, its compression, and chunks in any order.
 */
#include "base/test.h"

#include <stdlib.h>

#include "proto/gelf.h"
#include "proto/test_session.h"

static struct lc_members *members;

static int set_up(void **state)
{
    LC_UNUSED(state);
    members = malloc(sizeof *members);
    return members == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    LC_UNUSED(state);
    free(members);
    return 0;
}

static void decodes(const char *text, const char *expected)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    struct lc_dynbuf said;
    lc_dynbuf_init(&said, 4096);
    assert_lc_ok(lc_gelf_decode(lc_slice_cstr(text), 0, members, &r, &unplaced));
    lc_test_say_record(&said, &r);
    if (unplaced.level_text.n > 0)
        lc_test_say(&said, "level_text", unplaced.level_text);
    assert_slice(lc_dynbuf_slice(&said), expected);
    lc_dynbuf_done(&said);
}

static void messages(void **state)
{
    LC_UNUSED(state);
    /* the specification's own example */
    decodes("{\"version\":\"1.1\",\"host\":\"example.org\",\"short_message\":\"A short message\","
            "\"full_message\":\"Backtrace here\\n\\nmore stuff\",\"timestamp\":1385053862.3072,"
            "\"level\":1,\"_user_id\":9001,\"_some_info\":\"foo\",\"_some_env_var\":\"bar\"}",
            " time=1385053862.307200000 level=[ALERT] host=[example.org] name=[short_message]"
            " value=[A short message] name=[user_id] int=[9001] name=[some_info] value=[foo]"
            " name=[some_env_var] value=[bar] message=[Backtrace here\n\nmore stuff]");
    /* full begins with short: then short says nothing more */
    decodes("{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"Error: x\","
            "\"full_message\":\"Error: x\\n  at y\",\"level\":3}",
            " level=[ERROR] host=[h] message=[Error: x\n  at y]");
    decodes("{\"short_message\":\"\",\"full_message\":\"\",\"level\":\"warning\"}",
            " level=[WARN] name=[full_message] value=[] message=[]");
    /* Docker's driver */
    decodes("{\"version\":\"1.1\",\"host\":\"dock\",\"short_message\":\"hello\","
            "\"timestamp\":1795197600.25,\"level\":6,\"_command\":\"sh\","
            "\"_container_id\":\"0123\",\"_container_name\":\"web\",\"_image_name\":\"nginx\","
            "\"_tag\":\"0123\",\"_created\":\"2026-11-20T18:00:00Z\"}",
            " time=1795197600.250000000 level=[INFO] host=[dock] app=[web] name=[command]"
            " value=[sh] name=[container_id] value=[0123] name=[container_name] value=[web]"
            " name=[image_name] value=[nginx] name=[tag] value=[0123] name=[created]"
            " value=[2026-11-20T18:00:00Z] message=[hello]");
    /* GELF 1.0, and names that others use for parts of a record */
    decodes("{\"version\":\"1.0\",\"host\":\"h\",\"short_message\":\"m\",\"facility\":\"f\","
            "\"line\":7,\"file\":\"a.c\",\"_level\":9,\"_app\":\"shop\",\"_pid\":12,\"_\":1,"
            "\"_a\":{\"b\":null},\"level\":99,\"timestamp\":\"x\"}",
            " facility=[f] host=[h] app=[shop] pid=[12] name=[line] int=[7] name=[file]"
            " value=[a.c] name=[level] int=[9] name=[_] int=[1] name=[a.b] null=[]"
            " name=[timestamp] value=[x] message=[m] level_text=[99]");
    /* no GELF, but JSON */
    decodes("{\"msg\":\"m\",\"level\":30}", " level=[INFO] message=[m]");
    decodes("{\"x\":1}", " name=[x] int=[1] message=[{\"x\":1}]");

    struct lc_record r = {.level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    assert_lc_err(lc_gelf_decode(LC_LIT("{\"short_message\":"), 0, members, &r, &unplaced),
                  LC_ESYNTAX);
}

static size_t deflated(struct lc_slice in, int window, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

static void compression(void **state)
{
    LC_UNUSED(state);
    const int windows[] = {15, 15 + 16, 9};
    uint8_t packed[8192], *room = malloc(LC_GELF_MAX), *large = calloc(1, LC_GELF_MAX + 1);
    struct lc_inflate inflate = {.is_ready = false};
    struct lc_slice got;
    assert_true(room != NULL && large != NULL);
    for (size_t i = 0; i < LC_ARRAY_LEN(windows); i++) {
        size_t n = deflated(LC_LIT("{\"short_message\":\"m\"}"), windows[i], packed, sizeof packed);
        assert_lc_ok(lc_gelf_expand(&inflate, lc_slice(packed, n), room, &got));
        assert_slice(got, "{\"short_message\":\"m\"}");
        for (size_t cut = 2; cut < n; cut++)
            assert_lc_err(lc_gelf_expand(&inflate, lc_slice(packed, cut), room, &got), LC_ESYNTAX);
        n = deflated(lc_slice(large, LC_GELF_MAX), windows[i], packed, sizeof packed);
        assert_lc_ok(lc_gelf_expand(&inflate, lc_slice(packed, n), room, &got));
        assert_int_equal(got.n, LC_GELF_MAX);
        n = deflated(lc_slice(large, LC_GELF_MAX + 1), windows[i], packed, sizeof packed);
        assert_lc_err(lc_gelf_expand(&inflate, lc_slice(packed, n), room, &got), LC_ELIMIT);
    }
    assert_lc_ok(lc_gelf_expand(&inflate, LC_LIT("{}"), room, &got));
    assert_slice(got, "{}");
    lc_inflate_done(&inflate);
    free(room);
    free(large);
}

/* ---- chunks ---- */

#define SECONDS(n) ((struct lc_time){(n)*LC_NS_PER_S})

struct world {
    struct lc_gelf_chunks *chunks;
    struct lc_gelf_lost lost;
    struct lc_slice message;
};

static lc_err send(struct world *w, uint64_t id, unsigned number, unsigned count, const char *text,
                   const char *source, struct lc_time now)
{
    uint8_t datagram[256] = {0x1E, 0x0F};
    size_t n = strlen(text);
    for (unsigned i = 0; i < 8; i++)
        datagram[2 + i] = (uint8_t)(id >> (8 * i));
    datagram[10] = (uint8_t)number;
    datagram[11] = (uint8_t)count;
    memcpy(datagram + LC_GELF_CHUNK_HEAD, text, n);
    struct lc_slice d = lc_slice(datagram, LC_GELF_CHUNK_HEAD + n);
    assert_true(lc_gelf_is_chunk(d));
    lc_err e = lc_gelf_chunk(w->chunks, d, lc_slice_cstr(source), now, &w->message, &w->lost);
    if (e == LC_OK) { /* until it is taken it is told again */
        assert_lc_ok(
            lc_gelf_chunk(w->chunks, d, lc_slice_cstr(source), now, &w->message, &w->lost));
        lc_gelf_chunks_taken(w->chunks);
    }
    return e;
}

static void begin(struct world *w)
{
    *w = (struct world){.chunks = lc_gelf_chunks_new()};
    assert_non_null(w->chunks);
}

static void any_order(void **state)
{
    LC_UNUSED(state);
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const texts[] = {"one ", "", "three"};
    struct world w;
    begin(&w);
    for (size_t i = 0; i < LC_ARRAY_LEN(orders); i++) {
        const unsigned *o = orders[i];
        /* two senders with the same id do not meet */
        assert_lc_err(send(&w, 7, o[0], 3, texts[o[0]], "a:1", SECONDS(0)), LC_EMORE);
        assert_lc_err(send(&w, 7, o[0], 3, texts[o[0]], "b:1", SECONDS(0)), LC_EMORE);
        assert_lc_err(send(&w, 7, o[0], 3, texts[o[0]], "a:1", SECONDS(0)), LC_ESYNTAX);
        assert_lc_err(send(&w, 7, o[1], 3, texts[o[1]], "a:1", SECONDS(0)), LC_EMORE);
        assert_lc_err(send(&w, 7, o[1], 4, texts[o[1]], "b:1", SECONDS(0)), LC_ESYNTAX);
        assert_lc_ok(send(&w, 7, o[2], 3, texts[o[2]], "a:1", SECONDS(1)));
        assert_slice(w.message, "one three");
        assert_lc_err(send(&w, 7, o[1], 3, texts[o[1]], "b:1", SECONDS(0)), LC_EMORE);
        assert_lc_ok(send(&w, 7, o[2], 3, texts[o[2]], "b:1", SECONDS(0)));
        assert_slice(w.message, "one three");
    }
    assert_lc_ok(send(&w, 8, 0, 1, "alone", "a:1", SECONDS(0)));
    assert_slice(w.message, "alone");
    assert_true(w.lost.late == 0 && w.lost.pushed == 0);
    lc_gelf_chunks_free(w.chunks);
}

static void what_is_no_chunk(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    assert_lc_err(send(&w, 1, 0, 0, "x", "a", SECONDS(0)), LC_ESYNTAX);
    assert_lc_err(send(&w, 1, 3, 3, "x", "a", SECONDS(0)), LC_ESYNTAX);
    assert_lc_err(send(&w, 1, 0, 129, "x", "a", SECONDS(0)), LC_ESYNTAX);
    assert_lc_err(send(&w, 1, 127, 128, "x", "a", SECONDS(0)), LC_EMORE);
    struct lc_slice cut = LC_LIT("\x1E\x0F"
                                 "12345678\x01");
    assert_lc_err(lc_gelf_chunk(w.chunks, cut, LC_LIT("a"), SECONDS(0), &w.message, &w.lost),
                  LC_ESYNTAX);
    assert_false(lc_gelf_is_chunk(LC_LIT("\x1E")));
    assert_false(lc_gelf_is_chunk(LC_LIT("\x1F\x8B")));
    lc_gelf_chunks_free(w.chunks);
}

static void what_waits_too_long_is_dropped(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    assert_lc_err(send(&w, 1, 0, 2, "x", "a", SECONDS(10)), LC_EMORE);
    assert_lc_err(send(&w, 2, 0, 2, "x", "a", SECONDS(12)), LC_EMORE);
    assert_int_equal(lc_gelf_chunks_expire(w.chunks, SECONDS(14), &w.lost), 2);
    assert_lc_err(send(&w, 1, 1, 2, "y", "a", SECONDS(15)), LC_EMORE); /* it begins anew */
    assert_int_equal(w.lost.late, 1);
    assert_lc_ok(send(&w, 2, 1, 2, "y", "a", SECONDS(16)));
    assert_slice(w.message, "xy");
    assert_int_equal(lc_gelf_chunks_expire(w.chunks, SECONDS(20), &w.lost), 0);
    assert_int_equal(w.lost.late, 2);
    lc_gelf_chunks_free(w.chunks);
}

static void room_is_bounded(void **state)
{
    LC_UNUSED(state);
    struct world w;
    begin(&w);
    for (unsigned i = 0; i <= LC_GELF_INCOMPLETE_MAX; i++)
        assert_lc_err(send(&w, i, 0, 2, "x", "a", (struct lc_time){i}), LC_EMORE);
    assert_int_equal(w.lost.pushed, 1); /* the oldest */
    assert_lc_ok(send(&w, 1, 1, 2, "y", "a", SECONDS(1)));
    assert_lc_err(send(&w, 0, 1, 2, "y", "a", SECONDS(1)), LC_EMORE);
    lc_gelf_chunks_free(w.chunks);
}

/* Datagrams of 60 KB: a message over its maximum, and more of them than is kept. */
static void size_is_bounded(void **state)
{
    LC_UNUSED(state);
    enum { SIZE = 60000, FIT = LC_GELF_MAX / SIZE };
    struct world w;
    uint8_t *datagram = calloc(1, SIZE + LC_GELF_CHUNK_HEAD);
    struct lc_slice d = lc_slice(datagram, SIZE + LC_GELF_CHUNK_HEAD);
    assert_non_null(datagram);
    memcpy(datagram, "\x1E\x0F", 2);
    datagram[11] = 128;
    begin(&w);
    for (unsigned i = 0; i < FIT; i++) {
        datagram[10] = (uint8_t)i;
        assert_lc_err(lc_gelf_chunk(w.chunks, d, LC_LIT("a"), SECONDS(0), &w.message, &w.lost),
                      LC_EMORE);
    }
    datagram[10] = FIT;
    assert_lc_err(lc_gelf_chunk(w.chunks, d, LC_LIT("a"), SECONDS(0), &w.message, &w.lost),
                  LC_ELIMIT);
    assert_int_equal(lc_gelf_chunks_expire(w.chunks, SECONDS(0), &w.lost), 0);
    for (unsigned i = 0; i < LC_GELF_INCOMPLETE_SIZE / SIZE + 10; i++) {
        datagram[9] = (uint8_t)(i / FIT);
        datagram[10] = (uint8_t)(i % FIT);
        assert_lc_err(
            lc_gelf_chunk(w.chunks, d, LC_LIT("a"), (struct lc_time){i}, &w.message, &w.lost),
            LC_EMORE);
    }
    assert_int_equal(w.lost.pushed, 1);
    lc_gelf_chunks_free(w.chunks);
    free(datagram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(compression),
        cmocka_unit_test(any_order),
        cmocka_unit_test(what_is_no_chunk),
        cmocka_unit_test(what_waits_too_long_is_dropped),
        cmocka_unit_test(room_is_bounded),
        cmocka_unit_test(size_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
