/* SPDX-License-Identifier: Apache-2.0
 *
 * store/shard.c - the writer's side of a shard.
 */
#include "store/shard.h"

#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"

static void init_locks(struct lc_shard *shard)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&shard->lock, NULL);
    pthread_mutex_init(&shard->notify_lock, NULL);
    pthread_cond_init(&shard->wake, &attr);
    pthread_condattr_destroy(&attr);
}

lc_err lc_shard_init(struct lc_shard *shard, struct lc_store *store, unsigned number,
                     uint64_t first, uint64_t reserved, uint64_t next_wal)
{
    *shard = (struct lc_shard){
        .store = store,
        .number = number,
        .next = first,
        .may_give = reserved,
        .told = first - 1,
        .durable_sequence = first - 1,
        .dirty_since = LC_TIME_NEVER,
        .last_turn = {INT64_MIN / 2},
    };
    lc_err e = lc_set_new(number, store->set_octets, &shard->active);
    if (e != LC_OK)
        return e;
    atomic_init(&shard->committed, first - 1);
    atomic_init(&shard->reserved, reserved);
    atomic_init(&shard->step, reserved - first);
    shard->current = lc_set_ref(shard->active);
    lc_wal_init(&shard->wal, store->disk, store->wal_path, store->manifest.state.store, number,
                next_wal);
    init_locks(shard);
    return LC_OK;
}

void lc_shard_done(struct lc_shard *shard)
{
    lc_wal_done(&shard->wal);
    lc_set_unref(shard->active);
    lc_set_unref(shard->current);
    lc_set_unref(shard->successor);
    lc_set_unref(atomic_load_explicit(&shard->spare, memory_order_acquire));
    pthread_mutex_destroy(&shard->lock);
    pthread_mutex_destroy(&shard->notify_lock);
    pthread_cond_destroy(&shard->wake);
}

static void count(atomic_uint_fast64_t *counter)
{
    /* One thread counts, others only look: no locked instruction for each record. */
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + 1, memory_order_relaxed);
}

/* ---- appending ---- */

/* Nothing can be taken for now; notify when there is room again. While seals fail there may be none
 * for long: the sender is better told. */
static lc_err wait_for_room(struct lc_shard *shard)
{
    shard->writer_waits = true;
    return atomic_load_explicit(&shard->store->seals_fail, memory_order_relaxed) ? LC_EFULL
                                                                                 : LC_EWAIT;
}

static lc_err new_active_set(struct lc_shard *shard, struct lc_set **ret)
{
    struct lc_set *set = atomic_exchange_explicit(&shard->spare, NULL, memory_order_acquire);
    if (set == NULL)
        return lc_set_new(shard->number, shard->store->set_octets, ret);
    *ret = set;
    return LC_OK;
}

lc_err lc_shard_rotate(struct lc_shard *shard)
{
    if (lc_set_mark_eq(lc_set_appended(shard->active), (struct lc_set_mark){0}))
        return LC_EEND;
    pthread_mutex_lock(&shard->lock);
    lc_err e = shard->closed > 0 ? wait_for_room(shard) : LC_OK;
    pthread_mutex_unlock(&shard->lock);
    if (e != LC_OK)
        return e;
    struct lc_set *set;
    if (new_active_set(shard, &set) != LC_OK)
        return LC_EFULL;
    lc_set_unref(shard->active);
    shard->active = set;
    pthread_mutex_lock(&shard->lock);
    shard->successor = lc_set_ref(set);
    shard->closed++;
    shard->urgent = true;
    pthread_cond_signal(&shard->wake);
    pthread_mutex_unlock(&shard->lock);
    return LC_OK;
}

static lc_err look_up_reservation(struct lc_shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    shard->may_give = atomic_load_explicit(&shard->reserved, memory_order_acquire);
    lc_err e = shard->next < shard->may_give ? LC_OK : wait_for_room(shard);
    pthread_mutex_unlock(&shard->lock);
    return e;
}

/* LC_OK: there is room again just now. */
static lc_err wait_for_release(struct lc_shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    lc_err e = LC_OK;
    if (atomic_load_explicit(&shard->store->spool_full, memory_order_acquire))
        e = wait_for_room(shard);
    pthread_mutex_unlock(&shard->lock);
    return e;
}

static bool works(struct lc_shard *shard)
{
    return LC_LIKELY(atomic_load_explicit(&shard->disk, memory_order_acquire) == LC_SHARD_WORKS);
}

static lc_err append(struct lc_shard *shard, const struct lc_record *r,
                     const struct lc_set_from *from)
{
    if (!works(shard))
        return LC_EFULL;
    lc_err e = LC_OK;
    if (LC_UNLIKELY(atomic_load_explicit(&shard->store->spool_full, memory_order_relaxed)))
        e = wait_for_release(shard);
    if (e == LC_OK && LC_UNLIKELY(shard->next == shard->may_give))
        e = look_up_reservation(shard);
    if (LC_UNLIKELY(e != LC_OK))
        return e;
    e = lc_set_append(shard->active, shard->next, r, from);
    if (LC_LIKELY(e != LC_EWAIT))
        return e;
    e = lc_shard_rotate(shard);
    return e == LC_OK ? lc_set_append(shard->active, shard->next, r, from) : e;
}

/* Counts what came of it, and gives the id. */
static lc_err appended(struct lc_shard *shard, lc_err e, uint64_t *ret_id)
{
    if (LC_LIKELY(e == LC_OK)) {
        *ret_id = lc_id_make(shard->next++, shard->number);
        count(&shard->appended);
        return LC_OK;
    }
    if (e == LC_EWAIT)
        count(&shard->waits);
    else
        count(&shard->refused);
    return e == -ENOMEM ? LC_EFULL : e;
}

lc_err lc_shard_append(struct lc_shard *shard, const struct lc_record *r, uint64_t *ret_id)
{
    return appended(shard, append(shard, r, NULL), ret_id);
}

/* A sender that is new to the set has to be admitted to the store's table. */
static lc_err admit(struct lc_shard *shard, const struct lc_set_from *from)
{
    return lc_set_knows(shard->active, from) ? LC_OK
                                             : lc_store_admit_sender(shard->store, from->id);
}

lc_err lc_shard_append_from(struct lc_shard *shard, const struct lc_record *r,
                            const struct lc_sender_id *sender, const struct lc_sender_position *at,
                            uint64_t *ret_id)
{
    struct lc_set_from from = {sender, *at};
    lc_err e = admit(shard, &from);
    if (e == LC_OK)
        e = append(shard, r, &from);
    return appended(shard, e, ret_id);
}

static lc_err move(struct lc_shard *shard, const struct lc_set_from *from)
{
    if (!works(shard))
        return LC_EFULL;
    lc_err e = lc_set_move(shard->active, from);
    if (e != LC_EWAIT)
        return e;
    e = lc_shard_rotate(shard);
    return e == LC_OK ? lc_set_move(shard->active, from) : e;
}

lc_err lc_shard_move_sender(struct lc_shard *shard, const struct lc_sender_id *sender,
                            const struct lc_sender_position *at)
{
    struct lc_set_from from = {sender, *at};
    lc_err e = admit(shard, &from);
    if (e == LC_OK)
        e = move(shard, &from);
    return e == -ENOMEM ? LC_EFULL : e;
}

void lc_shard_flush(struct lc_shard *shard, bool urgent)
{
    pthread_mutex_lock(&shard->lock);
    bool news = !shard->flushed || (urgent && !shard->urgent);
    shard->flushed = true;
    shard->urgent |= urgent;
    if (news)
        pthread_cond_signal(&shard->wake);
    pthread_mutex_unlock(&shard->lock);
}

/* ---- what became of it ---- */

/* Whether a sender had moved in it since. */
static bool truncate(struct lc_set *set)
{
    bool moved = lc_set_appended(set).moves > lc_set_committed_mark(set).moves;
    lc_set_truncate(set);
    return moved;
}

/* The committer has given up, and waits: the sets are ours. True: something was dropped. */
static bool drop_uncommitted(struct lc_shard *shard, uint64_t committed)
{
    bool moved = shard->active != shard->current && truncate(shard->active);
    moved = truncate(shard->current) || moved;
    uint64_t dropped = shard->next - 1 - committed;
    uint64_t refused = atomic_load_explicit(&shard->refused, memory_order_relaxed);
    atomic_store_explicit(&shard->refused, refused + dropped, memory_order_relaxed);
    shard->next = committed + 1;
    pthread_mutex_lock(&shard->lock);
    atomic_store_explicit(&shard->disk, LC_SHARD_BROKEN, memory_order_release);
    pthread_cond_signal(&shard->wake);
    pthread_mutex_unlock(&shard->lock);
    return dropped > 0 || moved;
}

/* A set that cannot be closed yet will be asked for again. */
static void rotate_if_wanted(struct lc_shard *shard)
{
    if (LC_UNLIKELY(atomic_load_explicit(&shard->wants_rotation, memory_order_relaxed)) &&
        atomic_exchange_explicit(&shard->wants_rotation, false, memory_order_relaxed))
        (void)!lc_shard_rotate(shard);
}

bool lc_shard_outcome(struct lc_shard *shard, struct lc_outcome *ret)
{
    rotate_if_wanted(shard);
    bool refuses = atomic_load_explicit(&shard->disk, memory_order_acquire) == LC_SHARD_REFUSES;
    uint64_t committed = atomic_load_explicit(&shard->committed, memory_order_acquire);
    if (committed > shard->told) {
        shard->told = committed;
        *ret = (struct lc_outcome){lc_id_make(committed, shard->number), LC_OK};
        return true;
    }
    if (!refuses)
        return false;
    uint64_t last = shard->next - 1;
    *ret = (struct lc_outcome){lc_id_make(last, shard->number), LC_EFULL};
    return drop_uncommitted(shard, committed);
}

void lc_shard_on_progress(struct lc_shard *shard, void (*notify)(void *arg), void *arg)
{
    pthread_mutex_lock(&shard->notify_lock);
    shard->notify = notify;
    shard->notify_arg = arg;
    pthread_mutex_unlock(&shard->notify_lock);
}

void lc_shard_notify(struct lc_shard *shard)
{
    pthread_mutex_lock(&shard->notify_lock);
    if (shard->notify != NULL)
        shard->notify(shard->notify_arg);
    pthread_mutex_unlock(&shard->notify_lock);
}

void lc_shard_close_soon(struct lc_shard *shard)
{
    atomic_store_explicit(&shard->wants_rotation, true, memory_order_relaxed);
    lc_shard_notify(shard);
}

void lc_shard_wake_writer(struct lc_shard *shard, bool sealed)
{
    pthread_mutex_lock(&shard->lock);
    if (sealed)
        shard->closed--;
    bool waits = shard->writer_waits;
    shard->writer_waits = false;
    pthread_mutex_unlock(&shard->lock);
    if (waits)
        lc_shard_notify(shard);
}
