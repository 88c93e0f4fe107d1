/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_detect.c - the protocol that the first octets name is the one that all of them name.
 *
 * The first two octets say what the listener speaks.
 */
#include "proto/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 3)
        return 0;
    unsigned speaks = (unsigned)p[0] << 8 | p[1];
    struct lc_slice in = lc_slice(p + 2, n - 2);
    enum lc_protocol found = LC_PROTO_COUNT, whole = LC_PROTO_COUNT;
    for (size_t i = 1; i <= in.n; i++) {
        enum lc_protocol now = LC_PROTO_COUNT;
        lc_err e = lc_detect(lc_slice(in.p, i), speaks, &now);
        if (found != LC_PROTO_COUNT) {
            LC_ASSERT(e == LC_OK && now == found);
            continue;
        }
        LC_ASSERT(e == LC_OK || (e == LC_EMORE && i < LC_DETECT_MAX));
        if (e == LC_OK) {
            LC_ASSERT(now < LC_PROTO_COUNT && lc_protocol_name(now) != NULL);
            found = now;
        }
    }
    LC_ASSERT(lc_detect(in, speaks, &whole) == (found == LC_PROTO_COUNT ? LC_EMORE : LC_OK));
    LC_ASSERT(whole == found);
    return 0;
}
