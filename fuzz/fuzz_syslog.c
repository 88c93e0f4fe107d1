/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz/fuzz_syslog.c - one syslog message: every slice lies where it may, the message is the end of
 * what came, and a record that is written as RFC 5424 says the same when it is read again.
 */
#include "base/buf.h"
#include "base/time.h"
#include "proto/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct lc_syslog_context ctx = {
    .received_ns = INT64_C(1795176000) * LC_NS_PER_S,
    .utc_offset_s = 9 * 3600,
};

static bool lies_in(struct lc_slice s, struct lc_slice whole)
{
    return s.n == 0 ||
           (s.p >= whole.p && s.n <= whole.n && (size_t)(s.p - whole.p) <= whole.n - s.n);
}

static void check_slices(struct lc_slice in, const struct lc_syslog_scratch *scratch,
                         const struct lc_record *r)
{
    struct lc_slice text = lc_slice(scratch->text, sizeof scratch->text);
    LC_ASSERT(lies_in(r->stream.host, in) && lies_in(r->stream.app, in) && lies_in(r->pid, in));
    LC_ASSERT(lies_in(r->message, in));
    LC_ASSERT(in.n - (size_t)(r->message.p - in.p) - r->message.n <= 3); /* CR LF NUL */
    LC_ASSERT(r->field_count <= LC_FIELDS_MAX);
    LC_ASSERT(r->field_count == 0 || r->fields == scratch->fields);
    for (size_t i = 0; i < r->field_count; i++) {
        const struct lc_field *f = &r->fields[i];
        LC_ASSERT(f->name.n > 0 && f->type == LC_FIELD_STRING);
        LC_ASSERT(lies_in(f->value, in) || lies_in(f->value, text));
        LC_ASSERT(lies_in(f->name, in) || lies_in(f->name, text) ||
                  lc_slice_eq(f->name, LC_LIT("msgid")));
    }
}

static void put(struct lc_dynbuf *out, struct lc_slice s)
{
    lc_err e = lc_dynbuf_append(out, s);
    LC_ASSERT(e == LC_OK);
}

static void put_word(struct lc_dynbuf *out, struct lc_slice word)
{
    put(out, word.n == 0 ? LC_LIT("-") : word);
    put(out, LC_LIT(" "));
}

/* `id.name` is written with its first dot as the one between; joined again it is the same. Without
 * a dot between two names it was an id alone. */
static void put_element(struct lc_dynbuf *out, const struct lc_field *f)
{
    size_t dot = 1;
    while (dot + 1 < f->name.n && f->name.p[dot] != '.')
        dot++;
    bool joined = dot + 1 < f->name.n;
    put(out, LC_LIT("["));
    put(out, joined ? lc_slice(f->name.p, dot) : f->name);
    if (joined) {
        put(out, LC_LIT(" "));
        put(out, lc_slice_from(f->name, dot + 1));
        put(out, LC_LIT("=\""));
        for (size_t i = 0; i < f->value.n; i++) {
            if (strchr("\"\\]", f->value.p[i]) != NULL && f->value.p[i] != '\0')
                put(out, LC_LIT("\\"));
            put(out, lc_slice(f->value.p + i, 1));
        }
        put(out, LC_LIT("\""));
    }
    put(out, LC_LIT("]"));
}

static void put_5424(struct lc_dynbuf *out, struct lc_slice pri, const struct lc_record *r)
{
    char time[LC_RFC3339_MAX];
    size_t time_n = r->time_ns == LC_TIME_ABSENT ? 0 : lc_rfc3339_format(r->time_ns, time);
    size_t data = r->field_count > 0 && lc_slice_eq(r->fields[0].name, LC_LIT("msgid")) &&
                  r->fields[0].value.n > 0;
    put(out, pri);
    put(out, LC_LIT("1 "));
    put_word(out, lc_slice(time, time_n));
    put_word(out, r->stream.host);
    put_word(out, r->stream.app);
    put_word(out, r->pid);
    put_word(out, data ? r->fields[0].value : LC_LIT(""));
    if (data == r->field_count)
        put(out, LC_LIT("-"));
    for (size_t i = data; i < r->field_count; i++)
        put_element(out, &r->fields[i]);
    put(out, LC_LIT(" \xEF\xBB\xBF")); /* dropped, and nothing else with it */
    put(out, r->message);
    put(out, LC_LIT("\r\n"));
}

static void check_again(struct lc_slice in, const struct lc_record *r)
{
    static struct lc_syslog_scratch scratch;
    size_t text = 0;
    for (size_t i = 0; i < r->field_count; i++)
        text += r->fields[i].name.n + r->fields[i].value.n;
    if (text > sizeof scratch.text)
        return; /* escaped, it could be more than the scratch holds */

    struct lc_slice rest = in, pri;
    bool closed = lc_slice_cut(&rest, '>', &pri);
    LC_ASSERT(closed);
    struct lc_dynbuf out;
    lc_dynbuf_init(&out, 1 << 22);
    put_5424(&out, lc_slice(in.p, pri.n + 1), r);
    struct lc_record again = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    lc_err e = lc_syslog_decode(lc_dynbuf_slice(&out), &ctx, &scratch, &again);
    LC_ASSERT(e == LC_OK);
    LC_ASSERT(again.time_ns == r->time_ns && again.level == r->level);
    LC_ASSERT(lc_slice_eq(again.stream.facility, r->stream.facility));
    LC_ASSERT(lc_slice_eq(again.stream.host, r->stream.host));
    LC_ASSERT(lc_slice_eq(again.stream.app, r->stream.app));
    LC_ASSERT(lc_slice_eq(again.pid, r->pid));
    LC_ASSERT(lc_slice_eq(again.message, r->message));
    LC_ASSERT(again.field_count == r->field_count);
    for (size_t i = 0; i < r->field_count; i++)
        LC_ASSERT(lc_slice_eq(again.fields[i].name, r->fields[i].name) &&
                  lc_slice_eq(again.fields[i].value, r->fields[i].value));
    lc_dynbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct lc_syslog_scratch scratch;
    struct lc_slice in = lc_slice(p, n);
    struct lc_record r = {.time_ns = LC_TIME_ABSENT, .level = LC_LEVEL_NONE};
    lc_err e = lc_syslog_decode(in, &ctx, &scratch, &r);
    if (e != LC_OK) {
        LC_ASSERT(e == LC_ESYNTAX && r.level == LC_LEVEL_NONE && r.message.p == NULL);
        return 0;
    }
    LC_ASSERT(r.level < LC_LEVEL_COUNT && r.stream.facility.n > 0);
    check_slices(in, &scratch, &r);
    check_again(in, &r);
    return 0;
}
