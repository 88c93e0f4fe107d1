/* SPDX-License-Identifier: Apache-2.0
 *
 * query/run.c - a query over a snapshot: passes over the batches that can hold a wanted row, each
 * with its own way to take what the filter leaves.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "query/filter.h"
#include "query/refs.h"
#include "query/stats.h"

#define DEFAULT_MAX_REFS   1000000u
#define DEFAULT_MAX_GROUPS 100000u

struct run {
    struct lc_query *q;
    struct lc_snapshot *snap;
    struct lc_query_limits limits;
    const struct lc_query_sink *sink;
    struct lc_query_report report;
    struct lc_diag *diag;
    struct lc_scan *scan;
    struct lc_selection selection;
    struct lc_refs refs;
    struct lc_stats *stats;
    uint64_t matched;
    struct lc_field fields[LC_FIELDS_MAX];
};

/* How one pass takes the rows that the filter left in r->selection. */
struct pass {
    unsigned columns; /* that `take` reads */
    bool newest_first;
    /* No later batch can matter any more; NULL: all do. */
    bool (*enough)(const struct run *r, const struct lc_batch *b);
    lc_err (*take)(struct run *r, struct lc_batch *b);
};

static struct run *run_new(struct lc_query *q, struct lc_snapshot *snap,
                           const struct lc_query_limits *limits, struct lc_diag *diag)
{
    struct run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->q = q;
    r->snap = snap;
    r->diag = diag;
    if (limits != NULL)
        r->limits = *limits;
    if (r->limits.max_refs == 0)
        r->limits.max_refs = DEFAULT_MAX_REFS;
    if (r->limits.max_groups == 0)
        r->limits.max_groups = DEFAULT_MAX_GROUPS;
    return r;
}

static void run_free(struct run *r)
{
    if (r->scan != NULL)
        lc_scan_close(r->scan);
    lc_selection_done(&r->selection);
    lc_refs_done(&r->refs);
    lc_stats_free(r->stats);
    free(r);
}

static lc_err open_scan(struct run *r, bool newest_first)
{
    struct lc_scan_spec spec = {
        .from_ns = r->q->from_ns, .to_ns = r->q->to_ns, .newest_first = newest_first};
    return lc_scan_open(r->snap, &spec, &r->scan);
}

static bool is_canceled(const struct run *r)
{
    return r->limits.cancel != NULL && atomic_load_explicit(r->limits.cancel, memory_order_relaxed);
}

/* Filters the batch and loads what the pass reads. Damage leaves out the batch. */
static lc_err prepare(struct run *r, const struct pass *pass, struct lc_batch *b)
{
    r->report.scanned += lc_batch_count(b);
    lc_err e = lc_filter_batch(r->q->filter, b, &r->selection);
    if (e == LC_OK && r->selection.count > 0)
        e = lc_batch_load(b, pass->columns);
    if (!lc_err_is_damage(e))
        return e;
    r->report.damaged_blocks++;
    r->selection.count = 0;
    return LC_OK;
}

static lc_err run_pass(struct run *r, const struct pass *pass)
{
    if (r->q->from_ns >= r->q->to_ns)
        return LC_OK;
    for (;;) {
        if (is_canceled(r))
            return -ECANCELED;
        struct lc_batch *b;
        lc_err e = lc_scan_next(r->scan, &b);
        if (e == LC_EEND)
            return LC_OK;
        if (lc_err_is_damage(e)) {
            r->report.damaged_blocks++;
            continue;
        }
        if (e == LC_OK && pass->enough != NULL && pass->enough(r, b))
            return LC_OK;
        if (e == LC_OK)
            e = prepare(r, pass, b);
        if (e == LC_OK && r->selection.count > 0)
            e = pass->take(r, b);
        if (e != LC_OK)
            return e;
    }
}

/* ---- rows by reference ---- */

static lc_err take_refs(struct run *r, struct lc_batch *b)
{
    for (size_t i = 0; i < r->selection.count; i++) {
        struct lc_row_ref ref = lc_batch_ref(b, lc_selection_row(&r->selection, i));
        lc_err e = lc_refs_add(&r->refs, &ref);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

static bool is_newest_complete(const struct run *r, const struct lc_batch *b)
{
    const struct lc_row_ref *oldest = lc_refs_weakest(&r->refs);
    int64_t min, max;
    lc_batch_times(b, &min, &max);
    return oldest != NULL && max < oldest->time_ns;
}

static lc_err too_many_rows(struct run *r)
{
    uint64_t n = r->refs.seen < r->q->row_limit ? r->refs.seen : r->q->row_limit;
    lc_diag_set(r->diag, "too many rows (%" PRIu64 "), use QL with a limit", n);
    return LC_ELIMIT;
}

/* All matching rows, or the newest ones up to the limit, in order. */
static lc_err collect(struct run *r)
{
    static const struct pass all = {.columns = LC_COL_TIME, .take = take_refs};
    static const struct pass newest = {.columns = LC_COL_TIME,
                                       .newest_first = true,
                                       .enough = is_newest_complete,
                                       .take = take_refs};
    bool few = r->q->row_limit <= r->limits.max_refs;
    if (r->q->row_limit == 0)
        return LC_OK;
    lc_refs_init(&r->refs, few ? LC_REFS_LAST : LC_REFS_ALL,
                 few ? (size_t)r->q->row_limit : r->limits.max_refs, lc_ref_by_time);
    lc_err e = run_pass(r, few ? &newest : &all);
    if (e == LC_OK && !few && r->refs.seen > r->refs.max)
        e = too_many_rows(r);
    if (e == LC_OK)
        lc_refs_sort(&r->refs);
    return e;
}

static lc_err fetch(struct run *r, bool whole, lc_fetch_row row)
{
    struct lc_fetch_report f = {0};
    lc_err e = lc_refs_fetch(&r->refs, r->scan, whole, r->limits.cancel, row, r, &f);
    r->report.damaged_blocks += f.damaged_blocks;
    if (whole && f.damaged_rows > 0)
        lc_diag_set(r->diag,
                    "rows that were counted lie in a damaged block: a QL query leaves them out");
    return e;
}

/* ---- what comes out ---- */

static lc_err give_row(void *arg, const struct lc_record *record)
{
    struct run *r = arg;
    lc_err e = r->sink->row(r->sink->arg, record);
    r->report.rows += e == LC_OK;
    return e;
}

static lc_err take_rows(struct run *r, struct lc_batch *b)
{
    for (size_t i = 0; i < r->selection.count; i++) {
        struct lc_record record;
        lc_batch_record(b, lc_selection_row(&r->selection, i), r->fields, &record);
        lc_err e = give_row(r, &record);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

static lc_err run_ordered(struct run *r, bool exact)
{
    lc_err e = collect(r);
    if (e == LC_OK && exact && r->sink->count != NULL)
        e = r->sink->count(r->sink->arg, r->refs.count);
    return e == LC_OK ? fetch(r, exact, give_row) : e;
}

static bool is_too_many(const struct run *r, const struct lc_batch *b)
{
    LC_UNUSED(b);
    return r->refs.seen > r->refs.max;
}

/* Every matching row: oldest first, up to as many as may be held; more come as they are found, and
 * nothing is held. */
static lc_err run_unlimited(struct run *r)
{
    static const struct pass few = {
        .columns = LC_COL_TIME, .enough = is_too_many, .take = take_refs};
    static const struct pass rows = {.columns = LC_COL_ALL, .take = take_rows};
    lc_refs_init(&r->refs, LC_REFS_ALL, r->limits.max_refs, lc_ref_by_time);
    lc_err e = run_pass(r, &few);
    if (e == LC_OK && r->refs.seen <= r->refs.max) {
        lc_refs_sort(&r->refs);
        return fetch(r, false, give_row);
    }
    if (e != LC_OK)
        return e;
    lc_refs_done(&r->refs);
    lc_scan_close(r->scan);
    r->scan = NULL;
    r->report = (struct lc_query_report){0};
    e = open_scan(r, false);
    return e == LC_OK ? run_pass(r, &rows) : e;
}

static lc_err group_row(struct run *r, const struct lc_row *row)
{
    lc_err e = lc_stats_add(r->stats, row);
    if (e == LC_ELIMIT)
        lc_diag_set(r->diag,
                    "too many groups (more than %zu) or too long values: narrow the filter, or "
                    "group by fewer fields",
                    r->limits.max_groups);
    return e;
}

static lc_err group_record(void *arg, const struct lc_record *record)
{
    return group_row(arg, &(struct lc_row){.record = record});
}

static lc_err take_groups(struct run *r, struct lc_batch *b)
{
    bool records = (lc_stats_columns(r->stats) & LC_COL_REST) != 0;
    lc_err e = LC_OK;
    for (size_t i = 0; i < r->selection.count && e == LC_OK; i++) {
        struct lc_row row = {.batch = b, .at = lc_selection_row(&r->selection, i)};
        struct lc_record record;
        if (records) {
            lc_batch_record(b, row.at, r->fields, &record);
            row.record = &record;
        }
        e = group_row(r, &row);
    }
    return e;
}

static lc_err run_stats(struct run *r)
{
    lc_err e = lc_stats_new(r->q->stats, r->limits.max_groups, &r->stats);
    if (e != LC_OK)
        return e;
    if (r->q->row_limit != UINT64_MAX) {
        e = collect(r);
        if (e == LC_OK)
            e = fetch(r, false, group_record);
    } else {
        unsigned columns = lc_stats_columns(r->stats);
        struct pass groups = {.columns = columns & LC_COL_REST ? LC_COL_ALL : columns,
                              .take = take_groups};
        e = run_pass(r, &groups);
    }
    return e == LC_OK ? lc_stats_emit(r->stats, r->q->table_limit, r->sink, &r->report.rows) : e;
}

static lc_err run_any(struct run *r, bool exact)
{
    bool limited = r->q->row_limit != UINT64_MAX;
    lc_err e = open_scan(r, limited);
    if (e != LC_OK)
        return e;
    if (r->q->stats != NULL)
        return run_stats(r);
    return exact || limited ? run_ordered(r, exact) : run_unlimited(r);
}

lc_err lc_query_run(struct lc_query *q, struct lc_snapshot *snap, bool exact,
                    const struct lc_query_limits *limits, const struct lc_query_sink *sink,
                    struct lc_query_report *report, struct lc_diag *diag)
{
    *report = (struct lc_query_report){0};
    struct run *r = run_new(q, snap, limits, diag);
    if (r == NULL)
        return -ENOMEM;
    r->sink = sink;
    lc_err e = run_any(r, exact);
    *report = r->report;
    run_free(r);
    return e;
}

/* ---- counting ---- */

static lc_err take_count(struct run *r, struct lc_batch *b)
{
    LC_UNUSED(b);
    r->matched += r->selection.count;
    return LC_OK;
}

lc_err lc_query_count(struct lc_query *q, struct lc_snapshot *snap,
                      const struct lc_query_limits *limits, uint64_t *ret, struct lc_diag *diag)
{
    static const struct pass count = {.take = take_count};
    if (q->stats != NULL) {
        lc_diag_set(diag, "COUNT takes a query without stats");
        return LC_ESYNTAX;
    }
    struct run *r = run_new(q, snap, limits, diag);
    if (r == NULL)
        return -ENOMEM;
    lc_err e = open_scan(r, false);
    if (e == LC_OK)
        e = run_pass(r, &count);
    if (e == LC_OK)
        *ret = r->matched < q->row_limit ? r->matched : q->row_limit;
    run_free(r);
    return e;
}
