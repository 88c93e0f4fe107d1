/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/append.c - what a record costs on its way into the store: the writer's own time, and how
 * many get through while commits, seals and merges go on.
 *
 *   append DIR LINES [WRITERS]
 *
 * Appends lines of the generated corpus, held in memory, each writer the same ones, in turns of 64
 * records. DIR must be new: the store stays there. Each figure is printed for every run.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "bench/corpus_gen.h"
#include "store/store.h"

#define RUNS        3
#define WRITERS_MAX 64
#define TURN        64                  /* records of one turn of a writer's loop */
#define HELD        (UINT64_C(1) << 20) /* lines held in memory: more are the same ones again */
#define CORPUS_SEED 1
#define SPAN_NS     (INT64_C(3600) * LC_NS_PER_S)
#define INPUT_MAX   (UINT64_C(4) << 30)

struct input {
    struct lc_arena arena;
    struct lc_record *records;
    uint64_t count;
    uint64_t octets; /* of messages */
};

struct writer {
    const struct input *in;
    struct lc_shard *shard;
    uint64_t lines;
    sem_t news;
    pthread_t thread;
    double cpu; /* seconds of its thread */
    uint64_t waits;
};

static void check(lc_err e, const char *what)
{
    if (e == LC_OK)
        return;
    fprintf(stderr, "append: %s: %s\n", what, lc_strerror(e));
    exit(2);
}

static void *need(void *p)
{
    if (p == NULL)
        check(-ENOMEM, "input");
    return p;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct lc_slice keep(struct input *in, struct lc_slice s)
{
    if (s.n == 0)
        return s;
    struct lc_slice copy = lc_arena_copy(&in->arena, s);
    need((void *)(uintptr_t)copy.p);
    return copy;
}

static void make_input(struct input *in, uint64_t lines)
{
    uint64_t held = lines < HELD ? lines : HELD;
    lc_arena_init(&in->arena, INPUT_MAX);
    in->records = need(calloc(held, sizeof in->records[0]));
    struct corpus *c = need(corpus_new(CORPUS_SEED, held, SPAN_NS));
    for (; in->count < held; in->count++) {
        struct corpus_event e;
        corpus_next(c, &e);
        char pid[12];
        int n = snprintf(pid, sizeof pid, "%u", e.pid);
        in->records[in->count] = (struct lc_record){
            .time_ns = e.time_ns,
            .received_ns = e.time_ns + 300000,
            .level = e.level,
            .stream = {.host = lc_slice_cstr(e.host), .app = lc_slice_cstr(e.app)},
            .pid = keep(in, lc_slice(pid, (size_t)n)),
            .source = LC_LIT("192.0.2.7:40112"),
            .message = keep(in, e.message),
        };
        in->octets += e.message.n;
    }
    corpus_free(c);
}

static void on_progress(void *arg)
{
    sem_post(arg);
}

static void wait_for_news(struct writer *w)
{
    while (sem_wait(&w->news) != 0)
        ;
}

static void *write_lines(void *arg)
{
    struct writer *w = arg;
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    uint64_t id = 0;
    for (uint64_t i = 0; i < w->lines;) {
        lc_err e = lc_shard_append(w->shard, &w->in->records[i % w->in->count], &id);
        if (e == LC_EWAIT) {
            w->waits++;
            wait_for_news(w);
            continue;
        }
        check(e, "append");
        if (++i % TURN == 0)
            lc_shard_flush(w->shard, false);
    }
    w->cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    lc_shard_flush(w->shard, true);
    struct lc_outcome o = {0, LC_OK};
    while (o.upto < id) {
        if (lc_shard_outcome(w->shard, &o))
            check(o.err, "commit");
        else
            wait_for_news(w);
    }
    return NULL;
}

static void run(struct lc_store *store, const struct input *in, uint64_t lines, unsigned writers)
{
    static struct writer all[WRITERS_MAX];
    struct lc_store_stats before = lc_store_stats(store);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < writers; i++) {
        struct writer *w = &all[i];
        *w = (struct writer){.in = in, .shard = lc_store_shard(store, i), .lines = lines};
        sem_init(&w->news, 0, 0);
        lc_shard_on_progress(w->shard, on_progress, &w->news);
        check(-pthread_create(&w->thread, NULL, write_lines, w), "thread");
    }
    double own = 0;
    uint64_t waits = 0;
    for (unsigned i = 0; i < writers; i++) {
        pthread_join(all[i].thread, NULL);
        lc_shard_on_progress(all[i].shard, NULL, NULL);
        sem_destroy(&all[i].news);
        own += all[i].cpu;
        waits += all[i].waits;
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    struct lc_store_stats after = lc_store_stats(store);
    double n = (double)lines * writers;
    printf("writer %.0f ns/record, all %.2f CPU-s/million, %.0f records/s, %llu waits, "
           "%llu commits, %llu sealed, %llu merged\n",
           own * 1e9 / n, cpu * 1e6 / n, n / wall, (unsigned long long)waits,
           (unsigned long long)(after.groups - before.groups),
           (unsigned long long)(after.sealed - before.sealed),
           (unsigned long long)(after.merged - before.merged));
}

int main(int argc, char **argv)
{
    uint64_t lines, writers = 1;
    if (argc < 3 || lc_slice_u64(lc_slice_cstr(argv[2]), &lines) != LC_OK || lines == 0 ||
        (argc > 3 && lc_slice_u64(lc_slice_cstr(argv[3]), &writers) != LC_OK) || writers == 0 ||
        writers > WRITERS_MAX) {
        fprintf(stderr, "usage: append DIR LINES [WRITERS]\n");
        return 2;
    }
    struct input in = {0};
    make_input(&in, lines);
    printf("%llu lines for each of %u writers, %.0f octets of message on average\n",
           (unsigned long long)lines, (unsigned)writers, (double)in.octets / (double)in.count);
    struct lc_store_config config = {.dir = argv[1], .writers = (unsigned)writers, .threads = true};
    struct lc_store_report report;
    struct lc_diag diag = {.text = ""};
    struct lc_store *store;
    lc_err e = lc_store_open(&config, &store, &report, &diag);
    if (e != LC_OK)
        fprintf(stderr, "append: %s\n", diag.text);
    check(e, argv[1]);
    for (unsigned i = 0; i < RUNS; i++)
        run(store, &in, lines, (unsigned)writers);
    lc_store_close(store);
    lc_arena_done(&in.arena);
    free(in.records);
    return 0;
}
