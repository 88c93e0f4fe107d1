/* SPDX-License-Identifier: Apache-2.0
 *
 * conn/answers.h - what a connection is still owed, in the order in which it asked.
 *
 * WHAT    Records wait here until they are durable; an answer that is ready at once stands behind
 *         those that are not. Runs of records are kept as (first id, step, count), so a stream
 *         of thousands of lines is a few dozen octets. No I/O: ready answers are appended to a
 *         buffer of the caller.
 * THREAD  One owner.
 */
#ifndef LC_CONN_ANSWERS_H
#define LC_CONN_ANSWERS_H

#include "base/buf.h"

/* When a plain line is answered; docs/protocols.md, "Plain lines". */
enum lc_acks { LC_ACKS_AUTO, LC_ACKS_ON, LC_ACKS_OFF };

/* In which language an answer about a record is given. */
enum lc_answer_kind {
    LC_ANSWER_PLAIN,   /* a plain line: as lc_acks says */
    LC_ANSWER_SILENT,  /* syslog: never */
    LC_ANSWER_V1,      /* ACK, ERROR:<reason> */
    LC_ANSWER_V2,      /* OK|<id>, ERROR|<reason> */
    LC_ANSWER_FRAME,   /* a length-prefixed frame that holds what v1 answers */
    LC_ANSWER_BINARY1, /* a packet of binary v1 with the request's sequence */
    LC_ANSWER_PROMISE, /* ready; given when some records are durable, else not at all */
    LC_ANSWER_TEXT     /* ready; waits for its turn only */
};

struct lc_answer_run;

struct lc_answers {
    struct lc_answer_run *runs; /* a ring */
    uint32_t head, count, cap;
    uint32_t octets; /* an upper bound of what all of them will be */
};

/* What the connection looks like while answers are made. */
struct lc_answer_mood {
    enum lc_acks acks;
    bool quiet;  /* nothing more has come in */
    bool piling; /* the peer doesn't read what it was answered */
};

/* To the sender of a record that the store refuses; the seeds' words. */
#define LC_ANSWER_FULL "Log storage full"

/* Octets of the longest answer about one record. */
#define LC_ANSWER_MAX 32
/* Over it lc_answers_room() says LC_EWAIT. */
#define LC_ANSWERS_OCTETS_MAX ((size_t)512 << 10)

void lc_answers_init(struct lc_answers *a);
void lc_answers_done(struct lc_answers *a);

static inline bool lc_answers_is_empty(const struct lc_answers *a)
{
    return a->count == 0;
}

/* Makes sure that one more answer can be kept. LC_EWAIT: not before earlier ones are given;
 * -ENOMEM: and there are none. */
LC_MUST_CHECK lc_err lc_answers_room(struct lc_answers *a);

/* A record that has got `id` (larger than those before). sequence: of its request, in BINARY1;
 * else 0. After lc_answers_room(). */
void lc_answers_wait(struct lc_answers *a, enum lc_answer_kind kind, uint32_t sequence,
                     uint64_t id);

/* A ready answer about the records that have got the ids first..last of this connection: given
 * when all of them are durable; dropped when any of them is refused. After lc_answers_room().
 * -ENOMEM. */
LC_MUST_CHECK lc_err lc_answers_promise(struct lc_answers *a, uint64_t first, uint64_t last,
                                        struct lc_slice text);

/* A ready answer, with its line's end: appended to `out` when nothing stands before it, else kept.
 * After lc_answers_room(). -ENOMEM, LC_ELIMIT (out). */
LC_MUST_CHECK lc_err lc_answers_say(struct lc_answers *a, struct lc_slice text,
                                    struct lc_dynbuf *out);

/* All records up to `upto` are durable (LC_OK) or refused (LC_EFULL): appends their answers and
 * the ready ones behind them. `out` takes LC_ANSWERS_OCTETS_MAX octets at least. */
LC_MUST_CHECK lc_err lc_answers_outcome(struct lc_answers *a, uint64_t upto, lc_err outcome,
                                        const struct lc_answer_mood *mood, struct lc_dynbuf *out);

/* A refusal in the language of `kind`, cut to `cap` octets (at least LC_ANSWER_MAX); returns how
 * many there are, 0: none is given. command: of the request, in BINARY1. */
size_t lc_answer_error(enum lc_answer_kind kind, uint8_t command, uint32_t sequence,
                       const char *reason, char *out, size_t cap);

#endif
