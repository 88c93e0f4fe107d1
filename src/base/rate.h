/* SPDX-License-Identifier: Apache-2.0
 *
 * base/rate.h - how many of something in how long a time.
 *
 * WHO     Who sets limits (conf/, service/) and who keeps them (access/).
 */
#ifndef LC_BASE_RATE_H
#define LC_BASE_RATE_H

#include <stdint.h>

struct lc_rate {
    uint64_t count; /* 0: no limit */
    int64_t period_ns;
};

#endif
