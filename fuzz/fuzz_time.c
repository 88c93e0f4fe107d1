/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_time.c - times and durations as text: what parses is within bounds, and what is printed
 * parses to the same.
 */
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_rfc3339(struct lc_slice in)
{
    int64_t ns, again;
    size_t used;
    lc_err lax = lc_iso_parse(in, 3600, &again, &used);
    LC_ASSERT(lax != LC_OK || used <= in.n);
    if (lc_rfc3339_parse(in, &ns, &used) != LC_OK)
        return;
    LC_ASSERT(lax == LC_OK && again == ns);
    LC_ASSERT(used <= in.n);
    char text[LC_RFC3339_MAX];
    size_t length = lc_rfc3339_format(ns, text);
    LC_ASSERT(length <= sizeof text);
    LC_ASSERT(lc_rfc3339_parse(lc_slice(text, length), &again, &used) == LC_OK);
    LC_ASSERT(again == ns && used == length);
    struct lc_civil c = lc_civil_from_ns(ns);
    LC_ASSERT(lc_civil_to_ns(&c, &again) == LC_OK && again == ns);
}

static void check_unix(struct lc_slice in)
{
    int64_t ns, again;
    if (lc_unix_parse(in, &ns) != LC_OK)
        return;
    char text[LC_UNIX_MAX];
    size_t length = lc_unix_format(ns, text);
    LC_ASSERT(length <= sizeof text);
    LC_ASSERT(lc_unix_parse(lc_slice(text, length), &again) == LC_OK && again == ns);
}

static void check_duration(struct lc_slice in)
{
    int64_t ns;
    if (lc_duration_parse(in, &ns) == LC_OK)
        LC_ASSERT(ns >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lc_slice in = lc_slice(p, n);
    check_rfc3339(in);
    check_unix(in);
    check_duration(in);
    return 0;
}
