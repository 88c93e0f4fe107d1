/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_copy.h - whole blocks of one segment into another, without decoding their messages.
 *
 * WHAT    A block says streams and names of fields by numbers of its segment. Only the columns with
 *         such numbers are encoded again; the others are taken as they are stored.
 * WHO     merge.c.
 * THREAD  One owner.
 */
#ifndef LC_STORE_SEGMENT_COPY_H
#define LC_STORE_SEGMENT_COPY_H

#include "store/page.h"

struct lc_segment_copier;

/* What the numbers of one segment are in the one that is being written. -ENOMEM. */
LC_MUST_CHECK lc_err lc_segment_copier_new(const struct lc_segment_index *from,
                                           struct lc_segment_copier **ret);
void lc_segment_copier_free(struct lc_segment_copier *c); /* NULL is accepted */
/* Another segment is being written. */
void lc_segment_copier_forget(struct lc_segment_copier *c);

/* The block that the page is on. LC_ELIMIT: a name of a field has no number in the new segment: the
 * rows are to be added one by one. After another error (LC_ECORRUPT, -errno) only abort may follow.
 */
LC_MUST_CHECK lc_err lc_segment_copy_block(struct lc_segment_copier *c, struct lc_segment_writer *w,
                                           struct lc_page *page);

#endif
