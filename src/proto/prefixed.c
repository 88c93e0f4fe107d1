/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/prefixed.h"

#include "base/cursor.h"

lc_err lc_prefixed_next(struct lc_slice in, struct lc_slice *ret_frame, size_t *ret_used,
                        size_t *ret_length)
{
    struct lc_reader r = lc_reader(in);
    size_t length;

    if (in.n > 0 && in.p[0] != 0)
        return LC_ESYNTAX;
    length = lc_read_u32_be(&r);
    if (r.err != LC_OK)
        return LC_EMORE;
    if (length > LC_PREFIXED_MAX) {
        *ret_used = LC_PREFIXED_HEAD;
        *ret_length = length;
        return LC_ELIMIT;
    }
    if (lc_reader_left(&r) < length)
        return LC_EMORE;
    *ret_frame = lc_read_bytes(&r, length);
    *ret_used = LC_PREFIXED_HEAD + length;
    return LC_OK;
}

void lc_prefixed_head(size_t n, uint8_t out[LC_PREFIXED_HEAD])
{
    struct lc_writer w = lc_writer(out, LC_PREFIXED_HEAD);

    lc_write_u32_be(&w, (uint32_t)n);
}
