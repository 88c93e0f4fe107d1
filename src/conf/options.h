/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options.h - a command's options as one table, from which its command line is read and its
 * help is written.
 *
 * WHAT    Each option is a row: name, kind, default, limits, help, and where its value goes in the
 *         command's own struct. A new option is a new row.
 * WHO     cli/.
 * THREAD  Pure.
 */
#ifndef LC_CONF_OPTIONS_H
#define LC_CONF_OPTIONS_H

#include <stdio.h>

#include "base/slice.h"

#define LC_LIST_MAX 16

/* An option that may be given several times. The first one given replaces the defaults. */
struct lc_list {
    const char *items[LC_LIST_MAX];
    size_t count;
};

enum lc_option_kind {
    LC_OPTION_FLAG,     /* bool; takes no value */
    LC_OPTION_TEXT,     /* const char * */
    LC_OPTION_LIST,     /* struct lc_list */
    LC_OPTION_COUNT,    /* uint64_t */
    LC_OPTION_SIZE,     /* uint64_t octets; `auto` is 0 */
    LC_OPTION_DURATION, /* int64_t ns; `none` is 0 */
    LC_OPTION_CHOICE,   /* int: index into choices */
};

struct lc_option {
    const char *name; /* without the dashes */
    char letter;      /* -x; 0: none */
    enum lc_option_kind kind;
    const char *value;          /* what the help calls it: "ADDRESS" */
    const char *fallback;       /* as it would be written; NULL: zero */
    const char *const *choices; /* of CHOICE: NULL-terminated */
    uint64_t min, max;          /* of COUNT and SIZE; max 0: no limit */
    const char *help;           /* one sentence or two; lines are broken where they are full */
    size_t offset;              /* into the command's struct */
};

/* Writes all defaults into `target`, which is zeroed, then reads argv[1..]. Options and operands
 * may be mixed; `--` ends the options. Operands are moved to the front of argv, *ret_operands of
 * them, from argv[1] on. Values borrow from argv. LC_ESYNTAX with a diag that names the option,
 * what was wrong and what is allowed. */
LC_MUST_CHECK lc_err lc_options_read(const struct lc_option *table, size_t count, int argc,
                                     char **argv, void *target, int *ret_operands,
                                     struct lc_diag *diag);

/* The options' part of a command's help, for a terminal of 80 columns. */
void lc_options_help(const struct lc_option *table, size_t count, FILE *out);

#endif
