/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/forward.c - messages of Fluentd's forward protocol, and the entries in them.
 */
#include "proto/forward.h"

#include "base/cursor.h"

lc_err lc_forward_frame(struct lc_slice in, struct lc_msgpack_extent *so_far, size_t *ret_used)
{
    return lc_msgpack_whole(in, LC_FORWARD_MAX, so_far, ret_used);
}

/* ---- one message ---- */

static lc_err refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return LC_ESYNTAX;
}

static bool take(struct lc_slice *in, struct lc_msgpack_value *ret)
{
    size_t used = 0;
    if (lc_msgpack_next(*in, ret, &used) != LC_OK)
        return false;
    *in = lc_slice_from(*in, used);
    return true;
}

/* A value with all that is in it. */
static bool take_whole(struct lc_slice *in, struct lc_slice *ret)
{
    struct lc_msgpack_extent extent = {0, 0};
    size_t used = 0;
    if (lc_msgpack_whole(*in, in->n, &extent, &used) != LC_OK)
        return false;
    *ret = lc_slice(in->p, used);
    *in = lc_slice_from(*in, used);
    return true;
}

static bool is_text(const struct lc_msgpack_value *v)
{
    return v->kind == LC_MSGPACK_STRING || v->kind == LC_MSGPACK_BINARY;
}

/* chunk, compressed; others (size, fluent_signal) say nothing that we need */
static lc_err take_options(struct lc_slice in, struct lc_forward *f, const char **ret_reason)
{
    struct lc_msgpack_value map, name, value;
    struct lc_slice whole;
    if (!take(&in, &map) || (map.kind != LC_MSGPACK_MAP && map.kind != LC_MSGPACK_NIL))
        return refuse(ret_reason, "the options are no map");
    for (uint32_t i = 0; map.kind == LC_MSGPACK_MAP && i < map.count; i++) {
        if (!take(&in, &name) || !take_whole(&in, &whole) || !take(&whole, &value))
            return refuse(ret_reason, "the options are not well-formed");
        if (!is_text(&name) || !is_text(&value))
            continue;
        if (lc_slice_eq(name.octets, LC_LIT("chunk")))
            f->chunk = value.octets;
        else if (lc_slice_eq(name.octets, LC_LIT("compressed")) &&
                 lc_slice_eq(value.octets, LC_LIT("gzip")))
            f->is_compressed = true;
    }
    if (f->chunk.n > LC_FORWARD_CHUNK_MAX)
        return refuse(ret_reason, "the chunk's name is longer than 128 octets");
    return LC_OK;
}

/* Behind the tag: the entries in one of their forms. *ret_parts becomes the parts of the message
 * that they are. False: none of the forms. */
static bool take_entries(struct lc_slice *in, struct lc_forward *f, uint32_t *ret_parts)
{
    struct lc_slice whole, record;
    struct lc_msgpack_value v;
    int64_t ns;
    if (!take_whole(in, &whole))
        return false;
    f->entries = whole;
    *ret_parts = 2;
    if (!take(&whole, &v))
        return false;
    if (v.kind == LC_MSGPACK_ARRAY) {
        f->count = v.count;
        f->entries = whole;
        return true;
    }
    if (is_text(&v)) {
        f->count = UINT64_MAX;
        f->entries = v.octets;
        return true;
    }
    f->is_single = true;
    f->count = 1;
    *ret_parts = 3;
    if (!lc_msgpack_time(&v, &ns) || !take_whole(in, &record))
        return false;
    f->entries.n = (size_t)(record.p + record.n - f->entries.p);
    return true;
}

lc_err lc_forward_decode(struct lc_slice message, struct lc_forward *ret, const char **ret_reason)
{
    struct lc_forward f = {.count = 0};
    struct lc_msgpack_value array, tag;
    uint32_t parts;
    if (!take(&message, &array))
        return refuse(ret_reason, "not MessagePack");
    if (array.kind == LC_MSGPACK_NIL && message.n == 0)
        return LC_EEND;
    if (array.kind != LC_MSGPACK_ARRAY || array.count < 2)
        return refuse(ret_reason, "not a message of the forward protocol");
    if (!take(&message, &tag) || !is_text(&tag))
        return refuse(ret_reason, "the tag is no string");
    f.tag = tag.octets;
    if (!take_entries(&message, &f, &parts))
        return refuse(ret_reason, "no entries behind the tag");
    if (array.count < parts || array.count > parts + 1)
        return refuse(ret_reason, "too few parts, or too many");
    if (array.count > parts) {
        lc_err e = take_options(message, &f, ret_reason);
        if (e != LC_OK)
            return e;
    }
    *ret = f;
    return LC_OK;
}

/* ---- entries ---- */

lc_err lc_forward_begin(struct lc_forward_reader *r, const struct lc_forward *f)
{
    if (!r->has_begun)
        lc_dynbuf_init(&r->expanded, LC_FORWARD_ENTRY_MAX + 65536);
    r->has_begun = true;
    r->message = f;
    r->rest = f->entries;
    r->left = f->count;
    r->expanded.n = r->spent = 0;
    return f->is_compressed ? lc_inflate_begin(&r->inflate, f->entries, LC_FORWARD_EXPANDED_MAX)
                            : LC_OK;
}

/* More of what is compressed, behind what is there already. LC_EEND: there is no more. */
static lc_err expand(struct lc_forward_reader *r)
{
    size_t n = 0, most = 65536;
    lc_dynbuf_consume(&r->expanded, r->spent);
    r->spent = 0;
    lc_err e = lc_dynbuf_reserve(&r->expanded, most);
    if (e != LC_OK)
        return e;
    e = lc_inflate_read(&r->inflate, r->expanded.p + r->expanded.n, most, &n);
    if (e == LC_OK)
        r->expanded.n += n;
    return e;
}

static lc_err next_expanded(struct lc_forward_reader *r, struct lc_slice *ret_entry)
{
    struct lc_msgpack_extent extent = {0, 0};
    for (;;) {
        struct lc_slice in = lc_slice_from(lc_dynbuf_slice(&r->expanded), r->spent);
        size_t used = 0;
        lc_err e = lc_msgpack_whole(in, LC_FORWARD_ENTRY_MAX, &extent, &used);
        if (e == LC_OK) {
            *ret_entry = lc_slice(in.p, used);
            r->spent += used;
            return LC_OK;
        }
        if (e != LC_EMORE)
            return e;
        e = expand(r);
        if (e == LC_EEND && in.n > 0)
            return LC_ESYNTAX;
        if (e != LC_OK)
            return e;
    }
}

lc_err lc_forward_next(struct lc_forward_reader *r, struct lc_slice *ret_entry)
{
    if (r->left == 0)
        return LC_EEND;
    r->left--;
    if (r->message->is_compressed)
        return next_expanded(r, ret_entry);
    if (r->message->is_single) {
        *ret_entry = r->rest;
        return r->rest.n > LC_FORWARD_ENTRY_MAX ? LC_ELIMIT : LC_OK;
    }
    if (r->rest.n == 0 && r->message->count == UINT64_MAX)
        return LC_EEND;
    struct lc_msgpack_extent extent = {0, 0};
    size_t used = 0;
    lc_err e = lc_msgpack_whole(r->rest, LC_FORWARD_ENTRY_MAX, &extent, &used);
    if (e != LC_OK)
        return e == LC_EMORE ? LC_ESYNTAX : e;
    *ret_entry = lc_slice(r->rest.p, used);
    r->rest = lc_slice_from(r->rest, used);
    return LC_OK;
}

void lc_forward_done(struct lc_forward_reader *r)
{
    lc_inflate_done(&r->inflate);
    lc_dynbuf_done(&r->expanded);
    r->has_begun = false;
}

/* ---- records ---- */

/* [time, record], or these two by themselves; [[time, metadata], record] is what Fluent Bit makes
 * of it, and then its metadata is not looked at. */
static bool take_time(struct lc_slice *in, int64_t *ret_ns)
{
    struct lc_msgpack_value v;
    struct lc_slice whole;
    if (!take_whole(in, &whole) || !take(&whole, &v))
        return false;
    if (v.kind == LC_MSGPACK_ARRAY && v.count >= 1 && !take(&whole, &v))
        return false;
    return lc_msgpack_time(&v, ret_ns);
}

static const struct lc_field *find_field(const struct lc_record *r, struct lc_slice name)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (lc_slice_eq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

/* Docker's driver names the container `/name`. */
static struct lc_slice app_of(const struct lc_forward *f, const struct lc_record *r)
{
    const struct lc_field *container = find_field(r, LC_LIT("container_name"));
    struct lc_slice name = LC_LIT("");
    if (container != NULL && container->type == LC_FIELD_STRING)
        name = container->value;
    if (name.n > 0 && name.p[0] == '/')
        name = lc_slice_from(name, 1);
    return name.n > 0 ? name : f->tag;
}

/* The whole map as JSON text, for a record without a message. */
static struct lc_slice text_of(struct lc_slice map, struct lc_members *m)
{
    size_t at = m->text.n;
    if (lc_msgpack_json(map, &m->text) != LC_OK) {
        m->text.n = at;
        return LC_LIT("");
    }
    return lc_slice(m->text.p + at, m->text.n - at);
}

lc_err lc_forward_record(const struct lc_forward *f, struct lc_slice entry,
                         struct lc_members *scratch, struct lc_record *ret,
                         struct lc_unplaced *ret_unplaced)
{
    struct lc_msgpack_value pair;
    int64_t ns;
    if (!f->is_single && (!take(&entry, &pair) || pair.kind != LC_MSGPACK_ARRAY || pair.count < 2))
        return LC_ESYNTAX;
    struct lc_slice map;
    if (!take_time(&entry, &ns) || !take_whole(&entry, &map))
        return LC_ESYNTAX;
    lc_members_begin(scratch);
    if (lc_msgpack_members(map, scratch) != LC_OK)
        return LC_ESYNTAX;
    if (f->tag.n > 0 && lc_members_find(scratch, LC_LIT("tag")) == NULL)
        lc_members_add(scratch, LC_LIT("tag"), f->tag, LC_FIELD_STRING);
    ret->time_ns = ns;
    if (!lc_members_record(scratch, 0, ret, ret_unplaced))
        ret->message = text_of(map, scratch);
    if (ret->stream.app.n == 0)
        ret->stream.app = app_of(f, ret);
    return LC_OK;
}

size_t lc_forward_ack(struct lc_slice chunk, uint8_t out[LC_FORWARD_ACK_MAX])
{
    LC_ASSERT(chunk.n <= LC_FORWARD_CHUNK_MAX);
    struct lc_writer w = lc_writer(out, LC_FORWARD_ACK_MAX);
    lc_write_bytes(&w, LC_LIT("\x81\xA3"
                              "ack\xD9")); /* a map of one; two strings */
    lc_write_u8(&w, (uint8_t)chunk.n);
    lc_write_bytes(&w, chunk);
    return lc_writer_done(&w).n;
}
