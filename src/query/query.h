/* SPDX-License-Identifier: Apache-2.0
 *
 * query/query.h - from a question to its rows: language, plan, execution over a snapshot.
 *
 * WHAT    Every way of asking (the seeds' KEYWORD, LEVEL, ..., the query language, tails) makes
 *         the same plan. The language is a documented subset of LogsQL (docs/query-language.md).
 * WHO     service/; it uses store/ and base/ and knows no protocol.
 * THREAD  A query is immutable once made: any number of threads may run it. lc_query_run() reads
 *         files and may take long: never on a loop. lc_query_match() does neither.
 */
#ifndef LC_QUERY_QUERY_H
#define LC_QUERY_QUERY_H

#include <stdatomic.h>

#include "base/buf.h"
#include "store/store.h"

struct lc_query;

/* The whole language, with pipes. LC_ESYNTAX with line, column and what is wrong; LC_ELIMIT: too
 * long or nested too deeply. `now_ns` is what relative times count from. */
LC_MUST_CHECK lc_err lc_query_parse(struct lc_slice text, int64_t now_ns, struct lc_query **ret,
                                    struct lc_diag *diag);

/* The query types of docs/protocols.md, each as a plan of its own. */
LC_MUST_CHECK lc_err lc_query_keyword(struct lc_slice keyword, struct lc_query **ret,
                                      struct lc_diag *diag);
LC_MUST_CHECK lc_err lc_query_level(struct lc_slice level, struct lc_query **ret,
                                    struct lc_diag *diag);
LC_MUST_CHECK lc_err lc_query_time(struct lc_slice range, int64_t now_ns, struct lc_query **ret,
                                   struct lc_diag *diag);
LC_MUST_CHECK lc_err lc_query_source(struct lc_slice source, struct lc_query **ret,
                                     struct lc_diag *diag);
LC_MUST_CHECK lc_err lc_query_last(struct lc_slice count, struct lc_query **ret,
                                   struct lc_diag *diag);

struct lc_query *lc_query_ref(struct lc_query *q);
void lc_query_unref(struct lc_query *q);

/* What comes out. A callback may block (a slow reader) and ends the run by returning an error,
 * which lc_query_run() then returns. */
struct lc_query_sink {
    /* The plan ends in a table (stats): its column names, once, before any row. NULL: not wanted.
     */
    lc_err (*columns)(void *arg, const struct lc_slice *names, size_t count);
    /* exact runs: how many rows will come, before the first. NULL: not wanted. */
    lc_err (*count)(void *arg, uint64_t rows);
    lc_err (*row)(void *arg, const struct lc_record *r);
    lc_err (*table_row)(void *arg, const struct lc_slice *values, size_t count);
    void *arg;
};

struct lc_query_limits {
    size_t max_refs;           /* rows that an exact or sorted run may hold; 0: 1,000,000 */
    size_t max_groups;         /* of stats; 0: 100,000 */
    const atomic_bool *cancel; /* set: the run ends soon with -ECANCELED; may be NULL */
};

struct lc_query_report {
    uint64_t rows;           /* given out */
    uint64_t scanned;        /* rows looked at */
    uint64_t damaged_blocks; /* could not be read: the answer may lack their rows */
};

/* Runs over `snap`. limits: NULL for the defaults; report: set in every case. Rows come oldest
 * first, ordered by (time, id); `limit` gives the newest N. exact: they are counted first
 * (sink.count). Not exact: more than max_refs come as they are found. stats: groups in the order of
 * their values. LC_ELIMIT with diag: over a limit of `limits`; LC_ECORRUPT with diag: exact, and
 * rows that were counted can no longer be read. */
LC_MUST_CHECK lc_err lc_query_run(struct lc_query *q, struct lc_snapshot *snap, bool exact,
                                  const struct lc_query_limits *limits,
                                  const struct lc_query_sink *sink, struct lc_query_report *report,
                                  struct lc_diag *diag);

/* Counts without rows: for COUNT. LC_ESYNTAX with diag: the query has stats. */
LC_MUST_CHECK lc_err lc_query_count(struct lc_query *q, struct lc_snapshot *snap,
                                    const struct lc_query_limits *limits, uint64_t *ret,
                                    struct lc_diag *diag);

/* Whether one record passes the filter; pipes do not count. For tails. */
bool lc_query_match(const struct lc_query *q, const struct lc_record *r);
/* A tail takes only a filter. */
bool lc_query_has_pipes(const struct lc_query *q);

/* What must be known to put the answers of several stores to one query together. */
struct lc_query_shape {
    bool is_table;        /* groups and their counts, in the order of values; else records */
    size_t keys;          /* of a table: its first columns; one that counts follows */
    uint64_t row_limit;   /* newest records; UINT64_MAX: all */
    uint64_t table_limit; /* first rows of a table; UINT64_MAX: all */
};
struct lc_query_shape lc_query_shape(const struct lc_query *q);

/* A position in every shard, and its text form for clients: opaque, unbroken, URL-safe. */
struct lc_tail_cursor {
    unsigned shards;
    uint64_t after[LC_SHARDS_MAX];
};
void lc_tail_cursor_end(const struct lc_snapshot *snap,
                        struct lc_tail_cursor *ret); /* only what follows */
/* LC_ESYNTAX: not a cursor of ours, or changed. */
LC_MUST_CHECK lc_err lc_tail_cursor_parse(struct lc_slice text, struct lc_tail_cursor *ret);
LC_MUST_CHECK lc_err lc_tail_cursor_format(const struct lc_tail_cursor *c, struct lc_dynbuf *out);

/* What a reader of files keeps between its calls: the next rows of one shard, copied, so that
 * catching up looks at each block a few times and not at each call. Takes memory only while it has
 * rows: at most `octets` for their strings and some 200 octets for each of `rows`. */
struct lc_tail_files;
struct lc_tail_files *lc_tail_files_new(size_t rows, size_t octets); /* NULL: no memory */
void lc_tail_files_free(struct lc_tail_files *files);                /* NULL is accepted */

/* Gives matching records after the cursor, at most `max` (at least 1) of them looked at, in the
 * order of ids within a shard, and moves the cursor over what was looked at. `files` is NULL where
 * no file may be touched. *ret_missed: records between that are no longer stored or cannot be read.
 * *ret_behind: the reader is behind what memory holds, and `files` was NULL: call again from a
 * thread that may read files. row() ends the reading by returning an error, which is returned: the
 * cursor then stands before that record, and the outputs are set all the same. So they are for
 * -ENOMEM and -errno. */
LC_MUST_CHECK lc_err lc_tail_read(struct lc_query *q, struct lc_snapshot *snap,
                                  struct lc_tail_cursor *cursor, size_t max,
                                  struct lc_tail_files *files,
                                  lc_err (*row)(void *arg, const struct lc_record *r), void *arg,
                                  uint64_t *ret_missed, bool *ret_behind);

#endif
