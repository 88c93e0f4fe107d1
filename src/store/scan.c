/* SPDX-License-Identifier: Apache-2.0
 *
 * store/scan.c - batches of a snapshot, one after the other, without those that cannot matter.
 *
 * Parts are numbered: the snapshot's sets, then its segments. A segment's index is loaded when the
 * scan comes to it; in an order, that is when nothing that is known comes before it.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/page.h"

/* Rows that are fetched in the order of time jump between the blocks of an hour. */
#define FETCH_PAGES   128u
#define FETCH_OCTETS  (64u << 20)
#define FETCH_INDEXES 32u

#define SKIP      1          /* not an error: no row of this matters */
#define BLOCK_ALL UINT32_MAX /* not a block: a segment that has not been looked into */

/* Something to be looked at. */
struct item {
    int64_t rank; /* in an order: the largest is next */
    uint32_t part, block;
};

struct fetch_page {
    struct lc_page *page; /* NULL: not used yet */
    uint64_t used;        /* when, by the scan's count of fetches */
};

struct fetch_index {
    struct lc_segment_index *index;
    uint32_t part;
    uint64_t used;
};

struct lc_scan {
    struct lc_snapshot *snap;
    struct lc_scan_spec spec;
    uint64_t *after;            /* a copy; NULL: all */
    struct lc_decoder *decoder; /* NULL: memory only */
    struct lc_page *page;       /* of lc_scan_next() */
    uint32_t parts;             /* sets and, unless memory only, segments */

    /* in any order: the place of the next item */
    struct item next;
    struct lc_segment_index *index; /* of next.part, when that is a segment */

    /* in an order: a heap of what is known, and the indexes of segments that have items in it */
    struct item *heap;
    size_t heap_count, heap_cap;
    struct lc_segment_index **indexes;
    uint32_t *left; /* items in the heap, by segment */

    uint64_t fetches;
    struct fetch_page fetched[FETCH_PAGES];
    struct fetch_index fetched_indexes[FETCH_INDEXES];
};

static bool is_ordered(const struct lc_scan_spec *spec)
{
    return spec->newest_first || spec->by_id;
}

/* ---- what matters ---- */

static bool overlaps(const struct lc_scan *s, int64_t min_ns, int64_t max_ns)
{
    return max_ns >= s->spec.from_ns && (s->spec.to_ns == INT64_MAX || min_ns < s->spec.to_ns);
}

enum coverage { COVERS_NONE, COVERS_SOME, COVERS_ALL };

/* How much of what a block or a segment has of each shard is after the scan's start. */
static enum coverage coverage(const struct lc_scan *s, const struct lc_segment_shard *shares,
                              size_t count)
{
    if (s->after == NULL)
        return COVERS_ALL;
    size_t none = 0;
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned shard = shares[i].shard;
        uint64_t after = shard < lc_snapshot_shards(s->snap) ? s->after[shard] : 0;
        none += shares[i].max_id <= after;
        all += shares[i].min_id > after;
    }
    if (none == count)
        return COVERS_NONE;
    return all == count ? COVERS_ALL : COVERS_SOME;
}

static bool wants_segment(const struct lc_scan *s, const struct lc_segment *segment)
{
    const struct lc_segment_meta *m = lc_segment_meta(segment);
    return overlaps(s, m->min_time_ns, m->max_time_ns) &&
           coverage(s, m->shards, m->shard_count) != COVERS_NONE;
}

static enum coverage block_coverage(const struct lc_scan *s, const struct lc_segment_index *index,
                                    uint32_t block)
{
    const struct lc_block *b = &index->blocks[block];
    if (!overlaps(s, b->min_time_ns, b->max_time_ns))
        return COVERS_NONE;
    return coverage(s, index->shares + b->first_share, b->share_count);
}

static size_t set_count(const struct lc_scan *s)
{
    return s->snap->version->set_count;
}

static struct lc_segment *segment_of(const struct lc_scan *s, uint32_t part)
{
    return s->snap->version->segments[part - set_count(s)];
}

/* ---- opening an item ---- */

/* SKIP: no row of it matters. */
static lc_err open_set_rows(struct lc_scan *s, const struct item *it)
{
    struct lc_set *set = s->snap->version->sets[it->part];
    uint32_t rows = s->snap->set_rows[it->part];
    if (s->after != NULL) {
        uint64_t end = (it->block + UINT64_C(1)) * LC_PAGE_SET_ROWS;
        uint32_t last = (uint32_t)(end < rows ? end : rows) - 1;
        if (lc_set_entry(set, last).id <= s->after[lc_set_shard(set)])
            return SKIP;
    }
    lc_page_open_set(s->page, set, it->part, it->block, rows);
    const struct lc_batch *b = lc_page_batch(s->page);
    if (!overlaps(s, b->min_time_ns, b->max_time_ns))
        return SKIP;
    if (s->after == NULL)
        return LC_OK;
    return lc_page_keep_after(s->page, s->after, lc_snapshot_shards(s->snap));
}

static lc_err open_block(struct lc_scan *s, struct lc_segment_index *index, const struct item *it)
{
    enum coverage c = block_coverage(s, index, it->block);
    if (c == COVERS_NONE)
        return SKIP;
    lc_page_open_block(s->page, index, it->part, it->block);
    if (c == COVERS_ALL)
        return LC_OK;
    lc_err e = lc_page_keep_after(s->page, s->after, lc_snapshot_shards(s->snap));
    if (e == LC_OK && lc_page_batch(s->page)->count == 0)
        e = SKIP;
    return e;
}

/* ---- in any order ---- */

static uint32_t set_blocks(const struct lc_scan *s, uint32_t part)
{
    return (s->snap->set_rows[part] + LC_PAGE_SET_ROWS - 1) / LC_PAGE_SET_ROWS;
}

static void next_part(struct lc_scan *s)
{
    lc_segment_index_unref(s->index);
    s->index = NULL;
    s->next.part++;
    s->next.block = 0;
}

static lc_err step_set(struct lc_scan *s)
{
    if (s->next.block == set_blocks(s, s->next.part)) {
        next_part(s);
        return SKIP;
    }
    struct item it = s->next;
    s->next.block++;
    return open_set_rows(s, &it);
}

static lc_err step_segment(struct lc_scan *s)
{
    struct lc_segment *segment = segment_of(s, s->next.part);
    if (s->index == NULL) {
        lc_err e = SKIP;
        if (wants_segment(s, segment))
            e = lc_segment_index_load(segment, &s->index, NULL);
        if (e != LC_OK) {
            next_part(s);
            return e;
        }
    }
    if (s->next.block == s->index->block_count) {
        next_part(s);
        return SKIP;
    }
    struct item it = s->next;
    s->next.block++;
    return open_block(s, s->index, &it);
}

static lc_err step_any(struct lc_scan *s)
{
    if (s->next.part == s->parts)
        return LC_EEND;
    return s->next.part < set_count(s) ? step_set(s) : step_segment(s);
}

/* ---- in an order ---- */

/* The smaller an id, the larger its rank. */
static int64_t rank_of_id(uint64_t id)
{
    return (int64_t)(~id ^ (uint64_t)INT64_MIN);
}

/* Of a block or a segment, by the smallest id that is wanted of it. */
static int64_t rank_of_shares(const struct lc_scan *s, const struct lc_segment_shard *shares,
                              size_t count)
{
    uint64_t smallest = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        unsigned shard = shares[i].shard;
        bool has_start = s->after != NULL && shard < lc_snapshot_shards(s->snap);
        uint64_t after = has_start ? s->after[shard] : 0;
        if (shares[i].max_id <= after)
            continue;
        uint64_t id = shares[i].min_id > after ? shares[i].min_id : after + 1;
        if (id < smallest)
            smallest = id;
    }
    return rank_of_id(smallest);
}

static int64_t rank_of_segment(const struct lc_scan *s, const struct lc_segment_meta *m)
{
    return s->spec.by_id ? rank_of_shares(s, m->shards, m->shard_count) : m->max_time_ns;
}

static int64_t rank_of_block(const struct lc_scan *s, const struct lc_segment_index *x,
                             const struct lc_block *b)
{
    return s->spec.by_id ? rank_of_shares(s, x->shares + b->first_share, b->share_count)
                         : b->max_time_ns;
}

/* Of the page that is open: rows of a set stand in the order of their ids. */
static int64_t rank_of_set_rows(const struct lc_scan *s, const struct item *it)
{
    const struct lc_batch *b = lc_page_batch(s->page);
    if (!s->spec.by_id)
        return b->max_time_ns;
    const struct lc_set *set = s->snap->version->sets[it->part];
    uint64_t first = lc_set_entry(set, it->block * LC_PAGE_SET_ROWS).id;
    uint64_t after = s->after == NULL ? 0 : s->after[lc_set_shard(set)];
    return rank_of_id(first > after ? first : after + 1);
}

static void heap_sift_down(struct lc_scan *s, size_t at)
{
    struct item it = s->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->heap_count)
            break;
        if (child + 1 < s->heap_count && s->heap[child + 1].rank > s->heap[child].rank)
            child++;
        if (s->heap[child].rank <= it.rank)
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = it;
}

static lc_err heap_push(struct lc_scan *s, struct item it)
{
    if (s->heap_count == s->heap_cap) {
        size_t cap = s->heap_cap == 0 ? 64 : s->heap_cap * 2;
        struct item *heap = realloc(s->heap, cap * sizeof *heap);
        if (heap == NULL)
            return -ENOMEM;
        s->heap = heap;
        s->heap_cap = cap;
    }
    size_t at = s->heap_count++;
    while (at > 0 && s->heap[(at - 1) / 2].rank < it.rank) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = it;
    return LC_OK;
}

static struct item heap_pop(struct lc_scan *s)
{
    struct item top = s->heap[0];
    s->heap[0] = s->heap[--s->heap_count];
    if (s->heap_count > 0)
        heap_sift_down(s, 0);
    return top;
}

static lc_err push_set(struct lc_scan *s, uint32_t part)
{
    lc_err e = LC_OK;
    for (uint32_t block = 0; block < set_blocks(s, part) && e == LC_OK; block++) {
        struct item it = {.part = part, .block = block};
        e = open_set_rows(s, &it);
        it.rank = rank_of_set_rows(s, &it);
        if (e == LC_OK)
            e = heap_push(s, it);
        else if (e == SKIP)
            e = LC_OK;
    }
    return e;
}

static lc_err push_parts(struct lc_scan *s)
{
    lc_err e = LC_OK;
    for (uint32_t part = 0; part < s->parts && e == LC_OK; part++) {
        if (part < set_count(s))
            e = push_set(s, part);
        else if (wants_segment(s, segment_of(s, part)))
            e = heap_push(s, (struct item){rank_of_segment(s, lc_segment_meta(segment_of(s, part))),
                                           part, BLOCK_ALL});
    }
    return e;
}

static lc_err push_blocks(struct lc_scan *s, uint32_t part)
{
    size_t n = part - set_count(s);
    lc_err e = lc_segment_index_load(segment_of(s, part), &s->indexes[n], NULL);
    if (e != LC_OK)
        return e;
    const struct lc_segment_index *x = s->indexes[n];
    for (uint32_t block = 0; block < x->block_count && e == LC_OK; block++) {
        if (block_coverage(s, x, block) == COVERS_NONE)
            continue;
        e = heap_push(s, (struct item){rank_of_block(s, x, &x->blocks[block]), part, block});
        s->left[n] += e == LC_OK;
    }
    return e == LC_OK ? SKIP : e;
}

static lc_err step_ordered(struct lc_scan *s)
{
    if (s->heap_count == 0)
        return LC_EEND;
    struct item it = heap_pop(s);
    if (it.part < set_count(s))
        return open_set_rows(s, &it);
    if (it.block == BLOCK_ALL)
        return push_blocks(s, it.part);
    size_t n = it.part - set_count(s);
    lc_err e = open_block(s, s->indexes[n], &it);
    if (--s->left[n] == 0) {
        lc_segment_index_unref(s->indexes[n]);
        s->indexes[n] = NULL;
    }
    return e;
}

lc_err lc_scan_next(struct lc_scan *s, struct lc_batch **ret)
{
    lc_err e;
    do {
        e = is_ordered(&s->spec) ? step_ordered(s) : step_any(s);
    } while (e == SKIP);
    if (e == LC_OK)
        *ret = lc_page_batch(s->page);
    return e;
}

uint64_t lc_scan_next_id(const struct lc_scan *s)
{
    LC_ASSERT(s->spec.by_id);
    if (s->heap_count == 0)
        return UINT64_MAX;
    return ~((uint64_t)s->heap[0].rank ^ (uint64_t)INT64_MIN);
}

/* ---- fetching ---- */

static void drop_fetched(struct fetch_page *f)
{
    lc_page_free(f->page);
    f->page = NULL;
    f->used = 0;
}

static struct fetch_page *oldest_fetched(struct lc_scan *s, bool filled)
{
    struct fetch_page *oldest = NULL;
    for (size_t i = 0; i < FETCH_PAGES; i++) {
        struct fetch_page *f = &s->fetched[i];
        if ((!filled || f->page != NULL) && (oldest == NULL || f->used < oldest->used))
            oldest = f;
    }
    return oldest;
}

/* Pages grow when columns of them are loaded, so they are weighed when another one is wanted. */
static void keep_within_octets(struct lc_scan *s)
{
    size_t octets = 0;
    for (size_t i = 0; i < FETCH_PAGES; i++)
        if (s->fetched[i].page != NULL)
            octets += lc_page_octets(s->fetched[i].page);
    while (octets > FETCH_OCTETS) {
        struct fetch_page *f = oldest_fetched(s, true);
        octets -= lc_page_octets(f->page);
        drop_fetched(f);
    }
}

static lc_err fetch_index(struct lc_scan *s, uint32_t part, struct lc_segment_index **ret)
{
    struct fetch_index *at = &s->fetched_indexes[0];
    for (size_t i = 0; i < FETCH_INDEXES; i++) {
        struct fetch_index *f = &s->fetched_indexes[i];
        if (f->index != NULL && f->part == part) {
            f->used = s->fetches;
            *ret = f->index;
            return LC_OK;
        }
        if (f->used < at->used)
            at = f;
    }
    lc_segment_index_unref(at->index);
    at->index = NULL;
    at->used = 0;
    lc_err e = lc_segment_index_load(segment_of(s, part), &at->index, NULL);
    if (e != LC_OK)
        return e;
    at->part = part;
    at->used = s->fetches;
    *ret = at->index;
    return LC_OK;
}

/* LC_EGONE: nothing of the snapshot is meant. */
static lc_err open_fetched(struct lc_scan *s, struct lc_page *page, const struct lc_row_ref *ref)
{
    const struct lc_version *v = s->snap->version;
    if (ref->part < v->set_count) {
        if (ref->block >= set_blocks(s, ref->part))
            return LC_EGONE;
        lc_page_open_set(page, v->sets[ref->part], ref->part, ref->block,
                         s->snap->set_rows[ref->part]);
        return LC_OK;
    }
    if (ref->part >= s->parts)
        return LC_EGONE;
    struct lc_segment_index *index;
    lc_err e = fetch_index(s, ref->part, &index);
    if (e != LC_OK)
        return e;
    if (ref->block >= index->block_count)
        return LC_EGONE;
    lc_page_open_block(page, index, ref->part, ref->block);
    return LC_OK;
}

static struct fetch_page *find_fetched(struct lc_scan *s, const struct lc_row_ref *ref)
{
    for (size_t i = 0; i < FETCH_PAGES; i++)
        if (s->fetched[i].page != NULL && lc_page_is_at(s->fetched[i].page, ref->part, ref->block))
            return &s->fetched[i];
    return NULL;
}

lc_err lc_scan_fetch(struct lc_scan *s, const struct lc_row_ref *ref, struct lc_batch **ret,
                     size_t *ret_row)
{
    s->fetches++;
    struct fetch_page *f = find_fetched(s, ref);
    if (f == NULL) {
        keep_within_octets(s);
        f = oldest_fetched(s, false);
        if (f->page == NULL)
            f->page = lc_page_new(s->decoder);
        lc_err e = f->page == NULL ? -ENOMEM : open_fetched(s, f->page, ref);
        if (e != LC_OK) {
            drop_fetched(f);
            return e;
        }
    }
    f->used = s->fetches;
    struct lc_batch *b = lc_page_batch(f->page);
    if (ref->row >= b->count)
        return LC_EGONE;
    *ret = b;
    *ret_row = ref->row;
    return LC_OK;
}

/* ---- a scan's life ---- */

static lc_err copy_after(struct lc_scan *s)
{
    size_t n = lc_snapshot_shards(s->snap);
    if (s->spec.after == NULL)
        return LC_OK;
    s->after = malloc((n + 1) * sizeof s->after[0]);
    if (s->after == NULL)
        return -ENOMEM;
    if (n != 0)
        memcpy(s->after, s->spec.after, n * sizeof s->after[0]);
    return LC_OK;
}

lc_err lc_scan_open(struct lc_snapshot *snap, const struct lc_scan_spec *spec, struct lc_scan **ret)
{
    const struct lc_version *v = snap->version;
    struct lc_scan *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->snap = lc_snapshot_ref(snap);
    s->spec = *spec;
    s->parts = (uint32_t)(v->set_count + (spec->memory_only ? 0 : v->segment_count));
    /* memory is scanned at each turn of a tail, and decodes nothing */
    if (!spec->memory_only)
        s->decoder = lc_decoder_new();
    s->page = lc_page_new(s->decoder);
    s->indexes = calloc(v->segment_count + 1, sizeof(struct lc_segment_index *));
    s->left = calloc(v->segment_count + 1, sizeof s->left[0]);
    lc_err e = -ENOMEM;
    bool has_decoder = s->decoder != NULL || spec->memory_only;
    if (has_decoder && s->page != NULL && s->indexes != NULL && s->left != NULL)
        e = copy_after(s);
    if (e == LC_OK && is_ordered(spec))
        e = push_parts(s);
    if (e != LC_OK) {
        lc_scan_close(s);
        return e;
    }
    *ret = s;
    return LC_OK;
}

void lc_scan_close(struct lc_scan *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < FETCH_PAGES; i++)
        drop_fetched(&s->fetched[i]);
    for (size_t i = 0; i < FETCH_INDEXES; i++)
        lc_segment_index_unref(s->fetched_indexes[i].index);
    for (size_t i = 0; s->indexes != NULL && i < s->snap->version->segment_count; i++)
        lc_segment_index_unref(s->indexes[i]);
    lc_segment_index_unref(s->index);
    lc_page_free(s->page);
    lc_decoder_free(s->decoder);
    free(s->heap);
    free((void *)s->indexes);
    free(s->left);
    free(s->after);
    lc_snapshot_unref(s->snap);
    free(s);
}
