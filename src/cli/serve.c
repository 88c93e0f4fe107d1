/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/serve.c - logcaster serve: the server's options, and its run.
 */
#include <unistd.h>

#include "cli/command.h"
#include "cli/term.h"
#include "service/server.h"

static const char *const io_words[] = {"epoll", "io_uring", NULL};
static const char *const acks_words[] = {
    [LC_ACKS_AUTO] = "auto", [LC_ACKS_ON] = "on", [LC_ACKS_OFF] = "off", NULL};
static const char *const ack_words[] = {"synced", "written", NULL};
static const char *const switch_words[] = {"on", "off", NULL};
static const char *const level_words[] = {
#define LEVEL_WORD(name, code, severity) [code] = #name,
    LC_LEVELS(LEVEL_WORD)
#undef LEVEL_WORD
        [LC_LEVEL_COUNT] = NULL};

struct serve_options {
    const char *data;
    struct lc_list addresses[LC_SERVICE_COUNT];
    uint64_t workers, query_threads;
    int io;
    uint64_t memory, retain_size, line_max;
    int64_t retain_age;
    int acks, ack, detect_level, log_level, colour;
};

#define AT(member) offsetof(struct serve_options, member)

static const struct lc_option options[] = {
    {"data", 'd', LC_OPTION_TEXT, "DIR", "logcaster-data", NULL, 0, 0,
     "where records are kept; made when it is not there", AT(data)},
#define ADDRESS_OPTION(id, service, text)                                                          \
    {#service,                                                                                     \
     0,                                                                                            \
     LC_OPTION_LIST,                                                                               \
     "ADDRESS",                                                                                    \
     NULL,                                                                                         \
     NULL,                                                                                         \
     0,                                                                                            \
     0,                                                                                            \
     text " (docs/protocols.md, \"Where to connect\"); may be given several times",                \
     AT(addresses[LC_SERVICE_##id])},
    LC_DOOR_SERVICES(ADDRESS_OPTION)
#undef ADDRESS_OPTION
        {"workers", 'w', LC_OPTION_COUNT, "N", NULL, NULL, 0, 64,
         "threads that serve connections; 0: as many as CPUs", AT(workers)},
    {"query-threads", 0, LC_OPTION_COUNT, "N", "2", NULL, 1, 64,
     "threads that run queries, below the workers' priority", AT(query_threads)},
    {"io", 0, LC_OPTION_CHOICE, "BACKEND", "epoll", io_words, 0, 0,
     "how sockets are waited for: epoll or io_uring", AT(io)},
    {"memory", 'm', LC_OPTION_SIZE, "SIZE", "512M", NULL, 32u << 20, 0,
     "for records not yet in segments, and for caches", AT(memory)},
    {"retain-size", 0, LC_OPTION_SIZE, "SIZE", "auto", NULL, 0, 0,
     "octets on disk; the oldest records go first. auto: 80% of the "
     "file system or 50G, the smaller",
     AT(retain_size)},
    {"retain-age", 0, LC_OPTION_DURATION, "TIME", "none", NULL, 0, 0,
     "records received longer ago are removed, as 30d", AT(retain_age)},
    {"line-max", 0, LC_OPTION_SIZE, "SIZE", "64K", NULL, 1024, 1u << 20,
     "the longest text line or datagram", AT(line_max)},
    {"acks", 0, LC_OPTION_CHOICE, "WHEN", "auto", acks_words, 0, 0,
     "whether plain lines are answered ACK: auto (a single line is, a stream of lines is not), "
     "on, off",
     AT(acks)},
    {"ack", 0, LC_OPTION_CHOICE, "WHEN", "synced", ack_words, 0, 0,
     "what an answer promises: synced (survives a power cut) or written (survives a crash of "
     "logcaster alone)",
     AT(ack)},
    {"detect-level", 0, LC_OPTION_CHOICE, "SWITCH", "on", switch_words, 0, 0,
     "take a level word near the start of a plain line as its level", AT(detect_level)},
    {"log-level", 0, LC_OPTION_CHOICE, "LEVEL", "INFO", level_words, 0, 0,
     "of the server's own log on standard error", AT(log_level)},
    {"color", 0, LC_OPTION_CHOICE, "WHEN", "auto", lc_colour_words, 0, 0,
     "auto (on a terminal), always, never", AT(colour)},
};

_Static_assert(LC_LIST_MAX <= LC_LISTEN_MAX, "every address that can be given has a place");

static void print_ready(void *arg, const char *text)
{
    LC_UNUSED(arg);
    fputs(text, stdout);
    fflush(stdout);
}

static int run(const void *target, int operands, char **argv)
{
    const struct serve_options *o = target;
    struct lc_diag diag = {0};
    if (operands > 0) {
        lc_diag_set(&diag, "serve takes no operands: %s", argv[1]);
        return lc_command_fail(&diag);
    }
    struct lc_server_config c = lc_server_defaults;
    c.data_dir = o->data;
    c.io = io_words[o->io];
    c.workers = (unsigned)o->workers;
    c.query_threads = (unsigned)o->query_threads;
    c.memory = o->memory;
    c.retain_octets = o->retain_size;
    c.retain_ns = o->retain_age;
    c.ack_written = o->ack == 1;
    c.acks = (enum lc_acks)o->acks;
    c.detect_level = o->detect_level == 0;
    c.line_max = o->line_max;
    c.log_level = (enum lc_level)o->log_level;
    c.log_fd = STDERR_FILENO;
    c.log_colour = lc_term_colours(stderr, (enum lc_colour)o->colour);
    for (size_t s = 0; s < LC_SERVICE_COUNT; s++) {
        c.listen_count[s] = o->addresses[s].count;
        for (size_t i = 0; i < o->addresses[s].count; i++)
            c.listen[s][i] = o->addresses[s].items[i];
    }
    c.ready = print_ready;
    return lc_server_run(&c, &diag) == LC_OK ? 0 : lc_command_fail(&diag);
}

const struct lc_command lc_command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "run the server",
    .text = "Takes log records on port 9999 (TCP, UDP) and on sockets in the data\n"
            "directory, and answers queries on port 9998 of this host. SIGTERM or SIGINT\n"
            "stops it in order.",
    .examples = "  logcaster serve\n"
                "  logcaster serve --data /var/lib/logcaster --retain-size 20G\n"
                "  logcaster serve --logs :514 --query 127.0.0.1:9998\n",
    .options = options,
    .option_count = LC_ARRAY_LEN(options),
    .target_size = sizeof(struct serve_options),
    .run = run,
};
