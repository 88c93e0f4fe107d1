/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_kinds.h - what the corpus is made of: kinds of senders, their templates, and the
 * words that templates draw from.
 *
 * A template is text with %{...} where something varies:
 *   %{LIST}        a word of that list (corpus_words.c), the first ones far more often
 *   %{any:a|b|c}   one of these, evenly
 *   %{int:A-B}     a number, evenly           %{skew:A-B}  mostly small, now and then large
 *   %{digits:N}    N decimal digits           %{hex:N}     N hexadecimal digits
 *   %{seq}         a number that grows        %{uuid}      a version 4 UUID
 *   %{ip}          an address of a client     %{lan}       an address of our own network
 *   %{port}        a client's port            %{host:ROLE} a machine: web-03
 *   %{clf}         the time as web servers have it, %{iso} as RFC 3339, to the millisecond, %{unix}
 *                  in seconds
 * The same number, client or time is meant wherever %{seq}, %{ip} or a time comes twice in a line.
 */
#ifndef BENCH_CORPUS_KINDS_H
#define BENCH_CORPUS_KINDS_H

#include "base/record.h"

struct corpus_template {
    enum lc_level level;
    unsigned weight; /* among the templates of its kind */
    const char *text;
};

struct corpus_kind {
    const char *app;
    unsigned facility; /* RFC 5424 table 1 */
    const char *role;  /* hosts are named by it */
    unsigned hosts;    /* how many */
    unsigned weight;   /* among all kinds */
    const struct corpus_template *templates;
    size_t count;
};

struct corpus_kinds {
    const struct corpus_kind *p;
    size_t n;
};

struct corpus_list {
    const char *name;
    const char *const *words;
    size_t count;
};

extern const struct corpus_kinds corpus_kinds_servers; /* web, mail, databases, queues */
extern const struct corpus_kinds corpus_kinds_systems; /* operating systems and networks */
extern const struct corpus_kinds corpus_kinds_korean;  /* a shop in Seoul */

/* NULL: there is no such list. */
const struct corpus_list *corpus_list_find(struct lc_slice name);

#define CORPUS_KIND(app, facility, role, hosts, weight, templates)                                 \
    {                                                                                              \
        app, facility, role, hosts, weight, templates, LC_ARRAY_LEN(templates)                     \
    }

#endif
