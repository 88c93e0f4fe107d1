/* SPDX-License-Identifier: Apache-2.0
 *
 * base/text.c - the translator of a thread.
 */
#include "base/text.h"

#include <stddef.h>

static _Thread_local const char *(*translator)(const char *text);

void lc_text_translator(const char *(*translate)(const char *text))
{
    translator = translate;
}

const char *lc_text(const char *text)
{
    /* gettext("") is the catalogue's header */
    return translator == NULL || text[0] == '\0' ? text : translator(text);
}
