/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err.c - texts of errors, the end of a failed assertion.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *lc_strerror(lc_err e)
{
    switch (e) {
    case LC_OK:
        return "success";
#define LC_ERR_CASE(name, code, text)                                                              \
    case LC_##name:                                                                                \
        return text;
        LC_ERRORS(LC_ERR_CASE)
#undef LC_ERR_CASE
    default:
        break;
    }
    const char *text = e < 0 && e > -4096 ? strerrordesc_np(-e) : NULL;
    return text != NULL ? text : "unknown error";
}

void lc_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "logcaster: bug: assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}

void lc_diag_set(struct lc_diag *diag, const char *fmt, ...)
{
    if (diag == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(diag->text, sizeof diag->text, fmt, ap);
    va_end(ap);
    if (n < (int)sizeof diag->text)
        return;
    size_t end = sizeof diag->text - 1;
    while (end > 0 && ((unsigned char)diag->text[end] & 0xC0) == 0x80)
        end--;
    if (((unsigned char)diag->text[end] & 0x80) != 0)
        diag->text[end] = '\0';
}
