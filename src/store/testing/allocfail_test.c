/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/allocfail_test.c - each allocation of the store fails in some run: it goes on or
 * refuses, and nothing acknowledged is lost.
 *
 * So that it does not take a run for each, several fail in one, at a distance of PERIOD: more than
 * a start of the store needs, or it would never start. LC_FAULT_ROUNDS=n: n times the distance.
 *
 * The linker sends malloc and its kin here (--wrap). Only the store's own allocations fail: not
 * those of the simulated disk, nor of the model. zstd's are not seen, for it is a shared library.
 */
#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/testing/run.h"

#define ROUNDS 12
#define PERIOD 400

static struct {
    bool armed;
    unsigned outside; /* calls of the disk that are under way */
    uint64_t seen;
    uint64_t first;  /* the first that fails; 0: none does */
    uint64_t period; /* and from there on each after so many */
} heap;

/* The names by which the linker knows the true ones, and ours. */
void *true_malloc(size_t n) __asm__("__real_malloc");
void *true_calloc(size_t count, size_t n) __asm__("__real_calloc");
void *true_realloc(void *p, size_t n) __asm__("__real_realloc");
void *failing_malloc(size_t n) __asm__("__wrap_malloc");
void *failing_calloc(size_t count, size_t n) __asm__("__wrap_calloc");
void *failing_realloc(void *p, size_t n) __asm__("__wrap_realloc");

static bool fails(void)
{
    if (!heap.armed || heap.outside > 0 || heap.first == 0)
        return false;
    uint64_t n = ++heap.seen;
    return n >= heap.first && (n - heap.first) % heap.period == 0;
}

void *failing_malloc(size_t n)
{
    return fails() ? NULL : true_malloc(n);
}

void *failing_calloc(size_t count, size_t n)
{
    return fails() ? NULL : true_calloc(count, n);
}

void *failing_realloc(void *p, size_t n)
{
    return fails() ? NULL : true_realloc(p, n);
}

static void on_inside(bool inside)
{
    heap.armed = inside;
}

/* ---- the disk between: what it allocates does not count ---- */

static struct lc_run *current;

static const struct lc_disk *enter_disk(void)
{
    heap.outside++;
    return lc_simdisk_table(current->disk);
}

static lc_err leave(lc_err e)
{
    heap.outside--;
    return e;
}

static lc_err between_mkdir(void *state, const char *path)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->mkdir(d->state, path));
}

static lc_err between_open(void *state, const char *path, enum lc_open_how how,
                           struct lc_file **ret)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->open(d->state, path, how, ret));
}

static void between_close(void *state, struct lc_file *f)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    d->close(d->state, f);
    heap.outside--;
}

static int64_t between_read(void *state, struct lc_file *f, void *p, size_t n, uint64_t offset)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    int64_t got = d->read(d->state, f, p, n, offset);
    heap.outside--;
    return got;
}

static lc_err between_write(void *state, struct lc_file *f, const struct lc_slice *parts,
                            size_t count, uint64_t offset)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->write(d->state, f, parts, count, offset));
}

static lc_err between_sync(void *state, struct lc_file *f, enum lc_sync_point point)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->sync(d->state, f, point));
}

static void between_forget(void *state, struct lc_file *f)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    d->forget(d->state, f);
    heap.outside--;
}

static lc_err between_sync_dir(void *state, const char *path, enum lc_sync_point point)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->sync_dir(d->state, path, point));
}

static int64_t between_size(void *state, struct lc_file *f)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    int64_t size = d->size(d->state, f);
    heap.outside--;
    return size;
}

static lc_err between_truncate(void *state, struct lc_file *f, uint64_t size)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->truncate(d->state, f, size));
}

static lc_err between_rename(void *state, const char *from, const char *to)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->rename(d->state, from, to));
}

static lc_err between_unlink(void *state, const char *path)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->unlink(d->state, path));
}

static lc_err between_list(void *state, const char *path, void (*name)(void *arg, const char *name),
                           void *arg)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->list(d->state, path, name, arg));
}

static lc_err between_lock(void *state, const char *path, struct lc_file **ret)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->lock(d->state, path, ret));
}

static lc_err between_space(void *state, const char *path, uint64_t *ret_total, uint64_t *ret_free)
{
    (void)state;
    const struct lc_disk *d = enter_disk();
    return leave(d->space(d->state, path, ret_total, ret_free));
}

static const struct lc_disk between = {
    .mkdir = between_mkdir,
    .open = between_open,
    .close = between_close,
    .read = between_read,
    .write = between_write,
    .sync = between_sync,
    .forget = between_forget,
    .sync_dir = between_sync_dir,
    .size = between_size,
    .truncate = between_truncate,
    .rename = between_rename,
    .unlink = between_unlink,
    .list = between_list,
    .lock = between_lock,
    .space = between_space,
};

/* ---- the test ---- */

static void run_with_failures(uint64_t first)
{
    struct lc_run run;
    lc_run_init(&run, UINT64_C(1) << 30, 1);
    run.retain_ns = INT64_C(3600) * LC_NS_PER_S;
    run.table = &between;
    run.inside = on_inside;
    current = &run;
    heap.seen = 0;
    heap.first = first;
    lc_run_workload(&run, ROUNDS);
    heap.first = 0;
    lc_run_resume(&run);
    lc_run_cut(&run, LC_CUT_LOST);
    if (!run.verdict.bad && lc_run_open(&run, LC_CHECK_RECOVERED) != LC_OK)
        lc_verdict_set(&run.verdict, "it does not open with memory enough");
    char what[48];
    snprintf(what, sizeof what, "allocation %llu", (unsigned long long)first);
    lc_run_end_good(&run, what, 1);
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    heap.period = (uint64_t)PERIOD * lc_run_rounds();
    for (uint64_t first = 1; first <= heap.period; first++) {
        run_with_failures(first);
        assert_true(heap.seen > PERIOD); /* else they do not come by here any more */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
    };
    return cmocka_run_group_tests_name("store/allocfail", tests, NULL, NULL);
}
