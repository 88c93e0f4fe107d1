/* SPDX-License-Identifier: Apache-2.0
 *
 * store/upkeep.c - merging and retention: segments that others take the place of, or that go.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"
#include "store/segment_format.h"

#define SET_AGE_MAX    LC_NS_PER_HOUR
#define SPOOL_SEGMENTS 16

void lc_upkeep_wake(struct lc_store *s)
{
    pthread_mutex_lock(&s->queue_lock);
    s->upkeep_changes++;
    pthread_cond_signal(&s->upkeep_wake);
    pthread_mutex_unlock(&s->queue_lock);
}

void lc_replacement_done(struct lc_replacement *r)
{
    for (size_t i = 0; i < r->drop_count; i++)
        lc_segment_unref(r->drop[i]);
    for (size_t i = 0; i < r->add_count; i++)
        lc_segment_unref(r->add[i]);
    free(r->drop);
    free(r->add);
    *r = (struct lc_replacement){0};
}

/* The segments' own references of a list that somebody else keeps. */
static lc_err copy_segments(struct lc_segment *const *from, size_t count, struct lc_segment ***ret)
{
    struct lc_segment **copy = malloc(count * sizeof(struct lc_segment *));
    if (copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        copy[i] = lc_segment_ref(from[i]);
    *ret = copy;
    return LC_OK;
}

/* ---- the edit, and what follows from it ---- */

/* What goes for good is remembered by shard, so that counting what is missing knows where it must
 * look. */
static void note_gone(struct lc_manifest_shard *shards, const struct lc_segment_meta *m)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct lc_manifest_shard *shard = &shards[m->shards[i].shard];
        uint64_t last = lc_id_sequence(m->shards[i].max_id);
        if (last > shard->gone)
            shard->gone = last;
    }
}

static lc_err edit_gone(struct lc_edit *edit, const struct lc_manifest_state *state,
                        const struct lc_replacement *r)
{
    struct lc_manifest_shard *shards = malloc(state->shard_count * sizeof *shards);
    if (shards == NULL)
        return -ENOMEM;
    memcpy(shards, state->shards, state->shard_count * sizeof *shards);
    for (size_t i = 0; i < r->drop_count; i++)
        note_gone(shards, lc_segment_meta(r->drop[i]));
    for (unsigned i = 0; i < state->shard_count; i++)
        if (shards[i].gone != state->shards[i].gone)
            lc_edit_shard(edit, i, &shards[i]);
    free(shards);
    return LC_OK;
}

static lc_err name_replacement(struct lc_store *s, const struct lc_replacement *r)
{
    struct lc_edit edit;
    lc_edit_init(&edit);
    for (size_t i = 0; i < r->drop_count; i++)
        lc_edit_remove_segment(&edit, lc_segment_meta(r->drop[i])->number);
    for (size_t i = 0; i < r->add_count; i++)
        lc_edit_add_segment(&edit, lc_segment_meta(r->add[i]));
    lc_err e = r->is_merge ? LC_OK : edit_gone(&edit, &s->manifest.state, r);
    if (e == LC_OK)
        e = lc_manifest_edit(&s->manifest, &edit);
    lc_edit_done(&edit);
    return e;
}

static lc_err apply_replacement(struct lc_store *s)
{
    struct lc_replacement *r = &s->replacement;
    lc_err e = LC_OK;
    pthread_mutex_lock(&s->manifest_lock);
    if (!r->is_named)
        e = name_replacement(s, r);
    if (e == LC_OK) {
        r->is_named = true;
        struct lc_version_change change = {
            .add = r->add,
            .add_count = r->add_count,
            .drop = r->drop,
            .drop_count = r->drop_count,
            .tables = &s->manifest.state,
        };
        e = lc_store_publish(s, &change);
    }
    pthread_mutex_unlock(&s->manifest_lock);
    if (e != LC_OK)
        return e;
    for (size_t i = 0; i < r->drop_count; i++)
        lc_segment_retire(r->drop[i]);
    lc_spool_weigh(s);
    if (r->is_merge)
        atomic_fetch_add_explicit(&s->merged, r->add_count, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&s->retired, r->drop_count, memory_order_relaxed);
    lc_replacement_done(r);
    return LC_OK;
}

/* ---- merging ---- */

static lc_err open_outputs(struct lc_store *s, const struct lc_merge_outputs *outputs,
                           struct lc_replacement *r)
{
    r->add = malloc(outputs->count * sizeof(struct lc_segment *));
    lc_err e = r->add == NULL ? -ENOMEM : LC_OK;
    for (size_t i = 0; i < outputs->count && e == LC_OK; i++) {
        e = lc_segment_open(s->disk, s->seg_path, outputs->metas[i].number, &r->add[i], NULL);
        if (e == LC_OK)
            r->add_count++;
    }
    return e;
}

static void remove_outputs(struct lc_store *s, const struct lc_merge_outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        char path[LC_PATH_MAX];
        /* One that stays is an orphan, and goes at the next opening. */
        if (lc_segment_path(s->seg_path, outputs->metas[i].number, path) == LC_OK)
            (void)s->disk->unlink(s->disk->state, path);
    }
}

/* A spool is released piece by piece: the larger they are, the longer they stay. */
static uint64_t merge_target(const struct lc_store *s)
{
    uint64_t share = s->config.spool_octets / SPOOL_SEGMENTS;
    return share != 0 && share < LC_MERGE_TARGET ? share : LC_MERGE_TARGET;
}

static lc_err merge(struct lc_store *s, const struct lc_merge_inputs *inputs)
{
    const struct lc_merge_config config = {
        .disk = s->disk,
        .dir = s->seg_path,
        .target_octets = merge_target(s),
        .next_number = lc_store_next_segment,
        .arg = s,
        .stop = &s->stopping,
    };
    struct lc_merge_outputs outputs;
    lc_err e = lc_merge_run(&config, inputs, &outputs);
    if (e != LC_OK)
        return e;
    struct lc_replacement r = {.is_merge = true};
    e = open_outputs(s, &outputs, &r);
    if (e == LC_OK)
        e = s->disk->sync_dir(s->disk->state, s->seg_path, LC_SYNC_MERGED_DIR);
    if (e == LC_OK)
        e = copy_segments(inputs->segments, inputs->count, &r.drop);
    if (e == LC_OK)
        r.drop_count = inputs->count;
    else
        remove_outputs(s, &outputs);
    lc_merge_outputs_done(&outputs);
    if (e != LC_OK) {
        lc_replacement_done(&r);
        return e;
    }
    s->replacement = r;
    return LC_OK;
}

lc_err lc_merge_step(struct lc_store *s)
{
    if (s->replacement.drop_count > 0)
        return apply_replacement(s);
    struct lc_version *v = lc_store_version(s);
    struct lc_merge_inputs inputs;
    lc_err e = lc_merge_pick(v, merge_target(s), &inputs) ? merge(s, &inputs) : LC_EEND;
    lc_version_unref(v);
    return e == LC_OK ? apply_replacement(s) : e;
}

/* ---- retention ---- */

static bool is_last_of_its_shard(const struct lc_version *v, size_t at)
{
    for (size_t i = at + 1; i < v->set_count; i++)
        if (lc_set_shard(v->sets[i]) == lc_set_shard(v->sets[at]))
            return false;
    return true;
}

/* A set that is not full keeps its WAL file, which matters only when room is short. */
static void close_released_sets(struct lc_store *s, const struct lc_version *v)
{
    if (!atomic_load_explicit(&s->spool_full, memory_order_relaxed))
        return;
    for (size_t i = 0; i < v->set_count; i++) {
        const struct lc_set *set = v->sets[i];
        uint32_t rows = lc_set_committed(set);
        if (lc_set_shard(set) < s->shard_count && rows > 0 && is_last_of_its_shard(v, i) &&
            lc_spool_is_released(s, lc_set_entry(set, rows - 1).id))
            lc_shard_close_soon(&s->shards[lc_set_shard(set)]);
    }
}

/* Only segments can be removed: where little comes in, a set would else keep its records far beyond
 * the age that was asked for. */
static void close_old_sets(struct lc_store *s, const struct lc_version *v)
{
    if (s->config.spool_octets != 0)
        close_released_sets(s, v);
    int64_t age = atomic_load_explicit(&s->retain_ns, memory_order_relaxed);
    if (age == 0 || s->config.spool_octets != 0)
        return;
    int64_t oldest = lc_wall_ns(s->clock) - (age < SET_AGE_MAX ? age : SET_AGE_MAX);
    for (size_t i = 0; i < v->set_count; i++) {
        const struct lc_set *set = v->sets[i];
        if (lc_set_shard(set) < s->shard_count && lc_set_committed(set) > 0 &&
            lc_set_entry(set, 0).received_ns < oldest && is_last_of_its_shard(v, i))
            lc_shard_close_soon(&s->shards[lc_set_shard(set)]);
    }
}

static size_t pick_old(const struct lc_store *s, const struct lc_version *v,
                       struct lc_segment **victims)
{
    int64_t min_received = INT64_MIN;
    int64_t age = atomic_load_explicit(&s->retain_ns, memory_order_relaxed);
    if (age > 0)
        min_received = lc_wall_ns(s->clock) - age;
    uint64_t octets = atomic_load_explicit(&s->retain_octets, memory_order_relaxed);
    return lc_retain_pick(v, octets, min_received, victims);
}

static size_t pick_released(const struct lc_store *s, const struct lc_version *v,
                            struct lc_segment **victims)
{
    size_t count = 0;
    for (size_t i = 0; i < v->segment_count; i++)
        if (lc_spool_has_released(s, v->segments[i]))
            victims[count++] = v->segments[i];
    return count;
}

static lc_err pick_victims(struct lc_store *s, const struct lc_version *v)
{
    struct lc_segment **victims = calloc(v->segment_count + 1, sizeof(struct lc_segment *));
    if (victims == NULL)
        return -ENOMEM;
    size_t count =
        s->config.spool_octets != 0 ? pick_released(s, v, victims) : pick_old(s, v, victims);
    struct lc_replacement r = {0};
    lc_err e = count == 0 ? LC_EEND : copy_segments(victims, count, &r.drop);
    free(victims);
    if (e != LC_OK)
        return e;
    r.drop_count = count;
    s->replacement = r;
    return LC_OK;
}

lc_err lc_retain_step(struct lc_store *s)
{
    if (s->replacement.drop_count > 0)
        return apply_replacement(s);
    struct lc_version *v = lc_store_version(s);
    close_old_sets(s, v);
    lc_err e = pick_victims(s, v);
    lc_version_unref(v);
    return e == LC_OK ? apply_replacement(s) : e;
}
