/* SPDX-License-Identifier: Apache-2.0
 *
 * base/hash.h - CRC-32C for what is stored and sent, a fast hash for tables.
 *
 * CRC-32C (RFC 3720 appendix B.4) by the SSE4.2 or ARMv8 instruction where the CPU has it,
 * chosen once at run time, else by table. The hash is XXH3 (libxxhash); its value is for
 * tables in memory and must not be stored.
 */
#ifndef LC_BASE_HASH_H
#define LC_BASE_HASH_H

#include "base/slice.h"

/* Continues `crc` (0 at the start) over `s`. */
uint32_t lc_crc32c(uint32_t crc, struct lc_slice s);
/* The same, always by table: for the tests, which compare the two. */
uint32_t lc_crc32c_by_table(uint32_t crc, struct lc_slice s);

uint64_t lc_hash64(struct lc_slice s, uint64_t seed);

#endif
