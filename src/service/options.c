/* SPDX-License-Identifier: Apache-2.0 */
#include "service/gather_options.h"
#include "service/relay_options.h"

#include <unistd.h>

#include "access/policy.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/options.h"
#include "service/log.h"

#define AT(member)  LC_MEMBER(struct lc_server_config, member)
#define OF(member)  LC_MEMBER(struct lc_service_config, member)
#define LONGEST_S   (UINT64_C(100) * 365 * 86400)
#define NS_PER_S    UINT64_C(1000000000)
#define MIB         (UINT64_C(1) << 20)
#define WORKERS_MAX 64

static const char *const acks_words[] = {
    [LC_ACKS_AUTO] = "auto", [LC_ACKS_ON] = "on", [LC_ACKS_OFF] = "off", NULL};
static const char *const ack_words[] = {
    [LC_ACK_SYNCED] = "synced", [LC_ACK_WRITTEN] = "written", NULL};
static const char *const policy_words[] = {
    [LC_POLICY_OPEN] = "open", [LC_POLICY_STRICT] = "strict", NULL};
static const char *const format_words[] = {[LC_LOG_FORMAT_AUTO] = "auto",
                                           [LC_LOG_FORMAT_TEXT] = "text",
                                           [LC_LOG_FORMAT_JSON] = "json",
                                           [LC_LOG_FORMAT_JOURNALD] = "journald",
                                           NULL};
static const char *const level_words[] = {
#define LEVEL_WORD(name, code, severity) [code] = #name,
    LC_LEVELS(LEVEL_WORD)
#undef LEVEL_WORD
        [LC_LEVEL_COUNT] = NULL};

static const struct lc_option server_rows[] = {
    {.name = "data",
     .letter = 'd',
     .kind = LC_OPTION_TEXT,
     .value = "DIR",
     .fallback = "logcaster-data",
     AT(data_dir),
     .help = "where records are kept; made when it is not there"},
    {.name = "workers",
     .letter = 'w',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "0",
     .max = WORKERS_MAX,
     AT(workers),
     .help = "threads that serve connections; 0: as many as CPUs"},
    {.name = "query-threads",
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "2",
     .min = 1,
     .max = WORKERS_MAX,
     AT(query_threads),
     .help = "threads that run queries, below the workers' priority"},
    {.name = "io",
     .kind = LC_OPTION_TEXT,
     .value = "BACKEND",
     .fallback = "epoll",
     .choices = lc_loop_backends,
     AT(io),
     .help =
         "how sockets are waited for: epoll, io_uring, poll, or select (which has room for about "
         "1000 connections)"},
    {.name = "memory",
     .letter = 'm',
     .kind = LC_OPTION_SIZE,
     .value = "SIZE",
     .fallback = "512M",
     .min = 32 * MIB,
     AT(memory),
     .help = "for records not yet in segments, and for caches"},
    {.name = "retain-size",
     .kind = LC_OPTION_SIZE,
     .flags = LC_OPTION_RELOAD,
     .value = "SIZE",
     .fallback = "auto",
     AT(retain_octets),
     .help = "octets on disk; the oldest records go first. auto: 80% of the file system or 50G, "
             "the smaller"},
    {.name = "retain-age",
     .kind = LC_OPTION_DURATION,
     .flags = LC_OPTION_RELOAD,
     .value = "TIME",
     .fallback = "none",
     .max = LONGEST_S * NS_PER_S,
     AT(retain_ns),
     .help = "records received longer ago are removed, as 30d"},
    {.name = "ack",
     .kind = LC_OPTION_CHOICE,
     .value = "WHEN",
     .fallback = "synced",
     .choices = ack_words,
     AT(ack),
     .help = "what an answer promises: synced (survives a power cut) or written (survives a crash "
             "of logcaster alone)"},
};

static const struct lc_option intake_rows[] = {
    {.name = "line-max",
     .kind = LC_OPTION_SIZE,
     .value = "SIZE",
     .fallback = "64K",
     .min = 1024,
     .max = MIB,
     AT(line_max),
     .help = "the longest text line or datagram"},
    {.name = "acks",
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_RELOAD,
     .value = "WHEN",
     .fallback = "auto",
     .choices = acks_words,
     AT(acks),
     .help = "whether plain lines are answered ACK: auto (a single line is, a stream of lines is "
             "not), on, off"},
    {.name = "detect-level",
     .kind = LC_OPTION_SWITCH,
     .flags = LC_OPTION_RELOAD,
     .value = "SWITCH",
     .fallback = "on",
     AT(detect_level),
     .help = "take a level word near the start of a plain line as its level"},
    {.name = "log-level",
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_RELOAD,
     .value = "LEVEL",
     .fallback = "INFO",
     .choices = level_words,
     AT(log_level),
     .help = "of the server's own log on standard error"},
    {.name = "log-format",
     .kind = LC_OPTION_CHOICE,
     .value = "FORMAT",
     .fallback = "auto",
     .choices = format_words,
     AT(log_format),
     .help = "of the server's own log: text, json, journald (fields, to systemd's journal), auto "
             "(journald where standard error is the journal, else text)"},
};

static lc_err check_address(const char *text, struct lc_diag *diag)
{
    struct lc_endpoint unused;

    if (strcmp(text, "none") == 0)
        return LC_OK;
    return lc_endpoint_parse(lc_slice_cstr(text), 1, &unused, diag);
}

static lc_err check_networks(const char *text, struct lc_diag *diag)
{
    struct lc_networks *n = NULL;
    lc_err e = lc_networks_parse(&text, 1, &n, diag);

    lc_networks_free(n);
    return e;
}

/* Of every service alike: a row here is an option of each. */
static const struct lc_option service_rows[] = {
    {.name = "listen",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_BARE,
     .value = "ADDRESS",
     .check = check_address,
     OF(listen),
     .help = "where it listens: host:port, :port, [v6]:port, udp://host:port, unix:/path, "
             "unixgram:/path, or none (docs/protocols.md, \"Where to connect\"); may be given "
             "several times"},
    {.name = "policy",
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_RELOAD,
     .value = "POLICY",
     .fallback = "open",
     .choices = policy_words,
     OF(policy),
     .help = "what is asked of who comes: open, or strict (docs/access.md)"},
    {.name = "allow",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_RELOAD,
     .value = "NETWORKS",
     .check = check_networks,
     OF(allow),
     .help = "who may come: addresses, networks as 10.0.0.0/8, and the words loopback, private, "
             "unix, any; without it, whom the policy lets in. May be given several times"},
    {.name = "deny",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_RELOAD,
     .value = "NETWORKS",
     .check = check_networks,
     OF(deny),
     .help = "who may not, though allowed"},
    {.name = "trust-proxy",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_RELOAD,
     .value = "NETWORKS",
     .check = check_networks,
     OF(trust_proxy),
     .help = "proxies whose PROXY header is believed: what it names as the client is the peer"},
    {.name = "connections-rate",
     .kind = LC_OPTION_RATE,
     .flags = LC_OPTION_RELOAD,
     .value = "RATE",
     .fallback = "auto",
     OF(connections_rate),
     .help = "new connections from one address, as 100/s, or none; auto: as the policy says"},
    {.name = "connections-max",
     .kind = LC_OPTION_COUNT,
     .flags = LC_OPTION_RELOAD,
     .value = "N",
     .fallback = "0",
     OF(connections_max),
     .help = "connections from one address at a time; 0: no limit"},
    {.name = "socket",
     .kind = LC_OPTION_MAP,
     .value = "NAME=VALUE",
     .check = lc_sockopt_check,
     OF(socket),
     .help = "a socket option by its name, as TCP_CONGESTION=bbr or SO_RCVBUF=1M; may be given "
             "several times (docs/sockets.md)"},
    /* The last ones are only of services that take records. */
    {.name = "records-rate",
     .kind = LC_OPTION_RATE,
     .flags = LC_OPTION_RELOAD,
     .value = "RATE",
     .fallback = "none",
     OF(records_rate),
     .help = "records from one address, as 5000/s: faster streams are slowed, datagrams dropped"},
    {.name = "octets-rate",
     .kind = LC_OPTION_FLOW,
     .flags = LC_OPTION_RELOAD,
     .value = "RATE",
     .fallback = "none",
     OF(octets_rate),
     .help = "the same in octets of messages and fields, as 10M/s"},
    {.name = "space",
     .kind = LC_OPTION_TEXT,
     .value = "NAME",
     .fallback = "main",
     OF(space),
     .help = "whose the records are that come in here and name no space of their own"},
};

#define ROWS_OF_INTAKE 3
#define ROWS_OF(id)                                                                                \
    (LC_ARRAY_LEN(service_rows) - (LC_SERVICE_##id == LC_SERVICE_QUERY ? ROWS_OF_INTAKE : 0))

const struct lc_option_group lc_server_groups[LC_SERVER_GROUPS] = {
    {.title = "Server", .rows = server_rows, .count = LC_ARRAY_LEN(server_rows)},
    {.title = "Records", .rows = intake_rows, .count = LC_ARRAY_LEN(intake_rows)},
#define SERVICE_GROUP(id, service_name, text)                                                      \
    {.section = #service_name,                                                                     \
     .title = "Service " #service_name,                                                            \
     .about = text ".",                                                                            \
     .rows = service_rows,                                                                         \
     .count = ROWS_OF(id),                                                                         \
     .offset = offsetof(struct lc_server_config, service) +                                        \
               LC_SERVICE_##id * sizeof(struct lc_service_config)},
    LC_DOOR_SERVICES(SERVICE_GROUP)
#undef SERVICE_GROUP
        LC_GATHER_GROUP(offsetof(struct lc_server_config, gather)),
    LC_RELAY_GROUP(offsetof(struct lc_server_config, relay)),
};

static const struct lc_option_part parts[] = {LC_SERVER_PARTS(0)};

const struct lc_option_set lc_server_options = {parts, LC_ARRAY_LEN(parts)};

void lc_server_defaults(struct lc_server_config *ret)
{
    struct lc_settings s;

    memset(ret, 0, sizeof *ret);
    lc_settings_init(&s, &lc_server_options, ret);
    lc_settings_done(&s);
    ret->log_fd = STDERR_FILENO;
}
