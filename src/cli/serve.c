/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/serve.c - logcaster serve: the server's options, and its run.
 */
#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cli/load.h"
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

static void take_config(const struct serve_options *o, struct lc_server_config *ret)
{
    *ret = o->server;
    ret->log_fd = STDERR_FILENO;
    ret->log_colour = lc_term_colours(stderr, (enum lc_colour)o->colour);
}

/* ---- reading the options again ---- */

struct reading {
    struct serve_options options;
    struct lc_settings settings;
};

static void release(void *owner)
{
    struct reading *r = owner;

    lc_settings_done(&r->settings);
    free(r);
}

/* arg: how they were read at the start. */
static lc_err reread(void *arg, struct lc_server_config *ret, void **ret_owner,
                     struct lc_diag *diag)
{
    const struct lc_load *load = arg;
    struct reading *r = calloc(1, sizeof *r);
    char **operands = calloc((size_t)load->argc, sizeof *operands);
    lc_err e = -ENOMEM;
    int count;

    lc_diag_set(diag, "no memory");
    if (r != NULL && operands != NULL)
        e = lc_load(load, &r->settings, &r->options, operands, &count, diag);
    free(operands);
    if (e == LC_OK) {
        take_config(&r->options, ret);
        *ret_owner = r;
    } else if (r != NULL) {
        release(r);
    }
    return e;
}

static int run(const void *target, int count, char **operands)
{
    const struct serve_options *o = target;
    struct lc_server_config c;
    struct lc_diag diag = {0};
    char **names = NULL;

    if (count > 0) {
        lc_diag_set(&diag, "serve takes no operands: %s", operands[0]);
        return lc_command_fail(&diag);
    }
    take_config(o, &c);
    c.ready = print_ready;
    c.reread = reread;
    c.release = release;
    c.reread_arg = (void *)o->common.load;
    if (sd_listen_fds_with_names(1, &names) > 0)
        c.fd_names = names;

    int code = lc_server_run(&c, &diag) == LC_OK ? 0 : lc_command_fail(&diag);

    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
    return code;
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
