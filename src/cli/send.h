/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/send.h - what the two ways of logcaster send share.
 *
 * WHO     send.c has the options and the direct way, send_spool.c the way over a spool.
 */
#ifndef LC_CLI_SEND_H
#define LC_CLI_SEND_H

#include "cli/command.h"
#include "service/server.h"

struct lc_send_options {
    struct lc_common_options common;
    struct lc_list servers;
    const char *level;
    const char *spool;
    uint64_t spool_octets;
    int64_t wait_ns;
    bool compress;
    bool quiet;
    struct lc_gather_config gather;
};

bool lc_send_needs_spool(const struct lc_send_options *o);
/* Returns the exit code. */
int lc_send_by_spool(const struct lc_send_options *o, int count, char **operands);

#endif
