/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_rows.c - a record as a row: one line in every form, and as JSON all of it comes back
 * through a parser that is not ours.
 *
 * The octets are the record: type of its field, level, id, time, then texts behind their lengths.
 */
#include <jansson.h>

#include "base/base64.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "proto/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

typedef lc_err row_writer(struct lc_dynbuf *out, const struct lc_record *r);

static struct lc_slice written(row_writer *row, const struct lc_record *r, struct lc_dynbuf *out)
{
    out->n = 0;
    lc_err e = row(out, r);
    LC_ASSERT(e == LC_OK);
    struct lc_slice s = lc_dynbuf_slice(out);
    LC_ASSERT(s.n > 0 && memchr(s.p, '\n', s.n) == s.p + s.n - 1);
    s.n--;
    return s;
}

static void check_v2(struct lc_slice row, const struct lc_record *r)
{
    struct lc_slice id, level, time;
    uint64_t n;
    LC_ASSERT(lc_slice_cut(&row, '|', &id) && lc_slice_cut(&row, '|', &level) &&
              lc_slice_cut(&row, '|', &time));
    LC_ASSERT(lc_slice_u64(id, &n) == LC_OK && n == r->id);
    LC_ASSERT(lc_slice_eq(level, lc_level_name(r->level)));
    LC_ASSERT(row.n >= r->message.n);
    if (row.n == r->message.n)
        LC_ASSERT(lc_slice_eq(row, r->message));
}

/* `value` is what stands under its name, as it is or in base64. */
static void check_member(const json_t *object, const char *name, struct lc_slice value)
{
    if (lc_utf8_is_valid(value)) {
        const json_t *v = json_object_get(object, name);
        LC_ASSERT(json_is_string(v));
        LC_ASSERT(lc_slice_eq(lc_slice(json_string_value(v), json_string_length(v)), value));
        return;
    }
    char coded_name[128];
    snprintf(coded_name, sizeof coded_name, "%s_base64", name);
    const json_t *v = json_object_get(object, coded_name);
    LC_ASSERT(json_is_string(v) && json_object_get(object, name) == NULL);
    struct lc_dynbuf octets;
    lc_dynbuf_init(&octets, 1 << 20);
    lc_err e = lc_base64_decode(&octets, lc_slice(json_string_value(v), json_string_length(v)),
                                LC_BASE64_STANDARD);
    LC_ASSERT(e == LC_OK && lc_slice_eq(lc_dynbuf_slice(&octets), value));
    lc_dynbuf_done(&octets);
}

static void check_json(struct lc_slice row, const struct lc_record *r)
{
    LC_ASSERT(lc_utf8_is_valid(row));
    size_t flags = JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    json_error_t error;
    json_t *object = json_loadb((const char *)row.p, row.n, flags, &error);
    if (object == NULL) /* JSON, but jansson has no room for the number, or no NUL in a name */
        LC_ASSERT(json_error_code(&error) == json_error_numeric_overflow ||
                  json_error_code(&error) == json_error_null_byte_in_key);
    if (object == NULL)
        return;
    check_member(object, "_msg", r->message);
    if (r->stream.host.n > 0)
        check_member(object, "host", r->stream.host);
    LC_ASSERT(json_object_size(object) ==
              4 + (r->level != LC_LEVEL_NONE) + (r->stream.host.n > 0) + r->field_count);
    json_decref(object);
}

static struct lc_slice read_text(struct lc_reader *in)
{
    size_t n = lc_read_u8(in);
    size_t left = lc_reader_left(in);
    return lc_read_bytes(in, n < left ? n : left);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct lc_reader in = lc_reader(lc_slice(p, n));
    struct lc_field field = {.type = (enum lc_field_type)(lc_read_u8(&in) % LC_FIELD_TYPES)};
    uint8_t level = lc_read_u8(&in);
    struct lc_record r = {.level = level < LC_LEVEL_COUNT ? (enum lc_level)level : LC_LEVEL_NONE};
    r.id = lc_read_u64_be(&in);
    r.time_ns = (int64_t)lc_read_u64_be(&in);
    r.received_ns = r.time_ns;
    if (in.err != LC_OK)
        return 0;
    r.stream.host = read_text(&in);
    field.name = read_text(&in);
    field.value = read_text(&in);
    r.message = lc_read_bytes(&in, lc_reader_left(&in));
    r.fields = &field;
    r.field_count = 1;

    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1 << 20);
    LC_ASSERT(lc_slice_starts(written(lc_row_v1, &r, &out), LC_LIT("LOG:")));
    check_v2(written(lc_row_v2, &r, &out), &r);
    check_json(written(lc_row_json, &r, &out), &r);
    lc_dynbuf_done(&out);
    return 0;
}
