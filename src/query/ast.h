/* SPDX-License-Identifier: Apache-2.0
 *
 * query/ast.h - a query as it was understood: a tree of filters, and what its pipes ask for.
 *
 * WHAT    Built by parser.c and types.c in the arena of the query, finished by plan.c, then never
 *         changed.
 * WHO     query/ only.
 */
#ifndef LC_QUERY_AST_H
#define LC_QUERY_AST_H

#include "base/record.h"
#include "query/find.h"
#include "query/query.h"

/* Bounds of one query. A tail matches each record on a loop: it must stay cheap. */
#define LC_QUERY_TEXT_MAX    16384 /* octets */
#define LC_QUERY_FILTERS_MAX 1000
#define LC_QUERY_DEPTH_MAX   64
#define LC_QUERY_KEYS_MAX    16 /* of stats by */
#define LC_QUERY_MEMORY_MAX  (4u << 20)

enum lc_field_kind {
    LC_QFIELD_MESSAGE,
    LC_QFIELD_TIME,
    LC_QFIELD_LEVEL,
    LC_QFIELD_SPACE,
    LC_QFIELD_HOST,
    LC_QFIELD_APP,
    LC_QFIELD_FACILITY,
    LC_QFIELD_PID,
    LC_QFIELD_SOURCE,
    LC_QFIELD_ID,
    LC_QFIELD_NAMED, /* any other: by its name */
};

struct lc_field_ref {
    enum lc_field_kind kind;
    struct lc_slice name; /* as it was written */
};

/* Which of the fields has this name. The slice is kept. */
struct lc_field_ref lc_field_ref(struct lc_slice name);
/* enum lc_column that hold it. */
unsigned lc_field_columns(enum lc_field_kind kind);

enum lc_filter_kind {
    LC_FILTER_ALL,
    LC_FILTER_AND,
    LC_FILTER_OR,
    LC_FILTER_NOT,
    LC_FILTER_TIME,
    LC_FILTER_LEVEL,
    LC_FILTER_PHRASE,  /* a word, a phrase, a prefix */
    LC_FILTER_PRESENT, /* field:* */
    LC_FILTER_ABSENT,  /* field:"" */
    LC_FILTER_KEYWORD,
    LC_FILTER_SOURCE,
};

/* A set of levels: one bit for each, and one for records that have none. */
#define LC_LEVELS_ABSENT (1u << LC_LEVEL_COUNT)
#define LC_LEVELS_ANY    (LC_LEVELS_ABSENT - 1)

/* For messages. */
#define LC_LEVEL_WORD(name, code, severity) " " #name
#define LC_LEVEL_WORDS                      LC_LEVELS(LC_LEVEL_WORD)

struct lc_filter {
    enum lc_filter_kind kind;
    unsigned columns; /* that it looks at */
    unsigned cost;    /* of looking at one row; only for choosing the order */
    struct lc_filter *next;
    struct lc_filter *kids; /* AND, OR: two or more, the cheapest first; NOT: one */
    struct lc_field_ref field;
    union {
        struct {
            int64_t from_ns, to_ns; /* [from, to); INT64_MIN, INT64_MAX: open */
        } time;
        unsigned levels;
        struct lc_phrase phrase;
        struct {
            struct lc_keyword text;
            unsigned levels; /* whose name holds it */
        } keyword;
        struct lc_slice source;
    };
};

struct lc_stats_key {
    struct lc_field_ref field;
    int64_t step_ns; /* of _time; 0: as it is */
};

struct lc_stats_plan {
    struct lc_stats_key keys[LC_QUERY_KEYS_MAX];
    size_t key_count;
    struct lc_slice name; /* of the column that counts */
};

struct lc_query {
    atomic_uint refs;
    struct lc_arena arena; /* all that follows points into it */
    struct lc_filter *filter;
    size_t filters;              /* made so far */
    struct lc_stats_plan *stats; /* NULL: rows come out */
    uint64_t row_limit;          /* newest rows that go on; UINT64_MAX: all */
    uint64_t table_limit;        /* rows of the table that stats gives */
    int64_t from_ns, to_ns;      /* no row outside of [from, to) can match; by plan.c */
    bool has_pipes;
};

/* One reference, and no filter yet. -ENOMEM. */
LC_MUST_CHECK lc_err lc_query_new(struct lc_query **ret);

/* A filter that stands alone; LC_ELIMIT: over LC_QUERY_FILTERS_MAX; -ENOMEM. The kind's own part
 * is the caller's to fill in. */
LC_MUST_CHECK lc_err lc_filter_new(struct lc_query *q, enum lc_filter_kind kind,
                                   struct lc_filter **ret);
/* What it looks at and what that costs, from its kind and field. Before it is adopted. */
void lc_filter_weigh(struct lc_filter *f);
/* Puts a finished kid where its cost belongs. A kid of the same kind (AND in AND) gives its kids
 * instead. */
void lc_filter_adopt(struct lc_filter *group, struct lc_filter *kid);

/* As `| stats count()` does. -ENOMEM. */
LC_MUST_CHECK lc_err lc_stats_plan_count(struct lc_query *q);

/* What is left when the tree stands: the range of time that it allows. */
void lc_query_plan(struct lc_query *q);

#endif
