/* SPDX-License-Identifier: Apache-2.0
 *
 * store/block_write.c - rows in, columns out.
 */
#include "store/block_write.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

/* Strings are found by place: the buffer that holds them moves while it grows. */
struct span {
    uint32_t offset;
    uint32_t n;
};

struct field_value {
    struct span value;
    uint16_t name;
};

struct lc_block_builder {
    size_t rows;
    size_t fields;
    size_t frames;
    int64_t min_time_ns, max_time_ns;

    uint64_t times[LC_BLOCK_ROWS_MAX];
    uint64_t ids[LC_BLOCK_ROWS_MAX];
    uint64_t received[LC_BLOCK_ROWS_MAX];
    uint64_t levels[LC_BLOCK_ROWS_MAX];
    uint64_t streams[LC_BLOCK_ROWS_MAX];
    uint64_t lengths[LC_BLOCK_ROWS_MAX];
    struct span pids[LC_BLOCK_ROWS_MAX];
    struct span sources[LC_BLOCK_ROWS_MAX];
    struct span shapes[LC_BLOCK_ROWS_MAX];
    struct field_value values[LC_BLOCK_FIELDS_MAX];
    struct lc_dynbuf text; /* messages */
    struct lc_dynbuf rest; /* all other strings */

    struct lc_dynbuf plain;                      /* a column, encoded */
    struct lc_dynbuf header;                     /* its frames */
    struct lc_dynbuf body;                       /* the packed columns */
    struct lc_slice slices[LC_BLOCK_FIELDS_MAX]; /* the strings of a column */
    uint32_t starts[LC_SEGMENT_NAMES_MAX + 2];   /* where a name's values begin in `sorted` */
    uint16_t sorted[LC_BLOCK_FIELDS_MAX];        /* values by name */
    struct lc_column_scratch scratch;
};

struct lc_block_builder *lc_block_builder_new(void)
{
    struct lc_block_builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    lc_dynbuf_init(&b->text, LC_COLUMN_OCTETS_MAX);
    lc_dynbuf_init(&b->rest, LC_COLUMN_OCTETS_MAX);
    lc_dynbuf_init(&b->plain, LC_BLOCK_OCTETS_MAX);
    lc_dynbuf_init(&b->header, LC_BLOCK_OCTETS_MAX);
    lc_dynbuf_init(&b->body, LC_BLOCK_OCTETS_MAX);
    return b;
}

void lc_block_builder_free(struct lc_block_builder *b)
{
    if (b == NULL)
        return;
    lc_dynbuf_done(&b->text);
    lc_dynbuf_done(&b->rest);
    lc_dynbuf_done(&b->plain);
    lc_dynbuf_done(&b->header);
    lc_dynbuf_done(&b->body);
    free(b);
}

size_t lc_block_rows(const struct lc_block_builder *b)
{
    return b->rows;
}

/* ---- rows ---- */

static size_t rest_octets(const struct lc_block_row *row)
{
    const struct lc_record *r = row->record;
    size_t n = r->pid.n + r->source.n;
    for (size_t i = 0; i < r->field_count; i++) {
        n += r->fields[i].value.n;
        if (row->names[i] == LC_SEGMENT_NAMES_MAX)
            n += r->fields[i].name.n;
    }
    return n;
}

bool lc_block_has_room(const struct lc_block_builder *b, const struct lc_block_row *row)
{
    if (b->rows == 0)
        return true;
    return b->rows < LC_BLOCK_ROWS_MAX && b->text.n + row->record->message.n <= LC_BLOCK_TEXT_MAX &&
           b->rest.n + rest_octets(row) <= LC_BLOCK_REST_MAX &&
           b->fields + row->record->field_count <= LC_BLOCK_FIELDS_MAX;
}

static lc_err put_rest(struct lc_block_builder *b, struct lc_slice s, struct span *ret)
{
    *ret = (struct span){(uint32_t)b->rest.n, (uint32_t)s.n};
    return lc_dynbuf_append(&b->rest, s);
}

static lc_err put_shape(struct lc_block_builder *b, const struct lc_block_row *row)
{
    const struct lc_record *r = row->record;
    struct lc_writer w;
    lc_err e = lc_append_begin(&b->rest, r->field_count * (LC_VARINT_MAX + 1), &w);
    if (e != LC_OK)
        return e;
    for (size_t i = 0; i < r->field_count; i++) {
        lc_write_varint(&w, row->names[i]);
        lc_write_u8(&w, (uint8_t)r->fields[i].type);
    }
    b->shapes[b->rows] = (struct span){(uint32_t)b->rest.n, (uint32_t)lc_writer_done(&w).n};
    lc_append_end(&b->rest, &w);
    return LC_OK;
}

static lc_err put_value(struct lc_block_builder *b, const struct lc_field *f, uint16_t name)
{
    struct field_value *v = &b->values[b->fields];
    v->name = name;
    if (name != LC_SEGMENT_NAMES_MAX) {
        b->fields++;
        return put_rest(b, f->value, &v->value);
    }
    struct lc_writer w;
    lc_err e = lc_append_begin(&b->rest, LC_VARINT_MAX + f->name.n + f->value.n, &w);
    if (e != LC_OK)
        return e;
    lc_write_varint(&w, f->name.n);
    lc_write_bytes(&w, f->name);
    lc_write_bytes(&w, f->value);
    v->value = (struct span){(uint32_t)b->rest.n, (uint32_t)lc_writer_done(&w).n};
    lc_append_end(&b->rest, &w);
    b->fields++;
    return LC_OK;
}

static lc_err put_strings(struct lc_block_builder *b, const struct lc_block_row *row)
{
    const struct lc_record *r = row->record;
    lc_err e = lc_dynbuf_append(&b->text, r->message);
    if (e == LC_OK)
        e = put_rest(b, r->pid, &b->pids[b->rows]);
    if (e == LC_OK)
        e = put_rest(b, r->source, &b->sources[b->rows]);
    if (e == LC_OK)
        e = put_shape(b, row);
    for (size_t i = 0; i < r->field_count && e == LC_OK; i++)
        e = put_value(b, &r->fields[i], row->names[i]);
    return e;
}

lc_err lc_block_add(struct lc_block_builder *b, const struct lc_block_row *row)
{
    LC_ASSERT(lc_block_has_room(b, row));
    const struct lc_record *r = row->record;
    lc_err e = put_strings(b, row);
    if (e != LC_OK)
        return e;
    size_t at = b->rows++;
    b->times[at] = (uint64_t)r->time_ns;
    b->ids[at] = r->id;
    b->received[at] = (uint64_t)r->received_ns - (uint64_t)r->time_ns;
    b->levels[at] = r->level;
    b->streams[at] = row->stream;
    b->lengths[at] = r->message.n;
    if (at == 0 || r->time_ns < b->min_time_ns)
        b->min_time_ns = r->time_ns;
    if (at == 0 || r->time_ns > b->max_time_ns)
        b->max_time_ns = r->time_ns;
    return LC_OK;
}

/* ---- columns ---- */

static lc_err emit(struct lc_block_builder *b, struct lc_packer *packer, uint32_t column,
                   struct lc_slice plain)
{
    struct lc_frame f = {.type = column};
    lc_err e = lc_pack(packer, plain, &b->body, &f);
    struct lc_writer w;
    if (e == LC_OK)
        e = lc_append_begin(&b->header, LC_FRAME_OCTETS_MAX, &w);
    if (e != LC_OK)
        return e;
    lc_frame_write(&w, &f);
    lc_append_end(&b->header, &w);
    b->frames++;
    return LC_OK;
}

static lc_err emit_numbers(struct lc_block_builder *b, struct lc_packer *packer, uint32_t column,
                           enum lc_numbers_kind kind, const uint64_t *values)
{
    b->plain.n = 0;
    lc_err e = lc_numbers_encode(&b->plain, kind, values, b->rows);
    if (e == LC_OK)
        e = emit(b, packer, column, lc_dynbuf_slice(&b->plain));
    return e;
}

static struct lc_slice span_slice(const struct lc_block_builder *b, struct span s)
{
    return lc_slice(b->rest.p + s.offset, s.n);
}

/* The first `n` of b->slices. */
static lc_err emit_slices(struct lc_block_builder *b, struct lc_packer *packer, uint32_t column,
                          size_t n)
{
    size_t octets = 0;
    for (size_t i = 0; i < n; i++)
        octets += b->slices[i].n;
    if (octets == 0)
        return LC_OK; /* what is left out is read as empty */
    b->plain.n = 0;
    lc_err e = lc_strings_encode(&b->plain, &b->scratch, b->slices, n);
    if (e == LC_OK)
        e = emit(b, packer, column, lc_dynbuf_slice(&b->plain));
    return e;
}

static lc_err emit_strings(struct lc_block_builder *b, struct lc_packer *packer, uint32_t column,
                           const struct span *values)
{
    for (size_t i = 0; i < b->rows; i++)
        b->slices[i] = span_slice(b, values[i]);
    return emit_slices(b, packer, column, b->rows);
}

/* A counting sort: the values of a name stay in the order of their rows. */
static void sort_values(struct lc_block_builder *b)
{
    memset(b->starts, 0, sizeof b->starts);
    for (size_t i = 0; i < b->fields; i++)
        b->starts[b->values[i].name + 1]++;
    for (size_t name = 0; name <= LC_SEGMENT_NAMES_MAX; name++)
        b->starts[name + 1] += b->starts[name];
    for (size_t i = 0; i < b->fields; i++)
        b->sorted[b->starts[b->values[i].name]++] = (uint16_t)i;
    /* each start now stands where the next name's was */
    memmove(b->starts + 1, b->starts, (LC_SEGMENT_NAMES_MAX + 1) * sizeof b->starts[0]);
    b->starts[0] = 0;
}

static lc_err emit_fields(struct lc_block_builder *b, struct lc_packer *packer)
{
    if (b->fields == 0)
        return LC_OK;
    sort_values(b);
    lc_err e = LC_OK;
    for (uint32_t name = 0; name <= LC_SEGMENT_NAMES_MAX && e == LC_OK; name++) {
        size_t n = b->starts[name + 1] - b->starts[name];
        for (size_t i = 0; i < n; i++)
            b->slices[i] = span_slice(b, b->values[b->sorted[b->starts[name] + i]].value);
        e = emit_slices(b, packer, LC_STORED_FIELDS + name, n);
    }
    return e;
}

static lc_err emit_columns(struct lc_block_builder *b, struct lc_packer *packer)
{
    const struct {
        uint32_t column;
        enum lc_numbers_kind kind;
        const uint64_t *values;
    } numbers[] = {
        {LC_STORED_TIME, LC_NUMBERS_SERIES, b->times},
        {LC_STORED_ID, LC_NUMBERS_SERIES, b->ids},
        {LC_STORED_RECEIVED, LC_NUMBERS_SERIES, b->received},
        {LC_STORED_LEVEL, LC_NUMBERS_SMALL, b->levels},
        {LC_STORED_STREAM, LC_NUMBERS_SMALL, b->streams},
        {LC_STORED_LENGTH, LC_NUMBERS_SMALL, b->lengths},
    };
    lc_err e = LC_OK;
    for (size_t i = 0; i < LC_ARRAY_LEN(numbers) && e == LC_OK; i++)
        e = emit_numbers(b, packer, numbers[i].column, numbers[i].kind, numbers[i].values);
    if (e == LC_OK)
        e = emit(b, packer, LC_STORED_MESSAGE, lc_dynbuf_slice(&b->text));
    if (e == LC_OK)
        e = emit_strings(b, packer, LC_STORED_PID, b->pids);
    if (e == LC_OK)
        e = emit_strings(b, packer, LC_STORED_SOURCE, b->sources);
    if (e == LC_OK)
        e = emit_strings(b, packer, LC_STORED_SHAPE, b->shapes);
    if (e == LC_OK)
        e = emit_fields(b, packer);
    return e;
}

lc_err lc_block_assemble(struct lc_dynbuf *out, size_t frames, struct lc_slice frame_octets,
                         struct lc_slice body, struct lc_block *ret)
{
    size_t start = out->n;
    struct lc_writer w;
    lc_err e = lc_append_begin(out, LC_VARINT_MAX + frame_octets.n + body.n, &w);
    if (e != LC_OK)
        return e;
    lc_write_varint(&w, frames);
    lc_write_bytes(&w, frame_octets);
    struct lc_slice header = lc_writer_done(&w);
    ret->header_octets = (uint32_t)header.n;
    ret->header_crc = lc_crc32c(0, header);
    lc_write_bytes(&w, body);
    lc_append_end(out, &w);
    ret->octets = (uint32_t)(out->n - start);
    return LC_OK;
}

lc_err lc_block_encode(struct lc_block_builder *b, struct lc_packer *packer, struct lc_dynbuf *out,
                       struct lc_block *ret)
{
    LC_ASSERT(b->rows > 0);
    b->frames = 0;
    b->header.n = b->body.n = 0;
    lc_err e = emit_columns(b, packer);
    if (e == LC_OK)
        e = lc_block_assemble(out, b->frames, lc_dynbuf_slice(&b->header),
                              lc_dynbuf_slice(&b->body), ret);
    if (e != LC_OK)
        return e;
    ret->rows = (uint32_t)b->rows;
    ret->min_time_ns = b->min_time_ns;
    ret->max_time_ns = b->max_time_ns;
    b->rows = b->fields = 0;
    b->text.n = b->rest.n = 0;
    return LC_OK;
}
