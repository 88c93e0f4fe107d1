/* SPDX-License-Identifier: Apache-2.0
 *
 * store/commit.c - the committer's side of a shard: groups, failures, the thread.
 */
#include <time.h>

#include "store/internal.h"

#define COMMIT_WAIT_MS 5    /* at most this long by choice, when nobody waits for an answer */
#define SYNC_WAIT_MS   1000 /* ack = written: so much may be lost with the power */
#define RETRY_MS       500

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static bool is_closed(struct lc_shard *shard)
{
    pthread_mutex_lock(&shard->lock);
    bool closed = shard->successor != NULL;
    pthread_mutex_unlock(&shard->lock);
    return closed;
}

/* The last sequence in front of a mark that is not below what is durable. */
static uint64_t sequence_before(const struct lc_shard *shard, struct lc_set_mark mark)
{
    return mark.rows == 0 ? shard->durable_sequence
                          : lc_id_sequence(lc_set_entry(shard->current, mark.rows - 1).id);
}

/* Goes on to the next set when this one is closed and durable. LC_EEND: it is not. */
static lc_err advance(struct lc_shard *shard)
{
    if (!is_closed(shard) || !lc_set_mark_eq(shard->durable, lc_set_appended(shard->current)))
        return LC_EEND;
    lc_err e = lc_seal_later(shard->store, shard->number, shard->current, shard->wal.next_number,
                             shard->set_octets);
    if (e != LC_OK)
        return e;
    shard->set_octets = 0;
    lc_wal_end(&shard->wal);
    pthread_mutex_lock(&shard->lock);
    shard->current = shard->successor;
    shard->successor = NULL;
    pthread_mutex_unlock(&shard->lock);
    shard->written = shard->durable = (struct lc_set_mark){0};
    shard->is_visible = false;
    return LC_OK;
}

/* Before the first record of a set is committed, readers must know of the set. */
static lc_err make_visible(struct lc_shard *shard)
{
    if (shard->is_visible)
        return LC_OK;
    struct lc_version_change change = {.add_set = shard->current};
    lc_err e = lc_store_publish(shard->store, &change);
    shard->is_visible = e == LC_OK;
    return e;
}

/* ---- a group ---- */

static lc_err sync_file(struct lc_shard *shard)
{
    lc_err e = lc_wal_sync(&shard->wal);
    if (e != LC_OK) {
        add(&shard->sync_errors, 1);
        return e;
    }
    shard->durable = shard->written;
    shard->durable_sequence = sequence_before(shard, shard->durable);
    shard->dirty_since = LC_TIME_NEVER;
    return LC_OK;
}

/* Everything before `to` goes into the file; with `sync` it is durable then. */
static lc_err write_group(struct lc_shard *shard, struct lc_set_mark to, bool sync)
{
    lc_err e = LC_OK;
    if (shard->wal.file == NULL)
        e = lc_wal_begin(&shard->wal, shard->durable_sequence);
    uint64_t from = shard->wal.offset;
    if (e == LC_OK && !lc_set_mark_eq(to, shard->written))
        e = lc_wal_write(&shard->wal, shard->current, shard->written, to,
                         sequence_before(shard, shard->written));
    if (e != LC_OK) {
        add(&shard->write_errors, 1);
        return e;
    }
    add(&shard->synced_octets, shard->wal.offset - from);
    shard->set_octets += shard->wal.offset - from;
    atomic_fetch_add_explicit(&shard->store->wal_octets, shard->wal.offset - from,
                              memory_order_acq_rel);
    lc_spool_weigh(shard->store);
    shard->written = to;
    if (sync)
        return sync_file(shard);
    if (shard->dirty_since.ns == LC_TIME_NEVER.ns)
        shard->dirty_since = lc_monotonic(shard->store->clock);
    return LC_OK;
}

/* After a failure the file is not touched again: what is not durable goes into another one. It
 * stays when something in it was acknowledged; else a disk that is full for long would be filled
 * with files of no use. */
static void leave_file(struct lc_shard *shard)
{
    bool counts =
        shard->wal.counts || !lc_set_mark_eq(lc_set_committed_mark(shard->current), shard->durable);
    if (shard->wal.file != NULL && counts)
        lc_wal_end(&shard->wal);
    else if (shard->wal.file != NULL)
        lc_wal_abandon(&shard->wal);
    shard->written = shard->durable;
}

static lc_err write_or_refuse(struct lc_shard *shard, struct lc_set_mark to, bool sync)
{
    lc_err e = write_group(shard, to, sync);
    if (e == LC_OK)
        return LC_OK;
    leave_file(shard);
    e = write_group(shard, to, sync);
    if (e == LC_OK)
        return LC_OK;
    leave_file(shard);
    atomic_store_explicit(&shard->disk, LC_SHARD_REFUSES, memory_order_release);
    lc_shard_notify(shard);
    return e;
}

static void watch_reservation(struct lc_shard *shard, uint64_t committed)
{
    uint64_t reserved = atomic_load_explicit(&shard->reserved, memory_order_relaxed);
    uint64_t step = atomic_load_explicit(&shard->step, memory_order_relaxed);
    if (reserved - committed > step / 2 ||
        atomic_exchange_explicit(&shard->wants_reserve, true, memory_order_relaxed))
        return;
    lc_seal_wake(shard->store);
}

static lc_err commit_group(struct lc_shard *shard, struct lc_set_mark to)
{
    lc_err e = make_visible(shard);
    if (e != LC_OK)
        return e;
    e = write_or_refuse(shard, to, !shard->store->config.ack_written);
    if (e != LC_OK)
        return e;
    uint64_t last = sequence_before(shard, to);
    struct lc_set_mark from = lc_set_committed_mark(shard->current);
    add(&shard->committed_count, to.rows - from.rows);
    lc_set_commit(shard->current, to);
    /* before anybody hears of the commit, who may ask for it */
    lc_store_move_senders(shard->store, shard->current, from.moves, to.moves);
    atomic_store_explicit(&shard->committed, last, memory_order_release);
    add(&shard->groups, 1);
    watch_reservation(shard, last);
    lc_shard_notify(shard);
    lc_store_tell_watchers(shard->store);
    return LC_OK;
}

/* The disk failed, and the writer has dropped what it refused: does a new file work? */
static lc_err mend(struct lc_shard *shard)
{
    lc_err e = write_group(shard, lc_set_committed_mark(shard->current), true);
    if (e != LC_OK) {
        leave_file(shard);
        return e;
    }
    atomic_store_explicit(&shard->disk, LC_SHARD_WORKS, memory_order_release);
    lc_shard_notify(shard);
    return LC_OK;
}

lc_err lc_shard_commit(struct lc_shard *shard)
{
    int disk = atomic_load_explicit(&shard->disk, memory_order_acquire);
    if (disk == LC_SHARD_REFUSES)
        return LC_EEND;
    shard->last_turn = lc_monotonic(shard->store->clock);
    lc_err advanced = advance(shard);
    if (advanced != LC_OK && advanced != LC_EEND)
        return advanced;
    if (disk == LC_SHARD_BROKEN)
        return mend(shard);
    bool closed = is_closed(shard);
    struct lc_set_mark to = lc_set_appended(shard->current);
    if (!lc_set_mark_eq(to, shard->written))
        return commit_group(shard, to);
    if (closed && !lc_set_mark_eq(to, shard->durable))
        return write_or_refuse(shard, to, true);
    return advanced;
}

lc_err lc_shard_sync(struct lc_shard *shard)
{
    if (atomic_load_explicit(&shard->disk, memory_order_acquire) != LC_SHARD_WORKS ||
        lc_set_mark_eq(shard->durable, shard->written))
        return LC_EEND;
    return write_or_refuse(shard, shard->written, true);
}

/* ---- the thread ---- */

/* When the committer should be at work again, as things are. Under the lock. */
static struct lc_time next_turn(const struct lc_shard *shard, bool failed)
{
    static const struct lc_time now = {INT64_MIN};
    if (shard->stopping)
        return now;
    int disk = atomic_load_explicit(&shard->disk, memory_order_relaxed);
    if (disk == LC_SHARD_REFUSES)
        return LC_TIME_NEVER;
    if (failed || disk == LC_SHARD_BROKEN)
        return lc_time_add_ms(shard->last_turn, RETRY_MS);
    if (shard->urgent || shard->successor != NULL)
        return now;
    struct lc_time turn = LC_TIME_NEVER;
    if (shard->dirty_since.ns != LC_TIME_NEVER.ns)
        turn = lc_time_add_ms(shard->dirty_since, SYNC_WAIT_MS);
    struct lc_time commit = lc_time_add_ms(shard->last_turn, COMMIT_WAIT_MS);
    return shard->flushed && commit.ns < turn.ns ? commit : turn;
}

/* True: the thread is to end. */
static bool wait_for_turn(struct lc_shard *shard, bool failed)
{
    pthread_mutex_lock(&shard->lock);
    for (;;) {
        struct lc_time turn = next_turn(shard, failed);
        if (lc_time_reached(turn, lc_monotonic(shard->store->clock)))
            break;
        if (turn.ns == LC_TIME_NEVER.ns) {
            pthread_cond_wait(&shard->wake, &shard->lock);
            continue;
        }
        struct timespec at = {turn.ns / LC_NS_PER_S, turn.ns % LC_NS_PER_S};
        pthread_cond_timedwait(&shard->wake, &shard->lock, &at);
    }
    shard->flushed = shard->urgent = false;
    bool stopping = shard->stopping;
    pthread_mutex_unlock(&shard->lock);
    return stopping;
}

void lc_shard_finish(struct lc_shard *shard)
{
    while (lc_shard_commit(shard) == LC_OK)
        ;
    while (lc_shard_sync(shard) == LC_OK)
        ;
}

void *lc_shard_committer(void *arg)
{
    struct lc_shard *shard = arg;
    lc_err e = LC_OK;
    while (!wait_for_turn(shard, e != LC_OK && e != LC_EEND)) {
        e = lc_shard_commit(shard);
        struct lc_time due = lc_time_add_ms(shard->dirty_since, SYNC_WAIT_MS);
        if (shard->dirty_since.ns != LC_TIME_NEVER.ns &&
            lc_time_reached(due, lc_monotonic(shard->store->clock)))
            e = lc_shard_sync(shard);
    }
    lc_shard_finish(shard);
    return NULL;
}
