/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/options.c - walking the table: names, and what is near to a name.
 */
#include "conf/options.h"

#include <ctype.h>

#include "conf/near.h"

#define NEAR_MAX 48 /* octets of a name for which a near one is looked for */

bool lc_option_next(const struct lc_option_set *set, struct lc_option_ref *ref)
{
    const struct lc_option_part *part = ref->part != NULL ? ref->part : set->parts;
    const struct lc_option_group *group = ref->group;
    const struct lc_option *row = ref->row;

    if (row != NULL) {
        row++;
        ref->index++;
    }
    for (; part < set->parts + set->count; part++, group = NULL) {
        if (group == NULL)
            group = part->groups;
        for (; group < part->groups + part->count; group++, row = NULL) {
            if (row == NULL)
                row = group->rows;
            if (row == NULL || row == group->rows + group->count)
                continue;
            ref->part = part;
            ref->group = group;
            ref->row = row;
            return true;
        }
    }
    return false;
}

static bool is_bare(const struct lc_option_ref *ref)
{
    return ref->group->section != NULL && (ref->row->flags & LC_OPTION_BARE) != 0;
}

void lc_option_name(const struct lc_option_ref *ref, char out[LC_OPTION_NAME_MAX])
{
    const char *section = ref->group->section;

    if (section == NULL || (ref->row->flags & LC_OPTION_ALONE) != 0)
        snprintf(out, LC_OPTION_NAME_MAX, "%s", ref->row->name);
    else if (is_bare(ref))
        snprintf(out, LC_OPTION_NAME_MAX, "%s", section);
    else
        snprintf(out, LC_OPTION_NAME_MAX, "%s-%s", section, ref->row->name);
}

void lc_option_key(const struct lc_option_ref *ref, char out[LC_OPTION_NAME_MAX])
{
    const char *section = ref->group->section;

    snprintf(out, LC_OPTION_NAME_MAX, "%s%s%s", section != NULL ? section : "",
             section != NULL ? "." : "", ref->row->name);
}

void lc_option_env(const struct lc_option_ref *ref, char out[LC_OPTION_ENV_MAX])
{
    char name[LC_OPTION_NAME_MAX];

    lc_option_name(ref, name);
    snprintf(out, LC_OPTION_ENV_MAX, "LOGCASTER_%s", name);
    for (char *p = out; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

bool lc_option_find(const struct lc_option_set *set, struct lc_slice name,
                    struct lc_option_ref *ret)
{
    struct lc_option_ref ref = {0};
    char candidate[LC_OPTION_NAME_MAX];

    while (lc_option_next(set, &ref)) {
        lc_option_name(&ref, candidate);
        if (lc_slice_eq(name, lc_slice_cstr(candidate))) {
            *ret = ref;
            return true;
        }
    }
    return false;
}

/* ---- in the order of a file ---- */

bool lc_option_same_section(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool lc_option_is_in_files(const struct lc_option_ref *o)
{
    return (o->row->flags & LC_OPTION_NO_FILE) == 0;
}

/* Whether no option before this one is of its section. */
static bool begins_section(const struct lc_option_set *set, const struct lc_option_ref *o)
{
    struct lc_option_ref other = {0};

    while (lc_option_next(set, &other) && other.index < o->index) {
        if (lc_option_same_section(other.group->section, o->group->section) &&
            lc_option_is_in_files(&other))
            return false;
    }
    return true;
}

static lc_err each_of(const struct lc_option_set *set, const char *section,
                      lc_err (*fn)(const struct lc_option_ref *o, void *arg), void *arg)
{
    struct lc_option_ref o = {0};
    lc_err e = LC_OK;

    while (e == LC_OK && lc_option_next(set, &o)) {
        if (lc_option_is_in_files(&o) && lc_option_same_section(o.group->section, section))
            e = fn(&o, arg);
    }
    return e;
}

lc_err lc_option_each(const struct lc_option_set *set,
                      lc_err (*fn)(const struct lc_option_ref *o, void *arg), void *arg)
{
    struct lc_option_ref o = {0};
    lc_err e = each_of(set, NULL, fn, arg);

    while (e == LC_OK && lc_option_next(set, &o)) {
        if (o.group->section != NULL && lc_option_is_in_files(&o) && begins_section(set, &o))
            e = each_of(set, o.group->section, fn, arg);
    }
    return e;
}

const struct lc_option_group *lc_option_group_like(const struct lc_option_set *set,
                                                   const struct lc_option_group *group)
{
    struct lc_option_ref ref = {0};

    while (lc_option_next(set, &ref) && ref.group != group) {
        if (ref.group->rows == group->rows)
            return ref.group;
    }
    return NULL;
}

size_t lc_option_set_size(const struct lc_option_set *set)
{
    struct lc_option_ref o = {0};
    size_t size = 1;

    while (lc_option_next(set, &o)) {
        size_t end = o.part->offset + o.group->offset + o.row->offset + o.row->size;

        if (end > size)
            size = end;
    }
    return size;
}

/* ---- near names ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's: octets to insert, remove or exchange. */
static size_t distance(struct lc_slice a, struct lc_slice b)
{
    size_t row[NEAR_MAX + 1];

    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            size_t exchanged = diagonal + (a.p[i - 1] != b.p[j - 1]);

            row[j] = min3(above + 1, row[j - 1] + 1, exchanged);
            diagonal = above;
        }
    }
    return row[b.n];
}

void lc_near_init(struct lc_near *near, struct lc_slice name)
{
    *near = (struct lc_near){.name = name, .distance = name.n / 3 + 1};
    if (name.n > NEAR_MAX)
        near->name = lc_slice("", 0);
}

void lc_near_offer(struct lc_near *near, const char *candidate)
{
    struct lc_slice c = lc_slice_cstr(candidate);

    if (near->name.n == 0 || c.n > NEAR_MAX)
        return;

    size_t d = distance(near->name, c);

    if (d >= near->distance)
        return;
    near->distance = d;
    snprintf(near->best, sizeof near->best, "%s", candidate);
}

void lc_option_near(const struct lc_option_set *set, struct lc_slice name,
                    char out[LC_OPTION_NAME_MAX])
{
    struct lc_option_ref ref = {0};
    char candidate[LC_OPTION_NAME_MAX];
    struct lc_near near;

    lc_near_init(&near, name);
    while (lc_option_next(set, &ref)) {
        lc_option_name(&ref, candidate);
        lc_near_offer(&near, candidate);
    }
    memcpy(out, near.best, LC_OPTION_NAME_MAX);
}

/* ---- the table itself ---- */

const char *lc_option_kind_name(enum lc_option_kind kind)
{
    static const char *const names[] = {
#define KIND_NAME(id, type, name) [LC_OPTION_##id] = (name),
        LC_OPTION_KINDS(KIND_NAME)
#undef KIND_NAME
    };

    return names[kind];
}

static size_t kind_size(enum lc_option_kind kind)
{
    static const size_t sizes[] = {
#define KIND_SIZE(id, type, name) [LC_OPTION_##id] = sizeof(type),
        LC_OPTION_KINDS(KIND_SIZE)
#undef KIND_SIZE
    };

    return sizes[kind];
}

void lc_option_set_check(const struct lc_option_set *set)
{
    struct lc_option_ref ref = {0}, other;
    char name[LC_OPTION_NAME_MAX];

    while (lc_option_next(set, &ref)) {
        const struct lc_option *row = ref.row;
        struct lc_option_ref again;

        LC_ASSERT(ref.index < LC_OPTIONS_MAX);
        LC_ASSERT(row->size == kind_size(row->kind));
        LC_ASSERT((row->kind == LC_OPTION_FLAG) == (row->value == NULL));
        LC_ASSERT(row->kind != LC_OPTION_CHOICE || row->choices != NULL);
        LC_ASSERT(row->help != NULL && row->help[0] != '\0');
        lc_option_name(&ref, name);
        LC_ASSERT(strlen(name) < LC_OPTION_NAME_MAX - 1);
        LC_ASSERT(lc_option_find(set, lc_slice_cstr(name), &again) && again.index == ref.index);
        for (other = ref; row->letter != 0 && lc_option_next(set, &other);)
            LC_ASSERT(other.row->letter != row->letter);
    }
}
