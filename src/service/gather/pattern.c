/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "service/gather/pattern.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

/* A line that some expression takes forever for must not hold up all inputs. */
#define STEPS_MAX 100000
#define HEAP_KIB  1024

struct lc_pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
};

static lc_err compile(struct lc_pattern *p, const char *text, struct lc_diag *diag)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR reason[128];

    p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                            PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &at, NULL);
    if (p->code != NULL)
        return LC_OK;
    pcre2_get_error_message(code, reason, sizeof reason);
    lc_diag_set(diag, "%s at character %zu of %s", (const char *)reason, (size_t)at + 1, text);
    return LC_ESYNTAX;
}

lc_err lc_pattern_new(const char *text, struct lc_pattern **ret, struct lc_diag *diag)
{
    struct lc_pattern *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;

    lc_err e = compile(p, text, diag);

    if (e == LC_OK) {
        p->match = pcre2_match_data_create(1, NULL);
        p->context = pcre2_match_context_create(NULL);
        e = p->match == NULL || p->context == NULL ? -ENOMEM : LC_OK;
    }
    if (e != LC_OK) {
        lc_pattern_free(p);
        return e;
    }
    pcre2_set_match_limit(p->context, STEPS_MAX);
    pcre2_set_heap_limit(p->context, HEAP_KIB);
    (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* else it is interpreted */
    *ret = p;
    return LC_OK;
}

void lc_pattern_free(struct lc_pattern *p)
{
    if (p == NULL)
        return;
    pcre2_code_free(p->code);
    pcre2_match_data_free(p->match);
    pcre2_match_context_free(p->context);
    free(p);
}

bool lc_pattern_matches(void *pattern, struct lc_slice line)
{
    const struct lc_pattern *p = pattern;
    static const uint8_t nothing[1];

    return pcre2_match(p->code, line.n > 0 ? line.p : nothing, line.n, 0, 0, p->match,
                       p->context) >= 0;
}
