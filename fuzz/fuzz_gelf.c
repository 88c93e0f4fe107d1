/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_gelf.c - GELF: a datagram, compressed or not, and the same cut into chunks that come in
 * another order.
 *
 * The first octet says how large a chunk is and which one comes first.
 */
#include "proto/gelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct lc_members members;
static struct lc_inflate inflater;
static uint8_t room[LC_GELF_MAX];

static bool lies_in(struct lc_slice s, const void *p, size_t n)
{
    return s.n == 0 ||
           (s.p >= (const uint8_t *)p && s.n <= n && (size_t)(s.p - (const uint8_t *)p) <= n - s.n);
}

static void check_slice(struct lc_slice s, struct lc_slice text)
{
    LC_ASSERT(lies_in(s, text.p, text.n) || lies_in(s, members.memory, members.text.n));
}

static void check_message(struct lc_slice data)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    struct lc_slice text;
    lc_err e = lc_gelf_expand(&inflater, data, room, &text);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_ESYNTAX || e == LC_ELIMIT);
        return;
    }
    e = lc_gelf_decode(text, 0, &members, &r, &unplaced);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_ESYNTAX && r.message.p == NULL && r.fields == NULL);
        return;
    }
    LC_ASSERT(r.field_count <= LC_FIELDS_MAX && r.message.p != NULL);
    check_slice(r.message, text);
    check_slice(r.stream.host, text);
    check_slice(r.stream.app, text);
    check_slice(r.pid, text);
    for (size_t i = 0; i < r.field_count; i++) {
        check_slice(r.fields[i].name, text);
        check_slice(r.fields[i].value, text);
    }
}

/* Chunk `i` of `count`; LC_OK when it was the last that was missing. */
static lc_err send(struct lc_gelf_chunks *c, struct lc_slice data, size_t size, size_t i,
                   size_t count, struct lc_slice *ret)
{
    uint8_t datagram[LC_GELF_CHUNK_HEAD + 256] = {0x1E, 0x0F, 1, 2, 3, 4, 5, 6, 7, 8};
    struct lc_gelf_lost lost = {0, 0};
    size_t at = i * size, n = data.n - at < size ? data.n - at : size;
    datagram[10] = (uint8_t)i;
    datagram[11] = (uint8_t)count;
    if (n > 0)
        memcpy(datagram + LC_GELF_CHUNK_HEAD, data.p + at, n);
    return lc_gelf_chunk(c, lc_slice(datagram, LC_GELF_CHUNK_HEAD + n), LC_LIT("a"),
                         (struct lc_time){0}, ret, &lost);
}

static void check_chunks(struct lc_slice data, uint8_t how)
{
    size_t size = (how & 0x3F) + (size_t)1;
    size_t count = data.n / size + 1;
    if (count > LC_GELF_CHUNKS_MAX)
        return;
    struct lc_gelf_chunks *c = lc_gelf_chunks_new();
    LC_ASSERT(c != NULL);
    struct lc_slice whole = {NULL, 0};
    for (size_t k = 0; k < count; k++) {
        lc_err e = send(c, data, size, (k + how) % count, count, &whole);
        LC_ASSERT(e == (k + 1 < count ? LC_EMORE : LC_OK));
    }
    LC_ASSERT(lc_slice_eq(whole, data));
    lc_gelf_chunks_taken(c);
    lc_gelf_chunks_free(c);
}

/* The input as a stream of datagrams of 32 octets: whatever is in them, what is kept is bounded. */
static void check_wild(struct lc_slice in)
{
    struct lc_gelf_chunks *c = lc_gelf_chunks_new();
    LC_ASSERT(c != NULL);
    struct lc_gelf_lost lost = {0, 0};
    for (int64_t now = 0; in.n > 0; now += LC_NS_PER_S) {
        size_t n = in.n < 32 ? in.n : 32;
        struct lc_slice message, datagram = lc_slice(in.p, n);
        if (lc_gelf_is_chunk(datagram) &&
            lc_gelf_chunk(c, datagram, LC_LIT("a"), (struct lc_time){now}, &message, &lost) ==
                LC_OK)
            check_message(message);
        in = lc_slice_from(in, n);
    }
    LC_ASSERT(lc_gelf_chunks_expire(c, LC_TIME_NEVER, &lost) == 0);
    lc_gelf_chunks_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 0;
    struct lc_slice in = lc_slice(p + 1, n - 1);
    check_message(in);
    check_chunks(in, p[0]);
    check_wild(in);
    return 0;
}
