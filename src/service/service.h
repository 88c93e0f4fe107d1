/* SPDX-License-Identifier: Apache-2.0
 *
 * service/service.h - what a service is, and what the server gives to each.
 *
 * WHAT    A service answers on addresses of its own. It is one row of LC_SERVICES (server.h), from
 *         which its option and help are made, and one struct lc_service, found in lc_services[].
 *         Services never include each other: what they share is here.
 * THREAD  Said at each function; a worker's state belongs to the worker's thread.
 */
#ifndef LC_SERVICE_SERVICE_H
#define LC_SERVICE_SERVICE_H

#include <stdatomic.h>

#include "access/gate.h"
#include "base/list.h"
#include "conn/arrival.h"
#include "net/addr.h"
#include "net/loop.h"
#include "service/log.h"
#include "service/server.h"
#include "service/stats.h"
#include "store/store.h"

struct lc_doors;
struct lc_worker;

#define LC_ELSEWHERE_MAX 256

/* What all of a server share; it is set before the first worker starts, and stays. */
struct lc_site {
    /* As it was at the start; every "0: default" is resolved. What can be reloaded is read from
     * lc_worker.config. */
    struct lc_server_config config;
    const struct lc_clock *clock;
    struct lc_store *store;
    struct lc_log *log;
    struct lc_gate *gates[LC_SERVICE_COUNT]; /* NULL: a service without doors */
    const struct lc_doors *doors;            /* service/listen.h */
    struct lc_worker **workers;
    unsigned worker_count;
    struct lc_time started;
    atomic_uint_fast64_t relay_behind; /* of the relay, for STATS */
    atomic_int relay_target;           /* its number from 1 on; 0: none answers */
    /* One line for a peer that came to the wrong door. */
    char elsewhere[LC_SERVICE_COUNT][LC_ELSEWHERE_MAX];
};

/* One thread with its loop; what happens on its connections is on it alone. */
struct lc_worker {
    struct lc_site *site;
    const struct lc_server_config *config; /* as it is now; another one after reload() */
    unsigned index;
    struct lc_loop *loop;
    struct lc_shard *shard; /* this worker is its writer */
    struct lc_arrival_context arrivals;
    struct lc_dynbuf out;     /* scratch for answers, empty between calls */
    struct lc_dynbuf records; /* scratch for batches */
    struct lc_counters counters;
    struct lc_porter *porters[LC_SERVICE_COUNT]; /* at the gates */
    struct lc_link appenders;
    /* What a service calls when it has nothing left to wait for after drain() or drop(). */
    void (*idle)(struct lc_worker *w);
};

/* Who appends to the worker's shard, and so waits to hear what became of it. It is in
 * worker->appenders from open() on. */
struct lc_appender {
    struct lc_link all;
    /* Of ids up to outcome->upto (lc_shard_outcome() in store/store.h). */
    void (*outcome)(struct lc_appender *a, const struct lc_outcome *outcome);
    /* After all outcomes: perhaps there is room again for what had to wait. */
    void (*room)(struct lc_appender *a);
};

struct lc_service {
    /* Network addresses, NULL-terminated, and sockets in the data directory. The modes are those
     * of all Unix sockets of the service. NULL: the service has no doors. */
    const char *const *addresses;
    uint16_t port;     /* of an address without one */
    const char *other; /* an address to suggest when ours is taken */
    const char *stream_socket;
    unsigned stream_mode;
    const char *dgram_socket; /* NULL: none */
    unsigned dgram_mode;
    bool udp; /* an address without a scheme is also UDP */
    struct lc_policy_row access;
    const char *refusal; /* before the reason, on a line, for who is not let in; NULL: silence */

    /* start(): once, before open(), which is given *ret. stop(): after all loops have ended, and
     * before close(); no thread of the service runs afterwards. NULL is accepted. */
    lc_err (*start)(struct lc_site *site, void **ret);
    void (*stop)(void *shared);

    /* For each worker: open() before its loop runs, close() after; the rest on its thread (but
     * datagrams(), which is before too). A service whose *ret is NULL is off on this worker:
     * nothing more than close() is called. */
    lc_err (*open)(void *shared, struct lc_worker *w, void **ret);
    /* Takes fd and guest, who is to leave (lc_porter_leave) when the connection is closed, and also
     * when it cannot be opened. */
    void (*accept)(void *state, int fd, const struct lc_addr *peer, const struct lc_guest *guest);
    lc_err (*datagrams)(void *state, int fd); /* takes fd; NULL: the service takes none */
    /* The worker's config is another one, and the old one goes when this returns: texts that were
     * borrowed from it must be borrowed anew. NULL: nothing of it is kept. */
    void (*reload)(void *state);
    void (*drain)(void *state); /* ends everything in order, then w->idle() */
    void (*drop)(void *state);  /* after drain(): at once */
    bool (*is_idle)(const void *state);
    void (*close)(void *state); /* NULL is accepted */
};

extern const struct lc_service lc_service_collect;
extern const struct lc_service lc_service_forward;
extern const struct lc_service lc_service_gelf;
extern const struct lc_service lc_service_ask;
extern const struct lc_service lc_service_gather;
extern const struct lc_service lc_service_relay;
extern const struct lc_service *const lc_services[LC_SERVICE_COUNT];

#endif
