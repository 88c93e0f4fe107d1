/* SPDX-License-Identifier: Apache-2.0
 *
 * store/senders.c - a sorted list of senders. It changes seldom, and is looked up once for each
 * sender of a commit.
 */
#include "store/senders.h"

#include <errno.h>
#include <stdlib.h>

#include "store/array.h"

void lc_senders_done(struct lc_senders *t)
{
    free(t->list);
    *t = (struct lc_senders){0};
}

/* Where it is, or belongs. */
static size_t place_of(const struct lc_senders *t, const struct lc_sender_id *id, bool *ret_found)
{
    size_t low = 0, high = t->count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = memcmp(t->list[middle].id.octets, id->octets, sizeof id->octets);
        if (c == 0)
            *ret_found = true;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct lc_sender_entry *lc_senders_find(const struct lc_senders *t, const struct lc_sender_id *id)
{
    bool found;
    size_t at = place_of(t, id, &found);
    return found ? &t->list[at] : NULL;
}

static bool forget_oldest(struct lc_senders *t, int64_t unused_s)
{
    size_t oldest = 0;
    for (size_t i = 1; i < t->count; i++)
        if (t->list[i].used_s < t->list[oldest].used_s)
            oldest = i;
    if (t->list[oldest].used_s >= unused_s)
        return false;
    t->count--;
    memmove(&t->list[oldest], &t->list[oldest + 1], (t->count - oldest) * sizeof *t->list);
    return true;
}

static lc_err insert(struct lc_senders *t, const struct lc_sender_entry *entry, size_t at)
{
    /* never a smaller array, so that what has room keeps it */
    struct lc_sender_entry *more = lc_array_more(t->list, t->count, sizeof *more);
    if (more == NULL)
        return -ENOMEM;
    t->list = more;
    memmove(&t->list[at + 1], &t->list[at], (t->count - at) * sizeof *t->list);
    t->list[at] = *entry;
    t->count++;
    return LC_OK;
}

lc_err lc_senders_admit(struct lc_senders *t, const struct lc_sender_id *id, int64_t now_s,
                        int64_t unused_s)
{
    bool found;
    size_t at = place_of(t, id, &found);
    if (found) {
        t->list[at].used_s = now_s > t->list[at].used_s ? now_s : t->list[at].used_s;
        return LC_OK;
    }
    if (t->count >= LC_SENDERS_MAX) {
        if (!forget_oldest(t, unused_s))
            return LC_ELIMIT;
        at = place_of(t, id, &found);
    }
    struct lc_sender_entry entry = {.id = *id, .used_s = now_s};
    return insert(t, &entry, at);
}

lc_err lc_senders_move(struct lc_senders *t, const struct lc_sender_entry *to)
{
    lc_err e = lc_senders_admit(t, &to->id, to->used_s, INT64_MAX);
    if (e != LC_OK)
        return e;
    struct lc_sender_position *at = &lc_senders_find(t, &to->id)->at;
    if (to->at.epoch > at->epoch || (to->at.epoch == at->epoch && to->at.upto > at->upto))
        *at = to->at;
    return LC_OK;
}
