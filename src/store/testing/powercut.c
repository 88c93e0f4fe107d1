/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/powercut.c - cuts before every change.
 */
#include "store/testing/powercut.h"

#define CAPACITY      (UINT64_C(1) << 30)
#define INNER_CHANGES 24 /* a recovery and a little work make about so many */
#define RETAIN_OCTETS (UINT64_C(8) << 10)
#define SPOOL_OCTETS  (UINT64_C(32) << 10)
#define RETAIN_NS     (INT64_C(3600) * LC_NS_PER_S)

struct trial {
    struct lc_powercut *p;
    struct lc_run run;
    uint64_t cut_at; /* which change of its own is cut; 0: none */
};

/* One store that recovers on `disk`, which it takes over. deeper: it also works, and is cut itself.
 */
static void try_recovery(struct lc_powercut *p, const struct lc_run *from, struct lc_simdisk *disk,
                         uint64_t seed, bool deeper, struct lc_verdict *verdict);

static void cut_trial(void *arg, uint64_t change)
{
    struct trial *t = arg;
    if (change != t->cut_at || t->run.verdict.bad)
        return;
    uint64_t seed = lc_prng_next(&t->run.prng);
    enum lc_sim_cut cut = (enum lc_sim_cut)lc_prng_below(&t->run.prng, LC_CUT_COUNT);
    struct lc_simdisk *disk = lc_simdisk_cut(t->run.disk, cut, seed);
    try_recovery(t->p, &t->run, disk, seed, false, &t->run.verdict);
}

static void work_a_little(struct lc_run *run)
{
    lc_run_make_room(run);
    for (unsigned shard = 0; shard < LC_RUN_SHARDS; shard++)
        if (lc_run_append(run, shard) != LC_OK)
            lc_verdict_set(&run->verdict, "after recovery, shard %u takes no record", shard);
    if (lc_run_commit(run) != LC_OK)
        lc_verdict_set(&run->verdict, "after recovery, nothing is committed");
    if (lc_prng_coin(&run->prng))
        lc_run_work(run, LC_WORK_SEAL);
    lc_run_check(run);
}

static void try_recovery(struct lc_powercut *p, const struct lc_run *from, struct lc_simdisk *disk,
                         uint64_t seed, bool deeper, struct lc_verdict *verdict)
{
    struct trial t = {.p = p};
    lc_run_fork(&t.run, from, disk, seed);
    p->recoveries++;
    if (deeper) {
        t.cut_at = 1 + lc_prng_below(&t.run.prng, INNER_CHANGES);
        lc_run_hook(&t.run, cut_trial, &t);
    }
    if (lc_run_open(&t.run, LC_CHECK_RECOVERED) == LC_OK && deeper)
        work_a_little(&t.run);
    if (deeper && !t.run.verdict.bad)
        try_recovery(p, &t.run, lc_simdisk_cut(t.run.disk, LC_CUT_LOST, seed), seed, false,
                     &t.run.verdict);
    if (t.run.verdict.bad && !verdict->bad)
        *verdict = t.run.verdict;
    if (t.run.verdict.bad && p->witness == NULL)
        p->witness = lc_simdisk_cut(t.run.disk, LC_CUT_KILL, seed);
    lc_run_done(&t.run);
}

/* What is tried before each change: the likeliest to show something each time, the others in turn.
 */
static void cut_everywhere(void *arg, uint64_t change)
{
    static const struct {
        enum lc_sim_cut cut;
        bool deeper;
        unsigned every;
    } outcomes[] = {
        {LC_CUT_LOST, false, 1}, {LC_CUT_RANDOM, false, 1}, {LC_CUT_RANDOM, true, 2},
        {LC_CUT_KILL, true, 5},  {LC_CUT_KEPT, true, 7},    {LC_CUT_LOST, true, 5},
    };
    (void)change;
    struct lc_powercut *p = arg;
    struct lc_run *run = &p->run;
    p->cuts++;
    for (size_t i = 0; i < LC_ARRAY_LEN(outcomes) && !run->verdict.bad; i++) {
        uint64_t seed = (p->cuts << 8 | i) ^ p->seed << 40;
        if (p->cuts % outcomes[i].every == 0)
            try_recovery(p, run, lc_simdisk_cut(run->disk, outcomes[i].cut, seed), seed,
                         outcomes[i].deeper, &run->verdict);
    }
}

void lc_powercut_run(struct lc_powercut *p, uint64_t seed, unsigned rounds, bool faults,
                     enum lc_sync_point ignored)
{
    *p = (struct lc_powercut){.seed = seed};
    lc_run_init(&p->run, CAPACITY, seed);
    if (ignored != LC_SYNC_COUNT)
        lc_simdisk_ignore_sync(p->run.disk, ignored);
    if (seed >= LC_POWERCUT_SPOOL)
        p->run.spool_octets = SPOOL_OCTETS;
    else if (seed % 3 == 1)
        p->run.retain_octets = RETAIN_OCTETS;
    else if (seed % 3 == 2)
        p->run.retain_ns = RETAIN_NS;
    lc_run_hook(&p->run, cut_everywhere, p);
    p->run.crashes = true;
    p->run.faults = faults;
    lc_run_workload(&p->run, rounds);
}

void lc_powercut_done(struct lc_powercut *p)
{
    lc_simdisk_free(p->witness);
    lc_run_done(&p->run);
}
