/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page_fields.c - which row has which fields.
 */
#include "store/page_fields.h"

static lc_err measure_row(struct lc_decoder *d, const struct lc_segment_index *index, size_t row,
                          size_t *fields)
{
    struct lc_reader r = lc_reader(d->shapes[row]);
    size_t first = *fields;
    while (lc_reader_left(&r) != 0) {
        uint64_t name = lc_read_varint(&r);
        uint8_t type = lc_read_u8(&r);
        if (r.err != LC_OK || type >= LC_FIELD_TYPES ||
            (name >= index->name_count && name != LC_SEGMENT_NAMES_MAX) ||
            *fields == LC_BLOCK_FIELDS_MAX)
            return LC_ECORRUPT;
        d->starts[name + 1]++;
        (*fields)++;
    }
    if (*fields - first > LC_FIELDS_MAX)
        return LC_ECORRUPT;
    d->fields_of[row] = (struct lc_page_fields){(uint32_t)first, (uint32_t)(*fields - first)};
    return LC_OK;
}

lc_err lc_fields_measure(struct lc_decoder *d, const struct lc_segment_index *index, size_t rows,
                         size_t *ret_fields)
{
    memset(d->starts, 0, sizeof d->starts);
    size_t fields = 0;
    for (size_t row = 0; row < rows; row++) {
        lc_err e = measure_row(d, index, row, &fields);
        if (e != LC_OK)
            return e;
    }
    for (size_t name = 0; name <= LC_SEGMENT_NAMES_MAX; name++)
        d->starts[name + 1] += d->starts[name];
    *ret_fields = fields;
    return LC_OK;
}

lc_err lc_fields_values(struct lc_decoder *d,
                        lc_err (*load)(void *arg, uint32_t column, struct lc_slice *values,
                                       size_t n),
                        void *arg)
{
    for (uint32_t name = 0; name <= LC_SEGMENT_NAMES_MAX; name++) {
        uint32_t start = d->starts[name];
        d->next[name] = start;
        size_t n = d->starts[name + 1] - start;
        if (n == 0)
            continue;
        lc_err e = load(arg, LC_STORED_FIELDS + name, d->values + start, n);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

/* A field that found no place among the names carries its own. */
static lc_err split_name(struct lc_field *f)
{
    struct lc_reader r = lc_reader(f->value);
    f->name = lc_read_bytes(&r, lc_read_varint(&r));
    f->value = lc_read_bytes(&r, lc_reader_left(&r));
    return r.err == LC_OK ? LC_OK : LC_ECORRUPT;
}

lc_err lc_fields_assign(struct lc_decoder *d, const struct lc_segment_index *index, size_t rows,
                        struct lc_field *fields)
{
    for (size_t row = 0; row < rows; row++) {
        struct lc_reader r = lc_reader(d->shapes[row]);
        for (; lc_reader_left(&r) != 0; fields++) {
            uint64_t name = lc_read_varint(&r);
            fields->type = (enum lc_field_type)lc_read_u8(&r);
            fields->value = d->values[d->next[name]++];
            lc_err e = LC_OK;
            if (name == LC_SEGMENT_NAMES_MAX)
                e = split_name(fields);
            else
                fields->name = index->names[name];
            if (e != LC_OK)
                return e;
        }
    }
    return LC_OK;
}
