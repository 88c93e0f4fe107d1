/* SPDX-License-Identifier: Apache-2.0
 *
 * store/spool.c - a store that holds records until they are released: how full it is, and what may
 * go.
 */
#include "store/internal.h"

bool lc_spool_is_released(const struct lc_store *s, uint64_t id)
{
    return id <= atomic_load_explicit(&s->released[lc_id_shard(id)], memory_order_acquire);
}

bool lc_spool_has_released(const struct lc_store *s, const struct lc_segment *segment)
{
    const struct lc_segment_meta *m = lc_segment_meta(segment);
    for (unsigned i = 0; i < m->shard_count; i++)
        if (!lc_spool_is_released(s, m->shards[i].max_id))
            return false;
    return true;
}

void lc_spool_weigh(struct lc_store *s)
{
    if (s->config.spool_octets == 0)
        return;
    /* who has changed a figure weighs after it: so the last one sees all */
    pthread_mutex_lock(&s->spool_lock);
    uint64_t used = atomic_load_explicit(&s->wal_octets, memory_order_acquire) +
                    atomic_load_explicit(&s->segment_octets, memory_order_acquire);
    bool full = used >= s->config.spool_octets;
    bool was_full = atomic_exchange_explicit(&s->spool_full, full, memory_order_acq_rel);
    pthread_mutex_unlock(&s->spool_lock);
    for (unsigned i = 0; was_full && !full && i < s->shard_count; i++)
        lc_shard_wake_writer(&s->shards[i], false);
    if (full && !was_full)
        lc_upkeep_wake(s);
}

void lc_store_release(struct lc_store *s, unsigned shard, uint64_t upto_id)
{
    LC_ASSERT(shard < LC_SHARDS_MAX);
    _Atomic(uint64_t) *released = &s->released[shard];
    uint64_t before = atomic_load_explicit(released, memory_order_relaxed);
    while (before < upto_id)
        if (atomic_compare_exchange_weak_explicit(released, &before, upto_id, memory_order_acq_rel,
                                                  memory_order_relaxed)) {
            lc_upkeep_wake(s);
            break;
        }
}
