/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_index.c - the sections of a footer, each count checked before it is believed.
 */
#include "store/segment_index.h"

#include <errno.h>
#include <stdlib.h>

#include "store/store.h"

struct parser {
    struct lc_slice sections[LC_SECTION_END]; /* decoded, into index->text */
    struct lc_segment_meta *meta;
    struct lc_segment_index *index;
    uint64_t blocks_end;
    uint64_t *seen; /* records of each of meta->shards that blocks told of */
};

struct lc_segment_index *lc_segment_index_ref(struct lc_segment_index *x)
{
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
    return x;
}

void lc_segment_index_unref(struct lc_segment_index *x)
{
    if (x == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel);
    LC_ASSERT(before > 0);
    if (before > 1)
        return;
    lc_segment_unref(x->segment);
    free(x->blocks);
    free(x->shares);
    free(x->streams);
    free(x->names);
    free(x->text);
    free(x);
}

/* An array for `count` elements of which each took at least `least` of the octets that `r` still
 * has: so memory stays in proportion to the file, whatever a count says. */
static lc_err make_array(const struct lc_reader *r, uint64_t count, size_t least, size_t element,
                         void **ret)
{
    if (r->err != LC_OK || count > lc_reader_left(r) / least)
        return LC_ECORRUPT;
    *ret = calloc(count + 1, element);
    return *ret == NULL ? -ENOMEM : LC_OK;
}

static lc_err ended(const struct lc_reader *r)
{
    return r->err == LC_OK && lc_reader_left(r) == 0 ? LC_OK : LC_ECORRUPT;
}

/* ---- frames ---- */

static void read_frame(struct lc_reader *r, struct lc_frame *f, struct lc_slice *ret_stored)
{
    uint64_t type = lc_read_varint(r);
    f->packing = lc_read_u8(r);
    uint64_t decoded = lc_read_varint(r);
    uint64_t stored = lc_read_varint(r);
    if (decoded > LC_SECTION_OCTETS_MAX || stored > decoded)
        r->err = LC_ESYNTAX;
    f->type = type < LC_SECTION_END ? (uint32_t)type : 0;
    f->decoded = (uint32_t)decoded;
    f->stored = (uint32_t)stored;
    *ret_stored = lc_read_bytes(r, f->stored);
}

/* Octets of all sections that this version knows, decoded. */
static lc_err measure(struct lc_slice footer, uint64_t *ret_octets)
{
    struct lc_reader r = lc_reader(footer);
    bool there[LC_SECTION_END] = {false};
    unsigned known = 0;
    *ret_octets = 0;
    while (lc_reader_left(&r) != 0 && r.err == LC_OK) {
        struct lc_frame f;
        struct lc_slice stored;
        read_frame(&r, &f, &stored);
        if (f.type == 0)
            continue;
        if (there[f.type])
            return LC_ECORRUPT;
        there[f.type] = true;
        known++;
        *ret_octets += f.decoded;
    }
    return r.err == LC_OK && known == LC_SECTION_END - 1 ? LC_OK : LC_ECORRUPT;
}

static lc_err unpack_sections(struct parser *p, struct lc_slice footer,
                              struct lc_unpacker *unpacker)
{
    uint8_t *room = p->index->text;
    struct lc_reader r = lc_reader(footer);
    while (lc_reader_left(&r) != 0) {
        struct lc_frame f;
        struct lc_slice stored;
        read_frame(&r, &f, &stored);
        if (f.type == 0)
            continue;
        struct lc_slice *section = &p->sections[f.type];
        lc_err e = lc_unpack(unpacker, &f, stored, room, section);
        if (e != LC_OK)
            return e;
        /* one that was stored as it is still points into the caller's footer */
        if (section->p != room && section->n != 0)
            memcpy(room, section->p, section->n);
        section->p = room;
        room += f.decoded;
    }
    return LC_OK;
}

static lc_err read_sections(struct parser *p, struct lc_slice footer)
{
    uint64_t octets;
    lc_err e = measure(footer, &octets);
    if (e != LC_OK)
        return e;
    struct lc_unpacker *unpacker = lc_unpacker_new();
    p->index->text = malloc(octets + 1);
    if (unpacker == NULL || p->index->text == NULL)
        e = -ENOMEM;
    else
        e = unpack_sections(p, footer, unpacker);
    lc_unpacker_free(unpacker);
    return e;
}

/* ---- sections ---- */

static lc_err read_summary(struct parser *p)
{
    struct lc_reader r = lc_reader(p->sections[LC_SECTION_SUMMARY]);
    struct lc_segment_meta *m = p->meta;
    m->records = lc_read_varint(&r);
    m->min_time_ns = lc_read_svarint(&r);
    m->max_time_ns = lc_read_svarint(&r);
    m->min_received_ns = lc_read_svarint(&r);
    m->max_received_ns = lc_read_svarint(&r);
    if (m->records == 0 || m->min_time_ns > m->max_time_ns ||
        m->min_received_ns > m->max_received_ns)
        return LC_ECORRUPT;
    return ended(&r);
}

static lc_err read_shards(struct parser *p)
{
    struct lc_reader r = lc_reader(p->sections[LC_SECTION_SHARDS]);
    struct lc_segment_meta *m = p->meta;
    uint64_t count = lc_read_varint(&r);
    if (count > LC_SHARDS_MAX)
        return LC_ECORRUPT;
    lc_err e = make_array(&r, count, 4, sizeof m->shards[0], (void **)&m->shards);
    if (e != LC_OK)
        return e;
    m->shard_count = (unsigned)count;
    uint64_t records = 0;
    uint64_t next = 0; /* they ascend */
    for (size_t i = 0; i < count; i++) {
        struct lc_segment_shard *s = &m->shards[i];
        uint64_t shard = lc_read_varint(&r);
        s->records = lc_read_varint(&r);
        s->min_id = lc_read_varint(&r);
        uint64_t span = lc_read_varint(&r);
        if (shard < next || shard >= LC_SHARDS_MAX || s->records == 0 ||
            s->records > m->records - records || span > UINT64_MAX - s->min_id)
            return LC_ECORRUPT;
        next = shard + 1;
        records += s->records;
        s->shard = (unsigned)shard;
        s->max_id = s->min_id + span;
    }
    return records == m->records ? ended(&r) : LC_ECORRUPT;
}

static struct lc_slice read_string(struct lc_reader *r)
{
    return lc_read_bytes(r, lc_read_varint(r));
}

static lc_err read_streams(struct parser *p)
{
    struct lc_reader r = lc_reader(p->sections[LC_SECTION_STREAMS]);
    struct lc_segment_index *x = p->index;
    uint64_t count = lc_read_varint(&r);
    lc_err e = make_array(&r, count, 4, sizeof x->streams[0], (void **)&x->streams);
    if (e != LC_OK)
        return e;
    x->stream_count = count;
    x->name_octets = p->sections[LC_SECTION_STREAMS].n;
    for (size_t i = 0; i < count; i++) {
        struct lc_stream_key *k = &x->streams[i];
        k->space = read_string(&r);
        k->host = read_string(&r);
        k->app = read_string(&r);
        k->facility = read_string(&r);
    }
    return ended(&r);
}

static lc_err read_names(struct parser *p)
{
    struct lc_reader r = lc_reader(p->sections[LC_SECTION_NAMES]);
    struct lc_segment_index *x = p->index;
    uint64_t count = lc_read_varint(&r);
    if (count > LC_SEGMENT_NAMES_MAX)
        return LC_ECORRUPT;
    lc_err e = make_array(&r, count, 1, sizeof x->names[0], (void **)&x->names);
    if (e != LC_OK)
        return e;
    x->name_count = count;
    for (size_t i = 0; i < count; i++)
        x->names[i] = read_string(&r);
    return ended(&r);
}

/* ---- blocks ---- */

static lc_err read_share(struct parser *p, struct lc_reader *r, uint64_t *rows)
{
    struct lc_segment_shard *share = &p->index->shares[p->index->share_count];
    uint64_t place = lc_read_varint(r);
    if (place >= p->meta->shard_count)
        return LC_ECORRUPT;
    const struct lc_segment_shard *whole = &p->meta->shards[place];
    share->shard = whole->shard;
    share->records = lc_read_varint(r);
    uint64_t from = lc_read_varint(r);
    uint64_t span = lc_read_varint(r);
    uint64_t whole_span = whole->max_id - whole->min_id;
    if (share->records == 0 || share->records > *rows || from > whole_span ||
        span > whole_span - from)
        return LC_ECORRUPT;
    share->min_id = whole->min_id + from;
    share->max_id = share->min_id + span;
    *rows -= share->records;
    p->seen[place] += share->records;
    p->index->share_count++;
    return LC_OK;
}

static lc_err read_block_times(const struct parser *p, struct lc_reader *r, int64_t before,
                               struct lc_block *b)
{
    b->min_time_ns = (int64_t)((uint64_t)before + (uint64_t)lc_read_svarint(r));
    uint64_t span = lc_read_varint(r);
    if (b->min_time_ns < p->meta->min_time_ns || b->min_time_ns > p->meta->max_time_ns ||
        span > (uint64_t)p->meta->max_time_ns - (uint64_t)b->min_time_ns)
        return LC_ECORRUPT;
    b->max_time_ns = (int64_t)((uint64_t)b->min_time_ns + span);
    return lc_hour(b->min_time_ns) == lc_hour(b->max_time_ns) ? LC_OK : LC_ECORRUPT;
}

static lc_err read_block(struct parser *p, struct lc_reader *r, uint64_t offset,
                         int64_t time_before, size_t share_cap, struct lc_block *b)
{
    uint64_t rows = lc_read_varint(r);
    uint64_t octets = lc_read_varint(r);
    uint64_t header_octets = lc_read_varint(r);
    b->header_crc = lc_read_u32_le(r);
    if (rows == 0 || rows > LC_BLOCK_ROWS_MAX || octets > LC_BLOCK_OCTETS_MAX ||
        octets > p->blocks_end - offset || header_octets > octets)
        return LC_ECORRUPT;
    b->rows = (uint32_t)rows;
    b->offset = offset;
    b->octets = (uint32_t)octets;
    b->header_octets = (uint32_t)header_octets;
    lc_err e = read_block_times(p, r, time_before, b);
    uint64_t count = lc_read_varint(r);
    if (e != LC_OK || count > share_cap - p->index->share_count)
        return LC_ECORRUPT;
    b->first_share = (uint32_t)p->index->share_count;
    b->share_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        e = read_share(p, r, &rows);
        if (e != LC_OK)
            return e;
    }
    return rows == 0 && r->err == LC_OK ? LC_OK : LC_ECORRUPT;
}

/* Fewest octets of a block in section 5, of which one share takes four. */
#define BLOCK_OCTETS_MIN 14
#define SHARE_OCTETS_MIN 4

static lc_err read_blocks(struct parser *p)
{
    struct lc_reader r = lc_reader(p->sections[LC_SECTION_BLOCKS]);
    struct lc_segment_index *x = p->index;
    uint64_t count = lc_read_varint(&r);
    lc_err e = make_array(&r, count, BLOCK_OCTETS_MIN, sizeof x->blocks[0], (void **)&x->blocks);
    size_t share_cap = lc_reader_left(&r) / SHARE_OCTETS_MIN;
    if (e == LC_OK)
        e = make_array(&r, share_cap, SHARE_OCTETS_MIN, sizeof x->shares[0], (void **)&x->shares);
    uint64_t offset = LC_SEGMENT_HEADER_OCTETS;
    int64_t time_before = 0;
    for (size_t i = 0; i < count && e == LC_OK; i++) {
        struct lc_block *b = &x->blocks[i];
        e = read_block(p, &r, offset, time_before, share_cap, b);
        offset += b->octets;
        time_before = b->min_time_ns;
    }
    if (e != LC_OK)
        return e;
    x->block_count = count;
    for (unsigned i = 0; i < p->meta->shard_count; i++)
        if (p->seen[i] != p->meta->shards[i].records)
            return LC_ECORRUPT;
    return offset == p->blocks_end ? ended(&r) : LC_ECORRUPT;
}

static lc_err parse(struct parser *p, struct lc_slice footer)
{
    lc_err e = read_sections(p, footer);
    if (e == LC_OK)
        e = read_summary(p);
    if (e == LC_OK)
        e = read_shards(p);
    if (e == LC_OK)
        e = read_streams(p);
    if (e == LC_OK)
        e = read_names(p);
    if (e != LC_OK)
        return e;
    p->seen = calloc(p->meta->shard_count + 1u, sizeof p->seen[0]);
    if (p->seen == NULL)
        return -ENOMEM;
    e = read_blocks(p);
    free(p->seen);
    return e;
}

lc_err lc_segment_index_parse(struct lc_slice footer, uint64_t blocks_end,
                              struct lc_segment_meta *meta, struct lc_segment_index **ret)
{
    struct lc_segment_index *x = calloc(1, sizeof *x);
    if (x == NULL)
        return -ENOMEM;
    atomic_init(&x->refs, 1);
    struct parser p = {.meta = meta, .index = x, .blocks_end = blocks_end};
    lc_err e = parse(&p, footer);
    if (e != LC_OK) {
        lc_segment_index_unref(x);
        return e;
    }
    *ret = x;
    return LC_OK;
}
