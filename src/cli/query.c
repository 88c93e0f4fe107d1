/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/query.c - logcaster query: ask, print what is found.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/merge.h"

#define GATHER_ROWS 200 /* held back to align a table */

struct query_options {
    struct lc_common_options common;
    struct lc_list servers;
    int output;
    int colour;
    uint64_t limit;
    bool count;
};

#define AT(member) LC_MEMBER(struct query_options, member)

static const struct lc_option option_rows[] = {
    LC_OPTION_ROW_SERVERS(struct query_options, servers, "127.0.0.1:9998", "whom to ask"),
    LC_OPTION_ROW_OUTPUT(struct query_options, output,
                         "table: for people; raw: messages alone, exactly as they came; json: a "
                         "line for each record; csv"),
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

/* How the answers of several servers are put together. A text that cannot be parsed is for them to
 * refuse, with the place of the mistake. */
static lc_err find_shape(const struct lc_group *g, struct lc_slice text, const char *suffix,
                         struct lc_query_shape *ret, struct lc_diag *diag)
{
    struct lc_dynbuf whole;
    struct lc_query *q;
    *ret = (struct lc_query_shape){.row_limit = UINT64_MAX, .table_limit = UINT64_MAX};
    if (g->count == 1)
        return LC_OK;
    lc_dynbuf_init(&whole, 2 * LC_ASK_MAX);
    lc_err e = lc_dynbuf_append(&whole, text);
    if (e == LC_OK)
        e = lc_dynbuf_append(&whole, lc_slice_cstr(suffix));
    if (e == LC_OK && lc_query_parse(lc_dynbuf_slice(&whole), 0, &q, NULL) == LC_OK) {
        *ret = lc_query_shape(q);
        lc_query_unref(q);
    }
    lc_dynbuf_done(&whole);
    if (e == LC_OK && ret->is_table && ret->row_limit != UINT64_MAX) {
        lc_diag_set(diag, "`limit` in front of `stats` cannot be asked of several servers: which "
                          "records are the newest of all is not known to any of them");
        e = LC_ESYNTAX;
    }
    return e;
}

static lc_err print_rows(struct lc_group *g, const struct lc_query_shape *shape,
                         struct lc_output *out, uint64_t *ret_rows, struct lc_diag *diag)
{
    lc_err e = shape->is_table ? lc_merge_table(g, shape, out, ret_rows, diag)
                               : lc_merge_records(g, shape->row_limit, out, ret_rows, diag);
    if (e == LC_OK && (e = lc_output_flush(out)) != LC_OK)
        lc_diag_set(diag, "writing: %s", lc_strerror(e));
    return e;
}

static lc_err ask_rows(const struct query_options *o, struct lc_group *g, struct lc_slice text,
                       uint64_t *ret_rows, struct lc_diag *diag)
{
    char suffix[40] = "";
    struct lc_query_shape shape;
    struct lc_output *out = NULL;
    if (o->limit != 0)
        snprintf(suffix, sizeof suffix, " | limit %" PRIu64, o->limit);
    g->count = o->servers.count;
    lc_err e = find_shape(g, text, suffix, &shape, diag);
    if (e != LC_OK)
        return e;
    lc_group_open(g, &o->servers, "QL", text, suffix);
    lc_group_tell_missing(g);
    e = lc_output_new(stdout, (enum lc_output_format)o->output,
                      lc_term_colours(stdout, (enum lc_colour)o->colour), GATHER_ROWS, &out);
    if (e == LC_OK)
        e = print_rows(g, &shape, out, ret_rows, diag);
    else
        lc_diag_set(diag, "%s", lc_strerror(e));
    lc_output_free(out);
    return e;
}

static lc_err ask_count(const struct query_options *o, struct lc_group *g, struct lc_slice text,
                        uint64_t *ret_rows, struct lc_diag *diag)
{
    lc_group_open(g, &o->servers, "COUNT", text, "");
    lc_group_tell_missing(g);
    lc_err e = lc_merge_counts(g, ret_rows, diag);
    if (e == LC_OK && lc_group_present(g) > 0)
        printf("%" PRIu64 "\n", *ret_rows);
    return e;
}

/* Everybody who was asked has answered whole: else the answer is not all there is. */
static int exit_code(struct lc_group *g, uint64_t rows)
{
    size_t missing = g->count - lc_group_present(g);
    struct lc_diag diag;
    if (missing == 0)
        return rows > 0 ? LC_EXIT_FOUND : LC_EXIT_NOTHING;
    if (g->count == 1)
        return lc_command_fail(lc_group_diag(g));
    lc_group_tell_missing(g);
    lc_diag_set(&diag, "the answer lacks what %zu of %zu servers have", missing, g->count);
    return lc_command_fail(&diag);
}

static int ask(const struct query_options *o, struct lc_slice text)
{
    struct lc_diag diag = {0};
    uint64_t rows = 0;
    struct lc_group *g = calloc(1, sizeof *g);
    if (g == NULL) {
        lc_diag_set(&diag, "no memory");
        return lc_command_fail(&diag);
    }
    lc_err e = o->count ? ask_count(o, g, text, &rows, &diag) : ask_rows(o, g, text, &rows, &diag);
    int code = e == LC_OK ? exit_code(g, rows) : lc_command_fail(&diag);
    lc_group_close(g);
    free(g);
    return code;
}

static int run(const void *target, int count, char **operands)
{
    struct lc_diag diag = {0};
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, LC_ASK_MAX);
    lc_err e = lc_ask_text(&text, count, operands, &diag);
    int code = e == LC_OK ? ask(target, lc_dynbuf_slice(&text)) : lc_command_fail(&diag);
    lc_dynbuf_done(&text);
    return code;
}

const struct lc_command lc_command_query = {
    .name = "query",
    .operands = "[QUERY...]",
    .summary = "find records",
    .text = "Prints the records that match, oldest first. The language is that of\n"
            "docs/query-language.md; without a query, everything matches.\n"
            "Several servers answer as one: records by time, counts added up; who cannot be\n"
            "reached is named.\n"
            "Exit code: 0 something found, 1 nothing, 2 an error or a server that is missing.",
    .examples = "  logcaster query error\n"
                "  logcaster query 'level:ERROR AND _time:15m'\n"
                "  logcaster query '\"connection refused\" host:web-1' -o json\n"
                "  logcaster query '* | stats by (app) count()'\n"
                "  logcaster query --server web-1 --server web-2 level:ERROR\n",
    .options = &options,
    .target_size = sizeof(struct query_options),
    .run = run,
};
