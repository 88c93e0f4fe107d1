/* SPDX-License-Identifier: Apache-2.0
 *
 * base/hash.c - CRC-32C by instruction or table, XXH3.
 */
#include "base/hash.h"

#include <pthread.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define POLYNOMIAL 0x82F63B78u /* Castagnoli, reflected */

static uint32_t table[8][256];

static void table_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (unsigned k = 1; k < 8; k++)
            table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xFF];
}

/* "Slicing by 8": eight octets a step, one table for the distance of each. */
static uint32_t crc_by_table(uint32_t crc, struct lc_slice s)
{
    while (s.n >= 8) {
        uint32_t low = crc ^ ((uint32_t)s.p[0] | (uint32_t)s.p[1] << 8 | (uint32_t)s.p[2] << 16 |
                              (uint32_t)s.p[3] << 24);
        crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
              table[4][low >> 24] ^ table[3][s.p[4]] ^ table[2][s.p[5]] ^ table[1][s.p[6]] ^
              table[0][s.p[7]];
        s = lc_slice_from(s, 8);
    }
    for (size_t i = 0; i < s.n; i++)
        crc = (crc >> 8) ^ table[0][(crc ^ s.p[i]) & 0xFF];
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc,
                                                                     struct lc_slice s)
{
    uint64_t wide = crc;
    for (; s.n >= 8; s = lc_slice_from(s, 8)) {
        uint64_t octets;
        memcpy(&octets, s.p, sizeof octets);
        wide = _mm_crc32_u64(wide, octets);
    }
    crc = (uint32_t)wide;
    for (size_t i = 0; i < s.n; i++)
        crc = _mm_crc32_u8(crc, s.p[i]);
    return crc;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static uint32_t crc_by_instruction(uint32_t crc, struct lc_slice s)
{
    for (; s.n >= 8; s = lc_slice_from(s, 8)) {
        uint64_t octets;
        memcpy(&octets, s.p, sizeof octets);
        crc = __crc32cd(crc, octets);
    }
    for (size_t i = 0; i < s.n; i++)
        crc = __crc32cb(crc, s.p[i]);
    return crc;
}

static bool has_instruction(void)
{
    return true;
}
#else
static uint32_t crc_by_instruction(uint32_t crc, struct lc_slice s)
{
    return crc_by_table(crc, s);
}

static bool has_instruction(void)
{
    return false;
}
#endif

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static uint32_t (*chosen)(uint32_t crc, struct lc_slice s);

static void choose(void)
{
    table_fill();
    chosen = has_instruction() ? crc_by_instruction : crc_by_table;
}

uint32_t lc_crc32c(uint32_t crc, struct lc_slice s)
{
    pthread_once(&chosen_once, choose);
    return ~chosen(~crc, s);
}

uint32_t lc_crc32c_by_table(uint32_t crc, struct lc_slice s)
{
    pthread_once(&chosen_once, choose);
    return ~crc_by_table(~crc, s);
}

uint64_t lc_hash64(struct lc_slice s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.p, s.n, seed);
}
