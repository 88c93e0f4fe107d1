/* SPDX-License-Identifier: Apache-2.0
 *
 * net/addr.c - reading, resolving and writing addresses.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#include "base/grapheme.h"

static const struct {
    const char *prefix;
    enum lc_transport transport;
} schemes[] = {
    {"tcp://", LC_TCP},
    {"udp://", LC_UDP},
    {"unix:", LC_UNIX_STREAM},
    {"unixgram:", LC_UNIX_DGRAM},
};

static lc_err bad(struct lc_diag *diag, struct lc_slice text, const char *what)
{
    int n = (int)lc_grapheme_cut(text, 200);
    lc_diag_set(diag, "address \"%.*s\": %s", n, (const char *)text.p, lc_text(what));
    return LC_ESYNTAX;
}

static enum lc_transport take_scheme(struct lc_slice *rest)
{
    for (size_t i = 0; i < LC_ARRAY_LEN(schemes); i++) {
        struct lc_slice prefix = lc_slice_cstr(schemes[i].prefix);
        if (lc_slice_starts(*rest, prefix)) {
            *rest = lc_slice_from(*rest, prefix.n);
            return schemes[i].transport;
        }
    }
    return LC_TCP;
}

static lc_err parse_path(struct lc_slice text, struct lc_slice path, struct lc_endpoint *ep,
                         struct lc_diag *diag)
{
    if (path.n == 0)
        return bad(diag, text, "a path is missing");
    if (memchr(path.p, '\0', path.n) != NULL)
        return bad(diag, text, "a path cannot hold a NUL");
    if (path.n >= sizeof ep->path) {
        lc_diag_set(diag, "the path of a Unix socket has at most %zu octets, this one has %zu",
                    sizeof ep->path - 1, path.n);
        return LC_ELIMIT;
    }
    memcpy(ep->path, path.p, path.n);
    return LC_OK;
}

static bool is_host_octet(uint8_t c)
{
    /* what is not a name, an address or a zone is left to the resolver to refuse */
    return c > ' ' && c != 0x7F && c != '/' && c != '[' && c != ']';
}

static lc_err parse_host(struct lc_slice text, struct lc_slice host, bool bracketed,
                         struct lc_endpoint *ep, struct lc_diag *diag)
{
    if (host.n >= sizeof ep->host)
        return bad(diag, text, "the host is too long");
    for (size_t i = 0; i < host.n; i++)
        if (!is_host_octet(host.p[i]))
            return bad(diag, text, "the host has a character that no host has");
    if (bracketed && memchr(host.p, ':', host.n) == NULL)
        return bad(diag, text, "brackets are for IPv6 addresses");
    if (!bracketed && host.n > 0 && memchr(host.p, ':', host.n) != NULL)
        return bad(diag, text, "write an IPv6 address in brackets: [::1]:9999");
    if (lc_slice_eq(host, LC_LIT("*")))
        return LC_OK;
    memcpy(ep->host, host.p, host.n);
    return LC_OK;
}

static lc_err parse_port(struct lc_slice text, struct lc_slice port, struct lc_endpoint *ep,
                         struct lc_diag *diag)
{
    uint64_t n;
    if (lc_slice_u64(port, &n) != LC_OK || n > UINT16_MAX)
        return bad(diag, text, "a port is a number from 0 to 65535");
    ep->port = (uint16_t)n;
    return LC_OK;
}

/* `[v6]`, `host`, `*` or nothing, then `:port` or nothing. */
static lc_err parse_host_port(struct lc_slice text, struct lc_slice rest, uint16_t default_port,
                              struct lc_endpoint *ep, struct lc_diag *diag)
{
    bool bracketed = rest.n > 0 && rest.p[0] == '[';
    struct lc_slice host = rest;
    if (bracketed) {
        rest = lc_slice_from(rest, 1);
        if (!lc_slice_cut(&rest, ']', &host))
            return bad(diag, text, "the closing bracket is missing");
    } else {
        const uint8_t *colon = rest.n == 0 ? NULL : memrchr(rest.p, ':', rest.n);
        host.n = colon == NULL ? rest.n : (size_t)(colon - rest.p);
        rest = lc_slice_from(rest, host.n);
    }
    lc_err e = parse_host(text, host, bracketed, ep, diag);
    if (e != LC_OK)
        return e;
    if (rest.n == 0) {
        if (default_port == 0 || host.n == 0)
            return bad(diag, text, "a port is missing, as in host:9999");
        ep->port = default_port;
        return LC_OK;
    }
    if (rest.p[0] != ':')
        return bad(diag, text, "after the closing bracket comes :port");
    return parse_port(text, lc_slice_from(rest, 1), ep, diag);
}

lc_err lc_endpoint_parse(struct lc_slice text, uint16_t default_port, struct lc_endpoint *ret,
                         struct lc_diag *diag)
{
    struct lc_slice rest = text;
    struct lc_endpoint ep = {.transport = take_scheme(&rest)};
    lc_err e;
    if (ep.transport == LC_UNIX_STREAM || ep.transport == LC_UNIX_DGRAM)
        e = parse_path(text, rest, &ep, diag);
    else
        e = parse_host_port(text, rest, default_port, &ep, diag);
    if (e == LC_OK)
        *ret = ep;
    return e;
}

static void resolve_path(const struct lc_endpoint *ep, struct lc_addr *ret)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    _Static_assert(sizeof un.sun_path == sizeof ep->path, "a path fits as it is");
    memcpy(un.sun_path, ep->path, sizeof un.sun_path);
    *ret = (struct lc_addr){
        .transport = ep->transport,
        .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(ep->path) + 1),
    };
    memcpy(&ret->sa, &un, sizeof un);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != EAFNOSUPPORT;
}

static void resolve_wildcard(const struct lc_endpoint *ep, struct lc_addr *ret)
{
    *ret = (struct lc_addr){.transport = ep->transport};
    if (has_ipv6()) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(ep->port)};
        memcpy(&ret->sa, &in6, sizeof in6);
        ret->len = sizeof in6;
    } else {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
        memcpy(&ret->sa, &in, sizeof in);
        ret->len = sizeof in;
    }
}

static lc_err resolver_error(int code, const struct lc_endpoint *ep, struct lc_diag *diag)
{
    lc_err e = LC_EGONE;
    if (code == EAI_AGAIN)
        e = -EAGAIN;
    else if (code == EAI_MEMORY)
        e = -ENOMEM;
    else if (code == EAI_SYSTEM)
        e = -errno;
    lc_diag_set(diag, "%s: %s", ep->host, code == EAI_SYSTEM ? lc_strerror(e) : gai_strerror(code));
    return e;
}

static int get_addrs(const struct lc_endpoint *ep, int flags, struct addrinfo **ret)
{
    struct addrinfo hints = {.ai_socktype = ep->transport == LC_UDP ? SOCK_DGRAM : SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | flags};
    char port[8];
    snprintf(port, sizeof port, "%u", ep->port);
    return getaddrinfo(ep->host, port, &hints, ret);
}

static struct lc_addr from_info(const struct lc_endpoint *ep, const struct addrinfo *ai)
{
    struct lc_addr a = {.transport = ep->transport, .len = ai->ai_addrlen};
    memcpy(&a.sa, ai->ai_addr, ai->ai_addrlen);
    return a;
}

static lc_err resolve_name(const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                           size_t *ret_count, struct lc_diag *diag)
{
    struct addrinfo *found;
    int code = get_addrs(ep, 0, &found);
    if (code != 0)
        return resolver_error(code, ep, diag);
    size_t n = 0;
    for (const struct addrinfo *ai = found; ai != NULL && n < max; ai = ai->ai_next)
        ret[n++] = from_info(ep, ai);
    freeaddrinfo(found);
    *ret_count = n;
    return LC_OK;
}

static bool has_name(const struct lc_endpoint *ep)
{
    return ep->path[0] == '\0' && ep->host[0] != '\0';
}

static void resolve_nameless(const struct lc_endpoint *ep, struct lc_addr *ret)
{
    if (ep->path[0] != '\0')
        resolve_path(ep, ret);
    else
        resolve_wildcard(ep, ret);
}

lc_err lc_addr_resolve(const struct lc_endpoint *ep, struct lc_addr *ret, size_t max,
                       size_t *ret_count, struct lc_diag *diag)
{
    LC_ASSERT(max > 0);
    if (has_name(ep))
        return resolve_name(ep, ret, max, ret_count, diag);
    resolve_nameless(ep, ret);
    *ret_count = 1;
    return LC_OK;
}

bool lc_addr_literal(const struct lc_endpoint *ep, struct lc_addr *ret)
{
    if (!has_name(ep)) {
        resolve_nameless(ep, ret);
        return true;
    }
    struct addrinfo *found;
    if (get_addrs(ep, AI_NUMERICHOST, &found) != 0)
        return false;
    *ret = from_info(ep, found);
    freeaddrinfo(found);
    return true;
}

static struct sockaddr_in6 as_in6(const struct lc_addr *a)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, &a->sa, sizeof in6);
    return in6;
}

static struct sockaddr_in as_in(const struct lc_addr *a)
{
    struct sockaddr_in in;
    memcpy(&in, &a->sa, sizeof in);
    return in;
}

/* The IPv4 address, also one mapped into IPv6. */
static bool ipv4_of(const struct lc_addr *a, struct in_addr *ret)
{
    if (a->sa.ss_family == AF_INET) {
        *ret = as_in(a).sin_addr;
        return true;
    }
    if (a->sa.ss_family != AF_INET6)
        return false;
    struct sockaddr_in6 in6 = as_in6(a);
    if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        return false;
    memcpy(ret, &in6.sin6_addr.s6_addr[12], sizeof *ret);
    return true;
}

static int format_unix(const struct lc_addr *a, char *out)
{
    struct sockaddr_un un;
    memcpy(&un, &a->sa, sizeof un);
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t n = a->len > head ? a->len - head : 0;
    if (n > sizeof un.sun_path)
        n = sizeof un.sun_path;
    bool abstract = n > 0 && un.sun_path[0] == '\0';
    const char *name = abstract ? un.sun_path + 1 : un.sun_path;
    n = abstract ? n - 1 : strnlen(un.sun_path, n);
    return snprintf(out, LC_ADDR_TEXT_MAX, "unix:%s%.*s", abstract ? "@" : "", (int)n, name);
}

void lc_addr_from_ip(const uint8_t *octets, size_t n, uint16_t port, struct lc_addr *ret)
{
    void *sa = &ret->sa;

    memset(ret, 0, sizeof *ret);
    ret->transport = LC_TCP;
    if (n == 4) {
        struct sockaddr_in *in = sa;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, octets, n);
        ret->len = sizeof *in;
    } else {
        struct sockaddr_in6 *in6 = sa;

        LC_ASSERT(n == 16);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, octets, n);
        ret->len = sizeof *in6;
    }
}

size_t lc_addr_format(const struct lc_addr *a, char out[LC_ADDR_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    int n;
    if (ipv4_of(a, &v4)) {
        inet_ntop(AF_INET, &v4, host, sizeof host);
        n = snprintf(out, LC_ADDR_TEXT_MAX, "%s:%u", host, lc_addr_port(a));
    } else if (a->sa.ss_family == AF_INET6) {
        struct sockaddr_in6 in6 = as_in6(a);
        char zone[16] = "";
        inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        if (in6.sin6_scope_id != 0)
            snprintf(zone, sizeof zone, "%%%u", in6.sin6_scope_id);
        n = snprintf(out, LC_ADDR_TEXT_MAX, "[%s%s]:%u", host, zone, lc_addr_port(a));
    } else {
        n = format_unix(a, out);
    }
    LC_ASSERT(n > 0 && n < LC_ADDR_TEXT_MAX);
    return (size_t)n;
}

bool lc_addr_is_local(const struct lc_addr *a)
{
    struct in_addr v4;
    if (ipv4_of(a, &v4))
        return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
    if (a->sa.ss_family != AF_INET6)
        return true;
    struct sockaddr_in6 in6 = as_in6(a);
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

uint16_t lc_addr_port(const struct lc_addr *a)
{
    if (a->sa.ss_family == AF_INET)
        return ntohs(as_in(a).sin_port);
    return a->sa.ss_family == AF_INET6 ? ntohs(as_in6(a).sin6_port) : 0;
}
