/* SPDX-License-Identifier: Apache-2.0
 *
 * base/rate.h - how many of something in how long a time.
 *
 * WHO     Who sets limits (conf/, service/) and who keeps them (access/).
 */
#ifndef LC_BASE_RATE_H
#define LC_BASE_RATE_H

#include <stdint.h>

/* {0, 0} is not said; {0, another period} is no limit. */
struct lc_rate {
    uint64_t count;
    int64_t period_ns;
};

#endif
