/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.h - the subcommands: one row each, one file each.
 *
 * WHAT    A new subcommand is a row in main.c's table and a file with its run().
 */
#ifndef LC_CLI_COMMAND_H
#define LC_CLI_COMMAND_H

#include "conf/options.h"

/* As grep's. */
enum lc_exit { LC_EXIT_FOUND = 0, LC_EXIT_NOTHING = 1, LC_EXIT_ERROR = 2 };

struct lc_command {
    const char *name;
    const char *operands; /* for the usage line */
    const char *summary;  /* one line */
    const char *text;     /* what the help says above the options */
    const char *examples;
    const struct lc_option *options;
    size_t option_count;
    size_t target_size; /* of the struct that the options fill */
    /* argv[1..operands] are the operands. Returns an exit code. */
    int (*run)(const void *target, int operands, char **argv);
};

extern const struct lc_command lc_command_serve;
extern const struct lc_command lc_command_send;
extern const struct lc_command lc_command_query;
extern const struct lc_command lc_command_tail;

/* `logcaster: <diag>` on stderr; returns LC_EXIT_ERROR. */
int lc_command_fail(const struct lc_diag *diag);

#define LC_DEFAULT_LOGS_PORT  9999
#define LC_DEFAULT_QUERY_PORT 9998

#endif
