/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/output.h - rows from a server, written for people (table) and programs (raw, JSON, CSV).
 *
 * WHAT    Rows come as JSON objects (docs/protocols.md, ROWS|json): records, or the rows of a table
 *         such as `stats` makes.
 * WHO     query, tail.
 */
#ifndef LC_CLI_OUTPUT_H
#define LC_CLI_OUTPUT_H

#include "cli/term.h"

/* Order of the words in lc_output_words. */
enum lc_output_format { LC_OUTPUT_TABLE, LC_OUTPUT_RAW, LC_OUTPUT_JSON, LC_OUTPUT_CSV };
extern const char *const lc_output_words[];

struct lc_output;

/* `gather`: rows that may be held back to find the widths of columns; 0: write each at once. */
LC_MUST_CHECK lc_err lc_output_new(FILE *out, enum lc_output_format format, bool colours,
                                   size_t gather, struct lc_output **ret);
/* LC_EPROTO: not a JSON object; -errno: as write(2), -EPIPE among them. */
LC_MUST_CHECK lc_err lc_output_row(struct lc_output *o, struct lc_slice json);
/* Writes what was held back. */
LC_MUST_CHECK lc_err lc_output_flush(struct lc_output *o);
void lc_output_free(struct lc_output *o);

/* The text of one string member of a row, as it stands there; false: none. For ids. */
bool lc_output_member(struct lc_slice json, const char *name, char *out, size_t cap);

#endif
