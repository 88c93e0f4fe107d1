/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/codecs.c - what the codecs of proto/ cost: lines of the corpus, in memory, split, told
 * apart and decoded as a session does it, on one core, without sockets or a store.
 *
 * Usage: codecs [LINES [ROUNDS]]. Prints the fastest, the median and the slowest round.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "bench/corpus_gen.h"
#include "proto/json_line.h"
#include "proto/syslog.h"

#define ROUNDS_MAX 100u
#define LIMIT      65536u
#define SPAN_NS    (INT64_C(17) * 3600 * LC_NS_PER_S)

struct totals {
    uint64_t lines, message_octets;
};

static double cpu_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#define JSON (CORPUS_RAW + 1) /* a form of ours, besides those of the corpus */

/* As pino writes it. */
static lc_err put_json(struct lc_dynbuf *out, const struct corpus_event *event)
{
    lc_err e = lc_dynbuf_printf(
        out, "{\"level\":%d,\"time\":%lld,\"pid\":%u,\"hostname\":\"%s\",\"name\":\"%s\",\"msg\":",
        (int)event->level * 10 + 10, (long long)(event->time_ns / LC_NS_PER_MS), event->pid,
        event->host, event->app);
    if (e == LC_OK)
        e = lc_json_string(out, event->message);
    return e == LC_OK ? lc_dynbuf_append(out, LC_LIT("}\n")) : e;
}

static bool fill(struct lc_dynbuf *out, int format, uint64_t lines)
{
    struct corpus *c = corpus_new(1, lines, SPAN_NS);
    char line[CORPUS_LINE_MAX];
    lc_err e = c == NULL ? -ENOMEM : LC_OK;
    out->n = 0;
    for (uint64_t i = 0; i < lines && e == LC_OK; i++) {
        struct corpus_event event;
        corpus_next(c, &event);
        if (format == JSON)
            e = put_json(out, &event);
        else
            e = lc_dynbuf_append(
                out, lc_slice(line, corpus_line(&event, (enum corpus_format)format, line)));
    }
    corpus_free(c);
    return e == LC_OK;
}

static void decode(struct lc_slice line, const struct lc_syslog_context *ctx,
                   struct lc_syslog_scratch *scratch, struct totals *totals)
{
    static struct lc_members members;
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    const char *reason;
    lc_err e = LC_OK;
    switch (lc_line_kind(line)) {
    case LC_LINE_V2:
        e = lc_v2_decode(line, &r, &unplaced, &reason);
        break;
    case LC_LINE_SYSLOG:
        e = lc_syslog_decode(line, ctx, scratch, &r);
        break;
    case LC_LINE_JSON:
        e = lc_json_line_decode(line, ctx->utc_offset_s, &members, &r, &unplaced);
        break;
    default:
        r.message = line;
    }
    LC_ASSERT(e == LC_OK);
    totals->lines++;
    totals->message_octets += r.message.n;
}

static double run(struct lc_slice in, struct totals *totals)
{
    static struct lc_syslog_scratch scratch;
    const struct lc_syslog_context ctx = {.received_ns = lc_wall_ns(&lc_clock_system)};
    double start = cpu_s();
    while (in.n > 0) {
        struct lc_slice line;
        size_t scanned = 0, used;
        lc_err e = lc_line_next(in, LIMIT, &scanned, &line, &used);
        LC_ASSERT(e == LC_OK);
        decode(line, &ctx, &scratch, totals);
        in = lc_slice_from(in, used);
    }
    return cpu_s() - start;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, struct lc_slice in, uint64_t lines, unsigned rounds)
{
    double s[ROUNDS_MAX];
    struct totals totals = {0};
    for (unsigned i = 0; i < rounds; i++)
        s[i] = run(in, &totals);
    LC_ASSERT(totals.lines == lines * rounds && totals.message_octets > 0);
    qsort(s, rounds, sizeof *s, by_size);
    double n = (double)lines;
    printf("%-8s %8.1f %8.1f %8.1f ns/line %8.2f M lines/s %8.0f MB/s\n", name, s[0] / n * 1e9,
           s[rounds / 2] / n * 1e9, s[rounds - 1] / n * 1e9, n / s[rounds / 2] / 1e6,
           (double)in.n / s[rounds / 2] / 1e6);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int format;
    } forms[] = {{"plain", CORPUS_RAW},
                 {"v2", CORPUS_V2},
                 {"rfc3164", CORPUS_RFC3164},
                 {"rfc5424", CORPUS_RFC5424},
                 {"json", JSON}};
    uint64_t lines = 200000, rounds = 9;
    if ((argc > 1 && lc_slice_u64(lc_slice_cstr(argv[1]), &lines) != LC_OK) ||
        (argc > 2 && lc_slice_u64(lc_slice_cstr(argv[2]), &rounds) != LC_OK) || lines == 0 ||
        rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: codecs [LINES [ROUNDS (1..%u)]]\n", ROUNDS_MAX);
        return 2;
    }
    struct lc_dynbuf in;
    lc_dynbuf_init(&in, SIZE_MAX);
    printf("%llu lines, %llu rounds: fastest, median, slowest; CPU time of one core\n",
           (unsigned long long)lines, (unsigned long long)rounds);
    for (size_t i = 0; i < LC_ARRAY_LEN(forms); i++) {
        if (!fill(&in, forms[i].format, lines)) {
            fprintf(stderr, "codecs: no memory for the corpus\n");
            return 1;
        }
        measure(forms[i].name, lc_dynbuf_slice(&in), lines, (unsigned)rounds);
    }
    lc_dynbuf_done(&in);
    return 0;
}
