/* SPDX-License-Identifier: Apache-2.0
 *
 * base/slice.h - borrowed octets: a pointer and a length, never owned, never
 * terminated. Codecs return slices into their input.
 *
 * WHO     Every room.
 */
#ifndef LC_BASE_SLICE_H
#define LC_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct lc_slice {
    const uint8_t *p;
    size_t n;
};

#define LC_LIT(text) ((struct lc_slice){(const uint8_t *)(text), sizeof(text) - 1})

static inline struct lc_slice lc_slice(const void *p, size_t n)
{
    return (struct lc_slice){p, n};
}

static inline struct lc_slice lc_slice_cstr(const char *text)
{
    return lc_slice(text, strlen(text));
}

static inline bool lc_slice_eq(struct lc_slice a, struct lc_slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool lc_slice_starts(struct lc_slice s, struct lc_slice prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* What follows the first `n` octets; n may be at most s.n. */
static inline struct lc_slice lc_slice_from(struct lc_slice s, size_t n)
{
    return lc_slice(n == 0 ? s.p : s.p + n, s.n - n); /* NULL + 0 is undefined in C17 */
}

/* ASCII letters compare without case; all other octets exactly. */
bool lc_slice_eq_nocase(struct lc_slice a, struct lc_slice b);

/* Order of octets, as memcmp; a prefix comes first. */
int lc_slice_cmp(struct lc_slice a, struct lc_slice b);

/* Splits at the first `sep`: what stands before it goes to *ret_head, *s becomes what
 * follows. Without a `sep`: false, and nothing is changed. */
bool lc_slice_cut(struct lc_slice *s, uint8_t sep, struct lc_slice *ret_head);

/* Without ASCII spaces and tabs at both ends. */
struct lc_slice lc_slice_trim(struct lc_slice s);

/* The whole slice as a decimal number: digits only (lc_slice_i64: one leading '-').
 * LC_ESYNTAX: empty or another octet; LC_ELIMIT: does not fit. */
LC_MUST_CHECK lc_err lc_slice_u64(struct lc_slice s, uint64_t *ret);
LC_MUST_CHECK lc_err lc_slice_i64(struct lc_slice s, int64_t *ret);

/* `v` in decimal, without a NUL; returns the octets written. */
#define LC_U64_MAX 20
size_t lc_u64_format(uint64_t v, char out[LC_U64_MAX]);

#endif
