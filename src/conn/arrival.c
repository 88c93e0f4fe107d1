/* SPDX-License-Identifier: Apache-2.0 */
#include "conn/arrival.h"

#include <stdlib.h>
#include <time.h>

#include "conn/structured.h"

#define LEVEL_SEARCH 64 /* octets; docs/protocols.md, "Records" */

void lc_arrival_now(struct lc_arrival_context *ctx)
{
    int64_t now = lc_wall_ns(ctx->clock);

    ctx->syslog.received_ns = now;
    /* Also when the clock was set back. A zone's rules change on whole minutes. */
    if (now >= ctx->zone_until_ns || now < ctx->zone_until_ns - 60 * LC_NS_PER_S) {
        time_t seconds = (time_t)(now / LC_NS_PER_S);
        struct tm tm;

        ctx->syslog.utc_offset_s = localtime_r(&seconds, &tm) ? (int32_t)tm.tm_gmtoff : 0;
        ctx->zone_until_ns = now - now % (60 * LC_NS_PER_S) + 60 * LC_NS_PER_S;
    }
}

struct lc_structured *lc_arrival_structured(struct lc_arrival_context *ctx)
{
    if (ctx->structured == NULL)
        ctx->structured = calloc(1, sizeof *ctx->structured);
    return ctx->structured;
}

void lc_arrival_done(struct lc_arrival_context *ctx)
{
    if (ctx->structured == NULL)
        return;
    lc_forward_done(&ctx->structured->forward);
    lc_inflate_done(&ctx->structured->gelf_inflate);
    lc_gelf_chunks_free(ctx->structured->gelf_chunks);
    free(ctx->structured);
    ctx->structured = NULL;
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(uint8_t c)
{
    return is_upper(c & 0xDF);
}

/* Beside a word: it is only a part of a longer name. */
static bool is_of_name(uint8_t c)
{
    return c == '_' || c == '-' || c >= 0x80;
}

/* Whether the word line[start, end) stands as loggers write a level. */
static bool is_level_place(struct lc_slice line, size_t start, size_t end)
{
    uint8_t before = start > 0 ? line.p[start - 1] : ' ';
    uint8_t after = end < line.n ? line.p[end] : ' ';

    if (is_of_name(before) || is_of_name(after))
        return false;
    if (after == ':' || before == '=' || (before == '[' && after == ']') ||
        (before == '<' && after == '>'))
        return true;
    for (size_t i = start; i < end; i++) {
        if (!is_upper(line.p[i]))
            return false;
    }
    return true;
}

enum lc_level lc_arrival_level(struct lc_slice line)
{
    size_t n = line.n < LEVEL_SEARCH ? line.n : LEVEL_SEARCH;

    for (size_t i = 0; i < n;) {
        size_t start = i;

        if (!is_letter(line.p[i])) {
            i++;
            continue;
        }
        while (i < line.n && is_letter(line.p[i]))
            i++;
        if (i - start < 3 || i - start > 11) /* WRN ... INFORMATION */
            continue;
        enum lc_level level = lc_level_parse(lc_slice(line.p + start, i - start));
        if (level != LC_LEVEL_NONE && is_level_place(line, start, i))
            return level;
    }
    return LC_LEVEL_NONE;
}

void lc_arrival_begin(const struct lc_arrival_context *ctx, const struct lc_whence *whence,
                      enum lc_arrival_kind kind, struct lc_arrival *ret)
{
    *ret = (struct lc_arrival){.kind = kind,
                               .record = {.time_ns = LC_TIME_ABSENT,
                                          .received_ns = ctx->syslog.received_ns,
                                          .level = LC_LEVEL_NONE,
                                          .stream = {.space = whence->space},
                                          .source = whence->source}};
}

static lc_err decode_plain(const struct lc_arrival_context *ctx, struct lc_slice line,
                           struct lc_arrival *ret)
{
    ret->kind = LC_ARRIVAL_PLAIN;
    ret->record.message = line;
    if (ctx->detect_level)
        ret->record.level = lc_arrival_level(line);
    return LC_OK;
}

void lc_arrival_own(const struct lc_arrival_context *ctx, const struct lc_whence *whence,
                    struct lc_record *r)
{
    r->id = 0;
    r->received_ns = ctx->syslog.received_ns;
    r->source = whence->source;
}

static lc_err decode_json(struct lc_arrival_context *ctx, struct lc_slice line,
                          const struct lc_whence *whence, struct lc_arrival *ret)
{
    if (lc_json_line_decode(line, ctx->syslog.utc_offset_s, &ctx->members, &ret->record,
                            &ret->unplaced) != LC_OK)
        return decode_plain(ctx, line, ret);
    lc_arrival_own(ctx, whence, &ret->record);
    ret->kind = LC_ARRIVAL_JSON;
    ret->truncated = ret->unplaced.is_cut;
    return LC_OK;
}

bool lc_arrival_stores(enum lc_line_kind kind)
{
    switch (kind) {
    case LC_LINE_PLAIN:
    case LC_LINE_V1:
    case LC_LINE_V2:
    case LC_LINE_SYSLOG:
    case LC_LINE_JSON:
        return true;
    default:
        return false;
    }
}

lc_err lc_arrival_decode(struct lc_arrival_context *ctx, enum lc_line_kind kind,
                         struct lc_slice line, const struct lc_whence *whence,
                         struct lc_arrival *ret, const char **ret_reason)
{
    lc_arrival_begin(ctx, whence, LC_ARRIVAL_PLAIN, ret);
    switch (kind) {
    case LC_LINE_V1:
        ret->kind = LC_ARRIVAL_V1;
        return lc_v1_decode(line, &ret->record, &ret->unplaced, ret_reason);
    case LC_LINE_V2:
        ret->kind = LC_ARRIVAL_V2;
        return lc_v2_decode(line, &ret->record, &ret->unplaced, ret_reason);
    case LC_LINE_SYSLOG:
        ret->kind = LC_ARRIVAL_SYSLOG;
        if (lc_syslog_decode(line, &ctx->syslog, &ctx->scratch, &ret->record) == LC_OK)
            return LC_OK;
        return decode_plain(ctx, line, ret);
    case LC_LINE_JSON:
        return decode_json(ctx, line, whence, ret);
    default:
        return decode_plain(ctx, line, ret);
    }
}

void lc_arrival_count(struct lc_arrival_context *ctx, const struct lc_arrival *a)
{
    struct lc_conn_counters *c = ctx->counters;
    lc_counter *const of_kind[] = {
#define OF_KIND(id, name, help) &c->name,
        LC_ARRIVALS(OF_KIND)
#undef OF_KIND
    };

    lc_count(of_kind[a->kind], 1);
    if (a->truncated)
        lc_count(&c->truncated, 1);
    if (a->unplaced.repeated > 0)
        lc_count(&c->repeated_names, a->unplaced.repeated);
}
