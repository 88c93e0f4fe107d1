/* SPDX-License-Identifier: Apache-2.0
 *
 * net/options.h - the one table of socket options: by which name, where, which values, what we set
 * ourselves and why.
 *
 * WHAT    From the table come our defaults (every socket of net/ is made with them), what a user
 *         may set by `NAME=VALUE`, what is read back and told, and docs/sockets.md, which a test
 *         compares with it.
 * WHO     net/ for its own sockets; service/ for what the configuration says; `logcaster sockets`.
 * THREAD  Pure, or system calls on the caller's socket: any.
 */
#ifndef LC_NET_OPTIONS_H
#define LC_NET_OPTIONS_H

#include "net/addr.h"

/* What an option is applied to. Those of LISTEN are inherited by what is accepted there. */
enum lc_place {
    LC_PLACE_LISTEN,      /* TCP, listening */
    LC_PLACE_ACCEPTED,    /* TCP, accepted: only what is not inherited */
    LC_PLACE_CONNECT,     /* TCP, our own connection */
    LC_PLACE_UDP,         /* UDP, receiving */
    LC_PLACE_UNIX_STREAM, /* listening */
    LC_PLACE_UNIX_DGRAM,  /* receiving */
    LC_PLACE_COUNT
};

/* Of a socket that is bound to such an address. */
enum lc_place lc_place_of(enum lc_transport transport);

enum lc_sockopt_kind {
    LC_SOCKOPT_SWITCH,       /* on, off */
    LC_SOCKOPT_NUMBER,       /* decimal, or 0x... */
    LC_SOCKOPT_OCTETS,       /* as 256K; the kernel doubles it */
    LC_SOCKOPT_SECONDS,      /* as 60s; without a unit seconds */
    LC_SOCKOPT_MILLISECONDS, /* as 30s; without a unit milliseconds */
    LC_SOCKOPT_WORD,
    LC_SOCKOPT_LINGER,  /* off, or 0: a reset at closing */
    LC_SOCKOPT_GROUPS,  /* multicast addresses with commas between, each perhaps with %interface */
    LC_SOCKOPT_BACKLOG, /* of listen(2) */
    LC_SOCKOPT_OTHER    /* not set, and not read as a number */
};

struct lc_sockopt {
    const char *name;
    int level, option;
    enum lc_sockopt_kind kind;
    unsigned places;        /* bits: 1 << enum lc_place */
    const char *refused;    /* why a user cannot set it; NULL: he can */
    unsigned ours_at;       /* bits: where we set `ours` */
    int64_t ours;           /* in the option's own unit */
    int64_t min, max;       /* allowed, in the option's own unit */
    const char *seeds;      /* the value in the texts that the project grew from; "": not named */
    const char *what, *why; /* for docs/sockets.md */
};

#define LC_SOCKOPT_COUNT 31
extern const struct lc_sockopt lc_sockopt_table[LC_SOCKOPT_COUNT];

/* By name, in any case; NULL: none. */
const struct lc_sockopt *lc_sockopt_find(struct lc_slice name);

struct lc_sockopt_item {
    const struct lc_sockopt *option;
    int64_t number;   /* of all kinds but WORD and GROUPS, in the option's own unit */
    const char *text; /* as it was written; borrowed */
};

/* What a user has said for the sockets of one service. */
#define LC_SOCKOPTS_MAX 32
struct lc_sockopts {
    struct lc_sockopt_item items[LC_SOCKOPTS_MAX];
    size_t count;
};

/* Appends `NAME=VALUE`, which is borrowed; a name that is there already is replaced. LC_ESYNTAX,
 * LC_ELIMIT with a diag that names option, value and what is allowed. */
LC_MUST_CHECK lc_err lc_sockopts_add(struct lc_sockopts *opts, const char *text,
                                     struct lc_diag *diag);
/* The same without keeping it: for the table of options (conf/options.h). */
lc_err lc_sockopt_check(const char *text, struct lc_diag *diag);

/* Sets our defaults for such a place, then what was given (NULL: nothing). What a kernel does not
 * know of our defaults is left as it was: a connection works without. What was given and fails is
 * an error, with option, value and what is allowed in diag. */
LC_MUST_CHECK lc_err lc_sockopts_apply(const struct lc_sockopts *given, enum lc_place place, int fd,
                                       struct lc_diag *diag);
/* Only what was given, for an accepted connection; failures do not matter any more. */
void lc_sockopts_accepted(const struct lc_sockopts *given, int fd);
int lc_sockopts_backlog(const struct lc_sockopts *given);

/* As the kernel has it now: `on`, `60s`, `425984`, `bbr`. False: it cannot be read. */
#define LC_SOCKOPT_TEXT_MAX 48
bool lc_sockopt_read(const struct lc_sockopt *o, int fd, char out[LC_SOCKOPT_TEXT_MAX]);

/* Something that the kernel did otherwise than it was asked to. */
struct lc_sockopt_difference {
    const struct lc_sockopt *option;
    char asked[LC_SOCKOPT_TEXT_MAX];
    char got[LC_SOCKOPT_TEXT_MAX];
    char why[128]; /* "": not known */
    bool less;     /* than was asked */
};

/* Reads back what was given and what is ours, and tells what differs. A buffer that was merely
 * doubled, as Linux does, is told only if it was given. */
void lc_sockopts_differences(const struct lc_sockopts *given, enum lc_place place, int fd,
                             void (*tell)(void *arg, const struct lc_sockopt_difference *d),
                             void *arg);

#endif
