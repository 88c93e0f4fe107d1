/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/batch.c - messages of binary v2, and reading the records of a batch.
 */
#include "proto/batch.h"

#include <errno.h>

#include <zstd.h>

#include "base/hash.h"
#include "base/utf8.h"

/* A record takes at least: gap, level, time, seven strings, number of fields. */
#define RECORD_MIN 11u

struct header {
    uint8_t command;
    uint16_t flags;
    uint32_t length;
    uint64_t sequence;
    uint32_t crc;
};

/* Of each command the flags that it may have. */
static lc_err check_kind(const struct header *h)
{
    switch (h->command) {
    case LC_BATCH_RECORDS:
        return (h->flags & ~(LC_BATCH_ZSTD | LC_BATCH_DOUBTED)) == 0 ? LC_OK : LC_ESYNTAX;
    case LC_BATCH_HELLO:
    case LC_BATCH_WELCOME:
    case LC_BATCH_STORED:
    case LC_BATCH_ERROR:
        return h->flags == 0 ? LC_OK : LC_ESYNTAX;
    default:
        return LC_ESYNTAX;
    }
}

lc_err lc_batch_take(struct lc_slice in, struct lc_batch_message *ret, size_t *ret_used)
{
    /* what is wrong is told by the first octets that show it, not after 8 MiB have come */
    if (in.n > 0 && in.p[0] != LC_BATCH_VERSION)
        return LC_EVERSION;
    if (in.n < LC_BATCH_HEADER)
        return LC_EMORE;
    struct lc_reader r = lc_reader(lc_slice_from(in, 1));
    struct header h = {.command = lc_read_u8(&r)};
    h.flags = lc_read_u16_be(&r);
    h.length = lc_read_u32_be(&r);
    h.sequence = lc_read_u64_be(&r);
    h.crc = lc_read_u32_be(&r);
    if (h.length > LC_BATCH_MAX)
        return LC_ELIMIT;
    struct lc_slice payload = lc_read_bytes(&r, h.length);
    if (r.err != LC_OK)
        return LC_EMORE;
    if (lc_crc32c(lc_crc32c(0, lc_slice(in.p, LC_BATCH_CHECKED)), payload) != h.crc)
        return LC_ECORRUPT;
    lc_err e = check_kind(&h);
    if (e != LC_OK)
        return e;
    *ret =
        (struct lc_batch_message){(enum lc_batch_command)h.command, h.flags, h.sequence, payload};
    *ret_used = LC_BATCH_HEADER + payload.n;
    return LC_OK;
}

const char *lc_batch_reason(lc_err e)
{
    switch (e) {
    case LC_EVERSION:
        return "a message does not begin with version 2";
    case LC_ELIMIT:
        return "a payload is longer than 8 MiB";
    case LC_ECORRUPT:
        return "a checksum is wrong";
    case LC_ESYNTAX:
        return "a message is not well-formed";
    default:
        return lc_strerror(e);
    }
}

lc_err lc_batch_read_hello(struct lc_slice payload, struct lc_batch_hello *ret)
{
    struct lc_reader r = lc_reader(payload);
    struct lc_batch_hello hello;
    struct lc_slice id = lc_read_bytes(&r, sizeof hello.sender.octets);
    hello.epoch = lc_read_u64_be(&r);
    hello.name = lc_read_bytes(&r, lc_reader_left(&r));
    if (r.err != LC_OK || hello.name.n > LC_BATCH_NAME || !lc_utf8_is_valid(hello.name))
        return LC_ESYNTAX;
    memcpy(hello.sender.octets, id.p, sizeof hello.sender.octets);
    *ret = hello;
    return LC_OK;
}

lc_err lc_batch_read_welcome(struct lc_slice payload, struct lc_sender_position *ret)
{
    struct lc_reader r = lc_reader(payload);
    struct lc_sender_position position = {.epoch = lc_read_u64_be(&r)};
    position.upto = lc_read_u64_be(&r);
    if (r.err != LC_OK || lc_reader_left(&r) != 0)
        return LC_ESYNTAX;
    *ret = position;
    return LC_OK;
}

lc_err lc_batch_read_stored(struct lc_slice payload, uint64_t *ret_upto)
{
    struct lc_reader r = lc_reader(payload);
    uint64_t upto = lc_read_u64_be(&r);
    if (r.err != LC_OK || lc_reader_left(&r) != 0)
        return LC_ESYNTAX;
    *ret_upto = upto;
    return LC_OK;
}

lc_err lc_batch_read_error(struct lc_slice payload, unsigned *ret_code, struct lc_slice *ret_text)
{
    if (payload.n == 0)
        return LC_ESYNTAX;
    *ret_code = payload.p[0];
    *ret_text = lc_slice_from(payload, 1);
    return LC_OK;
}

static lc_err decompress(struct lc_slice packed, struct lc_dynbuf *scratch)
{
    /* one frame and nothing behind it; and its size is known before anything is decompressed */
    size_t frame = ZSTD_findFrameCompressedSize(packed.p, packed.n);
    unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (ZSTD_isError(frame) || frame != packed.n || n == ZSTD_CONTENTSIZE_UNKNOWN ||
        n == ZSTD_CONTENTSIZE_ERROR)
        return LC_ESYNTAX;
    if (n > LC_BATCH_MAX)
        return LC_ELIMIT;
    scratch->n = 0;
    lc_err e = lc_dynbuf_reserve(scratch, (size_t)n);
    if (e != LC_OK)
        return e;
    size_t got = ZSTD_decompress(scratch->p, (size_t)n, packed.p, packed.n);
    if (ZSTD_isError(got) || got != n)
        return LC_ESYNTAX;
    scratch->n = got;
    return LC_OK;
}

lc_err lc_batch_open(const struct lc_batch_message *batch, struct lc_dynbuf *scratch,
                     struct lc_slice *ret_records)
{
    LC_ASSERT(batch->command == LC_BATCH_RECORDS);
    if ((batch->flags & LC_BATCH_ZSTD) == 0) {
        *ret_records = batch->payload;
        return LC_OK;
    }
    lc_err e = decompress(batch->payload, scratch);
    if (e == LC_OK)
        *ret_records = lc_dynbuf_slice(scratch);
    return e;
}

lc_err lc_batch_read(struct lc_slice records, struct lc_batch_reader *ret)
{
    struct lc_batch_reader r = {.in = lc_reader(records)};
    r.first = lc_read_u64_be(&r.in);
    r.count = r.left = lc_read_u32_be(&r.in);
    if (r.in.err != LC_OK || r.first == 0 || r.count == 0 ||
        r.count > lc_reader_left(&r.in) / RECORD_MIN)
        return LC_ESYNTAX;
    r.sequence = r.first - 1;
    *ret = r;
    return LC_OK;
}

static struct lc_slice read_string(struct lc_reader *in)
{
    uint64_t n = lc_read_varint(in);
    return lc_read_bytes(in, n <= SIZE_MAX ? (size_t)n : SIZE_MAX);
}

static void read_fields(struct lc_reader *in, struct lc_field *fields, struct lc_record *ret)
{
    uint64_t count = lc_read_varint(in);
    if (in->err == LC_OK && count > LC_FIELDS_MAX)
        in->err = LC_ESYNTAX;
    for (size_t i = 0; i < count && in->err == LC_OK; i++) {
        fields[i].name = read_string(in);
        uint8_t type = lc_read_u8(in);
        if (type >= LC_FIELD_TYPES)
            in->err = LC_ESYNTAX;
        fields[i].type = (enum lc_field_type)type;
        fields[i].value = read_string(in);
    }
    ret->fields = fields;
    ret->field_count = (size_t)count;
}

static bool is_level(uint8_t level)
{
    return level < LC_LEVEL_COUNT || level == LC_LEVEL_NONE;
}

lc_err lc_batch_next(struct lc_batch_reader *r, struct lc_field fields[LC_FIELDS_MAX],
                     struct lc_record *ret, uint64_t *ret_sequence)
{
    struct lc_reader *in = &r->in;
    if (r->left == 0)
        return lc_reader_left(in) == 0 ? LC_EEND : LC_ESYNTAX;
    uint64_t gap = lc_read_varint(in);
    bool is_first = r->left == r->count;
    if (is_first ? gap != 0 : r->sequence == UINT64_MAX || gap > UINT64_MAX - r->sequence - 1)
        return LC_ESYNTAX;
    struct lc_record record = {0};
    uint8_t level = lc_read_u8(in);
    record.level = (enum lc_level)level;
    record.time_ns = (int64_t)((uint64_t)r->time_ns + (uint64_t)lc_read_svarint(in));
    record.stream.space = read_string(in);
    record.stream.host = read_string(in);
    record.stream.app = read_string(in);
    record.stream.facility = read_string(in);
    record.pid = read_string(in);
    record.source = read_string(in);
    record.message = read_string(in);
    read_fields(in, fields, &record);
    if (in->err != LC_OK || !is_level(level))
        return LC_ESYNTAX;
    r->left--;
    r->sequence += 1 + gap;
    r->time_ns = record.time_ns;
    *ret = record;
    *ret_sequence = r->sequence;
    return LC_OK;
}
