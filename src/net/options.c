/* SPDX-License-Identifier: Apache-2.0
 *
 * net/options.c - values of socket options: read from text, set, read back.
 */
#include "net/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/grapheme.h"
#include "base/time.h"
#include "base/units.h"

enum lc_place lc_place_of(enum lc_transport transport)
{
    static const enum lc_place places[] = {
        [LC_TCP] = LC_PLACE_LISTEN,
        [LC_UDP] = LC_PLACE_UDP,
        [LC_UNIX_STREAM] = LC_PLACE_UNIX_STREAM,
        [LC_UNIX_DGRAM] = LC_PLACE_UNIX_DGRAM,
    };
    return places[transport];
}

const struct lc_sockopt *lc_sockopt_find(struct lc_slice name)
{
    for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++)
        if (lc_slice_eq_nocase(name, lc_slice_cstr(lc_sockopt_table[i].name)))
            return &lc_sockopt_table[i];
    return NULL;
}

/* ---- values as text ---- */

static void print_number(const struct lc_sockopt *o, int64_t n, char out[LC_SOCKOPT_TEXT_MAX])
{
    switch (o->kind) {
    case LC_SOCKOPT_SWITCH:
        snprintf(out, LC_SOCKOPT_TEXT_MAX, "%s", n != 0 ? "on" : "off");
        break;
    case LC_SOCKOPT_OCTETS:
        lc_size_format((uint64_t)n, out);
        break;
    case LC_SOCKOPT_SECONDS:
        lc_duration_format(n * LC_NS_PER_S, out);
        break;
    case LC_SOCKOPT_MILLISECONDS:
        lc_duration_format(n * LC_NS_PER_MS, out);
        break;
    case LC_SOCKOPT_LINGER:
        snprintf(out, LC_SOCKOPT_TEXT_MAX, n < 0 ? "off" : "%llds", (long long)n);
        break;
    default:
        snprintf(out, LC_SOCKOPT_TEXT_MAX, "%lld", (long long)n);
        break;
    }
}

static void print_allowed(const struct lc_sockopt *o, char *out, size_t cap)
{
    char min[LC_SOCKOPT_TEXT_MAX];
    char max[LC_SOCKOPT_TEXT_MAX];
    print_number(o, o->min, min);
    print_number(o, o->max, max);
    switch (o->kind) {
    case LC_SOCKOPT_SWITCH:
        snprintf(out, cap, "on or off");
        break;
    case LC_SOCKOPT_LINGER:
        snprintf(out, cap, "off, or 0 (a reset); a time would block a worker in close(2)");
        break;
    case LC_SOCKOPT_WORD:
        snprintf(out, cap, "a name of at most 15 octets");
        break;
    case LC_SOCKOPT_GROUPS:
        snprintf(out, cap, "multicast addresses with commas between, as %s",
                 o->level == IPPROTO_IPV6 ? "ff02::1234%eth0" : "239.1.2.3%eth0");
        break;
    default:
        snprintf(out, cap, "from %s to %s", min, max);
        break;
    }
}

static lc_err bad_value(const struct lc_sockopt *o, const char *value, struct lc_diag *diag)
{
    char allowed[128];
    print_allowed(o, allowed, sizeof allowed);
    lc_diag_set(diag, "%s=%.*s: must be %s", o->name,
                (int)lc_grapheme_cut(lc_slice_cstr(value), 100), value, allowed);
    return LC_ESYNTAX;
}

static bool read_switch(const char *text, int64_t *ret)
{
    static const char *const words[] = {"off", "no", "false", "0", "on", "yes", "true", "1"};
    for (size_t i = 0; i < LC_ARRAY_LEN(words); i++) {
        if (!lc_slice_eq_nocase(lc_slice_cstr(text), lc_slice_cstr(words[i])))
            continue;
        *ret = i >= LC_ARRAY_LEN(words) / 2;
        return true;
    }
    return false;
}

static bool read_integer(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoll(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool read_octets(const char *text, int64_t *ret)
{
    uint64_t octets;
    if (lc_size_parse(lc_slice_cstr(text), &octets) != LC_OK || octets > INT64_MAX)
        return false;
    *ret = (int64_t)octets;
    return true;
}

static bool read_duration(const char *text, int64_t unit_ns, int64_t *ret)
{
    int64_t ns;
    if (read_integer(text, ret))
        return true;
    if (lc_duration_parse(lc_slice_cstr(text), &ns) != LC_OK || ns % unit_ns != 0)
        return false;
    *ret = ns / unit_ns;
    return true;
}

static bool read_linger(const char *text, int64_t *ret)
{
    if (strcmp(text, "off") == 0) {
        *ret = -1;
        return true;
    }
    return read_duration(text, LC_NS_PER_S, ret);
}

static bool read_number(const struct lc_sockopt *o, const char *text, int64_t *ret)
{
    switch (o->kind) {
    case LC_SOCKOPT_SWITCH:
        return read_switch(text, ret);
    case LC_SOCKOPT_OCTETS:
        return read_octets(text, ret);
    case LC_SOCKOPT_SECONDS:
        return read_duration(text, LC_NS_PER_S, ret);
    case LC_SOCKOPT_MILLISECONDS:
        return read_duration(text, LC_NS_PER_MS, ret);
    case LC_SOCKOPT_LINGER:
        return read_linger(text, ret) && *ret <= 0;
    default:
        return read_integer(text, ret);
    }
}

/* ---- groups ---- */

struct group {
    struct in6_addr v6;
    struct in_addr v4;
    unsigned interface;
};

/* Takes the first group of a list. */
static bool take_group(const struct lc_sockopt *o, struct lc_slice *list, struct group *ret)
{
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    struct lc_slice one = *list;
    if (!lc_slice_cut(list, ',', &one))
        *list = lc_slice(NULL, 0);
    one = lc_slice_trim(one);
    if (one.n == 0 || one.n >= sizeof text)
        return false;
    memcpy(text, one.p, one.n);
    text[one.n] = '\0';
    char *interface = strchr(text, '%');
    if (interface != NULL)
        *interface++ = '\0';
    *ret = (struct group){.interface = interface != NULL ? if_nametoindex(interface) : 0};
    if (interface != NULL && ret->interface == 0)
        return false;
    if (o->level == IPPROTO_IPV6)
        return inet_pton(AF_INET6, text, &ret->v6) == 1 && IN6_IS_ADDR_MULTICAST(&ret->v6);
    return inet_pton(AF_INET, text, &ret->v4) == 1 && IN_MULTICAST(ntohl(ret->v4.s_addr));
}

static bool are_groups(const struct lc_sockopt *o, const char *text)
{
    struct lc_slice list = lc_slice_cstr(text);
    struct group g;
    do
        if (!take_group(o, &list, &g))
            return false;
    while (list.n > 0);
    return true;
}

static lc_err join(const struct lc_sockopt *o, const char *text, int fd)
{
    struct lc_slice list = lc_slice_cstr(text);
    do {
        struct group g;
        int e;
        if (!take_group(o, &list, &g))
            return -EINVAL;
        struct ipv6_mreq m6 = {g.v6, g.interface};
        struct ip_mreqn m4 = {.imr_multiaddr = g.v4, .imr_ifindex = (int)g.interface};
        if (o->level == IPPROTO_IPV6)
            e = setsockopt(fd, o->level, o->option, &m6, sizeof m6);
        else
            e = setsockopt(fd, o->level, o->option, &m4, sizeof m4);
        if (e < 0)
            return -errno;
    } while (list.n > 0);
    return LC_OK;
}

/* ---- what a user says ---- */

static lc_err parse_item(const char *text, struct lc_sockopt_item *ret, struct lc_diag *diag)
{
    const char *equals = strchr(text, '=');
    size_t n = equals != NULL ? (size_t)(equals - text) : strlen(text);
    const struct lc_sockopt *o = lc_sockopt_find(lc_slice(text, n));
    if (o == NULL) {
        lc_diag_set(diag, "%.*s: no such socket option; docs/sockets.md lists them",
                    (int)lc_grapheme_cut(lc_slice(text, n), 100), text);
        return LC_ESYNTAX;
    }
    if (o->refused != NULL) {
        lc_diag_set(diag, "%s cannot be set: %s", o->name, o->refused);
        return LC_ESYNTAX;
    }
    const char *value = equals != NULL ? equals + 1 : "";
    struct lc_sockopt_item item = {.option = o, .text = value};
    bool right;
    if (o->kind == LC_SOCKOPT_WORD)
        right = value[0] != '\0' && strlen(value) < IF_NAMESIZE;
    else if (o->kind == LC_SOCKOPT_GROUPS)
        right = are_groups(o, value);
    else
        right = read_number(o, value, &item.number) &&
                (item.number >= o->min || o->kind == LC_SOCKOPT_LINGER) && item.number <= o->max;
    if (!right)
        return bad_value(o, value, diag);
    *ret = item;
    return LC_OK;
}

lc_err lc_sockopts_add(struct lc_sockopts *opts, const char *text, struct lc_diag *diag)
{
    struct lc_sockopt_item item;
    lc_err e = parse_item(text, &item, diag);
    size_t at = 0;
    if (e != LC_OK)
        return e;
    while (at < opts->count && opts->items[at].option != item.option)
        at++;
    if (at == LC_SOCKOPTS_MAX) {
        lc_diag_set(diag, "more than %d socket options", LC_SOCKOPTS_MAX);
        return LC_ELIMIT;
    }
    opts->items[at] = item;
    if (at == opts->count)
        opts->count++;
    return LC_OK;
}

lc_err lc_sockopt_check(const char *text, struct lc_diag *diag)
{
    struct lc_sockopt_item item;
    return parse_item(text, &item, diag);
}

static const struct lc_sockopt_item *given_item(const struct lc_sockopts *given,
                                                const struct lc_sockopt *o)
{
    for (size_t i = 0; given != NULL && i < given->count; i++)
        if (given->items[i].option == o)
            return &given->items[i];
    return NULL;
}

int lc_sockopts_backlog(const struct lc_sockopts *given)
{
    const struct lc_sockopt *o = lc_sockopt_find(LC_LIT("backlog"));
    const struct lc_sockopt_item *item = given_item(given, o);
    return (int)(item != NULL ? item->number : o->ours);
}

/* ---- setting ---- */

static int family_of(int fd)
{
    int family = AF_UNSPEC;
    socklen_t len = sizeof family;
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    return family;
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* FORCE may go over the limits of net.core, and needs CAP_NET_ADMIN. */
static int set_octets(const struct lc_sockopt *o, int fd, int value)
{
    int force = o->option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
    int e = set_int(fd, o->level, force, value);
    return e < 0 ? set_int(fd, o->level, o->option, value) : e;
}

static lc_err set_one(const struct lc_sockopt_item *item, int fd)
{
    const struct lc_sockopt *o = item->option;
    struct linger linger = {item->number >= 0, (int)item->number};
    int value = (int)item->number;
    int family = family_of(fd);
    int e;
    if (o->level == IPPROTO_IPV6 && family != AF_INET6)
        return LC_OK;
    switch (o->kind) {
    case LC_SOCKOPT_GROUPS:
        return join(o, item->text, fd);
    case LC_SOCKOPT_WORD:
        e = setsockopt(fd, o->level, o->option, item->text, (socklen_t)strlen(item->text));
        break;
    case LC_SOCKOPT_LINGER:
        e = setsockopt(fd, o->level, o->option, &linger, sizeof linger);
        break;
    case LC_SOCKOPT_OCTETS:
        e = set_octets(o, fd, value);
        break;
    case LC_SOCKOPT_BACKLOG: /* of listen(2) */
        return LC_OK;
    default:
        e = set_int(fd, o->level, o->option, value);
        break;
    }
    if (e == 0 && o->level == IPPROTO_IP && o->option == IP_TOS && family == AF_INET6)
        e = set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, value);
    return e < 0 ? -errno : LC_OK;
}

static void read_line_of(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "re");
    out[0] = '\0';
    if (f == NULL)
        return;
    if (fgets(out, (int)cap, f) != NULL)
        out[strcspn(out, "\n")] = '\0';
    fclose(f);
}

static void set_failed(const struct lc_sockopt_item *item, lc_err e, struct lc_diag *diag)
{
    const struct lc_sockopt *o = item->option;
    char words[200];
    if (o->level == IPPROTO_TCP && o->option == TCP_CONGESTION) {
        read_line_of("/proc/sys/net/ipv4/tcp_available_congestion_control", words, sizeof words);
        lc_diag_set(diag, "%s=%s: %s; this kernel has: %s", o->name, item->text, lc_strerror(e),
                    words);
        return;
    }
    const char *hint = "";
    if (o->option == SO_BINDTODEVICE && e == -ENODEV)
        hint = "; `ip link` lists the interfaces";
    else if (e == -EPERM)
        hint = "; it needs a capability (CAP_NET_ADMIN or CAP_NET_RAW)";
    lc_diag_set(diag, "%s=%s: %s%s", o->name, item->text, lc_strerror(e), hint);
}

lc_err lc_sockopts_apply(const struct lc_sockopts *given, enum lc_place place, int fd,
                         struct lc_diag *diag)
{
    unsigned here = 1U << place;
    for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++) {
        const struct lc_sockopt *o = &lc_sockopt_table[i];
        const struct lc_sockopt_item *item = given_item(given, o);
        struct lc_sockopt_item ours = {.option = o, .number = o->ours};
        if (item != NULL && (o->places & here) != 0) {
            lc_err e = set_one(item, fd);
            if (e != LC_OK) {
                set_failed(item, e, diag);
                return e;
            }
        } else if ((o->ours_at & here) != 0) {
            lc_err ignored = set_one(&ours, fd);
            LC_UNUSED(ignored);
        }
    }
    return LC_OK;
}

void lc_sockopts_accepted(const struct lc_sockopts *given, int fd)
{
    for (size_t i = 0; i < given->count; i++)
        if ((given->items[i].option->places & 1U << LC_PLACE_ACCEPTED) != 0)
            (void)!set_one(&given->items[i], fd);
}

/* ---- reading back ---- */

static bool read_backlog(int fd, int64_t *ret)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_state != TCP_LISTEN)
        return false;
    *ret = info.tcpi_sacked; /* of a listening socket */
    return true;
}

static bool read_value(const struct lc_sockopt *o, int fd, int64_t *ret)
{
    int value;
    struct linger linger;
    socklen_t len = sizeof value;
    switch (o->kind) {
    case LC_SOCKOPT_BACKLOG:
        return read_backlog(fd, ret);
    case LC_SOCKOPT_LINGER:
        len = sizeof linger;
        if (getsockopt(fd, o->level, o->option, &linger, &len) < 0)
            return false;
        *ret = linger.l_onoff ? linger.l_linger : -1;
        return true;
    case LC_SOCKOPT_WORD:
    case LC_SOCKOPT_GROUPS:
    case LC_SOCKOPT_OTHER:
        return false;
    default:
        if (getsockopt(fd, o->level, o->option, &value, &len) < 0)
            return false;
        *ret = value;
        return true;
    }
}

bool lc_sockopt_read(const struct lc_sockopt *o, int fd, char out[LC_SOCKOPT_TEXT_MAX])
{
    int64_t value;
    if (o->kind == LC_SOCKOPT_WORD) {
        socklen_t len = LC_SOCKOPT_TEXT_MAX - 1;
        memset(out, 0, LC_SOCKOPT_TEXT_MAX);
        return getsockopt(fd, o->level, o->option, out, &len) == 0;
    }
    if (!read_value(o, fd, &value))
        return false;
    print_number(o, value, out);
    return true;
}

/* Why the kernel has `got` where `asked` was said. */
static void explain(struct lc_sockopt_difference *d, int64_t asked, int64_t got)
{
    const char *name = d->option->option == SO_RCVBUF ? "rmem_max" : "wmem_max";
    int64_t factor = 1;
    int64_t limit;
    char path[64];
    char text[32];
    if (d->option->kind == LC_SOCKOPT_OCTETS)
        factor = 2; /* Linux doubles it, for its own use */
    else if (d->option->kind == LC_SOCKOPT_BACKLOG)
        name = "somaxconn";
    else
        return;
    d->less = got < factor * asked;
    if (!d->less) {
        snprintf(d->why, sizeof d->why, "Linux doubles it, for its own use");
        return;
    }
    snprintf(path, sizeof path, "/proc/sys/net/core/%s", name);
    read_line_of(path, text, sizeof text);
    if (read_integer(text, &limit) && got == factor * limit)
        snprintf(d->why, sizeof d->why, "net.core.%s is %s", name, text);
}

/* Linux turns IPV6_V6ONLY on as it binds to anything but ::, where no IPv4 could arrive. */
static bool is_of_bind(const struct lc_sockopt *o, int fd)
{
    struct sockaddr_in6 at = {0};
    socklen_t len = sizeof at;
    return o->level == IPPROTO_IPV6 && o->option == IPV6_V6ONLY &&
           getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
           !IN6_IS_ADDR_UNSPECIFIED(&at.sin6_addr);
}

static bool differs(const struct lc_sockopt_item *item, bool is_given, int fd,
                    struct lc_sockopt_difference *d)
{
    const struct lc_sockopt *o = item->option;
    int64_t got;
    *d = (struct lc_sockopt_difference){.option = o};
    if (o->kind == LC_SOCKOPT_WORD) {
        snprintf(d->asked, sizeof d->asked, "%s", item->text);
        return lc_sockopt_read(o, fd, d->got) && strcmp(d->asked, d->got) != 0;
    }
    if (!read_value(o, fd, &got) || got == item->number ||
        (o->kind == LC_SOCKOPT_SWITCH && (got != 0) == (item->number != 0)) ||
        (o->kind == LC_SOCKOPT_OCTETS && got == 2 * item->number && !is_given) || is_of_bind(o, fd))
        return false;
    print_number(o, item->number, d->asked);
    print_number(o, got, d->got);
    explain(d, item->number, got);
    return true;
}

void lc_sockopts_differences(const struct lc_sockopts *given, enum lc_place place, int fd,
                             void (*tell)(void *arg, const struct lc_sockopt_difference *d),
                             void *arg)
{
    unsigned here = 1U << place;
    for (size_t i = 0; i < LC_SOCKOPT_COUNT; i++) {
        const struct lc_sockopt *o = &lc_sockopt_table[i];
        const struct lc_sockopt_item *item = given_item(given, o);
        struct lc_sockopt_item ours = {.option = o, .number = o->ours};
        struct lc_sockopt_difference d;
        if (item != NULL ? (o->places & here) == 0 : (o->ours_at & here) == 0)
            continue;
        if (differs(item != NULL ? item : &ours, item != NULL, fd, &d))
            tell(arg, &d);
    }
}
