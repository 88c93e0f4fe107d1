/* SPDX-License-Identifier: Apache-2.0
 *
 * store/recover.c - opening what a run before has left, in order or not.
 *
 * The order matters, because this run can die at any point as well: nothing is removed before a
 * manifest that does not name it is durable, and what has only been written by the run before is
 * synced before anybody sees it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/internal.h"

#define STEP_FIRST    (UINT64_C(1) << 18) /* sequences reserved at a start */
#define GAPS_MAX      256u                /* of a shard, beyond which old ones can be forgotten */
#define PENDING_SHARE 4u                  /* replayed sets may take this part of the memory */

struct wal_file {
    unsigned shard;
    uint64_t number;
    uint64_t limit; /* the last sequence that counts, as files behind it say */
};

/* What was found of a shard. */
struct found {
    uint64_t last;    /* the last sequence that is sealed or replayed */
    uint64_t gone;    /* the last sequence that is lost or was removed */
    uint64_t wal_end; /* a number behind all of its files */
};

struct recovery {
    struct lc_store *store;
    struct lc_store_report *report;
    struct lc_diag *diag;
    struct wal_file *wals; /* by shard, then number */
    size_t wal_count;
    uint64_t *segments; /* numbers of files */
    size_t segment_count;
    lc_err err;          /* of a callback */
    struct found *found; /* by shard */
    unsigned shard_count;
    struct lc_set *set; /* being replayed; NULL: none is begun */
};

/* ---- what is there ---- */

/* Room for one more; doubles. */
static bool grow(void *p, size_t count, size_t size)
{
    void **array = p;
    if ((count & (count - 1)) != 0)
        return true;
    void *larger = reallocarray(*array, count == 0 ? 1 : 2 * count, size);
    if (larger == NULL)
        return false;
    *array = larger;
    return true;
}

static void note_wal(void *arg, const char *name)
{
    struct recovery *r = arg;
    struct wal_file f = {.limit = UINT64_MAX};
    if (!lc_wal_name(name, &f.shard, &f.number))
        return;
    if (!grow(&r->wals, r->wal_count, sizeof *r->wals))
        r->err = -ENOMEM;
    else
        r->wals[r->wal_count++] = f;
}

static void note_segment(void *arg, const char *name)
{
    struct recovery *r = arg;
    uint64_t number;
    char again[LC_PATH_MAX];
    if (sscanf(name, "%16" SCNx64, &number) != 1 || lc_segment_path(".", number, again) != LC_OK ||
        strcmp(again + strlen("./"), name) != 0)
        return;
    if (!grow(&r->segments, r->segment_count, sizeof *r->segments))
        r->err = -ENOMEM;
    else
        r->segments[r->segment_count++] = number;
}

static int wal_cmp(const void *a, const void *b)
{
    const struct wal_file *x = a, *y = b;
    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static lc_err list_files(struct recovery *r)
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
    uint64_t next = 1;
    for (size_t i = 0; i < r->segment_count; i++)
        if (r->segments[i] >= next)
            next = r->segments[i] + 1;
    atomic_store_explicit(&s->next_segment, next, memory_order_relaxed);
    return LC_OK;
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

static lc_err load_manifest(struct recovery *r)
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

/* ---- damage ---- */

LC_PRINTF(2, 3) static void note_damage(struct recovery *r, const char *fmt, ...)
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
static lc_err open_segment(struct recovery *r, struct lc_segment_meta *m, struct lc_segment **ret)
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
        struct found *found = &r->found[m->shards[i].shard];
        uint64_t last = lc_id_sequence(m->shards[i].max_id);
        found->gone = last > found->gone ? last : found->gone;
    }
    note_damage(r, "segment %016" PRIx64 " with %" PRIu64 " records: %s", m->number, m->records,
                diag.text[0] != '\0' ? diag.text : lc_strerror(e));
    return LC_OK;
}

static lc_err open_segments(struct recovery *r)
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

/* ---- WAL files ---- */

static struct lc_wal_id wal_id(const struct recovery *r, const struct wal_file *f)
{
    return (struct lc_wal_id){r->store->manifest.state.store, f->shard, f->number};
}

/* Durable, and then read: what is seen from here on must stay. */
static lc_err sync_wal(struct recovery *r, const struct wal_file *f, uint64_t *ret_durable)
{
    struct lc_store *s = r->store;
    char path[LC_PATH_MAX];
    lc_err e = lc_wal_path(s->wal_path, f->shard, f->number, path);
    if (e != LC_OK)
        return e;
    struct lc_file *file;
    e = s->disk->open(s->disk->state, path, LC_OPEN_WRITE, &file);
    if (e != LC_OK)
        return e;
    uint8_t octets[LC_WAL_HEADER_SIZE];
    e = s->disk->sync(s->disk->state, file, LC_SYNC_WAL_RECOVER);
    int64_t got = e == LC_OK ? s->disk->read(s->disk->state, file, octets, sizeof octets, 0) : e;
    s->disk->close(s->disk->state, file);
    if (got < 0)
        return (lc_err)got;
    struct lc_wal_id id = wal_id(r, f);
    return lc_wal_header(lc_slice(octets, (size_t)got), &id, ret_durable);
}

/* Files that are left from before the shard's WAL began, or are of no shard of ours, do not count.
 */
static void drop_stale(struct recovery *r)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    size_t kept = 0;
    for (size_t i = 0; i < r->wal_count; i++) {
        const struct wal_file *f = &r->wals[i];
        if (f->shard < state->shard_count && f->number >= state->shards[f->shard].wal_start)
            r->wals[kept++] = *f;
    }
    r->wal_count = kept;
}

/* Each file says how far those before it count. */
static lc_err find_limits(struct recovery *r)
{
    struct lc_store *s = r->store;
    if (r->wal_count > 0) {
        lc_err e = s->disk->sync_dir(s->disk->state, s->wal_path, LC_SYNC_WAL_RECOVER);
        if (e != LC_OK)
            return e;
    }
    for (size_t i = r->wal_count; i-- > 0;) {
        struct wal_file *f = &r->wals[i];
        uint64_t durable = UINT64_MAX;
        lc_err e = sync_wal(r, f, &durable);
        if (e != LC_OK && e != LC_ECORRUPT)
            return e;
        if (i > 0 && f[-1].shard == f->shard)
            f[-1].limit = durable < f->limit ? durable : f->limit;
    }
    return LC_OK;
}

/* The replayed set waits to be sealed; it is visible meanwhile. */
static lc_err close_set(struct recovery *r, unsigned shard, uint64_t wal_end)
{
    struct lc_store *s = r->store;
    struct lc_set *set = r->set;
    if (set == NULL)
        return LC_OK;
    r->set = NULL;
    lc_set_commit(set, lc_set_appended(set));
    struct lc_version_change change = {.add_set = set};
    lc_err e = lc_store_publish(s, &change);
    if (e == LC_OK)
        e = lc_seal_later(s, shard, set, wal_end);
    if (e != LC_OK) {
        lc_set_unref(set);
        return e;
    }
    uint64_t pending = 0;
    for (const struct lc_sealing *job = s->queue; job != NULL; job = job->next)
        pending += lc_set_octets(job->set);
    while (pending > s->config.memory / PENDING_SHARE && s->queue != NULL) {
        pending -= lc_set_octets(s->queue->set);
        e = lc_seal_step(s);
        if (e != LC_OK)
            return e;
    }
    return LC_OK;
}

static lc_err keep_record(struct recovery *r, const struct wal_file *f, const struct lc_record *rec)
{
    uint64_t sequence = lc_id_sequence(rec->id);
    for (;;) {
        if (r->set == NULL) {
            lc_err e = lc_set_new(f->shard, r->store->set_octets, &r->set);
            if (e != LC_OK)
                return e;
        }
        lc_err e = lc_set_append(r->set, sequence, rec);
        if (e != LC_EWAIT)
            return e;
        e = close_set(r, f->shard, f->number);
        if (e != LC_OK)
            return e;
    }
}

/* The first sequence behind `last` that a record can have had. */
static uint64_t expected_after(const struct recovery *r, unsigned shard, uint64_t last)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    uint64_t expected = last + 1;
    for (size_t i = 0; i < state->gap_count; i++) {
        const struct lc_id_gap *gap = &state->gaps[i];
        if (gap->shard == shard && lc_id_sequence(gap->first) <= expected &&
            lc_id_sequence(gap->last) >= expected)
            expected = lc_id_sequence(gap->last) + 1;
    }
    return expected;
}

static void note_lost(struct recovery *r, unsigned shard, uint64_t sequence)
{
    struct found *found = &r->found[shard];
    uint64_t expected = expected_after(r, shard, found->last);
    if (sequence <= expected)
        return;
    r->report->lost_records += sequence - expected;
    found->gone = sequence - 1;
}

static lc_err replay_records(struct recovery *r, const struct wal_file *f,
                             struct lc_wal_reader *reader)
{
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record rec;
    lc_err e;
    while ((e = lc_wal_next(reader, fields, &rec)) == LC_OK) {
        uint64_t sequence = lc_id_sequence(rec.id);
        if (sequence <= r->found[f->shard].last)
            continue;
        note_lost(r, f->shard, sequence);
        e = keep_record(r, f, &rec);
        if (e != LC_OK)
            return e;
        r->found[f->shard].last = sequence;
        r->report->wal_records++;
    }
    return e == LC_EEND ? LC_OK : e;
}

static void report_file(struct recovery *r, const char *name, const struct lc_wal_reader *reader)
{
    r->report->wal_files++;
    r->report->torn_octets += reader->torn_octets;
    r->report->damaged_octets += reader->damaged_octets;
    if (reader->damaged_places == 0)
        return;
    note_damage(r, "%s: %" PRIu64 " octets in %" PRIu64 " places, the first at %zu", name,
                reader->damaged_octets, reader->damaged_places, reader->damaged_at);
    r->report->damaged_places += reader->damaged_places - 1;
}

static lc_err replay_file(struct recovery *r, const struct wal_file *f)
{
    char name[64];
    snprintf(name, sizeof name, "%04x-%016" PRIx64 ".wal", f->shard, f->number);
    struct lc_slice file;
    lc_err e = lc_file_read(r->store->disk, r->store->wal_path, name, &file);
    if (e != LC_OK)
        return e;
    struct lc_wal_id id = wal_id(r, f);
    struct lc_wal_reader reader;
    e = lc_wal_reader_init(&reader, file, &id);
    if (e == LC_OK) {
        reader.limit = f->limit;
        e = replay_records(r, f, &reader);
        report_file(r, name, &reader);
        lc_wal_reader_done(&reader);
    }
    free((void *)(uintptr_t)file.p);
    return e;
}

static lc_err replay(struct recovery *r)
{
    lc_err e = find_limits(r);
    for (size_t i = 0; i < r->wal_count && e == LC_OK; i++) {
        const struct wal_file *f = &r->wals[i];
        r->found[f->shard].wal_end = f->number + 1;
        e = replay_file(r, f);
        bool is_last = i + 1 == r->wal_count || f[1].shard != f->shard;
        if (e == LC_OK && is_last)
            e = close_set(r, f->shard, f->number + 1);
    }
    if (e != LC_OK)
        lc_diag_set(r->diag, "%s: %s", r->store->wal_path, lc_strerror(e));
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
static uint64_t oldest_sequence(const struct recovery *r, unsigned shard)
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
static void forget_gaps(const struct recovery *r, unsigned shard, struct lc_edit *edit)
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
static void edit_shard(const struct recovery *r, unsigned shard, struct lc_edit *edit,
                       uint64_t *ret_first)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    const struct found *found = &r->found[shard];
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
    uint64_t expected = expected_after(r, shard, found->last);
    if (is_written && expected < *ret_first) {
        struct lc_id_gap gap = {shard, lc_id_make(expected, shard),
                                lc_id_make(*ret_first - 1, shard)};
        lc_edit_add_gap(edit, &gap);
    }
    if (shard < state->shard_count)
        forget_gaps(r, shard, edit);
}

static lc_err init_shard(struct recovery *r, unsigned number, uint64_t first)
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
static lc_err begin_run(struct recovery *r)
{
    struct lc_store *s = r->store;
    uint64_t *firsts = calloc(r->shard_count, sizeof *firsts);
    if (firsts == NULL)
        return -ENOMEM;
    struct lc_edit edit;
    lc_edit_init(&edit);
    for (unsigned i = 0; i < r->shard_count; i++)
        edit_shard(r, i, &edit, &firsts[i]);
    lc_err e = lc_manifest_rewrite(&s->manifest, &edit);
    lc_edit_done(&edit);
    if (e != LC_OK)
        lc_diag_set(r->diag, "%s/MANIFEST: %s", s->dir_path, lc_strerror(e));
    struct lc_version_change change = {.tables = &s->manifest.state};
    if (e == LC_OK)
        e = lc_store_publish(s, &change);
    for (unsigned i = 0; i < s->config.writers && e == LC_OK; i++)
        e = init_shard(r, i, firsts[i]);
    free(firsts);
    return e;
}

/* ---- orphans ---- */

static bool is_named(const struct lc_manifest_state *state, uint64_t segment)
{
    for (size_t i = 0; i < state->segment_count; i++)
        if (state->segments[i].number == segment)
            return true;
    return false;
}

static void remove_file(struct recovery *r, const char *path)
{
    /* One that stays is tried again at the next opening. */
    if (r->store->disk->unlink(r->store->disk->state, path) == LC_OK)
        r->report->orphans_removed++;
}

static void remove_orphan_wal(void *arg, const char *name)
{
    struct recovery *r = arg;
    const struct lc_manifest_state *state = &r->store->manifest.state;
    unsigned shard;
    uint64_t number;
    char path[LC_PATH_MAX];
    if (lc_wal_name(name, &shard, &number) && shard < state->shard_count &&
        number < state->shards[shard].wal_start &&
        lc_wal_path(r->store->wal_path, shard, number, path) == LC_OK)
        remove_file(r, path);
}

static void remove_orphans(struct recovery *r)
{
    struct lc_store *s = r->store;
    char path[LC_PATH_MAX];
    for (size_t i = 0; i < r->segment_count; i++)
        if (!is_named(&s->manifest.state, r->segments[i]) &&
            lc_segment_path(s->seg_path, r->segments[i], path) == LC_OK)
            remove_file(r, path);
    (void)s->disk->list(s->disk->state, s->wal_path, remove_orphan_wal, r);
}

static lc_err prepare(struct recovery *r)
{
    struct lc_store *s = r->store;
    lc_err e = list_files(r);
    if (e == LC_OK)
        e = load_manifest(r);
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
        r->found[i] = (struct found){
            .last = is_old ? state->shards[i].sealed : 0,
            .gone = is_old ? state->shards[i].gone : 0,
            .wal_end = is_old ? state->shards[i].wal_start : 1,
        };
    }
    drop_stale(r);
    return open_segments(r);
}

lc_err lc_recover(struct lc_store *s, struct lc_store_report *report, struct lc_diag *diag)
{
    struct recovery r = {.store = s, .report = report, .diag = diag};
    lc_err e = prepare(&r);
    if (e == LC_OK)
        e = replay(&r);
    if (e == LC_OK)
        e = begin_run(&r);
    if (e == LC_OK)
        remove_orphans(&r);
    lc_set_unref(r.set);
    free(r.found);
    free(r.segments);
    free(r.wals);
    return e;
}
