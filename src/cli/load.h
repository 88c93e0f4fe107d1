/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/load.h - a command's options from all places: defaults, file, environment, command line; the
 * later ones win.
 *
 * WHO     main.c for every command; serve once more when it reloads; check-config.
 */
#ifndef LC_CLI_LOAD_H
#define LC_CLI_LOAD_H

#include "cli/command.h"

struct lc_load {
    const struct lc_command *command;
    int argc; /* argv[0] is the command's name */
    char **argv;
    const char *file; /* instead of --config; NULL: as the options say */
};

/* Fills `target`, a zeroed struct of the command, which borrows from `s` and argv. `operands` has
 * room for argc. s->file is the file that was read, or NULL. After a failure too lc_settings_done()
 * is to be called.
 *
 * What systemd gives to a unit counts for a command that serves: $CONFIGURATION_DIRECTORY/
 * logcaster.yaml is read where it is there and no other is named, and $STATE_DIRECTORY is the
 * default of --data. */
LC_MUST_CHECK lc_err lc_load(const struct lc_load *load, struct lc_settings *s, void *target,
                             char **operands, int *ret_count, struct lc_diag *diag);

#endif
