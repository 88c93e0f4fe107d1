/* SPDX-License-Identifier: Apache-2.0
 *
 * store/threads_test.c - the store with its own threads, on a real disk: writers, commits, seals,
 * merges and readers all at once. TSan watches.
 */
#include "base/test.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "store/version.h"

#define WRITERS 2u
#define RECORDS 40000u /* of each writer */

struct writer {
    struct lc_shard *shard;
    sem_t news;
    pthread_t thread;
    uint64_t last;
};

struct run {
    char dir[256];
    struct lc_store_config config;
    struct lc_store *store;
    struct writer writers[WRITERS];
    atomic_bool done;
    atomic_uint told; /* times that a watcher was */
};

static void make_dir(struct run *run)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(run->dir, sizeof run->dir, "%s/lc-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(run->dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    LC_UNUSED(st);
    LC_UNUSED(type);
    LC_UNUSED(at);
    return remove(path);
}

static void remove_dir(struct run *run)
{
    assert_int_equal(nftw(run->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void on_progress(void *arg)
{
    sem_post(arg);
}

static void on_commit(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void open_store(struct run *run)
{
    struct lc_store_report report;
    struct lc_diag diag;
    run->config.dir = run->dir;
    run->config.threads = true;
    lc_err e = lc_store_open(&run->config, &run->store, &report, &diag);
    if (e != LC_OK)
        print_message("%s\n", diag.text);
    assert_lc_ok(e);
}

static void wait_for_news(struct writer *w)
{
    while (sem_wait(&w->news) != 0)
        assert_int_equal(errno, EINTR);
}

/* Takes outcomes until all up to `id` is committed. */
static void wait_for_commit(struct writer *w, uint64_t id)
{
    struct lc_outcome o = {0, LC_OK};
    for (;;) {
        while (lc_shard_outcome(w->shard, &o))
            assert_lc_ok(o.err);
        if (o.upto >= id)
            return;
        wait_for_news(w);
    }
}

static void *write_records(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < RECORDS;) {
        char text[64];
        int n = snprintf(text, sizeof text, "record %u of a writer, and some words", i);
        struct lc_record r = {
            .received_ns = (int64_t)i * LC_NS_PER_S,
            .time_ns = LC_TIME_ABSENT,
            .level = LC_LEVEL_INFO,
            .stream.app = i % 3 == 0 ? LC_LIT("a") : LC_LIT("b"),
            .message = lc_slice(text, (size_t)n),
        };
        lc_err e = lc_shard_append(w->shard, &r, &w->last);
        if (e == LC_EWAIT) {
            wait_for_news(w);
            continue;
        }
        assert_lc_ok(e);
        i++;
        if (i % 100 == 0)
            lc_shard_flush(w->shard, i % 1000 == 0);
    }
    lc_shard_flush(w->shard, true);
    wait_for_commit(w, w->last);
    return NULL;
}

/* Each sequence up to the snapshot's end is in it once. */
static void check_snapshot(struct lc_snapshot *snap)
{
    static bool seen[WRITERS][RECORDS + 1];
    uint64_t expected = 0;
    memset(seen, 0, sizeof seen);
    for (unsigned shard = 0; shard < WRITERS; shard++) {
        expected += lc_id_sequence(lc_snapshot_end(snap, shard));
        assert_true(lc_snapshot_missing(snap, shard, 0) == 0);
    }
    assert_true(lc_snapshot_count(snap) == expected);
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
    struct lc_batch *b;
    lc_err e;
    while ((e = lc_scan_next(scan, &b)) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_TIME | LC_COL_MESSAGE));
        for (size_t row = 0; row < lc_batch_count(b); row++) {
            uint64_t id = lc_batch_id(b, row);
            bool *is_seen = &seen[lc_id_shard(id)][lc_id_sequence(id)];
            assert_false(*is_seen);
            *is_seen = true;
            expected--;
        }
    }
    assert_lc_err(e, LC_EEND);
    assert_true(expected == 0);
    lc_scan_close(scan);
}

static void *read_snapshots(void *arg)
{
    struct run *run = arg;
    uint64_t ends[WRITERS] = {0};
    bool last;
    do {
        last = atomic_load(&run->done);
        struct lc_snapshot *snap = lc_store_snapshot(run->store);
        assert_non_null(snap);
        check_snapshot(snap);
        for (unsigned i = 0; i < WRITERS; i++) {
            uint64_t end = lc_snapshot_end(snap, i);
            assert_true(end >= ends[i]);
            ends[i] = end;
        }
        lc_snapshot_unref(snap);
    } while (!last);
    for (unsigned i = 0; i < WRITERS; i++)
        assert_true(ends[i] == run->writers[i].last);
    return NULL;
}

static void run_writers(struct run *run)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *w = &run->writers[i];
        w->shard = lc_store_shard(run->store, i);
        sem_init(&w->news, 0, 0);
        lc_shard_on_progress(w->shard, on_progress, &w->news);
        assert_int_equal(pthread_create(&w->thread, NULL, write_records, w), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(run->writers[i].thread, NULL);
}

static void stop_writers(struct run *run)
{
    for (unsigned i = 0; i < WRITERS; i++) {
        lc_shard_on_progress(run->writers[i].shard, NULL, NULL);
        sem_destroy(&run->writers[i].news);
    }
}

static void reads_while_it_writes(void **state)
{
    LC_UNUSED(state);
    static struct run run = {.config = {.writers = WRITERS, .memory = 1}};
    make_dir(&run);
    open_store(&run);
    assert_lc_ok(lc_store_watch(run.store, on_commit, &run.told));
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_snapshots, &run), 0);
    run_writers(&run);
    atomic_store(&run.done, true);
    pthread_join(reader, NULL);
    lc_store_unwatch(run.store, on_commit, &run.told);
    assert_true(atomic_load(&run.told) > 0);
    struct lc_store_stats stats = lc_store_stats(run.store);
    assert_true(stats.appended == WRITERS * RECORDS && stats.committed == stats.appended);
    assert_true(stats.records == stats.appended);
    assert_true(stats.sealed > 0);
    stop_writers(&run);
    lc_store_close(run.store);

    open_store(&run);
    struct lc_snapshot *snap = lc_store_snapshot(run.store);
    check_snapshot(snap);
    lc_snapshot_unref(snap);
    lc_store_close(run.store);
    remove_dir(&run);
}

/* What nobody waits for is committed all the same, soon. */
static void commits_without_urgency(void **state)
{
    LC_UNUSED(state);
    static const bool ack_written[] = {false, true};
    for (size_t i = 0; i < LC_ARRAY_LEN(ack_written); i++) {
        static struct run run;
        memset(&run, 0, sizeof run);
        run.config = (struct lc_store_config){.writers = 1, .ack_written = ack_written[i]};
        make_dir(&run);
        open_store(&run);
        struct writer *w = &run.writers[0];
        w->shard = lc_store_shard(run.store, 0);
        sem_init(&w->news, 0, 0);
        lc_shard_on_progress(w->shard, on_progress, &w->news);
        for (unsigned k = 0; k < 20; k++) {
            struct lc_record r = {.message = LC_LIT("a line")};
            assert_lc_ok(lc_shard_append(w->shard, &r, &w->last));
            lc_shard_flush(w->shard, false);
            wait_for_commit(w, w->last);
        }
        lc_shard_on_progress(w->shard, NULL, NULL);
        lc_store_close(run.store);
        sem_destroy(&w->news);
        remove_dir(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_while_it_writes),
        cmocka_unit_test(commits_without_urgency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
