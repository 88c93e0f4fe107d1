/* SPDX-License-Identifier: Apache-2.0
 *
 * store/merge.c - several segments to new ones, hour by hour.
 *
 * A block that is about as large as blocks become is taken over as it is stored: encoding it again
 * would cost most of what a record costs in all, and makes it no smaller. What is left of small
 * blocks is merged row by row, in order, into larger ones.
 */
#include "store/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "store/page.h"
#include "store/segment_copy.h"

/* An hour that does not end is cut here all the same. */
#define HOUR_TARGETS_MAX 4u
/* Stream names: a segment that has so many ends, and is left alone, however small it is. */
#define NAME_OCTETS_MAX (UINT64_C(8) << 20)
/* Each level is of eight segments of the one below and more: nothing gets there. */
#define LEVELS 32u

/* One input: before a full block, or at one of its rows. */
struct source {
    struct lc_segment_index *index;
    struct lc_page *page;
    struct lc_segment_copier *copier;
    uint32_t next_block;
    int64_t hour;
    bool is_before_block; /* which is to be copied whole; `row` and `record` mean nothing */
    size_t row;
    struct lc_record record;
};

struct merge {
    const struct lc_merge_config *config;
    struct lc_decoder *decoder;
    struct source sources[LC_MERGE_INPUTS_MAX];
    struct source *heap[LC_MERGE_INPUTS_MAX]; /* the first goes next */
    size_t heap_count;
    unsigned level; /* of the outputs */
    struct lc_segment_writer *writer;
    int64_t hour; /* of what was written last */
    struct lc_merge_outputs *outputs;
    size_t output_cap;
};

/* ---- which ---- */

static bool is_mergeable(const struct lc_segment *s, uint64_t target_octets)
{
    return lc_segment_meta(s)->octets < target_octets && lc_segment_meta(s)->level < LEVELS &&
           lc_segment_name_octets(s) < NAME_OCTETS_MAX && !lc_segment_is_damaged(s);
}

/* The lowest level with enough segments; LEVELS: none. */
static unsigned pick_level(const struct lc_version *v, uint64_t target_octets)
{
    size_t counts[LEVELS] = {0};
    for (size_t i = 0; i < v->segment_count; i++)
        if (is_mergeable(v->segments[i], target_octets))
            counts[lc_segment_meta(v->segments[i])->level]++;
    unsigned level = 0;
    while (level < LEVELS && counts[level] < LC_MERGE_FAN_IN)
        level++;
    return level;
}

/* Keeps the inputs sorted by number, and only the first LC_MERGE_INPUTS_MAX. */
static void insert(struct lc_merge_inputs *in, struct lc_segment *s)
{
    uint64_t number = lc_segment_meta(s)->number;
    size_t at = in->count;
    while (at > 0 && lc_segment_meta(in->segments[at - 1])->number > number)
        at--;
    if (at == LC_MERGE_INPUTS_MAX)
        return;
    if (in->count < LC_MERGE_INPUTS_MAX)
        in->count++;
    for (size_t i = in->count - 1; i > at; i--)
        in->segments[i] = in->segments[i - 1];
    in->segments[at] = s;
}

bool lc_merge_pick(const struct lc_version *v, uint64_t target_octets, struct lc_merge_inputs *ret)
{
    ret->count = 0;
    unsigned level = pick_level(v, target_octets);
    if (level == LEVELS)
        return false;
    for (size_t i = 0; i < v->segment_count; i++)
        if (lc_segment_meta(v->segments[i])->level == level &&
            is_mergeable(v->segments[i], target_octets))
            insert(ret, v->segments[i]);
    return true;
}

/* ---- reading in order ---- */

/* The rows of the block that the page is on, one by one. */
static lc_err begin_rows(struct source *s)
{
    struct lc_batch *b = lc_page_batch(s->page);
    s->is_before_block = false;
    s->row = 0;
    lc_err e = lc_batch_load(b, LC_COL_ALL);
    if (e == LC_OK)
        lc_batch_record(b, 0, NULL, &s->record);
    return e;
}

/* LC_EEND: no more. */
static lc_err next_block(struct merge *m, struct source *s)
{
    if (s->next_block == s->index->block_count)
        return LC_EEND;
    if (atomic_load_explicit(m->config->stop, memory_order_relaxed))
        return -ECANCELED;
    s->hour = lc_hour(s->index->blocks[s->next_block].min_time_ns);
    lc_page_open_block(s->page, s->index, 0, s->next_block++);
    lc_err e = lc_page_is_full(s->page, &s->is_before_block);
    return e == LC_OK && !s->is_before_block ? begin_rows(s) : e;
}

/* Behind the row or block that was written. */
static lc_err source_next(struct merge *m, struct source *s)
{
    struct lc_batch *b = lc_page_batch(s->page);
    if (s->next_block == 0 || s->is_before_block || ++s->row == b->count)
        return next_block(m, s);
    lc_batch_record(b, s->row, NULL, &s->record);
    return LC_OK;
}

/* Hour by hour; in each first the full blocks, as their inputs have them, then rows in order. */
static bool goes_before(const struct source *a, const struct source *b)
{
    if (a->hour != b->hour)
        return a->hour < b->hour;
    if (a->is_before_block || b->is_before_block)
        return a->is_before_block && (!b->is_before_block || a < b);
    return lc_segment_order(&a->record, &b->record) < 0;
}

static void sift_down(struct merge *m, size_t at)
{
    struct source *s = m->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->heap_count)
            break;
        if (child + 1 < m->heap_count && goes_before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!goes_before(m->heap[child], s))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = s;
}

static lc_err open_sources(struct merge *m, const struct lc_merge_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        struct source *s = &m->sources[i];
        lc_err e = lc_segment_index_load(inputs->segments[i], &s->index, NULL);
        if (e != LC_OK)
            return e;
        s->page = lc_page_new(m->decoder);
        if (s->page == NULL)
            return -ENOMEM;
        e = lc_segment_copier_new(s->index, &s->copier);
        if (e == LC_OK)
            e = source_next(m, s);
        if (e == LC_EEND)
            continue;
        if (e != LC_OK)
            return e;
        m->heap[m->heap_count++] = s;
    }
    for (size_t i = m->heap_count; i-- > 0;)
        sift_down(m, i);
    return LC_OK;
}

/* ---- writing ---- */

static bool is_output_done(const struct merge *m, const struct source *next)
{
    uint64_t octets = lc_segment_writer_octets(m->writer);
    uint64_t target = m->config->target_octets;
    if (octets >= target && next->hour != m->hour)
        return true;
    return octets / HOUR_TARGETS_MAX >= target ||
           lc_segment_writer_name_octets(m->writer) >= NAME_OCTETS_MAX;
}

static lc_err finish_output(struct merge *m)
{
    struct lc_merge_outputs *o = m->outputs;
    if (o->count == m->output_cap) {
        size_t cap = m->output_cap == 0 ? 4 : m->output_cap * 2;
        struct lc_segment_meta *metas = realloc(o->metas, cap * sizeof *metas);
        if (metas == NULL)
            return -ENOMEM;
        o->metas = metas;
        m->output_cap = cap;
    }
    struct lc_segment_writer *w = m->writer;
    m->writer = NULL;
    for (size_t i = 0; i < LC_MERGE_INPUTS_MAX; i++)
        if (m->sources[i].copier != NULL)
            lc_segment_copier_forget(m->sources[i].copier);
    lc_err e = lc_segment_writer_finish(w, &o->metas[o->count]);
    o->count += e == LC_OK;
    return e;
}

/* The block or row that the source is at. A block that cannot be taken whole is begun as rows, and
 * *ret_written is false. */
static lc_err write_source(struct merge *m, struct source *s, bool *ret_written)
{
    lc_err e = LC_OK;
    if (m->writer != NULL && is_output_done(m, s))
        e = finish_output(m);
    if (e == LC_OK && m->writer == NULL)
        e = lc_segment_writer_new(m->config->disk, m->config->dir,
                                  m->config->next_number(m->config->arg), m->level, &m->writer);
    if (e != LC_OK)
        return e;
    m->hour = s->hour;
    *ret_written = true;
    if (!s->is_before_block)
        return lc_segment_writer_add(m->writer, &s->record);
    e = lc_segment_copy_block(s->copier, m->writer, s->page);
    if (e != LC_ELIMIT)
        return e;
    *ret_written = false;
    return begin_rows(s);
}

static lc_err run(struct merge *m, const struct lc_merge_inputs *inputs)
{
    lc_err e = open_sources(m, inputs);
    while (e == LC_OK && m->heap_count > 0) {
        struct source *s = m->heap[0];
        bool written = false;
        e = write_source(m, s, &written);
        if (e != LC_OK)
            break;
        if (written)
            e = source_next(m, s);
        if (e == LC_EEND) {
            m->heap[0] = m->heap[--m->heap_count];
            e = LC_OK;
        }
        if (e == LC_OK && m->heap_count > 0)
            sift_down(m, 0);
    }
    if (e == LC_OK && m->writer != NULL)
        e = finish_output(m);
    return e;
}

static void remove_outputs(const struct lc_merge_config *c, struct lc_merge_outputs *o)
{
    for (size_t i = 0; i < o->count; i++) {
        char path[LC_PATH_MAX];
        /* What cannot be removed now is an orphan, which the next start removes. */
        if (lc_segment_path(c->dir, o->metas[i].number, path) == LC_OK)
            (void)c->disk->unlink(c->disk->state, path);
    }
    lc_merge_outputs_done(o);
}

void lc_merge_outputs_done(struct lc_merge_outputs *o)
{
    for (size_t i = 0; i < o->count; i++)
        lc_segment_meta_done(&o->metas[i]);
    free(o->metas);
    *o = (struct lc_merge_outputs){.count = 0};
}

lc_err lc_merge_run(const struct lc_merge_config *config, const struct lc_merge_inputs *inputs,
                    struct lc_merge_outputs *ret)
{
    LC_ASSERT(inputs->count > 0 && inputs->count <= LC_MERGE_INPUTS_MAX);
    struct lc_merge_outputs outputs = {.count = 0};
    struct merge m = {.config = config, .outputs = &outputs};
    for (size_t i = 0; i < inputs->count; i++) {
        unsigned level = lc_segment_meta(inputs->segments[i])->level + 1;
        m.level = level > m.level ? level : m.level;
    }
    m.decoder = lc_decoder_new();
    lc_err e = m.decoder == NULL ? -ENOMEM : run(&m, inputs);
    lc_segment_writer_abort(m.writer);
    for (size_t i = 0; i < inputs->count; i++) {
        lc_page_free(m.sources[i].page);
        lc_segment_copier_free(m.sources[i].copier);
        lc_segment_index_unref(m.sources[i].index);
    }
    lc_decoder_free(m.decoder);
    if (e != LC_OK) {
        remove_outputs(config, &outputs);
        return e;
    }
    *ret = outputs;
    return LC_OK;
}
