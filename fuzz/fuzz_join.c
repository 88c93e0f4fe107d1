/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_join.c - lines joined to records: however the source is cut the records are the same,
 * and what they spend adds up to the source.
 *
 * The octets: the rule, the limit of a record, its lines, where the source is cut.
 */
#include "base/hash.h"
#include "base/utf8.h"
#include "proto/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX 4096

struct reading {
    const struct lc_join_rules *rules;
    struct lc_joiner joiner;
    uint8_t rest[INPUT_MAX]; /* as a reader keeps it */
    size_t n;
    uint64_t spent, digest, records;
};

static bool begins_with_digit(void *arg, struct lc_slice line)
{
    LC_UNUSED(arg);
    return line.n > 0 && line.p[0] >= '0' && line.p[0] <= '9';
}

static void check(struct reading *r, const struct lc_joined *got, struct lc_slice in)
{
    LC_ASSERT(got->used > 0 && got->used <= in.n && got->spent >= got->used);
    LC_ASSERT(got->text.n <= r->rules->octets_max);
    LC_ASSERT(got->text.n == 0 || (got->text.p == in.p && got->text.n <= got->used));
    LC_ASSERT(!got->truncated || got->text.n + LC_UTF8_MAX > r->rules->octets_max);
    r->spent += got->spent;
    if (got->text.n > 0) {
        r->digest = lc_hash64(got->text, r->digest + got->truncated);
        r->records++;
    }
}

static void feed(struct reading *r, struct lc_slice piece, enum lc_join_wait wait)
{
    struct lc_slice in = lc_slice(r->rest, r->n + piece.n);
    struct lc_joined got;

    if (piece.n > 0)
        memcpy(r->rest + r->n, piece.p, piece.n);
    while (lc_join_next(&r->joiner, r->rules, in, wait, &got) == LC_OK) {
        check(r, &got, in);
        in = lc_slice_from(in, got.used);
    }
    LC_ASSERT(got.keep <= in.n && (wait != LC_JOIN_NO_MORE || got.keep == 0));
    memmove(r->rest, in.p, got.keep);
    r->n = got.keep;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 4 || n - 4 > INPUT_MAX)
        return 0;

    const struct lc_join_rules rules = {.join = (enum lc_join)(p[0] % LC_JOIN_COUNT),
                                        .octets_max = p[1] < 4 ? 4 : p[1],
                                        .lines_max = 1 + p[2] % 8,
                                        .is_start = begins_with_digit};
    size_t cut = p[3];
    struct lc_slice source = lc_slice(p + 4, n - 4);
    static struct reading whole, parts, octets;

    whole = parts = octets = (struct reading){.rules = &rules};
    cut = cut < source.n ? cut : source.n;
    feed(&whole, source, LC_JOIN_WAIT);
    feed(&parts, lc_slice(source.p, cut), LC_JOIN_WAIT);
    feed(&parts, lc_slice_from(source, cut), LC_JOIN_WAIT);
    for (size_t i = 0; i < source.n; i++)
        feed(&octets, lc_slice(source.p + i, 1), LC_JOIN_WAIT);
    feed(&whole, lc_slice(source.p, 0), LC_JOIN_NO_MORE);
    feed(&parts, lc_slice(source.p, 0), LC_JOIN_NO_MORE);
    feed(&octets, lc_slice(source.p, 0), LC_JOIN_NO_MORE);
    LC_ASSERT(whole.spent == source.n && parts.spent == source.n && octets.spent == source.n);
    LC_ASSERT(whole.digest == parts.digest && whole.digest == octets.digest);
    LC_ASSERT(whole.records == parts.records && whole.records == octets.records);
    return 0;
}
