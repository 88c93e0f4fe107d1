/* SPDX-License-Identifier: Apache-2.0
 *
 * service/collect/collect.h - records in: from sessions and datagrams into the worker's shard, and
 * the answers back when they are durable.
 *
 * WHAT    collect.c: one worker's part, and the services; sender.c: connections and their answers;
 *         intake.c: one record, completed and appended; dgrams.c: datagrams; batches.c: senders
 *         that number their records; handed.c: their connections, on the way to the worker that
 *         they belong to.
 * WHO     Itself; the server sees only lc_service_collect (service/service.h).
 * THREAD  The worker's.
 * WAY     A turn of the loop appends what has come; at its end the committer is told once. What
 *         became of it comes back as one task, which answers all connections that wait. When the
 *         shard has no room, TCP and Unix streams pause, and datagrams stay in the kernel.
 */
#ifndef LC_SERVICE_COLLECT_H
#define LC_SERVICE_COLLECT_H

#include <pthread.h>

#include "conn/dgram.h"
#include "conn/session.h"
#include "net/dgram.h"
#include "service/complete.h"
#include "service/listen.h"
#include "service/service.h"

/* ---- intake.c ---- */

struct lc_intake {
    struct lc_worker *worker;
    struct lc_task flush; /* at the end of the turn */
    bool urgent;          /* somebody waits for an answer */
    struct lc_completion completion;
};

void lc_intake_init(struct lc_intake *in, struct lc_worker *w);

/* Whose record it is, and how far that brings the sender. */
struct lc_intake_from {
    const struct lc_sender_id *sender;
    struct lc_sender_position at;
};

/* Completes the record and appends it. LC_EWAIT: no room now; other errors: refused, and logged.
 * from: NULL: of nobody who counts */
LC_MUST_CHECK lc_err lc_intake_append(struct lc_intake *in, const struct lc_arrival *a,
                                      const struct lc_intake_from *from, uint64_t *ret_id);
/* The committer is told at the end of the turn. */
void lc_intake_flush(struct lc_intake *in, bool urgent);

/* Octets of a record, as a policy counts them. */
uint64_t lc_intake_octets(const struct lc_arrival *a);

/* ---- batches.c ---- */

/* The senders of batches that come by this worker's shard. */
struct lc_batching {
    struct lc_intake *intake;
    struct lc_link all;     /* struct lc_shipper */
    struct lc_task skipped; /* answers those of whom nothing was new */
    uint64_t pending;       /* the last of their ids, while what became of it is not known; or 0 */
};

enum lc_shipper_state {
    LC_SHIPPER_NONE,  /* it has not said HELLO */
    LC_SHIPPER_WAITS, /* to be let in */
    LC_SHIPPER_IN,
    LC_SHIPPER_OUT,   /* until another HELLO, if any comes */
    LC_SHIPPER_FENCED /* by a newer connection */
};

/* A connection's part in it; zero at first. */
struct lc_shipper {
    enum lc_shipper_state state;
    bool is_owed; /* an answer about records that were skipped */
    struct lc_session *session;
    struct lc_link all;
    struct lc_sender_id id;
    struct lc_sender_position at; /* what was appended */
    uint64_t told;                /* what the sender was told to be durable */
    char text[2 * sizeof(struct lc_sender_id) + 1];
};

void lc_batching_init(struct lc_batching *b, struct lc_intake *intake);
/* Its HELLO has come (lc_session_handler); older connections of the sender are closed. */
void lc_shipper_hello(struct lc_batching *b, struct lc_shipper *sh, struct lc_session *session,
                      const struct lc_batch_hello *hello);
/* The connection is gone. */
void lc_shipper_left(struct lc_shipper *sh);
/* The record needs nothing more than an answer. */
bool lc_shipper_has_stored(struct lc_batching *b, struct lc_shipper *sh, uint64_t sequence);
/* As batched() of lc_session_handler. A record over the limits of the store is passed over. */
LC_MUST_CHECK lc_err lc_shipper_append(struct lc_batching *b, struct lc_shipper *sh,
                                       struct lc_arrival *a, uint64_t sequence, bool doubted);
/* A record that can never be stored must not stop its sender: it goes on behind it. */
LC_MUST_CHECK lc_err lc_shipper_pass(struct lc_batching *b, struct lc_shipper *sh,
                                     uint64_t sequence);
/* As those of struct lc_appender. */
void lc_batching_outcome(struct lc_batching *b, const struct lc_outcome *outcome);
void lc_batching_progress(struct lc_batching *b);

/* ---- handed.c ---- */

/* A connection that has said HELLO to another worker than its sender's. */
struct lc_handed {
    struct lc_handed *next;
    int fd;
    uint64_t sequence; /* of HELLO */
    struct lc_addr peer;
    struct lc_guest guest;
    struct lc_batch_hello hello; /* without the name */
    char source[LC_ADDR_TEXT_MAX];
};

/* A worker's: others put in, it takes out. */
struct lc_handed_box {
    pthread_mutex_t lock;
    struct lc_handed *first, **last;
    struct lc_task task;
};

/* run: by the worker, when something is there */
void lc_handed_box_init(struct lc_handed_box *box, void (*run)(struct lc_task *task));
/* Closes what nobody has taken. */
void lc_handed_box_done(struct lc_handed_box *box);
/* Takes `h`. */
void lc_handed_post(struct lc_handed_box *box, struct lc_loop *loop, struct lc_handed *h);
/* NULL: there is none. */
struct lc_handed *lc_handed_take(struct lc_handed_box *box);

/* ---- dgrams.c ---- */

struct lc_dgram_in;

/* Takes `fd` in every case. `rules` is copied; where its records go is set here. What the porter
 * does not let in is dropped and counted. */
LC_MUST_CHECK lc_err lc_dgram_in_open(struct lc_intake *intake, struct lc_porter *porter,
                                      enum lc_service_id service,
                                      const struct lc_datagram_rules *rules, int fd,
                                      struct lc_dgram_in **ret);
/* There is room again. */
void lc_dgram_in_retry(struct lc_dgram_in *d);
/* Takes what the kernel still holds, and closes the socket. What finds no room is kept. */
void lc_dgram_in_close(struct lc_dgram_in *d);
bool lc_dgram_in_is_empty(const struct lc_dgram_in *d);
/* After lc_dgram_in_close(). What is still kept is dropped and counted. */
void lc_dgram_in_free(struct lc_dgram_in *d);

/* ---- collect.c ---- */

#define LC_COLLECT_DGRAMS_MAX LC_DOORS_MAX

/* What one of the services speaks. */
struct lc_collect_kind {
    enum lc_service_id id;
    unsigned speaks; /* on streams */
    /* Of datagrams; NULL: none are taken. */
    size_t (*take)(const struct lc_datagram_rules *rules, struct lc_slice data,
                   struct lc_slice source, bool truncated);
};

/* Of one service, on all workers. */
struct lc_collect_site {
    struct lc_collect *of[LC_WORKERS_MAX];
};

struct lc_collect {
    struct lc_worker *worker;
    struct lc_collect_site *site; /* NULL: no batches are spoken */
    struct lc_batching batching;
    struct lc_handed_box handed;
    struct lc_session_config session;
    struct lc_intake intake;
    struct lc_appender appender;
    const struct lc_collect_kind *kind;
    struct lc_link all, waiting, stalled, slowed; /* of sender.c */
    struct lc_timer speed_up;                     /* looks again at those slowed */
    struct lc_time looks_again;                   /* valid when it is set */
    bool is_set;
    struct lc_dgram_in *dgrams[LC_COLLECT_DGRAMS_MAX];
    size_t dgram_count;
    bool draining;
};

struct lc_porter *lc_collect_porter(const struct lc_collect *c);
/* Tells the worker when it drains and nothing is left. */
void lc_collect_check_idle(struct lc_collect *c);

/* ---- sender.c ---- */

/* As that of struct lc_service; state: struct lc_collect. */
void lc_collect_accept(void *state, int fd, const struct lc_addr *peer,
                       const struct lc_guest *guest);
/* Of lc_collect.handed and lc_collect.speed_up. */
void lc_collect_take_handed(struct lc_task *task);
void lc_collect_speed_up(struct lc_timer *timer);
/* Answers those who wait for what became of their records. */
void lc_collect_answer(struct lc_collect *c, const struct lc_outcome *outcome);
/* There is room again. */
void lc_collect_go_on(struct lc_collect *c);
void lc_collect_drain_senders(struct lc_collect *c);
void lc_collect_drop_senders(struct lc_collect *c);

#endif
