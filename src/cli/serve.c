/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/serve.c - logcaster serve: the server's options, and its run.
 */
#include <unistd.h>

#include "cli/command.h"
#include "cli/term.h"
#include "service/options.h"

struct serve_options {
    struct lc_common_options common;
    struct lc_server_config server;
    int colour;
};

static const struct lc_option option_rows[] = {
    LC_OPTION_ROW_COLOUR(struct serve_options, colour),
};

static const struct lc_option_group option_group = {
    .title = "Terminal", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {
    LC_SERVER_PARTS(offsetof(struct serve_options, server)),
    {&option_group, 1, 0},
    LC_COMMON_PART,
};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

static void print_ready(void *arg, const char *text)
{
    LC_UNUSED(arg);
    fputs(text, stdout);
    fflush(stdout);
}

static int run(const void *target, int count, char **operands)
{
    const struct serve_options *o = target;
    struct lc_server_config c = o->server;
    struct lc_diag diag = {0};

    if (count > 0) {
        lc_diag_set(&diag, "serve takes no operands: %s", operands[0]);
        return lc_command_fail(&diag);
    }
    c.log_fd = STDERR_FILENO;
    c.log_colour = lc_term_colours(stderr, (enum lc_colour)o->colour);
    c.ready = print_ready;
    return lc_server_run(&c, &diag) == LC_OK ? 0 : lc_command_fail(&diag);
}

const struct lc_command lc_command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "run the server",
    .text = "Takes log records on port 9999 (TCP, UDP) and on sockets in the data\n"
            "directory, and answers queries on port 9998 of this host. SIGTERM or SIGINT\n"
            "stops it in order.",
    .examples = "  logcaster serve\n"
                "  logcaster serve --data /var/lib/logcaster --retain-size 20G\n"
                "  logcaster serve --logs :514 --query 127.0.0.1:9998\n",
    .options = &options,
    .target_size = sizeof(struct serve_options),
    .serves = true,
    .run = run,
};
