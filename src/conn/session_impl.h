/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session_impl.h - the inside of a session, shared by the files that make it: session.c (the
 * stream: input, pauses, closing), session_detect.c (its beginning), session_answer.c (what it
 * says), framing_*.c (how a protocol's input is cut into messages), request.c (what a line means,
 * wherever it was found).
 *
 * A new protocol on streams is a struct lc_framing in a file of its own, its row in framings[]
 * (session_detect.c), and its row in proto/detect.c.
 */
#ifndef LC_CONN_SESSION_IMPL_H
#define LC_CONN_SESSION_IMPL_H

#include "conn/session.h"

enum lc_session_state {
    LC_SESSION_DETECTING,
    LC_SESSION_SPEAKING,
    LC_SESSION_ENDING, /* our side is shut; what comes is dropped */
    LC_SESSION_CLOSED
};

/* Why nothing further is read. */
enum lc_session_stall {
    LC_STALL_ROOM = 1,    /* the store has none */
    LC_STALL_ANSWERS = 2, /* too many are owed */
    LC_STALL_OUTPUT = 4,  /* the peer doesn't read */
    LC_STALL_BUSY = 8,    /* a question is being answered */
    LC_STALL_HELLO = 16   /* a sender of batches waits to be let in */
};

#define LC_BUSY_IN_MAX 16384 /* octets of input that are kept while a question is answered */

/* How one protocol is cut out of a stream. */
struct lc_framing {
    size_t counter;             /* of its sessions, in struct lc_conn_counters */
    size_t message_max;         /* octets that one message takes at most, and so are kept of a
                                 * partial one; 0: a line */
    enum lc_answer_kind answer; /* the language of its answers; PLAIN: each line has its own */
    /* Handles what stands at the beginning of `in` (at least one octet; when not all of it is
     * there, it comes again with more). Sets s->left before it lets a record or request be handled.
     * LC_OK: *ret_used octets are spent. LC_EMORE, LC_EWAIT (the session has stalled): nothing is
     * spent. */
    lc_err (*step)(struct lc_session *s, struct lc_slice in, size_t *ret_used);
    /* What is left when the peer has ended. LC_EWAIT: it is to come again. NULL: it is dropped, and
     * counted as broken off. */
    lc_err (*last)(struct lc_session *s, struct lc_slice left);
    /* Whether what came while a question is being answered ends a tail. NULL: never. */
    bool (*interrupts)(const struct lc_session *s, struct lc_slice in);
};

/* In framing_*.c. */
extern const struct lc_framing lc_framing_lines;
extern const struct lc_framing lc_framing_counted;
extern const struct lc_framing lc_framing_prefixed;
extern const struct lc_framing lc_framing_binary1;
extern const struct lc_framing lc_framing_forward;
extern const struct lc_framing lc_framing_gelf;
/* In framing_batches.c. */
extern const struct lc_framing lc_framing_batches;

struct lc_session {
    const struct lc_session_config *config;
    const struct lc_session_handler *handler;
    void *user;
    struct lc_stream *stream;
    struct lc_whence whence;
    struct lc_timer detect_timer;
    struct lc_answers answers;
    struct lc_dynbuf rest;            /* input that was not yet handled when the peer ended */
    size_t left;                      /* octets of input behind the message that is being handled */
    size_t skip;                      /* octets to drop: what follows a message that was too long */
    const struct lc_framing *framing; /* NULL: not yet known, or refused */
    enum lc_protocol protocol;
    enum lc_session_state state;
    unsigned stall; /* enum lc_session_stall */
    bool trusted;   /* a PROXY header is taken, if one comes first */
    bool bom_seen;  /* or known not to be there */
    bool timer_set;
    bool paused;
    bool feeding; /* inside feed(): it goes on by itself */
    bool eof;     /* the peer has ended */
    bool quit;    /* nothing further is read */
    bool draining;

    /* Of the framing. */
    size_t scanned; /* how far the message at the front was searched for its end; 0 after a stall
                     */
    size_t taken;   /* records of the message at the front that are done with, when one message
                     * holds several */
    uint64_t first, last; /* the ids of the first and the last of them; 0: none */
    uint64_t pending;     /* values that a MessagePack message lacks behind what was searched */
    bool skip_line;       /* the rest of a line that was too long is to be dropped */
    bool skip_to_nul;     /* a NUL ends it too */
    bool syslog_seen;     /* so a line's start may be a count */
    uint32_t sequence;    /* of the question that is being answered (binary v1) */
    uint64_t message;     /* sequence of the last HELLO or BATCH (binary v2) */
    bool welcomed;        /* batches are taken */
    bool was_full;        /* they were, but another HELLO is waited for */
    bool owes_stored;     /* records of batches wait to be durable */
};

static inline struct lc_time lc_session_after(const struct lc_session *s, int64_t ms)
{
    return lc_time_add_ms(lc_loop_now(s->config->loop), ms);
}

/* ---- session_detect.c ---- */

/* LC_OK: decided, or a header was taken; LC_EMORE. */
LC_MUST_CHECK lc_err lc_session_detect(struct lc_session *s, struct lc_slice in, size_t *ret_used);
/* That is what it speaks, or is refused for. */
void lc_session_begin(struct lc_session *s, enum lc_protocol protocol);
void lc_session_detect_timeout(struct lc_timer *timer);
/* The longest message of what is spoken. */
size_t lc_session_in_max(const struct lc_session_config *config);

/* ---- session.c ---- */

/* Sends the answers that are ready. */
void lc_session_emit(struct lc_session *s);
/* After every call from outside: lc_session_emit(), and closes or pauses when it is time. */
void lc_session_settle(struct lc_session *s);
/* Reads on when nothing stands in the way, then lc_session_settle(). */
void lc_session_go_on(struct lc_session *s);
/* The peer has so long for its next request. */
void lc_session_wait_for_request(struct lc_session *s);

/* ---- session_answer.c ---- */

/* Before a message is handled: whether its answer has a place. LC_EWAIT: the session has stalled.
 */
LC_MUST_CHECK lc_err lc_session_room(struct lc_session *s);

/* Gives a record to the service, and counts it. LC_OK: it has *ret_id. LC_EWAIT: the session has
 * stalled; any other error: refused, which the sender has yet to be told, with *ret_reason. */
LC_MUST_CHECK lc_err lc_session_keep(struct lc_session *s, const struct lc_arrival *a,
                                     uint64_t *ret_id, const char **ret_reason);
/* lc_session_keep(), and the answer in that language (and of that sequence). LC_OK: stored or
 * refused; LC_EWAIT. */
LC_MUST_CHECK lc_err lc_session_store(struct lc_session *s, struct lc_arrival *a,
                                      enum lc_answer_kind answer, uint32_t sequence);

/* An answer that is ready, behind those that are not. */
void lc_session_say(struct lc_session *s, struct lc_slice text);
/* The same, as an error in that language. */
void lc_session_complain(struct lc_session *s, enum lc_answer_kind kind, uint8_t command,
                         uint32_t sequence, const char *reason);

/* A question, whose answer will take the stream for itself. LC_EWAIT: not before all answers that
 * are owed are given. */
LC_MUST_CHECK lc_err lc_session_ask(struct lc_session *s, const struct lc_query_request *request);

/* The peer's framing cannot be followed any further: counts and tells it, and closes when all
 * answers that are owed are given. */
void lc_session_break(struct lc_session *s, const char *what);

/* ---- request.c ---- */

/* One line, wherever it was found. cut: it is longer than the limit, this is its first part.
 * LC_EWAIT: it could not be handled now and is to come again. */
LC_MUST_CHECK lc_err lc_session_line(struct lc_session *s, enum lc_line_kind kind,
                                     struct lc_slice line, bool cut);
/* It was longer than `limit` octets. */
void lc_session_too_long(struct lc_session *s, enum lc_answer_kind kind, const char *what,
                         size_t limit);

/* v1 closes after its answer, unless more input waits. */
void lc_session_answered_v1(struct lc_session *s);

#endif
