/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/units.c - reading and writing amounts.
 */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"

static const char units[] = "KMGT"; /* each 1024 times the one before */

/* log2 of the unit's factor, or -1. `k`, `KB` and `KiB` are all accepted. */
static int unit_shift(struct lc_slice unit)
{
    if (unit.n == 0)
        return 0;
    for (int i = 0; units[i] != '\0'; i++) {
        char forms[3][4] = {{units[i]}, {units[i], 'B'}, {units[i], 'i', 'B'}};
        for (size_t f = 0; f < LC_ARRAY_LEN(forms); f++)
            if (lc_slice_eq_nocase(unit, lc_slice_cstr(forms[f])))
                return 10 * (i + 1);
    }
    return -1;
}

lc_err lc_size_parse(struct lc_slice s, uint64_t *ret_octets)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    int shift = unit_shift(lc_slice_from(s, digits));
    if (shift < 0)
        return LC_ESYNTAX;
    uint64_t count;
    lc_err e = lc_slice_u64(lc_slice(s.p, digits), &count);
    if (e != LC_OK)
        return e;
    if (count > UINT64_MAX >> shift)
        return LC_ELIMIT;
    *ret_octets = count << shift;
    return LC_OK;
}

size_t lc_size_format(uint64_t octets, char out[LC_SIZE_TEXT_MAX])
{
    int unit = -1;
    while (octets != 0 && octets % 1024 == 0 && units[unit + 1] != '\0') {
        octets /= 1024;
        unit++;
    }
    int n = unit < 0 ? snprintf(out, LC_SIZE_TEXT_MAX, "%" PRIu64, octets)
                     : snprintf(out, LC_SIZE_TEXT_MAX, "%" PRIu64 "%c", octets, units[unit]);
    return (size_t)n;
}

size_t lc_duration_format(int64_t ns, char out[LC_SIZE_TEXT_MAX])
{
    static const struct {
        const char *name;
        int64_t ns;
    } forms[] = {
        {"d", 86400 * LC_NS_PER_S},
        {"h", 3600 * LC_NS_PER_S},
        {"m", 60 * LC_NS_PER_S},
        {"s", LC_NS_PER_S},
        {"ms", LC_NS_PER_MS},
        {"us", 1000},
        {"ns", 1},
    };
    size_t i = 0;

    while (ns == 0 ? forms[i].ns != LC_NS_PER_S : ns % forms[i].ns != 0)
        i++;
    return (size_t)snprintf(out, LC_SIZE_TEXT_MAX, "%" PRId64 "%s", ns / forms[i].ns,
                            forms[i].name);
}
