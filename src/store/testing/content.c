/* SPDX-License-Identifier: Apache-2.0
 *
 * store/testing/content.c - the contents of a record, all from its number.
 */
#include <stdio.h>

#include "base/time.h"
#include "store/testing/model.h"
#include "store/testing/prng.h"

/* At most 199 octets. */
static size_t words(char *p, struct lc_prng *r)
{
    static const char *const texts[] = {
        "Failed password for root from 10.0.%u.7 port %u ssh2",
        "연결이 끊어졌습니다: 세션 %u, 사용자 %u",
        "GET /api/v1/items?id=%u HTTP/1.1 200 %u",
        "디스크 사용량 %u%% 초과 (노드 %u) 🔥",
        "worker %u: took %u ms",
    };
    const char *text = texts[lc_prng_below(r, LC_ARRAY_LEN(texts))];
    unsigned a = (unsigned)lc_prng_below(r, 256), b = (unsigned)lc_prng_below(r, 100000);
    return (size_t)snprintf(p, 200, text, a, b);
}

static size_t octets(char *p, size_t n, struct lc_prng *r)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)lc_prng_next(r);
    return n;
}

static struct lc_slice make_message(struct lc_content *c, size_t number, struct lc_prng *r)
{
    size_t n = (size_t)snprintf(c->message, sizeof c->message, "#%zu ", number);
    uint64_t kind = lc_prng_below(r, 20);
    if (kind == 0)
        n += octets(c->message + n, (size_t)lc_prng_below(r, LC_CONTENT_LONG), r);
    else if (kind == 1)
        while (n < LC_CONTENT_LONG)
            n += words(c->message + n, r);
    else if (kind > 2)
        n += words(c->message + n, r);
    return lc_slice(c->message, n);
}

static size_t make_fields(struct lc_content *c, struct lc_prng *r)
{
    static const char *const names[] = {"user", "status", "지연", "trace_id"};
    size_t count = (size_t)lc_prng_below(r, LC_ARRAY_LEN(c->fields) + 1);
    for (size_t i = 0; i < count; i++) {
        enum lc_field_type type = (enum lc_field_type)lc_prng_below(r, LC_FIELD_TYPES);
        int n = 0;
        if (type == LC_FIELD_BOOL)
            n = snprintf(c->values[i], sizeof c->values[i], "%s",
                         lc_prng_coin(r) ? "true" : "false");
        else if (type == LC_FIELD_FLOAT)
            n = snprintf(c->values[i], sizeof c->values[i], "%u.50",
                         (unsigned)lc_prng_below(r, 99));
        else if (type != LC_FIELD_NULL)
            n = snprintf(c->values[i], sizeof c->values[i], "%u", (unsigned)lc_prng_below(r, 999));
        c->fields[i] = (struct lc_field){
            .name = lc_slice_cstr(names[lc_prng_below(r, LC_ARRAY_LEN(names))]),
            .value = lc_slice(c->values[i], (size_t)n),
            .type = type,
        };
    }
    return count;
}

static int64_t make_time(int64_t received_ns, struct lc_prng *r)
{
    switch (lc_prng_below(r, 8)) {
    case 0: /* late by up to a day */
        return received_ns - (int64_t)lc_prng_below(r, 24 * 3600) * LC_NS_PER_S;
    case 1: /* a clock that is ahead */
        return received_ns + (int64_t)lc_prng_below(r, 3600) * LC_NS_PER_S;
    default:
        return received_ns - (int64_t)lc_prng_below(r, (uint64_t)LC_NS_PER_S);
    }
}

void lc_content_make(struct lc_content *c, size_t number, int64_t received_ns,
                     struct lc_record *ret)
{
    struct lc_prng r = {number * 31 + 7};
    uint64_t level = lc_prng_below(&r, LC_LEVEL_COUNT + 1);
    snprintf(c->host, sizeof c->host, "host-%u", (unsigned)lc_prng_below(&r, 3));
    snprintf(c->app, sizeof c->app, "앱-%u", (unsigned)lc_prng_below(&r, 4));
    snprintf(c->pid, sizeof c->pid, "%u", (unsigned)lc_prng_below(&r, 32768));
    snprintf(c->source, sizeof c->source, "10.0.0.%u:514", (unsigned)lc_prng_below(&r, 9));
    *ret = (struct lc_record){
        .received_ns = received_ns,
        .time_ns = make_time(received_ns, &r),
        .level = level == LC_LEVEL_COUNT ? LC_LEVEL_NONE : (enum lc_level)level,
        .stream = {.space = lc_prng_below(&r, 4) == 0 ? LC_LIT("audit") : LC_LIT("main"),
                   .host = lc_slice_cstr(c->host),
                   .app = lc_slice_cstr(c->app),
                   .facility = lc_prng_coin(&r) ? LC_LIT("auth") : lc_slice(NULL, 0)},
        .pid = lc_prng_coin(&r) ? lc_slice_cstr(c->pid) : lc_slice(NULL, 0),
        .source = lc_slice_cstr(c->source),
        .fields = c->fields,
    };
    ret->message = make_message(c, number, &r);
    ret->field_count = make_fields(c, &r);
}
