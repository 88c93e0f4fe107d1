/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/load.c - options from all places.
 */
#include "cli/load.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/file.h"

#define FILE_NAME "logcaster.yaml"

/* A directory of systemd's; it may give several, separated by colons: the first. */
static bool unit_directory(const char *variable, struct lc_slice *ret)
{
    const char *text = getenv(variable);

    if (text == NULL || text[0] == '\0')
        return false;
    *ret = lc_slice(text, strcspn(text, ":"));
    return ret->n > 0;
}

static const char *text_of(struct lc_settings *s, struct lc_slice directory, const char *rest)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "%.*s%s", (int)directory.n, directory.p, rest);

    if (n >= (int)sizeof text)
        return NULL;
    return (const char *)lc_arena_copy(&s->texts, lc_slice(text, (size_t)n + 1)).p;
}

static const char *unit_file(struct lc_settings *s)
{
    struct lc_slice directory;
    const char *path;

    if (!unit_directory("CONFIGURATION_DIRECTORY", &directory))
        return NULL;
    path = text_of(s, directory, "/" FILE_NAME);
    return path != NULL && access(path, F_OK) == 0 ? path : NULL;
}

static lc_err use_state_directory(struct lc_settings *s, struct lc_diag *diag)
{
    struct lc_option_ref o;
    struct lc_slice directory;

    if (!lc_option_find(s->set, LC_LIT("data"), &o) ||
        s->origins[o.index].from != LC_FROM_DEFAULT ||
        !unit_directory("STATE_DIRECTORY", &directory))
        return LC_OK;

    const char *path = text_of(s, directory, "");

    if (path == NULL) {
        lc_diag_set(diag, "STATE_DIRECTORY: too long");
        return -ENAMETOOLONG;
    }
    return lc_settings_put(s, &o, (struct lc_option_origin){LC_FROM_ENV, 0}, path, diag);
}

static lc_err read_args(const struct lc_load *load, struct lc_settings *s, char **operands,
                        int *ret_count, struct lc_diag *diag)
{
    lc_err e = lc_settings_env(s, diag);

    return e == LC_OK ? lc_settings_args(s, load->argc, load->argv, operands, ret_count, diag) : e;
}

lc_err lc_load(const struct lc_load *load, struct lc_settings *s, void *target, char **operands,
               int *ret_count, struct lc_diag *diag)
{
    const struct lc_command *c = load->command;
    const struct lc_common_options *common = target;
    const char *file;
    lc_err e;

    lc_settings_init(s, c->options, target);
    e = read_args(load, s, operands, ret_count, diag);
    file = load->file != NULL ? load->file : common->config;
    if (e == LC_OK && file == NULL && c->serves)
        file = unit_file(s);
    if (e == LC_OK && file != NULL) {
        /* Once more, now that we know which file comes first. Its name may be a text of s. */
        memset(target, 0, c->target_size);
        lc_settings_defaults(s);
        s->file = file;
        e = lc_settings_file(s, file, diag);
        if (e == LC_OK)
            e = read_args(load, s, operands, ret_count, diag);
    }
    return e == LC_OK && c->serves ? use_state_directory(s, diag) : e;
}
