/* SPDX-License-Identifier: Apache-2.0
 *
 * store/manifest_state.c - the state of a manifest, and the operations that change it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "store/array.h"
#include "store/manifest.h"
#include "store/store.h"

#define OPERATIONS_MAX (1u << 30)

enum operation { OP_SHARD = 1, OP_SEGMENT, OP_SEGMENT_GONE, OP_GAP, OP_GAPS_FORGOTTEN, OP_SENDER };

void lc_manifest_state_done(struct lc_manifest_state *s)
{
    for (size_t i = 0; i < s->segment_count; i++)
        lc_segment_meta_done(&s->segments[i]);
    free(s->segments);
    free(s->shards);
    free(s->gaps);
    lc_senders_done(&s->senders);
    *s = (struct lc_manifest_state){0};
}

uint64_t lc_manifest_after_gaps(const struct lc_manifest_state *s, unsigned shard, uint64_t last)
{
    uint64_t expected = last + 1;
    for (size_t i = 0; i < s->gap_count; i++) {
        const struct lc_id_gap *gap = &s->gaps[i];
        if (gap->shard == shard && lc_id_sequence(gap->first) <= expected &&
            lc_id_sequence(gap->last) >= expected)
            expected = lc_id_sequence(gap->last) + 1;
    }
    return expected;
}

static size_t find_segment(const struct lc_manifest_state *s, uint64_t number)
{
    size_t i = 0;
    while (i < s->segment_count && s->segments[i].number != number)
        i++;
    return i;
}

const struct lc_segment_meta *lc_manifest_segment(const struct lc_manifest_state *s,
                                                  uint64_t number)
{
    size_t i = find_segment(s, number);
    return i < s->segment_count ? &s->segments[i] : NULL;
}

/* ---- writing operations ---- */

void lc_edit_init(struct lc_edit *edit)
{
    lc_dynbuf_init(&edit->ops, OPERATIONS_MAX);
    edit->err = LC_OK;
}

void lc_edit_done(struct lc_edit *edit)
{
    lc_dynbuf_done(&edit->ops);
}

/* A writer with room for `n` octets; edit_end() takes over what it wrote. */
static struct lc_writer edit_begin(struct lc_edit *edit, size_t n, enum operation op)
{
    if (edit->err == LC_OK)
        edit->err = lc_dynbuf_reserve(&edit->ops, n + 1);
    struct lc_writer w = lc_writer(NULL, 0);
    if (edit->err == LC_OK)
        w = lc_writer(edit->ops.p + edit->ops.n, n + 1);
    lc_write_u8(&w, (uint8_t)op);
    return w;
}

static void edit_end(struct lc_edit *edit, const struct lc_writer *w)
{
    if (edit->err != LC_OK)
        return;
    LC_ASSERT(w->err == LC_OK);
    edit->ops.n += lc_writer_done(w).n;
}

void lc_edit_shard(struct lc_edit *edit, unsigned shard, const struct lc_manifest_shard *is)
{
    struct lc_writer w = edit_begin(edit, 5 * LC_VARINT_MAX, OP_SHARD);
    lc_write_varint(&w, shard);
    lc_write_varint(&w, is->wal_start);
    lc_write_varint(&w, is->reserved);
    lc_write_varint(&w, is->sealed);
    lc_write_varint(&w, is->gone);
    edit_end(edit, &w);
}

void lc_edit_add_segment(struct lc_edit *edit, const struct lc_segment_meta *m)
{
    size_t bound = (9 + 4 * (size_t)m->shard_count) * LC_VARINT_MAX;
    struct lc_writer w = edit_begin(edit, bound, OP_SEGMENT);
    lc_write_varint(&w, m->number);
    lc_write_varint(&w, m->level);
    lc_write_varint(&w, m->octets);
    lc_write_varint(&w, m->records);
    lc_write_u64_le(&w, (uint64_t)m->min_time_ns);
    lc_write_u64_le(&w, (uint64_t)m->max_time_ns);
    lc_write_u64_le(&w, (uint64_t)m->min_received_ns);
    lc_write_u64_le(&w, (uint64_t)m->max_received_ns);
    lc_write_varint(&w, m->shard_count);
    for (unsigned i = 0; i < m->shard_count; i++) {
        lc_write_varint(&w, m->shards[i].shard);
        lc_write_varint(&w, m->shards[i].records);
        lc_write_varint(&w, m->shards[i].min_id);
        lc_write_varint(&w, m->shards[i].max_id);
    }
    edit_end(edit, &w);
}

void lc_edit_remove_segment(struct lc_edit *edit, uint64_t number)
{
    struct lc_writer w = edit_begin(edit, LC_VARINT_MAX, OP_SEGMENT_GONE);
    lc_write_varint(&w, number);
    edit_end(edit, &w);
}

void lc_edit_add_gap(struct lc_edit *edit, const struct lc_id_gap *gap)
{
    struct lc_writer w = edit_begin(edit, 3 * LC_VARINT_MAX, OP_GAP);
    lc_write_varint(&w, gap->shard);
    lc_write_varint(&w, lc_id_sequence(gap->first));
    lc_write_varint(&w, lc_id_sequence(gap->last));
    edit_end(edit, &w);
}

void lc_edit_forget_gaps(struct lc_edit *edit, unsigned shard, uint64_t last)
{
    struct lc_writer w = edit_begin(edit, 2 * LC_VARINT_MAX, OP_GAPS_FORGOTTEN);
    lc_write_varint(&w, shard);
    lc_write_varint(&w, lc_id_sequence(last));
    edit_end(edit, &w);
}

void lc_edit_move_sender(struct lc_edit *edit, const struct lc_sender_entry *to)
{
    size_t bound = sizeof to->id.octets + 2 * sizeof(uint64_t) + LC_VARINT_MAX;
    struct lc_writer w = edit_begin(edit, bound, OP_SENDER);
    lc_write_bytes(&w, lc_slice(to->id.octets, sizeof to->id.octets));
    lc_write_u64_le(&w, to->at.epoch);
    lc_write_varint(&w, to->at.upto);
    lc_write_u64_le(&w, (uint64_t)to->used_s);
    edit_end(edit, &w);
}

void lc_edit_move_senders(struct lc_edit *edit, const struct lc_senders *to)
{
    for (size_t i = 0; i < to->count; i++)
        lc_edit_move_sender(edit, &to->list[i]);
}

void lc_edit_everything(struct lc_edit *edit, const struct lc_manifest_state *s)
{
    for (unsigned i = 0; i < s->shard_count; i++)
        lc_edit_shard(edit, i, &s->shards[i]);
    for (size_t i = 0; i < s->segment_count; i++)
        lc_edit_add_segment(edit, &s->segments[i]);
    for (size_t i = 0; i < s->gap_count; i++)
        lc_edit_add_gap(edit, &s->gaps[i]);
    lc_edit_move_senders(edit, &s->senders);
}

/* ---- applying them ---- */

static lc_err apply_shard(struct lc_manifest_state *s, struct lc_reader *in)
{
    uint64_t shard = lc_read_varint(in);
    struct lc_manifest_shard is;
    is.wal_start = lc_read_varint(in);
    is.reserved = lc_read_varint(in);
    is.sealed = lc_read_varint(in);
    is.gone = lc_read_varint(in);
    if (in->err != LC_OK || shard > s->shard_count || shard >= LC_SHARDS_MAX ||
        is.reserved > UINT64_MAX >> LC_ID_SHARD_BITS)
        return LC_ECORRUPT;
    if (shard == s->shard_count) {
        struct lc_manifest_shard *more = lc_array_more(s->shards, s->shard_count, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        s->shards = more;
        s->shard_count++;
    }
    s->shards[shard] = is;
    return LC_OK;
}

static lc_err read_segment(struct lc_reader *in, unsigned shard_count, struct lc_segment_meta *m)
{
    m->number = lc_read_varint(in);
    uint64_t level = lc_read_varint(in);
    m->octets = lc_read_varint(in);
    m->records = lc_read_varint(in);
    m->min_time_ns = (int64_t)lc_read_u64_le(in);
    m->max_time_ns = (int64_t)lc_read_u64_le(in);
    m->min_received_ns = (int64_t)lc_read_u64_le(in);
    m->max_received_ns = (int64_t)lc_read_u64_le(in);
    uint64_t count = lc_read_varint(in);
    if (in->err != LC_OK || count == 0 || count > shard_count || level > UINT16_MAX)
        return LC_ECORRUPT;
    m->level = (unsigned)level;
    m->shards = calloc((size_t)count, sizeof *m->shards);
    if (m->shards == NULL)
        return -ENOMEM;
    m->shard_count = (unsigned)count;
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct lc_segment_shard *part = &m->shards[i];
        uint64_t shard = lc_read_varint(in);
        part->records = lc_read_varint(in);
        part->min_id = lc_read_varint(in);
        part->max_id = lc_read_varint(in);
        if (in->err != LC_OK || shard >= shard_count)
            return LC_ECORRUPT;
        part->shard = (unsigned)shard;
    }
    return LC_OK;
}

static lc_err apply_segment(struct lc_manifest_state *s, struct lc_reader *in)
{
    struct lc_segment_meta *more = lc_array_more(s->segments, s->segment_count, sizeof *more);
    if (more == NULL)
        return -ENOMEM;
    s->segments = more;
    struct lc_segment_meta m = {0};
    lc_err e = read_segment(in, s->shard_count, &m);
    if (e == LC_OK && find_segment(s, m.number) != s->segment_count)
        e = LC_ECORRUPT;
    if (e != LC_OK) {
        lc_segment_meta_done(&m);
        return e;
    }
    s->segments[s->segment_count++] = m;
    return LC_OK;
}

static lc_err apply_segment_gone(struct lc_manifest_state *s, struct lc_reader *in)
{
    size_t i = find_segment(s, lc_read_varint(in));
    if (in->err != LC_OK || i == s->segment_count)
        return LC_ECORRUPT;
    lc_segment_meta_done(&s->segments[i]);
    s->segment_count--;
    memmove(&s->segments[i], &s->segments[i + 1], (s->segment_count - i) * sizeof *s->segments);
    return LC_OK;
}

static lc_err apply_gap(struct lc_manifest_state *s, struct lc_reader *in)
{
    uint64_t shard = lc_read_varint(in);
    uint64_t first = lc_read_varint(in);
    uint64_t last = lc_read_varint(in);
    if (in->err != LC_OK || shard >= s->shard_count || first == 0 || first > last ||
        last > UINT64_MAX >> LC_ID_SHARD_BITS)
        return LC_ECORRUPT;
    struct lc_id_gap gap = {(unsigned)shard, lc_id_make(first, (unsigned)shard),
                            lc_id_make(last, (unsigned)shard)};
    size_t at = 0;
    while (at < s->gap_count && s->gaps[at].shard <= shard)
        at++;
    struct lc_id_gap *before = at > 0 && s->gaps[at - 1].shard == shard ? &s->gaps[at - 1] : NULL;
    if (before != NULL && lc_id_sequence(before->last) >= first)
        return LC_ECORRUPT;
    /* A server that crashes again and again without a record between leaves one gap, not many. */
    if (before != NULL && lc_id_sequence(before->last) + 1 == first) {
        before->last = gap.last;
        return LC_OK;
    }
    struct lc_id_gap *more = lc_array_more(s->gaps, s->gap_count, sizeof *more);
    if (more == NULL)
        return -ENOMEM;
    s->gaps = more;
    memmove(&s->gaps[at + 1], &s->gaps[at], (s->gap_count - at) * sizeof *s->gaps);
    s->gaps[at] = gap;
    s->gap_count++;
    return LC_OK;
}

static lc_err apply_gaps_forgotten(struct lc_manifest_state *s, struct lc_reader *in)
{
    uint64_t shard = lc_read_varint(in);
    uint64_t last = lc_read_varint(in);
    if (in->err != LC_OK || shard >= s->shard_count)
        return LC_ECORRUPT;
    size_t kept = 0;
    for (size_t i = 0; i < s->gap_count; i++)
        if (s->gaps[i].shard != shard || lc_id_sequence(s->gaps[i].last) > last)
            s->gaps[kept++] = s->gaps[i];
    s->gap_count = kept;
    return LC_OK;
}

static lc_err apply_sender(struct lc_manifest_state *s, struct lc_reader *in)
{
    struct lc_sender_entry to;
    struct lc_slice octets = lc_read_bytes(in, sizeof to.id.octets);
    to.at.epoch = lc_read_u64_le(in);
    to.at.upto = lc_read_varint(in);
    to.used_s = (int64_t)lc_read_u64_le(in);
    if (in->err != LC_OK)
        return LC_ECORRUPT;
    memcpy(to.id.octets, octets.p, sizeof to.id.octets);
    return lc_senders_move(&s->senders, &to);
}

lc_err lc_manifest_apply(struct lc_manifest_state *s, struct lc_slice ops)
{
    static lc_err (*const appliers[])(struct lc_manifest_state *, struct lc_reader *) = {
        [OP_SHARD] = apply_shard,
        [OP_SEGMENT] = apply_segment,
        [OP_SEGMENT_GONE] = apply_segment_gone,
        [OP_GAP] = apply_gap,
        [OP_GAPS_FORGOTTEN] = apply_gaps_forgotten,
        [OP_SENDER] = apply_sender,
    };
    struct lc_reader in = lc_reader(ops);
    lc_err e = LC_OK;
    while (e == LC_OK && lc_reader_left(&in) > 0) {
        uint8_t op = lc_read_u8(&in);
        if (op == 0 || op >= LC_ARRAY_LEN(appliers))
            return LC_ECORRUPT;
        e = appliers[op](s, &in);
    }
    return e;
}

lc_err lc_manifest_next(const struct lc_manifest_state *old, struct lc_slice ops,
                        struct lc_manifest_state *ret)
{
    /* Copying by way of operations costs little beside the sync of an edit, and keeps one way. */
    struct lc_edit everything;
    lc_edit_init(&everything);
    lc_edit_everything(&everything, old);
    struct lc_manifest_state next = {.store = old->store};
    lc_err e = everything.err;
    if (e == LC_OK)
        e = lc_manifest_apply(&next, lc_dynbuf_slice(&everything.ops));
    LC_ASSERT(e != LC_ECORRUPT);
    if (e == LC_OK)
        e = lc_manifest_apply(&next, ops);
    lc_edit_done(&everything);
    if (e != LC_OK) {
        lc_manifest_state_done(&next);
        return e;
    }
    *ret = next;
    return LC_OK;
}
