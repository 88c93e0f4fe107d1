/* SPDX-License-Identifier: Apache-2.0
 *
 * store/disk_system.c - the real disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/disk.h"

/* What people log is nobody else's business. */
#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

struct lc_file {
    int fd;
};

static lc_err file_open(const char *path, int flags, struct lc_file **ret)
{
    struct lc_file *f = malloc(sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    f->fd = open(path, flags | O_CLOEXEC, FILE_MODE);
    if (f->fd < 0) {
        lc_err e = -errno;
        free(f);
        return e;
    }
    *ret = f;
    return LC_OK;
}

static lc_err sys_open(void *state, const char *path, enum lc_open_how how, struct lc_file **ret)
{
    static const int flags[] = {
        [LC_OPEN_READ] = O_RDONLY,
        [LC_OPEN_CREATE] = O_RDWR | O_CREAT | O_EXCL,
        [LC_OPEN_WRITE] = O_RDWR,
    };
    LC_UNUSED(state);
    return file_open(path, flags[how], ret);
}

static void sys_close(void *state, struct lc_file *f)
{
    LC_UNUSED(state);
    close(f->fd);
    free(f);
}

static lc_err sys_mkdir(void *state, const char *path)
{
    LC_UNUSED(state);
    return mkdir(path, DIRECTORY_MODE) == 0 || errno == EEXIST ? LC_OK : -errno;
}

static int64_t sys_read(void *state, struct lc_file *f, void *p, size_t n, uint64_t offset)
{
    LC_UNUSED(state);
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(f->fd, (uint8_t *)p + got, n - got, (off_t)(offset + got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        if (k == 0)
            break;
        got += (size_t)k;
    }
    return (int64_t)got;
}

/* Takes `done` octets off the front of the parts; returns how many parts are whole behind it. */
static size_t drop_written(struct iovec *iov, size_t count, size_t done)
{
    size_t whole = 0;
    while (whole < count && done >= iov[whole].iov_len)
        done -= iov[whole++].iov_len;
    if (whole < count) {
        iov[whole].iov_base = (uint8_t *)iov[whole].iov_base + done;
        iov[whole].iov_len -= done;
    }
    return whole;
}

static lc_err write_all(int fd, struct iovec *iov, size_t count, off_t offset)
{
    while (count > 0) {
        ssize_t k = pwritev(fd, iov, (int)count, offset);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        size_t whole = drop_written(iov, count, (size_t)k);
        /* A disk that takes nothing and says nothing would keep us here for ever. */
        if (k == 0 && whole == 0)
            return -EIO;
        offset += k;
        iov += whole;
        count -= whole;
    }
    return LC_OK;
}

static lc_err sys_write(void *state, struct lc_file *f, const struct lc_slice *parts, size_t count,
                        uint64_t offset)
{
    LC_UNUSED(state);
    struct iovec iov[64];
    while (count > 0) {
        size_t n = count < LC_ARRAY_LEN(iov) ? count : LC_ARRAY_LEN(iov);
        size_t octets = 0;
        for (size_t i = 0; i < n; i++) {
            iov[i] = (struct iovec){(void *)(uintptr_t)parts[i].p, parts[i].n};
            octets += parts[i].n;
        }
        lc_err e = write_all(f->fd, iov, n, (off_t)offset);
        if (e != LC_OK)
            return e;
        offset += octets;
        parts += n;
        count -= n;
    }
    return LC_OK;
}

static lc_err sys_sync(void *state, struct lc_file *f, enum lc_sync_point point)
{
    LC_UNUSED(state);
    LC_UNUSED(point);
    return fdatasync(f->fd) == 0 ? LC_OK : -errno;
}

static void sys_forget(void *state, struct lc_file *f)
{
    LC_UNUSED(state);
    /* no error of it could be acted on */
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static lc_err sys_sync_dir(void *state, const char *path, enum lc_sync_point point)
{
    LC_UNUSED(state);
    LC_UNUSED(point);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    lc_err e = fsync(fd) == 0 ? LC_OK : -errno;
    close(fd);
    return e;
}

static int64_t sys_size(void *state, struct lc_file *f)
{
    LC_UNUSED(state);
    struct stat st;
    return fstat(f->fd, &st) == 0 ? (int64_t)st.st_size : -errno;
}

static lc_err sys_truncate(void *state, struct lc_file *f, uint64_t size)
{
    LC_UNUSED(state);
    return ftruncate(f->fd, (off_t)size) == 0 ? LC_OK : -errno;
}

static lc_err sys_rename(void *state, const char *from, const char *to)
{
    LC_UNUSED(state);
    return rename(from, to) == 0 ? LC_OK : -errno;
}

static lc_err sys_unlink(void *state, const char *path)
{
    LC_UNUSED(state);
    return unlink(path) == 0 ? LC_OK : -errno;
}

static lc_err sys_list(void *state, const char *path, void (*name)(void *arg, const char *name),
                       void *arg)
{
    LC_UNUSED(state);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -errno;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            name(arg, entry->d_name);
    lc_err e = -errno;
    closedir(dir);
    return e;
}

static lc_err sys_lock(void *state, const char *path, struct lc_file **ret)
{
    LC_UNUSED(state);
    struct lc_file *f = NULL;
    lc_err e = file_open(path, O_RDWR | O_CREAT, &f);
    if (f == NULL)
        return e;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0) {
        e = errno == EWOULDBLOCK ? LC_EINUSE : -errno;
        sys_close(state, f);
        return e;
    }
    *ret = f;
    return LC_OK;
}

static lc_err sys_space(void *state, const char *path, uint64_t *ret_total, uint64_t *ret_free)
{
    LC_UNUSED(state);
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return -errno;
    *ret_total = (uint64_t)st.f_blocks * st.f_frsize;
    *ret_free = (uint64_t)st.f_bavail * st.f_frsize;
    return LC_OK;
}

const struct lc_disk lc_disk_system = {
    .mkdir = sys_mkdir,
    .open = sys_open,
    .close = sys_close,
    .read = sys_read,
    .write = sys_write,
    .sync = sys_sync,
    .forget = sys_forget,
    .sync_dir = sys_sync_dir,
    .size = sys_size,
    .truncate = sys_truncate,
    .rename = sys_rename,
    .unlink = sys_unlink,
    .list = sys_list,
    .lock = sys_lock,
    .space = sys_space,
};
