/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/query.c - logcaster query: ask, print what is found.
 */
#include <inttypes.h>

#include "cli/ask.h"
#include "cli/command.h"

#define GATHER_ROWS 200 /* held back to align a table */

struct query_options {
    struct lc_common_options common;
    const char *server;
    int output;
    int colour;
    uint64_t limit;
    bool count;
};

#define AT(member) LC_MEMBER(struct query_options, member)

static const struct lc_option option_rows[] = {
    LC_OPTION_ROW_SERVER(struct query_options, server, "127.0.0.1:9998", "whom to ask"),
    {.name = "output",
     .letter = 'o',
     .kind = LC_OPTION_CHOICE,
     .value = "FORMAT",
     .fallback = "table",
     .choices = lc_output_words,
     AT(output),
     .help = "table: for people; raw: messages alone, exactly as they came; json: a line for each "
             "record; csv"},
    {.name = "limit",
     .letter = 'n',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     AT(limit),
     .help = "the newest N only (adds `| limit N`)"},
    {.name = "count",
     .letter = 'c',
     .kind = LC_OPTION_FLAG,
     AT(count),
     .help = "print how many there are"},
    LC_OPTION_ROW_COLOUR(struct query_options, colour),
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {{&option_group, 1, 0}, LC_COMMON_PART};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

static lc_err print_rows(struct lc_client *c, struct lc_output *out, uint64_t *ret_rows,
                         struct lc_diag *diag)
{
    for (uint64_t rows = 0;; rows++) {
        struct lc_slice line;
        lc_err e = lc_ask_next(c, &line, diag);
        if (e == LC_EEND) {
            *ret_rows = rows;
            e = lc_output_flush(out);
            if (e != LC_OK)
                lc_diag_set(diag, "writing: %s", lc_strerror(e));
            return e;
        }
        if (e == LC_OK && (e = lc_output_row(out, line)) != LC_OK)
            lc_diag_set(diag, "writing: %s", lc_strerror(e));
        if (e != LC_OK)
            return e;
    }
}

static lc_err ask_rows(const struct query_options *o, struct lc_slice text, uint64_t *ret_rows,
                       struct lc_diag *diag)
{
    char suffix[40] = "";
    if (o->limit != 0)
        snprintf(suffix, sizeof suffix, " | limit %" PRIu64, o->limit);
    struct lc_output *out = NULL;
    struct lc_client client;
    lc_err e = lc_ask_open(&client, o->server, "QL", text, suffix, diag);
    if (e != LC_OK)
        return e;
    e = lc_output_new(stdout, (enum lc_output_format)o->output,
                      lc_term_colours(stdout, (enum lc_colour)o->colour), GATHER_ROWS, &out);
    if (e == LC_OK)
        e = print_rows(&client, out, ret_rows, diag);
    else
        lc_diag_set(diag, "%s", lc_strerror(e));
    lc_output_free(out);
    lc_client_close(&client);
    return e;
}

static lc_err ask_count(const struct query_options *o, struct lc_slice text, uint64_t *ret_rows,
                        struct lc_diag *diag)
{
    struct lc_client client;
    struct lc_slice line;
    lc_err e = lc_ask_open(&client, o->server, "COUNT", text, "", diag);
    if (e != LC_OK)
        return e;
    e = lc_ask_next(&client, &line, diag);
    if (e == LC_OK && lc_slice_u64(line, ret_rows) != LC_OK) {
        lc_diag_set(diag, "unexpected answer: %.*s", (int)(line.n < 80 ? line.n : 80), line.p);
        e = LC_EPROTO;
    }
    if (e == LC_OK)
        printf("%" PRIu64 "\n", *ret_rows);
    lc_client_close(&client);
    return e;
}

static int run(const void *target, int count, char **operands)
{
    const struct query_options *o = target;
    struct lc_diag diag = {0};
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, LC_ASK_MAX);
    uint64_t rows = 0;
    lc_err e = lc_ask_text(&text, count, operands, &diag);
    if (e == LC_OK && o->count)
        e = ask_count(o, lc_dynbuf_slice(&text), &rows, &diag);
    else if (e == LC_OK)
        e = ask_rows(o, lc_dynbuf_slice(&text), &rows, &diag);
    lc_dynbuf_done(&text);
    if (e != LC_OK)
        return lc_command_fail(&diag);
    return rows > 0 ? LC_EXIT_FOUND : LC_EXIT_NOTHING;
}

const struct lc_command lc_command_query = {
    .name = "query",
    .operands = "[QUERY...]",
    .summary = "find records",
    .text = "Prints the records that match, oldest first. The language is that of\n"
            "docs/query-language.md; without a query, everything matches.\n"
            "Exit code: 0 something found, 1 nothing, 2 an error.",
    .examples = "  logcaster query error\n"
                "  logcaster query 'level:ERROR AND _time:15m'\n"
                "  logcaster query '\"connection refused\" host:web-1' -o json\n"
                "  logcaster query '* | stats by (app) count()'\n",
    .options = &options,
    .target_size = sizeof(struct query_options),
    .run = run,
};
