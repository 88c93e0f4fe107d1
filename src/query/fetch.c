/* SPDX-License-Identifier: Apache-2.0
 *
 * query/fetch.c - rows by their references, a window at a time.
 */
#include <stdlib.h>

#include "query/refs.h"

#define WINDOW_ROWS   8192u
#define WINDOW_OCTETS (16u << 20)

struct wanted {
    struct lc_row_ref ref;
    size_t slot; /* in the window's order */
};

lc_err lc_rows_init(struct lc_rows *w, size_t max, size_t octets)
{
    LC_ASSERT(max > 0);
    *w = (struct lc_rows){.max = max};
    lc_arena_init(&w->arena, octets);
    w->records = malloc(max * sizeof *w->records);
    w->found = malloc(max * sizeof *w->found);
    if (w->records != NULL && w->found != NULL)
        return LC_OK;
    lc_rows_done(w);
    return -ENOMEM;
}

void lc_rows_done(struct lc_rows *w)
{
    lc_arena_done(&w->arena);
    free(w->records);
    free(w->found);
    *w = (struct lc_rows){0};
}

/* ---- copying a record ---- */

static size_t record_octets(const struct lc_record *r)
{
    size_t n = r->field_count * sizeof *r->fields + r->stream.space.n + r->stream.host.n +
               r->stream.app.n + r->stream.facility.n + r->pid.n + r->source.n + r->message.n;
    for (size_t i = 0; i < r->field_count; i++)
        n += r->fields[i].name.n + r->fields[i].value.n;
    return n;
}

static struct lc_slice move_slice(uint8_t **at, struct lc_slice s)
{
    struct lc_slice moved = lc_slice(*at, s.n);
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return moved;
}

static bool copy_record(struct lc_arena *arena, const struct lc_record *r, struct lc_record *ret)
{
    uint8_t *at = lc_arena_alloc(arena, record_octets(r));
    if (at == NULL)
        return false;
    struct lc_field *fields = (struct lc_field *)(void *)at;
    at += r->field_count * sizeof *fields;
    *ret = *r;
    for (size_t i = 0; i < r->field_count; i++) {
        fields[i].type = r->fields[i].type;
        fields[i].name = move_slice(&at, r->fields[i].name);
        fields[i].value = move_slice(&at, r->fields[i].value);
    }
    ret->fields = fields;
    ret->stream.space = move_slice(&at, r->stream.space);
    ret->stream.host = move_slice(&at, r->stream.host);
    ret->stream.app = move_slice(&at, r->stream.app);
    ret->stream.facility = move_slice(&at, r->stream.facility);
    ret->pid = move_slice(&at, r->pid);
    ret->source = move_slice(&at, r->source);
    ret->message = move_slice(&at, r->message);
    return true;
}

/* ---- one window ---- */

static int by_block(const void *pa, const void *pb)
{
    const struct lc_row_ref *a = &((const struct wanted *)pa)->ref;
    const struct lc_row_ref *b = &((const struct wanted *)pb)->ref;
    if (a->part != b->part)
        return a->part > b->part ? 1 : -1;
    if (a->block != b->block)
        return a->block > b->block ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

static bool same_block(const struct lc_row_ref *a, const struct lc_row_ref *b)
{
    return a->part == b->part && a->block == b->block;
}

/* Rows [first, end) of `wanted`, which are of one block. LC_ELIMIT: the window's memory is full. */
static lc_err fill_from_block(struct lc_rows *w, struct lc_scan *scan, const struct wanted *wanted,
                              size_t first, size_t end)
{
    struct lc_batch *b;
    size_t row;
    lc_err e = lc_scan_fetch(scan, &wanted[first].ref, &b, &row);
    if (e == LC_OK)
        e = lc_batch_load(b, LC_COL_ALL);
    if (e != LC_OK)
        return e;
    for (size_t i = first; i < end; i++) {
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record r;
        lc_batch_record(b, wanted[i].ref.row, fields, &r);
        size_t slot = wanted[i].slot;
        if (!copy_record(&w->arena, &r, &w->records[slot]))
            return LC_ELIMIT;
        w->found[slot] = true;
    }
    return LC_OK;
}

static lc_err fill(struct lc_rows *w, struct lc_scan *scan, struct wanted *wanted,
                   const struct lc_row_ref *refs, size_t count, struct lc_fetch_report *report)
{
    lc_arena_reset(&w->arena);
    w->count = count;
    for (size_t i = 0; i < count; i++) {
        wanted[i] = (struct wanted){refs[i], i};
        w->records[i].id = refs[i].id;
        w->found[i] = false;
    }
    qsort(wanted, count, sizeof *wanted, by_block);
    size_t end;
    for (size_t first = 0; first < count; first = end) {
        end = first + 1;
        while (end < count && same_block(&wanted[first].ref, &wanted[end].ref))
            end++;
        lc_err e = fill_from_block(w, scan, wanted, first, end);
        if (lc_err_is_damage(e)) {
            report->damaged_blocks++;
            report->damaged_rows += end - first;
        } else if (e != LC_OK) {
            return e;
        }
    }
    return LC_OK;
}

/* Large rows make a smaller window. One row alone always fits, for a record is far smaller than
 * the window; were it not, that is no more than memory that lacks. */
lc_err lc_rows_fill(struct lc_rows *w, struct lc_scan *scan, const struct lc_row_ref *refs,
                    size_t count, struct lc_fetch_report *report)
{
    if (count > w->max)
        count = w->max;
    struct wanted *wanted = malloc(count * sizeof *wanted);
    if (wanted == NULL)
        return -ENOMEM;
    struct lc_fetch_report before = *report;
    lc_err e = fill(w, scan, wanted, refs, count, report);
    while (e == LC_ELIMIT && count > 1) {
        *report = before;
        count /= 2;
        e = fill(w, scan, wanted, refs, count, report);
    }
    free(wanted);
    if (e != LC_OK)
        w->count = 0;
    return e == LC_ELIMIT ? -ENOMEM : e;
}

static lc_err give_out(const struct lc_rows *w, lc_fetch_row row, void *arg)
{
    for (size_t i = 0; i < w->count; i++) {
        lc_err e = w->found[i] ? row(arg, &w->records[i]) : LC_OK;
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

lc_err lc_refs_fetch(const struct lc_refs *r, struct lc_scan *scan, bool whole,
                     const atomic_bool *cancel, lc_fetch_row row, void *arg,
                     struct lc_fetch_report *report)
{
    if (r->count == 0)
        return LC_OK;
    struct lc_rows w;
    lc_err e = lc_rows_init(&w, r->count < WINDOW_ROWS ? r->count : WINDOW_ROWS, WINDOW_OCTETS);
    if (e != LC_OK)
        return e;
    for (size_t i = 0; i < r->count && e == LC_OK; i += w.count) {
        if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed)) {
            e = -ECANCELED;
            break;
        }
        e = lc_rows_fill(&w, scan, r->rows + i, r->count - i, report);
        if (e == LC_OK && whole && report->damaged_rows > 0)
            e = LC_ECORRUPT;
        if (e == LC_OK)
            e = give_out(&w, row, arg);
    }
    lc_rows_done(&w);
    return e;
}
