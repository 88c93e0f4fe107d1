/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/dgram.h - records out of datagrams: one syslog message, or lines. Nothing is answered.
 *
 * WHO     service/collect/.
 * THREAD  The loop's, as the arrival context.
 */
#ifndef LC_CONN_DGRAM_H
#define LC_CONN_DGRAM_H

#include "conn/arrival.h"

struct lc_datagram_rules {
    /* Gives record() what is in `data`, and returns the octets that are done with: fewer than there
     * are after LC_EWAIT; the rest is to be given again, as a datagram of its own. truncated:
     * `data` is only the first part of what was sent. */
    size_t (*take)(const struct lc_datagram_rules *rules, struct lc_slice data,
                   struct lc_slice source, bool truncated);
    struct lc_arrival_context *arrivals;
    size_t line_max;
    struct lc_slice space; /* as lc_session_config */
    /* LC_EWAIT: no room; it comes again. Any other error: refused, which nobody is told. */
    lc_err (*record)(void *user, const struct lc_arrival *a);
    void *user;
};

/* take() for syslog and lines. */
size_t lc_datagram_take(const struct lc_datagram_rules *rules, struct lc_slice data,
                        struct lc_slice source, bool truncated);

/* take() for GELF: JSON, compressed or not, whole or in chunks. */
size_t lc_datagram_take_gelf(const struct lc_datagram_rules *rules, struct lc_slice data,
                             struct lc_slice source, bool truncated);

#endif
