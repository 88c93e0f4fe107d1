/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/run.c - the moves of a run, and what each tells the model.
 */
#include "base/test.h"

#include "store/testing/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/version.h"

#define STORE_DIR  LC_SIM_ROOT "/logs"
#define START_NS   (INT64_C(1795000000) * LC_NS_PER_S)
#define OPEN_TRIES 50 /* an operator starts it again while the disk fails */
/* The smallest sets there are; replayed ones are sealed while opening, or stay in memory. */
#define MEMORY_SMALL 1
#define MEMORY_LARGE (UINT64_C(1) << 20)
#define RESUME_TRIES 60 /* seconds that it may take to find out that the disk works again */
#define READ_TRIES   50
#define ROOM_TRIES   40
#define CLOCK_STEP   LC_NS_PER_MS

void lc_run_init(struct lc_run *run, uint64_t capacity, uint64_t seed)
{
    *run = (struct lc_run){.disk = lc_simdisk_new(capacity, seed),
                           .prng = {seed},
                           .memory = seed % 2 == 0 ? MEMORY_SMALL : MEMORY_LARGE};
    run->closing = true; /* nothing runs yet */
    lc_simclock_init(&run->clock, START_NS, seed);
}

void lc_run_fork(struct lc_run *run, const struct lc_run *from, struct lc_simdisk *disk,
                 uint64_t seed)
{
    *run = (struct lc_run){.disk = disk,
                           .prng = {seed},
                           .crashed = from->crashed || !from->closing,
                           .starts = from->starts,
                           .memory = from->memory,
                           .retain_octets = from->retain_octets,
                           .retain_ns = from->retain_ns,
                           .spool_octets = from->spool_octets};
    lc_simclock_init(&run->clock, from->clock.wall_ns, seed);
    lc_model_copy(&run->model, &from->model);
}

void lc_run_done(struct lc_run *run)
{
    lc_simdisk_die(run->disk);
    if (run->store != NULL)
        lc_store_close(run->store);
    lc_simdisk_free(run->disk);
    lc_model_done(&run->model);
}

static void inside(const struct lc_run *run, bool is_inside)
{
    if (run->inside != NULL)
        run->inside(is_inside);
}

static lc_err step(struct lc_run *run, enum lc_store_work work)
{
    inside(run, true);
    lc_err e = lc_store_step(run->store, work);
    inside(run, false);
    run->done[work] += e == LC_OK;
    return e;
}

static bool stopped(const struct lc_run *run)
{
    return run->verdict.bad || run->store == NULL;
}

/* A query that meets a read made to fail says so, and is asked again. */
static void judge(struct lc_run *run, enum lc_check_when when)
{
    struct lc_verdict v = {0};
    uint64_t failed;
    unsigned tries = 0;
    do {
        failed = lc_simdisk_failed(run->disk);
        v.bad = false;
        lc_model_check(&run->model, run->store, when, &v);
    } while (v.bad && lc_simdisk_failed(run->disk) != failed && ++tries < READ_TRIES);
    if (v.bad)
        lc_verdict_set(&run->verdict, "%s", v.text);
}

lc_err lc_run_open(struct lc_run *run, enum lc_check_when when)
{
    const struct lc_store_config config = {
        .dir = STORE_DIR,
        .disk = run->table != NULL ? run->table : lc_simdisk_table(run->disk),
        .clock = &run->clock.table,
        .writers = LC_RUN_SHARDS,
        .memory = run->memory,
        .retain_octets = run->retain_octets,
        .retain_ns = run->retain_ns,
        .spool_octets = run->spool_octets,
    };
    struct lc_store_report report = {0};
    struct lc_diag diag = {0};
    uint64_t failed = lc_simdisk_failed(run->disk);
    inside(run, true);
    lc_err e = lc_store_open(&config, &run->store, &report, &diag);
    inside(run, false);
    if (e != LC_OK) {
        run->store = NULL;
        if (e != -ENOMEM && lc_simdisk_failed(run->disk) == failed)
            lc_verdict_set(&run->verdict, "it does not open: %s: %s", lc_strerror(e), diag.text);
        return e;
    }
    run->failed_at_open = failed;
    if (report.damaged_places != 0)
        lc_verdict_set(&run->verdict, "it takes a crash for damage: %s", report.damage);
    judge(run, when);
    /* a stop in order refuses what it cannot commit */
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++)
        run->last_ids[shard] = lc_model_last_id(&run->model, shard, run->crashed);
    run->crashed = run->closing = false;
    run->starts++;
    for (unsigned sender = 1; sender <= LC_MODEL_SENDERS; sender++)
        lc_model_go_on(&run->model, run->store, sender, (run->starts + sender) % 5 == 0);
    return LC_OK;
}

void lc_run_close(struct lc_run *run)
{
    if (run->store == NULL)
        return;
    run->closing = true;
    inside(run, true);
    lc_store_close(run->store);
    inside(run, false);
    run->store = NULL;
}

static void take_disk(struct lc_run *run, struct lc_simdisk *disk)
{
    run->crashed = run->crashed || !run->closing;
    lc_simdisk_die(run->disk);
    lc_run_close(run);
    lc_simdisk_free(run->disk);
    run->disk = disk;
    if (run->hook != NULL)
        lc_simdisk_hook(disk, run->hook, run->hook_arg);
}

void lc_run_cut(struct lc_run *run, enum lc_sim_cut cut)
{
    if (!run->verdict.bad)
        take_disk(run, lc_simdisk_cut(run->disk, cut, lc_prng_next(&run->prng)));
}

void lc_run_hook(struct lc_run *run, void (*before)(void *arg, uint64_t change), void *arg)
{
    run->hook = before;
    run->hook_arg = arg;
    lc_simdisk_hook(run->disk, before, arg);
}

static unsigned shard_of(const struct lc_run *run, unsigned sender)
{
    return (sender + run->starts) % LC_RUN_SHARDS;
}

/* One of the shard's senders; 0: none. */
static unsigned pick_sender(const struct lc_run *run, unsigned shard)
{
    unsigned sender = 1 + (unsigned)(run->model.count % (LC_MODEL_SENDERS + 2));
    return sender <= LC_MODEL_SENDERS && shard_of(run, sender) == shard ? sender : 0;
}

static lc_err append(struct lc_run *run, unsigned shard, unsigned sender,
                     const struct lc_record *record, uint64_t *ret_id)
{
    struct lc_shard *to = lc_store_shard(run->store, shard);
    const struct lc_model_sender *is = &run->model.senders[sender];
    struct lc_sender_id id = lc_model_sender_id(sender);
    struct lc_sender_position at = {is->epoch, is->next};
    inside(run, true);
    lc_err e = sender == 0 ? lc_shard_append(to, record, ret_id)
                           : lc_shard_append_from(to, record, &id, &at, ret_id);
    inside(run, false);
    return e;
}

lc_err lc_run_append(struct lc_run *run, unsigned shard)
{
    if (stopped(run))
        return LC_EEND;
    struct lc_content content;
    struct lc_record record;
    struct lc_model *m = &run->model;
    lc_content_make(&content, m->count, run->clock.wall_ns, &record);
    uint64_t last = lc_model_last_id(m, shard, false);
    if (last < run->last_ids[shard])
        last = run->last_ids[shard];
    uint64_t id = 0;
    unsigned sender = pick_sender(run, shard);
    lc_err e = append(run, shard, sender, &record, &id);
    if (e == LC_OK) {
        lc_model_add(m, id, run->clock.wall_ns);
        if (sender != 0)
            lc_model_add_from(m, sender);
        if (lc_id_shard(id) != shard)
            lc_verdict_set(&run->verdict, "id %llu is not of shard %u", (unsigned long long)id,
                           shard);
        else if (id <= last)
            lc_verdict_set(&run->verdict, "shard %u gives id %llu after %llu", shard,
                           (unsigned long long)id, (unsigned long long)last);
    } else if (e != LC_EWAIT && e != LC_EFULL) {
        lc_verdict_set(&run->verdict, "append: %s", lc_strerror(e));
    }
    lc_simclock_advance(&run->clock, CLOCK_STEP);
    return e;
}

lc_err lc_run_move(struct lc_run *run, unsigned shard)
{
    unsigned sender = 1;
    while (shard_of(run, sender) != shard)
        sender++;
    if (stopped(run))
        return LC_EEND;
    const struct lc_model_sender *is = &run->model.senders[sender];
    struct lc_sender_id id = lc_model_sender_id(sender);
    struct lc_sender_position at = {is->epoch, is->next};
    inside(run, true);
    lc_err e = lc_shard_move_sender(lc_store_shard(run->store, shard), &id, &at);
    inside(run, false);
    if (e == LC_OK)
        lc_model_skip(&run->model, sender);
    else if (e != LC_EWAIT && e != LC_EFULL)
        lc_verdict_set(&run->verdict, "move: %s", lc_strerror(e));
    return e;
}

/* What was refused is sent again by its senders. */
static void note_refused(struct lc_run *run, unsigned shard)
{
    for (unsigned sender = 1; sender <= LC_MODEL_SENDERS; sender++)
        if (shard_of(run, sender) == shard)
            lc_model_go_on(&run->model, run->store, sender, false);
}

static void hear_outcomes(struct lc_run *run)
{
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++) {
        struct lc_outcome o;
        while (lc_shard_outcome(lc_store_shard(run->store, shard), &o)) {
            lc_model_outcome(&run->model, shard, &o);
            if (o.err != LC_OK)
                note_refused(run, shard);
        }
    }
}

lc_err lc_run_commit(struct lc_run *run)
{
    if (stopped(run))
        return LC_EEND;
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++)
        lc_shard_flush(lc_store_shard(run->store, shard), true);
    lc_err e;
    do
        e = step(run, LC_WORK_COMMIT);
    while (e == LC_OK);
    hear_outcomes(run);
    return e == LC_EEND ? LC_OK : e;
}

lc_err lc_run_work(struct lc_run *run, enum lc_store_work work)
{
    if (stopped(run))
        return LC_EEND;
    lc_err e = step(run, work);
    hear_outcomes(run);
    return e;
}

static int oldest_first(const void *a, const void *b)
{
    const struct lc_segment_meta *x = lc_segment_meta(*(struct lc_segment *const *)a);
    const struct lc_segment_meta *y = lc_segment_meta(*(struct lc_segment *const *)b);
    return x->max_received_ns < y->max_received_ns ? -1 : x->max_received_ns > y->max_received_ns;
}

/* Up to which time of reception the limit by size may remove: whole segments, the oldest first,
 * not one more than it takes. */
static int64_t bound_by_size(const struct lc_version *version, uint64_t max_octets)
{
    struct lc_segment **segments = calloc(version->segment_count + 1, sizeof(struct lc_segment *));
    assert_non_null(segments);
    uint64_t octets = 0;
    for (size_t i = 0; i < version->segment_count; i++) {
        segments[i] = version->segments[i];
        octets += lc_segment_meta(segments[i])->octets;
    }
    qsort(segments, version->segment_count, sizeof(struct lc_segment *), oldest_first);
    int64_t bound = INT64_MIN;
    for (size_t i = 0; i < version->segment_count && octets > max_octets; i++) {
        octets -= lc_segment_meta(segments[i])->octets;
        bound = lc_segment_meta(segments[i])->max_received_ns;
    }
    free(segments);
    return bound;
}

static void allow_retention(struct lc_run *run)
{
    int64_t bound = INT64_MIN;
    if (run->retain_octets != 0) {
        struct lc_snapshot *snap = lc_store_snapshot(run->store);
        assert_non_null(snap);
        bound = bound_by_size(snap->version, run->retain_octets);
        lc_snapshot_unref(snap);
    }
    int64_t oldest_kept = run->clock.wall_ns - run->retain_ns;
    if (run->retain_ns != 0 && oldest_kept - 1 > bound)
        bound = oldest_kept - 1;
    for (size_t i = 0; i < run->model.count; i++)
        if (run->model.records[i].received_ns <= bound)
            run->model.records[i].may_go = true;
}

void lc_run_release(struct lc_run *run, bool all)
{
    if (stopped(run))
        return;
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++) {
        uint64_t last = 0;
        size_t count = all ? run->model.count : lc_prng_below(&run->prng, run->model.count + 1) / 2;
        for (size_t i = 0; i < count; i++) {
            const struct lc_model_record *r = &run->model.records[i];
            if (lc_id_shard(r->id) == shard && r->fate == LC_FATE_COMMITTED)
                last = r->id;
        }
        for (size_t i = 0; i < run->model.count; i++)
            if (lc_id_shard(run->model.records[i].id) == shard && run->model.records[i].id <= last)
                run->model.records[i].may_go = true;
        lc_store_release(run->store, shard, last);
    }
}

void lc_run_make_room(struct lc_run *run)
{
    if (run->spool_octets == 0)
        return;
    lc_run_release(run, true);
    for (unsigned i = 0; i < ROOM_TRIES && !stopped(run); i++) {
        lc_run_work(run, LC_WORK_RETAIN);
        lc_run_work(run, LC_WORK_ANY);
    }
}

lc_err lc_run_retain(struct lc_run *run)
{
    if (stopped(run))
        return LC_EEND;
    if (run->spool_octets != 0)
        lc_run_release(run, lc_prng_below(&run->prng, 4) == 0);
    else
        allow_retention(run);
    lc_err e = lc_run_work(run, LC_WORK_RETAIN);
    if (e != LC_OK && e != LC_EEND)
        return e; /* a later try may still remove them */
    lc_run_check(run);
    if (run->spool_octets != 0)
        return e; /* what is released stays so */
    for (size_t i = 0; i < run->model.count; i++)
        if (!run->model.records[i].gone)
            run->model.records[i].may_go = false;
    return e;
}

void lc_run_check(struct lc_run *run)
{
    if (!stopped(run))
        judge(run, LC_CHECK_RUNNING);
}

void lc_run_wait(struct lc_run *run, int64_t ns)
{
    lc_simclock_advance(&run->clock, ns);
}

static bool committed_one(struct lc_run *run, unsigned shard)
{
    size_t number = run->model.count;
    lc_err e = lc_run_append(run, shard);
    lc_run_commit(run);
    return e == LC_OK && run->model.records[number].fate == LC_FATE_COMMITTED;
}

void lc_run_resume(struct lc_run *run)
{
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++) {
        unsigned tries = 0;
        while (!stopped(run) && !committed_one(run, shard)) {
            if (++tries == RESUME_TRIES)
                lc_verdict_set(&run->verdict, "shard %u does not take records again", shard);
            lc_run_make_room(run);
            lc_run_work(run, LC_WORK_ANY);
            lc_run_wait(run, LC_NS_PER_S);
        }
    }
    lc_run_check(run);
}

static void open_again(struct lc_run *run, enum lc_check_when when)
{
    lc_err e = -EIO;
    for (unsigned i = 0; i < OPEN_TRIES && e != LC_OK && !run->verdict.bad; i++)
        e = lc_run_open(run, when);
    if (e != LC_OK)
        lc_verdict_set(&run->verdict, "it does not open any more: %s", lc_strerror(e));
}

/* Stops and starts; with `crash`, the hard way. */
static void restart(struct lc_run *run, bool crash)
{
    if (run->verdict.bad)
        return;
    enum lc_check_when when = LC_CHECK_RECOVERED;
    if (crash) {
        lc_run_cut(run, (enum lc_sim_cut)lc_prng_below(&run->prng, LC_CUT_COUNT));
    } else {
        lc_run_close(run);
        if (lc_simdisk_failed(run->disk) == run->failed_at_open && run->inside == NULL)
            when = LC_CHECK_REOPENED;
    }
    open_again(run, when);
}

static void set_a_fault(struct lc_run *run)
{
    static const lc_err errors[] = {-EIO, -ENOSPC};
    struct lc_prng *r = &run->prng;
    struct lc_sim_fault fault = {
        .call = (enum lc_sim_call)lc_prng_below(r, LC_SIM_CALL_COUNT),
        .first = 1 + lc_prng_below(r, 6),
        .times = 1 + lc_prng_below(r, 3),
        .error = errors[lc_prng_below(r, LC_ARRAY_LEN(errors))],
    };
    lc_simdisk_fail(run->disk, &fault);
    run->failed_at_open = UINT64_MAX; /* its count begins anew */
}

static void append_some(struct lc_run *run)
{
    unsigned records = 1 + (unsigned)lc_prng_below(&run->prng, 3);
    for (unsigned i = 0; i < records; i++)
        lc_run_append(run, (unsigned)lc_prng_below(&run->prng, LC_RUN_SHARDS));
    if (lc_prng_below(&run->prng, 4) == 0)
        lc_run_move(run, (unsigned)lc_prng_below(&run->prng, LC_RUN_SHARDS));
    if (lc_prng_below(&run->prng, 5) != 0)
        lc_run_commit(run);
}

static void one_round(struct lc_run *run, unsigned round)
{
    if (run->faults && lc_prng_coin(&run->prng))
        set_a_fault(run);
    for (uint64_t groups = 1 + lc_prng_below(&run->prng, 3); groups > 0; groups--)
        append_some(run);
    if (round % 8 != 6)
        while (lc_run_work(run, LC_WORK_SEAL) == LC_OK)
            lc_run_wait(run, CLOCK_STEP);
    if (round % 5 == 4)
        lc_run_work(run, LC_WORK_MERGE);
    if (round % 3 == 2)
        lc_run_retain(run);
    if (round % 4 == 3)
        lc_run_check(run);
    if (round % 7 == 6)
        restart(run, run->crashes);
    lc_run_wait(run, (int64_t)lc_prng_below(&run->prng, 1800) * LC_NS_PER_S);
}

void lc_run_workload(struct lc_run *run, unsigned rounds)
{
    open_again(run, LC_CHECK_REOPENED);
    for (unsigned round = 0; round < rounds && !run->verdict.bad; round++)
        one_round(run, round);
    lc_run_commit(run);
    restart(run, false);
}

bool lc_run_did_all(const struct lc_run *run)
{
    bool retains = run->retain_octets != 0 || run->retain_ns != 0 || run->spool_octets != 0;
    /* a spool merges only what waits for long */
    bool merges = run->done[LC_WORK_MERGE] > 0 || run->spool_octets != 0;
    return run->done[LC_WORK_COMMIT] > 0 && run->done[LC_WORK_SEAL] > 0 && merges &&
           (run->done[LC_WORK_RETAIN] > 0 || !retains);
}

unsigned lc_run_rounds(void)
{
    const char *text = getenv("LC_FAULT_ROUNDS");
    uint64_t rounds = 1;
    if (text != NULL)
        assert_lc_ok(lc_slice_u64(lc_slice_cstr(text), &rounds));
    return (unsigned)rounds;
}

void lc_run_end_good(struct lc_run *run, const char *what, uint64_t seed)
{
    struct lc_verdict v = run->verdict;
    if (v.bad)
        lc_simdisk_print_calls(run->disk);
    lc_run_done(run);
    if (v.bad)
        fail_msg("%s, seed %llu: %s", what, (unsigned long long)seed, v.text);
}
