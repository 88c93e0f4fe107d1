/* SPDX-License-Identifier: Apache-2.0
 *
 * store/page.h - the memory behind a batch: rows of a set, or of one block as far as it has been
 * decoded.
 *
 * WHAT    Opened on rows, filled column by column on demand, opened again on others with its
 *         memory kept.
 * WHO     scan.c, snapshot.c and merge.c.
 * THREAD  A page and its decoder belong to one thread at a time.
 */
#ifndef LC_STORE_PAGE_H
#define LC_STORE_PAGE_H

#include "store/segment_format.h"
#include "store/store.h"
#include "store/version.h"

/* What decoding needs and does not leave in a page: shared by the pages of one thread. */
struct lc_decoder;
struct lc_decoder *lc_decoder_new(void); /* NULL: no memory */
void lc_decoder_free(struct lc_decoder *d);

#define LC_PAGE_SET_ROWS 4096u /* of a set at a time */

struct lc_page;
/* The decoder must outlive it; NULL when no block will be opened. NULL: no memory. */
struct lc_page *lc_page_new(struct lc_decoder *decoder);
void lc_page_free(struct lc_page *p); /* NULL is accepted */
/* Lets go of the rows and of their memory. */
void lc_page_clear(struct lc_page *p);
/* Octets that it holds, about. */
size_t lc_page_octets(const struct lc_page *p);

struct lc_batch *lc_page_batch(struct lc_page *p);
/* part, block: for lc_batch_ref(). Both take a reference of what the rows are from. */
void lc_page_open_block(struct lc_page *p, struct lc_segment_index *index, uint32_t part,
                        uint32_t block);
/* Rows [block x LC_PAGE_SET_ROWS, end) of the set, at most LC_PAGE_SET_ROWS. */
void lc_page_open_set(struct lc_page *p, struct lc_set *set, uint32_t part, uint32_t block,
                      uint32_t end);
bool lc_page_is_at(const struct lc_page *p, uint32_t part, uint32_t block);

/* Leaves out rows with ids up to after[shard], for shards under `shards`. Before any load.
 * LC_ECORRUPT, -errno: nothing of the page may be used. */
LC_MUST_CHECK lc_err lc_page_keep_after(struct lc_page *p, const uint64_t *after, unsigned shards);

/* ---- a block as it is stored: for merging ---- */

/* A frame of a block, and its octets. */
struct lc_page_column {
    struct lc_frame frame;
    struct lc_slice stored;
};

/* The columns of the page's block, every checksum compared. The pointers live as long as the page
 * is on that block. LC_ECORRUPT, -ENOMEM, -errno. */
LC_MUST_CHECK lc_err lc_page_stored(struct lc_page *p, const struct lc_page_column **ret,
                                    size_t *ret_count);
/* Whether it is about as large as a block becomes: nothing is gained by encoding it again. */
LC_MUST_CHECK lc_err lc_page_is_full(struct lc_page *p, bool *ret);
/* A column of numbers, or of strings, of all rows; borrowed from the decoder until the next call.
 */
LC_MUST_CHECK lc_err lc_page_numbers(struct lc_page *p, uint32_t type, const uint64_t **ret);
LC_MUST_CHECK lc_err lc_page_strings(struct lc_page *p, uint32_t type, const struct lc_slice **ret);
const struct lc_segment_index *lc_page_index(const struct lc_page *p);
const struct lc_block *lc_page_block(const struct lc_page *p);

#endif
