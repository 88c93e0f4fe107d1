/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/gelf_chunks.c - datagrams of one message, put together again.
 *
 * Chunks are kept in the order in which they come, and copied into theirs when the last is there.
 * A message is told by its id and by who sends it: senders choose ids at random, and may choose
 * alike.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "proto/gelf.h"

struct incomplete {
    uint64_t id, source;
    struct lc_time until;
    unsigned count, got; /* chunks of it; 0: this place is free */
    struct lc_dynbuf octets;
    uint32_t at[LC_GELF_CHUNKS_MAX], n[LC_GELF_CHUNKS_MAX];
    uint64_t has[LC_GELF_CHUNKS_MAX / 64];
};

struct lc_gelf_chunks {
    struct incomplete messages[LC_GELF_INCOMPLETE_MAX];
    size_t used;             /* places that are not free */
    size_t octets;           /* of all of them */
    struct incomplete *told; /* the one that is whole */
    struct lc_dynbuf whole;
};

/* magic, id, number, count: docs of GELF, "Chunking" */
struct chunk {
    uint64_t id;
    unsigned number, count;
    struct lc_slice data;
};

struct lc_gelf_chunks *lc_gelf_chunks_new(void)
{
    struct lc_gelf_chunks *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    for (size_t i = 0; i < LC_GELF_INCOMPLETE_MAX; i++)
        lc_dynbuf_init(&c->messages[i].octets, LC_GELF_MAX);
    lc_dynbuf_init(&c->whole, LC_GELF_MAX);
    return c;
}

static void release(struct lc_gelf_chunks *c, struct incomplete *m)
{
    c->octets -= m->octets.n;
    c->used--;
    lc_dynbuf_done(&m->octets);
    *m = (struct incomplete){.count = 0};
    lc_dynbuf_init(&m->octets, LC_GELF_MAX);
}

void lc_gelf_chunks_free(struct lc_gelf_chunks *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < LC_GELF_INCOMPLETE_MAX; i++)
        lc_dynbuf_done(&c->messages[i].octets);
    lc_dynbuf_done(&c->whole);
    free(c);
}

bool lc_gelf_is_chunk(struct lc_slice datagram)
{
    return datagram.n >= 2 && datagram.p[0] == 0x1E && datagram.p[1] == 0x0F;
}

static bool read_chunk(struct lc_slice datagram, struct chunk *ret)
{
    struct lc_reader r = lc_reader(datagram);
    lc_read_u16_be(&r);
    ret->id = lc_read_u64_be(&r);
    ret->number = lc_read_u8(&r);
    ret->count = lc_read_u8(&r);
    ret->data = lc_read_bytes(&r, lc_reader_left(&r));
    return r.err == LC_OK && ret->count > 0 && ret->count <= LC_GELF_CHUNKS_MAX &&
           ret->number < ret->count;
}

size_t lc_gelf_chunks_expire(struct lc_gelf_chunks *c, struct lc_time now,
                             struct lc_gelf_lost *lost)
{
    for (size_t i = 0; i < LC_GELF_INCOMPLETE_MAX && c->used > 0; i++) {
        struct incomplete *m = &c->messages[i];
        if (m->count == 0 || m->got == m->count || !lc_time_reached(m->until, now))
            continue;
        release(c, m);
        lost->late++;
    }
    return c->used;
}

static struct incomplete *find(struct lc_gelf_chunks *c, uint64_t id, uint64_t source)
{
    for (size_t i = 0; i < LC_GELF_INCOMPLETE_MAX; i++)
        if (c->messages[i].count > 0 && c->messages[i].id == id && c->messages[i].source == source)
            return &c->messages[i];
    return NULL;
}

static void push_oldest(struct lc_gelf_chunks *c, const struct incomplete *but,
                        struct lc_gelf_lost *lost)
{
    struct incomplete *oldest = NULL;
    for (size_t i = 0; i < LC_GELF_INCOMPLETE_MAX; i++) {
        struct incomplete *m = &c->messages[i];
        bool may_go = m->count > 0 && (but == NULL || m != but);
        if (may_go && (oldest == NULL || m->until.ns < oldest->until.ns))
            oldest = m;
    }
    LC_ASSERT(oldest != NULL); /* one message alone is within the bounds */
    release(c, oldest);
    lost->pushed++;
}

static struct incomplete *begin(struct lc_gelf_chunks *c, const struct chunk *chunk,
                                uint64_t source, struct lc_time now, struct lc_gelf_lost *lost)
{
    if (c->used == LC_GELF_INCOMPLETE_MAX)
        push_oldest(c, NULL, lost);
    struct incomplete *m = c->messages;
    while (m->count > 0)
        m++;
    m->id = chunk->id;
    m->source = source;
    m->count = chunk->count;
    m->until = lc_time_add_ms(now, LC_GELF_WAIT_MS);
    c->used++;
    return m;
}

static lc_err add(struct lc_gelf_chunks *c, struct incomplete *m, const struct chunk *chunk,
                  struct lc_gelf_lost *lost)
{
    uint64_t bit = UINT64_C(1) << (chunk->number % 64);
    if (m->got == m->count && m->count == chunk->count)
        return LC_OK;
    if (m->count != chunk->count || (m->has[chunk->number / 64] & bit) != 0)
        return LC_ESYNTAX;
    while (c->octets + chunk->data.n > LC_GELF_INCOMPLETE_SIZE)
        push_oldest(c, m, lost);
    m->at[chunk->number] = (uint32_t)m->octets.n;
    m->n[chunk->number] = (uint32_t)chunk->data.n;
    lc_err e = lc_dynbuf_append(&m->octets, chunk->data);
    if (e != LC_OK)
        return e;
    c->octets += chunk->data.n;
    m->has[chunk->number / 64] |= bit;
    m->got++;
    return m->got == m->count ? LC_OK : LC_EMORE;
}

static lc_err put_together(struct lc_gelf_chunks *c, const struct incomplete *m)
{
    lc_err e = LC_OK;
    c->whole.n = 0;
    for (unsigned i = 0; i < m->count && e == LC_OK; i++)
        e = lc_dynbuf_append(&c->whole, lc_slice(m->octets.p + m->at[i], m->n[i]));
    return e;
}

lc_err lc_gelf_chunk(struct lc_gelf_chunks *c, struct lc_slice datagram, struct lc_slice source,
                     struct lc_time now, struct lc_slice *ret_message, struct lc_gelf_lost *lost)
{
    struct chunk chunk;
    uint64_t hash = lc_hash64(source, 0);
    c->told = NULL;
    lc_gelf_chunks_expire(c, now, lost);
    if (!read_chunk(datagram, &chunk))
        return LC_ESYNTAX;
    struct incomplete *m = find(c, chunk.id, hash);
    if (m == NULL)
        m = begin(c, &chunk, hash, now, lost);
    lc_err e = add(c, m, &chunk, lost);
    if (e == LC_OK)
        e = put_together(c, m);
    if (e == LC_OK) {
        c->told = m;
        *ret_message = lc_dynbuf_slice(&c->whole);
    } else if (e != LC_EMORE && e != LC_ESYNTAX) {
        release(c, m);
    }
    return e;
}

void lc_gelf_chunks_taken(struct lc_gelf_chunks *c)
{
    LC_ASSERT(c->told != NULL);
    release(c, c->told);
    c->told = NULL;
}
