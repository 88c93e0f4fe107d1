/* SPDX-License-Identifier: Apache-2.0 */
#include "service/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dgram.h"
#include "net/listener.h"

#define RESOLVED_MAX 8

struct opening {
    const struct lc_server_config *config;
    const struct lc_service *service;
    enum lc_service_id id;
    struct lc_doors *doors;
    struct lc_diag *diag;
};

static const char *const names[] = {
#define SERVICE_NAME(id, name, help) #name,
    LC_SERVICES(SERVICE_NAME)
#undef SERVICE_NAME
};

const char *lc_service_name(enum lc_service_id service)
{
    return names[service];
}

static bool is_dgram(enum lc_transport t)
{
    return t == LC_UDP || t == LC_UNIX_DGRAM;
}

static bool is_unix(enum lc_transport t)
{
    return t == LC_UNIX_STREAM || t == LC_UNIX_DGRAM;
}

/* ---- one address ---- */

static lc_err bind_one(const struct opening *o, const struct lc_addr *addr, unsigned mode,
                       bool first, int *ret_fd, struct lc_addr *ret_bound)
{
    const struct lc_sockopts *options = &o->doors->options[o->id];
    bool share = !is_unix(addr->transport);

    if (is_dgram(addr->transport)) {
        const struct lc_dgram_config c = {.mode = mode, .reuse_port = share, .options = options};

        return lc_dgram_fd(addr, &c, first, ret_fd, ret_bound, o->diag);
    }

    const struct lc_listen_config c = {.mode = mode, .reuse_port = share, .options = options};

    return lc_listen_fd(addr, &c, first, ret_fd, ret_bound, o->diag);
}

void lc_door_name(struct lc_door *d)
{
    char text[LC_ADDR_TEXT_MAX];

    lc_addr_format(&d->addr, text);
    if (d->path != NULL)
        snprintf(d->text, sizeof d->text, "%s:%s",
                 d->addr.transport == LC_UNIX_DGRAM ? "unixgram" : "unix", d->path);
    else
        snprintf(d->text, sizeof d->text, "%s%s", d->addr.transport == LC_UDP ? "udp://" : "",
                 text);
}

/* Which option moves our address, for whoever finds it taken. */
static void add_hint(const struct opening *o, const struct lc_addr *addr)
{
    char was[sizeof o->diag->text];

    if (is_unix(addr->transport))
        return;
    memcpy(was, o->diag->text, sizeof was);
    was[sizeof was - 64] = 0;
    lc_diag_set(o->diag, "%s; to listen elsewhere: --%s %s", was, names[o->id], o->service->other);
}

struct lc_door *lc_door_new(void)
{
    struct lc_door *d = calloc(1, sizeof *d);

    for (size_t i = 0; d != NULL && i < LC_WORKERS_MAX; i++)
        d->fds[i] = -1;
    return d;
}

void lc_door_close(struct lc_door *d)
{
    for (size_t i = 0; i < LC_WORKERS_MAX; i++) {
        if (d->fds[i] >= 0)
            close(d->fds[i]);
    }
    if (d->path != NULL && !d->is_passed)
        unlink(d->path);
    free(d->path);
    free(d);
}

/* A socket for each worker. */
static lc_err bind_all(const struct opening *o, struct lc_door *d, unsigned mode)
{
    uint64_t workers = is_unix(d->addr.transport) ? 1 : o->config->workers;
    lc_err e = LC_OK;

    for (uint64_t i = 0; e == LC_OK && i < workers; i++) {
        struct lc_addr to_bind = d->addr; /* from the second on with the port of the first */

        e = bind_one(o, &to_bind, mode, i == 0, &d->fds[i], &d->addr);
    }
    return e;
}

static lc_err add_door(const struct opening *o, const struct lc_addr *addr, const char *path,
                       unsigned mode, struct lc_door **ret)
{
    struct lc_door *d;
    lc_err e;

    if (o->doors->count[o->id] == LC_DOORS_MAX) {
        lc_diag_set(o->diag, "more than %d addresses for --%s", LC_DOORS_MAX, names[o->id]);
        return LC_ELIMIT;
    }
    d = lc_door_new();
    if (d == NULL)
        return -ENOMEM;
    d->addr = *addr;
    e = bind_all(o, d, mode);
    if (e == LC_EINUSE)
        add_hint(o, addr);
    if (e == LC_OK && path != NULL && (d->path = strdup(path)) == NULL)
        e = -ENOMEM;
    if (e != LC_OK) {
        lc_door_close(d);
        return e;
    }
    lc_door_name(d);
    o->doors->door[o->id][o->doors->count[o->id]++] = d;
    if (ret != NULL)
        *ret = d;
    return LC_OK;
}

/* ---- one address as it is written ---- */

/* A name with several addresses has one port on all of them, also when the kernel chose it. */
static void use_port_of(struct lc_addr *a, const struct lc_addr *other)
{
    in_port_t port = htons(lc_addr_port(other));
    void *sa = &a->sa;

    if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)sa)->sin6_port = port;
    else if (a->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)sa)->sin_port = port;
}

/* A host may have no IPv6. */
static bool is_absent(lc_err e)
{
    return e == -EADDRNOTAVAIL || e == -EAFNOSUPPORT;
}

static lc_err open_address(const struct opening *o, const struct lc_addr *addr,
                           const struct lc_endpoint *ep, bool also_udp, struct lc_door **ret)
{
    unsigned mode = is_dgram(ep->transport) ? o->service->dgram_mode : o->service->stream_mode;
    struct lc_addr udp;
    lc_err e = add_door(o, addr, is_unix(ep->transport) ? ep->path : NULL, mode, ret);

    if (e != LC_OK || !also_udp)
        return e;
    udp = (*ret)->addr;
    udp.transport = LC_UDP;
    return add_door(o, &udp, NULL, mode, NULL);
}

/* optional: it is no error when this host has no such address. */
static lc_err open_endpoint(const struct opening *o, const struct lc_endpoint *ep, bool also_udp,
                            bool optional)
{
    struct lc_addr addrs[RESOLVED_MAX];
    struct lc_door *door = NULL;
    size_t count = 0;
    lc_err e = lc_addr_resolve(ep, addrs, RESOLVED_MAX, &count, o->diag);

    for (size_t i = 0; e == LC_OK && i < count; i++) {
        if (door != NULL)
            use_port_of(&addrs[i], &door->addr);
        e = open_address(o, &addrs[i], ep, also_udp, &door);
        if (is_absent(e) && (optional || count > 1))
            e = LC_OK;
    }
    if (e == LC_OK && door == NULL && !optional) {
        lc_diag_set(o->diag, "%s: this host has none of its addresses", ep->host);
        return -EADDRNOTAVAIL;
    }
    return e;
}

static lc_err open_text(const struct opening *o, const char *text, bool is_default)
{
    struct lc_endpoint ep;
    bool has_scheme = strstr(text, "://") != NULL;

    if (strcmp(text, "none") == 0)
        return LC_OK;

    lc_err e = lc_endpoint_parse(lc_slice_cstr(text), o->service->port, &ep, o->diag);

    if (e != LC_OK)
        return e;
    if (is_dgram(ep.transport) && o->service->datagrams == NULL) {
        lc_diag_set(o->diag, "--%s %s: datagrams are not taken there", names[o->id], text);
        return LC_ESYNTAX;
    }
    return open_endpoint(o, &ep, o->service->udp && !has_scheme && ep.transport == LC_TCP,
                         is_default);
}

/* ---- sockets in the data directory ---- */

/* A socket's address takes 107 octets of path; a directory may be deeper, but then it can be
 * reached through our descriptor of it. */
static lc_err short_path(const struct opening *o, const char *name, char *out, size_t cap)
{
    struct lc_doors *doors = o->doors;

    if (snprintf(out, cap, "%s/%s", o->config->data_dir, name) < (int)cap)
        return LC_OK;
    if (doors->dir_fd < 0)
        doors->dir_fd = open(o->config->data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (doors->dir_fd < 0) {
        lc_err e = -errno;

        lc_diag_set(o->diag, "%s: %s", o->config->data_dir, lc_strerror(e));
        return e;
    }
    snprintf(out, cap, "/proc/self/fd/%d/%s", doors->dir_fd, name);
    return LC_OK;
}

static lc_err open_socket(const struct opening *o, enum lc_transport transport, const char *name,
                          unsigned mode)
{
    struct lc_endpoint ep = {.transport = transport};
    struct lc_addr addr;
    size_t count;
    char *path;
    lc_err e;

    if (name == NULL)
        return LC_OK;
    e = short_path(o, name, ep.path, sizeof ep.path);
    if (e == LC_OK)
        e = lc_addr_resolve(&ep, &addr, 1, &count, o->diag);
    if (e != LC_OK)
        return e;
    if (asprintf(&path, "%s/%s", o->config->data_dir, name) < 0)
        return -ENOMEM;
    e = add_door(o, &addr, path, mode, NULL);
    free(path);
    return e;
}

/* ---- socket options ---- */

static lc_err read_options(const struct opening *o)
{
    const struct lc_list *given = &o->config->service[o->id].socket;
    lc_err e = LC_OK;

    for (size_t i = 0; e == LC_OK && i < given->count; i++)
        e = lc_sockopts_add(&o->doors->options[o->id], given->items[i], o->diag);
    return e;
}

/* The service manager has made and bound these; what can be set later is. */
static lc_err apply_to_passed(const struct opening *o)
{
    lc_err e = LC_OK;

    for (size_t i = 0; e == LC_OK && i < o->doors->count[o->id]; i++) {
        const struct lc_door *d = o->doors->door[o->id][i];

        e = lc_sockopts_apply(&o->doors->options[o->id], lc_place_of(d->addr.transport), d->fds[0],
                              o->diag);
    }
    return e;
}

/* An option for which the service has no socket is a mistake. */
static lc_err check_options(const struct opening *o)
{
    const struct lc_sockopts *options = &o->doors->options[o->id];
    unsigned places = 0;

    for (size_t i = 0; i < o->doors->count[o->id]; i++)
        places |= 1U << lc_place_of(o->doors->door[o->id][i]->addr.transport);
    if ((places & 1U << LC_PLACE_LISTEN) != 0)
        places |= 1U << LC_PLACE_ACCEPTED;
    for (size_t i = 0; i < options->count; i++) {
        if ((options->items[i].option->places & places) != 0)
            continue;
        lc_diag_set(o->diag, "--%s-socket %s: none of its sockets has this option", names[o->id],
                    options->items[i].option->name);
        return LC_ESYNTAX;
    }
    return LC_OK;
}

struct telling {
    const struct lc_door *door;
    void (*tell)(void *arg, const struct lc_door *door, const struct lc_sockopt_difference *d);
    void *arg;
};

static void tell_difference(void *arg, const struct lc_sockopt_difference *d)
{
    const struct telling *t = arg;

    t->tell(t->arg, t->door, d);
}

void lc_doors_differences(const struct lc_doors *doors,
                          void (*tell)(void *arg, const struct lc_door *door,
                                       const struct lc_sockopt_difference *d),
                          void *arg)
{
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        for (size_t i = 0; i < doors->count[s]; i++) {
            const struct lc_door *d = doors->door[s][i];
            struct telling t = {d, tell, arg};

            lc_sockopts_differences(&doors->options[s], lc_place_of(d->addr.transport), d->fds[0],
                                    tell_difference, &t);
        }
    }
}

/* ---- all ---- */

static lc_err open_service(const struct opening *o)
{
    const struct lc_list *given = &o->config->service[o->id].listen;
    bool passed = lc_doors_has_passed(o->doors, o->id);

    if (o->service->addresses == NULL)
        return LC_OK;

    lc_err e = read_options(o);

    if (e == LC_OK)
        e = apply_to_passed(o);
    for (size_t i = 0; e == LC_OK && !passed && i < given->count; i++)
        e = open_text(o, given->items[i], false);
    for (size_t i = 0;
         e == LC_OK && !passed && given->count == 0 && o->service->addresses[i] != NULL; i++)
        e = open_text(o, o->service->addresses[i], true);
    if (e == LC_OK)
        e = open_socket(o, LC_UNIX_STREAM, o->service->stream_socket, o->service->stream_mode);
    if (e == LC_OK)
        e = open_socket(o, LC_UNIX_DGRAM, o->service->dgram_socket, o->service->dgram_mode);
    if (e == LC_OK)
        e = check_options(o);
    return e;
}

lc_err lc_doors_open(const struct lc_server_config *config, struct lc_doors *ret,
                     struct lc_diag *diag)
{
    lc_err e;

    *ret = (struct lc_doors){.dir_fd = -1};
    if (config->has_no_doors)
        return LC_OK;
    e = lc_doors_take_passed(config, ret, diag);
    for (size_t i = 0; e == LC_OK && i < LC_SERVICE_COUNT; i++) {
        const struct opening o = {config, lc_services[i], (enum lc_service_id)i, ret, diag};

        e = open_service(&o);
    }
    return e;
}

void lc_doors_close(struct lc_doors *doors)
{
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        for (size_t i = 0; i < doors->count[s]; i++)
            lc_door_close(doors->door[s][i]);
        doors->count[s] = 0;
    }
    if (doors->dir_fd >= 0)
        close(doors->dir_fd);
    doors->dir_fd = -1;
}

const struct lc_door *lc_doors_find(const struct lc_doors *doors, enum lc_service_id service,
                                    enum lc_transport transport)
{
    for (size_t i = 0; i < doors->count[service]; i++) {
        if (doors->door[service][i]->addr.transport == transport)
            return doors->door[service][i];
    }
    return NULL;
}

static bool is_door(const struct lc_addr *door, const struct lc_addr *local)
{
    if (door->transport != local->transport)
        return false;
    if (!is_unix(door->transport))
        return lc_addr_port(door) == lc_addr_port(local);

    char text[LC_ADDR_TEXT_MAX], other[LC_ADDR_TEXT_MAX];

    lc_addr_format(door, text);
    lc_addr_format(local, other);
    return strcmp(text, other) == 0;
}

const char *lc_doors_service(const struct lc_doors *doors, const struct lc_addr *local)
{
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        for (size_t i = 0; i < doors->count[s]; i++) {
            if (is_door(&doors->door[s][i]->addr, local))
                return names[s];
        }
    }
    return NULL;
}

void lc_door_host(const struct lc_door *door, char host[LC_HOST_MAX], unsigned *ret_port)
{
    const void *sa = &door->addr.sa;

    *ret_port = lc_addr_port(&door->addr);
    if (door->addr.sa.ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

        if (!IN6_IS_ADDR_UNSPECIFIED(a)) {
            inet_ntop(AF_INET6, a, host, LC_HOST_MAX);
            return;
        }
    } else if (((const struct sockaddr_in *)sa)->sin_addr.s_addr != htonl(INADDR_ANY)) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, host, LC_HOST_MAX);
        return;
    }
    memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
}
