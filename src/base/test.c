/* SPDX-License-Identifier: Apache-2.0
 *
 * base/test.c - assertions, guard pages and the split harness.
 */
#include "base/test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SAID_MAX    (1u << 24)
#define FORGOTTEN   0xDB /* over octets that nobody may look at any more */
#define SHOWN_MAX   2048
#define SHOWN_OCTET 4 /* "\xNN" */

void lc_test_err(lc_err got, lc_err expected, const char *expr, const char *file, int line)
{
    if (got == expected)
        return;
    print_error("%s is %d (%s), not %d (%s)\n", expr, got, lc_strerror(got), expected,
                lc_strerror(expected));
    _fail(file, line);
}

/* Printable ASCII as it is, all else as \xNN, in one line: TAP knows no other. */
static void show(const char *what, struct lc_slice s)
{
    char text[SHOWN_MAX + SHOWN_OCTET + 1];
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < SHOWN_MAX; i++) {
        if (s.p[i] >= ' ' && s.p[i] < 0x7F)
            text[n++] = (char)s.p[i];
        else
            n += (size_t)snprintf(text + n, SHOWN_OCTET + 1, "\\x%02X", s.p[i]);
    }
    text[n] = '\0';
    print_error("%s (%zu octets): %s\n", what, s.n, text);
}

void lc_test_slice(struct lc_slice got, struct lc_slice expected, const char *expr,
                   const char *file, int line)
{
    if (lc_slice_eq(got, expected))
        return;
    print_error("%s is not what was expected\n", expr);
    show("     got", got);
    show("expected", expected);
    _fail(file, line);
}

void lc_test_guard_open(struct lc_test_guard *g, size_t max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    g->max = max;
    g->mapped = (max + page - 1) / page * page + page;
    g->pages = mmap(NULL, g->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->pages != MAP_FAILED);
    assert_int_equal(mprotect(g->pages + g->mapped - page, page, PROT_NONE), 0);
}

struct lc_slice lc_test_guard_put(struct lc_test_guard *g, struct lc_slice s)
{
    assert_true(s.n <= g->max);
    size_t usable = g->mapped - (size_t)sysconf(_SC_PAGESIZE);
    memset(g->pages, FORGOTTEN, usable);
    uint8_t *at = g->pages + usable - s.n;
    if (s.n != 0)
        memcpy(at, s.p, s.n);
    return lc_slice(at, s.n);
}

void lc_test_guard_close(struct lc_test_guard *g)
{
    munmap(g->pages, g->mapped);
}

/* One run over one way of cutting the stream. */
struct run {
    struct lc_slice input;
    const struct lc_test_codec *codec;
    void *arg;
    struct lc_test_guard guard;
    struct lc_dynbuf said;
    size_t spent;
};

static void run_begin(struct run *r)
{
    r->spent = 0;
    r->said.n = 0;
    if (r->codec->begin != NULL)
        r->codec->begin(r->arg);
}

/* The stream has come as far as `until`. */
static void run_feed(struct run *r, size_t until)
{
    struct lc_slice in =
        lc_test_guard_put(&r->guard, lc_slice(r->input.p + r->spent, until - r->spent));
    size_t used = r->codec->feed(r->arg, in, &r->said);
    assert_true(used <= in.n);
    r->spent += used;
}

static void run_end(struct run *r, const char *expected)
{
    struct lc_slice rest = lc_test_guard_put(&r->guard, lc_slice_from(r->input, r->spent));
    if (r->codec->end != NULL)
        r->codec->end(r->arg, rest, &r->said);
    assert_slice(lc_dynbuf_slice(&r->said), expected);
}

void lc_test_splits(struct lc_slice input, const struct lc_test_codec *codec, void *arg,
                    const char *expected)
{
    struct run r = {.input = input, .codec = codec, .arg = arg};
    lc_test_guard_open(&r.guard, input.n);
    lc_dynbuf_init(&r.said, SAID_MAX);

    run_begin(&r);
    run_feed(&r, input.n);
    run_end(&r, expected);
    for (size_t at = 1; at < input.n; at++) {
        run_begin(&r);
        run_feed(&r, at);
        run_feed(&r, input.n);
        run_end(&r, expected);
    }
    run_begin(&r);
    for (size_t at = 1; at <= input.n; at++)
        run_feed(&r, at);
    run_end(&r, expected);

    lc_dynbuf_done(&r.said);
    lc_test_guard_close(&r.guard);
}
