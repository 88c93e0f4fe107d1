/* SPDX-License-Identifier: Apache-2.0
 *
 * store/version.c - building what is published; snapshots of it.
 */
#include "store/version.h"

#include <errno.h>
#include <stdlib.h>

#include "store/manifest.h"
#include "store/store.h"

struct lc_version *lc_version_ref(struct lc_version *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

static void version_free(struct lc_version *v)
{
    for (size_t i = 0; i < v->segment_count; i++)
        lc_segment_unref(v->segments[i]);
    for (size_t i = 0; i < v->set_count; i++)
        lc_set_unref(v->sets[i]);
    free(v->segments);
    free(v->sets);
    free(v->shard_ends);
    free(v->retired_max_id);
    free(v->gaps);
    free(v);
}

void lc_version_unref(struct lc_version *v)
{
    if (v != NULL && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1)
        version_free(v);
}

/* calloc() may give NULL for no elements, which is no failure. */
static void *array_new(size_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size);
}

static struct lc_version *version_new(unsigned shards, size_t segments, size_t sets, size_t gaps)
{
    struct lc_version *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    atomic_init(&v->refs, 1);
    v->shard_ends = array_new(shards, sizeof *v->shard_ends);
    v->retired_max_id = array_new(shards, sizeof *v->retired_max_id);
    v->segments = array_new(segments, sizeof(struct lc_segment *));
    v->sets = array_new(sets, sizeof(struct lc_set *));
    v->gaps = array_new(gaps, sizeof *v->gaps);
    if (v->shard_ends == NULL || v->retired_max_id == NULL || v->segments == NULL ||
        v->sets == NULL || v->gaps == NULL) {
        version_free(v);
        return NULL;
    }
    v->shard_count = shards;
    v->gap_count = gaps;
    return v;
}

static uint64_t id_or_none(uint64_t sequence, unsigned shard)
{
    return sequence == 0 ? 0 : lc_id_make(sequence, shard);
}

static void fill_tables(struct lc_version *v, const struct lc_manifest_state *s)
{
    for (unsigned i = 0; i < v->shard_count; i++) {
        v->shard_ends[i] = id_or_none(s->shards[i].sealed, i);
        v->retired_max_id[i] = id_or_none(s->shards[i].gone, i);
    }
    for (size_t i = 0; i < v->gap_count; i++)
        v->gaps[i] = s->gaps[i];
}

static void copy_tables(struct lc_version *v, const struct lc_version *old)
{
    for (unsigned i = 0; i < v->shard_count; i++) {
        v->shard_ends[i] = old->shard_ends[i];
        v->retired_max_id[i] = old->retired_max_id[i];
    }
    for (size_t i = 0; i < v->gap_count; i++)
        v->gaps[i] = old->gaps[i];
}

static bool is_dropped(const struct lc_version_change *change, const struct lc_segment *s)
{
    for (size_t i = 0; i < change->drop_count; i++)
        if (change->drop[i] == s)
            return true;
    return false;
}

static void fill_segments(struct lc_version *v, const struct lc_version *old,
                          const struct lc_version_change *change)
{
    for (size_t i = 0; i < old->segment_count; i++)
        if (!is_dropped(change, old->segments[i]))
            v->segments[v->segment_count++] = lc_segment_ref(old->segments[i]);
    for (size_t i = 0; i < change->add_count; i++)
        v->segments[v->segment_count++] = lc_segment_ref(change->add[i]);
}

/* A shard's sets come in the order in which they were made: a new one goes behind the others. */
static void fill_sets(struct lc_version *v, const struct lc_version *old,
                      const struct lc_version_change *change)
{
    for (size_t i = 0; i < old->set_count; i++)
        if (old->sets[i] != change->drop_set)
            v->sets[v->set_count++] = lc_set_ref(old->sets[i]);
    if (change->add_set != NULL)
        v->sets[v->set_count++] = lc_set_ref(change->add_set);
}

lc_err lc_version_next(const struct lc_version *old, const struct lc_version_change *change,
                       struct lc_version **ret)
{
    static const struct lc_version nothing;
    if (old == NULL)
        old = &nothing;
    const struct lc_manifest_state *s = change->tables;
    struct lc_version *v = version_new(s != NULL ? s->shard_count : old->shard_count,
                                       old->segment_count + change->add_count, old->set_count + 1,
                                       s != NULL ? s->gap_count : old->gap_count);
    if (v == NULL)
        return -ENOMEM;
    if (s != NULL)
        fill_tables(v, s);
    else
        copy_tables(v, old);
    fill_segments(v, old, change);
    fill_sets(v, old, change);
    *ret = v;
    return LC_OK;
}

/* ---- snapshots ---- */

struct lc_snapshot *lc_snapshot_ref(struct lc_snapshot *snap)
{
    atomic_fetch_add_explicit(&snap->refs, 1, memory_order_relaxed);
    return snap;
}

void lc_snapshot_unref(struct lc_snapshot *snap)
{
    if (snap == NULL || atomic_fetch_sub_explicit(&snap->refs, 1, memory_order_acq_rel) != 1)
        return;
    lc_version_unref(snap->version);
    free(snap->set_rows);
    free(snap);
}

struct lc_snapshot *lc_snapshot_new(struct lc_version *v, const struct lc_disk *disk)
{
    struct lc_snapshot *snap = calloc(1, sizeof *snap);
    if (snap == NULL)
        return NULL;
    atomic_init(&snap->refs, 1);
    snap->version = lc_version_ref(v);
    snap->disk = disk;
    snap->set_rows = array_new(v->set_count, sizeof *snap->set_rows);
    if (snap->set_rows == NULL) {
        lc_snapshot_unref(snap);
        return NULL;
    }
    for (size_t i = 0; i < v->set_count; i++)
        snap->set_rows[i] = lc_set_committed(v->sets[i]);
    return snap;
}
