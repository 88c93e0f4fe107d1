/* SPDX-License-Identifier: Apache-2.0 */
#include "store/world_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/segment_index.h"

#define HOUR LC_NS_PER_HOUR

/* Every row of every block, in the file's order, up to the first error. */
static lc_err each_row(struct lc_segment *s, void (*row)(void *arg, const struct lc_record *r),
                       void *arg)
{
    struct lc_segment_index *index;
    lc_err e = lc_segment_index_load(s, &index, NULL);
    if (e != LC_OK)
        return e;
    struct lc_decoder *decoder = lc_decoder_new();
    struct lc_page *page = lc_page_new(decoder);
    assert_non_null(page);
    for (uint32_t block = 0; block < index->block_count && e == LC_OK; block++) {
        lc_page_open_block(page, index, 0, block);
        struct lc_batch *b = lc_page_batch(page);
        e = lc_batch_load(b, LC_COL_ALL);
        for (size_t i = 0; i < b->count && e == LC_OK; i++) {
            struct lc_record r;
            lc_batch_record(b, i, NULL, &r);
            row(arg, &r);
        }
    }
    lc_page_free(page);
    lc_decoder_free(decoder);
    lc_segment_index_unref(index);
    return e;
}

struct compare {
    const struct world *w;
    size_t rows;
    uint64_t id_sum;
};

static void compare_row(void *arg, const struct lc_record *r)
{
    struct compare *c = arg;
    const struct model_record *m = world_find(c->w, r->id);
    assert_non_null(m);
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record expected = world_record(m, fields);
    lc_test_records_equal(r, &expected);
    c->rows++;
    c->id_sum += r->id;
}

static void whole_equals_model(const struct world *w, struct lc_segment *s)
{
    struct compare c = {.w = w};
    assert_lc_ok(each_row(s, compare_row, &c));
    uint64_t id_sum = 0;
    for (size_t i = 0; i < w->count; i++)
        id_sum += w->records[i].id;
    assert_int_equal(c.rows, w->count);
    assert_true(c.id_sum == id_sum);
}

static void round_trip(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 1);
    for (unsigned shard = 0; shard < WORLD_SHARDS; shard++)
        world_make(&w, shard, 700, -3 * HOUR, 6 * HOUR);
    struct lc_segment *s = world_seal(&w, 0, 2);
    whole_equals_model(&w, s);
    const struct lc_segment_meta *m = lc_segment_meta(s);
    assert_int_equal(m->level, 2);
    assert_int_equal(m->records, w.count);
    assert_int_equal(m->shard_count, WORLD_SHARDS);
    for (unsigned i = 0; i < WORLD_SHARDS; i++) {
        assert_int_equal(m->shards[i].shard, i);
        assert_int_equal(m->shards[i].records, 700);
        assert_true(m->shards[i].min_id == lc_id_make(1, i));
        assert_true(m->shards[i].max_id == lc_id_make(700, i));
    }
    world_close(&w);
}

static void meta_of_writer_and_reader_agree(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 2);
    world_make(&w, 1, 50, 100 * HOUR, 2 * HOUR);
    struct lc_segment_meta a;
    world_write(&w, w.records, w.count, 9, 0, &a);
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w.disk, WORLD_DIR, 9, &s, NULL));
    const struct lc_segment_meta *b = lc_segment_meta(s);
    assert_true(a.number == b->number && a.level == b->level && a.octets == b->octets &&
                a.records == b->records && a.min_time_ns == b->min_time_ns &&
                a.max_time_ns == b->max_time_ns && a.min_received_ns == b->min_received_ns &&
                a.max_received_ns == b->max_received_ns && a.shard_count == b->shard_count);
    assert_true(
        a.shards[0].shard == b->shards[0].shard && a.shards[0].records == b->shards[0].records &&
        a.shards[0].min_id == b->shards[0].min_id && a.shards[0].max_id == b->shards[0].max_id);
    lc_segment_meta_done(&a);
    lc_segment_unref(s);
    world_close(&w);
}

static void blocks_keep_hour_and_space(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 3);
    world_make(&w, 0, 400, -2 * HOUR, 4 * HOUR);
    struct lc_segment *s = world_seal(&w, 0, 0);
    struct lc_segment_index *index;
    assert_lc_ok(lc_segment_index_load(s, &index, NULL));
    struct lc_decoder *decoder = lc_decoder_new();
    struct lc_page *page = lc_page_new(decoder);
    assert_true(index->block_count >= 8); /* four hours, two spaces */
    for (uint32_t block = 0; block < index->block_count; block++) {
        lc_page_open_block(page, index, 0, block);
        struct lc_batch *b = lc_page_batch(page);
        assert_lc_ok(lc_batch_load(b, LC_COL_TIME | LC_COL_STREAM));
        int64_t min_ns, max_ns;
        lc_batch_times(b, &min_ns, &max_ns);
        for (size_t i = 0; i < b->count; i++) {
            assert_true(lc_batch_time(b, i) >= min_ns && lc_batch_time(b, i) <= max_ns);
            assert_true(lc_hour(lc_batch_time(b, i)) == lc_hour(min_ns));
            assert_slice_eq(lc_batch_stream(b, i)->space, lc_batch_stream(b, 0)->space);
        }
    }
    lc_page_free(page);
    lc_decoder_free(decoder);
    lc_segment_index_unref(index);
    world_close(&w);
}

/* ---- large and many ---- */

struct large {
    const struct lc_record *expected;
    size_t seen;
};

static void compare_large(void *arg, const struct lc_record *r)
{
    struct large *l = arg;
    assert_slice_eq(r->message, l->expected[l->seen].message);
    assert_int_equal(r->field_count, l->expected[l->seen].field_count);
    for (size_t i = 0; i < r->field_count; i++) {
        assert_slice_eq(r->fields[i].name, l->expected[l->seen].fields[i].name);
        assert_slice_eq(r->fields[i].value, l->expected[l->seen].fields[i].value);
    }
    l->seen++;
}

static struct lc_segment *write_records(struct world *w, const struct lc_record *records, size_t n,
                                        uint64_t number)
{
    struct lc_segment_writer *writer;
    assert_lc_ok(lc_segment_writer_new(w->disk, WORLD_DIR, number, 0, &writer));
    for (size_t i = 0; i < n; i++)
        assert_lc_ok(lc_segment_writer_add(writer, &records[i]));
    struct lc_segment_meta meta;
    assert_lc_ok(lc_segment_writer_finish(writer, &meta));
    lc_segment_meta_done(&meta);
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w->disk, WORLD_DIR, number, &s, NULL));
    return s;
}

static void huge_records(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 4);
    size_t n = LC_SEGMENT_RECORD_MAX;
    uint8_t *text = malloc(n + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n + 1; i++)
        text[i] = (uint8_t)lc_prng_next(&w.prng);
    const struct lc_field field = {lc_slice(text, 1 << 20), lc_slice(text, 1 << 20), 0};
    const struct lc_record records[] = {
        {.id = 1 << 10, .message = LC_LIT("small")},
        {.id = 2 << 10, .message = lc_slice(text, n)},
        {.id = 3 << 10, .message = lc_slice(text + 1, 200 << 10)},
        {.id = 4 << 10, .message = LC_LIT("작다"), .fields = &field, .field_count = 1},
        {.id = 5 << 10, .message = LC_LIT("small again")},
    };
    struct lc_segment *s = write_records(&w, records, LC_ARRAY_LEN(records), 1);
    struct large l = {.expected = records};
    assert_lc_ok(each_row(s, compare_large, &l));
    assert_int_equal(l.seen, LC_ARRAY_LEN(records));
    lc_segment_unref(s);

    struct lc_segment_writer *writer;
    assert_lc_ok(lc_segment_writer_new(w.disk, WORLD_DIR, 2, 0, &writer));
    const struct lc_record over = {.id = 1 << 10, .message = lc_slice(text, n + 1)};
    assert_lc_err(lc_segment_writer_add(writer, &over), LC_ELIMIT);
    lc_segment_writer_abort(writer);
    free(text);
    world_close(&w);
}

struct edge {
    const struct lc_record *expected;
    size_t seen;
};

static void compare_edge(void *arg, const struct lc_record *r)
{
    struct edge *e = arg;
    assert_true(r->time_ns == e->expected[e->seen].time_ns);
    assert_true(r->received_ns == e->expected[e->seen].received_ns);
    assert_true(r->id == e->expected[e->seen].id);
    e->seen++;
}

static void edge_times(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 13);
    const struct lc_record records[] = {
        {.id = 1 << 10, .time_ns = INT64_MIN, .received_ns = INT64_MAX},
        {.id = UINT64_MAX, .time_ns = INT64_MIN + 1, .received_ns = INT64_MIN},
        {.id = 2 << 10, .time_ns = -1, .received_ns = 0},
        {.id = 3 << 10, .time_ns = 0, .received_ns = -1},
        {.id = 4 << 10, .time_ns = INT64_MAX, .received_ns = INT64_MIN},
        {.id = 5 << 10, .time_ns = INT64_MAX, .received_ns = INT64_MAX},
    };
    struct lc_segment *s = write_records(&w, records, LC_ARRAY_LEN(records), 1);
    struct edge edge = {.expected = records};
    assert_lc_ok(each_row(s, compare_edge, &edge));
    assert_int_equal(edge.seen, LC_ARRAY_LEN(records));
    const struct lc_segment_meta *m = lc_segment_meta(s);
    assert_true(m->min_time_ns == INT64_MIN && m->max_time_ns == INT64_MAX);
    assert_true(m->min_received_ns == INT64_MIN && m->max_received_ns == INT64_MAX);
    lc_segment_unref(s);
    world_close(&w);
}

static struct lc_slice numbered(char (*texts)[12], unsigned i)
{
    int n = snprintf(texts[i], sizeof texts[i], "name-%u", i);
    return lc_slice(texts[i], (size_t)n);
}

/* More names than a segment numbers, more streams than an octet counts. */
static void many_names_and_streams(void **state)
{
    LC_UNUSED(state);
    enum { MANY = 1500 };
    struct world w;
    world_open(&w, 5);
    static char texts[MANY][12];
    static struct lc_record records[MANY];
    static struct lc_field fields[MANY][2];
    for (unsigned i = 0; i < MANY; i++) {
        fields[i][0] = (struct lc_field){numbered(texts, i), lc_slice(texts[i], 6), 0};
        fields[i][1] = (struct lc_field){numbered(texts, i / 2), lc_slice(texts[i], 2), 0};
        records[i] = (struct lc_record){
            .id = (i + 1) << 10,
            .stream = {.app = numbered(texts, i)},
            .message = lc_slice(texts[i], 7),
            .fields = fields[i],
            .field_count = 2,
        };
    }
    struct lc_segment *s = write_records(&w, records, MANY, 1);
    struct large l = {.expected = records};
    assert_lc_ok(each_row(s, compare_large, &l));
    assert_int_equal(l.seen, MANY);
    lc_segment_unref(s);
    world_close(&w);
}

/* ---- damage ---- */

static void put_file(struct world *w, uint64_t number, struct lc_slice octets)
{
    char path[LC_PATH_MAX];
    assert_lc_ok(lc_segment_path(WORLD_DIR, number, path));
    struct lc_file *f;
    (void)w->disk->unlink(w->disk->state, path);
    assert_lc_ok(w->disk->open(w->disk->state, path, LC_OPEN_CREATE, &f));
    assert_lc_ok(w->disk->write(w->disk->state, f, &octets, 1, 0));
    w->disk->close(w->disk->state, f);
}

static struct lc_slice get_file(struct world *w, uint64_t number, uint8_t *room, size_t n)
{
    char path[LC_PATH_MAX];
    assert_lc_ok(lc_segment_path(WORLD_DIR, number, path));
    struct lc_file *f;
    assert_lc_ok(w->disk->open(w->disk->state, path, LC_OPEN_READ, &f));
    int64_t got = w->disk->read(w->disk->state, f, room, n, 0);
    assert_true(got > 0 && (size_t)got < n);
    w->disk->close(w->disk->state, f);
    return lc_slice(room, (size_t)got);
}

static struct lc_slice small_segment(struct world *w, uint8_t *room, size_t n)
{
    world_make(w, 0, 6, 0, 2 * HOUR);
    struct lc_segment_meta meta;
    world_write(w, w->records, w->count, 1, 0, &meta);
    lc_segment_meta_done(&meta);
    return get_file(w, 1, room, n);
}

static void every_truncation(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 6);
    static uint8_t room[1 << 16];
    struct lc_slice file = small_segment(&w, room, sizeof room);
    for (size_t n = 0; n < file.n; n++) {
        put_file(&w, 1, lc_slice(file.p, n));
        struct lc_segment *s;
        struct lc_diag diag = {.text = ""};
        assert_lc_err(lc_segment_open(w.disk, WORLD_DIR, 1, &s, &diag), LC_ECORRUPT);
        assert_true(diag.text[0] != '\0');
    }
    world_close(&w);
}

/* Each bit of a small segment wrong in turn: it is noticed at opening or at reading, always. */
static void every_bit(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 7);
    static uint8_t room[1 << 16];
    struct lc_slice file = small_segment(&w, room, sizeof room);
    for (size_t bit = 0; bit < 8 * file.n; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put_file(&w, 1, file);
        room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct lc_segment *s;
        lc_err e = lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL);
        if (e != LC_OK) {
            assert_lc_err(e, LC_ECORRUPT);
            continue;
        }
        assert_false(lc_segment_is_damaged(s));
        struct compare c = {.w = &w};
        assert_lc_err(each_row(s, compare_row, &c), LC_ECORRUPT);
        assert_true(lc_segment_is_damaged(s));
        lc_segment_unref(s);
    }
    put_file(&w, 1, file);
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL));
    whole_equals_model(&w, s);
    lc_segment_unref(s);
    /* a file under another's name */
    put_file(&w, 2, file);
    assert_lc_err(lc_segment_open(w.disk, WORLD_DIR, 2, &s, NULL), LC_ECORRUPT);
    world_close(&w);
}

/* The file with `more` behind the sections of its footer. */
static void put_with_section(struct world *w, struct lc_slice file, struct lc_slice more)
{
    static uint8_t room[1 << 16];
    size_t end = file.n - LC_SEGMENT_TRAILER_OCTETS;
    struct lc_reader r = lc_reader(lc_slice_from(file, end));
    size_t footer = lc_read_u32_le(&r);
    struct lc_writer out = lc_writer(room, sizeof room);
    lc_write_bytes(&out, lc_slice(file.p, end));
    lc_write_bytes(&out, more);
    struct lc_slice all = lc_writer_done(&out);
    lc_write_u32_le(&out, (uint32_t)(footer + more.n));
    lc_write_u32_le(&out, lc_crc32c(0, lc_slice_from(all, end - footer)));
    lc_write_bytes(&out, LC_LIT(LC_SEGMENT_END_MAGIC));
    put_file(w, 1, lc_writer_done(&out));
}

static void sections(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 11);
    static uint8_t room[1 << 16];
    struct lc_slice file = small_segment(&w, room, sizeof room);
    /* one of a later version is passed over */
    put_with_section(&w, file, LC_LIT("\x63\x00\x03\x03new"));
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL));
    whole_equals_model(&w, s);
    lc_segment_unref(s);
    /* a second one of a type; one that goes past the end; one that decodes to less */
    const struct lc_slice bad[] = {
        LC_LIT("\x04\x00\x01\x01\x00"),
        LC_LIT("\x63\x00\x04\x04new"),
        LC_LIT("\x63\x00\x02\x03new"),
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(bad); i++) {
        put_with_section(&w, file, bad[i]);
        assert_lc_err(lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL), LC_ECORRUPT);
    }
    /* one that is missing: without names */
    uint64_t end = file.n - LC_SEGMENT_TRAILER_OCTETS;
    struct lc_segment_meta meta = {.number = 1};
    struct lc_segment_index *x;
    assert_lc_err(lc_segment_index_parse(LC_LIT("\x04\x00\x01\x01\x00"), end, &meta, &x),
                  LC_ECORRUPT);
    lc_segment_meta_done(&meta);
    world_close(&w);
}

static void later_version(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 12);
    static uint8_t room[1 << 16];
    struct lc_slice file = small_segment(&w, room, sizeof room);
    room[LC_SEGMENT_MAGIC_OCTETS]++;
    struct lc_writer crc = lc_writer(room + LC_SEGMENT_HEADER_OCTETS - 4, 4);
    lc_write_u32_le(&crc, lc_crc32c(0, lc_slice(room, LC_SEGMENT_HEADER_OCTETS - 4)));
    put_file(&w, 1, file);
    struct lc_segment *s;
    assert_lc_err(lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL), LC_EVERSION);
    world_close(&w);
}

/* ---- files ---- */

static bool is_there(struct world *w, uint64_t number)
{
    char path[LC_PATH_MAX];
    assert_lc_ok(lc_segment_path(WORLD_DIR, number, path));
    struct lc_file *f;
    if (w->disk->open(w->disk->state, path, LC_OPEN_READ, &f) != LC_OK)
        return false;
    w->disk->close(w->disk->state, f);
    return true;
}

static void retired_file_goes_with_its_last_reader(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 8);
    world_make(&w, 0, 10, 0, HOUR);
    struct lc_segment_meta meta;
    world_write(&w, w.records, w.count, 1, 0, &meta);
    lc_segment_meta_done(&meta);
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w.disk, WORLD_DIR, 1, &s, NULL));
    struct lc_segment *reader = lc_segment_ref(s);
    lc_segment_retire(s);
    lc_segment_unref(s);
    assert_true(is_there(&w, 1));
    whole_equals_model(&w, reader);
    lc_segment_unref(reader);
    assert_false(is_there(&w, 1));
    world_close(&w);
}

/* Every call of every kind fails once: an error comes out, and no file stays. */
static void failing_writes(void **state)
{
    LC_UNUSED(state);
    const enum lc_sim_call calls[] = {LC_SIM_OPEN, LC_SIM_WRITE, LC_SIM_SYNC};
    for (size_t i = 0; i < LC_ARRAY_LEN(calls); i++) {
        struct world w;
        world_open(&w, 9);
        struct lc_sim_fault fault = {.call = calls[i], .first = 1, .times = 1, .error = -EIO};
        lc_simdisk_fail(w.sim, &fault);
        struct lc_segment_writer *writer = NULL;
        lc_err e = lc_segment_writer_new(w.disk, WORLD_DIR, 1, 0, &writer);
        const struct lc_record r = {.id = 1 << 10, .message = LC_LIT("x")};
        if (e == LC_OK)
            e = lc_segment_writer_add(writer, &r);
        struct lc_segment_meta meta;
        if (e == LC_OK)
            e = lc_segment_writer_finish(writer, &meta);
        assert_lc_err(e, -EIO);
        assert_int_equal(lc_simdisk_failed(w.sim), 1);
        assert_false(is_there(&w, 1));
        world_close(&w);
    }
}

static void failing_reads(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 10);
    world_make(&w, 0, 10, 0, HOUR);
    struct lc_segment *s = world_seal(&w, 0, 0);
    struct lc_sim_fault fault = {.call = LC_SIM_READ, .first = 2, .times = 1, .error = -EIO};
    lc_simdisk_fail(w.sim, &fault); /* the first is the footer's, the second a block's */
    struct compare c = {.w = &w};
    assert_lc_err(each_row(s, compare_row, &c), -EIO);
    assert_false(lc_segment_is_damaged(s)); /* it may be read again */
    c.rows = 0;
    assert_lc_ok(each_row(s, compare_row, &c));
    assert_int_equal(c.rows, w.count);
    world_close(&w);
}

static void order(void **state)
{
    LC_UNUSED(state);
    const struct lc_record ascending[] = {
        {.time_ns = -1, .stream = {.app = LC_LIT("z")}},
        {.time_ns = 0, .stream = {.app = LC_LIT("a"), .host = LC_LIT("z")}, .id = 9},
        {.time_ns = 9, .stream = {.app = LC_LIT("b"), .host = LC_LIT("a")}, .id = 8},
        {.time_ns = 5, .stream = {.app = LC_LIT("b"), .host = LC_LIT("b")}, .id = 7},
        {.time_ns = 6, .stream = {.app = LC_LIT("b"), .host = LC_LIT("b")}, .id = 5},
        {.time_ns = 6, .stream = {.app = LC_LIT("b"), .host = LC_LIT("b")}, .id = 6},
        {.time_ns = 1,
         .stream = {.app = LC_LIT("b"), .host = LC_LIT("b"), .facility = LC_LIT("f")}},
        {.time_ns = 1, .stream = {.space = LC_LIT("s"), .app = LC_LIT("a")}},
        {.time_ns = HOUR, .stream = {.app = LC_LIT("a")}},
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(ascending); i++)
        for (size_t k = 0; k < LC_ARRAY_LEN(ascending); k++) {
            int c = lc_segment_order(&ascending[i], &ascending[k]);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(meta_of_writer_and_reader_agree),
        cmocka_unit_test(blocks_keep_hour_and_space),
        cmocka_unit_test(huge_records),
        cmocka_unit_test(many_names_and_streams),
        cmocka_unit_test(edge_times),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(sections),
        cmocka_unit_test(later_version),
        cmocka_unit_test(retired_file_goes_with_its_last_reader),
        cmocka_unit_test(failing_writes),
        cmocka_unit_test(failing_reads),
        cmocka_unit_test(order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
