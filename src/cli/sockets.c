/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/sockets.c - logcaster sockets: the sockets of a running server, as a table for people.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/ask.h"
#include "cli/command.h"

#define GATHER_ROWS 1000 /* held back to align the table */

struct sockets_options {
    struct lc_common_options common;
    const char *server;
    bool self;
    bool options;
    int output;
    int colour;
};

#define AT(member) LC_MEMBER(struct sockets_options, member)

static const char *const output_words[] = {"table", "json", NULL};

static const struct lc_option option_rows[] = {
    {.name = "self",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_NO_FILE | LC_OPTION_NO_ENV,
     AT(self),
     .help = "the sockets of a running logcaster server"},
    LC_OPTION_ROW_SERVER(struct sockets_options, server, "127.0.0.1:9998", "whom to ask"),
    {.name = "options",
     .kind = LC_OPTION_FLAG,
     AT(options),
     .help = "the socket options of each, as the kernel has them, in place of its figures"},
    {.name = "output",
     .letter = 'o',
     .kind = LC_OPTION_CHOICE,
     .value = "FORMAT",
     .fallback = "table",
     .choices = output_words,
     AT(output),
     .help = "table: for people; json: all that is known, a line for each socket"},
    LC_OPTION_ROW_COLOUR(struct sockets_options, colour),
};

static const struct lc_option_group option_group = {
    .title = "Options", .rows = option_rows, .count = LC_ARRAY_LEN(option_rows)};

static const struct lc_option_part parts[] = {{&option_group, 1, 0}, LC_COMMON_PART};

static const struct lc_option_set options = {parts, LC_ARRAY_LEN(parts)};

/* ---- a row for people ---- */

#define CELL_MAX 48

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *row, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(row, name));
    return n > 0 ? (uint64_t)n : 0;
}

/* Three digits are enough to see how much it is: `812`, `1.2K`, `37M`. */
static void short_size(uint64_t octets, char out[CELL_MAX])
{
    static const char units[] = "KMGTPE";
    double n = (double)octets;
    size_t unit = 0;
    if (octets < 1024) {
        snprintf(out, CELL_MAX, "%u", (unsigned)octets);
        return;
    }
    for (n /= 1024; n >= 999.5 && unit + 1 < sizeof units - 1; unit++)
        n /= 1024;
    snprintf(out, CELL_MAX, n < 9.95 ? "%.1f%c" : "%.0f%c", n, units[unit]);
}

static void short_age(uint64_t ms, char out[CELL_MAX])
{
    uint64_t s = ms / 1000;
    if (s < 60)
        snprintf(out, CELL_MAX, "%us", (unsigned)s);
    else if (s < 3600)
        snprintf(out, CELL_MAX, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    else if (s < 86400)
        snprintf(out, CELL_MAX, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    else
        snprintf(out, CELL_MAX, "%llud%02uh", (unsigned long long)(s / 86400),
                 (unsigned)(s / 3600 % 24));
}

static void short_rtt(const json_t *row, char out[CELL_MAX])
{
    double us = (double)number_of(row, "rtt_us");
    if (json_object_get(row, "rtt_us") == NULL)
        out[0] = '\0';
    else if (us < 1000)
        snprintf(out, CELL_MAX, "%.0fus", us);
    else
        snprintf(out, CELL_MAX, us < 10000 ? "%.1fms" : "%.0fms", us / 1000);
}

static const char *kind_of(const json_t *row)
{
    const char *kind = text_of(row, "kind");
    if (strcmp(kind, "listener") == 0)
        return "listen";
    if (strcmp(kind, "datagrams") == 0)
        return "dgram";
    return json_object_get(row, "service") != NULL ? "in" : "out";
}

static void set(json_t *cells, const char *name, const char *text)
{
    json_object_set_new(cells, name, json_string(text)); /* without memory the dump fails, too */
}

static void set_size(json_t *cells, const char *name, const json_t *row, const char *figure)
{
    char text[CELL_MAX] = "";
    if (json_object_get(row, figure) != NULL)
        short_size(number_of(row, figure), text);
    set(cells, name, text);
}

static void set_number(json_t *cells, const char *name, const json_t *row, const char *figure)
{
    char text[CELL_MAX] = "";
    if (json_object_get(row, figure) != NULL)
        snprintf(text, sizeof text, "%llu", (unsigned long long)number_of(row, figure));
    set(cells, name, text);
}

/* What waits: to be accepted, of how many there may be; or octets, in the kernel and with us. */
static void set_queue(json_t *cells, const json_t *row)
{
    char text[CELL_MAX] = "";
    if (json_object_get(row, "backlog") != NULL)
        snprintf(text, sizeof text, "%llu/%llu", (unsigned long long)number_of(row, "waiting"),
                 (unsigned long long)number_of(row, "backlog"));
    else if (json_object_get(row, "queued") != NULL)
        short_size(number_of(row, "queued") + number_of(row, "unsent"), text);
    set(cells, "queue", text);
}

static void set_address(json_t *cells, const json_t *row)
{
    const char *peer = text_of(row, "peer");
    bool has_peer = peer[0] != '\0' && strcmp(peer, "unix:") != 0;
    set(cells, "address", has_peer ? peer : text_of(row, "local"));
}

static void set_figures(json_t *cells, const json_t *row)
{
    char text[CELL_MAX];
    set(cells, "protocol", text_of(row, "protocol"));
    short_age(number_of(row, "age_ms"), text);
    set(cells, "age", text);
    if (json_object_get(row, "accepted") != NULL)
        set_number(cells, "in", row, "accepted");
    else
        set_size(cells, "in", row, "received");
    set_size(cells, "out", row, "sent");
    set_queue(cells, row);
    set(cells, "state", text_of(row, "state"));
    short_rtt(row, text);
    set(cells, "rtt", text);
    set_number(cells, "retrans", row, "retrans");
    set_number(cells, "cwnd", row, "cwnd");
    set(cells, "congestion", text_of(row, "TCP_CONGESTION"));
    set_number(cells, "drops", row, "drops");
}

static bool is_option(const char *name)
{
    return strncmp(name, "SO_", 3) == 0 || strncmp(name, "TCP_", 4) == 0 ||
           strncmp(name, "IP_", 3) == 0 || strncmp(name, "IPV6_", 5) == 0;
}

static void set_options(json_t *cells, json_t *row)
{
    char text[1024] = "";
    size_t n = 0;
    const char *name;
    json_t *value;
    json_object_foreach(row, name, value)
    {
        if (!is_option(name) || n >= sizeof text)
            continue;
        int wrote = snprintf(text + n, sizeof text - n, "%s%s=%s", n > 0 ? " " : "", name,
                             text_of(row, name));
        n += wrote > 0 ? (size_t)wrote : 0;
    }
    set(cells, "options", text);
}

static lc_err print_row(const struct sockets_options *o, struct lc_slice line,
                        struct lc_output *out)
{
    if (o->output == 1)
        return lc_output_row(out, line);
    json_t *row = json_loadb((const char *)line.p, line.n, 0, NULL);
    json_t *cells = json_object();
    lc_err e = json_is_object(row) && cells != NULL ? LC_OK : LC_EPROTO;
    if (e == LC_OK) {
        set(cells, "service", text_of(row, "service"));
        set(cells, "kind", kind_of(row));
        set_address(cells, row);
        if (o->options)
            set_options(cells, row);
        else
            set_figures(cells, row);
        char *text = json_dumps(cells, JSON_COMPACT);
        e = text != NULL ? lc_output_row(out, lc_slice_cstr(text)) : -ENOMEM;
        free(text);
    }
    json_decref(cells);
    json_decref(row);
    return e;
}

/* ---- asking ---- */

/* The next line of the answer, waiting for it. LC_EEND: that was its end. */
static lc_err next_row(struct lc_client *c, struct lc_slice *ret_line, struct lc_diag *diag)
{
    for (;;) {
        lc_err e = lc_ask_take(c, ret_line, diag);
        if (e != LC_EMORE)
            return e;
        e = lc_client_receive(c);
        if (e != LC_OK)
            return lc_ask_failed(e, diag);
    }
}

static lc_err print_rows(const struct sockets_options *o, struct lc_client *c,
                         struct lc_output *out, struct lc_diag *diag)
{
    struct lc_slice line;
    lc_err e;
    while ((e = next_row(c, &line, diag)) == LC_OK) {
        e = print_row(o, line, out);
        if (e != LC_OK) {
            lc_diag_set(diag, "a row of the answer: %s", lc_strerror(e));
            return e;
        }
    }
    if (e == LC_EEND && (e = lc_output_flush(out)) != LC_OK)
        lc_diag_set(diag, "writing: %s", lc_strerror(e));
    return e;
}

static lc_err ask(const struct sockets_options *o, struct lc_diag *diag)
{
    enum lc_output_format format = o->output == 1 ? LC_OUTPUT_JSON : LC_OUTPUT_TABLE;
    struct lc_output *out;
    struct lc_client c;
    lc_err e = lc_ask_open(&c, o->server, "SOCKETS", LC_LIT(""), "", diag);
    if (e != LC_OK)
        return e;
    e = lc_output_new(stdout, format, lc_term_colours(stdout, (enum lc_colour)o->colour),
                      GATHER_ROWS, &out);
    if (e == LC_OK) {
        e = print_rows(o, &c, out, diag);
        lc_output_free(out);
    } else {
        lc_diag_set(diag, "%s", lc_strerror(e));
    }
    lc_client_close(&c);
    return e;
}

static int run(const void *target, int count, char **operands)
{
    const struct sockets_options *o = target;
    struct lc_diag diag = {0};
    if (count > 0)
        lc_diag_set(&diag, "sockets takes no operands: %s", operands[0]);
    else if (!o->self)
        lc_diag_set(&diag, "say --self: the sockets of a running logcaster server are shown");
    else if (ask(o, &diag) == LC_OK)
        return LC_EXIT_FOUND;
    return lc_command_fail(&diag);
}

const struct lc_command lc_command_sockets = {
    .name = "sockets",
    .operands = "--self",
    .summary = "see the sockets of a running server",
    .text = "Prints a row for each listener and each connection: whose it is, who is there,\n"
            "what went in and out, what waits, and what TCP says: state, round trip,\n"
            "segments sent again, congestion window and algorithm. Of a listener `in` counts\n"
            "connections, and `queue` is how many wait of how many there may be.\n"
            "docs/protocols.md, \"Sockets\", has all figures that -o json gives.",
    .examples = "  logcaster sockets --self\n"
                "  logcaster sockets --self --options\n"
                "  logcaster sockets --self -o json | jq 'select(.retrans > 0)'\n",
    .options = &options,
    .target_size = sizeof(struct sockets_options),
    .run = run,
};
