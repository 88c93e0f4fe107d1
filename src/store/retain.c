/* SPDX-License-Identifier: Apache-2.0
 *
 * store/retain.c - the oldest by arrival first.
 */
#include "store/retain.h"

#include <stdlib.h>

static int by_received(const void *a, const void *b)
{
    const struct lc_segment_meta *x = lc_segment_meta(*(struct lc_segment *const *)a);
    const struct lc_segment_meta *y = lc_segment_meta(*(struct lc_segment *const *)b);
    if (x->max_received_ns != y->max_received_ns)
        return x->max_received_ns < y->max_received_ns ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

size_t lc_retain_pick(const struct lc_version *v, uint64_t max_octets, int64_t min_received_ns,
                      struct lc_segment **victims)
{
    uint64_t octets = 0;
    for (size_t i = 0; i < v->segment_count; i++) {
        victims[i] = v->segments[i];
        octets += lc_segment_meta(v->segments[i])->octets;
    }
    qsort((void *)victims, v->segment_count, sizeof victims[0], by_received);
    size_t count = 0;
    for (; count < v->segment_count; count++) {
        const struct lc_segment_meta *m = lc_segment_meta(victims[count]);
        if (m->max_received_ns >= min_received_ns && octets <= max_octets)
            break;
        octets -= m->octets;
    }
    return count;
}
