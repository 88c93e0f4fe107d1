/* SPDX-License-Identifier: Apache-2.0 */
#include "service/collect/collect.h"

#define YEAR_1971_NS (INT64_C(365) * 86400 * LC_NS_PER_S)
#define TWO_DAYS_NS  (INT64_C(2) * 86400 * LC_NS_PER_S)
#define FURTHER_MAX  3 /* fields that further() adds */

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

static bool is_possible(int64_t time_ns, int64_t received_ns)
{
    return time_ns >= YEAR_1971_NS && time_ns <= received_ns + TWO_DAYS_NS;
}

static void add_field(struct lc_record *r, struct lc_field *fields, struct lc_slice name,
                      struct lc_slice value, enum lc_field_type type)
{
    fields[r->field_count++] = (struct lc_field){name, value, type};
}

/* What has to be said of the arrival in fields of its own. Rare, so the sender's fields are copied
 * only then; when there are too many, ours displace the last. */
static void further(struct lc_intake *in, const struct lc_arrival *a, struct lc_slice claimed,
                    struct lc_record *r)
{
    struct lc_field *fields = in->fields;

    if (r->field_count > LC_FIELDS_MAX - FURTHER_MAX)
        r->field_count = LC_FIELDS_MAX - FURTHER_MAX;
    if (r->field_count > 0)
        memcpy(fields, r->fields, r->field_count * sizeof *fields);
    r->fields = fields;
    if (claimed.n > 0)
        add_field(r, fields, LC_LIT("claimed_time"), claimed, LC_FIELD_STRING);
    if (a->unplaced.level_text.n > 0)
        add_field(r, fields, LC_LIT("level_text"), a->unplaced.level_text, LC_FIELD_STRING);
    if (a->truncated)
        add_field(r, fields, LC_LIT("truncated"), LC_LIT("true"), LC_FIELD_BOOL);
}

static lc_err append(struct lc_intake *in, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct lc_record r = a->record;
    struct lc_slice claimed = a->unplaced.claimed_time;
    char time[LC_RFC3339_MAX];

    if (r.time_ns == LC_TIME_ABSENT) {
        r.time_ns = r.received_ns;
    } else if (!is_possible(r.time_ns, r.received_ns)) {
        claimed = lc_slice(time, lc_rfc3339_format(r.time_ns, time));
        r.time_ns = r.received_ns;
    }
    if (r.stream.space.n == 0)
        r.stream.space = LC_LIT("main");
    if (claimed.n > 0 || a->unplaced.level_text.n > 0 || a->truncated)
        further(in, a, claimed, &r);

    lc_err e = lc_shard_append(in->worker->shard, &r, ret_id);

    if (e == LC_OK && claimed.n > 0)
        lc_count(&in->worker->counters.claimed_time, 1);
    return e;
}

lc_err lc_intake_append(struct lc_intake *in, const struct lc_arrival *a, uint64_t *ret_id)
{
    struct lc_counters *c = &in->worker->counters;
    lc_err e = append(in, a, ret_id);

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
    in->urgent |= a->answered;
    lc_loop_defer(in->worker->loop, &in->flush);
    return LC_OK;
}
