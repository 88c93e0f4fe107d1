/* SPDX-License-Identifier: Apache-2.0
 *
 * store/segment_read.c - an open segment: its life, its ends, its blocks' octets.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/segment_index.h"

struct lc_segment {
    atomic_uint refs;
    atomic_bool retired;
    atomic_bool damaged;
    const struct lc_disk *disk;
    struct lc_file *file;
    uint64_t footer_offset;
    uint32_t footer_octets;
    uint32_t footer_crc;
    uint64_t name_octets;
    struct lc_segment_meta meta;
    char *path;
};

lc_err lc_segment_path(const char *dir, uint64_t number, char ret[LC_PATH_MAX])
{
    return lc_path(ret, "%s/%016" PRIx64 ".seg", dir, number);
}

bool lc_segment_name(const char *name, uint64_t *ret_number)
{
    uint64_t number;
    char again[32];
    if (sscanf(name, "%16" SCNx64, &number) != 1)
        return false;
    snprintf(again, sizeof again, "%016" PRIx64 ".seg", number);
    if (strcmp(again, name) != 0)
        return false;
    *ret_number = number;
    return true;
}

void lc_segment_meta_done(struct lc_segment_meta *m)
{
    free(m->shards);
    m->shards = NULL;
    m->shard_count = 0;
}

struct lc_segment *lc_segment_ref(struct lc_segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void lc_segment_unref(struct lc_segment *s)
{
    if (s == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
    LC_ASSERT(before > 0);
    if (before > 1)
        return;
    if (s->file != NULL)
        s->disk->close(s->disk->state, s->file);
    /* What cannot be removed now is an orphan, which the next start removes. */
    if (atomic_load_explicit(&s->retired, memory_order_relaxed))
        (void)s->disk->unlink(s->disk->state, s->path);
    lc_segment_meta_done(&s->meta);
    free(s->path);
    free(s);
}

void lc_segment_retire(struct lc_segment *s)
{
    atomic_store_explicit(&s->retired, true, memory_order_relaxed);
}

const struct lc_segment_meta *lc_segment_meta(const struct lc_segment *s)
{
    return &s->meta;
}

uint64_t lc_segment_name_octets(const struct lc_segment *s)
{
    return s->name_octets;
}

void lc_segment_mark_damaged(struct lc_segment *s)
{
    atomic_store_explicit(&s->damaged, true, memory_order_relaxed);
}

bool lc_segment_is_damaged(const struct lc_segment *s)
{
    return atomic_load_explicit(&s->damaged, memory_order_relaxed);
}

/* ---- opening ---- */

static lc_err read_exactly(const struct lc_segment *s, void *p, size_t n, uint64_t offset)
{
    int64_t got = s->disk->read(s->disk->state, s->file, p, n, offset);
    if (got < 0)
        return (lc_err)got;
    return (uint64_t)got == n ? LC_OK : LC_ECORRUPT;
}

static lc_err check_header(struct lc_segment *s, struct lc_diag *diag)
{
    uint8_t octets[LC_SEGMENT_HEADER_OCTETS];
    lc_err e = read_exactly(s, octets, sizeof octets, 0);
    if (e != LC_OK)
        return e;
    struct lc_reader r = lc_reader(lc_slice(octets, sizeof octets));
    struct lc_slice magic = lc_read_bytes(&r, LC_SEGMENT_MAGIC_OCTETS);
    uint32_t version = lc_read_u32_le(&r);
    s->meta.level = lc_read_u32_le(&r);
    uint64_t number = lc_read_u64_le(&r);
    uint32_t crc = lc_read_u32_le(&r);
    if (crc != lc_crc32c(0, lc_slice(octets, sizeof octets - sizeof crc)) ||
        !lc_slice_eq(magic, LC_LIT(LC_SEGMENT_MAGIC)) || number != s->meta.number) {
        lc_diag_set(diag, "%s: its header is damaged, or of another file", s->path);
        return LC_ECORRUPT;
    }
    if (version != LC_SEGMENT_VERSION) {
        lc_diag_set(diag, "%s: version %" PRIu32 " is not known", s->path, version);
        return LC_EVERSION;
    }
    return LC_OK;
}

static lc_err find_footer(struct lc_segment *s, struct lc_diag *diag)
{
    int64_t size = s->disk->size(s->disk->state, s->file);
    if (size < 0)
        return (lc_err)size;
    s->meta.octets = (uint64_t)size;
    if (s->meta.octets < LC_SEGMENT_HEADER_OCTETS + LC_SEGMENT_TRAILER_OCTETS) {
        lc_diag_set(diag, "%s: cut off", s->path);
        return LC_ECORRUPT;
    }
    uint8_t octets[LC_SEGMENT_TRAILER_OCTETS];
    uint64_t end = s->meta.octets - sizeof octets;
    lc_err e = read_exactly(s, octets, sizeof octets, end);
    if (e != LC_OK)
        return e;
    struct lc_reader r = lc_reader(lc_slice(octets, sizeof octets));
    s->footer_octets = lc_read_u32_le(&r);
    s->footer_crc = lc_read_u32_le(&r);
    struct lc_slice magic = lc_read_bytes(&r, LC_SEGMENT_MAGIC_OCTETS);
    if (!lc_slice_eq(magic, LC_LIT(LC_SEGMENT_END_MAGIC)) ||
        s->footer_octets > end - LC_SEGMENT_HEADER_OCTETS) {
        lc_diag_set(diag, "%s: cut off, or its end is damaged", s->path);
        return LC_ECORRUPT;
    }
    s->footer_offset = end - s->footer_octets;
    return LC_OK;
}

/* meta is what a footer says of the whole segment; an index of the same footer holds the rest. */
static lc_err load(struct lc_segment *s, struct lc_segment_meta *meta,
                   struct lc_segment_index **ret, struct lc_diag *diag)
{
    uint8_t *octets = malloc(s->footer_octets + 1u);
    if (octets == NULL)
        return -ENOMEM;
    lc_err e = read_exactly(s, octets, s->footer_octets, s->footer_offset);
    if (e == LC_OK) {
        struct lc_slice footer = lc_slice(octets, s->footer_octets);
        e = lc_crc32c(0, footer) == s->footer_crc
                ? lc_segment_index_parse(footer, s->footer_offset, meta, ret)
                : LC_ECORRUPT;
    }
    free(octets);
    if (e == LC_ECORRUPT) {
        lc_segment_mark_damaged(s);
        lc_diag_set(diag, "%s: its footer is damaged", s->path);
    }
    return e;
}

lc_err lc_segment_index_load(struct lc_segment *s, struct lc_segment_index **ret,
                             struct lc_diag *diag)
{
    struct lc_segment_meta meta = {.number = s->meta.number};
    lc_err e = load(s, &meta, ret, diag);
    if (e == LC_OK)
        (*ret)->segment = lc_segment_ref(s);
    lc_segment_meta_done(&meta);
    return e;
}

lc_err lc_segment_open(const struct lc_disk *disk, const char *dir, uint64_t number,
                       struct lc_segment **ret, struct lc_diag *diag)
{
    char path[LC_PATH_MAX];
    lc_err e = lc_segment_path(dir, number, path);
    if (e != LC_OK)
        return e;
    struct lc_segment *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    atomic_init(&s->refs, 1);
    s->disk = disk;
    s->meta.number = number;
    struct lc_segment_index *index;
    s->path = strdup(path);
    e = s->path == NULL ? -ENOMEM : disk->open(disk->state, path, LC_OPEN_READ, &s->file);
    if (e == LC_OK)
        e = find_footer(s, diag);
    if (e == LC_OK)
        e = check_header(s, diag);
    if (e == LC_OK)
        e = load(s, &s->meta, &index, diag);
    if (e != LC_OK) {
        lc_segment_unref(s);
        return e;
    }
    s->name_octets = index->name_octets;
    lc_segment_index_unref(index);
    *ret = s;
    return LC_OK;
}

lc_err lc_segment_read_block(struct lc_segment *s, const struct lc_block *block, uint8_t *room)
{
    lc_err e = read_exactly(s, room, block->octets, block->offset);
    if (e == LC_OK && lc_crc32c(0, lc_slice(room, block->header_octets)) != block->header_crc)
        e = LC_ECORRUPT;
    if (e == LC_ECORRUPT)
        lc_segment_mark_damaged(s);
    return e;
}
