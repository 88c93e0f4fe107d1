/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_format.h - the numbers of docs/store-format.md, "Segments", that its writer and its
 * readers share.
 */
#ifndef LC_STORE_SEGMENT_FORMAT_H
#define LC_STORE_SEGMENT_FORMAT_H

#include "base/time.h"
#include "store/column.h"
#include "store/segment.h"

#define LC_SEGMENT_MAGIC          "LCSEGMNT"
#define LC_SEGMENT_END_MAGIC      "LCSEGEND"
#define LC_SEGMENT_MAGIC_OCTETS   8
#define LC_SEGMENT_VERSION        1u
#define LC_SEGMENT_HEADER_OCTETS  28u
#define LC_SEGMENT_TRAILER_OCTETS 16u

enum lc_section {
    LC_SECTION_SUMMARY = 1,
    LC_SECTION_SHARDS = 2,
    LC_SECTION_STREAMS = 3,
    LC_SECTION_NAMES = 4,
    LC_SECTION_BLOCKS = 5,
    LC_SECTION_END
};
#define LC_SECTION_OCTETS_MAX (256u << 20)

enum lc_stored_column {
    LC_STORED_TIME = 1,
    LC_STORED_ID = 2,
    LC_STORED_RECEIVED = 3,
    LC_STORED_LEVEL = 4,
    LC_STORED_STREAM = 5,
    LC_STORED_LENGTH = 6,
    LC_STORED_MESSAGE = 7,
    LC_STORED_PID = 8,
    LC_STORED_SOURCE = 9,
    LC_STORED_SHAPE = 10,
    LC_STORED_FIELDS = 16 /* + place of the name */
};

#define LC_SEGMENT_NAMES_MAX 1000u /* also: the name of fields that found no place */

/* A block ends before it would pass one of these; only a single record may. */
#define LC_BLOCK_ROWS_MAX   8192u
#define LC_BLOCK_TEXT_MAX   (128u << 10) /* messages */
#define LC_BLOCK_REST_MAX   (128u << 10) /* other strings */
#define LC_BLOCK_FIELDS_MAX LC_COLUMN_VALUES_MAX
#define LC_BLOCK_OCTETS_MAX ((size_t)3 * LC_COLUMN_OCTETS_MAX)

#define LC_NS_PER_HOUR (3600 * LC_NS_PER_S)

/* Hours since 1970, rounded down. */
static inline int64_t lc_hour(int64_t time_ns)
{
    return time_ns / LC_NS_PER_HOUR - (time_ns % LC_NS_PER_HOUR < 0);
}

#endif
