/* SPDX-License-Identifier: Apache-2.0
 *
 * store/seal.c - sets become segments; reservations are extended.
 *
 * Each step can fail and is tried again later. What was done is kept, so that a manifest that
 * cannot be written does not fill the disk with segments that nobody names.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"
#include "store/segment_format.h"

#define STEP_MAX (UINT64_C(1) << 24) /* sequences of one reservation */

void lc_seal_wake(struct lc_store *s)
{
    pthread_mutex_lock(&s->queue_lock);
    s->queue_changes++;
    pthread_cond_signal(&s->queue_wake);
    pthread_mutex_unlock(&s->queue_lock);
}

lc_err lc_seal_later(struct lc_store *s, unsigned shard, struct lc_set *set, uint64_t wal_end,
                     uint64_t wal_octets)
{
    struct lc_sealing *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    job->shard = shard;
    job->set = set;
    job->wal_end = wal_end;
    job->wal_octets = wal_octets;
    pthread_mutex_lock(&s->queue_lock);
    struct lc_sealing **at = &s->queue;
    while (*at != NULL)
        at = &(*at)->next;
    *at = job;
    pthread_mutex_unlock(&s->queue_lock);
    lc_seal_wake(s);
    return LC_OK;
}

static void job_free(struct lc_sealing *job)
{
    lc_segment_unref(job->segment);
    lc_set_unref(job->set);
    free(job);
}

void lc_seal_drop_all(struct lc_store *s)
{
    while (s->queue != NULL) {
        struct lc_sealing *job = s->queue;
        s->queue = job->next;
        job_free(job);
    }
}

/* ---- the segment ---- */

/* A row's place in lc_segment_order(), without decoding the row. */
struct place {
    int64_t time_ns;
    uint32_t stream; /* rank, not number */
    uint32_t hour;   /* from the first one of the set */
    uint32_t row;
};

static int place_cmp(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

struct ranked {
    const struct lc_stream_key *key;
    uint32_t number;
};

static int ranked_cmp(const void *a, const void *b)
{
    struct lc_record x = {.stream = *((const struct ranked *)a)->key};
    struct lc_record y = {.stream = *((const struct ranked *)b)->key};
    return lc_segment_order(&x, &y);
}

/* ranks[number]: the place of a stream among the set's streams */
static lc_err rank_streams(const struct lc_set *set, uint32_t *ranks)
{
    uint32_t count = lc_set_streams(set);
    struct ranked *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (struct ranked){lc_set_stream(set, i), i};
    qsort(sorted, count, sizeof *sorted, ranked_cmp);
    for (uint32_t i = 0; i < count; i++)
        ranks[sorted[i].number] = i;
    free(sorted);
    return LC_OK;
}

/* Places in the order of their rows. */
static lc_err find_places(const struct lc_set *set, uint32_t rows, struct place *ret,
                          uint32_t *ret_hours)
{
    uint32_t *ranks = malloc(lc_set_streams(set) * sizeof *ranks);
    lc_err e = ranks != NULL ? rank_streams(set, ranks) : -ENOMEM;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < rows && e == LC_OK; i++) {
        struct lc_set_entry entry = lc_set_entry(set, i);
        int64_t hour = lc_hour(entry.time_ns);
        first = hour < first ? hour : first;
        last = hour > last ? hour : last;
        ret[i] = (struct place){entry.time_ns, ranks[entry.stream], 0, i};
    }
    for (uint32_t i = 0; i < rows && e == LC_OK; i++)
        ret[i].hour = (uint32_t)(lc_hour(ret[i].time_ns) - first); /* 5,124,096 in all of int64 */
    free(ranks);
    *ret_hours = (uint32_t)(last - first + 1);
    return e;
}

static uint32_t stream_of(const struct place *p)
{
    return p->stream;
}

static uint32_t hour_of(const struct place *p)
{
    return p->hour;
}

/* `to` in the order of keys, all of them below `keys`; what has one key stays in its order.
 * `counts` has keys + 1 places. */
static void distribute(const struct place *from, struct place *to, uint32_t rows,
                       uint32_t (*key)(const struct place *p), uint32_t *counts, uint32_t keys)
{
    memset(counts, 0, (keys + (size_t)1) * sizeof *counts);
    for (uint32_t i = 0; i < rows; i++)
        counts[key(&from[i]) + 1]++;
    for (uint32_t k = 0; k < keys; k++)
        counts[k + 1] += counts[k];
    for (uint32_t i = 0; i < rows; i++)
        to[counts[key(&from[i])]++] = from[i];
}

/* Rows of a stream mostly come in the order of their times: then there is nothing to do. */
static void order_streams(struct place *places, uint32_t rows)
{
    for (uint32_t start = 0, end; start < rows; start = end) {
        bool sorted = true;
        for (end = start + 1; end < rows && places[end].stream == places[start].stream; end++)
            sorted &= places[end - 1].time_ns <= places[end].time_ns;
        if (!sorted)
            qsort(places + start, end - start, sizeof *places, place_cmp);
    }
}

/* More hours than this in one set are not counted out. */
#define HOURS_MAX 4096u

static lc_err sort_rows(const struct lc_set *set, uint32_t rows, struct place **ret)
{
    uint32_t streams = lc_set_streams(set), hours = 0;
    uint32_t keys = streams > HOURS_MAX ? streams : HOURS_MAX;
    struct place *places = calloc(rows, sizeof *places);
    struct place *sorted = calloc(rows, sizeof *sorted);
    uint32_t *counts = malloc((keys + (size_t)1) * sizeof *counts);
    bool enough = places != NULL && sorted != NULL && counts != NULL;
    lc_err e = enough ? find_places(set, rows, places, &hours) : -ENOMEM;
    if (e == LC_OK) {
        distribute(places, sorted, rows, stream_of, counts, streams);
        if (hours <= HOURS_MAX) {
            order_streams(sorted, rows);
            distribute(sorted, places, rows, hour_of, counts, hours);
        } else {
            memcpy(places, sorted, rows * sizeof *places);
            qsort(places, rows, sizeof *places, place_cmp);
        }
    }
    free(sorted);
    free(counts);
    if (e != LC_OK) {
        free(places);
        return e;
    }
    *ret = places;
    return LC_OK;
}

/* Rows come from all over the set: memory is asked for theirs while those before are written. */
#define AHEAD 8u

static lc_err write_rows(const struct lc_set *set, const struct place *places, uint32_t rows,
                         struct lc_segment_writer *w)
{
    struct lc_field fields[LC_FIELDS_MAX];
    for (uint32_t i = 0; i < rows; i++) {
        struct lc_record r;
        if (i + 2 * AHEAD < rows)
            lc_set_prefetch(set, places[i + AHEAD].row, places[i + 2 * AHEAD].row);
        lc_set_record(set, places[i].row, fields, &r);
        lc_err e = lc_segment_writer_add(w, &r);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

static lc_err write_segment(struct lc_store *s, const struct lc_set *set, uint64_t number)
{
    uint32_t rows = lc_set_committed(set);
    struct place *places;
    lc_err e = sort_rows(set, rows, &places);
    if (e != LC_OK)
        return e;
    struct lc_segment_writer *w;
    e = lc_segment_writer_new(s->disk, s->seg_path, number, 0, &w);
    if (e != LC_OK) {
        free(places);
        return e;
    }
    e = write_rows(set, places, rows, w);
    free(places);
    if (e != LC_OK) {
        lc_segment_writer_abort(w);
        return e;
    }
    struct lc_segment_meta meta;
    e = lc_segment_writer_finish(w, &meta);
    if (e == LC_OK)
        lc_segment_meta_done(&meta);
    return e;
}

static lc_err write_and_open(struct lc_store *s, const struct lc_set *set, uint64_t number,
                             struct lc_segment **ret)
{
    lc_err e = write_segment(s, set, number);
    if (e == LC_OK)
        e = s->disk->sync_dir(s->disk->state, s->seg_path, LC_SYNC_SEGMENT_DIR);
    return e == LC_OK ? lc_segment_open(s->disk, s->seg_path, number, ret, NULL) : e;
}

/* A segment of the set, that only the manifest must still name. */
static lc_err make_segment(struct lc_store *s, struct lc_sealing *job)
{
    uint64_t number = lc_store_next_segment(s);
    lc_err e = write_and_open(s, job->set, number, &job->segment);
    char path[LC_PATH_MAX];
    if (e != LC_OK && lc_segment_path(s->seg_path, number, path) == LC_OK)
        (void)s->disk->unlink(s->disk->state, path);
    return e;
}

/* ---- the manifest ---- */

static uint64_t last_sequence(const struct lc_set *set)
{
    uint32_t rows = lc_set_committed(set);
    return rows == 0 ? 0 : lc_id_sequence(lc_set_entry(set, rows - 1).id);
}

/* Positions that were made durable by the set's WAL. What is committed meanwhile is not among them:
 * it need not be durable yet. */
static void edit_moved_senders(struct lc_store *s, const struct lc_set *set, struct lc_edit *edit)
{
    uint32_t at = 0, end = lc_set_committed_mark(set).moves;
    struct lc_sender_entry to = {.used_s = lc_wall_ns(s->clock) / LC_NS_PER_S};
    while (lc_set_next_sender(set, &at, end, &to.id, &to.at))
        lc_edit_move_sender(edit, &to);
}

/* Released as a whole, before it was a segment: it need never be one. */
static bool is_released(const struct lc_store *s, const struct lc_sealing *job)
{
    uint64_t last = last_sequence(job->set);
    return job->segment == NULL && last != 0 &&
           lc_spool_is_released(s, lc_id_make(last, job->shard));
}

static lc_err name_segment(struct lc_store *s, const struct lc_sealing *job)
{
    struct lc_manifest_shard shard = s->manifest.state.shards[job->shard];
    shard.wal_start = job->wal_end;
    if (last_sequence(job->set) > shard.sealed)
        shard.sealed = last_sequence(job->set);
    if (job->segment == NULL && last_sequence(job->set) > shard.gone)
        shard.gone = last_sequence(job->set);
    struct lc_edit edit;
    lc_edit_init(&edit);
    lc_edit_shard(&edit, job->shard, &shard);
    if (job->segment != NULL)
        lc_edit_add_segment(&edit, lc_segment_meta(job->segment));
    if (s->is_recovering) /* the WAL may go in which any of them stands */
        lc_edit_move_senders(&edit, &s->senders);
    else
        edit_moved_senders(s, job->set, &edit);
    lc_err e = lc_manifest_edit(&s->manifest, &edit);
    lc_edit_done(&edit);
    return e;
}

static void remove_wal_files(struct lc_store *s, const struct lc_sealing *job, uint64_t from)
{
    for (uint64_t number = from; number < job->wal_end; number++) {
        char path[LC_PATH_MAX];
        /* One that stays is an orphan, and goes at the next opening. */
        if (lc_wal_path(s->wal_path, job->shard, number, path) == LC_OK)
            (void)s->disk->unlink(s->disk->state, path);
    }
}

static lc_err seal(struct lc_store *s, struct lc_sealing *job)
{
    if (job->segment == NULL && lc_set_committed(job->set) > 0 && !job->is_named &&
        !is_released(s, job)) {
        lc_err e = make_segment(s, job);
        if (e != LC_OK)
            return e;
    }
    lc_err e = LC_OK;
    pthread_mutex_lock(&s->manifest_lock);
    uint64_t wal_start = s->manifest.state.shards[job->shard].wal_start;
    if (!job->is_named)
        e = name_segment(s, job);
    if (e == LC_OK) {
        job->is_named = true;
        struct lc_version_change change = {
            .drop_set = job->set,
            .add = &job->segment,
            .add_count = job->segment != NULL,
            .tables = &s->manifest.state,
        };
        e = lc_store_publish(s, &change);
    }
    pthread_mutex_unlock(&s->manifest_lock);
    if (e == LC_OK) {
        remove_wal_files(s, job, wal_start);
        atomic_fetch_sub_explicit(&s->wal_octets, job->wal_octets, memory_order_acq_rel);
        lc_spool_weigh(s);
    }
    return e;
}

/* Keeps the memory of a set for the shard's next one, when no reader has it. */
static void recycle(struct lc_store *s, struct lc_sealing *job)
{
    if (job->shard >= s->shard_count || !lc_set_is_alone(job->set))
        return;
    lc_set_reset(job->set);
    struct lc_shard *shard = &s->shards[job->shard];
    lc_set_unref(atomic_exchange_explicit(&shard->spare, job->set, memory_order_acq_rel));
    job->set = NULL;
}

/* Whoever was told to wait for this seal may wait for long: it asks again, and is refused. */
static lc_err seal_failed(struct lc_store *s, lc_err e)
{
    for (unsigned i = 0; i < s->shard_count; i++)
        lc_shard_wake_writer(&s->shards[i], false);
    return e;
}

lc_err lc_seal_step(struct lc_store *s)
{
    pthread_mutex_lock(&s->queue_lock);
    struct lc_sealing *job = s->queue;
    pthread_mutex_unlock(&s->queue_lock);
    if (job == NULL)
        return LC_EEND;
    lc_err e = seal(s, job);
    atomic_store_explicit(&s->seals_fail, e != LC_OK, memory_order_relaxed);
    if (e != LC_OK)
        return seal_failed(s, e);

    pthread_mutex_lock(&s->queue_lock);
    s->queue = job->next;
    s->upkeep_changes++;
    pthread_cond_signal(&s->upkeep_wake);
    pthread_mutex_unlock(&s->queue_lock);
    if (job->segment != NULL)
        atomic_fetch_add_explicit(&s->sealed, 1, memory_order_relaxed);
    recycle(s, job);
    if (job->shard < s->shard_count)
        lc_shard_wake_writer(&s->shards[job->shard], true);
    job_free(job);
    return LC_OK;
}

/* ---- reservations ---- */

static lc_err reserve(struct lc_store *s, struct lc_shard *shard)
{
    uint64_t step = 2 * atomic_load_explicit(&shard->step, memory_order_relaxed);
    if (step > STEP_MAX)
        step = STEP_MAX;
    struct lc_edit edit;
    lc_edit_init(&edit);
    pthread_mutex_lock(&s->manifest_lock);
    struct lc_manifest_shard is = s->manifest.state.shards[shard->number];
    is.reserved += step;
    lc_edit_shard(&edit, shard->number, &is);
    lc_err e = lc_manifest_edit(&s->manifest, &edit);
    pthread_mutex_unlock(&s->manifest_lock);
    lc_edit_done(&edit);
    if (e != LC_OK)
        return e;
    atomic_store_explicit(&shard->step, step, memory_order_relaxed);
    atomic_store_explicit(&shard->reserved, is.reserved, memory_order_release);
    atomic_store_explicit(&shard->wants_reserve, false, memory_order_relaxed);
    lc_shard_wake_writer(shard, false);
    return LC_OK;
}

lc_err lc_reserve_step(struct lc_store *s)
{
    lc_err e = LC_EEND;
    for (unsigned i = 0; i < s->shard_count; i++) {
        struct lc_shard *shard = &s->shards[i];
        if (!atomic_load_explicit(&shard->wants_reserve, memory_order_relaxed))
            continue;
        lc_err one = reserve(s, shard);
        if (e == LC_EEND || e == LC_OK)
            e = one;
    }
    return e;
}
