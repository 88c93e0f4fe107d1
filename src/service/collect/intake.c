/* SPDX-License-Identifier: Apache-2.0 */
#include "service/collect/collect.h"

static void flush(struct lc_task *task)
{
    struct lc_intake *in = LC_CONTAINER(task, struct lc_intake, flush);

    lc_shard_flush(in->worker->shard, in->urgent);
    in->urgent = false;
}

void lc_intake_init(struct lc_intake *in, struct lc_worker *w)
{
    in->worker = w;
    in->urgent = false;
    lc_task_init(&in->flush, flush);
}

uint64_t lc_intake_octets(const struct lc_arrival *a)
{
    uint64_t n = a->record.message.n;

    for (size_t i = 0; i < a->record.field_count; i++)
        n += a->record.fields[i].name.n + a->record.fields[i].value.n;
    return n;
}

void lc_intake_flush(struct lc_intake *in, bool urgent)
{
    in->urgent |= urgent;
    lc_loop_defer(in->worker->loop, &in->flush);
}

static lc_err append(struct lc_intake *in, const struct lc_arrival *a,
                     const struct lc_intake_from *from, uint64_t *ret_id)
{
    struct lc_record r;
    bool claimed = lc_complete(&in->completion, a, &r);
    struct lc_shard *shard = in->worker->shard;
    lc_err e = from == NULL ? lc_shard_append(shard, &r, ret_id)
                            : lc_shard_append_from(shard, &r, from->sender, &from->at, ret_id);

    if (e == LC_OK && claimed)
        lc_count(&in->worker->counters.claimed_time, 1);
    return e;
}

lc_err lc_intake_append(struct lc_intake *in, const struct lc_arrival *a,
                        const struct lc_intake_from *from, uint64_t *ret_id)
{
    struct lc_counters *c = &in->worker->counters;
    lc_err e = append(in, a, from, ret_id);

    if (e == LC_EWAIT) {
        lc_count(&c->waited, 1);
        return e;
    }
    if (e != LC_OK) {
        lc_count(&c->refused, 1);
        lc_log(in->worker->site->log, LC_LEVEL_ERROR, "collect.refused",
               LC_LOG_SLICE("source", a->record.source), LC_LOG_ERR("cause", e));
        return e;
    }
    lc_count(&c->stored, 1);
    lc_intake_flush(in, a->answered);
    return LC_OK;
}
