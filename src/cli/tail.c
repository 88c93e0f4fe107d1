/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/tail.c - logcaster tail: the newest records, then each one as it is committed, of one server
 * or of several.
 *
 * WHAT    Each server is followed by itself (cli/follow.h). What several of them bring is held
 *         for a moment and shown in the order of time.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/follow.h"
#include "cli/output.h"

#define HOLD_MS  200 /* for records of other servers that are as old */
#define HELD_MAX ((size_t)64 << 20)

struct tail_options {
    struct lc_common_options common;
    struct lc_list servers;
    int output;
    int colour;
    uint64_t lines;
};

#define AT(member) LC_MEMBER(struct tail_options, member)

static const struct lc_option option_rows[] = {
    LC_OPTION_ROW_SERVERS(struct tail_options, servers, "127.0.0.1:9998", "whom to follow"),
    {.name = "lines",
     .letter = 'n',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "10",
     .max = LC_FOLLOW_LINES_MAX,
     AT(lines),
     .help = "begin with the newest N that match"},
    LC_OPTION_ROW_OUTPUT(struct tail_options, output,
                         "table, raw, json or csv, as in logcaster query"),
    LC_OPTION_ROW_COLOUR(struct tail_options, colour),
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {{&option_group, 1, 0}, LC_COMMON_PART};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

struct tailing {
    const struct tail_options *options;
    struct lc_followed followed[LC_LIST_MAX];
    size_t count;
    struct lc_output *out;
    struct lc_held held;    /* of all servers, not yet shown */
    struct lc_time show_at; /* LC_TIME_NEVER: nothing is held */
    struct lc_diag *diag;
};

static struct lc_time now(void)
{
    return lc_monotonic(&lc_clock_system);
}

/* ---- showing ---- */

static lc_err show_held(struct tailing *t)
{
    lc_err e = LC_OK;
    lc_held_sort(&t->held);
    for (size_t i = 0; i < t->held.count && e == LC_OK; i++)
        e = lc_output_row(t->out, lc_held_at(&t->held, i));
    if (e == LC_OK)
        e = lc_output_flush(t->out);
    if (e != LC_OK)
        lc_diag_set(t->diag, "writing: %s", lc_strerror(e));
    lc_held_clear(&t->held);
    t->show_at = LC_TIME_NEVER;
    return e;
}

static lc_err hold(void *arg, struct lc_slice row)
{
    struct tailing *t = arg;
    lc_err e = lc_held_add(&t->held, row);
    if (e == LC_ELIMIT) { /* then it cannot be waited for the others */
        e = show_held(t);
        if (e == LC_OK)
            e = lc_held_add(&t->held, row);
    }
    if (t->show_at.ns == LC_TIME_NEVER.ns)
        t->show_at = lc_time_add_ms(now(), t->count > 1 ? HOLD_MS : 0);
    return e;
}

/* The newest of all, from what each server gave as its newest. */
static lc_err show_newest(struct tailing *t)
{
    struct lc_held all;
    lc_err e = LC_OK;
    lc_held_init(&all, UINT64_MAX, SIZE_MAX);
    for (size_t i = 0; i < t->count; i++) {
        struct lc_held *newest = &t->followed[i].newest;
        for (size_t n = 0; n < newest->count && e == LC_OK; n++)
            e = lc_held_add(&all, lc_held_at(newest, n));
        lc_held_done(newest);
    }
    lc_held_sort(&all);
    size_t skip = all.count > t->options->lines ? all.count - (size_t)t->options->lines : 0;
    for (size_t n = skip; n < all.count && e == LC_OK; n++)
        e = lc_held_add(&t->held, lc_held_at(&all, n));
    lc_held_done(&all);
    if (e == LC_OK)
        return show_held(t);
    lc_diag_set(t->diag, "the newest records: %s", lc_strerror(e));
    return e;
}

/* ---- following ---- */

static lc_err start(struct tailing *t, struct lc_slice text)
{
    size_t open = 0;
    for (size_t i = 0; i < t->count; i++)
        lc_followed_begin(&t->followed[i], t->options->servers.items[i], text, t->options->lines);
    for (size_t i = 0; i < t->count; i++) {
        lc_followed_settle(&t->followed[i]);
        open += t->followed[i].is_open;
    }
    if (open == 0) {
        *t->diag = t->followed[0].diag;
        return t->followed[0].err;
    }
    for (size_t i = 0; i < t->count; i++)
        lc_followed_tell(&t->followed[i]);
    return show_newest(t);
}

/* ms until something has to be done that no descriptor tells; -1: nothing has. */
static int patience(const struct tailing *t)
{
    struct lc_time next = t->show_at;
    for (size_t i = 0; i < t->count; i++)
        if (t->followed[i].retry_at.ns < next.ns)
            next = t->followed[i].retry_at;
    if (next.ns == LC_TIME_NEVER.ns)
        return -1;
    int64_t left = next.ns - now().ns;
    return left <= 0 ? 0 : (int)(left / LC_NS_PER_MS) + 1;
}

static lc_err turn(struct tailing *t)
{
    struct pollfd fds[LC_LIST_MAX];
    for (size_t i = 0; i < t->count; i++)
        fds[i] = (struct pollfd){.fd = lc_followed_fd(&t->followed[i]), .events = POLLIN};
    if (poll(fds, t->count, patience(t)) < 0 && errno != EINTR) {
        lc_diag_set(t->diag, "poll: %s", lc_strerror(-errno));
        return -errno;
    }
    lc_err e = LC_OK;
    for (size_t i = 0; i < t->count && e == LC_OK; i++)
        e = lc_followed_go_on(&t->followed[i], fds[i].revents != 0, now(), hold, t);
    if (e == LC_OK && lc_time_reached(t->show_at, now()))
        e = show_held(t);
    return e;
}

static lc_err tail(struct tailing *t, struct lc_slice text)
{
    const struct tail_options *o = t->options;
    lc_err e = lc_output_new(stdout, (enum lc_output_format)o->output,
                             lc_term_colours(stdout, (enum lc_colour)o->colour), (size_t)o->lines,
                             &t->out);
    if (e != LC_OK) {
        lc_diag_set(t->diag, "no memory");
        return e;
    }
    t->count = o->servers.count;
    lc_held_init(&t->held, UINT64_MAX, HELD_MAX);
    t->show_at = LC_TIME_NEVER;
    e = start(t, text);
    while (e == LC_OK)
        e = turn(t);
    for (size_t i = 0; i < t->count; i++)
        lc_followed_end(&t->followed[i]);
    lc_held_done(&t->held);
    return e;
}

static int run(const void *target, int count, char **operands)
{
    struct lc_diag diag = {0};
    struct lc_dynbuf text;
    struct tailing *t = calloc(1, sizeof *t);
    lc_dynbuf_init(&text, LC_ASK_MAX);
    lc_err e = lc_ask_text(&text, count, operands, &diag);
    if (e == LC_OK && t != NULL) {
        t->options = target;
        t->diag = &diag;
        e = tail(t, lc_dynbuf_slice(&text));
        lc_output_free(t->out);
    } else if (e == LC_OK) {
        lc_diag_set(&diag, "no memory");
        e = -ENOMEM;
    }
    lc_dynbuf_done(&text);
    free(t);
    return e == LC_OK ? LC_EXIT_FOUND : lc_command_fail(&diag);
}

const struct lc_command lc_command_tail = {
    .name = "tail",
    .operands = "[QUERY...]",
    .summary = "see records as they come",
    .text = "Prints the newest records that match, then each new one as soon as it is safe on\n"
            "disk, until you stop it (Ctrl-C). A server that goes away is asked again until it is\n"
            "back, and then goes on where it stopped.",
    .examples = "  logcaster tail\n"
                "  logcaster tail level:ERROR\n"
                "  logcaster tail --server web-1 --server web-2 'level:>=WARN'\n"
                "  logcaster tail -n 0 -o json app:nginx | jq ._msg\n",
    .options = &options,
    .target_size = sizeof(struct tail_options),
    .run = run,
};
