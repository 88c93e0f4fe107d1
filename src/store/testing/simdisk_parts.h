/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/simdisk_parts.h - what the simulated disk is made of; for simdisk*.c only.
 *
 * WHAT    A node is a file's contents: as the process sees them, as they are surely on the disk,
 *         and the changes between the two. Names stand beside nodes in the same three ways.
 */
#ifndef LC_STORE_TESTING_SIMDISK_PARTS_H
#define LC_STORE_TESTING_SIMDISK_PARTS_H

#include "base/buf.h"
#include "store/testing/prng.h"
#include "store/testing/simdisk.h"

#define SIM_PATH_MAX 256
#define SIM_SECTOR   512 /* what a drive writes as a whole */
#define SIM_LOG_MAX  48
#define SIM_LOG_TEXT 160

/* A write of `n` octets at `offset`, or (truncate) a new size in `offset`. */
struct sim_change {
    bool truncate;
    uint64_t offset;
    size_t n;
    uint8_t *p; /* malloc'ed */
};

struct sim_node {
    bool dir;
    unsigned names; /* live ones */
    unsigned opens;
    struct lc_dynbuf live;
    struct lc_dynbuf durable;
    struct sim_change *changes; /* since the last sync, in order */
    size_t change_count, change_cap;
};

struct sim_name {
    char path[SIM_PATH_MAX];
    size_t node; /* index in nodes */
};

struct sim_names {
    struct sim_name *v;
    size_t n, cap;
};

enum sim_name_change_kind { SIM_CREATED, SIM_REMOVED, SIM_RENAMED };
struct sim_name_change {
    enum sim_name_change_kind kind;
    char path[SIM_PATH_MAX];
    char to[SIM_PATH_MAX]; /* renamed */
    size_t node;           /* created */
};

struct lc_simdisk {
    struct lc_disk table;
    uint64_t capacity;
    struct lc_prng prng;
    struct sim_node **nodes; /* never freed before the disk: a cut may need them */
    size_t node_count, node_cap;
    struct sim_names live, durable;
    struct sim_name_change *name_changes; /* not synced, in order */
    size_t name_change_count, name_change_cap;
    bool dead;
    bool locked;
    bool ignored[LC_SYNC_COUNT];
    void (*hook)(void *arg, uint64_t change);
    void *hook_arg;
    uint64_t change_calls;
    uint64_t calls[LC_SIM_CALL_COUNT];
    struct lc_sim_fault fault;
    uint64_t fault_seen, fault_done; /* calls of the fault's kind since it was set; failed ones */
    char log[SIM_LOG_MAX][SIM_LOG_TEXT];
    uint64_t log_count;
};

LC_PRINTF(2, 3) void sim_log(struct lc_simdisk *d, const char *fmt, ...);

/* Room for one more element in an array that grows by doubling. */
void *sim_grow(void *v, size_t n, size_t *cap, size_t element);

void sim_bytes_write(struct lc_dynbuf *b, uint64_t offset, struct lc_slice s);
/* Cuts, or fills with zeros. */
void sim_bytes_resize(struct lc_dynbuf *b, uint64_t size);
void sim_bytes_copy(struct lc_dynbuf *to, const struct lc_dynbuf *from);
void sim_change_apply(struct lc_dynbuf *b, const struct sim_change *c);

struct lc_simdisk *sim_disk_empty(uint64_t capacity, uint64_t seed);
size_t sim_node_add(struct lc_simdisk *d, bool dir);
void sim_node_record(struct sim_node *node, const struct sim_change *c);

/* What of a file's unsynced changes reaches the disk, if chance decides. */
void sim_cut_contents(struct lc_dynbuf *out, const struct sim_node *node, struct lc_prng *r);

struct sim_name *sim_names_find(const struct sim_names *names, const char *path);
void sim_names_add(struct sim_names *names, const char *path, size_t node);
void sim_names_remove(struct sim_names *names, const char *path);
/* The name must be there; what had the name `to` loses it. */
void sim_names_rename(struct sim_names *names, const char *path, const char *to);
void sim_names_apply(struct sim_names *names, const struct sim_name_change *c);
void sim_name_record(struct lc_simdisk *d, const struct sim_name_change *c);
/* The directory that holds a path: "/a/b" gives "/a", "/a" gives "/". */
void sim_parent(const char *path, char ret[SIM_PATH_MAX]);

#endif
