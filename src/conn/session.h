/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session.h - a session of lines on one stream: records, commands, questions, and their
 * answers.
 *
 * WHAT    Tells the protocol apart once and each line for itself, decodes, calls the service's
 *         handler, and keeps the answers in order: one that waits for durability holds back those
 *         behind it. Octet-counted syslog (RFC 6587) is a session too, which answers nothing.
 *         A peer that speaks something else is refused in its own language.
 * WHO     service/collect/ and service/ask/.
 * THREAD  The loop's.
 * BOUNDS  Input: the stream's. Answers: conn/answers.h; when they are full, when the peer doesn't
 *         read, when the store has no room, the stream pauses, and so the peer is slowed down.
 */
#ifndef LC_CONN_TEXT_H
#define LC_CONN_TEXT_H

#include "conn/answers.h"
#include "conn/arrival.h"
#include "net/stream.h"
#include "proto/detect.h"

struct lc_session;

/* What all sessions of one service on one loop share; it outlives them. */
struct lc_session_config {
    struct lc_loop *loop;
    struct lc_arrival_context *arrivals;
    struct lc_dynbuf *out; /* scratch for answers, empty between calls; takes twice
                            * LC_ANSWERS_OCTETS_MAX */
    unsigned speaks;       /* LC_SPEAKS(); LINES among them */
    size_t line_max;       /* octets of a line, at most LC_SESSION_LINE_MAX */
    enum lc_acks acks;
    int64_t idle_ms;          /* without a request for so long: close; 0: never */
    const char *not_spoken;   /* told to who speaks a protocol that is not in `speaks` */
    const char *no_records;   /* told to who sends records; NULL: they are taken */
    const char *no_questions; /* told to who asks; NULL: questions are taken */
    size_t out_high, out_max; /* as lc_stream_config; out_max - out_high is at least twice
                               * LC_ANSWERS_OCTETS_MAX */
};

#define LC_SESSION_LINE_MAX ((size_t)1 << 20)

/* `user` is what was given to lc_session_open(). */
struct lc_session_handler {
    /* LC_OK with the record's id: its outcome is told by lc_session_outcome(). LC_EWAIT: no room;
     * the session keeps the line until lc_session_retry(). Any other error: refused. */
    lc_err (*record)(void *user, const struct lc_arrival *a, uint64_t *ret_id);
    /* A request. It is answered on lc_session_stream(), and ended by lc_session_done(), within the
     * call or later; until then nothing else is read from this peer. */
    void (*question)(void *user, const struct lc_query_request *request);
    /* While a question is being answered, the peer has sent a further line. */
    void (*interrupted)(void *user);
    /* While a question is being answered, the peer has shut its side; it may be gone. */
    void (*peer_ended)(void *user);
    /* STATS: appends the whole answer, with its line's end. */
    lc_err (*stats)(void *user, struct lc_dynbuf *out);
    /* ROWS|text or ROWS|json */
    void (*rows)(void *user, bool json);
    /* The stream has room again, while a question is being answered. */
    void (*drained)(void *user);
    /* The last call; the session is gone after it. */
    void (*closed)(void *user, lc_err why);
};

/* Takes `fd` in every case. Nothing is called before the loop runs on. */
LC_MUST_CHECK lc_err lc_session_open(const struct lc_session_config *config,
                                     const struct lc_session_handler *handler, void *user, int fd,
                                     const struct lc_addr *peer, struct lc_session **ret);

struct lc_stream *lc_session_stream(struct lc_session *s);
/* Who the peer is, as its records say it; borrowed, for as long as the session lives. */
void lc_session_source(struct lc_session *s, struct lc_slice source);

/* lc_answers_outcome() for this session; false: nothing waits any more. */
bool lc_session_outcome(struct lc_session *s, uint64_t upto, lc_err outcome);
/* Whether records of it wait for their outcome. */
bool lc_session_is_waiting(const struct lc_session *s);
/* There is room again after LC_EWAIT. */
void lc_session_retry(struct lc_session *s);
/* The question is answered. last: the connection closes, unless more input waits (v1). */
void lc_session_done(struct lc_session *s, bool last);

/* Reads no more; closes when all answers that are owed are given. */
void lc_session_drain(struct lc_session *s);
/* Drops what is queued and closes. */
void lc_session_abort(struct lc_session *s);

#endif
