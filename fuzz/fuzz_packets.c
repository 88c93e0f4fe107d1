/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_packets.c - length-prefixed frames and binary v1: a message written again is what came,
 * and no octet less would have been enough.
 */
#include "proto/binary1.h"
#include "proto/prefixed.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void prefixed(struct lc_slice in)
{
    uint8_t head[LC_PREFIXED_HEAD];
    struct lc_slice frame, less;
    size_t used = 0, length = 0, ignored;
    lc_err e = lc_prefixed_next(in, &frame, &used, &length);
    if (e != LC_OK) {
        LC_ASSERT(e != LC_ELIMIT || (used == LC_PREFIXED_HEAD && length > LC_PREFIXED_MAX));
        LC_ASSERT(e != LC_EMORE || in.n < LC_PREFIXED_HEAD + LC_PREFIXED_MAX);
        return;
    }
    lc_prefixed_head(frame.n, head);
    LC_ASSERT(memcmp(in.p, head, sizeof head) == 0);
    LC_ASSERT(frame.n == 0 || frame.p == in.p + LC_PREFIXED_HEAD);
    LC_ASSERT(used == LC_PREFIXED_HEAD + frame.n && used <= in.n);
    LC_ASSERT(lc_prefixed_next(lc_slice(in.p, used - 1), &less, &ignored, &ignored) == LC_EMORE);
}

static void binary1(struct lc_slice in)
{
    struct lc_binary1 packet, less;
    struct lc_binary1_log log;
    const char *reason = NULL;
    size_t used = 0, ignored;
    if (lc_binary1_next(in, &packet, &used) != LC_OK)
        return;
    LC_ASSERT(used == LC_BINARY1_HEAD + packet.payload.n && used <= in.n);
    LC_ASSERT(lc_binary1_next(lc_slice(in.p, used - 1), &less, &ignored) == LC_EMORE);
    if (lc_binary1_log(packet.payload, &log, &reason) == LC_OK)
        LC_ASSERT(log.message.n + 7 == packet.payload.n);
    else
        LC_ASSERT(reason != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 0;
    prefixed(lc_slice(p, n));
    binary1(lc_slice(p, n));
    return 0;
}
