/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/model.c - records by number, their fates, and the check against a snapshot.
 */
#include "store/testing/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void lc_verdict_set(struct lc_verdict *v, const char *fmt, ...)
{
    if (v->bad)
        return;
    v->bad = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->text, sizeof v->text, fmt, ap);
    va_end(ap);
}

void lc_model_done(struct lc_model *m)
{
    free(m->records);
    *m = (struct lc_model){0};
}

void lc_model_copy(struct lc_model *to, const struct lc_model *from)
{
    *to = *from;
    to->cap = from->count + 64;
    to->records = calloc(to->cap, sizeof *to->records);
    LC_ASSERT(to->records != NULL);
    if (from->count != 0)
        memcpy(to->records, from->records, from->count * sizeof *to->records);
}

void lc_model_add(struct lc_model *m, uint64_t id, int64_t received_ns)
{
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 64 : m->cap * 2;
        m->records = realloc(m->records, m->cap * sizeof *m->records);
        LC_ASSERT(m->records != NULL);
    }
    m->records[m->count++] = (struct lc_model_record){.id = id, .received_ns = received_ns};
}

void lc_model_add_from(struct lc_model *m, unsigned sender)
{
    struct lc_model_record *r = &m->records[m->count - 1];
    r->sender = sender;
    r->epoch = m->senders[sender].epoch;
    r->sequence = m->senders[sender].next++;
}

void lc_model_skip(struct lc_model *m, unsigned sender)
{
    lc_model_add(m, 0, 0);
    lc_model_add_from(m, sender);
    m->records[m->count - 1].is_skipped = true;
    m->records[m->count - 1].fate = LC_FATE_NEVER;
}

struct lc_sender_id lc_model_sender_id(unsigned sender)
{
    struct lc_sender_id id = {{0x5E, [15] = (uint8_t)sender}};
    return id;
}

void lc_model_go_on(struct lc_model *m, struct lc_store *store, unsigned sender, bool new_epoch)
{
    struct lc_sender_id id = lc_model_sender_id(sender);
    struct lc_sender_position at = {0};
    (void)lc_store_sender(store, &id, &at);
    m->senders[sender].epoch = at.epoch + (new_epoch || at.epoch == 0);
    m->senders[sender].next = at.epoch == m->senders[sender].epoch ? at.upto + 1 : 1;
}

void lc_model_outcome(struct lc_model *m, unsigned shard, const struct lc_outcome *o)
{
    for (size_t i = 0; i < m->count; i++) {
        struct lc_model_record *r = &m->records[i];
        if (lc_id_shard(r->id) != shard)
            continue;
        if (r->fate == LC_FATE_OPEN && r->id <= o->upto)
            r->fate = o->err == LC_OK ? LC_FATE_COMMITTED : LC_FATE_REFUSED;
        else if (r->fate == LC_FATE_REFUSED && o->err == LC_OK)
            r->fate = LC_FATE_NEVER;
    }
}

uint64_t lc_model_last_id(const struct lc_model *m, unsigned shard, bool refused_too)
{
    uint64_t last = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct lc_model_record *r = &m->records[i];
        bool counts = refused_too || r->fate == LC_FATE_OPEN || r->fate == LC_FATE_COMMITTED;
        if (counts && lc_id_shard(r->id) == shard && r->id > last)
            last = r->id;
    }
    return last;
}

/* ---- the check ---- */

static bool same_fields(const struct lc_record *a, const struct lc_record *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct lc_field *x = &a->fields[i], *y = &b->fields[i];
        if (x->type != y->type || !lc_slice_eq(x->name, y->name) ||
            !lc_slice_eq(x->value, y->value))
            return false;
    }
    return true;
}

static bool same_stream(const struct lc_stream_key *a, const struct lc_stream_key *b)
{
    return lc_slice_eq(a->space, b->space) && lc_slice_eq(a->host, b->host) &&
           lc_slice_eq(a->app, b->app) && lc_slice_eq(a->facility, b->facility);
}

static bool same_record(const struct lc_record *a, const struct lc_record *b)
{
    return a->time_ns == b->time_ns && a->received_ns == b->received_ns && a->level == b->level &&
           same_stream(&a->stream, &b->stream) && lc_slice_eq(a->pid, b->pid) &&
           lc_slice_eq(a->source, b->source) && lc_slice_eq(a->message, b->message) &&
           same_fields(a, b);
}

/* "#17 text": 17. */
static bool number_of(struct lc_slice message, size_t *ret)
{
    struct lc_slice head;
    uint64_t number;
    if (message.n == 0 || message.p[0] != '#' || !lc_slice_cut(&message, ' ', &head) ||
        lc_slice_u64(lc_slice_from(head, 1), &number) != LC_OK)
        return false;
    *ret = (size_t)number;
    return true;
}

static const char *fate_name(enum lc_fate fate)
{
    static const char *const names[] = {"open", "committed", "refused", "never to be seen"};
    return names[fate];
}

static bool may_show(const struct lc_model_record *r, enum lc_check_when when)
{
    switch (r->fate) {
    case LC_FATE_OPEN:
    case LC_FATE_COMMITTED:
        return !r->gone;
    case LC_FATE_REFUSED:
        return when == LC_CHECK_RECOVERED;
    case LC_FATE_NEVER:
        break;
    }
    return false;
}

static void check_record(struct lc_model *m, const struct lc_record *got, enum lc_check_when when,
                         struct lc_verdict *v)
{
    struct lc_content content;
    size_t number;
    if (!number_of(got->message, &number) || number >= m->count) {
        lc_verdict_set(v, "id %llu was never appended: \"%.*s\"", (unsigned long long)got->id,
                       (int)(got->message.n < 40 ? got->message.n : 40),
                       (const char *)got->message.p);
        return;
    }
    struct lc_model_record *r = &m->records[number];
    struct lc_record expected;
    lc_content_make(&content, number, r->received_ns, &expected);
    if (r->found)
        lc_verdict_set(v, "#%zu is there twice", number);
    else if (got->id != r->id)
        lc_verdict_set(v, "#%zu has id %llu and was given %llu", number,
                       (unsigned long long)got->id, (unsigned long long)r->id);
    else if (!same_record(got, &expected))
        lc_verdict_set(v, "#%zu is not what was appended", number);
    else if (!may_show(r, when))
        lc_verdict_set(v, "#%zu shows and must not: %s%s", number, fate_name(r->fate),
                       r->gone ? ", removed by retention" : "");
    r->found = true;
}

static void check_batch(struct lc_model *m, struct lc_batch *batch, enum lc_check_when when,
                        struct lc_verdict *v)
{
    struct lc_field fields[LC_FIELDS_MAX];
    lc_err e = lc_batch_load(batch, LC_COL_ALL);
    if (e != LC_OK) {
        lc_verdict_set(v, "a batch does not load: %s", lc_strerror(e));
        return;
    }
    for (size_t row = 0; row < lc_batch_count(batch) && !v->bad; row++) {
        struct lc_record got;
        lc_batch_record(batch, row, fields, &got);
        check_record(m, &got, when, v);
    }
}

static uint64_t scan_all(struct lc_model *m, struct lc_snapshot *snap, enum lc_check_when when,
                         struct lc_verdict *v)
{
    const struct lc_scan_spec all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
    struct lc_scan *scan = NULL;
    uint64_t rows = 0;
    lc_err e = lc_scan_open(snap, &all, &scan);
    while (e == LC_OK && !v->bad) {
        struct lc_batch *batch = NULL;
        e = lc_scan_next(scan, &batch);
        if (e == LC_OK) {
            rows += lc_batch_count(batch);
            check_batch(m, batch, when, v);
        }
    }
    if (!v->bad && e != LC_EEND)
        lc_verdict_set(v, "a scan ends with: %s", lc_strerror(e));
    lc_scan_close(scan);
    return rows;
}

/* Draws the conclusions from what the scan found. */
static void settle(struct lc_model *m, enum lc_check_when when, struct lc_verdict *v)
{
    for (size_t i = 0; i < m->count && !v->bad; i++) {
        struct lc_model_record *r = &m->records[i];
        if (r->found) {
            r->fate = LC_FATE_COMMITTED;
        } else if (r->fate == LC_FATE_COMMITTED) {
            if (!r->may_go)
                lc_verdict_set(v, "#%zu (id %llu) was committed and is not there", i,
                               (unsigned long long)r->id);
            r->gone = true;
        } else if (r->fate != LC_FATE_NEVER && when == LC_CHECK_RECOVERED) {
            r->fate = LC_FATE_NEVER;
        } else if (r->fate == LC_FATE_OPEN && when == LC_CHECK_REOPENED) {
            lc_verdict_set(v, "#%zu was open at a stop in order and is not there", i);
        }
    }
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void check_ids(const struct lc_model *m, struct lc_verdict *v)
{
    uint64_t *ids = calloc(m->count + 1, sizeof *ids);
    LC_ASSERT(ids != NULL);
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->records[i].fate == LC_FATE_COMMITTED)
            ids[n++] = m->records[i].id;
    qsort(ids, n, sizeof *ids, by_id);
    for (size_t i = 1; i < n; i++)
        if (ids[i] == ids[i - 1])
            lc_verdict_set(v, "id %llu was given to two records", (unsigned long long)ids[i]);
    free(ids);
}

static uint64_t count_gone(const struct lc_model *m, unsigned shard, uint64_t after, uint64_t end)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct lc_model_record *r = &m->records[i];
        n += r->gone && lc_id_shard(r->id) == shard && r->id > after && r->id <= end;
    }
    return n;
}

static void check_missing(const struct lc_model *m, const struct lc_snapshot *snap, unsigned shard,
                          struct lc_verdict *v)
{
    uint64_t end = lc_snapshot_end(snap, shard);
    uint64_t after = 0;
    for (size_t i = 0; i <= m->count && !v->bad; i += 1 + m->count / 4) {
        if (i > 0 && lc_id_shard(m->records[i - 1].id) == shard)
            after = m->records[i - 1].id;
        uint64_t expected = count_gone(m, shard, after, end);
        uint64_t said = lc_snapshot_missing(snap, shard, after);
        if (said != expected)
            lc_verdict_set(v, "shard %u: %llu records are missing after id %llu, it says %llu",
                           shard, (unsigned long long)expected, (unsigned long long)after,
                           (unsigned long long)said);
    }
    for (size_t i = 0; i < m->count; i++) {
        const struct lc_model_record *r = &m->records[i];
        if (r->found && lc_id_shard(r->id) == shard && r->id > end)
            lc_verdict_set(v, "#%zu (id %llu) lies behind the end of its shard, %llu", i,
                           (unsigned long long)r->id, (unsigned long long)end);
    }
}

/* Notes a record of the sender in `dealt_with`, by its sequence. */
static void note_dealt_with(const struct lc_model_record *r, const struct lc_sender_position *at,
                            unsigned char *dealt_with, struct lc_verdict *v)
{
    if (r->epoch > at->epoch || r->sequence > at->upto) {
        if (r->found)
            lc_verdict_set(v, "number %llu of sender %u is there; its position is %llu",
                           (unsigned long long)r->sequence, r->sender,
                           (unsigned long long)at->upto);
        return;
    }
    enum { BY_RECORD = 1, BY_SKIP = 2 };
    if (!r->is_skipped && (dealt_with[r->sequence] & BY_RECORD) != 0)
        lc_verdict_set(v, "number %llu of sender %u is there twice",
                       (unsigned long long)r->sequence, r->sender);
    dealt_with[r->sequence] |= r->is_skipped ? BY_SKIP : BY_RECORD;
}

/* Of the sender's present epoch, all up to its position is there, and nothing behind it. */
static void check_sender(const struct lc_model *m, unsigned sender,
                         const struct lc_sender_position *at, struct lc_verdict *v)
{
    unsigned char *dealt_with = calloc((size_t)at->upto + 1, 1);
    LC_ASSERT(dealt_with != NULL);
    for (size_t i = 0; i < m->count; i++) {
        const struct lc_model_record *r = &m->records[i];
        if (r->sender == sender && r->epoch >= at->epoch && (r->found || r->gone || r->is_skipped))
            note_dealt_with(r, at, dealt_with, v);
    }
    for (uint64_t i = 1; i <= at->upto; i++)
        if (dealt_with[i] == 0)
            lc_verdict_set(v, "number %llu of sender %u is not there; its position is %llu",
                           (unsigned long long)i, sender, (unsigned long long)at->upto);
    free(dealt_with);
}

static bool is_before(const struct lc_sender_position *a, const struct lc_sender_position *b)
{
    return a->epoch < b->epoch || (a->epoch == b->epoch && a->upto < b->upto);
}

static void check_senders(struct lc_model *m, struct lc_store *store, struct lc_verdict *v)
{
    for (unsigned sender = 1; sender <= LC_MODEL_SENDERS && !v->bad; sender++) {
        struct lc_sender_id id = lc_model_sender_id(sender);
        struct lc_sender_position at = {0};
        (void)lc_store_sender(store, &id, &at);
        if (is_before(&at, &m->senders[sender].told))
            lc_verdict_set(v, "sender %u goes back from %llu to %llu", sender,
                           (unsigned long long)m->senders[sender].told.upto,
                           (unsigned long long)at.upto);
        m->senders[sender].told = at;
        check_sender(m, sender, &at, v);
    }
}

void lc_model_check(struct lc_model *m, struct lc_store *store, enum lc_check_when when,
                    struct lc_verdict *v)
{
    for (size_t i = 0; i < m->count; i++)
        m->records[i].found = false;
    struct lc_snapshot *snap = lc_store_snapshot(store);
    if (snap == NULL) {
        lc_verdict_set(v, "no snapshot");
        return;
    }
    uint64_t rows = scan_all(m, snap, when, v);
    if (!v->bad && rows != lc_snapshot_count(snap))
        lc_verdict_set(v, "the snapshot counts %llu records and shows %llu",
                       (unsigned long long)lc_snapshot_count(snap), (unsigned long long)rows);
    settle(m, when, v);
    check_ids(m, v);
    if (!v->bad)
        check_senders(m, store, v);
    for (unsigned shard = 0; shard < lc_snapshot_shards(snap) && !v->bad; shard++)
        check_missing(m, snap, shard, v);
    lc_snapshot_unref(snap);
}
