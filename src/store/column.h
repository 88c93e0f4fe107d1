/* SPDX-License-Identifier: Apache-2.0
 *
 * store/column.h - values of one column as octets, and octets as a checked, packed frame.
 *
 * WHAT    Numbers and strings in the few forms of docs/store-format.md, "Segments"; frames are
 *         packed with zstd where that gains something. The same frames hold a segment's footer.
 * WHO     The segment's writer and readers only.
 * THREAD  A packer, an unpacker and a scratch belong to one thread.
 */
#ifndef LC_STORE_COLUMN_H
#define LC_STORE_COLUMN_H

#include "base/buf.h"
#include "base/cursor.h"

/* Values of one column of one block: rows, or all fields of one name. */
#define LC_COLUMN_VALUES_MAX 16384
/* A column with its lengths, of the largest record or of many small ones. */
#define LC_COLUMN_OCTETS_MAX (8u << 20)

/* Memory for encoding and decoding, so that neither allocates. About 0.5 MiB. */
struct lc_column_scratch {
    uint64_t numbers[LC_COLUMN_VALUES_MAX];
    struct lc_slice strings[LC_COLUMN_VALUES_MAX];
    uint16_t table[2 * LC_COLUMN_VALUES_MAX];
};

enum lc_numbers_kind {
    LC_NUMBERS_SERIES, /* each near the one before: times, ids */
    LC_NUMBERS_SMALL,  /* without such a tie: lengths, codes */
};

/* Appends `n` values. LC_ELIMIT, -ENOMEM: as lc_dynbuf_append(). */
LC_MUST_CHECK lc_err lc_numbers_encode(struct lc_dynbuf *out, enum lc_numbers_kind kind,
                                       const uint64_t *values, size_t n);
/* Exactly `n` values from the whole of `in`. LC_ECORRUPT otherwise. */
LC_MUST_CHECK lc_err lc_numbers_decode(struct lc_slice in, uint64_t *values, size_t n);

/* Appends `n` values, at most LC_COLUMN_VALUES_MAX; the slices may not point into `out`. Errors as
 * above. */
LC_MUST_CHECK lc_err lc_strings_encode(struct lc_dynbuf *out, struct lc_column_scratch *scratch,
                                       const struct lc_slice *values, size_t n);
/* Exactly `n` values from the whole of `in`, into which they point. LC_ECORRUPT otherwise. */
LC_MUST_CHECK lc_err lc_strings_decode(struct lc_slice in, struct lc_column_scratch *scratch,
                                       struct lc_slice *values, size_t n);

enum lc_packing { LC_PACKED_PLAIN = 0, LC_PACKED_ZSTD = 1 };

/* What is told beside stored octets. */
struct lc_frame {
    uint32_t type; /* a column or a section */
    uint8_t packing;
    uint32_t decoded, stored; /* octets */
    uint32_t crc;             /* of the stored octets */
};

/* As it stands in a block's header; what it takes there, at most. */
#define LC_FRAME_OCTETS_MAX 24u
void lc_frame_write(struct lc_writer *w, const struct lc_frame *f);

struct lc_packer;
/* level: of zstd. NULL: no memory. */
struct lc_packer *lc_packer_new(int level);
void lc_packer_free(struct lc_packer *p); /* NULL is accepted */
/* Appends `plain`, packed or as it is, whichever is smaller. Fills all of the frame but its type.
 * LC_ELIMIT: over 4 GiB, or as lc_dynbuf_append(); -ENOMEM. */
LC_MUST_CHECK lc_err lc_pack(struct lc_packer *p, struct lc_slice plain, struct lc_dynbuf *out,
                             struct lc_frame *ret);

struct lc_unpacker;
struct lc_unpacker *lc_unpacker_new(void); /* NULL: no memory */
void lc_unpacker_free(struct lc_unpacker *u);
/* The decoded octets: `stored` itself, or in `room`, which has f->decoded octets. `stored` has
 * f->stored octets, and its checksum has been compared. LC_ECORRUPT, -ENOMEM. */
LC_MUST_CHECK lc_err lc_unpack(struct lc_unpacker *u, const struct lc_frame *f,
                               struct lc_slice stored, uint8_t *room, struct lc_slice *ret);

/* For callers of lc_writer: `need` octets of room behind the end of `out`, and what was written
 * there made part of it. */
LC_MUST_CHECK lc_err lc_append_begin(struct lc_dynbuf *out, size_t need, struct lc_writer *ret);
void lc_append_end(struct lc_dynbuf *out, const struct lc_writer *w);

#endif
