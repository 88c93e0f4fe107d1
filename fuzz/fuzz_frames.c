/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_frames.c - octet-counted syslog: a frame written again is what came, and no octet more
 * changes what has been found.
 *
 * The first octet is the limit of a frame.
 */
#include "proto/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct found {
    lc_err err;
    struct lc_slice message;
    size_t used, length;
};

static struct found look(struct lc_slice in, size_t limit)
{
    struct found f = {0};
    f.err = lc_syslog_frame(in, limit, &f.message, &f.used, &f.length);
    return f;
}

static void check(struct lc_slice in, size_t limit, const struct found *f)
{
    char head[LC_U64_MAX];
    size_t n;
    switch (f->err) {
    case LC_OK:
        n = lc_u64_format(f->message.n, head);
        LC_ASSERT(f->used <= in.n && f->used == n + 1 + f->message.n && f->message.n <= limit);
        LC_ASSERT(memcmp(in.p, head, n) == 0 && in.p[n] == ' ');
        LC_ASSERT(f->message.p == in.p + n + 1);
        break;
    case LC_ELIMIT:
        n = lc_u64_format(f->length, head);
        LC_ASSERT(f->used == n + 1 && f->used <= in.n && f->length > limit);
        LC_ASSERT(memcmp(in.p, head, n) == 0 && in.p[n] == ' ');
        break;
    case LC_EMORE:
        LC_ASSERT(in.n < limit + LC_SYSLOG_COUNT_MAX);
        break;
    default:
        LC_ASSERT(f->err == LC_ESYNTAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 1)
        return 0;
    struct lc_slice in = lc_slice(p + 1, n - 1);
    struct found whole = look(in, p[0]);
    check(in, p[0], &whole);
    /* from the octet on at which it is found, it is that, and before it nothing else */
    for (size_t i = 0; i < in.n; i++) {
        struct found part = look(lc_slice(in.p, i), p[0]);
        if (part.err == LC_EMORE)
            continue;
        LC_ASSERT(part.err == whole.err && part.used == whole.used);
        LC_ASSERT(part.message.p == whole.message.p && part.message.n == whole.message.n);
        LC_ASSERT(part.length == whole.length);
    }
    return 0;
}
