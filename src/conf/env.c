/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/env.c - options from variables of the environment.
 */
#include <errno.h>
#include <stdlib.h>

#include "conf/file.h"

static lc_err put(struct lc_settings *s, const struct lc_option_ref *o, struct lc_slice text,
                  struct lc_diag *why)
{
    struct lc_slice copy = lc_arena_copy(&s->texts, lc_slice(text.p, text.n + 1));

    if (copy.p == NULL) {
        lc_diag_set(why, "no memory");
        return -ENOMEM;
    }
    ((char *)copy.p)[text.n] = '\0'; /* the comma, or the NUL that is there */
    return lc_settings_put(s, o, (struct lc_option_origin){LC_FROM_ENV, 0}, (const char *)copy.p,
                           why);
}

static lc_err put_all(struct lc_settings *s, const struct lc_option_ref *o, struct lc_slice text,
                      struct lc_diag *why)
{
    struct lc_slice item;
    lc_err e = LC_OK;

    if (!lc_option_is_list(o->row->kind))
        return put(s, o, text, why);
    while (e == LC_OK && lc_slice_cut(&text, ',', &item)) {
        if (item.n > 0)
            e = put(s, o, item, why);
    }
    return e == LC_OK && text.n > 0 ? put(s, o, text, why) : e;
}

lc_err lc_settings_env(struct lc_settings *s, struct lc_diag *diag)
{
    struct lc_option_ref o = {0};
    char name[LC_OPTION_ENV_MAX];

    while (lc_option_next(s->set, &o)) {
        struct lc_diag why = {{0}, 0, 0};
        const char *text;
        lc_err e;

        if ((o.row->flags & LC_OPTION_NO_ENV) != 0)
            continue;
        lc_option_env(&o, name);
        text = getenv(name);
        if (text == NULL || text[0] == '\0')
            continue;
        e = put_all(s, &o, lc_slice_cstr(text), &why);
        if (e == LC_OK)
            continue;
        if ((o.row->flags & LC_OPTION_SECRET) != 0)
            lc_diag_set(diag, "%s: %s", name, why.text);
        else
            lc_diag_set(diag, "%s=%s: %s", name, text, why.text);
        return e;
    }
    return LC_OK;
}
