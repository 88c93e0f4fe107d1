/* SPDX-License-Identifier: Apache-2.0
 *
 * store/moves.c - the list of moves, and its senders found by open addressing.
 */
#include "store/moves.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define PER_PAGE 1024u
#define SLOTS    (2 * LC_MOVES_SENDERS_MAX)
#define NOBODY   UINT32_MAX

struct lc_move {
    uint64_t upto;
    uint32_t rows;
    uint32_t sender;
    atomic_uint next; /* of the same sender; 0: none yet */
};

struct lc_move_sender {
    struct lc_sender_id id;
    uint64_t epoch;
    uint32_t last; /* its last move; NOBODY: none */
};

void lc_moves_init(struct lc_moves *m, uint64_t max_octets)
{
    LC_ASSERT(sizeof **m->pages == LC_MOVE_OCTETS);
    *m = (struct lc_moves){.last = NOBODY};
    m->page_max = (uint32_t)(max_octets / LC_MOVE_OCTETS / PER_PAGE) + 1;
}

void lc_moves_done(struct lc_moves *m)
{
    for (uint32_t i = 0; m->pages != NULL && i < m->page_max; i++)
        free(m->pages[i]);
    free(m->pages);
    free(m->senders);
    free(m->slots);
}

static struct lc_move *move_at(const struct lc_moves *m, uint32_t i)
{
    return &m->pages[i / PER_PAGE][i % PER_PAGE];
}

static uint32_t count_of(const struct lc_moves *m)
{
    return atomic_load_explicit(&m->count, memory_order_acquire);
}

/* ---- senders ---- */

static bool is_sender(const struct lc_moves *m, uint32_t number, const struct lc_sender_id *id,
                      uint64_t epoch)
{
    const struct lc_move_sender *s = &m->senders[number];
    return s->epoch == epoch && memcmp(s->id.octets, id->octets, sizeof id->octets) == 0;
}

/* The slot of a sender, or the free one where it belongs. */
static uint32_t *slot_of(const struct lc_moves *m, const struct lc_sender_id *id, uint64_t epoch)
{
    uint64_t hash = lc_hash64(lc_slice(id->octets, sizeof id->octets), epoch);
    uint32_t at = (uint32_t)hash & (SLOTS - 1);
    while (m->slots[at] != 0 && !is_sender(m, m->slots[at] - 1, id, epoch))
        at = (at + 1) & (SLOTS - 1);
    return &m->slots[at];
}

bool lc_moves_know(struct lc_moves *m, const struct lc_sender_id *id, uint64_t epoch)
{
    if (m->pages == NULL)
        return false;
    if (m->last != NOBODY && is_sender(m, m->last, id, epoch))
        return true;
    uint32_t slot = *slot_of(m, id, epoch);
    if (slot == 0)
        return false;
    m->last = slot - 1;
    return true;
}

static lc_err make_tables(struct lc_moves *m)
{
    if (m->pages != NULL)
        return LC_OK;
    m->senders = calloc(LC_MOVES_SENDERS_MAX, sizeof *m->senders);
    m->slots = calloc(SLOTS, sizeof *m->slots);
    m->pages = calloc(m->page_max, sizeof(struct lc_move *));
    if (m->senders != NULL && m->slots != NULL && m->pages != NULL)
        return LC_OK;
    free(m->senders);
    free(m->slots);
    free(m->pages);
    m->senders = NULL;
    m->slots = NULL;
    m->pages = NULL;
    return -ENOMEM;
}

static lc_err know_sender(struct lc_moves *m, const struct lc_sender_id *id, uint64_t epoch)
{
    if (lc_moves_know(m, id, epoch))
        return LC_OK;
    if (m->sender_count == LC_MOVES_SENDERS_MAX)
        return LC_EWAIT;
    m->senders[m->sender_count] = (struct lc_move_sender){*id, epoch, NOBODY};
    m->last = m->sender_count++;
    *slot_of(m, id, epoch) = m->last + 1;
    return LC_OK;
}

/* ---- moves ---- */

lc_err lc_moves_reserve(struct lc_moves *m, const struct lc_sender_id *id, uint64_t epoch)
{
    uint32_t count = count_of(m);
    if (count / PER_PAGE >= m->page_max)
        return LC_EWAIT;
    lc_err e = make_tables(m);
    if (e != LC_OK)
        return e;
    struct lc_move **page = &m->pages[count / PER_PAGE];
    if (*page == NULL)
        *page = malloc(PER_PAGE * sizeof **page);
    return *page != NULL ? know_sender(m, id, epoch) : -ENOMEM;
}

void lc_moves_add(struct lc_moves *m, uint32_t rows, uint64_t upto)
{
    uint32_t count = count_of(m);
    struct lc_move_sender *sender = &m->senders[m->last];
    struct lc_move *move = move_at(m, count);
    move->upto = upto;
    move->rows = rows;
    move->sender = m->last;
    atomic_store_explicit(&move->next, 0, memory_order_relaxed);
    /* seen by others no sooner than the count that makes it count */
    if (sender->last != NOBODY)
        atomic_store_explicit(&move_at(m, sender->last)->next, count, memory_order_relaxed);
    sender->last = count;
    atomic_store_explicit(&m->count, count + 1, memory_order_release);
}

static void forget_senders(struct lc_moves *m)
{
    if (m->slots != NULL && m->sender_count > 0)
        memset(m->slots, 0, SLOTS * sizeof *m->slots);
    m->sender_count = 0;
    m->last = NOBODY;
}

void lc_moves_truncate(struct lc_moves *m, uint32_t count)
{
    LC_ASSERT(count <= count_of(m));
    atomic_store_explicit(&m->count, count, memory_order_release);
    if (count == 0) {
        forget_senders(m);
        return;
    }
    for (uint32_t i = 0; i < m->sender_count; i++)
        m->senders[i].last = NOBODY;
    for (uint32_t i = 0; i < count; i++) {
        struct lc_move *move = move_at(m, i);
        if (atomic_load_explicit(&move->next, memory_order_relaxed) >= count)
            atomic_store_explicit(&move->next, 0, memory_order_relaxed);
        m->senders[move->sender].last = i;
    }
}

uint32_t lc_moves_before(const struct lc_moves *m, uint32_t rows)
{
    uint32_t count = count_of(m);
    while (count > 0 && move_at(m, count - 1)->rows > rows)
        count--;
    return count;
}

bool lc_moves_next(const struct lc_moves *m, uint32_t *at, uint32_t to, struct lc_sender_id *ret_id,
                   struct lc_sender_position *ret)
{
    while (*at < to) {
        const struct lc_move *move = move_at(m, (*at)++);
        uint32_t next = atomic_load_explicit(&move->next, memory_order_relaxed);
        if (next != 0 && next < to)
            continue;
        const struct lc_move_sender *sender = &m->senders[move->sender];
        *ret_id = sender->id;
        *ret = (struct lc_sender_position){sender->epoch, move->upto};
        return true;
    }
    return false;
}
