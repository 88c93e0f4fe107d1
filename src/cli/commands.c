/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/commands.c - the table of subcommands, and what all of them share.
 */
#include "cli/command.h"

const struct lc_command *const lc_commands[] = {
    &lc_command_serve, &lc_command_send, &lc_command_query, &lc_command_tail, NULL,
};

static const struct lc_option common_rows[] = {
    {.name = "help",
     .letter = 'h',
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_ONLY_ARGS,
     LC_MEMBER(struct lc_common_options, help),
     .help = "show this and exit"},
};

const struct lc_option_group lc_common_group = {
    .title = "General", .rows = common_rows, .count = LC_ARRAY_LEN(common_rows)};

int lc_command_fail(const struct lc_diag *diag)
{
    fprintf(stderr, "logcaster: %s\n", diag->text);
    return LC_EXIT_ERROR;
}
