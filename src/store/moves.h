/* SPDX-License-Identifier: Apache-2.0
 *
 * store/moves.h - how far senders have come with each row of a set, in memory.
 *
 * WHAT    A list beside the rows: behind so many rows this sender has come so far. A commit takes
 *         of it what belongs to its rows, so that a position is durable with its records and never
 *         without them. A set of which no record says a sender has none of this.
 * WHO     store/set.c.
 * THREAD  One writer. Others may look at moves below a count that was published to them.
 */
#ifndef LC_STORE_MOVES_H
#define LC_STORE_MOVES_H

#include <stdatomic.h>

#include "base/sender.h"
#include "base/slice.h"

struct lc_move;
struct lc_move_sender;

struct lc_moves {
    struct lc_move **pages;         /* NULL: nobody has moved yet */
    struct lc_move_sender *senders; /* they never move in memory */
    uint32_t *slots;
    uint32_t page_max;
    uint32_t sender_count;
    uint32_t last; /* the sender that was looked up last */
    _Atomic(uint32_t) count;
};

#define LC_MOVES_SENDERS_MAX 16384u /* of one set: more than a store keeps */
#define LC_MOVE_OCTETS       24u    /* memory of one */

/* max_octets: of a set, to which the list's own bound is made. Allocates nothing yet. */
void lc_moves_init(struct lc_moves *m, uint64_t max_octets);
void lc_moves_done(struct lc_moves *m);

/* The sender has moved before, in this epoch. */
bool lc_moves_know(struct lc_moves *m, const struct lc_sender_id *id, uint64_t epoch);
/* Makes sure that this sender can move next. LC_EWAIT: the list is full; -ENOMEM. */
LC_MUST_CHECK lc_err lc_moves_reserve(struct lc_moves *m, const struct lc_sender_id *id,
                                      uint64_t epoch);
/* The sender of lc_moves_reserve() has come to `upto` with the first `rows` rows. */
void lc_moves_add(struct lc_moves *m, uint32_t rows, uint64_t upto);
/* Keeps the first `count`, while nobody else looks. With none, senders are forgotten as well. */
void lc_moves_truncate(struct lc_moves *m, uint32_t count);

/* How many belong to the first `rows` rows. */
uint32_t lc_moves_before(const struct lc_moves *m, uint32_t rows);
/* Where senders have come to with the moves [*at, to): each of them once. Goes on at *at; false: no
 * further one. */
bool lc_moves_next(const struct lc_moves *m, uint32_t *at, uint32_t to, struct lc_sender_id *ret_id,
                   struct lc_sender_position *ret);

#endif
