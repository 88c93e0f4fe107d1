/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_batch.c - binary v2: what can be read can be written and read again as the same, and no
 * octet more changes what has been found.
 *
 * The first octet says what the rest is: 0 a message as it comes, 1 the payload of a BATCH, 2 the
 * same behind compression. Checksums would keep a fuzzer out of all but the first.
 */
#include "base/utf8.h"
#include "proto/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool is_in(struct lc_slice s, struct lc_slice in)
{
    return s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n);
}

static void check_record(struct lc_slice in, const struct lc_record *r)
{
    LC_ASSERT(is_in(r->message, in) && is_in(r->source, in) && is_in(r->pid, in));
    LC_ASSERT(is_in(r->stream.space, in) && is_in(r->stream.host, in) && is_in(r->stream.app, in) &&
              is_in(r->stream.facility, in));
    LC_ASSERT(r->level < LC_LEVEL_COUNT || r->level == LC_LEVEL_NONE);
    LC_ASSERT(r->field_count <= LC_FIELDS_MAX);
    for (size_t i = 0; i < r->field_count; i++)
        LC_ASSERT(is_in(r->fields[i].name, in) && is_in(r->fields[i].value, in) &&
                  r->fields[i].type < LC_FIELD_TYPES);
}

/* All records of `payload`, also added to `w`. */
static lc_err read_records(struct lc_slice payload, struct lc_batch_writer *w)
{
    static struct lc_field fields[LC_FIELDS_MAX];
    struct lc_batch_reader reader;
    struct lc_record r;
    uint64_t sequence, last = 0;
    lc_err e = lc_batch_read(payload, &reader);
    while (e == LC_OK && (e = lc_batch_next(&reader, fields, &r, &sequence)) == LC_OK) {
        LC_ASSERT(sequence > last);
        last = sequence;
        check_record(payload, &r);
        lc_err added = lc_batch_add(w, sequence, &r);
        LC_ASSERT(added == LC_OK);
    }
    LC_ASSERT(e == LC_EEND || e == LC_ESYNTAX);
    return e;
}

/* The records as a message; the octets of numbers may have been longer than they need to be, so
 * only the second writing must be the same as the first. */
static void write_again(struct lc_batch_writer *w, int level)
{
    struct lc_dynbuf out, again, scratch;
    lc_dynbuf_init(&out, LC_BATCH_HEADER + LC_BATCH_MAX);
    lc_dynbuf_init(&again, LC_BATCH_HEADER + LC_BATCH_MAX);
    lc_dynbuf_init(&scratch, LC_BATCH_MAX);
    struct lc_batch_message m;
    struct lc_slice records;
    size_t used;
    lc_err e = lc_batch_finish(w, 7, LC_BATCH_DOUBTED, level, &out);
    LC_ASSERT(e == LC_OK);
    e = lc_batch_take(lc_dynbuf_slice(&out), &m, &used);
    LC_ASSERT(e == LC_OK && used == out.n && m.sequence == 7);
    e = lc_batch_open(&m, &scratch, &records);
    LC_ASSERT(e == LC_OK);
    e = read_records(records, w);
    LC_ASSERT(e == LC_EEND);
    e = lc_batch_finish(w, 7, LC_BATCH_DOUBTED, level, &again);
    LC_ASSERT(e == LC_OK && lc_slice_eq(lc_dynbuf_slice(&out), lc_dynbuf_slice(&again)));
    lc_dynbuf_done(&out);
    lc_dynbuf_done(&again);
    lc_dynbuf_done(&scratch);
}

static void check_payload(struct lc_slice payload)
{
    struct lc_batch_writer w;
    lc_batch_writer_init(&w);
    if (read_records(payload, &w) == LC_EEND)
        write_again(&w, payload.n % 2 == 0 ? 1 : 0);
    lc_batch_writer_done(&w);
}

static void check_compressed(struct lc_slice packed)
{
    struct lc_batch_message m = {LC_BATCH_RECORDS, LC_BATCH_ZSTD, 1, packed};
    struct lc_dynbuf scratch;
    struct lc_slice records;
    lc_dynbuf_init(&scratch, 1u << 20);
    if (lc_batch_open(&m, &scratch, &records) == LC_OK)
        check_payload(records);
    lc_dynbuf_done(&scratch);
}

static void check_message(struct lc_slice in)
{
    struct lc_batch_message whole = {0}, part;
    size_t whole_used = 0, used;
    lc_err e = lc_batch_take(in, &whole, &whole_used);
    LC_ASSERT(e != LC_OK || (is_in(whole.payload, in) && whole_used <= in.n));
    for (size_t i = 0; i < in.n; i++) {
        lc_err sooner = lc_batch_take(lc_slice(in.p, i), &part, &used);
        LC_ASSERT(sooner == LC_EMORE || (sooner == e && (e != LC_OK || used == whole_used)));
    }
    struct lc_batch_hello hello;
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1024);
    if (e == LC_OK && whole.command == LC_BATCH_HELLO &&
        lc_batch_read_hello(whole.payload, &hello) == LC_OK) {
        LC_ASSERT(lc_utf8_is_valid(hello.name));
        e = lc_batch_put_hello(&out, whole.sequence, &hello);
        LC_ASSERT(e == LC_OK && lc_slice_eq(lc_dynbuf_slice(&out), lc_slice(in.p, whole_used)));
    }
    lc_dynbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 1)
        return 0;
    struct lc_slice in = lc_slice(p + 1, n - 1);
    if (p[0] == 1)
        check_payload(in);
    else if (p[0] == 2)
        check_compressed(in);
    else
        check_message(in);
    return 0;
}
