/* SPDX-License-Identifier: Apache-2.0
 *
 * store/life_steps_test.c - the steps of a store's life.
 */
#include "store/life_steps_test.h"

#include <errno.h>

lc_err life_try_open(struct life *l)
{
    l->config.disk = lc_simdisk_table(l->sim);
    return lc_store_open(&l->config, &l->store, &l->report, &l->diag);
}

static void note(void *arg)
{
    ((struct life *)arg)->notified++;
}

void life_open(struct life *l)
{
    l->diag.text[0] = '\0';
    lc_err e = life_try_open(l);
    if (e != LC_OK)
        print_message("%s\n", l->diag.text);
    assert_lc_ok(e);
    for (unsigned i = 0; i < l->config.writers; i++)
        lc_shard_on_progress(lc_store_shard(l->store, i), note, l);
}

void life_begin(struct life *l, unsigned writers)
{
    memset(l, 0, sizeof *l);
    l->sim = lc_simdisk_new(UINT64_C(1) << 30, 1);
    lc_simclock_init(&l->clock, 1000000 * LC_NS_PER_S, 1);
    l->config = (struct lc_store_config){
        .dir = LIFE_DIR,
        .clock = &l->clock.table,
        .writers = writers,
        .memory = 1, /* the smallest sets */
        .retain_octets = UINT64_MAX,
    };
    life_open(l);
}

void life_end(struct life *l)
{
    lc_store_close(l->store);
    lc_simdisk_free(l->sim);
}

void life_cut(struct life *l, enum lc_sim_cut cut)
{
    struct lc_simdisk *after = lc_simdisk_cut(l->sim, cut, 7);
    lc_simdisk_die(l->sim);
    lc_store_close(l->store);
    lc_simdisk_free(l->sim);
    l->sim = after;
}

void life_crash(struct life *l, enum lc_sim_cut cut)
{
    life_cut(l, cut);
    life_open(l);
}

lc_err life_append_one(struct life *l)
{
    struct lc_shard *shard = lc_store_shard(l->store, l->count % l->config.writers);
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record r = lc_test_record(l->count, fields);
    lc_err e = lc_shard_append(shard, &r, &l->ids[l->count]);
    if (e == LC_OK)
        l->count++;
    return e;
}

void life_append(struct life *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_lc_ok(life_append_one(l));
}

void life_work(struct life *l, enum lc_store_work kind)
{
    lc_err e;
    while ((e = lc_store_step(l->store, kind)) == LC_OK)
        ;
    assert_lc_err(e, LC_EEND);
}

void life_check_snapshot(const struct life *l, struct lc_snapshot *snap)
{
    const struct lc_scan_spec spec = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan;
    assert_lc_ok(lc_scan_open(snap, &spec, &scan));
    bool seen[LIFE_RECORDS] = {false};
    unsigned found = 0;
    struct lc_batch *b;
    lc_err e;
    while ((e = lc_scan_next(scan, &b)) == LC_OK) {
        assert_lc_ok(lc_batch_load(b, LC_COL_ALL));
        for (size_t row = 0; row < lc_batch_count(b); row++) {
            struct lc_field fields[LC_FIELDS_MAX], expected_fields[LC_FIELDS_MAX];
            struct lc_record r;
            lc_batch_record(b, row, fields, &r);
            unsigned i = 0;
            while (i < l->count && l->ids[i] != r.id)
                i++;
            assert_true(i < l->count && !seen[i]);
            seen[i] = true;
            found++;
            struct lc_record expected = lc_test_record(i, expected_fields);
            lc_test_records_equal(&r, &expected);
        }
    }
    assert_lc_err(e, LC_EEND);
    lc_scan_close(scan);
    unsigned expected = 0;
    for (unsigned i = 0; i < l->count; i++)
        expected += l->ids[i] != 0;
    assert_int_equal(found, expected);
}

void life_check(const struct life *l)
{
    struct lc_snapshot *snap = lc_store_snapshot(l->store);
    life_check_snapshot(l, snap);
    lc_snapshot_unref(snap);
}

uint64_t life_missing(const struct life *l, unsigned shard)
{
    struct lc_snapshot *snap = lc_store_snapshot(l->store);
    uint64_t n = lc_snapshot_missing(snap, shard, 0);
    lc_snapshot_unref(snap);
    return n;
}

lc_err life_take_outcomes(struct life *l, unsigned shard)
{
    struct lc_outcome o;
    lc_err e = LC_EEND;
    while (lc_shard_outcome(lc_store_shard(l->store, shard), &o)) {
        e = o.err;
        assert_int_equal(lc_id_shard(o.upto), shard);
        assert_true(o.upto > l->told[shard]);
        for (unsigned i = 0; i < l->count && e != LC_OK; i++)
            if (lc_id_shard(l->ids[i]) == shard && l->ids[i] > l->told[shard])
                l->ids[i] = 0;
        if (e == LC_OK)
            l->told[shard] = o.upto;
    }
    return e;
}

void life_fail_calls(struct life *l, enum lc_sim_call call, uint64_t times)
{
    const struct lc_sim_fault fault = {.call = call, .first = 1, .times = times, .error = -EIO};
    lc_simdisk_fail(l->sim, &fault);
}

void life_overwrite(struct life *l, const char *path, uint64_t at)
{
    const struct lc_disk *disk = lc_simdisk_table(l->sim);
    struct lc_file *f;
    assert_lc_ok(disk->open(disk->state, path, LC_OPEN_WRITE, &f));
    struct lc_slice part = LC_LIT("damage");
    assert_lc_ok(disk->write(disk->state, f, &part, 1, at));
    disk->close(disk->state, f);
}
