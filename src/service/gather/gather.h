/* SPDX-License-Identifier: Apache-2.0
 *
 * service/gather/gather.h - records that no socket brings: files that are followed, standard
 * input, programs that we run, the journal of systemd.
 *
 * WHAT    reader.c: the thread that reads, and what it waits for; feed.c: octets of one input into
 *         records; pattern.c: where a record begins; follow.c, table.c, scan.c, file.c, identity.c:
 *         files; program.c: programs and standard input; journal.c: journald; lane.c: from the
 *         reader to a worker and back; deliver.c: the worker's side, and the service.
 * WHO     Itself; the server sees only lc_service_gather (service/service.h).
 * THREAD  One reader thread, on which everything here runs but deliver.c: that runs on workers.
 *         They share nothing but lanes.
 * WAY     The reader fills a batch, posts it to the worker of the input's sender, and gets it
 *         back when all of it is committed. A worker without room keeps its batches; the reader
 *         then reads nothing more for it, and files and pipes are the queue. What the disk refused
 *         is appended again from the batch: so nothing is lost though it cannot be read twice.
 *         A record of a file carries the offset behind it as its sender's position, which is
 *         durable exactly when the record is: reading goes on there after whatever end.
 * BOUNDS  LC_BATCHES batches for each worker of about LC_BATCH_FULL octets and one record;
 *         LC_FILES_MAX files, of which LC_FILES_OPEN are open; for each input what is kept of a
 *         record that has not ended (LC_JOIN_KEEP_MAX).
 */
#ifndef LC_SERVICE_GATHER_GATHER_H
#define LC_SERVICE_GATHER_GATHER_H

#include <pthread.h>

#include "base/list.h"
#include "base/sender.h"
#include "proto/join.h"
#include "service/service.h"

#define LC_FILES_MAX        10000
#define LC_FILES_OPEN       512
#define LC_BATCHES          4
#define LC_BATCH_FULL       (256u << 10)
#define LC_READ_CHUNK       (256u << 10)
#define LC_GATHER_LINES_MAX 2000 /* of a joined record */

struct lc_gather;
struct lc_lane;

/* ---- lane.c ---- */

/* What the records of an input have in common, and what their lines may leave unsaid. Made and
 * freed by the reader, borrowed by batches. */
struct lc_source {
    struct lc_link retired;
    struct lc_lane *lane;
    uint64_t last_batch; /* of the lane: the last one that borrows it; 0: none did */
    bool has_sender;
    struct lc_sender_id sender;
    struct lc_slice app, host;
    struct lc_field field; /* of each record; no name: none */
    char texts[];
};

/* What the reader has found: a line that is yet to be told apart, or a whole record. */
struct lc_gathered {
    struct lc_source *source;
    struct lc_sender_position position; /* behind it; of a source with a sender */
    bool is_whole;                      /* `record` says all; else only its message counts */
    bool truncated;
    bool only_moves; /* nothing is stored, but the position counts */
    struct lc_record record;
};

/* On the worker: an entry of a batch. */
struct lc_entry {
    struct lc_gathered what; /* borrowed from the batch */
    uint64_t *id;            /* of the record once it is appended; 0: it is not */
};

struct lc_gather_batch {
    struct lc_dynbuf data;
    uint64_t last_id; /* all of it is appended, the last one as this; 0: no record is in it */
};

/* Batches go round: the reader fills number `given`, the worker gives them back in order. */
struct lc_lane {
    struct lc_gather *gather;
    struct lc_worker *worker;
    struct lc_gather_batch batches[LC_BATCHES]; /* number n is at n % LC_BATCHES */
    atomic_uint_fast64_t given; /* by the reader: numbers below it are the worker's */
    atomic_uint_fast64_t back;  /* by the worker: numbers below it are the reader's */
    struct lc_task come;        /* runs on the worker: there is something new */
    void *deliver;              /* the worker's */
};

void lc_lane_init(struct lc_lane *lane, struct lc_gather *g);
void lc_lane_done(struct lc_lane *lane);
/* Reader: whether a record can be put. False: until a batch comes back, which wakes the reader. */
bool lc_lane_has_room(const struct lc_lane *lane);
/* Reader: copies it. LC_EWAIT: no room, or no memory for now. */
LC_MUST_CHECK lc_err lc_lane_put(const struct lc_gathered *what);
/* Reader: hands over what was put. */
void lc_lane_hand_over(struct lc_lane *lane);
/* Reader: nothing that was put is still under way. */
bool lc_lane_is_empty(const struct lc_lane *lane);
/* Worker: reads the entry at *at and moves *at behind it; false: the batch ends there. `fields` is
 * room for LC_FIELDS_MAX. */
bool lc_gather_batch_next(struct lc_gather_batch *b, size_t *at, struct lc_field *fields,
                          struct lc_entry *ret);

/* A source of this host. `file`: a path; `stream`: of a program; NULL: none. NULL: no memory. */
struct lc_source *lc_source_new(struct lc_gather *g, const struct lc_sender_id *sender,
                                struct lc_slice app, const char *field, const char *value);
/* Frees it when no batch borrows it any more. NULL is accepted. */
void lc_source_retire(struct lc_gather *g, struct lc_source *s);

/* ---- feed.c ---- */

/* The octets of one input on their way to be records. */
struct lc_feed {
    struct lc_source *source;
    struct lc_joiner joiner;
    struct lc_dynbuf rest; /* read and not spent */
    uint64_t at;           /* in the input: where the rest begins; all before it is put */
    uint64_t epoch;
    bool can_reread;      /* so what is not put need not be kept */
    bool is_stuck;        /* the lane had no room: lc_feed_go_on() */
    bool ends;            /* nothing will come behind the rest */
    struct lc_link timed; /* while something waits for a further line, or for its end */
    struct lc_time due;
};

/* can_reread: whoever reads can go back to `at`. -ENOMEM: never of such. */
LC_MUST_CHECK lc_err lc_feed_init(struct lc_feed *f, struct lc_gather *g, bool can_reread);
void lc_feed_done(struct lc_feed *f);
/* Forgets what is not spent. */
void lc_feed_reset(struct lc_feed *f, uint64_t at, uint64_t epoch);
/* Where in the input the next octets are to be read. */
uint64_t lc_feed_next(const struct lc_feed *f);
/* Memory for the next LC_READ_CHUNK octets; valid until lc_feed_take(). */
uint8_t *lc_feed_room(struct lc_feed *f, struct lc_gather *g);
/* `n` octets have been read there. */
void lc_feed_take(struct lc_feed *f, struct lc_gather *g, size_t n);
/* Puts what could not be put; false: there is still no room. */
bool lc_feed_go_on(struct lc_feed *f, struct lc_gather *g);
/* What is there is the last: put it. False: no room, and lc_feed_go_on() does it. */
bool lc_feed_end(struct lc_feed *f, struct lc_gather *g);
/* Puts what has waited long enough. Returns when the next will have; LC_TIME_NEVER. */
struct lc_time lc_feeds_time_out(struct lc_gather *g, struct lc_time now);

/* ---- identity.c ---- */

#define LC_PRINT_MAX 1024 /* octets at the start of a file by which it is known again */

/* Who a file is, whatever it is called. */
struct lc_file_id {
    uint64_t filesystem; /* a number of the file system that outlives a reboot where it has one */
    uint64_t inode;
};
void lc_file_sender(const struct lc_file_id *id, struct lc_sender_id *ret);

/* An epoch is a generation (20 bits: one more when the file was truncated, or its inode is used
 * again), how many octets the fingerprint covers (11 bits), and their CRC-32C. It grows with each
 * change. */
uint64_t lc_epoch_make(uint64_t generation, struct lc_slice start);
unsigned lc_epoch_covers(uint64_t epoch);
/* Whether a file that begins with `start` (LC_PRINT_MAX octets, or all that it has) is the one of
 * this epoch. */
bool lc_epoch_fits(uint64_t epoch, struct lc_slice start);
/* The same file, which has grown, with a fingerprint of all of `start`. */
uint64_t lc_epoch_grow(uint64_t epoch, struct lc_slice start);
/* Another file, or its octets anew. */
uint64_t lc_epoch_next(uint64_t epoch, struct lc_slice start);

/* ---- follow.c, file.c ---- */

struct lc_follow;

LC_MUST_CHECK lc_err lc_follow_new(struct lc_gather *g, struct lc_follow **ret);
void lc_follow_free(struct lc_follow *f); /* NULL is accepted */
/* For poll(); -1: none. */
int lc_follow_fd(const struct lc_follow *f);
/* Looks at what has changed, and reads a bounded piece. True: there is more to be read now.
 * *deadline is made earlier when something is to be done then. */
bool lc_follow_turn(struct lc_follow *f, struct lc_time now, struct lc_time *deadline);
/* Files that are to be read once and are not at their end. */
size_t lc_follow_unread(const struct lc_follow *f);
/* Of these: one could not be read. */
bool lc_follow_has_failed(const struct lc_follow *f);

/* ---- program.c ---- */

struct lc_programs;
struct pollfd;

#define LC_PROGRAM_FDS (4 * LC_LIST_MAX)

/* Whether what is to be read once is no file with positions: "-", a pipe, a terminal. */
bool lc_is_stream(const char *path);

LC_MUST_CHECK lc_err lc_programs_new(struct lc_gather *g, struct lc_programs **ret);
void lc_programs_free(struct lc_programs *p); /* kills them; NULL is accepted */
/* What to wait for; returns how many, at most LC_PROGRAM_FDS. */
size_t lc_programs_fds(const struct lc_programs *p, struct pollfd *fds);
/* As lc_follow_turn(); `fds` as filled by the last lc_programs_fds(), or NULL. */
bool lc_programs_turn(struct lc_programs *p, const struct pollfd *fds, struct lc_time now,
                      struct lc_time *deadline);
/* Tells them to end; pipes that are read have ended. */
void lc_programs_end(struct lc_programs *p);
/* Programs that run, and pipes that are read; once: without programs that are started again. */
size_t lc_programs_running(const struct lc_programs *p, bool once);
/* What the first program that failed ended with, as a shell says it; LC_GATHER_UNREAD: a pipe could
 * not be read; 0. */
int lc_programs_exit_code(const struct lc_programs *p);

/* ---- journal.c ---- */

struct lc_journal;

LC_MUST_CHECK lc_err lc_journal_new(struct lc_gather *g, struct lc_journal **ret);
void lc_journal_free(struct lc_journal *j); /* NULL is accepted */
/* For poll(): the descriptor (-1: none) and its events. */
int lc_journal_fd(const struct lc_journal *j, short *ret_events);
/* As lc_follow_turn(). */
bool lc_journal_turn(struct lc_journal *j, struct lc_time now, struct lc_time *deadline);

/* ---- reader.c ---- */

struct lc_gather {
    struct lc_site *site;
    const struct lc_gather_config *config;
    struct lc_join_rules rules;
    char host[256];
    struct lc_lane *lanes; /* of each worker */
    unsigned lane_count;
    unsigned opened; /* workers that are there */

    /* the reader's */
    pthread_t thread;
    pthread_mutex_t ending; /* of lc_gather_drop() */
    bool is_started;
    uint8_t *chunk; /* lc_feed_room() */
    size_t rest_max;
    struct lc_link timed, retired; /* feeds, sources */
    struct lc_follow *follow;
    struct lc_programs *programs;
    struct lc_journal *journal;
    struct lc_time hand_over_at;
    bool told_done;

    int wake_fd;
    atomic_bool stopping; /* programs are to end, files are read no further */
    atomic_bool dropping; /* the thread ends at once */
    atomic_bool finished; /* it posts nothing more */
};

bool lc_gather_is_wanted(const struct lc_gather_config *c);
LC_MUST_CHECK lc_err lc_gather_new(struct lc_site *site, struct lc_gather **ret);
LC_MUST_CHECK lc_err lc_gather_start(struct lc_gather *g);
void lc_gather_wake(struct lc_gather *g); /* any thread */
/* Ends the thread at once, and waits for that. */
void lc_gather_drop(struct lc_gather *g);
void lc_gather_free(struct lc_gather *g); /* NULL is accepted */
/* The lane of a sender: always the same while the server runs. */
struct lc_lane *lc_gather_lane(struct lc_gather *g, const struct lc_sender_id *sender);

#endif
