/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err.c - texts of errors, the end of a failed assertion.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grapheme.h"
#include "base/text.h"
#include "base/utf8.h"

const char *lc_strerror(lc_err e)
{
    switch (e) {
    case LC_OK:
        return lc_text("success");
#define LC_ERR_CASE(name, code, text)                                                              \
    case LC_##name:                                                                                \
        return lc_text(text);
        LC_ERRORS(LC_ERR_CASE)
#undef LC_ERR_CASE
    default:
        break;
    }
    const char *text = e < 0 && e > -4096 ? strerrordesc_np(-e) : NULL;
    return lc_text(text != NULL ? text : "unknown error");
}

void lc_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "logcaster: bug: assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}

/* Of "%s" the argument is the text. */
static void fill(char *out, size_t cap, const char *fmt, va_list ap)
{
    if (strcmp(fmt, "%s") == 0)
        snprintf(out, cap, "%s", lc_text(va_arg(ap, const char *)));
    else
        vsnprintf(out, cap, lc_text(fmt), ap);
}

void lc_diag_set(struct lc_diag *diag, const char *fmt, ...)
{
    if (diag == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    /* one character more than fits shows whether the cut is inside what belongs together; and the
     * arguments may be the text itself ("line 3: %s") */
    char whole[sizeof diag->text + LC_UTF8_MAX];
    fill(whole, sizeof whole, fmt, ap);
    va_end(ap);
    size_t n = lc_grapheme_cut(lc_slice_cstr(whole), sizeof diag->text - 1);
    memcpy(diag->text, whole, n);
    diag->text[n] = '\0';
}
