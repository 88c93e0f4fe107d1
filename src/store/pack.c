/* SPDX-License-Identifier: Apache-2.0
 *
 * store/pack.c - frames, with zstd where it gains something.
 */
#include <errno.h>
#include <stdlib.h>

#include <zstd.h>

#include "base/hash.h"
#include "store/column.h"

/* Below this, what zstd writes around a frame is more than it can save. */
#define PACK_MIN 48u

struct lc_packer {
    ZSTD_CCtx *zstd;
    int level;
};

struct lc_unpacker {
    ZSTD_DCtx *zstd;
};

/* Four varints of 32 bits, or an octet, and a checksum. */
void lc_frame_write(struct lc_writer *w, const struct lc_frame *f)
{
    lc_write_varint(w, f->type);
    lc_write_u8(w, f->packing);
    lc_write_varint(w, f->decoded);
    lc_write_varint(w, f->stored);
    lc_write_u32_le(w, f->crc);
}

struct lc_packer *lc_packer_new(int level)
{
    struct lc_packer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->level = level;
    p->zstd = ZSTD_createCCtx();
    if (p->zstd == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

void lc_packer_free(struct lc_packer *p)
{
    if (p == NULL)
        return;
    ZSTD_freeCCtx(p->zstd);
    free(p);
}

/* The stored octets are appended only when they are fewer. */
static lc_err pack_zstd(struct lc_packer *p, struct lc_slice plain, struct lc_dynbuf *out,
                        bool *ret_gain)
{
    size_t room = ZSTD_compressBound(plain.n);
    lc_err e = lc_dynbuf_reserve(out, room);
    if (e != LC_OK)
        return e;
    size_t n = ZSTD_compressCCtx(p->zstd, out->p + out->n, room, plain.p, plain.n, p->level);
    if (ZSTD_isError(n))
        return -ENOMEM; /* the room is enough, so nothing else is left */
    *ret_gain = n < plain.n;
    if (*ret_gain)
        out->n += n;
    return LC_OK;
}

lc_err lc_pack(struct lc_packer *p, struct lc_slice plain, struct lc_dynbuf *out,
               struct lc_frame *ret)
{
    if (plain.n > UINT32_MAX)
        return LC_ELIMIT;
    size_t start = out->n;
    bool gain = false;
    lc_err e = LC_OK;
    if (plain.n >= PACK_MIN)
        e = pack_zstd(p, plain, out, &gain);
    if (e == LC_OK && !gain)
        e = lc_dynbuf_append(out, plain);
    if (e != LC_OK)
        return e;
    struct lc_slice stored = lc_slice(out->p + start, out->n - start);
    ret->packing = gain ? LC_PACKED_ZSTD : LC_PACKED_PLAIN;
    ret->decoded = (uint32_t)plain.n;
    ret->stored = (uint32_t)stored.n;
    ret->crc = lc_crc32c(0, stored);
    return LC_OK;
}

struct lc_unpacker *lc_unpacker_new(void)
{
    return calloc(1, sizeof(struct lc_unpacker));
}

void lc_unpacker_free(struct lc_unpacker *u)
{
    if (u == NULL)
        return;
    ZSTD_freeDCtx(u->zstd);
    free(u);
}

lc_err lc_unpack(struct lc_unpacker *u, const struct lc_frame *f, struct lc_slice stored,
                 uint8_t *room, struct lc_slice *ret)
{
    LC_ASSERT(stored.n == f->stored);
    if (f->packing == LC_PACKED_PLAIN) {
        if (f->decoded != f->stored)
            return LC_ECORRUPT;
        *ret = stored;
        return LC_OK;
    }
    if (f->packing != LC_PACKED_ZSTD)
        return LC_ECORRUPT;
    /* made when first needed: a scan of memory, as each tail makes at each commit, never does */
    if (u->zstd == NULL && (u->zstd = ZSTD_createDCtx()) == NULL)
        return -ENOMEM;
    size_t n = ZSTD_decompressDCtx(u->zstd, room, f->decoded, stored.p, stored.n);
    if (ZSTD_isError(n) || n != f->decoded)
        return LC_ECORRUPT;
    *ret = lc_slice(room, n);
    return LC_OK;
}
