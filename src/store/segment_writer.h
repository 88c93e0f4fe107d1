/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_writer.h - the inside of a segment's writer, shared by the two files that make it:
 * segment_write.c (records, the footer) and segment_copy.c (whole blocks of other segments).
 */
#ifndef LC_STORE_SEGMENT_WRITER_H
#define LC_STORE_SEGMENT_WRITER_H

#include "store/block_write.h"
#include "store/intern.h"
#include "store/store.h"

struct lc_segment_writer {
    const struct lc_disk *disk;
    struct lc_file *file;
    uint64_t written; /* octets of the file that were given to the disk */
    struct lc_packer *packer;
    struct lc_block_builder *builder;
    struct lc_dynbuf out;     /* follows `written` */
    struct lc_dynbuf key;     /* the stream or name that is looked up */
    struct lc_dynbuf last;    /* the stream of the record before, as in the footer */
    struct lc_dynbuf space;   /* of the block */
    uint32_t last_stream;     /* its number */
    int64_t hour;             /* of the block */
    struct lc_intern streams; /* as in the footer */
    struct lc_intern names;
    uint16_t row_names[LC_FIELDS_MAX];
    struct lc_block *blocks;
    size_t block_count, block_cap;
    struct lc_segment_shard *shares; /* of all blocks that are done */
    size_t share_count, share_cap;
    struct lc_segment_shard *open_shares; /* of the block that is being gathered */
    size_t open_count, open_cap;
    uint32_t share_of_shard[LC_SHARDS_MAX];        /* in open_shares, if it is that shard's */
    struct lc_segment_shard shards[LC_SHARDS_MAX]; /* of the segment, by shard; records 0: none */
    struct lc_segment_meta meta;
    char path[LC_PATH_MAX];
};

/* The block `b` was appended to w->out, at b->offset of the file, and has these shares: from now on
 * it counts. What has gathered goes to the disk when it is enough. -ENOMEM, errors of the disk. */
LC_MUST_CHECK lc_err lc_segment_writer_keep(struct lc_segment_writer *w, const struct lc_block *b,
                                            const struct lc_segment_shard *shares, size_t count);
LC_MUST_CHECK lc_err lc_segment_writer_stream(struct lc_segment_writer *w,
                                              const struct lc_stream_key *k, uint32_t *ret);
/* LC_SEGMENT_NAMES_MAX: it found no place. */
LC_MUST_CHECK lc_err lc_segment_writer_name(struct lc_segment_writer *w, struct lc_slice name,
                                            uint16_t *ret);

#endif
