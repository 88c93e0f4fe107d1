/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/forward_test.c - Fluentd's forward protocol: its four forms, in pieces, and what is none.
 */
#include "base/test.h"

#include <stdlib.h>
#include <zlib.h>

#include "proto/forward.h"
#include "proto/test_session.h"

static struct lc_members *members;
static struct lc_forward_reader reader;

static int set_up(void **state)
{
    LC_UNUSED(state);
    members = malloc(sizeof *members);
    return members == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    LC_UNUSED(state);
    lc_forward_done(&reader);
    free(members);
    return 0;
}

static void say_entries(const struct lc_forward *f, struct lc_dynbuf *said)
{
    struct lc_slice entry;
    lc_err e;
    assert_lc_ok(lc_forward_begin(&reader, f));
    while ((e = lc_forward_next(&reader, &entry)) == LC_OK) {
        struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
        struct lc_unplaced unplaced;
        e = lc_forward_record(f, entry, members, &r, &unplaced);
        if (e == LC_OK)
            lc_test_say_record(said, &r);
        else
            assert_lc_ok(lc_dynbuf_printf(said, " %s", lc_strerror(e)));
        assert_lc_ok(lc_dynbuf_printf(said, "\n"));
    }
    if (e != LC_EEND)
        assert_lc_ok(lc_dynbuf_printf(said, "then: %s\n", lc_strerror(e)));
    if (f->chunk.n > 0)
        lc_test_say(said, "chunk", f->chunk);
    assert_lc_ok(lc_dynbuf_printf(said, "end\n"));
}

static struct lc_msgpack_extent extent;
static bool is_broken; /* the connection would be closed */

static void begin(void *arg)
{
    LC_UNUSED(arg);
    extent = (struct lc_msgpack_extent){0, 0};
    is_broken = false;
}

static size_t feed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    size_t spent = 0;
    LC_UNUSED(arg);
    while (spent < in.n && !is_broken) {
        struct lc_forward f;
        const char *reason = "";
        size_t used = 0;
        lc_err e = lc_forward_frame(lc_slice_from(in, spent), &extent, &used);
        if (e == LC_EMORE)
            break;
        if (e == LC_OK)
            e = lc_forward_decode(lc_slice(in.p + spent, used), &f, &reason);
        if (e == LC_OK)
            say_entries(&f, said);
        else
            assert_lc_ok(lc_dynbuf_printf(said, "%s\n",
                                          e == LC_ESYNTAX && used > 0 ? reason : lc_strerror(e)));
        is_broken = e != LC_OK && e != LC_EEND;
        spent += used;
    }
    return is_broken ? in.n : spent;
}

static void decodes(struct lc_slice in, const char *expected)
{
    static const struct lc_test_codec codec = {.begin = begin, .feed = feed};
    lc_test_splits(in, &codec, NULL, expected);
}

#define TIME_1 "\xD7\x00\x00\x00\x00\x01\x00\x00\x00\x02" /* EventTime 1.000000002 */
#define RECORD_A                                                                                   \
    "\x81\xA3msg\xA1"                                                                              \
    "a"
#define RECORD_B                                                                                   \
    "\x82\xA5level\xA3"                                                                            \
    "err\xA3msg\xA1"                                                                               \
    "b"
#define SAID_A " time=1.000000002 app=[a.tag] name=[tag] value=[a.tag] message=[a]\n"
#define SAID_B " time=2.000000000 level=[ERROR] app=[a.tag] name=[tag] value=[a.tag] message=[b]\n"
#define TAG                                                                                        \
    "\xA5"                                                                                         \
    "a.tag"

static void four_forms(void **state)
{
    LC_UNUSED(state);
    /* Message, without and with an option; two of them, and a heartbeat between them */
    decodes(LC_LIT("\x93" TAG TIME_1 RECORD_A "\xC0"
                   "\x94" TAG "\x02" RECORD_B "\x81\xA5"
                   "chunk\xA2"
                   "id"),
            SAID_A "end\nno more\n" SAID_B " chunk=[id]end\n");
}

static void forward_and_packed(void **state)
{
    LC_UNUSED(state);
    decodes(LC_LIT("\x92" TAG "\x92\x92" TIME_1 RECORD_A "\x92\x02" RECORD_B),
            SAID_A SAID_B "end\n");
    decodes(LC_LIT("\x93" TAG "\xC4\x25"
                   "\x92" TIME_1 RECORD_A "\x92\x02" RECORD_B "\x82\xA4"
                   "size\x02\xA5"
                   "chunk\xA2"
                   "id"),
            SAID_A SAID_B " chunk=[id]end\n");
    /* the same as a string, as older clients send it; nil as options */
    decodes(LC_LIT("\x93" TAG "\xD9\x25"
                   "\x92" TIME_1 RECORD_A "\x92\x02" RECORD_B "\xC0"),
            SAID_A SAID_B "end\n");
    decodes(LC_LIT("\x92" TAG "\xA0"), "end\n");
    decodes(LC_LIT("\x92" TAG "\x90"), "end\n");
    /* Fluent Bit: metadata beside the time; a float */
    decodes(LC_LIT("\x92" TAG "\x92\x92\x92" TIME_1 "\x80" RECORD_A
                   "\x92\xCB\x40\x00\x00\x00\x00\x00\x00\x00" RECORD_B),
            SAID_A SAID_B "end\n");
}

/* One after the other, as Fluentd joins compressed chunks. */
static size_t gzip(struct lc_slice in, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    return n;
}

/* [tag, packed, {"compressed": "gzip"}] */
static void put_compressed(struct lc_dynbuf *out, struct lc_slice packed)
{
    uint8_t head[] = {0xC5, (uint8_t)(packed.n >> 8), (uint8_t)packed.n};
    assert_lc_ok(lc_dynbuf_append(out, LC_LIT("\x93" TAG)));
    assert_lc_ok(lc_dynbuf_append(out, lc_slice(head, sizeof head)));
    assert_lc_ok(lc_dynbuf_append(out, packed));
    assert_lc_ok(lc_dynbuf_append(out, LC_LIT("\x81\xAA"
                                              "compressed\xA4"
                                              "gzip")));
}

static void compressed(void **state)
{
    LC_UNUSED(state);
    uint8_t packed[512];
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 4096);
    size_t a = gzip(LC_LIT("\x92" TIME_1 RECORD_A "\x92\x02"), packed, sizeof packed);
    size_t n = a + gzip(LC_LIT(RECORD_B), packed + a, sizeof packed - a);
    put_compressed(&out, lc_slice(packed, n));
    decodes(lc_dynbuf_slice(&out), SAID_A SAID_B "end\n");
    /* not whole; damaged; ends within an entry */
    out.n = 0;
    put_compressed(&out, lc_slice(packed, n - 1));
    decodes(lc_dynbuf_slice(&out), "then: not well-formed\nend\n");
    out.n = 0;
    put_compressed(&out, lc_slice(packed, a));
    decodes(lc_dynbuf_slice(&out), SAID_A "then: not well-formed\nend\n");
    out.n = 0;
    packed[a / 2] ^= 0xFF;
    put_compressed(&out, lc_slice(packed, a));
    decodes(lc_dynbuf_slice(&out), "then: not well-formed\nend\n");
    lc_dynbuf_done(&out);
}

/* A few kilobytes that are a gigabyte: what can be had is bounded. */
static void expansion_is_bounded(void **state)
{
    LC_UNUSED(state);
    enum { ENTRY = 65536, COUNT = LC_FORWARD_EXPANDED_MAX / ENTRY + 1 };
    const size_t n = (size_t)ENTRY * COUNT;
    uint8_t *entries = calloc(COUNT, ENTRY), *packed = malloc(n / 100);
    assert_true(entries != NULL && packed != NULL);
    for (size_t i = 0; i < COUNT; i++) /* no records, but values */
        memcpy(entries + i * ENTRY, "\xC5\xFF\xFD", 3);
    struct lc_forward f = {.count = UINT64_MAX, .is_compressed = true};
    f.entries = lc_slice(packed, gzip(lc_slice(entries, n), packed, n / 100));
    struct lc_slice entry;
    size_t count = 0;
    lc_err e;
    assert_lc_ok(lc_forward_begin(&reader, &f));
    while ((e = lc_forward_next(&reader, &entry)) == LC_OK)
        count++;
    assert_lc_err(e, LC_ELIMIT);
    assert_int_equal(count, COUNT - 1);
    /* one entry of two megabytes */
    memcpy(entries, "\xC6\x00\x20\x00\x00", 5);
    f.entries = lc_slice(packed, gzip(lc_slice(entries, n), packed, n / 100));
    assert_lc_ok(lc_forward_begin(&reader, &f));
    assert_lc_err(lc_forward_next(&reader, &entry), LC_ELIMIT);
    free(entries);
    free(packed);
}

static void docker(void **state)
{
    LC_UNUSED(state);
    decodes(LC_LIT("\x93\xAC"
                   "0123456789ab" TIME_1 "\x85\xA3log\xC4\x05hello"
                   "\xAC"
                   "container_id\xA2"
                   "01"
                   "\xAE"
                   "container_name\xA4/web"
                   "\xA6source\xA6stderr"
                   "\xAFpartial_message\xA4true"),
            " time=1.000000002 app=[web] name=[container_id] value=[01] name=[container_name]"
            " value=[/web] name=[source] value=[stderr] name=[partial_message] value=[true]"
            " name=[tag] value=[0123456789ab] message=[hello]\nend\n");
    /* no message: the whole record; a time of its own is a field */
    decodes(LC_LIT("\x93" TAG TIME_1 "\x83\xA4time\x07\xA1x\x91\xC3\xA3tag\xA1t"),
            " time=1.000000002 app=[a.tag] name=[time] int=[7] name=[x] value=[[true]]"
            " name=[tag] value=[t] message=[{\"time\":7,\"x\":[true],\"tag\":\"t\"}]\nend\n");
}

static void what_is_no_message(void **state)
{
    LC_UNUSED(state);
    decodes(LC_LIT("\x07"), "not a message of the forward protocol\n");
    decodes(LC_LIT("\x91" TAG), "not a message of the forward protocol\n");
    decodes(LC_LIT("\x92\x01\x90"), "the tag is no string\n");
    decodes(LC_LIT("\x92" TAG "\x01"), "no entries behind the tag\n");
    decodes(LC_LIT("\x93" TAG "\xC0" RECORD_A), "no entries behind the tag\n");
    decodes(LC_LIT("\x94" TAG "\x90\x80\x80"), "too few parts, or too many\n");
    decodes(LC_LIT("\x93" TAG "\x90\x01"), "the options are no map\n");
    /* the handshake that we don't speak */
    decodes(LC_LIT("\x96\xA4PING\xA1h\xA1s\xA1"
                   "d\xA1u\xA1p"),
            "too few parts, or too many\n");
    decodes(LC_LIT("GET / HTTP/1.1\r\n"), "not a message of the forward protocol\n");
}

static void entries_that_are_none(void **state)
{
    LC_UNUSED(state);
    /* they are left out; the others are records */
    decodes(LC_LIT("\x92" TAG "\x94\x07\x91\x01\x92\xC0\x80\x92" TIME_1 RECORD_A),
            " not well-formed\n not well-formed\n not well-formed\n" SAID_A "end\n");
    decodes(LC_LIT("\x92" TAG "\xA2\x92\x01"), "then: not well-formed\nend\n");
    /* a length that lies: the stream cannot be followed */
    decodes(LC_LIT("\x92" TAG "\xDD\xFF\xFF\xFF\xFF"), "configured limit reached\n");
    decodes(LC_LIT("\x92" TAG "\xC1"), "not well-formed\n");
}

static void answers(void **state)
{
    LC_UNUSED(state);
    uint8_t out[LC_FORWARD_ACK_MAX];
    char chunk[LC_FORWARD_CHUNK_MAX];
    size_t n = lc_forward_ack(LC_LIT("p8n9gmxTQVC8/nh2wlKKeQ=="), out);
    assert_slice_eq(lc_slice(out, n), LC_LIT("\x81\xA3"
                                             "ack\xD9\x18p8n9gmxTQVC8/nh2wlKKeQ=="));
    memset(chunk, 'x', sizeof chunk);
    assert_int_equal(lc_forward_ack(lc_slice(chunk, sizeof chunk), out), 7 + sizeof chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_forms),
        cmocka_unit_test(forward_and_packed),
        cmocka_unit_test(compressed),
        cmocka_unit_test(expansion_is_bounded),
        cmocka_unit_test(docker),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(entries_that_are_none),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
