/* SPDX-License-Identifier: Apache-2.0 */
#include "service/gather_options.h"

#include <errno.h>
#include <unistd.h>

#include "base/time.h"
#include "proto/join.h"
#include "service/gather/pattern.h"

#define AT(member) LC_MEMBER(struct lc_gather_config, member)
#define MAX_WAIT_S 60

static const char *const format_words[] = {[LC_GATHER_AUTO] = "auto",
                                           [LC_GATHER_PLAIN] = "plain",
                                           [LC_GATHER_JSON] = "json",
                                           [LC_GATHER_SYSLOG] = "syslog",
                                           NULL};
/* An expression makes the last rule, LC_JOIN_START, by being given. */
static const char *const join_words[] = {
    [LC_JOIN_NONE] = "none", [LC_JOIN_INDENTED] = "indented", [LC_JOIN_TRACES] = "traces", NULL};

static lc_err check_expression(const char *text, struct lc_diag *diag)
{
    struct lc_pattern *p;
    lc_err e = lc_pattern_new(text, &p, diag);

    if (e == LC_OK)
        lc_pattern_free(p);
    return e;
}

static lc_err check_there(const char *text, struct lc_diag *diag)
{
    if (access(text, F_OK) == 0)
        return LC_OK;

    lc_err e = -errno;

    lc_diag_set(diag, "%s: %s", text, lc_strerror(e));
    return e;
}

static lc_err check_match(const char *text, struct lc_diag *diag)
{
    const char *eq = strchr(text, '=');

    if (eq != NULL && eq > text)
        return LC_OK;
    lc_diag_set(diag, "%s: must be FIELD=VALUE, as _SYSTEMD_UNIT=ssh.service", text);
    return LC_ESYNTAX;
}

const struct lc_option lc_gather_rows[LC_GATHER_ROWS] = {
    {.name = "follow",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_ALONE,
     .value = "GLOB",
     AT(follow),
     .help = "files whose lines are taken, and those that are added to them; rotation, truncation "
             "and restarts lose and double nothing. May be given several times"},
    {.name = "from-end",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_ALONE,
     AT(from_end),
     .help = "what files hold when their pattern is first used is not taken"},
    {.name = "exec",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_ALONE,
     .value = "COMMAND",
     AT(exec),
     .help = "a command for /bin/sh whose output is taken; it is started again when it ends. May "
             "be given several times"},
    {.name = "exec-once",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_ALONE,
     AT(exec_once),
     .help = "commands are not started again"},
    {.name = "journald",
     .kind = LC_OPTION_FLAG,
     .flags = LC_OPTION_ALONE,
     AT(journald),
     .help = "take the journal of this machine"},
    {.name = "journald-path",
     .kind = LC_OPTION_TEXT,
     .flags = LC_OPTION_ALONE,
     .value = "PATH",
     .check = check_there,
     AT(journald_path),
     .help = "take journal files elsewhere: a directory of them, or one"},
    {.name = "journald-match",
     .kind = LC_OPTION_LIST,
     .flags = LC_OPTION_ALONE,
     .value = "FIELD=VALUE",
     .check = check_match,
     AT(journald_match),
     .help = "take only entries with it; of one field any value, of several fields all of them"},
    {.name = "format",
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_ALONE,
     .value = "FORMAT",
     .fallback = "auto",
     .choices = format_words,
     AT(format),
     .help = "of lines: auto (each is told apart, as on a socket, but never as a command), plain, "
             "json, syslog"},
    {.name = "join",
     .kind = LC_OPTION_CHOICE,
     .flags = LC_OPTION_ALONE,
     .value = "RULE",
     .fallback = "none",
     .choices = join_words,
     AT(join),
     .help = "lines that make one record: none, indented (those that begin with a space or tab "
             "belong to the one before), traces (also the other lines of stack traces of Java, "
             ".NET, Python and Go)"},
    {.name = "join-start",
     .kind = LC_OPTION_TEXT,
     .flags = LC_OPTION_ALONE,
     .value = "REGEX",
     .check = check_expression,
     AT(join_start),
     .help = "a record begins at each line that this matches (PCRE2)"},
    {.name = "join-wait",
     .kind = LC_OPTION_DURATION,
     .flags = LC_OPTION_ALONE,
     .value = "TIME",
     .fallback = "1s",
     .max = MAX_WAIT_S * (uint64_t)LC_NS_PER_S,
     AT(join_wait_ns),
     .help = "how long a record waits for a further line"},
    {.name = "app",
     .kind = LC_OPTION_TEXT,
     .flags = LC_OPTION_ALONE,
     .value = "NAME",
     AT(app),
     .help = "of records that name no application; else it is the file's name without .log, or "
             "the program's"},
    {.name = "host",
     .kind = LC_OPTION_TEXT,
     .flags = LC_OPTION_ALONE,
     .value = "NAME",
     AT(host),
     .help = "of records that name no host; else it is this host's name"},
    {.name = "space",
     .kind = LC_OPTION_TEXT,
     .value = "NAME",
     .fallback = "main",
     AT(space),
     .help = "whose the records are that name no space of their own"},
};

const struct lc_option_group lc_gather_group = LC_GATHER_GROUP(0);
