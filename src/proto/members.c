/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/members.c - collecting members.
 */
#include "proto/members.h"

#include "base/hash.h"

void lc_members_begin(struct lc_members *m)
{
    m->count = 0;
    m->repeated = 0;
    m->is_cut = false;
    m->depth = 0;
    m->text = (struct lc_dynbuf){m->memory, 0, sizeof m->memory, sizeof m->memory};
    memset(m->slots, 0, sizeof m->slots);
}

bool lc_members_enter(struct lc_members *m, struct lc_slice name)
{
    if (m->depth == LC_MEMBERS_DEPTH)
        return false;
    m->path[m->depth++] = name;
    return true;
}

void lc_members_leave(struct lc_members *m)
{
    LC_ASSERT(m->depth > 0);
    m->depth--;
}

/* Where the name stands, or would: its index + 1, or 0. */
static uint16_t *slot_of(struct lc_members *m, struct lc_slice name)
{
    size_t at = lc_hash64(name, 0) % LC_MEMBERS_SLOTS;
    while (m->slots[at] != 0 && !lc_slice_eq(m->fields[m->slots[at] - 1].name, name))
        at = (at + 1) % LC_MEMBERS_SLOTS;
    return &m->slots[at];
}

struct lc_field *lc_members_find(struct lc_members *m, struct lc_slice name)
{
    uint16_t slot = *slot_of(m, name);
    return slot == 0 ? NULL : &m->fields[slot - 1];
}

static void put(struct lc_members *m, struct lc_slice s)
{
    lc_err e = lc_dynbuf_append(&m->text, s);
    LC_ASSERT(e == LC_OK); /* join() has seen that there is room */
}

/* a.b.name, in the scratch. False: no room. That is known before anything is copied: else each of
 * very many members under a long path would cost the path's length, and be left out. */
static bool join(struct lc_members *m, struct lc_slice *name)
{
    size_t at = m->text.n, n = name->n;
    for (unsigned i = 0; i < m->depth; i++)
        n += m->path[i].n + 1;
    if (n > m->text.max - at)
        return false;
    for (unsigned i = 0; i < m->depth; i++) {
        put(m, m->path[i]);
        put(m, LC_LIT("."));
    }
    put(m, *name);
    *name = lc_slice(m->text.p + at, n);
    return true;
}

void lc_members_add(struct lc_members *m, struct lc_slice name, struct lc_slice value,
                    enum lc_field_type type)
{
    if (m->depth > 0 && !join(m, &name)) {
        m->is_cut = true;
        return;
    }
    uint16_t *slot = slot_of(m, name);
    if (*slot != 0) {
        m->repeated++;
    } else if (m->count == LC_MEMBERS_MAX) {
        m->is_cut = true;
        return;
    } else {
        *slot = (uint16_t)++m->count;
    }
    m->fields[*slot - 1] = (struct lc_field){name, value, type};
}
