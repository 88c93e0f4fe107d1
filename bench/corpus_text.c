/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_text.c - templates become lists of operations once, so that filling one in is a walk
 * over them.
 */
#include "bench/corpus_text.h"

#define OWN_NETWORK 4000u /* our own addresses */
#define DIGITS_MAX  64u

enum op_kind {
    OP_LITERAL,
    OP_WORD,   /* of a list, the first ones most often */
    OP_CHOICE, /* evenly */
    OP_INT,
    OP_SKEW,
    OP_DIGITS,
    OP_HEX,
    OP_SEQ,
    OP_UUID,
    OP_IP,
    OP_LAN,
    OP_PORT,
    OP_HOST,
    OP_CLF,
    OP_ISO,
    OP_UNIX,
};

struct corpus_op {
    enum op_kind kind;
    uint64_t from, n;        /* INT, SKEW: the first and how many; DIGITS, HEX, HOST: how many */
    struct lc_slice literal; /* HOST: the role */
    const struct lc_slice *words; /* WORD and CHOICE: n of them */
};

/* SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators"). */
uint64_t corpus_random(struct corpus_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t corpus_below(struct corpus_random *r, uint64_t n)
{
    return (corpus_random(r) >> 32) * n >> 32;
}

uint64_t corpus_zipf(struct corpus_random *r, uint64_t n)
{
    unsigned octaves = 64 - (unsigned)__builtin_clzll(n);
    for (;;) {
        uint64_t width = UINT64_C(1) << corpus_below(r, octaves);
        uint64_t rank = width - 1 + corpus_below(r, width);
        if (rank < n)
            return rank;
    }
}

/* A fixed number for each rank: the same client keeps its address. */
static uint64_t scatter(uint64_t rank)
{
    struct corpus_random r = {rank};
    return corpus_random(&r);
}

static char *put(char *at, struct lc_slice s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_number(char *at, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static char *put_padded(char *at, uint64_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 10)
        at[i] = (char)('0' + v % 10);
    return at + width;
}

static char *put_digits(char *at, struct corpus_random *r, uint64_t n)
{
    for (uint64_t bits = 0; n-- > 0; bits /= 10) {
        if (bits == 0)
            bits = corpus_random(r);
        *at++ = (char)('0' + bits % 10);
    }
    return at;
}

static char *put_hex(char *at, struct corpus_random *r, uint64_t n)
{
    uint64_t bits = 0;
    for (uint64_t i = 0; i < n; i++, bits >>= 4) {
        if (i % 16 == 0)
            bits = corpus_random(r);
        *at++ = "0123456789abcdef"[bits & 15];
    }
    return at;
}

/* RFC 9562 section 5.4. */
static char *put_uuid(char *at, struct corpus_random *r)
{
    static const unsigned groups[] = {8, 4, 4, 4, 12};
    char *start = at;
    for (size_t i = 0; i < LC_ARRAY_LEN(groups); i++) {
        if (i > 0)
            *at++ = '-';
        at = put_hex(at, r, groups[i]);
    }
    start[14] = '4';
    start[19] = "89ab"[(unsigned char)start[19] & 3];
    return at;
}

static char *put_address(char *at, unsigned a, unsigned b, unsigned c, unsigned d)
{
    at = put_number(at, a);
    *at++ = '.';
    at = put_number(at, b);
    *at++ = '.';
    at = put_number(at, c);
    *at++ = '.';
    return put_number(at, d);
}

static char *put_client(char *at, uint64_t client)
{
    uint64_t bits = scatter(client);
    return put_address(at, 11 + bits % 113, bits >> 8 & 0xFF, bits >> 16 & 0xFF,
                       1 + (bits >> 24) % 254);
}

static char *put_own(char *at, struct corpus_random *r)
{
    uint64_t bits = scatter(CORPUS_CLIENTS + corpus_zipf(r, OWN_NETWORK));
    return put_address(at, 10, bits & 0x0F, bits >> 8 & 0xFF, 1 + (bits >> 16) % 254);
}

/* 20/Nov/2026:18:00:00 +0000 */
static char *put_clf(char *at, int64_t time_ns)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct lc_civil c = lc_civil_from_ns(time_ns);
    at = put_padded(at, c.day, 2);
    *at++ = '/';
    at = put(at, lc_slice(months + 3 * (size_t)(c.month - 1), 3));
    *at++ = '/';
    at = put_padded(at, (unsigned)c.year, 4);
    *at++ = ':';
    at = put_padded(at, c.hour, 2);
    *at++ = ':';
    at = put_padded(at, c.minute, 2);
    *at++ = ':';
    at = put_padded(at, c.second, 2);
    return put(at, LC_LIT(" +0000"));
}

/* 2026-11-20T18:00:00.123Z */
static char *put_iso(char *at, int64_t time_ns)
{
    char whole[LC_RFC3339_MAX];
    int64_t fraction_ns = time_ns % LC_NS_PER_S;
    size_t n = lc_rfc3339_format(time_ns - fraction_ns, whole);
    at = put(at, lc_slice(whole, n - 1));
    *at++ = '.';
    at = put_padded(at, (uint64_t)(fraction_ns / LC_NS_PER_MS), 3);
    *at++ = 'Z';
    return at;
}

static char *put_host(char *at, struct corpus_random *r, const struct corpus_op *op)
{
    at = put(at, op->literal);
    *at++ = '-';
    return put_padded(at, 1 + corpus_zipf(r, op->n), 2);
}

static char *fill_op(const struct corpus_op *op, const struct corpus_moment *m, char *at)
{
    struct corpus_random *r = m->random;
    switch (op->kind) {
    case OP_LITERAL:
        return put(at, op->literal);
    case OP_WORD:
        return put(at, op->words[corpus_zipf(r, op->n)]);
    case OP_CHOICE:
        return put(at, op->words[corpus_below(r, op->n)]);
    case OP_INT:
        return put_number(at, op->from + corpus_below(r, op->n));
    case OP_SKEW:
        return put_number(at, op->from + corpus_zipf(r, op->n));
    case OP_DIGITS:
        return put_digits(at, r, op->n);
    case OP_HEX:
        return put_hex(at, r, op->n);
    case OP_SEQ:
        return put_number(at, m->seq);
    case OP_UUID:
        return put_uuid(at, r);
    case OP_IP:
        return put_client(at, m->client);
    case OP_LAN:
        return put_own(at, r);
    case OP_PORT:
        return put_number(at, 32768 + corpus_below(r, 28232));
    case OP_HOST:
        return put_host(at, r, op);
    case OP_CLF:
        return put_clf(at, m->time_ns);
    case OP_ISO:
        return put_iso(at, m->time_ns);
    case OP_UNIX:
        return put_number(at, (uint64_t)(m->time_ns / LC_NS_PER_S));
    }
    return at;
}

size_t corpus_text_fill(const struct corpus_text *t, const struct corpus_moment *m, char *out)
{
    char *at = out;
    for (size_t i = 0; i < t->count; i++)
        at = fill_op(&t->ops[i], m, at);
    return (size_t)(at - out);
}

/* The most octets that it can write. */
static size_t op_max(const struct corpus_op *op)
{
    size_t longest = 0;
    switch (op->kind) {
    case OP_LITERAL:
        return op->literal.n;
    case OP_WORD:
    case OP_CHOICE:
        for (size_t i = 0; i < op->n; i++)
            longest = op->words[i].n > longest ? op->words[i].n : longest;
        return longest;
    case OP_DIGITS:
    case OP_HEX:
        return op->n;
    default:
        return 40; /* the longest: a UUID */
    }
}

static void set_words(struct lc_arena *arena, struct corpus_op *op, const struct corpus_list *list)
{
    struct lc_slice *words = lc_arena_alloc(arena, list->count * sizeof *words);
    LC_ASSERT(words != NULL);
    for (size_t i = 0; i < list->count; i++)
        words[i] = lc_slice_cstr(list->words[i]);
    op->words = words;
    op->n = list->count;
}

static void set_choices(struct lc_arena *arena, struct corpus_op *op, struct lc_slice rest)
{
    size_t count = 1;
    for (size_t i = 0; i < rest.n; i++)
        count += rest.p[i] == '|';
    struct lc_slice *words = lc_arena_alloc(arena, count * sizeof *words);
    LC_ASSERT(words != NULL);
    for (size_t i = 0; lc_slice_cut(&rest, '|', &words[i]); i++)
        continue;
    words[count - 1] = rest;
    op->words = words;
    op->n = count;
}

static void set_range(struct corpus_op *op, struct lc_slice rest)
{
    struct lc_slice first;
    uint64_t last;
    bool whole = lc_slice_cut(&rest, '-', &first) && lc_slice_u64(first, &op->from) == LC_OK &&
                 lc_slice_u64(rest, &last) == LC_OK;
    LC_ASSERT(whole && last >= op->from);
    op->n = last - op->from + 1;
}

static void set_count(struct corpus_op *op, struct lc_slice count)
{
    lc_err e = lc_slice_u64(count, &op->n);
    LC_ASSERT(e == LC_OK && op->n >= 1 && op->n <= DIGITS_MAX);
}

/* `name` or `name:rest`, from between the braces. */
static struct corpus_op compile_variable(struct lc_arena *arena, struct lc_slice rest,
                                         unsigned (*hosts_of)(struct lc_slice role))
{
    static const struct {
        const char *name;
        enum op_kind kind;
    } plain[] = {
        {"seq", OP_SEQ},    {"uuid", OP_UUID}, {"ip", OP_IP},     {"lan", OP_LAN},
        {"port", OP_PORT},  {"clf", OP_CLF},   {"iso", OP_ISO},   {"unix", OP_UNIX},
        {"any", OP_CHOICE}, {"int", OP_INT},   {"skew", OP_SKEW}, {"digits", OP_DIGITS},
        {"hex", OP_HEX},    {"host", OP_HOST},
    };
    struct corpus_op op = {.kind = OP_WORD};
    struct lc_slice name;
    if (!lc_slice_cut(&rest, ':', &name)) {
        name = rest;
        rest.n = 0;
    }
    for (size_t i = 0; i < LC_ARRAY_LEN(plain); i++)
        if (lc_slice_eq(name, lc_slice_cstr(plain[i].name)))
            op.kind = plain[i].kind;

    if (op.kind == OP_WORD) {
        const struct corpus_list *list = corpus_list_find(name);
        LC_ASSERT(list != NULL);
        set_words(arena, &op, list);
    } else if (op.kind == OP_CHOICE) {
        set_choices(arena, &op, rest);
    } else if (op.kind == OP_INT || op.kind == OP_SKEW) {
        set_range(&op, rest);
    } else if (op.kind == OP_DIGITS || op.kind == OP_HEX) {
        set_count(&op, rest);
    } else if (op.kind == OP_HOST) {
        op.literal = rest;
        op.n = hosts_of(rest);
        LC_ASSERT(op.n > 0);
    }
    return op;
}

/* Where the next variable begins; the end when there is none. */
static size_t literal_length(struct lc_slice s)
{
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '%' && s.p[i + 1] == '{')
            return i;
    return s.n;
}

struct corpus_text corpus_text_compile(struct lc_arena *arena, const char *text,
                                       unsigned (*hosts_of)(struct lc_slice role))
{
    struct lc_slice rest = lc_slice_cstr(text);
    size_t most = 1;
    for (size_t i = 0; i < rest.n; i++)
        most += rest.p[i] == '%' ? 2 : 0;
    struct corpus_op *ops = lc_arena_alloc(arena, most * sizeof *ops);
    LC_ASSERT(ops != NULL);

    size_t count = 0, longest = 0;
    while (rest.n > 0) {
        size_t n = literal_length(rest);
        if (n > 0) {
            ops[count] = (struct corpus_op){.kind = OP_LITERAL, .literal = lc_slice(rest.p, n)};
            rest = lc_slice_from(rest, n);
        } else {
            struct lc_slice variable;
            bool closed = lc_slice_cut(&rest, '}', &variable);
            LC_ASSERT(closed);
            ops[count] = compile_variable(arena, lc_slice_from(variable, 2), hosts_of);
        }
        longest += op_max(&ops[count++]);
    }
    LC_ASSERT(longest <= CORPUS_MESSAGE_MAX);
    return (struct corpus_text){ops, count};
}
