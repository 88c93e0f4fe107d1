/* SPDX-License-Identifier: Apache-2.0 */
#include "store/world_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "store/retain.h"

#define HOUR LC_NS_PER_HOUR

static uint64_t next_number(void *arg)
{
    struct world *w = arg;
    return w->next_number++;
}

static const atomic_bool never_stop;

static struct lc_merge_config config_of(struct world *w, uint64_t target)
{
    return (struct lc_merge_config){
        .disk = w->disk,
        .dir = WORLD_DIR,
        .target_octets = target,
        .next_number = next_number,
        .arg = w,
        .stop = &never_stop,
    };
}

static void count_name(void *arg, const char *name)
{
    LC_UNUSED(name);
    (*(unsigned *)arg)++;
}

static unsigned files(struct world *w)
{
    unsigned count = 0;
    assert_lc_ok(w->disk->list(w->disk->state, WORLD_DIR, count_name, &count));
    return count;
}

static void make_segments(struct world *w, unsigned n, unsigned level, size_t rows)
{
    for (unsigned i = 0; i < n; i++) {
        size_t first = w->count;
        world_make(w, i % WORLD_SHARDS, rows, (int64_t)(i / 4) * HOUR, 3 * HOUR);
        world_seal(w, first, level);
    }
}

/* The version holds the outputs in place of the inputs. */
static void publish(struct world *w, const struct lc_merge_inputs *in,
                    const struct lc_merge_outputs *out)
{
    for (size_t i = 0; i < in->count; i++)
        for (size_t k = 0; k < w->version.segment_count; k++)
            if (w->segments[k] == in->segments[i]) {
                lc_segment_retire(w->segments[k]);
                lc_segment_unref(w->segments[k]);
                w->segments[k] = w->segments[--w->version.segment_count];
                break;
            }
    for (size_t i = 0; i < out->count; i++)
        assert_lc_ok(lc_segment_open(w->disk, WORLD_DIR, out->metas[i].number,
                                     &w->segments[w->version.segment_count++], NULL));
}

/* Each record of the model once, as it was; and each segment in order. */
static void holds_all(struct world *w)
{
    uint8_t *times = calloc(WORLD_RECORDS, 1);
    assert_non_null(times);
    const struct lc_scan_spec spec = {INT64_MIN, INT64_MAX, NULL, false, false, false};
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(&w->snap, &spec, &scan));
    struct lc_batch *b;
    lc_err e;
    while ((e = lc_scan_next(scan, &b)) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        struct lc_record before = {.id = 0};
        for (size_t row = 0; row < b->count; row++) {
            const struct model_record *m = world_find(w, lc_batch_id(b, row));
            assert_non_null(m);
            struct lc_field fields[LC_FIELDS_MAX];
            struct lc_record expected = world_record(m, fields);
            struct lc_record got;
            lc_batch_record(b, row, NULL, &got);
            lc_test_records_equal(&got, &expected);
            assert_true(row == 0 || lc_segment_order(&before, &got) < 0);
            before = got;
            times[m - w->records]++;
        }
    }
    assert_lc_err(e, LC_EEND);
    for (size_t i = 0; i < w->count; i++)
        assert_int_equal(times[i], 1);
    lc_scan_close(scan);
    free(times);
}

static void picks_lowest_full_level(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 1);
    struct lc_merge_inputs in;
    make_segments(&w, LC_MERGE_FAN_IN, 1, 5);
    make_segments(&w, LC_MERGE_FAN_IN - 1, 0, 5);
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    assert_int_equal(in.count, LC_MERGE_FAN_IN);
    assert_int_equal(lc_segment_meta(in.segments[0])->level, 1);
    make_segments(&w, 20, 0, 5);
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    assert_int_equal(in.count, LC_MERGE_INPUTS_MAX);
    for (size_t i = 0; i < in.count; i++) {
        const struct lc_segment_meta *m = lc_segment_meta(in.segments[i]);
        assert_int_equal(m->level, 0);
        assert_int_equal(m->number, LC_MERGE_FAN_IN + 1 + i); /* the oldest, in order */
    }
    /* large ones are left alone, and so are damaged ones */
    assert_false(lc_merge_pick(&w.version, 10, &in));
    for (size_t i = 0; i < w.version.segment_count; i++)
        if (lc_segment_meta(w.segments[i])->level == 1 || i % 4 != 0)
            lc_segment_mark_damaged(w.segments[i]);
    assert_false(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    world_close(&w);
}

static void merges_to_the_union(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 2);
    make_segments(&w, 10, 0, 120);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, LC_MERGE_TARGET);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.metas[0].level, 1);
    assert_int_equal(out.metas[0].records, w.count);
    assert_int_equal(files(&w), 11);
    publish(&w, &in, &out);
    lc_merge_outputs_done(&out);
    assert_int_equal(files(&w), 1);
    holds_all(&w);
    world_close(&w);
}

/* Over the target an output ends with its hour. */
static void cuts_by_hours(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 3);
    make_segments(&w, 12, 0, 200);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    /* blocks are counted when they are full or done, so the least target cuts at each hour */
    struct lc_merge_config config = config_of(&w, 8000);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    assert_true(out.count > 1 && out.count <= 5);
    publish(&w, &in, &out);
    for (size_t i = 1; i < out.count; i++)
        assert_true(out.metas[i].min_time_ns / HOUR > out.metas[i - 1].max_time_ns / HOUR);
    for (size_t i = 0; i + 1 < out.count; i++)
        assert_true(out.metas[i].octets >= 8000);
    lc_merge_outputs_done(&out);
    holds_all(&w);
    world_close(&w);
}

/* An hour that is too large by itself is cut all the same. */
static void cuts_within_an_hour(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 4);
    for (unsigned i = 0; i < 8; i++) {
        size_t first = w.count;
        world_make(&w, 0, 2200, 0, HOUR);
        world_seal(&w, first, 0);
    }
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, 2000);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    assert_true(out.count > 1);
    publish(&w, &in, &out);
    lc_merge_outputs_done(&out);
    holds_all(&w);
    world_close(&w);
}

static struct lc_segment *seal_names(struct world *w, uint64_t number, unsigned streams,
                                     size_t name_octets)
{
    static char name[64 << 10];
    memset(name, 'n', sizeof name);
    struct lc_segment_writer *writer;
    assert_lc_ok(lc_segment_writer_new(w->disk, WORLD_DIR, number, 0, &writer));
    for (unsigned i = 0; i < streams; i++) {
        struct lc_record r = {.id = lc_id_make(number * 1000 + i, 0), .message = LC_LIT("x")};
        /* ascending, and another one in each segment */
        name[0] = (char)('A' + i);
        name[1] = (char)('A' + number);
        r.stream.host = lc_slice(name, name_octets);
        assert_lc_ok(lc_segment_writer_add(writer, &r));
    }
    struct lc_segment_meta meta;
    assert_lc_ok(lc_segment_writer_finish(writer, &meta));
    lc_segment_meta_done(&meta);
    struct lc_segment *s;
    assert_lc_ok(lc_segment_open(w->disk, WORLD_DIR, number, &s, NULL));
    return s;
}

/* Names that are a burden to every reader are not gathered without end, nor merged for ever. */
static void cuts_by_names(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 9);
    w.next_number = 100;
    for (unsigned i = 0; i < LC_MERGE_FAN_IN; i++)
        w.segments[w.version.segment_count++] = seal_names(&w, i + 1, 40, 64 << 10);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, LC_MERGE_TARGET);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    assert_int_equal(out.count, 3); /* 20 MiB of names */
    publish(&w, &in, &out);
    assert_int_equal(lc_snapshot_count(&w.snap), 40 * LC_MERGE_FAN_IN);
    /* eight of those that are full are not worth another merge */
    uint64_t full = out.metas[0].number;
    for (unsigned i = 0; i < LC_MERGE_FAN_IN; i++)
        assert_lc_ok(
            lc_segment_open(w.disk, WORLD_DIR, full, &w.segments[w.version.segment_count++], NULL));
    assert_false(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    lc_merge_outputs_done(&out);
    world_close(&w);
}

/* Checksums of the messages of all blocks, or of the full ones. */
static size_t message_sums(const struct lc_segment *segment, bool full_only, uint32_t *ret)
{
    struct lc_segment_index *index;
    struct lc_decoder *decoder = lc_decoder_new();
    struct lc_page *page = lc_page_new(decoder);
    size_t n = 0;
    assert_non_null(page);
    assert_lc_ok(lc_segment_index_load((struct lc_segment *)(uintptr_t)segment, &index, NULL));
    for (uint32_t block = 0; block < index->block_count; block++) {
        const struct lc_page_column *columns;
        size_t count;
        bool full;
        lc_page_open_block(page, index, 0, block);
        assert_lc_ok(lc_page_is_full(page, &full));
        assert_lc_ok(lc_page_stored(page, &columns, &count));
        for (size_t i = 0; i < count; i++)
            if (columns[i].frame.type == LC_STORED_MESSAGE && (full || !full_only))
                ret[n++] = columns[i].frame.crc;
    }
    lc_page_free(page);
    lc_segment_index_unref(index);
    lc_decoder_free(decoder);
    return n;
}

/* Streams and names have other numbers in each input, and so in the output. */
static void takes_full_blocks_over(void **state)
{
    LC_UNUSED(state);
    static uint32_t before[1000], after[1000];
    struct world w;
    world_open(&w, 11);
    size_t full = 0;
    for (unsigned i = 0; i < LC_MERGE_FAN_IN; i++) {
        size_t first = w.count;
        world_make(&w, i % WORLD_SHARDS, 4800, (int64_t)(i / 3) * HOUR, HOUR);
        for (size_t n = first; n < w.count; n++)
            w.records[n].seed = (i * 5 + w.records[n].seed % 8) % LC_TEST_RECORDS;
        full += message_sums(world_seal(&w, first, 0), true, before + full);
    }
    assert_true(full >= LC_MERGE_FAN_IN);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, LC_MERGE_TARGET);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.metas[0].records, w.count);
    publish(&w, &in, &out);
    holds_all(&w);
    size_t now = message_sums(w.segments[0], false, after);
    for (size_t i = 0; i < full; i++) {
        size_t at = 0;
        while (at < now && after[at] != before[i])
            at++;
        assert_true(at < now);
    }
    lc_merge_outputs_done(&out);
    world_close(&w);
}

#define OWN_NAMES 150 /* of each segment: more than a segment has places for, all together */

static void add_named(struct lc_segment_writer *writer, unsigned number, unsigned row)
{
    static char message[200];
    char name[32], value[32];
    memset(message, 'm', sizeof message);
    snprintf(name, sizeof name, "name-%u-%u", number, row % OWN_NAMES);
    snprintf(value, sizeof value, "value-%u-%u", number, row);
    const struct lc_field field = {lc_slice_cstr(name), lc_slice_cstr(value), LC_FIELD_STRING};
    const struct lc_record r = {.id = lc_id_make(row + 1, number),
                                .time_ns = row,
                                .received_ns = row,
                                .stream.space = LC_LIT("main"),
                                .message = lc_slice(message, sizeof message),
                                .fields = &field,
                                .field_count = 1};
    assert_lc_ok(lc_segment_writer_add(writer, &r));
}

static struct lc_segment *seal_named(struct world *w, unsigned number, unsigned rows)
{
    struct lc_segment_writer *writer;
    struct lc_segment_meta meta;
    struct lc_segment *s;
    assert_lc_ok(lc_segment_writer_new(w->disk, WORLD_DIR, number, 0, &writer));
    for (unsigned row = 0; row < rows; row++)
        add_named(writer, number, row);
    assert_lc_ok(lc_segment_writer_finish(writer, &meta));
    lc_segment_meta_done(&meta);
    assert_lc_ok(lc_segment_open(w->disk, WORLD_DIR, number, &s, NULL));
    return s;
}

/* A block whose names find no place any more is taken row by row; each name is still what it was.
 */
static void names_without_a_place_are_kept(void **state)
{
    LC_UNUSED(state);
    const unsigned rows = 600;
    struct world w;
    world_open(&w, 12);
    w.next_number = 100;
    for (unsigned i = 0; i < LC_MERGE_FAN_IN; i++)
        w.segments[w.version.segment_count++] = seal_named(&w, i + 1, rows);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, LC_MERGE_TARGET);
    struct lc_merge_outputs out;
    assert_lc_ok(lc_merge_run(&config, &in, &out));
    publish(&w, &in, &out);
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    struct lc_batch *b;
    size_t seen = 0;
    assert_lc_ok(lc_scan_open(&w.snap, &spec, &scan));
    while (lc_scan_next(scan, &b) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        for (size_t i = 0; i < lc_batch_count(b); i++, seen++) {
            struct lc_record r;
            char name[32], value[32];
            lc_batch_record(b, i, NULL, &r);
            unsigned number = lc_id_shard(r.id), row = (unsigned)lc_id_sequence(r.id) - 1;
            snprintf(name, sizeof name, "name-%u-%u", number, row % OWN_NAMES);
            snprintf(value, sizeof value, "value-%u-%u", number, row);
            assert_int_equal(r.field_count, 1);
            assert_slice(r.fields[0].name, name);
            assert_slice(r.fields[0].value, value);
        }
    }
    assert_int_equal(seen, rows * LC_MERGE_FAN_IN);
    lc_scan_close(scan);
    lc_merge_outputs_done(&out);
    world_close(&w);
}

static void nothing_stays_of_a_failed_merge(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 5);
    make_segments(&w, 8, 0, 60);
    unsigned before = files(&w);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, 4000);
    const enum lc_sim_call calls[] = {LC_SIM_READ, LC_SIM_WRITE, LC_SIM_OPEN, LC_SIM_SYNC};
    for (size_t i = 0; i < LC_ARRAY_LEN(calls); i++) {
        lc_err e = -EIO;
        for (uint64_t n = 1; e != LC_OK; n++) {
            const struct lc_sim_fault fault = {calls[i], n, 1, -EIO};
            lc_simdisk_fail(w.sim, &fault);
            struct lc_merge_outputs out;
            e = lc_merge_run(&config, &in, &out);
            if (e == LC_OK) {
                assert_int_equal(lc_simdisk_failed(w.sim), 0);
                for (size_t k = 0; k < out.count; k++) {
                    char path[LC_PATH_MAX];
                    assert_lc_ok(lc_segment_path(WORLD_DIR, out.metas[k].number, path));
                    assert_lc_ok(w.disk->unlink(w.disk->state, path));
                }
                lc_merge_outputs_done(&out);
            } else {
                assert_lc_err(e, -EIO);
            }
            assert_int_equal(files(&w), before);
        }
    }
    holds_all(&w);
    world_close(&w);
}

static void stops_when_told(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 6);
    make_segments(&w, 8, 0, 60);
    struct lc_merge_inputs in;
    assert_true(lc_merge_pick(&w.version, LC_MERGE_TARGET, &in));
    struct lc_merge_config config = config_of(&w, LC_MERGE_TARGET);
    const atomic_bool stop = true;
    config.stop = &stop;
    struct lc_merge_outputs out;
    assert_lc_err(lc_merge_run(&config, &in, &out), -ECANCELED);
    assert_int_equal(files(&w), 8);
    world_close(&w);
}

/* ---- retention ---- */

static void retires_oldest_arrival_first(void **state)
{
    LC_UNUSED(state);
    struct world w;
    world_open(&w, 7);
    uint64_t octets = 0;
    /* arrival ascends by number; the times that senders claim descend */
    for (int i = 0; i < 6; i++) {
        size_t first = w.count;
        world_make(&w, 0, 40, (int64_t)(6 - i) * 100 * HOUR, HOUR);
        for (size_t k = first; k < w.count; k++)
            w.records[k].received_ns = i * HOUR;
        octets += lc_segment_meta(world_seal(&w, first, 0))->octets;
    }
    struct lc_segment *victims[WORLD_SEGMENTS];
    assert_int_equal(lc_retain_pick(&w.version, octets, INT64_MIN, victims), 0);
    assert_int_equal(lc_retain_pick(&w.version, octets - 1, INT64_MIN, victims), 1);
    assert_ptr_equal(victims[0], w.segments[0]);
    uint64_t first_two =
        lc_segment_meta(w.segments[0])->octets + lc_segment_meta(w.segments[1])->octets;
    assert_int_equal(lc_retain_pick(&w.version, octets - first_two, INT64_MIN, victims), 2);
    assert_int_equal(lc_retain_pick(&w.version, octets - first_two - 1, INT64_MIN, victims), 3);
    assert_ptr_equal(victims[2], w.segments[2]);
    assert_int_equal(lc_retain_pick(&w.version, 0, INT64_MIN, victims), 6);
    /* by age: what arrived at the limit itself stays */
    assert_int_equal(lc_retain_pick(&w.version, UINT64_MAX, 2 * HOUR, victims), 2);
    assert_int_equal(lc_retain_pick(&w.version, UINT64_MAX, 2 * HOUR + 1, victims), 3);
    assert_int_equal(lc_retain_pick(&w.version, octets - 1, 4 * HOUR, victims), 4);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_lowest_full_level),
        cmocka_unit_test(merges_to_the_union),
        cmocka_unit_test(cuts_by_hours),
        cmocka_unit_test(cuts_within_an_hour),
        cmocka_unit_test(cuts_by_names),
        cmocka_unit_test(takes_full_blocks_over),
        cmocka_unit_test(names_without_a_place_are_kept),
        cmocka_unit_test(nothing_stays_of_a_failed_merge),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(retires_oldest_arrival_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
