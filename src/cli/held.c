/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/held.c - rows held back: the newest, in the order of time, or folded into one table.
 */
#include "cli/held.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/record.h"
#include "base/time.h"

/* A row of a record begins with its time (docs/protocols.md, "Rows"). */
int64_t lc_held_time(struct lc_slice row)
{
    const struct lc_slice prefix = LC_LIT("{\"_time\":\"");
    int64_t ns;
    size_t used;
    if (!lc_slice_starts(row, prefix) ||
        lc_rfc3339_parse(lc_slice_from(row, prefix.n), &ns, &used) != LC_OK)
        return INT64_MIN;
    return ns;
}

void lc_held_init(struct lc_held *r, uint64_t limit, size_t max_octets)
{
    *r = (struct lc_held){.limit = limit, .max_octets = max_octets};
}

static void drop(struct lc_held *r, struct lc_held_row *row)
{
    r->octets -= row->text.n;
    free((void *)row->text.p);
    row->text = lc_slice(NULL, 0);
}

void lc_held_clear(struct lc_held *r)
{
    for (size_t i = 0; i < r->count; i++)
        drop(r, &r->rows[i]);
    r->first = r->count = 0;
}

void lc_held_done(struct lc_held *r)
{
    lc_held_clear(r);
    free(r->rows);
    r->rows = NULL;
    r->cap = 0;
}

static lc_err grow(struct lc_held *r)
{
    size_t cap = r->cap == 0 ? 256 : 2 * r->cap;
    if (cap > r->limit)
        cap = (size_t)r->limit;
    struct lc_held_row *rows = reallocarray(r->rows, cap, sizeof *rows);
    if (rows == NULL)
        return -ENOMEM;
    r->rows = rows;
    r->cap = cap;
    return LC_OK;
}

lc_err lc_held_add(struct lc_held *r, struct lc_slice text)
{
    if (r->limit == 0)
        return LC_OK;
    lc_err e = r->count == r->cap && r->count < r->limit ? grow(r) : LC_OK;
    if (e != LC_OK)
        return e;
    struct lc_held_row *row = &r->rows[r->count == r->limit ? r->first : r->count];
    if (r->count == r->limit) {
        drop(r, row);
        r->first = (r->first + 1) % r->count;
    } else {
        r->count++;
        row->text = lc_slice(NULL, 0);
    }
    if (text.n > r->max_octets - r->octets)
        return LC_ELIMIT;
    uint8_t *copy = malloc(text.n + 1);
    if (copy == NULL)
        return -ENOMEM;
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    *row = (struct lc_held_row){lc_held_time(text), lc_slice(copy, text.n)};
    r->octets += text.n;
    return LC_OK;
}

struct lc_slice lc_held_at(const struct lc_held *r, size_t n)
{
    return r->rows[(r->first + n) % r->count].text;
}

static int compare_times(const void *a, const void *b)
{
    const struct lc_held_row *x = a, *y = b;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void lc_held_sort(struct lc_held *r)
{
    LC_ASSERT(r->first == 0);
    /* glibc's qsort() is a merge sort while memory lasts: what is equal stays in its order */
    if (r->count > 1)
        qsort(r->rows, r->count, sizeof *r->rows, compare_times);
}

/* ---- folding ---- */

/* The text of a column; the server writes all of them as strings. */
static struct lc_slice column_text(const json_t *value)
{
    return lc_slice(json_string_value(value), json_string_length(value));
}

static int compare_levels(struct lc_slice a, struct lc_slice b)
{
    return (int)lc_level_parse(a) - (int)lc_level_parse(b);
}

static int compare_moments(struct lc_slice a, struct lc_slice b)
{
    int64_t x, y;
    size_t used;
    if (lc_rfc3339_parse(a, &x, &used) != LC_OK || lc_rfc3339_parse(b, &y, &used) != LC_OK)
        return lc_slice_cmp(a, b);
    return (x > y) - (x < y);
}

/* As the server orders the values of this column. */
static int compare_column(const char *name, struct lc_slice a, struct lc_slice b)
{
    if (strcmp(name, "level") == 0)
        return compare_levels(a, b);
    return strcmp(name, "_time") == 0 ? compare_moments(a, b) : lc_slice_cmp(a, b);
}

static int compare_keys(const void *pa, const void *pb, void *arg)
{
    json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
    size_t keys = *(const size_t *)arg;
    void *column = json_object_iter(a);
    for (size_t i = 0; i < keys; i++) {
        const char *name = json_object_iter_key(column);
        int order = compare_column(name, column_text(json_object_iter_value(column)),
                                   column_text(json_object_get(b, name)));
        if (order != 0)
            return order;
        column = json_object_iter_next(a, column);
    }
    return 0;
}

/* The column behind the keys. NULL: the row has no such column, or not with a count. */
static json_t *count_of(json_t *row, size_t keys, uint64_t *ret)
{
    void *column = json_object_iter(row);
    for (size_t i = 0; i < keys && column != NULL; i++)
        column = json_object_iter_next(row, column);
    json_t *value = column != NULL ? json_object_iter_value(column) : NULL;
    return value != NULL && lc_slice_u64(column_text(value), ret) == LC_OK ? value : NULL;
}

/* Adds b's count to a's. */
static lc_err add_counts(json_t *a, json_t *b, size_t keys)
{
    uint64_t x, y;
    json_t *sum = count_of(a, keys, &x);
    char text[24];
    if (sum == NULL || count_of(b, keys, &y) == NULL)
        return LC_EPROTO;
    snprintf(text, sizeof text, "%" PRIu64, x + y);
    return json_string_set(sum, text) == 0 ? LC_OK : -ENOMEM;
}

static lc_err parse_rows(const struct lc_held *r, size_t keys, json_t **ret)
{
    for (size_t i = 0; i < r->count; i++) {
        struct lc_slice text = lc_held_at(r, i);
        uint64_t n;
        ret[i] = json_loadb((const char *)text.p, text.n, JSON_ALLOW_NUL, NULL);
        if (!json_is_object(ret[i]) || count_of(ret[i], keys, &n) == NULL)
            return LC_EPROTO;
    }
    return LC_OK;
}

/* Sorted rows: each that is as the one before it goes into that; what is left goes into `folded`.
 */
static lc_err fold_sorted(struct lc_held *folded, size_t keys, json_t **rows, size_t count)
{
    size_t last = 0;
    lc_err e = LC_OK;
    for (size_t i = 1; i < count && e == LC_OK; i++) {
        if (compare_keys(&rows[last], &rows[i], &keys) == 0) {
            e = add_counts(rows[last], rows[i], keys);
            continue;
        }
        last++;
        json_t *swap = rows[last];
        rows[last] = rows[i];
        rows[i] = swap;
    }
    for (size_t i = 0; i <= last && e == LC_OK; i++) {
        char *text = json_dumps(rows[i], JSON_COMPACT | JSON_PRESERVE_ORDER);
        e = text == NULL ? -ENOMEM : lc_held_add(folded, lc_slice_cstr(text));
        free(text);
    }
    return e;
}

lc_err lc_held_fold(struct lc_held *r, size_t keys)
{
    size_t count = r->count;
    if (count == 0)
        return LC_OK;
    json_t **rows = calloc(count, sizeof(json_t *));
    if (rows == NULL)
        return -ENOMEM;
    struct lc_held folded;
    lc_held_init(&folded, r->limit, r->max_octets);
    lc_err e = parse_rows(r, keys, rows);
    if (e == LC_OK) {
        qsort_r(rows, count, sizeof(json_t *), compare_keys, &keys);
        e = fold_sorted(&folded, keys, rows, count);
    }
    lc_held_done(r);
    *r = folded;
    for (size_t i = 0; i < count; i++)
        json_decref(rows[i]);
    free(rows);
    return e;
}
