/* SPDX-License-Identifier: Apache-2.0 */
#include "access/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/grapheme.h"

#define IP_OCTETS 16
#define WORD_MAX  64

struct range {
    uint8_t first[IP_OCTETS], last[IP_OCTETS];
};

struct lc_networks {
    struct range *ranges; /* ascending, no two touch each other's addresses */
    size_t count, cap;
    bool has_unix;
    bool is_any;
};

/* One text, while it is read. */
struct reading {
    struct lc_networks *set;
    struct lc_slice text;
    struct lc_slice word;
    struct lc_diag *diag;
};

static const uint8_t mapped_first[IP_OCTETS] = {[10] = 0xff, [11] = 0xff};
static const uint8_t mapped_last[IP_OCTETS] = {
    [10] = 0xff, [11] = 0xff, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff};

/* ---- errors ---- */

#define WORD_SHOWN(r) ((int)lc_grapheme_cut((r)->word, WORD_MAX)), (r)->word.p

static lc_err wrong(const struct reading *r, const char *why)
{
    lc_diag_set(r->diag, "'%.*s': %s", WORD_SHOWN(r), why);
    if (r->diag != NULL)
        r->diag->column = (unsigned)(r->word.p - r->text.p) + 1;
    return LC_ESYNTAX;
}

static const char expected[] = "expected an address, a network as 10.0.0.0/8 or 2001:db8::/32, "
                               "or one of loopback, private, unix, any";

/* Why a word that is no address is not: the usual mistakes have a reason of their own. */
static lc_err not_an_address(const struct reading *r)
{
    if (memchr(r->word.p, '%', r->word.n) != NULL)
        return wrong(r, "a network has no zone; leave away what begins with '%'");
    if (r->word.p[0] == '[')
        return wrong(r, "a network has neither brackets nor a port");
    if (memchr(r->word.p, '.', r->word.n) != NULL && memchr(r->word.p, ':', r->word.n) != NULL)
        return wrong(r, "a network has no port");
    return wrong(r, expected);
}

/* ---- ranges ---- */

static lc_err add_range(struct lc_networks *s, const struct range *range)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct range *ranges = realloc(s->ranges, cap * sizeof *ranges);

        if (ranges == NULL)
            return -ENOMEM;
        s->ranges = ranges;
        s->cap = cap;
    }
    s->ranges[s->count++] = *range;
    return LC_OK;
}

/* The octets before and behind a range. */
static void step_down(uint8_t ip[IP_OCTETS])
{
    for (int i = IP_OCTETS - 1; i >= 0 && ip[i]-- == 0; i--)
        ;
}

static void step_up(uint8_t ip[IP_OCTETS])
{
    for (int i = IP_OCTETS - 1; i >= 0 && ++ip[i] == 0; i--)
        ;
}

/* bits: of 128 */
static struct range range_of(const uint8_t ip[IP_OCTETS], unsigned bits)
{
    struct range r;

    for (unsigned i = 0; i < IP_OCTETS; i++) {
        unsigned fixed = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
        uint8_t host = (uint8_t)(0xff >> fixed);

        r.first[i] = (uint8_t)(ip[i] & ~host);
        r.last[i] = (uint8_t)(ip[i] | host);
    }
    return r;
}

static lc_err add_network(struct lc_networks *s, const uint8_t ip[IP_OCTETS], unsigned bits)
{
    struct range all = range_of(ip, bits), part = all;
    lc_err e;

    if (bits >= 96 || memcmp(all.first, mapped_first, IP_OCTETS) > 0 ||
        memcmp(all.last, mapped_last, IP_OCTETS) < 0)
        return add_range(s, &all);
    /* Around the mapped addresses: who writes ::/0 means IPv6. */
    memcpy(part.last, mapped_first, IP_OCTETS);
    step_down(part.last);
    e = add_range(s, &part);
    part = all;
    memcpy(part.first, mapped_last, IP_OCTETS);
    step_up(part.first);
    return e == LC_OK ? add_range(s, &part) : e;
}

static lc_err add_all(struct lc_networks *s)
{
    struct range all = range_of(mapped_first, 0);

    s->has_unix = true;
    s->is_any = true;
    return add_range(s, &all);
}

/* ---- words ---- */

struct known {
    const char *word, *networks;
};

static const struct known knowns[] = {
    {"loopback", "127.0.0.0/8,::1"},
    {"private", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10"},
};

static lc_err read_text(struct reading *r);

static lc_err read_known(struct reading *r, bool *ret_known)
{
    *ret_known = true;
    if (lc_slice_eq_nocase(r->word, LC_LIT("any")))
        return add_all(r->set);
    if (lc_slice_eq_nocase(r->word, LC_LIT("unix"))) {
        r->set->has_unix = true;
        return LC_OK;
    }
    for (size_t i = 0; i < LC_ARRAY_LEN(knowns); i++) {
        struct reading inner = {.set = r->set, .text = lc_slice_cstr(knowns[i].networks)};

        if (lc_slice_eq_nocase(r->word, lc_slice_cstr(knowns[i].word)))
            return read_text(&inner);
    }
    *ret_known = false;
    return LC_OK;
}

/* *ret_bits: how many of the 128 stand before the address itself: 96 for IPv4. */
static bool read_address(struct lc_slice text, uint8_t ip[IP_OCTETS], unsigned *ret_before)
{
    char copy[INET6_ADDRSTRLEN];

    if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, 0, text.n) != NULL)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    memcpy(ip, mapped_first, IP_OCTETS);
    *ret_before = 96;
    if (inet_pton(AF_INET, copy, ip + 12) == 1)
        return true;
    *ret_before = 0;
    return inet_pton(AF_INET6, copy, ip) == 1;
}

static lc_err has_host_bits(const struct reading *r, const struct range *range, unsigned before,
                            unsigned bits)
{
    char address[INET6_ADDRSTRLEN], why[INET6_ADDRSTRLEN + 96];

    if (before == 96)
        inet_ntop(AF_INET, range->first + 12, address, sizeof address);
    else
        inet_ntop(AF_INET6, range->first, address, sizeof address);
    snprintf(why, sizeof why, "the address has bits behind its prefix; the network is %s/%u",
             address, bits - before);
    return wrong(r, why);
}

static lc_err read_network(struct reading *r)
{
    struct lc_slice prefix = r->word, address;
    bool has_prefix = lc_slice_cut(&prefix, '/', &address);
    uint8_t ip[IP_OCTETS];
    unsigned before;
    uint64_t bits;

    if (!read_address(has_prefix ? address : r->word, ip, &before))
        return not_an_address(r);
    if (!has_prefix)
        bits = 128 - before;
    else if (lc_slice_u64(prefix, &bits) != LC_OK || bits > 128 - before)
        return wrong(r, before == 96 ? "the prefix of IPv4 is a number from 0 to 32"
                                     : "the prefix of IPv6 is a number from 0 to 128");

    struct range range = range_of(ip, (unsigned)bits + before);

    if (memcmp(range.first, ip, IP_OCTETS) != 0)
        return has_host_bits(r, &range, before, (unsigned)bits + before);
    return add_network(r->set, ip, (unsigned)bits + before);
}

static lc_err read_word(struct reading *r)
{
    bool known;
    lc_err e;

    if (r->set->count >= LC_NETWORKS_MAX) {
        lc_diag_set(r->diag, "more than %d networks", LC_NETWORKS_MAX);
        return LC_ELIMIT;
    }
    e = read_known(r, &known);
    return e != LC_OK || known ? e : read_network(r);
}

static bool is_separator(uint8_t c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static lc_err read_text(struct reading *r)
{
    size_t at = 0;
    lc_err e = LC_OK;

    while (e == LC_OK) {
        size_t end;

        while (at < r->text.n && is_separator(r->text.p[at]))
            at++;
        for (end = at; end < r->text.n && !is_separator(r->text.p[end]); end++)
            ;
        if (end == at)
            break;
        r->word = lc_slice(r->text.p + at, end - at);
        e = read_word(r);
        at = end;
    }
    return e;
}

/* ---- the set ---- */

static int by_first(const void *a, const void *b)
{
    return memcmp(((const struct range *)a)->first, ((const struct range *)b)->first, IP_OCTETS);
}

static void sort_and_merge(struct lc_networks *s)
{
    size_t kept = 0;

    if (s->count == 0)
        return;
    qsort(s->ranges, s->count, sizeof *s->ranges, by_first);
    for (size_t i = 1; i < s->count; i++) {
        struct range *before = &s->ranges[kept], *r = &s->ranges[i];

        if (memcmp(r->first, before->last, IP_OCTETS) > 0)
            s->ranges[++kept] = *r;
        else if (memcmp(r->last, before->last, IP_OCTETS) > 0)
            memcpy(before->last, r->last, IP_OCTETS);
    }
    s->count = kept + 1;
}

lc_err lc_networks_parse(const char *const *texts, size_t count, struct lc_networks **ret,
                         struct lc_diag *diag)
{
    struct lc_networks *s = calloc(1, sizeof *s);
    lc_err e = s == NULL ? -ENOMEM : LC_OK;

    for (size_t i = 0; e == LC_OK && i < count; i++) {
        struct reading r = {.set = s, .text = lc_slice_cstr(texts[i]), .diag = diag};

        e = read_text(&r);
    }
    if (e != LC_OK) {
        lc_networks_free(s);
        return e;
    }
    sort_and_merge(s);
    *ret = s;
    return LC_OK;
}

void lc_networks_free(struct lc_networks *n)
{
    if (n == NULL)
        return;
    free(n->ranges);
    free(n);
}

bool lc_networks_has(const struct lc_networks *n, const struct lc_peer *peer)
{
    size_t low = 0, high;

    if (n == NULL)
        return false;
    if (n->is_any || peer->is_unix)
        return n->is_any || n->has_unix;
    /* the first range that begins behind the address */
    for (high = n->count; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(n->ranges[middle].first, peer->ip, IP_OCTETS) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low > 0 && memcmp(peer->ip, n->ranges[low - 1].last, IP_OCTETS) <= 0;
}

bool lc_networks_is_any(const struct lc_networks *n)
{
    return n != NULL && n->is_any;
}

bool lc_networks_is_empty(const struct lc_networks *n)
{
    return n == NULL || (n->count == 0 && !n->has_unix);
}
