/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "service/relay/relay.h"

#define STEP 4096u  /* records looked at in one reading */
#define TURN 65536u /* and before other links have their turn */

struct feed {
    struct lc_relay_link *link;
    struct lc_field fields[LC_FIELDS_MAX];
    char marks[LC_RELAY_HOPS * 9];
};

/* ---- where a record has been ---- */

static size_t find_mark(const struct lc_record *r)
{
    size_t i = 0;

    while (i < r->field_count && !lc_slice_eq(r->fields[i].name, LC_LIT(LC_RELAY_FIELD)))
        i++;
    return i;
}

/* Not where it was before, and not for ever. */
static bool may_go_on(struct lc_slice marks, const char *ours)
{
    struct lc_slice one;
    unsigned hops = 0;

    while (marks.n > 0) {
        if (!lc_slice_cut(&marks, ',', &one)) {
            one = marks;
            marks.n = 0;
        }
        if (lc_slice_eq(one, lc_slice_cstr(ours)))
            return false;
        hops++;
    }
    return hops < LC_RELAY_HOPS;
}

/* Adds the mark of this store. A record with as many fields as there can be goes without. */
static struct lc_record marked(struct feed *f, const struct lc_record *r, size_t at)
{
    struct lc_record copy = *r;
    const char *mark = f->link->relay->mark;
    struct lc_slice before = at < r->field_count ? r->fields[at].value : LC_LIT("");
    size_t n = before.n;

    if (at == LC_FIELDS_MAX)
        return copy;
    if (n > 0)
        memcpy(f->marks, before.p, n);
    if (n > 0)
        f->marks[n++] = ',';
    memcpy(f->marks + n, mark, strlen(mark));
    n += strlen(mark);
    if (r->field_count > 0)
        memcpy(f->fields, r->fields, r->field_count * sizeof f->fields[0]);
    f->fields[at] = (struct lc_field){
        .name = LC_LIT(LC_RELAY_FIELD), .value = lc_slice(f->marks, n), .type = LC_FIELD_STRING};
    copy.fields = f->fields;
    copy.field_count = at < r->field_count ? r->field_count : r->field_count + 1;
    return copy;
}

/* ---- records into a batch ---- */

/* Records that may be stored elsewhere are never in one batch with others. */
static bool begins_another(const struct lc_relay_link *l, uint64_t id)
{
    const struct lc_batch_writer *w = &l->batch;

    return w->count > 0 && (w->records.n >= LC_RELAY_BATCH ||
                            (id > l->doubted && lc_id_make(w->first, l->shard) <= l->doubted));
}

static lc_err on_row(void *arg, const struct lc_record *r)
{
    struct feed *f = arg;
    struct lc_relay_link *l = f->link;
    struct lc_counters *counters = lc_relay_counters(l->relay);
    size_t at = find_mark(r);

    if (begins_another(l, r->id)) {
        l->is_full = true;
        return LC_EWAIT;
    }
    if (at < r->field_count && !may_go_on(r->fields[at].value, l->relay->mark)) {
        lc_count(&counters->relay_loops, 1);
        return LC_OK;
    }

    struct lc_record copy = marked(f, r, at);
    lc_err e = lc_batch_add(&l->batch, lc_id_sequence(r->id), &copy);

    if (e == LC_ELIMIT && l->batch.count > 0) {
        l->is_full = true;
        return LC_EWAIT;
    }
    if (e == LC_ELIMIT) {
        lc_count(&counters->relay_refused, 1);
        lc_log(l->relay->site->log, LC_LEVEL_ERROR, "relay.too_large", LC_LOG_U64("id", r->id));
        return LC_OK;
    }
    return e;
}

/* ---- what is missing ---- */

/* A link that goes back reads over the same places again: they count once. */
static void count_missed(struct lc_relay_link *l, struct lc_snapshot *snap, uint64_t start,
                         uint64_t missed)
{
    if (l->cursor <= l->counted)
        return;
    if (start < l->counted && missed > 0)
        missed = lc_snapshot_missing(snap, l->shard, l->counted) -
                 lc_snapshot_missing(snap, l->shard, l->cursor);
    l->counted = l->cursor;
    if (missed == 0)
        return;
    lc_count(&lc_relay_counters(l->relay)->relay_missed, missed);
    lc_log(l->relay->site->log, LC_LEVEL_ERROR, "relay.missed", LC_LOG_U64("records", missed),
           LC_LOG_U64("shard", l->shard),
           LC_LOG_TEXT("why", "removed by retention, or damaged, before they were sent"));
}

/* ---- reading ---- */

static void look_at_one(struct lc_tail_cursor *view, unsigned shard, uint64_t after,
                        unsigned shards)
{
    view->shards = shards;
    for (unsigned i = 0; i < shards; i++)
        view->after[i] = i == shard ? after : UINT64_MAX;
}

lc_err lc_feed_fill(struct lc_relay_link *l, struct lc_snapshot *snap, bool *ret_more)
{
    struct lc_relay *r = l->relay;
    struct feed f = {.link = l};
    uint64_t end = lc_snapshot_end(snap, l->shard);
    lc_err e = LC_OK;

    for (unsigned looked = 0; looked < TURN && e == LC_OK && l->cursor < end; looked += STEP) {
        uint64_t start = l->cursor, missed;
        bool behind;

        look_at_one(r->view, l->shard, start, lc_snapshot_shards(snap));
        e = lc_tail_read(r->query, snap, r->view, STEP, l->files, on_row, &f, &missed, &behind);
        l->cursor = r->view->after[l->shard];
        count_missed(l, snap, start, missed);
    }
    *ret_more = e == LC_OK && l->cursor < end;
    return e == LC_EWAIT ? LC_OK : e;
}
