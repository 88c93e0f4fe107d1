/* SPDX-License-Identifier: Apache-2.0
 *
 * store/world_test.c - files, sets and a list.
 */
#include "store/world_test.h"

#include <stdlib.h>

void world_open(struct world *w, uint64_t seed)
{
    *w = (struct world){.prng = {seed}, .next_number = 1};
    w->sim = lc_simdisk_new(UINT64_C(1) << 30, seed);
    w->disk = lc_simdisk_table(w->sim);
    assert_lc_ok(w->disk->mkdir(w->disk->state, WORLD_DIR));
    w->records = calloc(WORLD_RECORDS, sizeof w->records[0]);
    assert_non_null(w->records);
    for (unsigned i = 0; i < WORLD_SHARDS; i++) {
        w->next_sequence[i] = 1;
        w->by_sequence[i] = calloc(WORLD_RECORDS + 1, sizeof w->by_sequence[i][0]);
        assert_non_null(w->by_sequence[i]);
    }
    w->version.shard_count = WORLD_SHARDS;
    w->version.shard_ends = w->shard_ends;
    w->version.retired_max_id = w->retired_max_id;
    w->version.segments = w->segments;
    w->version.sets = w->sets;
    atomic_init(&w->version.refs, 1);
    w->snap.version = &w->version;
    w->snap.disk = w->disk;
    w->snap.set_rows = w->set_rows;
    atomic_init(&w->snap.refs, 1);
}

void world_close(struct world *w)
{
    /* every scan has given back what it held */
    assert_int_equal(atomic_load(&w->snap.refs), 1);
    for (size_t i = 0; i < w->version.segment_count; i++)
        lc_segment_unref(w->segments[i]);
    for (size_t i = 0; i < w->version.set_count; i++)
        lc_set_unref(w->sets[i]);
    free(w->records);
    for (unsigned i = 0; i < WORLD_SHARDS; i++)
        free(w->by_sequence[i]);
    lc_simdisk_free(w->sim);
}

struct lc_record world_record(const struct model_record *m, struct lc_field *fields)
{
    struct lc_record r = lc_test_record(m->seed, fields);
    r.id = m->id;
    r.time_ns = m->time_ns;
    r.received_ns = m->received_ns;
    if (r.stream.space.n == 0)
        r.stream.space = LC_LIT("main");
    return r;
}

const struct model_record *world_find(const struct world *w, uint64_t id)
{
    unsigned shard = lc_id_shard(id);
    uint64_t sequence = lc_id_sequence(id);
    if (shard >= WORLD_SHARDS || sequence >= w->next_sequence[shard])
        return NULL;
    return &w->records[w->by_sequence[shard][sequence]];
}

void world_make(struct world *w, unsigned shard, size_t n, int64_t from_ns, int64_t span_ns)
{
    assert_true(w->count + n <= WORLD_RECORDS);
    for (size_t i = 0; i < n; i++) {
        int64_t t = from_ns + (int64_t)lc_prng_below(&w->prng, (uint64_t)span_ns);
        uint64_t sequence = w->next_sequence[shard]++;
        w->by_sequence[shard][sequence] = (uint32_t)w->count;
        w->records[w->count++] = (struct model_record){
            .seed = (unsigned)lc_prng_below(&w->prng, LC_TEST_RECORDS),
            .id = lc_id_make(sequence, shard),
            .time_ns = t,
            .received_ns = t + (int64_t)lc_prng_below(&w->prng, 3) - 1,
        };
    }
}

static int by_order(const void *a, const void *b)
{
    static struct lc_field fields[2][LC_FIELDS_MAX];
    struct lc_record x = world_record(a, fields[0]);
    struct lc_record y = world_record(b, fields[1]);
    return lc_segment_order(&x, &y);
}

void world_write(struct world *w, const struct model_record *records, size_t n, uint64_t number,
                 unsigned level, struct lc_segment_meta *ret)
{
    struct model_record *sorted = malloc((n + 1) * sizeof *sorted);
    assert_non_null(sorted);
    memcpy(sorted, records, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_order);
    struct lc_segment_writer *writer;
    assert_lc_ok(lc_segment_writer_new(w->disk, WORLD_DIR, number, level, &writer));
    for (size_t i = 0; i < n; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = world_record(&sorted[i], fields);
        assert_lc_ok(lc_segment_writer_add(writer, &r));
    }
    assert_lc_ok(lc_segment_writer_finish(writer, ret));
    free(sorted);
}

struct lc_segment *world_seal(struct world *w, size_t first, unsigned level)
{
    struct lc_segment_meta meta;
    assert_true(w->version.segment_count < WORLD_SEGMENTS);
    uint64_t number = w->next_number++;
    world_write(w, w->records + first, w->count - first, number, level, &meta);
    lc_segment_meta_done(&meta);
    struct lc_segment **s = &w->segments[w->version.segment_count];
    assert_lc_ok(lc_segment_open(w->disk, WORLD_DIR, number, s, NULL));
    w->version.segment_count++;
    for (size_t i = first; i < w->count; i++) {
        uint64_t id = w->records[i].id;
        if (id > w->shard_ends[lc_id_shard(id)])
            w->shard_ends[lc_id_shard(id)] = id;
    }
    return *s;
}

void world_fill(struct world *w, unsigned shard, size_t first)
{
    assert_true(w->version.set_count < WORLD_SETS);
    struct lc_set *set;
    assert_lc_ok(lc_set_new(shard, 8u << 20, &set));
    for (size_t i = first; i < w->count; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r = world_record(&w->records[i], fields);
        assert_lc_ok(lc_set_append(set, lc_id_sequence(r.id), &r, NULL));
    }
    lc_set_commit(set, lc_set_appended(set));
    w->sets[w->version.set_count] = set;
    w->set_rows[w->version.set_count++] = lc_set_committed(set);
}
