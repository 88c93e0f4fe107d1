/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather_options.h - the rows of the options of inputs, for the groups that have them.
 *
 * WHO     service/options.c.
 */
#ifndef LC_SERVICE_GATHER_OPTIONS_H
#define LC_SERVICE_GATHER_OPTIONS_H

#include "service/options.h"

#define LC_GATHER_ROWS 14
extern const struct lc_option lc_gather_rows[LC_GATHER_ROWS];

#define LC_GATHER_GROUP(at)                                                                        \
    {                                                                                              \
        .section = "gather", .title = "Inputs",                                                    \
        .about = "Records that no socket brings: docs/gathering.md.", .rows = lc_gather_rows,      \
        .count = LC_GATHER_ROWS, .offset = (at)                                                    \
    }

#endif
