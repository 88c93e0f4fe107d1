/* SPDX-License-Identifier: Apache-2.0
 *
 * service/server.h - the running server: a store, its workers, and the services that they offer.
 *
 * WHAT    Opens the store, starts the workers, listens, and takes all of it down again in order:
 *         what was acknowledged is durable, what is durable is answered.
 * WHO     cli/ (`logcaster serve`), and tests, which run one in their own process.
 * THREAD  A server is started and freed by one thread; it has threads of its own: the workers,
 *         the query threads, and those of the store.
 */
#ifndef LC_SERVICE_SERVER_H
#define LC_SERVICE_SERVER_H

#include "base/record.h"
#include "conf/options.h"
#include "conn/answers.h"

/* The rows of the service table (service/service.h): option name, what it grants.
 * The command line and the configuration make one address option of each that has doors. */
#define LC_DOOR_SERVICES(X)                                                                        \
    X(LOGS, logs, "takes log records and PING; nothing can be asked here")                         \
    X(QUERY, query, "answers queries, tails and STATS; nothing can be stored here")                \
    X(FORWARD, forward, "takes Fluentd forward; off unless an address is given")                   \
    X(GELF, gelf, "takes GELF; off unless an address is given")
/* And those without: they have options of their own. */
#define LC_SERVICES(X)                                                                             \
    LC_DOOR_SERVICES(X)                                                                            \
    X(GATHER, gather, "follows files, runs programs, reads the journal")                           \
    X(RELAY, relay, "sends what is stored on to another server")

#define LC_SERVICE_ENUM(id, name, help) LC_SERVICE_##id,
enum lc_service_id { LC_SERVICES(LC_SERVICE_ENUM) LC_SERVICE_COUNT };
#undef LC_SERVICE_ENUM

/* Sockets of one service: what is given, each perhaps two transports and several addresses, and
 * its sockets in the data directory. */
#define LC_DOORS_MAX 64

/* What an answer promises. */
enum lc_ack { LC_ACK_SYNCED, LC_ACK_WRITTEN };

/* Options of each service; their table is in service/options.c. */
struct lc_service_config {
    /* Addresses as in net/addr.h. Empty: the network addresses of docs/protocols.md ("Where to
     * connect"). `none`: no network address. For `logs` an address without a scheme is TCP and UDP
     * at one port. The sockets in data_dir (logs.sock, logs.dgram, query.sock) are always there. */
    struct lc_list listen;
    struct lc_list socket; /* NAME=VALUE: options of its sockets (net/options.h) */
    /* Who may come in: docs/access.md. */
    int policy; /* enum lc_policy_kind */
    struct lc_list allow, deny, trust_proxy;
    struct lc_rate connections_rate;
    uint64_t connections_max; /* 0: no limit */
    struct lc_rate records_rate, octets_rate;
    const char *space; /* of the records that come in here and name none */
};

/* As what a line of an input is taken. */
enum lc_gather_format { LC_GATHER_AUTO, LC_GATHER_PLAIN, LC_GATHER_JSON, LC_GATHER_SYSLOG };

#define LC_GATHER_UNREAD 2

/* Inputs that no socket brings (docs/gathering.md). Zeroed: none. */
struct lc_gather_config {
    /* Options; their rows are lc_gather_rows of service/options.h. */
    struct lc_list follow;         /* patterns of files */
    bool from_end;                 /* what a pattern finds when it is first used is not wanted */
    struct lc_list exec;           /* commands for /bin/sh */
    bool exec_once;                /* they are not started again */
    bool journald;                 /* the journal of this machine */
    const char *journald_path;     /* of a directory of journal files, or of one; NULL: none */
    struct lc_list journald_match; /* FIELD=VALUE */
    int format;                    /* enum lc_gather_format */
    int join;                      /* enum lc_join of proto/join.h */
    const char *join_start;        /* an expression; with it `join` is LC_JOIN_START */
    int64_t join_wait_ns;          /* for a further line */
    const char *app, *host;        /* where a record says none; NULL: by the input; this host */
    const char *space;             /* of the records that name none */

    /* Of `send`. */
    const char *const *read; /* files and pipes that are read once; "-": standard input */
    size_t read_count;
    bool has_level; /* records that say no level have this one */
    int level;      /* enum lc_level */
    /* Called once, by a thread of ours, when all that is read only once (`read`; `exec` with
     * exec_once) has ended and all of its records are committed. exit_code: what the first program
     * that failed ended with, as a shell says it; LC_GATHER_UNREAD: one of `read` could not be
     * read; else 0. It must not block. NULL: not wanted. */
    void (*done)(void *arg, int exit_code);
    void *done_arg;
};

/* How far a relay is. */
struct lc_relay_progress {
    const char *target;  /* NULL: none answers */
    const char *trouble; /* why the last one that failed did; "" */
    uint64_t stored;     /* records of this run */
    uint64_t sent;       /* of any, also those sent again */
    uint64_t acknowledged;
    uint64_t missed; /* records that were removed before they were sent */
    uint64_t behind; /* places between what is stored and what is acknowledged; 0: nothing */
    bool is_saved;   /* that is also durable here */
};

/* Where records are sent on to (docs/shipping.md). Zeroed: nowhere. */
struct lc_relay_config {
    /* Options; their rows are in service/relay_options.c. */
    struct lc_list to; /* log addresses, in the order of preference */
    const char *query; /* what is sent on; NULL: everything */
    const char *name;  /* of this relay among those of one store */
    bool compress;

    /* Called by the relay's thread some times a second. NULL: not wanted. */
    void (*progress)(void *arg, const struct lc_relay_progress *p);
    void *progress_arg;
};

struct lc_server_config {
    /* Options; their table is in service/options.c. */
    const char *data_dir;   /* made when it is not there */
    const char *io;         /* a backend of net/loop.h; NULL: its default */
    uint64_t workers;       /* 1..64; 0: the CPUs that we may use */
    uint64_t query_threads; /* 1..64; 0: 2 */
    uint64_t memory;        /* octets for active sets and caches; 0: 512 MiB */
    uint64_t retain_octets; /* 0: 80% of the file system or 50 GB, the smaller */
    int64_t retain_ns;      /* by `received`; 0: no limit of age */
    int ack;                /* enum lc_ack */
    int acks;               /* enum lc_acks */
    bool detect_level;      /* a level word at the start of a plain line is its level */
    uint64_t line_max;      /* octets of a text line or datagram; 0: 64 KiB */
    int log_level;          /* enum lc_level; the server's own log: this level and worse */
    int log_format;         /* enum lc_log_format */
    struct lc_service_config service[LC_SERVICE_COUNT];
    struct lc_gather_config gather;
    struct lc_relay_config relay;

    /* Of `send`: a spool (store/store.h) of so many octets; 0: none. And the own log is not stored,
     * as it would be sent on. */
    uint64_t spool_octets;
    bool keeps_own_log_out;
    bool has_no_doors; /* nothing listens, in the data directory neither */

    int log_fd; /* where the own log is written; -1: nowhere */
    bool log_colour;

    /* Called once, in the thread of lc_server_start(), when everything listens: `text` is what a
     * newcomer wants to paste: where to send, where to ask. NULL: not wanted. */
    void (*ready)(void *arg, const char *text);
    void *ready_arg;

    /* SIGHUP: reads the options again. LC_OK with *ret, which borrows from *ret_owner until
     * release(); else why not, in diag. Both are called by the thread of lc_server_run(). NULL: the
     * options stay as they are. */
    lc_err (*reread)(void *arg, struct lc_server_config *ret, void **ret_owner,
                     struct lc_diag *diag);
    void (*release)(void *owner);
    void *reread_arg;

    /* Listening sockets from the service manager (socket activation), for the services that their
     * names say: `fd_names` as sd_listen_fds_with_names(3) gives them, NULL-terminated; the
     * descriptors begin with 3. A service that has some opens no network address. */
    char *const *fd_names;
};

/* The defaults of the table; the log goes to standard error. */
void lc_server_defaults(struct lc_server_config *ret);

struct lc_server;

/* On failure nothing is left running, and diag tells why: an address that is taken comes with its
 * holder and with the option that moves ours. */
LC_MUST_CHECK lc_err lc_server_start(const struct lc_server_config *config, struct lc_server **ret,
                                     struct lc_diag *diag);

/* The n-th address that a service listens on, as text (`127.0.0.1:40123`, `udp://...`,
 * `unix:/...`, `unixgram:/...`), with the port that the kernel chose; NULL behind the last. */
const char *lc_server_address(const struct lc_server *server, enum lc_service_id service, size_t n);

/* Stops accepting, answers what is durable, commits everything, closes; waits for all that at most
 * 5 s, then drops what is left. May be called while it runs by another thread with now = true:
 * the rest is dropped at once. */
void lc_server_stop(struct lc_server *server, bool now);
/* After lc_server_stop(). NULL is accepted. */
void lc_server_free(struct lc_server *server);

/* Takes other options: those that can change while it runs (LC_OPTION_RELOAD) count from now on,
 * and the log tells which have, and which would need a restart. Both outlive the call: `config`
 * borrows from `owner`, which is given to config->release() when nobody reads it any more. One
 * after the other: lc_server_reloaded() is true before the next. The thread that started it. */
void lc_server_reload(struct lc_server *server, const struct lc_server_config *config, void *owner);
/* Whether all workers have taken the last reload; call it when lc_server_reload_fd() is readable.
 */
bool lc_server_reloaded(struct lc_server *server);
int lc_server_reload_fd(const struct lc_server *server);

/* lc_server_start(), then until SIGTERM or SIGINT (a second one: at once), then stop and free.
 * LC_OK after an orderly stop. SIGHUP reloads. Tells the service manager (sd_notify(3)) how it is,
 * and that it lives as long as all workers do. Blocks these signals for the calling thread and
 * those it starts, and ignores SIGPIPE and SIGXFSZ. */
LC_MUST_CHECK lc_err lc_server_run(const struct lc_server_config *config, struct lc_diag *diag);

#endif
