/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/send.c - logcaster send: lines of files or of standard input, stored and acknowledged one by
 * one; at a terminal, a conversation. The way over a spool is in send_spool.c.
 *
 * WHAT    Lines go out as v2 (`LOG|level||line`), many before the first answer is back, but never
 *         more than the window; a line counts as stored only when its `OK|id` has come. At a
 *         terminal lines go out as they are typed, so that every protocol can be tried by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/grapheme.h"
#include "base/record.h"
#include "base/time.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/send.h"
#include "cli/term.h"
#include "proto/text.h"
#include "service/options.h"

#define WINDOW       8192u        /* lines sent and not yet answered, at most */
#define OUT_HIGH     (256u << 10) /* octets waiting for the socket at which reading pauses */
#define READ_SIZE    (64u << 10)
#define LINE_LIMIT   (1u << 20)
#define ERRORS_SHOWN 5u
#define PROGRESS_MS  200

#define AT(member) LC_MEMBER(struct lc_send_options, member)
#define MIB        (UINT64_C(1) << 20)

static const struct lc_option option_rows[] = {
    {.name = "server",
     .letter = 's',
     .kind = LC_OPTION_LIST,
     .value = "ADDRESS",
     .fallback = "127.0.0.1:9999",
     AT(servers),
     .help = "where to send: host:port, [v6]:port or unix:/path; given several times, in the order "
             "of preference"},
    {.name = "level",
     .letter = 'l',
     .kind = LC_OPTION_TEXT,
     .value = "LEVEL",
     AT(level),
     .help = "the level of every line: TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT EMERG"},
    {.name = "spool",
     .kind = LC_OPTION_TEXT,
     .value = "DIR",
     AT(spool),
     .help = "keep in this directory what is not yet acknowledged; --follow, --exec and --journald "
             "always have one"},
    {.name = "spool-size",
     .kind = LC_OPTION_SIZE,
     .value = "SIZE",
     .fallback = "1G",
     .min = 8 * MIB,
     AT(spool_octets),
     .help = "octets of the spool; when it is full, inputs wait"},
    {.name = "wait",
     .kind = LC_OPTION_DURATION,
     .value = "TIME",
     .fallback = "none",
     AT(wait_ns),
     .help = "with a spool: how long to wait for a server that does not answer before the rest is "
             "left in the spool; none: for ever"},
    {.name = "compress",
     .kind = LC_OPTION_SWITCH,
     .value = "SWITCH",
     .fallback = "on",
     AT(compress),
     .help = "with a spool: send batches compressed"},
    {.name = "quiet", .letter = 'q', .kind = LC_OPTION_FLAG, AT(quiet), .help = "no progress"},
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {
    {&option_group, 1, 0},
    {&lc_gather_group, 1, offsetof(struct lc_send_options, gather)},
    LC_COMMON_PART,
};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

/* Where an unanswered line came from, for messages. */
struct origin {
    const char *name;
    uint64_t line;
};

struct sending {
    const struct lc_send_options *options;
    const char *server; /* the one that answers */
    struct lc_client client;
    char **names; /* files not yet read */
    int names_left;
    const char *name; /* of the file being read */
    int fd;           /* -1: between files, or no more */
    uint64_t line;    /* lines read of this file */
    struct lc_dynbuf in, out;
    size_t scanned;
    bool skipping; /* the rest of a line that was too long */
    struct origin origins[WINDOW];
    uint64_t sent, answered, refused;
    struct lc_time progress_at;
    bool shows_progress;
};

static void report_refused(struct sending *s, const struct origin *o, struct lc_slice reason)
{
    s->refused++;
    if (s->refused <= ERRORS_SHOWN)
        fprintf(stderr, "logcaster: %s line %" PRIu64 " was not stored: %.*s\n", o->name, o->line,
                (int)reason.n, reason.p);
    else if (s->refused == ERRORS_SHOWN + 1)
        fprintf(stderr, "logcaster: more lines were not stored; the sum follows\n");
}

static lc_err queue_line(struct sending *s, struct lc_slice line)
{
    s->origins[s->sent % WINDOW] = (struct origin){s->name, s->line};
    s->sent++;
    lc_err e = lc_dynbuf_append(&s->out, LC_LIT("LOG|"));
    if (e == LC_OK && s->options->level != NULL)
        e = lc_dynbuf_append(&s->out, lc_slice_cstr(s->options->level));
    if (e == LC_OK)
        e = lc_dynbuf_append(&s->out, LC_LIT("||"));
    if (e == LC_OK)
        e = lc_dynbuf_append(&s->out, line);
    return e == LC_OK ? lc_dynbuf_append(&s->out, LC_LIT("\n")) : e;
}

static bool has_room(const struct sending *s)
{
    return s->sent - s->answered < WINDOW && s->out.n < OUT_HIGH;
}

/* The end of a line that was too long; false: it has not come yet. */
static bool skip_line(struct sending *s)
{
    size_t used;
    s->skipping = lc_line_skip(lc_dynbuf_slice(&s->in), &used) == LC_EMORE;
    lc_dynbuf_consume(&s->in, s->skipping ? s->in.n : used);
    return !s->skipping;
}

/* Queues whole lines of s->in while there is room. at_end: the last one may lack its newline. */
static lc_err queue_lines(struct sending *s, bool at_end)
{
    size_t spent = 0;
    lc_err e = LC_OK;
    if (s->skipping && !skip_line(s))
        return LC_OK;
    while (e == LC_OK && has_room(s)) {
        struct lc_slice in = lc_slice_from(lc_dynbuf_slice(&s->in), spent), line;
        size_t used;
        lc_err found = lc_line_next(in, LINE_LIMIT, &s->scanned, &line, &used);
        if (found == LC_EMORE && at_end && in.n > 0) {
            line = in;
            used = in.n;
            s->scanned = 0;
        } else if (found == LC_EMORE) {
            break;
        }
        spent += used;
        s->line++;
        if (found == LC_ELIMIT) {
            struct origin o = {s->name, s->line};
            report_refused(s, &o, LC_LIT("longer than 1 MiB"));
            s->skipping = true;
            break;
        }
        if (line.n > 0)
            e = queue_line(s, line);
    }
    lc_dynbuf_consume(&s->in, spent);
    return e;
}

static lc_err open_next(struct sending *s, struct lc_diag *diag)
{
    s->name = *s->names++;
    s->names_left--;
    s->line = 0;
    if (strcmp(s->name, "-") == 0) {
        s->name = "standard input";
        s->fd = STDIN_FILENO;
        return LC_OK;
    }
    s->fd = open(s->name, O_RDONLY | O_CLOEXEC);
    if (s->fd >= 0)
        return LC_OK;
    lc_err e = -errno;
    lc_diag_set(diag, "%s: %s", s->name, lc_strerror(e));
    return e;
}

static lc_err read_input(struct sending *s, struct lc_diag *diag)
{
    lc_err e = lc_dynbuf_reserve(&s->in, READ_SIZE);
    ssize_t n = e == LC_OK ? read(s->fd, s->in.p + s->in.n, READ_SIZE) : 0;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return LC_OK;
    if (n < 0)
        e = -errno;
    if (e != LC_OK) {
        lc_diag_set(diag, "%s: %s", s->name, lc_strerror(e));
        return e;
    }
    s->in.n += (size_t)n;
    if (n == 0) {
        if (s->fd != STDIN_FILENO)
            close(s->fd);
        s->fd = -1;
    }
    return LC_OK;
}

static lc_err take_answers(struct sending *s, struct lc_diag *diag)
{
    struct lc_slice line;
    lc_err e;
    while ((e = lc_client_line(&s->client, &line)) == LC_OK) {
        if (lc_slice_starts(line, LC_LIT("ERROR: "))) {
            /* It is not about a line: a policy keeps us out (docs/access.md). */
            line = lc_slice_from(line, 7);
            lc_diag_set(diag, "%s: %.*s", s->server, (int)line.n, line.p);
            return LC_EPROTO;
        }
        if (s->answered == s->sent) {
            lc_diag_set(diag, "%s: an answer to nothing: %.*s", s->server,
                        (int)lc_grapheme_cut(line, 80), line.p);
            return LC_EPROTO;
        }
        const struct origin *o = &s->origins[s->answered % WINDOW];
        s->answered++;
        if (lc_slice_starts(line, LC_LIT("ERROR|")))
            report_refused(s, o, lc_slice_from(line, 6));
    }
    return e == LC_EMORE ? LC_OK : e;
}

static lc_err exchange(struct sending *s, short events, struct lc_diag *diag)
{
    lc_err e = LC_OK;
    if ((events & POLLOUT) != 0) {
        ssize_t n = send(s->client.fd, s->out.p, s->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            lc_dynbuf_consume(&s->out, (size_t)n);
        else if (errno != EAGAIN && errno != EINTR)
            e = -errno;
    }
    if (e == LC_OK && (events & (POLLIN | POLLHUP | POLLERR)) != 0)
        e = lc_client_receive(&s->client);
    if (e == LC_OK)
        return take_answers(s, diag);
    /* what was answered before the end still counts */
    lc_err taken = take_answers(s, diag);
    if (taken != LC_OK)
        return taken;
    const struct origin *o = &s->origins[s->answered % WINDOW];
    lc_diag_set(
        diag, "%s: %s; stored up to before %s line %" PRIu64 ", not acknowledged from there",
        s->server, e == LC_EEND ? "the server closed the connection" : lc_strerror(e),
        s->answered < s->sent ? o->name : s->name, s->answered < s->sent ? o->line : s->line);
    return e;
}

static void show_progress(struct sending *s, bool last)
{
    struct lc_time now = lc_monotonic(&lc_clock_system);
    if (!s->shows_progress || (!last && !lc_time_reached(s->progress_at, now)))
        return;
    s->progress_at = lc_time_add_ms(now, PROGRESS_MS);
    fprintf(stderr, "\r%" PRIu64 " lines stored%s", s->answered - s->refused, last ? "\n" : "");
}

/* One wait for whatever can go on, and its work. */
static lc_err turn(struct sending *s, struct lc_diag *diag)
{
    bool reads = s->fd >= 0 && has_room(s);
    short wanted = (short)(POLLIN | (s->out.n > 0 ? POLLOUT : 0));
    struct pollfd p[] = {{.fd = s->client.fd, .events = wanted},
                         {.fd = reads ? s->fd : -1, .events = POLLIN}};
    if (poll(p, LC_ARRAY_LEN(p), s->shows_progress ? PROGRESS_MS : -1) < 0 && errno != EINTR) {
        lc_diag_set(diag, "poll: %s", lc_strerror(-errno));
        return -errno;
    }
    lc_err e = LC_OK;
    if (p[1].revents != 0)
        e = read_input(s, diag);
    if (e == LC_OK && p[0].revents != 0)
        e = exchange(s, p[0].revents, diag);
    if (e == LC_OK)
        e = queue_lines(s, s->fd < 0);
    show_progress(s, false);
    return e;
}

static lc_err send_all(struct sending *s, struct lc_diag *diag)
{
    lc_err e = LC_OK;
    bool more = true;
    while (e == LC_OK && more) {
        if (s->fd < 0 && s->in.n == 0 && s->names_left > 0)
            e = open_next(s, diag);
        if (e == LC_OK)
            e = turn(s, diag);
        more = s->fd >= 0 || s->names_left > 0 || s->in.n > 0 || s->answered < s->sent;
    }
    return e;
}

static int send_files(struct sending *s, struct lc_diag *diag)
{
    lc_err e = send_all(s, diag);
    show_progress(s, true);
    if (e != LC_OK)
        return lc_command_fail(diag);
    if (s->refused == 0)
        return LC_EXIT_FOUND;
    lc_diag_set(diag, "%" PRIu64 " lines were not stored", s->refused);
    return lc_command_fail(diag);
}

/* ---- at a terminal ---- */

static void prompt(void)
{
    fputs("> ", stdout);
    fflush(stdout);
}

static lc_err show_answer(struct sending *s, struct lc_slice line, const char *before)
{
    s->out.n = 0;
    lc_err e = lc_term_append(&s->out, line);
    if (e == LC_OK)
        printf("%s%.*s\n", before, (int)s->out.n, s->out.p);
    return e;
}

/* Shows what has come, in front of a new prompt. */
static lc_err show_answers(struct sending *s)
{
    struct lc_slice line;
    lc_err received = lc_client_receive(&s->client);
    bool shown = false;
    while (lc_client_line(&s->client, &line) == LC_OK) {
        lc_err e = show_answer(s, line, shown ? "" : "\r");
        if (e != LC_OK)
            return e;
        shown = true;
    }
    if (shown)
        prompt();
    return received;
}

/* What was typed; LC_EEND: `quit` or Ctrl-D. */
static lc_err send_typed(struct sending *s)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, stdin);
    lc_err e = LC_EEND;
    if (n > 0 && strcmp(line, "quit\n") != 0)
        e = lc_client_write(&s->client, lc_slice(line, (size_t)n));
    free(line);
    if (e == LC_OK)
        prompt();
    return e;
}

/* What was typed last may be on its way: the server answers it, then closes as we have done.
 * Closing at once would lose these lines where an answer meets a closed socket. */
static void show_last_answers(struct sending *s)
{
    struct lc_slice line;
    if (shutdown(s->client.fd, SHUT_WR) != 0)
        return;
    while (lc_client_next(&s->client, &line) == LC_OK && show_answer(s, line, "") == LC_OK)
        ;
}

static int converse(struct sending *s, struct lc_diag *diag)
{
    printf("Connected to %s. Each line is stored when ACK comes back; 'quit' or Ctrl-D ends.\n",
           s->server);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what getline() has not taken */
    prompt();
    lc_err e = LC_OK;
    while (e == LC_OK) {
        struct pollfd p[] = {{.fd = s->client.fd, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(p, LC_ARRAY_LEN(p), -1) < 0 && errno != EINTR)
            e = -errno;
        else if (p[0].revents != 0)
            e = show_answers(s) == LC_OK ? LC_OK : -ECONNRESET;
        else if (p[1].revents != 0)
            e = send_typed(s);
    }
    if (e == LC_EEND) {
        fputs("\n", stdout);
        show_last_answers(s);
        return LC_EXIT_FOUND;
    }
    lc_diag_set(diag, "%s: the server closed the connection", s->server);
    return lc_command_fail(diag);
}

/* The first server that answers; diag is of the last one, the others are told before. */
static lc_err open_any(struct sending *s, struct lc_diag *diag)
{
    const struct lc_list *servers = &s->options->servers;
    lc_err e = LC_EGONE;
    for (size_t i = 0; i < servers->count && e != LC_OK; i++) {
        if (i > 0)
            lc_command_fail(diag);
        s->server = servers->items[i];
        e = lc_client_open(&s->client, s->server, LC_DEFAULT_LOGS_PORT, diag);
    }
    return e;
}

static int run(const void *target, int count, char **operands)
{
    const struct lc_send_options *o = target;
    struct lc_diag diag = {0};
    if (o->level != NULL && lc_level_parse(lc_slice_cstr(o->level)) == LC_LEVEL_NONE) {
        lc_diag_set(&diag, "--level %s: not a level; --help lists them", o->level);
        return lc_command_fail(&diag);
    }
    if (lc_send_needs_spool(o))
        return lc_send_by_spool(o, count, operands);
    struct sending *s = calloc(1, sizeof *s);
    if (s == NULL) {
        lc_diag_set(&diag, "no memory");
        return lc_command_fail(&diag);
    }
    static char dash[] = "-";
    static char *only_stdin[] = {dash};
    s->options = o;
    s->names = count > 0 ? operands : only_stdin;
    s->names_left = count > 0 ? count : 1;
    s->fd = -1;
    s->name = "";
    lc_dynbuf_init(&s->in, LINE_LIMIT + 2 * READ_SIZE);
    lc_dynbuf_init(&s->out, OUT_HIGH + LINE_LIMIT + READ_SIZE);
    bool talks = count == 0 && isatty(STDIN_FILENO);
    s->shows_progress = !talks && !o->quiet && isatty(STDERR_FILENO);
    int code = LC_EXIT_ERROR;
    if (open_any(s, &diag) != LC_OK)
        lc_command_fail(&diag);
    else
        code = talks ? converse(s, &diag) : send_files(s, &diag);
    lc_client_close(&s->client);
    lc_dynbuf_done(&s->in);
    lc_dynbuf_done(&s->out);
    free(s);
    return code;
}

const struct lc_command lc_command_send = {
    .name = "send",
    .operands = "[FILE...]",
    .summary = "store lines of files or of standard input",
    .text = "Stores each line as a record and waits until the server has it safe on disk.\n"
            "At a terminal, without files, it asks for lines and shows each answer.\n"
            "With --spool, or with an input that has no end (--follow, --exec, --journald),\n"
            "what is read is kept on disk until a server has it, also while none answers:\n"
            "nothing is lost and nothing sent twice, whatever is killed (docs/shipping.md).\n"
            "Exit code: 0 everything is stored, 2 something is not, 3 the rest is safe in the\n"
            "spool and not yet sent; standard error says what.",
    .examples = "  echo 'disk is full' | logcaster send --level ERROR\n"
                "  logcaster send /var/log/syslog\n"
                "  some-program 2>&1 | logcaster send\n"
                "  logcaster send --server unix:data/logs.sock\n"
                "  logcaster send --follow '/var/log/*.log' --server a:9999 --server b:9999\n"
                "  logcaster send --spool /var/spool/batch --wait 10m big.log\n",
    .options = &options,
    .target_size = sizeof(struct lc_send_options),
    .run = run,
};
