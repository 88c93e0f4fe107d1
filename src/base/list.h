/* SPDX-License-Identifier: Apache-2.0
 *
 * base/list.h - a doubly linked list whose links are embedded in what it lists.
 *
 * WHAT    A ring with the list's own link as head and end; an element that is in no list is linked
 *         with itself. Nothing is allocated.
 */
#ifndef LC_BASE_LIST_H
#define LC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct lc_link {
    struct lc_link *prev, *next;
};

/* An empty list, or an element of none. */
static inline void lc_list_init(struct lc_link *l)
{
    l->prev = l->next = l;
}

static inline bool lc_list_is_empty(const struct lc_link *list)
{
    return list->next == list;
}

static inline bool lc_list_holds(const struct lc_link *element)
{
    return element->next != element;
}

/* The element is in no list. */
static inline void lc_list_append(struct lc_link *list, struct lc_link *element)
{
    element->prev = list->prev;
    element->next = list;
    list->prev->next = element;
    list->prev = element;
}

/* Also when it is in none. */
static inline void lc_list_remove(struct lc_link *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    lc_list_init(element);
}

/* The first element, removed; NULL: the list is empty. */
static inline struct lc_link *lc_list_pop(struct lc_link *list)
{
    struct lc_link *first = list->next;

    if (first == list)
        return NULL;
    lc_list_remove(first);
    return first;
}

/* All elements of `from` become those of `to`, which is set anew. */
static inline void lc_list_take(struct lc_link *to, struct lc_link *from)
{
    lc_list_init(to);
    if (lc_list_is_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    lc_list_init(from);
}

#endif
