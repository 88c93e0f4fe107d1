/* SPDX-License-Identifier: Apache-2.0
 *
 * store/senders.h - the bounded table of senders and their positions.
 *
 * WHO     The manifest's state has one, and the store another, of what is durable just now.
 * THREAD  One at a time; the store's has a lock of its own.
 */
#ifndef LC_STORE_SENDERS_H
#define LC_STORE_SENDERS_H

#include "base/sender.h"
#include "base/slice.h"

#define LC_SENDERS_MAX    10000u
#define LC_SENDERS_KEEP_S (7 * 24 * 3600) /* one that was used within it is never forgotten */

struct lc_sender_entry {
    struct lc_sender_id id;
    struct lc_sender_position at; /* epoch 0 and upto 0: not known yet */
    int64_t used_s;               /* when it last moved, or was about to; seconds since 1970 */
};

struct lc_senders {
    struct lc_sender_entry *list; /* by id */
    size_t count;
};

void lc_senders_done(struct lc_senders *t);
/* NULL: not there. Valid until the table changes. */
struct lc_sender_entry *lc_senders_find(const struct lc_senders *t, const struct lc_sender_id *id);
/* Makes sure that it is there. When the table is full, the one unused for longest goes, if it was
 * not used since `unused_s`. LC_ELIMIT: they all were; -ENOMEM. */
LC_MUST_CHECK lc_err lc_senders_admit(struct lc_senders *t, const struct lc_sender_id *id,
                                      int64_t now_s, int64_t unused_s);
/* It is there, and at least as far. A later epoch is further, whatever its count. When the table is
 * full, the one unused for longest goes. -ENOMEM. */
LC_MUST_CHECK lc_err lc_senders_move(struct lc_senders *t, const struct lc_sender_entry *to);

#endif
