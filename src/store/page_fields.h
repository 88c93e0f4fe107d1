/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page_fields.h - the fields of a block's rows: shapes and values to fields of records, in
 * three steps.
 *
 * WHO     page.c only.
 * THREAD  As the decoder.
 */
#ifndef LC_STORE_PAGE_FIELDS_H
#define LC_STORE_PAGE_FIELDS_H

#include "store/page.h"

struct lc_page_fields {
    uint32_t first, count;
};

struct lc_decoder {
    struct lc_unpacker *unpacker;
    struct lc_column_scratch scratch;
    uint64_t numbers[LC_COLUMN_VALUES_MAX];
    struct lc_slice values[LC_COLUMN_VALUES_MAX];
    struct lc_slice shapes[LC_BLOCK_ROWS_MAX];
    struct lc_page_fields fields_of[LC_BLOCK_ROWS_MAX];
    uint32_t starts[LC_SEGMENT_NAMES_MAX + 2]; /* of each name's values in `values` */
    uint32_t next[LC_SEGMENT_NAMES_MAX + 1];   /* the value that the next field of a name takes */
};

/* d->shapes of all rows to d->fields_of and d->starts. LC_ECORRUPT. */
LC_MUST_CHECK lc_err lc_fields_measure(struct lc_decoder *d, const struct lc_segment_index *index,
                                       size_t rows, size_t *ret_fields);
/* d->values, name by name, from what `load` gives. */
LC_MUST_CHECK lc_err lc_fields_values(struct lc_decoder *d,
                                      lc_err (*load)(void *arg, uint32_t column,
                                                     struct lc_slice *values, size_t n),
                                      void *arg);
/* All fields of all rows. LC_ECORRUPT. */
LC_MUST_CHECK lc_err lc_fields_assign(struct lc_decoder *d, const struct lc_segment_index *index,
                                      size_t rows, struct lc_field *fields);

#endif
