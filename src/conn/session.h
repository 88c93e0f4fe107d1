/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session.h - one peer on one stream: records, commands, questions, and their answers.
 *
 * WHAT    Takes the header of a trusted proxy, tells the protocol apart once, cuts the input by
 *         that protocol's framing, decodes, calls the service's handler, and keeps the answers in
 *         order: one that waits for durability holds back those behind it. A peer that speaks
 *         something else is refused in its own language. session_impl.h says how a framing is
 *         added.
 * WHO     service/collect/ and service/ask/.
 * THREAD  The loop's.
 * BOUNDS  Input: a message of the largest protocol that is spoken. Answers: conn/answers.h; when
 *         they are full, when the peer doesn't read, when the store has no room, the stream pauses,
 *         and so the peer is slowed down.
 */
#ifndef LC_CONN_SESSION_H
#define LC_CONN_SESSION_H

#include "conn/answers.h"
#include "conn/arrival.h"
#include "net/stream.h"
#include "proto/batch.h"
#include "proto/detect.h"

struct lc_session;

/* What all sessions of one service on one loop share; it outlives them. */
struct lc_session_config {
    struct lc_loop *loop;
    struct lc_arrival_context *arrivals;
    struct lc_dynbuf *out;     /* scratch for answers, empty between calls; takes twice
                                * LC_ANSWERS_OCTETS_MAX */
    struct lc_dynbuf *records; /* scratch for decompressed batches, at most LC_BATCH_MAX */
    unsigned speaks;           /* LC_SPEAKS() */
    size_t line_max;           /* octets of a line, at most LC_SESSION_LINE_MAX */
    enum lc_acks acks;
    struct lc_slice space;    /* of records that name none; empty: the default one */
    int64_t idle_ms;          /* without a request for so long: close; 0: never */
    const char *not_spoken;   /* told to who speaks a protocol that is not in `speaks` */
    const char *no_records;   /* told to who sends records; NULL: they are taken */
    const char *no_questions; /* told to who asks; NULL: questions are taken */
    size_t out_high, out_max; /* as lc_stream_config; out_max - out_high is at least twice
                               * LC_ANSWERS_OCTETS_MAX */
};

#define LC_SESSION_LINE_MAX ((size_t)1 << 20)

/* `user` is what was given to lc_session_open(). What a service doesn't grant (no_records,
 * no_questions), it is never called for. */
struct lc_session_handler {
    /* Whether a PROXY header of this peer is believed; NULL: nobody's is. Called by
     * lc_session_open(). */
    bool (*trusted)(void *user, const struct lc_addr *peer);
    /* It has named its client: these are now that client's records (lc_session_source()). False:
     * it is not let in, and the session closes. NULL as `trusted`. */
    bool (*proxied)(void *user, const struct lc_addr *client);
    /* Why a record is not taken, whenever it comes: static, told to its sender; NULL: it is. All
     * are where the function is NULL. */
    const char *(*refuses)(void *user, const struct lc_arrival *a);
    /* LC_OK with the record's id: its outcome is told by lc_session_outcome(). LC_EWAIT: no room;
     * the session keeps the message until lc_session_retry(). Any other error: refused. */
    lc_err (*record)(void *user, const struct lc_arrival *a, uint64_t *ret_id);
    /* A sender of batches (binary v2) says who it is. Answered by lc_session_welcome() or
     * lc_session_turn_away(), within the call or later, or the peer is taken elsewhere by
     * lc_session_release(). Until then nothing else is read. */
    void (*hello)(void *user, const struct lc_batch_hello *hello);
    /* A record of a batch. LC_OK: dealt with; when it is durable, lc_session_stored(). LC_EWAIT: as
     * record(). LC_EFULL: no batch is taken before another HELLO. LC_ELIMIT: too many senders. */
    lc_err (*batched)(void *user, struct lc_arrival *a, uint64_t sequence, bool doubted);
    /* A request. It is answered by lc_session_reply(), and ended by lc_session_done() or
     * lc_session_fail(), within the call or later; until then nothing else is read from this
     * peer. */
    void (*question)(void *user, const struct lc_query_request *request);
    /* While a question is being answered, the peer has sent a further line. */
    void (*interrupted)(void *user);
    /* While a question is being answered, the peer has shut its side; it may be gone. */
    void (*peer_ended)(void *user);
    /* STATS: appends the whole answer, with its line's end. */
    lc_err (*stats)(void *user, struct lc_dynbuf *out);
    /* ROWS|text or ROWS|json */
    void (*rows)(void *user, bool json);
    /* The peer broke its protocol, so the session ends: what is wrong, for a log. */
    void (*broken)(void *user, const char *what);
    /* The stream has room again, while a question is being answered. */
    void (*drained)(void *user);
    /* The last call; the session is gone after it. */
    void (*closed)(void *user, lc_err why);
};

/* Takes `fd` in every case. Nothing but trusted() is called before the loop runs on. */
LC_MUST_CHECK lc_err lc_session_open(const struct lc_session_config *config,
                                     const struct lc_session_handler *handler, void *user, int fd,
                                     const struct lc_addr *peer, struct lc_session **ret);

struct lc_stream *lc_session_stream(struct lc_session *s);
/* Who the peer is, as its records say it; borrowed, for as long as the session lives. */
void lc_session_source(struct lc_session *s, struct lc_slice source);

/* lc_answers_outcome() for this session; false: nothing waits any more. */
bool lc_session_outcome(struct lc_session *s, uint64_t upto, lc_err outcome);
/* There is room again after LC_EWAIT. */
void lc_session_retry(struct lc_session *s);

/* ---- binary v2 ---- */

/* HELLO is answered: the sender has come so far. */
void lc_session_welcome(struct lc_session *s, const struct lc_sender_position *at);
/* Tells the error; closes, but for LC_BATCH_ERROR_FULL: then another HELLO is waited for. */
void lc_session_turn_away(struct lc_session *s, enum lc_batch_error code, const char *text);
/* Records up to there are durable. all: nothing further waits. */
void lc_session_stored(struct lc_session *s, uint64_t upto, bool all);
/* Within hello(): a descriptor of the peer, and the sequence of its HELLO, for
 * lc_session_adopt() on another loop. The session closes without a word. -errno: nothing was done.
 */
LC_MUST_CHECK lc_err lc_session_release(struct lc_session *s, int *ret_fd, uint64_t *ret_sequence);
/* As lc_session_open(), for a peer that waits for the answer to its HELLO. */
LC_MUST_CHECK lc_err lc_session_adopt(const struct lc_session_config *config,
                                      const struct lc_session_handler *handler, void *user, int fd,
                                      const struct lc_addr *peer, uint64_t sequence,
                                      struct lc_session **ret);

/* ---- questions ---- */

/* A further part of the answer to a question, in lines, wherever it is cut; in binary v1 it is
 * packed. As lc_stream_write() and lc_stream_send(); also -ENOMEM. *ret_sent: octets queued. */
LC_MUST_CHECK lc_err lc_session_reply(struct lc_session *s, struct lc_slice text, size_t *ret_sent);
LC_MUST_CHECK lc_err lc_session_reply_buf(struct lc_session *s, struct lc_buf *buf,
                                          size_t *ret_sent);
/* The question is answered. last: the connection closes, unless more input waits (v1). */
void lc_session_done(struct lc_session *s, bool last);
/* It was not, or not to its end: tells why, and is lc_session_done(). */
void lc_session_fail(struct lc_session *s, bool v1, const char *reason);

/* Reads no more; closes when all answers that are owed are given. */
void lc_session_drain(struct lc_session *s);
/* Drops what is queued and closes. */
void lc_session_abort(struct lc_session *s);

#endif
