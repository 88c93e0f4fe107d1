/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/print.h - what is made from the table besides the command line: the documented default
 * file, the values in use, the JSON Schema, the tables of the documentation.
 *
 * WHO     cli/.
 * THREAD  Pure.
 */
#ifndef LC_CONF_PRINT_H
#define LC_CONF_PRINT_H

#include "conf/options.h"

/* All: LC_ELIMIT or -ENOMEM as `out` has it. */

/* A file in which every option stands as a comment with its help and its default: `#name: value`
 * is an option, `# text` is not. It can be read as it is. */
LC_MUST_CHECK lc_err lc_options_default_file(const struct lc_option_set *set,
                                             struct lc_dynbuf *out);

/* A file with the values of `s`, each with the place where it comes from; secrets are hidden. */
LC_MUST_CHECK lc_err lc_settings_print(const struct lc_settings *s, struct lc_dynbuf *out);

/* Draft 2020-12. It takes every file that is read without an error, but for what only `check`
 * functions of rows know. */
LC_MUST_CHECK lc_err lc_options_schema(const struct lc_option_set *set, const char *title,
                                       struct lc_dynbuf *out);

/* A Markdown table for each group. */
LC_MUST_CHECK lc_err lc_options_markdown(const struct lc_option_set *set, struct lc_dynbuf *out);

#endif
