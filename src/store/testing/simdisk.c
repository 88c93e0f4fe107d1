/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk.c - the calls of the simulated disk.
 */
#include "store/testing/simdisk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/testing/simdisk_parts.h"

struct lc_file {
    struct sim_node *node;
    enum lc_open_how how;
    bool lock;
    char path[SIM_PATH_MAX];
};

#define NAME(name) #name,
static const char *const call_names[] = {LC_SIM_CALLS(NAME)};
static const char *const sync_names[] = {LC_SYNC_POINTS(NAME) LC_REPAIR_SYNC_POINTS(NAME)};
#undef NAME

const char *lc_sim_call_name(enum lc_sim_call call)
{
    return call_names[call];
}

const char *lc_sim_sync_name(enum lc_sync_point point)
{
    return sync_names[point];
}

const char *lc_sim_cut_name(enum lc_sim_cut cut)
{
    static const char *const names[LC_CUT_COUNT] = {"lost", "kept", "random", "kill"};
    return names[cut];
}

/* ---- the way into each call ---- */

static lc_err take_fault(struct lc_simdisk *d, enum lc_sim_call call)
{
    const struct lc_sim_fault *f = &d->fault;
    if (f->times == 0 || f->call != call)
        return LC_OK;
    uint64_t seen = ++d->fault_seen;
    if (seen < f->first || seen - f->first >= f->times)
        return LC_OK;
    d->fault_done++;
    return f->error;
}

/* LC_OK: the call goes on. */
static lc_err enter(struct lc_simdisk *d, enum lc_sim_call call, bool changes, const char *path)
{
    if (!d->dead && changes && d->hook != NULL)
        d->hook(d->hook_arg, ++d->change_calls);
    if (d->dead)
        return -EIO;
    d->calls[call]++;
    lc_err e = take_fault(d, call);
    if (e != LC_OK)
        sim_log(d, "%s %s: made to fail, %s", call_names[call], path, lc_strerror(e));
    return e;
}

static struct sim_node *node_at(const struct lc_simdisk *d, const char *path)
{
    const struct sim_name *name = sim_names_find(&d->live, path);
    return name == NULL ? NULL : d->nodes[name->node];
}

static bool is_dir(const struct lc_simdisk *d, const char *path)
{
    const struct sim_node *node = node_at(d, path);
    return strcmp(path, "/") == 0 || (node != NULL && node->dir);
}

static bool in_dir(const struct lc_simdisk *d, const char *path)
{
    char parent[SIM_PATH_MAX];
    sim_parent(path, parent);
    return is_dir(d, parent);
}

static struct sim_node *add_live(struct lc_simdisk *d, const char *path, bool dir)
{
    LC_ASSERT(strlen(path) < SIM_PATH_MAX);
    struct sim_name_change c = {.kind = SIM_CREATED, .node = sim_node_add(d, dir)};
    memcpy(c.path, path, strlen(path));
    sim_names_apply(&d->live, &c);
    sim_name_record(d, &c);
    d->nodes[c.node]->names = 1;
    return d->nodes[c.node];
}

/* ---- the table ---- */

static lc_err sim_mkdir(void *state, const char *path)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_MKDIR, true, path);
    if (e != LC_OK)
        return e;
    sim_log(d, "mkdir %s", path);
    if (is_dir(d, path))
        return LC_OK;
    if (!in_dir(d, path))
        return -ENOENT;
    if (node_at(d, path) != NULL)
        return -ENOTDIR;
    add_live(d, path, true);
    return LC_OK;
}

static struct lc_file *new_handle(struct sim_node *node, enum lc_open_how how, const char *path)
{
    struct lc_file *f = calloc(1, sizeof *f);
    LC_ASSERT(f != NULL);
    f->node = node;
    f->how = how;
    snprintf(f->path, sizeof f->path, "%s", path);
    node->opens++;
    return f;
}

static lc_err sim_open(void *state, const char *path, enum lc_open_how how, struct lc_file **ret)
{
    static const char *const hows[] = {"read", "create", "write"};
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_OPEN, how == LC_OPEN_CREATE, path);
    if (e != LC_OK)
        return e;
    sim_log(d, "open %s for %s", path, hows[how]);
    struct sim_node *node = node_at(d, path);
    if (node != NULL && node->dir)
        return -EISDIR;
    if (how == LC_OPEN_CREATE) {
        if (node != NULL)
            return -EEXIST;
        if (!in_dir(d, path))
            return -ENOENT;
        node = add_live(d, path, false);
    }
    if (node == NULL)
        return -ENOENT;
    *ret = new_handle(node, how, path);
    return LC_OK;
}

static void sim_close(void *state, struct lc_file *f)
{
    struct lc_simdisk *d = state;
    LC_ASSERT(f->node->opens > 0);
    f->node->opens--;
    if (f->lock)
        d->locked = false;
    free(f);
}

static int64_t sim_read(void *state, struct lc_file *f, void *p, size_t n, uint64_t offset)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_READ, false, f->path);
    if (e != LC_OK)
        return e;
    size_t size = f->node->live.n;
    if (offset >= size)
        return 0;
    size_t got = n < size - offset ? n : size - offset;
    if (got != 0)
        memcpy(p, f->node->live.p + offset, got);
    return (int64_t)got;
}

uint64_t lc_simdisk_used(const struct lc_simdisk *d)
{
    uint64_t used = 0;
    for (size_t i = 0; i < d->node_count; i++)
        if (d->nodes[i]->names + d->nodes[i]->opens > 0)
            used += d->nodes[i]->live.n;
    return used;
}

static void change_contents(struct sim_node *node, const struct sim_change *c)
{
    sim_change_apply(&node->live, c);
    sim_node_record(node, c);
}

/* How many of `n` octets at `offset` the disk has room for. */
static size_t room_for(const struct lc_simdisk *d, const struct sim_node *node, uint64_t offset,
                       size_t n)
{
    uint64_t used = lc_simdisk_used(d);
    uint64_t end = node->live.n + (used < d->capacity ? d->capacity - used : 0);
    if (offset + n <= end)
        return n;
    return offset < end ? end - offset : 0;
}

static lc_err sim_write(void *state, struct lc_file *f, const struct lc_slice *parts, size_t count,
                        uint64_t offset)
{
    struct lc_simdisk *d = state;
    LC_ASSERT(f->how != LC_OPEN_READ);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += parts[i].n;
    lc_err e = enter(d, LC_SIM_WRITE, true, f->path);
    if (d->dead)
        return e;
    size_t room = room_for(d, f->node, offset, n);
    if (e == LC_OK && room < n)
        e = -ENOSPC;
    if (e != LC_OK)
        room = room == 0 ? 0 : lc_prng_below(&d->prng, room + 1);
    sim_log(d, "write %s: %zu of %zu octets at %llu", f->path, room, n, (unsigned long long)offset);
    for (size_t i = 0; i < count && room != 0; i++) {
        size_t take = parts[i].n < room ? parts[i].n : room;
        struct sim_change c = {.offset = offset, .n = take, .p = (uint8_t *)parts[i].p};
        change_contents(f->node, &c);
        offset += take;
        room -= take;
    }
    return e;
}

/* failed: what did not reach the disk is forgotten: the cache calls it clean. */
static void make_durable(struct lc_simdisk *d, struct sim_node *node, bool failed)
{
    if (failed) {
        struct lc_dynbuf reached;
        lc_dynbuf_init(&reached, node->durable.max);
        sim_cut_contents(&reached, node, &d->prng);
        lc_dynbuf_done(&node->durable);
        node->durable = reached;
    }
    for (size_t i = 0; i < node->change_count; i++) {
        if (!failed)
            sim_change_apply(&node->durable, &node->changes[i]);
        free(node->changes[i].p);
    }
    node->change_count = 0;
}

static lc_err sim_sync(void *state, struct lc_file *f, enum lc_sync_point point)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_SYNC, true, f->path);
    if (d->dead)
        return e;
    sim_log(d, "sync %s: %s%s", f->path, sync_names[point], d->ignored[point] ? ", ignored" : "");
    if (!d->ignored[point])
        make_durable(d, f->node, e != LC_OK);
    return e;
}

static void sim_forget(void *state, struct lc_file *f)
{
    (void)state;
    sim_bytes_copy(&f->node->live, &f->node->durable);
    for (size_t i = 0; i < f->node->change_count; i++)
        sim_change_apply(&f->node->live, &f->node->changes[i]);
}

static bool change_is_in(const struct sim_name_change *c, const char *dir)
{
    char parent[SIM_PATH_MAX];
    sim_parent(c->kind == SIM_RENAMED ? c->to : c->path, parent);
    return strcmp(parent, dir) == 0;
}

static lc_err sim_sync_dir(void *state, const char *path, enum lc_sync_point point)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_SYNC_DIR, true, path);
    if (e != LC_OK)
        return e;
    sim_log(d, "sync directory %s: %s%s", path, sync_names[point],
            d->ignored[point] ? ", ignored" : "");
    if (!is_dir(d, path))
        return -ENOENT;
    if (d->ignored[point])
        return LC_OK;
    size_t kept = 0;
    for (size_t i = 0; i < d->name_change_count; i++) {
        if (change_is_in(&d->name_changes[i], path))
            sim_names_apply(&d->durable, &d->name_changes[i]);
        else
            d->name_changes[kept++] = d->name_changes[i];
    }
    d->name_change_count = kept;
    return LC_OK;
}

static int64_t sim_size(void *state, struct lc_file *f)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_SIZE, false, f->path);
    return e != LC_OK ? e : (int64_t)f->node->live.n;
}

static lc_err sim_truncate(void *state, struct lc_file *f, uint64_t size)
{
    struct lc_simdisk *d = state;
    LC_ASSERT(f->how != LC_OPEN_READ);
    lc_err e = enter(d, LC_SIM_TRUNCATE, true, f->path);
    if (e != LC_OK)
        return e;
    sim_log(d, "truncate %s to %llu", f->path, (unsigned long long)size);
    struct sim_change c = {.truncate = true, .offset = size};
    change_contents(f->node, &c);
    return LC_OK;
}

static lc_err sim_rename(void *state, const char *from, const char *to)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_RENAME, true, from);
    if (e != LC_OK)
        return e;
    sim_log(d, "rename %s to %s", from, to);
    LC_ASSERT(strlen(from) < SIM_PATH_MAX && strlen(to) < SIM_PATH_MAX);
    struct sim_name_change c = {.kind = SIM_RENAMED};
    memcpy(c.path, from, strlen(from));
    memcpy(c.to, to, strlen(to));
    char here[SIM_PATH_MAX];
    sim_parent(from, here);
    /* the store renames within one directory only; elsewhere it would need two syncs */
    LC_ASSERT(change_is_in(&c, here));
    if (node_at(d, from) == NULL || !in_dir(d, to))
        return -ENOENT;
    if (is_dir(d, from) || is_dir(d, to))
        return -EISDIR;
    struct sim_node *replaced = node_at(d, to);
    if (replaced != NULL)
        replaced->names--;
    sim_names_apply(&d->live, &c);
    sim_name_record(d, &c);
    return LC_OK;
}

static lc_err sim_unlink(void *state, const char *path)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_UNLINK, true, path);
    if (e != LC_OK)
        return e;
    sim_log(d, "unlink %s", path);
    struct sim_node *node = node_at(d, path);
    if (node == NULL)
        return -ENOENT;
    if (node->dir)
        return -EISDIR;
    node->names--;
    struct sim_name_change c = {.kind = SIM_REMOVED};
    memcpy(c.path, path, strlen(path));
    sim_names_apply(&d->live, &c);
    sim_name_record(d, &c);
    return LC_OK;
}

static lc_err sim_list(void *state, const char *path, void (*name)(void *arg, const char *name),
                       void *arg)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_LIST, false, path);
    if (e != LC_OK)
        return e;
    if (!is_dir(d, path))
        return -ENOENT;
    /* from the end: the caller may remove what it is told, which moves the last name forward */
    for (size_t i = d->live.n; i-- > 0;) {
        char parent[SIM_PATH_MAX];
        sim_parent(d->live.v[i].path, parent);
        char entry[SIM_PATH_MAX];
        snprintf(entry, sizeof entry, "%s", strrchr(d->live.v[i].path, '/') + 1);
        if (strcmp(parent, path) == 0)
            name(arg, entry);
    }
    return LC_OK;
}

static lc_err sim_lock(void *state, const char *path, struct lc_file **ret)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_LOCK, true, path);
    if (e != LC_OK)
        return e;
    sim_log(d, "lock %s", path);
    if (!in_dir(d, path))
        return -ENOENT;
    if (d->locked)
        return LC_EINUSE;
    struct sim_node *node = node_at(d, path);
    if (node == NULL)
        node = add_live(d, path, false);
    *ret = new_handle(node, LC_OPEN_WRITE, path);
    (*ret)->lock = d->locked = true;
    return LC_OK;
}

static lc_err sim_space(void *state, const char *path, uint64_t *ret_total, uint64_t *ret_free)
{
    struct lc_simdisk *d = state;
    lc_err e = enter(d, LC_SIM_SPACE, false, path);
    if (e != LC_OK)
        return e;
    uint64_t used = lc_simdisk_used(d);
    *ret_total = d->capacity;
    *ret_free = used < d->capacity ? d->capacity - used : 0;
    return LC_OK;
}

/* ---- making, breaking and looking at it ---- */

struct lc_simdisk *sim_disk_empty(uint64_t capacity, uint64_t seed)
{
    struct lc_simdisk *d = calloc(1, sizeof *d);
    LC_ASSERT(d != NULL);
    d->capacity = capacity;
    d->prng.state = seed;
    d->table = (struct lc_disk){
        .mkdir = sim_mkdir,
        .open = sim_open,
        .close = sim_close,
        .read = sim_read,
        .write = sim_write,
        .sync = sim_sync,
        .forget = sim_forget,
        .sync_dir = sim_sync_dir,
        .size = sim_size,
        .truncate = sim_truncate,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .list = sim_list,
        .lock = sim_lock,
        .space = sim_space,
        .state = d,
    };
    return d;
}

struct lc_simdisk *lc_simdisk_new(uint64_t capacity, uint64_t seed)
{
    struct lc_simdisk *d = sim_disk_empty(capacity, seed);
    size_t root = sim_node_add(d, true);
    d->nodes[root]->names = 1;
    sim_names_add(&d->live, LC_SIM_ROOT, root);
    sim_names_add(&d->durable, LC_SIM_ROOT, root);
    return d;
}

void lc_simdisk_free(struct lc_simdisk *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->node_count; i++) {
        struct sim_node *node = d->nodes[i];
        for (size_t k = 0; k < node->change_count; k++)
            free(node->changes[k].p);
        free(node->changes);
        lc_dynbuf_done(&node->live);
        lc_dynbuf_done(&node->durable);
        free(node);
    }
    free(d->nodes);
    free(d->live.v);
    free(d->durable.v);
    free(d->name_changes);
    free(d);
}

const struct lc_disk *lc_simdisk_table(struct lc_simdisk *d)
{
    return &d->table;
}

void lc_simdisk_set_capacity(struct lc_simdisk *d, uint64_t capacity)
{
    d->capacity = capacity;
}

void lc_simdisk_die(struct lc_simdisk *d)
{
    d->dead = true;
}

void lc_simdisk_hook(struct lc_simdisk *d, void (*before)(void *arg, uint64_t change), void *arg)
{
    d->hook = before;
    d->hook_arg = arg;
}

void lc_simdisk_ignore_sync(struct lc_simdisk *d, enum lc_sync_point point)
{
    d->ignored[point] = true;
}

void lc_simdisk_fail(struct lc_simdisk *d, const struct lc_sim_fault *fault)
{
    d->fault = *fault;
    d->fault_seen = d->fault_done = 0;
}

uint64_t lc_simdisk_failed(const struct lc_simdisk *d)
{
    return d->fault_done;
}

uint64_t lc_simdisk_calls(const struct lc_simdisk *d, enum lc_sim_call call)
{
    return d->calls[call];
}

void lc_simdisk_print_calls(const struct lc_simdisk *d)
{
    uint64_t first = d->log_count > SIM_LOG_MAX ? d->log_count - SIM_LOG_MAX : 0;
    for (uint64_t i = first; i < d->log_count; i++)
        fprintf(stderr, "    call %llu: %s\n", (unsigned long long)i + 1, d->log[i % SIM_LOG_MAX]);
}
