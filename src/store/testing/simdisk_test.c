/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk_test.c - the disk that other tests believe in loses, keeps and fails as it
 * says.
 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/testing/simdisk.h"

#define FILE_A LC_SIM_ROOT "/a"
#define FILE_B LC_SIM_ROOT "/b"
#define ROUNDS 200 /* seeds tried where an outcome must be seen at least once */

static const struct lc_disk *table;
static struct lc_simdisk *disk;

static int setup(void **state)
{
    (void)state;
    disk = lc_simdisk_new(1 << 20, 1);
    table = lc_simdisk_table(disk);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lc_simdisk_free(disk);
    return 0;
}

static struct lc_file *create(const char *path)
{
    struct lc_file *f = NULL;
    assert_lc_ok(table->open(table->state, path, LC_OPEN_CREATE, &f));
    return f;
}

static void put(struct lc_file *f, uint64_t offset, const char *text)
{
    struct lc_slice part = lc_slice_cstr(text);
    assert_lc_ok(table->write(table->state, f, &part, 1, offset));
}

static void put_octets(struct lc_file *f, uint64_t offset, int octet, size_t n)
{
    uint8_t *p = malloc(n);
    assert_non_null(p);
    memset(p, octet, n);
    struct lc_slice part = lc_slice(p, n);
    assert_lc_ok(table->write(table->state, f, &part, 1, offset));
    free(p);
}

static void sync_file(struct lc_file *f)
{
    assert_lc_ok(table->sync(table->state, f, LC_SYNC_WAL_COMMIT));
}

static void sync_root(void)
{
    assert_lc_ok(table->sync_dir(table->state, LC_SIM_ROOT, LC_SYNC_STORE_DIR));
}

/* What a disk has at a path, as text of at most 8191 octets; NULL: no such file. */
static const char *contents(struct lc_simdisk *d, const char *path)
{
    static char text[8192];
    const struct lc_disk *t = lc_simdisk_table(d);
    struct lc_file *f = NULL;
    lc_err e = t->open(t->state, path, LC_OPEN_READ, &f);
    if (e == -ENOENT)
        return NULL;
    assert_lc_ok(e);
    int64_t n = t->read(t->state, f, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    assert_int_equal(n, t->size(t->state, f));
    text[n] = '\0';
    t->close(t->state, f);
    return text;
}

static void assert_contents(struct lc_simdisk *d, const char *path, const char *expected)
{
    const char *got = contents(d, path);
    if (expected == NULL)
        assert_null(got);
    else
        assert_string_equal(got, expected);
}

static void assert_after_cut(enum lc_sim_cut cut, const char *path, const char *expected)
{
    struct lc_simdisk *after = lc_simdisk_cut(disk, cut, 1);
    assert_contents(after, path, expected);
    lc_simdisk_free(after);
}

/* Of all outcomes, how many have `expected` at the path. */
static unsigned count_outcomes(const char *path, const char *expected)
{
    unsigned found = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_RANDOM, seed);
        const char *got = contents(after, path);
        if (expected == NULL || got == NULL)
            found += expected == got;
        else
            found += strcmp(got, expected) == 0;
        lc_simdisk_free(after);
    }
    return found;
}

static void test_reads_what_was_written(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    struct lc_slice parts[] = {LC_LIT("one"), LC_LIT(""), LC_LIT("two")};
    assert_lc_ok(table->write(table->state, f, parts, 3, 0));
    put(f, 8, "!");
    assert_int_equal(table->size(table->state, f), 9);
    char got[16];
    assert_int_equal(table->read(table->state, f, got, sizeof got, 3), 6);
    assert_memory_equal(got, "two\0\0!", 6);
    assert_int_equal(table->read(table->state, f, got, sizeof got, 9), 0);
    assert_lc_ok(table->truncate(table->state, f, 3));
    table->close(table->state, f);
    assert_contents(disk, FILE_A, "one");
}

static void test_open_says_what_is_wrong(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    struct lc_file *g = NULL;
    assert_lc_err(table->open(table->state, FILE_A, LC_OPEN_CREATE, &g), -EEXIST);
    assert_lc_err(table->open(table->state, FILE_B, LC_OPEN_WRITE, &g), -ENOENT);
    assert_lc_err(table->open(table->state, LC_SIM_ROOT "/no/a", LC_OPEN_CREATE, &g), -ENOENT);
    assert_lc_err(table->open(table->state, LC_SIM_ROOT, LC_OPEN_READ, &g), -EISDIR);
    assert_lc_err(table->unlink(table->state, FILE_B), -ENOENT);
    assert_lc_err(table->rename(table->state, FILE_B, FILE_A), -ENOENT);
    assert_lc_err(table->mkdir(table->state, LC_SIM_ROOT "/no/dir"), -ENOENT);
    assert_lc_ok(table->mkdir(table->state, LC_SIM_ROOT));
    table->close(table->state, f);
}

static void test_a_name_needs_its_directory_synced(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put(f, 0, "x");
    sync_file(f);
    assert_after_cut(LC_CUT_LOST, FILE_A, NULL);
    assert_after_cut(LC_CUT_KEPT, FILE_A, "x");
    sync_root();
    assert_after_cut(LC_CUT_LOST, FILE_A, "x");
    table->close(table->state, f);
}

static void test_contents_need_the_file_synced(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    sync_root();
    put(f, 0, "x");
    assert_after_cut(LC_CUT_LOST, FILE_A, "");
    sync_file(f);
    put(f, 1, "y");
    assert_after_cut(LC_CUT_LOST, FILE_A, "x");
    assert_after_cut(LC_CUT_KEPT, FILE_A, "xy");
    assert_after_cut(LC_CUT_KILL, FILE_A, "xy");
    table->close(table->state, f);
}

static void test_a_directory_is_lost_with_what_it_holds(void **state)
{
    (void)state;
    assert_lc_ok(table->mkdir(table->state, LC_SIM_ROOT "/dir"));
    struct lc_file *f = create(LC_SIM_ROOT "/dir/a");
    put(f, 0, "x");
    sync_file(f);
    assert_lc_ok(table->sync_dir(table->state, LC_SIM_ROOT "/dir", LC_SYNC_SEGMENT_DIR));
    assert_after_cut(LC_CUT_LOST, LC_SIM_ROOT "/dir/a", NULL);
    sync_root();
    assert_after_cut(LC_CUT_LOST, LC_SIM_ROOT "/dir/a", "x");
    table->close(table->state, f);
}

static void test_a_rename_is_atomic(void **state)
{
    (void)state;
    struct lc_file *a = create(FILE_A);
    put(a, 0, "old");
    sync_file(a);
    struct lc_file *b = create(FILE_B);
    put(b, 0, "new");
    sync_file(b);
    sync_root();
    assert_lc_ok(table->rename(table->state, FILE_B, FILE_A));
    assert_contents(disk, FILE_A, "new");
    assert_contents(disk, FILE_B, NULL);
    unsigned old = count_outcomes(FILE_A, "old");
    unsigned new = count_outcomes(FILE_A, "new");
    assert_true(old > 0);
    assert_true(new > 0);
    assert_int_equal(old + new, ROUNDS);
    sync_root();
    assert_int_equal(count_outcomes(FILE_A, "new"), ROUNDS);
    table->close(table->state, a);
    table->close(table->state, b);
}

static void test_a_rename_survives_without_its_contents(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_B);
    put(f, 0, "new");
    assert_lc_ok(table->rename(table->state, FILE_B, FILE_A));
    sync_root();
    assert_after_cut(LC_CUT_LOST, FILE_A, "");
    table->close(table->state, f);
}

static void test_later_changes_of_a_name_need_the_earlier(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put(f, 0, "1");
    sync_file(f);
    table->close(table->state, f);
    sync_root();
    assert_lc_ok(table->unlink(table->state, FILE_A));
    f = create(FILE_A);
    put(f, 0, "2");
    sync_file(f);
    table->close(table->state, f);
    unsigned first = count_outcomes(FILE_A, "1");
    unsigned none = count_outcomes(FILE_A, NULL);
    unsigned second = count_outcomes(FILE_A, "2");
    assert_true(first > 0 && none > 0 && second > 0);
    assert_int_equal(first + none + second, ROUNDS);
}

static void test_writes_are_torn_at_sectors(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put_octets(f, 0, '.', 2048);
    sync_file(f);
    sync_root();
    put_octets(f, 100, 'x', 1500);
    bool torn = false;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_RANDOM, seed);
        const char *got = contents(after, FILE_A);
        assert_int_equal(strlen(got), 2048);
        unsigned kept = 0;
        for (size_t at = 0; at < 2048; at++) {
            bool written = at >= 100 && at < 1600;
            assert_true(got[at] == '.' || (written && got[at] == 'x'));
            if (at % 512 != 0 && written && at > 100)
                assert_int_equal(got[at], got[at - 1]);
            kept += got[at] == 'x';
        }
        torn = torn || (kept > 0 && kept < 1500);
        lc_simdisk_free(after);
    }
    assert_true(torn);
    table->close(table->state, f);
}

static void test_writes_are_reordered(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put_octets(f, 0, '.', 1024);
    sync_file(f);
    sync_root();
    put(f, 0, "first");
    put(f, 512, "second");
    bool only_second = false;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_RANDOM, seed);
        const char *got = contents(after, FILE_A);
        only_second = only_second || (got[0] == '.' && got[512] == 's');
        lc_simdisk_free(after);
    }
    assert_true(only_second);
    table->close(table->state, f);
}

static void test_a_file_may_grow_without_its_data(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    sync_root();
    put_octets(f, 0, 'x', 600);
    bool zeros = false, garbage = false, empty = false;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_RANDOM, seed);
        const char *got = contents(after, FILE_A);
        struct lc_file *g = NULL;
        const struct lc_disk *t = lc_simdisk_table(after);
        assert_lc_ok(t->open(t->state, FILE_A, LC_OPEN_READ, &g));
        int64_t size = t->size(t->state, g);
        t->close(t->state, g);
        empty = empty || size == 0;
        zeros = zeros || (size == 600 && got[0] == '\0');
        garbage = garbage || (size == 600 && got[0] != '\0' && got[0] != 'x');
        lc_simdisk_free(after);
    }
    assert_true(zeros && garbage && empty);
    table->close(table->state, f);
}

static void test_synced_always_survives(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put(f, 0, "synced");
    sync_file(f);
    sync_root();
    put(f, 512, "not");
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_RANDOM, seed);
        assert_memory_equal(contents(after, FILE_A), "synced", 6);
        lc_simdisk_free(after);
    }
    table->close(table->state, f);
}

static void test_a_killed_process_leaves_the_unsynced_unsynced(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    put(f, 0, "x");
    table->close(table->state, f);
    struct lc_simdisk *killed = lc_simdisk_cut(disk, LC_CUT_KILL, 1);
    assert_contents(killed, FILE_A, "x");
    struct lc_simdisk *cut = lc_simdisk_cut(killed, LC_CUT_LOST, 1);
    assert_contents(cut, FILE_A, NULL);
    lc_simdisk_free(cut);
    const struct lc_disk *t = lc_simdisk_table(killed);
    assert_lc_ok(t->open(t->state, FILE_A, LC_OPEN_WRITE, &f));
    assert_lc_ok(t->sync(t->state, f, LC_SYNC_WAL_COMMIT));
    assert_lc_ok(t->sync_dir(t->state, LC_SIM_ROOT, LC_SYNC_STORE_DIR));
    t->close(t->state, f);
    cut = lc_simdisk_cut(killed, LC_CUT_LOST, 1);
    assert_contents(cut, FILE_A, "x");
    lc_simdisk_free(cut);
    lc_simdisk_free(killed);
}

static void test_an_ignored_sync_does_nothing(void **state)
{
    (void)state;
    lc_simdisk_ignore_sync(disk, LC_SYNC_WAL_COMMIT);
    struct lc_file *f = create(FILE_A);
    put(f, 0, "x");
    sync_file(f);
    sync_root();
    assert_after_cut(LC_CUT_LOST, FILE_A, "");
    assert_lc_ok(table->sync(table->state, f, LC_SYNC_SEGMENT_FILE));
    assert_after_cut(LC_CUT_LOST, FILE_A, "x");
    table->close(table->state, f);
}

static void test_the_nth_call_fails(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    struct lc_sim_fault fault = {.call = LC_SIM_WRITE, .first = 2, .times = 2, .error = -EIO};
    lc_simdisk_fail(disk, &fault);
    struct lc_slice part = LC_LIT("x");
    assert_lc_ok(table->write(table->state, f, &part, 1, 0));
    assert_lc_err(table->write(table->state, f, &part, 1, 1), -EIO);
    assert_lc_err(table->write(table->state, f, &part, 1, 1), -EIO);
    assert_lc_ok(table->write(table->state, f, &part, 1, 1));
    assert_int_equal(lc_simdisk_failed(disk), 2);
    assert_int_equal(lc_simdisk_calls(disk, LC_SIM_WRITE), 4);
    table->close(table->state, f);
}

static void test_a_failed_write_may_be_in_part(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    bool in_part = false;
    for (unsigned i = 0; i < ROUNDS && !in_part; i++) {
        assert_lc_ok(table->truncate(table->state, f, 0));
        struct lc_sim_fault fault = {.call = LC_SIM_WRITE, .first = 1, .times = 1, .error = -EIO};
        lc_simdisk_fail(disk, &fault);
        struct lc_slice parts[] = {LC_LIT("one"), LC_LIT("two")};
        assert_lc_err(table->write(table->state, f, parts, 2, 0), -EIO);
        int64_t size = table->size(table->state, f);
        assert_memory_equal(contents(disk, FILE_A), "onetwo", (size_t)size);
        in_part = size > 3 && size < 6;
    }
    assert_true(in_part);
    table->close(table->state, f);
}

static void test_a_failed_sync_loses_what_the_next_calls_safe(void **state)
{
    (void)state;
    struct lc_file *f = create(FILE_A);
    sync_root();
    bool lost = false;
    for (unsigned i = 0; i < ROUNDS && !lost; i++) {
        put(f, 0, i % 2 == 0 ? "even" : "odd ");
        struct lc_sim_fault fault = {.call = LC_SIM_SYNC, .first = 1, .times = 1, .error = -EIO};
        lc_simdisk_fail(disk, &fault);
        assert_lc_err(table->sync(table->state, f, LC_SYNC_WAL_COMMIT), -EIO);
        sync_file(f);
        assert_contents(disk, FILE_A, i % 2 == 0 ? "even" : "odd ");
        struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_KEPT, 1);
        lc_simdisk_free(after);
        after = lc_simdisk_cut(disk, LC_CUT_LOST, 1);
        lost = strcmp(contents(after, FILE_A), i % 2 == 0 ? "even" : "odd ") != 0;
        lc_simdisk_free(after);
    }
    assert_true(lost);
    table->forget(table->state, f);
    char forgotten[16];
    snprintf(forgotten, sizeof forgotten, "%s", contents(disk, FILE_A));
    assert_after_cut(LC_CUT_LOST, FILE_A, forgotten);
    put(f, 0, "sure");
    sync_file(f);
    assert_after_cut(LC_CUT_LOST, FILE_A, "sure");
    table->close(table->state, f);
}

static void test_a_full_disk_takes_no_more(void **state)
{
    (void)state;
    lc_simdisk_set_capacity(disk, 1000);
    struct lc_file *f = create(FILE_A);
    put_octets(f, 0, 'x', 900);
    uint64_t total = 0, left = 0;
    assert_lc_ok(table->space(table->state, LC_SIM_ROOT, &total, &left));
    assert_int_equal(total, 1000);
    assert_int_equal(left, 100);
    char more[200] = {0};
    struct lc_slice part = lc_slice(more, sizeof more);
    assert_lc_err(table->write(table->state, f, &part, 1, 900), -ENOSPC);
    assert_true(lc_simdisk_used(disk) <= 1000);
    put_octets(f, 0, 'y', 900); /* in place: needs no room */
    assert_lc_ok(table->unlink(table->state, FILE_A));
    assert_true(lc_simdisk_used(disk) >= 900); /* still open */
    table->close(table->state, f);
    assert_int_equal(lc_simdisk_used(disk), 0);
}

static void test_a_lock_is_held_once_and_falls_with_the_power(void **state)
{
    (void)state;
    struct lc_file *f = NULL, *g = NULL;
    assert_lc_ok(table->lock(table->state, LC_SIM_ROOT "/lock", &f));
    assert_lc_err(table->lock(table->state, LC_SIM_ROOT "/lock", &g), LC_EINUSE);
    struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_KILL, 1);
    const struct lc_disk *t = lc_simdisk_table(after);
    assert_lc_ok(t->lock(t->state, LC_SIM_ROOT "/lock", &g));
    t->close(t->state, g);
    lc_simdisk_free(after);
    table->close(table->state, f);
    assert_lc_ok(table->lock(table->state, LC_SIM_ROOT "/lock", &f));
    table->close(table->state, f);
}

static void note_name(void *arg, const char *name)
{
    struct lc_dynbuf *names = arg;
    assert_lc_ok(lc_dynbuf_append(names, lc_slice_cstr(name)));
}

static void test_lists_one_directory(void **state)
{
    (void)state;
    assert_lc_ok(table->mkdir(table->state, LC_SIM_ROOT "/d"));
    table->close(table->state, create(LC_SIM_ROOT "/d/x"));
    table->close(table->state, create(FILE_A));
    struct lc_dynbuf names;
    lc_dynbuf_init(&names, 16);
    assert_lc_ok(table->list(table->state, LC_SIM_ROOT "/d", note_name, &names));
    assert_slice(lc_dynbuf_slice(&names), "x");
    names.n = 0;
    assert_lc_ok(table->list(table->state, LC_SIM_ROOT, note_name, &names));
    assert_int_equal(names.n, 2);
    assert_lc_err(table->list(table->state, FILE_A, note_name, &names), -ENOENT);
    lc_dynbuf_done(&names);
}

static void die_at_third(void *arg, uint64_t change)
{
    if (change == 3)
        lc_simdisk_die(arg);
}

static void test_the_hook_comes_before_each_change(void **state)
{
    (void)state;
    lc_simdisk_hook(disk, die_at_third, disk);
    struct lc_file *f = create(FILE_A);
    put(f, 0, "x");
    assert_int_equal(table->size(table->state, f), 1);
    struct lc_slice part = LC_LIT("y");
    assert_lc_err(table->write(table->state, f, &part, 1, 0), -EIO);
    assert_int_equal(table->size(table->state, f), -EIO);
    table->close(table->state, f);
    struct lc_simdisk *after = lc_simdisk_cut(disk, LC_CUT_KEPT, 1);
    assert_contents(after, FILE_A, "x");
    lc_simdisk_free(after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reads_what_was_written),
        TEST(test_open_says_what_is_wrong),
        TEST(test_a_name_needs_its_directory_synced),
        TEST(test_contents_need_the_file_synced),
        TEST(test_a_directory_is_lost_with_what_it_holds),
        TEST(test_a_rename_is_atomic),
        TEST(test_a_rename_survives_without_its_contents),
        TEST(test_later_changes_of_a_name_need_the_earlier),
        TEST(test_writes_are_torn_at_sectors),
        TEST(test_writes_are_reordered),
        TEST(test_a_file_may_grow_without_its_data),
        TEST(test_synced_always_survives),
        TEST(test_a_killed_process_leaves_the_unsynced_unsynced),
        TEST(test_an_ignored_sync_does_nothing),
        TEST(test_the_nth_call_fails),
        TEST(test_a_failed_write_may_be_in_part),
        TEST(test_a_failed_sync_loses_what_the_next_calls_safe),
        TEST(test_a_full_disk_takes_no_more),
        TEST(test_a_lock_is_held_once_and_falls_with_the_power),
        TEST(test_lists_one_directory),
        TEST(test_the_hook_comes_before_each_change),
    };
    return cmocka_run_group_tests_name("store/simdisk", tests, NULL, NULL);
}
