/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/near.h - "did you mean": of some names the one that is nearest to what was written.
 *
 * THREAD  Pure.
 */
#ifndef LC_CONF_NEAR_H
#define LC_CONF_NEAR_H

#include "base/slice.h"
#include "base/text.h"

#define LC_NEAR_NAME_MAX 64

struct lc_near {
    struct lc_slice name; /* borrowed */
    size_t distance;      /* of the best one; at first what is too far */
    char best[LC_NEAR_NAME_MAX];
};

void lc_near_init(struct lc_near *near, struct lc_slice name);
void lc_near_offer(struct lc_near *near, const char *candidate);

/* For printf("%s%s%s", LC_NEAR_TEXT(best)): "; did you mean X?", or nothing. */
#define LC_NEAR_TEXT(best)                                                                         \
    (best)[0] != '\0' ? lc_text("; did you mean ") : "", (best), (best)[0] != '\0' ? "?" : ""

#endif
