/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/language.c - texts in the language that LANG, LC_MESSAGES or LANGUAGE name, by gettext(3).
 *
 * The catalogues lie beside the program: where it was built, or where it is installed, whatever the
 * prefix is.
 */
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"

#define DOMAIN "logcaster"

static const char *translate(const char *text)
{
    const char *ours = dgettext(DOMAIN, text);
    /* what the system says about errors is in the catalogue of the C library */
    return ours != text ? ours : dgettext("libc", text);
}

/* `<directory of the program>/<below>`. False: it does not exist. */
static bool find_catalogues(const char *program, const char *below, char out[PATH_MAX])
{
    const char *slash = strrchr(program, '/');
    int n = slash == NULL ? 0 : (int)(slash - program);
    int length = snprintf(out, PATH_MAX, "%.*s/%s", n, program, below);
    return length < PATH_MAX && access(out, X_OK) == 0;
}

/* A small machine has not made the locale that its user names: then only its language counts. */
static void set_locale(void)
{
    if (setlocale(LC_ALL, "") != NULL || setlocale(LC_ALL, "C.UTF-8") == NULL)
        return;
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < LC_ARRAY_LEN(names); i++) {
        const char *name = getenv(names[i]);
        if (name != NULL && name[0] != '\0') {
            const char *language = getenv("LANGUAGE");
            setenv("LANGUAGE", name, language == NULL || language[0] == '\0');
            return;
        }
    }
}

static bool has_catalogue;

void lc_language_here(void)
{
    if (has_catalogue)
        lc_text_translator(translate);
}

void lc_language_init(void)
{
    char program[PATH_MAX], path[PATH_MAX];
    set_locale();
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0)
        return;
    program[n] = '\0';
    if (!find_catalogues(program, "po", path) && !find_catalogues(program, "../share/locale", path))
        return;
    bindtextdomain(DOMAIN, path);
    bind_textdomain_codeset(DOMAIN, "UTF-8");
    has_catalogue = true;
    lc_language_here();
}
