/* SPDX-License-Identifier: Apache-2.0
 *
 * query/fake_store.c - the reading half of store/store.h over arrays.
 */
#include "query/fake_store.h"

#include <errno.h>
#include <stdlib.h>

/* A batch with the arrays that its columns are loaded into. */
struct fake_view {
    struct lc_batch batch; /* first: a batch is a view */
    struct fake_batch *of;
    uint32_t number;
    size_t *rows; /* of those that the scan shows */
    int64_t *times;
    uint64_t *ids;
    uint8_t *levels;
    const struct lc_stream_key **streams;
    struct lc_slice *messages;
};

struct lc_scan {
    struct lc_snapshot *snap;
    struct lc_scan_spec spec;
    uint64_t after[LC_SHARDS_MAX];
    size_t *order; /* batches */
    size_t next;
    struct fake_view view;
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

/* The smallest id of a batch that the scan wants; UINT64_MAX: none. */
static uint64_t first_wanted(const struct lc_scan *s, size_t number)
{
    const struct fake_batch *b = &s->snap->batches[number];
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < b->count; i++) {
        uint64_t id = b->records[i].id;
        if ((s->spec.after == NULL || id > s->after[lc_id_shard(id)]) && id < first)
            first = id;
    }
    return first;
}

static int by_first_id(const void *pa, const void *pb, void *arg)
{
    uint64_t a = first_wanted(arg, *(const size_t *)pa), b = first_wanted(arg, *(const size_t *)pb);
    return (a > b) - (a < b);
}

uint64_t lc_scan_next_id(const struct lc_scan *s)
{
    return s->next < s->snap->batch_count ? first_wanted(s, s->order[s->next]) : UINT64_MAX;
}

struct lc_snapshot *lc_snapshot_ref(struct lc_snapshot *snap)
{
    return snap;
}

void lc_snapshot_unref(struct lc_snapshot *snap)
{
    LC_UNUSED(snap);
}

static void view_init(struct fake_view *v, size_t rows)
{
    v->rows = calloc(rows, sizeof *v->rows);
    v->times = calloc(rows, sizeof *v->times);
    v->ids = calloc(rows, sizeof *v->ids);
    v->levels = calloc(rows, sizeof *v->levels);
    v->streams = calloc(rows, sizeof(struct lc_stream_key *));
    v->messages = calloc(rows, sizeof *v->messages);
    LC_ASSERT(v->rows != NULL && v->times != NULL && v->ids != NULL && v->levels != NULL &&
              v->streams != NULL && v->messages != NULL);
}

static void view_done(struct fake_view *v)
{
    free(v->rows);
    free(v->times);
    free(v->ids);
    free(v->levels);
    free((void *)v->streams);
    free(v->messages);
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
    view_init(&s->view, most);
    LC_ASSERT(s->order != NULL);
    for (size_t i = 0; i < snap->batch_count; i++)
        s->order[i] = i;
    if (spec->newest_first && snap->batch_count > 1)
        qsort_r(s->order, snap->batch_count, sizeof *s->order, newest_first, snap);
    if (spec->by_id && snap->batch_count > 1)
        qsort_r(s->order, snap->batch_count, sizeof *s->order, by_first_id, s);
    *ret = s;
    return LC_OK;
}

void lc_scan_close(struct lc_scan *s)
{
    free(s->order);
    view_done(&s->view);
    free(s);
}

static void set_batch(struct lc_scan *s, size_t number, bool all)
{
    struct fake_view *v = &s->view;
    struct fake_batch *of = &s->snap->batches[number];
    v->of = of;
    v->number = (uint32_t)number;
    v->batch = (struct lc_batch){.count = 0};
    fake_times(of, &v->batch.min_time_ns, &v->batch.max_time_ns);
    for (size_t i = 0; i < of->count; i++) {
        uint64_t id = of->records[i].id;
        if (all || s->spec.after == NULL || id > s->after[lc_id_shard(id)])
            v->rows[v->batch.count++] = i;
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
        set_batch(s, number, false);
        if (s->view.batch.count == 0)
            continue;
        *ret = &s->view.batch;
        return LC_OK;
    }
    return LC_EEND;
}

lc_err lc_scan_fetch(struct lc_scan *s, const struct lc_row_ref *ref, struct lc_batch **ret,
                     size_t *ret_row)
{
    struct fake_view *v = &s->view;
    if (v->of != &s->snap->batches[ref->block])
        s->snap->batches[ref->block].fetched++;
    set_batch(s, ref->block, true);
    *ret = &v->batch;
    *ret_row = ref->row;
    return LC_OK;
}

lc_err lc_batch_load(struct lc_batch *b, unsigned columns)
{
    struct fake_view *v = (struct fake_view *)(void *)b;
    v->of->loaded |= columns;
    if ((columns & v->of->damaged) != 0)
        return LC_ECORRUPT;
    b->loaded |= columns;
    for (size_t i = 0; i < b->count; i++) {
        const struct lc_record *r = &v->of->records[v->rows[i]];
        v->times[i] = r->time_ns;
        v->ids[i] = r->id;
        v->levels[i] = (uint8_t)r->level;
        v->streams[i] = &r->stream;
        v->messages[i] = r->message;
    }
    /* what was not asked for must not be read */
    b->times = b->loaded & LC_COL_TIME ? v->times : NULL;
    b->ids = b->loaded & LC_COL_TIME ? v->ids : NULL;
    b->levels = b->loaded & LC_COL_LEVEL ? v->levels : NULL;
    b->streams = b->loaded & LC_COL_STREAM ? v->streams : NULL;
    b->messages = b->loaded & LC_COL_MESSAGE ? v->messages : NULL;
    return LC_OK;
}

void lc_batch_record(const struct lc_batch *b, size_t row, struct lc_field *fields,
                     struct lc_record *ret)
{
    const struct fake_view *v = (const struct fake_view *)(const void *)b;
    LC_ASSERT(row < b->count && b->loaded == LC_COL_ALL);
    *ret = v->of->records[v->rows[row]];
    for (size_t i = 0; i < ret->field_count; i++)
        fields[i] = ret->fields[i];
    ret->fields = fields;
}

struct lc_row_ref lc_batch_ref(const struct lc_batch *b, size_t row)
{
    const struct fake_view *v = (const struct fake_view *)(const void *)b;
    return (struct lc_row_ref){lc_batch_time(b, row), lc_batch_id(b, row), 0, v->number,
                               (uint32_t)v->rows[row]};
}
