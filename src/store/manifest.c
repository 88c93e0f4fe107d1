/* SPDX-License-Identifier: Apache-2.0
 *
 * store/manifest.c - the file of edits: read whole, appended to, rewritten.
 */
#include "store/manifest.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "store/path.h"

#define MAGIC          UINT64_C(0x0A0D494E414D434C) /* "LCMANI\r\n" */
#define VERSION        2u
#define VERSION_MIN    1u /* the oldest that can be read; it has no senders */
#define HEADER_SIZE    24u
#define EDIT_MAGIC     0x6465434Cu /* "LCed" */
#define EDIT_SIZE      20u         /* in front of its operations */
#define EDIT_CRC_AT    4u
#define EDIT_CRC_FROM  8u
#define REWRITE_OCTETS (UINT64_C(256) << 10)

/* ---- reading ---- */

static lc_err parse_header(struct lc_reader *in, uint64_t *ret_store, struct lc_diag *diag)
{
    struct lc_slice covered = lc_slice(in->p, HEADER_SIZE - sizeof(uint32_t));
    uint64_t magic = lc_read_u64_le(in);
    uint32_t version = lc_read_u32_le(in);
    uint64_t store = lc_read_u64_le(in);
    uint32_t crc = lc_read_u32_le(in);
    if (in->err != LC_OK || magic != MAGIC || crc != lc_crc32c(0, covered)) {
        lc_diag_set(diag, "MANIFEST: its header is damaged");
        return LC_ECORRUPT;
    }
    if (version < VERSION_MIN || version > VERSION) {
        lc_diag_set(diag, "MANIFEST: written by version %u, this program knows %u", version,
                    VERSION);
        return LC_EVERSION;
    }
    *ret_store = store;
    return LC_OK;
}

/* The edit at the front of `s`. False: there is no valid one. */
static bool parse_edit(struct lc_slice s, uint64_t *ret_number, struct lc_slice *ret_ops)
{
    struct lc_reader in = lc_reader(s);
    uint32_t magic = lc_read_u32_le(&in);
    uint32_t crc = lc_read_u32_le(&in);
    const uint8_t *covered = in.p;
    uint64_t number = lc_read_u64_le(&in);
    struct lc_slice ops = lc_read_bytes(&in, lc_read_u32_le(&in));
    if (in.err != LC_OK || magic != EDIT_MAGIC ||
        crc != lc_crc32c(0, lc_slice(covered, (size_t)(in.p - covered))))
        return false;
    *ret_number = number;
    *ret_ops = ops;
    return true;
}

static bool has_edit_after(struct lc_slice s, uint64_t number)
{
    for (size_t at = 1; at < s.n; at++) {
        uint64_t found;
        struct lc_slice ops;
        if (s.p[at] == (EDIT_MAGIC & 0xFF) && parse_edit(lc_slice_from(s, at), &found, &ops) &&
            found > number)
            return true;
    }
    return false;
}

static lc_err parse_edits(struct lc_slice file, struct lc_manifest_state *s, size_t *ret_torn,
                          struct lc_diag *diag)
{
    size_t at = HEADER_SIZE;
    uint64_t expected = 1;
    *ret_torn = 0;
    while (at < file.n) {
        uint64_t number;
        struct lc_slice ops;
        struct lc_slice rest = lc_slice_from(file, at);
        if (!parse_edit(rest, &number, &ops) || number != expected) {
            *ret_torn = rest.n;
            /* The first edit was durable before the file had its name: it cannot be torn. */
            if (expected > 1 && !has_edit_after(rest, expected))
                return LC_OK;
            lc_diag_set(diag, "MANIFEST: damaged at offset %zu", at);
            return LC_ECORRUPT;
        }
        lc_err e = lc_manifest_apply(s, ops);
        if (e != LC_OK) {
            lc_diag_set(diag, "MANIFEST: the edit at offset %zu: %s", at, lc_strerror(e));
            return e;
        }
        at += EDIT_SIZE + ops.n;
        expected++;
    }
    if (expected > 1)
        return LC_OK;
    lc_diag_set(diag, "MANIFEST: it is cut short");
    return LC_ECORRUPT;
}

lc_err lc_manifest_parse(struct lc_slice file, struct lc_manifest_state *ret, size_t *ret_torn,
                         struct lc_diag *diag)
{
    struct lc_reader in = lc_reader(file);
    struct lc_manifest_state s = {0};
    lc_err e = parse_header(&in, &s.store, diag);
    if (e == LC_OK)
        e = parse_edits(file, &s, ret_torn, diag);
    if (e != LC_OK) {
        lc_manifest_state_done(&s);
        return e;
    }
    *ret = s;
    return LC_OK;
}

lc_err lc_manifest_load(struct lc_manifest *m, const struct lc_disk *disk, const char *dir,
                        struct lc_diag *diag)
{
    struct lc_slice file = {0};
    struct lc_manifest_state state;
    size_t torn = 0;
    lc_err e = lc_file_read(disk, dir, "MANIFEST", &file);
    if (e == LC_OK)
        e = lc_manifest_parse(file, &state, &torn, diag);
    else if (e != -ENOENT)
        lc_diag_set(diag, "%s/MANIFEST: %s", dir, lc_strerror(e));
    free((void *)(uintptr_t)file.p);
    if (e != LC_OK)
        return e;
    lc_manifest_create(m, disk, dir, state.store);
    m->state = state;
    m->torn_octets = torn;
    return LC_OK;
}

/* ---- writing ---- */

void lc_manifest_create(struct lc_manifest *m, const struct lc_disk *disk, const char *dir,
                        uint64_t store)
{
    *m = (struct lc_manifest){.disk = disk, .dir = dir, .state = {.store = store}};
}

static void give_up_file(struct lc_manifest *m)
{
    if (m->file != NULL)
        m->disk->close(m->disk->state, m->file);
    m->file = NULL;
}

void lc_manifest_done(struct lc_manifest *m)
{
    give_up_file(m);
    lc_manifest_state_done(&m->state);
}

static lc_err write_header(struct lc_manifest *m)
{
    uint8_t octets[HEADER_SIZE];
    struct lc_writer w = lc_writer(octets, sizeof octets);
    lc_write_u64_le(&w, MAGIC);
    lc_write_u32_le(&w, VERSION);
    lc_write_u64_le(&w, m->state.store);
    lc_write_u32_le(&w, lc_crc32c(0, lc_writer_done(&w)));
    LC_ASSERT(w.err == LC_OK && w.p == w.end);
    struct lc_slice part = lc_writer_done(&w);
    m->offset = part.n;
    m->edits = 0;
    return m->disk->write(m->disk->state, m->file, &part, 1, 0);
}

static lc_err append_edit(struct lc_manifest *m, struct lc_slice ops, enum lc_sync_point point)
{
    uint8_t front[EDIT_SIZE];
    struct lc_writer w = lc_writer(front, sizeof front);
    lc_write_u32_le(&w, EDIT_MAGIC);
    lc_write_u32_le(&w, 0); /* the checksum comes last */
    lc_write_u64_le(&w, m->edits + 1);
    lc_write_u32_le(&w, (uint32_t)ops.n);
    LC_ASSERT(w.err == LC_OK && w.p == w.end);
    uint32_t crc = lc_crc32c(0, lc_slice(front + EDIT_CRC_FROM, EDIT_SIZE - EDIT_CRC_FROM));
    crc = lc_crc32c(crc, ops);
    w = lc_writer(front + EDIT_CRC_AT, sizeof crc);
    lc_write_u32_le(&w, crc);

    struct lc_slice parts[] = {lc_slice(front, sizeof front), ops};
    lc_err e = m->disk->write(m->disk->state, m->file, parts, LC_ARRAY_LEN(parts), m->offset);
    if (e == LC_OK)
        e = m->disk->sync(m->disk->state, m->file, point);
    if (e == LC_OK) {
        m->offset += EDIT_SIZE + ops.n;
        m->edits++;
    }
    return e;
}

static lc_err write_new(struct lc_manifest *m, const char *path, const struct lc_edit *everything)
{
    /* What is left of an earlier try; nobody has ever read it. */
    lc_err e = m->disk->unlink(m->disk->state, path);
    if (e != LC_OK && e != -ENOENT)
        return e;
    e = m->disk->open(m->disk->state, path, LC_OPEN_CREATE, &m->file);
    if (e != LC_OK) {
        m->file = NULL;
        return e;
    }
    e = write_header(m);
    if (e == LC_OK)
        e = append_edit(m, lc_dynbuf_slice(&everything->ops), LC_SYNC_MANIFEST_FILE);
    return e;
}

/* `state` becomes the whole contents of a new file. */
static lc_err rewrite(struct lc_manifest *m, const struct lc_manifest_state *state)
{
    give_up_file(m);
    char path[LC_PATH_MAX], path_new[LC_PATH_MAX];
    lc_err e = lc_path(path, "%s/MANIFEST", m->dir);
    if (e == LC_OK)
        e = lc_path(path_new, "%s/MANIFEST.new", m->dir);
    if (e != LC_OK)
        return e;
    struct lc_edit everything;
    lc_edit_init(&everything);
    lc_edit_everything(&everything, state);
    e = everything.err;
    if (e == LC_OK)
        e = write_new(m, path_new, &everything);
    lc_edit_done(&everything);
    if (e == LC_OK)
        e = m->disk->rename(m->disk->state, path_new, path);
    if (e == LC_OK)
        e = m->disk->sync_dir(m->disk->state, m->dir, LC_SYNC_MANIFEST_DIR);
    if (e != LC_OK) {
        give_up_file(m);
        return e;
    }
    m->rewrite_at = m->offset * 2 > REWRITE_OCTETS ? m->offset * 2 : REWRITE_OCTETS;
    return LC_OK;
}

lc_err lc_manifest_rewrite(struct lc_manifest *m, const struct lc_edit *edit)
{
    give_up_file(m);
    return lc_manifest_edit(m, edit);
}

lc_err lc_manifest_edit(struct lc_manifest *m, const struct lc_edit *edit)
{
    if (edit->err != LC_OK)
        return edit->err;
    struct lc_manifest_state next;
    lc_err e = lc_manifest_next(&m->state, lc_dynbuf_slice(&edit->ops), &next);
    LC_ASSERT_SLOW(e != LC_ECORRUPT);
    if (e != LC_OK)
        return e;
    bool appended = m->file != NULL && m->offset < m->rewrite_at &&
                    append_edit(m, lc_dynbuf_slice(&edit->ops), LC_SYNC_MANIFEST_EDIT) == LC_OK;
    if (!appended)
        e = rewrite(m, &next);
    if (e != LC_OK) {
        lc_manifest_state_done(&next);
        return e;
    }
    lc_manifest_state_done(&m->state);
    m->state = next;
    return LC_OK;
}
