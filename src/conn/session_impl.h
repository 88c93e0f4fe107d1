/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/session_impl.h - the inside of a session, shared by the two files that make it: text.c (the
 * stream: input, pauses, closing) and request.c (what one line means).
 */
#ifndef LC_CONN_TEXT_SESSION_H
#define LC_CONN_TEXT_SESSION_H

#include "conn/session.h"

enum lc_session_state {
    LC_SESSION_DETECTING,
    LC_SESSION_SPEAKING,
    LC_SESSION_ENDING, /* our side is shut; what comes is dropped */
    LC_SESSION_CLOSED
};

/* Why no further line is read. */
enum lc_session_stall {
    LC_STALL_ROOM = 1,    /* the store has none */
    LC_STALL_ANSWERS = 2, /* too many are owed */
    LC_STALL_OUTPUT = 4,  /* the peer doesn't read */
    LC_STALL_BUSY = 8     /* a question is being answered */
};

struct lc_session {
    const struct lc_session_config *config;
    const struct lc_session_handler *handler;
    void *user;
    struct lc_stream *stream;
    struct lc_slice source;
    struct lc_timer detect_timer;
    struct lc_answers answers;
    struct lc_dynbuf rest; /* input that was not yet handled when the peer ended */
    size_t scanned;        /* lc_line_next() */
    size_t skip;           /* octets to drop: what follows the part of a frame that was kept */
    size_t left;           /* octets of input behind the line that is being handled */
    enum lc_protocol protocol;
    enum lc_session_state state;
    unsigned stall;   /* enum lc_session_stall */
    bool skip_line;   /* the rest of a line that was too long */
    bool syslog_seen; /* so a line's start may be a count */
    bool timer_set;
    bool paused;
    bool feeding; /* inside feed(): it goes on by itself */
    bool eof;     /* the peer has ended */
    bool quit;    /* no further line is read */
    bool draining;
};

/* One line, in request.c. cut: it is longer than the limit, this is its first part. LC_EWAIT: it
 * could not be handled now and is to come again. */
LC_MUST_CHECK lc_err lc_session_line(struct lc_session *s, enum lc_line_kind kind,
                                     struct lc_slice line, bool cut);

/* v1 closes after its answer, unless more input waits. */
void lc_session_answered_v1(struct lc_session *s);

/* Sends the answers that are ready, in text.c. */
void lc_session_emit(struct lc_session *s);

#endif
