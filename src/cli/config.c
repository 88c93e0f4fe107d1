/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/config.c - logcaster check-config, config-default, config-schema: what a configuration file
 * may hold, and whether one is right.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/load.h"
#include "conf/print.h"

#define OUT_MAX (8u << 20)

/* Commands with a file of their own. */
static const struct lc_command *const with_file[] = {&lc_command_serve, &lc_command_send,
                                                     &lc_command_query, &lc_command_tail};
static const char *const words[] = {"serve", "send", "query", "tail", NULL};
_Static_assert(LC_ARRAY_LEN(with_file) + 1 == LC_ARRAY_LEN(words), "a word for each command");

struct config_options {
    struct lc_common_options common;
    int command;
    bool print;
};

#define COMMAND_ROW                                                                                \
    {                                                                                              \
        .name = "command", .kind = LC_OPTION_CHOICE, .flags = LC_OPTION_NO_FILE,                   \
        .value = "COMMAND", .fallback = "serve", .choices = words,                                 \
        LC_MEMBER(struct config_options, command), .help = "whose file it is"                      \
    }

static const struct lc_option check_rows[] = {
    {.name = "print",
     .letter = 'p',
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE,
     LC_MEMBER(struct config_options, print),
     .help = "print every option, its value and where that comes from; secrets are hidden"},
    COMMAND_ROW,
};

static const struct lc_option other_rows[] = {COMMAND_ROW};

static const struct lc_option_group check_group = {
    .title = "Options", .rows = check_rows, .count = LC_ARRAY_LEN(check_rows)};
static const struct lc_option_group other_group = {
    .title = "Options", .rows = other_rows, .count = LC_ARRAY_LEN(other_rows)};

static const struct lc_option_part check_parts[] = {{&check_group, 1, 0}, LC_COMMON_PART};
static const struct lc_option_part other_parts[] = {{&other_group, 1, 0}, LC_COMMON_PART};

static const struct lc_option_set check_set = {check_parts, LC_ARRAY_LEN(check_parts)};
static const struct lc_option_set other_set = {other_parts, LC_ARRAY_LEN(other_parts)};

/* Prints `out`, or says why there is nothing to print. */
static int finish(lc_err e, const struct lc_dynbuf *out)
{
    struct lc_diag diag;

    if (e == LC_OK && (fwrite(out->p, 1, out->n, stdout) != out->n || fflush(stdout) != 0))
        e = -errno;
    if (e == LC_OK)
        return 0;
    lc_diag_set(&diag, "%s", lc_strerror(e));
    return lc_command_fail(&diag);
}

static int report(const struct config_options *o, const struct lc_settings *s)
{
    struct lc_dynbuf out;
    lc_err e;
    int code;

    lc_dynbuf_init(&out, OUT_MAX);
    if (o->print)
        e = lc_dynbuf_printf(&out, "# %s\n", s->file != NULL ? s->file : "no file");
    else if (s->file != NULL)
        e = lc_dynbuf_printf(&out, "%s: good\n", s->file);
    else
        e = lc_dynbuf_printf(&out, "no file; the environment is good\n");
    if (e == LC_OK && o->print)
        e = lc_settings_print(s, &out);
    code = finish(e, &out);
    lc_dynbuf_done(&out);
    return code;
}

static int check(const void *target, int count, char **operands)
{
    const struct config_options *o = target;
    const struct lc_command *c = with_file[o->command];
    char *argv[] = {(char *)c->name, NULL}, *none[1];
    const struct lc_load load = {
        .command = c, .argc = 1, .argv = argv, .file = count > 0 ? operands[0] : o->common.config};
    struct lc_settings s;
    struct lc_diag diag = {{0}, 0, 0};
    int code, unused;

    if (count > 1) {
        lc_diag_set(&diag, "one file at a time: %s", operands[1]);
        return lc_command_fail(&diag);
    }

    void *values = calloc(1, c->target_size);

    if (values == NULL) {
        lc_diag_set(&diag, "no memory");
        return lc_command_fail(&diag);
    }
    code = lc_load(&load, &s, values, none, &unused, &diag) == LC_OK ? report(o, &s)
                                                                     : lc_command_fail(&diag);
    lc_settings_done(&s);
    free(values);
    return code;
}

static int print_default(const void *target, int count, char **operands)
{
    const struct config_options *o = target;
    struct lc_dynbuf out;
    int code;

    LC_UNUSED(count);
    LC_UNUSED(operands);
    lc_dynbuf_init(&out, OUT_MAX);
    code = finish(lc_options_default_file(with_file[o->command]->options, &out), &out);
    lc_dynbuf_done(&out);
    return code;
}

static int print_schema(const void *target, int count, char **operands)
{
    const struct config_options *o = target;
    struct lc_dynbuf out;
    char title[80];
    int code;

    LC_UNUSED(count);
    LC_UNUSED(operands);
    lc_dynbuf_init(&out, OUT_MAX);
    snprintf(title, sizeof title, "Configuration of logcaster %s", words[o->command]);
    code = finish(lc_options_schema(with_file[o->command]->options, title, &out), &out);
    lc_dynbuf_done(&out);
    return code;
}

const struct lc_command lc_command_check_config = {
    .name = "check-config",
    .operands = "[FILE]",
    .summary = "check a configuration file",
    .text = "Reads the file as the server would, and the environment. Without FILE it is the one\n"
            "that the server would find.\n"
            "Exit code: 0 it is good, 2 it is not; standard error says where and why.",
    .examples = "  logcaster check-config /etc/logcaster/logcaster.yaml\n"
                "  logcaster check-config --print logcaster.yaml\n",
    .options = &check_set,
    .target_size = sizeof(struct config_options),
    .run = check,
};

const struct lc_command lc_command_config_default = {
    .name = "config-default",
    .operands = "",
    .summary = "print a configuration file with every option explained",
    .text = "Prints a file in which every option stands as a comment, with its help and default.",
    .examples = "  logcaster config-default > logcaster.yaml\n",
    .options = &other_set,
    .target_size = sizeof(struct config_options),
    .run = print_default,
};

const struct lc_command lc_command_config_schema = {
    .name = "config-schema",
    .operands = "",
    .summary = "print the JSON Schema of the configuration file",
    .text = "Prints a JSON Schema (draft 2020-12), by which editors complete and check the file.",
    .examples = "  logcaster config-schema > logcaster.schema.json\n",
    .options = &other_set,
    .target_size = sizeof(struct config_options),
    .run = print_schema,
};
