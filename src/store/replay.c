/* SPDX-License-Identifier: Apache-2.0
 *
 * store/replay.c - what the WAL files hold that is in no segment yet.
 */
#include "store/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PENDING_SHARE 4u /* replayed sets may take this part of the memory */

static struct lc_wal_id wal_id(const struct lc_recovery *r, const struct lc_wal_file *f)
{
    return (struct lc_wal_id){r->store->manifest.state.store, f->shard, f->number};
}

/* The whole file, and a reader of it. */
static lc_err open_wal(const struct lc_recovery *r, const struct lc_wal_file *f,
                       struct lc_wal_reader *ret)
{
    char name[64];
    snprintf(name, sizeof name, "%04x-%016" PRIx64 ".wal", f->shard, f->number);
    struct lc_slice octets;
    lc_err e = lc_file_read(r->store->disk, r->store->wal_path, name, &octets);
    if (e != LC_OK)
        return e;
    struct lc_wal_id id = wal_id(r, f);
    e = lc_wal_reader_init(ret, octets, &id);
    if (e != LC_OK)
        free((void *)(uintptr_t)octets.p);
    return e;
}

static void close_wal(struct lc_wal_reader *reader)
{
    free((void *)(uintptr_t)reader->file.p);
    lc_wal_reader_done(reader);
}

/* Durable, and then read: what is seen from here on must stay. */
static lc_err sync_wal(struct lc_recovery *r, const struct lc_wal_file *f, uint64_t *ret_durable)
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
    if (e == LC_OK)
        s->disk->forget(s->disk->state, file);
    int64_t got = e == LC_OK ? s->disk->read(s->disk->state, file, octets, sizeof octets, 0) : e;
    s->disk->close(s->disk->state, file);
    if (got < 0)
        return (lc_err)got;
    struct lc_wal_id id = wal_id(r, f);
    return lc_wal_header(lc_slice(octets, (size_t)got), &id, ret_durable);
}

/* A file begins behind what was durable: where its header is damaged, its first record says so. */
static lc_err find_beginning(struct lc_recovery *r, const struct lc_wal_file *f,
                             uint64_t *ret_durable)
{
    struct lc_wal_reader reader;
    lc_err e = open_wal(r, f, &reader);
    if (e != LC_OK)
        return e;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record rec;
    if (lc_wal_next(&reader, fields, &rec) == LC_OK)
        *ret_durable = lc_id_sequence(rec.id) - 1;
    close_wal(&reader);
    return LC_OK;
}

/* Files that are left from before the shard's WAL began, or are of no shard of ours, do not count.
 */
static void drop_stale(struct lc_recovery *r)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    size_t kept = 0;
    for (size_t i = 0; i < r->wal_count; i++) {
        const struct lc_wal_file *f = &r->wals[i];
        if (f->shard < state->shard_count && f->number >= state->shards[f->shard].wal_start)
            r->wals[kept++] = *f;
    }
    r->wal_count = kept;
}

/* Each file says how far those before it count. */
static lc_err find_limits(struct lc_recovery *r)
{
    struct lc_store *s = r->store;
    if (r->wal_count > 0) {
        lc_err e = s->disk->sync_dir(s->disk->state, s->wal_path, LC_SYNC_WAL_RECOVER_DIR);
        if (e != LC_OK)
            return e;
    }
    for (size_t i = r->wal_count; i-- > 0;) {
        struct lc_wal_file *f = &r->wals[i];
        uint64_t durable = UINT64_MAX;
        lc_err e = sync_wal(r, f, &durable);
        if (e == LC_ECORRUPT)
            e = find_beginning(r, f, &durable);
        if (e != LC_OK)
            return e;
        if (i > 0 && f[-1].shard == f->shard)
            f[-1].limit = durable < f->limit ? durable : f->limit;
    }
    return LC_OK;
}

/* The replayed set waits to be sealed; it is visible meanwhile. */
static lc_err close_set(struct lc_recovery *r, unsigned shard, uint64_t wal_end)
{
    struct lc_store *s = r->store;
    struct lc_set *set = r->set;
    if (set == NULL)
        return LC_OK;
    r->set = NULL;
    lc_set_commit(set, lc_set_appended(set));
    uint64_t octets = lc_set_octets(set); /* about what its files hold */
    struct lc_version_change change = {.add_set = set};
    lc_err e = lc_store_publish(s, &change);
    if (e == LC_OK)
        e = lc_seal_later(s, shard, set, wal_end, octets);
    if (e == LC_OK)
        atomic_fetch_add_explicit(&s->wal_octets, octets, memory_order_acq_rel);
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

static lc_err keep_record(struct lc_recovery *r, const struct lc_wal_file *f,
                          const struct lc_record *rec)
{
    uint64_t sequence = lc_id_sequence(rec->id);
    for (;;) {
        if (r->set == NULL) {
            lc_err e = lc_set_new(f->shard, r->store->set_octets, &r->set);
            if (e != LC_OK)
                return e;
        }
        lc_err e = lc_set_append(r->set, sequence, rec, NULL);
        if (e != LC_EWAIT)
            return e;
        e = close_set(r, f->shard, f->number);
        if (e != LC_OK)
            return e;
    }
}

static void note_lost(struct lc_recovery *r, unsigned shard, uint64_t sequence)
{
    struct lc_found *found = &r->found[shard];
    if (sequence == found->last + 1)
        return;
    uint64_t expected = lc_manifest_after_gaps(&r->store->manifest.state, shard, found->last);
    if (sequence <= expected)
        return;
    r->report->lost_records += sequence - expected;
    found->gone = sequence - 1;
}

/* Gaps of earlier runs show up to where records have been, whatever became of their files. */
void lc_replay_account(struct lc_recovery *r, unsigned shard)
{
    const struct lc_manifest_state *state = &r->store->manifest.state;
    struct lc_found *found = &r->found[shard];
    for (size_t i = 0; i < state->gap_count; i++) {
        const struct lc_id_gap *gap = &state->gaps[i];
        if (gap->shard != shard || lc_id_sequence(gap->last) <= found->last)
            continue;
        note_lost(r, shard, lc_id_sequence(gap->first));
        found->last = lc_id_sequence(gap->last);
    }
}

static lc_err replay_records(struct lc_recovery *r, const struct lc_wal_file *f,
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

static void report_file(struct lc_recovery *r, const struct lc_wal_file *f,
                        const struct lc_wal_reader *reader)
{
    r->report->wal_files++;
    r->report->torn_octets += reader->torn_octets;
    r->report->damaged_octets += reader->damaged_octets;
    if (reader->damaged_places == 0)
        return;
    lc_recover_note(
        r, "%04x-%016" PRIx64 ".wal: %" PRIu64 " octets in %" PRIu64 " places, the first at %zu",
        f->shard, f->number, reader->damaged_octets, reader->damaged_places, reader->damaged_at);
    r->report->damaged_places += reader->damaged_places - 1;
}

static void on_sender(void *arg, const struct lc_sender_id *id, const struct lc_sender_position *at)
{
    struct lc_recovery *r = arg;
    lc_err e = lc_store_move_sender(r->store, id, at);
    if (e != LC_OK)
        r->err = e;
}

static lc_err replay_file(struct lc_recovery *r, const struct lc_wal_file *f)
{
    struct lc_wal_reader reader;
    lc_err e = open_wal(r, f, &reader);
    if (e != LC_OK)
        return e;
    reader.limit = f->limit;
    reader.on_sender = on_sender;
    reader.on_sender_arg = r;
    e = replay_records(r, f, &reader);
    if (e == LC_OK)
        e = r->err;
    report_file(r, f, &reader);
    close_wal(&reader);
    return e;
}

lc_err lc_replay(struct lc_recovery *r)
{
    drop_stale(r);
    lc_err e = find_limits(r);
    for (size_t i = 0; i < r->wal_count && e == LC_OK; i++) {
        const struct lc_wal_file *f = &r->wals[i];
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
