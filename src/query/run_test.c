/* SPDX-License-Identifier: Apache-2.0
 *
 * query/run_test.c - queries over rows that lie in batches in any order, against a plain loop.
 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "query/fake_store.h"
#include "query/query.h"
#include "store/testing/prng.h"

#define NOW (INT64_C(1795197600) * LC_NS_PER_S)

/* ---- what comes out, as text ---- */

struct out {
    struct lc_dynbuf said;
    uint64_t counted; /* by the count callback; UINT64_MAX: it was not called */
    uint64_t rows;
    uint64_t fail_at; /* the row that is refused; UINT64_MAX: none */
    atomic_bool *cancel;
};

static lc_err out_columns(void *arg, const struct lc_slice *names, size_t count)
{
    struct out *o = arg;
    for (size_t i = 0; i < count; i++)
        assert_lc_ok(lc_dynbuf_printf(&o->said, "%s%.*s", i > 0 ? "," : "", (int)names[i].n,
                                      (const char *)names[i].p));
    assert_lc_ok(lc_dynbuf_append(&o->said, LC_LIT(";")));
    return LC_OK;
}

static lc_err out_count(void *arg, uint64_t rows)
{
    struct out *o = arg;
    assert_int_equal(o->rows, 0);
    o->counted = rows;
    return LC_OK;
}

static lc_err out_row(void *arg, const struct lc_record *r)
{
    struct out *o = arg;
    if (o->rows == o->fail_at)
        return LC_EWAIT;
    o->rows++;
    if (o->cancel != NULL)
        atomic_store(o->cancel, true);
    return lc_dynbuf_printf(&o->said, "%llu ", (unsigned long long)r->id >> 10);
}

static lc_err out_table_row(void *arg, const struct lc_slice *values, size_t count)
{
    struct out *o = arg;
    if (o->rows == o->fail_at)
        return LC_EWAIT;
    o->rows++;
    return out_columns(o, values, count);
}

static void out_init(struct out *o)
{
    *o = (struct out){.counted = UINT64_MAX, .fail_at = UINT64_MAX};
    lc_dynbuf_init(&o->said, 16u << 20);
}

struct asked {
    lc_err err;
    struct lc_query_report report;
    struct lc_diag diag;
};

static struct asked ask_within(struct lc_snapshot *snap, const char *query, bool exact,
                               const struct lc_query_limits *limits, struct out *o)
{
    struct asked a = {0};
    o->rows = 0;
    struct lc_query *q;
    struct lc_query_sink sink = {.columns = out_columns,
                                 .count = out_count,
                                 .row = out_row,
                                 .table_row = out_table_row,
                                 .arg = o};
    lc_err e = lc_query_parse(lc_slice_cstr(query), NOW, &q, &a.diag);
    if (e != LC_OK)
        print_error("%s: %s\n", query, a.diag.text);
    assert_lc_ok(e);
    a.err = lc_query_run(q, snap, exact, limits, &sink, &a.report, &a.diag);
    lc_query_unref(q);
    return a;
}

static struct asked ask(struct lc_snapshot *snap, const char *query, bool exact, struct out *o)
{
    out_init(o);
    return ask_within(snap, query, exact, NULL, o);
}

static void answers(struct lc_snapshot *snap, const char *query, bool exact, const char *expected)
{
    struct out o;
    struct asked a = ask(snap, query, exact, &o);
    assert_lc_ok(a.err);
    assert_slice(lc_dynbuf_slice(&o.said), expected);
    assert_int_equal(a.report.rows, o.rows);
    lc_dynbuf_done(&o.said);
}

/* ---- a small store by hand ---- */

#define ROW(sequence, second, lvl, where, text)                                                    \
    {                                                                                              \
        .id = (sequence) << 10, .time_ns = NOW + (second)*LC_NS_PER_S, .level = LC_LEVEL_##lvl,    \
        .stream = {.host = {(const uint8_t *)(where), sizeof(where) - 1}},                         \
        .message = {(const uint8_t *)(text), sizeof(text) - 1},                                    \
    }

static const struct lc_record old_rows[] = {
    ROW(1, 10, INFO, "web", "start"),
    ROW(4, 40, ERROR, "web", "disk full"),
    ROW(2, 20, WARN, "web", "disk slow"),
};
static const struct lc_record new_rows[] = {
    ROW(3, 30, INFO, "db", "start"),
    ROW(6, 60, ERROR, "db", "disk gone"),
    ROW(5, 60, INFO, "db", "retry"),
};

struct small {
    struct fake_batch batches[2];
    struct lc_snapshot snap;
};

static struct lc_snapshot *small_store(struct small *s)
{
    *s = (struct small){
        .batches = {{.records = old_rows, .count = 3},
                    {.records = new_rows, .count = 3, .memory = true}},
    };
    s->snap = (struct lc_snapshot){.batches = s->batches, .batch_count = 2};
    return &s->snap;
}

static void rows_come_in_order(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    answers(snap, "*", true, "1 2 3 4 5 6 ");
    answers(snap, "disk", true, "2 4 6 ");
    answers(snap, "nothing", true, "");
    answers(snap, "* | limit 3", false, "4 5 6 ");
    answers(snap, "disk | limit 2", false, "4 6 ");
    answers(snap, "* | limit 0", false, "");
    answers(snap, "* | limit 0", true, "");
    answers(snap, "* | limit 100", true, "1 2 3 4 5 6 ");
    answers(snap, "*", false, "1 2 3 4 5 6 ");
    answers(snap, "_time:[2026-11-20T18:00:20Z, 2026-11-20T18:00:40Z]", true, "2 3 4 ");
    answers(snap, "_time:>2027 _time:<2026", true, "");

    struct out o;
    struct asked a = ask(snap, "disk", true, &o);
    assert_int_equal(o.counted, 3);
    assert_int_equal(a.report.scanned, 6);
    lc_dynbuf_done(&o.said);
    assert_lc_ok(ask(snap, "disk | limit 2", true, &o).err);
    assert_int_equal(o.counted, 2);
    lc_dynbuf_done(&o.said);
    assert_lc_ok(ask(snap, "disk | limit 2", false, &o).err);
    assert_true(o.counted == UINT64_MAX);
    lc_dynbuf_done(&o.said);
}

static void limit_looks_no_further_than_needed(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    struct out o;
    struct asked a = ask(snap, "* | limit 2", false, &o);
    assert_slice(lc_dynbuf_slice(&o.said), "5 6 ");
    assert_int_equal(a.report.scanned, 3);
    assert_int_equal(s.batches[0].loaded, 0);
    lc_dynbuf_done(&o.said);
}

static void tables_are_counted(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    answers(snap, "* | stats count()", false, "count(*);6;");
    answers(snap, "COUNT disk", false, "count(*);3;");
    answers(snap, "nothing | stats count() as n", false, "n;0;");
    answers(snap, "nothing | stats by (host) count() as n", false, "host,n;");
    answers(snap, "* | stats by (host) count() as n", true, "host,n;db,3;web,3;");
    answers(snap, "* | stats by (level) count() as n", false, "level,n;INFO,3;WARN,1;ERROR,2;");
    answers(snap, "* | stats by (_time:30s) count() as n", false,
            "_time,n;2026-11-20T18:00:00Z,2;2026-11-20T18:00:30Z,2;2026-11-20T18:01:00Z,2;");
    answers(snap, "* | stats by (_time) count() as n | limit 1", false,
            "_time,n;2026-11-20T18:00:10Z,1;");
    answers(snap, "* | stats by (_msg, host) count() as n", false,
            "_msg,host,n;disk full,web,1;disk gone,db,1;disk slow,web,1;retry,db,1;start,db,1;"
            "start,web,1;");
    answers(snap, "* | stats by (user, id) count() as n | limit 2", false,
            "user,id,n;,1024,1;,2048,1;");
    answers(snap, "* | limit 2 | stats by (host) count() as n", false, "host,n;db,2;");
    answers(snap, "* | limit 0 | stats by (host) count() as n", false, "host,n;");

    struct lc_query_limits few = {.max_groups = 2};
    struct out o;
    out_init(&o);
    struct asked a = ask_within(snap, "* | stats by (host) count() n", false, &few, &o);
    assert_lc_ok(a.err);
    a = ask_within(snap, "* | stats by (level) count() n", false, &few, &o);
    assert_lc_err(a.err, LC_ELIMIT);
    assert_string_equal(a.diag.text, "too many groups (more than 2) or too long values: narrow the "
                                     "filter, or group by fewer fields");
    lc_dynbuf_done(&o.said);
}

static void counting(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    static const struct {
        const char *query;
        uint64_t count;
    } cases[] = {{"*", 6}, {"disk", 3}, {"disk | limit 2", 2}, {"nothing", 0}, {"_time:>2027", 0}};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct lc_query *q;
        uint64_t n;
        assert_lc_ok(lc_query_parse(lc_slice_cstr(cases[i].query), NOW, &q, NULL));
        assert_lc_ok(lc_query_count(q, snap, NULL, &n, NULL));
        assert_int_equal(n, cases[i].count);
        lc_query_unref(q);
    }
    small_store(&s);
    struct lc_query *q;
    uint64_t n;
    assert_lc_ok(lc_query_parse(LC_LIT("*"), NOW, &q, NULL));
    assert_lc_ok(lc_query_count(q, snap, NULL, &n, NULL));
    assert_int_equal(s.batches[0].loaded, 0); /* nothing need be read for that */
    lc_query_unref(q);

    struct lc_diag diag;
    assert_lc_ok(lc_query_parse(LC_LIT("* | stats by (host) count()"), NOW, &q, NULL));
    assert_lc_err(lc_query_count(q, snap, NULL, &n, &diag), LC_ESYNTAX);
    assert_string_equal(diag.text, "COUNT takes a query without stats");
    lc_query_unref(q);
}

static void too_many_rows(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    struct lc_query_limits few = {.max_refs = 4};
    struct out o;
    out_init(&o);
    struct asked a = ask_within(snap, "*", true, &few, &o);
    assert_lc_err(a.err, LC_ELIMIT);
    assert_string_equal(a.diag.text, "too many rows (6), use QL with a limit");
    assert_int_equal(o.rows, 0);
    assert_true(o.counted == UINT64_MAX);
    a = ask_within(snap, "* | limit 5", false, &few, &o);
    assert_lc_err(a.err, LC_ELIMIT);
    assert_string_equal(a.diag.text, "too many rows (5), use QL with a limit");
    assert_lc_ok(ask_within(snap, "* | limit 4", true, &few, &o).err);
    assert_lc_ok(ask_within(snap, "disk", true, &few, &o).err);
    assert_lc_ok(ask_within(snap, "disk | limit 1000", true, &few, &o).err);
    /* streamed as they are found: nothing is held */
    o.said.n = 0;
    a = ask_within(snap, "*", false, &few, &o);
    assert_lc_ok(a.err);
    assert_slice(lc_dynbuf_slice(&o.said), "1 4 2 3 6 5 ");
    assert_int_equal(a.report.rows, 6);
    assert_int_equal(a.report.scanned, 6);
    lc_dynbuf_done(&o.said);
}

static void a_run_can_be_ended(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    static const struct {
        const char *query;
        bool exact;
    } cases[] = {
        {"*", true}, {"*", false}, {"* | limit 5", false}, {"* | stats by (id) count()", false}};
    for (size_t i = 0; i < LC_ARRAY_LEN(cases); i++) {
        struct out o;
        out_init(&o);
        o.fail_at = 1;
        struct asked a = ask_within(snap, cases[i].query, cases[i].exact, NULL, &o);
        assert_lc_err(a.err, LC_EWAIT);
        assert_int_equal(a.report.rows, 1);
        assert_int_equal(o.rows, 1);

        atomic_bool cancel = true;
        struct lc_query_limits limits = {.cancel = &cancel};
        o.fail_at = UINT64_MAX;
        a = ask_within(snap, cases[i].query, cases[i].exact, &limits, &o);
        assert_lc_err(a.err, -ECANCELED);
        assert_int_equal(a.report.rows, 0);
        lc_dynbuf_done(&o.said);
    }
    /* between two batches */
    atomic_bool cancel = false;
    struct lc_query_limits limits = {.max_refs = 5, .cancel = &cancel};
    struct out o;
    out_init(&o);
    o.cancel = &cancel;
    assert_lc_err(ask_within(snap, "*", false, &limits, &o).err, -ECANCELED);
    assert_int_equal(o.rows, 3);
    lc_dynbuf_done(&o.said);
}

static void damage_is_told(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct out o;
    struct lc_snapshot *snap = small_store(&s);
    s.batches[0].unreadable = true;
    struct asked a = ask(snap, "*", true, &o);
    assert_lc_ok(a.err);
    assert_int_equal(a.report.damaged_blocks, 1);
    assert_slice(lc_dynbuf_slice(&o.said), "3 5 6 ");
    lc_dynbuf_done(&o.said);

    small_store(&s);
    s.batches[1].damaged = LC_COL_MESSAGE;
    a = ask(snap, "disk", false, &o);
    assert_lc_ok(a.err);
    assert_int_equal(a.report.damaged_blocks, 1);
    assert_slice(lc_dynbuf_slice(&o.said), "2 4 ");
    lc_dynbuf_done(&o.said);

    /* rows were counted that now cannot be shown: no answer is better than a wrong one */
    a = ask(snap, "level:ERROR", true, &o);
    assert_lc_err(a.err, LC_ECORRUPT);
    assert_string_equal(
        a.diag.text, "rows that were counted lie in a damaged block: a QL query leaves them out");
    assert_int_equal(o.rows, 0);
    lc_dynbuf_done(&o.said);
    a = ask(snap, "level:ERROR | limit 5", false, &o);
    assert_lc_ok(a.err);
    assert_int_equal(a.report.damaged_blocks, 1);
    assert_slice(lc_dynbuf_slice(&o.said), "4 ");
    lc_dynbuf_done(&o.said);
}

/* ---- many rows ---- */

#define MANY 20000u

struct many {
    struct lc_record *records;
    struct fake_batch *batches;
    struct lc_snapshot snap;
};

/* `batches` batches whose rows lie between each other in time. */
static void many_open(struct many *m, size_t batches, const struct lc_slice *message)
{
    static const char *const texts[] = {"alpha one", "beta two", "gamma three"};
    struct lc_prng r = {batches};
    m->records = calloc(MANY, sizeof *m->records);
    m->batches = calloc(batches, sizeof *m->batches);
    assert_non_null(m->records);
    assert_non_null(m->batches);
    size_t in_batch = MANY / batches;
    for (size_t i = 0; i < MANY; i++) {
        m->records[i] = (struct lc_record){
            .id = fake_id(0, i + 1),
            .time_ns = (int64_t)lc_prng_below(&r, 5000) * LC_NS_PER_S,
            .level = (enum lc_level)lc_prng_below(&r, LC_LEVEL_COUNT),
            .message = message != NULL ? *message : lc_slice_cstr(texts[lc_prng_below(&r, 3)]),
        };
    }
    for (size_t i = 0; i < batches; i++)
        m->batches[i] =
            (struct fake_batch){.records = m->records + i * in_batch, .count = in_batch};
    m->snap = (struct lc_snapshot){.batches = m->batches, .batch_count = batches};
}

static void many_close(struct many *m)
{
    free(m->records);
    free(m->batches);
}

static int by_time(const void *pa, const void *pb)
{
    const struct lc_record *a = pa, *b = pb;
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

struct in_order {
    const struct lc_record *next;
    uint64_t rows;
};

static lc_err expect_row(void *arg, const struct lc_record *r)
{
    struct in_order *o = arg;
    assert_int_equal(r->id, o->next->id);
    assert_true(r->time_ns == o->next->time_ns);
    assert_int_equal(r->level, o->next->level);
    assert_true(lc_slice_eq(r->message, o->next->message));
    o->next++;
    o->rows++;
    return LC_OK;
}

static void run_expecting(struct lc_snapshot *snap, const char *query, bool exact,
                          const struct lc_record *expected, uint64_t count)
{
    struct lc_query *q;
    assert_lc_ok(lc_query_parse(lc_slice_cstr(query), NOW, &q, NULL));
    struct in_order o = {.next = expected};
    struct lc_query_sink sink = {.row = expect_row, .arg = &o};
    struct lc_query_report report;
    assert_lc_ok(lc_query_run(q, snap, exact, NULL, &sink, &report, NULL));
    assert_int_equal(o.rows, count);
    lc_query_unref(q);
}

/* All that pass, in order, by a plain loop. */
static struct lc_record *plainly(const struct many *m, bool (*passes)(const struct lc_record *),
                                 size_t *ret_count)
{
    struct lc_record *rows = calloc(MANY, sizeof *rows);
    assert_non_null(rows);
    *ret_count = 0;
    for (size_t i = 0; i < MANY; i++)
        if (passes(&m->records[i]))
            rows[(*ret_count)++] = m->records[i];
    qsort(rows, *ret_count, sizeof *rows, by_time);
    return rows;
}

static bool is_beta(const struct lc_record *r)
{
    return r->message.p[0] == 'b' && r->level >= LC_LEVEL_WARN && r->time_ns >= 1000 * LC_NS_PER_S;
}

static bool is_any(const struct lc_record *r)
{
    return r != NULL;
}

static void many_rows_agree_with_a_loop(void **state)
{
    LC_UNUSED(state);
    static const size_t batches[] = {1, 7, 100};
    for (size_t i = 0; i < LC_ARRAY_LEN(batches); i++) {
        struct many m;
        size_t n;
        many_open(&m, batches[i], NULL);
        /* what does not divide is in no batch */
        size_t held = MANY / batches[i] * batches[i];
        for (size_t k = held; k < MANY; k++)
            m.records[k].message = LC_LIT("in no batch");
        struct lc_record *rows = plainly(&m, is_beta, &n);
        const char *query = "beta level:>=WARN _time:>=1970-01-01T00:16:40Z";
        run_expecting(&m.snap, query, true, rows, n);
        char limited[128];
        snprintf(limited, sizeof limited, "%s | limit 1000", query);
        assert_true(n > 1000);
        run_expecting(&m.snap, limited, false, rows + n - 1000, 1000);
        run_expecting(&m.snap, limited, true, rows + n - 1000, 1000);
        free(rows);
        many_close(&m);
    }
}

/* A block is decoded once for thousands of rows, though in the order of time they alternate. */
static void blocks_are_fetched_seldom(void **state)
{
    LC_UNUSED(state);
    struct many m;
    size_t n;
    many_open(&m, 100, NULL);
    struct lc_record *rows = plainly(&m, is_any, &n);
    run_expecting(&m.snap, "*", true, rows, n);
    for (size_t i = 0; i < 100; i++)
        assert_in_range(m.batches[i].fetched, 1, 3); /* 20,000 rows are three windows */
    free(rows);
    many_close(&m);
}

/* The window is bounded by octets too. */
static void large_rows_come_through(void **state)
{
    LC_UNUSED(state);
    size_t n = 16000;
    char *page = malloc(n);
    assert_non_null(page);
    memset(page, 'x', n);
    struct lc_slice message = lc_slice(page, n);
    struct many m;
    many_open(&m, 4, &message);
    size_t count;
    struct lc_record *rows = plainly(&m, is_any, &count);
    run_expecting(&m.snap, "* | limit 5000", false, rows + count - 5000, 5000);
    free(rows);
    many_close(&m);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_order),
        cmocka_unit_test(limit_looks_no_further_than_needed),
        cmocka_unit_test(tables_are_counted),
        cmocka_unit_test(counting),
        cmocka_unit_test(too_many_rows),
        cmocka_unit_test(a_run_can_be_ended),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(many_rows_agree_with_a_loop),
        cmocka_unit_test(blocks_are_fetched_seldom),
        cmocka_unit_test(large_rows_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
