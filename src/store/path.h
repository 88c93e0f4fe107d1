/* SPDX-License-Identifier: Apache-2.0
 *
 * store/path.h - names of files, and files read whole.
 *
 * WHO  store/ only.
 */
#ifndef LC_STORE_PATH_H
#define LC_STORE_PATH_H

#include "store/disk.h"

#define LC_PATH_MAX 4096 /* octets, with the NUL */

/* LC_ELIMIT: the path is too long. */
LC_PRINTF(2, 3) LC_MUST_CHECK lc_err lc_path(char ret[LC_PATH_MAX], const char *fmt, ...);

/* All of dir/name, which the caller frees: (void *)ret->p. -ENOENT, -ENOMEM, -errno. */
LC_MUST_CHECK lc_err lc_file_read(const struct lc_disk *disk, const char *dir, const char *name,
                                  struct lc_slice *ret);

#endif
