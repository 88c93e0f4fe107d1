/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/query.c - how long the usual questions take over a store of the generated corpus, without a
 * network.
 *
 *   query DIR LINES [QUERY...]   fills a new store below DIR, seals and merges it, then asks;
 *                                with an existing store it only asks
 *
 * One thread, the file system's cache warm. Each question is asked five times; the fastest and the
 * slowest are printed, with what came out and how many rows were looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/corpus_gen.h"
#include "query/query.h"

#define RUNS        5
#define CORPUS_SEED 1
#define START_NS    (INT64_C(1764000000) * LC_NS_PER_S)
#define SPAN_NS     (INT64_C(17) * 3600 * LC_NS_PER_S)

static void check(lc_err e, const char *what, const struct lc_diag *diag)
{
    if (e == LC_OK)
        return;
    fprintf(stderr, "query: %s: %s %s\n", what, lc_strerror(e), diag != NULL ? diag->text : "");
    exit(2);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the store ---- */

static void work(struct lc_store *store, enum lc_store_work kind)
{
    lc_err e;
    while ((e = lc_store_step(store, kind)) == LC_OK)
        ;
    if (e != LC_EEND)
        check(e, "store", NULL);
}

static void append(struct lc_store *store, const struct lc_record *r)
{
    uint64_t id;
    lc_err e = lc_shard_append(lc_store_shard(store, 0), r, &id);
    if (e == LC_EWAIT) {
        work(store, LC_WORK_ANY);
        e = lc_shard_append(lc_store_shard(store, 0), r, &id);
    }
    check(e, "append", NULL);
}

static void fill(struct lc_store *store, uint64_t lines)
{
    struct corpus *c = corpus_new(CORPUS_SEED, lines, SPAN_NS);
    check(c == NULL ? LC_ELIMIT : LC_OK, "corpus", NULL);
    int64_t first_ns = 0;
    for (uint64_t i = 0; i < lines; i++) {
        struct corpus_event e;
        char pid[12];
        corpus_next(c, &e);
        first_ns = i == 0 ? e.time_ns : first_ns;
        int n = snprintf(pid, sizeof pid, "%u", e.pid);
        append(store, &(struct lc_record){
                          .time_ns = START_NS + e.time_ns - first_ns,
                          .received_ns = START_NS + e.time_ns - first_ns,
                          .level = e.level,
                          .stream = {.host = lc_slice_cstr(e.host), .app = lc_slice_cstr(e.app)},
                          .pid = lc_slice(pid, (size_t)n),
                          .source = LC_LIT("192.0.2.7:40112"),
                          .message = e.message,
                      });
        if (i % 4096 == 4095)
            work(store, LC_WORK_COMMIT);
    }
    work(store, LC_WORK_COMMIT);
    work(store, LC_WORK_SEAL);
    work(store, LC_WORK_ANY);
    corpus_free(c);
}

/* ---- questions ---- */

enum kind { ROWS, COUNT, KEYWORD_COUNT };

struct question {
    const char *what;
    enum kind kind;
    const char *text;
};

static const struct question questions[] = {
    {"rare word", ROWS, "e3b0c442"},
    {"word that is nowhere", ROWS, "nowhereatall"},
    {"count of a common word", COUNT, "GET"},
    {"count of a phrase", COUNT, "\"Failed password\""},
    {"count of a phrase in any case", KEYWORD_COUNT, "failed PASSWORD for"},
    {"count of a Korean phrase", COUNT, "\"로그인 실패\""},
    {"count of a level", COUNT, "level:ERROR"},
    {"count by level in 10 minutes", ROWS, "* | stats by (level, _time:10m) count()"},
    {"count by app", ROWS, "* | stats by (app) count()"},
    {"last 100", ROWS, "* | limit 100"},
    {"last 100 errors", ROWS, "level:>=ERROR | limit 100"},
    {"common word in one hour", COUNT, "GET _time:[1764021600, 1764025200)"},
};

static lc_err ignore_row(void *arg, const struct lc_record *r)
{
    LC_UNUSED(arg);
    LC_UNUSED(r);
    return LC_OK;
}

static lc_err ignore_table_row(void *arg, const struct lc_slice *values, size_t count)
{
    LC_UNUSED(arg);
    LC_UNUSED(values);
    LC_UNUSED(count);
    return LC_OK;
}

/* Returns what came out: rows, or the count. */
static uint64_t ask(struct lc_snapshot *snap, const struct question *x, uint64_t *ret_scanned)
{
    struct lc_query *q;
    struct lc_diag diag = {0};
    struct lc_query_report report = {0};
    const struct lc_query_sink sink = {.row = ignore_row, .table_row = ignore_table_row};
    struct lc_slice text = lc_slice_cstr(x->text);
    uint64_t n = 0;
    check(x->kind == KEYWORD_COUNT ? lc_query_keyword(text, &q, &diag)
                                   : lc_query_parse(text, START_NS, &q, &diag),
          x->text, &diag);
    if (x->kind == ROWS)
        check(lc_query_run(q, snap, false, NULL, &sink, &report, &diag), x->text, &diag);
    else
        check(lc_query_count(q, snap, NULL, &n, &diag), x->text, &diag);
    lc_query_unref(q);
    *ret_scanned = report.scanned;
    return x->kind == ROWS ? report.rows : n;
}

static void measure(struct lc_snapshot *snap, const struct question *x)
{
    double fastest = 1e9, slowest = 0;
    uint64_t n = 0, scanned = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        double start = seconds();
        n = ask(snap, x, &scanned);
        double took = seconds() - start;
        fastest = took < fastest ? took : fastest;
        slowest = took > slowest ? took : slowest;
    }
    printf("%-32s %8.1f ms  (slowest %8.1f)  %10llu out  %10llu looked at\n", x->what,
           fastest * 1e3, slowest * 1e3, (unsigned long long)n, (unsigned long long)scanned);
}

/* A tail that has all before it, as relays and slow readers have: each row once. */
static void measure_tail(struct lc_snapshot *snap)
{
    struct lc_tail_cursor cursor = {0}, end;
    struct lc_tail_files *files = lc_tail_files_new(65536, 32u << 20);
    struct lc_query *q;
    uint64_t missed, calls = 0;
    bool behind;
    check(files == NULL ? LC_ELIMIT : LC_OK, "tail", NULL);
    check(lc_query_parse(LC_LIT("*"), START_NS, &q, NULL), "tail", NULL);
    lc_tail_cursor_end(snap, &end);
    double start = seconds();
    while (cursor.after[0] != end.after[0]) {
        check(lc_tail_read(q, snap, &cursor, 4096, files, ignore_row, NULL, &missed, &behind),
              "tail", NULL);
        calls++;
    }
    double took = seconds() - start;
    printf("%-32s %8.1f ms  %10llu rows in %llu calls, %.0f rows/s\n", "a tail from the start",
           took * 1e3, (unsigned long long)lc_snapshot_count(snap), (unsigned long long)calls,
           (double)lc_snapshot_count(snap) / took);
    lc_query_unref(q);
    lc_tail_files_free(files);
}

int main(int argc, char **argv)
{
    uint64_t lines;
    if (argc < 3 || lc_slice_u64(lc_slice_cstr(argv[2]), &lines) != LC_OK) {
        fputs("usage: query DIR LINES [QUERY...]\n", stderr);
        return 2;
    }
    const struct lc_store_config config = {.dir = argv[1], .writers = 1};
    struct lc_store *store;
    struct lc_store_report report;
    struct lc_diag diag = {0};
    check(lc_store_open(&config, &store, &report, &diag), argv[1], &diag);
    if (report.segments == 0 && report.wal_records == 0)
        fill(store, lines);
    struct lc_snapshot *snap = lc_store_snapshot(store);
    check(snap == NULL ? LC_ELIMIT : LC_OK, "snapshot", NULL);
    printf("%llu records, %.1f MB in %llu segments\n", (unsigned long long)lc_snapshot_count(snap),
           (double)lc_store_stats(store).segment_octets / 1e6,
           (unsigned long long)lc_store_stats(store).segments);
    for (size_t i = 0; argc == 3 && i < LC_ARRAY_LEN(questions); i++)
        measure(snap, &questions[i]);
    if (argc == 3)
        measure_tail(snap);
    for (int i = 3; i < argc; i++)
        measure(snap, &(struct question){argv[i], ROWS, argv[i]});
    lc_snapshot_unref(snap);
    lc_store_close(store);
    return 0;
}
