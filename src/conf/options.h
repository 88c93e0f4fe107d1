/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options.h - the one table of options. From it come the command line, the help, the keys of
 * the configuration file, the default file, the JSON Schema and the documentation.
 *
 * WHAT    An option is a row (struct lc_option): name, kind, default, limits, help, and where its
 *         value goes in a struct. Rows stand in groups (struct lc_option_group), which are also the
 *         headings of help and documents. A command has a set of groups (struct lc_option_set),
 *         made of parts, so that several commands can share them.
 *
 * NAMES   A group may be a section of the file. Row `policy` in section `logs` is
 *             command line   --logs-policy strict
 *             file           logs: {policy: strict}
 *             environment    LOGCASTER_LOGS_POLICY=strict
 *         A row with LC_OPTION_BARE is named by its section alone on the command line: row
 *         `listen` is `--logs ADDRESS`, and `logs: {listen: [ADDRESS]}` in the file. One array of
 *         rows may stand in several groups, with another section and offset each. A row with
 *         LC_OPTION_ALONE does without the section on the command line and in the environment: row
 *         `follow` of section `gather` is `--follow GLOB`, and `gather: {follow: [GLOB]}`.
 *
 * A NEW   1. a member in the struct (for the server: struct lc_server_config or
 * OPTION     struct lc_service_config of service/server.h) of the type that its kind says;
 *         2. a row in the table (for the server: service/options.c; of one command: cli/):
 *            {.name = "idle", .kind = LC_OPTION_DURATION, .value = "TIME", .fallback = "30s",
 *             .flags = LC_OPTION_RELOAD, AT(idle_ns),
 *             .help = "a connection without traffic is closed after this"},
 *         3. docs/configuration.md written anew:
 *            LC_WRITE_DOCS=1 build-dev/src/cli/options_docs_test docs/configuration.md
 *         That is all. The whole text of the help is one or two plain sentences that begin with a
 *         small letter. Give `check` where only you can tell what is well-formed: then the error
 *         has file, line and caret as any other. LC_OPTION_RELOAD only when SIGHUP really makes
 *         the new value count.
 * WHO     cli/, service/, and whoever writes something about all options.
 * THREAD  Pure.
 */
#ifndef LC_CONF_OPTIONS_H
#define LC_CONF_OPTIONS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rate.h"
#include "base/slice.h"
#include "base/units.h"

#define LC_LIST_MAX        128
#define LC_OPTIONS_MAX     512 /* of one command */
#define LC_OPTION_NAME_MAX 64  /* with its section and NUL */

/* An option that may be given several times. What is given in one place (a file, a command line)
 * replaces what an earlier place said. Of MAP each item is `NAME=VALUE`, each name once. */
struct lc_list {
    const char *items[LC_LIST_MAX];
    size_t count;
};

/* kind, the type of its member, its name for people */
#define LC_OPTION_KINDS(X)                                                                         \
    X(FLAG, bool, "flag")            /* takes no value on a command line */                        \
    X(SWITCH, bool, "switch")        /* on, off (also yes, no, true, false) */                     \
    X(TEXT, const char *, "text")    /* with `choices`: one of them */                             \
    X(LIST, struct lc_list, "list")  /* of texts */                                                \
    X(MAP, struct lc_list, "map")    /* of NAME=VALUE */                                           \
    X(COUNT, uint64_t, "count")      /* a number */                                                \
    X(SIZE, uint64_t, "size")        /* octets, as 512M; `auto` is 0 */                            \
    X(DURATION, int64_t, "duration") /* ns, as 30d; `none` is 0 */                                 \
    X(CHOICE, int, "choice")         /* index into `choices` */                                    \
    X(RATE, struct lc_rate, "rate")  /* as 100/s; `auto` is {0, 0}, `none` {0, 1 s} */             \
    X(FLOW, struct lc_rate, "flow")  /* octets, as 10M/s; the same */

#define LC_OPTION_KIND_ENUM(id, type, name) LC_OPTION_##id,
enum lc_option_kind { LC_OPTION_KINDS(LC_OPTION_KIND_ENUM) LC_OPTION_KIND_COUNT };
#undef LC_OPTION_KIND_ENUM

enum lc_option_flags {
    LC_OPTION_RELOAD = 1,  /* SIGHUP applies it */
    LC_OPTION_SECRET = 2,  /* never shown */
    LC_OPTION_BARE = 4,    /* on the command line named by its section alone */
    LC_OPTION_NO_FILE = 8, /* not in a file */
    LC_OPTION_NO_ENV = 16, /* not in the environment */
    LC_OPTION_ALONE = 32,  /* on the command line named without its section */
};

struct lc_option {
    const char *name; /* without dashes and section: letters, digits and `-` */
    char letter;      /* -x; 0: none */
    enum lc_option_kind kind;
    unsigned flags;
    const char *value;          /* what the help calls it: "ADDRESS"; of FLAG: NULL */
    const char *fallback;       /* as it would be written; NULL: zero, what that means help says */
    const char *const *choices; /* of CHOICE, TEXT: NULL-terminated */
    uint64_t min, max;          /* of COUNT, SIZE (octets), DURATION (ns); max 0: no limit */
    /* Of texts (each item of LIST and MAP): LC_OK, or any error with a diag that says what is wrong
     * and what is allowed, without naming the option (of a SECRET: without the text). NULL: any
     * text. */
    lc_err (*check)(const char *text, struct lc_diag *diag);
    size_t offset, size; /* of the member: LC_MEMBER() sets both */
    const char *help;
};

/* In a row: the member that takes the value. */
#define LC_MEMBER(type, member)                                                                    \
    .offset = offsetof(type, member), .size = sizeof(((const type *)NULL)->member)

struct lc_option_group {
    const char *section; /* NULL: its rows stand at the top of the file */
    const char *title;   /* heading in help and documents: "Logs" */
    const char *about;   /* a sentence below it, or NULL */
    const struct lc_option *rows;
    size_t count;
    size_t offset; /* in the part's struct, of the struct that has the rows' members */
};

struct lc_option_part {
    const struct lc_option_group *groups;
    size_t count;
    size_t offset; /* in the command's struct */
};

struct lc_option_set {
    const struct lc_option_part *parts;
    size_t count;
};

/* ---- walking ---- */

/* One option of a set. */
struct lc_option_ref {
    const struct lc_option_part *part;
    const struct lc_option_group *group;
    const struct lc_option *row;
    size_t index; /* among all of the set */
};

/* All options of a set, in order: start with a zeroed ref. False: that was the last. */
bool lc_option_next(const struct lc_option_set *set, struct lc_option_ref *ref);
/* As on the command line, without dashes (`logs-policy`), and as in the file (`logs.policy`). */
void lc_option_name(const struct lc_option_ref *ref, char out[LC_OPTION_NAME_MAX]);
void lc_option_key(const struct lc_option_ref *ref, char out[LC_OPTION_NAME_MAX]);
/* `LOGCASTER_LOGS_POLICY` */
#define LC_OPTION_ENV_MAX (LC_OPTION_NAME_MAX + 10)
void lc_option_env(const struct lc_option_ref *ref, char out[LC_OPTION_ENV_MAX]);
/* By its name on the command line. */
bool lc_option_find(const struct lc_option_set *set, struct lc_slice name,
                    struct lc_option_ref *ret);
/* The name that was probably meant, or "": one that is at most a third different. */
void lc_option_near(const struct lc_option_set *set, struct lc_slice name,
                    char out[LC_OPTION_NAME_MAX]);
/* LIST or MAP. */
bool lc_option_is_list(enum lc_option_kind kind);
/* "flag", "size", ... */
const char *lc_option_kind_name(enum lc_option_kind kind);
/* NULL: the top of the file. */
bool lc_option_same_section(const char *a, const char *b);
bool lc_option_is_in_files(const struct lc_option_ref *o);
/* All options that can stand in a file, those of a section together, those without a section
 * first. Ends with the first error of `fn`. */
LC_MUST_CHECK lc_err lc_option_each(const struct lc_option_set *set,
                                    lc_err (*fn)(const struct lc_option_ref *o, void *arg),
                                    void *arg);
/* An earlier group with the same rows, or NULL: what was explained there holds here. */
const struct lc_option_group *lc_option_group_like(const struct lc_option_set *set,
                                                   const struct lc_option_group *group);
/* Octets that a target must have at least. */
size_t lc_option_set_size(const struct lc_option_set *set);
/* Limits as they are written in the row's kind; of max only where it is not 0. */
void lc_option_limits(const struct lc_option *row, char min[LC_SIZE_TEXT_MAX],
                      char max[LC_SIZE_TEXT_MAX]);
/* Fails an assertion on a row that cannot be right: a member of the wrong size, a default that
 * is not allowed, a name that comes twice. For tests. */
void lc_option_set_check(const struct lc_option_set *set);

/* ---- values ---- */

/* Where a value comes from; later ones win. */
enum lc_origin { LC_FROM_DEFAULT, LC_FROM_FILE, LC_FROM_ENV, LC_FROM_ARGS };

struct lc_option_origin {
    enum lc_origin from;
    unsigned line; /* in the file */
};

/* The values of a set, being read. */
struct lc_settings {
    const struct lc_option_set *set;
    const char *file; /* that was read, for the reader of the values; or NULL */
    void *target;     /* the caller's struct, zeroed by it; it borrows from here and from argv */
    struct lc_arena texts;                           /* of files and of the environment */
    struct lc_option_origin origins[LC_OPTIONS_MAX]; /* by index */
};

/* Begins, with all defaults. */
void lc_settings_init(struct lc_settings *s, const struct lc_option_set *set, void *target);
/* Writes all defaults once more, into a target that the caller has zeroed again. */
void lc_settings_defaults(struct lc_settings *s);
/* The target is of no use any more. */
void lc_settings_done(struct lc_settings *s);

/* One value as text, or one item of a list; `text` is borrowed for as long as the target. On
 * failure diag says what is wrong and what is allowed, without naming the option. */
LC_MUST_CHECK lc_err lc_settings_put(struct lc_settings *s, const struct lc_option_ref *o,
                                     struct lc_option_origin origin, const char *text,
                                     struct lc_diag *diag);

/* What put() does first: a list is emptied when its items came from another place. */
void lc_settings_clear(struct lc_settings *s, const struct lc_option_ref *o,
                       struct lc_option_origin origin);

/* Reads argv[1..]. Options and operands may be mixed; `--` ends the options. Operands are copied
 * to ret_operands[0..*ret_count), which has room for argc. Texts borrow from argv. LC_ESYNTAX with
 * a diag that names the option, what was wrong and what is allowed. */
LC_MUST_CHECK lc_err lc_settings_args(struct lc_settings *s, int argc, char **argv,
                                      char **ret_operands, int *ret_count, struct lc_diag *diag);

/* The value as it would be written; items of a list each by its number. LC_EEND: no such item.
 * Secrets too: the caller hides them. */
LC_MUST_CHECK lc_err lc_option_print(const struct lc_option_ref *o, const void *target, size_t item,
                                     struct lc_dynbuf *out);
/* Where the value is in a target. */
void *lc_option_place(const struct lc_option_ref *o, void *target);
/* Whether both targets have the same value. */
bool lc_option_same(const struct lc_option_ref *o, const void *target, const void *other);
/* Gives `target` the value of `from`; texts and items are shared. */
void lc_option_copy(const struct lc_option_ref *o, void *target, const void *from);

/* The options' part of a command's help, for a terminal of 80 columns. */
void lc_options_help(const struct lc_option_set *set, FILE *out);

#endif
