/* SPDX-License-Identifier: Apache-2.0
 *
 * store/merge.c - rows of several segments in one order, to new segments.
 */
#include "store/merge.h"

#include <errno.h>
#include <stdlib.h>

#include "store/page.h"

/* An hour that does not end is cut here all the same. */
#define HOUR_TARGETS_MAX 4u
/* Stream names: a segment that has so many ends, and is left alone, however small it is. */
#define NAME_OCTETS_MAX (UINT64_C(8) << 20)
/* Each level is of eight segments of the one below and more: nothing gets there. */
#define LEVELS 32u

/* One input, at one of its rows. */
struct source {
    struct lc_segment_index *index;
    struct lc_page *page;
    uint32_t next_block;
    size_t row;
    struct lc_record record;
};

struct merge {
    const struct lc_merge_config *config;
    struct lc_decoder *decoder;
    struct source sources[LC_MERGE_INPUTS_MAX];
    struct source *heap[LC_MERGE_INPUTS_MAX]; /* the first has the least record */
    size_t heap_count;
    unsigned level; /* of the outputs */
    struct lc_segment_writer *writer;
    int64_t hour; /* of the record that was written last */
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

/* The next row; in the next block when this one is done. LC_EEND: no more. */
static lc_err source_next(struct merge *m, struct source *s)
{
    struct lc_batch *b = lc_page_batch(s->page);
    if (s->next_block == 0 || ++s->row == b->count) {
        if (s->next_block == s->index->block_count)
            return LC_EEND;
        if (atomic_load_explicit(m->config->stop, memory_order_relaxed))
            return -ECANCELED;
        lc_page_open_block(s->page, s->index, 0, s->next_block++);
        s->row = 0;
        lc_err e = lc_batch_load(b, LC_COL_ALL);
        if (e != LC_OK)
            return e;
    }
    lc_batch_record(b, s->row, NULL, &s->record);
    return LC_OK;
}

static void sift_down(struct merge *m, size_t at)
{
    struct source *s = m->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= m->heap_count)
            break;
        if (child + 1 < m->heap_count &&
            lc_segment_order(&m->heap[child + 1]->record, &m->heap[child]->record) < 0)
            child++;
        if (lc_segment_order(&m->heap[child]->record, &s->record) >= 0)
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

static bool is_output_done(const struct merge *m, const struct lc_record *next)
{
    uint64_t octets = lc_segment_writer_octets(m->writer);
    uint64_t target = m->config->target_octets;
    if (octets >= target && lc_hour(next->time_ns) != m->hour)
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
    lc_err e = lc_segment_writer_finish(w, &o->metas[o->count]);
    o->count += e == LC_OK;
    return e;
}

static lc_err write_record(struct merge *m, const struct lc_record *r)
{
    lc_err e = LC_OK;
    if (m->writer != NULL && is_output_done(m, r))
        e = finish_output(m);
    if (e == LC_OK && m->writer == NULL)
        e = lc_segment_writer_new(m->config->disk, m->config->dir,
                                  m->config->next_number(m->config->arg), m->level, &m->writer);
    if (e == LC_OK)
        e = lc_segment_writer_add(m->writer, r);
    m->hour = lc_hour(r->time_ns);
    return e;
}

static lc_err run(struct merge *m, const struct lc_merge_inputs *inputs)
{
    lc_err e = open_sources(m, inputs);
    while (e == LC_OK && m->heap_count > 0) {
        struct source *s = m->heap[0];
        e = write_record(m, &s->record);
        if (e != LC_OK)
            break;
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
