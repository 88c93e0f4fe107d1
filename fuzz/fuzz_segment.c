/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_segment.c - whatever stands in a segment's file, its reader answers with rows or with
 * an error.
 *
 * The first octet says where the input comes in: 'w' as a whole file; behind the checksums, where
 * a fuzzer would hardly get by itself: 'f' as a footer, 'b' as a block, 'n' and 's' as a column.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/page.h"
#include "store/segment_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a disk with one file that lies in memory ---- */

static struct lc_dynbuf file;

static lc_err mem_open(void *state, const char *path, enum lc_open_how how, struct lc_file **ret)
{
    LC_UNUSED(path);
    LC_UNUSED(how);
    *ret = state;
    return LC_OK;
}

static void mem_close(void *state, struct lc_file *f)
{
    LC_UNUSED(state);
    LC_UNUSED(f);
}

static int64_t mem_read(void *state, struct lc_file *f, void *p, size_t n, uint64_t offset)
{
    LC_UNUSED(state);
    LC_UNUSED(f);
    if (offset >= file.n)
        return 0;
    if (n > file.n - offset)
        n = file.n - offset;
    memcpy(p, file.p + offset, n);
    return (int64_t)n;
}

static lc_err mem_write(void *state, struct lc_file *f, const struct lc_slice *parts, size_t count,
                        uint64_t offset)
{
    LC_UNUSED(state);
    LC_UNUSED(f);
    LC_ASSERT(offset == file.n);
    lc_err e = LC_OK;
    for (size_t i = 0; i < count && e == LC_OK; i++)
        e = lc_dynbuf_append(&file, parts[i]);
    return e;
}

static lc_err mem_sync(void *state, struct lc_file *f, enum lc_sync_point point)
{
    LC_UNUSED(state);
    LC_UNUSED(f);
    LC_UNUSED(point);
    return LC_OK;
}

static int64_t mem_size(void *state, struct lc_file *f)
{
    LC_UNUSED(state);
    LC_UNUSED(f);
    return (int64_t)file.n;
}

static char mem_state;
static const struct lc_disk mem_disk = {
    .open = mem_open,
    .close = mem_close,
    .read = mem_read,
    .write = mem_write,
    .sync = mem_sync,
    .size = mem_size,
    .state = &mem_state,
};

/* ---- rows ---- */

static struct lc_decoder *decoder;
static struct lc_page *page;
static volatile uint8_t sink; /* so that every octet is really read */

static void touch(struct lc_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        sink ^= s.p[i];
}

static void touch_record(const struct lc_record *r)
{
    LC_ASSERT(r->level < LC_LEVEL_COUNT || r->level == LC_LEVEL_NONE);
    touch(r->message);
    touch(r->pid);
    touch(r->source);
    touch(r->stream.space);
    touch(r->stream.host);
    touch(r->stream.app);
    touch(r->stream.facility);
    LC_ASSERT(r->field_count <= LC_FIELDS_MAX);
    for (size_t i = 0; i < r->field_count; i++) {
        LC_ASSERT(r->fields[i].type < LC_FIELD_TYPES);
        touch(r->fields[i].name);
        touch(r->fields[i].value);
    }
}

static void read_block(struct lc_segment_index *index, uint32_t block)
{
    lc_page_open_block(page, index, 0, block);
    struct lc_batch *b = lc_page_batch(page);
    if (lc_batch_load(b, LC_COL_ALL) == LC_OK)
        for (size_t row = 0; row < b->count; row++) {
            struct lc_record r;
            lc_batch_record(b, row, NULL, &r);
            touch_record(&r);
        }
    lc_page_clear(page);
}

static void set_file(struct lc_slice s)
{
    file.n = 0;
    LC_ASSERT(lc_dynbuf_append(&file, s) == LC_OK);
}

static void whole_file(struct lc_slice in)
{
    set_file(in);
    struct lc_segment *s;
    struct lc_segment_index *index;
    if (lc_segment_open(&mem_disk, "", 1, &s, NULL) != LC_OK)
        return;
    LC_ASSERT(lc_segment_index_load(s, &index, NULL) == LC_OK);
    for (uint32_t block = 0; block < index->block_count; block++)
        read_block(index, block);
    lc_segment_index_unref(index);
    lc_segment_unref(s);
}

static void footer(struct lc_slice in)
{
    struct lc_reader r = lc_reader(in);
    uint64_t blocks_end = lc_read_u32_le(&r);
    struct lc_segment_meta meta = {.number = 1};
    struct lc_segment_index *x;
    if (lc_segment_index_parse(lc_read_bytes(&r, lc_reader_left(&r)), blocks_end, &meta, &x) ==
        LC_OK) {
        uint64_t rows = 0;
        uint64_t end = LC_SEGMENT_HEADER_OCTETS;
        for (size_t i = 0; i < x->block_count; i++) {
            LC_ASSERT(x->blocks[i].offset == end);
            LC_ASSERT(x->blocks[i].first_share + x->blocks[i].share_count <= x->share_count);
            end += x->blocks[i].octets;
            rows += x->blocks[i].rows;
        }
        LC_ASSERT(end == blocks_end && rows == meta.records);
        for (size_t i = 0; i < x->stream_count; i++)
            touch(x->streams[i].facility);
        for (size_t i = 0; i < x->name_count; i++)
            touch(x->names[i]);
        lc_segment_index_unref(x);
    }
    lc_segment_meta_done(&meta);
}

/* ---- one block, with right checksums ---- */

static struct lc_segment *some_segment(void)
{
    file.n = 0;
    const struct lc_field field = {LC_LIT("name"), LC_LIT("value"), LC_FIELD_STRING};
    const struct lc_record r = {
        .id = 1024, .message = LC_LIT("x"), .fields = &field, .field_count = 1};
    struct lc_segment_writer *w;
    struct lc_segment_meta meta;
    struct lc_segment *s;
    LC_ASSERT(lc_segment_writer_new(&mem_disk, "", 1, 0, &w) == LC_OK);
    LC_ASSERT(lc_segment_writer_add(w, &r) == LC_OK);
    LC_ASSERT(lc_segment_writer_finish(w, &meta) == LC_OK);
    lc_segment_meta_done(&meta);
    LC_ASSERT(lc_segment_open(&mem_disk, "", 1, &s, NULL) == LC_OK);
    return s;
}

static void put_crc(uint8_t *at, struct lc_slice of)
{
    struct lc_writer w = lc_writer(at, 4);
    lc_write_u32_le(&w, lc_crc32c(0, of));
}

/* Gives each column that the header tells of the checksum of what stands there. */
static void mend_checksums(uint8_t *block, size_t header_octets, size_t octets)
{
    struct lc_reader r = lc_reader(lc_slice(block, header_octets));
    uint64_t count = lc_read_varint(&r);
    size_t offset = header_octets;
    for (uint64_t i = 0; i < count && r.err == LC_OK; i++) {
        (void)lc_read_varint(&r);
        (void)lc_read_u8(&r);
        (void)lc_read_varint(&r);
        uint64_t stored = lc_read_varint(&r);
        if (r.err != LC_OK || lc_reader_left(&r) < 4 || stored > octets - offset)
            return;
        put_crc(block + (r.p - block), lc_slice(block + offset, stored));
        (void)lc_read_u32_le(&r);
        offset += stored;
    }
}

static void block(struct lc_slice in)
{
    struct lc_reader r = lc_reader(in);
    uint16_t rows = lc_read_u16_le(&r);
    uint16_t header_octets = lc_read_u16_le(&r);
    if (rows == 0 || rows > LC_BLOCK_ROWS_MAX || header_octets > lc_reader_left(&r))
        return;
    struct lc_segment *s = some_segment();
    struct lc_segment_index *index;
    LC_ASSERT(lc_segment_index_load(s, &index, NULL) == LC_OK);
    set_file(lc_read_bytes(&r, lc_reader_left(&r)));
    mend_checksums(file.p, header_octets, file.n);
    index->blocks[0] = (struct lc_block){
        .octets = (uint32_t)file.n,
        .header_octets = header_octets,
        .header_crc = lc_crc32c(0, lc_slice(file.p, header_octets)),
        .rows = rows,
    };
    read_block(index, 0);
    lc_segment_index_unref(index);
    lc_segment_unref(s);
}

/* ---- one column: what can be read is what a writer makes of it again ---- */

static void numbers(struct lc_slice in)
{
    static uint64_t first[256], again[256];
    if (in.n == 0)
        return;
    size_t n = in.p[0];
    if (lc_numbers_decode(lc_slice_from(in, 1), first, n) != LC_OK)
        return;
    for (int kind = LC_NUMBERS_SERIES; kind <= LC_NUMBERS_SMALL; kind++) {
        file.n = 0;
        LC_ASSERT(lc_numbers_encode(&file, (enum lc_numbers_kind)kind, first, n) == LC_OK);
        LC_ASSERT(lc_numbers_decode(lc_dynbuf_slice(&file), again, n) == LC_OK);
        LC_ASSERT(memcmp(first, again, n * sizeof first[0]) == 0);
    }
}

static void strings(struct lc_slice in)
{
    static struct lc_slice first[256], again[256];
    static struct lc_column_scratch scratch;
    if (in.n == 0)
        return;
    size_t n = in.p[0];
    if (lc_strings_decode(lc_slice_from(in, 1), &scratch, first, n) != LC_OK)
        return;
    file.n = 0;
    LC_ASSERT(lc_strings_encode(&file, &scratch, first, n) == LC_OK);
    LC_ASSERT(lc_strings_decode(lc_dynbuf_slice(&file), &scratch, again, n) == LC_OK);
    for (size_t i = 0; i < n; i++)
        LC_ASSERT(lc_slice_eq(first[i], again[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        uint8_t letter;
        void (*run)(struct lc_slice in);
    } ways[] = {{'w', whole_file}, {'f', footer}, {'b', block}, {'n', numbers}, {'s', strings}};
    if (decoder == NULL) {
        lc_dynbuf_init(&file, 64u << 20);
        decoder = lc_decoder_new();
        page = decoder == NULL ? NULL : lc_page_new(decoder);
        LC_ASSERT(page != NULL);
    }
    for (size_t i = 0; i < LC_ARRAY_LEN(ways) && size != 0; i++)
        if (ways[i].letter == data[0])
            ways[i].run(lc_slice(data + 1, size - 1));
    return 0;
}
