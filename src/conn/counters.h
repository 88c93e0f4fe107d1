/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/counters.h - what a worker counts of all that its connections and datagrams bring.
 *
 * Lists: the member, its name in STATS, and what it means (docs/protocols.md has it too).
 */
#ifndef LC_CONN_COUNTERS_H
#define LC_CONN_COUNTERS_H

#include "base/counter.h"

/* As what a record came: LC_ARRIVAL_<ID>, and the counter of its kind. */
#define LC_ARRIVALS(X)                                                                             \
    X(PLAIN, plain, "plain lines received")                                                        \
    X(V1, v1, "LOG: lines received")                                                               \
    X(V2, v2, "LOG| lines received")                                                               \
    X(SYSLOG, syslog, "syslog messages received")                                                  \
    X(JSON, json, "JSON objects received")                                                         \
    X(BINARY1, binary1, "records received in binary v1")                                           \
    X(FORWARD, forward, "records received in Fluentd's protocol")                                  \
    X(GELF, gelf, "GELF messages received")                                                        \
    X(BINARY2, binary2, "records received in binary v2")

#define LC_CONN_COUNTERS(X)                                                                        \
    X(sessions_lines, "connections that spoke lines")                                              \
    X(sessions_counted, "connections that spoke octet-counted syslog")                             \
    X(sessions_frames, "connections that spoke length-prefixed frames")                            \
    X(sessions_binary1, "connections that spoke binary v1")                                        \
    X(sessions_forward, "connections that spoke Fluentd's protocol")                               \
    X(sessions_gelf, "connections that spoke GELF")                                                \
    X(sessions_binary2, "connections that spoke binary v2")                                        \
    X(batches, "batches of binary v2 received")                                                    \
    X(proxied, "connections whose client a PROXY header named")                                    \
    X(frames, "length-prefixed frames received")                                                   \
    X(datagrams, "datagrams received")                                                             \
    X(datagrams_syslog, "of these, those that were syslog messages")                               \
    X(gelf_chunks, "of these, those that were a chunk of a GELF message")                          \
    X(gelf_late, "GELF messages dropped because a chunk was missing after 5 s")                    \
    X(gelf_pushed, "GELF messages dropped, not whole, to make room for others")                    \
    X(empty, "empty lines, skipped")                                                               \
    X(truncated, "records of which only the first part was kept")                                  \
    X(repeated_names, "names that came again in one record: the last value is kept")               \
    X(broken_off, "messages whose end never came, dropped")                                        \
    X(malformed, "lines and messages refused because they are not well-formed")                    \
    X(too_long, "lines and messages refused because they are over the limit")                      \
    X(broken, "connections closed because their framing could not be followed")                    \
    X(not_spoken, "connections refused because of their protocol")                                 \
    X(not_granted, "requests refused because this address does not grant them")

struct lc_conn_counters {
#define LC_CONN_COUNTER_MEMBER(name, help) lc_counter name;
    LC_CONN_COUNTERS(LC_CONN_COUNTER_MEMBER)
#undef LC_CONN_COUNTER_MEMBER
#define LC_ARRIVAL_MEMBER(id, name, help) lc_counter name;
    LC_ARRIVALS(LC_ARRIVAL_MEMBER)
#undef LC_ARRIVAL_MEMBER
};

#endif
