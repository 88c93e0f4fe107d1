/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page.c - the octets of a block to rows.
 */
#include "store/page.h"

#include <errno.h>
#include <stdlib.h>

#include "store/page_impl.h"

struct lc_decoder *lc_decoder_new(void)
{
    struct lc_decoder *d = malloc(sizeof *d);
    if (d == NULL)
        return NULL;
    d->unpacker = lc_unpacker_new();
    if (d->unpacker == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void lc_decoder_free(struct lc_decoder *d)
{
    if (d == NULL)
        return;
    lc_unpacker_free(d->unpacker);
    free(d);
}

struct lc_page *lc_page_new(struct lc_decoder *decoder)
{
    struct lc_page *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->decoder = decoder;
    return p;
}

static void let_go(struct lc_page *p)
{
    lc_set_unref(p->set);
    lc_segment_index_unref(p->index);
    p->set = NULL;
    p->index = NULL;
    p->is_read = p->is_picked = false;
    p->column_count = 0;
    p->room_used = 0;
    p->first_row = 0;
    p->batch = (struct lc_batch){.count = 0};
}

void lc_page_clear(struct lc_page *p)
{
    let_go(p);
    free(p->rows);
    free(p->fields);
    free(p->stored);
    free(p->room);
    free(p->columns);
    free(p->rooms);
    *p = (struct lc_page){.decoder = p->decoder};
}

void lc_page_free(struct lc_page *p)
{
    if (p == NULL)
        return;
    lc_page_clear(p);
    free(p);
}

size_t lc_page_octets(const struct lc_page *p)
{
    return p->row_cap * (sizeof p->times[0] + sizeof p->received[0] + sizeof p->ids[0] +
                         sizeof p->streams[0] + 3 * sizeof p->messages[0] + sizeof p->fields_of[0] +
                         sizeof p->picked[0] + sizeof p->levels[0]) +
           p->field_cap * sizeof p->fields[0] + p->stored_cap + p->room_cap +
           p->column_cap * (sizeof p->columns[0] + sizeof p->rooms[0]);
}

struct lc_batch *lc_page_batch(struct lc_page *p)
{
    return &p->batch;
}

void lc_page_open_block(struct lc_page *p, struct lc_segment_index *index, uint32_t part,
                        uint32_t block)
{
    struct lc_segment_index *held = lc_segment_index_ref(index);
    let_go(p);
    p->index = held;
    p->part = part;
    p->block = block;
    p->block_rows = index->blocks[block].rows;
    p->batch.count = p->block_rows;
    p->batch.min_time_ns = index->blocks[block].min_time_ns;
    p->batch.max_time_ns = index->blocks[block].max_time_ns;
}

void lc_page_open_set(struct lc_page *p, struct lc_set *set, uint32_t part, uint32_t block,
                      uint32_t end)
{
    struct lc_set *held = lc_set_ref(set);
    let_go(p);
    p->set = held;
    p->part = part;
    p->block = block;
    uint32_t start = block * LC_PAGE_SET_ROWS;
    LC_ASSERT(start < end);
    p->block_rows = end - start < LC_PAGE_SET_ROWS ? end - start : LC_PAGE_SET_ROWS;
    p->batch.count = p->block_rows;
    p->batch.min_time_ns = INT64_MAX;
    p->batch.max_time_ns = INT64_MIN;
    for (uint32_t row = start; row < start + p->block_rows; row++) {
        int64_t t = lc_set_entry(set, row).time_ns;
        if (t < p->batch.min_time_ns)
            p->batch.min_time_ns = t;
        if (t > p->batch.max_time_ns)
            p->batch.max_time_ns = t;
    }
}

bool lc_page_is_at(const struct lc_page *p, uint32_t part, uint32_t block)
{
    return (p->set != NULL || p->index != NULL) && p->part == part && p->block == block;
}

/* ---- memory ---- */

static void *carve(uint8_t **at, size_t n, size_t element)
{
    uint8_t *p = *at;
    *at += n * element;
    return p;
}

static lc_err make_rows(struct lc_page *p)
{
    if (p->block_rows <= p->row_cap)
        return LC_OK;
    size_t n = ((size_t)p->block_rows + 511) / 512 * 512;
    free(p->rows);
    p->row_cap = 0;
    p->rows = malloc(n * (sizeof p->times[0] + sizeof p->received[0] + sizeof p->ids[0] +
                          sizeof p->streams[0] + 3 * sizeof p->messages[0] +
                          sizeof p->fields_of[0] + sizeof p->picked[0] + sizeof p->levels[0]));
    if (p->rows == NULL)
        return -ENOMEM;
    p->row_cap = n;
    /* widest alignment first */
    uint8_t *at = p->rows;
    p->times = carve(&at, n, sizeof p->times[0]);
    p->received = carve(&at, n, sizeof p->received[0]);
    p->ids = carve(&at, n, sizeof p->ids[0]);
    p->streams = carve(&at, n, sizeof p->streams[0]);
    p->messages = carve(&at, n, sizeof p->messages[0]);
    p->pids = carve(&at, n, sizeof p->pids[0]);
    p->sources = carve(&at, n, sizeof p->sources[0]);
    p->fields_of = carve(&at, n, sizeof p->fields_of[0]);
    p->picked = carve(&at, n, sizeof p->picked[0]);
    p->levels = carve(&at, n, sizeof p->levels[0]);
    return LC_OK;
}

/* ---- rows of a block ---- */

/* The row of the block that is row `i` of the batch. */
static size_t block_row(const struct lc_page *p, size_t i)
{
    return p->is_picked ? p->picked[i] : i;
}

static lc_err load_times(struct lc_page *p)
{
    const uint64_t *numbers = p->decoder->numbers;
    lc_err e = lc_page_load_numbers(p, LC_STORED_TIME);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->times[i] = (int64_t)numbers[block_row(p, i)];
    if (e == LC_OK)
        e = lc_page_load_numbers(p, LC_STORED_RECEIVED);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->received[i] = (int64_t)((uint64_t)p->times[i] + numbers[block_row(p, i)]);
    if (e == LC_OK)
        e = lc_page_load_numbers(p, LC_STORED_ID);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->ids[i] = numbers[block_row(p, i)];
    return e;
}

static lc_err load_levels(struct lc_page *p)
{
    lc_err e = lc_page_load_numbers(p, LC_STORED_LEVEL);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++) {
        uint64_t level = p->decoder->numbers[block_row(p, i)];
        if (level >= LC_LEVEL_COUNT && level != LC_LEVEL_NONE)
            return LC_ECORRUPT;
        p->levels[i] = (uint8_t)level;
    }
    return e;
}

static lc_err load_streams(struct lc_page *p)
{
    lc_err e = lc_page_load_numbers(p, LC_STORED_STREAM);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++) {
        uint64_t stream = p->decoder->numbers[block_row(p, i)];
        if (stream >= p->index->stream_count)
            return LC_ECORRUPT;
        p->streams[i] = &p->index->streams[stream];
    }
    return e;
}

static lc_err load_messages(struct lc_page *p)
{
    lc_err e = lc_page_load_numbers(p, LC_STORED_LENGTH);
    if (e != LC_OK)
        return e;
    struct lc_slice text;
    e = lc_page_octets_of(p, LC_STORED_MESSAGE, &text);
    if (e != LC_OK)
        return e;
    struct lc_reader r = lc_reader(text);
    struct lc_slice *all = p->decoder->values;
    for (size_t row = 0; row < p->block_rows; row++)
        all[row] = lc_read_bytes(&r, p->decoder->numbers[row]);
    if (r.err != LC_OK || lc_reader_left(&r) != 0)
        return LC_ECORRUPT;
    for (size_t i = 0; i < p->batch.count; i++)
        p->messages[i] = all[block_row(p, i)];
    return LC_OK;
}

static lc_err load_column(void *page, uint32_t type, struct lc_slice *values, size_t n)
{
    return lc_page_load_strings(page, type, values, n);
}

static lc_err load_rest(struct lc_page *p)
{
    struct lc_slice *all = p->decoder->values;
    lc_err e = lc_page_load_strings(p, LC_STORED_PID, all, p->block_rows);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->pids[i] = all[block_row(p, i)];
    if (e == LC_OK)
        e = lc_page_load_strings(p, LC_STORED_SOURCE, all, p->block_rows);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->sources[i] = all[block_row(p, i)];
    if (e == LC_OK)
        e = lc_page_load_strings(p, LC_STORED_SHAPE, p->decoder->shapes, p->block_rows);
    size_t fields = 0;
    if (e == LC_OK)
        e = lc_fields_measure(p->decoder, p->index, p->block_rows, &fields);
    if (e == LC_OK)
        e = lc_page_replace((void **)&p->fields, &p->field_cap, fields + 1, sizeof p->fields[0]);
    if (e == LC_OK)
        e = lc_fields_values(p->decoder, load_column, p);
    if (e == LC_OK)
        e = lc_fields_assign(p->decoder, p->index, p->block_rows, p->fields);
    for (size_t i = 0; i < p->batch.count && e == LC_OK; i++)
        p->fields_of[i] = p->decoder->fields_of[block_row(p, i)];
    return e;
}

static lc_err load_block(struct lc_page *p, unsigned columns)
{
    static const struct {
        unsigned column;
        lc_err (*load)(struct lc_page *p);
    } steps[] = {
        {LC_COL_TIME, load_times},       {LC_COL_LEVEL, load_levels}, {LC_COL_STREAM, load_streams},
        {LC_COL_MESSAGE, load_messages}, {LC_COL_REST, load_rest},
    };
    lc_err e = lc_page_read(p);
    for (size_t i = 0; i < LC_ARRAY_LEN(steps) && e == LC_OK; i++) {
        if ((columns & steps[i].column) == 0)
            continue;
        e = steps[i].load(p);
        if (e == LC_OK)
            p->batch.loaded |= steps[i].column;
    }
    if (e == LC_ECORRUPT)
        lc_segment_mark_damaged(p->index->segment);
    return e;
}

/* ---- rows of a set ---- */

static uint32_t set_row(const struct lc_page *p, size_t i)
{
    return p->block * LC_PAGE_SET_ROWS + p->first_row + (uint32_t)i;
}

static void load_set_entries(struct lc_page *p)
{
    for (size_t i = 0; i < p->batch.count; i++) {
        struct lc_set_entry entry = lc_set_entry(p->set, set_row(p, i));
        p->times[i] = entry.time_ns;
        p->received[i] = entry.received_ns;
        p->ids[i] = entry.id;
        p->levels[i] = entry.level;
        p->streams[i] = lc_set_stream(p->set, entry.stream);
    }
}

/* Entries come whole, so their columns load together; the rest stays in the set. */
static void load_set(struct lc_page *p, unsigned columns)
{
    const unsigned entry = LC_COL_TIME | LC_COL_LEVEL | LC_COL_STREAM;
    if ((columns & entry) != 0) {
        load_set_entries(p);
        columns |= entry;
    }
    if ((columns & LC_COL_MESSAGE) != 0)
        for (size_t i = 0; i < p->batch.count; i++)
            p->messages[i] = lc_set_message(p->set, set_row(p, i));
    p->batch.loaded |= columns;
}

/* ---- what users of batches call ---- */

static struct lc_page *page_of(const struct lc_batch *b)
{
    return LC_CONTAINER((struct lc_batch *)(uintptr_t)b, struct lc_page, batch);
}

lc_err lc_batch_load(struct lc_batch *b, unsigned columns)
{
    struct lc_page *p = page_of(b);
    columns &= ~b->loaded & LC_COL_ALL;
    if (columns == 0)
        return LC_OK;
    lc_err e = make_rows(p);
    if (e != LC_OK)
        return e;
    b->times = p->times;
    b->ids = p->ids;
    b->levels = p->levels;
    b->streams = p->streams;
    b->messages = p->messages;
    if (p->set == NULL)
        return load_block(p, columns);
    load_set(p, columns);
    return LC_OK;
}

void lc_batch_record(const struct lc_batch *b, size_t row, struct lc_field *fields,
                     struct lc_record *ret)
{
    LC_ASSERT_SLOW(b->loaded == LC_COL_ALL && row < b->count);
    const struct lc_page *p = page_of(b);
    if (p->set != NULL) {
        lc_set_record(p->set, set_row(p, row), fields, ret);
        return;
    }
    *ret = (struct lc_record){
        .id = p->ids[row],
        .time_ns = p->times[row],
        .received_ns = p->received[row],
        .level = (enum lc_level)p->levels[row],
        .stream = *p->streams[row],
        .pid = p->pids[row],
        .source = p->sources[row],
        .message = p->messages[row],
        .fields = p->fields + p->fields_of[row].first,
        .field_count = p->fields_of[row].count,
    };
}

struct lc_row_ref lc_batch_ref(const struct lc_batch *b, size_t row)
{
    const struct lc_page *p = page_of(b);
    return (struct lc_row_ref){
        .time_ns = lc_batch_time(b, row),
        .id = lc_batch_id(b, row),
        .part = p->part,
        .block = p->block,
        .row = p->first_row + (uint32_t)block_row(p, row),
    };
}

static lc_err pick_rows(struct lc_page *p, const uint64_t *after, unsigned shards)
{
    lc_err e = lc_page_read(p);
    if (e == LC_OK)
        e = lc_page_load_numbers(p, LC_STORED_ID);
    if (e == LC_ECORRUPT)
        lc_segment_mark_damaged(p->index->segment);
    if (e != LC_OK)
        return e;
    size_t count = 0;
    for (uint32_t row = 0; row < p->block_rows; row++) {
        uint64_t id = p->decoder->numbers[row];
        unsigned shard = lc_id_shard(id);
        if (shard >= shards || id > after[shard])
            p->picked[count++] = row;
    }
    p->is_picked = true;
    p->batch.count = count;
    return LC_OK;
}

lc_err lc_page_keep_after(struct lc_page *p, const uint64_t *after, unsigned shards)
{
    LC_ASSERT(p->batch.loaded == 0);
    lc_err e = make_rows(p);
    if (e != LC_OK)
        return e;
    if (p->set == NULL)
        return pick_rows(p, after, shards);
    /* ids ascend within a set */
    uint64_t limit = after[lc_set_shard(p->set)];
    while (p->batch.count > 0 && lc_set_entry(p->set, set_row(p, 0)).id <= limit) {
        p->first_row++;
        p->batch.count--;
    }
    return LC_OK;
}
