/* SPDX-License-Identifier: Apache-2.0
 *
 * store/wal.c - writing a set's octets to its file.
 */
#include "store/wal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "store/version.h"
#include "store/wal_format.h"

/* All names of a full set, defined anew after a failed sync: 65,535 of at most 255 octets, and the
 * streams made of them; longer ones are bounded by the set itself. */
#define FRONT_MAX (256u << 20)

lc_err lc_wal_path(const char *dir, unsigned shard, uint64_t number, char ret[LC_PATH_MAX])
{
    return lc_path(ret, "%s/%04x-%016" PRIx64 ".wal", dir, shard, number);
}

bool lc_wal_name(const char *name, unsigned *ret_shard, uint64_t *ret_number)
{
    unsigned shard;
    uint64_t number;
    int used = 0;
    if (sscanf(name, "%4x-%16" SCNx64 ".wal%n", &shard, &number, &used) != 2 || used == 0)
        return false;
    char again[32];
    snprintf(again, sizeof again, "%04x-%016" PRIx64 ".wal", shard, number);
    if (strcmp(again, name) != 0)
        return false;
    *ret_shard = shard;
    *ret_number = number;
    return true;
}

void lc_wal_init(struct lc_wal *wal, const struct lc_disk *disk, const char *dir, uint64_t store,
                 unsigned shard, uint64_t next_number)
{
    *wal = (struct lc_wal){
        .disk = disk,
        .dir = dir,
        .id = {.store = store, .shard = shard},
        .next_number = next_number,
    };
    lc_dynbuf_init(&wal->front, FRONT_MAX);
}

void lc_wal_done(struct lc_wal *wal)
{
    lc_wal_end(wal);
    lc_dynbuf_done(&wal->front);
}

static lc_err write_header(struct lc_wal *wal, uint64_t durable)
{
    uint8_t octets[LC_WAL_HEADER_SIZE];
    struct lc_writer w = lc_writer(octets, sizeof octets);
    lc_write_u64_le(&w, LC_WAL_MAGIC);
    lc_write_u32_le(&w, LC_WAL_VERSION);
    lc_write_u32_le(&w, wal->id.shard);
    lc_write_u64_le(&w, wal->id.store);
    lc_write_u64_le(&w, wal->id.number);
    lc_write_u64_le(&w, durable);
    lc_write_u32_le(&w, lc_crc32c(0, lc_writer_done(&w)));
    LC_ASSERT(w.err == LC_OK);
    struct lc_slice part = lc_writer_done(&w);
    wal->offset = part.n;
    return wal->disk->write(wal->disk->state, wal->file, &part, 1, 0);
}

lc_err lc_wal_begin(struct lc_wal *wal, uint64_t durable)
{
    LC_ASSERT(wal->file == NULL);
    char path[LC_PATH_MAX];
    wal->id.number = wal->next_number;
    lc_err e = lc_wal_path(wal->dir, wal->id.shard, wal->id.number, path);
    if (e != LC_OK)
        return e;
    e = wal->disk->open(wal->disk->state, path, LC_OPEN_CREATE, &wal->file);
    /* A number is used up even then: the name may be taken by a file that could not be removed. */
    wal->next_number++;
    if (e != LC_OK) {
        wal->file = NULL;
        return e;
    }
    wal->named = wal->counts = false;
    wal->before = (struct lc_set_mark){0};
    e = write_header(wal, durable);
    if (e != LC_OK)
        lc_wal_abandon(wal);
    return e;
}

void lc_wal_end(struct lc_wal *wal)
{
    if (wal->file != NULL)
        wal->disk->close(wal->disk->state, wal->file);
    wal->file = NULL;
}

void lc_wal_abandon(struct lc_wal *wal)
{
    char path[LC_PATH_MAX];
    lc_wal_end(wal);
    /* If it stays there, it is an orphan once its set is sealed. */
    if (lc_wal_path(wal->dir, wal->id.shard, wal->id.number, path) == LC_OK)
        (void)wal->disk->unlink(wal->disk->state, path);
}

static void fill_frame(const struct lc_wal *wal, const struct lc_set *set, struct lc_set_mark from,
                       struct lc_set_mark to, uint64_t before, const struct lc_slice *parts,
                       size_t count)
{
    uint32_t definitions = (uint32_t)(wal->front.n - LC_WAL_FRAME_SIZE);
    size_t length = definitions;
    for (size_t i = 0; i < count; i++)
        length += parts[i].n;
    struct lc_writer w = lc_writer(wal->front.p, LC_WAL_FRAME_SIZE);
    lc_write_u32_le(&w, LC_WAL_FRAME_MAGIC);
    lc_write_u32_le(&w, 0); /* the checksum comes last */
    lc_write_u64_le(&w, wal->id.store);
    lc_write_u64_le(&w, wal->id.number);
    /* A frame without records has no first one: it stands behind the one before it. */
    lc_write_u64_le(&w,
                    to.rows > from.rows ? lc_id_sequence(lc_set_entry(set, from.rows).id) : before);
    lc_write_u32_le(&w, to.rows - from.rows);
    lc_write_u32_le(&w, definitions);
    lc_write_u32_le(&w, (uint32_t)length);
    lc_write_u16_le(&w, from.strings);
    lc_write_u16_le(&w, from.streams);
    LC_ASSERT(w.err == LC_OK && w.p == w.end);

    uint32_t crc = lc_crc32c(0, lc_slice_from(lc_dynbuf_slice(&wal->front), LC_WAL_FRAME_CRC_FROM));
    for (size_t i = 0; i < count; i++)
        crc = lc_crc32c(crc, parts[i]);
    w = lc_writer(wal->front.p + LC_WAL_FRAME_CRC_AT, sizeof crc);
    lc_write_u32_le(&w, crc);
}

static lc_err put_senders(struct lc_wal *wal, const struct lc_set *set, uint32_t from, uint32_t to)
{
    uint8_t octets[sizeof(struct lc_sender_id) + sizeof(uint64_t) + LC_VARINT_MAX];
    struct lc_sender_id id;
    struct lc_sender_position at;
    lc_err e = LC_OK;
    while (e == LC_OK && lc_set_next_sender(set, &from, to, &id, &at)) {
        struct lc_writer w = lc_writer(octets, sizeof octets);
        lc_write_bytes(&w, lc_slice(id.octets, sizeof id.octets));
        lc_write_u64_le(&w, at.epoch);
        lc_write_varint(&w, at.upto);
        e = lc_dynbuf_append(&wal->front, lc_writer_done(&w));
    }
    return e;
}

lc_err lc_wal_write(struct lc_wal *wal, const struct lc_set *set, struct lc_set_mark from,
                    struct lc_set_mark to, uint64_t before)
{
    struct lc_slice parts[1 + LC_SET_PARTS_MAX];
    lc_dynbuf_consume(&wal->front, wal->front.n);
    lc_err e = lc_dynbuf_reserve(&wal->front, LC_WAL_FRAME_SIZE);
    if (e != LC_OK)
        return e;
    wal->front.n = LC_WAL_FRAME_SIZE;
    e = lc_set_define(set, wal->before, from, &wal->front);
    if (e == LC_OK)
        e = put_senders(wal, set, from.moves, to.moves);
    if (e != LC_OK)
        return e;
    size_t count = lc_set_parts(set, from.rows, to.rows, parts + 1);
    fill_frame(wal, set, from, to, before, parts + 1, count);
    parts[0] = lc_dynbuf_slice(&wal->front);
    e = wal->disk->write(wal->disk->state, wal->file, parts, 1 + count, wal->offset);
    if (e != LC_OK)
        return e;
    /* The first frame's definitions are nowhere else in the file: the second has them again. */
    if (wal->offset > LC_WAL_HEADER_SIZE)
        wal->before = from;
    for (size_t i = 0; i < 1 + count; i++)
        wal->offset += parts[i].n;
    return LC_OK;
}

lc_err lc_wal_sync(struct lc_wal *wal)
{
    lc_err e = wal->disk->sync(wal->disk->state, wal->file, LC_SYNC_WAL_COMMIT);
    if (e == LC_OK && !wal->named)
        e = wal->disk->sync_dir(wal->disk->state, wal->dir, LC_SYNC_WAL_CREATE_DIR);
    if (e != LC_OK)
        return e;
    wal->named = true;
    wal->counts = wal->offset > LC_WAL_HEADER_SIZE;
    return LC_OK;
}
