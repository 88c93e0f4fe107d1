/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_index.h - a footer's octets to a checked index. Apart from the file that holds
 * them, so that a fuzzer can come in behind the checksum.
 */
#ifndef LC_STORE_SEGMENT_INDEX_H
#define LC_STORE_SEGMENT_INDEX_H

#include "store/segment_format.h"

/* blocks_end: where the footer begins in the file. Fills what a footer says in `meta`, whose shards
 * are the caller's then: also on failure lc_segment_meta_done() is right. The index has no segment
 * yet. LC_ECORRUPT: anything in it that cannot be; -ENOMEM. */
LC_MUST_CHECK lc_err lc_segment_index_parse(struct lc_slice footer, uint64_t blocks_end,
                                            struct lc_segment_meta *meta,
                                            struct lc_segment_index **ret);

#endif
