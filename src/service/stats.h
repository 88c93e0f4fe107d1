/* SPDX-License-Identifier: Apache-2.0
 *
 * service/stats.h - the figures of a running server, as STATS tells them.
 *
 * WHAT    Each worker counts for itself; who asks gets the sum, read while all go on counting.
 * WHO     service/; docs/protocols.md lists the same names.
 */
#ifndef LC_SERVICE_STATS_H
#define LC_SERVICE_STATS_H

#include "access/gate.h"
#include "base/buf.h"
#include "conn/counters.h"

/* Beside those of conn/counters.h: the member, its name in STATS, and what it means. */
#define LC_SERVICE_COUNTERS(X)                                                                     \
    X(logs_accepted, "connections accepted on log addresses")                                      \
    X(logs_closed, "of these closed again")                                                        \
    X(query_accepted, "connections accepted on query addresses")                                   \
    X(query_closed, "of these closed again")                                                       \
    X(stored, "records given to the store")                                                        \
    X(refused, "records that the store did not take")                                              \
    X(waited, "times a sender had to wait for room in the store")                                  \
    X(gathered, "records of files, programs and the journal given to the store")                   \
    X(relay_sent, "records sent on, also those sent again")                                        \
    X(relay_acknowledged, "records that a target has stored")                                      \
    X(relay_doubted, "of these, records that another target may have stored already")              \
    X(relay_missed, "records that were removed before they were sent on")                          \
    X(relay_loops, "records not sent on, because they have been here before or too far")           \
    X(relay_refused, "records not sent on, because they are too large")                            \
    X(relay_connected, "times that a target of the relay was found")                               \
    X(relay_lost, "times that it was lost")                                                        \
    X(stored_before, "records of batches skipped because they had been stored before")             \
    X(passed_over,                                                                                 \
      "records of batches that could not be stored, and that their sender need not send again")    \
    X(fenced, "connections closed because their sender came by a newer one")                       \
    X(handed_over, "connections taken over by the worker that their sender belongs to")            \
    X(claimed_time, "records whose time was impossible")                                           \
    X(datagrams_dropped, "datagrams that the kernel or we had no room for")                        \
    X(refused_messages, "records refused because of what they hold")                               \
    X(slowed, "times a sender had to wait because it was over its rate")                           \
    X(datagrams_over_rate, "records in datagrams dropped because their source was over its rate")  \
    X(queries, "questions answered, failed ones too")                                              \
    X(query_errors, "questions answered with an error")                                            \
    X(rows, "rows sent to askers, those of tails too")                                             \
    X(tails, "tails begun")                                                                        \
    X(tails_ended, "tails ended")                                                                  \
    X(missed, "records that were removed before a slow tail had read them")

struct lc_counters {
#define LC_SERVICE_COUNTER_MEMBER(name, help) lc_counter name;
    LC_SERVICE_COUNTERS(LC_SERVICE_COUNTER_MEMBER)
#undef LC_SERVICE_COUNTER_MEMBER
    lc_counter verdicts[LC_VERDICT_COUNT]; /* of access/gate.h */
    struct lc_conn_counters conn;
};

struct lc_site;

/* Calls `each` for every figure, until it returns an error, which is then returned. Any thread. */
LC_MUST_CHECK lc_err lc_stats_each(const struct lc_site *site,
                                   lc_err (*each)(void *arg, const char *name, const char *value),
                                   void *arg);

/* Appends `STATS|name=value|...` and the line's end. LC_ELIMIT, -ENOMEM. */
LC_MUST_CHECK lc_err lc_stats_line(const struct lc_site *site, struct lc_dynbuf *out);

#endif
