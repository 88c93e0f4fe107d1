/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/term.h - what a terminal is shown: colour, width, and text made harmless.
 */
#ifndef LC_CLI_TERM_H
#define LC_CLI_TERM_H

#include <stdio.h>

#include "base/buf.h"

/* Order of the words in lc_colour_words, which the options' tables use. */
enum lc_colour { LC_COLOUR_AUTO, LC_COLOUR_ALWAYS, LC_COLOUR_NEVER };
extern const char *const lc_colour_words[];

/* AUTO: `out` is a terminal that is not "dumb", and NO_COLOR (no-color.org) is not set. */
bool lc_term_colours(FILE *out, enum lc_colour when);

/* SGR sequences, or "" without colour. */
enum lc_style {
    LC_STYLE_NONE,
    LC_STYLE_DIM,
    LC_STYLE_BOLD,
    LC_STYLE_RED,
    LC_STYLE_BOLD_RED,
    LC_STYLE_YELLOW,
    LC_STYLE_GREEN,
    LC_STYLE_CYAN,
    LC_STYLE_BLUE
};
const char *lc_term_style(bool colours, enum lc_style style);

/* Appends `s` so that no terminal acts on it: control characters (C0, DEL, C1), invalid UTF-8 and
 * the marks that reorder text come as \n, \t, \x1b, \u202e. LC_ELIMIT, -ENOMEM. */
LC_MUST_CHECK lc_err lc_term_append(struct lc_dynbuf *out, struct lc_slice s);

#endif
