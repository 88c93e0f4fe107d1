/* SPDX-License-Identifier: Apache-2.0
 *
 * store/retain.h - which segments must go, by size and by age of what is in them.
 *
 * WHO     store.c, which drops them by one edit of the manifest.
 * THREAD  Any; a version is immutable.
 */
#ifndef LC_STORE_RETAIN_H
#define LC_STORE_RETAIN_H

#include "store/version.h"

/* The segments whose newest record was received longest ago come first: all that hold nothing
 * received at or after min_received_ns (INT64_MIN: no limit by age), and then as many more as it
 * takes for the rest to have at most max_octets, and not one more.
 *
 * victims  room for v->segment_count; borrowed from the version
 * Returns  how many of them are victims */
size_t lc_retain_pick(const struct lc_version *v, uint64_t max_octets, int64_t min_received_ns,
                      struct lc_segment **victims);

#endif
