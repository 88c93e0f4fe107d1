/* SPDX-License-Identifier: Apache-2.0
 *
 * query/filter.c - evaluating filters, row by row and batch by batch.
 */
#include "query/filter.h"

#include <errno.h>
#include <stdlib.h>

int64_t lc_row_time(const struct lc_row *row)
{
    return row->record != NULL ? row->record->time_ns : lc_batch_time(row->batch, row->at);
}

enum lc_level lc_row_level(const struct lc_row *row)
{
    return row->record != NULL ? row->record->level : lc_batch_level(row->batch, row->at);
}

static const struct lc_stream_key *row_stream(const struct lc_row *row)
{
    return row->record != NULL ? &row->record->stream : lc_batch_stream(row->batch, row->at);
}

static struct lc_slice row_message(const struct lc_row *row)
{
    return row->record != NULL ? row->record->message : lc_batch_message(row->batch, row->at);
}

static struct lc_slice row_id(const struct lc_row *row, char scratch[LC_ROW_SCRATCH_MAX])
{
    uint64_t id = row->record != NULL ? row->record->id : lc_batch_id(row->batch, row->at);
    size_t at = LC_ROW_SCRATCH_MAX;
    do {
        scratch[--at] = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    return lc_slice(scratch + at, LC_ROW_SCRATCH_MAX - at);
}

static struct lc_slice named_value(const struct lc_record *r, struct lc_slice name)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (lc_slice_eq(r->fields[i].name, name))
            return r->fields[i].value;
    return lc_slice("", 0);
}

struct lc_slice lc_row_value(const struct lc_row *row, const struct lc_field_ref *field,
                             char scratch[LC_ROW_SCRATCH_MAX])
{
    switch (field->kind) {
    case LC_QFIELD_MESSAGE:
        return row_message(row);
    case LC_QFIELD_LEVEL:
        return lc_level_name(lc_row_level(row));
    case LC_QFIELD_SPACE:
        return row_stream(row)->space;
    case LC_QFIELD_HOST:
        return row_stream(row)->host;
    case LC_QFIELD_APP:
        return row_stream(row)->app;
    case LC_QFIELD_FACILITY:
        return row_stream(row)->facility;
    case LC_QFIELD_ID:
        return row_id(row, scratch);
    case LC_QFIELD_PID:
        return row->record->pid;
    case LC_QFIELD_SOURCE:
        return row->record->source;
    case LC_QFIELD_NAMED:
        return named_value(row->record, field->name);
    case LC_QFIELD_TIME:
        break;
    }
    return lc_slice("", 0);
}

/* ---- one row ---- */

static unsigned level_bit(enum lc_level level)
{
    return level < LC_LEVEL_COUNT ? 1u << level : LC_LEVELS_ABSENT;
}

/* The address of `192.0.2.1:514`, `[2001:db8::1]:514` and `unix:1000`: what stands before the last
 * colon, without brackets. A bare IPv6 address has no port. */
static struct lc_slice address_of(struct lc_slice source)
{
    size_t n = source.n;
    while (n > 0 && source.p[n - 1] != ':')
        n--;
    if (n == 0)
        return source;
    struct lc_slice head = lc_slice(source.p, n - 1);
    if (head.n >= 2 && head.p[0] == '[' && head.p[head.n - 1] == ']')
        return lc_slice(head.p + 1, head.n - 2);
    return head.n > 0 && memchr(head.p, ':', head.n) == NULL ? head : source;
}

static bool is_source(struct lc_slice wanted, const struct lc_row *row)
{
    const struct lc_stream_key *stream = row_stream(row);
    struct lc_slice source = row->record->source;
    return lc_slice_eq(stream->host, wanted) || lc_slice_eq(stream->app, wanted) ||
           lc_slice_eq(source, wanted) || lc_slice_eq(address_of(source), wanted);
}

static bool passes_text(const struct lc_filter *f, const struct lc_row *row)
{
    char scratch[LC_ROW_SCRATCH_MAX];
    struct lc_slice value = lc_row_value(row, &f->field, scratch);
    if (f->kind == LC_FILTER_PHRASE)
        return lc_phrase_in(&f->phrase, value);
    return (value.n == 0) == (f->kind == LC_FILTER_ABSENT);
}

/* AND: until one fails; OR: until one passes. */
static bool passes_group(const struct lc_filter *f, const struct lc_row *row)
{
    bool all = f->kind == LC_FILTER_AND;
    for (const struct lc_filter *k = f->kids; k != NULL; k = k->next)
        if (lc_filter_row(k, row) != all)
            return !all;
    return all;
}

/* Recursion is bounded by the depth that the parser allows. */
bool lc_filter_row(const struct lc_filter *f, const struct lc_row *row)
{
    switch (f->kind) {
    case LC_FILTER_ALL:
        return true;
    case LC_FILTER_AND:
    case LC_FILTER_OR:
        return passes_group(f, row);
    case LC_FILTER_NOT:
        return !lc_filter_row(f->kids, row);
    case LC_FILTER_TIME:
        return lc_row_time(row) >= f->time.from_ns && lc_row_time(row) < f->time.to_ns;
    case LC_FILTER_LEVEL:
        return (f->levels & level_bit(lc_row_level(row))) != 0;
    case LC_FILTER_PHRASE:
    case LC_FILTER_PRESENT:
    case LC_FILTER_ABSENT:
        return passes_text(f, row);
    case LC_FILTER_KEYWORD:
        return (f->keyword.levels & level_bit(lc_row_level(row))) != 0 ||
               lc_keyword_in(&f->keyword.text, row_message(row));
    case LC_FILTER_SOURCE:
        return is_source(f->source, row);
    }
    return false;
}

bool lc_query_match(const struct lc_query *q, const struct lc_record *r)
{
    return lc_filter_row(q->filter, &(struct lc_row){.record = r});
}

/* ---- a batch ---- */

void lc_selection_done(struct lc_selection *s)
{
    free(s->rows);
    *s = (struct lc_selection){0};
}

static lc_err reserve(struct lc_selection *s, size_t n)
{
    if (n <= s->cap)
        return LC_OK;
    uint32_t *rows = realloc(s->rows, n * sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    s->rows = rows;
    s->cap = n;
    return LC_OK;
}

/* Rows of one stream mostly stand together: the answer for one is that for the next. */
static size_t keep_by_stream(const struct lc_filter *f, const struct lc_batch *b,
                             struct lc_selection *s)
{
    const struct lc_stream_key *last = NULL;
    bool passes = false;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct lc_row row = {.batch = b, .at = lc_selection_row(s, i)};
        const struct lc_stream_key *stream = lc_batch_stream(b, row.at);
        if (stream != last) {
            last = stream;
            passes = lc_filter_row(f, &row);
        }
        if (passes)
            s->rows[kept++] = (uint32_t)row.at;
    }
    return kept;
}

static size_t keep_by_record(const struct lc_filter *f, const struct lc_batch *b,
                             struct lc_selection *s)
{
    struct lc_field fields[LC_FIELDS_MAX];
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t at = lc_selection_row(s, i);
        struct lc_record r;
        lc_batch_record(b, at, fields, &r);
        if (lc_filter_row(f, &(struct lc_row){.record = &r}))
            s->rows[kept++] = (uint32_t)at;
    }
    return kept;
}

static size_t keep_in_place(const struct lc_filter *f, const struct lc_batch *b,
                            struct lc_selection *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct lc_row row = {.batch = b, .at = lc_selection_row(s, i)};
        if (lc_filter_row(f, &row))
            s->rows[kept++] = (uint32_t)row.at;
    }
    return kept;
}

/* All rows pass, as the batch's times alone tell. */
static bool passes_whole(const struct lc_filter *f, const struct lc_batch *b)
{
    if (f->kind == LC_FILTER_ALL)
        return true;
    if (f->kind != LC_FILTER_TIME)
        return false;
    int64_t min, max;
    lc_batch_times(b, &min, &max);
    return min >= f->time.from_ns && max < f->time.to_ns;
}

/* Leaves those of the selection that pass. */
static lc_err keep(const struct lc_filter *f, struct lc_batch *b, struct lc_selection *s)
{
    if (s->count == 0 || passes_whole(f, b))
        return LC_OK;
    bool whole_records = (f->columns & LC_COL_REST) != 0;
    lc_err e = lc_batch_load(b, whole_records ? LC_COL_ALL : f->columns);
    if (e == LC_OK)
        e = reserve(s, s->count);
    if (e != LC_OK)
        return e;
    if (whole_records)
        s->count = keep_by_record(f, b, s);
    else if (f->columns == LC_COL_STREAM)
        s->count = keep_by_stream(f, b, s);
    else
        s->count = keep_in_place(f, b, s);
    s->all = false;
    return LC_OK;
}

lc_err lc_filter_batch(const struct lc_filter *f, struct lc_batch *b, struct lc_selection *s)
{
    s->count = lc_batch_count(b);
    s->all = true;
    if (f->kind != LC_FILTER_AND)
        return keep(f, b, s);
    lc_err e = LC_OK;
    for (const struct lc_filter *k = f->kids; k != NULL && e == LC_OK; k = k->next)
        e = keep(k, b, s);
    return e;
}
