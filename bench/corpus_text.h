/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_text.h - templates made ready, and filled in.
 *
 * Everything is integer arithmetic on one generator of random numbers, so that a seed gives the
 * same octets on every machine.
 */
#ifndef BENCH_CORPUS_TEXT_H
#define BENCH_CORPUS_TEXT_H

#include "base/arena.h"
#include "base/time.h"
#include "bench/corpus_kinds.h"

#define CORPUS_MESSAGE_MAX 2048  /* octets of the longest message */
#define CORPUS_CLIENTS     20000 /* addresses that clients come from */

struct corpus_random {
    uint64_t state;
};

uint64_t corpus_random(struct corpus_random *r);
/* 0..n-1, evenly; n at most 2^32. */
uint64_t corpus_below(struct corpus_random *r, uint64_t n);
/* 0..n-1, where k comes about half as often as k/2: Zipf's law with the exponent one. */
uint64_t corpus_zipf(struct corpus_random *r, uint64_t n);

/* What a line is told by where and when it arises. */
struct corpus_moment {
    struct corpus_random *random;
    int64_t time_ns;
    uint64_t seq;    /* grows by each line */
    uint64_t client; /* which of CORPUS_CLIENTS the line is about */
};

struct corpus_op;

struct corpus_text {
    const struct corpus_op *ops;
    size_t count;
};

/* Ends the program over a template that is not well-formed: the templates are our own. The text
 * lives as long as the arena. `hosts_of` tells how many hosts a role has. */
struct corpus_text corpus_text_compile(struct lc_arena *arena, const char *text,
                                       unsigned (*hosts_of)(struct lc_slice role));
/* Writes at most CORPUS_MESSAGE_MAX octets; returns how many. */
size_t corpus_text_fill(const struct corpus_text *t, const struct corpus_moment *m, char *out);

#endif
