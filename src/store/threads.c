/* SPDX-License-Identifier: Apache-2.0
 *
 * store/threads.c - the store's own threads.
 *
 * Sealing and upkeep have a thread each: a merge of large segments takes long, and a writer whose
 * set waits to be sealed must not wait for it.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/internal.h"

#define SEAL_NICE       5
#define UPKEEP_NICE     10 /* merging is never urgent */
#define SEAL_RETRY_MS   500
#define UPKEEP_RETRY_MS 5000
#define UPKEEP_EVERY_MS 60000 /* age goes on without anything happening */

static void be_nice(int nice)
{
    /* On Linux this is the thread's alone. That it fails changes nothing but speed. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

static bool is_stopping(const struct lc_store *s)
{
    return atomic_load_explicit(&s->stopping, memory_order_relaxed);
}

/* Until *changes is no longer `seen`, the store stops, or ms milliseconds have passed (0: no such
 * limit). Returns the new *changes. */
static uint64_t wait_for_change(struct lc_store *s, pthread_cond_t *wake, const uint64_t *changes,
                                uint64_t seen, int64_t ms)
{
    struct lc_time until = lc_time_add_ms(lc_monotonic(s->clock), ms);
    struct timespec at = {until.ns / LC_NS_PER_S, until.ns % LC_NS_PER_S};
    pthread_mutex_lock(&s->queue_lock);
    while (*changes == seen && !is_stopping(s)) {
        if (ms == 0)
            pthread_cond_wait(wake, &s->queue_lock);
        else if (pthread_cond_timedwait(wake, &s->queue_lock, &at) != 0)
            break;
    }
    uint64_t now = *changes;
    pthread_mutex_unlock(&s->queue_lock);
    return now;
}

static void *sealer_run(void *arg)
{
    struct lc_store *s = arg;
    be_nice(SEAL_NICE);
    uint64_t seen = 0;
    lc_err e = LC_EEND;
    while (!is_stopping(s)) {
        bool failed = e != LC_OK && e != LC_EEND;
        if (e != LC_OK)
            seen = wait_for_change(s, &s->queue_wake, &s->queue_changes, seen,
                                   failed ? SEAL_RETRY_MS : 0);
        lc_err reserved = lc_reserve_step(s);
        e = lc_seal_step(s);
        if (e == LC_EEND)
            e = reserved;
    }
    return NULL;
}

static void *upkeeper_run(void *arg)
{
    struct lc_store *s = arg;
    be_nice(UPKEEP_NICE);
    uint64_t seen = UINT64_MAX;
    while (!is_stopping(s)) {
        lc_err e = lc_retain_step(s);
        if (e == LC_OK || e == LC_EEND)
            e = lc_merge_step(s);
        if (e == LC_OK)
            continue;
        seen = wait_for_change(s, &s->upkeep_wake, &s->upkeep_changes, seen,
                               e == LC_EEND ? UPKEEP_EVERY_MS : UPKEEP_RETRY_MS);
    }
    return NULL;
}

lc_err lc_threads_start(struct lc_store *s)
{
    for (unsigned i = 0; i < s->shard_count; i++) {
        struct lc_shard *shard = &s->shards[i];
        int e = pthread_create(&shard->thread, NULL, lc_shard_committer, shard);
        if (e != 0)
            return -e;
        shard->has_thread = true;
    }
    int e = pthread_create(&s->sealer, NULL, sealer_run, s);
    s->has_sealer = e == 0;
    if (e == 0) {
        e = pthread_create(&s->upkeeper, NULL, upkeeper_run, s);
        s->has_upkeeper = e == 0;
    }
    return -e;
}

static void stop_committer(struct lc_shard *shard)
{
    if (!shard->has_thread)
        return;
    pthread_mutex_lock(&shard->lock);
    shard->stopping = true;
    pthread_cond_signal(&shard->wake);
    pthread_mutex_unlock(&shard->lock);
    pthread_join(shard->thread, NULL);
    shard->has_thread = false;
}

void lc_threads_stop(struct lc_store *s)
{
    for (unsigned i = 0; i < s->shard_count; i++)
        stop_committer(&s->shards[i]);
    pthread_mutex_lock(&s->queue_lock);
    atomic_store_explicit(&s->stopping, true, memory_order_relaxed);
    pthread_cond_signal(&s->queue_wake);
    pthread_cond_signal(&s->upkeep_wake);
    pthread_mutex_unlock(&s->queue_lock);
    if (s->has_sealer)
        pthread_join(s->sealer, NULL);
    if (s->has_upkeeper)
        pthread_join(s->upkeeper, NULL);
    s->has_sealer = s->has_upkeeper = false;
}
