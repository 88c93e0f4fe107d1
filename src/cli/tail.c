/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/tail.c - logcaster tail: the newest records, then each one as it is committed.
 *
 * WHAT    The tail is opened first and the newest records are asked for second, on a connection of
 *         their own: nothing can fall between the two, and what both bring is shown once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/command.h"

#define LINES_MAX   10000u
#define ID_TEXT_MAX 24u

struct tail_options {
    struct lc_common_options common;
    const char *server;
    int output;
    int colour;
    uint64_t lines;
};

#define AT(member) LC_MEMBER(struct tail_options, member)

static const struct lc_option option_rows[] = {
    LC_OPTION_ROW_SERVER(struct tail_options, server, "127.0.0.1:9998", "whom to follow"),
    {.name = "lines",
     .letter = 'n',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "10",
     .max = LINES_MAX,
     AT(lines),
     .help = "begin with the newest N that match"},
    {.name = "output",
     .letter = 'o',
     .kind = LC_OPTION_CHOICE,
     .value = "FORMAT",
     .fallback = "table",
     .choices = lc_output_words,
     AT(output),
     .help = "table, raw, json or csv, as in logcaster query"},
    LC_OPTION_ROW_COLOUR(struct tail_options, colour),
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {{&option_group, 1, 0}, LC_COMMON_PART};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

struct tailing {
    const struct tail_options *options;
    struct lc_client client;
    struct lc_output *out;
    char (*seen)[ID_TEXT_MAX]; /* ids of the records that it began with */
    size_t seen_count;
};

static bool was_seen(struct tailing *t, struct lc_slice row)
{
    char id[ID_TEXT_MAX];
    if (t->seen_count == 0 || !lc_output_member(row, "id", id, sizeof id))
        return false;
    for (size_t i = 0; i < t->seen_count; i++)
        if (strcmp(t->seen[i], id) == 0)
            return true;
    return false;
}

static lc_err write_row(struct tailing *t, struct lc_slice row, struct lc_diag *diag)
{
    lc_err e = lc_output_row(t->out, row);
    if (e != LC_OK)
        lc_diag_set(diag, "writing: %s", lc_strerror(e));
    return e;
}

static lc_err show_newest(struct tailing *t, struct lc_slice text, struct lc_diag *diag)
{
    struct lc_client newest;
    char suffix[40];
    snprintf(suffix, sizeof suffix, " | limit %" PRIu64, t->options->lines);
    lc_err e = lc_ask_open(&newest, t->options->server, "QL", text, suffix, diag);
    if (e != LC_OK)
        return e;
    struct lc_slice row;
    while ((e = lc_ask_next(&newest, &row, diag)) == LC_OK) {
        if (t->seen_count < t->options->lines &&
            lc_output_member(row, "id", t->seen[t->seen_count], ID_TEXT_MAX))
            t->seen_count++;
        e = write_row(t, row, diag);
        if (e != LC_OK)
            break;
    }
    lc_client_close(&newest);
    return e == LC_EEND ? LC_OK : e;
}

/* CURSOR and MISSED stand between rows; a row is a JSON object. */
static lc_err show_line(struct tailing *t, struct lc_slice line, struct lc_diag *diag)
{
    if (lc_slice_starts(line, LC_LIT("{")))
        return was_seen(t, line) ? LC_OK : write_row(t, line, diag);
    if (lc_slice_starts(line, LC_LIT("MISSED|")))
        fprintf(stderr,
                "logcaster: %.*s records came and were removed before they could be shown\n",
                (int)line.n - 7, line.p + 7);
    return LC_OK;
}

static lc_err follow(struct tailing *t, struct lc_diag *diag)
{
    lc_err e = LC_OK;
    while (e == LC_OK) {
        /* nothing more for now: show what has gathered before waiting */
        if (!lc_client_has_line(&t->client) && (e = lc_output_flush(t->out)) != LC_OK) {
            lc_diag_set(diag, "writing: %s", lc_strerror(e));
            return e;
        }
        struct lc_slice line;
        e = lc_ask_next(&t->client, &line, diag);
        if (e == LC_OK)
            e = show_line(t, line, diag);
        else if (e == LC_EEND)
            lc_diag_set(diag, "%s: the server ended the tail", t->options->server);
    }
    return e;
}

static lc_err tail(struct tailing *t, struct lc_slice text, struct lc_diag *diag)
{
    const struct tail_options *o = t->options;
    lc_err e = lc_output_new(stdout, (enum lc_output_format)o->output,
                             lc_term_colours(stdout, (enum lc_colour)o->colour), (size_t)o->lines,
                             &t->out);
    t->seen = calloc(o->lines + 1, sizeof *t->seen);
    if (e != LC_OK || t->seen == NULL) {
        lc_diag_set(diag, "no memory");
        return -ENOMEM;
    }
    e = lc_ask_open(&t->client, o->server, "TAIL", text, "", diag);
    if (e != LC_OK)
        return e;
    if (o->lines > 0)
        e = show_newest(t, text, diag);
    if (e == LC_OK)
        e = follow(t, diag);
    lc_client_close(&t->client);
    return e;
}

static int run(const void *target, int count, char **operands)
{
    struct tailing t = {.options = target};
    struct lc_diag diag = {0};
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, LC_ASK_MAX);
    lc_err e = lc_ask_text(&text, count, operands, &diag);
    if (e == LC_OK)
        e = tail(&t, lc_dynbuf_slice(&text), &diag);
    lc_dynbuf_done(&text);
    lc_output_free(t.out);
    free(t.seen);
    return e == LC_OK ? LC_EXIT_FOUND : lc_command_fail(&diag);
}

const struct lc_command lc_command_tail = {
    .name = "tail",
    .operands = "[QUERY...]",
    .summary = "see records as they come",
    .text = "Prints the newest records that match, then each new one as soon as it is safe on\n"
            "disk, until you stop it (Ctrl-C).",
    .examples = "  logcaster tail\n"
                "  logcaster tail level:ERROR\n"
                "  logcaster tail -n 0 -o json app:nginx | jq ._msg\n",
    .options = &options,
    .target_size = sizeof(struct tail_options),
    .run = run,
};
