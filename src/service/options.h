/* SPDX-License-Identifier: Apache-2.0
 *
 * service/options.h - the server's options: the table whose members are struct lc_server_config.
 *
 * WHAT    conf/options.h says how an option is added. A command whose struct
 *         has a struct lc_server_config takes LC_SERVER_PARTS into its set.
 * WHO     cli/, and server.c for defaults and reloading.
 */
#ifndef LC_SERVICE_OPTIONS_H
#define LC_SERVICE_OPTIONS_H

#include "conf/options.h"
#include "service/server.h"

#define LC_SERVER_GROUP_OF(id, name, help) LC_SERVER_GROUP_##id,
enum { LC_DOOR_SERVICES(LC_SERVER_GROUP_OF) LC_SERVER_DOORS };
#undef LC_SERVER_GROUP_OF

#define LC_SERVER_GROUPS (4 + LC_SERVER_DOORS)
extern const struct lc_option_group lc_server_groups[LC_SERVER_GROUPS];

/* The parts of a command's set whose struct has a struct lc_server_config at `base`. */
#define LC_SERVER_PARTS(base)                                                                      \
    {                                                                                              \
        lc_server_groups, LC_SERVER_GROUPS, (base)                                                 \
    }

/* The options of inputs, as serve and send both have them; its struct is lc_gather_config. */
extern const struct lc_option_group lc_gather_group;

/* A set whose target is a struct lc_server_config. */
extern const struct lc_option_set lc_server_options;

#endif
