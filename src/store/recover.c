/* SPDX-License-Identifier: Apache-2.0
 *
 * store/recover.c - opening what a run before has left, in order or not.
 *
 * The order matters, because this run can die at any point as well: nothing is removed before a
 * manifest that does not name it is durable, and what has only been written by the run before is
 * synced before anybody sees it.
 */
#include "store/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/array.h"

#define STEP_FIRST (UINT64_C(1) << 18) /* sequences reserved at a start */
#define GAPS_MAX   256u                /* of a shard, beyond which old ones can be forgotten */

/* ---- what is there ---- */

static void note_wal(void *arg, const char *name)
{
    struct lc_recovery *r = arg;
    struct lc_wal_file f = {.limit = UINT64_MAX};
    if (!lc_wal_name(name, &f.shard, &f.number))
        return;
    struct lc_wal_file *more = lc_array_more(r->wals, r->wal_count, sizeof *more);
    if (more == NULL) {
        r->err = -ENOMEM;
        return;
    }
    r->wals = more;
    r->wals[r->wal_count++] = f;
}

static void note_segment(void *arg, const char *name)
{
    struct lc_recovery *r = arg;
    uint64_t number;
    if (!lc_segment_name(name, &number))
        return;
    uint64_t *more = lc_array_more(r->segments, r->segment_count, sizeof *more);
    if (more == NULL) {
        r->err = -ENOMEM;
        return;
    }
    r->segments = more;
    r->segments[r->segment_count++] = number;
}

static int wal_cmp(const void *a, const void *b)
{
    const struct lc_wal_file *x = a, *y = b;
    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static lc_err list_files(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    lc_err e = s->disk->list(s->disk->state, s->wal_path, note_wal, r);
    if (e == LC_OK)
        e = s->disk->list(s->disk->state, s->seg_path, note_segment, r);
    if (e == LC_OK)
        e = r->err;
    if (e != LC_OK) {
        lc_diag_set(r->diag, "%s: %s", s->dir_path, lc_strerror(e));
        return e;
    }
    if (r->wal_count > 1)
        qsort(r->wals, r->wal_count, sizeof *r->wals, wal_cmp);
    return LC_OK;
}

/* Numbers of segments go on behind those of files, and of segments whose files have vanished. */
static void number_segments(struct lc_recovery *r)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    uint64_t last = 0;
    for (size_t i = 0; i < r->segment_count; i++)
        last = r->segments[i] > last ? r->segments[i] : last;
    for (size_t i = 0; i < state->segment_count; i++)
        last = state->segments[i].number > last ? state->segments[i].number : last;
    atomic_store_explicit(&r->store->next_segment, last + 1, memory_order_relaxed);
}

static lc_err sync_parent(const struct lc_store *s)
{
    char parent[LC_PATH_MAX];
    lc_err e = lc_path(parent, "%s", s->dir_path);
    if (e != LC_OK)
        return e;
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return s->disk->sync_dir(s->disk->state, ".", LC_SYNC_STORE_DIR);
    slash[slash == parent] = '\0'; /* of "/a" it is "/" */
    return s->disk->sync_dir(s->disk->state, parent, LC_SYNC_STORE_DIR);
}

static lc_err load_manifest(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    lc_err e = lc_manifest_load(&s->manifest, s->disk, s->dir_path, r->diag);
    if (e != -ENOENT)
        return e;
    if (r->wal_count > 0 || r->segment_count > 0) {
        lc_diag_set(r->diag, "%s: MANIFEST is missing, but there are records", s->dir_path);
        return LC_ECORRUPT;
    }
    /* The name of the directory itself, before anything in it counts. */
    e = sync_parent(s);
    if (e != LC_OK) {
        lc_diag_set(r->diag, "%s/..: %s", s->dir_path, lc_strerror(e));
        return e;
    }
    uint64_t secret;
    s->clock->random(s->clock->state, &secret, sizeof secret);
    lc_manifest_create(&s->manifest, s->disk, s->dir_path, secret);
    return LC_OK;
}

static lc_err load_senders(struct lc_store *s)
{
    const struct lc_senders *known = &s->manifest.state.senders;
    lc_err e = LC_OK;
    for (size_t i = 0; i < known->count && e == LC_OK; i++)
        e = lc_senders_move(&s->senders, &known->list[i]);
    return e;
}

/* ---- damage ---- */

void lc_recover_note(struct lc_recovery *r, const char *fmt, ...)
{
    if (r->report->damaged_places++ > 0)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->report->damage, sizeof r->report->damage, fmt, ap);
    va_end(ap);
}

/* ---- segments ---- */

/* A segment that cannot be read is left out, and left where it is. */
static lc_err open_segment(struct lc_recovery *r, struct lc_segment_meta *m,
                           struct lc_segment **ret)
{
    struct lc_store *s = r->store;
    struct lc_diag diag = {{0}, 0, 0};
    *ret = NULL;
    lc_err e = lc_segment_open(s->disk, s->seg_path, m->number, ret, &diag);
    if (e == LC_OK)
        return LC_OK;
    *ret = NULL;
    if (e != LC_ECORRUPT && e != -ENOENT) {
        lc_diag_set(r->diag, "%s/%016" PRIx64 ".seg: %s", s->seg_path, m->number, lc_strerror(e));
        return e;
    }
    r->report->damaged_octets += m->octets;
    r->report->lost_records += m->records;
    for (unsigned i = 0; i < m->shard_count; i++) {
        struct lc_found *found = &r->found[m->shards[i].shard];
        uint64_t last = lc_id_sequence(m->shards[i].max_id);
        found->gone = last > found->gone ? last : found->gone;
    }
    lc_recover_note(r, "segment %016" PRIx64 " with %" PRIu64 " records: %s", m->number, m->records,
                    diag.text[0] != '\0' ? diag.text : lc_strerror(e));
    return LC_OK;
}

static lc_err open_segments(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    struct lc_manifest_state *state = &s->manifest.state;
    struct lc_segment **open = calloc(state->segment_count + 1, sizeof(struct lc_segment *));
    lc_err e = open == NULL ? -ENOMEM : LC_OK;
    size_t count = 0;
    for (size_t i = 0; i < state->segment_count && e == LC_OK; i++) {
        struct lc_segment_meta *m = &state->segments[i];
        e = open_segment(r, m, &open[count]);
        if (e != LC_OK || open[count] == NULL)
            continue;
        count++;
        r->report->segments++;
        r->report->segment_octets += m->octets;
        r->report->segment_records += m->records;
    }
    if (e == LC_OK) {
        struct lc_version_change change = {.add = open, .add_count = count, .tables = state};
        e = lc_store_publish(s, &change);
    }
    for (size_t i = 0; i < count; i++)
        lc_segment_unref(open[i]);
    free(open);
    return e;
}

/* ---- the new run ---- */

static unsigned pending_sets(const struct lc_store *s, unsigned shard)
{
    unsigned count = 0;
    for (const struct lc_sealing *job = s->queue; job != NULL; job = job->next)
        count += job->shard == shard;
    return count;
}

/* The oldest sequence that is still stored, or may be. */
static uint64_t oldest_sequence(const struct lc_recovery *r, unsigned shard)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    uint64_t oldest = state->shards[shard].sealed + 1;
    for (size_t i = 0; i < state->segment_count; i++)
        for (unsigned k = 0; k < state->segments[i].shard_count; k++) {
            const struct lc_segment_shard *part = &state->segments[i].shards[k];
            if (part->shard == shard && lc_id_sequence(part->min_id) < oldest)
                oldest = lc_id_sequence(part->min_id);
        }
    return oldest;
}

/* Keeps the list of gaps short: of those that lie below everything stored, the oldest go. */
static void forget_gaps(const struct lc_recovery *r, unsigned shard, struct lc_edit *edit)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    size_t count = 0;
    for (size_t i = 0; i < state->gap_count; i++)
        count += state->gaps[i].shard == shard;
    uint64_t oldest = oldest_sequence(r, shard);
    uint64_t last = 0;
    for (size_t i = 0; i < state->gap_count && count > GAPS_MAX; i++) {
        if (state->gaps[i].shard != shard || lc_id_sequence(state->gaps[i].last) >= oldest)
            continue;
        last = state->gaps[i].last;
        count--;
    }
    if (last != 0)
        lc_edit_forget_gaps(edit, shard, last);
}

/* What the manifest says of a shard from now on. ret_first: the sequence that a writer of it goes
 * on with. */
static void edit_shard(const struct lc_recovery *r, unsigned shard, struct lc_edit *edit,
                       uint64_t *ret_first)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    const struct lc_found *found = &r->found[shard];
    struct lc_manifest_shard is = {.wal_start = 1, .reserved = 1};
    if (shard < state->shard_count)
        is = state->shards[shard];
    is.gone = found->gone;
    if (pending_sets(r->store, shard) == 0)
        is.wal_start = found->wal_end;
    *ret_first = found->last + 1 > is.reserved ? found->last + 1 : is.reserved;
    bool is_written = shard < r->store->config.writers;
    if (is_written)
        is.reserved = *ret_first + STEP_FIRST;
    lc_edit_shard(edit, shard, &is);
    if (is_written && found->last + 1 < *ret_first) {
        struct lc_id_gap gap = {shard, lc_id_make(found->last + 1, shard),
                                lc_id_make(*ret_first - 1, shard)};
        lc_edit_add_gap(edit, &gap);
    }
    if (shard < state->shard_count)
        forget_gaps(r, shard, edit);
}

static lc_err init_shard(struct lc_recovery *r, unsigned number, uint64_t first)
{
    struct lc_store *s = r->store;
    struct lc_shard *shard = &s->shards[number];
    lc_err e = lc_shard_init(shard, s, number, first, s->manifest.state.shards[number].reserved,
                             r->found[number].wal_end);
    if (e != LC_OK)
        return e;
    shard->closed = pending_sets(s, number);
    s->shard_count++;
    return LC_OK;
}

/* Makes the new run durable: nothing of the old one is removed before. */
static lc_err begin_run(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    uint64_t *firsts = calloc(r->shard_count, sizeof *firsts);
    if (firsts == NULL)
        return -ENOMEM;
    struct lc_edit edit;
    lc_edit_init(&edit);
    for (unsigned i = 0; i < r->shard_count; i++) {
        lc_replay_account(r, i);
        edit_shard(r, i, &edit, &firsts[i]);
    }
    lc_edit_move_senders(&edit, &s->senders);
    lc_err e = lc_manifest_rewrite(&s->manifest, &edit);
    lc_edit_done(&edit);
    if (e != LC_OK)
        lc_diag_set(r->diag, "%s/MANIFEST: %s", s->dir_path, lc_strerror(e));
    struct lc_version_change change = {.tables = &s->manifest.state};
    if (e == LC_OK)
        e = lc_store_publish(s, &change);
    s->is_recovering = e != LC_OK;
    for (unsigned i = 0; i < s->config.writers && e == LC_OK; i++)
        e = init_shard(r, i, firsts[i]);
    free(firsts);
    return e;
}

/* ---- orphans ---- */

static void remove_file(struct lc_recovery *r, const char *path)
{
    /* One that stays is tried again at the next opening. */
    if (r->store->disk->unlink(r->store->disk->state, path) == LC_OK)
        r->report->orphans_removed++;
}

static void remove_orphan_wal(void *arg, const char *name)
{
    struct lc_recovery *r = arg;
    const struct lc_manifest_state *state = &r->store->manifest.state;
    unsigned shard;
    uint64_t number;
    char path[LC_PATH_MAX];
    if (lc_wal_name(name, &shard, &number) && shard < state->shard_count &&
        number < state->shards[shard].wal_start &&
        lc_wal_path(r->store->wal_path, shard, number, path) == LC_OK)
        remove_file(r, path);
}

/* Under a name that is left alone, for the operator; durable with the next seal. */
static void set_aside(struct lc_recovery *r, const char *path)
{
    char kept[LC_PATH_MAX];
    const struct lc_disk *disk = r->store->disk;
    if (lc_path(kept, "%s.kept", path) == LC_OK && disk->rename(disk->state, path, kept) == LC_OK)
        lc_recover_note(r, "%s: no edit of MANIFEST names it, and the last one is cut short", kept);
}

/* An edit cut short was mostly never durable, and its segment's records are still elsewhere. But
 * rot in the last edit looks the same, and then that segment is all there is of them. */
static void remove_orphans(struct lc_recovery *r, bool is_manifest_torn)
{
    struct lc_store *s = r->store;
    char path[LC_PATH_MAX];
    for (size_t i = 0; i < r->segment_count; i++) {
        if (lc_manifest_segment(&s->manifest.state, r->segments[i]) != NULL ||
            lc_segment_path(s->seg_path, r->segments[i], path) != LC_OK)
            continue;
        if (is_manifest_torn && r->report->lost_records > 0)
            set_aside(r, path);
        else
            remove_file(r, path);
    }
    (void)s->disk->list(s->disk->state, s->wal_path, remove_orphan_wal, r);
}

static lc_err prepare(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    lc_err e = list_files(r);
    if (e == LC_OK)
        e = load_manifest(r);
    if (e != LC_OK)
        return e;
    number_segments(r);
    s->is_recovering = true;
    e = load_senders(s);
    if (e != LC_OK)
        return e;
    const struct lc_manifest_state *state = &s->manifest.state;
    r->shard_count =
        state->shard_count > s->config.writers ? state->shard_count : s->config.writers;
    r->found = calloc(r->shard_count, sizeof *r->found);
    if (r->found == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < r->shard_count; i++) {
        bool is_old = i < state->shard_count;
        r->found[i] = (struct lc_found){
            .last = is_old ? state->shards[i].sealed : 0,
            .gone = is_old ? state->shards[i].gone : 0,
            .wal_end = is_old ? state->shards[i].wal_start : 1,
        };
    }
    return open_segments(r);
}

lc_err lc_recover(struct lc_store *s, struct lc_store_report *report, struct lc_diag *diag)
{
    struct lc_recovery r = {.store = s, .report = report, .diag = diag};
    lc_err e = prepare(&r);
    bool is_manifest_torn = s->manifest.torn_octets > 0; /* the next edit writes a new one */
    if (e == LC_OK)
        e = lc_replay(&r);
    if (e == LC_OK)
        e = begin_run(&r);
    if (e == LC_OK)
        remove_orphans(&r, is_manifest_torn);
    if (report->lost_records > 0 && report->damaged_places == 0)
        lc_recover_note(&r, "%" PRIu64 " records are in no file", report->lost_records);
    lc_set_unref(r.set);
    free(r.found);
    free(r.segments);
    free(r.wals);
    return e;
}
