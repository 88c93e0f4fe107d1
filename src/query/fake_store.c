/* SPDX-License-Identifier: Apache-2.0
 *
 * query/fake_store.c - the reading half of store/store.h over arrays.
 */
#include "query/fake_store.h"

#include <errno.h>
#include <stdlib.h>

struct lc_batch {
    struct fake_batch *of;
    uint32_t number;
    const size_t *rows; /* of those that the scan shows */
    size_t count;
    unsigned loaded;
};

struct lc_scan {
    struct lc_snapshot *snap;
    struct lc_scan_spec spec;
    uint64_t after[LC_SHARDS_MAX];
    size_t *order; /* batches */
    size_t next;
    size_t *rows;
    struct lc_batch batch;
};

unsigned lc_snapshot_shards(const struct lc_snapshot *snap)
{
    LC_UNUSED(snap);
    return FAKE_SHARDS;
}

unsigned lc_id_shard(uint64_t id)
{
    return (unsigned)(id & 1023);
}

uint64_t lc_snapshot_end(const struct lc_snapshot *snap, unsigned shard)
{
    return snap->end[shard];
}

uint64_t lc_snapshot_sealed(const struct lc_snapshot *snap, unsigned shard)
{
    return snap->sealed[shard];
}

uint64_t lc_snapshot_missing(const struct lc_snapshot *snap, unsigned shard, uint64_t after)
{
    uint64_t seen = after >> 10;
    return seen < snap->gone[shard] ? snap->gone[shard] - seen : 0;
}

static void fake_times(const struct fake_batch *b, int64_t *ret_min, int64_t *ret_max)
{
    *ret_min = INT64_MAX;
    *ret_max = INT64_MIN;
    for (size_t i = 0; i < b->count; i++) {
        int64_t t = b->records[i].time_ns;
        *ret_min = t < *ret_min ? t : *ret_min;
        *ret_max = t > *ret_max ? t : *ret_max;
    }
}

static int newest_first(const void *pa, const void *pb, void *arg)
{
    const struct lc_snapshot *snap = arg;
    int64_t min, a, b;
    fake_times(&snap->batches[*(const size_t *)pa], &min, &a);
    fake_times(&snap->batches[*(const size_t *)pb], &min, &b);
    return (a < b) - (a > b);
}

lc_err lc_scan_open(struct lc_snapshot *snap, const struct lc_scan_spec *spec, struct lc_scan **ret)
{
    struct lc_scan *s = calloc(1, sizeof *s);
    size_t most = 1;
    for (size_t i = 0; i < snap->batch_count; i++)
        most = snap->batches[i].count > most ? snap->batches[i].count : most;
    LC_ASSERT(s != NULL);
    s->snap = snap;
    s->spec = *spec;
    if (spec->after != NULL)
        memcpy(s->after, spec->after, FAKE_SHARDS * sizeof s->after[0]);
    s->order = calloc(snap->batch_count + 1, sizeof *s->order);
    s->rows = calloc(most, sizeof *s->rows);
    LC_ASSERT(s->order != NULL && s->rows != NULL);
    for (size_t i = 0; i < snap->batch_count; i++)
        s->order[i] = i;
    if (spec->newest_first && snap->batch_count > 1)
        qsort_r(s->order, snap->batch_count, sizeof *s->order, newest_first, snap);
    *ret = s;
    return LC_OK;
}

void lc_scan_close(struct lc_scan *s)
{
    free(s->order);
    free(s->rows);
    free(s);
}

static void set_batch(struct lc_scan *s, size_t number)
{
    struct fake_batch *of = &s->snap->batches[number];
    s->batch = (struct lc_batch){.of = of, .number = (uint32_t)number, .rows = s->rows};
    for (size_t i = 0; i < of->count; i++) {
        uint64_t id = of->records[i].id;
        if (s->spec.after == NULL || id > s->after[lc_id_shard(id)])
            s->rows[s->batch.count++] = i;
    }
}

static bool is_wanted(const struct lc_scan *s, const struct fake_batch *b)
{
    int64_t min, max;
    fake_times(b, &min, &max);
    return b->count > 0 && max >= s->spec.from_ns && min < s->spec.to_ns &&
           (b->memory || !s->spec.memory_only);
}

lc_err lc_scan_next(struct lc_scan *s, struct lc_batch **ret)
{
    while (s->next < s->snap->batch_count) {
        size_t number = s->order[s->next++];
        if (!is_wanted(s, &s->snap->batches[number]))
            continue;
        if (s->snap->batches[number].unreadable)
            return LC_ECORRUPT;
        set_batch(s, number);
        if (s->batch.count == 0)
            continue;
        *ret = &s->batch;
        return LC_OK;
    }
    return LC_EEND;
}

lc_err lc_scan_fetch(struct lc_scan *s, const struct lc_row_ref *ref, struct lc_batch **ret,
                     size_t *ret_row)
{
    if (s->batch.of == NULL || s->batch.number != ref->block)
        s->snap->batches[ref->block].fetched++;
    set_batch(s, ref->block);
    *ret = &s->batch;
    for (size_t i = 0; i < s->batch.count; i++)
        if (s->rows[i] == ref->row)
            *ret_row = i;
    return LC_OK;
}

size_t lc_batch_count(const struct lc_batch *b)
{
    return b->count;
}

void lc_batch_times(const struct lc_batch *b, int64_t *ret_min_ns, int64_t *ret_max_ns)
{
    fake_times(b->of, ret_min_ns, ret_max_ns);
}

lc_err lc_batch_load(struct lc_batch *b, unsigned columns)
{
    b->of->loaded |= columns;
    if ((columns & b->of->damaged) != 0)
        return LC_ECORRUPT;
    b->loaded |= columns;
    return LC_OK;
}

static const struct lc_record *record_of(const struct lc_batch *b, size_t row, unsigned needs)
{
    LC_ASSERT(row < b->count && (b->loaded & needs) == needs);
    return &b->of->records[b->rows[row]];
}

int64_t lc_batch_time(const struct lc_batch *b, size_t row)
{
    return record_of(b, row, LC_COL_TIME)->time_ns;
}

uint64_t lc_batch_id(const struct lc_batch *b, size_t row)
{
    return record_of(b, row, LC_COL_TIME)->id;
}

enum lc_level lc_batch_level(const struct lc_batch *b, size_t row)
{
    return record_of(b, row, LC_COL_LEVEL)->level;
}

const struct lc_stream_key *lc_batch_stream(const struct lc_batch *b, size_t row)
{
    return &record_of(b, row, LC_COL_STREAM)->stream;
}

struct lc_slice lc_batch_message(const struct lc_batch *b, size_t row)
{
    return record_of(b, row, LC_COL_MESSAGE)->message;
}

void lc_batch_record(const struct lc_batch *b, size_t row, struct lc_field *fields,
                     struct lc_record *ret)
{
    *ret = *record_of(b, row, LC_COL_ALL);
    for (size_t i = 0; i < ret->field_count; i++)
        fields[i] = ret->fields[i];
    ret->fields = fields;
}

struct lc_row_ref lc_batch_ref(const struct lc_batch *b, size_t row)
{
    const struct lc_record *r = record_of(b, row, LC_COL_TIME);
    return (struct lc_row_ref){r->time_ns, r->id, 0, b->number, (uint32_t)b->rows[row]};
}
