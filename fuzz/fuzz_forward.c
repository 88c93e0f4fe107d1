/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_forward.c - a stream of Fluentd's forward protocol: cut anywhere its messages are the
 * same, every slice lies where it may, and what is written as JSON text is JSON.
 *
 * The first octet says where the stream is cut.
 */
#include "proto/forward.h"
#include "proto/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct lc_members members;
static struct lc_forward_reader reader;

static bool lies_in(struct lc_slice s, const void *p, size_t n)
{
    return s.n == 0 ||
           (s.p >= (const uint8_t *)p && s.n <= n && (size_t)(s.p - (const uint8_t *)p) <= n - s.n);
}

static void check_json(struct lc_slice entry)
{
    static uint8_t memory[1 << 20];
    struct lc_dynbuf json = {memory, 0, sizeof memory, sizeof memory};
    if (lc_msgpack_json(entry, &json) != LC_OK)
        return;
    struct lc_json_reader r = lc_json_reader(lc_dynbuf_slice(&json));
    struct lc_json_token t;
    lc_err e;
    while ((e = lc_json_next(&r, &t)) == LC_OK)
        ;
    LC_ASSERT(e == LC_EEND);
}

static void check_slice(struct lc_slice s, const struct lc_forward *f, struct lc_slice entry)
{
    static const char words[] = "true false tag";
    LC_ASSERT(lies_in(s, entry.p, entry.n) || lies_in(s, members.memory, members.text.n) ||
              lies_in(s, f->tag.p, f->tag.n) || s.n <= sizeof words);
}

static void check_entry(const struct lc_forward *f, struct lc_slice entry)
{
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    struct lc_unplaced unplaced;
    LC_ASSERT(entry.n > 0);
    check_json(entry);
    lc_err e = lc_forward_record(f, entry, &members, &r, &unplaced);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_ESYNTAX);
        return;
    }
    LC_ASSERT(r.field_count <= LC_FIELDS_MAX);
    LC_ASSERT(r.stream.app.n > 0 || f->tag.n == 0);
    check_slice(r.message, f, entry);
    check_slice(r.stream.app, f, entry);
    for (size_t i = 0; i < r.field_count; i++) {
        check_slice(r.fields[i].name, f, entry);
        check_slice(r.fields[i].value, f, entry);
    }
}

static void check_message(struct lc_slice message)
{
    struct lc_forward f;
    const char *reason = NULL;
    uint8_t ack[LC_FORWARD_ACK_MAX];
    struct lc_slice entry;
    lc_err e = lc_forward_decode(message, &f, &reason);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_EEND || (e == LC_ESYNTAX && reason != NULL));
        return;
    }
    LC_ASSERT(lies_in(f.tag, message.p, message.n) && lies_in(f.chunk, message.p, message.n) &&
              lies_in(f.entries, message.p, message.n));
    LC_ASSERT(lc_forward_ack(f.chunk, ack) == f.chunk.n + 7);
    e = lc_forward_begin(&reader, &f);
    LC_ASSERT(e == LC_OK);
    while ((e = lc_forward_next(&reader, &entry)) == LC_OK)
        check_entry(&f, entry);
    LC_ASSERT(e == LC_EEND || e == LC_ESYNTAX || e == LC_ELIMIT);
}

/* Whether what comes in two pieces has the same end as the whole. */
static void check_cut(struct lc_slice in, size_t cut, lc_err whole, size_t whole_used)
{
    struct lc_msgpack_extent so_far = {0, 0};
    size_t used = 0;
    lc_err e = lc_forward_frame(lc_slice(in.p, cut < in.n ? cut : in.n), &so_far, &used);
    if (e == LC_EMORE)
        e = lc_forward_frame(in, &so_far, &used);
    LC_ASSERT(e == whole && (e != LC_OK || used == whole_used));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 0;
    struct lc_slice in = lc_slice(p + 1, n - 1);
    while (in.n > 0) {
        struct lc_msgpack_extent so_far = {0, 0};
        size_t used = 0;
        lc_err e = lc_forward_frame(in, &so_far, &used);
        LC_ASSERT(e == LC_OK || e == LC_EMORE || e == LC_ESYNTAX || e == LC_ELIMIT);
        check_cut(in, p[0], e, used);
        if (e != LC_OK)
            break;
        LC_ASSERT(used > 0 && used <= in.n);
        check_message(lc_slice(in.p, used));
        in = lc_slice_from(in, used);
    }
    return 0;
}
