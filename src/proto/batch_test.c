/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/batch_test.c - binary v2: its octets, streams of it in every split, and what is wrong.
 */
#include "proto/test_session.h"

#include <stdlib.h>

#include <zstd.h>

#include "base/hash.h"
#include "proto/batch.h"

/* ---- a stream of messages, said in words ---- */

struct session {
    struct lc_dynbuf scratch;
    bool broken;
};

static void begin(void *arg)
{
    struct session *s = arg;
    s->broken = false;
}

static void say_position(struct lc_dynbuf *said, const char *name, uint64_t epoch, uint64_t upto)
{
    assert_lc_ok(lc_dynbuf_printf(said, "%s epoch=%llu upto=%llu\n", name,
                                  (unsigned long long)epoch, (unsigned long long)upto));
}

static void say_batch(struct session *s, const struct lc_batch_message *m, struct lc_dynbuf *said)
{
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_slice records;
    struct lc_batch_reader r;
    struct lc_record record;
    uint64_t sequence;
    lc_err e = lc_batch_open(m, &s->scratch, &records);
    if (e == LC_OK)
        e = lc_batch_read(records, &r);
    if (e == LC_OK)
        assert_lc_ok(lc_dynbuf_printf(said, "batch of %u%s\n", r.count,
                                      (m->flags & LC_BATCH_DOUBTED) != 0 ? ", doubted" : ""));
    while (e == LC_OK && (e = lc_batch_next(&r, fields, &record, &sequence)) == LC_OK) {
        assert_lc_ok(lc_dynbuf_printf(said, " %llu", (unsigned long long)sequence));
        lc_test_say_record(said, &record);
        lc_test_say(said, "source", record.source);
        lc_test_say(said, "space", record.stream.space);
        assert_lc_ok(lc_dynbuf_append(said, LC_LIT("\n")));
    }
    if (e != LC_EEND)
        assert_lc_ok(lc_dynbuf_printf(said, "bad batch: %s\n", lc_batch_reason(e)));
}

static void say_message(struct session *s, const struct lc_batch_message *m, struct lc_dynbuf *said)
{
    struct lc_batch_hello hello;
    struct lc_sender_position position;
    uint64_t upto;
    unsigned code;
    struct lc_slice text;
    assert_lc_ok(lc_dynbuf_printf(said, "%llu: ", (unsigned long long)m->sequence));
    switch (m->command) {
    case LC_BATCH_HELLO:
        assert_lc_ok(lc_batch_read_hello(m->payload, &hello));
        say_position(said, "hello", hello.epoch, hello.sender.octets[15]);
        lc_test_say(said, "name", hello.name);
        break;
    case LC_BATCH_RECORDS:
        say_batch(s, m, said);
        break;
    case LC_BATCH_WELCOME:
        assert_lc_ok(lc_batch_read_welcome(m->payload, &position));
        say_position(said, "welcome", position.epoch, position.upto);
        break;
    case LC_BATCH_STORED:
        assert_lc_ok(lc_batch_read_stored(m->payload, &upto));
        say_position(said, "stored", 0, upto);
        break;
    case LC_BATCH_ERROR:
        assert_lc_ok(lc_batch_read_error(m->payload, &code, &text));
        assert_lc_ok(lc_dynbuf_printf(said, "error %u", code));
        lc_test_say(said, "text", text);
        break;
    }
}

static size_t feed(void *arg, struct lc_slice in, struct lc_dynbuf *said)
{
    struct session *s = arg;
    size_t spent = 0;
    while (!s->broken) {
        struct lc_batch_message m;
        size_t used;
        lc_err e = lc_batch_take(lc_slice_from(in, spent), &m, &used);
        if (e == LC_EMORE)
            break;
        if (e != LC_OK) {
            s->broken = true;
            assert_lc_ok(lc_dynbuf_printf(said, "%s\n", lc_batch_reason(e)));
            break;
        }
        spent += used;
        say_message(s, &m, said);
    }
    return spent;
}

static void end(void *arg, struct lc_slice rest, struct lc_dynbuf *said)
{
    struct session *s = arg;
    if (rest.n > 0 && !s->broken)
        assert_lc_ok(lc_dynbuf_printf(said, "left %zu", rest.n));
}

static const struct lc_test_codec codec = {.begin = begin, .feed = feed, .end = end};

static void check(struct lc_slice input, const char *expected)
{
    struct session s = {0};
    lc_dynbuf_init(&s.scratch, LC_BATCH_MAX);
    lc_test_splits(input, &codec, &s, expected);
    lc_dynbuf_done(&s.scratch);
}

/* ---- what is sent ---- */

static struct lc_record record(const char *message)
{
    return (struct lc_record){
        .time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE, .message = lc_slice_cstr(message)};
}

static const struct lc_batch_hello hello = {
    .sender = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    .epoch = 7,
    .name = {(const uint8_t *)"web-1", 5},
};

/* The octets are written out here, so that a change of the format cannot go unseen. */
static void octets(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 4096);
    struct lc_batch_writer w;
    lc_batch_writer_init(&w);

    assert_lc_ok(lc_batch_put_hello(&out, 1, &hello));
    assert_slice_eq(lc_dynbuf_slice(&out),
                    LC_LIT("\x02\x05\0\0\0\0\0\x1D\0\0\0\0\0\0\0\x01\x00\x40\x15\x7C"
                           "\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F"
                           "\0\0\0\0\0\0\0\x07web-1"));

    out.n = 0;
    struct lc_field field = {LC_LIT("n"), LC_LIT("-5"), LC_FIELD_INT};
    struct lc_record r = record("hi");
    r.time_ns = 300;
    r.level = LC_LEVEL_ERROR;
    r.stream = (struct lc_stream_key){LC_LIT("sp"), LC_LIT("h"), LC_LIT("a"), LC_LIT("f")};
    r.pid = LC_LIT("12");
    r.source = LC_LIT("s");
    r.fields = &field;
    r.field_count = 1;
    assert_lc_ok(lc_batch_add(&w, 10, &r));
    r = record("");
    r.time_ns = 299;
    assert_lc_ok(lc_batch_add(&w, 13, &r));
    assert_lc_ok(lc_batch_finish(&w, 2, LC_BATCH_DOUBTED, 0, &out));
    assert_slice_eq(lc_dynbuf_slice(&out),
                    LC_LIT("\x02\x06\0\x02\0\0\0\x33\0\0\0\0\0\0\0\x02\x1E\x9E\x26\x98"
                           "\0\0\0\0\0\0\0\x0A\0\0\0\x02"
                           "\0\x05\xD8\x04\x02sp\x01h\x01"
                           "a\x01"
                           "f\x02"
                           "12\x01s\x02hi\x01\x01n\x01\x02-5"
                           "\x02\xFF\x01\0\0\0\0\0\0\0\0"));

    out.n = 0;
    assert_lc_ok(lc_batch_put_welcome(&out, 1, &(struct lc_sender_position){7, 9}));
    assert_slice_eq(lc_dynbuf_slice(&out),
                    LC_LIT("\x02\x85\0\0\0\0\0\x10\0\0\0\0\0\0\0\x01\xEE\x83\x05\x33"
                           "\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x09"));
    out.n = 0;
    assert_lc_ok(lc_batch_put_stored(&out, 2, 13));
    assert_slice_eq(
        lc_dynbuf_slice(&out),
        LC_LIT("\x02\x86\0\0\0\0\0\x08\0\0\0\0\0\0\0\x02\x44\xC1\x27\x90\0\0\0\0\0\0\0\x0D"));
    out.n = 0;
    assert_lc_ok(lc_batch_put_error(&out, 3, LC_BATCH_ERROR_FULL, NULL));
    assert_slice_eq(
        lc_dynbuf_slice(&out),
        LC_LIT("\x02\xFF\0\0\0\0\0\x11\0\0\0\0\0\0\0\x03\x5B\xF1\xEF\x7B\x04log storage full"));

    lc_batch_writer_done(&w);
    lc_dynbuf_done(&out);
}

static void streams(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 8192);
    struct lc_batch_writer w;
    lc_batch_writer_init(&w);
    assert_lc_ok(lc_batch_put_hello(&out, 1, &hello));

    struct lc_record r = record("안녕\nhello");
    struct lc_field fields[] = {{LC_LIT("a"), LC_LIT("1"), LC_FIELD_STRING},
                                {LC_LIT(""), LC_LIT(""), LC_FIELD_STRING}};
    r.fields = fields;
    r.field_count = 2;
    assert_lc_ok(lc_batch_add(&w, 1, &r));
    r = record("x");
    r.time_ns = 1640995200LL * 1000000000;
    assert_lc_ok(lc_batch_add(&w, 2, &r));
    r.time_ns = INT64_MAX; /* the difference needs all 64 bits */
    assert_lc_ok(lc_batch_add(&w, UINT64_MAX, &r));
    assert_lc_ok(lc_batch_finish(&w, 2, 0, 0, &out));

    r = record("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    r.source = LC_LIT("unix:0");
    assert_lc_ok(lc_batch_add(&w, 3, &r));
    size_t before = out.n;
    assert_lc_ok(lc_batch_finish(&w, 3, LC_BATCH_DOUBTED, 1, &out));
    assert_true(out.n - before < r.message.n); /* it was compressed */
    r.message = LC_LIT("short");
    assert_lc_ok(lc_batch_add(&w, 4, &r));
    assert_lc_ok(lc_batch_finish(&w, 4, 0, 1, &out)); /* and this would have grown */

    assert_lc_ok(lc_batch_put_stored(&out, 4, UINT64_MAX));
    assert_lc_ok(lc_batch_put_error(&out, 5, LC_BATCH_ERROR_FENCED, "bye"));
    check(lc_dynbuf_slice(&out),
          "1: hello epoch=7 upto=15\n name=[web-1]"
          "2: batch of 3\n"
          " 1 name=[a] value=[1] name=[] value=[] message=[안녕\nhello] source=[] space=[]\n"
          " 2 time=1640995200.000000000 message=[x] source=[] space=[]\n"
          " 18446744073709551615 time=9223372036.854775807 message=[x] source=[] space=[]\n"
          "3: batch of 1, doubted\n"
          " 3 message=[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"
          " source=[unix:0] space=[]\n"
          "4: batch of 1\n 4 message=[short] source=[unix:0] space=[]\n"
          "4: stored epoch=0 upto=18446744073709551615\n"
          "5: error 3 text=[bye]");
    lc_batch_writer_done(&w);
    lc_dynbuf_done(&out);
}

/* ---- what is wrong ---- */

/* A message with a right checksum around any payload. */
static struct lc_slice message(struct lc_dynbuf *out, unsigned command, unsigned flags,
                               struct lc_slice payload)
{
    uint8_t head[LC_BATCH_HEADER];
    struct lc_writer w = lc_writer(head, sizeof head);
    lc_write_u8(&w, LC_BATCH_VERSION);
    lc_write_u8(&w, (uint8_t)command);
    lc_write_u16_be(&w, (uint16_t)flags);
    lc_write_u32_be(&w, (uint32_t)payload.n);
    lc_write_u64_be(&w, 1);
    lc_write_u32_be(&w, lc_crc32c(lc_crc32c(0, lc_writer_done(&w)), payload));
    out->n = 0;
    assert_lc_ok(lc_dynbuf_append(out, lc_writer_done(&w)));
    assert_lc_ok(lc_dynbuf_append(out, payload));
    return lc_dynbuf_slice(out);
}

static void bad_messages(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf m;
    lc_dynbuf_init(&m, 4096);
    check(LC_LIT("\x03"), "a message does not begin with version 2\n");
    check(LC_LIT("\x02\x06\0\0\0\x80\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0"),
          "a payload is longer than 8 MiB\n");
    check(LC_LIT("\x02\x06\0\0\0\x80\0\0\0\0\0\0\0\0\0\x01\0\0\0\0"), "left 20");
    static const struct {
        unsigned command, flags;
    } unknown[] = {{0x04, 0}, {0x07, 0}, {0x7F, 0}, {0x00, 0}, {0x06, 4}, {0x05, 1}, {0x86, 2}};
    for (size_t i = 0; i < LC_ARRAY_LEN(unknown); i++)
        check(message(&m, unknown[i].command, unknown[i].flags, LC_LIT("x")),
              "a message is not well-formed\n");
    /* whatever octet changes, the message is not taken */
    assert_lc_ok(lc_batch_put_hello((m.n = 0, &m), 1, &hello));
    for (size_t i = 0; i < m.n; i++) {
        struct lc_batch_message got;
        size_t used;
        m.p[i] ^= 0x10;
        lc_err e = lc_batch_take(lc_dynbuf_slice(&m), &got, &used);
        assert_true(e != LC_OK);
        m.p[i] ^= 0x10;
    }
    lc_dynbuf_done(&m);
}

static void bad_payloads(void **state)
{
    LC_UNUSED(state);
    struct lc_batch_hello h;
    struct lc_sender_position position;
    uint64_t upto;
    unsigned code;
    struct lc_slice text;
    char long_name[24 + 256] = {0};
    assert_lc_err(lc_batch_read_hello(lc_slice(long_name, 23), &h), LC_ESYNTAX);
    assert_lc_ok(lc_batch_read_hello(lc_slice(long_name, 24), &h));
    assert_int_equal(h.name.n, 0);
    assert_lc_ok(lc_batch_read_hello(lc_slice(long_name, 24 + 255), &h));
    assert_lc_err(lc_batch_read_hello(lc_slice(long_name, sizeof long_name), &h), LC_ESYNTAX);
    long_name[24] = (char)0xFF;
    assert_lc_err(lc_batch_read_hello(lc_slice(long_name, 25), &h), LC_ESYNTAX);
    assert_lc_err(lc_batch_read_welcome(lc_slice(long_name, 15), &position), LC_ESYNTAX);
    assert_lc_err(lc_batch_read_welcome(lc_slice(long_name, 17), &position), LC_ESYNTAX);
    assert_lc_err(lc_batch_read_stored(lc_slice(long_name, 7), &upto), LC_ESYNTAX);
    assert_lc_err(lc_batch_read_stored(lc_slice(long_name, 9), &upto), LC_ESYNTAX);
    assert_lc_err(lc_batch_read_error(lc_slice(long_name, 0), &code, &text), LC_ESYNTAX);

    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1024);
    h = hello;
    h.name = lc_slice(long_name, 256);
    assert_lc_err(lc_batch_put_hello(&out, 1, &h), LC_ELIMIT);
    h.name = LC_LIT("\xFF");
    assert_lc_err(lc_batch_put_hello(&out, 1, &h), LC_ESYNTAX);
    assert_int_equal(out.n, 0);
    lc_dynbuf_done(&out);
}

#define FIRST "\0\0\0\0\0\0\0\x05"
#define ONE   FIRST "\0\0\0\1"
#define EMPTY "\0\xFF\0\0\0\0\0\0\0\0\0" /* a record of 11 octets */

static void bad_records(void **state)
{
    LC_UNUSED(state);
    const struct lc_slice bad[] = {
        LC_LIT(""),
        LC_LIT(FIRST),
        LC_LIT(FIRST "\0\0\0\0"),                 /* no records */
        LC_LIT("\0\0\0\0\0\0\0\0\0\0\0\1" EMPTY), /* counted from 0 */
        LC_LIT(ONE),                              /* fewer than counted */
        LC_LIT(FIRST "\0\0\0\2" EMPTY),
        LC_LIT(FIRST "\xFF\xFF\xFF\xFF" EMPTY),
        LC_LIT(ONE EMPTY "\0"),                       /* more than counted */
        LC_LIT(ONE "\1\xFF\0\0\0\0\0\0\0\0\0"),       /* the first has a gap */
        LC_LIT(ONE "\0\x09\0\0\0\0\0\0\0\0\0"),       /* no such level */
        LC_LIT(ONE "\0\xFF\0\0\0\0\0\0\0\1\0"),       /* message longer than there is */
        LC_LIT(ONE "\0\xFF\0\0\0\0\0\0\0\0\1\0"),     /* half a field */
        LC_LIT(ONE "\0\xFF\0\0\0\0\0\0\0\0\1\0\5\0"), /* no such type */
        LC_LIT(ONE "\0\xFF\0\0\0\0\0\0\0\0\x81\2"),   /* 257 fields */
        LC_LIT(ONE "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\2\0\0\0\0\0\0\0\0"), /* a varint */
        LC_LIT(FIRST "\0\0\0\2" EMPTY
                     "\xFA\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\xFF\0\0\0\0\0\0\0\0\0"), /* wraps */
    };
    struct session s = {0};
    struct lc_dynbuf said, m;
    lc_dynbuf_init(&said, 4096);
    lc_dynbuf_init(&m, 4096);
    lc_dynbuf_init(&s.scratch, LC_BATCH_MAX);
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        struct lc_slice whole = message(&m, LC_BATCH_RECORDS, 0, bad[i]);
        said.n = 0;
        s.broken = false;
        assert_int_equal(feed(&s, whole, &said), whole.n);
        assert_lc_ok(lc_dynbuf_append(&said, LC_LIT("\0")));
        assert_non_null(strstr((char *)said.p, "bad batch: a message is not well-formed"));
    }
    /* the last sequence that there is, and the same one further */
    check(message(&m, LC_BATCH_RECORDS, 0,
                  LC_LIT(FIRST "\0\0\0\2" EMPTY
                               "\xF9\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\xFF\0\0\0\0\0\0\0\0\0")),
          "1: batch of 2\n 5 time=0.000000000 message=[] source=[] space=[]\n"
          " 18446744073709551615 time=0.000000000 message=[] source=[] space=[]\n");
    lc_dynbuf_done(&said);
    lc_dynbuf_done(&m);
    lc_dynbuf_done(&s.scratch);
}

static lc_err open_packed(struct lc_slice packed, size_t max)
{
    struct lc_dynbuf scratch;
    struct lc_slice records;
    lc_dynbuf_init(&scratch, max);
    struct lc_batch_message m = {LC_BATCH_RECORDS, LC_BATCH_ZSTD, 1, packed};
    lc_err e = lc_batch_open(&m, &scratch, &records);
    lc_dynbuf_done(&scratch);
    return e;
}

static void bad_compression(void **state)
{
    LC_UNUSED(state);
    size_t n = LC_BATCH_MAX + 1;
    uint8_t *zeroes = calloc(1, n);
    uint8_t packed[8192];
    assert_non_null(zeroes);
    /* a few octets that would become more than is allowed */
    size_t size = ZSTD_compress(packed, sizeof packed, zeroes, n, 1);
    assert_lc_err(open_packed(lc_slice(packed, size), LC_BATCH_MAX), LC_ELIMIT);
    size = ZSTD_compress(packed, sizeof packed, zeroes, n - 1, 1);
    assert_lc_ok(open_packed(lc_slice(packed, size), LC_BATCH_MAX));
    assert_lc_err(open_packed(lc_slice(packed, size), 4096), LC_ELIMIT);
    /* cut off; something behind it; two frames */
    assert_lc_err(open_packed(lc_slice(packed, size - 1), LC_BATCH_MAX), LC_ESYNTAX);
    packed[size] = 0;
    assert_lc_err(open_packed(lc_slice(packed, size + 1), LC_BATCH_MAX), LC_ESYNTAX);
    size = ZSTD_compress(packed, sizeof packed, zeroes, 100, 1);
    memcpy(packed + size, packed, size);
    assert_lc_err(open_packed(lc_slice(packed, 2 * size), LC_BATCH_MAX), LC_ESYNTAX);
    /* its size is not told */
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    assert_non_null(zstd);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size = ZSTD_compress2(zstd, packed, sizeof packed, zeroes, 100);
    assert_lc_err(open_packed(lc_slice(packed, size), LC_BATCH_MAX), LC_ESYNTAX);
    ZSTD_freeCCtx(zstd);
    assert_lc_err(open_packed(LC_LIT("not zstd"), LC_BATCH_MAX), LC_ESYNTAX);
    assert_lc_err(open_packed(LC_LIT(""), LC_BATCH_MAX), LC_ESYNTAX);
    free(zeroes);
}

/* A batch ends where there is no room for a record, and a record that is too large for any batch is
 * known by the batch being empty. */
static void full_batches(void **state)
{
    LC_UNUSED(state);
    struct lc_dynbuf out;
    struct lc_batch_writer w;
    lc_dynbuf_init(&out, LC_BATCH_HEADER + LC_BATCH_MAX);
    lc_batch_writer_init(&w);
    uint8_t *zeroes = calloc(1, LC_BATCH_MAX);
    assert_non_null(zeroes);
    struct lc_record r = record("");
    r.message = lc_slice(zeroes, LC_BATCH_MAX);
    assert_lc_err(lc_batch_add(&w, 1, &r), LC_ELIMIT);
    assert_int_equal(w.count, 0);
    r.message.n = 1 << 20;
    uint64_t sequence = 0;
    while (lc_batch_add(&w, sequence + 1, &r) == LC_OK)
        sequence++;
    assert_int_equal(sequence, 7);
    assert_lc_ok(lc_batch_finish(&w, 1, 0, 0, &out));
    assert_lc_ok(lc_batch_add(&w, sequence + 1, &r));
    assert_lc_err(lc_batch_finish(&w, 1, 0, 0, &out), LC_ELIMIT);
    out.n = 0;
    assert_lc_ok(lc_batch_finish(&w, 2, 0, 1, &out));

    struct lc_batch_message m;
    size_t used;
    assert_lc_ok(lc_batch_take(lc_dynbuf_slice(&out), &m, &used));
    assert_int_equal(m.flags, LC_BATCH_ZSTD);
    struct lc_dynbuf scratch;
    struct lc_slice records;
    struct lc_batch_reader reader;
    lc_dynbuf_init(&scratch, LC_BATCH_MAX);
    assert_lc_ok(lc_batch_open(&m, &scratch, &records));
    assert_lc_ok(lc_batch_read(records, &reader));
    assert_int_equal(reader.first, 8);
    assert_int_equal(reader.count, 1);
    lc_dynbuf_done(&scratch);
    free(zeroes);
    lc_batch_writer_done(&w);
    lc_dynbuf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets),       cmocka_unit_test(streams),
        cmocka_unit_test(bad_messages), cmocka_unit_test(bad_payloads),
        cmocka_unit_test(bad_records),  cmocka_unit_test(bad_compression),
        cmocka_unit_test(full_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
