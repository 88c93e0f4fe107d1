/* SPDX-License-Identifier: Apache-2.0
 *
 * store/row.c - encoding and decoding of one record.
 *
 * Encoding is on the path of every record and writes through a bare pointer: lc_row_bound() has
 * made sure of the room. Decoding reads what a disk gave back, through the checked cursor.
 */
#include "store/row.h"

#include <endian.h>

#include "base/cursor.h"

/* How a string refers to its octets. */
enum { STRING_INLINE, STRING_NEW, STRING_EMPTY, STRING_NUMBERS };

static const struct lc_stream_key no_stream; /* its parts point nowhere: not known */

#define STREAM_NEW    0u /* else number + 1 */
#define MESSAGE_AT    8u /* behind two lengths */
#define ROW_OVERHEAD  64u
#define NAME_OVERHEAD 6u /* kind and length */

static struct lc_slice stream_part(const struct lc_stream_key *key, unsigned i)
{
    const struct lc_slice *parts[4] = {&key->space, &key->host, &key->app, &key->facility};
    return *parts[i];
}

size_t lc_row_bound(const struct lc_record *r)
{
    size_t n = ROW_OVERHEAD + r->message.n + r->pid.n + r->source.n;
    for (unsigned i = 0; i < 4; i++)
        n += NAME_OVERHEAD + stream_part(&r->stream, i).n;
    for (size_t i = 0; i < r->field_count; i++)
        n += 2 * NAME_OVERHEAD + r->fields[i].name.n + r->fields[i].value.n;
    return n;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static uint8_t *put_u64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_octets(uint8_t *p, struct lc_slice s)
{
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static uint8_t *put_counted(uint8_t *p, struct lc_slice s)
{
    return put_octets(put_varint(p, s.n), s);
}

/* *hint: a number to try first; the number that was found or given. */
static uint8_t *put_string(uint8_t *p, struct lc_slice s, struct lc_names *names, uint32_t *hint)
{
    if (s.n == 0)
        return put_varint(p, STRING_EMPTY);
    if (*hint >= names->string_count || !lc_slice_eq(names->strings[*hint], s)) {
        uint32_t number = s.n > LC_NAMES_LENGTH_MAX ? LC_NAME_NONE : lc_names_find_string(names, s);
        if (number == LC_NAME_NONE) {
            bool is_new = s.n <= LC_NAMES_LENGTH_MAX && names->string_count < LC_NAMES_STRINGS_MAX;
            *p++ = is_new ? STRING_NEW : STRING_INLINE;
            p = put_counted(p, s);
            if (is_new)
                *hint = lc_names_add_string(names, lc_slice(p - s.n, s.n));
            return p;
        }
        *hint = number;
    }
    return put_varint(p, (uint64_t)*hint + STRING_NUMBERS);
}

static uint8_t *put_new_stream(uint8_t *p, const struct lc_stream_key *key, struct lc_names *names)
{
    struct lc_slice kept[4];
    p = put_varint(p, STREAM_NEW);
    for (unsigned i = 0; i < 4; i++) {
        struct lc_slice part = stream_part(key, i);
        uint32_t number = LC_NAME_NONE;
        p = put_string(p, part, names, &number);
        kept[i] = number != LC_NAME_NONE ? names->strings[number] : lc_slice(p - part.n, part.n);
    }
    lc_names_add_stream(names, &(struct lc_stream_key){kept[0], kept[1], kept[2], kept[3]});
    return p;
}

static uint8_t *put_stream(uint8_t *p, const struct lc_stream_key *key, struct lc_names *names,
                           uint32_t *hint)
{
    if (*hint >= names->stream_count || !lc_stream_key_eq(&names->streams[*hint], key)) {
        *hint = lc_names_find_stream(names, key);
        if (*hint == LC_NAME_NONE) {
            *hint = names->stream_count;
            return put_new_stream(p, key, names);
        }
    }
    return put_varint(p, (uint64_t)*hint + 1);
}

size_t lc_row_encode(uint8_t *out, const struct lc_record *r, struct lc_names *names,
                     struct lc_row_hints *hints, uint32_t *ret_stream)
{
    LC_ASSERT(r->level < LC_LEVEL_COUNT || r->level == LC_LEVEL_NONE);
    uint8_t *p = put_u32(out + sizeof(uint32_t), (uint32_t)r->message.n);
    p = put_octets(p, r->message);
    *p++ = (uint8_t)r->level;
    p = put_u64(p, (uint64_t)r->received_ns);
    int64_t behind = (int64_t)((uint64_t)r->time_ns - (uint64_t)r->received_ns);
    p = put_varint(p, ((uint64_t)behind << 1) ^ (behind < 0 ? UINT64_MAX : 0));
    p = put_stream(p, &r->stream, names, &hints->stream);
    p = put_string(p, r->source, names, &hints->source);
    p = put_counted(p, r->pid);
    p = put_varint(p, r->field_count);
    for (size_t i = 0; i < r->field_count; i++) {
        const struct lc_field *f = &r->fields[i];
        LC_ASSERT(f->type < LC_FIELD_TYPES);
        p = put_string(p, f->name, names, &hints->fields[i % LC_ARRAY_LEN(hints->fields)]);
        *p++ = (uint8_t)f->type;
        p = put_counted(p, f->value);
    }
    put_u32(out, (uint32_t)(p - out - (ptrdiff_t)sizeof(uint32_t)));
    *ret_stream = hints->stream;
    return (size_t)(p - out);
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

size_t lc_row_size(const uint8_t *p)
{
    return sizeof(uint32_t) + get_u32(p);
}

struct lc_slice lc_row_message(const uint8_t *p)
{
    return lc_slice(p + MESSAGE_AT, get_u32(p + sizeof(uint32_t)));
}

struct row_reader {
    struct lc_reader in;
    const struct lc_names *names;
    struct lc_names *define;
    bool unknown; /* it names what no definition is known of */
};

static struct lc_slice read_counted(struct row_reader *r)
{
    uint64_t n = lc_read_varint(&r->in);
    /* more than there is, on any size_t */
    return lc_read_bytes(&r->in, n <= SIZE_MAX ? (size_t)n : SIZE_MAX);
}

static struct lc_slice read_string(struct row_reader *r)
{
    uint64_t kind = lc_read_varint(&r->in);
    if (kind == STRING_EMPTY)
        return lc_slice("", 0);
    if (kind == STRING_INLINE || kind == STRING_NEW) {
        struct lc_slice s = read_counted(r);
        if (kind == STRING_NEW && r->define != NULL && r->in.err == LC_OK) {
            if (r->define->string_count < LC_NAMES_STRINGS_MAX)
                lc_names_add_string(r->define, s);
            else
                r->unknown = true;
        }
        return s;
    }
    uint64_t number = kind - STRING_NUMBERS;
    /* Not compared with the count: of a set it may be growing just now. */
    if (number < LC_NAMES_STRINGS_MAX && r->names->strings[number].p != NULL)
        return r->names->strings[number];
    r->unknown = true;
    return lc_slice("", 0);
}

static struct lc_stream_key read_stream(struct row_reader *r)
{
    struct lc_stream_key key = no_stream;
    uint64_t number = lc_read_varint(&r->in);
    if (number == STREAM_NEW) {
        key.space = read_string(r);
        key.host = read_string(r);
        key.app = read_string(r);
        key.facility = read_string(r);
        if (r->define != NULL && r->in.err == LC_OK) {
            if (r->define->stream_count < LC_NAMES_STREAMS_MAX)
                lc_names_add_stream(r->define, r->unknown ? &no_stream : &key);
            else
                r->unknown = true;
        }
    } else if (number <= LC_NAMES_STREAMS_MAX && r->names->streams[number - 1].space.p != NULL) {
        key = r->names->streams[number - 1];
    } else {
        r->unknown = true;
    }
    return key;
}

static void read_fields(struct row_reader *r, struct lc_field *fields, struct lc_record *ret)
{
    uint64_t count = lc_read_varint(&r->in);
    if (count > LC_FIELDS_MAX)
        r->in.err = LC_ECORRUPT;
    for (size_t i = 0; i < count && r->in.err == LC_OK; i++) {
        fields[i].name = read_string(r);
        uint8_t type = lc_read_u8(&r->in);
        if (type >= LC_FIELD_TYPES)
            r->in.err = LC_ECORRUPT;
        fields[i].type = (enum lc_field_type)type;
        fields[i].value = read_counted(r);
    }
    ret->fields = fields;
    ret->field_count = (size_t)count;
}

lc_err lc_row_decode(struct lc_slice *octets, const struct lc_names *names, struct lc_names *define,
                     struct lc_field *fields, struct lc_record *ret)
{
    struct lc_reader all = lc_reader(*octets);
    struct lc_slice row = lc_read_bytes(&all, lc_read_u32_le(&all));
    if (all.err != LC_OK)
        return LC_EMORE;
    *octets = lc_slice(all.p, lc_reader_left(&all));

    struct row_reader r = {lc_reader(row), names, define, false};
    struct lc_record record = {0};
    record.message = lc_read_bytes(&r.in, lc_read_u32_le(&r.in));
    uint8_t level = lc_read_u8(&r.in);
    record.level = (enum lc_level)level;
    record.received_ns = (int64_t)lc_read_u64_le(&r.in);
    record.time_ns = (int64_t)((uint64_t)record.received_ns + (uint64_t)lc_read_svarint(&r.in));
    record.stream = read_stream(&r);
    record.source = read_string(&r);
    record.pid = read_counted(&r);
    read_fields(&r, fields, &record);
    if (r.in.err != LC_OK || r.unknown || lc_reader_left(&r.in) != 0 ||
        (level >= LC_LEVEL_COUNT && level != LC_LEVEL_NONE))
        return LC_ECORRUPT;
    *ret = record;
    return LC_OK;
}
