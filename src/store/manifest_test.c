/* SPDX-License-Identifier: Apache-2.0
 *
 * store/manifest_test.c - states through edits and files; files cut short and damaged at every
 * octet; disks that fail.
 */
#include "store/store_test.h"

#include <errno.h>
#include <stdlib.h>

#include "store/manifest.h"
#include "store/path.h"
#include "store/testing/simdisk.h"

#define STORE UINT64_C(0x0123456789ABCDEF)

/* Edit n of a history that uses each operation; it can be applied after n - 1. */
static void make_edit(unsigned n, struct lc_edit *edit)
{
    struct lc_segment_shard parts[] = {{0, 10 + n, 1024, 2048 + 1024 * n}, {1, 3, 1025, 4097}};
    const struct lc_segment_meta segment = {
        .number = n + 1,
        .level = n % 3,
        .octets = 1000 + n,
        .records = 13 + n,
        .min_time_ns = -5,
        .max_time_ns = INT64_MAX,
        .min_received_ns = INT64_MIN,
        .max_received_ns = n,
        .shard_count = LC_ARRAY_LEN(parts),
        .shards = parts,
    };
    const struct lc_manifest_shard shard = {n + 1, 1000 + n, 10 + n, n};
    const struct lc_id_gap gap = {1, lc_id_make(10 * n + 1, 1), lc_id_make(10 * n + 5, 1)};
    lc_edit_init(edit);
    lc_edit_shard(edit, 0, &shard);
    if (n == 0)
        lc_edit_shard(edit, 1, &shard);
    lc_edit_add_segment(edit, &segment);
    lc_edit_add_gap(edit, &gap);
    const struct lc_sender_entry sender = {{{(uint8_t)(n % 3)}}, {1, n}, n};
    lc_edit_move_sender(edit, &sender);
    if (n > 1)
        lc_edit_remove_segment(edit, n - 1);
    if (n % 4 == 3)
        lc_edit_forget_gaps(edit, 1, lc_id_make(10 * n - 5, 1));
    assert_lc_ok(edit->err);
}

static void segments_equal(const struct lc_segment_meta *a, const struct lc_segment_meta *b)
{
    assert_true(a->number == b->number && a->level == b->level && a->octets == b->octets);
    assert_true(a->records == b->records && a->shard_count == b->shard_count);
    assert_true(a->min_time_ns == b->min_time_ns && a->max_time_ns == b->max_time_ns);
    assert_true(a->min_received_ns == b->min_received_ns);
    assert_true(a->max_received_ns == b->max_received_ns);
    for (unsigned i = 0; i < a->shard_count; i++) {
        assert_true(a->shards[i].shard == b->shards[i].shard);
        assert_true(a->shards[i].records == b->shards[i].records);
        assert_true(a->shards[i].min_id == b->shards[i].min_id);
        assert_true(a->shards[i].max_id == b->shards[i].max_id);
    }
}

static void states_equal(const struct lc_manifest_state *a, const struct lc_manifest_state *b)
{
    assert_true(a->store == b->store && a->shard_count == b->shard_count);
    assert_true(a->segment_count == b->segment_count && a->gap_count == b->gap_count);
    for (unsigned i = 0; i < a->shard_count; i++)
        assert_memory_equal(&a->shards[i], &b->shards[i], sizeof a->shards[i]);
    for (size_t i = 0; i < a->segment_count; i++)
        segments_equal(&a->segments[i], &b->segments[i]);
    for (size_t i = 0; i < a->gap_count; i++) {
        assert_int_equal(a->gaps[i].shard, b->gaps[i].shard);
        assert_true(a->gaps[i].first == b->gaps[i].first && a->gaps[i].last == b->gaps[i].last);
    }
    assert_int_equal(a->senders.count, b->senders.count);
    for (size_t i = 0; i < a->senders.count; i++)
        assert_memory_equal(&a->senders.list[i], &b->senders.list[i], sizeof a->senders.list[i]);
}

/* The state after the first `n` edits. */
static struct lc_manifest_state state_after(unsigned n)
{
    struct lc_manifest_state s = {.store = STORE};
    for (unsigned i = 0; i < n; i++) {
        struct lc_edit edit;
        make_edit(i, &edit);
        assert_lc_ok(lc_manifest_apply(&s, lc_dynbuf_slice(&edit.ops)));
        lc_edit_done(&edit);
    }
    return s;
}

static void expect_state(const struct lc_manifest_state *got, unsigned n)
{
    struct lc_manifest_state expected = state_after(n);
    states_equal(got, &expected);
    lc_manifest_state_done(&expected);
}

static lc_err edit(struct lc_manifest *m, unsigned n)
{
    struct lc_edit one;
    make_edit(n, &one);
    lc_err e = lc_manifest_edit(m, &one);
    lc_edit_done(&one);
    return e;
}

static void operations_do_what_they_say(void **state)
{
    LC_UNUSED(state);
    struct lc_manifest_state s = state_after(5);
    assert_int_equal(s.shard_count, 2);
    assert_true(s.shards[0].wal_start == 5 && s.shards[0].reserved == 1004);
    assert_true(s.shards[0].sealed == 14 && s.shards[0].gone == 4);
    assert_int_equal(s.segment_count, 2);
    assert_true(s.segments[0].number == 4 && s.segments[1].number == 5);
    assert_int_equal(s.gap_count, 2); /* those of edits 3 and 4 */
    assert_true(s.gaps[0].first == lc_id_make(31, 1) && s.gaps[1].last == lc_id_make(45, 1));
    struct lc_manifest_state next;
    assert_lc_ok(lc_manifest_next(&s, lc_slice(NULL, 0), &next));
    states_equal(&next, &s);
    lc_manifest_state_done(&next);
    lc_manifest_state_done(&s);
}

static void adjacent_gaps_are_one(void **state)
{
    LC_UNUSED(state);
    struct lc_manifest_state s = state_after(1);
    struct lc_edit e;
    lc_edit_init(&e);
    lc_edit_add_gap(&e, &(struct lc_id_gap){1, lc_id_make(6, 1), lc_id_make(9, 1)});
    assert_lc_ok(lc_manifest_apply(&s, lc_dynbuf_slice(&e.ops)));
    assert_int_equal(s.gap_count, 1);
    assert_true(s.gaps[0].first == lc_id_make(1, 1) && s.gaps[0].last == lc_id_make(9, 1));
    lc_edit_done(&e);
    lc_manifest_state_done(&s);
}

static void expect_senseless(struct lc_edit *e)
{
    struct lc_manifest_state s = state_after(2);
    assert_lc_err(lc_manifest_apply(&s, lc_dynbuf_slice(&e->ops)), LC_ECORRUPT);
    lc_manifest_state_done(&s);
    lc_edit_done(e);
    lc_edit_init(e);
}

static void senseless_operations_are_refused(void **state)
{
    LC_UNUSED(state);
    struct lc_edit e;
    lc_edit_init(&e);
    lc_edit_remove_segment(&e, 77); /* not there */
    expect_senseless(&e);
    lc_edit_shard(&e, 7, &(struct lc_manifest_shard){0}); /* one is left out */
    expect_senseless(&e);
    struct lc_segment_shard part = {0, 1, 1024, 1024};
    struct lc_segment_meta m = {.number = 2, .shard_count = 1, .shards = &part};
    lc_edit_add_segment(&e, &m); /* there already */
    expect_senseless(&e);
    m.number = 99;
    part.shard = 2;
    lc_edit_add_segment(&e, &m); /* of an unknown shard */
    expect_senseless(&e);
    lc_edit_add_gap(&e, &(struct lc_id_gap){1, lc_id_make(12, 1), lc_id_make(20, 1)});
    expect_senseless(&e); /* overlaps another one */
    assert_lc_ok(lc_dynbuf_append(&e.ops, LC_LIT("\x63")));
    expect_senseless(&e); /* no such operation */
    lc_edit_done(&e);
}

/* ---- files ---- */

#define EDITS 4u

struct file {
    struct lc_simdisk *sim;
    struct lc_slice octets;
    size_t ends[EDITS + 1]; /* of the header, then of each edit */
};

static void write_file(struct file *f)
{
    f->sim = lc_simdisk_new(1u << 24, 1);
    struct lc_manifest m;
    lc_manifest_create(&m, lc_simdisk_table(f->sim), LC_SIM_ROOT, STORE);
    f->ends[0] = 24;
    for (unsigned i = 0; i < EDITS; i++) {
        assert_lc_ok(edit(&m, i));
        f->ends[i + 1] = (size_t)m.offset;
    }
    expect_state(&m.state, EDITS);
    lc_manifest_done(&m);
    assert_lc_ok(lc_file_read(lc_simdisk_table(f->sim), LC_SIM_ROOT, "MANIFEST", &f->octets));
    assert_int_equal(f->octets.n, f->ends[EDITS]);
}

static void free_file(struct file *f)
{
    free((void *)(uintptr_t)f->octets.p);
    lc_simdisk_free(f->sim);
}

static void cut_at_every_octet(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    struct lc_test_guard guard;
    lc_test_guard_open(&guard, f.octets.n);
    for (size_t n = 0; n <= f.octets.n; n++) {
        struct lc_manifest_state s;
        struct lc_diag diag;
        size_t torn;
        lc_err e =
            lc_manifest_parse(lc_test_guard_put(&guard, lc_slice(f.octets.p, n)), &s, &torn, &diag);
        unsigned edits = 0;
        while (edits < EDITS && f.ends[edits + 1] <= n)
            edits++;
        if (edits == 0) {
            assert_lc_err(e, LC_ECORRUPT);
            continue;
        }
        assert_lc_ok(e);
        assert_int_equal(torn, n - f.ends[edits]);
        expect_state(&s, edits);
        lc_manifest_state_done(&s);
    }
    lc_test_guard_close(&guard);
    free_file(&f);
}

/* Only the last edit may be dropped, and that only because it could be one that was cut short. */
static void damaged_at_every_octet(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = malloc(f.octets.n);
    for (size_t at = 0; at < f.octets.n; at++) {
        memcpy(octets, f.octets.p, f.octets.n);
        octets[at] ^= (uint8_t)(1u << at % 8);
        struct lc_manifest_state s;
        struct lc_diag diag = {.text = ""};
        size_t torn;
        lc_err e = lc_manifest_parse(lc_slice(octets, f.octets.n), &s, &torn, &diag);
        if (at < f.ends[EDITS - 1]) {
            assert_lc_err(e, LC_ECORRUPT);
            assert_true(diag.text[0] != '\0');
            continue;
        }
        assert_lc_ok(e);
        expect_state(&s, EDITS - 1);
        lc_manifest_state_done(&s);
    }
    free(octets);
    free_file(&f);
}

static void an_unknown_version_is_told(void **state)
{
    LC_UNUSED(state);
    struct file f;
    write_file(&f);
    uint8_t *octets = (uint8_t *)(uintptr_t)f.octets.p;
    struct lc_manifest_state s;
    struct lc_diag diag;
    size_t torn;
    octets[8] = 1; /* of before there were senders */
    lc_test_seal(octets, 24);
    assert_lc_ok(lc_manifest_parse(f.octets, &s, &torn, &diag));
    lc_manifest_state_done(&s);
    octets[8] = 3;
    lc_test_seal(octets, 24);
    assert_lc_err(lc_manifest_parse(f.octets, &s, &torn, &diag), LC_EVERSION);
    assert_non_null(strstr(diag.text, "version 3"));
    free_file(&f);
}

static void rewritten_when_it_has_grown(void **state)
{
    LC_UNUSED(state);
    struct lc_simdisk *sim = lc_simdisk_new(1u << 26, 1);
    struct lc_manifest m;
    lc_manifest_create(&m, lc_simdisk_table(sim), LC_SIM_ROOT, STORE);
    const unsigned edits = 5000;
    uint64_t largest = 0;
    for (unsigned i = 0; i < edits; i++) {
        assert_lc_ok(edit(&m, i));
        largest = m.offset > largest ? m.offset : largest;
    }
    assert_true(largest >= 256 << 10 && largest < 257 << 10);
    assert_true(lc_simdisk_calls(sim, LC_SIM_RENAME) > 1);
    lc_manifest_done(&m);
    assert_lc_ok(lc_manifest_load(&m, lc_simdisk_table(sim), LC_SIM_ROOT, NULL));
    expect_state(&m.state, edits);
    lc_manifest_done(&m);
    lc_simdisk_free(sim);
}

/* Each call fails in turn, once or for good: an edit that succeeds is there after the power fails,
 * one that fails may or may not be, and the file can always be read. */
static void failing_calls_leave_one_of_two_states(void **state)
{
    LC_UNUSED(state);
    static const enum lc_sim_call calls[] = {LC_SIM_OPEN,   LC_SIM_WRITE,    LC_SIM_SYNC,
                                             LC_SIM_RENAME, LC_SIM_SYNC_DIR, LC_SIM_UNLINK};
    for (size_t c = 0; c < LC_ARRAY_LEN(calls); c++)
        for (unsigned k = 0; k < 2 * 6; k++) {
            struct lc_simdisk *sim = lc_simdisk_new(1u << 24, k);
            struct lc_manifest m;
            lc_manifest_create(&m, lc_simdisk_table(sim), LC_SIM_ROOT, STORE);
            assert_lc_ok(edit(&m, 0));
            lc_simdisk_fail(
                sim, &(struct lc_sim_fault){calls[c], 1 + k / 2, k % 2 == 0 ? 1 : 1000, -EIO});
            unsigned done = 1;
            lc_err e = LC_OK;
            for (; done < EDITS && e == LC_OK; done += e == LC_OK)
                e = edit(&m, done);
            expect_state(&m.state, done);
            lc_manifest_done(&m);
            struct lc_simdisk *after = lc_simdisk_cut(sim, LC_CUT_RANDOM, k);
            assert_lc_ok(lc_manifest_load(&m, lc_simdisk_table(after), LC_SIM_ROOT, NULL));
            bool has_failed_one = e != LC_OK && m.state.shards[0].wal_start == done + 1;
            expect_state(&m.state, done + has_failed_one);
            lc_manifest_done(&m);
            lc_simdisk_free(after);
            lc_simdisk_free(sim);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_do_what_they_say),
        cmocka_unit_test(adjacent_gaps_are_one),
        cmocka_unit_test(senseless_operations_are_refused),
        cmocka_unit_test(cut_at_every_octet),
        cmocka_unit_test(damaged_at_every_octet),
        cmocka_unit_test(an_unknown_version_is_told),
        cmocka_unit_test(rewritten_when_it_has_grown),
        cmocka_unit_test(failing_calls_leave_one_of_two_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
