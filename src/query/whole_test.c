/* SPDX-License-Identifier: Apache-2.0
 *
 * query/whole_test.c - queries and tails over a real store, while it commits, seals, merges and
 * retires, against the plain list of what was appended.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/query.h"
#include "store/testing/simclock.h"
#include "store/testing/simdisk.h"

#define WRITERS 3u
#define MAX     6000u
#define START   (INT64_C(1795197600) * LC_NS_PER_S)

struct model {
    struct lc_record record; /* its slices live in what follows */
    struct lc_field field;
    char message[96];
    char number[16];
};

struct whole {
    struct lc_simdisk *sim;
    struct lc_simclock clock;
    struct lc_store *store;
    struct lc_prng prng;
    struct model *rows;
    size_t count;
};

static void open_whole(struct whole *w, uint64_t retain_octets)
{
    memset(w, 0, sizeof *w);
    w->prng = (struct lc_prng){11};
    w->sim = lc_simdisk_new(UINT64_C(1) << 30, 1);
    lc_simclock_init(&w->clock, START, 1);
    w->rows = calloc(MAX, sizeof *w->rows);
    assert_non_null(w->rows);
    struct lc_store_config config = {
        .dir = LC_SIM_ROOT "/data",
        .disk = lc_simdisk_table(w->sim),
        .clock = &w->clock.table,
        .writers = WRITERS,
        .memory = 1, /* the smallest sets */
        .retain_octets = retain_octets,
    };
    struct lc_store_report report;
    struct lc_diag diag;
    assert_lc_ok(lc_store_open(&config, &w->store, &report, &diag));
}

static void close_whole(struct whole *w)
{
    lc_store_close(w->store);
    lc_simdisk_free(w->sim);
    free(w->rows);
}

static void append_one(struct whole *w)
{
    static const char *const hosts[] = {"web-1", "web-2", "db", "모니터"};
    static const char *const texts[] = {"request %u took too long", "connection %u refused",
                                        "사용자 %u 로그인 실패", "Disk %u FULL"};
    assert_true(w->count < MAX);
    struct model *m = &w->rows[w->count];
    unsigned n = (unsigned)w->count++;
    const char *text = texts[lc_prng_below(&w->prng, LC_ARRAY_LEN(texts))];
    const char *host = hosts[lc_prng_below(&w->prng, LC_ARRAY_LEN(hosts))];
    /* the text is one of the constants above */
    const char *number = strstr(text, "%u");
    snprintf(m->message, sizeof m->message, "%.*s%u%s", (int)(number - text), text, n, number + 2);
    snprintf(m->number, sizeof m->number, "%u", n % 7);
    m->field = (struct lc_field){LC_LIT("bucket"), lc_slice_cstr(m->number), LC_FIELD_INT};
    m->record = (struct lc_record){
        .time_ns = START - (int64_t)lc_prng_below(&w->prng, UINT64_C(6) * 3600) * LC_NS_PER_S,
        .received_ns = START,
        .level = lc_prng_below(&w->prng, 9) == 0
                     ? LC_LEVEL_NONE
                     : (enum lc_level)lc_prng_below(&w->prng, LC_LEVEL_COUNT),
        .stream = {.space = LC_LIT("main"), .host = lc_slice_cstr(host), .app = LC_LIT("app")},
        .source = LC_LIT("192.0.2.1:514"),
        .message = lc_slice_cstr(m->message),
        .fields = &m->field,
        .field_count = 1,
    };
    struct lc_shard *shard = lc_store_shard(w->store, (unsigned)lc_prng_below(&w->prng, WRITERS));
    assert_lc_ok(lc_shard_append(shard, &m->record, &m->record.id));
}

static void step(struct whole *w, enum lc_store_work work)
{
    lc_err e;
    while ((e = lc_store_step(w->store, work)) == LC_OK)
        ;
    assert_lc_err(e, LC_EEND);
    struct lc_outcome outcome;
    for (unsigned i = 0; i < WRITERS; i++)
        while (lc_shard_outcome(lc_store_shard(w->store, i), &outcome))
            assert_lc_ok(outcome.err);
}

/* Some records, and perhaps a seal or a merge. */
static void live_on(struct whole *w)
{
    for (unsigned i = 0; i < 100; i++)
        append_one(w);
    step(w, LC_WORK_COMMIT);
    if (lc_prng_below(&w->prng, 3) == 0)
        step(w, LC_WORK_SEAL);
    if (lc_prng_below(&w->prng, 6) == 0)
        step(w, LC_WORK_MERGE);
}

/* ---- queries ---- */

static int by_time(const void *pa, const void *pb)
{
    const struct lc_record *a = *(const struct lc_record *const *)pa;
    const struct lc_record *b = *(const struct lc_record *const *)pb;
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

struct expected {
    const struct lc_record **rows;
    size_t count, next;
};

static void expect(const struct whole *w, const struct lc_query *q, struct expected *x)
{
    *x = (struct expected){.rows = calloc(MAX, sizeof(struct lc_record *))};
    assert_non_null(x->rows);
    for (size_t i = 0; i < w->count; i++)
        if (lc_query_match(q, &w->rows[i].record))
            x->rows[x->count++] = &w->rows[i].record;
    qsort((void *)x->rows, x->count, sizeof(struct lc_record *), by_time);
}

static lc_err expect_count(void *arg, uint64_t rows)
{
    struct expected *x = arg;
    assert_int_equal(rows, x->count - x->next);
    return LC_OK;
}

static lc_err expect_row(void *arg, const struct lc_record *r)
{
    struct expected *x = arg;
    assert_true(x->next < x->count);
    const struct lc_record *m = x->rows[x->next++];
    assert_int_equal(r->id, m->id);
    assert_true(r->time_ns == m->time_ns && r->level == m->level);
    assert_slice_eq(r->message, m->message);
    assert_slice_eq(r->stream.host, m->stream.host);
    assert_slice_eq(r->source, m->source);
    assert_int_equal(r->field_count, 1);
    assert_slice_eq(r->fields[0].value, m->fields[0].value);
    return LC_OK;
}

static void check_query(const struct whole *w, struct lc_snapshot *snap, const char *text,
                        size_t limit)
{
    struct lc_query *q;
    struct lc_query_report report;
    struct expected x;
    uint64_t n;
    assert_lc_ok(lc_query_parse(lc_slice_cstr(text), START, &q, NULL));
    expect(w, q, &x);
    x.next = x.count > limit ? x.count - limit : 0;
    struct lc_query_sink sink = {.count = expect_count, .row = expect_row, .arg = &x};
    assert_lc_ok(lc_query_count(q, snap, NULL, &n, NULL));
    assert_int_equal(n, x.count - x.next);
    assert_lc_ok(lc_query_run(q, snap, true, NULL, &sink, &report, NULL));
    assert_int_equal(x.next, x.count);
    assert_int_equal(report.rows, n);
    assert_int_equal(report.damaged_blocks, 0);
    free((void *)x.rows);
    lc_query_unref(q);
}

static lc_err add_up(void *arg, const struct lc_slice *values, size_t count)
{
    uint64_t n;
    assert_lc_ok(lc_slice_u64(values[count - 1], &n));
    *(uint64_t *)arg += n;
    return LC_OK;
}

static void check_table(const struct whole *w, struct lc_snapshot *snap, const char *filter)
{
    char text[128];
    struct lc_query *q;
    struct lc_query_report report;
    uint64_t total = 0, n;
    struct lc_query_sink sink = {.table_row = add_up, .arg = &total};
    snprintf(text, sizeof text, "%s | stats by (host, bucket, level, _time:1h) count()", filter);
    assert_lc_ok(lc_query_parse(lc_slice_cstr(text), START, &q, NULL));
    assert_lc_ok(lc_query_run(q, snap, false, NULL, &sink, &report, NULL));
    lc_query_unref(q);
    assert_lc_ok(lc_query_parse(lc_slice_cstr(filter), START, &q, NULL));
    assert_lc_ok(lc_query_count(q, snap, NULL, &n, NULL));
    assert_int_equal(total, n);
    assert_true(n <= w->count);
    lc_query_unref(q);
}

static void queries_over_a_living_store(void **state)
{
    LC_UNUSED(state);
    static const char *const filters[] = {
        "*",
        "refused",
        "로그인",
        "_time:[2026-11-20T14:00:00Z, 2026-11-20T16:00:00Z) disk*",
        "level:>=ERROR host:web*",
        "bucket:3 -level:\"\"",
        "source:192.0.2.1 took OR Disk",
    };
    struct whole w;
    open_whole(&w, UINT64_MAX);
    for (unsigned round = 0; round < 24; round++) {
        live_on(&w);
        struct lc_snapshot *snap = lc_store_snapshot(w.store);
        assert_non_null(snap);
        assert_int_equal(lc_snapshot_count(snap), w.count);
        char limited[160];
        for (size_t i = 0; i < LC_ARRAY_LEN(filters); i++) {
            check_query(&w, snap, filters[i], SIZE_MAX);
            snprintf(limited, sizeof limited, "%s | limit 17", filters[i]);
            check_query(&w, snap, limited, 17);
        }
        check_table(&w, snap, filters[round % LC_ARRAY_LEN(filters)]);
        lc_snapshot_unref(snap);
    }
    struct lc_store_stats stats = lc_store_stats(w.store);
    assert_true(stats.sealed > 0 && stats.merged > 0);
    close_whole(&w);
}

/* ---- tails ---- */

struct follower {
    struct lc_tail_cursor cursor;
    struct lc_tail_files *files;
    uint64_t last[WRITERS];
    uint64_t rows, missed;
};

static lc_err follow_row(void *arg, const struct lc_record *r)
{
    struct follower *f = arg;
    unsigned shard = lc_id_shard(r->id);
    assert_true(shard < WRITERS && r->id > f->last[shard]);
    f->last[shard] = r->id;
    f->rows++;
    return LC_OK;
}

static bool follow(struct whole *w, struct follower *f, size_t max, bool files)
{
    struct lc_snapshot *snap = lc_store_snapshot(w->store);
    struct lc_query *q;
    uint64_t missed;
    bool behind;
    assert_non_null(snap);
    assert_lc_ok(lc_query_parse(LC_LIT("*"), START, &q, NULL));
    assert_lc_ok(lc_tail_read(q, snap, &f->cursor, max, files ? f->files : NULL, follow_row, f,
                              &missed, &behind));
    f->missed += missed;
    lc_query_unref(q);
    lc_snapshot_unref(snap);
    return behind;
}

static struct follower follower(size_t rows, size_t octets)
{
    struct follower f = {.files = lc_tail_files_new(rows, octets)};
    assert_non_null(f.files);
    return f;
}

static void catch_up(struct whole *w, struct follower *f, size_t max)
{
    uint64_t before;
    do {
        before = f->rows + f->missed;
        follow(w, f, max, true);
    } while (f->rows + f->missed > before);
}

static void tails_of_a_living_store(void **state)
{
    LC_UNUSED(state);
    struct whole w;
    open_whole(&w, UINT64_MAX);
    struct follower quick = follower(1000, 1u << 20), slow = follower(100, 4096);
    bool ever_behind = false;
    for (unsigned round = 0; round < 30; round++) {
        live_on(&w);
        /* memory first, as a loop does it; then files when that was not enough */
        if (follow(&w, &quick, 10000, false)) {
            ever_behind = true;
            follow(&w, &quick, 10000, true);
        }
        assert_int_equal(quick.rows, w.count);
        follow(&w, &slow, 61, true);
    }
    assert_true(ever_behind && slow.rows < w.count);
    catch_up(&w, &slow, 500);
    assert_int_equal(slow.rows, w.count);
    assert_int_equal(quick.missed + slow.missed, 0);
    lc_tail_files_free(quick.files);
    lc_tail_files_free(slow.files);
    close_whole(&w);
}

static void tails_count_what_retention_took(void **state)
{
    LC_UNUSED(state);
    struct whole w;
    open_whole(&w, 64 << 10);
    struct follower late = follower(77, 1u << 20), stopped = follower(500, 1u << 20);
    struct follower slow = follower(200, 1u << 20);
    for (unsigned round = 0; round < 40; round++) {
        live_on(&w);
        if (round == 5)
            catch_up(&w, &stopped, 100);
        step(&w, LC_WORK_SEAL);
        step(&w, LC_WORK_RETAIN);
        follow(&w, &slow, 61, true);
    }
    struct lc_snapshot *snap = lc_store_snapshot(w.store);
    assert_non_null(snap);
    uint64_t stored = lc_snapshot_count(snap);
    lc_snapshot_unref(snap);
    assert_true(stored < w.count);
    catch_up(&w, &late, 100);
    assert_int_equal(late.rows, stored);
    assert_int_equal(late.rows + late.missed, w.count);
    catch_up(&w, &stopped, 100);
    assert_int_equal(stopped.rows + stopped.missed, w.count);
    /* rows that it held when they were removed are not missed */
    catch_up(&w, &slow, 100);
    assert_int_equal(slow.rows + slow.missed, w.count);
    assert_true(slow.rows > stored);
    lc_tail_files_free(late.files);
    lc_tail_files_free(stopped.files);
    lc_tail_files_free(slow.files);
    close_whole(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_over_a_living_store),
        cmocka_unit_test(tails_of_a_living_store),
        cmocka_unit_test(tails_count_what_retention_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
