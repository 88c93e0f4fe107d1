/* SPDX-License-Identifier: Apache-2.0
 *
 * store/intern.h - strings and their numbers, in the order in which they first came.
 *
 * WHO     store/ only.
 * THREAD  One owner.
 */
#ifndef LC_STORE_INTERN_H
#define LC_STORE_INTERN_H

#include "base/buf.h"

struct lc_intern_entry;

struct lc_intern {
    struct lc_dynbuf text; /* all strings, one behind the other */
    struct lc_intern_entry *entries;
    uint32_t *table; /* number + 1; 0: free */
    size_t count;
    size_t slots; /* of the table, a power of two; 0: none yet */
};

/* max_octets: of all strings together, under 4 GiB. Allocates nothing yet. It must not move
 * afterwards. */
void lc_intern_init(struct lc_intern *in, size_t max_octets);
void lc_intern_done(struct lc_intern *in);
/* Copies `s` when it is new. LC_ELIMIT: no room within the maximum; -ENOMEM. */
LC_MUST_CHECK lc_err lc_intern(struct lc_intern *in, struct lc_slice s, uint32_t *ret_number);
/* False: it has no number. */
bool lc_intern_find(const struct lc_intern *in, struct lc_slice s, uint32_t *ret_number);

#endif
