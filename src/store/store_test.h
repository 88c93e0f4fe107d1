/* SPDX-License-Identifier: Apache-2.0
 *
 * store/store_test.h - records of every kind, for the tests of the store.
 *
 * WHO  The *_test.c files of store/ only.
 */
#ifndef LC_STORE_STORE_TEST_H
#define LC_STORE_STORE_TEST_H

#include "base/test.h"

#include "base/record.h"
#include "store/version.h"

/* Records 0..LC_TEST_RECORDS-1 have among them: each type of field, binary and empty values, all
 * levels, more names than one octet counts, absent parts of a stream, strings without a number. */
#define LC_TEST_RECORDS 300u

/* `fields` is room for LC_FIELDS_MAX. Slices stay valid. Any i. */
struct lc_record lc_test_record(unsigned i, struct lc_field *fields);

/* All but the ids; an absent space equals "main". */
void lc_test_records_equal(const struct lc_record *got, const struct lc_record *expected);

/* Makes the last four octets of p[0, n) the checksum of those before, as headers of files have it.
 */
void lc_test_seal(uint8_t *p, size_t n);

#endif
