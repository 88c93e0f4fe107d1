/* SPDX-License-Identifier: Apache-2.0
 *
 * store/seen.h - which ids have been met: a bit for each, in pages that come when they are needed.
 *
 * WHO     The check of a data folder.
 * THREAD  One.
 */
#ifndef LC_STORE_SEEN_H
#define LC_STORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LC_SEEN_PAGES_MAX (1u << 21) /* 1 GiB, for some 8 thousand million records */

struct lc_seen_page;
struct lc_seen {
    struct lc_seen_page **slots;
    uint64_t slot_count, page_count;
};

void lc_seen_done(struct lc_seen *s);
bool lc_seen_has(const struct lc_seen *s, uint64_t id);
/* ret_new: it had not been met. LC_ELIMIT: ids are too far apart; -ENOMEM. */
LC_MUST_CHECK lc_err lc_seen_add(struct lc_seen *s, uint64_t id, bool *ret_new);

#endif
