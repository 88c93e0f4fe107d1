/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk_parts.c - contents, names and their unsynced changes.
 */
#include "store/testing/simdisk_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SIM_FILE_MAX ((size_t)1 << 30)

void *sim_grow(void *v, size_t n, size_t *cap, size_t element)
{
    if (n < *cap)
        return v;
    *cap = *cap == 0 ? 8 : *cap * 2;
    v = realloc(v, *cap * element);
    LC_ASSERT(v != NULL);
    return v;
}

void sim_bytes_resize(struct lc_dynbuf *b, uint64_t size)
{
    if (size > b->n) {
        LC_ASSERT(lc_dynbuf_reserve(b, size - b->n) == LC_OK);
        memset(b->p + b->n, 0, size - b->n);
    }
    b->n = size;
}

void sim_bytes_write(struct lc_dynbuf *b, uint64_t offset, struct lc_slice s)
{
    if (s.n == 0)
        return;
    if (offset + s.n > b->n)
        sim_bytes_resize(b, offset + s.n);
    memcpy(b->p + offset, s.p, s.n);
}

void sim_bytes_copy(struct lc_dynbuf *to, const struct lc_dynbuf *from)
{
    to->n = 0;
    LC_ASSERT(lc_dynbuf_append(to, lc_dynbuf_slice(from)) == LC_OK);
}

void sim_change_apply(struct lc_dynbuf *b, const struct sim_change *c)
{
    if (c->truncate)
        sim_bytes_resize(b, c->offset);
    else
        sim_bytes_write(b, c->offset, lc_slice(c->p, c->n));
}

void sim_node_record(struct sim_node *node, const struct sim_change *c)
{
    node->changes =
        sim_grow(node->changes, node->change_count, &node->change_cap, sizeof *node->changes);
    struct sim_change *copy = &node->changes[node->change_count++];
    *copy = *c;
    copy->p = malloc(c->n + 1);
    LC_ASSERT(copy->p != NULL);
    if (c->n != 0)
        memcpy(copy->p, c->p, c->n);
}

size_t sim_node_add(struct lc_simdisk *d, bool dir)
{
    struct sim_node *node = calloc(1, sizeof *node);
    LC_ASSERT(node != NULL);
    node->dir = dir;
    lc_dynbuf_init(&node->live, SIM_FILE_MAX);
    lc_dynbuf_init(&node->durable, SIM_FILE_MAX);
    d->nodes = sim_grow(d->nodes, d->node_count, &d->node_cap, sizeof(struct sim_node *));
    d->nodes[d->node_count] = node;
    return d->node_count++;
}

struct sim_name *sim_names_find(const struct sim_names *names, const char *path)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i].path, path) == 0)
            return &names->v[i];
    return NULL;
}

void sim_names_add(struct sim_names *names, const char *path, size_t node)
{
    names->v = sim_grow(names->v, names->n, &names->cap, sizeof *names->v);
    struct sim_name *name = &names->v[names->n++];
    snprintf(name->path, sizeof name->path, "%s", path);
    name->node = node;
}

void sim_names_remove(struct sim_names *names, const char *path)
{
    struct sim_name *name = sim_names_find(names, path);
    if (name != NULL)
        *name = names->v[--names->n];
}

void sim_names_rename(struct sim_names *names, const char *path, const char *to)
{
    sim_names_remove(names, to);
    struct sim_name *name = sim_names_find(names, path);
    LC_ASSERT(name != NULL);
    snprintf(name->path, sizeof name->path, "%s", to);
}

void sim_names_apply(struct sim_names *names, const struct sim_name_change *c)
{
    switch (c->kind) {
    case SIM_CREATED:
        sim_names_add(names, c->path, c->node);
        break;
    case SIM_REMOVED:
        sim_names_remove(names, c->path);
        break;
    case SIM_RENAMED:
        sim_names_rename(names, c->path, c->to);
        break;
    }
}

void sim_name_record(struct lc_simdisk *d, const struct sim_name_change *c)
{
    d->name_changes = sim_grow(d->name_changes, d->name_change_count, &d->name_change_cap,
                               sizeof *d->name_changes);
    d->name_changes[d->name_change_count++] = *c;
}

void sim_parent(const char *path, char ret[SIM_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    LC_ASSERT(slash != NULL);
    int n = slash == path ? 1 : (int)(slash - path);
    snprintf(ret, SIM_PATH_MAX, "%.*s", n, path);
}

void sim_log(struct lc_simdisk *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->log[d->log_count++ % SIM_LOG_MAX], SIM_LOG_TEXT, fmt, ap);
    va_end(ap);
}
