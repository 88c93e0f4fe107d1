/* SPDX-License-Identifier: Apache-2.0
 *
 * base/units.h - amounts as people write them: `512M`, `50G`, `64KiB`, `30d`.
 */
#ifndef LC_BASE_UNITS_H
#define LC_BASE_UNITS_H

#include "base/slice.h"

/* Octets: a decimal number and K, M, G or T (also k, KiB, KB: all powers of 1024, as memory and
 * files are measured), or no unit. The whole slice. LC_ESYNTAX, LC_ELIMIT. */
LC_MUST_CHECK lc_err lc_size_parse(struct lc_slice s, uint64_t *ret_octets);

/* The shortest exact form: `512M`, `1000`. Ends with NUL; returns the length. */
#define LC_SIZE_TEXT_MAX 24
size_t lc_size_format(uint64_t octets, char out[LC_SIZE_TEXT_MAX]);

/* A length of time in the largest unit that is exact: `30d`, `90s`, `250ms`. Not negative. Ends
 * with NUL; returns the length. */
size_t lc_duration_format(int64_t ns, char out[LC_SIZE_TEXT_MAX]);

#endif
