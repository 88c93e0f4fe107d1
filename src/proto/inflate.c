/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/inflate.c - zlib, bounded.
 */
#include "proto/inflate.h"

#include <errno.h>

#define GZIP_OR_ZLIB (15 + 32) /* inflateInit2(): the largest window, told by the header */

bool lc_inflate_is_gzip(struct lc_slice in)
{
    return in.n >= 2 && in.p[0] == 0x1F && in.p[1] == 0x8B;
}

/* RFC 1950 section 2.2: method 8, a window of at most 32 KiB, and a check over both octets. */
bool lc_inflate_is_zlib(struct lc_slice in)
{
    return in.n >= 2 && (in.p[0] & 0xF) == 8 && in.p[0] >> 4 <= 7 &&
           (in.p[0] * 256u + in.p[1]) % 31 == 0;
}

lc_err lc_inflate_begin(struct lc_inflate *i, struct lc_slice in, size_t max)
{
    LC_ASSERT(in.n <= UINT32_MAX);
    if (!i->is_ready) {
        *i = (struct lc_inflate){.is_ready = false};
        if (inflateInit2(&i->z, GZIP_OR_ZLIB) != Z_OK)
            return -ENOMEM;
        i->is_ready = true;
    } else if (inflateReset(&i->z) != Z_OK) {
        return -ENOMEM;
    }
    i->z.next_in = (uint8_t *)(uintptr_t)in.p; /* zlib doesn't write there */
    i->z.avail_in = (uInt)in.n;
    i->has_ended = false;
    i->left = max;
    return LC_OK;
}

/* Behind a member: the next one follows at once, or the data ends. */
static lc_err next_member(struct lc_inflate *i)
{
    if (i->z.avail_in == 0) {
        i->has_ended = true;
        return LC_OK;
    }
    return inflateReset(&i->z) == Z_OK ? LC_OK : LC_ESYNTAX;
}

lc_err lc_inflate_read(struct lc_inflate *i, uint8_t *out, size_t room, size_t *ret_n)
{
    LC_ASSERT(room > 0);
    size_t got = 0;
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    while (!i->has_ended && got < room) {
        i->z.next_out = out + got;
        i->z.avail_out = (uInt)(room - got);
        int e = inflate(&i->z, Z_NO_FLUSH);
        got = room - i->z.avail_out;
        if (e == Z_STREAM_END)
            e = next_member(i) == LC_OK ? Z_OK : Z_DATA_ERROR;
        else if (e == Z_BUF_ERROR && i->z.avail_out == 0)
            break;
        if (e != Z_OK || (i->z.avail_in == 0 && i->z.avail_out > 0 && !i->has_ended))
            return e == Z_MEM_ERROR ? -ENOMEM : LC_ESYNTAX;
    }
    if (got > i->left)
        return LC_ELIMIT;
    i->left -= got;
    if (got == 0)
        return LC_EEND;
    *ret_n = got;
    return LC_OK;
}

void lc_inflate_done(struct lc_inflate *i)
{
    if (i->is_ready)
        inflateEnd(&i->z);
    i->is_ready = false;
}
