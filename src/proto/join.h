/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/join.h - a text that programs write, cut into records: lines, or lines joined by a rule.
 *
 * WHAT    A record is one line, or several that belong together (a stack trace), with the line
 *         ends between them as they are. Nothing is allocated or kept but a few numbers; records
 *         point into the input, and any split of the input gives the same records. Each says how
 *         many octets of the source it spends, so that whoever reads a file can go on behind it.
 * WHO     service/gather/.
 */
#ifndef LC_PROTO_JOIN_H
#define LC_PROTO_JOIN_H

#include "base/slice.h"

/* id, how it is written, what it joins */
#define LC_JOINS(X)                                                                                \
    X(NONE, "none", "each line is a record")                                                       \
    X(INDENTED, "indented", "lines that begin with a space or a tab belong to the line before")    \
    X(TRACES, "traces", "indented, and the other lines of stack traces: Java, .NET, Python, Go")   \
    X(START, "start", "a record begins at each line that an expression matches")

#define LC_JOIN_ENUM(id, name, help) LC_JOIN_##id,
enum lc_join { LC_JOINS(LC_JOIN_ENUM) LC_JOIN_COUNT };
#undef LC_JOIN_ENUM

struct lc_join_rules {
    enum lc_join join;
    size_t octets_max;  /* of a record, at least 4: a longer line is cut at a character */
    unsigned lines_max; /* of a record */
    bool (*is_start)(void *arg, struct lc_slice line); /* of LC_JOIN_START */
    void *arg;
};

/* What is known of the input which is not spent yet. Zeroed memory is the beginning. */
struct lc_joiner {
    size_t scanned;   /* searched for a line's end */
    size_t held;      /* octets of whole lines that are the record so far */
    size_t held_text; /* of these: without the last line's end, and without empty lines before it */
    unsigned lines;
    int trace;        /* where in a stack trace it is */
    size_t cut_at;    /* not 0: a line is too long, and this much of it is kept */
    uint64_t dropped; /* octets of it that are no longer in the input */
};

struct lc_joined {
    struct lc_slice text; /* empty: nothing to store (an empty line) */
    size_t used;          /* octets of the input that are spent */
    uint64_t spent;       /* octets of the source: also those that were dropped before */
    size_t keep;          /* of LC_EMORE; at most LC_JOIN_KEEP_MAX() */
    bool truncated;       /* the line went on */
};

/* What is held, and a line that has begun. */
#define LC_JOIN_KEEP_MAX(octets_max) (2 * (octets_max) + 4)

/* What may still come. */
enum lc_join_wait {
    LC_JOIN_WAIT,    /* more */
    LC_JOIN_NO_LINE, /* no further line for what is held; a line that has begun may still end */
    LC_JOIN_NO_MORE, /* nothing: what is there is the last record */
};

/* The next record of `in`, which begins where the last one ended.
 *
 * LC_OK    *ret; the joiner is at its beginning again.
 * LC_EMORE the first ret->keep octets of `in` must be given again, with more behind them; what
 *          follows them may be forgotten. With LC_JOIN_NO_MORE: there is nothing left. */
LC_MUST_CHECK lc_err lc_join_next(struct lc_joiner *j, const struct lc_join_rules *rules,
                                  struct lc_slice in, enum lc_join_wait wait,
                                  struct lc_joined *ret);

/* Whole lines are held, and wait for a further one. */
static inline bool lc_join_is_held(const struct lc_joiner *j)
{
    return j->held > 0;
}

#endif
