/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page_block.c - the octets of a block, and its columns as they are stored.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/page_impl.h"

/* What is at least half of what a block may hold is left as it is by merging. */
#define FULL_TEXT (LC_BLOCK_TEXT_MAX / 2)
#define FULL_REST (LC_BLOCK_REST_MAX / 2)
#define FULL_ROWS (LC_BLOCK_ROWS_MAX / 2)

lc_err lc_page_replace(void **p, size_t *cap, size_t need, size_t element)
{
    if (need <= *cap)
        return LC_OK;
    free(*p);
    *cap = 0;
    *p = malloc(need * element);
    if (*p == NULL)
        return -ENOMEM;
    *cap = need;
    return LC_OK;
}

/* Room for the frames of a header, and for each the place that it decodes to. */
static lc_err make_columns(struct lc_page *p, size_t count)
{
    lc_err e =
        lc_page_replace((void **)&p->columns, &p->column_cap, count + 1, sizeof p->columns[0]);
    if (e == LC_OK)
        e = lc_page_replace((void **)&p->rooms, &p->rooms_cap, count + 1, sizeof p->rooms[0]);
    return e;
}

static lc_err read_frame(struct lc_reader *r, struct lc_frame *f)
{
    uint64_t type = lc_read_varint(r);
    f->packing = lc_read_u8(r);
    uint64_t decoded = lc_read_varint(r);
    uint64_t stored = lc_read_varint(r);
    f->crc = lc_read_u32_le(r);
    if (r->err != LC_OK || type > UINT32_MAX || decoded > LC_COLUMN_OCTETS_MAX || stored > decoded)
        return LC_ECORRUPT;
    f->type = (uint32_t)type;
    f->decoded = (uint32_t)decoded;
    f->stored = (uint32_t)stored;
    return LC_OK;
}

static lc_err read_frames(struct lc_page *p, struct lc_slice header, uint32_t octets)
{
    struct lc_reader r = lc_reader(header);
    uint64_t count = lc_read_varint(&r);
    if (count > lc_reader_left(&r))
        return LC_ECORRUPT;
    lc_err e = make_columns(p, count);
    uint64_t offset = header.n;
    uint64_t room = 0;
    for (size_t i = 0; i < count && e == LC_OK; i++) {
        struct lc_frame *f = &p->columns[i].frame;
        e = read_frame(&r, f);
        if (e != LC_OK || f->stored > octets - offset || f->decoded > LC_BLOCK_OCTETS_MAX - room)
            return LC_ECORRUPT;
        p->columns[i].stored = lc_slice(p->stored + offset, f->stored);
        p->rooms[i] = (uint32_t)room;
        offset += f->stored;
        room += f->packing == LC_PACKED_PLAIN ? 0 : f->decoded;
    }
    if (e != LC_OK)
        return e;
    if (offset != octets || lc_reader_left(&r) != 0)
        return LC_ECORRUPT;
    p->column_count = count;
    return lc_page_replace((void **)&p->room, &p->room_cap, room + 1, 1);
}

lc_err lc_page_read(struct lc_page *p)
{
    if (p->is_read)
        return LC_OK;
    const struct lc_block *b = &p->index->blocks[p->block];
    lc_err e = lc_page_replace((void **)&p->stored, &p->stored_cap, b->octets, 1);
    if (e == LC_OK)
        e = lc_segment_read_block(p->index->segment, b, p->stored);
    if (e == LC_OK)
        e = read_frames(p, lc_slice(p->stored, b->header_octets), b->octets);
    p->is_read = e == LC_OK;
    return e;
}

static bool is_sound(const struct lc_page_column *c)
{
    return lc_crc32c(0, c->stored) == c->frame.crc;
}

lc_err lc_page_octets_of(struct lc_page *p, uint32_t type, struct lc_slice *ret)
{
    *ret = lc_slice(NULL, 0);
    for (size_t i = 0; i < p->column_count; i++) {
        const struct lc_page_column *c = &p->columns[i];
        if (c->frame.type != type)
            continue;
        if (!is_sound(c))
            return LC_ECORRUPT;
        return lc_unpack(p->decoder->unpacker, &c->frame, c->stored, p->room + p->rooms[i], ret);
    }
    return LC_OK;
}

lc_err lc_page_load_numbers(struct lc_page *p, uint32_t type)
{
    struct lc_slice octets;
    lc_err e = lc_page_octets_of(p, type, &octets);
    if (e != LC_OK)
        return e;
    return lc_numbers_decode(octets, p->decoder->numbers, p->block_rows);
}

lc_err lc_page_load_strings(struct lc_page *p, uint32_t type, struct lc_slice *values, size_t n)
{
    struct lc_slice octets;
    lc_err e = lc_page_octets_of(p, type, &octets);
    if (e != LC_OK)
        return e;
    if (octets.p != NULL)
        return lc_strings_decode(octets, &p->decoder->scratch, values, n);
    for (size_t i = 0; i < n; i++)
        values[i] = lc_slice("", 0);
    return LC_OK;
}

/* ---- for merging ---- */

static lc_err damaged(struct lc_page *p, lc_err e)
{
    if (e == LC_ECORRUPT)
        lc_segment_mark_damaged(p->index->segment);
    return e;
}

lc_err lc_page_stored(struct lc_page *p, const struct lc_page_column **ret, size_t *ret_count)
{
    lc_err e = lc_page_read(p);
    for (size_t i = 0; i < p->column_count && e == LC_OK; i++)
        e = is_sound(&p->columns[i]) ? LC_OK : LC_ECORRUPT;
    *ret = p->columns;
    *ret_count = p->column_count;
    return damaged(p, e);
}

lc_err lc_page_is_full(struct lc_page *p, bool *ret)
{
    lc_err e = lc_page_read(p);
    uint64_t text = 0, rest = 0;
    for (size_t i = 0; i < p->column_count && e == LC_OK; i++) {
        const struct lc_frame *f = &p->columns[i].frame;
        text += f->type == LC_STORED_MESSAGE ? f->decoded : 0;
        rest += f->type > LC_STORED_MESSAGE ? f->decoded : 0;
    }
    *ret = text >= FULL_TEXT || rest >= FULL_REST || p->block_rows >= FULL_ROWS;
    return damaged(p, e);
}

lc_err lc_page_numbers(struct lc_page *p, uint32_t type, const uint64_t **ret)
{
    lc_err e = lc_page_read(p);
    if (e == LC_OK)
        e = lc_page_load_numbers(p, type);
    *ret = p->decoder->numbers;
    return damaged(p, e);
}

lc_err lc_page_strings(struct lc_page *p, uint32_t type, const struct lc_slice **ret)
{
    lc_err e = lc_page_read(p);
    if (e == LC_OK)
        e = lc_page_load_strings(p, type, p->decoder->values, p->block_rows);
    *ret = p->decoder->values;
    return damaged(p, e);
}

const struct lc_segment_index *lc_page_index(const struct lc_page *p)
{
    return p->index;
}

const struct lc_block *lc_page_block(const struct lc_page *p)
{
    return &p->index->blocks[p->block];
}
