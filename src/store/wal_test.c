/* SPDX-License-Identifier: Apache-2.0
 *
 * store/wal_test.c - WAL files, whole, cut short at every octet, and damaged at every octet.
 */
#include "store/store_test.h"

#include <errno.h>
#include <stdlib.h>

#include "store/store.h"
#include "store/testing/simdisk.h"
#include "store/wal.h"

#define FRAMES    4u
#define PER_FRAME 6u
#define RECORDS   (FRAMES * PER_FRAME)

static const struct lc_wal_id id = {.store = 0x5EC2E7, .shard = 2, .number = 9};

struct file {
    struct lc_simdisk *sim;
    struct lc_slice octets;
    size_t ends[FRAMES + 1]; /* of the header, then of each frame */
};

/* Every octet of a file will be damaged: it must not be large. */
static struct lc_record small_record(unsigned i, struct lc_field *fields)
{
    struct lc_record r = lc_test_record(i, fields);
    if (r.field_count > 8)
        r.field_count = 8;
    return r;
}

/* A file of FRAMES frames, and where they end. */
static void write_file(struct file *f)
{
    f->sim = lc_simdisk_new(1u << 24, 1);
    const struct lc_disk *disk = lc_simdisk_table(f->sim);
    struct lc_wal wal;
    lc_wal_init(&wal, disk, LC_SIM_ROOT, id.store, id.shard, id.number);
    struct lc_set *set;
    assert_lc_ok(lc_set_new(id.shard, 0, &set));
    assert_lc_ok(lc_wal_begin(&wal, 100));
    f->ends[0] = (size_t)wal.offset;
    for (unsigned frame = 0; frame < FRAMES; frame++) {
        struct lc_set_mark from = lc_set_appended(set);
        for (unsigned i = frame * PER_FRAME; i < (frame + 1) * PER_FRAME; i++) {
            struct lc_field fields[LC_FIELDS_MAX];
            struct lc_record r = small_record(i, fields);
            assert_lc_ok(lc_set_append(set, 101 + i, &r, NULL));
        }
        assert_lc_ok(lc_wal_write(&wal, set, from, lc_set_appended(set), 100));
        f->ends[frame + 1] = (size_t)wal.offset;
    }
    assert_lc_ok(lc_wal_sync(&wal));
    lc_set_unref(set);
    lc_wal_done(&wal);
    assert_lc_ok(lc_file_read(disk, LC_SIM_ROOT, "0002-0000000000000009.wal", &f->octets));
    assert_int_equal(f->octets.n, f->ends[FRAMES]);
}

static void free_file(struct file *f)
{
    free((void *)(uintptr_t)f->octets.p);
    lc_simdisk_free(f->sim);
}

struct outcome {
    bool has[RECORDS];
    unsigned count;
    uint64_t torn, damaged, places;
};

/* What a reader finds: only records that were written, each at most once, and as they were. */
static struct outcome read_file(struct lc_slice octets)
{
    struct outcome out = {.count = 0};
    struct lc_wal_reader reader;
    assert_lc_ok(lc_wal_reader_init(&reader, octets, &id));
    struct lc_field fields[LC_FIELDS_MAX], expected_fields[LC_FIELDS_MAX];
    struct lc_record r;
    uint64_t before = 0;
    lc_err e;
    while ((e = lc_wal_next(&reader, fields, &r)) == LC_OK) {
        assert_int_equal(lc_id_shard(r.id), id.shard);
        assert_true(r.id > before);
        before = r.id;
        uint64_t i = lc_id_sequence(r.id) - 101;
        assert_true(i < RECORDS);
        struct lc_record expected = small_record((unsigned)i, expected_fields);
        lc_test_records_equal(&r, &expected);
        out.has[i] = true;
        out.count++;
    }
    assert_lc_err(e, LC_EEND);
    out.torn = reader.torn_octets;
    out.damaged = reader.damaged_octets;
    out.places = reader.damaged_places;
    lc_wal_reader_done(&reader);
    return out;
}

static void whole(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    struct outcome out = read_file(f.octets);
    assert_int_equal(out.count, RECORDS);
    assert_true(out.torn == 0 && out.damaged == 0);
    uint64_t durable;
    assert_lc_ok(lc_wal_header(f.octets, &id, &durable));
    assert_true(durable == 100);
    free_file(&f);
}

/* Cut short: the frames that are whole are there, and the rest is torn, never damage. */
static void cut_at_every_octet(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    struct lc_test_guard guard;
    lc_test_guard_open(&guard, f.octets.n);
    for (size_t n = 0; n < f.octets.n; n++) {
        unsigned frames = 0;
        while (frames < FRAMES && f.ends[frames + 1] <= n)
            frames++;
        struct outcome out = read_file(lc_test_guard_put(&guard, lc_slice(f.octets.p, n)));
        assert_int_equal(out.count, frames * PER_FRAME);
        size_t kept = n < f.ends[0] ? 0 : f.ends[frames];
        assert_true(out.torn == n - kept);
        assert_true(out.damaged == 0 && out.places == 0);
    }
    lc_test_guard_close(&guard);
    free_file(&f);
}

/* Damage at an octet takes the frame that it is in, and no other. */
static void damaged_at_every_octet(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = malloc(f.octets.n);
    for (size_t at = 0; at < f.octets.n; at++) {
        memcpy(octets, f.octets.p, f.octets.n);
        octets[at] ^= (uint8_t)(1u << at % 8);
        struct outcome out = read_file(lc_slice(octets, f.octets.n));
        unsigned hit = 0; /* 0: the header; else the frame, from 1 */
        while (f.ends[hit] <= at)
            hit++;
        for (unsigned i = 0; i < RECORDS; i++)
            assert_int_equal(out.has[i], i / PER_FRAME + 1 != hit);
        if (hit == FRAMES)
            assert_true(out.torn == f.ends[FRAMES] - f.ends[FRAMES - 1] && out.damaged == 0);
        else
            assert_true(out.torn == 0 && out.places == 1 &&
                        out.damaged == f.ends[hit] - (hit == 0 ? 0 : f.ends[hit - 1]));
    }
    free(octets);
    free_file(&f);
}

/* Two frames in a row are lost, and with them definitions: what refers to them is counted as
 * damage, never shown with a wrong name. */
static void lost_definitions_lose_records(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = malloc(f.octets.n);
    for (unsigned frame = 0; frame + 2 < FRAMES; frame++) {
        memcpy(octets, f.octets.p, f.octets.n);
        octets[f.ends[frame]] ^= 1;
        octets[f.ends[frame + 1]] ^= 1;
        struct outcome out = read_file(lc_slice(octets, f.octets.n));
        assert_true(out.count < RECORDS - 2 * PER_FRAME || frame > 0);
        for (unsigned i = 0; i < 2 * PER_FRAME; i++)
            assert_false(out.has[frame * PER_FRAME + i]);
        assert_true(out.places >= 1);
    }
    free(octets);
    free_file(&f);
}

static void frames_behind_the_limit_are_dead(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    struct lc_wal_reader reader;
    assert_lc_ok(lc_wal_reader_init(&reader, f.octets, &id));
    reader.limit = 100 + 2 * PER_FRAME;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r;
    unsigned count = 0;
    while (lc_wal_next(&reader, fields, &r) == LC_OK)
        count++;
    assert_int_equal(count, 2 * PER_FRAME);
    assert_true(reader.torn_octets == 0 && reader.damaged_octets == 0);
    lc_wal_reader_done(&reader);
    free_file(&f);
}

/* A frame of another file or store, as a sender could put it into a message, is none. */
static void frames_of_others_do_not_count(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    static const struct lc_wal_id others[] = {{0x5EC2E7, 2, 8}, {0x5EC2E6, 2, 9}};
    for (size_t i = 0; i < LC_ARRAY_LEN(others); i++) {
        struct lc_wal_reader reader;
        assert_lc_ok(lc_wal_reader_init(&reader, f.octets, &others[i]));
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r;
        assert_lc_err(lc_wal_next(&reader, fields, &r), LC_EEND);
        assert_true(reader.torn_octets == f.octets.n);
        lc_wal_reader_done(&reader);
        uint64_t durable;
        assert_lc_err(lc_wal_header(f.octets, &others[i], &durable), LC_ECORRUPT);
    }
    free_file(&f);
}

/* The second file of a set defines all names of the set anew, and a damaged frame of it takes no
 * other with it either. */
static void a_set_goes_on_in_another_file(void **state)
{
    LC_UNUSED(state);
    struct lc_simdisk *sim = lc_simdisk_new(1u << 24, 1);
    const struct lc_disk *disk = lc_simdisk_table(sim);
    struct lc_wal wal;
    lc_wal_init(&wal, disk, LC_SIM_ROOT, id.store, id.shard, id.number - 1);
    struct lc_set *set;
    assert_lc_ok(lc_set_new(id.shard, 0, &set));
    assert_lc_ok(lc_wal_begin(&wal, 100));
    struct lc_set_mark marks[RECORDS + 1] = {{0}};
    for (unsigned i = 0; i < RECORDS; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = small_record(i, fields);
        assert_lc_ok(lc_set_append(set, 101 + i, &r, NULL));
        marks[i + 1] = lc_set_appended(set);
    }
    assert_lc_ok(lc_wal_write(&wal, set, marks[0], marks[12], 100));
    lc_wal_end(&wal);
    assert_lc_ok(lc_wal_begin(&wal, 112));
    size_t ends[4] = {(size_t)wal.offset};
    for (unsigned frame = 1; frame < 4; frame++) {
        assert_lc_ok(lc_wal_write(&wal, set, marks[8 + 4 * frame], marks[12 + 4 * frame], 100));
        ends[frame] = (size_t)wal.offset;
    }
    lc_set_unref(set);
    lc_wal_done(&wal);
    struct lc_slice octets;
    assert_lc_ok(lc_file_read(disk, LC_SIM_ROOT, "0002-0000000000000009.wal", &octets));
    struct outcome out = read_file(octets);
    assert_int_equal(out.count, 12);
    for (unsigned frame = 1; frame < 4; frame++) {
        uint8_t *middle = (uint8_t *)(uintptr_t)octets.p + (ends[frame - 1] + ends[frame]) / 2;
        *middle ^= 1;
        out = read_file(octets);
        *middle ^= 1;
        assert_int_equal(out.count, 8);
        for (unsigned i = 12; i < RECORDS; i++)
            assert_int_equal(out.has[i], (i - 12) / 4 + 1 != frame);
    }
    free((void *)(uintptr_t)octets.p);
    lc_simdisk_free(sim);
}

struct told {
    struct lc_dynbuf text;
};

static void tell(void *arg, const struct lc_sender_id *sender, const struct lc_sender_position *at)
{
    struct told *told = arg;
    assert_lc_ok(lc_dynbuf_printf(&told->text, "%u:%u.%u ", sender->octets[0], (unsigned)at->epoch,
                                  (unsigned)at->upto));
}

static void check_senders(struct lc_slice octets, uint64_t limit, unsigned records,
                          const char *expected)
{
    struct told told;
    struct lc_wal_reader reader;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r;
    lc_dynbuf_init(&told.text, 4096);
    assert_lc_ok(lc_wal_reader_init(&reader, octets, &id));
    reader.limit = limit;
    reader.on_sender = tell;
    reader.on_sender_arg = &told;
    while (lc_wal_next(&reader, fields, &r) == LC_OK)
        records--;
    assert_int_equal(records, 0);
    assert_int_equal(reader.damaged_octets, 0);
    assert_slice(lc_dynbuf_slice(&told.text), expected);
    lc_wal_reader_done(&reader);
    lc_dynbuf_done(&told.text);
}

/* A frame says where senders have come to with its own records, whatever was appended since; and
 * one can be of senders alone. */
static void senders(void **state)
{
    LC_UNUSED(state);
    struct lc_simdisk *sim = lc_simdisk_new(1u << 24, 1);
    const struct lc_disk *disk = lc_simdisk_table(sim);
    struct lc_wal wal;
    lc_wal_init(&wal, disk, LC_SIM_ROOT, id.store, id.shard, id.number);
    struct lc_set *set;
    assert_lc_ok(lc_set_new(id.shard, 0, &set));
    assert_lc_ok(lc_wal_begin(&wal, 100));
    struct lc_sender_id a = {{1}}, b = {{2}};
    struct lc_set_mark marks[8] = {{0}};
    for (unsigned i = 0; i < 6; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = small_record(i, fields);
        struct lc_set_from from = {i % 2 == 0 ? &a : &b, {7, 10 + i}};
        assert_lc_ok(lc_set_append(set, 101 + i, &r, i == 4 ? NULL : &from));
        marks[i + 1] = lc_set_appended(set);
    }
    struct lc_set_from from = {&a, {8, 1}};
    assert_lc_ok(lc_set_move(set, &from));
    marks[7] = lc_set_appended(set);
    size_t ends[5];
    static const unsigned frames[] = {0, 3, 5, 6, 7};
    for (unsigned i = 1; i < 5; i++) {
        unsigned first = frames[i - 1];
        assert_lc_ok(lc_wal_write(&wal, set, marks[first], marks[frames[i]], 100 + first));
        ends[i] = (size_t)wal.offset;
    }
    lc_set_unref(set);
    lc_wal_done(&wal);
    struct lc_slice octets;
    assert_lc_ok(lc_file_read(disk, LC_SIM_ROOT, "0002-0000000000000009.wal", &octets));
    assert_int_equal(octets.n, ends[4]);
    check_senders(octets, UINT64_MAX, 6, "2:7.11 1:7.12 2:7.13 2:7.15 1:8.1 ");
    /* torn, each frame takes its senders with it */
    check_senders(lc_slice(octets.p, ends[4] - 1), UINT64_MAX, 6, "2:7.11 1:7.12 2:7.13 2:7.15 ");
    check_senders(lc_slice(octets.p, ends[3] - 1), UINT64_MAX, 5, "2:7.11 1:7.12 2:7.13 ");
    check_senders(lc_slice(octets.p, ends[1] - 1), UINT64_MAX, 0, "");
    /* the file behind it begins at a sequence: frames from there on are dead */
    check_senders(octets, 106, 6, "2:7.11 1:7.12 2:7.13 2:7.15 1:8.1 ");
    check_senders(octets, 105, 5, "2:7.11 1:7.12 2:7.13 ");
    check_senders(octets, 103, 3, "2:7.11 1:7.12 ");
    free((void *)(uintptr_t)octets.p);
    lc_simdisk_free(sim);
}

/* What a program wrote that knew no senders. */
static void version_1_is_read(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = (uint8_t *)(uintptr_t)f.octets.p;
    octets[8] = 1;
    lc_test_seal(octets, LC_WAL_HEADER_SIZE);
    uint64_t durable;
    assert_lc_ok(lc_wal_header(f.octets, &id, &durable));
    assert_int_equal(read_file(f.octets).count, RECORDS);
    free_file(&f);
}

static void an_unknown_version_is_told(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = (uint8_t *)(uintptr_t)f.octets.p;
    octets[8]++;
    uint64_t durable;
    assert_lc_err(lc_wal_header(f.octets, &id, &durable), LC_ECORRUPT);
    lc_test_seal(octets, LC_WAL_HEADER_SIZE);
    assert_lc_err(lc_wal_header(f.octets, &id, &durable), LC_EVERSION);
    free_file(&f);
}

static void names_of_files(void **state)
{
    LC_UNUSED(state);
    char path[LC_PATH_MAX];
    unsigned shard;
    uint64_t number;
    assert_lc_ok(lc_wal_path("d", 1023, UINT64_MAX, path));
    assert_string_equal(path, "d/03ff-ffffffffffffffff.wal");
    assert_true(lc_wal_name("03ff-ffffffffffffffff.wal", &shard, &number));
    assert_true(shard == 1023 && number == UINT64_MAX);
    static const char *const others[] = {
        "",
        "0001-0000000000000001.wa",
        "0001-0000000000000001.wal2",
        "1-1.wal",
        "0001-000000000000000A.wal",
        " 001-0000000000000001.wal",
        "0001-0000000000000001.seg",
        "+001-0000000000000001.wal",
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(others); i++)
        assert_false(lc_wal_name(others[i], &shard, &number));
    char dir[LC_PATH_MAX];
    memset(dir, 'd', sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    assert_lc_err(lc_wal_path(dir, 1, 1, path), LC_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(cut_at_every_octet),
        cmocka_unit_test(damaged_at_every_octet),
        cmocka_unit_test(lost_definitions_lose_records),
        cmocka_unit_test(frames_behind_the_limit_are_dead),
        cmocka_unit_test(frames_of_others_do_not_count),
        cmocka_unit_test(a_set_goes_on_in_another_file),
        cmocka_unit_test(senders),
        cmocka_unit_test(version_1_is_read),
        cmocka_unit_test(an_unknown_version_is_told),
        cmocka_unit_test(names_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
