/* SPDX-License-Identifier: Apache-2.0
 *
 * base/test.h - what every unit test needs beside cmocka.
 *
 * WHAT    Assertions that print errors and octets readably, input that ends at a page which may
 *         not be touched, and the harness that gives a codec the same stream in every split.
 * WHO     The *_test.c files only. Include it first: it brings cmocka in the order it needs.
 */
#ifndef LC_BASE_TEST_H
#define LC_BASE_TEST_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

/* Fails the test unless `expr` is LC_OK; says which error it was. */
#define assert_lc_ok(expr) lc_test_err((expr), LC_OK, #expr, __FILE__, __LINE__)
/* Fails the test unless `expr` is exactly the error `expected`. */
#define assert_lc_err(expr, expected) lc_test_err((expr), (expected), #expr, __FILE__, __LINE__)
/* Compares octets with a C string; assert_slice_eq with another slice. */
#define assert_slice(s, text)     lc_test_slice((s), lc_slice_cstr(text), #s, __FILE__, __LINE__)
#define assert_slice_eq(s, other) lc_test_slice((s), (other), #s, __FILE__, __LINE__)

void lc_test_err(lc_err got, lc_err expected, const char *expr, const char *file, int line);
void lc_test_slice(struct lc_slice got, struct lc_slice expected, const char *expr,
                   const char *file, int line);

/* Memory whose last octet is followed by a page that may not be touched: reading past the end of
 * what was put there kills the test on the spot, without a sanitizer too. */
struct lc_test_guard {
    uint8_t *pages;
    size_t mapped; /* the forbidden page included */
    size_t max;
};

void lc_test_guard_open(struct lc_test_guard *g, size_t max);
/* A copy of `s` (at most `max` octets) that ends at the forbidden page. What was put there before
 * is overwritten, so that slices which were kept too long show. */
struct lc_slice lc_test_guard_put(struct lc_test_guard *g, struct lc_slice s);
void lc_test_guard_close(struct lc_test_guard *g);

/* A codec under test, as one that a stream feeds (net/stream.h, on_data). Whatever it finds is
 * written to `said`, as text of the test's own choice. */
struct lc_test_codec {
    /* A new stream begins. May be NULL. */
    void (*begin)(void *arg);
    /* `in` is all that has come and was not spent. Returns the octets spent. */
    size_t (*feed)(void *arg, struct lc_slice in, struct lc_dynbuf *said);
    /* The stream has ended; `rest` was never spent. May be NULL. */
    void (*end)(void *arg, struct lc_slice rest, struct lc_dynbuf *said);
};

/* Feeds `input` whole, cut in two at every octet, and octet by octet, always against a guard page.
 * Each time the codec must say exactly `expected`. */
void lc_test_splits(struct lc_slice input, const struct lc_test_codec *codec, void *arg,
                    const char *expected);

#endif
