/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk_cut.c - what is found on the disk after the power was cut.
 *
 * Contents: while the changes since the last sync are replayed into a picture of the page cache,
 * each sector of a change may reach the disk just then. So a sector on the disk is always one that
 * the cache held at some time, and different sectors may be of different times: that is dropping,
 * tearing and reordering in one. The size is a matter of its own, as file systems keep it apart
 * from the data: a file can have grown over octets that never arrived; these are zeros or garbage.
 *
 * Names: each change may be lost for itself, but a later one of the same name only survives
 * together with the earlier ones. A name whose directory is not there is not there either.
 */
#include "store/testing/simdisk_parts.h"

#include <stdio.h>
#include <stdlib.h>

static void fill(struct lc_dynbuf *out, uint64_t size, bool garbage, struct lc_prng *r)
{
    size_t from = out->n;
    if (size <= from)
        return;
    sim_bytes_resize(out, size);
    for (size_t i = from; garbage && i < size; i++)
        out->p[i] = (uint8_t)lc_prng_next(r);
}

/* The sectors of one change reach the disk; with `torn` only some of them. */
static void sectors_arrive(struct lc_dynbuf *out, const struct lc_dynbuf *cache,
                           const struct sim_change *c, bool torn, bool garbage, struct lc_prng *r)
{
    uint64_t end = c->offset + c->n;
    for (uint64_t at = c->offset - c->offset % SIM_SECTOR; at < end; at += SIM_SECTOR) {
        if (torn && lc_prng_coin(r))
            continue;
        uint64_t stop = at + SIM_SECTOR < cache->n ? at + SIM_SECTOR : cache->n;
        if (at >= stop)
            continue; /* a later truncate in the cache cannot be: it is replayed in order */
        fill(out, at, garbage, r);
        sim_bytes_write(out, at, lc_slice(cache->p + at, stop - at));
    }
}

void sim_cut_contents(struct lc_dynbuf *out, const struct sim_node *node, struct lc_prng *r)
{
    struct lc_dynbuf cache;
    lc_dynbuf_init(&cache, node->live.max);
    sim_bytes_copy(&cache, &node->durable);
    sim_bytes_copy(out, &node->durable);
    bool garbage = lc_prng_below(r, 4) == 0;
    for (size_t i = 0; i < node->change_count; i++) {
        const struct sim_change *c = &node->changes[i];
        sim_change_apply(&cache, c);
        uint64_t fate = lc_prng_below(r, 3); /* lost, whole, torn */
        if (fate == 0)
            continue;
        if (c->truncate)
            sim_bytes_resize(out, c->offset);
        else
            sectors_arrive(out, &cache, c, fate == 2, garbage, r);
    }
    if (lc_prng_coin(r))
        fill(out, cache.n, garbage, r);
    lc_dynbuf_done(&cache);
}

static bool same_name(const struct sim_name_change *a, const struct sim_name_change *b)
{
    const char *a_to = a->kind == SIM_RENAMED ? a->to : a->path;
    const char *b_to = b->kind == SIM_RENAMED ? b->to : b->path;
    return strcmp(a->path, b->path) == 0 || strcmp(a->path, b_to) == 0 ||
           strcmp(a_to, b->path) == 0 || strcmp(a_to, b_to) == 0;
}

static void cut_names(struct sim_names *out, const struct lc_simdisk *d, struct lc_prng *r)
{
    bool *lost = calloc(d->name_change_count + 1, sizeof *lost);
    LC_ASSERT(lost != NULL);
    for (size_t i = 0; i < d->name_change_count; i++) {
        const struct sim_name_change *c = &d->name_changes[i];
        lost[i] = lc_prng_coin(r);
        for (size_t j = 0; j < i && !lost[i]; j++)
            lost[i] = lost[j] && same_name(&d->name_changes[j], c);
        if (!lost[i])
            sim_names_apply(out, c);
    }
    free(lost);
}

static bool reachable(const struct sim_names *names, const char *path)
{
    char parent[SIM_PATH_MAX];
    sim_parent(path, parent);
    while (strcmp(parent, "/") != 0) {
        if (sim_names_find(names, parent) == NULL)
            return false;
        char next[SIM_PATH_MAX];
        sim_parent(parent, next);
        memcpy(parent, next, sizeof parent);
    }
    return true;
}

static void names_copy(struct sim_names *to, const struct sim_names *from)
{
    for (size_t i = 0; i < from->n; i++)
        sim_names_add(to, from->v[i].path, from->v[i].node);
}

/* All as it is, the unsynced changes too. */
static void copy_whole(struct lc_simdisk *to, const struct lc_simdisk *from)
{
    for (size_t i = 0; i < from->node_count; i++) {
        const struct sim_node *a = from->nodes[i];
        size_t node = sim_node_add(to, a->dir);
        struct sim_node *b = to->nodes[node];
        b->names = a->names;
        sim_bytes_copy(&b->live, &a->live);
        sim_bytes_copy(&b->durable, &a->durable);
        for (size_t k = 0; k < a->change_count; k++)
            sim_node_record(b, &a->changes[k]);
    }
    names_copy(&to->live, &from->live);
    names_copy(&to->durable, &from->durable);
    for (size_t i = 0; i < from->name_change_count; i++)
        sim_name_record(to, &from->name_changes[i]);
}

struct lc_simdisk *lc_simdisk_cut(const struct lc_simdisk *d, enum lc_sim_cut cut, uint64_t seed)
{
    struct lc_simdisk *out = sim_disk_empty(d->capacity, seed);
    memcpy(out->ignored, d->ignored, sizeof out->ignored);
    memcpy(out->log, d->log, sizeof out->log);
    out->log_count = d->log_count;
    sim_log(out, "---- cut: %s, seed %llu ----", lc_sim_cut_name(cut), (unsigned long long)seed);
    if (cut == LC_CUT_KILL) {
        copy_whole(out, d);
        return out;
    }
    struct lc_prng r = {seed};
    struct sim_names names = {0};
    names_copy(&names, cut == LC_CUT_KEPT ? &d->live : &d->durable);
    if (cut == LC_CUT_RANDOM)
        cut_names(&names, d, &r);
    for (size_t i = 0; i < names.n; i++) {
        if (!reachable(&names, names.v[i].path))
            continue;
        const struct sim_node *a = d->nodes[names.v[i].node];
        size_t node = sim_node_add(out, a->dir);
        struct sim_node *b = out->nodes[node];
        b->names = 1;
        if (cut == LC_CUT_RANDOM)
            sim_cut_contents(&b->live, a, &r);
        else
            sim_bytes_copy(&b->live, cut == LC_CUT_KEPT ? &a->live : &a->durable);
        sim_bytes_copy(&b->durable, &b->live);
        sim_names_add(&out->live, names.v[i].path, node);
        sim_names_add(&out->durable, names.v[i].path, node);
    }
    free(names.v);
    return out;
}
