/* SPDX-License-Identifier: Apache-2.0
 *
 * store/wal_reader.c - finding what a WAL file holds, whatever became of it.
 */
#include "base/cursor.h"
#include "base/hash.h"
#include "store/row.h"
#include "store/version.h"
#include "store/wal.h"
#include "store/wal_format.h"

#define SEQUENCE_MAX (UINT64_MAX >> LC_ID_SHARD_BITS)

struct frame {
    struct lc_slice definitions, senders, rows;
    uint64_t first;
    uint32_t records;
    uint16_t strings, streams;
    size_t size; /* octets of all of it */
};

lc_err lc_wal_header(struct lc_slice file, const struct lc_wal_id *id, uint64_t *ret_durable)
{
    struct lc_reader r = lc_reader(file);
    struct lc_slice covered = lc_slice(file.p, LC_WAL_HEADER_SIZE - sizeof(uint32_t));
    uint64_t magic = lc_read_u64_le(&r);
    uint32_t version = lc_read_u32_le(&r);
    uint32_t shard = lc_read_u32_le(&r);
    uint64_t store = lc_read_u64_le(&r);
    uint64_t number = lc_read_u64_le(&r);
    uint64_t durable = lc_read_u64_le(&r);
    uint32_t crc = lc_read_u32_le(&r);
    if (r.err != LC_OK || magic != LC_WAL_MAGIC || crc != lc_crc32c(0, covered))
        return LC_ECORRUPT;
    if (version < LC_WAL_VERSION_MIN || version > LC_WAL_VERSION)
        return LC_EVERSION;
    if (shard != id->shard || store != id->store || number != id->number)
        return LC_ECORRUPT;
    *ret_durable = durable;
    return LC_OK;
}

lc_err lc_wal_reader_init(struct lc_wal_reader *r, struct lc_slice file, const struct lc_wal_id *id)
{
    *r = (struct lc_wal_reader){.file = file, .id = *id, .limit = UINT64_MAX, .expected = 1};
    uint64_t durable;
    /* Behind a bad header there can still be good frames: it will be scanned over. */
    if (lc_wal_header(file, id, &durable) == LC_OK)
        r->at = LC_WAL_HEADER_SIZE;
    return lc_names_init(&r->names, false);
}

void lc_wal_reader_done(struct lc_wal_reader *r)
{
    lc_names_done(&r->names);
}

static struct lc_slice read_counted(struct lc_reader *in)
{
    uint64_t n = lc_read_varint(in);
    return lc_read_bytes(in, n <= lc_reader_left(in) ? (size_t)n : SIZE_MAX);
}

/* first and count of a range that fits into a table of `max` names */
static bool read_range(struct lc_reader *in, uint32_t max, uint32_t *ret_first, uint32_t *ret_end)
{
    uint64_t first = lc_read_varint(in);
    uint64_t count = lc_read_varint(in);
    if (in->err != LC_OK || first > max || count > max - first)
        return false;
    *ret_first = (uint32_t)first;
    *ret_end = (uint32_t)(first + count);
    return true;
}

/* Where a sender has come to. */
static void read_sender(struct lc_reader *in, struct lc_sender_id *ret_id,
                        struct lc_sender_position *ret)
{
    struct lc_slice octets = lc_read_bytes(in, sizeof ret_id->octets);
    if (octets.n == sizeof ret_id->octets)
        memcpy(ret_id->octets, octets.p, octets.n);
    ret->epoch = lc_read_u64_le(in);
    ret->upto = lc_read_varint(in);
}

static bool are_senders(struct lc_slice senders)
{
    struct lc_reader in = lc_reader(senders);
    struct lc_sender_id id;
    struct lc_sender_position at;
    while (in.err == LC_OK && lc_reader_left(&in) > 0)
        read_sender(&in, &id, &at);
    return in.err == LC_OK;
}

static void tell_senders(const struct lc_wal_reader *r, struct lc_slice senders)
{
    struct lc_reader in = lc_reader(senders);
    struct lc_sender_id id;
    struct lc_sender_position at;
    while (r->on_sender != NULL && lc_reader_left(&in) > 0) {
        read_sender(&in, &id, &at);
        r->on_sender(r->on_sender_arg, &id, &at);
    }
}

/* Names that a frame repeats. Those which are known already are the same ones. Behind them stand
 * senders: a file of version 1 has none. */
static bool define_names(struct lc_names *names, struct frame *f)
{
    struct lc_reader in = lc_reader(f->definitions);
    uint32_t i, end;
    if (!read_range(&in, LC_NAMES_STRINGS_MAX, &i, &end))
        return false;
    for (; i < end && in.err == LC_OK; i++)
        names->strings[i] = read_counted(&in);
    if (!read_range(&in, LC_NAMES_STREAMS_MAX, &i, &end))
        return false;
    for (; i < end && in.err == LC_OK; i++) {
        struct lc_stream_key key;
        key.space = read_counted(&in);
        key.host = read_counted(&in);
        key.app = read_counted(&in);
        key.facility = read_counted(&in);
        names->streams[i] = key;
    }
    f->senders = lc_slice(in.p, lc_reader_left(&in));
    return in.err == LC_OK && are_senders(f->senders);
}

static bool parse_frame(const struct lc_wal_reader *r, size_t at, struct frame *ret)
{
    struct lc_reader in = lc_reader(lc_slice_from(r->file, at));
    uint32_t magic = lc_read_u32_le(&in);
    uint32_t crc = lc_read_u32_le(&in);
    const uint8_t *covered = in.p;
    uint64_t store = lc_read_u64_le(&in);
    uint64_t number = lc_read_u64_le(&in);
    if (in.err != LC_OK || magic != LC_WAL_FRAME_MAGIC || store != r->id.store ||
        number != r->id.number)
        return false;
    struct frame f = {.first = lc_read_u64_le(&in)};
    f.records = lc_read_u32_le(&in);
    uint32_t definitions = lc_read_u32_le(&in);
    uint32_t length = lc_read_u32_le(&in);
    f.strings = lc_read_u16_le(&in);
    f.streams = lc_read_u16_le(&in);
    f.definitions = lc_read_bytes(&in, definitions);
    f.rows = lc_read_bytes(&in, (size_t)length - definitions);
    if (in.err != LC_OK || length < definitions || f.streams > LC_NAMES_STREAMS_MAX ||
        f.first + (f.records == 0) < r->expected || f.first > SEQUENCE_MAX - f.records)
        return false;
    if (lc_crc32c(0, lc_slice(covered, (size_t)(in.p - covered))) != crc)
        return false;
    f.size = (size_t)(in.p - r->file.p) - at;
    *ret = f;
    return true;
}

/* The next octets that could begin a frame. */
static size_t find_magic(struct lc_slice file, size_t from)
{
    const uint8_t magic[4] = {'L', 'C', 'f', 'r'};
    const uint8_t *p = memmem(file.p + from, file.n - from, magic, sizeof magic);
    return p == NULL ? file.n : (size_t)(p - file.p);
}

static void note_damage(struct lc_wal_reader *r, uint64_t octets)
{
    if (r->damaged_places++ == 0)
        r->damaged_at = r->at;
    r->damaged_octets += octets;
}

static lc_err next_frame(struct lc_wal_reader *r)
{
    struct frame f;
    size_t at = r->at;
    while (at < r->file.n && !(parse_frame(r, at, &f) && define_names(&r->names, &f)))
        at = find_magic(r->file, at + 1);
    if (at >= r->file.n) {
        r->torn_octets += r->file.n - r->at;
        r->at = r->file.n;
        return LC_EEND;
    }
    if (f.first > r->limit) {
        r->at = r->file.n;
        return LC_EEND;
    }
    if (at > r->at)
        note_damage(r, at - r->at);
    r->at = at + f.size;
    r->expected = f.first + (f.records == 0 ? 1 : f.records);
    r->rows = f.rows;
    r->sequence = f.first;
    r->records = f.records;
    r->names.string_count = f.strings;
    r->names.stream_count = f.streams;
    tell_senders(r, f.senders);
    return LC_OK;
}

lc_err lc_wal_next(struct lc_wal_reader *r, struct lc_field *fields, struct lc_record *ret)
{
    for (;;) {
        while (r->records == 0) {
            lc_err e = next_frame(r);
            if (e != LC_OK)
                return e;
        }
        size_t before = r->rows.n;
        lc_err e = lc_row_decode(&r->rows, &r->names, &r->names, fields, ret);
        r->records--;
        uint64_t sequence = r->sequence++;
        if (e == LC_OK) {
            ret->id = lc_id_make(sequence, r->id.shard);
            return LC_OK;
        }
        /* Its checksum is right, but names that it refers to were defined in frames now lost. */
        note_damage(r, before - r->rows.n);
        if (e == LC_EMORE)
            r->records = 0;
    }
}
