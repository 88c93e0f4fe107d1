/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/seal.c - how fast records become segments, segments are merged, and their messages come
 * back; beside what zstd makes of the same octets.
 *
 *   seal DIR LINES         so many lines of the generated corpus
 *   seal DIR FILE...       real logs: a line is a message, a file an application
 *
 * Segments are written below DIR, which must exist and have no segments. Figures are of raw octets
 * of messages and of processor time of one thread; a median would hide how far runs differ, so each
 * is run three times and all are printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <zstd.h>

#include "base/arena.h"
#include "bench/corpus_gen.h"
#include "store/merge.h"
#include "store/page.h"

#define RUNS         3
#define SET_OCTETS   (32u << 20) /* of messages in one sealed segment */
#define CORPUS_SEED  1
#define SPAN_NS      (INT64_C(17) * 3600 * LC_NS_PER_S)
#define START_NS     (INT64_C(1764000000) * LC_NS_PER_S)
#define INPUT_MAX    (UINT64_C(8) << 30)
#define SEGMENTS_MAX 1024

struct input {
    struct lc_arena arena;
    struct lc_record *records;
    size_t count, cap;
    uint64_t octets; /* of messages */
};

static void check(lc_err e, const char *what)
{
    if (e == LC_OK)
        return;
    fprintf(stderr, "seal: %s: %s\n", what, lc_strerror(e));
    exit(2);
}

static void *need(void *p)
{
    if (p == NULL)
        check(-ENOMEM, "input");
    return p;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- input ---- */

static void add(struct input *in, struct lc_record r)
{
    if (in->count == in->cap) {
        in->cap = in->cap == 0 ? 4096 : in->cap * 2;
        in->records = need(realloc(in->records, in->cap * sizeof in->records[0]));
    }
    r.id = lc_id_make(in->count + 1, 0);
    r.message = lc_arena_copy(&in->arena, r.message);
    if (r.message.n != 0)
        need((void *)(uintptr_t)r.message.p);
    in->records[in->count++] = r;
    in->octets += r.message.n;
}

static void generate(struct input *in, uint64_t lines)
{
    struct corpus *c = need(corpus_new(CORPUS_SEED, lines, SPAN_NS));
    for (uint64_t i = 0; i < lines; i++) {
        struct corpus_event e;
        corpus_next(c, &e);
        char pid[12];
        int n = snprintf(pid, sizeof pid, "%u", e.pid);
        add(in, (struct lc_record){
                    .time_ns = e.time_ns,
                    .received_ns = e.time_ns + 300000 + (int64_t)(i % 1000) * 1000,
                    .level = e.level,
                    .stream = {.space = LC_LIT("main"),
                               .host = lc_slice_cstr(e.host),
                               .app = lc_slice_cstr(e.app)},
                    .pid = lc_arena_copy(&in->arena, lc_slice(pid, (size_t)n)),
                    .source = LC_LIT("192.0.2.7:40112"),
                    .message = e.message,
                });
    }
    corpus_free(c);
}

static void read_file(struct input *in, const char *path)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        check(-errno, path);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, f)) > 0) {
        int64_t t = START_NS + (int64_t)in->count * LC_NS_PER_MS;
        add(in, (struct lc_record){
                    .time_ns = t,
                    .received_ns = t,
                    .level = LC_LEVEL_NONE,
                    .stream = {.space = LC_LIT("main"), .app = lc_slice_cstr(path)},
                    .message = lc_slice(line, (size_t)n - (line[n - 1] == '\n')),
                });
    }
    free(line);
    fclose(f);
}

/* ---- what is measured ---- */

static int by_order(const void *a, const void *b)
{
    return lc_segment_order(*(const struct lc_record *const *)a,
                            *(const struct lc_record *const *)b);
}

struct result {
    double seal_s, merge_s, scan_s;
    uint64_t sealed_octets, merged_octets;
    size_t sealed, merged;
};

static struct lc_segment *open_segment(const char *dir, uint64_t number)
{
    struct lc_segment *s;
    check(lc_segment_open(&lc_disk_system, dir, number, &s, NULL), "open");
    return s;
}

static void seal(const char *dir, uint64_t number, const struct lc_record **rows, size_t n,
                 struct result *r)
{
    /* a store sorts numbers, not records: that is not what is measured here */
    qsort((void *)rows, n, sizeof rows[0], by_order);
    double start = cpu_seconds();
    struct lc_segment_writer *w;
    check(lc_segment_writer_new(&lc_disk_system, dir, number, 0, &w), dir);
    for (size_t i = 0; i < n; i++)
        check(lc_segment_writer_add(w, rows[i]), "add");
    struct lc_segment_meta meta;
    check(lc_segment_writer_finish(w, &meta), "finish");
    r->seal_s += cpu_seconds() - start;
    r->sealed_octets += meta.octets;
    r->sealed++;
    lc_segment_meta_done(&meta);
}

static void seal_all(const char *dir, const struct input *in, struct result *r)
{
    const struct lc_record **rows = need(malloc((in->count + 1) * sizeof *rows));
    size_t n = 0;
    uint64_t octets = 0;
    for (size_t i = 0; i < in->count; i++) {
        rows[n++] = &in->records[i];
        octets += in->records[i].message.n;
        if (octets < SET_OCTETS && i + 1 < in->count)
            continue;
        seal(dir, r->sealed + 1, rows, n, r);
        n = octets = 0;
    }
    free((void *)rows);
}

static uint64_t next_number(void *arg)
{
    return ++*(uint64_t *)arg;
}

/* All that was sealed, in groups as large as one merge takes. */
static void merge_all(const char *dir, struct lc_segment **segments, struct result *r)
{
    const atomic_bool stop = false;
    uint64_t last = r->sealed;
    const struct lc_merge_config config = {
        &lc_disk_system, dir, LC_MERGE_TARGET, next_number, &last, &stop,
    };
    double start = cpu_seconds();
    for (size_t first = 0; first < r->sealed; first += LC_MERGE_INPUTS_MAX) {
        struct lc_merge_inputs in = {.count = 0};
        while (in.count < LC_MERGE_INPUTS_MAX && first + in.count < r->sealed) {
            in.segments[in.count] = segments[first + in.count];
            in.count++;
        }
        struct lc_merge_outputs out;
        check(lc_merge_run(&config, &in, &out), "merge");
        for (size_t i = 0; i < out.count; i++)
            r->merged_octets += out.metas[i].octets;
        r->merged += out.count;
        lc_merge_outputs_done(&out);
    }
    r->merge_s = cpu_seconds() - start;
}

/* The messages of all merged segments. */
static void scan_all(const char *dir, const struct input *in, struct result *r)
{
    struct lc_decoder *decoder = need(lc_decoder_new());
    struct lc_page *page = need(lc_page_new(decoder));
    uint64_t octets = 0;
    double start = cpu_seconds();
    for (size_t i = 0; i < r->merged; i++) {
        struct lc_segment *s = open_segment(dir, r->sealed + 1 + i);
        struct lc_segment_index *index;
        check(lc_segment_index_load(s, &index, NULL), "index");
        for (uint32_t block = 0; block < index->block_count; block++) {
            lc_page_open_block(page, index, 0, block);
            struct lc_batch *b = lc_page_batch(page);
            check(lc_batch_load(b, LC_COL_MESSAGE), "scan");
            for (size_t row = 0; row < b->count; row++)
                octets += lc_batch_message(b, row).n;
        }
        lc_segment_index_unref(index);
        lc_segment_retire(s);
        lc_segment_unref(s);
    }
    r->scan_s = cpu_seconds() - start;
    lc_page_free(page);
    lc_decoder_free(decoder);
    if (octets != in->octets)
        check(LC_ECORRUPT, "scan");
}

static struct result run(const char *dir, const struct input *in)
{
    struct result r = {.sealed = 0};
    struct lc_segment *segments[SEGMENTS_MAX];
    seal_all(dir, in, &r);
    if (r.sealed > SEGMENTS_MAX)
        check(LC_ELIMIT, "segments");
    for (size_t i = 0; i < r.sealed; i++)
        segments[i] = open_segment(dir, i + 1);
    merge_all(dir, segments, &r);
    for (size_t i = 0; i < r.sealed; i++) {
        lc_segment_retire(segments[i]);
        lc_segment_unref(segments[i]);
    }
    scan_all(dir, in, &r);
    return r;
}

static void compare_zstd(const struct input *in, int level)
{
    uint8_t *plain = need(malloc(in->octets + in->count + 1));
    size_t n = 0;
    for (size_t i = 0; i < in->count; i++) {
        memcpy(plain + n, in->records[i].message.p, in->records[i].message.n);
        n += in->records[i].message.n;
        plain[n++] = '\n';
    }
    size_t room = ZSTD_compressBound(n);
    uint8_t *packed = need(malloc(room));
    ZSTD_CCtx *zstd = need(ZSTD_createCCtx());
    double start = cpu_seconds();
    size_t got = ZSTD_compressCCtx(zstd, packed, room, plain, n, level);
    double seconds = cpu_seconds() - start;
    printf("zstd -%d   %7.0f MB/s  %6.1f MB  (messages alone, as one file)\n", level,
           (double)in->octets / 1e6 / seconds, (double)got / 1e6);
    ZSTD_freeCCtx(zstd);
    free(packed);
    free(plain);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: seal DIR LINES | seal DIR FILE...\n", stderr);
        return 2;
    }
    struct input in = {.count = 0};
    lc_arena_init(&in.arena, INPUT_MAX);
    uint64_t lines;
    if (argc == 3 && lc_slice_u64(lc_slice_cstr(argv[2]), &lines) == LC_OK)
        generate(&in, lines);
    else
        for (int i = 2; i < argc; i++)
            read_file(&in, argv[i]);
    double mb = (double)in.octets / 1e6;
    printf("%zu records, %.1f MB of messages\n", in.count, mb);
    compare_zstd(&in, 1);
    compare_zstd(&in, 3);
    for (unsigned i = 0; i < RUNS; i++) {
        struct result r = run(argv[1], &in);
        printf("seal %.0f  merge %.0f  scan %.0f MB/s;  sealed %.1f MB in %zu,"
               "  merged %.1f MB in %zu\n",
               mb / r.seal_s, mb / r.merge_s, mb / r.scan_s, (double)r.sealed_octets / 1e6,
               r.sealed, (double)r.merged_octets / 1e6, r.merged);
    }
    lc_arena_done(&in.arena);
    free(in.records);
    return 0;
}
