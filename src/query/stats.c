/* SPDX-License-Identifier: Apache-2.0
 *
 * query/stats.c - a hash table from the values of a group, as one run of octets, to its count.
 *
 * A key holds for each field: a time as 8 octets that compare as the time does, a level as its
 * code, anything else as its length (u32 of the machine) and its octets.
 */
#include "query/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/hash.h"

#define KEY_MAX    (4u << 20)
#define KEYS_TOTAL (64u << 20)
#define SLOT_FREE  UINT32_MAX

struct group {
    uint64_t hash;
    uint64_t count;
    struct lc_slice key;
};

struct lc_stats {
    const struct lc_stats_plan *plan;
    unsigned columns;
    struct lc_arena keys;
    struct lc_dynbuf key; /* of the row at hand */
    struct group *groups;
    size_t count, cap, max;
    size_t last;     /* rows of one group often follow each other */
    uint32_t *slots; /* group numbers by hash, open addressing */
    size_t slot_count;
};

lc_err lc_stats_new(const struct lc_stats_plan *plan, size_t max_groups, struct lc_stats **ret)
{
    LC_ASSERT(max_groups < SLOT_FREE / 4);
    struct lc_stats *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->plan = plan;
    s->max = max_groups;
    lc_arena_init(&s->keys, KEYS_TOTAL);
    lc_dynbuf_init(&s->key, KEY_MAX);
    for (size_t i = 0; i < plan->key_count; i++)
        s->columns |= lc_field_columns(plan->keys[i].field.kind);
    *ret = s;
    return LC_OK;
}

void lc_stats_free(struct lc_stats *s)
{
    if (s == NULL)
        return;
    lc_arena_done(&s->keys);
    lc_dynbuf_done(&s->key);
    free(s->groups);
    free(s->slots);
    free(s);
}

unsigned lc_stats_columns(const struct lc_stats *s)
{
    return s->columns;
}

/* ---- keys ---- */

static int64_t step_start(int64_t time_ns, int64_t step_ns)
{
    if (step_ns == 0)
        return time_ns;
    int64_t into = time_ns % step_ns;
    if (into < 0)
        into += step_ns;
    int64_t start;
    return __builtin_sub_overflow(time_ns, into, &start) ? INT64_MIN : start;
}

static lc_err add_time(struct lc_dynbuf *key, int64_t time_ns)
{
    uint8_t octets[8];
    struct lc_writer w = lc_writer(octets, sizeof octets);
    lc_write_u64_be(&w, (uint64_t)time_ns ^ UINT64_C(1) << 63);
    return lc_dynbuf_append(key, lc_writer_done(&w));
}

static lc_err add_part(struct lc_stats *s, const struct lc_stats_key *k, const struct lc_row *row)
{
    if (k->field.kind == LC_QFIELD_TIME)
        return add_time(&s->key, step_start(lc_row_time(row), k->step_ns));
    if (k->field.kind == LC_QFIELD_LEVEL) {
        uint8_t level = (uint8_t)lc_row_level(row);
        return lc_dynbuf_append(&s->key, lc_slice(&level, 1));
    }
    char scratch[LC_ROW_SCRATCH_MAX];
    struct lc_slice value = lc_row_value(row, &k->field, scratch);
    if (value.n > KEY_MAX)
        return LC_ELIMIT;
    uint32_t n = (uint32_t)value.n;
    lc_err e = lc_dynbuf_append(&s->key, lc_slice(&n, sizeof n));
    return e == LC_OK ? lc_dynbuf_append(&s->key, value) : e;
}

/* The part of a key at its front, which is dropped from it. */
static struct lc_slice take_part(const struct lc_stats_key *k, struct lc_slice *key)
{
    size_t skip = 0;
    size_t n = k->field.kind == LC_QFIELD_LEVEL ? 1 : 8;
    if (k->field.kind != LC_QFIELD_TIME && k->field.kind != LC_QFIELD_LEVEL) {
        uint32_t stored;
        memcpy(&stored, key->p, sizeof stored);
        skip = sizeof stored;
        n = stored;
    }
    struct lc_slice part = lc_slice(key->p + skip, n);
    *key = lc_slice_from(*key, skip + n);
    return part;
}

static int compare_groups(const void *pa, const void *pb, void *arg)
{
    const struct lc_stats_plan *plan = arg;
    struct lc_slice a = ((const struct group *)pa)->key;
    struct lc_slice b = ((const struct group *)pb)->key;
    for (size_t i = 0; i < plan->key_count; i++) {
        int order = lc_slice_cmp(take_part(&plan->keys[i], &a), take_part(&plan->keys[i], &b));
        if (order != 0)
            return order;
    }
    return 0;
}

/* ---- the table ---- */

static lc_err rehash(struct lc_stats *s, size_t slot_count)
{
    uint32_t *slots = malloc(slot_count * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0xFF, slot_count * sizeof *slots);
    for (size_t i = 0; i < s->count; i++) {
        size_t at = s->groups[i].hash & (slot_count - 1);
        while (slots[at] != SLOT_FREE)
            at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)i;
    }
    free(s->slots);
    s->slots = slots;
    s->slot_count = slot_count;
    return LC_OK;
}

static lc_err make_room(struct lc_stats *s)
{
    if (s->count < s->cap)
        return LC_OK;
    size_t cap = s->cap == 0 ? 64 : s->cap * 2;
    struct group *groups = realloc(s->groups, cap * sizeof *groups);
    if (groups == NULL)
        return -ENOMEM;
    s->groups = groups;
    s->cap = cap;
    return rehash(s, cap * 2);
}

static lc_err add_group(struct lc_stats *s, uint64_t hash, struct lc_slice key, size_t *ret)
{
    if (s->count == s->max)
        return LC_ELIMIT;
    lc_err e = make_room(s);
    if (e != LC_OK)
        return e;
    struct lc_slice kept = lc_arena_copy(&s->keys, key);
    if (kept.p == NULL)
        return LC_ELIMIT;
    size_t at = hash & (s->slot_count - 1);
    while (s->slots[at] != SLOT_FREE)
        at = (at + 1) & (s->slot_count - 1);
    s->slots[at] = (uint32_t)s->count;
    s->groups[s->count] = (struct group){.hash = hash, .key = kept};
    *ret = s->count++;
    return LC_OK;
}

static bool find_group(const struct lc_stats *s, uint64_t hash, struct lc_slice key, size_t *ret)
{
    if (s->slot_count == 0)
        return false;
    for (size_t at = hash & (s->slot_count - 1); s->slots[at] != SLOT_FREE;
         at = (at + 1) & (s->slot_count - 1)) {
        const struct group *g = &s->groups[s->slots[at]];
        if (g->hash == hash && lc_slice_eq(g->key, key)) {
            *ret = s->slots[at];
            return true;
        }
    }
    return false;
}

lc_err lc_stats_add(struct lc_stats *s, const struct lc_row *row)
{
    s->key.n = 0;
    lc_err e = LC_OK;
    for (size_t i = 0; i < s->plan->key_count && e == LC_OK; i++)
        e = add_part(s, &s->plan->keys[i], row);
    if (e != LC_OK)
        return e;
    struct lc_slice key = lc_dynbuf_slice(&s->key);
    if (s->count == 0 || !lc_slice_eq(s->groups[s->last].key, key)) {
        uint64_t hash = lc_hash64(key, 0);
        if (!find_group(s, hash, key, &s->last))
            e = add_group(s, hash, key, &s->last);
    }
    if (e == LC_OK)
        s->groups[s->last].count++;
    return e;
}

/* ---- out ---- */

static lc_err emit_columns(const struct lc_stats *s, const struct lc_query_sink *sink)
{
    struct lc_slice names[LC_QUERY_KEYS_MAX + 1];
    for (size_t i = 0; i < s->plan->key_count; i++)
        names[i] = s->plan->keys[i].field.name;
    names[s->plan->key_count] = s->plan->name;
    return sink->columns == NULL ? LC_OK : sink->columns(sink->arg, names, s->plan->key_count + 1);
}

static struct lc_slice part_text(const struct lc_stats_key *k, struct lc_slice part,
                                 char text[LC_RFC3339_MAX])
{
    if (k->field.kind == LC_QFIELD_LEVEL)
        return lc_level_name((enum lc_level)part.p[0]);
    if (k->field.kind != LC_QFIELD_TIME)
        return part;
    struct lc_reader r = lc_reader(part);
    int64_t time_ns = (int64_t)(lc_read_u64_be(&r) ^ UINT64_C(1) << 63);
    return lc_slice(text, lc_rfc3339_format(time_ns, text));
}

static lc_err emit_group(const struct lc_stats *s, const struct group *g,
                         const struct lc_query_sink *sink)
{
    struct lc_slice values[LC_QUERY_KEYS_MAX + 1];
    char times[LC_QUERY_KEYS_MAX][LC_RFC3339_MAX];
    char count[24];
    struct lc_slice key = g->key;
    size_t n = s->plan->key_count;
    for (size_t i = 0; i < n; i++)
        values[i] = part_text(&s->plan->keys[i], take_part(&s->plan->keys[i], &key), times[i]);
    int digits = snprintf(count, sizeof count, "%llu", (unsigned long long)g->count);
    values[n] = lc_slice(count, (size_t)digits);
    return sink->table_row(sink->arg, values, n + 1);
}

lc_err lc_stats_emit(struct lc_stats *s, uint64_t limit, const struct lc_query_sink *sink,
                     uint64_t *ret_rows)
{
    static const struct group none = {0};
    lc_err e = emit_columns(s, sink);
    if (s->count > 1)
        qsort_r(s->groups, s->count, sizeof *s->groups, compare_groups, (void *)s->plan);
    /* without fields there is one group, also when no row came */
    size_t count = s->plan->key_count == 0 ? 1 : s->count;
    *ret_rows = 0;
    for (size_t i = 0; i < count && *ret_rows < limit && e == LC_OK; i++) {
        e = emit_group(s, s->count == 0 ? &none : &s->groups[i], sink);
        *ret_rows += e == LC_OK;
    }
    return e;
}
