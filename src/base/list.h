/* SPDX-License-Identifier: Apache-2.0
 *
 * base/list.h - intrusive doubly linked lists: a ring through the list's head and the links that
 * are embedded in its members. Nothing is allocated; a member leaves in constant time, whichever
 * list it is in. A link that is in no list is a ring of itself.
 *
 * THREAD  One owner.
 */
#ifndef LC_BASE_LIST_H
#define LC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lc_link {
    struct lc_link *prev;
    struct lc_link *next;
};

/* An empty list, or a link in no list. */
static inline void lc_link_init(struct lc_link *l)
{
    l->prev = l;
    l->next = l;
}

/* Of a list: it has members. Of a member: it is in a list. */
static inline bool lc_link_is_linked(const struct lc_link *l)
{
    return l->next != l;
}

/* `l` must be in no list. */
static inline void lc_list_add_last(struct lc_link *list, struct lc_link *l)
{
    l->prev = list->prev;
    l->next = list;
    list->prev->next = l;
    list->prev = l;
}

/* May be called for a link that is in no list. */
static inline void lc_link_remove(struct lc_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    lc_link_init(l);
}

/* NULL: the list is empty. */
static inline struct lc_link *lc_list_take_first(struct lc_link *list)
{
    struct lc_link *l = list->next;
    if (l == list)
        return NULL;
    lc_link_remove(l);
    return l;
}

/* Moves all members of `from`, in order, to the empty list `to`. */
static inline void lc_list_take_all(struct lc_link *from, struct lc_link *to)
{
    lc_link_init(to);
    if (!lc_link_is_linked(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    lc_link_init(from);
}

#endif
