/* SPDX-License-Identifier: Apache-2.0
 *
 * store/block_write.h - gathers the rows of one block of a segment and encodes them.
 *
 * WHO     segment_write.c and segment_copy.c.
 * THREAD  One owner.
 */
#ifndef LC_STORE_BLOCK_WRITE_H
#define LC_STORE_BLOCK_WRITE_H

#include "store/segment_format.h"

/* A record whose stream and field names have their numbers in the segment. */
struct lc_block_row {
    const struct lc_record *record;
    uint32_t stream;
    const uint16_t *names; /* one for each field; LC_SEGMENT_NAMES_MAX: found no place */
};

struct lc_block_builder;
struct lc_block_builder *lc_block_builder_new(void); /* NULL: no memory */
void lc_block_builder_free(struct lc_block_builder *b);

size_t lc_block_rows(const struct lc_block_builder *b);
/* False: the row would bring the block over one of its limits. An empty block takes any row within
 * LC_SEGMENT_RECORD_MAX and LC_FIELDS_MAX. */
bool lc_block_has_room(const struct lc_block_builder *b, const struct lc_block_row *row);
/* Copies the row. -ENOMEM: the block can no longer be used. */
LC_MUST_CHECK lc_err lc_block_add(struct lc_block_builder *b, const struct lc_block_row *row);
/* Appends the encoded block to `out` and begins an empty one. *ret: all but its offset and
 * shares. */
LC_MUST_CHECK lc_err lc_block_encode(struct lc_block_builder *b, struct lc_packer *packer,
                                     struct lc_dynbuf *out, struct lc_block *ret);

/* Appends a block's header, of so many frames, and its columns. Sets octets and what is told of the
 * header. */
LC_MUST_CHECK lc_err lc_block_assemble(struct lc_dynbuf *out, size_t frames,
                                       struct lc_slice frame_octets, struct lc_slice body,
                                       struct lc_block *ret);

#endif
