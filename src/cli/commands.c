/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/commands.c - the table of subcommands, and what all of them share.
 */
#include "cli/command.h"

const struct lc_command *const lc_commands[] = {
    &lc_command_serve,         &lc_command_send,
    &lc_command_query,         &lc_command_tail,
    &lc_command_sockets,       &lc_command_fsck,
    &lc_command_check_config,  &lc_command_config_default,
    &lc_command_config_schema, NULL,
};

static const struct lc_option common_rows[] = {
    {.name = "config",
     .kind = LC_OPTION_TEXT,
     .flags = LC_OPTION_NO_FILE,
     .value = "FILE",
     LC_MEMBER(struct lc_common_options, config),
     .help = "a YAML file of options (docs/configuration.md); LOGCASTER_... of the environment and "
             "the command line win over it"},
    {.name = "help",
     .letter = 'h',
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE | LC_OPTION_NO_ENV,
     LC_MEMBER(struct lc_common_options, help),
     .help = "show this and exit"},
};

const struct lc_option_group lc_common_group = {
    .title = "General", .rows = common_rows, .count = LC_ARRAY_LEN(common_rows)};

const struct lc_command *lc_command_find(const char *name)
{
    for (size_t i = 0; lc_commands[i] != NULL; i++) {
        if (strcmp(lc_commands[i]->name, name) == 0)
            return lc_commands[i];
    }
    return NULL;
}

int lc_command_fail(const struct lc_diag *diag)
{
    fprintf(stderr, "logcaster: %s\n", diag->text);
    return LC_EXIT_ERROR;
}
