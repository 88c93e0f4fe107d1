/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/watch.h - what a server under load has done so far: as it says itself, as its file shows,
 * as the kernel counts.
 */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <sys/types.h>

#include "base/slice.h"

/* A TCP connection to `host:port`, blocking; tries again while it is refused, until the deadline
 * (monotonic seconds). Returns the descriptor, or -errno. */
int watch_connect(const char *address, double deadline);
double watch_now(void); /* monotonic seconds */

struct watch_usage {
    double cpu_s;         /* user and system time of the whole process */
    unsigned long rss_kb; /* the highest so far */
};

/* False: there is no such process. */
bool watch_process(pid_t pid, struct watch_usage *ret);

/* The value of `key` in the answer to STATS on `fd`; false: the connection broke, or no such key.
 */
bool watch_stat(int fd, const char *key, uint64_t *ret);

/* Waits until a file has at least `size` octets. False: it cannot be watched, or the deadline
 * passed. */
bool watch_file(const char *path, uint64_t size, double deadline);

#endif
