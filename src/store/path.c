/* SPDX-License-Identifier: Apache-2.0
 *
 * store/path.c - names of files, and files read whole.
 */
#include "store/path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

lc_err lc_path(char ret[LC_PATH_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(ret, LC_PATH_MAX, fmt, ap);
    va_end(ap);
    return n >= 0 && n < LC_PATH_MAX ? LC_OK : LC_ELIMIT;
}

static lc_err read_open_file(const struct lc_disk *disk, struct lc_file *f, struct lc_slice *ret)
{
    int64_t size = disk->size(disk->state, f);
    if (size < 0)
        return (lc_err)size;
    uint8_t *p = malloc((size_t)size + 1); /* never of no size, which may give NULL */
    if (p == NULL)
        return -ENOMEM;
    int64_t got = disk->read(disk->state, f, p, (size_t)size, 0);
    if (got < 0) {
        free(p);
        return (lc_err)got;
    }
    *ret = lc_slice(p, (size_t)got);
    return LC_OK;
}

lc_err lc_file_read(const struct lc_disk *disk, const char *dir, const char *name,
                    struct lc_slice *ret)
{
    char path[LC_PATH_MAX];
    lc_err e = lc_path(path, "%s/%s", dir, name);
    if (e != LC_OK)
        return e;
    struct lc_file *f;
    e = disk->open(disk->state, path, LC_OPEN_READ, &f);
    if (e != LC_OK)
        return e;
    e = read_open_file(disk, f, ret);
    disk->close(disk->state, f);
    return e;
}
