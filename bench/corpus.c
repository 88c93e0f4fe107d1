/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/corpus.c - writes a corpus of log lines: `corpus --lines 1000000 --format v2 > v2.txt`.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/corpus_gen.h"
#include "bench/options.h"

#define OUT_SIZE     (1u << 20)
#define LINE_TYPICAL 190u /* octets; only spreads the span over --bytes */

struct corpus_options {
    int format;
    uint64_t lines;
    uint64_t octets;
    uint64_t seed;
    int64_t span_ns;
    const char *output;
    bool help;
};

#define AT(member) LC_MEMBER(struct corpus_options, member)

static const char *const formats[] = {"v2", "rfc5424", "rfc3164", "raw", NULL};

static const struct lc_option options[] = {
    {.name = "format",
     .letter = 'f',
     .kind = LC_OPTION_CHOICE,
     .value = "FORMAT",
     .fallback = "v2",
     .choices = formats,
     AT(format),
     .help = "v2, rfc5424, rfc3164 (one line each) or raw"},
    {.name = "lines",
     .letter = 'n',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "1000000",
     .min = 1,
     AT(lines),
     .help = "how many lines"},
    {.name = "bytes",
     .letter = 'b',
     .kind = LC_OPTION_SIZE,
     .value = "SIZE",
     AT(octets),
     .help = "stop with the line that reaches this size, whatever --lines says: 1G"},
    {.name = "seed",
     .letter = 's',
     .kind = LC_OPTION_COUNT,
     .value = "N",
     .fallback = "1",
     AT(seed),
     .help = "another number, other lines; the same one, the same lines"},
    {.name = "span",
     .kind = LC_OPTION_DURATION,
     .value = "TIME",
     .fallback = "17h",
     AT(span_ns),
     .help = "from the first line to the last"},
    {.name = "output",
     .letter = 'o',
     .kind = LC_OPTION_TEXT,
     .value = "FILE",
     AT(output),
     .help = "default: standard output"},
    {.name = "help", .letter = 'h', .kind = LC_OPTION_FLAG, AT(help), .help = "show this and exit"},
};

static int fail(const char *what)
{
    fprintf(stderr, "corpus: %s: %s\n", what, strerror(errno));
    return 1;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool write_corpus(struct corpus *c, const struct corpus_options *o, int fd, char *out)
{
    uint64_t lines = o->octets != 0 ? UINT64_MAX : o->lines;
    uint64_t octets = o->octets != 0 ? o->octets : UINT64_MAX;
    size_t n = 0;
    for (uint64_t line = 0, written = 0; line < lines && written < octets; line++) {
        if (n > OUT_SIZE - CORPUS_LINE_MAX) {
            if (!write_all(fd, out, n))
                return false;
            n = 0;
        }
        struct corpus_event e;
        corpus_next(c, &e);
        size_t length = corpus_line(&e, (enum corpus_format)o->format, out + n);
        n += length;
        written += length;
    }
    return write_all(fd, out, n);
}

static int run(const struct corpus_options *o)
{
    int fd = STDOUT_FILENO;
    if (o->output != NULL)
        fd = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(o->output);
    uint64_t lines = o->octets != 0 ? o->octets / LINE_TYPICAL : o->lines;
    struct corpus *c = corpus_new(o->seed, lines, o->span_ns);
    char *out = malloc(OUT_SIZE);
    int code = 0;
    if (c == NULL || out == NULL || !write_corpus(c, o, fd, out))
        code = fail(o->output != NULL ? o->output : "standard output");
    if (o->output != NULL && close(fd) != 0 && code == 0)
        code = fail(o->output);
    free(out);
    corpus_free(c);
    return code;
}

int main(int argc, char **argv)
{
    static const struct bench_program program = {
        .name = "corpus",
        .about = "Writes log lines that look like real ones, the same for the same options.\n\n"
                 "Usage: corpus [OPTION...]",
        .rows = options,
        .count = LC_ARRAY_LEN(options),
    };
    struct corpus_options o = {0};
    bench_options(&program, argc, argv, &o, &o.help);
    return run(&o);
}
