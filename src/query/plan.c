/* SPDX-License-Identifier: Apache-2.0
 *
 * query/plan.c - the tree of a query: making it, weighing its filters, the range of time that it
 * allows.
 */
#include <errno.h>
#include <stdlib.h>

#include "query/ast.h"

lc_err lc_query_new(struct lc_query **ret)
{
    struct lc_query *q = calloc(1, sizeof *q);
    if (q == NULL)
        return -ENOMEM;
    atomic_init(&q->refs, 1);
    lc_arena_init(&q->arena, LC_QUERY_MEMORY_MAX);
    q->row_limit = UINT64_MAX;
    q->table_limit = UINT64_MAX;
    *ret = q;
    return LC_OK;
}

struct lc_query *lc_query_ref(struct lc_query *q)
{
    atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
    return q;
}

void lc_query_unref(struct lc_query *q)
{
    if (q == NULL || atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) != 1)
        return;
    lc_arena_done(&q->arena);
    free(q);
}

bool lc_query_has_pipes(const struct lc_query *q)
{
    return q->has_pipes;
}

struct lc_query_shape lc_query_shape(const struct lc_query *q)
{
    return (struct lc_query_shape){
        .is_table = q->stats != NULL,
        .keys = q->stats != NULL ? q->stats->key_count : 0,
        .row_limit = q->row_limit,
        .table_limit = q->table_limit,
    };
}

lc_err lc_filter_new(struct lc_query *q, enum lc_filter_kind kind, struct lc_filter **ret)
{
    if (q->filters == LC_QUERY_FILTERS_MAX)
        return LC_ELIMIT;
    struct lc_filter *f = lc_arena_alloc(&q->arena, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    q->filters++;
    f->kind = kind;
    *ret = f;
    return LC_OK;
}

/* ---- fields ---- */

static const struct {
    const char *name;
    enum lc_field_kind kind;
} fields[] = {
    {"_msg", LC_QFIELD_MESSAGE},      {"_time", LC_QFIELD_TIME},
    {"level", LC_QFIELD_LEVEL},       {"space", LC_QFIELD_SPACE},
    {"host", LC_QFIELD_HOST},         {"app", LC_QFIELD_APP},
    {"facility", LC_QFIELD_FACILITY}, {"pid", LC_QFIELD_PID},
    {"source", LC_QFIELD_SOURCE},     {"id", LC_QFIELD_ID},
};

struct lc_field_ref lc_field_ref(struct lc_slice name)
{
    for (size_t i = 0; i < LC_ARRAY_LEN(fields); i++)
        if (lc_slice_eq(name, lc_slice_cstr(fields[i].name)))
            return (struct lc_field_ref){fields[i].kind, name};
    return (struct lc_field_ref){LC_QFIELD_NAMED, name};
}

unsigned lc_field_columns(enum lc_field_kind kind)
{
    switch (kind) {
    case LC_QFIELD_MESSAGE:
        return LC_COL_MESSAGE;
    case LC_QFIELD_TIME:
    case LC_QFIELD_ID:
        return LC_COL_TIME;
    case LC_QFIELD_LEVEL:
        return LC_COL_LEVEL;
    case LC_QFIELD_SPACE:
    case LC_QFIELD_HOST:
    case LC_QFIELD_APP:
    case LC_QFIELD_FACILITY:
        return LC_COL_STREAM;
    case LC_QFIELD_PID:
    case LC_QFIELD_SOURCE:
    case LC_QFIELD_NAMED:
        break;
    }
    return LC_COL_REST;
}

/* ---- weights ---- */

/* Of reading one row's columns; roughly nanoseconds. */
static unsigned columns_cost(unsigned columns)
{
    return (columns & LC_COL_TIME ? 1 : 0) + (columns & LC_COL_LEVEL ? 2 : 0) +
           (columns & LC_COL_STREAM ? 10 : 0) + (columns & LC_COL_MESSAGE ? 100 : 0) +
           (columns & LC_COL_REST ? 1000 : 0);
}

void lc_filter_weigh(struct lc_filter *f)
{
    switch (f->kind) {
    case LC_FILTER_TIME:
    case LC_FILTER_LEVEL:
    case LC_FILTER_PHRASE:
    case LC_FILTER_PRESENT:
    case LC_FILTER_ABSENT:
        f->columns = lc_field_columns(f->field.kind);
        break;
    case LC_FILTER_KEYWORD:
        f->columns = LC_COL_LEVEL | LC_COL_MESSAGE;
        break;
    case LC_FILTER_SOURCE:
        f->columns = LC_COL_STREAM | LC_COL_REST;
        break;
    case LC_FILTER_ALL:
    case LC_FILTER_AND:
    case LC_FILTER_OR:
    case LC_FILTER_NOT:
        break; /* groups weigh what their kids do */
    }
    f->cost = columns_cost(f->columns);
}

static void insert_by_cost(struct lc_filter *group, struct lc_filter *kid)
{
    struct lc_filter **at = &group->kids;
    while (*at != NULL && (*at)->cost <= kid->cost)
        at = &(*at)->next;
    kid->next = *at;
    *at = kid;
    group->columns |= kid->columns;
    group->cost += kid->cost;
}

void lc_filter_adopt(struct lc_filter *group, struct lc_filter *kid)
{
    if (group->kind != kid->kind || group->kind == LC_FILTER_NOT) {
        insert_by_cost(group, kid);
        return;
    }
    struct lc_filter *next;
    for (struct lc_filter *k = kid->kids; k != NULL; k = next) {
        next = k->next;
        insert_by_cost(group, k);
    }
}

/* ---- time ---- */

struct range {
    int64_t from_ns, to_ns;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct range range_of(const struct lc_filter *f);

static struct range range_of_group(const struct lc_filter *f)
{
    struct range r = range_of(f->kids);
    for (const struct lc_filter *k = f->kids->next; k != NULL; k = k->next) {
        struct range next = range_of(k);
        if (f->kind == LC_FILTER_AND)
            r = (struct range){most(r.from_ns, next.from_ns), least(r.to_ns, next.to_ns)};
        else
            r = (struct range){least(r.from_ns, next.from_ns), most(r.to_ns, next.to_ns)};
    }
    return r;
}

/* Recursion is bounded by the depth that the parser allows. */
static struct range range_of(const struct lc_filter *f)
{
    if (f->kind == LC_FILTER_TIME)
        return (struct range){f->time.from_ns, f->time.to_ns};
    if (f->kind == LC_FILTER_AND || f->kind == LC_FILTER_OR)
        return range_of_group(f);
    return (struct range){INT64_MIN, INT64_MAX};
}

void lc_query_plan(struct lc_query *q)
{
    struct range r = range_of(q->filter);
    q->from_ns = r.from_ns;
    q->to_ns = r.to_ns;
}
