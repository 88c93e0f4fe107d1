/* SPDX-License-Identifier: Apache-2.0
 *
 * store/repair_segment.c - what can be read of one segment, and of no other, written anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/array.h"
#include "store/page.h"
#include "store/repair_impl.h"

struct salvage {
    struct lc_repair *repair;
    struct lc_segment *segment;
    struct lc_segment_index *index;
    struct lc_page *page;
    struct lc_segment_writer *writer;  /* NULL: rows are only counted */
    uint64_t wanted, doubled, damaged; /* rows; blocks */
};

static void note_meta(uint64_t *sequences, struct lc_repair *r, const struct lc_segment_meta *m)
{
    for (unsigned i = 0; i < m->shard_count; i++) {
        unsigned shard = m->shards[i].shard;
        uint64_t last = lc_id_sequence(m->shards[i].max_id);
        sequences[shard] = last > sequences[shard] ? last : sequences[shard];
        r->shard_count = shard >= r->shard_count ? shard + 1 : r->shard_count;
    }
}

static lc_err drop(struct lc_repair *r, uint64_t number)
{
    uint64_t *more = lc_array_more(r->dropped, r->dropped_count, sizeof *more);
    if (more == NULL)
        return -ENOMEM;
    r->dropped = more;
    r->dropped[r->dropped_count++] = number;
    if (r->has_state && lc_manifest_segment(&r->manifest.state, number) != NULL)
        lc_edit_remove_segment(&r->segments, number);
    return LC_OK;
}

static lc_err write_row(struct salvage *s, const struct lc_batch *b, size_t row)
{
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record rec;
    bool is_new;
    lc_batch_record(b, row, fields, &rec);
    lc_err e = lc_seen_add(&s->repair->seen, rec.id, &is_new);
    return e == LC_OK && is_new ? lc_segment_writer_add(s->writer, &rec) : e;
}

static lc_err each_row(struct salvage *s, const struct lc_batch *b)
{
    lc_err e = LC_OK;
    for (size_t row = 0; row < b->count && e == LC_OK; row++) {
        bool is_doubled = lc_seen_has(&s->repair->seen, b->ids[row]);
        s->doubled += is_doubled;
        s->wanted += !is_doubled;
        if (s->writer != NULL)
            e = write_row(s, b, row);
    }
    return e;
}

static lc_err each_block(struct salvage *s)
{
    s->wanted = s->doubled = s->damaged = 0;
    for (uint32_t i = 0; i < s->index->block_count; i++) {
        const struct lc_page_column *columns;
        size_t count;
        lc_page_open_block(s->page, s->index, 0, i);
        struct lc_batch *b = lc_page_batch(s->page);
        lc_err e = lc_page_stored(s->page, &columns, &count);
        if (e == LC_OK)
            e = lc_batch_load(b, LC_COL_ALL);
        if (lc_check_is_damage(e)) {
            s->damaged++;
            continue;
        }
        if (e == LC_OK)
            e = each_row(s, b);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

/* It stays as it is: from now on its ids are taken. */
static lc_err take(struct salvage *s, const struct lc_segment_meta *expected)
{
    struct lc_repair *r = s->repair;
    const struct lc_segment_meta *m = lc_segment_meta(s->segment);
    for (uint32_t i = 0; i < s->index->block_count; i++) {
        lc_page_open_block(s->page, s->index, 0, i);
        struct lc_batch *b = lc_page_batch(s->page);
        lc_err e = lc_batch_load(b, LC_COL_TIME);
        for (size_t row = 0; row < b->count && e == LC_OK; row++) {
            bool is_new;
            e = lc_seen_add(&r->seen, b->ids[row], &is_new);
        }
        if (e != LC_OK)
            return e;
    }
    note_meta(r->sealed, r, m);
    if (expected != NULL)
        lc_edit_remove_segment(&r->segments, m->number); /* as its own footer says, not otherwise */
    lc_edit_add_segment(&r->segments, m);
    return LC_OK;
}

static lc_err write_anew(struct salvage *s)
{
    struct lc_repair *r = s->repair;
    lc_err e = lc_segment_writer_new(r->disk, r->seg_path, r->next_number++,
                                     lc_segment_meta(s->segment)->level, &s->writer);
    if (e != LC_OK)
        return e;
    e = each_block(s);
    if (e != LC_OK) {
        lc_segment_writer_abort(s->writer);
        return e;
    }
    struct lc_segment_meta m;
    e = lc_segment_writer_finish(s->writer, &m);
    if (e != LC_OK)
        return e;
    note_meta(r->sealed, r, &m);
    lc_edit_add_segment(&r->segments, &m);
    lc_segment_meta_done(&m);
    r->report->rewritten++;
    return LC_OK;
}

static lc_err keep(struct lc_repair *r, uint64_t number)
{
    char file[32];
    snprintf(file, sizeof file, "seg/%016" PRIx64 ".seg", number);
    return lc_repair_keep(r, file);
}

static lc_err decide(struct salvage *s, const struct lc_segment_meta *expected)
{
    struct lc_repair *r = s->repair;
    const struct lc_segment_meta *m = lc_segment_meta(s->segment);
    lc_err e = each_block(s);
    if (e != LC_OK)
        return e;
    if (s->damaged == 0 && s->doubled == 0)
        return take(s, expected);
    if (s->damaged > 0) {
        note_meta(r->gone, r, m);
        e = keep(r, m->number);
    }
    if (e == LC_OK && s->wanted > 0)
        e = write_anew(s);
    else if (e == LC_OK)
        r->report->dropped++;
    note_meta(r->sealed, r, m);
    return e == LC_OK ? drop(r, m->number) : e;
}

static lc_err salvage(struct salvage *s, const struct lc_segment_meta *expected)
{
    lc_err e = lc_segment_index_load(s->segment, &s->index, NULL);
    struct lc_decoder *decoder = lc_decoder_new();
    s->page = decoder != NULL ? lc_page_new(decoder) : NULL;
    if (e == LC_OK)
        e = s->page != NULL ? decide(s, expected) : -ENOMEM;
    lc_page_free(s->page);
    lc_decoder_free(decoder);
    lc_segment_index_unref(s->index);
    return e;
}

lc_err lc_repair_segment(struct lc_repair *r, uint64_t number,
                         const struct lc_segment_meta *expected)
{
    struct salvage s = {.repair = r};
    lc_err e = lc_segment_open(r->disk, r->seg_path, number, &s.segment, NULL);
    if (e == LC_OK) {
        e = salvage(&s, expected);
        lc_segment_unref(s.segment);
        return e;
    }
    if (!lc_check_is_damage(e) && e != -ENOENT)
        return e;
    if (expected != NULL) {
        note_meta(r->gone, r, expected);
        note_meta(r->sealed, r, expected);
    }
    r->report->dropped++;
    e = keep(r, number);
    return e == LC_OK ? drop(r, number) : e;
}
