/* SPDX-License-Identifier: Apache-2.0
 *
 * service/relay/relay.h - sends what is stored on to another server, without loss.
 *
 * WHAT    One binary v2 sender (proto/batch.h) for each shard of the store. What a record is
 *         numbered by there is its own sequence in its shard; what the target says is stored is
 *         where to go on. So the store itself is the spool, and there is no other.
 * WAY     lc_feed_fill() reads from the store into a batch; a link sends it and hears what was
 *         stored; the relay decides which target all links talk to, and keeps the state file.
 * THREAD  All of it has one thread with a loop of its own, which may read files; the service's
 *         functions are called by the first worker and hand over by tasks.
 * BOUNDS  LC_RELAY_WINDOW octets and LC_RELAY_FLIGHT batches that nobody has acknowledged, for
 *         each link its share; what a link holds of segments likewise.
 */
#ifndef LC_SERVICE_RELAY_RELAY_H
#define LC_SERVICE_RELAY_RELAY_H

#include <pthread.h>

#include "net/backoff.h"
#include "net/connect.h"
#include "net/stream.h"
#include "proto/batch.h"
#include "query/query.h"
#include "service/service.h"

#define LC_RELAY_TARGETS 16
#define LC_RELAY_PORT    9999
#define LC_RELAY_FLIGHT  64          /* batches of one link */
#define LC_RELAY_WINDOW  (16u << 20) /* octets of all links */
#define LC_RELAY_BATCH   (256u << 10)
#define LC_RELAY_HOPS    8 /* relays that a record passes at most */
#define LC_RELAY_FIELD   "relayed_by"

struct lc_relay;

enum lc_link_phase {
    LC_LINK_IDLE, /* nothing to send, or the relay waits */
    LC_LINK_CONNECTING,
    LC_LINK_HELLO, /* connected, its position not yet known */
    LC_LINK_OPEN,
};

struct lc_flight {
    uint64_t last; /* sequence of its last record */
    uint32_t count;
    size_t octets;
};

/* One shard on its way. Positions are ids of the store. */
struct lc_relay_link {
    struct lc_relay *relay;
    unsigned shard;
    struct lc_sender_id sender;
    enum lc_link_phase phase;
    struct lc_connect *race;
    struct lc_stream *stream;
    uint64_t messages; /* sent on this connection */
    uint64_t end;      /* of the shard, when it was looked at last */

    uint64_t acked;   /* all up to it is dealt with */
    uint64_t saved;   /* likewise, and the state file says so */
    uint64_t cursor;  /* what is read next follows it */
    uint64_t counted; /* up to there it is counted what is missing */
    uint64_t sent;    /* the last id that was ever sent, and */
    int sent_to;      /* to which target; -1: one that is not known any more */
    uint64_t doubted; /* up to there records may be stored elsewhere */

    struct lc_batch_writer batch;
    bool is_full; /* the batch is */
    struct lc_tail_files *files;
    struct lc_flight flight[LC_RELAY_FLIGHT]; /* a ring: batches on their way, oldest first */
    unsigned flight_first, flight_count;
    size_t flight_octets;
};

struct lc_relay {
    struct lc_site *site;
    struct lc_worker *worker; /* the first one: the service is on it */
    const struct lc_relay_config *config;
    struct lc_query *query;
    char mark[9];    /* of this store, in the field that tells where a record was */
    char path[4096]; /* of the state file */
    struct lc_endpoint targets[LC_RELAY_TARGETS];
    unsigned target_count;

    pthread_t thread;
    bool has_thread;
    struct lc_loop *loop;
    struct lc_resolver *resolver;
    struct lc_connector *connector;
    struct lc_task committed, stop, ended;
    atomic_bool is_over; /* the thread touches nothing any more */

    struct lc_relay_link *links;
    unsigned link_count;
    struct lc_tail_cursor *view; /* scratch: of one shard only */
    struct lc_dynbuf out;        /* scratch: a message */

    unsigned target;    /* all links talk to this one */
    unsigned probed;    /* a preferred one was tried last */
    bool is_up;         /* it has answered since it was chosen */
    bool is_known_lost; /* it was told that there is none */
    bool is_moving;     /* back to a preferred one, as soon as nothing is on its way */
    bool is_paused;     /* until `retry` */
    uint64_t epoch;     /* another one when a target knows more of us than we do */
    int saved_target;   /* the one that the state file names; -1: none */
    unsigned failures;  /* since one has answered */
    struct lc_backoff backoff;
    struct lc_connect *probe;
    struct lc_timer retry, tick;
    unsigned ticks;
    bool is_stopping;
    bool is_dirty; /* the state file is behind */
    char trouble[256];
};

/* ---- relay.c ---- */

/* The target of a link does not work: another one is tried, or this one later. */
void lc_relay_failed(struct lc_relay_link *l, const char *why);
/* It works. */
void lc_relay_works(struct lc_relay_link *l);
struct lc_counters *lc_relay_counters(struct lc_relay *r);

/* ---- link.c ---- */

lc_err lc_link_open(struct lc_relay_link *l, struct lc_relay *r, unsigned shard);
void lc_link_close(struct lc_relay_link *l);
/* Connects if there is something to send, sends what may be sent. True: there is more to do at
 * once.
 */
bool lc_link_go_on(struct lc_relay_link *l, struct lc_snapshot *snap);
/* Ends its connection; what was on its way is sent again. */
void lc_link_drop(struct lc_relay_link *l);

/* ---- feed.c ---- */

/* Reads on into the link's batch until it is full or nothing follows; for some time at most, and
 * then *ret_more is true. -ENOMEM, -errno. */
LC_MUST_CHECK lc_err lc_feed_fill(struct lc_relay_link *l, struct lc_snapshot *snap,
                                  bool *ret_more);

/* ---- state.c ---- */

/* What the state file says of all links; without one, nothing. */
void lc_relay_load(struct lc_relay *r);
/* Makes it durable, and releases what a spool need not hold any more. */
LC_MUST_CHECK lc_err lc_relay_save(struct lc_relay *r);

#endif
