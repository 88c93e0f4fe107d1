/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.h - the subcommands: one row each, one file each.
 *
 * WHAT    A new subcommand is a row in commands.c and a file with its options and its run().
 *         Its struct begins with struct lc_common_options, its set ends with LC_COMMON_PART.
 */
#ifndef LC_CLI_COMMAND_H
#define LC_CLI_COMMAND_H

#include "conf/options.h"

/* As grep's. */
enum lc_exit { LC_EXIT_FOUND = 0, LC_EXIT_NOTHING = 1, LC_EXIT_ERROR = 2 };

struct lc_load;

/* The first member of every command's struct of options. */
struct lc_common_options {
    bool help;
    const char *config;
    const struct lc_load *load; /* how these options were read: set by main.c */
};

#define LC_COMMON_PART                                                                             \
    {                                                                                              \
        &lc_common_group, 1, 0                                                                     \
    }
extern const struct lc_option_group lc_common_group;

struct lc_command {
    const char *name;
    const char *operands; /* for the usage line */
    const char *summary;  /* one line */
    const char *text;     /* what the help says above the options */
    const char *examples;
    const struct lc_option_set *options;
    size_t target_size; /* of the struct that the options fill */
    bool serves;        /* may be a unit of systemd: see cli/load.h */
    /* Returns an exit code. */
    int (*run)(const void *target, int count, char **operands);
};

extern const struct lc_command lc_command_serve;
extern const struct lc_command lc_command_send;
extern const struct lc_command lc_command_query;
extern const struct lc_command lc_command_tail;
extern const struct lc_command lc_command_sockets;
extern const struct lc_command lc_command_fsck;
extern const struct lc_command lc_command_check_config;
extern const struct lc_command lc_command_config_default;
extern const struct lc_command lc_command_config_schema;

/* All of them, NULL-terminated. */
extern const struct lc_command *const lc_commands[];
const struct lc_command *lc_command_find(const char *name);

/* Options that several commands have: rows of their tables. */
#define LC_OPTION_ROW_COLOUR(type, member)                                                         \
    {                                                                                              \
        .name = "color", .kind = LC_OPTION_CHOICE, .value = "WHEN", .fallback = "auto",            \
        .choices = lc_colour_words, LC_MEMBER(type, member),                                       \
        .help = "auto (on a terminal), always, never"                                              \
    }
#define LC_OPTION_ROW_OUTPUT(type, member, text)                                                   \
    {                                                                                              \
        .name = "output", .letter = 'o', .kind = LC_OPTION_CHOICE, .value = "FORMAT",              \
        .fallback = "table", .choices = lc_output_words, LC_MEMBER(type, member), .help = (text)   \
    }
#define LC_OPTION_ROW_SERVER(type, member, address, text)                                          \
    {                                                                                              \
        .name = "server", .letter = 's', .kind = LC_OPTION_TEXT, .value = "ADDRESS",               \
        .fallback = (address), LC_MEMBER(type, member),                                            \
        .help = text ": host:port, [v6]:port or unix:/path"                                        \
    }

/* The same for who can ask several. */
#define LC_OPTION_ROW_SERVERS(type, member, address, text)                                         \
    {                                                                                              \
        .name = "server", .letter = 's', .kind = LC_OPTION_LIST, .value = "ADDRESS",               \
        .fallback = (address), LC_MEMBER(type, member),                                            \
        .help = text ": host:port, [v6]:port or unix:/path; given several times, all of them"      \
    }

/* Has lc_text() and diags of this thread speak the user's language. */
void lc_language_init(void);
/* Likewise of another thread of the command. */
void lc_language_here(void);

/* `logcaster: <diag>` on stderr; returns LC_EXIT_ERROR. */
int lc_command_fail(const struct lc_diag *diag);

#define LC_DEFAULT_LOGS_PORT  9999
#define LC_DEFAULT_QUERY_PORT 9998

#endif
