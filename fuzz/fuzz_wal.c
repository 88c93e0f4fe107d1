/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_wal.c - whatever stands in a WAL file, its reader ends, gives records with increasing
 * ids, and accounts for no more octets than there are.
 *
 * The first octet says where the input comes in: 'w' as a whole file; 'f' as the definitions and
 * rows of a frame whose checksum is right, where a fuzzer would hardly get by itself.
 */
#include <stdlib.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "store/wal.h"
#include "store/wal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lc_wal_id id = {.store = 1, .shard = 2, .number = 3};

static void read_all(struct lc_slice file)
{
    struct lc_wal_reader r;
    if (lc_wal_reader_init(&r, file, &id) != LC_OK)
        return;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record record;
    uint64_t before = 0;
    while (lc_wal_next(&r, fields, &record) == LC_OK) {
        LC_ASSERT(record.id > before && record.field_count <= LC_FIELDS_MAX);
        LC_ASSERT(record.message.n <= file.n);
        before = record.id;
    }
    LC_ASSERT(r.torn_octets + r.damaged_octets <= file.n);
    lc_wal_reader_done(&r);
}

/* Three octets: how many of the others are definitions, and how many rows there are said to be. */
static void read_frame(struct lc_slice in)
{
    if (in.n < 3)
        return;
    size_t n = LC_WAL_FRAME_SIZE + in.n - 3;
    uint8_t *file = malloc(n);
    if (file == NULL)
        return;
    struct lc_writer w = lc_writer(file, n);
    lc_write_u32_le(&w, LC_WAL_FRAME_MAGIC);
    lc_write_u32_le(&w, 0);
    lc_write_u64_le(&w, id.store);
    lc_write_u64_le(&w, id.number);
    lc_write_u64_le(&w, 1);
    lc_write_u32_le(&w, in.p[2]);
    lc_write_u32_le(&w, (uint32_t)(in.p[0] | in.p[1] << 8));
    lc_write_u32_le(&w, (uint32_t)(in.n - 3));
    lc_write_u32_le(&w, 0);
    lc_write_bytes(&w, lc_slice_from(in, 3));
    struct lc_slice covered = lc_slice_from(lc_slice(file, n), LC_WAL_FRAME_CRC_FROM);
    w = lc_writer(file + LC_WAL_FRAME_CRC_AT, sizeof(uint32_t));
    lc_write_u32_le(&w, lc_crc32c(0, covered));
    read_all(lc_slice(file, n));
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct lc_slice in = lc_slice(data + 1, size - 1);
    if (data[0] == 'w')
        read_all(in);
    else if (data[0] == 'f')
        read_frame(in);
    return 0;
}
