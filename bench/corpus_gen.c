/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_gen.c - who says what when.
 */
#include "bench/corpus_gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/corpus_text.h"

#define FIRST_NS     INT64_C(1795132800000000000) /* 2026-11-20T00:00:00Z */
#define KINDS_MAX    64
#define SLOTS        4096 /* a kind has as many of them as its weight says */
#define TEXTS_MAX    (4u << 20)
#define HOST_MAX     24
#define HOSTS_MAX    32 /* of one kind */
#define FIRST_SEQ    1000000
#define REPEAT_OF_10 3 /* so many lines in ten come from the sender of the line before */

struct kind {
    const struct corpus_kind *row;
    struct corpus_text *texts;
    unsigned weight; /* of all templates */
    char hosts[HOSTS_MAX][HOST_MAX];
};

struct corpus {
    struct corpus_random random;
    struct lc_arena texts;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
    uint16_t slots[SLOTS];
    int64_t arrival_ns;
    uint64_t mean_gap_ns;
    uint64_t seq;
    size_t last_kind, last_host;
    char message[CORPUS_MESSAGE_MAX];
};

static const struct corpus_kinds *const all_kinds[] = {
    &corpus_kinds_servers,
    &corpus_kinds_systems,
    &corpus_kinds_korean,
};

static unsigned hosts_of_role(struct lc_slice role)
{
    for (size_t i = 0; i < LC_ARRAY_LEN(all_kinds); i++)
        for (size_t k = 0; k < all_kinds[i]->n; k++)
            if (lc_slice_eq(role, lc_slice_cstr(all_kinds[i]->p[k].role)))
                return all_kinds[i]->p[k].hosts;
    return 0;
}

static void add_kind(struct corpus *c, const struct corpus_kind *row)
{
    LC_ASSERT(c->kind_count < KINDS_MAX && row->hosts <= HOSTS_MAX);
    struct kind *k = &c->kinds[c->kind_count++];
    k->row = row;
    k->texts = lc_arena_alloc(&c->texts, row->count * sizeof *k->texts);
    LC_ASSERT(k->texts != NULL);
    for (size_t i = 0; i < row->count; i++) {
        k->texts[i] = corpus_text_compile(&c->texts, row->templates[i].text, hosts_of_role);
        k->weight += row->templates[i].weight;
    }
    for (unsigned i = 0; i < row->hosts; i++)
        snprintf(k->hosts[i], HOST_MAX, "%.16s-%02u", row->role, (i + 1) % 100);
}

static void fill_slots(struct corpus *c)
{
    unsigned all = 0;
    for (size_t i = 0; i < c->kind_count; i++)
        all += c->kinds[i].row->weight;
    unsigned passed = 0;
    size_t slot = 0;
    for (size_t i = 0; i < c->kind_count; i++) {
        passed += c->kinds[i].row->weight;
        while (slot < (size_t)SLOTS * passed / all)
            c->slots[slot++] = (uint16_t)i;
    }
}

struct corpus *corpus_new(uint64_t seed, uint64_t lines, int64_t span_ns)
{
    struct corpus *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->random.state = seed;
    c->arrival_ns = FIRST_NS;
    c->mean_gap_ns = (uint64_t)span_ns / (lines > 0 ? lines : 1);
    c->seq = FIRST_SEQ;
    lc_arena_init(&c->texts, TEXTS_MAX);
    for (size_t i = 0; i < LC_ARRAY_LEN(all_kinds); i++)
        for (size_t k = 0; k < all_kinds[i]->n; k++)
            add_kind(c, &all_kinds[i]->p[k]);
    fill_slots(c);
    return c;
}

void corpus_free(struct corpus *c)
{
    if (c == NULL)
        return;
    lc_arena_done(&c->texts);
    free(c);
}

/* How long before its arrival a line was made: milliseconds as a rule, seconds behind a queue,
 * minutes after a lost connection. */
static int64_t delay_ns(struct corpus_random *r)
{
    uint64_t bits = corpus_random(r);
    if (bits % 8192 == 0)
        return (int64_t)corpus_below(r, 600) * LC_NS_PER_S;
    if (bits % 64 == 0)
        return (int64_t)corpus_below(r, 2000) * LC_NS_PER_MS;
    return (int64_t)(bits >> 32) % (5 * LC_NS_PER_MS);
}

static size_t choose_template(struct corpus_random *r, const struct kind *k)
{
    uint64_t point = corpus_below(r, k->weight);
    size_t i = 0;
    while (point >= k->row->templates[i].weight)
        point -= k->row->templates[i++].weight;
    return i;
}

void corpus_next(struct corpus *c, struct corpus_event *ret)
{
    struct corpus_random *r = &c->random;
    if (corpus_below(r, 10) >= REPEAT_OF_10) {
        c->last_kind = c->slots[corpus_below(r, SLOTS)];
        c->last_host = corpus_zipf(r, c->kinds[c->last_kind].row->hosts);
    }
    const struct kind *k = &c->kinds[c->last_kind];
    size_t t = choose_template(r, k);
    c->arrival_ns += (int64_t)(corpus_random(r) % (2 * c->mean_gap_ns + 1));
    c->seq += 1 + corpus_below(r, 3);

    ret->time_ns = (c->arrival_ns - delay_ns(r)) / 1000 * 1000;
    ret->level = k->row->templates[t].level;
    ret->facility = k->row->facility;
    ret->host = k->hosts[c->last_host];
    ret->app = k->row->app;
    struct corpus_random pid = {c->last_kind * HOSTS_MAX + c->last_host};
    ret->pid = 300 + (unsigned)corpus_below(&pid, 32000);
    const struct corpus_moment moment = {r, ret->time_ns, c->seq, corpus_zipf(r, CORPUS_CLIENTS)};
    ret->message = lc_slice(c->message, corpus_text_fill(&k->texts[t], &moment, c->message));
}
