/* SPDX-License-Identifier: Apache-2.0
 *
 * query/tail_test.c - reading on from a cursor, in memory and behind it; cursors as text.
 */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/fake_store.h"
#include "query/query.h"
#include "store/testing/prng.h"

struct out {
    struct lc_dynbuf said; /* shard:sequence */
    uint64_t rows;
    uint64_t fail_at;
};

static lc_err say_row(void *arg, const struct lc_record *r)
{
    struct out *o = arg;
    if (o->rows == o->fail_at)
        return LC_EWAIT;
    o->rows++;
    return lc_dynbuf_printf(&o->said, "%u:%llu ", lc_id_shard(r->id),
                            (unsigned long long)r->id >> 10);
}

struct read {
    lc_err err;
    uint64_t missed;
    bool behind;
};

static struct read read_on(struct lc_snapshot *snap, const char *query, struct lc_tail_cursor *c,
                           size_t max, bool files, struct out *o)
{
    struct read r = {0};
    struct lc_query *q;
    assert_lc_ok(lc_query_parse(lc_slice_cstr(query), 0, &q, NULL));
    struct lc_tail_files *kept = files ? lc_tail_files_new(100, 1u << 20) : NULL;
    r.err = lc_tail_read(q, snap, c, max, kept, say_row, o, &r.missed, &r.behind);
    lc_tail_files_free(kept);
    lc_query_unref(q);
    return r;
}

static void out_init(struct out *o)
{
    *o = (struct out){.fail_at = UINT64_MAX};
    lc_dynbuf_init(&o->said, 1u << 20);
}

#define ROW(shard, sequence, text)                                                                 \
    {                                                                                              \
        .id = (sequence) << 10 | (shard), .time_ns = 100 - (sequence),                             \
        .message = {(const uint8_t *)(text), sizeof(text) - 1},                                    \
    }

/* Shard 0: 1 and 2 are gone, 3..6 in two blocks of segments, 7 and 8 in memory.
 * Shard 1: 1..3 in memory. Shards 2 and 3: nothing. */
static const struct lc_record block_a[] = {ROW(0, 6, "even"), ROW(0, 3, "odd")};
static const struct lc_record block_b[] = {ROW(0, 5, "odd"), ROW(0, 4, "even")};
static const struct lc_record set_0[] = {ROW(0, 7, "odd"), ROW(0, 8, "even")};
static const struct lc_record set_1[] = {ROW(1, 1, "odd"), ROW(1, 2, "even"), ROW(1, 3, "odd")};

struct small {
    struct fake_batch batches[4];
    struct lc_snapshot snap;
};

static struct lc_snapshot *small_store(struct small *s)
{
    *s = (struct small){.batches = {{.records = block_a, .count = 2},
                                    {.records = block_b, .count = 2},
                                    {.records = set_0, .count = 2, .memory = true},
                                    {.records = set_1, .count = 3, .memory = true}}};
    s->snap = (struct lc_snapshot){.batches = s->batches,
                                   .batch_count = 4,
                                   .end = {fake_id(0, 8), fake_id(1, 3)},
                                   .sealed = {fake_id(0, 6)},
                                   .gone = {2}};
    return &s->snap;
}

static void memory_is_read_without_files(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    struct lc_tail_cursor c = {.shards = 2, .after = {fake_id(0, 6), fake_id(1, 1)}};
    struct out o;
    out_init(&o);
    struct read r = read_on(snap, "*", &c, 100, false, &o);
    assert_lc_ok(r.err);
    assert_false(r.behind);
    assert_int_equal(r.missed, 0);
    assert_slice(lc_dynbuf_slice(&o.said), "0:7 0:8 1:2 1:3 ");
    assert_int_equal(c.shards, FAKE_SHARDS);
    assert_int_equal(c.after[0], fake_id(0, 8));
    assert_int_equal(c.after[1], fake_id(1, 3));
    assert_int_equal(s.batches[0].loaded | s.batches[1].loaded, 0);

    /* and nothing twice */
    r = read_on(snap, "*", &c, 100, false, &o);
    assert_lc_ok(r.err);
    assert_int_equal(o.rows, 4);
    lc_dynbuf_done(&o.said);
}

static void who_is_behind_is_told(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    struct lc_tail_cursor c = {.shards = 0};
    struct out o;
    out_init(&o);
    struct read r = read_on(snap, "*", &c, 100, false, &o);
    assert_lc_ok(r.err);
    assert_true(r.behind);
    assert_int_equal(r.missed, 0); /* that is said when the gap is passed */
    assert_slice(lc_dynbuf_slice(&o.said), "1:1 1:2 1:3 ");
    assert_int_equal(c.after[0], 0);

    r = read_on(snap, "*", &c, 100, true, &o);
    assert_lc_ok(r.err);
    assert_false(r.behind);
    assert_int_equal(r.missed, 2);
    assert_slice(lc_dynbuf_slice(&o.said), "1:1 1:2 1:3 0:3 0:4 0:5 0:6 0:7 0:8 ");
    lc_dynbuf_done(&o.said);
}

static void parts_make_the_whole(void **state)
{
    LC_UNUSED(state);
    for (size_t max = 1; max < 12; max++) {
        struct small s;
        struct lc_snapshot *snap = small_store(&s);
        struct lc_tail_cursor c = {.shards = 0}, end;
        lc_tail_cursor_end(snap, &end);
        struct out o;
        out_init(&o);
        uint64_t missed = 0;
        size_t calls = 0;
        while (memcmp(c.after, end.after, FAKE_SHARDS * sizeof c.after[0]) != 0) {
            struct read r = read_on(snap, "odd", &c, max, true, &o);
            assert_lc_ok(r.err);
            missed += r.missed;
            assert_in_range(++calls, 1, 10);
        }
        assert_int_equal(missed, 2);
        assert_int_equal(o.rows, 5);
        lc_dynbuf_done(&o.said);
    }
}

static void a_refused_row_comes_again(void **state)
{
    LC_UNUSED(state);
    for (unsigned files = 0; files < 2; files++) {
        for (uint64_t fail_at = 0; fail_at < 4; fail_at++) {
            struct small s;
            struct lc_snapshot *snap = small_store(&s);
            struct lc_tail_cursor c = {.shards = 1, .after = {fake_id(0, 6)}};
            struct out o;
            out_init(&o);
            o.fail_at = fail_at;
            assert_lc_err(read_on(snap, "*", &c, 100, files != 0, &o).err, LC_EWAIT);
            o.fail_at = UINT64_MAX;
            assert_lc_ok(read_on(snap, "*", &c, 100, files != 0, &o).err);
            assert_slice(lc_dynbuf_slice(&o.said), "0:7 0:8 1:1 1:2 1:3 ");
            lc_dynbuf_done(&o.said);
        }
    }
}

static void what_cannot_be_read_is_missed(void **state)
{
    LC_UNUSED(state);
    static const unsigned damaged[] = {LC_COL_TIME, LC_COL_MESSAGE};
    for (size_t i = 0; i < LC_ARRAY_LEN(damaged); i++) {
        struct small s;
        struct lc_snapshot *snap = small_store(&s);
        s.batches[1].damaged = damaged[i];
        struct lc_tail_cursor c = {.shards = 0};
        struct out o;
        out_init(&o);
        struct read r = read_on(snap, "*", &c, 100, true, &o);
        assert_lc_ok(r.err);
        assert_int_equal(r.missed, 2 + 2);
        assert_slice(lc_dynbuf_slice(&o.said), "0:3 0:6 0:7 0:8 1:1 1:2 1:3 ");
        lc_dynbuf_done(&o.said);
    }
    /* the segment cannot be opened: how many that are is not known, but the tail goes on */
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    s.batches[1].unreadable = true;
    struct lc_tail_cursor c = {.shards = 0};
    struct out o;
    out_init(&o);
    assert_lc_ok(read_on(snap, "*", &c, 100, true, &o).err);
    assert_slice(lc_dynbuf_slice(&o.said), "0:3 0:6 0:7 0:8 1:1 1:2 1:3 ");
    lc_dynbuf_done(&o.said);
}

static void a_cursor_of_the_future_waits_for_what_comes(void **state)
{
    LC_UNUSED(state);
    struct small s;
    struct lc_snapshot *snap = small_store(&s);
    struct lc_tail_cursor c = {.shards = 6, .after = {fake_id(0, 900), fake_id(1, 900)}};
    struct out o;
    out_init(&o);
    assert_lc_ok(read_on(snap, "*", &c, 100, false, &o).err);
    assert_int_equal(o.rows, 0);
    assert_int_equal(c.shards, FAKE_SHARDS);
    assert_int_equal(c.after[0], fake_id(0, 8));
    lc_dynbuf_done(&o.said);
}

/* ---- cursors as text ---- */

static void cursors_go_through_text(void **state)
{
    LC_UNUSED(state);
    static const unsigned shards[] = {0, 1, 2, 64, LC_SHARDS_MAX};
    struct lc_prng r = {3};
    for (size_t i = 0; i < LC_ARRAY_LEN(shards); i++) {
        struct lc_tail_cursor c = {.shards = shards[i]}, back;
        for (unsigned k = 0; k < c.shards; k++)
            c.after[k] = k % 3 == 0 ? 0 : lc_prng_next(&r) << 10 | k;
        struct lc_dynbuf text;
        lc_dynbuf_init(&text, 32768);
        assert_lc_ok(lc_tail_cursor_format(&c, &text));
        for (size_t k = 0; k < text.n; k++)
            assert_non_null(strchr(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text.p[k]));
        assert_lc_ok(lc_tail_cursor_parse(lc_dynbuf_slice(&text), &back));
        assert_int_equal(back.shards, c.shards);
        assert_memory_equal(back.after, c.after, c.shards * sizeof c.after[0]);
        lc_dynbuf_done(&text);
    }
}

static void changed_cursors_are_refused(void **state)
{
    LC_UNUSED(state);
    struct lc_tail_cursor c = {.shards = 3, .after = {fake_id(0, 70), fake_id(1, 900000), 0}};
    struct lc_tail_cursor before = {.shards = 77}, back = before;
    struct lc_dynbuf text;
    lc_dynbuf_init(&text, 4096);
    assert_lc_ok(lc_tail_cursor_format(&c, &text));
    for (size_t i = 0; i < text.n; i++) {
        uint8_t kept = text.p[i];
        text.p[i] = kept == 'A' ? 'B' : 'A';
        assert_lc_err(lc_tail_cursor_parse(lc_dynbuf_slice(&text), &back), LC_ESYNTAX);
        text.p[i] = kept;
        assert_lc_err(lc_tail_cursor_parse(lc_slice(text.p, i), &back), LC_ESYNTAX);
    }
    assert_lc_ok(lc_dynbuf_append(&text, LC_LIT("A")));
    assert_lc_err(lc_tail_cursor_parse(lc_dynbuf_slice(&text), &back), LC_ESYNTAX);
    assert_int_equal(back.shards, before.shards);

    /* well-formed, but the ids are not those of their shards */
    c.after[1] = fake_id(2, 5);
    text.n = 0;
    assert_lc_ok(lc_tail_cursor_format(&c, &text));
    assert_lc_err(lc_tail_cursor_parse(lc_dynbuf_slice(&text), &back), LC_ESYNTAX);
    lc_dynbuf_done(&text);

    char *page = malloc(100000);
    assert_non_null(page);
    memset(page, 'A', 100000);
    assert_lc_err(lc_tail_cursor_parse(lc_slice(page, 100000), &back), LC_ESYNTAX);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_without_files),
        cmocka_unit_test(who_is_behind_is_told),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(a_refused_row_comes_again),
        cmocka_unit_test(what_cannot_be_read_is_missed),
        cmocka_unit_test(a_cursor_of_the_future_waits_for_what_comes),
        cmocka_unit_test(cursors_go_through_text),
        cmocka_unit_test(changed_cursors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
