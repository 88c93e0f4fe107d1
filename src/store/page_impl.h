/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page_impl.h - the inside of a page, shared by the two files that make it: page.c (rows) and
 * page_block.c (the octets of a block).
 */
#ifndef LC_STORE_PAGE_IMPL_H
#define LC_STORE_PAGE_IMPL_H

#include "store/page_fields.h"

struct lc_page {
    struct lc_batch batch;
    struct lc_decoder *decoder;
    uint32_t part, block;
    /* one of both */
    struct lc_set *set;
    struct lc_segment_index *index;

    uint32_t first_row; /* of the set: the batch's first */
    uint32_t block_rows;
    bool is_read;   /* the block's octets are in `stored` */
    bool is_picked; /* only the rows picked[0..count) of the block are in the batch */

    /* arrays of row_cap, all in `rows` */
    uint8_t *rows;
    size_t row_cap;
    int64_t *times;
    int64_t *received;
    uint64_t *ids;
    const struct lc_stream_key **streams;
    struct lc_slice *messages, *pids, *sources;
    struct lc_page_fields *fields_of; /* by row: where in `fields` */
    uint32_t *picked;
    uint8_t *levels;

    struct lc_field *fields;
    size_t field_cap;
    uint8_t *stored; /* the block as it is in the file */
    size_t stored_cap;
    uint8_t *room;
    size_t room_cap, room_used;
    struct lc_page_column *columns;
    uint32_t *rooms; /* of each column: where in `room` it decodes to when it is packed */
    size_t column_count, column_cap, rooms_cap;
};

/* Memory for `need` elements; what it held is not kept. -ENOMEM: then there is none. */
LC_MUST_CHECK lc_err lc_page_replace(void **p, size_t *cap, size_t need, size_t element);
/* The block's octets and frames, unless they have been read. */
LC_MUST_CHECK lc_err lc_page_read(struct lc_page *p);
/* The decoded octets of a column. Without such a column: an empty slice with p NULL. */
LC_MUST_CHECK lc_err lc_page_octets_of(struct lc_page *p, uint32_t type, struct lc_slice *ret);
/* All rows of the block, to the decoder's numbers. */
LC_MUST_CHECK lc_err lc_page_load_numbers(struct lc_page *p, uint32_t type);
LC_MUST_CHECK lc_err lc_page_load_strings(struct lc_page *p, uint32_t type, struct lc_slice *values,
                                          size_t n);

#endif
