/* SPDX-License-Identifier: Apache-2.0
 *
 * service/ask/ask.h - questions: from a request to its rows, and tails.
 *
 * WHAT    ask.c: connections and requests; answer.c: one answer, made on a query's thread;
 *         tail.c: rows as they are committed; sockets.c: the server's own sockets.
 * WHO     Itself; the server sees only lc_service_ask (service/service.h).
 * THREAD  The worker's, but lc_answer's run, which is on a thread of the pool.
 * WAY     A request becomes a plan on the worker. Its answer is a job of the pool: the whole text,
 *         from RESULT to END, goes through a bounded handover to the worker, and from there into
 *         the stream as the client reads. A client that goes away cancels its job. A tail reads on
 *         the worker what is in memory, and by a job what is only in files.
 */
#ifndef LC_SERVICE_ASK_H
#define LC_SERVICE_ASK_H

#include "base/list.h"
#include "conn/session.h"
#include "query/query.h"
#include "service/ask/handover.h"
#include "service/service.h"

#define LC_ASK_OUT_HIGH ((size_t)256 << 10)
#define LC_ASK_BATCH    ((size_t)64 << 10) /* octets of rows handed over at once, about */
#define LC_ASK_ROW_MAX  ((size_t)16 << 20) /* the largest record, every octet escaped */

struct lc_answer;
struct lc_listing;
struct lc_tail;

/* A worker's part of the service. */
struct lc_ask {
    struct lc_worker *worker;
    struct lc_pool *pool;
    struct lc_session_config session;
    struct lc_link askers;
    struct lc_link tails;
    unsigned tail_count;
    struct lc_task follow; /* the store has committed something */
    struct lc_dynbuf rows; /* scratch for tails, empty between calls */
    struct lc_listing *listing;
    unsigned answers; /* jobs not yet ended: they outlive their askers */
    bool draining;
};

/* One connection. */
struct lc_asker {
    struct lc_link link;
    struct lc_ask *ask;
    struct lc_session *session;
    struct lc_answer *answer; /* being made; NULL: none */
    struct lc_tail *tail;     /* NULL: none */
    struct lc_timer stuck;    /* looks whether the client reads */
    uint64_t sent;            /* octets given to the stream */
    uint64_t read;            /* of these, those that had left when it was last looked at */
    bool stuck_set;
    bool waits_for_listing;
    bool json;
    struct lc_guest guest;
    char source[LC_ADDR_TEXT_MAX];
};

/* The form of rows. */
enum lc_row_form { LC_ROW_V1, LC_ROW_V2, LC_ROW_JSON };
LC_MUST_CHECK lc_err lc_ask_row(enum lc_row_form form, const struct lc_record *r,
                                struct lc_dynbuf *out);

/* Queue octets for the client, and watch that it reads on. */
void lc_asker_write(struct lc_asker *a, struct lc_slice octets);
void lc_asker_send(struct lc_asker *a, struct lc_buf *buf);
/* What a human is told of it. */
#define LC_ASK_REASON_MAX 512
void lc_ask_reason(const struct lc_diag *diag, lc_err e, char out[LC_ASK_REASON_MAX]);
/* Tells it to the asker, and ends the question. */
void lc_asker_fail(struct lc_asker *a, bool v1, const struct lc_diag *diag, lc_err e);

/* Tells the worker when nothing is left to wait for. */
void lc_ask_check_idle(struct lc_ask *ask);

/* ---- answer.c ---- */

enum lc_answer_form {
    LC_ANSWER_EXACT, /* RESULT with the count, rows, END */
    LC_ANSWER_COUNT, /* the number as the only row */
    LC_ANSWER_QL,    /* RESULT|*, rows, END with the count */
    LC_ANSWER_ROWS,  /* the same rows alone: the session says how it ended */
    LC_ANSWER_TAIL   /* rows after a cursor, without head and end */
};

struct lc_answer {
    struct lc_job job;
    struct lc_task data, ended;
    struct lc_handover out;
    atomic_bool cancel;
    struct lc_ask *ask;
    struct lc_asker *asker; /* NULL: the client has gone. Worker's only */
    struct lc_query *query; /* counted */
    enum lc_answer_form form;
    enum lc_row_form row_form;
    bool has_ended; /* worker's: what follows is valid, and the thread is done with it */
    lc_err err;
    struct lc_diag diag;
    bool is_cut; /* its end is missing: the client must not take it for whole */
    uint64_t rows, missed;
    struct lc_tail_cursor *cursor; /* of LC_ANSWER_TAIL: from where, then how far it came */
    struct lc_dynbuf text;         /* the thread's: not yet handed over */
    struct lc_dynbuf columns;      /* the thread's: names of a table, each with a NUL behind it */
};

/* Begins an answer: its octets go to the asker's stream, then lc_asker_answered() is called. Takes
 * over `query` and `cursor` (malloc'ed; NULL but for LC_ANSWER_TAIL) in every case. */
LC_MUST_CHECK lc_err lc_answer_begin(struct lc_asker *a, struct lc_query *query,
                                     enum lc_answer_form form, enum lc_row_form row_form,
                                     struct lc_tail_cursor *cursor);
/* Sends what is there, as far as the client reads. */
void lc_answer_forward(struct lc_answer *answer);
/* The asker is gone or wants no more. */
void lc_answer_cancel(struct lc_answer *answer);

/* In ask.c: all of an answer has been sent; it is freed after this call. */
void lc_asker_answered(struct lc_asker *a, struct lc_answer *answer);

/* A cell of a row `name=value|name=value`: what would end it is written as \p, \n, \r, \\. */
LC_MUST_CHECK lc_err lc_ask_cell(struct lc_dynbuf *out, struct lc_slice value);

/* ---- sockets.c ---- */

LC_MUST_CHECK lc_err lc_listing_new(struct lc_ask *ask, struct lc_listing **ret);
/* After all loops have ended. NULL is accepted. */
void lc_listing_free(struct lc_listing *l);
/* Answers with all sockets of the server, as soon as nobody else is being answered. */
void lc_listing_ask(struct lc_asker *a);
/* The client reads again. */
void lc_listing_go_on(struct lc_asker *a);
/* The asker goes away. */
void lc_listing_cancel(struct lc_asker *a);

/* ---- tail.c ---- */

/* Begins a tail, or tells the asker why not. */
void lc_tail_begin(struct lc_asker *a, struct lc_slice parameter);
/* Whether all of the snapshot has been looked at. */
bool lc_tail_is_at_end(const struct lc_tail_cursor *cursor, const struct lc_snapshot *snap);
/* The answer that has read from files has ended. */
void lc_tail_caught_up(struct lc_asker *a, struct lc_answer *answer);
/* The client reads again. */
void lc_tail_go_on(struct lc_asker *a);
/* The client has shut its side: a row tells whether it still reads. */
void lc_tail_probe(struct lc_asker *a);
/* Ends it with END, and with it the question. */
void lc_tail_end(struct lc_asker *a);
/* Frees it without a word. */
void lc_tail_free(struct lc_asker *a);
/* Of lc_ask.follow */
void lc_tail_follow(struct lc_task *task);

#endif
