/* SPDX-License-Identifier: Apache-2.0
 *
 * store/repair.h - makes a damaged data folder one that opens, with all that can still be read.
 *
 * WHAT    docs/store-format.md, section 9. Each step can be the last one: a repair that was cut off
 *         is begun again.
 * WHO     cli/fsck.c.
 * THREAD  One.
 */
#ifndef LC_STORE_REPAIR_H
#define LC_STORE_REPAIR_H

#include "store/check.h"
#include "store/store.h"

struct lc_repair_report {
    uint64_t rewritten;   /* segments written anew, without what is damaged or doubled */
    uint64_t dropped;     /* segments of which nothing can be read */
    uint64_t kept_copies; /* damaged files copied to lost+found/ */
    bool manifest_rebuilt;
    struct lc_store_report opened; /* what the start that ends a repair said */
};

struct lc_repair_config {
    struct lc_check_config check; /* its findings are told first */
    const struct lc_clock *clock; /* NULL: lc_clock_system */
    bool discard;                 /* keep no copies in lost+found/ */
};

/* Checks; and when there is damage, repairs. Errors as lc_store_check(); then nothing that could be
 * read before is lost. ret_check: as the folder was found. */
LC_MUST_CHECK lc_err lc_store_repair(const struct lc_repair_config *config,
                                     struct lc_check_report *ret_check,
                                     struct lc_repair_report *ret, struct lc_diag *diag);

#endif
