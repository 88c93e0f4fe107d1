/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/sealing_test.c - a query while records are sealed and merged sees each committed
 * record exactly once.
 *
 * Writers append numbered records to their shards on a real disk, with sets as small as there are.
 * Meanwhile the main thread takes one snapshot after the other: whatever was committed before it
 * must be in it, also what the store says of the writer as a sender, nothing twice, and the numbers
 * of each shard have no hole. It goes on until enough was sealed and merged under its eyes.
 */
#include "base/test.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

#define SHARDS      2
#define RECORDS     30000 /* of each shard: some fifty sets */
#define FLUSH_EVERY 32
#define SEALED_MIN  60
#define MERGED_MIN  5

struct writer {
    struct lc_shard *shard;
    unsigned number;
    pthread_t thread;
    sem_t progress;
    uint64_t *ids;         /* of record i */
    unsigned appended;     /* writer's own */
    atomic_uint committed; /* records known to be committed, from the first on */
};

static void on_progress(void *arg)
{
    struct writer *w = arg;
    sem_post(&w->progress);
}

static void hear_outcomes(struct writer *w)
{
    struct lc_outcome o;
    while (lc_shard_outcome(w->shard, &o)) {
        if (o.err != LC_OK)
            abort(); /* the disk of this test neither fills up nor fails */
        unsigned done = atomic_load_explicit(&w->committed, memory_order_relaxed);
        while (done < w->appended && w->ids[done] <= o.upto)
            done++;
        atomic_store_explicit(&w->committed, done, memory_order_release);
    }
}

static void wait_for_progress(struct writer *w)
{
    lc_shard_flush(w->shard, true);
    while (sem_wait(&w->progress) != 0)
        ; /* EINTR */
    hear_outcomes(w);
}

static struct lc_sender_id sender_of(const struct writer *w)
{
    return (struct lc_sender_id){{0x5E, (uint8_t)w->number}};
}

static void *write_all(void *arg)
{
    struct writer *w = arg;
    char message[200];
    memset(message, '.', sizeof message);
    while (w->appended < RECORDS) {
        int n = snprintf(message, sizeof message, "%u.%u", w->number, w->appended);
        message[n] = ' ';
        struct lc_record r = {
            .received_ns = (int64_t)w->appended * LC_NS_PER_S,
            .time_ns = (int64_t)w->appended * LC_NS_PER_S,
            .level = LC_LEVEL_INFO,
            .stream = {.space = LC_LIT("main"), .host = LC_LIT("h"), .app = LC_LIT("a")},
            .message = lc_slice(message, sizeof message),
        };
        struct lc_sender_id sender = sender_of(w);
        struct lc_sender_position at = {1, w->appended + 1};
        lc_err e = lc_shard_append_from(w->shard, &r, &sender, &at, &w->ids[w->appended]);
        if (e == LC_EWAIT) {
            wait_for_progress(w);
            continue;
        }
        if (e != LC_OK)
            abort();
        if (++w->appended % FLUSH_EVERY == 0) {
            lc_shard_flush(w->shard, false);
            hear_outcomes(w);
        }
    }
    while (atomic_load_explicit(&w->committed, memory_order_relaxed) < RECORDS)
        wait_for_progress(w);
    return NULL;
}

/* "1.17 ...": writer 1, record 17. */
static void note_row(struct lc_slice message, bool (*seen)[RECORDS])
{
    struct lc_slice head, digits;
    uint64_t writer = SHARDS, number = RECORDS;
    assert_true(lc_slice_cut(&message, ' ', &head));
    assert_true(lc_slice_cut(&head, '.', &digits));
    assert_lc_ok(lc_slice_u64(digits, &writer));
    assert_lc_ok(lc_slice_u64(head, &number));
    assert_true(writer < SHARDS && number < RECORDS);
    if (seen[writer][number])
        fail_msg("record %u.%u is there twice", (unsigned)writer, (unsigned)number);
    seen[writer][number] = true;
}

static uint64_t scan(struct lc_snapshot *snap, bool (*seen)[RECORDS])
{
    const struct lc_scan_spec all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *s = NULL;
    struct lc_batch *batch = NULL;
    uint64_t rows = 0;
    lc_err e;
    memset(seen, 0, sizeof(bool[SHARDS][RECORDS]));
    assert_lc_ok(lc_scan_open(snap, &all, &s));
    while ((e = lc_scan_next(s, &batch)) == LC_OK) {
        assert_lc_ok(lc_batch_load(batch, LC_COL_MESSAGE));
        for (size_t row = 0; row < lc_batch_count(batch); row++)
            note_row(lc_batch_message(batch, row), seen);
        rows += lc_batch_count(batch);
    }
    assert_lc_err(e, LC_EEND);
    lc_scan_close(s);
    assert_int_equal(rows, lc_snapshot_count(snap));
    return rows;
}

/* Looks twice at each snapshot: what was merged since must not change it. */
static void check_once(struct lc_store *store, struct writer *writers, bool (*seen)[RECORDS])
{
    uint64_t least[SHARDS], told[SHARDS];
    for (unsigned i = 0; i < SHARDS; i++) {
        struct lc_sender_id sender = sender_of(&writers[i]);
        struct lc_sender_position at = {0};
        least[i] = atomic_load_explicit(&writers[i].committed, memory_order_acquire);
        (void)lc_store_sender(store, &sender, &at);
        told[i] = at.upto;
    }
    struct lc_snapshot *snap = lc_store_snapshot(store);
    assert_non_null(snap);
    uint64_t rows = scan(snap, seen);
    for (unsigned i = 0; i < SHARDS; i++) {
        unsigned n = 0;
        while (n < RECORDS && seen[i][n])
            n++;
        assert_true(told[i] >= least[i]);
        assert_true(n >= told[i]);
        while (n < RECORDS && !seen[i][n])
            n++;
        assert_int_equal(n, RECORDS); /* no hole before a later record */
    }
    assert_int_equal(scan(snap, seen), rows);
    lc_snapshot_unref(snap);
}

static void start(struct writer *writers, struct lc_store *store)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        struct writer *w = &writers[i];
        w->number = i;
        w->shard = lc_store_shard(store, i);
        w->ids = calloc(RECORDS, sizeof *w->ids);
        assert_non_null(w->ids);
        assert_int_equal(sem_init(&w->progress, 0, 0), 0);
        lc_shard_on_progress(w->shard, on_progress, w);
    }
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char child[512];
    if (dir == NULL) {
        unlink(path);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        remove_tree(child);
    }
    closedir(dir);
    rmdir(path);
}

static bool enough_happened(struct lc_store *store, struct writer *writers)
{
    for (unsigned i = 0; i < SHARDS; i++)
        if (atomic_load_explicit(&writers[i].committed, memory_order_acquire) < RECORDS)
            return false;
    struct lc_store_stats stats = lc_store_stats(store);
    return stats.sealed >= SEALED_MIN && stats.merged >= MERGED_MIN;
}

static void test_each_record_is_seen_exactly_once(void **state)
{
    (void)state;
    char dir[] = "lc-sealing-XXXXXX"; /* where the test runs: its build directory */
    assert_non_null(mkdtemp(dir));
    const struct lc_store_config config = {
        .dir = dir, .writers = SHARDS, .memory = 1, .threads = true};
    static struct writer writers[SHARDS];
    static bool seen[SHARDS][RECORDS];
    struct lc_store_report report;
    struct lc_diag diag = {0};
    struct lc_store *store = NULL;
    assert_lc_ok(lc_store_open(&config, &store, &report, &diag));
    start(writers, store);
    unsigned checks = 0;
    do {
        check_once(store, writers, seen);
        checks++;
    } while (!enough_happened(store, writers));
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
    check_once(store, writers, seen);
    print_message("# %u snapshots, %llu seals, %llu merges\n", checks,
                  (unsigned long long)lc_store_stats(store).sealed,
                  (unsigned long long)lc_store_stats(store).merged);
    lc_store_close(store);
    for (unsigned i = 0; i < SHARDS; i++) {
        sem_destroy(&writers[i].progress);
        free(writers[i].ids);
    }
    remove_tree(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_record_is_seen_exactly_once),
    };
    return cmocka_run_group_tests_name("store/sealing", tests, NULL, NULL);
}
