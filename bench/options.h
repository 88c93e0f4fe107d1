/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/options.h - the options of a benchmark: one group, no operands, --help.
 */
#ifndef LC_BENCH_OPTIONS_H
#define LC_BENCH_OPTIONS_H

#include <stdlib.h>

#include "conf/options.h"

struct bench_program {
    const char *name;
    const char *about; /* what it does, and its usage line */
    const struct lc_option *rows;
    size_t count;
};

/* Fills `target`, which is zeroed. Ends the program after --help (`help` points into the target),
 * and with 2 when the command line is wrong. */
static inline void bench_options(const struct bench_program *p, int argc, char **argv, void *target,
                                 const bool *help)
{
    static struct lc_settings
        settings; /* too large for a stack; texts live as long as the program */
    const struct lc_option_group group = {.title = "Options", .rows = p->rows, .count = p->count};
    const struct lc_option_part part = {&group, 1, 0};
    const struct lc_option_set set = {&part, 1};
    struct lc_diag diag = {0};
    char **operands = calloc((size_t)argc + 1, sizeof *operands);
    int count = 0;
    lc_settings_init(&settings, &set, target);
    lc_err e = operands == NULL ? LC_ELIMIT
                                : lc_settings_args(&settings, argc, argv, operands, &count, &diag);
    if (e == LC_OK && count > 0) {
        e = LC_ESYNTAX;
        lc_diag_set(&diag, "'%s' is not an option", operands[0]);
    }
    free(operands);
    if (e != LC_OK) {
        fprintf(stderr, "%s: %s; %s --help lists the options\n", p->name, diag.text, p->name);
        exit(2);
    }
    if (!*help)
        return;
    puts(p->about);
    lc_options_help(&set, stdout);
    exit(0);
}

#endif
