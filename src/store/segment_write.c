/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_write.c - records in their order to one file: blocks as they fill, then the footer.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/segment_writer.h"

#define WRITE_OCTETS      (1u << 20) /* so much is gathered before it goes to the disk */
#define FOOTER_OCTETS_MAX (1u << 30)

/* In columns of 128 KiB level 3 makes files 1% to 10% smaller than 1 and takes a third more time
 * (bench/seal); deeper compression has to come from the encoding. */
#define ZSTD_LEVEL 1

int lc_segment_order(const struct lc_record *a, const struct lc_record *b)
{
    int64_t hour_a = lc_hour(a->time_ns);
    int64_t hour_b = lc_hour(b->time_ns);
    if (hour_a != hour_b)
        return hour_a < hour_b ? -1 : 1;
    int c = lc_slice_cmp(a->stream.space, b->stream.space);
    if (c == 0)
        c = lc_slice_cmp(a->stream.app, b->stream.app);
    if (c == 0)
        c = lc_slice_cmp(a->stream.host, b->stream.host);
    if (c == 0)
        c = lc_slice_cmp(a->stream.facility, b->stream.facility);
    if (c != 0)
        return c;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* ---- the file ---- */

static lc_err write_out(struct lc_segment_writer *w)
{
    if (w->out.n == 0)
        return LC_OK;
    struct lc_slice part = lc_dynbuf_slice(&w->out);
    lc_err e = w->disk->write(w->disk->state, w->file, &part, 1, w->written);
    if (e != LC_OK)
        return e;
    w->written += w->out.n;
    w->out.n = 0;
    return LC_OK;
}

static lc_err write_header(struct lc_segment_writer *w)
{
    struct lc_writer out;
    lc_err e = lc_append_begin(&w->out, LC_SEGMENT_HEADER_OCTETS, &out);
    if (e != LC_OK)
        return e;
    lc_write_bytes(&out, lc_slice(LC_SEGMENT_MAGIC, LC_SEGMENT_MAGIC_OCTETS));
    lc_write_u32_le(&out, LC_SEGMENT_VERSION);
    lc_write_u32_le(&out, w->meta.level);
    lc_write_u64_le(&out, w->meta.number);
    lc_write_u32_le(&out, lc_crc32c(0, lc_writer_done(&out)));
    lc_append_end(&w->out, &out);
    return LC_OK;
}

static void writer_free(struct lc_segment_writer *w)
{
    if (w->file != NULL)
        w->disk->close(w->disk->state, w->file);
    lc_packer_free(w->packer);
    lc_block_builder_free(w->builder);
    lc_dynbuf_done(&w->out);
    lc_dynbuf_done(&w->key);
    lc_dynbuf_done(&w->last);
    lc_dynbuf_done(&w->space);
    lc_intern_done(&w->streams);
    lc_intern_done(&w->names);
    free(w->blocks);
    free(w->shares);
    free(w->open_shares);
    lc_segment_meta_done(&w->meta);
    free(w);
}

void lc_segment_writer_abort(struct lc_segment_writer *w)
{
    if (w == NULL)
        return;
    /* What cannot be removed now is an orphan, which the next start removes. */
    if (w->file != NULL)
        (void)w->disk->unlink(w->disk->state, w->path);
    writer_free(w);
}

lc_err lc_segment_writer_new(const struct lc_disk *disk, const char *dir, uint64_t number,
                             unsigned level, struct lc_segment_writer **ret)
{
    struct lc_segment_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->disk = disk;
    w->meta.number = number;
    w->meta.level = level;
    w->meta.min_time_ns = w->meta.min_received_ns = INT64_MAX;
    w->meta.max_time_ns = w->meta.max_received_ns = INT64_MIN;
    memset(w->share_of_shard, 0xFF, sizeof w->share_of_shard);
    lc_dynbuf_init(&w->out, FOOTER_OCTETS_MAX);
    lc_dynbuf_init(&w->key, LC_COLUMN_OCTETS_MAX);
    lc_dynbuf_init(&w->last, LC_COLUMN_OCTETS_MAX);
    lc_dynbuf_init(&w->space, LC_COLUMN_OCTETS_MAX);
    lc_intern_init(&w->streams, LC_SECTION_OCTETS_MAX);
    lc_intern_init(&w->names, LC_SECTION_OCTETS_MAX);
    w->packer = lc_packer_new(ZSTD_LEVEL);
    w->builder = lc_block_builder_new();
    lc_err e = -ENOMEM;
    if (w->packer == NULL || w->builder == NULL)
        goto fail;
    e = lc_segment_path(dir, number, w->path);
    if (e == LC_OK)
        e = disk->open(disk->state, w->path, LC_OPEN_CREATE, &w->file);
    if (e == LC_OK)
        e = write_header(w);
    if (e != LC_OK)
        goto fail;
    *ret = w;
    return LC_OK;
fail:
    lc_segment_writer_abort(w);
    return e;
}

uint64_t lc_segment_writer_octets(const struct lc_segment_writer *w)
{
    return w->written + w->out.n;
}

uint64_t lc_segment_writer_name_octets(const struct lc_segment_writer *w)
{
    return w->streams.text.n;
}

/* ---- what a block has of each shard ---- */

/* Room for one more in an array that doubles. */
static lc_err grow(void **array, size_t *cap, size_t count, size_t element)
{
    if (count < *cap)
        return LC_OK;
    size_t more = *cap == 0 ? 64 : *cap * 2;
    void *p = realloc(*array, more * element);
    if (p == NULL)
        return -ENOMEM;
    *array = p;
    *cap = more;
    return LC_OK;
}

static void share_extend(struct lc_segment_shard *s, const struct lc_segment_shard *more)
{
    uint64_t records = s->records + more->records;
    if (s->records == 0)
        *s = *more;
    s->records = records;
    if (more->min_id < s->min_id)
        s->min_id = more->min_id;
    if (more->max_id > s->max_id)
        s->max_id = more->max_id;
}

static lc_err count_id(struct lc_segment_writer *w, uint64_t id)
{
    unsigned shard = lc_id_shard(id);
    const struct lc_segment_shard one = {shard, 1, id, id};
    uint32_t at = w->share_of_shard[shard];
    if (at >= w->open_count || w->open_shares[at].shard != shard) {
        lc_err e =
            grow((void **)&w->open_shares, &w->open_cap, w->open_count, sizeof w->open_shares[0]);
        if (e != LC_OK)
            return e;
        at = (uint32_t)w->open_count++;
        w->open_shares[at] = (struct lc_segment_shard){.shard = shard};
        w->share_of_shard[shard] = at;
    }
    share_extend(&w->open_shares[at], &one);
    return LC_OK;
}

/* ---- blocks ---- */

lc_err lc_segment_writer_keep(struct lc_segment_writer *w, const struct lc_block *b,
                              const struct lc_segment_shard *shares, size_t count)
{
    lc_err e = grow((void **)&w->blocks, &w->block_cap, w->block_count, sizeof w->blocks[0]);
    for (size_t i = 0; i < count && e == LC_OK; i++)
        e = grow((void **)&w->shares, &w->share_cap, w->share_count + i, sizeof w->shares[0]);
    if (e != LC_OK)
        return e;
    struct lc_block *block = &w->blocks[w->block_count++];
    *block = *b;
    block->first_share = (uint32_t)w->share_count;
    block->share_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        w->shares[w->share_count++] = shares[i];
        share_extend(&w->shards[shares[i].shard], &shares[i]);
    }
    return w->out.n >= WRITE_OCTETS ? write_out(w) : LC_OK;
}

static lc_err end_block(struct lc_segment_writer *w)
{
    struct lc_block block = {.offset = lc_segment_writer_octets(w)};
    lc_err e = lc_block_encode(w->builder, w->packer, &w->out, &block);
    if (e == LC_OK)
        e = lc_segment_writer_keep(w, &block, w->open_shares, w->open_count);
    w->open_count = 0;
    return e;
}

static void put_string(struct lc_writer *w, struct lc_slice s)
{
    lc_write_varint(w, s.n);
    lc_write_bytes(w, s);
}

lc_err lc_segment_writer_stream(struct lc_segment_writer *w, const struct lc_stream_key *k,
                                uint32_t *ret)
{
    w->key.n = 0;
    struct lc_writer out;
    lc_err e = lc_append_begin(
        &w->key, (size_t)4 * LC_VARINT_MAX + k->space.n + k->host.n + k->app.n + k->facility.n,
        &out);
    if (e != LC_OK)
        return e;
    put_string(&out, k->space);
    put_string(&out, k->host);
    put_string(&out, k->app);
    put_string(&out, k->facility);
    lc_append_end(&w->key, &out);
    if (w->streams.count == 0 || !lc_slice_eq(lc_dynbuf_slice(&w->key), lc_dynbuf_slice(&w->last)))
        e = lc_intern(&w->streams, lc_dynbuf_slice(&w->key), &w->last_stream);
    if (e != LC_OK)
        return e;
    struct lc_dynbuf key = w->key;
    w->key = w->last;
    w->last = key;
    *ret = w->last_stream;
    return LC_OK;
}

lc_err lc_segment_writer_name(struct lc_segment_writer *w, struct lc_slice name, uint16_t *ret)
{
    w->key.n = 0;
    struct lc_writer out;
    lc_err e = lc_append_begin(&w->key, LC_VARINT_MAX + name.n, &out);
    if (e != LC_OK)
        return e;
    put_string(&out, name);
    lc_append_end(&w->key, &out);
    uint32_t number = LC_SEGMENT_NAMES_MAX;
    if (w->names.count < LC_SEGMENT_NAMES_MAX)
        e = lc_intern(&w->names, lc_dynbuf_slice(&w->key), &number);
    else
        (void)lc_intern_find(&w->names, lc_dynbuf_slice(&w->key), &number);
    *ret = (uint16_t)number;
    return e;
}

/* Whether the row must not stand in the block that has been begun. */
static bool ends_block(const struct lc_segment_writer *w, const struct lc_block_row *row)
{
    if (lc_block_rows(w->builder) == 0)
        return false;
    return lc_hour(row->record->time_ns) != w->hour ||
           !lc_slice_eq(row->record->stream.space, lc_dynbuf_slice(&w->space)) ||
           !lc_block_has_room(w->builder, row);
}

static void count_times(struct lc_segment_meta *m, const struct lc_record *r)
{
    if (r->time_ns < m->min_time_ns)
        m->min_time_ns = r->time_ns;
    if (r->time_ns > m->max_time_ns)
        m->max_time_ns = r->time_ns;
    if (r->received_ns < m->min_received_ns)
        m->min_received_ns = r->received_ns;
    if (r->received_ns > m->max_received_ns)
        m->max_received_ns = r->received_ns;
    m->records++;
}

static lc_err add_row(struct lc_segment_writer *w, const struct lc_block_row *row)
{
    lc_err e = LC_OK;
    if (ends_block(w, row))
        e = end_block(w);
    if (e == LC_OK && lc_block_rows(w->builder) == 0) {
        w->hour = lc_hour(row->record->time_ns);
        w->space.n = 0;
        e = lc_dynbuf_append(&w->space, row->record->stream.space);
    }
    if (e == LC_OK)
        e = lc_block_add(w->builder, row);
    if (e == LC_OK)
        e = count_id(w, row->record->id);
    if (e == LC_OK)
        count_times(&w->meta, row->record);
    return e;
}

static bool is_too_large(const struct lc_record *r)
{
    if (r->field_count > LC_FIELDS_MAX)
        return true;
    size_t n = r->message.n + r->pid.n + r->source.n + r->stream.space.n + r->stream.host.n +
               r->stream.app.n + r->stream.facility.n;
    for (size_t i = 0; i < r->field_count; i++)
        n += r->fields[i].name.n + r->fields[i].value.n;
    return n > LC_SEGMENT_RECORD_MAX;
}

lc_err lc_segment_writer_add(struct lc_segment_writer *w, const struct lc_record *r)
{
    if (is_too_large(r))
        return LC_ELIMIT;
    struct lc_block_row row = {.record = r, .names = w->row_names};
    lc_err e = lc_segment_writer_stream(w, &r->stream, &row.stream);
    for (size_t i = 0; i < r->field_count && e == LC_OK; i++)
        e = lc_segment_writer_name(w, r->fields[i].name, &w->row_names[i]);
    if (e == LC_OK)
        e = add_row(w, &row);
    return e;
}

/* ---- the footer ---- */

/* The section whose decoded octets stand in w->key. */
static lc_err put_section(struct lc_segment_writer *w, enum lc_section type,
                          struct lc_dynbuf *packed)
{
    struct lc_frame f = {.type = type};
    packed->n = 0;
    lc_err e = lc_pack(w->packer, lc_dynbuf_slice(&w->key), packed, &f);
    struct lc_writer out;
    if (e == LC_OK)
        e = lc_append_begin(&w->out, (size_t)4 * LC_VARINT_MAX + packed->n, &out);
    if (e != LC_OK)
        return e;
    lc_write_varint(&out, f.type);
    lc_write_u8(&out, f.packing);
    lc_write_varint(&out, f.decoded);
    lc_write_varint(&out, f.stored);
    lc_write_bytes(&out, lc_dynbuf_slice(packed));
    lc_append_end(&w->out, &out);
    return LC_OK;
}

static lc_err build_summary(struct lc_segment_writer *w)
{
    struct lc_writer out;
    lc_err e = lc_append_begin(&w->key, (size_t)5 * LC_VARINT_MAX, &out);
    if (e != LC_OK)
        return e;
    lc_write_varint(&out, w->meta.records);
    lc_write_svarint(&out, w->meta.min_time_ns);
    lc_write_svarint(&out, w->meta.max_time_ns);
    lc_write_svarint(&out, w->meta.min_received_ns);
    lc_write_svarint(&out, w->meta.max_received_ns);
    lc_append_end(&w->key, &out);
    return LC_OK;
}

static lc_err build_shards(struct lc_segment_writer *w)
{
    struct lc_writer out;
    lc_err e =
        lc_append_begin(&w->key, LC_VARINT_MAX * (1 + 4 * (size_t)w->meta.shard_count), &out);
    if (e != LC_OK)
        return e;
    lc_write_varint(&out, w->meta.shard_count);
    for (unsigned i = 0; i < w->meta.shard_count; i++) {
        const struct lc_segment_shard *s = &w->meta.shards[i];
        lc_write_varint(&out, s->shard);
        lc_write_varint(&out, s->records);
        lc_write_varint(&out, s->min_id);
        lc_write_varint(&out, s->max_id - s->min_id);
    }
    lc_append_end(&w->key, &out);
    return LC_OK;
}

static lc_err build_strings(struct lc_segment_writer *w, const struct lc_intern *strings)
{
    struct lc_writer out;
    lc_err e = lc_append_begin(&w->key, LC_VARINT_MAX, &out);
    if (e != LC_OK)
        return e;
    lc_write_varint(&out, strings->count);
    lc_append_end(&w->key, &out);
    return lc_dynbuf_append(&w->key, lc_dynbuf_slice(&strings->text));
}

static void put_block(struct lc_segment_writer *w, struct lc_writer *out, const struct lc_block *b,
                      int64_t time_before)
{
    lc_write_varint(out, b->rows);
    lc_write_varint(out, b->octets);
    lc_write_varint(out, b->header_octets);
    lc_write_u32_le(out, b->header_crc);
    lc_write_svarint(out, (int64_t)((uint64_t)b->min_time_ns - (uint64_t)time_before));
    lc_write_varint(out, (uint64_t)b->max_time_ns - (uint64_t)b->min_time_ns);
    lc_write_varint(out, b->share_count);
    for (uint32_t i = 0; i < b->share_count; i++) {
        const struct lc_segment_shard *share = &w->shares[b->first_share + i];
        /* numbered among those that the segment has, when build_meta() laid them out */
        lc_write_varint(out, w->share_of_shard[share->shard]);
        lc_write_varint(out, share->records);
        lc_write_varint(out, share->min_id - w->shards[share->shard].min_id);
        lc_write_varint(out, share->max_id - share->min_id);
    }
}

static lc_err build_blocks(struct lc_segment_writer *w)
{
    struct lc_writer out;
    lc_err e = lc_append_begin(&w->key,
                               LC_VARINT_MAX * (1 + 7 * w->block_count + 4 * w->share_count), &out);
    if (e != LC_OK)
        return e;
    lc_write_varint(&out, w->block_count);
    int64_t time_before = 0;
    for (size_t i = 0; i < w->block_count; i++) {
        put_block(w, &out, &w->blocks[i], time_before);
        time_before = w->blocks[i].min_time_ns;
    }
    lc_append_end(&w->key, &out);
    return LC_OK;
}

/* The shards of the segment, in order, and the place of each in share_of_shard. */
static lc_err build_meta(struct lc_segment_writer *w)
{
    unsigned count = 0;
    for (unsigned shard = 0; shard < LC_SHARDS_MAX; shard++)
        count += w->shards[shard].records != 0;
    w->meta.shards = malloc(count * sizeof w->meta.shards[0]);
    if (w->meta.shards == NULL)
        return -ENOMEM;
    for (unsigned shard = 0; shard < LC_SHARDS_MAX; shard++) {
        if (w->shards[shard].records == 0)
            continue;
        w->share_of_shard[shard] = w->meta.shard_count;
        w->meta.shards[w->meta.shard_count++] = w->shards[shard];
    }
    return LC_OK;
}

static lc_err build_section(struct lc_segment_writer *w, enum lc_section type)
{
    switch (type) {
    case LC_SECTION_SUMMARY:
        return build_summary(w);
    case LC_SECTION_SHARDS:
        return build_shards(w);
    case LC_SECTION_STREAMS:
        return build_strings(w, &w->streams);
    case LC_SECTION_NAMES:
        return build_strings(w, &w->names);
    case LC_SECTION_BLOCKS:
        return build_blocks(w);
    case LC_SECTION_END:
        break;
    }
    return LC_OK;
}

static lc_err put_sections(struct lc_segment_writer *w)
{
    /* sections may be longer than any key */
    lc_dynbuf_done(&w->key);
    lc_dynbuf_init(&w->key, LC_SECTION_OCTETS_MAX);
    struct lc_dynbuf packed;
    lc_dynbuf_init(&packed, FOOTER_OCTETS_MAX);
    lc_err e = LC_OK;
    for (int type = LC_SECTION_SUMMARY; type < LC_SECTION_END && e == LC_OK; type++) {
        w->key.n = 0;
        e = build_section(w, (enum lc_section)type);
        if (e == LC_OK)
            e = put_section(w, (enum lc_section)type, &packed);
    }
    lc_dynbuf_done(&packed);
    return e;
}

static lc_err write_footer(struct lc_segment_writer *w)
{
    lc_err e = write_out(w);
    if (e == LC_OK)
        e = build_meta(w);
    if (e == LC_OK)
        e = put_sections(w);
    if (e != LC_OK)
        return e;
    struct lc_slice footer = lc_dynbuf_slice(&w->out);
    uint32_t crc = lc_crc32c(0, footer);
    struct lc_writer out;
    e = lc_append_begin(&w->out, LC_SEGMENT_TRAILER_OCTETS, &out);
    if (e != LC_OK)
        return e;
    lc_write_u32_le(&out, (uint32_t)footer.n);
    lc_write_u32_le(&out, crc);
    lc_write_bytes(&out, lc_slice(LC_SEGMENT_END_MAGIC, LC_SEGMENT_MAGIC_OCTETS));
    lc_append_end(&w->out, &out);
    return write_out(w);
}

lc_err lc_segment_writer_finish(struct lc_segment_writer *w, struct lc_segment_meta *ret)
{
    LC_ASSERT(w->meta.records > 0);
    lc_err e = lc_block_rows(w->builder) > 0 ? end_block(w) : LC_OK;
    if (e == LC_OK)
        e = write_footer(w);
    if (e == LC_OK)
        e = w->disk->sync(w->disk->state, w->file, LC_SYNC_SEGMENT_FILE);
    if (e != LC_OK) {
        lc_segment_writer_abort(w);
        return e;
    }
    w->meta.octets = w->written;
    *ret = w->meta;
    w->meta.shards = NULL; /* the caller's now */
    writer_free(w);
    return LC_OK;
}
