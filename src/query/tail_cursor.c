/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail_cursor.c - a tail's position as text: version, shards, one id for each, and a
 * checksum, in URL-safe base64. A client hands it back later, perhaps changed: all is checked.
 */
#include "base/base64.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "query/query.h"

#define CURSOR_VERSION 1u
#define CURSOR_MAX     (1 + LC_VARINT_MAX + LC_SHARDS_MAX * LC_VARINT_MAX + 4)

void lc_tail_cursor_end(const struct lc_snapshot *snap, struct lc_tail_cursor *ret)
{
    ret->shards = lc_snapshot_shards(snap);
    for (unsigned i = 0; i < ret->shards; i++)
        ret->after[i] = lc_snapshot_end(snap, i);
}

lc_err lc_tail_cursor_format(const struct lc_tail_cursor *c, struct lc_dynbuf *out)
{
    uint8_t octets[CURSOR_MAX];
    struct lc_writer w = lc_writer(octets, sizeof octets);
    lc_write_u8(&w, CURSOR_VERSION);
    lc_write_varint(&w, c->shards);
    for (unsigned i = 0; i < c->shards; i++)
        lc_write_varint(&w, c->after[i]);
    lc_write_u32_le(&w, lc_crc32c(0, lc_writer_done(&w)));
    LC_ASSERT(w.err == LC_OK);
    return lc_base64_encode(out, lc_writer_done(&w), LC_BASE64_URL);
}

static lc_err read_cursor(struct lc_slice octets, struct lc_tail_cursor *ret)
{
    if (octets.n < 4)
        return LC_ESYNTAX;
    struct lc_reader tail = lc_reader(lc_slice_from(octets, octets.n - 4));
    octets.n -= 4;
    if (lc_read_u32_le(&tail) != lc_crc32c(0, octets))
        return LC_ESYNTAX;
    struct lc_reader r = lc_reader(octets);
    if (lc_read_u8(&r) != CURSOR_VERSION)
        return LC_ESYNTAX;
    uint64_t shards = lc_read_varint(&r);
    if (shards > LC_SHARDS_MAX)
        return LC_ESYNTAX;
    ret->shards = (unsigned)shards;
    for (unsigned i = 0; i < ret->shards; i++) {
        ret->after[i] = lc_read_varint(&r);
        if (ret->after[i] != 0 && lc_id_shard(ret->after[i]) != i)
            return LC_ESYNTAX;
    }
    return r.err == LC_OK && lc_reader_left(&r) == 0 ? LC_OK : LC_ESYNTAX;
}

lc_err lc_tail_cursor_parse(struct lc_slice text, struct lc_tail_cursor *ret)
{
    if (text.n > CURSOR_MAX * 4 / 3 + 4)
        return LC_ESYNTAX;
    struct lc_dynbuf octets;
    lc_dynbuf_init(&octets, CURSOR_MAX + 4);
    struct lc_tail_cursor c;
    lc_err e = lc_base64_decode(&octets, text, LC_BASE64_URL);
    if (e == LC_OK)
        e = read_cursor(lc_dynbuf_slice(&octets), &c);
    if (e == LC_ELIMIT)
        e = LC_ESYNTAX;
    lc_dynbuf_done(&octets);
    if (e == LC_OK)
        *ret = c;
    return e;
}
