/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_proxy.c - PROXY headers: what is found is found at one octet, and no further octet
 * changes it.
 */
#include "proto/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lc_proxied whole = {0};
    size_t used = 0;
    if (n == 0)
        return 0;
    lc_err e = lc_proxy_decode(lc_slice(p, n), &whole, &used);
    LC_ASSERT(used <= n && (whole.n == 0 || whole.n == 4 || whole.n == 16));
    LC_ASSERT(e != LC_EMORE || n < LC_PROXY_V2_MAX);
    LC_ASSERT(e != LC_OK || lc_proxy_begins(lc_slice(p, n)) == LC_OK);
    for (size_t i = 1; i < n; i++) {
        struct lc_proxied part = {0};
        size_t part_used = 0;
        lc_err f = lc_proxy_decode(lc_slice(p, i), &part, &part_used);
        if (f == LC_EMORE)
            continue;
        LC_ASSERT(f == e && part_used == used && part.n == whole.n && part.port == whole.port);
        LC_ASSERT(memcmp(part.octets, whole.octets, sizeof part.octets) == 0);
    }
    return 0;
}
