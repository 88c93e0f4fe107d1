/* SPDX-License-Identifier: Apache-2.0
 *
 * service/listen.h - the sockets on which the services are found.
 *
 * WHAT    From addresses as people write them to bound descriptors: one for each worker (TCP and
 *         UDP, SO_REUSEPORT) or for the first alone (Unix). All are bound before any is used, so
 *         that a server starts whole or not at all.
 * WHO     service/server.c.
 * THREAD  The one that starts and stops the server.
 */
#ifndef LC_SERVICE_LISTEN_H
#define LC_SERVICE_LISTEN_H

#include "net/options.h"
#include "service/service.h"

#define LC_WORKERS_MAX 64

/* One address. */
struct lc_door {
    struct lc_addr addr;              /* with the port that the kernel chose */
    char text[LC_ADDR_TEXT_MAX + 16]; /* as net/addr.h reads it */
    char *path;                       /* of a Unix socket, malloc'ed: to be removed at the end */
    bool is_passed;                   /* the service manager opened it, and keeps it */
    int fds[LC_WORKERS_MAX];          /* -1: none, or given away */
};

struct lc_doors {
    struct lc_door *door[LC_SERVICE_COUNT][LC_DOORS_MAX];
    size_t count[LC_SERVICE_COUNT];
    struct lc_sockopts options[LC_SERVICE_COUNT]; /* as the configuration has them */
    int dir_fd; /* of the data directory, where its path is too long for a socket's address */
};

/* On failure diag tells which address it was, who holds it, and which option moves ours;
 * lc_doors_close() is to be called all the same. */
LC_MUST_CHECK lc_err lc_doors_open(const struct lc_server_config *config, struct lc_doors *ret,
                                   struct lc_diag *diag);
/* passed.c: makes doors of what the service manager gave (struct lc_server_config.fd_names). */
LC_MUST_CHECK lc_err lc_doors_take_passed(const struct lc_server_config *config,
                                          struct lc_doors *doors, struct lc_diag *diag);
bool lc_doors_has_passed(const struct lc_doors *doors, enum lc_service_id service);

/* A door without sockets. NULL: no memory. */
struct lc_door *lc_door_new(void);
/* Sets its text, from its address and path. */
void lc_door_name(struct lc_door *door);
void lc_door_close(struct lc_door *door);
const char *lc_service_name(enum lc_service_id service);

/* Closes what was not given away, and removes the Unix paths. */
void lc_doors_close(struct lc_doors *doors);

/* Tells what the kernel made of the socket options otherwise than they were set; to be called as
 * long as the first worker's sockets are not given away. */
void lc_doors_differences(const struct lc_doors *doors,
                          void (*tell)(void *arg, const struct lc_door *door,
                                       const struct lc_sockopt_difference *d),
                          void *arg);

/* The first door of a transport whose address a peer on this host can use; NULL: none. */
const struct lc_door *lc_doors_find(const struct lc_doors *doors, enum lc_service_id service,
                                    enum lc_transport transport);
/* The service on whose door a socket with this local address is, or was accepted: doors of a
 * transport differ in port or path. NULL: none; the connection is our own. Any thread. */
const char *lc_doors_service(const struct lc_doors *doors, const struct lc_addr *local);
/* Host and port by which this host reaches a TCP or UDP door: the loopback address for a wildcard.
 */
#define LC_HOST_MAX 64
void lc_door_host(const struct lc_door *door, char host[LC_HOST_MAX], unsigned *ret_port);

#endif
