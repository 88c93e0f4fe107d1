/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/counters.h - what a worker counts of all that its connections and datagrams bring.
 *
 * One list: the member, its name in STATS, and what it means (docs/protocols.md has it too).
 */
#ifndef LC_CONN_COUNTERS_H
#define LC_CONN_COUNTERS_H

#include "base/counter.h"

#define LC_CONN_COUNTERS(X)                                                                        \
    X(plain, "plain lines received")                                                               \
    X(v1, "LOG: lines received")                                                                   \
    X(v2, "LOG| lines received")                                                                   \
    X(syslog, "syslog messages received")                                                          \
    X(json, "JSON objects received")                                                               \
    X(datagrams, "datagrams received")                                                             \
    X(empty, "empty lines, skipped")                                                               \
    X(truncated, "records of which only the first part was kept")                                  \
    X(repeated_names, "names that came again in one record: the last value is kept")               \
    X(malformed, "lines refused because they are not well-formed")                                 \
    X(too_long, "lines refused because they are over the limit")                                   \
    X(not_spoken, "connections refused because of their protocol")                                 \
    X(not_granted, "requests refused because this address does not grant them")

struct lc_conn_counters {
#define LC_CONN_COUNTER_MEMBER(name, help) lc_counter name;
    LC_CONN_COUNTERS(LC_CONN_COUNTER_MEMBER)
#undef LC_CONN_COUNTER_MEMBER
};

#endif
