/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/file.h - the configuration file (YAML) and the environment, as values of a set.
 *
 * WHAT    A file is one mapping: an option's name and its value, or a section and a mapping of its
 *         options. Lists are sequences or a single value; maps are mappings. A value may hold
 *         ${NAME} from the environment (conf/substitute.h). No aliases, no tags, no second
 *         document. Every error has file, line, column and what is allowed; a secret is never
 *         part of it.
 * WHO     cli/.
 * BOUNDS  LC_FILE_MAX octets; the lists' own.
 */
#ifndef LC_CONF_FILE_H
#define LC_CONF_FILE_H

#include "conf/options.h"

#define LC_FILE_MAX (1u << 20)

/* LC_ESYNTAX, LC_ELIMIT or -errno, with diag. */
LC_MUST_CHECK lc_err lc_settings_file(struct lc_settings *s, const char *path,
                                      struct lc_diag *diag);
/* The same from memory; `name` is what errors call it. */
LC_MUST_CHECK lc_err lc_settings_yaml(struct lc_settings *s, const char *name, struct lc_slice text,
                                      struct lc_diag *diag);

/* LOGCASTER_<NAME> of every option; items of a list are separated by commas. An empty variable is
 * as one that is not set. */
LC_MUST_CHECK lc_err lc_settings_env(struct lc_settings *s, struct lc_diag *diag);

#endif
