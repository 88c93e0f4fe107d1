/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_copy.c - blocks taken over from another segment.
 */
#include "store/segment_copy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/segment_writer.h"

#define UNKNOWN UINT32_MAX
/* A row's shape: a name and a type for each field. */
#define SHAPE_OCTETS_MAX ((size_t)LC_FIELDS_MAX * (LC_VARINT_MAX + 1))

struct lc_segment_copier {
    size_t stream_count, name_count;
    uint32_t *streams; /* number there -> number here, or UNKNOWN */
    uint32_t names[LC_SEGMENT_NAMES_MAX];
    uint64_t numbers[LC_BLOCK_ROWS_MAX];
    struct lc_slice shapes[LC_BLOCK_ROWS_MAX];
    struct lc_column_scratch scratch;
    struct lc_dynbuf text;  /* shapes, rewritten */
    struct lc_dynbuf plain; /* a column, encoded anew */
    struct lc_dynbuf header, body;
};

lc_err lc_segment_copier_new(const struct lc_segment_index *from, struct lc_segment_copier **ret)
{
    struct lc_segment_copier *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->stream_count = from->stream_count;
    c->name_count = from->name_count;
    lc_dynbuf_init(&c->text, LC_COLUMN_OCTETS_MAX);
    lc_dynbuf_init(&c->plain, LC_BLOCK_OCTETS_MAX);
    lc_dynbuf_init(&c->header, LC_BLOCK_OCTETS_MAX);
    lc_dynbuf_init(&c->body, LC_BLOCK_OCTETS_MAX);
    c->streams = malloc((c->stream_count + 1) * sizeof *c->streams);
    if (c->streams == NULL) {
        lc_segment_copier_free(c);
        return -ENOMEM;
    }
    lc_segment_copier_forget(c);
    *ret = c;
    return LC_OK;
}

void lc_segment_copier_free(struct lc_segment_copier *c)
{
    if (c == NULL)
        return;
    free(c->streams);
    lc_dynbuf_done(&c->text);
    lc_dynbuf_done(&c->plain);
    lc_dynbuf_done(&c->header);
    lc_dynbuf_done(&c->body);
    free(c);
}

void lc_segment_copier_forget(struct lc_segment_copier *c)
{
    memset(c->streams, 0xFF, c->stream_count * sizeof *c->streams);
    memset(c->names, 0xFF, sizeof c->names);
}

/* ---- numbers there to numbers here ---- */

static lc_err map_stream(struct lc_segment_copier *c, struct lc_segment_writer *w,
                         const struct lc_segment_index *from, uint64_t number, uint32_t *ret)
{
    if (number >= from->stream_count)
        return LC_ECORRUPT;
    lc_err e = LC_OK;
    if (c->streams[number] == UNKNOWN)
        e = lc_segment_writer_stream(w, &from->streams[number], &c->streams[number]);
    *ret = c->streams[number];
    return e;
}

/* LC_ELIMIT: it has no place here. */
static lc_err map_name(struct lc_segment_copier *c, struct lc_segment_writer *w,
                       const struct lc_segment_index *from, uint64_t number, uint32_t *ret)
{
    uint16_t here;
    *ret = LC_SEGMENT_NAMES_MAX;
    if (number == LC_SEGMENT_NAMES_MAX)
        return LC_OK;
    if (number >= from->name_count)
        return LC_ECORRUPT;
    if (c->names[number] == UNKNOWN) {
        lc_err e = lc_segment_writer_name(w, from->names[number], &here);
        if (e != LC_OK)
            return e;
        if (here == LC_SEGMENT_NAMES_MAX)
            return LC_ELIMIT;
        c->names[number] = here;
    }
    *ret = c->names[number];
    return LC_OK;
}

/* ---- columns ---- */

static lc_err put_frame(struct lc_segment_copier *c, const struct lc_frame *f)
{
    struct lc_writer out;
    lc_err e = lc_append_begin(&c->header, LC_FRAME_OCTETS_MAX, &out);
    if (e != LC_OK)
        return e;
    lc_frame_write(&out, f);
    lc_append_end(&c->header, &out);
    return LC_OK;
}

/* As it is stored there, under `type`. */
static lc_err take(struct lc_segment_copier *c, const struct lc_page_column *column, uint32_t type)
{
    struct lc_frame f = column->frame;
    f.type = type;
    lc_err e = put_frame(c, &f);
    return e == LC_OK ? lc_dynbuf_append(&c->body, column->stored) : e;
}

/* What stands in c->plain. */
static lc_err pack(struct lc_segment_copier *c, struct lc_segment_writer *w, uint32_t type)
{
    struct lc_frame f = {.type = type};
    lc_err e = lc_pack(w->packer, lc_dynbuf_slice(&c->plain), &c->body, &f);
    return e == LC_OK ? put_frame(c, &f) : e;
}

static lc_err put_streams(struct lc_segment_copier *c, struct lc_segment_writer *w,
                          struct lc_page *page, const struct lc_page_column *column)
{
    const uint64_t *there;
    uint32_t rows = lc_page_block(page)->rows;
    lc_err e = lc_page_numbers(page, LC_STORED_STREAM, &there);
    bool same = true;
    for (uint32_t i = 0; i < rows && e == LC_OK; i++) {
        uint32_t here = 0;
        e = map_stream(c, w, lc_page_index(page), there[i], &here);
        c->numbers[i] = here;
        same &= here == there[i];
    }
    if (e != LC_OK || same)
        return e == LC_OK ? take(c, column, LC_STORED_STREAM) : e;
    c->plain.n = 0;
    e = lc_numbers_encode(&c->plain, LC_NUMBERS_SMALL, c->numbers, rows);
    return e == LC_OK ? pack(c, w, LC_STORED_STREAM) : e;
}

/* One shape with the names' numbers here, appended to c->text. */
static lc_err rewrite_shape(struct lc_segment_copier *c, struct lc_segment_writer *w,
                            const struct lc_segment_index *from, struct lc_slice shape)
{
    struct lc_reader in = lc_reader(shape);
    struct lc_writer out;
    lc_err e = lc_append_begin(&c->text, SHAPE_OCTETS_MAX, &out);
    for (size_t fields = 0; e == LC_OK && lc_reader_left(&in) > 0; fields++) {
        uint32_t here;
        uint64_t there = lc_read_varint(&in);
        uint8_t type = lc_read_u8(&in);
        e = in.err != LC_OK || fields == LC_FIELDS_MAX ? LC_ECORRUPT
                                                       : map_name(c, w, from, there, &here);
        if (e != LC_OK)
            break;
        lc_write_varint(&out, here);
        lc_write_u8(&out, type);
    }
    if (e == LC_OK)
        lc_append_end(&c->text, &out);
    return e;
}

/* Rows in a row mostly have one shape; it is rewritten once. */
static lc_err put_shapes(struct lc_segment_copier *c, struct lc_segment_writer *w,
                         struct lc_page *page)
{
    const struct lc_slice *there;
    uint32_t rows = lc_page_block(page)->rows;
    size_t start = 0;
    lc_err e = lc_page_strings(page, LC_STORED_SHAPE, &there);
    c->text.n = 0;
    for (uint32_t i = 0; i < rows && e == LC_OK; i++) {
        if (i == 0 || !lc_slice_eq(there[i], there[i - 1])) {
            start = c->text.n;
            e = rewrite_shape(c, w, lc_page_index(page), there[i]);
        }
        c->numbers[i] = start; /* the buffer moves while it grows */
        c->shapes[i].n = c->text.n - start;
    }
    for (uint32_t i = 0; i < rows && e == LC_OK; i++)
        c->shapes[i].p = c->text.p + c->numbers[i];
    c->plain.n = 0;
    if (e == LC_OK)
        e = lc_strings_encode(&c->plain, &c->scratch, c->shapes, rows);
    return e == LC_OK ? pack(c, w, LC_STORED_SHAPE) : e;
}

/* Whether all names of the block's segment are the same numbers here. */
static lc_err names_agree(struct lc_segment_copier *c, struct lc_segment_writer *w,
                          const struct lc_segment_index *from, const struct lc_page_column *columns,
                          size_t count, bool *ret)
{
    *ret = true;
    for (size_t i = 0; i < count; i++) {
        uint32_t type = columns[i].frame.type, here;
        if (type < LC_STORED_FIELDS)
            continue;
        lc_err e = map_name(c, w, from, type - LC_STORED_FIELDS, &here);
        if (e != LC_OK)
            return e;
        *ret &= here == type - LC_STORED_FIELDS;
    }
    return LC_OK;
}

static lc_err put_columns(struct lc_segment_copier *c, struct lc_segment_writer *w,
                          struct lc_page *page, const struct lc_page_column *columns, size_t count)
{
    const struct lc_segment_index *from = lc_page_index(page);
    /* a name whose values are all empty has no column, so shapes decide by themselves */
    bool keeps_shapes = from->name_count == 0;
    bool agree;
    lc_err e = names_agree(c, w, from, columns, count, &agree);
    for (size_t i = 0; i < count && e == LC_OK; i++) {
        uint32_t type = columns[i].frame.type, here = 0;
        if (type == LC_STORED_STREAM) {
            e = put_streams(c, w, page, &columns[i]);
        } else if (type == LC_STORED_SHAPE && !keeps_shapes) {
            e = put_shapes(c, w, page);
        } else if (type >= LC_STORED_FIELDS) {
            e = map_name(c, w, from, type - LC_STORED_FIELDS, &here);
            if (e == LC_OK)
                e = take(c, &columns[i], LC_STORED_FIELDS + here);
        } else {
            e = take(c, &columns[i], type);
        }
    }
    return e;
}

/* ---- the block ---- */

/* What the footer tells of records; a block has no bounds of `received`. */
static lc_err count_records(struct lc_segment_copier *c, struct lc_segment_meta *m,
                            struct lc_page *page)
{
    const struct lc_block *b = lc_page_block(page);
    const uint64_t *numbers;
    lc_err e = lc_page_numbers(page, LC_STORED_TIME, &numbers);
    if (e != LC_OK)
        return e;
    memcpy(c->numbers, numbers, b->rows * sizeof numbers[0]);
    e = lc_page_numbers(page, LC_STORED_RECEIVED, &numbers);
    if (e != LC_OK)
        return e;
    for (uint32_t i = 0; i < b->rows; i++) {
        int64_t received = (int64_t)(c->numbers[i] + numbers[i]);
        m->min_received_ns = received < m->min_received_ns ? received : m->min_received_ns;
        m->max_received_ns = received > m->max_received_ns ? received : m->max_received_ns;
    }
    m->min_time_ns = b->min_time_ns < m->min_time_ns ? b->min_time_ns : m->min_time_ns;
    m->max_time_ns = b->max_time_ns > m->max_time_ns ? b->max_time_ns : m->max_time_ns;
    m->records += b->rows;
    return LC_OK;
}

lc_err lc_segment_copy_block(struct lc_segment_copier *c, struct lc_segment_writer *w,
                             struct lc_page *page)
{
    const struct lc_segment_index *from = lc_page_index(page);
    const struct lc_block *there = lc_page_block(page);
    const struct lc_page_column *columns;
    struct lc_block here = *there;
    size_t count;
    c->header.n = c->body.n = 0;
    lc_err e = lc_page_stored(page, &columns, &count);
    if (e == LC_OK)
        e = put_columns(c, w, page, columns, count);
    if (e == LC_OK)
        e = count_records(c, &w->meta, page);
    here.offset = lc_segment_writer_octets(w);
    if (e == LC_OK)
        e = lc_block_assemble(&w->out, count, lc_dynbuf_slice(&c->header),
                              lc_dynbuf_slice(&c->body), &here);
    if (e == LC_OK)
        e = lc_segment_writer_keep(w, &here, from->shares + there->first_share, there->share_count);
    return e;
}
