/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check_segment.c - one segment: its ends, then every block, column and row.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/check_impl.h"
#include "store/page.h"

struct checking {
    struct lc_check *check;
    struct lc_segment *segment;
    struct lc_segment_index *index;
    struct lc_page *page;
    char file[32];
    uint64_t doubled;
};

static bool same_shard(const struct lc_segment_shard *a, const struct lc_segment_shard *b)
{
    return a->shard == b->shard && a->records == b->records && a->min_id == b->min_id &&
           a->max_id == b->max_id;
}

static bool same_meta(const struct lc_segment_meta *a, const struct lc_segment_meta *b)
{
    if (a->level != b->level || a->octets != b->octets || a->records != b->records ||
        a->min_time_ns != b->min_time_ns || a->max_time_ns != b->max_time_ns ||
        a->min_received_ns != b->min_received_ns || a->max_received_ns != b->max_received_ns ||
        a->shard_count != b->shard_count)
        return false;
    for (unsigned i = 0; i < a->shard_count; i++)
        if (!same_shard(&a->shards[i], &b->shards[i]))
            return false;
    return true;
}

/* ---- rows ---- */

/* What the footer says of a block and its rows say otherwise: counts and ranges of ids by shard,
 * and the range of times. */
static bool rows_agree(const struct checking *k, const struct lc_block *block,
                       const struct lc_batch *b)
{
    const struct lc_segment_shard *shares = k->index->shares + block->first_share;
    for (uint32_t i = 0; i < block->share_count; i++) {
        uint64_t records = 0, min = UINT64_MAX, max = 0;
        for (size_t row = 0; row < b->count; row++) {
            uint64_t id = b->ids[row];
            if (lc_id_shard(id) != shares[i].shard)
                continue;
            records++;
            min = id < min ? id : min;
            max = id > max ? id : max;
        }
        const struct lc_segment_shard found = {shares[i].shard, records, min, max};
        if (!same_shard(&found, &shares[i]))
            return false;
    }
    for (size_t row = 0; row < b->count; row++)
        if (b->times[row] < block->min_time_ns || b->times[row] > block->max_time_ns)
            return false;
    return true;
}

static lc_err see_rows(struct checking *k, const struct lc_batch *b)
{
    for (size_t row = 0; row < b->count; row++) {
        bool is_new;
        lc_err e = lc_seen_add(&k->check->seen, b->ids[row], &is_new);
        if (e != LC_OK)
            return e;
        k->doubled += !is_new;
    }
    return LC_OK;
}

/* ---- blocks ---- */

static void tell_block(struct checking *k, const struct lc_block *block, lc_err e)
{
    struct lc_damage d = {
        .kind = LC_DAMAGE_BLOCK,
        .file = k->file,
        .offset = block->offset,
        .octets = block->octets,
        .records = block->rows,
        .parts = k->index->shares + block->first_share,
        .part_count = block->share_count,
        .min_time_ns = block->min_time_ns,
        .max_time_ns = block->max_time_ns,
    };
    lc_check_tell(k->check, &d, "a block cannot be read: %s", lc_strerror(e));
}

static lc_err check_block(struct checking *k, uint32_t number)
{
    const struct lc_block *block = &k->index->blocks[number];
    const struct lc_page_column *columns;
    size_t count;
    lc_page_open_block(k->page, k->index, 0, number);
    struct lc_batch *b = lc_page_batch(k->page);
    lc_err e = lc_page_stored(k->page, &columns, &count);
    if (e == LC_OK)
        e = lc_batch_load(b, LC_COL_ALL);
    lc_check_progress(k->check, block->octets);
    if (lc_check_is_damage(e)) {
        tell_block(k, block, e);
        return LC_OK;
    }
    if (e != LC_OK)
        return e;
    if (!rows_agree(k, block, b)) {
        const struct lc_damage d = {.kind = LC_DAMAGE_SUMS,
                                    .file = k->file,
                                    .offset = block->offset,
                                    .octets = block->octets,
                                    .min_time_ns = 1};
        lc_check_tell(k->check, &d, "the footer says other ids or times of a block than its rows");
    }
    k->check->report->segment_records += b->count;
    lc_check_times(k->check, block->min_time_ns, block->max_time_ns);
    return see_rows(k, b);
}

static lc_err check_blocks(struct checking *k)
{
    struct lc_decoder *decoder = lc_decoder_new();
    k->page = decoder != NULL ? lc_page_new(decoder) : NULL;
    lc_err e = k->page != NULL ? LC_OK : -ENOMEM;
    for (uint32_t i = 0; i < k->index->block_count && e == LC_OK; i++)
        e = check_block(k, i);
    lc_page_free(k->page);
    lc_decoder_free(decoder);
    if (e == LC_OK && k->doubled > 0 && k->check->has_state) {
        const struct lc_damage d = {.kind = LC_DAMAGE_DOUBLE, .file = k->file, .min_time_ns = 1};
        lc_check_tell(k->check, &d, "%" PRIu64 " of its records are also in other segments",
                      k->doubled);
    }
    return e;
}

/* ---- the whole ---- */

static void tell_unreadable(struct checking *k, const struct lc_segment_meta *expected,
                            const struct lc_diag *why, lc_err e)
{
    struct lc_damage d = {.kind = LC_DAMAGE_SEGMENT, .file = k->file, .min_time_ns = 1};
    if (expected != NULL) {
        d.records = expected->records;
        d.parts = expected->shards;
        d.part_count = expected->shard_count;
        d.min_time_ns = expected->min_time_ns;
        d.max_time_ns = expected->max_time_ns;
        lc_check_progress(k->check, expected->octets);
    }
    /* it begins with the path, which is told already */
    const char *text = e == LC_ECORRUPT ? strstr(why->text, ".seg: ") : NULL;
    lc_check_tell(k->check, &d, "%s", text != NULL ? text + strlen(".seg: ") : lc_strerror(e));
}

static lc_err check_open(struct checking *k, const struct lc_segment_meta *expected)
{
    const struct lc_segment_meta *m = lc_segment_meta(k->segment);
    k->check->report->segments++;
    k->check->report->segment_octets += m->octets;
    if (expected != NULL && !same_meta(m, expected)) {
        const struct lc_damage d = {.kind = LC_DAMAGE_SUMS, .file = k->file, .min_time_ns = 1};
        lc_check_tell(k->check, &d, "MANIFEST says otherwise than its footer");
    }
    struct lc_diag why = {{0}, 0, 0};
    lc_err e = lc_segment_index_load(k->segment, &k->index, &why);
    if (lc_check_is_damage(e)) { /* it could be read a moment ago */
        tell_unreadable(k, expected, &why, e);
        return LC_OK;
    }
    if (e == LC_OK)
        e = check_blocks(k);
    return e;
}

lc_err lc_check_segment(struct lc_check *c, uint64_t number, const struct lc_segment_meta *expected)
{
    struct checking k = {.check = c};
    struct lc_diag why = {{0}, 0, 0};
    snprintf(k.file, sizeof k.file, "seg/%016" PRIx64 ".seg", number);
    lc_err e = lc_segment_open(c->disk, c->seg_path, number, &k.segment, &why);
    if (e == LC_OK) {
        e = check_open(&k, expected);
        lc_segment_index_unref(k.index);
        lc_segment_unref(k.segment);
    } else if (lc_check_is_damage(e) || e == -ENOENT) {
        tell_unreadable(&k, expected, &why, e);
        return LC_OK;
    }
    if (e != LC_OK)
        lc_diag_set(c->diag, "%s/%s: %s", c->dir_path, k.file,
                    why.text[0] != '\0' ? why.text : lc_strerror(e));
    return e;
}
