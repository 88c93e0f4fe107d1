/* SPDX-License-Identifier: Apache-2.0
 *
 * proto/log_line.c - records as lines: LOG v1 and v2. The grammars are those of the seeds, and
 * docs/protocols.md has them.
 */
#include "base/time.h"
#include "proto/text.h"

#define V1 LC_LIT("LOG:")
#define V2 LC_LIT("LOG|")

static lc_err refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return LC_ESYNTAX;
}

static lc_err place(struct lc_slice level, struct lc_slice time, struct lc_slice message,
                    struct lc_record *ret, struct lc_unplaced *ret_unplaced,
                    const char **ret_reason)
{
    int64_t time_ns = ret->time_ns;
    lc_err e = time.n == 0 ? LC_OK : lc_unix_parse(time, &time_ns);
    if (e == LC_ESYNTAX)
        return refuse(ret_reason, "the time is not unix seconds");

    *ret_unplaced = (struct lc_unplaced){0};
    if (e == LC_OK)
        ret->time_ns = time_ns;
    else
        ret_unplaced->claimed_time = time;
    if (level.n > 0) {
        enum lc_level known = lc_level_parse(level);
        if (known == LC_LEVEL_NONE)
            ret_unplaced->level_text = level;
        else
            ret->level = known;
    }
    ret->message = message;
    return LC_OK;
}

lc_err lc_v1_decode(struct lc_slice line, struct lc_record *ret, struct lc_unplaced *ret_unplaced,
                    const char **ret_reason)
{
    LC_ASSERT(lc_slice_starts(line, V1));
    struct lc_slice time, level, rest = lc_slice_from(line, V1.n);
    if (!lc_slice_cut(&rest, ':', &time) || !lc_slice_cut(&rest, ':', &level))
        return refuse(ret_reason, "expected LOG:<unix seconds>:<level>:<message>");
    return place(level, time, rest, ret, ret_unplaced, ret_reason);
}

lc_err lc_v2_decode(struct lc_slice line, struct lc_record *ret, struct lc_unplaced *ret_unplaced,
                    const char **ret_reason)
{
    LC_ASSERT(lc_slice_starts(line, V2));
    struct lc_slice time, level, rest = lc_slice_from(line, V2.n);
    if (!lc_slice_cut(&rest, '|', &level) || !lc_slice_cut(&rest, '|', &time))
        return refuse(ret_reason, "expected LOG|<level>|<unix seconds>|<message>");
    return place(level, time, rest, ret, ret_unplaced, ret_reason);
}

lc_err lc_v2_encode(struct lc_dynbuf *out, const struct lc_record *r)
{
    struct lc_slice message = r->message;
    if (message.n > 0 &&
        (memchr(message.p, '\n', message.n) != NULL || message.p[message.n - 1] == '\r'))
        return LC_ESYNTAX;
    char time[LC_UNIX_MAX];
    size_t time_n = r->time_ns == LC_TIME_ABSENT ? 0 : lc_unix_format(r->time_ns, time);

    size_t before = out->n;
    const struct lc_slice parts[] = {
        V2,           lc_level_name(r->level),
        LC_LIT("|"),  lc_slice(time, time_n),
        LC_LIT("|"),  message,
        LC_LIT("\n"),
    };
    for (size_t i = 0; i < LC_ARRAY_LEN(parts); i++) {
        lc_err e = lc_dynbuf_append(out, parts[i]);
        if (e != LC_OK) {
            out->n = before;
            return e;
        }
    }
    return LC_OK;
}
