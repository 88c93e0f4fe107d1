/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_manifest.c - whatever stands in a manifest, it is read or refused; and a state that was
 * read is the same state after it was written.
 *
 * The first octet says where the input comes in: 'm' as a whole file; 'o' as operations.
 */
#include <stdlib.h>

#include "store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_stable(const struct lc_manifest_state *s)
{
    struct lc_edit first, second;
    struct lc_manifest_state again = {.store = s->store};
    lc_edit_init(&first);
    lc_edit_init(&second);
    lc_edit_everything(&first, s);
    lc_err e = first.err;
    if (e == LC_OK)
        e = lc_manifest_apply(&again, lc_dynbuf_slice(&first.ops));
    LC_ASSERT(e != LC_ECORRUPT);
    if (e == LC_OK)
        lc_edit_everything(&second, &again);
    if (e == LC_OK && second.err == LC_OK)
        LC_ASSERT(lc_slice_eq(lc_dynbuf_slice(&first.ops), lc_dynbuf_slice(&second.ops)));
    lc_manifest_state_done(&again);
    lc_edit_done(&first);
    lc_edit_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct lc_slice in = lc_slice(data + 1, size - 1);
    struct lc_manifest_state s = {0};
    size_t torn = 0;
    lc_err e = LC_ECORRUPT;
    if (data[0] == 'm')
        e = lc_manifest_parse(in, &s, &torn, NULL);
    else if (data[0] == 'o')
        e = lc_manifest_apply(&s, in);
    LC_ASSERT(torn <= in.n);
    if (e == LC_OK)
        expect_stable(&s);
    lc_manifest_state_done(&s);
    return 0;
}
