/* SPDX-License-Identifier: Apache-2.0
 *
 * store/path.c - names of files.
 */
#include "store/path.h"

#include <stdarg.h>
#include <stdio.h>

lc_err lc_path(char ret[LC_PATH_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(ret, LC_PATH_MAX, fmt, ap);
    va_end(ap);
    return n >= 0 && n < LC_PATH_MAX ? LC_OK : LC_ELIMIT;
}
