/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus_gen.h - a stream of log lines that look like those of a middling company: about
 * forty kinds of senders, a tenth of them Korean.
 *
 * The same seed, line count and span give the same lines, everywhere and always: figures of
 * different days can be compared. The unit test holds it to a checksum.
 */
#ifndef BENCH_CORPUS_GEN_H
#define BENCH_CORPUS_GEN_H

#include "base/record.h"

struct corpus;

/* lines    how many are meant to fill the span; more can be taken
 * span_ns  from the first line to the last
 * NULL: no memory. */
struct corpus *corpus_new(uint64_t seed, uint64_t lines, int64_t span_ns);
void corpus_free(struct corpus *c);

struct corpus_event {
    int64_t time_ns; /* whole microseconds */
    enum lc_level level;
    unsigned facility;
    const char *host;
    const char *app;
    unsigned pid;
    struct lc_slice message; /* valid until the next event */
};

void corpus_next(struct corpus *c, struct corpus_event *ret);

enum corpus_format {
    CORPUS_V2,      /* LOG|LEVEL|<unix>|host app[pid]: message */
    CORPUS_RFC5424, /* one line each, no octet count */
    CORPUS_RFC3164,
    CORPUS_RAW, /* host app[pid]: message */
};

#define CORPUS_LINE_MAX 2304

/* One line with its LF. Returns its octets. */
size_t corpus_line(const struct corpus_event *e, enum corpus_format format,
                   char out[CORPUS_LINE_MAX]);

#endif
