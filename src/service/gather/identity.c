/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/identity.c - who a file is: numbers that outlive its name.
 */
#include "base/hash.h"
#include "service/gather/gather.h"

#define CRC_BITS        32
#define COVERS_BITS     11
#define GENERATION_BITS 20 /* and one bit is left: an epoch is never 0 nor all ones */

static void put_u64(uint64_t v, uint8_t out[8])
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void lc_file_sender(const struct lc_file_id *id, struct lc_sender_id *ret)
{
    put_u64(id->filesystem, ret->octets);
    put_u64(id->inode, ret->octets + 8);
}

static uint64_t generation(uint64_t epoch)
{
    return (epoch >> (CRC_BITS + COVERS_BITS)) & ((1u << GENERATION_BITS) - 1);
}

uint64_t lc_epoch_make(uint64_t generation_number, struct lc_slice start)
{
    uint64_t n = start.n < LC_PRINT_MAX ? start.n : LC_PRINT_MAX;

    return (generation_number & ((1u << GENERATION_BITS) - 1)) << (CRC_BITS + COVERS_BITS) |
           n << CRC_BITS | lc_crc32c(0, lc_slice(start.p, n));
}

unsigned lc_epoch_covers(uint64_t epoch)
{
    return (unsigned)(epoch >> CRC_BITS) & ((1u << COVERS_BITS) - 1);
}

bool lc_epoch_fits(uint64_t epoch, struct lc_slice start)
{
    unsigned n = lc_epoch_covers(epoch);

    return start.n >= n && (uint32_t)epoch == lc_crc32c(0, lc_slice(start.p, n));
}

uint64_t lc_epoch_grow(uint64_t epoch, struct lc_slice start)
{
    return lc_epoch_covers(epoch) == LC_PRINT_MAX ? epoch : lc_epoch_make(generation(epoch), start);
}

uint64_t lc_epoch_next(uint64_t epoch, struct lc_slice start)
{
    return lc_epoch_make(generation(epoch) + 1, start);
}
