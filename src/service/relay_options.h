/* SPDX-License-Identifier: Apache-2.0
 *
 * service/relay_options.h - the rows of the options of the relay.
 *
 * WHO     service/options.c.
 */
#ifndef LC_SERVICE_RELAY_OPTIONS_H
#define LC_SERVICE_RELAY_OPTIONS_H

#include "service/options.h"

#define LC_RELAY_ROWS 4
extern const struct lc_option lc_relay_rows[LC_RELAY_ROWS];

#define LC_RELAY_GROUP(at)                                                                         \
    {                                                                                              \
        .section = "relay", .title = "Relay",                                                      \
        .about = "Sends what is stored on to another server: docs/shipping.md.",                   \
        .rows = lc_relay_rows, .count = LC_RELAY_ROWS, .offset = (at)                              \
    }

#endif
