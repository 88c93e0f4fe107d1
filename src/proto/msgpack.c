/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/msgpack.c - the heads of values, and where values end.
 */
#include "proto/msgpack.h"

#include "base/cursor.h"
#include "base/time.h"

/* ---- heads ---- */

/* What stands behind the octet of a format. */
enum shape {
    NOTHING,
    UNSIGNED,
    SIGNED,
    SINGLE,
    DOUBLE,
    LENGTH,     /* and so many octets */
    COUNT,      /* values follow, each by itself */
    EXT_LENGTH, /* a length, a type, and so many octets */
    EXT_FIXED,  /* a type, and `n` octets */
    NEVER
};

/* Formats 0xC0 to 0xDF: kind, shape, octets of the number (of the extension). */
static const struct format {
    uint8_t kind, shape, n;
} formats[] = {
    {LC_MSGPACK_NIL, NOTHING, 0},    {0, NEVER, 0},
    {LC_MSGPACK_BOOL, NOTHING, 0},   {LC_MSGPACK_BOOL, NOTHING, 0},
    {LC_MSGPACK_BINARY, LENGTH, 1},  {LC_MSGPACK_BINARY, LENGTH, 2},
    {LC_MSGPACK_BINARY, LENGTH, 4},  {LC_MSGPACK_EXT, EXT_LENGTH, 1},
    {LC_MSGPACK_EXT, EXT_LENGTH, 2}, {LC_MSGPACK_EXT, EXT_LENGTH, 4},
    {LC_MSGPACK_FLOAT, SINGLE, 4},   {LC_MSGPACK_FLOAT, DOUBLE, 8},
    {LC_MSGPACK_UINT, UNSIGNED, 1},  {LC_MSGPACK_UINT, UNSIGNED, 2},
    {LC_MSGPACK_UINT, UNSIGNED, 4},  {LC_MSGPACK_UINT, UNSIGNED, 8},
    {LC_MSGPACK_INT, SIGNED, 1},     {LC_MSGPACK_INT, SIGNED, 2},
    {LC_MSGPACK_INT, SIGNED, 4},     {LC_MSGPACK_INT, SIGNED, 8},
    {LC_MSGPACK_EXT, EXT_FIXED, 1},  {LC_MSGPACK_EXT, EXT_FIXED, 2},
    {LC_MSGPACK_EXT, EXT_FIXED, 4},  {LC_MSGPACK_EXT, EXT_FIXED, 8},
    {LC_MSGPACK_EXT, EXT_FIXED, 16}, {LC_MSGPACK_STRING, LENGTH, 1},
    {LC_MSGPACK_STRING, LENGTH, 2},  {LC_MSGPACK_STRING, LENGTH, 4},
    {LC_MSGPACK_ARRAY, COUNT, 2},    {LC_MSGPACK_ARRAY, COUNT, 4},
    {LC_MSGPACK_MAP, COUNT, 2},      {LC_MSGPACK_MAP, COUNT, 4},
};

static uint64_t read_number(struct lc_reader *r, size_t octets)
{
    switch (octets) {
    case 1:
        return lc_read_u8(r);
    case 2:
        return lc_read_u16_be(r);
    case 4:
        return lc_read_u32_be(r);
    default:
        return lc_read_u64_be(r);
    }
}

static void read_signed(struct lc_reader *r, size_t octets, struct lc_msgpack_value *v)
{
    unsigned unused = 64 - 8 * (unsigned)octets;
    int64_t i = (int64_t)(read_number(r, octets) << unused) >> unused;
    if (i >= 0) {
        v->kind = LC_MSGPACK_UINT;
        v->u = (uint64_t)i;
    } else {
        v->i = i;
    }
}

static void read_float(struct lc_reader *r, bool single, struct lc_msgpack_value *v)
{
    v->is_single = single;
    if (single) {
        uint32_t bits = lc_read_u32_be(r);
        float f;
        memcpy(&f, &bits, sizeof f);
        v->f = (double)f;
    } else {
        uint64_t bits = lc_read_u64_be(r);
        memcpy(&v->f, &bits, sizeof v->f);
    }
}

static void read_ext(struct lc_reader *r, size_t octets, struct lc_msgpack_value *v)
{
    v->ext = (int8_t)lc_read_u8(r);
    v->octets = lc_read_bytes(r, octets);
}

/* Formats that carry their number in their own octet; v->kind and the rest are set. */
static bool read_short(struct lc_reader *r, uint8_t octet, struct lc_msgpack_value *v)
{
    if (octet < 0x80) {
        v->kind = LC_MSGPACK_UINT;
        v->u = octet;
    } else if (octet < 0xA0) {
        v->kind = octet < 0x90 ? LC_MSGPACK_MAP : LC_MSGPACK_ARRAY;
        v->count = octet & 0xF;
    } else if (octet < 0xC0) {
        v->kind = LC_MSGPACK_STRING;
        v->octets = lc_read_bytes(r, octet & 0x1F);
    } else if (octet >= 0xE0) {
        v->kind = LC_MSGPACK_INT;
        v->i = (int64_t)octet - 0x100;
    } else {
        return false;
    }
    return true;
}

static void read_long(struct lc_reader *r, const struct format *f, struct lc_msgpack_value *v)
{
    v->kind = (enum lc_msgpack_kind)f->kind;
    switch ((enum shape)f->shape) {
    case UNSIGNED:
        v->u = read_number(r, f->n);
        break;
    case SIGNED:
        read_signed(r, f->n, v);
        break;
    case SINGLE:
    case DOUBLE:
        read_float(r, f->shape == SINGLE, v);
        break;
    case LENGTH:
        v->octets = lc_read_bytes(r, (size_t)read_number(r, f->n));
        break;
    case COUNT:
        v->count = (uint32_t)read_number(r, f->n);
        break;
    case EXT_LENGTH:
        read_ext(r, (size_t)read_number(r, f->n), v);
        break;
    case EXT_FIXED:
        read_ext(r, f->n, v);
        break;
    case NOTHING:
    case NEVER:
        break;
    }
}

lc_err lc_msgpack_next(struct lc_slice in, struct lc_msgpack_value *ret, size_t *ret_used)
{
    struct lc_reader r = lc_reader(in);
    struct lc_msgpack_value v = {.kind = LC_MSGPACK_NIL};
    uint8_t octet = lc_read_u8(&r);
    if (r.err == LC_OK && !read_short(&r, octet, &v)) {
        const struct format *f = &formats[octet - 0xC0];
        if (f->shape == NEVER)
            return LC_ESYNTAX;
        read_long(&r, f, &v);
        if (v.kind == LC_MSGPACK_BOOL)
            v.u = octet & 1;
    }
    if (r.err != LC_OK)
        return LC_EMORE;
    *ret = v;
    *ret_used = in.n - lc_reader_left(&r);
    return LC_OK;
}

/* ---- whole values ---- */

/* The octets of the value whose head is cut off, where that tells them; 0: it does not. */
static uint64_t length_of_cut(struct lc_slice in)
{
    struct lc_reader r = lc_reader(in);
    uint8_t octet = lc_read_u8(&r);
    if (octet < 0xC0 || octet >= 0xE0)
        return 0;
    const struct format *f = &formats[octet - 0xC0];
    if (f->shape != LENGTH && f->shape != EXT_LENGTH)
        return 0;
    uint64_t n = read_number(&r, f->n);
    return r.err == LC_OK ? n + f->n + 1 + (f->shape == EXT_LENGTH) : 0;
}

lc_err lc_msgpack_whole(struct lc_slice in, size_t limit, struct lc_msgpack_extent *so_far,
                        size_t *ret_used)
{
    size_t at = so_far->at;
    uint64_t pending = at == 0 ? 1 : so_far->pending;
    LC_ASSERT(at <= in.n);
    while (pending > 0) {
        struct lc_msgpack_value v;
        size_t used = 0;
        lc_err e = lc_msgpack_next(lc_slice_from(in, at), &v, &used);
        if (e == LC_EMORE)
            used = (size_t)length_of_cut(lc_slice_from(in, at));
        if (e == LC_ESYNTAX)
            return e;
        if (at + used + (pending - 1) > limit) /* each has an octet at least */
            return LC_ELIMIT;
        if (e == LC_EMORE) {
            *so_far = (struct lc_msgpack_extent){at, pending};
            return e;
        }
        at += used;
        pending--;
        if (v.kind == LC_MSGPACK_ARRAY || v.kind == LC_MSGPACK_MAP)
            pending += v.kind == LC_MSGPACK_MAP ? 2 * (uint64_t)v.count : v.count;
        if (at + pending > limit)
            return LC_ELIMIT;
    }
    *so_far = (struct lc_msgpack_extent){0, 0};
    *ret_used = at;
    return LC_OK;
}

/* ---- times ---- */

static bool seconds_and_ns(int64_t seconds, uint32_t ns, int64_t *ret_ns)
{
    return ns < LC_NS_PER_S && !__builtin_mul_overflow(seconds, LC_NS_PER_S, ret_ns) &&
           !__builtin_add_overflow(*ret_ns, (int64_t)ns, ret_ns);
}

/* The specification's timestamps of 32, 64 and 96 bits, and the EventTime of Fluentd. */
static bool ext_time(const struct lc_msgpack_value *v, int64_t *ret_ns)
{
    struct lc_reader r = lc_reader(v->octets);
    if (v->ext == 0 && v->octets.n == 8) {
        uint32_t seconds = lc_read_u32_be(&r);
        return seconds_and_ns(seconds, lc_read_u32_be(&r), ret_ns);
    }
    if (v->ext != -1)
        return false;
    if (v->octets.n == 4)
        return seconds_and_ns(lc_read_u32_be(&r), 0, ret_ns);
    if (v->octets.n == 8) {
        uint64_t both = lc_read_u64_be(&r);
        return seconds_and_ns((int64_t)(both & 0x3FFFFFFFF), (uint32_t)(both >> 34), ret_ns);
    }
    if (v->octets.n != 12)
        return false;
    uint32_t ns = lc_read_u32_be(&r);
    return seconds_and_ns((int64_t)lc_read_u64_be(&r), ns, ret_ns);
}

bool lc_msgpack_time(const struct lc_msgpack_value *v, int64_t *ret_ns)
{
    switch (v->kind) {
    case LC_MSGPACK_UINT:
        return v->u <= INT64_MAX && seconds_and_ns((int64_t)v->u, 0, ret_ns);
    case LC_MSGPACK_INT:
        return seconds_and_ns(v->i, 0, ret_ns);
    case LC_MSGPACK_FLOAT:
        if (!(v->f > -9e9 && v->f < 9e9))
            return false;
        *ret_ns = (int64_t)(v->f * 1e9);
        return true;
    case LC_MSGPACK_EXT:
        return ext_time(v, ret_ns);
    default:
        return false;
    }
}
