/* SPDX-License-Identifier: Apache-2.0 */
#include "service/greeting.h"

#include <errno.h>
#include <stdio.h>

/* A line is appended as long as all before it were. */
#define SAY(out, ...)                                                                              \
    do {                                                                                           \
        if (e == LC_OK)                                                                            \
            e = lc_dynbuf_printf(out, __VA_ARGS__);                                                \
    } while (0)

static const char *unix_path(const struct lc_doors *doors, enum lc_service_id service)
{
    const struct lc_door *d = lc_doors_find(doors, service, LC_UNIX_STREAM);

    return d ? d->path : NULL;
}

/* ` --server <address>`, where it isn't the one that the commands take by themselves. tcp: NULL
 * where there is none, or it is of no use. */
static void server_option(const struct lc_doors *doors, enum lc_service_id service,
                          const struct lc_door *tcp, char *out, size_t cap)
{
    const char *path = unix_path(doors, service);
    char host[LC_HOST_MAX];
    unsigned port;

    out[0] = 0;
    if (tcp == NULL) {
        snprintf(out, cap, " --server unix:%s", path ? path : "");
        return;
    }
    lc_door_host(tcp, host, &port);
    if (port != lc_services[service]->port || strcmp(host, "127.0.0.1") != 0)
        snprintf(out, cap, strchr(host, ':') ? " --server [%s]:%u" : " --server %s:%u", host, port);
}

static lc_err say_send(const struct lc_doors *doors, struct lc_dynbuf *out)
{
    const struct lc_door *tcp = lc_doors_find(doors, LC_SERVICE_LOGS, LC_TCP);
    const struct lc_door *udp = lc_doors_find(doors, LC_SERVICE_LOGS, LC_UDP);
    const struct lc_door *dgram = lc_doors_find(doors, LC_SERVICE_LOGS, LC_UNIX_DGRAM);
    char host[LC_HOST_MAX], option[512];
    unsigned port;
    lc_err e = lc_dynbuf_printf(out, "\nSend:\n");

    server_option(doors, LC_SERVICE_LOGS, tcp, option, sizeof option);
    SAY(out, "  echo 'hello' | %s send%s\n", program_invocation_name, option);
    if (tcp != NULL) {
        lc_door_host(tcp, host, &port);
        SAY(out, "  echo 'hello' | nc -N %s %u\n", host, port);
        SAY(out, "  logger --server %s --port %u --tcp 'hello'\n", host, port);
    }
    if (udp != NULL) {
        lc_door_host(udp, host, &port);
        SAY(out, "  logger --server %s --port %u --udp 'hello'\n", host, port);
    }
    if (dgram != NULL)
        SAY(out, "  logger --socket %s 'hello'\n", dgram->path);
    return e;
}

static lc_err say_ask(const struct lc_server_config *config, const struct lc_doors *doors,
                      struct lc_dynbuf *out)
{
    bool needs_login = config->service[LC_SERVICE_QUERY].policy == LC_POLICY_STRICT;
    const struct lc_door *tcp = needs_login ? NULL : lc_doors_find(doors, LC_SERVICE_QUERY, LC_TCP);
    char host[LC_HOST_MAX], option[512];
    unsigned port;
    lc_err e = lc_dynbuf_printf(out, "\nAsk:\n");

    server_option(doors, LC_SERVICE_QUERY, tcp, option, sizeof option);
    SAY(out, "  %s query%s hello\n", program_invocation_name, option);
    SAY(out, "  %s tail%s\n", program_invocation_name, option);
    if (tcp == NULL)
        return e;
    lc_door_host(tcp, host, &port);
    SAY(out, "  echo 'QUERY|KEYWORD|hello' | nc -N %s %u\n", host, port);
    if (lc_addr_is_local(&tcp->addr))
        SAY(out,
            "\nThere are no accounts yet, so questions are answered on this host only.\n"
            "From another one, with this one's name at the end:\n"
            "  ssh -N -L %u:%s%s%s:%u HOST\n",
            port, strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port);
    else
        SAY(out, "\nThere are no accounts yet: whoever reaches port %u can read everything.\n",
            port);
    return e;
}

/* One line for each service: all its addresses. */
static lc_err say_addresses(const struct lc_doors *doors, struct lc_dynbuf *out)
{
    static const char *const names[] = {
#define SERVICE_NAME(id, name, help) #name,
        LC_SERVICES(SERVICE_NAME)
#undef SERVICE_NAME
    };
    lc_err e = LC_OK;

    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        if (doors->count[s] == 0)
            continue;
        SAY(out, "  %-7s", names[s]);
        for (size_t i = 0; i < doors->count[s]; i++)
            SAY(out, " %s", doors->door[s][i]->text);
        SAY(out, "\n");
    }
    return e;
}

lc_err lc_greeting(const struct lc_server_config *config, const struct lc_doors *doors,
                   struct lc_dynbuf *out)
{
    lc_err e = lc_dynbuf_printf(out, "LogCaster " LC_VERSION " is ready; records are kept in %s\n",
                                config->data_dir);

    if (e == LC_OK)
        e = say_addresses(doors, out);
    if (e == LC_OK)
        e = say_send(doors, out);
    return e == LC_OK ? say_ask(config, doors, out) : e;
}

static void where(const struct lc_doors *doors, enum lc_service_id service, char *out, size_t cap)
{
    const struct lc_door *tcp = lc_doors_find(doors, service, LC_TCP);

    /* A peer elsewhere could do nothing with the path of a socket here, and shall not learn it. */
    if (tcp == NULL)
        snprintf(out, cap, "a socket in the server's data directory");
    else if (lc_addr_is_local(&tcp->addr))
        snprintf(out, cap, "port %u of the server's own host", (unsigned)lc_addr_port(&tcp->addr));
    else
        snprintf(out, cap, "port %u", (unsigned)lc_addr_port(&tcp->addr));
}

void lc_greeting_elsewhere(const struct lc_doors *doors,
                           char text[LC_SERVICE_COUNT][LC_ELSEWHERE_MAX])
{
    char logs[96], query[96];

    where(doors, LC_SERVICE_LOGS, logs, sizeof logs);
    where(doors, LC_SERVICE_QUERY, query, sizeof query);
    snprintf(text[LC_SERVICE_LOGS], LC_ELSEWHERE_MAX,
             "here logs are taken, as lines or syslog; to query, go to %s", query);
    snprintf(text[LC_SERVICE_FORWARD], LC_ELSEWHERE_MAX,
             "here the forward protocol of Fluentd is spoken; for other logs, go to %s", logs);
    snprintf(text[LC_SERVICE_GELF], LC_ELSEWHERE_MAX,
             "here GELF is spoken; for other logs, go to %s", logs);
    snprintf(text[LC_SERVICE_QUERY], LC_ELSEWHERE_MAX,
             "here queries are answered; to log, go to %s", logs);
}
