/* SPDX-License-Identifier: Apache-2.0
 *
 * store/wal_format.h - constants of a WAL file: docs/store-format.md, section 2.
 *
 * WHO  store/wal.c and store/wal_reader.c.
 */
#ifndef LC_STORE_WAL_FORMAT_H
#define LC_STORE_WAL_FORMAT_H

#include <stdint.h>

#define LC_WAL_MAGIC       UINT64_C(0x1A0A0D4C4157434C) /* "LCWAL\r\n\x1a" */
#define LC_WAL_VERSION     2u
#define LC_WAL_VERSION_MIN 1u          /* the oldest that can be read */
#define LC_WAL_FRAME_MAGIC 0x7266434Cu /* "LCfr" */

#define LC_WAL_STORE_AT 16u /* within the file's header */

/* Within a frame's header. */
#define LC_WAL_FRAME_CRC_AT   4u
#define LC_WAL_FRAME_CRC_FROM 8u /* what the checksum covers begins here */

#endif
