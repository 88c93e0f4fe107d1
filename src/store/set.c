/* SPDX-License-Identifier: Apache-2.0
 *
 * store/set.c - records in memory, appended by one thread while others read what is committed.
 */
#include "store/set.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "store/moves.h"
#include "store/row.h"
#include "store/version.h"

#define MIB              (UINT64_C(1) << 20)
#define SET_OCTETS_MAX   (64 * MIB)
#define CHUNK_OCTETS_MIN (MIB / 64)
#define CHUNK_OCTETS_MAX MIB
#define ENTRIES_PER_PAGE 1024u
#define ROW_OCTETS_MIN   48u /* of a row and its entry: bounds the number of pages */
#define STRING_OCTETS    32u /* memory of a name: its slice and its slots */
#define STREAM_OCTETS    96u

struct entry {
    int64_t time_ns;
    int64_t received_ns;
    const uint8_t *octets;
    uint32_t sequence; /* from the set's first */
    uint32_t stream : 24;
    uint32_t level : 8;
};

/* A record never spans two chunks. */
struct chunk {
    uint8_t *p;
    size_t cap;
    size_t used; /* set when the next chunk is begun; only then may others read it */
};

struct lc_set {
    atomic_uint refs;
    unsigned shard;
    uint64_t max_octets;
    uint64_t first_sequence;
    /* Marks, each as one word, so that they are read and published whole. */
    _Atomic(uint64_t) appended;
    _Atomic(uint64_t) committed;
    _Atomic(uint32_t) committed_moves;
    _Atomic(uint64_t) allocated;
    struct lc_moves moves;

    /* the writer's */
    uint32_t rows;
    struct lc_names names;
    struct lc_row_hints hints;
    uint64_t used; /* octets of rows, entries and moves */
    uint8_t *free, *free_end;
    size_t chunk_octets;
    size_t chunk_count;
    struct chunk chunks[LC_SET_PARTS_MAX];
    size_t page_max;
    struct entry *pages[];
};

static uint64_t mark_pack(struct lc_set_mark m)
{
    return (uint64_t)m.rows << 32 | (uint64_t)m.strings << 16 | m.streams;
}

static struct lc_set_mark mark_unpack(uint64_t v)
{
    return (struct lc_set_mark){(uint32_t)(v >> 32), (uint16_t)(v >> 16), (uint16_t)v, 0};
}

static uint64_t within(uint64_t v, uint64_t min, uint64_t max)
{
    if (v < min)
        return min;
    return v > max ? max : v;
}

lc_err lc_set_new(unsigned shard, uint64_t max_octets, struct lc_set **ret)
{
    max_octets = within(max_octets, LC_SET_OCTETS_MIN, SET_OCTETS_MAX);
    size_t page_max = (size_t)(max_octets / ROW_OCTETS_MIN / ENTRIES_PER_PAGE) + 2;
    struct lc_set *set = calloc(1, sizeof *set + page_max * sizeof set->pages[0]);
    if (set == NULL)
        return -ENOMEM;
    lc_err e = lc_names_init(&set->names, true);
    if (e != LC_OK) {
        free(set);
        return e;
    }
    atomic_init(&set->refs, 1);
    set->shard = shard;
    set->max_octets = max_octets;
    lc_moves_init(&set->moves, max_octets);
    set->page_max = page_max;
    set->chunk_octets = (size_t)within(max_octets / 8, CHUNK_OCTETS_MIN, CHUNK_OCTETS_MAX);
    *ret = set;
    return LC_OK;
}

struct lc_set *lc_set_ref(struct lc_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void lc_set_unref(struct lc_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < LC_SET_PARTS_MAX; i++)
        free(set->chunks[i].p);
    for (size_t i = 0; i < set->page_max; i++)
        free(set->pages[i]);
    lc_names_done(&set->names);
    lc_moves_done(&set->moves);
    free(set);
}

bool lc_set_is_alone(const struct lc_set *set)
{
    return atomic_load_explicit(&set->refs, memory_order_acquire) == 1;
}

static struct entry *entry_at(const struct lc_set *set, uint32_t row)
{
    return &set->pages[row / ENTRIES_PER_PAGE][row % ENTRIES_PER_PAGE];
}

static void publish_appended(struct lc_set *set)
{
    struct lc_set_mark m = {set->rows, (uint16_t)set->names.string_count,
                            (uint16_t)set->names.stream_count, 0};
    atomic_store_explicit(&set->appended, mark_pack(m), memory_order_release);
}

/* ---- filling ---- */

static lc_err page_make(struct lc_set *set)
{
    struct entry **page = &set->pages[set->rows / ENTRIES_PER_PAGE];
    if (*page != NULL)
        return LC_OK;
    *page = malloc(ENTRIES_PER_PAGE * sizeof **page);
    if (*page == NULL)
        return -ENOMEM;
    atomic_fetch_add_explicit(&set->allocated, ENTRIES_PER_PAGE * sizeof **page,
                              memory_order_relaxed);
    return LC_OK;
}

/* Begins the next chunk, with room for `need` octets. */
static lc_err chunk_make(struct lc_set *set, size_t need)
{
    if (set->chunk_count == LC_SET_PARTS_MAX)
        return LC_EWAIT;
    struct chunk *c = &set->chunks[set->chunk_count];
    size_t cap = need > set->chunk_octets ? need : set->chunk_octets;
    if (c->cap < cap) {
        uint8_t *p = malloc(cap);
        if (p == NULL)
            return -ENOMEM;
        free(c->p);
        atomic_fetch_add_explicit(&set->allocated, cap - c->cap, memory_order_relaxed);
        c->p = p;
        c->cap = cap;
    }
    if (set->chunk_count > 0)
        c[-1].used = (size_t)(set->free - c[-1].p);
    set->chunk_count++;
    set->free = c->p;
    set->free_end = c->p + c->cap;
    return LC_OK;
}

static bool is_full(const struct lc_set *set, uint64_t sequence, size_t need)
{
    uint64_t names = (uint64_t)set->names.string_count * STRING_OCTETS +
                     (uint64_t)set->names.stream_count * STREAM_OCTETS;
    return set->used > 0 && (set->used + names + need > set->max_octets ||
                             set->names.stream_count == LC_NAMES_STREAMS_MAX ||
                             (set->rows > 0 && sequence - set->first_sequence > UINT32_MAX));
}

static lc_err make_room(struct lc_set *set, uint64_t sequence, size_t need)
{
    if (is_full(set, sequence, need + sizeof(struct entry)))
        return LC_EWAIT;
    if (set->rows % ENTRIES_PER_PAGE == 0) {
        lc_err e = page_make(set);
        if (e != LC_OK)
            return e;
    }
    return need <= (size_t)(set->free_end - set->free) ? LC_OK : chunk_make(set, need);
}

bool lc_set_knows(struct lc_set *set, const struct lc_set_from *from)
{
    return lc_moves_know(&set->moves, from->id, from->at.epoch);
}

static void add_move(struct lc_set *set, uint32_t rows, uint64_t upto)
{
    lc_moves_add(&set->moves, rows, upto);
    set->used += LC_MOVE_OCTETS;
}

lc_err lc_set_move(struct lc_set *set, const struct lc_set_from *from)
{
    if (set->used > 0 && set->used + LC_MOVE_OCTETS > set->max_octets)
        return LC_EWAIT;
    lc_err e = lc_moves_reserve(&set->moves, from->id, from->at.epoch);
    if (e == LC_OK)
        add_move(set, set->rows, from->at.upto);
    return e;
}

lc_err lc_set_append(struct lc_set *set, uint64_t sequence, const struct lc_record *r,
                     const struct lc_set_from *from)
{
    size_t need = lc_row_bound(r);
    if (r->field_count > LC_FIELDS_MAX || need > LC_SET_RECORD_MAX)
        return LC_ELIMIT;
    lc_err e = LC_OK;
    if (LC_UNLIKELY(from != NULL))
        e = lc_moves_reserve(&set->moves, from->id, from->at.epoch);
    if (LC_LIKELY(e == LC_OK))
        e = make_room(set, sequence, need);
    if (LC_UNLIKELY(e != LC_OK))
        return e;

    struct lc_record filled = *r;
    if (filled.time_ns == LC_TIME_ABSENT)
        filled.time_ns = filled.received_ns;
    if (filled.stream.space.n == 0)
        filled.stream.space = LC_LIT("main");
    uint32_t stream;
    size_t n = lc_row_encode(set->free, &filled, &set->names, &set->hints, &stream);
    if (set->rows == 0)
        set->first_sequence = sequence;
    *entry_at(set, set->rows) = (struct entry){
        .time_ns = filled.time_ns,
        .received_ns = filled.received_ns,
        .octets = set->free,
        .sequence = (uint32_t)(sequence - set->first_sequence),
        .stream = stream & 0xFFFFFFu,
        .level = (uint8_t)filled.level,
    };
    set->free += n;
    set->used += n + sizeof(struct entry);
    set->rows++;
    if (LC_UNLIKELY(from != NULL))
        add_move(set, set->rows, from->at.upto);
    publish_appended(set);
    return LC_OK;
}

/* The chunk that holds `p`. Looks at no chunk behind it: the writer may be making one. */
static size_t chunk_of(const struct lc_set *set, const uint8_t *p)
{
    size_t i = 0;
    while (p < set->chunks[i].p || p >= set->chunks[i].p + set->chunks[i].cap)
        i++;
    return i;
}

static const uint8_t *row_end(const struct lc_set *set, uint32_t row)
{
    const uint8_t *p = entry_at(set, row)->octets;
    return p + lc_row_size(p);
}

void lc_set_truncate(struct lc_set *set)
{
    struct lc_set_mark kept = lc_set_committed_mark(set);
    /* An emptied set is not looked through: its rows have long left the cache. */
    for (uint32_t row = kept.rows; row < set->rows && kept.rows > 0; row++)
        set->used -= lc_row_size(entry_at(set, row)->octets) + sizeof(struct entry);
    set->used -= (uint64_t)(lc_moves_before(&set->moves, UINT32_MAX) - kept.moves) * LC_MOVE_OCTETS;
    if (kept.rows == 0)
        set->used = (uint64_t)kept.moves * LC_MOVE_OCTETS;
    set->rows = kept.rows;
    lc_moves_truncate(&set->moves, kept.moves);
    lc_names_truncate(&set->names, kept.strings, kept.streams);
    set->hints = (struct lc_row_hints){0};
    set->chunk_count = 0;
    set->free = set->free_end = NULL;
    if (kept.rows > 0) {
        size_t last = chunk_of(set, entry_at(set, kept.rows - 1)->octets);
        struct chunk *c = &set->chunks[last];
        set->chunk_count = last + 1;
        set->free = c->p + (row_end(set, kept.rows - 1) - c->p);
        set->free_end = c->p + c->cap;
    }
    publish_appended(set);
}

void lc_set_reset(struct lc_set *set)
{
    LC_ASSERT(lc_set_is_alone(set));
    atomic_store_explicit(&set->committed, 0, memory_order_relaxed);
    atomic_store_explicit(&set->committed_moves, 0, memory_order_relaxed);
    lc_set_truncate(set);
    for (size_t i = 0; i < LC_SET_PARTS_MAX; i++) {
        struct chunk *c = &set->chunks[i];
        if (c->cap <= set->chunk_octets)
            continue;
        atomic_fetch_sub_explicit(&set->allocated, c->cap, memory_order_relaxed);
        free(c->p);
        *c = (struct chunk){0};
    }
}

/* ---- committing ---- */

struct lc_set_mark lc_set_appended(const struct lc_set *set)
{
    struct lc_set_mark m = mark_unpack(atomic_load_explicit(&set->appended, memory_order_acquire));
    m.moves = lc_moves_before(&set->moves, m.rows);
    return m;
}

struct lc_set_mark lc_set_committed_mark(const struct lc_set *set)
{
    struct lc_set_mark m = mark_unpack(atomic_load_explicit(&set->committed, memory_order_acquire));
    m.moves = atomic_load_explicit(&set->committed_moves, memory_order_acquire);
    return m;
}

void lc_set_commit(struct lc_set *set, struct lc_set_mark mark)
{
    atomic_store_explicit(&set->committed_moves, mark.moves, memory_order_release);
    atomic_store_explicit(&set->committed, mark_pack(mark), memory_order_release);
}

size_t lc_set_parts(const struct lc_set *set, uint32_t from, uint32_t to,
                    struct lc_slice parts[LC_SET_PARTS_MAX])
{
    if (from == to)
        return 0;
    const uint8_t *p = entry_at(set, from)->octets;
    size_t at = chunk_of(set, p);
    size_t last = chunk_of(set, entry_at(set, to - 1)->octets);
    size_t count = 0;
    for (; at < last; at++, p = set->chunks[at].p)
        parts[count++] = lc_slice(p, (size_t)(set->chunks[at].p + set->chunks[at].used - p));
    parts[count++] = lc_slice(p, (size_t)(row_end(set, to - 1) - p));
    return count;
}

static lc_err put_varint(struct lc_dynbuf *out, uint64_t v)
{
    uint8_t octets[LC_VARINT_MAX];
    struct lc_writer w = lc_writer(octets, sizeof octets);
    lc_write_varint(&w, v);
    return lc_dynbuf_append(out, lc_writer_done(&w));
}

static lc_err put_counted(struct lc_dynbuf *out, struct lc_slice s)
{
    lc_err e = put_varint(out, s.n);
    return e == LC_OK ? lc_dynbuf_append(out, s) : e;
}

static lc_err put_range(struct lc_dynbuf *out, unsigned from, unsigned to)
{
    lc_err e = put_varint(out, from);
    return e == LC_OK ? put_varint(out, to - from) : e;
}

lc_err lc_set_define(const struct lc_set *set, struct lc_set_mark from, struct lc_set_mark to,
                     struct lc_dynbuf *out)
{
    lc_err e = put_range(out, from.strings, to.strings);
    for (unsigned i = from.strings; i < to.strings && e == LC_OK; i++)
        e = put_counted(out, set->names.strings[i]);
    if (e == LC_OK)
        e = put_range(out, from.streams, to.streams);
    for (unsigned i = from.streams; i < to.streams && e == LC_OK; i++) {
        const struct lc_stream_key *key = &set->names.streams[i];
        const struct lc_slice parts[] = {key->space, key->host, key->app, key->facility};
        for (size_t k = 0; k < LC_ARRAY_LEN(parts) && e == LC_OK; k++)
            e = put_counted(out, parts[k]);
    }
    return e;
}

bool lc_set_next_sender(const struct lc_set *set, uint32_t *at, uint32_t to,
                        struct lc_sender_id *ret_id, struct lc_sender_position *ret)
{
    return lc_moves_next(&set->moves, at, to, ret_id, ret);
}

/* ---- reading ---- */

uint32_t lc_set_committed(const struct lc_set *set)
{
    return lc_set_committed_mark(set).rows;
}

unsigned lc_set_shard(const struct lc_set *set)
{
    return set->shard;
}

uint64_t lc_set_octets(const struct lc_set *set)
{
    return atomic_load_explicit(&set->allocated, memory_order_relaxed);
}

struct lc_set_entry lc_set_entry(const struct lc_set *set, uint32_t row)
{
    const struct entry *e = entry_at(set, row);
    return (struct lc_set_entry){
        .time_ns = e->time_ns,
        .received_ns = e->received_ns,
        .id = lc_id_make(set->first_sequence + e->sequence, set->shard),
        .stream = e->stream,
        .level = e->level,
    };
}

uint32_t lc_set_streams(const struct lc_set *set)
{
    return lc_set_committed_mark(set).streams;
}

const struct lc_stream_key *lc_set_stream(const struct lc_set *set, uint32_t stream)
{
    return &set->names.streams[stream];
}

struct lc_slice lc_set_message(const struct lc_set *set, uint32_t row)
{
    return lc_row_message(entry_at(set, row)->octets);
}

void lc_set_record(const struct lc_set *set, uint32_t row, struct lc_field *fields,
                   struct lc_record *ret)
{
    struct lc_set_entry entry = lc_set_entry(set, row);
    const uint8_t *p = entry_at(set, row)->octets;
    struct lc_slice octets = lc_slice(p, lc_row_size(p));
    lc_err e = lc_row_decode(&octets, &set->names, NULL, fields, ret);
    LC_ASSERT(e == LC_OK);
    ret->id = entry.id;
    /* The set's own copy: strings of it outlive the row that defined them. */
    ret->stream = *lc_set_stream(set, entry.stream);
}

#define CACHE_LINE 64u
#define ROW_LINES  4u /* of a row of usual length */

void lc_set_prefetch(const struct lc_set *set, uint32_t soon, uint32_t later)
{
    __builtin_prefetch(entry_at(set, later));
    const uint8_t *octets = entry_at(set, soon)->octets;
    for (unsigned i = 0; i < ROW_LINES; i++)
        __builtin_prefetch(octets + (size_t)i * CACHE_LINE);
}
