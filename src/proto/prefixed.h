/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/prefixed.h - length-prefixed frames: a u32 in network order, then that many octets.
 *
 * WHO     conn/.
 */
#ifndef LC_PROTO_PREFIXED_H
#define LC_PROTO_PREFIXED_H

#include "base/slice.h"

#define LC_PREFIXED_HEAD 4
#define LC_PREFIXED_MAX  ((size_t)1 << 20) /* octets of a frame; its length's first octet is 0 */

/* LC_OK       *ret_frame points into `in`; *ret_used octets are spent.
 * LC_EMORE    not all of it is there: nothing is spent.
 * LC_ELIMIT   over LC_PREFIXED_MAX: *ret_used is what the length takes, *ret_length the octets that
 *             follow and are to be skipped.
 * LC_ESYNTAX  a length whose first octet is not 0: this is no frame. */
LC_MUST_CHECK lc_err lc_prefixed_next(struct lc_slice in, struct lc_slice *ret_frame,
                                      size_t *ret_used, size_t *ret_length);

/* What stands before a frame of `n` octets. */
void lc_prefixed_head(size_t n, uint8_t out[LC_PREFIXED_HEAD]);

#endif
