/* SPDX-License-Identifier: Apache-2.0
 *
 * store/snapshot.c - what a snapshot holds, counted.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/page.h"

unsigned lc_snapshot_shards(const struct lc_snapshot *snap)
{
    return snap->version->shard_count;
}

unsigned lc_id_shard(uint64_t id)
{
    return id & ((1u << LC_ID_SHARD_BITS) - 1);
}

uint64_t lc_snapshot_end(const struct lc_snapshot *snap, unsigned shard)
{
    const struct lc_version *v = snap->version;
    LC_ASSERT(shard < v->shard_count);
    uint64_t end = v->shard_ends[shard];
    for (size_t i = 0; i < v->set_count; i++) {
        if (snap->set_rows[i] == 0 || lc_set_shard(v->sets[i]) != shard)
            continue;
        uint64_t last = lc_set_entry(v->sets[i], snap->set_rows[i] - 1).id;
        if (last > end)
            end = last;
    }
    return end;
}

uint64_t lc_snapshot_sealed(const struct lc_snapshot *snap, unsigned shard)
{
    LC_ASSERT(shard < snap->version->shard_count);
    return snap->version->shard_ends[shard];
}

uint64_t lc_snapshot_count(const struct lc_snapshot *snap)
{
    const struct lc_version *v = snap->version;
    uint64_t count = 0;
    for (size_t i = 0; i < v->set_count; i++)
        count += snap->set_rows[i];
    for (size_t i = 0; i < v->segment_count; i++)
        count += lc_segment_meta(v->segments[i])->records;
    return count;
}

/* ---- missing: what was given less what is there ---- */

/* Sequences in (after, end] that were given to a record. */
static uint64_t count_given(const struct lc_version *v, unsigned shard, uint64_t after,
                            uint64_t end)
{
    uint64_t first = lc_id_sequence(after) + 1;
    uint64_t last = lc_id_sequence(end);
    uint64_t given = last - first + 1;
    for (size_t i = 0; i < v->gap_count; i++) {
        const struct lc_id_gap *gap = &v->gaps[i];
        if (gap->shard != shard)
            continue;
        uint64_t gap_first = lc_id_sequence(gap->first);
        uint64_t gap_last = lc_id_sequence(gap->last);
        if (gap_first < first)
            gap_first = first;
        if (gap_last > last)
            gap_last = last;
        if (gap_first <= gap_last)
            given -= gap_last - gap_first + 1;
    }
    return given;
}

/* Rows of a set after `after`: ids ascend. */
static uint64_t count_in_set(const struct lc_set *set, uint32_t rows, uint64_t after)
{
    uint32_t low = 0;
    uint32_t high = rows;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (lc_set_entry(set, middle).id > after)
            high = middle;
        else
            low = middle + 1;
    }
    return rows - low;
}

struct count {
    unsigned shard;
    uint64_t after;
    uint64_t stored;
    struct lc_decoder *decoder; /* both made when a block must be looked into */
    struct lc_page *page;
};

static lc_err make_page(struct count *c)
{
    if (c->page != NULL)
        return LC_OK;
    c->decoder = lc_decoder_new();
    if (c->decoder != NULL)
        c->page = lc_page_new(c->decoder);
    return c->page == NULL ? -ENOMEM : LC_OK;
}

static lc_err count_in_block(struct count *c, struct lc_segment_index *index, uint32_t block)
{
    lc_err e = make_page(c);
    if (e != LC_OK)
        return e;
    lc_page_open_block(c->page, index, 0, block);
    struct lc_batch *b = lc_page_batch(c->page);
    e = lc_batch_load(b, LC_COL_TIME);
    for (size_t row = 0; row < b->count && e == LC_OK; row++) {
        uint64_t id = lc_batch_id(b, row);
        c->stored += lc_id_shard(id) == c->shard && id > c->after;
    }
    return e;
}

/* What cannot be read any more is still counted as stored: it has not been removed, and a scan
 * tells of it. */
static void count_in_share(struct count *c, struct lc_segment_index *index, uint32_t block,
                           const struct lc_segment_shard *share)
{
    if (share->shard != c->shard || share->max_id <= c->after)
        return;
    if (share->min_id > c->after || count_in_block(c, index, block) != LC_OK)
        c->stored += share->records;
}

static void count_in_straddling(struct count *c, struct lc_segment *segment, uint64_t records)
{
    struct lc_segment_index *index;
    if (lc_segment_index_load(segment, &index, NULL) != LC_OK) {
        c->stored += records;
        return;
    }
    for (uint32_t block = 0; block < index->block_count; block++) {
        const struct lc_block *b = &index->blocks[block];
        for (uint32_t i = 0; i < b->share_count; i++)
            count_in_share(c, index, block, &index->shares[b->first_share + i]);
    }
    lc_segment_index_unref(index);
}

static void count_in_segment(struct count *c, struct lc_segment *segment)
{
    const struct lc_segment_meta *m = lc_segment_meta(segment);
    for (unsigned i = 0; i < m->shard_count; i++) {
        const struct lc_segment_shard *s = &m->shards[i];
        if (s->shard != c->shard || s->max_id <= c->after)
            continue;
        if (s->min_id > c->after)
            c->stored += s->records;
        else
            count_in_straddling(c, segment, s->records);
    }
}

uint64_t lc_snapshot_missing(const struct lc_snapshot *snap, unsigned shard, uint64_t after)
{
    const struct lc_version *v = snap->version;
    uint64_t end = lc_snapshot_end(snap, shard);
    if (after >= end || v->retired_max_id[shard] <= after)
        return 0;
    struct count c = {.shard = shard, .after = after};
    for (size_t i = 0; i < v->set_count; i++)
        if (lc_set_shard(v->sets[i]) == shard)
            c.stored += count_in_set(v->sets[i], snap->set_rows[i], after);
    for (size_t i = 0; i < v->segment_count; i++)
        count_in_segment(&c, v->segments[i]);
    lc_page_free(c.page);
    lc_decoder_free(c.decoder);
    uint64_t given = count_given(v, shard, after, end);
    return given > c.stored ? given - c.stored : 0;
}
