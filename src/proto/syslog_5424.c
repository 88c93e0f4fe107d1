/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/syslog_5424.c - the syslog protocol of RFC 5424.
 *
 * Lengths and character sets of the header are not enforced: senders overrun them, and what they
 * meant is clear all the same. The order of parts and the single spaces between them are.
 */
#include "base/time.h"
#include "proto/syslog_priv.h"

/* RFC 5424 section 6.2.3 to 6.2.7, behind the version. */
struct header {
    int64_t time_ns; /* LC_TIME_ABSENT: nil */
    struct lc_slice host, app, pid, msgid;
};

/* A word and the space behind it; the nil value is an empty slice. */
static bool take_word(struct lc_slice *s, struct lc_slice *ret)
{
    if (!lc_slice_cut(s, ' ', ret) || ret->n == 0)
        return false;
    if (lc_syslog_is_nil(*ret))
        ret->n = 0;
    return true;
}

static bool take_time(struct lc_slice *s, int32_t utc_offset_s, int64_t *ret_ns)
{
    struct lc_slice word;
    if (!take_word(s, &word))
        return false;
    *ret_ns = LC_TIME_ABSENT;
    size_t used = 0;
    return word.n == 0 ||
           (lc_iso_parse(word, utc_offset_s, ret_ns, &used) == LC_OK && used == word.n);
}

static bool take_header(struct lc_slice *s, int32_t utc_offset_s, struct header *ret)
{
    struct lc_slice version = LC_LIT("1 ");
    if (!lc_slice_starts(*s, version))
        return false;
    *s = lc_slice_from(*s, version.n);
    return take_time(s, utc_offset_s, &ret->time_ns) && take_word(s, &ret->host) &&
           take_word(s, &ret->app) && take_word(s, &ret->pid) && take_word(s, &ret->msgid);
}

/* Structured data on its way into the scratch. */
struct data {
    struct lc_slice rest;
    struct lc_syslog_scratch *scratch;
    size_t fields, text; /* used of the scratch */
};

/* SD-NAME of section 6.3: printable ASCII but for '=', space, ']' and '"'. */
static bool take_name(struct lc_slice *s, struct lc_slice *ret)
{
    size_t n = 0;
    while (n < s->n && s->p[n] > ' ' && s->p[n] < 0x7F && s->p[n] != '=' && s->p[n] != ']' &&
           s->p[n] != '"')
        n++;
    *ret = lc_slice(s->p, n);
    *s = lc_slice_from(*s, n);
    return n > 0;
}

/* The value up to its closing quotation mark, which is spent, still escaped. */
static bool take_quoted(struct lc_slice *s, struct lc_slice *ret, bool *ret_escapes)
{
    *ret_escapes = false;
    for (size_t n = 0; n < s->n; n++) {
        if (s->p[n] == '"') {
            *ret = lc_slice(s->p, n);
            *s = lc_slice_from(*s, n + 1);
            return true;
        }
        if (s->p[n] == '\\') {
            *ret_escapes = true;
            n++;
        }
    }
    return false;
}

/* Section 6.3.3: only '"', '\' and ']' can be escaped; before another octet a '\' is itself. */
static bool unescape(struct data *d, struct lc_slice *value)
{
    uint8_t *to = d->scratch->text + d->text;
    if (value->n > sizeof d->scratch->text - d->text)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < value->n; i++) {
        if (value->p[i] == '\\' && i + 1 < value->n &&
            (value->p[i + 1] == '"' || value->p[i + 1] == '\\' || value->p[i + 1] == ']'))
            i++;
        to[n++] = value->p[i];
    }
    *value = lc_slice(to, n);
    d->text += n;
    return true;
}

static bool add_field(struct data *d, struct lc_slice name, struct lc_slice value)
{
    if (d->fields == LC_FIELDS_MAX)
        return false;
    d->scratch->fields[d->fields++] = (struct lc_field){name, value, LC_FIELD_STRING};
    return true;
}

/* <id>.<name>, in the scratch */
static bool join_name(struct data *d, struct lc_slice id, struct lc_slice name,
                      struct lc_slice *ret)
{
    size_t n = id.n + 1 + name.n;
    if (n > sizeof d->scratch->text - d->text)
        return false;
    uint8_t *to = d->scratch->text + d->text;
    memcpy(to, id.p, id.n);
    to[id.n] = '.';
    memcpy(to + id.n + 1, name.p, name.n);
    *ret = lc_slice(to, n);
    d->text += n;
    return true;
}

/* name="value", behind the space */
static bool take_param(struct data *d, struct lc_slice id)
{
    struct lc_slice name, value;
    bool escapes;
    return take_name(&d->rest, &name) && lc_syslog_take(&d->rest, '=') &&
           lc_syslog_take(&d->rest, '"') && take_quoted(&d->rest, &value, &escapes) &&
           (!escapes || unescape(d, &value)) && join_name(d, id, name, &name) &&
           add_field(d, name, value);
}

/* [id name="value" ...]; an id alone is a field without a value: that it is there says something */
static bool take_element(struct data *d)
{
    struct lc_slice id;
    if (!lc_syslog_take(&d->rest, '[') || !take_name(&d->rest, &id))
        return false;
    if (lc_syslog_take(&d->rest, ']'))
        return add_field(d, id, LC_LIT(""));
    while (lc_syslog_take(&d->rest, ' '))
        if (!take_param(d, id))
            return false;
    return lc_syslog_take(&d->rest, ']');
}

/* Up to and including the space before MSG. */
static bool take_data(struct data *d)
{
    if (!lc_syslog_take(&d->rest, '-')) {
        do {
            if (!take_element(d))
                return false;
        } while (d->rest.n > 0 && d->rest.p[0] == '[');
    }
    return d->rest.n == 0 || lc_syslog_take(&d->rest, ' ');
}

bool lc_syslog_5424(struct lc_slice text, const struct lc_syslog_context *ctx,
                    struct lc_syslog_scratch *scratch, struct lc_record *ret)
{
    struct header h;
    if (!take_header(&text, ctx->utc_offset_s, &h))
        return false;
    struct data d = {.rest = text, .scratch = scratch};
    if (h.msgid.n > 0)
        scratch->fields[d.fields++] = (struct lc_field){LC_LIT("msgid"), h.msgid, LC_FIELD_STRING};
    size_t before_data = d.fields;
    if (take_data(&d)) {
        ret->message = lc_syslog_without_bom(d.rest);
    } else {
        d.fields = before_data;
        ret->message = text;
    }
    if (h.time_ns != LC_TIME_ABSENT)
        ret->time_ns = h.time_ns;
    if (h.host.n > 0)
        ret->stream.host = h.host;
    if (h.app.n > 0)
        ret->stream.app = h.app;
    if (h.pid.n > 0)
        ret->pid = h.pid;
    if (d.fields > 0) {
        ret->fields = scratch->fields;
        ret->field_count = d.fields;
    }
    return true;
}
