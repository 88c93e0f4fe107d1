/* SPDX-License-Identifier: Apache-2.0
 *
 * service/passed.c - listening sockets that the service manager has opened (socket activation,
 * sd_listen_fds(3)). Their names (FileDescriptorName=) say which service they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "service/listen.h"

static lc_err refuse(struct lc_diag *diag, int fd, const char *name, const char *why)
{
    lc_diag_set(diag, "socket %d from the service manager, named %s: %s", fd, name, why);
    return LC_ESYNTAX;
}

static lc_err find_service(const char *name, int fd, enum lc_service_id *ret, struct lc_diag *diag)
{
    char why[240];
    int n = snprintf(why, sizeof why, "not the name of a service; FileDescriptorName= is one of");

    for (int i = 0; i < LC_SERVICE_COUNT; i++) {
        const char *known = lc_service_name((enum lc_service_id)i);

        if (lc_services[i]->addresses == NULL)
            continue;
        if (strcmp(known, name) == 0) {
            *ret = (enum lc_service_id)i;
            return LC_OK;
        }
        n += snprintf(why + n, sizeof why - (size_t)n, " %s", known);
    }
    return refuse(diag, fd, name, why);
}

/* What kind of socket it is; false: none that we could use. */
static bool transport_of(int fd, int family, enum lc_transport *ret)
{
    bool is_unix = family == AF_UNIX;

    if (!is_unix && family != AF_INET && family != AF_INET6)
        return false;
    if (sd_is_socket(fd, family, SOCK_STREAM, 1) > 0)
        *ret = is_unix ? LC_UNIX_STREAM : LC_TCP;
    else if (sd_is_socket(fd, family, SOCK_DGRAM, -1) > 0)
        *ret = is_unix ? LC_UNIX_DGRAM : LC_UDP;
    else
        return false;
    return true;
}

/* All workers take from one socket, where those that we open have one for each. */
static lc_err share(int fd, bool with_all, unsigned workers, struct lc_door *d)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    d->fds[0] = fd;
    for (unsigned i = 1; with_all && i < workers; i++) {
        d->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (d->fds[i] < 0)
            return -errno;
    }
    return LC_OK;
}

static lc_err fill(struct lc_door *d, int fd, unsigned workers)
{
    const struct sockaddr_un *un = (const void *)&d->addr.sa;
    bool is_unix;
    lc_err e;

    d->is_passed = true;
    d->addr.len = sizeof d->addr.sa;
    if (getsockname(fd, (struct sockaddr *)&d->addr.sa, &d->addr.len) < 0)
        return -errno;
    if (!transport_of(fd, d->addr.sa.ss_family, &d->addr.transport))
        return LC_ESYNTAX;
    is_unix = d->addr.sa.ss_family == AF_UNIX;
    e = share(fd, !is_unix, workers, d);
    if (e == LC_OK && is_unix && un->sun_path[0] != '\0' &&
        (d->path = strdup(un->sun_path)) == NULL)
        e = -ENOMEM;
    return e;
}

static lc_err take(const struct lc_server_config *config, int fd, const char *name,
                   struct lc_doors *doors, struct lc_diag *diag)
{
    enum lc_service_id id;
    struct lc_door *d;
    lc_err e = find_service(name, fd, &id, diag);

    if (e != LC_OK)
        return e;
    if (doors->count[id] == LC_DOORS_MAX)
        return refuse(diag, fd, name, "too many sockets of this service");
    d = lc_door_new();
    if (d == NULL)
        return -ENOMEM;
    e = fill(d, fd, (unsigned)config->workers);
    if (e == LC_ESYNTAX)
        refuse(diag, fd, name, "neither a listening stream socket nor a datagram socket");
    else if (e != LC_OK)
        lc_diag_set(diag, "socket %d from the service manager: %s", fd, lc_strerror(e));
    if (e == LC_OK && lc_services[id]->datagrams == NULL &&
        (d->addr.transport == LC_UDP || d->addr.transport == LC_UNIX_DGRAM))
        e = refuse(diag, fd, name, "this service takes no datagrams");
    if (e != LC_OK) {
        lc_door_close(d);
        return e;
    }
    lc_door_name(d);
    doors->door[id][doors->count[id]++] = d;
    return LC_OK;
}

lc_err lc_doors_take_passed(const struct lc_server_config *config, struct lc_doors *doors,
                            struct lc_diag *diag)
{
    lc_err e = LC_OK;

    for (int i = 0; e == LC_OK && config->fd_names != NULL && config->fd_names[i] != NULL; i++)
        e = take(config, SD_LISTEN_FDS_START + i, config->fd_names[i], doors, diag);
    return e;
}

bool lc_doors_has_passed(const struct lc_doors *doors, enum lc_service_id service)
{
    return doors->count[service] > 0 && doors->door[service][0]->is_passed;
}
