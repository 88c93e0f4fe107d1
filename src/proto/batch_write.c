/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/batch_write.c - writing messages of binary v2, batches above all.
 */
#include "proto/batch.h"

#include <errno.h>

#include <zstd.h>

#include "base/hash.h"
#include "base/utf8.h"

/* The header at `out->n`, in front of `n` octets of payload that stand there already; both become
 * part of the buffer. */
static void put_header(struct lc_dynbuf *out, enum lc_batch_command command, unsigned flags,
                       uint64_t sequence, size_t n)
{
    uint8_t *start = out->p + out->n;
    struct lc_writer w = lc_writer(start, LC_BATCH_HEADER);
    lc_write_u8(&w, LC_BATCH_VERSION);
    lc_write_u8(&w, (uint8_t)command);
    lc_write_u16_be(&w, (uint16_t)flags);
    lc_write_u32_be(&w, (uint32_t)n);
    lc_write_u64_be(&w, sequence);
    uint32_t crc = lc_crc32c(0, lc_writer_done(&w));
    lc_write_u32_be(&w, lc_crc32c(crc, lc_slice(start + LC_BATCH_HEADER, n)));
    out->n += LC_BATCH_HEADER + n;
}

/* A writer over the room behind a header that put_header() will write. */
static lc_err begin(struct lc_dynbuf *out, size_t n, struct lc_writer *ret)
{
    lc_err e = lc_dynbuf_reserve(out, LC_BATCH_HEADER + n);
    if (e == LC_OK)
        *ret = lc_writer(out->p + out->n + LC_BATCH_HEADER, n);
    return e;
}

lc_err lc_batch_put_hello(struct lc_dynbuf *out, uint64_t sequence,
                          const struct lc_batch_hello *hello)
{
    struct lc_writer w;
    if (hello->name.n > LC_BATCH_NAME)
        return LC_ELIMIT;
    if (!lc_utf8_is_valid(hello->name))
        return LC_ESYNTAX;
    size_t n = sizeof hello->sender.octets + sizeof(uint64_t) + hello->name.n;
    lc_err e = begin(out, n, &w);
    if (e != LC_OK)
        return e;
    lc_write_bytes(&w, lc_slice(hello->sender.octets, sizeof hello->sender.octets));
    lc_write_u64_be(&w, hello->epoch);
    lc_write_bytes(&w, hello->name);
    put_header(out, LC_BATCH_HELLO, 0, sequence, n);
    return LC_OK;
}

lc_err lc_batch_put_welcome(struct lc_dynbuf *out, uint64_t sequence,
                            const struct lc_sender_position *position)
{
    struct lc_writer w;
    size_t n = 2 * sizeof(uint64_t);
    lc_err e = begin(out, n, &w);
    if (e != LC_OK)
        return e;
    lc_write_u64_be(&w, position->epoch);
    lc_write_u64_be(&w, position->upto);
    put_header(out, LC_BATCH_WELCOME, 0, sequence, n);
    return LC_OK;
}

lc_err lc_batch_put_stored(struct lc_dynbuf *out, uint64_t sequence, uint64_t upto)
{
    struct lc_writer w;
    lc_err e = begin(out, sizeof upto, &w);
    if (e != LC_OK)
        return e;
    lc_write_u64_be(&w, upto);
    put_header(out, LC_BATCH_STORED, 0, sequence, sizeof upto);
    return LC_OK;
}

static const char *error_text(enum lc_batch_error code)
{
    static const char *const texts[] = {
#define LC_BATCH_ERROR_TEXT(code, name, text) [code] = (text),
        LC_BATCH_ERRORS(LC_BATCH_ERROR_TEXT)
#undef LC_BATCH_ERROR_TEXT
    };
    return texts[code];
}

lc_err lc_batch_put_error(struct lc_dynbuf *out, uint64_t sequence, enum lc_batch_error code,
                          const char *text)
{
    struct lc_writer w;
    struct lc_slice words = lc_slice_cstr(text != NULL ? text : error_text(code));
    lc_err e = begin(out, 1 + words.n, &w);
    if (e != LC_OK)
        return e;
    lc_write_u8(&w, (uint8_t)code);
    lc_write_bytes(&w, words);
    put_header(out, LC_BATCH_ERROR, 0, sequence, 1 + words.n);
    return LC_OK;
}

/* ---- batches ---- */

#define FIRST_AND_COUNT (sizeof(uint64_t) + sizeof(uint32_t))

void lc_batch_writer_init(struct lc_batch_writer *w)
{
    *w = (struct lc_batch_writer){0};
    lc_dynbuf_init(&w->records, LC_BATCH_MAX);
}

void lc_batch_writer_done(struct lc_batch_writer *w)
{
    lc_dynbuf_done(&w->records);
    ZSTD_freeCCtx(w->zstd);
    w->zstd = NULL;
}

/* A little more than the record takes, so that there is one look at the room. */
static size_t size_at_most(const struct lc_record *r)
{
    size_t n = FIRST_AND_COUNT + 10 * LC_VARINT_MAX + 1;
    n += r->stream.space.n + r->stream.host.n + r->stream.app.n + r->stream.facility.n;
    n += r->pid.n + r->source.n + r->message.n;
    for (size_t i = 0; i < r->field_count; i++)
        n += 2 * LC_VARINT_MAX + 1 + r->fields[i].name.n + r->fields[i].value.n;
    return n;
}

static void write_string(struct lc_writer *w, struct lc_slice s)
{
    lc_write_varint(w, s.n);
    lc_write_bytes(w, s);
}

static void write_record(struct lc_writer *w, uint64_t gap, int64_t behind,
                         const struct lc_record *r)
{
    lc_write_varint(w, gap);
    lc_write_u8(w, (uint8_t)r->level);
    lc_write_svarint(w, behind);
    write_string(w, r->stream.space);
    write_string(w, r->stream.host);
    write_string(w, r->stream.app);
    write_string(w, r->stream.facility);
    write_string(w, r->pid);
    write_string(w, r->source);
    write_string(w, r->message);
    lc_write_varint(w, r->field_count);
    for (size_t i = 0; i < r->field_count; i++) {
        write_string(w, r->fields[i].name);
        lc_write_u8(w, (uint8_t)r->fields[i].type);
        write_string(w, r->fields[i].value);
    }
}

lc_err lc_batch_add(struct lc_batch_writer *w, uint64_t sequence, const struct lc_record *r)
{
    bool is_first = w->count == 0;
    LC_ASSERT(sequence > (is_first ? 0 : w->last) && r->field_count <= LC_FIELDS_MAX);
    lc_err e = w->count == UINT32_MAX ? LC_ELIMIT : lc_dynbuf_reserve(&w->records, size_at_most(r));
    if (e != LC_OK)
        return e;
    if (is_first) {
        w->records.n = FIRST_AND_COUNT; /* lc_batch_finish() fills them in */
        w->first = sequence;
        w->time_ns = 0;
    }
    struct lc_writer out = lc_writer(w->records.p + w->records.n, w->records.cap - w->records.n);
    int64_t behind = (int64_t)((uint64_t)r->time_ns - (uint64_t)w->time_ns);
    write_record(&out, is_first ? 0 : sequence - w->last - 1, behind, r);
    LC_ASSERT(out.err == LC_OK);
    w->records.n += lc_writer_done(&out).n;
    w->last = sequence;
    w->time_ns = r->time_ns;
    w->count++;
    return LC_OK;
}

/* The payload compressed into the room of `n` octets at `at`. *ret: its octets, 0 when it would not
 * be smaller than the room. */
static lc_err compress(struct lc_batch_writer *w, int level, uint8_t *at, size_t n, size_t *ret)
{
    if (w->zstd == NULL)
        w->zstd = ZSTD_createCCtx();
    if (w->zstd == NULL)
        return -ENOMEM;
    size_t got = ZSTD_compressCCtx(w->zstd, at, n, w->records.p, w->records.n, level);
    *ret = ZSTD_isError(got) ? 0 : got;
    return LC_OK;
}

lc_err lc_batch_finish(struct lc_batch_writer *w, uint64_t sequence, unsigned flags, int zstd_level,
                       struct lc_dynbuf *out)
{
    LC_ASSERT(w->count > 0 && (flags & ~LC_BATCH_DOUBTED) == 0);
    struct lc_writer head = lc_writer(w->records.p, FIRST_AND_COUNT);
    lc_write_u64_be(&head, w->first);
    lc_write_u32_be(&head, w->count);

    struct lc_writer payload;
    size_t n = w->records.n, packed = 0;
    lc_err e = begin(out, n, &payload);
    if (e == LC_OK && zstd_level != 0)
        e = compress(w, zstd_level, payload.p, n - 1, &packed);
    if (e != LC_OK)
        return e;
    if (packed == 0)
        lc_write_bytes(&payload, lc_dynbuf_slice(&w->records));
    put_header(out, LC_BATCH_RECORDS, flags | (packed != 0 ? LC_BATCH_ZSTD : 0), sequence,
               packed != 0 ? packed : n);
    w->records.n = 0;
    w->count = 0;
    return LC_OK;
}
