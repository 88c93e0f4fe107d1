/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/substitute.h"

#include <stdlib.h>

#define NAME_MAX_OCTETS 128

static bool is_name(struct lc_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!is_letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.n > 0 && s.n < NAME_MAX_OCTETS;
}

/* What stands between the braces. */
static lc_err put_variable(struct lc_slice inside, struct lc_dynbuf *out, struct lc_diag *diag)
{
    struct lc_slice name = inside, fallback = {NULL, 0};
    char text[NAME_MAX_OCTETS];
    bool has_fallback = false;

    for (size_t i = 0; !has_fallback && i + 1 < inside.n; i++) {
        if (inside.p[i] == ':' && inside.p[i + 1] == '-') {
            name.n = i;
            fallback = lc_slice_from(inside, i + 2);
            has_fallback = true;
        }
    }
    if (!is_name(name)) {
        lc_diag_set(diag, "not the name of a variable; write ${NAME} or ${NAME:-default}, and $$ "
                          "for a dollar");
        return LC_ESYNTAX;
    }
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';

    const char *value = getenv(text);

    if (value != NULL && (value[0] != '\0' || !has_fallback))
        return lc_dynbuf_append(out, lc_slice_cstr(value));
    if (has_fallback)
        return lc_dynbuf_append(out, fallback);
    lc_diag_set(diag, "%s is not set in the environment; a default is ${%s:-default}", text, text);
    return LC_ESYNTAX;
}

lc_err lc_substitute(struct lc_slice text, struct lc_dynbuf *out, struct lc_diag *diag)
{
    lc_err e = LC_OK;

    while (e == LC_OK && text.n > 0) {
        const uint8_t *dollar = memchr(text.p, '$', text.n);
        size_t plain = dollar != NULL ? (size_t)(dollar - text.p) : text.n;
        uint8_t next = plain + 1 < text.n ? text.p[plain + 1] : 0;
        size_t used = plain + (dollar != NULL);

        e = lc_dynbuf_append(out, lc_slice(text.p, plain));
        if (e == LC_OK && next == '{') {
            struct lc_slice rest = lc_slice_from(text, plain + 2), inside;

            if (!lc_slice_cut(&rest, '}', &inside)) {
                lc_diag_set(diag, "${ without its }; a dollar itself is written $$");
                return LC_ESYNTAX;
            }
            e = put_variable(inside, out, diag);
            used = plain + 2 + inside.n + 1;
        } else if (e == LC_OK && dollar != NULL) {
            e = lc_dynbuf_append(out, LC_LIT("$"));
            used += next == '$';
        }
        text = lc_slice_from(text, used);
    }
    return e;
}
