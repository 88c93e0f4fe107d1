/* SPDX-License-Identifier: Apache-2.0
 *
 * store/disk.h - the table through which all file I/O of the store goes.
 *
 * WHAT    The few calls that a log store needs, so that a test can put a simulated disk under it
 *         that loses, tears and reorders what was not synced, and fails any call.
 * WHO     store/ only, and its tests. lc_disk_system is the real one.
 * THREAD  Any; a file is used by one thread at a time, but for reads.
 */
#ifndef LC_STORE_DISK_H
#define LC_STORE_DISK_H

#include "base/slice.h"

struct lc_file; /* the disk's own */

/* Each place that syncs has its name, so that a test can take out just that one and must then
 * see a failure. */
#define LC_SYNC_POINTS(X)                                                                          \
    X(WAL_CREATE_DIR)  /* the name of a new WAL file */                                            \
    X(WAL_COMMIT)      /* a group of records */                                                    \
    X(WAL_RECOVER)     /* a WAL file found at opening: a process may have died between writing and \
                          syncing, and what has been seen must stay */                             \
    X(WAL_RECOVER_DIR) /* the names of such files */                                               \
    X(SEGMENT_FILE)    /* a segment's contents */                                                  \
    X(SEGMENT_DIR)     /* a sealed segment's name */                                               \
    X(MERGED_DIR)      /* the names of merged segments */                                          \
    X(MANIFEST_EDIT)   /* an appended edit */                                                      \
    X(MANIFEST_FILE)   /* a rewritten manifest's contents */                                       \
    X(MANIFEST_DIR)    /* its rename over the old one */                                           \
    X(STORE_DIR)       /* the name of a new store's directory */

/* Likewise of a repair: check_test.c takes these out. */
#define LC_REPAIR_SYNC_POINTS(X)                                                                   \
    X(LOST_FILE) /* a copy of a damaged file */                                                    \
    X(LOST_DIR)  /* its name, and that of lost+found */

#define LC_SYNC_ENUM(name) LC_SYNC_##name,
enum lc_sync_point {
    LC_SYNC_POINTS(LC_SYNC_ENUM) LC_REPAIR_SYNC_POINTS(LC_SYNC_ENUM) LC_SYNC_COUNT
};
#undef LC_SYNC_ENUM

enum lc_open_how {
    LC_OPEN_READ,
    LC_OPEN_CREATE, /* new, for writing; -EEXIST */
    LC_OPEN_WRITE,  /* existing, for writing */
};

struct lc_disk {
    lc_err (*mkdir)(void *state, const char *path); /* LC_OK also when it exists */
    lc_err (*open)(void *state, const char *path, enum lc_open_how how, struct lc_file **ret);
    void (*close)(void *state, struct lc_file *f);
    /* Octets read, fewer only at the end of the file; or -errno. */
    int64_t (*read)(void *state, struct lc_file *f, void *p, size_t n, uint64_t offset);
    /* All of the parts, or -errno with an unknown part of them written. */
    lc_err (*write)(void *state, struct lc_file *f, const struct lc_slice *parts, size_t count,
                    uint64_t offset);
    lc_err (*sync)(void *state, struct lc_file *f, enum lc_sync_point point);
    /* What is read from now on comes from the drive, as far as the system can do that. For a synced
     * file: after a sync that failed, the cache may hold what the drive never got, and call it
     * clean, so that a later sync, also of another process, succeeds without it. */
    void (*forget)(void *state, struct lc_file *f);
    lc_err (*sync_dir)(void *state, const char *path, enum lc_sync_point point);
    int64_t (*size)(void *state, struct lc_file *f);
    lc_err (*truncate)(void *state, struct lc_file *f, uint64_t size);
    lc_err (*rename)(void *state, const char *from, const char *to);
    lc_err (*unlink)(void *state, const char *path);
    /* Calls `name` for each entry of a directory but . and .. */
    lc_err (*list)(void *state, const char *path, void (*name)(void *arg, const char *name),
                   void *arg);
    /* Exclusive for this process until closed. LC_EINUSE: another one has it. */
    lc_err (*lock)(void *state, const char *path, struct lc_file **ret);
    /* Octets of the file system: all, and free for us. */
    lc_err (*space)(void *state, const char *path, uint64_t *ret_total, uint64_t *ret_free);
    void *state;
};

extern const struct lc_disk lc_disk_system;

#endif
