/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/main.c - finding the command, help and version.
 */
#include <stdlib.h>

#include "base/text.h"
#include "cli/load.h"
#include "conf/near.h"

static int print_overview(FILE *out)
{
    fputs(lc_text("Takes logs over sockets, keeps them safe on disk, finds them again.\n\n"
                  "Usage: logcaster COMMAND [OPTION...] [OPERAND...]\n\nCommands:\n"),
          out);
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        fprintf(out, "  %-15s %s\n", lc_commands[i]->name, lc_text(lc_commands[i]->summary));
    fputs(lc_text("  help            explain a command: logcaster help query\n"
                  "  version         print the version\n\n"
                  "Start with:\n"
                  "  logcaster serve                         a server; data: ./logcaster-data\n"
                  "  echo 'disk is full' | logcaster send    store a line\n"
                  "  logcaster query disk                    find it\n"
                  "  logcaster tail                          see lines as they come\n"),
          out);
    return LC_EXIT_FOUND;
}

static int print_help(const struct lc_command *c)
{
    printf(lc_text("%s\n\nUsage: logcaster %s [OPTION...]%s%s\n\n%s\n"), lc_text(c->summary),
           c->name, c->operands[0] != '\0' ? " " : "", c->operands, lc_text(c->text));
    lc_options_help(c->options, stdout);
    printf(lc_text("\nExamples:\n%s"), c->examples);
    return LC_EXIT_FOUND;
}

static int print_version(void)
{
    puts("logcaster " LC_VERSION);
    return LC_EXIT_FOUND;
}

static int fail_unknown(const char *name)
{
    struct lc_diag diag;
    struct lc_near near;

    lc_near_init(&near, lc_slice_cstr(name));
    for (size_t i = 0; lc_commands[i] != NULL; i++)
        lc_near_offer(&near, lc_commands[i]->name);
    lc_diag_set(&diag, "unknown command '%s'%s%s%s; 'logcaster help' lists them", name,
                LC_NEAR_TEXT(near.best));
    return lc_command_fail(&diag);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int read_and_run(const struct lc_load *load, char **operands, void *target)
{
    struct lc_common_options *common = target;
    struct lc_settings settings;
    struct lc_diag diag = {0};
    int count, code;

    if (lc_load(load, &settings, target, operands, &count, &diag) == LC_OK) {
        common->load = load;
        code = load->command->run(target, count, operands);
    } else {
        code = lc_command_fail(&diag);
    }
    lc_settings_done(&settings);
    return code;
}

static int run_command(const struct lc_command *c, int argc, char **argv)
{
    if (wants_help(argc, argv))
        return print_help(c);

    const struct lc_load load = {.command = c, .argc = argc, .argv = argv};
    void *target = calloc(1, c->target_size);
    char **operands = calloc((size_t)argc, sizeof *operands);
    struct lc_diag diag = {0};
    int code;

    if (target != NULL && operands != NULL) {
        code = read_and_run(&load, operands, target);
    } else {
        lc_diag_set(&diag, "no memory");
        code = lc_command_fail(&diag);
    }
    free(operands);
    free(target);
    return code;
}

/* `help` and `version` have no options to explain: the overview says all there is. */
static bool is_word_for_overview(const char *name)
{
    return strcmp(name, "help") == 0 || strcmp(name, "version") == 0;
}

static int help(int argc, char **argv)
{
    if (argc < 2 || is_word_for_overview(argv[1]))
        return print_overview(stdout);
    const struct lc_command *c = lc_command_find(argv[1]);
    return c != NULL ? print_help(c) : fail_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    lc_language_init();
    if (argc < 2) {
        print_overview(stderr);
        return LC_EXIT_ERROR;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0)
        return print_version();
    const struct lc_command *c = lc_command_find(name);
    return c != NULL ? run_command(c, argc - 1, argv + 1) : fail_unknown(name);
}
