/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/test_conn.h - for tests: a session on real sockets and a real loop, with a service that only
 * takes notes.
 *
 * The peer is a second stream on the same loop. It sends its input in parts, each when the session
 * has received all of the one before, then shuts its side; the test ends when both are closed.
 */
#ifndef LC_CONN_TEST_CONN_H
#define LC_CONN_TEST_CONN_H

#include "base/test.h"

#include "conn/session.h"

#define LC_TEST_PARTS_MAX 4

struct lc_test_conn {
    int64_t skew_ns;
    struct lc_clock clock;
    struct lc_loop *loop;
    struct lc_conn_counters counters;
    struct lc_arrival_context arrivals;
    struct lc_dynbuf scratch, records;
    struct lc_session_config config;
    struct lc_session *session;
    struct lc_stream *peer;
    struct lc_dynbuf said; /* what the service was told */
    struct lc_dynbuf got;  /* what the peer received */
    struct lc_task turn;
    struct lc_slice parts[LC_TEST_PARTS_MAX];
    size_t part_count, part; /* parts sent */
    uint64_t sent;
    unsigned open;
    /* How the service behaves. */
    uint64_t ids, answered;  /* records taken; answered for */
    uint64_t answer_from;    /* with so many waiting, or at the end, the outcome is told */
    unsigned no_room;        /* records that find no room before the next one does */
    unsigned question_turns; /* an answer takes so many turns */
    unsigned question_left;
    bool question_v1, asking;
    unsigned hello_turns; /* so many turns pass before a sender of batches is let in */
    unsigned hello_left;
    bool at_the_door;
    uint64_t epoch;
    uint64_t batched, stored; /* up to where its records were taken; told to be stored */
    bool trusts;              /* a PROXY header is believed */
    lc_err refuses;           /* not LC_OK: what becomes of records that were taken */
    bool stay;                /* the peer doesn't shut its side */
    int64_t jump_ns;          /* the clock moves before the second part is sent */
};

/* All of it zero but the loop and the configuration, which a test may change: lines and counted
 * syslog are spoken, all lines are acknowledged. */
void lc_test_conn_begin(struct lc_test_conn *w);
void lc_test_conn_end(struct lc_test_conn *w);
void lc_test_conn_part(struct lc_test_conn *w, struct lc_slice s);
/* A whole session. */
void lc_test_conn_run(struct lc_test_conn *w);

/* A session for each place at which `input` can be cut, each prepared by `set` (NULL: not): always
 * the service is told `said` and the peer gets `got`. */
void lc_test_conn_splits(struct lc_slice input, void (*set)(struct lc_test_conn *w),
                         const char *said, struct lc_slice got);

#endif
