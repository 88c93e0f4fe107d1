/* SPDX-License-Identifier: Apache-2.0
 *
 * store/store.c - the store's life, and what is published of it.
 */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "store/internal.h"

#define MEMORY_DEFAULT (UINT64_C(512) << 20)
#define RETAIN_DEFAULT (UINT64_C(50) << 30)
#define RETAIN_PERCENT 80
#define SETS_IN_MEMORY 8 /* a shard has an active one, one being sealed, a spare, and readers' */
#define WRITERS_MAX    64
#define SPOOL_SETS     8 /* a spool is released in pieces that are small beside the whole */

/* ---- what is published ---- */

struct lc_version *lc_store_version(struct lc_store *s)
{
    pthread_mutex_lock(&s->version_lock);
    struct lc_version *v = lc_version_ref(s->version);
    pthread_mutex_unlock(&s->version_lock);
    return v;
}

static void weigh_segments(struct lc_store *s)
{
    uint64_t octets = 0;
    for (size_t i = 0; i < s->version->segment_count; i++)
        octets += lc_segment_meta(s->version->segments[i])->octets;
    atomic_store_explicit(&s->segment_octets, octets, memory_order_release);
}

lc_err lc_store_publish(struct lc_store *s, const struct lc_version_change *change)
{
    pthread_mutex_lock(&s->version_lock);
    struct lc_version *old = s->version;
    lc_err e = lc_version_next(old, change, &s->version);
    if (e == LC_OK && (change->add_count > 0 || change->drop_count > 0))
        weigh_segments(s);
    pthread_mutex_unlock(&s->version_lock);
    /* Outside of the lock: it may close files. */
    if (e == LC_OK)
        lc_version_unref(old);
    return e;
}

struct lc_snapshot *lc_store_snapshot(struct lc_store *store)
{
    struct lc_version *v = lc_store_version(store);
    struct lc_snapshot *snap = lc_snapshot_new(v, store->disk);
    lc_version_unref(v);
    return snap;
}

lc_err lc_store_watch(struct lc_store *store, void (*notify)(void *arg), void *arg)
{
    lc_err e = LC_ELIMIT;
    pthread_mutex_lock(&store->watch_lock);
    if (store->watcher_count < LC_WATCHERS_MAX) {
        store->watchers[store->watcher_count++] = (struct lc_watcher){notify, arg};
        e = LC_OK;
    }
    pthread_mutex_unlock(&store->watch_lock);
    return e;
}

void lc_store_unwatch(struct lc_store *store, void (*notify)(void *arg), void *arg)
{
    pthread_mutex_lock(&store->watch_lock);
    for (size_t i = 0; i < store->watcher_count; i++) {
        if (store->watchers[i].notify != notify || store->watchers[i].arg != arg)
            continue;
        store->watchers[i] = store->watchers[--store->watcher_count];
        break;
    }
    pthread_mutex_unlock(&store->watch_lock);
}

void lc_store_tell_watchers(struct lc_store *s)
{
    pthread_mutex_lock(&s->watch_lock);
    for (size_t i = 0; i < s->watcher_count; i++)
        s->watchers[i].notify(s->watchers[i].arg);
    pthread_mutex_unlock(&s->watch_lock);
}

uint64_t lc_store_next_segment(void *store)
{
    struct lc_store *s = store;
    return atomic_fetch_add_explicit(&s->next_segment, 1, memory_order_relaxed);
}

/* A step of splitmix64: well mixed, and its inverse does not lead back through the sum below. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct lc_sender_id lc_store_as_sender(const struct lc_store *store, struct lc_slice name,
                                       unsigned shard)
{
    struct lc_sender_id id = {{0}};
    struct lc_writer w = lc_writer(id.octets, sizeof id.octets);
    lc_write_u64_be(&w, mix(store->secret) + store->secret);
    lc_write_u32_be(&w, lc_crc32c(0, name));
    lc_write_u32_be(&w, shard);
    return id;
}

struct lc_shard *lc_store_shard(struct lc_store *store, unsigned n)
{
    LC_ASSERT(n < store->shard_count);
    return &store->shards[n];
}

/* ---- senders ---- */

static int64_t now_s(const struct lc_store *s)
{
    return lc_wall_ns(s->clock) / LC_NS_PER_S;
}

lc_err lc_store_admit_sender(struct lc_store *s, const struct lc_sender_id *id)
{
    int64_t now = now_s(s);
    pthread_mutex_lock(&s->senders_lock);
    lc_err e = lc_senders_admit(&s->senders, id, now, now - LC_SENDERS_KEEP_S);
    pthread_mutex_unlock(&s->senders_lock);
    return e;
}

lc_err lc_store_move_sender(struct lc_store *s, const struct lc_sender_id *id,
                            const struct lc_sender_position *at)
{
    struct lc_sender_entry entry = {*id, *at, now_s(s)};
    pthread_mutex_lock(&s->senders_lock);
    lc_err e = lc_senders_move(&s->senders, &entry);
    pthread_mutex_unlock(&s->senders_lock);
    return e;
}

void lc_store_move_senders(struct lc_store *s, const struct lc_set *set, uint32_t from, uint32_t to)
{
    struct lc_sender_id id;
    struct lc_sender_position at;
    /* its place in the table was made when it was admitted */
    while (lc_set_next_sender(set, &from, to, &id, &at))
        (void)!lc_store_move_sender(s, &id, &at);
}

bool lc_store_sender(struct lc_store *store, const struct lc_sender_id *sender,
                     struct lc_sender_position *ret)
{
    pthread_mutex_lock(&store->senders_lock);
    const struct lc_sender_entry *entry = lc_senders_find(&store->senders, sender);
    bool is_known = entry != NULL && (entry->at.epoch != 0 || entry->at.upto != 0);
    if (is_known)
        *ret = entry->at;
    pthread_mutex_unlock(&store->senders_lock);
    return is_known;
}

unsigned lc_sender_shard(const struct lc_sender_id *sender, unsigned writers)
{
    return (unsigned)(lc_hash64(lc_slice(sender->octets, sizeof sender->octets), 0) % writers);
}

static uint64_t look(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_shard_stats(const struct lc_shard *shard, struct lc_store_stats *stats)
{
    stats->appended += look(&shard->appended);
    stats->refused += look(&shard->refused);
    stats->waits += look(&shard->waits);
    stats->groups += look(&shard->groups);
    stats->synced_octets += look(&shard->synced_octets);
    stats->write_errors += look(&shard->write_errors);
    stats->sync_errors += look(&shard->sync_errors);
    stats->committed += look(&shard->committed_count);
}

struct lc_store_stats lc_store_stats(struct lc_store *store)
{
    struct lc_store_stats stats = {
        .sealed = look(&store->sealed),
        .merged = look(&store->merged),
        .retired = look(&store->retired),
    };
    for (unsigned i = 0; i < store->shard_count; i++)
        add_shard_stats(&store->shards[i], &stats);
    struct lc_version *v = lc_store_version(store);
    stats.segments = v->segment_count;
    if (store->config.spool_octets != 0)
        stats.spool_octets = look(&store->wal_octets) + look(&store->segment_octets);
    for (size_t i = 0; i < v->segment_count; i++) {
        stats.segment_octets += lc_segment_meta(v->segments[i])->octets;
        stats.records += lc_segment_meta(v->segments[i])->records;
    }
    for (size_t i = 0; i < v->set_count; i++) {
        stats.active_octets += lc_set_octets(v->sets[i]);
        stats.records += lc_set_committed(v->sets[i]);
    }
    lc_version_unref(v);
    return stats;
}

/* ---- opening ---- */

static void init_locks(struct lc_store *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->queue_wake, &attr);
    pthread_cond_init(&s->upkeep_wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->version_lock, NULL);
    pthread_mutex_init(&s->manifest_lock, NULL);
    pthread_mutex_init(&s->queue_lock, NULL);
    pthread_mutex_init(&s->watch_lock, NULL);
    pthread_mutex_init(&s->senders_lock, NULL);
    pthread_mutex_init(&s->spool_lock, NULL);
}

static lc_err store_new(const struct lc_store_config *config, struct lc_store **ret)
{
    LC_ASSERT(config->writers >= 1 && config->writers <= WRITERS_MAX);
    struct lc_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    init_locks(s);
    s->config = *config;
    s->config.dir = s->dir_path;
    if (s->config.memory == 0)
        s->config.memory = MEMORY_DEFAULT;
    uint64_t least = LC_SET_OCTETS_MIN * SETS_IN_MEMORY * config->writers;
    if (s->config.memory < least)
        s->config.memory = least;
    s->set_octets = s->config.memory / SETS_IN_MEMORY / config->writers;
    uint64_t share = config->spool_octets / SPOOL_SETS / config->writers;
    if (config->spool_octets != 0 && s->set_octets > share)
        s->set_octets = share > LC_SET_OCTETS_MIN ? share : LC_SET_OCTETS_MIN;
    s->disk = config->disk != NULL ? config->disk : &lc_disk_system;
    s->clock = config->clock != NULL ? config->clock : &lc_clock_system;
    s->shards = aligned_alloc(alignof(struct lc_shard), config->writers * sizeof *s->shards);
    *ret = s;
    return s->shards == NULL ? -ENOMEM : LC_OK;
}

static lc_err make_directories(struct lc_store *s, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--; /* its parent is found by the last one */
    lc_err e = lc_path(s->dir_path, "%.*s", (int)n, dir);
    if (e == LC_OK)
        e = lc_path(s->wal_path, "%s/wal", s->dir_path);
    if (e == LC_OK)
        e = lc_path(s->seg_path, "%s/seg", s->dir_path);
    if (e == LC_OK)
        e = s->disk->mkdir(s->disk->state, s->dir_path);
    return e;
}

static lc_err make_subdirectories(struct lc_store *s)
{
    lc_err e = s->disk->mkdir(s->disk->state, s->wal_path);
    return e == LC_OK ? s->disk->mkdir(s->disk->state, s->seg_path) : e;
}

static void tell_holder(const struct lc_store *s, struct lc_diag *diag)
{
    struct lc_slice pid;
    if (lc_file_read(s->disk, s->dir_path, "LOCK", &pid) != LC_OK) {
        lc_diag_set(diag, "%s is in use by another process", s->dir_path);
        return;
    }
    struct lc_slice line = pid;
    struct lc_slice first;
    if (lc_slice_cut(&line, '\n', &first))
        lc_diag_set(diag,
                    "%s is in use by process %.*s; a second server needs a directory of its own",
                    s->dir_path, (int)first.n, (const char *)first.p);
    free((void *)(uintptr_t)pid.p);
}

static lc_err lock_directory(struct lc_store *s, struct lc_diag *diag)
{
    char path[LC_PATH_MAX], pid[32];
    lc_err e = lc_path(path, "%s/LOCK", s->dir_path);
    if (e == LC_OK)
        e = s->disk->lock(s->disk->state, path, &s->lock_file);
    if (e != LC_OK) {
        s->lock_file = NULL;
        if (e == LC_EINUSE)
            tell_holder(s, diag);
        else
            lc_diag_set(diag, "%s: %s", path, lc_strerror(e));
        return e;
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    struct lc_slice part = lc_slice(pid, (size_t)n);
    /* Only for humans: a full disk must not keep us from reading what is there. */
    if (s->disk->truncate(s->disk->state, s->lock_file, 0) == LC_OK)
        (void)s->disk->write(s->disk->state, s->lock_file, &part, 1, 0);
    return LC_OK;
}

lc_err lc_store_retain(struct lc_store *s, uint64_t retain_octets, int64_t retain_ns)
{
    uint64_t total, free_octets;
    if (retain_octets == 0) {
        lc_err e = s->disk->space(s->disk->state, s->dir_path, &total, &free_octets);
        if (e != LC_OK)
            return e;
        uint64_t share = total / 100 * RETAIN_PERCENT;
        retain_octets = share < RETAIN_DEFAULT ? share : RETAIN_DEFAULT;
    }
    atomic_store_explicit(&s->retain_octets, retain_octets, memory_order_relaxed);
    atomic_store_explicit(&s->retain_ns, retain_ns, memory_order_relaxed);
    lc_upkeep_wake(s);
    return LC_OK;
}

static lc_err choose_retention(struct lc_store *s, struct lc_diag *diag)
{
    if (s->config.spool_octets != 0)
        return LC_OK;
    lc_err e = lc_store_retain(s, s->config.retain_octets, s->config.retain_ns);
    if (e != LC_OK)
        lc_diag_set(diag, "%s: %s", s->dir_path, lc_strerror(e));
    return e;
}

static lc_err open_in(struct lc_store *s, const char *dir, struct lc_store_report *report,
                      struct lc_diag *diag)
{
    lc_err e = make_directories(s, dir);
    if (e != LC_OK) {
        lc_diag_set(diag, "%s: %s", dir, lc_strerror(e));
        return e;
    }
    e = lock_directory(s, diag);
    if (e != LC_OK)
        return e;
    e = make_subdirectories(s);
    if (e != LC_OK) {
        lc_diag_set(diag, "%s: %s", dir, lc_strerror(e));
        return e;
    }
    e = choose_retention(s, diag);
    if (e == LC_OK)
        e = lc_recover(s, report, diag);
    s->secret = s->manifest.state.store;
    lc_spool_weigh(s);
    if (e == LC_OK && s->config.threads) {
        e = lc_threads_start(s);
        if (e != LC_OK)
            lc_diag_set(diag, "the store's threads: %s", lc_strerror(e));
    }
    return e;
}

static void store_free(struct lc_store *s)
{
    lc_threads_stop(s);
    lc_seal_drop_all(s);
    lc_replacement_done(&s->replacement);
    for (unsigned i = 0; i < s->shard_count; i++)
        lc_shard_done(&s->shards[i]);
    lc_version_unref(s->version);
    lc_manifest_done(&s->manifest);
    if (s->lock_file != NULL)
        s->disk->close(s->disk->state, s->lock_file);
    pthread_mutex_destroy(&s->version_lock);
    pthread_mutex_destroy(&s->manifest_lock);
    pthread_mutex_destroy(&s->queue_lock);
    pthread_mutex_destroy(&s->watch_lock);
    pthread_mutex_destroy(&s->senders_lock);
    lc_senders_done(&s->senders);
    pthread_mutex_destroy(&s->spool_lock);
    pthread_cond_destroy(&s->queue_wake);
    pthread_cond_destroy(&s->upkeep_wake);
    free(s->shards);
    free(s);
}

lc_err lc_store_open(const struct lc_store_config *config, struct lc_store **ret,
                     struct lc_store_report *report, struct lc_diag *diag)
{
    struct lc_store_report found = {0};
    struct lc_store *s = NULL;
    lc_err e = store_new(config, &s);
    if (e == LC_OK)
        e = open_in(s, config->dir, &found, diag);
    if (e != LC_OK) {
        if (s != NULL)
            store_free(s);
        return e;
    }
    *report = found;
    *ret = s;
    return LC_OK;
}

/* ---- closing ---- */

/* After a stop in order no sequence is left out. That it fails costs a gap, as a crash does. */
static void give_back_reservations(struct lc_store *s)
{
    struct lc_edit edit;
    lc_edit_init(&edit);
    for (unsigned i = 0; i < s->shard_count; i++) {
        const struct lc_shard *shard = &s->shards[i];
        uint64_t committed = atomic_load_explicit(&shard->committed, memory_order_acquire);
        if (shard->next != committed + 1)
            continue; /* a refused record may yet be in a file */
        struct lc_manifest_shard is = s->manifest.state.shards[i];
        is.reserved = shard->next;
        lc_edit_shard(&edit, i, &is);
    }
    (void)!lc_manifest_edit(&s->manifest, &edit);
    lc_edit_done(&edit);
}

void lc_store_close(struct lc_store *store)
{
    lc_threads_stop(store);
    if (!store->config.threads)
        for (unsigned i = 0; i < store->shard_count; i++)
            lc_shard_finish(&store->shards[i]);
    give_back_reservations(store);
    store_free(store);
}

/* ---- by hand ---- */

/* LC_OK when one of them did something, else an error of one of them, else LC_EEND. */
static lc_err either(lc_err a, lc_err b)
{
    if (a == LC_OK || b == LC_OK)
        return LC_OK;
    return a != LC_EEND ? a : b;
}

static lc_err commit_step(struct lc_store *s)
{
    lc_err e = lc_reserve_step(s);
    for (unsigned i = 0; i < s->shard_count; i++) {
        e = either(e, lc_shard_commit(&s->shards[i]));
        if (s->config.ack_written)
            e = either(e, lc_shard_sync(&s->shards[i]));
    }
    return e;
}

/* Closes a set that is not full, so that there is something to seal. */
static lc_err close_a_set(struct lc_store *s)
{
    for (unsigned i = 0; i < s->shard_count; i++) {
        struct lc_shard *shard = &s->shards[i];
        lc_err e = lc_shard_rotate(shard);
        if (e == LC_EEND || e == LC_EWAIT)
            continue;
        while (e == LC_OK && shard->successor != NULL)
            e = lc_shard_commit(shard);
        return e;
    }
    return LC_EEND;
}

static lc_err seal_step(struct lc_store *s)
{
    lc_err e = lc_seal_step(s);
    if (e != LC_EEND)
        return e;
    e = close_a_set(s);
    return e == LC_OK ? lc_seal_step(s) : e;
}

static lc_err any_step(struct lc_store *s)
{
    lc_err (*const steps[])(struct lc_store *) = {commit_step, lc_seal_step, lc_merge_step,
                                                  lc_retain_step};
    lc_err e = LC_EEND;
    for (size_t i = 0; i < LC_ARRAY_LEN(steps) && e != LC_OK; i++)
        e = either(e, steps[i](s));
    return e;
}

lc_err lc_store_step(struct lc_store *store, enum lc_store_work work)
{
    LC_ASSERT(!store->config.threads);
    switch (work) {
    case LC_WORK_COMMIT:
        return commit_step(store);
    case LC_WORK_SEAL:
        return seal_step(store);
    case LC_WORK_MERGE:
        return lc_merge_step(store);
    case LC_WORK_RETAIN:
        return lc_retain_step(store);
    case LC_WORK_ANY:
        break;
    }
    return any_step(store);
}
