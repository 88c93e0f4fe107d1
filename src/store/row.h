/* SPDX-License-Identifier: Apache-2.0
 *
 * store/row.h - one record as octets, in a set and in its WAL file: docs/store-format.md,
 * section 2.
 *
 * WHO     store/set.c and store/wal.c.
 * THREAD  Pure, but for the names that the caller owns.
 */
#ifndef LC_STORE_ROW_H
#define LC_STORE_ROW_H

#include "store/names.h"

/* Where a record's names were found the last time: most senders say the same ones again. */
struct lc_row_hints {
    uint32_t stream;
    uint32_t source;
    uint32_t fields[16];
};

/* At least the octets that `r` will take. Cannot overflow when all strings of the record together
 * are below 1 GiB. */
size_t lc_row_bound(const struct lc_record *r);

/* Writes at most lc_row_bound(r) octets to `out`, and returns how many; new names get numbers. An
 * absent time must have been filled in. There must be room for one more stream.
 * ret_stream: its number */
size_t lc_row_encode(uint8_t *out, const struct lc_record *r, struct lc_names *names,
                     struct lc_row_hints *hints, uint32_t *ret_stream);

/* The octets of the row that begins at `p`, its length included. */
size_t lc_row_size(const uint8_t *p);
/* The message of a row that lc_row_encode() wrote. */
struct lc_slice lc_row_message(const uint8_t *p);

/* Reads the row at the front of *octets, and moves behind it. Slices of *ret point into the octets
 * and into `names`; its id is 0. `fields` is room for LC_FIELDS_MAX.
 *
 * define   NULL: names that the row defines have their numbers already; else `names`, where they
 *          get them now, also when LC_ECORRUPT is returned for an unknown name
 * Returns  LC_OK; LC_ECORRUPT: this row cannot be read, *octets is behind it; LC_EMORE: no further
 *          row can */
LC_MUST_CHECK lc_err lc_row_decode(struct lc_slice *octets, const struct lc_names *names,
                                   struct lc_names *define, struct lc_field *fields,
                                   struct lc_record *ret);

#endif
