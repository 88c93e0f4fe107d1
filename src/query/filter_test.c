/* SPDX-License-Identifier: Apache-2.0
 *
 * query/filter_test.c - which records pass, one by one and in batches; random filters against an
 * obvious evaluator.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "query/fake_store.h"
#include "query/filter.h"
#include "store/testing/prng.h"

#define NOW (INT64_C(1795197600) * LC_NS_PER_S) /* 2026-11-20T18:00:00Z */

static const struct lc_field fields[] = {
    {{(const uint8_t *)"user", 4}, {(const uint8_t *)"kim chul", 8}, LC_FIELD_STRING},
    {{(const uint8_t *)"status", 6}, {(const uint8_t *)"500", 3}, LC_FIELD_INT},
    {{(const uint8_t *)"empty", 5}, {(const uint8_t *)"", 0}, LC_FIELD_NULL},
};

static struct lc_record example(void)
{
    return (struct lc_record){
        .id = 1025,
        .time_ns = NOW - 600 * LC_NS_PER_S,
        .level = LC_LEVEL_ERROR,
        .stream = {LC_LIT("main"), LC_LIT("web-1"), LC_LIT("nginx"), LC_LIT("daemon")},
        .pid = LC_LIT("4711"),
        .source = LC_LIT("192.0.2.7:5140"),
        .message = LC_LIT("upstream timed out: 연결이 끊어졌습니다 (110)"),
        .fields = fields,
        .field_count = LC_ARRAY_LEN(fields),
    };
}

static bool passes(const char *query, const struct lc_record *r)
{
    struct lc_query *q;
    struct lc_diag diag;
    lc_err e = lc_query_parse(lc_slice_cstr(query), NOW, &q, &diag);
    if (e != LC_OK)
        print_error("%s: %s\n", query, diag.text);
    assert_lc_ok(e);
    bool match = lc_query_match(q, r);
    lc_query_unref(q);
    return match;
}

static const struct {
    const char *query;
    bool passes;
} readings[] = {
    {"*", true},
    {"timed", true},
    {"time", false},
    {"time*", true},
    {"\"timed out\"", true},
    {"\"out timed\"", false},
    {"out timed", true},
    {"연결", true},
    {"끊어", true},
    {"-연결", false},
    {"nosuch OR 110", true},
    {"nosuch OR nor OR this", false},
    {"NOT (nosuch OR nor)", true},
    {"\"\"", false},
    {"_msg:*", true},
    {"level:ERROR", true},
    {"level:err", true},
    {"level:WARN", false},
    {"level:>=warn", true},
    {"level:>error", false},
    {"level:e*", true},
    {"level:*", true},
    {"level:\"\"", false},
    {"host:web-1", true},
    {"host:web", true},
    {"host:we", false},
    {"host:we*", true},
    {"host:WEB-1", false},
    {"app:nginx facility:daemon space:main", true},
    {"app:(apache OR nginx)", true},
    {"app:!nginx", false},
    {"pid:4711", true},
    {"pid:47", false},
    {"source:192.0.2.7", true},
    {"source:192.0.2", true},
    {"source:192.0.2.70", false},
    {"id:1025", true},
    {"id:102", false},
    {"id:102*", true},
    {"user:kim", true},
    {"user:\"kim chul\"", true},
    {"user:lee", false},
    {"status:500", true},
    {"status:50", false},
    {"status:*", true},
    {"status:\"\"", false},
    {"empty:\"\"", true},
    {"empty:*", false},
    {"nosuchfield:\"\"", true},
    {"nosuchfield:x", false},
    {"-nosuchfield:x", true},
    {"_time:15m", true},
    {"_time:5m", false},
    {"_time:2026-11-20", true},
    {"_time:[2026-11-20T17:50:00Z, 2026-11-20T17:50:00Z]", true},
    {"_time:(2026-11-20T17:50:00Z, now]", false},
    {"_time:[2026-11-20T17:00:00Z, 2026-11-20T17:50:00Z)", false},
    {"_time:>=2026-11-20T17:50:00Z", true},
    {"_time:<2026-11-20T17:50:00Z", false},
    {"level:ERROR host:web-1 \"timed out\" status:500", true},
    {"level:ERROR host:web-1 \"timed out\" status:501", false},
};

static void records_pass_or_not(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = example();
    for (size_t i = 0; i < LC_ARRAY_LEN(readings); i++) {
        if (passes(readings[i].query, &r) != readings[i].passes)
            print_error("%s\n", readings[i].query);
        assert_int_equal(passes(readings[i].query, &r), readings[i].passes);
    }
}

static void what_is_absent_is_empty(void **state)
{
    LC_UNUSED(state);
    struct lc_record r = {.level = LC_LEVEL_NONE};
    static const char *const names[] = {"_msg", "level", "host", "app", "pid", "source", "other"};
    for (size_t i = 0; i < LC_ARRAY_LEN(names); i++) {
        char query[32];
        snprintf(query, sizeof query, "%s:\"\"", names[i]);
        assert_true(passes(query, &r));
        snprintf(query, sizeof query, "%s:*", names[i]);
        assert_false(passes(query, &r));
    }
    assert_false(passes("level:<=EMERG", &r));
    assert_true(passes("NOT level:<=EMERG", &r));
    assert_true(passes("id:0", &r));
}

/* ---- batches ---- */

static bool in_batch(const char *query, struct fake_batch *of, struct lc_selection *s)
{
    struct lc_query *q;
    assert_lc_ok(lc_query_parse(lc_slice_cstr(query), NOW, &q, NULL));
    struct lc_snapshot snap = {.batches = of, .batch_count = 1};
    struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    struct lc_batch *b;
    of->loaded = 0;
    assert_lc_ok(lc_scan_open(&snap, &spec, &scan));
    assert_lc_ok(lc_scan_next(scan, &b));
    lc_err e = lc_filter_batch(q->filter, b, s);
    lc_scan_close(scan);
    lc_query_unref(q);
    return e == LC_OK;
}

static void columns_are_loaded_when_needed(void **state)
{
    LC_UNUSED(state);
    struct lc_record records[] = {example(), example(), example()};
    records[1].level = LC_LEVEL_INFO;
    records[2].stream.host = LC_LIT("db-1");
    struct fake_batch b = {.records = records, .count = 3};
    static const struct {
        const char *query;
        size_t count;
        unsigned loaded;
    } cases[] = {
        {"*", 3, 0},
        {"_time:15m", 3, 0}, /* the whole batch lies inside */
        {"_time:15m *", 3, 0},
        {"_time:[2026, 2026-11-20T17:50:00Z)", 0, LC_COL_TIME},
        {"level:ERROR", 2, LC_COL_LEVEL},
        {"level:DEBUG timed", 0, LC_COL_LEVEL}, /* none is left to look for the word in */
        {"timed level:ERROR host:web-1", 1, LC_COL_LEVEL | LC_COL_STREAM | LC_COL_MESSAGE},
        {"host:nowhere timed user:kim", 0, LC_COL_STREAM},
        {"host:web-1 OR level:INFO", 2, LC_COL_LEVEL | LC_COL_STREAM},
        {"status:500", 3, LC_COL_ALL},
        {"id:1025", 3, LC_COL_TIME},
    };
    struct lc_selection s = {0};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        assert_true(in_batch(cases[i].query, &b, &s));
        assert_int_equal(s.count, cases[i].count);
        assert_int_equal(b.loaded, cases[i].loaded);
    }
    b.damaged = LC_COL_MESSAGE;
    assert_true(in_batch("level:ERROR", &b, &s));
    assert_false(in_batch("timed", &b, &s));
    lc_selection_done(&s);
}

/* ---- random filters ---- */

#define RECORDS 40

static const char *const hosts[] = {"web", "web-1", "db", ""};
static const char *const words[] = {"alpha", "beta", "alpha beta", "alphabet", "가 alpha나", ""};

/* A filter as text, and which of the records pass it by the plainest reading. */
struct random_filter {
    char text[4000];
    bool passes[RECORDS];
};

static void write_leaf(struct lc_prng *r, const struct lc_record *records, struct random_filter *f)
{
    unsigned kind = (unsigned)lc_prng_below(r, 5);
    const char *host = hosts[lc_prng_below(r, LC_ARRAY_LEN(hosts) - 1)];
    enum lc_level level = (enum lc_level)lc_prng_below(r, LC_LEVEL_COUNT);
    int64_t time = (int64_t)lc_prng_below(r, 100) + 10000;
    struct lc_slice name = lc_level_name(level);
    switch (kind) {
    case 0:
        snprintf(f->text, sizeof f->text, "level:%.*s", (int)name.n, (const char *)name.p);
        break;
    case 1:
        snprintf(f->text, sizeof f->text, "_time:>=%d", (int)time);
        break;
    case 2:
        snprintf(f->text, sizeof f->text, "host:\"%s\"*", host);
        break;
    case 3:
        snprintf(f->text, sizeof f->text, "shard:%d", (int)level);
        break;
    default:
        snprintf(f->text, sizeof f->text, "alpha");
        break;
    }
    for (size_t i = 0; i < RECORDS; i++) {
        const struct lc_record *rec = &records[i];
        struct lc_slice m = rec->message;
        char digit = (char)('0' + level);
        bool by_kind[] = {
            rec->level == level,
            rec->time_ns >= time * LC_NS_PER_S,
            lc_slice_starts(rec->stream.host, lc_slice_cstr(host)),
            rec->fields[0].value.p[0] == (uint8_t)digit,
            lc_slice_eq(m, lc_slice_cstr(words[0])) || lc_slice_eq(m, lc_slice_cstr(words[2])) ||
                lc_slice_eq(m, lc_slice_cstr(words[4])),
        };
        f->passes[i] = by_kind[kind];
    }
}

static void write_filter(struct lc_prng *r, unsigned depth, const struct lc_record *records,
                         struct random_filter *f)
{
    unsigned kind = depth == 0 ? 0 : (unsigned)lc_prng_below(r, 4);
    if (kind == 0) {
        write_leaf(r, records, f);
        return;
    }
    struct random_filter *a = calloc(2, sizeof *a);
    struct random_filter *b = a + 1;
    assert_non_null(a);
    write_filter(r, depth - 1, records, a);
    write_filter(r, depth - 1, records, b);
    static const char *const ands[] = {"AND", "", "and"};
    int n;
    if (kind == 1)
        n = snprintf(f->text, sizeof f->text, "(%s) OR %s", a->text, b->text);
    else if (kind == 2)
        n = snprintf(f->text, sizeof f->text, "(%s) %s (%s)", a->text, ands[lc_prng_below(r, 3)],
                     b->text);
    else
        n = snprintf(f->text, sizeof f->text, "-(%s)", a->text);
    assert_in_range(n, 1, sizeof f->text - 1);
    for (size_t i = 0; i < RECORDS; i++)
        f->passes[i] = kind == 1   ? a->passes[i] || b->passes[i]
                       : kind == 2 ? a->passes[i] && b->passes[i]
                                   : !a->passes[i];
    free(a);
}

static void random_filters_agree_with_the_obvious(void **state)
{
    LC_UNUSED(state);
    struct lc_prng r = {1};
    struct lc_record records[RECORDS];
    struct lc_field shard[RECORDS];
    static const char digits[] = "012345678";
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = example();
        records[i].level = (enum lc_level)lc_prng_below(&r, LC_LEVEL_COUNT);
        records[i].time_ns = (int64_t)(lc_prng_below(&r, 100) + 10000) * LC_NS_PER_S;
        records[i].stream.host = lc_slice_cstr(hosts[lc_prng_below(&r, LC_ARRAY_LEN(hosts))]);
        records[i].message = lc_slice_cstr(words[lc_prng_below(&r, LC_ARRAY_LEN(words))]);
        shard[i] = (struct lc_field){
            LC_LIT("shard"), lc_slice(digits + lc_prng_below(&r, LC_LEVEL_COUNT), 1), LC_FIELD_INT};
        records[i].fields = &shard[i];
        records[i].field_count = 1;
    }
    struct fake_batch batch = {.records = records, .count = RECORDS};
    struct lc_selection s = {0};
    struct random_filter f;
    for (unsigned round = 0; round < 3000; round++) {
        write_filter(&r, 1 + round % 5, records, &f);
        assert_true(in_batch(f.text, &batch, &s));
        size_t at = 0;
        for (size_t i = 0; i < RECORDS; i++) {
            assert_int_equal(passes(f.text, &records[i]), f.passes[i]);
            bool selected = at < s.count && lc_selection_row(&s, at) == i;
            at += selected;
            assert_int_equal(selected, f.passes[i]);
        }
        assert_int_equal(at, s.count);
    }
    lc_selection_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_pass_or_not),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(columns_are_loaded_when_needed),
        cmocka_unit_test(random_filters_agree_with_the_obvious),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
