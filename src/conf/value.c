/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/value.c - values of options: from text, to text, compared, copied.
 */
#include <inttypes.h>

#include "base/time.h"
#include "base/units.h"
#include "conf/near.h"
#include "conf/options.h"

void *lc_option_place(const struct lc_option_ref *o, void *target)
{
    return (char *)target + o->part->offset + o->group->offset + o->row->offset;
}

static const void *place_of(const struct lc_option_ref *o, const void *target)
{
    return (const char *)target + o->part->offset + o->group->offset + o->row->offset;
}

/* ---- from text ---- */

static lc_err read_switch(const char *text, bool *value, struct lc_diag *diag)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true"};

    for (size_t i = 0; i < LC_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return LC_OK;
        }
    }
    lc_diag_set(diag, "must be on or off");
    return LC_ESYNTAX;
}

typedef size_t format_fn(uint64_t amount, char out[LC_SIZE_TEXT_MAX]);

static size_t format_ns(uint64_t ns, char out[LC_SIZE_TEXT_MAX])
{
    return lc_duration_format((int64_t)ns, out);
}

static size_t format_count(uint64_t count, char out[LC_SIZE_TEXT_MAX])
{
    return (size_t)snprintf(out, LC_SIZE_TEXT_MAX, "%" PRIu64, count);
}

void lc_option_limits(const struct lc_option *row, char min[LC_SIZE_TEXT_MAX],
                      char max[LC_SIZE_TEXT_MAX])
{
    format_fn *format = format_count;

    if (row->kind == LC_OPTION_SIZE)
        format = lc_size_format;
    else if (row->kind == LC_OPTION_DURATION)
        format = format_ns;
    format(row->min, min);
    format(row->max, max);
}

static lc_err check_limits(const struct lc_option *o, uint64_t value, struct lc_diag *diag)
{
    char min[LC_SIZE_TEXT_MAX], max[LC_SIZE_TEXT_MAX];

    if (value >= o->min && (o->max == 0 || value <= o->max))
        return LC_OK;
    lc_option_limits(o, min, max);
    if (o->max == 0)
        lc_diag_set(diag, "must be at least %s", min);
    else
        lc_diag_set(diag, "must be from %s to %s", min, max);
    return LC_ESYNTAX;
}

static lc_err read_amount(const struct lc_option *o, const char *text, uint64_t *ret,
                          struct lc_diag *diag)
{
    bool is_size = o->kind == LC_OPTION_SIZE;
    uint64_t value;

    if (is_size && strcmp(text, "auto") == 0) {
        *ret = 0;
        return LC_OK;
    }

    struct lc_slice s = lc_slice_cstr(text);
    lc_err e = is_size ? lc_size_parse(s, &value) : lc_slice_u64(s, &value);

    if (e != LC_OK) {
        lc_diag_set(diag, "%s",
                    is_size ? "not a size; write a number with K, M, G or T, as 512M"
                            : "not a number");
        return LC_ESYNTAX;
    }
    e = check_limits(o, value, diag);
    if (e == LC_OK)
        *ret = value;
    return e;
}

static lc_err read_duration(const struct lc_option *o, const char *text, int64_t *ret,
                            struct lc_diag *diag)
{
    int64_t value;

    if (strcmp(text, "none") == 0) {
        *ret = 0;
        return LC_OK;
    }
    if (lc_duration_parse(lc_slice_cstr(text), &value) != LC_OK) {
        lc_diag_set(diag, "not a length of time; write a number with s, m, h, d or w, as 30d");
        return LC_ESYNTAX;
    }

    lc_err e = check_limits(o, (uint64_t)value, diag);

    if (e == LC_OK)
        *ret = value;
    return e;
}

/* `100/s`, `6000/10m`: a period without a number is one of its unit. */
static lc_err read_period(struct lc_slice s, int64_t *ret_ns)
{
    char text[32];

    if (s.n == 0 || s.n >= sizeof text - 2)
        return LC_ESYNTAX;

    bool has_number = s.p[0] >= '0' && s.p[0] <= '9';
    int n = snprintf(text, sizeof text, "%s%.*s", has_number ? "" : "1", (int)s.n, s.p);
    lc_err e = lc_duration_parse(lc_slice(text, (size_t)n), ret_ns);

    return e == LC_OK && *ret_ns == 0 ? LC_ESYNTAX : e;
}

static lc_err read_rate(const struct lc_option *o, const char *text, struct lc_rate *ret,
                        struct lc_diag *diag)
{
    struct lc_slice count, period = lc_slice_cstr(text);
    struct lc_rate value;
    bool is_flow = o->kind == LC_OPTION_FLOW;

    if (strcmp(text, "none") == 0 || strcmp(text, "auto") == 0) {
        *ret = (struct lc_rate){.period_ns = text[0] == 'n' ? LC_NS_PER_S : 0};
        return LC_OK;
    }
    if (!lc_slice_cut(&period, '/', &count) ||
        (is_flow ? lc_size_parse(count, &value.count) : lc_slice_u64(count, &value.count)) !=
            LC_OK ||
        value.count == 0 || read_period(period, &value.period_ns) != LC_OK) {
        lc_diag_set(diag, "not a rate; write how many in how long, as %s, or none",
                    is_flow ? "10M/s" : "100/s");
        return LC_ESYNTAX;
    }
    *ret = value;
    return LC_OK;
}

/* The words that are allowed, and the one that was probably meant. */
static lc_err complain_choice(const struct lc_option *o, const char *text, struct lc_diag *diag)
{
    char allowed[256] = "";
    struct lc_near near;

    lc_near_init(&near, lc_slice_cstr(text));
    for (int i = 0; o->choices[i] != NULL; i++) {
        size_t n = strlen(allowed);

        snprintf(allowed + n, sizeof allowed - n, "%s%s", i == 0 ? "" : ", ", o->choices[i]);
        lc_near_offer(&near, o->choices[i]);
    }
    lc_diag_set(diag, "must be one of %s%s%s%s", allowed, LC_NEAR_TEXT(near.best));
    return LC_ESYNTAX;
}

static lc_err find_choice(const struct lc_option *o, const char *text, int *ret,
                          struct lc_diag *diag)
{
    for (int i = 0; o->choices[i] != NULL; i++) {
        if (strcmp(text, o->choices[i]) == 0) {
            *ret = i;
            return LC_OK;
        }
    }
    return complain_choice(o, text, diag);
}

static bool is_nothing(const struct lc_option *o, const char *text)
{
    return o->kind == LC_OPTION_TEXT && o->fallback == NULL && text[0] == '\0';
}

static lc_err read_text(const struct lc_option *o, const char *text, const char **ret,
                        struct lc_diag *diag)
{
    int unused;
    lc_err e = o->choices != NULL ? find_choice(o, text, &unused, diag) : LC_OK;

    /* an option that nobody gave is printed as an empty text */
    if (e == LC_OK)
        *ret = is_nothing(o, text) ? NULL : text;
    return e;
}

static size_t name_length(const char *item)
{
    return strcspn(item, "=");
}

/* Where an item of a map goes: in the place of the one with its name, or behind the last. */
static size_t map_place(const struct lc_list *list, const char *item)
{
    size_t n = name_length(item) + 1;
    size_t i = 0;

    while (i < list->count && strncmp(list->items[i], item, n) != 0)
        i++;
    return i;
}

static lc_err read_item(const struct lc_option *o, const char *text, struct lc_list *list,
                        struct lc_diag *diag)
{
    size_t at = list->count;

    if (o->kind == LC_OPTION_MAP) {
        if (name_length(text) == 0 || text[name_length(text)] != '=') {
            lc_diag_set(diag, "must be NAME=VALUE");
            return LC_ESYNTAX;
        }
        at = map_place(list, text);
    }
    if (at == LC_LIST_MAX) {
        lc_diag_set(diag, "given more than %d times", LC_LIST_MAX);
        return LC_ESYNTAX;
    }
    list->items[at] = text;
    if (at == list->count)
        list->count++;
    return LC_OK;
}

static lc_err read_value(const struct lc_option *o, void *value, const char *text,
                         struct lc_diag *diag)
{
    switch (o->kind) {
    case LC_OPTION_FLAG:
    case LC_OPTION_SWITCH:
        return read_switch(text, value, diag);
    case LC_OPTION_TEXT:
        return read_text(o, text, value, diag);
    case LC_OPTION_LIST:
    case LC_OPTION_MAP:
        return read_item(o, text, value, diag);
    case LC_OPTION_COUNT:
    case LC_OPTION_SIZE:
        return read_amount(o, text, value, diag);
    case LC_OPTION_DURATION:
        return read_duration(o, text, value, diag);
    case LC_OPTION_CHOICE:
        return find_choice(o, text, value, diag);
    case LC_OPTION_RATE:
    case LC_OPTION_FLOW:
        return read_rate(o, text, value, diag);
    case LC_OPTION_KIND_COUNT:
        break;
    }
    return LC_ESYNTAX;
}

bool lc_option_is_list(enum lc_option_kind kind)
{
    return kind == LC_OPTION_LIST || kind == LC_OPTION_MAP;
}

void lc_settings_clear(struct lc_settings *s, const struct lc_option_ref *o,
                       struct lc_option_origin origin)
{
    if (lc_option_is_list(o->row->kind) && s->origins[o->index].from != origin.from)
        ((struct lc_list *)lc_option_place(o, s->target))->count = 0;
    s->origins[o->index] = origin;
}

lc_err lc_settings_put(struct lc_settings *s, const struct lc_option_ref *o,
                       struct lc_option_origin origin, const char *text, struct lc_diag *diag)
{
    lc_err e = LC_OK;

    if (o->row->check != NULL && !is_nothing(o->row, text))
        e = o->row->check(text, diag);
    if (e != LC_OK)
        return LC_ESYNTAX;
    lc_settings_clear(s, o, origin);
    return read_value(o->row, lc_option_place(o, s->target), text, diag);
}

/* ---- life ---- */

#define TEXTS_MAX (4u << 20) /* of a file (1 MiB) and of the environment */

void lc_settings_defaults(struct lc_settings *s)
{
    struct lc_option_ref o = {0};

    memset(s->origins, 0, sizeof s->origins);
    while (lc_option_next(s->set, &o)) {
        struct lc_diag diag;

        if (o.row->fallback == NULL)
            continue;

        lc_err e = read_value(o.row, lc_option_place(&o, s->target), o.row->fallback, &diag);

        LC_ASSERT(e == LC_OK);
    }
}

void lc_settings_init(struct lc_settings *s, const struct lc_option_set *set, void *target)
{
    s->set = set;
    s->target = target;
    s->file = NULL;
    lc_arena_init(&s->texts, TEXTS_MAX);
    lc_settings_defaults(s);
}

void lc_settings_done(struct lc_settings *s)
{
    lc_arena_done(&s->texts);
}

/* ---- to text ---- */

static lc_err print_amount(uint64_t amount, format_fn *format, struct lc_dynbuf *out)
{
    char text[LC_SIZE_TEXT_MAX];
    size_t n = format(amount, text);

    return lc_dynbuf_append(out, lc_slice(text, n));
}

static lc_err print_text(const char *text, struct lc_dynbuf *out)
{
    return text == NULL ? LC_OK : lc_dynbuf_append(out, lc_slice_cstr(text));
}

static lc_err print_rate(const struct lc_rate *r, bool is_flow, struct lc_dynbuf *out)
{
    char count[LC_SIZE_TEXT_MAX], period[LC_SIZE_TEXT_MAX];

    if (r->count == 0)
        return print_text(r->period_ns == 0 ? "auto" : "none", out);
    if (is_flow)
        lc_size_format(r->count, count);
    else
        snprintf(count, sizeof count, "%" PRIu64, r->count);
    lc_duration_format(r->period_ns, period);
    /* `100/s`, not `100/1s` */
    const char *shown =
        period[0] == '1' && !(period[1] >= '0' && period[1] <= '9') ? period + 1 : period;

    return lc_dynbuf_printf(out, "%s/%s", count, shown);
}

static lc_err print_one(const struct lc_option *row, const void *value, struct lc_dynbuf *out)
{
    switch (row->kind) {
    case LC_OPTION_FLAG:
    case LC_OPTION_SWITCH:
        return print_text(*(const bool *)value ? "on" : "off", out);
    case LC_OPTION_TEXT:
        return print_text(*(const char *const *)value, out);
    case LC_OPTION_COUNT:
        return lc_dynbuf_printf(out, "%" PRIu64, *(const uint64_t *)value);
    case LC_OPTION_SIZE:
        if (*(const uint64_t *)value == 0 && row->fallback != NULL && row->fallback[0] == 'a')
            return print_text("auto", out);
        return print_amount(*(const uint64_t *)value, lc_size_format, out);
    case LC_OPTION_DURATION:
        if (*(const int64_t *)value == 0)
            return print_text("none", out);
        return print_amount((uint64_t) * (const int64_t *)value, format_ns, out);
    case LC_OPTION_CHOICE:
        return print_text(row->choices[*(const int *)value], out);
    case LC_OPTION_RATE:
    case LC_OPTION_FLOW:
        return print_rate(value, row->kind == LC_OPTION_FLOW, out);
    default:
        return LC_EEND;
    }
}

lc_err lc_option_print(const struct lc_option_ref *o, const void *target, size_t item,
                       struct lc_dynbuf *out)
{
    const void *value = place_of(o, target);

    if (lc_option_is_list(o->row->kind)) {
        const struct lc_list *list = value;

        return item < list->count ? print_text(list->items[item], out) : LC_EEND;
    }
    return item == 0 ? print_one(o->row, value, out) : LC_EEND;
}

/* ---- compared, copied ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_list(const struct lc_list *a, const struct lc_list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->items[i], b->items[i]);
    return same;
}

bool lc_option_same(const struct lc_option_ref *o, const void *target, const void *other)
{
    const void *a = place_of(o, target), *b = place_of(o, other);

    if (lc_option_is_list(o->row->kind))
        return same_list(a, b);
    if (o->row->kind == LC_OPTION_TEXT)
        return same_text(*(const char *const *)a, *(const char *const *)b);
    return memcmp(a, b, o->row->size) == 0;
}

void lc_option_copy(const struct lc_option_ref *o, void *target, const void *from)
{
    memcpy(lc_option_place(o, target), place_of(o, from), o->row->size);
}
