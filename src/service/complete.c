/* SPDX-License-Identifier: Apache-2.0 */
#include "service/complete.h"

#define YEAR_1971_NS (INT64_C(365) * 86400 * LC_NS_PER_S)
#define TWO_DAYS_NS  (INT64_C(2) * 86400 * LC_NS_PER_S)
#define FURTHER_MAX  5 /* fields that further() adds */

static bool is_possible(int64_t time_ns, int64_t received_ns)
{
    return time_ns >= YEAR_1971_NS && time_ns <= received_ns + TWO_DAYS_NS;
}

static void add_field(struct lc_record *r, struct lc_field *fields, struct lc_slice name,
                      struct lc_slice value, enum lc_field_type type)
{
    fields[r->field_count++] = (struct lc_field){name, value, type};
}

/* What has to be said of the arrival in fields of its own. Rare, so the sender's fields are copied
 * only then; when there are too many, ours displace the last. */
static void further(struct lc_completion *c, const struct lc_arrival *a, struct lc_slice claimed,
                    struct lc_record *r)
{
    struct lc_field *fields = c->fields;

    if (r->field_count > LC_FIELDS_MAX - FURTHER_MAX)
        r->field_count = LC_FIELDS_MAX - FURTHER_MAX;
    if (r->field_count > 0)
        memcpy(fields, r->fields, r->field_count * sizeof *fields);
    r->fields = fields;
    if (claimed.n > 0)
        add_field(r, fields, LC_LIT("claimed_time"), claimed, LC_FIELD_STRING);
    if (a->unplaced.level_text.n > 0)
        add_field(r, fields, LC_LIT("level_text"), a->unplaced.level_text, LC_FIELD_STRING);
    if (a->truncated)
        add_field(r, fields, LC_LIT("truncated"), LC_LIT("true"), LC_FIELD_BOOL);
    if (a->sender.n > 0) {
        add_field(r, fields, LC_LIT("sender"), a->sender, LC_FIELD_STRING);
        add_field(r, fields, LC_LIT("sequence"), a->sequence, LC_FIELD_INT);
    }
}

bool lc_complete(struct lc_completion *c, const struct lc_arrival *a, struct lc_record *ret)
{
    struct lc_record r = a->record;
    struct lc_slice claimed = a->unplaced.claimed_time;

    if (r.time_ns == LC_TIME_ABSENT) {
        r.time_ns = r.received_ns;
    } else if (!is_possible(r.time_ns, r.received_ns)) {
        claimed = lc_slice(c->time, lc_rfc3339_format(r.time_ns, c->time));
        r.time_ns = r.received_ns;
    }
    if (r.stream.space.n == 0)
        r.stream.space = LC_LIT("main");
    if (claimed.n > 0 || a->unplaced.level_text.n > 0 || a->truncated || a->sender.n > 0)
        further(c, a, claimed, &r);
    *ret = r;
    return claimed.n > 0;
}
