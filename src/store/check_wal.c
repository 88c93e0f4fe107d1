/* SPDX-License-Identifier: Apache-2.0
 *
 * store/check_wal.c - WAL files as a start would read them, and which sequences are in none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "store/check_impl.h"
#include "store/wal_format.h"

#define NOT_KNOWN UINT64_MAX

struct checking {
    struct lc_check *check;
    const struct lc_wal_file *f;
    char file[40];
    uint64_t last; /* of the shard: the last sequence that is accounted for; or NOT_KNOWN */
};

static void name_file(struct checking *k, const struct lc_wal_file *f)
{
    k->f = f;
    snprintf(k->file, sizeof k->file, "wal/%04x-%016" PRIx64 ".wal", f->shard, f->number);
}

static lc_err read_file(const struct checking *k, struct lc_slice *ret)
{
    return lc_file_read(k->check->disk, k->check->dir_path, k->file, ret);
}

static void tell_unreadable(struct checking *k, lc_err e)
{
    const struct lc_damage d = {.kind = LC_DAMAGE_WAL, .file = k->file, .min_time_ns = 1};
    lc_check_tell(k->check, &d, "it cannot be read: %s", lc_strerror(e));
}

static void free_file(struct lc_slice file)
{
    free((void *)(uintptr_t)file.p);
}

/* ---- what does not follow on what was there before ---- */

static void note_lost(struct checking *k, unsigned shard, uint64_t sequence)
{
    if (k->last == NOT_KNOWN || sequence == k->last + 1)
        return;
    uint64_t expected = lc_manifest_after_gaps(&k->check->state, shard, k->last);
    if (sequence <= expected)
        return;
    const struct lc_segment_shard part = {shard, sequence - expected, lc_id_make(expected, shard),
                                          lc_id_make(sequence - 1, shard)};
    const struct lc_damage d = {.kind = LC_DAMAGE_LOST,
                                .file = k->file,
                                .records = part.records,
                                .parts = &part,
                                .part_count = 1,
                                .min_time_ns = 1};
    lc_check_tell(k->check, &d, "records that should stand before what it holds are in no file");
}

/* Gaps of earlier runs show up to where records have been. */
static void account(struct checking *k, unsigned shard)
{
    const struct lc_manifest_state *state = &k->check->state;
    for (size_t i = 0; i < state->gap_count; i++) {
        const struct lc_id_gap *gap = &state->gaps[i];
        if (gap->shard != shard || lc_id_sequence(gap->last) <= k->last)
            continue;
        snprintf(k->file, sizeof k->file, "wal");
        note_lost(k, shard, lc_id_sequence(gap->first));
        k->last = lc_id_sequence(gap->last);
    }
}

/* ---- one file ---- */

static lc_err check_records(struct checking *k, struct lc_wal_reader *reader)
{
    struct lc_check *c = k->check;
    struct lc_field fields[LC_FIELDS_MAX];
    struct lc_record rec;
    lc_err e;
    while ((e = lc_wal_next(reader, fields, &rec)) == LC_OK) {
        uint64_t sequence = lc_id_sequence(rec.id);
        bool is_new;
        if (k->last != NOT_KNOWN && sequence <= k->last)
            continue;
        note_lost(k, k->f->shard, sequence);
        k->last = sequence;
        e = lc_seen_add(&c->seen, rec.id, &is_new);
        if (e != LC_OK)
            return e;
        c->report->wal_records += is_new;
        lc_check_times(c, rec.time_ns, rec.time_ns);
    }
    return e == LC_EEND ? LC_OK : e;
}

static void tell_octets(struct checking *k, const struct lc_wal_reader *reader, bool has_header)
{
    struct lc_damage d = {.kind = LC_DAMAGE_WAL,
                          .file = k->file,
                          .offset = reader->damaged_at,
                          .octets = reader->damaged_octets,
                          .min_time_ns = 1};
    if (reader->damaged_places > 0)
        lc_check_tell(k->check, &d,
                      "octets in %" PRIu64 " places are damaged, the first of them here",
                      reader->damaged_places);
    else if (!has_header && reader->file.n >= LC_WAL_HEADER_SIZE)
        lc_check_tell(k->check, &d, "its header is damaged");
    d.kind = LC_NOTE_TORN;
    d.octets = reader->torn_octets;
    d.offset = reader->file.n - reader->torn_octets;
    if (reader->torn_octets > 0)
        lc_check_tell(k->check, &d,
                      "its end was cut short by a crash, and was never acknowledged; or the last "
                      "write was damaged later: that looks the same");
}

/* Which store a file is of, where the manifest does not tell. */
static uint64_t store_of(const struct lc_check *c, struct lc_slice file)
{
    if (c->has_state || file.n < LC_WAL_HEADER_SIZE)
        return c->state.store;
    struct lc_reader in = lc_reader(lc_slice_from(file, LC_WAL_STORE_AT));
    return lc_read_u64_le(&in);
}

static lc_err check_file(struct checking *k)
{
    struct lc_slice file;
    lc_err e = read_file(k, &file);
    if (lc_check_is_damage(e)) {
        tell_unreadable(k, e);
        return LC_OK;
    }
    if (e != LC_OK)
        return e;
    const struct lc_wal_id id = {store_of(k->check, file), k->f->shard, k->f->number};
    uint64_t durable;
    lc_err header = lc_wal_header(file, &id, &durable);
    struct lc_wal_reader reader;
    e = header == LC_EVERSION ? header : lc_wal_reader_init(&reader, file, &id);
    if (e == LC_OK) {
        reader.limit = k->f->limit;
        e = check_records(k, &reader);
        tell_octets(k, &reader, header == LC_OK);
        lc_wal_reader_done(&reader);
    }
    k->check->report->wal_files++;
    k->check->report->wal_octets += file.n;
    lc_check_progress(k->check, file.n);
    free_file(file);
    return e;
}

/* ---- all of them ---- */

/* Up to where the files before this one count: its header says so, or its first record does. */
static lc_err find_beginning(struct checking *k, uint64_t *ret)
{
    struct lc_slice file;
    lc_err e = read_file(k, &file);
    *ret = UINT64_MAX;
    if (e != LC_OK)
        return lc_check_is_damage(e) ? LC_OK : e;
    const struct lc_wal_id id = {store_of(k->check, file), k->f->shard, k->f->number};
    if (lc_wal_header(file, &id, ret) == LC_ECORRUPT) {
        struct lc_wal_reader reader;
        struct lc_field fields[LC_FIELDS_MAX];
        struct lc_record rec;
        e = lc_wal_reader_init(&reader, file, &id);
        if (e == LC_OK && lc_wal_next(&reader, fields, &rec) == LC_OK)
            *ret = lc_id_sequence(rec.id) - 1;
        if (e == LC_OK)
            lc_wal_reader_done(&reader);
    }
    free_file(file);
    return e;
}

static lc_err find_limits(struct lc_check *c)
{
    for (size_t i = c->wal_count; i-- > 1;) {
        struct checking k = {.check = c};
        struct lc_wal_file *f = &c->wals[i];
        uint64_t durable;
        if (f[-1].shard != f->shard)
            continue;
        name_file(&k, f);
        lc_err e = find_beginning(&k, &durable);
        if (e != LC_OK)
            return e;
        f[-1].limit = durable < f->limit ? durable : f->limit;
    }
    return LC_OK;
}

static lc_err check_shard(struct lc_check *c, unsigned shard, size_t *at)
{
    struct checking k = {.check = c, .last = NOT_KNOWN};
    if (c->has_state)
        k.last = c->state.shards[shard].sealed;
    for (; *at < c->wal_count && c->wals[*at].shard == shard; ++*at) {
        name_file(&k, &c->wals[*at]);
        lc_err e = check_file(&k);
        if (e != LC_OK) {
            lc_diag_set(c->diag, "%s/%s: %s", c->dir_path, k.file, lc_strerror(e));
            return e;
        }
    }
    if (c->has_state)
        account(&k, shard);
    return LC_OK;
}

lc_err lc_check_wals(struct lc_check *c)
{
    lc_err e = find_limits(c);
    unsigned shards = c->has_state ? c->state.shard_count : LC_SHARDS_MAX;
    size_t at = 0;
    for (unsigned shard = 0; shard < shards && e == LC_OK; shard++)
        e = check_shard(c, shard, &at);
    return e;
}
